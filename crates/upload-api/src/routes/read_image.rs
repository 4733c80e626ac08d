//! `GET /images/{key}` and `DELETE /images/{key}`.
//!
//! # How an image goes
//! Out of sight first: the index takes its row out and keeps a mark that refuses answers about
//! objects stored before. Then the image itself, so that no late event finds it. Then what was made of
//! it. A processor that has the image in hand meanwhile writes its document, is refused by the mark, and
//! takes the document back. Cut off anywhere, the image is not listed any more, and the same request
//! again does the rest; every step is done already where there is nothing.

use std::{sync::Arc, time::Duration};

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{StatusCode, header::CACHE_CONTROL},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sightline_pipeline::{
    ResultDocument, ServiceError, SourceKey,
    index::{Entry, ImageIndex},
    object_store::{ObjectStore, Presigner},
};
use time::OffsetDateTime;
use tracing::Instrument as _;
use utoipa::ToSchema;

use crate::{
    Api, Code, Ports, Problem,
    access::Caller,
    api::Shared,
    extract::source_key,
    openapi::{DetailProblems, RemovalProblems},
    routes::{
        listing::ListedImage,
        results::{Lies, read_document},
    },
};

/// An image, with addresses to see it and its result.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageDetails {
    /// The image as it is listed.
    #[serde(flatten)]
    image: ListedImage,
    /// A signed address of the image itself. Whoever has it can read the image until it expires.
    #[schema(format = "uri")]
    image_url: String,
    /// A signed address of the result document.
    #[schema(format = "uri")]
    result_url: String,
    /// When the signed addresses stop working (RFC 3339, UTC).
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-01T12:15:00Z")]
    expires_at: OffsetDateTime,
}

/// See an image
///
/// The image as `GET /images` lists it, and signed addresses of the image itself, its thumbnail and its
/// result. It is read from the result document, so it works without an index.
#[utoipa::path(
    get,
    path = "/images/{key}",
    operation_id = "readImage",
    tag = "images",
    params(
        (
            "key" = String,
            Path,
            description = "The image's key, percent-encoded as in `/results/{key}`.",
            min_length = 8,
            max_length = 1009,
            example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
        )
    ),
    responses(
        (
            status = 200,
            description = "The image and its result are there.",
            body = ImageDetails,
            headers(("Cache-Control" = String, description = "`no-store`: the reply holds signed addresses.")),
            example = json!(crate::openapi::example_details())
        ),
        DetailProblems
    )
)]
pub(crate) async fn read<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    let key = source_key(path)?;
    if !caller.sees(&key) {
        return Err(no_such_image());
    }
    let document: ResultDocument = match Lies::under(&api, &key).await? {
        Lies {
            image: true,
            answer: Some((_, bytes)),
        } => read_document(&bytes)?,
        _ => return Err(no_such_image()),
    };
    let lifetime = Duration::from_secs(api.config.result_url_seconds);
    let expires_at = OffsetDateTime::now_utc() + lifetime;
    let buckets = &api.config.buckets;
    let sign = |bucket, key| api.presigner.presign_get(bucket, key, lifetime);
    let details = ImageDetails {
        image_url: sign(&buckets.input, key.as_str()).await?,
        result_url: sign(&buckets.output, &key.result_key()).await?,
        expires_at: expires_at.replace_nanosecond(0).unwrap_or(expires_at),
        image: ListedImage::new(&api, Entry::from_document(&document).row, None).await?,
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(details)).into_response())
}

/// Delete an image
///
/// The image, its thumbnail, its result and its place in every list are gone with the reply. Deleting
/// what is not there succeeds too, so a request without a reply can be repeated. In a bucket that keeps
/// versions, the image's versions stay for whoever may read versions there.
#[utoipa::path(
    delete,
    path = "/images/{key}",
    operation_id = "deleteImage",
    tag = "images",
    params(
        (
            "key" = String,
            Path,
            description = "The image's key, percent-encoded as in `/results/{key}`.",
            min_length = 8,
            max_length = 1009,
            example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
        )
    ),
    responses(
        (status = 204, description = "Nothing of the image is left."),
        RemovalProblems
    )
)]
pub(crate) async fn delete<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    caller.more_than_a_key("deletes images")?;
    let key = source_key(path)?;
    if !caller.sees(&key) {
        return Err(no_such_image());
    }
    // By itself, because the server drops the work of a client that leaves wherever it stands.
    tokio::spawn(async move { api.with_store(remove(&api, &key)).await }.in_current_span())
        .await
        .map_err(|error| Problem::store_unavailable(&error))??;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Removes all that there is of an image; see above for the order.
async fn remove<P: Ports>(api: &Arc<Api<P>>, key: &SourceKey) -> Result<(), ServiceError> {
    if let Some(index) = &api.index {
        index.remove(key, OffsetDateTime::now_utc()).await?;
    }
    let buckets = &api.config.buckets;
    api.store.delete(&buckets.input, key.as_str()).await?;
    let (thumbnail, result, claim) = (key.thumbnail_key(), key.result_key(), key.lease_key());
    tokio::try_join!(
        api.store.delete(&buckets.output, &thumbnail),
        api.store.delete(&buckets.output, &result),
        api.store.delete(&buckets.output, &claim),
    )?;
    Ok(())
}

fn no_such_image() -> Problem {
    Problem::new(
        Code::NoSuchImage,
        "There is no analysed image under this key. GET /results/{key} tells whether its result is still to come.",
    )
}
