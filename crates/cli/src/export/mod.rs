//! `sightline export`: writes everything that is stored for one person to a folder.

mod download;
mod file_name;

use std::{
    collections::BTreeMap,
    io::IsTerminal as _,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use sightline_pipeline::{
    SourceKey,
    config::Buckets,
    index::{ImageIndex, ImageRow},
};
use tokio::sync::watch;

use self::{
    download::Downloader,
    file_name::{file_name, unique_name},
};
use crate::{
    aws,
    exit::Outcome,
    output,
    owned::{Index, OwnedArgs, Parts, Place, Stored, summary},
    signals,
};

/// How many pictures are written at the same time.
const CONCURRENT_PICTURES: usize = 8;

/// The list of the exported pictures.
const MANIFEST: &str = "manifest.json";

/// `sightline export`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Writes the person's pictures to DIR/originals, their results to DIR/results,
their thumbnails to DIR/thumbnails and their previews to DIR/previews.
DIR/manifest.json lists them with their keys and their entries in the index.
Other objects under the person's prefixes go to DIR/others.

EXAMPLES
  A person on AWS, by the claim sub of their tokens:
    sightline export --owner 7d1c9a52-3b1f-4c56-9d0f-0a3c2f5e8b11 \\
        --input-bucket my-input-bucket --output-bucket my-output-bucket \\
        --index-table my-table ann/
  The pictures under uploads/ann/ and inline/ann/ in the local mode (with the
  lines that `sightline local` prints), in the folder where it was started:
    sightline export --owner ann ann/

INTERRUPTED RUNS
  Run the same command again: files that are complete are not read again. The
  manifest is written last.

EXIT CODES
  0    everything is written
  1    an error
  2    invalid command line
  3    AWS could not be reached
  4    AWS rejected the request: keys, permissions, or a bucket that does not
       exist
  130  interrupted")]
pub(crate) struct ExportArgs {
    #[command(flatten)]
    owned: OwnedArgs,

    /// Folder to write to; it is created if it does not exist
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// The list of the exported pictures. Files are relative to the folder.
#[derive(Debug, Serialize)]
struct Manifest<'a> {
    owner: &'a str,
    pictures: Vec<Exported>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    others: Vec<Other>,
}

/// An exported object that belongs to no picture.
#[derive(Debug, Serialize)]
struct Other {
    bucket: String,
    key: String,
    file: PathBuf,
}

/// An exported picture.
#[derive(Debug, Serialize)]
struct Exported {
    key: SourceKey,
    #[serde(skip_serializing_if = "Option::is_none")]
    original: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thumbnail: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    preview: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entry: Option<ImageRow>,
}

/// Lists what is stored, and writes it.
///
/// # Errors
/// When AWS or the index cannot be reached or rejects a request, or a file cannot be written.
pub(crate) async fn run(args: ExportArgs) -> anyhow::Result<Outcome> {
    let place = args.owned.open().await?;
    match &place.index {
        Index::Dynamo(index) => export(&args, &place, index).await,
        Index::Sqlite(index) => export(&args, &place, index).await,
    }
}

async fn export<I: ImageIndex>(
    args: &ExportArgs,
    place: &Place,
    index: &I,
) -> anyhow::Result<Outcome> {
    let owner = &args.owned.owner;
    let stored = Stored::list(&place.store, index, &place.buckets, owner)
        .await
        .map_err(|error| aws::command_error("cannot list the pictures".to_owned(), &error))?;
    let summary = summary(owner, &stored);
    let downloader = Downloader::new(&place.sdk);
    let stopped = signals::stop_flag().context("cannot listen for Ctrl-C")?;
    let bar = bar(stored.images.len());
    let Stored { images, others } = stored;
    let pictures = write_all(
        &downloader,
        &place.buckets,
        images,
        &args.folder,
        &stopped,
        &bar,
    )
    .await;
    bar.finish_and_clear();
    let Some(pictures) = pictures? else {
        output::print_message("Interrupted. Run the same command again to write the rest.");
        return Ok(Outcome::Interrupted);
    };
    let manifest = Manifest {
        owner: owner.as_str(),
        pictures,
        others: write_others(&downloader, others, &args.folder).await?,
    };
    let file = args.folder.join(MANIFEST);
    let text = serde_json::to_vec_pretty(&manifest)?;
    let written = async {
        tokio::fs::create_dir_all(&args.folder).await?;
        tokio::fs::write(&file, text).await
    };
    written
        .await
        .with_context(|| format!("cannot write {}", file.display()))?;
    output::print_line(&format!("{summary}: written to {}.", args.folder.display()))?;
    Ok(Outcome::Done)
}

/// Writes the objects of all pictures. `None` if `stopped` became true before the end.
async fn write_all(
    downloader: &Downloader,
    buckets: &Buckets,
    images: BTreeMap<SourceKey, Parts>,
    folder: &Path,
    stopped: &watch::Receiver<bool>,
    bar: &ProgressBar,
) -> anyhow::Result<Option<Vec<Exported>>> {
    let mut pictures = stream::iter(images)
        .take_while(|_| std::future::ready(!*stopped.borrow()))
        .map(async |(key, parts)| {
            let picture = write(downloader, buckets, folder, key, parts).await;
            bar.inc(1);
            picture
        })
        .buffer_unordered(CONCURRENT_PICTURES)
        .try_collect::<Vec<_>>()
        .await?;
    if *stopped.borrow() {
        return Ok(None);
    }
    pictures.sort_by(|one, other| one.key.cmp(&other.key));
    Ok(Some(pictures))
}

/// Writes the objects that belong to no picture, except the empty ones that stand for folders in consoles.
async fn write_others(
    downloader: &Downloader,
    others: Vec<(String, String)>,
    folder: &Path,
) -> anyhow::Result<Vec<Other>> {
    let mut written = Vec::new();
    for (bucket, key) in others {
        let file = Path::new("others").join(unique_name(&key));
        if !key.ends_with('/') && downloader.get(&bucket, &key, &folder.join(&file)).await? {
            written.push(Other { bucket, key, file });
        }
    }
    Ok(written)
}

/// Writes the objects of a picture. An object that was deleted since it was listed is left out.
async fn write(
    downloader: &Downloader,
    buckets: &Buckets,
    folder: &Path,
    key: SourceKey,
    parts: Parts,
) -> anyhow::Result<Exported> {
    let get = async |is_listed: bool, bucket: &str, object: &str, file: PathBuf| {
        let is_written = is_listed && downloader.get(bucket, object, &folder.join(&file)).await?;
        anyhow::Ok(is_written.then_some(file))
    };
    let name = file_name(&key);
    let file = |kind: &str, end: &str| Path::new(kind).join(format!("{name}{end}"));
    let (result_key, thumbnail_key, preview_key) =
        (key.result_key(), key.thumbnail_key(), key.preview_key());
    let (original, result, thumbnail, preview) = tokio::try_join!(
        get(
            parts.original,
            &buckets.input,
            key.as_str(),
            file("originals", "")
        ),
        get(
            parts.document,
            &buckets.output,
            &result_key,
            file("results", ".json")
        ),
        get(
            parts.thumbnail,
            &buckets.output,
            &thumbnail_key,
            file("thumbnails", ".jpg")
        ),
        get(
            parts.preview,
            &buckets.output,
            &preview_key,
            file("previews", ".jpg")
        ),
    )?;
    Ok(Exported {
        key,
        original,
        result,
        thumbnail,
        preview,
        entry: parts.row,
    })
}

fn bar(pictures: usize) -> ProgressBar {
    let bar = if std::io::stderr().is_terminal() {
        ProgressBar::new(pictures as u64)
    } else {
        ProgressBar::hidden()
    };
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} of {len} pictures, {per_sec}")
    {
        bar.set_style(style);
    }
    bar
}
