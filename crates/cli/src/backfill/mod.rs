//! `sightline backfill`: pictures that lay in the bucket before there was a Sightline.
//!
//! Each gets a message in the queue of new objects, in the words of S3's own event. So the processor does what it
//! does for a new picture: it asks nothing about one that it has answered, and what fails goes the usual way.

mod event;
mod progress;

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
    str::FromStr,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use aws_config::SdkConfig;
use aws_sdk_s3::{operation::list_objects_v2::ListObjectsV2Output, types::EncodingType};
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use sightline_aws::{self as aws, read_error};
use sightline_pipeline::{
    Analyses, SourceKey,
    analyse::{self, Settings},
    backoff::pauses,
    keys::UPLOAD_PREFIX,
    service_error::{Service, ServiceError},
};
use tokio::sync::watch;

use self::progress::Progress;
use crate::{
    exit::{Fault, Outcome},
    interrupt, output,
    upload::journal,
};

/// Messages of a batch (Amazon SQS Developer Guide, "Message quotas").
const BATCH: usize = 10;
/// Batches that are sent at once.
const AT_ONCE: usize = 8;
/// How often a message is sent that the queue does not accept.
const ATTEMPTS: usize = 5;
const FIRST_PAUSE: Duration = Duration::from_millis(400);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// `sightline backfill`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Only keys under uploads/ are analysed, so the place has to be
s3://bucket/uploads/ or below it; pictures that lie elsewhere in the bucket
have to be copied there, which analyses them by itself:
    aws s3 cp --recursive s3://my-bucket/old/ s3://my-bucket/uploads/old/

EXAMPLES
  How many pictures are there, and what would they cost at most?
    sightline backfill s3://my-bucket/uploads/2024/ --dry-run
  Queue them, as a script does:
    sightline backfill s3://my-bucket/uploads/2024/ --yes --queue-url \\
        https://sqs.eu-west-1.amazonaws.com/123456789012/pictures
  Everything in the local mode (with the variables that `sightline local`
  prints):
    sightline backfill s3://sightline-input/uploads/

INTERRUPTED
  Ctrl-C ends after the messages in hand. Run the same command again to go on
  behind the last picture that was queued; --restart begins anew. A picture
  that has its answer already is queued too, but neither analysed nor billed
  again.

EXIT CODES
  0    all queued, or there is nothing
  1    an error, or the answer was no
  2    the command line is wrong
  3    AWS was not reached
  4    AWS refused: keys, permissions, or a bucket that is not there
  130  interrupted")]
pub(crate) struct BackfillArgs {
    /// Where the pictures lie: s3://bucket/uploads/, or a prefix below it
    #[arg(value_name = "s3://BUCKET/PREFIX")]
    place: Prefix,

    /// Address of the queue that the processor takes from; when not given, the queue named `sightline` of the account,
    /// which the local mode has
    #[arg(long, env = "SIGHTLINE_QUEUE_URL", value_name = "URL")]
    queue_url: Option<String>,

    /// Count and estimate, and queue nothing
    #[arg(long)]
    dry_run: bool,

    /// Do not ask before queueing
    #[arg(long, short)]
    yes: bool,

    /// Begin anew although an earlier run was interrupted
    #[arg(long)]
    restart: bool,

    /// What the processor finds out about each picture, for the estimate
    #[arg(
        long,
        env = "SIGHTLINE_ANALYSES",
        value_name = "NAMES",
        default_value = "labels,image-properties",
        value_parser = crate::args::analyses
    )]
    analyses: Analyses,

    /// Folder in which it is noted how far a run got; `sightline` in XDG_STATE_HOME when not given
    #[arg(long, env = "SIGHTLINE_STATE_DIR", value_name = "FOLDER")]
    state_dir: Option<PathBuf>,
}

/// A part of a bucket, under `uploads/`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Prefix {
    bucket: String,
    prefix: String,
}

impl FromStr for Prefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (bucket, prefix) = text
            .strip_prefix("s3://")
            .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
            .filter(|(bucket, _)| !bucket.is_empty())
            .ok_or("it takes s3://bucket/uploads/, or a prefix below it")?;
        // The whole bucket means what is analysed of it.
        let prefix = if prefix.is_empty() {
            UPLOAD_PREFIX
        } else {
            prefix
        };
        if !prefix.starts_with(UPLOAD_PREFIX) {
            return Err(format!(
                "only keys under {UPLOAD_PREFIX} are analysed, and {prefix:?} is not; copy the pictures there: \
                 aws s3 cp --recursive s3://{bucket}/{prefix} s3://{bucket}/{UPLOAD_PREFIX}{prefix}"
            ));
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

impl std::fmt::Display for Prefix {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// An object to be queued.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Object {
    key: SourceKey,
    size: u64,
    e_tag: String,
}

/// What a place holds.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct Count {
    pictures: u64,
    bytes: u64,
}

/// Counts, asks and queues.
///
/// # Errors
/// When AWS cannot be reached or refuses, there is no such queue, or nobody can be asked.
pub(crate) async fn run(args: BackfillArgs) -> anyhow::Result<Outcome> {
    let sdk = aws::load().await;
    let region = sdk
        .region()
        .map(ToString::to_string)
        .ok_or_else(Fault::no_region)?;
    let bucket = Bucket::new(&sdk, args.place.clone());
    let state = match &args.state_dir {
        Some(folder) => folder.clone(),
        None => journal::state_folder()?,
    };
    let queue = Queue {
        client: aws_sdk_sqs::Client::new(&sdk),
        url: args.queue_url.clone(),
    };
    // A dry run needs no queue, but what it says should be what comes.
    let queue = if args.dry_run && args.queue_url.is_none() {
        queue
    } else {
        queue.found().await?
    };
    let mut progress = Progress::open(
        &state,
        &args.place.to_string(),
        queue.url.as_deref().unwrap_or_default(),
        args.restart,
    )?;
    let count = bucket.count(progress.after()).await?;
    if let Some(after) = progress.after() {
        output::tell(&format!(
            "An earlier run queued {} pictures, up to {after}; this one goes on behind it (--restart begins anew).",
            progress.queued()
        ));
    }
    println_out(&estimate(&args, count))?;
    if args.dry_run || count.pictures == 0 {
        return Ok(Outcome::Done);
    }
    if !args.yes && !agreed(count.pictures)? {
        bail!("nothing was queued");
    }
    let stopped = interrupt::watch();
    let queued = fill(&bucket, &queue, &region, &mut progress, &stopped).await?;
    if *stopped.borrow() {
        output::tell(&format!(
            "Interrupted after {queued} pictures. Run the same command again to queue the rest."
        ));
        return Ok(Outcome::Interrupted);
    }
    progress.forget()?;
    println_out(&format!("{queued} pictures are queued."))?;
    Ok(Outcome::Done)
}

/// What is there and what it costs.
fn estimate(args: &BackfillArgs, count: Count) -> String {
    let price = analyse::price(&args.analyses, &Settings::default());
    let pictures = count.pictures;
    format!(
        "{} under {}: {pictures} ({}).\nTheir analyses ({}) cost at most ${:.2}: ${} each by the list prices of {}; \
         those that have their answer already cost nothing. In the local mode all are free.",
        if pictures == 1 { "Picture" } else { "Pictures" },
        args.place,
        indicatif::BinaryBytes(count.bytes),
        args.analyses,
        price.usd * pictures as f64,
        price.usd,
        price.prices_as_of
    )
}

fn println_out(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Asks the person at the terminal.
fn agreed(pictures: u64) -> anyhow::Result<bool> {
    if !std::io::stdin().is_terminal() {
        return Err(Fault::Usage(
            "nobody can be asked whether to go on; give --yes, or --dry-run to see the estimate alone".to_owned(),
        )
        .into());
    }
    eprint!("Queue {pictures} pictures? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(matches!(
        answer.trim().to_ascii_lowercase().as_str(),
        "y" | "yes"
    ))
}

/// Queues page after page, and notes after each few batches how far it got. How many this run queued.
async fn fill(
    bucket: &Bucket,
    queue: &Queue,
    region: &str,
    progress: &mut Progress,
    stopped: &watch::Receiver<bool>,
) -> anyhow::Result<u64> {
    let mut queued = 0;
    let mut after = progress.after().map(str::to_owned);
    loop {
        let page = bucket.page(after.as_deref(), None).await?;
        let objects = pictures(&page);
        let batches: Vec<_> = objects.chunks(BATCH).collect();
        // Some batches at once, and only then the next, so that what is noted has no gaps.
        for few in batches.chunks(AT_ONCE) {
            if *stopped.borrow() {
                return Ok(queued);
            }
            stream::iter(few)
                .map(|batch| queue.send(&bucket.place.bucket, region, batch))
                .buffer_unordered(AT_ONCE)
                .try_collect::<()>()
                .await?;
            let last = few.last().and_then(|batch| batch.last());
            let sent = few.iter().map(|batch| batch.len() as u64).sum::<u64>();
            if let Some(last) = last {
                progress.note(last.key.as_str(), sent)?;
                queued += sent;
            }
        }
        // By key and not by token, which would run out while this one rests.
        after = last_key(&page);
        if !page.is_truncated().unwrap_or_default() || after.is_none() {
            return Ok(queued);
        }
    }
}

fn last_key(page: &ListObjectsV2Output) -> Option<String> {
    page.contents()
        .last()
        .and_then(|object| object.key())
        .map(str::to_owned)
}

/// The pictures of a page: all that the processor would take, whatever they are called. What is no picture gets an
/// answer that says so, as it does when it is uploaded.
fn pictures(page: &ListObjectsV2Output) -> Vec<Object> {
    page.contents()
        .iter()
        .filter_map(|object| {
            Some(Object {
                key: SourceKey::new(aws::listed_key(page.encoding_type(), object.key()?)?)
                    .ok()
                    .filter(SourceKey::is_upload)?,
                size: u64::try_from(object.size()?).ok()?,
                e_tag: object.e_tag()?.trim_matches('"').to_owned(),
            })
        })
        .collect()
}

/// The bucket.
struct Bucket {
    client: aws_sdk_s3::Client,
    place: Prefix,
}

impl Bucket {
    fn new(sdk: &SdkConfig, place: Prefix) -> Self {
        // As the pipeline's own clients: an endpoint override means path-style addresses.
        let path_style =
            sdk.endpoint_url().is_some() || std::env::var_os("AWS_ENDPOINT_URL_S3").is_some();
        let config = aws_sdk_s3::config::Builder::from(sdk).force_path_style(path_style);
        Self {
            client: aws_sdk_s3::Client::from_conf(config.build()),
            place,
        }
    }

    /// A page of the list, behind a key or by the token of the page before.
    async fn page(
        &self,
        after: Option<&str>,
        token: Option<String>,
    ) -> anyhow::Result<ListObjectsV2Output> {
        self.client
            .list_objects_v2()
            .bucket(&self.place.bucket)
            .prefix(&self.place.prefix)
            // Keys may hold characters that XML cannot.
            .encoding_type(EncodingType::Url)
            .set_start_after(after.map(str::to_owned))
            .set_continuation_token(token)
            .send()
            .await
            .map_err(|error| {
                failed(
                    &format!("cannot list {}", self.place),
                    &read_error(Service::S3, "ListObjectsV2", &error),
                )
            })
    }

    async fn count(&self, after: Option<&str>) -> anyhow::Result<Count> {
        let mut count = Count::default();
        let mut token = None;
        loop {
            let page = self.page(after, token).await?;
            for object in pictures(&page) {
                count.pictures += 1;
                count.bytes += object.size;
            }
            token = page.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                return Ok(count);
            }
        }
    }
}

/// The queue.
struct Queue {
    client: aws_sdk_sqs::Client,
    url: Option<String>,
}

impl Queue {
    /// With its address, which is asked for where it was not given.
    async fn found(mut self) -> anyhow::Result<Self> {
        if self.url.is_none() {
            let answer = self
                .client
                .get_queue_url()
                .queue_name("sightline")
                .send()
                .await;
            let answer = answer.map_err(|error| {
                failed("the queue is not known; give its address with --queue-url (or SIGHTLINE_QUEUE_URL)", &read_error(Service::Sqs, "GetQueueUrl", &error))
            })?;
            self.url = answer.queue_url;
        }
        Ok(self)
    }

    /// Sends one batch until all of it is taken.
    async fn send(&self, bucket: &str, region: &str, objects: &[Object]) -> anyhow::Result<()> {
        let mut entries = objects
            .iter()
            .enumerate()
            .map(|(at, object)| {
                SendMessageBatchRequestEntry::builder()
                    .id(at.to_string())
                    .message_body(event::of(bucket, region, object)?)
                    .build()
                    .context("the message cannot be made")
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS);
        loop {
            let answer = self
                .client
                .send_message_batch()
                .set_queue_url(self.url.clone())
                .set_entries(Some(entries.clone()))
                .send()
                .await
                .map_err(|error| {
                    failed(
                        "the queue does not take messages",
                        &read_error(Service::Sqs, "SendMessageBatch", &error),
                    )
                })?;
            let failures = answer.failed();
            let Some(failure) = failures.first() else {
                return Ok(());
            };
            let pause = pauses.next();
            let (Some(pause), false) =
                (pause, failures.iter().any(|failure| failure.sender_fault()))
            else {
                bail!(
                    "the queue did not accept a message: {} {}",
                    failure.code(),
                    failure.message().unwrap_or_default()
                );
            };
            let again: Vec<_> = failures
                .iter()
                .map(|failure| failure.id().to_owned())
                .collect();
            entries.retain(|entry| again.iter().any(|id| id == entry.id()));
            tokio::time::sleep(pause).await;
        }
    }
}

/// An AWS error, with the exit code that fits what can be done about it.
fn failed(what: &str, error: &ServiceError) -> anyhow::Error {
    match Fault::of_service(error) {
        Some(fault) => anyhow::Error::new(fault).context(what.to_owned()),
        None => anyhow!("{what}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_analysed_can_be_named() {
        let prefix = |text: &str| text.parse::<Prefix>().map(|prefix| prefix.to_string());
        assert_eq!(prefix("s3://b"), Ok("s3://b/uploads/".to_owned()));
        assert_eq!(prefix("s3://b/"), Ok("s3://b/uploads/".to_owned()));
        assert_eq!(
            prefix("s3://b/uploads/2024/a"),
            Ok("s3://b/uploads/2024/a".to_owned())
        );
        let error = prefix("s3://b/old/").unwrap_err();
        assert!(error.contains("aws s3 cp --recursive"), "{error}");
        for wrong in ["b/uploads/", "s3://", "s3:///uploads/"] {
            assert!(prefix(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn folders_and_keys_that_name_no_picture_are_left_out() {
        use aws_sdk_s3::types::Object as Listed;
        let listed = |key: &str| Listed::builder().key(key).size(3).e_tag("\"e\"").build();
        let page = ListObjectsV2Output::builder()
            .contents(listed("uploads/"))
            .contents(listed("uploads/2024/"))
            .contents(listed("uploads/a b.jpg"))
            .contents(listed("elsewhere/a.jpg"))
            .build();
        let found: Vec<_> = pictures(&page)
            .into_iter()
            .map(|object| (object.key.to_string(), object.size, object.e_tag))
            .collect();
        assert_eq!(found, [("uploads/a b.jpg".to_owned(), 3, "e".to_owned())]);
        assert_eq!(last_key(&page).as_deref(), Some("elsewhere/a.jpg"));
    }
}
