//! `GET /thumbnails/{key}`.

use std::time::Duration;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::{
        StatusCode,
        header::{CACHE_CONTROL, LOCATION},
    },
    response::{IntoResponse, Response},
};
use sightline_pipeline::{
    Service,
    object_store::{ObjectStore as _, Presigner as _},
};
use utoipa::OpenApi;

use super::definition::{Audience, Route};
use crate::{
    Code, Ports, Problem,
    access::{Caller, unauthenticated},
    api::Shared,
    problem::{rejected, unavailable},
    request::key::{self, source_key},
};

#[derive(OpenApi)]
#[openapi(paths(handle))]
struct Description;

pub(super) fn route<P: Ports>() -> Route<P> {
    Route::new::<__path_handle, _, _>(
        Audience::Callers,
        handle::<P>,
        Description::openapi,
        problems,
    )
}

/// What can go wrong.
fn problems() -> Vec<Problem> {
    let mut problems = key::problems();
    problems.extend([
        unauthenticated(),
        no_such_thumbnail(),
        rejected(Service::S3),
        unavailable(Service::S3),
    ]);
    problems
}

/// The longest time that clients keep a redirect, in seconds. A URL signed with a role's credentials expires with them,
/// whatever lifetime it was signed for (Amazon S3 User Guide, "Download and upload objects with presigned URLs").
const MAX_AGE_SECONDS: u64 = 300;

/// See an image's thumbnail
///
/// Redirects to a signed URL of the thumbnail, a small upright JPEG without metadata. An `<img>` element can therefore use
/// this path. While a replaced image has not been analysed, the thumbnail is that of the earlier image.
#[utoipa::path(
    get,
    path = "/thumbnails/{key}",
    operation_id = "readThumbnail",
    tag = "images",
    params((
        "key" = String,
        Path,
        description = "The image's own key, not the thumbnail's, percent-encoded as in `/results/{key}`.",
        min_length = 8,
        max_length = 1009,
        example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
    )),
    responses((
        status = 302,
        description = "The thumbnail is at `Location`.",
        headers(
            ("Location" = String, description = "A signed URL of the thumbnail. Anyone who has it can read the thumbnail until it expires."),
            ("Cache-Control" = String, description = "`private`, with a `max-age` that ends well before the URL expires.")
        )
    ))
)]
async fn handle<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let key = source_key(path)?;
    if !caller.may_read(&key) {
        return Err(no_such_thumbnail());
    }
    let thumbnail_key = key.thumbnail_key();
    let bucket = &api.config.buckets.output;
    let lifetime = api.config.result_url_seconds;
    let thumbnail = api
        .with_store(api.store.head(bucket, &thumbnail_key))
        .await?;
    if thumbnail.is_none() {
        return Err(no_such_thumbnail());
    }
    let url = api
        .presigner
        .presign_get(bucket, &thumbnail_key, Duration::from_secs(lifetime))
        .await?;
    let max_age = (lifetime / 2).min(MAX_AGE_SECONDS);
    Ok((
        StatusCode::FOUND,
        [
            (LOCATION, url),
            (CACHE_CONTROL, format!("private, max-age={max_age}")),
        ],
    )
        .into_response())
}

fn no_such_thumbnail() -> Problem {
    Problem::new(
        Code::NoSuchThumbnail,
        "No thumbnail exists for this key. Use the image's own key; the member thumbnail of its result says whether there is one.",
    )
}
