//! `GET /openapi.json`.

use std::sync::OnceLock;

use axum::{
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
};

use crate::openapi::{AnyProblems, openapi};

/// Read this description
///
/// The OpenAPI 3.1 description of the API, generated from its code.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "service",
    responses(
        (
            status = 200,
            description = "The OpenAPI document.",
            content_type = "application/json",
            body = Object
        ),
        AnyProblems
    )
)]
pub(crate) async fn schema() -> Response {
    static DOCUMENT: OnceLock<String> = OnceLock::new();
    let document = DOCUMENT.get_or_init(openapi).as_str();
    (
        [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-cache"),
        ],
        document,
    )
        .into_response()
}
