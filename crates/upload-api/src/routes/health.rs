//! `GET /health`.

use axum::{
    Json,
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::AnyProblems;

/// That the service answers, and which version of it.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Health {
    /// Always `ok`: a service that is not does not answer.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
    /// The version of the upload API.
    #[schema(value_type = String, example = "0.1.0")]
    version: &'static str,
}

/// Tell that the service answers
///
/// Asks neither the buckets nor anything else: it says that this service runs, and is for load
/// balancers and for people.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "service",
    responses(
        (status = 200, description = "The service answers.", body = Health),
        AnyProblems
    )
)]
pub(crate) async fn health() -> Response {
    let health = Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    };
    ([(CACHE_CONTROL, "no-store")], Json(health)).into_response()
}
