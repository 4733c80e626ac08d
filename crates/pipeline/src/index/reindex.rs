//! Rebuilds the search index from stored results.

use std::{
    collections::{HashSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use futures::{StreamExt, stream};

use super::{Entry, ImageIndex, Put, Query};
use crate::{
    ResultDocument, SourceKey,
    backoff::retry,
    keys::RESULT_PREFIX,
    object_store::{Get, GetOutcome, ListObjects, ObjectStore},
    service_error::ServiceError,
};

/// How often something that time heals is tried again.
const ATTEMPTS: usize = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How many images the index is asked for at once.
const PAGE: usize = 100;

/// How far it got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    /// Documents that were found.
    pub documents: u64,
    /// Rows that were written.
    pub written: u64,
    /// Rows that stood already, just so.
    pub unchanged: u64,
    /// Documents that the index knows something newer about: an image was answered or removed meanwhile.
    pub passed_over: u64,
    /// Objects among the documents that are none; the log names them.
    pub unreadable: u64,
    /// Rows that were taken out, because their document is gone.
    pub pruned: u64,
}

/// Enters every document of the output bucket, `side_by_side` at once, and takes out the rows whose
/// document is gone. Tells after every document and every row that it took out how far it is.
///
/// It can run beside the functions: a row never gives way to an older one, and a row is taken out
/// only if it is still the one whose document was looked for.
///
/// # Errors
/// [`ServiceError`] when the bucket or the index fails for good, or several times in a row. What was done
/// so far stands; running it again continues from there.
pub async fn reindex<S, I>(
    store: &S,
    index: &I,
    output_bucket: &str,
    side_by_side: usize,
    mut progress: impl FnMut(&Progress),
) -> Result<Progress, ServiceError>
where
    S: ObjectStore + ListObjects,
    I: ImageIndex,
{
    let side_by_side = side_by_side.max(1);
    let mut so_far = Progress::default();
    let mut seen = HashSet::new();
    let mut after: Option<String> = None;
    loop {
        let listed = again(async || {
            store
                .list(output_bucket, RESULT_PREFIX, after.as_deref())
                .await
        })
        .await?;
        let Some(last) = listed.last().cloned() else {
            break;
        };
        let mut entered = stream::iter(listed)
            .map(async |result_key: String| {
                let entered = again(async || enter(store, index, output_bucket, &result_key).await);
                (entered.await, result_key)
            })
            .buffer_unordered(side_by_side);
        while let Some((entered, result_key)) = entered.next().await {
            so_far.documents += 1;
            match entered? {
                Entered::Put(put) => {
                    seen.insert(mark(&result_key));
                    match put {
                        Put::Written => so_far.written += 1,
                        Put::Unchanged => so_far.unchanged += 1,
                        Put::Older | Put::Removed => so_far.passed_over += 1,
                    }
                }
                Entered::Unreadable => so_far.unreadable += 1,
                Entered::Gone => so_far.documents -= 1,
            }
            progress(&so_far);
        }
        drop(entered);
        after = Some(last);
    }
    // A bucket without a single document is more likely the wrong one than a library that was emptied by hand.
    if !seen.is_empty() {
        prune(store, index, output_bucket, side_by_side, &seen, |()| {
            so_far.pruned += 1;
            progress(&so_far);
        })
        .await?;
    }
    Ok(so_far)
}

enum Entered {
    Put(Put),
    /// No result document.
    Unreadable,
    /// Removed since it was listed.
    Gone,
}

async fn enter<S: ObjectStore, I: ImageIndex>(
    store: &S,
    index: &I,
    bucket: &str,
    result_key: &str,
) -> Result<Entered, ServiceError> {
    let get = Get::whole(bucket, result_key);
    let GetOutcome::Found(_, bytes) = store.get(get).await? else {
        return Ok(Entered::Gone);
    };
    match serde_json::from_slice::<ResultDocument>(&bytes) {
        Ok(document) if document.source.key.result_key() == result_key => Ok(Entered::Put(
            index.put(&Entry::from_document(&document)).await?,
        )),
        Ok(document) => {
            tracing::warn!(key = result_key, of = %document.source.key, "a result that lies under another image's key is left out");
            Ok(Entered::Unreadable)
        }
        Err(error) => {
            tracing::warn!(key = result_key, %error, "an object that is no result document is left out");
            Ok(Entered::Unreadable)
        }
    }
}

/// Takes out the rows whose document is gone.
async fn prune<S: ObjectStore, I: ImageIndex>(
    store: &S,
    index: &I,
    bucket: &str,
    side_by_side: usize,
    seen: &HashSet<u64>,
    mut pruned: impl FnMut(()),
) -> Result<(), ServiceError> {
    let everything = Query::default();
    let mut after = None;
    loop {
        let page = again(async || index.page(&everything, after.as_ref(), PAGE).await).await?;
        let mut gone = stream::iter(page.images)
            .map(|found| (found.row.key.clone(), found.row.processed_at))
            .filter(|(key, _)| std::future::ready(!seen.contains(&mark(&key.result_key()))))
            .map(async |(key, processed_at): (SourceKey, _)| {
                again(async || {
                    let document = store.head(bucket, &key.result_key()).await?;
                    Ok(document.is_none() && index.prune(&key, processed_at).await?)
                })
                .await
            })
            .buffer_unordered(side_by_side);
        while let Some(gone) = gone.next().await {
            if gone? {
                pruned(());
            }
        }
        match page.next {
            Some(next) => after = Some(next),
            None => return Ok(()),
        }
    }
}

/// A short mark of a key that was seen. Two keys with the same would at worst keep one row too many.
fn mark(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Repeats what time can heal.
async fn again<T>(work: impl AsyncFn() -> Result<T, ServiceError>) -> Result<T, ServiceError> {
    retry(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS, work).await
}
