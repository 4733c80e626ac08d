//! The routes for guests, as API Gateway guards them with IAM authorization: it checks the signature, and tells the function who
//! signed. A request that is not signed by a guest gets 403 and never reaches the API.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{Method, StatusCode},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use serde_json::json;
use sightline_local_aws::GuestPool;
use sightline_upload_api::GuestIdentity;
use time::OffsetDateTime;

/// The largest body that API Gateway passes on (Amazon API Gateway Developer Guide, "Quotas for HTTP APIs").
const MAX_BODY: usize = 10 * 1024 * 1024;

/// Adds the check to the API.
pub(super) fn add_to(api: Router, pool: GuestPool) -> Router {
    api.layer(middleware::from_fn_with_state(Arc::new(pool), check))
}

async fn check(State(pool): State<Arc<GuestPool>>, request: Request, next: Next) -> Response {
    // API Gateway answers preflights by itself.
    let is_for_guests = request.uri().path().starts_with("/guest/");
    if !is_for_guests || request.method() == Method::OPTIONS {
        return next.run(request).await;
    }
    let (head, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return rejection(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let Ok(identity_id) = pool.authenticate(&head, &body, OffsetDateTime::now_utc()) else {
        return rejection(StatusCode::FORBIDDEN, "Forbidden");
    };
    let mut request = Request::from_parts(head, Body::from(body));
    request.extensions_mut().insert(GuestIdentity {
        identity_id,
        identity_pool_id: pool.id().to_owned(),
    });
    next.run(request).await
}

/// A reply in the form of API Gateway's own.
fn rejection(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}
