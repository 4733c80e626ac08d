//! What the buckets hold under a key.
//!
//! # Which result is current
//! A result document belongs to one version of an image. If the image was replaced and its own result is not there yet,
//! the older result is not current, and nobody gets it. Versions are compared by version id if both sides have one,
//! otherwise by ETag and time of upload. A result outlives its image: it stays current when the image itself is gone. If
//! somebody deletes the newest version of an image, an older one reappears without an event; it has no current result
//! until the image is uploaded again.

use serde::{Deserialize, de::DeserializeOwned};
use sightline_pipeline::{
    ServiceError, SourceKey,
    object_store::{Get, GetOutcome, ObjectInfo, ObjectStore},
};
use time::OffsetDateTime;

use crate::{Api, Code, Ports, Problem};

/// An image and its result, as far as they exist.
pub(crate) struct StoredImage {
    /// Whether the image itself exists.
    pub(crate) exists: bool,
    /// The current result document.
    pub(crate) result: Option<StoredResult>,
}

/// A result document as it is stored.
pub(crate) struct StoredResult {
    /// Its ETag, without quotes.
    pub(crate) e_tag: String,
    /// Its bytes.
    pub(crate) bytes: Vec<u8>,
}

/// Deletes an image from the input bucket. In a bucket that keeps versions it is gone for good only with `versions`, which deletes
/// all of them.
pub(crate) async fn delete_original<S: ObjectStore>(
    store: &S,
    bucket: &str,
    key: &SourceKey,
    versions: bool,
) -> Result<(), ServiceError> {
    if versions {
        store.delete_versions(bucket, key.as_str()).await
    } else {
        store.delete(bucket, key.as_str()).await
    }
}

impl StoredImage {
    /// Looks into both buckets.
    pub(crate) async fn find<P: Ports>(api: &Api<P>, key: &SourceKey) -> Result<Self, Problem> {
        let buckets = &api.config.buckets;
        let result_key = key.result_key();
        let (document, image) = api
            .with_store(async {
                tokio::try_join!(
                    api.store.get(Get::whole(&buckets.output, &result_key)),
                    api.store.head(&buckets.input, key.as_str()),
                )
            })
            .await?;
        let mut result = None;
        if let GetOutcome::Found(info, bytes) = document {
            let version: ResultVersion = parse_result(&bytes)?;
            let current = image
                .as_ref()
                .is_none_or(|image| version.source.matches(key, image));
            result = current.then_some(StoredResult {
                e_tag: info.e_tag,
                bytes,
            });
        }
        Ok(Self {
            exists: image.is_some(),
            result,
        })
    }
}

/// The part of a result document that says to which version of the image it belongs. Nothing else is read, so that
/// documents of later schema versions pass unchanged.
#[derive(Debug, Deserialize)]
struct ResultVersion {
    source: SourceVersion,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct SourceVersion {
    e_tag: String,
    version_id: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    last_modified: Option<OffsetDateTime>,
}

impl SourceVersion {
    fn matches(&self, key: &SourceKey, image: &ObjectInfo) -> bool {
        if let (Some(of_result), Some(of_image)) = (&self.version_id, &image.version_id) {
            return of_result == of_image;
        }
        // The same bytes can be uploaded again, for other analyses. An image that came in a request is stored only once,
        // after the time in its document.
        let uploaded_later = key.is_upload()
            && (self.last_modified.zip(image.last_modified)).is_some_and(
                |(of_result, of_image)| of_image.unix_timestamp() > of_result.unix_timestamp(),
            );
        self.e_tag == image.e_tag && !uploaded_later
    }
}

/// As much of a stored result document as `T` takes.
pub(crate) fn parse_result<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        tracing::error!(%error, "a stored result is not a result document");
        result_unreadable()
    })
}

/// The stored result is not a result document.
pub(crate) fn result_unreadable() -> Problem {
    Problem::new(
        Code::ResultUnreadable,
        "The stored result is not a result document. Upload the image again to replace it.",
    )
}

/// No analysed image has this key.
pub(crate) fn no_such_image() -> Problem {
    Problem::new(
        Code::NoSuchImage,
        "No analysed image has this key. GET /results/{key} says whether its result is still pending.",
    )
}
