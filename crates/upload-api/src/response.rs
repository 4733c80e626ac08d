//! Replies that several routes share. Caches must not keep them: they contain signed URLs or what pictures show.

use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, LOCATION},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// 200 with this body.
pub(crate) fn json(body: &impl Serialize) -> Response {
    ([(CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

/// 201 with this body, and where to ask for the result.
pub(crate) fn created(location: &str, body: &impl Serialize) -> Response {
    let mut response = (StatusCode::CREATED, json(body)).into_response();
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}
