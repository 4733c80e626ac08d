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
use sightline_pipeline::object_store::{ObjectStore, Presigner};

use crate::{
    Code, Problem,
    access::Caller,
    api::{Ports, Shared},
    extract::source_key,
    openapi::ThumbnailProblems,
};

/// The longest a redirection is kept, in seconds. An address signed with a role's credentials dies
/// with them, whatever it was signed for (Amazon S3 User Guide, "Download and upload objects with
/// presigned URLs"), so a long life is no reason to keep it for long.
const MAX_AGE_SECONDS: u64 = 300;

/// See an image's thumbnail
///
/// Redirects to a signed address of the thumbnail, a small upright JPEG without metadata, so that the
/// path can stand in an `<img>` element. While an image that was replaced is not analysed yet, it is
/// the thumbnail of the one before.
#[utoipa::path(
    get,
    path = "/thumbnails/{key}",
    operation_id = "readThumbnail",
    tag = "images",
    params(
        (
            "key" = String,
            Path,
            description = "The image's own key, not the thumbnail's, percent-encoded as in `/results/{key}`.",
            min_length = 8,
            max_length = 1009,
            example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
        )
    ),
    responses(
        (
            status = 302,
            description = "The thumbnail lies at `Location`.",
            headers(
                ("Location" = String, description = "A signed address of the thumbnail. Whoever has it can read the thumbnail until it expires."),
                ("Cache-Control" = String, description = "`private`, with a `max-age` that ends well before the address stops working.")
            )
        ),
        ThumbnailProblems
    )
)]
pub(crate) async fn read<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let key = source_key(path)?;
    if !caller.sees(&key) {
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
    let address = api
        .presigner
        .presign_get(bucket, &thumbnail_key, Duration::from_secs(lifetime))
        .await?;
    let max_age = (lifetime / 2).min(MAX_AGE_SECONDS);
    Ok((
        StatusCode::FOUND,
        [
            (LOCATION, address),
            (CACHE_CONTROL, format!("private, max-age={max_age}")),
        ],
    )
        .into_response())
}

fn no_such_thumbnail() -> Problem {
    Problem::new(
        Code::NoSuchThumbnail,
        "There is no thumbnail of an image with this key. Ask by the image's own key; `thumbnail` in its result says whether there is one.",
    )
}
