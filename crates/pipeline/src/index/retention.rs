//! Deletes old results where no lifecycle rule of the bucket does.

use time::OffsetDateTime;

use super::ImageIndex;
use crate::{object_store::ObjectStore, service_error::ServiceError};

/// Deletes the documents that were processed until `until`, with their thumbnails, previews and rows. Returns their number. The images
/// stay.
///
/// # Errors
/// [`ServiceError`] if the bucket or the index fails. The next call deletes the rest.
pub async fn expire<S: ObjectStore, I: ImageIndex>(
    store: &S,
    index: &I,
    output_bucket: &str,
    until: OffsetDateTime,
) -> Result<u64, ServiceError> {
    let mut expired = 0;
    let mut after: Option<String> = None;
    loop {
        let rows = index.rows(after.as_deref()).await?;
        for (key, _) in (rows.rows.iter()).filter(|(_, processed_at)| *processed_at <= until) {
            // A newer document may have been written a moment ago, and its row not yet.
            let document = store.head(output_bucket, &key.result_key()).await?;
            if document.is_some_and(|info| info.last_modified.is_none_or(|time| time > until)) {
                continue;
            }
            store.delete(output_bucket, &key.thumbnail_key()).await?;
            store.delete(output_bucket, &key.preview_key()).await?;
            store.delete(output_bucket, &key.result_key()).await?;
            expired += u64::from(index.prune(key, until).await?);
        }
        after = rows.next;
        if after.is_none() {
            return Ok(expired);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        index::Put,
        testing::{MemoryIndex, MemoryStore, index_suite::images::Image},
    };
    use time::macros::datetime;

    #[tokio::test]
    async fn old_results_are_deleted_with_their_rows() {
        let (store, index) = (MemoryStore::new(), MemoryIndex::new());
        // The store's objects are of 19:00.
        let day = datetime!(2026-03-01 12:00 UTC);
        for (number, days) in [0, 0, 31, 40].into_iter().enumerate() {
            let mut image = Image::new(&format!("uploads/{number}.jpg"), 1);
            image.processed = day + time::Duration::days(days);
            let entry = image.entry();
            assert_eq!(index.put(&entry).await, Ok(Put::Written));
            let key = &entry.row.key;
            for object in [key.result_key(), key.thumbnail_key(), key.preview_key()] {
                store.insert("out-put", &object, b"1", "text/plain", &[]);
            }
        }
        // Documents that were written again a moment ago stay.
        let expired = expire(&store, &index, "out-put", day).await;
        assert_eq!(expired, Ok(0));
        let limit = day + time::Duration::days(30);
        assert_eq!(expire(&store, &index, "out-put", limit).await, Ok(2));
        assert_eq!(expire(&store, &index, "out-put", limit).await, Ok(0));
        assert_eq!(index.entries().len(), 2);
        assert_eq!(store.keys("out-put").len(), 6);
    }
}
