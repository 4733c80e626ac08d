//! Whether a request came through the site's own address (`ORIGIN_SECRETS`).
//!
//! The address of the API itself cannot be closed: an HTTP API has no web ACL. So CloudFront adds a secret header to the requests
//! that it passes on, and replaces one that a client sent (Amazon CloudFront Developer Guide, "Add custom headers to origin
//! requests"). Requests without it are rejected before anything else, whatever their path.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, Method},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use sightline_pipeline::config::OriginSecrets;
use subtle::{Choice, ConstantTimeEq as _};
use tower::ServiceExt as _;
use tower_http::cors::CorsLayer;

use crate::{Code, Problem};

/// The header with the secret.
const HEADER: HeaderName = HeaderName::from_static("x-sightline-origin");

/// Rejects requests without one of these secrets. `cors` lets pages read the rejection if they could read other replies.
pub(crate) fn check(router: Router, secrets: OriginSecrets, cors: Option<CorsLayer>) -> Router {
    let rejecting = Router::new().fallback(|| async { not_through_site() });
    let gate = Gate {
        secrets,
        rejecting: match cors {
            Some(cors) => rejecting.layer(cors),
            None => rejecting,
        },
    };
    router.layer(middleware::from_fn_with_state(Arc::new(gate), pass))
}

struct Gate {
    secrets: OriginSecrets,
    rejecting: Router,
}

async fn pass(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let is_accepted = has_secret(request.headers(), &gate.secrets);
    request.headers_mut().remove(HEADER);
    if is_accepted {
        return next.run(request).await;
    }
    if request.method() == Method::OPTIONS {
        // Otherwise the CORS layer would take it for a preflight and allow it.
        *request.method_mut() = Method::GET;
    }
    match gate.rejecting.clone().oneshot(request).await {
        Ok(response) => response.into_response(),
        Err(never) => match never {},
    }
}

/// Whether the header is there once, with an accepted value. Without secrets, every request is accepted. The time it takes says
/// nothing about the secrets but their length.
fn has_secret(headers: &HeaderMap, secrets: &OriginSecrets) -> bool {
    if secrets.is_empty() {
        return true;
    }
    let mut sent = headers.get_all(HEADER).iter();
    let (Some(value), None) = (sent.next(), sent.next()) else {
        return false;
    };
    let matches = secrets.values().fold(Choice::from(0), |found, secret| {
        found | secret.as_bytes().ct_eq(value.as_bytes())
    });
    matches.into()
}

/// The request came to the API's own address.
pub(crate) fn not_through_site() -> Problem {
    Problem::new(
        Code::NotThroughSite,
        "This API answers only through its site. Send the request to the site's own address, the one that its pages have.",
    )
}
