//! `POST /guest/handovers`.

use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde::Serialize;
use sightline_pipeline::Service;
use time::OffsetDateTime;
use utoipa::{OpenApi, ToSchema};

use super::definition::{Audience, Route};
use crate::{
    Ports, Problem,
    access::{Caller, no_guest_identity},
    api::Shared,
    handover,
    offer::Part,
    problem::{disk_full, rejected, unavailable},
    response,
};

#[derive(OpenApi)]
#[openapi(paths(handle))]
struct Description;

pub(super) fn route<P: Ports>() -> Route<P> {
    Route::new::<__path_handle, _, _>(
        Audience::Guests,
        handle::<P>,
        Description::openapi,
        problems,
    )
    .part(Part::Guests)
}

/// What can go wrong.
fn problems() -> Vec<Problem> {
    vec![
        no_guest_identity(),
        rejected(Service::S3),
        unavailable(Service::S3),
        disk_full(),
    ]
}

/// A code that hands over a guest's images.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct HandoverCode {
    /// Send it to `POST /handovers` after signing in. Anyone who has it can take the images, so keep it secret.
    #[schema(example = "3f2911068703466b8f2b3ecee1ca56ce4f2911068703466b8f2b3ecee1ca56ce")]
    code: String,
    /// When the code expires (RFC 3339, UTC).
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-01T12:10:00Z")]
    expires_at: OffsetDateTime,
}

/// Get a code to take a guest's images along
///
/// For guests, signed with their temporary credentials. Whoever signs in within ten minutes and sends the code to `POST /handovers`
/// gets all images of this guest.
#[utoipa::path(
    post,
    path = "/guest/handovers",
    operation_id = "createHandover",
    tag = "images",
    responses((
        status = 201,
        description = "The code.",
        body = HandoverCode,
        headers(("Cache-Control" = String, description = "`no-store`")),
        example = json!({
            "code": "3f2911068703466b8f2b3ecee1ca56ce4f2911068703466b8f2b3ecee1ca56ce",
            "expiresAt": "2026-01-01T12:10:00Z"
        })
    ))
)]
async fn handle<P: Ports>(State(api): Shared<P>, caller: Caller) -> Result<Response, Problem> {
    let guest = caller.owner().ok_or_else(no_guest_identity)?;
    let output = &api.config.buckets.output;
    let now = OffsetDateTime::now_utc();
    let made = api
        .with_store(handover::create(&api.store, output, guest, now))
        .await?;
    let code = HandoverCode {
        code: made.code,
        expires_at: made.expires_at,
    };
    Ok((StatusCode::CREATED, response::json(&code)).into_response())
}
