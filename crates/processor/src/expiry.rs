//! The end of a result: when the bucket's lifecycle deletes an old document, its row leaves the index.

use sightline_pipeline::{
    ServiceError, SourceKey, index::ImageIndex, keys::Derived, object_store::ObjectStore,
};
use time::OffsetDateTime;

use crate::event::ObjectExpired;

/// Takes the row of an expired document out of the index. Returns whether there was one.
///
/// A document that was written since stays listed: it is in the bucket, or it was processed after the event.
///
/// # Errors
/// [`ServiceError`] if the bucket or the index fails.
pub(crate) async fn prune<S: ObjectStore, I: ImageIndex>(
    store: &S,
    index: Option<&I>,
    output_bucket: &str,
    event: &ObjectExpired,
    now: OffsetDateTime,
) -> Result<bool, ServiceError> {
    let Some(index) = index.filter(|_| event.bucket == output_bucket) else {
        return Ok(false);
    };
    let Some((key, Derived::Result)) = SourceKey::of_derived(&event.key) else {
        return Ok(false);
    };
    if store.head(output_bucket, &event.key).await?.is_some() {
        return Ok(false);
    }
    index.prune(&key, event.time.unwrap_or(now)).await
}
