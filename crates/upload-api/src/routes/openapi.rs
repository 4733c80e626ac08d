//! `GET /openapi.json`.

use std::sync::{Arc, OnceLock};

use axum::{
    Extension,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use utoipa::OpenApi;

use super::definition::{Audience, Route};
use crate::{Ports, Problem, offer::Offer};

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
#[derive(Clone)]
pub(crate) struct Document {
    render: fn(Offer) -> String,
    offer: Offer,
    text: Arc<OnceLock<String>>,
}

impl Document {
    /// The document of this offer. It is rendered when it is first requested.
    pub(crate) fn new(render: fn(Offer) -> String, offer: Offer) -> Self {
        Self {
            render,
            offer,
            text: Arc::default(),
        }
    }
}

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
async fn handle(Extension(document): Extension<Document>) -> Response {
    let text = document
        .text
        .get_or_init(|| (document.render)(document.offer))
        .clone();
    (
        [
            (CONTENT_TYPE, "application/json"),
            (CACHE_CONTROL, "no-cache"),
        ],
        text,
    )
        .into_response()
}
