//! `GET /images/{key}`.

use std::time::Duration;

use axum::{
    extract::{Path, State, rejection::PathRejection},
    response::Response,
};
use serde::Serialize;
use serde_json::{Value, json};
use sightline_pipeline::{ResultDocument, Service, index::Entry, object_store::Presigner as _};
use time::OffsetDateTime;
use utoipa::{OpenApi, ToSchema};

use super::definition::{Audience, Route};
use crate::{
    Ports, Problem,
    access::{Caller, unauthenticated},
    api::Shared,
    listed_image::{self, ListedImage},
    problem::{rejected, unavailable},
    request::key::{self, source_key},
    response,
    stored_image::{StoredImage, no_such_image, parse_result, result_unreadable},
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
        no_such_image(),
        result_unreadable(),
        rejected(Service::S3),
        unavailable(Service::S3),
    ]);
    problems
}

/// An image, with URLs to see it and its result.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ImageDetails {
    /// The image as it is listed.
    #[serde(flatten)]
    image: ListedImage,
    /// A signed URL of the image itself. Anyone who has it can read the image until it expires.
    #[schema(format = "uri")]
    image_url: String,
    /// A signed URL of the result document.
    #[schema(format = "uri")]
    result_url: String,
    /// When the signed URLs expire (RFC 3339, UTC).
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-01T12:15:00Z")]
    expires_at: OffsetDateTime,
}

/// See an image
///
/// The image as `GET /images` lists it, with signed URLs of the image itself, its thumbnail, its preview and its result. The reply comes
/// from the result document, so this works without an index.
#[utoipa::path(
    get,
    path = "/images/{key}",
    operation_id = "readImage",
    tag = "images",
    params((
        "key" = String,
        Path,
        description = "The image's key, percent-encoded as in `/results/{key}`.",
        min_length = 8,
        max_length = 1009,
        pattern = r"^(uploads|inline)/[\s\S]*[^/]$",
        example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
    )),
    responses((
        status = 200,
        description = "The image and its result exist.",
        body = ImageDetails,
        headers(("Cache-Control" = String, description = "`no-store`: the reply has signed URLs.")),
        example = json!(example())
    ))
)]
async fn handle<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let key = source_key(path)?;
    if !caller.may_read(&key) {
        return Err(no_such_image());
    }
    let document: ResultDocument = match StoredImage::find(&api, &key).await? {
        StoredImage {
            exists: true,
            result: Some(result),
        } => parse_result(&result.bytes)?,
        _ => return Err(no_such_image()),
    };
    let lifetime = Duration::from_secs(api.config.result_url_seconds);
    let expires_at = OffsetDateTime::now_utc() + lifetime;
    let buckets = &api.config.buckets;
    let sign = |bucket, key| api.presigner.presign_get(bucket, key, lifetime);
    Ok(response::json(&ImageDetails {
        image_url: sign(&buckets.input, key.as_str()).await?,
        result_url: sign(&buckets.output, &key.result_key()).await?,
        expires_at: expires_at.replace_nanosecond(0).unwrap_or(expires_at),
        image: listed_image::one(&api, Entry::from_document(&document).row).await?,
    }))
}

/// An example for the OpenAPI document.
pub(crate) fn example() -> Value {
    let mut image = listed_image::example();
    if let Some(image) = image.as_object_mut() {
        image.remove("confidence");
        for (name, value) in [
            (
                "imageUrl",
                "https://input.s3.eu-west-1.amazonaws.com/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0123456789abcdef",
            ),
            (
                "resultUrl",
                "https://output.s3.eu-west-1.amazonaws.com/results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.json?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0123456789abcdef",
            ),
            ("expiresAt", "2026-01-01T12:15:00Z"),
        ] {
            image.insert(name.to_owned(), json!(value));
        }
    }
    image
}
