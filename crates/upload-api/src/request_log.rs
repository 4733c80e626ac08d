//! One log line for each request. It names the route, never the URL: a key may contain a picture's name, and a query string
//! may contain a signature.

use std::time::Instant;

use axum::{
    extract::{MatchedPath, Request},
    http::{HeaderName, HeaderValue, header::X_CONTENT_TYPE_OPTIONS},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;
use uuid::Uuid;

/// The reply's header with the request's id.
const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The request's id in the log: the invocation's id on Lambda, a new one elsewhere. A client cannot choose it and so cannot
/// write into the log.
#[derive(Debug, Clone)]
pub(crate) struct RequestId(pub(crate) String);

/// Logs the request, and adds the headers that every reply has.
pub(crate) async fn log(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let request_id = match request.extensions().get::<RequestId>() {
        Some(RequestId(id)) => id.clone(),
        None => Uuid::new_v4().to_string(),
    };
    let method = request.method().clone();
    let route = request
        .extensions()
        .get::<MatchedPath>()
        .map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let span = tracing::info_span!("request", request_id);
    let mut response = next.run(request).instrument(span.clone()).await;
    span.in_scope(|| {
        tracing::info!(
            %method,
            route,
            status = response.status().as_u16(),
            duration_ms = began.elapsed().as_micros() as f64 / 1000.0,
            "answered"
        );
    });
    let headers = response.headers_mut();
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(request_id) = HeaderValue::try_from(request_id) {
        headers.insert(X_REQUEST_ID, request_id);
    }
    response
}
