//! `GET /health`.

use axum::response::Response;
use serde::Serialize;
use utoipa::{OpenApi, ToSchema};

use super::definition::{Audience, Route};
use crate::{Ports, Problem, response};

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

/// The service is running, and in which version.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// Always `ok`.
    #[schema(value_type = String, example = "ok")]
    status: &'static str,
    /// The version of the upload API.
    #[schema(value_type = String, example = "0.1.0")]
    version: &'static str,
}

/// Check that the service is running
///
/// The check does not ask the buckets or any other service. It is for load balancers and for people.
#[utoipa::path(
    get,
    path = "/health",
    operation_id = "health",
    tag = "service",
    responses((
        status = 200,
        description = "The service is running.",
        body = Health,
        example = json!({"status": "ok", "version": "0.1.0"})
    ))
)]
async fn handle() -> Response {
    response::json(&Health {
        status: "ok",
        version: env!("CARGO_PKG_VERSION"),
    })
}
