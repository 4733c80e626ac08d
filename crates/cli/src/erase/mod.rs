//! `sightline erase`: deletes everything that is stored for one person.

mod versions;

use std::io::IsTerminal as _;

use anyhow::{Context as _, bail};
use clap::Args;
use futures::{StreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use sightline_aws::S3Store;
use sightline_pipeline::{
    Owner, ServiceError,
    backoff::retry,
    config::Buckets,
    index::ImageIndex,
    object_store::{ListObjects, ObjectStore},
};
use sightline_upload_api::delete_image;
use tokio::{sync::watch, time::Duration};

use self::versions::OlderVersions;
use crate::{
    aws,
    confirm::confirm,
    exit::Outcome,
    output,
    owned::{Index, OwnedArgs, Place, Stored, summary},
    signals,
};

/// How many pictures are deleted at the same time.
const CONCURRENT_DELETIONS: usize = 16;

/// How often the lists are read at most. Pictures that were uploaded or in process meanwhile are found by the next time.
const ROUNDS: usize = 4;

const ATTEMPTS: usize = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// `sightline erase`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Deletes the person's pictures with their results, thumbnails, previews,
leases and entries in the index, each as DELETE /images does, and older
versions where a bucket keeps them. First disable the person's account, or
they can upload again. `sightline export` saves the current versions first.

EXAMPLES
  Count what is stored for a person on AWS:
    sightline erase --owner 7d1c9a52-3b1f-4c56-9d0f-0a3c2f5e8b11 --dry-run \\
        --input-bucket my-input-bucket --output-bucket my-output-bucket \\
        --index-table my-table
  Delete the pictures under uploads/ann/ and inline/ann/ in the local mode
  (with the lines that `sightline local` prints), in the folder where it was
  started:
    sightline erase --owner ann --yes

WHAT STAYS
  For 30 days, the index keeps a record of each deleted key, so that late
  events do not bring the picture back. Logs, messages in the queues, backups
  of the table and the person's account are not deleted.

INTERRUPTED RUNS
  Ctrl-C finishes the deletions in progress and stops. Run the same command
  again to delete the rest.

EXIT CODES
  0    nothing is stored for the person any more, or --dry-run
  1    an error, you declined, or pictures kept arriving
  2    invalid command line
  3    AWS could not be reached
  4    AWS rejected the request: keys, permissions, or a bucket that does not
       exist
  130  interrupted")]
pub(crate) struct EraseArgs {
    #[command(flatten)]
    owned: OwnedArgs,

    /// Count only, without deleting
    #[arg(long)]
    dry_run: bool,

    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,
}

/// Lists what is stored, asks for confirmation, and deletes it.
///
/// # Errors
/// When AWS or the index cannot be reached or rejects a request, or nobody can confirm.
pub(crate) async fn run(args: EraseArgs) -> anyhow::Result<Outcome> {
    let place = args.owned.open().await?;
    match &place.index {
        Index::Dynamo(index) => erase(&args, &place, index).await,
        Index::Sqlite(index) => erase(&args, &place, index).await,
    }
}

async fn erase<I: ImageIndex>(
    args: &EraseArgs,
    Place {
        sdk,
        store,
        buckets,
        ..
    }: &Place,
    index: &I,
) -> anyhow::Result<Outcome> {
    let owner = &args.owned.owner;
    let stored = list(store, index, buckets, owner).await?;
    let older = OlderVersions::new(sdk, buckets, owner);
    let versions = retrying(async || older.count().await)
        .await
        .map_err(|error| aws::command_error("cannot list older versions".to_owned(), &error))?;
    let mut found = summary(owner, &stored);
    if versions > 0 {
        let versions = output::count(versions, "older version", "older versions");
        found = format!("{found} and {versions}");
    }
    output::print_line(&format!("{found}."))?;
    if args.dry_run {
        return Ok(Outcome::Done);
    }
    let is_empty = stored.is_empty() && versions == 0;
    if !is_empty && !args.yes {
        let pictures = output::count(stored.images.len(), "picture", "pictures");
        if !confirm(
            &format!("Delete {pictures} for good?"),
            "use --yes to delete the pictures, or --dry-run to count them only",
        )? {
            bail!("nothing was deleted");
        }
    }
    let stopped = signals::stop_flag().context("cannot listen for Ctrl-C")?;
    let bar = bar();
    let erased = delete_all(store, index, buckets, owner, stored, &stopped, &|| {
        bar.inc(1)
    })
    .await;
    bar.finish_and_clear();
    let erased = erased.map_err(|error| {
        let context = "some pictures are not deleted; run the same command again".to_owned();
        aws::command_error(context, &error)
    })?;
    let pictures = output::count(erased.pictures, "picture", "pictures");
    if *stopped.borrow() {
        output::print_message(&format!(
            "Interrupted after {pictures}. Run the same command again to delete the rest."
        ));
        return Ok(Outcome::Interrupted);
    }
    let versions = retrying(async || older.delete().await)
        .await
        .map_err(|error| {
            let context = "some older versions are not deleted; run the same command again";
            aws::command_error(context.to_owned(), &error)
        })?;
    let mut deleted = vec![pictures];
    for (number, one, many) in [
        (erased.others, "other object", "other objects"),
        (versions, "older version", "older versions"),
    ] {
        if number > 0 {
            deleted.push(output::count(number, one, many));
        }
    }
    output::print_line(&format!("Deleted {}.", deleted.join(", ")))?;
    // Something may have arrived while older versions were deleted.
    let left = list(store, index, buckets, owner).await?;
    let versions_left = retrying(async || older.count().await)
        .await
        .map_err(|error| aws::command_error("cannot list older versions".to_owned(), &error))?;
    if !left.is_empty() || versions_left > 0 {
        output::print_message(&format!(
            "Pictures kept arriving ({}). Disable the account, wait for the uploads in progress, and run the same command again.",
            summary(owner, &left)
        ));
        return Ok(Outcome::SomeFailed);
    }
    output::print_line(
        "Nothing is left in the buckets and lists. For 30 days, the index keeps a record of each deleted key. Logs, backups and \
         the account are not deleted.",
    )?;
    Ok(Outcome::Done)
}

/// What was deleted.
#[derive(Debug, Default)]
struct Erased {
    pictures: usize,
    others: usize,
}

/// Deletes what is stored, and what arrives meanwhile, until `stopped` becomes true.
async fn delete_all<S: ObjectStore + ListObjects, I: ImageIndex>(
    store: &S,
    index: &I,
    buckets: &Buckets,
    owner: &Owner,
    mut stored: Stored,
    stopped: &watch::Receiver<bool>,
    deleted: &(impl Fn() + Sync),
) -> Result<Erased, ServiceError> {
    let mut erased = Erased::default();
    for _ in 1..ROUNDS {
        let mut deletions = stream::iter(stored.images.into_keys())
            .take_while(|_| std::future::ready(!*stopped.borrow()))
            .map(async |key| {
                retrying(async || delete_image(store, Some(index), buckets, &key, false).await)
                    .await
            })
            .buffer_unordered(CONCURRENT_DELETIONS);
        while let Some(deletion) = deletions.next().await {
            deletion?;
            erased.pictures += 1;
            deleted();
        }
        drop(deletions);
        for (bucket, key) in stored.others {
            if *stopped.borrow() {
                break;
            }
            retrying(async || store.delete(&bucket, &key).await).await?;
            erased.others += 1;
        }
        if *stopped.borrow() {
            return Ok(erased);
        }
        retrying(async || index.forget(owner.as_str()).await).await?;
        stored = retrying(async || Stored::list(store, index, buckets, owner).await).await?;
        if stored.is_empty() {
            break;
        }
    }
    Ok(erased)
}

async fn list<I: ImageIndex>(
    store: &S3Store,
    index: &I,
    buckets: &Buckets,
    owner: &Owner,
) -> anyhow::Result<Stored> {
    retrying(async || Stored::list(store, index, buckets, owner).await)
        .await
        .map_err(|error| aws::command_error("cannot list the pictures".to_owned(), &error))
}

async fn retrying<T>(work: impl AsyncFn() -> Result<T, ServiceError>) -> Result<T, ServiceError> {
    retry(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS, work).await
}

fn bar() -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new_spinner()
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} pictures deleted, {per_sec}") {
        bar.set_style(style);
    }
    bar
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightline_pipeline::{
        SourceKey,
        index::{Put, Query},
        testing::{MemoryIndex, MemoryStore, index_suite::images::Image},
    };

    fn buckets() -> Buckets {
        Buckets {
            input: "in-put".to_owned(),
            output: "out-put".to_owned(),
        }
    }

    /// A store and an index with pictures of Ann and Bob.
    async fn filled() -> (MemoryStore, MemoryIndex) {
        let (store, index) = (MemoryStore::new(), MemoryIndex::new());
        for key in ["uploads/ann/a.jpg", "inline/ann/b.jpg", "uploads/bob/c.jpg"] {
            let source = SourceKey::new(key).unwrap();
            let put = |bucket, key: &str| store.insert(bucket, key, b"1", "text/plain", &[]);
            put("in-put", key);
            put("out-put", &source.result_key());
            put("out-put", &source.thumbnail_key());
            put("out-put", &source.preview_key());
            put("out-put", &source.lease_key());
            let entry = Image::new(key, 1).label("Dog", 90.0, None).entry();
            assert_eq!(index.put(&entry).await, Ok(Put::Written));
        }
        (store, index)
    }

    #[tokio::test]
    async fn everything_of_the_owner_is_deleted_and_nothing_of_others() {
        let (store, index) = filled().await;
        store.insert("in-put", "uploads/ann/", b"", "text/plain", &[]);
        // A document without an image, and an entry without anything.
        store.insert(
            "out-put",
            "results/uploads/ann/x.jpg.json",
            b"{}",
            "text/plain",
            &[],
        );
        let alone = Image::new("uploads/ann/y.jpg", 1).entry();
        assert_eq!(index.put(&alone).await, Ok(Put::Written));
        let owner = Owner::from_subject("ann").unwrap();
        let (_keep, stopped) = watch::channel(false);
        let stored = Stored::list(&store, &index, &buckets(), &owner)
            .await
            .unwrap();
        let erased = delete_all(&store, &index, &buckets(), &owner, stored, &stopped, &|| ())
            .await
            .unwrap();
        assert_eq!((erased.pictures, erased.others), (4, 1));
        let mut left = Vec::new();
        for bucket in ["in-put", "out-put"] {
            left.extend(store.list(bucket, "", None).await.unwrap());
        }
        assert_eq!(left.len(), 5, "{left:?}");
        assert!(left.iter().all(|key| key.contains("/bob/")), "{left:?}");
        let rows = index
            .page(&Query::default(), None, 10)
            .await
            .unwrap()
            .images;
        assert_eq!(rows.len(), 1);
        // A late result of a deleted picture stays out.
        let late = Image::new("uploads/ann/a.jpg", 1).entry();
        assert_eq!(index.put(&late).await, Ok(Put::Removed));
    }

    #[tokio::test]
    async fn an_interrupted_run_is_completed_by_the_next() {
        let (store, index) = filled().await;
        let owner = Owner::from_subject("ann").unwrap();
        let list = async || {
            Stored::list(&store, &index, &buckets(), &owner)
                .await
                .unwrap()
        };
        let (stop, stopped) = watch::channel(true);
        let erased = delete_all(
            &store,
            &index,
            &buckets(),
            &owner,
            list().await,
            &stopped,
            &|| (),
        )
        .await
        .unwrap();
        assert_eq!(erased.pictures, 0);
        assert_eq!(list().await.images.len(), 2);
        stop.send_replace(false);
        delete_all(
            &store,
            &index,
            &buckets(),
            &owner,
            list().await,
            &stopped,
            &|| (),
        )
        .await
        .unwrap();
        assert!(list().await.is_empty());
    }
}
