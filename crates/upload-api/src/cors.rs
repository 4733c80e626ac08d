//! Which pages of other origins may call the API.

use std::time::Duration;

use axum::http::{
    HeaderName, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_NONE_MATCH, LOCATION, RETRY_AFTER},
};
use sightline_pipeline::config::AllowedOrigins;
use tower_http::cors::{AllowOrigin, CorsLayer};

/// The rules for these origins; `None` if no page of another origin may call. Behind API Gateway no rules are needed: its own
/// CORS settings replace the function's (Amazon API Gateway Developer Guide, "Configure CORS for HTTP APIs").
pub(crate) fn layer(origins: &AllowedOrigins) -> Option<CorsLayer> {
    let origin = match origins {
        AllowedOrigins::None => return None,
        AllowedOrigins::Any => AllowOrigin::any(),
        AllowedOrigins::List(origins) => AllowOrigin::list(
            origins
                .iter()
                .filter_map(|origin| HeaderValue::try_from(origin).ok()),
        ),
    };
    Some(
        CorsLayer::new()
            .allow_origin(origin)
            .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::DELETE])
            .allow_headers([
                AUTHORIZATION,
                CONTENT_TYPE,
                IF_NONE_MATCH,
                // Guests sign with these.
                HeaderName::from_static("x-amz-content-sha256"),
                HeaderName::from_static("x-amz-date"),
                HeaderName::from_static("x-amz-security-token"),
            ])
            .expose_headers([
                ETAG,
                LOCATION,
                RETRY_AFTER,
                HeaderName::from_static("x-request-id"),
            ])
            .max_age(Duration::from_secs(3600)),
    )
}
