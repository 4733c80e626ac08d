//! Rebuilds the search index from stored results.

use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use futures::{StreamExt, stream};

use super::{Entry, ImageIndex, Put};
use crate::{
    ResultDocument, SourceKey,
    backoff::retry,
    keys::RESULT_PREFIX,
    object_store::{Get, GetOutcome, ListObjects, ObjectStore},
    service_error::ServiceError,
    version::Relation,
};

/// How often a retryable call is attempted.
const ATTEMPTS: usize = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// The progress of reindexing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Documents that were found.
    pub documents: u64,
    /// Rows that were written.
    pub written: u64,
    /// Rows that existed already, with the same content.
    pub unchanged: u64,
    /// Documents that are older than the index's record: the image was analysed again or removed meanwhile.
    pub skipped: u64,
    /// Objects that are not result documents. The log names them.
    pub unreadable: u64,
    /// Rows that were deleted because their document is gone.
    pub pruned: u64,
}

/// Adds every document in the output bucket, `concurrency` at a time, and deletes the rows whose
/// document is gone. Reports its progress after every document and every deleted row.
///
/// It can run beside the functions: an older row never replaces a newer one, and a row is deleted
/// only if it is still the one whose document was found missing.
///
/// # Errors
/// [`ServiceError`] if the bucket or the index fails for good, or several times in a row. Rows written so far
/// remain; running it again completes the work.
pub async fn reindex<S, I>(
    store: &S,
    index: &I,
    output_bucket: &str,
    concurrency: usize,
    mut report: impl FnMut(&Progress),
) -> Result<Progress, ServiceError>
where
    S: ObjectStore + ListObjects,
    I: ImageIndex,
{
    let concurrency = concurrency.max(1);
    let mut progress = Progress::default();
    let mut seen = HashSet::new();
    let mut after: Option<String> = None;
    loop {
        let listed = retrying(async || {
            store
                .list(output_bucket, RESULT_PREFIX, after.as_deref())
                .await
        })
        .await?;
        let Some(last) = listed.last().cloned() else {
            break;
        };
        let mut outcomes = stream::iter(listed)
            .map(async |result_key: String| {
                let outcome =
                    retrying(async || add(store, index, output_bucket, &result_key).await).await;
                (outcome, result_key)
            })
            .buffer_unordered(concurrency);
        while let Some((outcome, result_key)) = outcomes.next().await {
            progress.documents += 1;
            match outcome? {
                Outcome::Put(put) => {
                    seen.insert(hash(&result_key));
                    match put {
                        Put::Written => progress.written += 1,
                        Put::Unchanged => progress.unchanged += 1,
                        Put::Older | Put::Removed | Put::InDoubt(_) => progress.skipped += 1,
                    }
                }
                Outcome::Unreadable => progress.unreadable += 1,
                Outcome::Gone => progress.documents -= 1,
            }
            report(&progress);
        }
        drop(outcomes);
        after = Some(last);
    }
    // A bucket without any document is more likely the wrong bucket than one that was emptied by hand.
    if !seen.is_empty() {
        prune(store, index, output_bucket, concurrency, &seen, |()| {
            progress.pruned += 1;
            report(&progress);
        })
        .await?;
    }
    Ok(progress)
}

/// The outcome of adding one document.
enum Outcome {
    Put(Put),
    /// The object is not a result document.
    Unreadable,
    /// The object was deleted after it was listed.
    Gone,
}

async fn add<S: ObjectStore, I: ImageIndex>(
    store: &S,
    index: &I,
    bucket: &str,
    result_key: &str,
) -> Result<Outcome, ServiceError> {
    let get = Get::whole(bucket, result_key);
    let GetOutcome::Found(_, bytes) = store.get(get).await? else {
        return Ok(Outcome::Gone);
    };
    match serde_json::from_slice::<ResultDocument>(&bytes) {
        Ok(document) if document.source.key.result_key() == result_key => {
            let mut entry = Entry::from_document(&document);
            let mut put = index.put(&entry).await?;
            // After a complete deletion, an object in the bucket is a new one. Its document may be the old one, which the
            // deletion is about to delete.
            if let Put::InDoubt(doubt) = put
                && doubt.complete
                && is_stored(store, &document).await?
            {
                entry.stored_after = Some(doubt);
                put = index.put(&entry).await?;
            }
            Ok(Outcome::Put(put))
        }
        Ok(document) => {
            tracing::warn!(key = result_key, of = %document.source.key, "skipped a result that is stored under another image's key");
            Ok(Outcome::Unreadable)
        }
        Err(error) => {
            tracing::warn!(key = result_key, %error, "skipped an object that is not a result document");
            Ok(Outcome::Unreadable)
        }
    }
}

/// Whether the bucket has the image of a document. False if the bucket refuses to say.
async fn is_stored<S: ObjectStore>(
    store: &S,
    document: &ResultDocument,
) -> Result<bool, ServiceError> {
    let source = &document.source;
    match store.head(&source.bucket, source.key.as_str()).await {
        Ok(found) => {
            let version = Entry::from_document(document).version;
            Ok(found.is_some_and(|info| info.version().relation_to(&version) == Relation::Same))
        }
        Err(error) if error.is_retryable() => Err(error),
        Err(error) => {
            tracing::warn!(key = %source.key, %error, "skipped a result, because the image may have been deleted and cannot be looked up");
            Ok(false)
        }
    }
}

/// Deletes the rows whose document is gone.
async fn prune<S: ObjectStore, I: ImageIndex>(
    store: &S,
    index: &I,
    bucket: &str,
    concurrency: usize,
    seen: &HashSet<u64>,
    mut pruned: impl FnMut(()),
) -> Result<(), ServiceError> {
    let mut after: Option<String> = None;
    loop {
        let rows = retrying(async || index.rows(after.as_deref()).await).await?;
        let mut deletions = stream::iter(rows.rows)
            .filter(|(key, _)| std::future::ready(!seen.contains(&hash(&key.result_key()))))
            .map(async |(key, processed_at): (SourceKey, _)| {
                retrying(async || {
                    let document = store.head(bucket, &key.result_key()).await?;
                    Ok(document.is_none() && index.prune(&key, processed_at).await?)
                })
                .await
            })
            .buffer_unordered(concurrency);
        while let Some(deleted) = deletions.next().await {
            if deleted? {
                pruned(());
            }
        }
        match rows.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// A short form of a key. If two keys had the same hash, at worst one row too many would be kept.
fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Retries a call.
async fn retrying<T>(work: impl AsyncFn() -> Result<T, ServiceError>) -> Result<T, ServiceError> {
    retry(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS, work).await
}
