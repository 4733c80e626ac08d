//! `GET /openapi.json`.

use std::sync::OnceLock;

use axum::{
    Extension,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use utoipa::OpenApi;

use super::definition::{Audience, Route};
use crate::{Ports, Problem};

#[derive(OpenApi)]
#[openapi(paths(handle))]
struct Description;

pub(super) fn route<P: Ports>() -> Route<P> {
    Route::new::<__path_handle, _, _>(Audience::Public, handle, Description::openapi, problems)
}

/// What can go wrong.
fn problems() -> Vec<Problem> {
    Vec::new()
}

/// Renders the OpenAPI document. The router provides it, because the document describes this route too.
#[derive(Clone, Copy)]
pub(crate) struct Document(pub(crate) fn() -> String);

/// Read this document
///
/// The OpenAPI 3.1 document of the API, generated from its code.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "openapi",
    tag = "service",
    responses((
        status = 200,
        description = "The OpenAPI document.",
        content_type = "application/json",
        body = Object
    ))
)]
async fn handle(Extension(Document(render)): Extension<Document>) -> Response {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(render).as_str();
    (
        [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-cache"),
        ],
        text,
    )
        .into_response()
}
