//! `DELETE /images/{key}`.
//!
//! # Order
//! 1. The index takes out the row. It leaves a mark that names the removed versions: the row's and the bucket's.
//! 2. The image itself, so that a late event does not find it; with `DELETE_VERSIONS`, all of its versions.
//! 3. The mark again. It now says that the image is gone, so an object that is there afterwards is a new one. If a
//!    processor added the row between the two marks, the row is taken out.
//! 4. Its thumbnail, preview, result and lease.
//!
//! A processor that is working on the image meanwhile writes its document, is rejected by the mark, and removes the document
//! again. A processor that wrote its document before step 3 loses it in step 4. After an interruption the image is no longer
//! listed, and the same request does the rest: every step succeeds if its object is gone already.

use axum::{
    extract::{Path, State, rejection::PathRejection},
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use sightline_pipeline::{
    Service, ServiceError, SourceKey,
    config::Buckets,
    index::{Deletion, ImageIndex},
    object_store::ObjectStore,
};
use time::OffsetDateTime;
use utoipa::OpenApi;

use super::definition::{Audience, Route};
use crate::{
    Ports, Problem,
    access::{Caller, forbidden, unauthenticated},
    api::Shared,
    background_task::run_to_end,
    problem::{disk_full, rejected, unavailable},
    request::key::{self, source_key},
    stored_image::{delete_original, no_such_image},
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
        forbidden(OPERATION),
        no_such_image(),
        rejected(Service::S3),
        rejected(Service::Index),
        unavailable(Service::S3),
        disk_full(),
        unavailable(Service::Index),
    ]);
    problems
}

/// What callers do here.
const OPERATION: &str = "delete images";

/// Delete an image
///
/// When the reply arrives, the image, its thumbnail, its preview and its result are gone, and no list shows it. Deleting an image that
/// does not exist succeeds too, so a request without a reply can be repeated. Where the service is set up to keep older
/// versions of images, all of them are deleted. Where somebody else switched versioning on for its buckets, older versions
/// remain for anyone who may read versions there.
#[utoipa::path(
    delete,
    path = "/images/{key}",
    operation_id = "deleteImage",
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
    responses((status = 204, description = "The image is deleted."))
)]
async fn handle<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
) -> Result<Response, Problem> {
    caller.authorize(OPERATION)?;
    let key = source_key(path)?;
    if !caller.may_read(&key) {
        return Err(no_such_image());
    }
    run_to_end(async move {
        let (index, config) = (api.index.as_ref(), &api.config);
        api.with_store(delete_image(
            &api.store,
            index,
            &config.buckets,
            &key,
            config.delete_versions,
        ))
        .await
    })
    .await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Deletes everything that belongs to an image, in the order above; with `delete_versions`, all versions of the original. Repeating
/// it after an error completes it.
///
/// # Errors
/// [`ServiceError`] if a bucket or the index fails.
pub async fn delete_image<S: ObjectStore, I: ImageIndex>(
    store: &S,
    index: Option<&I>,
    buckets: &Buckets,
    key: &SourceKey,
    delete_versions: bool,
) -> Result<(), ServiceError> {
    let mut deletion = Deletion::from(OffsetDateTime::now_utc());
    if let Some(index) = index {
        match store.head(&buckets.input, key.as_str()).await {
            Ok(found) => deletion.version = found.map(|info| info.version()),
            Err(error) if error.is_retryable() => return Err(error),
            // An image that may not be read can still be deleted, as one with a customer's key.
            Err(error) => tracing::warn!(%key, %error, "deleting an image without its version"),
        }
        deletion.complete = false;
        index.remove(key, &deletion).await?;
    }
    delete_original(store, &buckets.input, key, delete_versions).await?;
    if let Some(index) = index {
        deletion.complete = true;
        index.remove(key, &deletion).await?;
    }
    let (thumbnail, preview) = (key.thumbnail_key(), key.preview_key());
    let (result, lease) = (key.result_key(), key.lease_key());
    tokio::try_join!(
        store.delete(&buckets.output, &thumbnail),
        store.delete(&buckets.output, &preview),
        store.delete(&buckets.output, &result),
        store.delete(&buckets.output, &lease),
    )?;
    Ok(())
}
