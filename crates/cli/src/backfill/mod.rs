//! `sightline backfill`: queues pictures that were in the bucket before.
//!
//! Each picture gets a message with the same event that S3 sends for a new object. So the processor treats it like a new
//! picture, and skips it if it has a result. The messages have a queue of their own, and are sent only as fast as they are
//! processed, so they hold up no upload.

mod bucket;
mod event;
mod plan;
mod progress;
mod queue;

use std::time::Duration;

use anyhow::{Context as _, bail};
use clap::Args;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use sightline_pipeline::{
    Analyses,
    prepare::size::mib,
    recognition::{self, Settings},
};
use tokio::sync::watch;

use self::{
    bucket::{BucketLister, BucketPrefix, Count},
    plan::Pace,
    progress::Progress,
    queue::{MAX_BATCH, QueueSender},
};
use crate::{aws, confirm::confirm, exit::Outcome, output, signals, state_dir::StateDir};

/// The number of batches that are sent at the same time.
const CONCURRENT_BATCHES: usize = 8;
/// Sending pauses while more messages than this wait, or more than an hour's work.
const MAX_WAITING: u64 = 1000;
/// How often to ask how many messages wait.
const POLL_INTERVAL: Duration = Duration::from_secs(2);

/// `sightline backfill`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "\
Only keys under uploads/ are analysed, so the location must be
s3://bucket/uploads/ or a prefix below it. Copy other pictures there; the copy
is analysed without a backfill:
    aws s3 cp --recursive s3://my-bucket/old/ s3://my-bucket/uploads/old/

EXAMPLES
  Count the pictures and estimate the maximum cost:
    sightline backfill s3://my-bucket/uploads/2024/ --dry-run
  Queue them from a script:
    sightline backfill s3://my-bucket/uploads/2024/ --yes --queue-url \\
        https://sqs.eu-west-1.amazonaws.com/123456789012/bulk
  Queue everything in the local mode (with the lines that `sightline local`
  prints):
    sightline backfill s3://sightline-input/uploads/

PACE
  Messages are sent only as fast as they are processed, so a large run takes
  as long as its analyses. The region's default Rekognition quota decides how
  long that is; --rekognition-tps names a raised one. A run that takes longer
  than the queue keeps messages is refused.

INTERRUPTED RUNS
  Ctrl-C finishes the messages in progress and stops. Run the same command
  again to continue after the last queued picture; --restart starts from the
  beginning. A picture that has a result is queued too, but neither analysed
  nor billed again.

EXIT CODES
  0    everything is queued, or there was nothing to queue
  1    an error, or you declined
  2    invalid command line
  3    AWS could not be reached
  4    AWS rejected the request: keys, permissions, or a bucket that does not
       exist
  130  interrupted")]
pub(crate) struct BackfillArgs {
    /// Location of the pictures: s3://bucket/uploads/ or a prefix below it
    #[arg(value_name = "s3://BUCKET/PREFIX")]
    location: BucketPrefix,

    /// URL of the processor's queue for backfills; by default the queue named `sightline-bulk`, which the local mode has
    #[arg(long, env = "SIGHTLINE_QUEUE_URL", value_name = "URL")]
    queue_url: Option<String>,

    /// Queue at most this many pictures; the same command continues after them
    #[arg(long, value_name = "PICTURES", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,

    /// Rekognition calls a second of each kind that the account may make, if its quota was raised
    #[arg(long, value_name = "CALLS", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    rekognition_tps: Option<u32>,

    /// Count and estimate only, without queueing
    #[arg(long)]
    dry_run: bool,

    /// Do not ask for confirmation
    #[arg(long, short)]
    yes: bool,

    /// Start from the beginning even if an earlier run was interrupted
    #[arg(long)]
    restart: bool,

    /// Analyses that the processor runs on each picture, for the estimate
    #[arg(
        long,
        env = "SIGHTLINE_ANALYSES",
        value_name = "NAMES",
        default_value = "labels,image-properties"
    )]
    analyses: Analyses,

    #[command(flatten)]
    state_dir: StateDir,
}

/// Counts the pictures, asks for confirmation, and queues them.
///
/// # Errors
/// When AWS cannot be reached or rejects a request, the queue does not exist, or nobody can confirm.
pub(crate) async fn run(args: BackfillArgs) -> anyhow::Result<Outcome> {
    let (sdk, region) = aws::load().await?;
    let bucket = BucketLister::new(&sdk, args.location.clone());
    let state_dir = args.state_dir.resolve()?;
    // A dry run does not look up the queue.
    let queue = if args.dry_run && args.queue_url.is_none() {
        None
    } else {
        Some(QueueSender::new(&sdk, region.to_string(), args.queue_url.clone()).await?)
    };
    let mut progress = Progress::open(
        &state_dir,
        &args.location.to_string(),
        queue.as_ref().map_or("", QueueSender::url),
        args.restart,
    )?;
    let count = bucket.count(progress.after()).await?;
    if let Some(after) = progress.after() {
        output::print_message(&format!(
            "An earlier run queued {} pictures, up to {after}. Continuing after it (--restart starts from the beginning).",
            progress.queued()
        ));
    }
    output::print_line(&estimate(&args, count))?;
    let pictures = args
        .limit
        .map_or(count.pictures, |limit| limit.min(count.pictures));
    // The local mode has no quota.
    let pace = (args.rekognition_tps.is_some() || sdk.endpoint_url().is_none())
        .then(|| Pace::new(args.rekognition_tps, region.as_ref(), &args.analyses));
    if let Some(pace) = &pace {
        output::print_line(&pace.sentence(pictures))?;
    }
    if let (Some(queue), Some(pace)) = (&queue, &pace) {
        let state = queue.state().await?;
        pace.check(pictures, state.waiting, state.retention)?;
    }
    let Some(queue) = queue.filter(|_| !args.dry_run && pictures > 0) else {
        return Ok(Outcome::Done);
    };
    if !args.yes
        && !confirm(
            &format!("Queue {pictures} pictures?"),
            "use --yes to queue the pictures, or --dry-run for the estimate only",
        )?
    {
        bail!("nothing was queued");
    }
    let stopped = signals::stop_flag().context("cannot listen for Ctrl-C")?;
    let run = Run {
        bucket: &bucket,
        location: &args.location,
        queue: &queue,
        pictures,
        max_waiting: pace.map_or(MAX_WAITING, |pace| pace.hourly().max(MAX_WAITING)),
    };
    let queued = run.queue_pictures(&mut progress, stopped.clone()).await?;
    if *stopped.borrow() {
        output::print_message(&format!(
            "Interrupted after {queued} pictures. Run the same command again to queue the rest."
        ));
        return Ok(Outcome::Interrupted);
    }
    output::print_line(&format!("{queued} pictures queued."))?;
    if pictures < count.pictures {
        output::print_message("Run the same command again to queue more.");
        return Ok(Outcome::Done);
    }
    progress.remove()?;
    Ok(Outcome::Done)
}

fn estimate(args: &BackfillArgs, count: Count) -> String {
    let price = recognition::price(&args.analyses, &Settings::default());
    let pictures = count.pictures;
    format!(
        "Pictures under {}: {pictures} ({}).\nTheir analyses ({}) cost at most ${:.2}, which is ${} each by the list \
         prices of {}. Pictures that have a result cost nothing. In the local mode, all analyses are free.",
        args.location,
        mib(count.bytes),
        args.analyses,
        price.usd * pictures as f64,
        price.usd,
        price.prices_as_of
    )
}

/// What to queue, and where.
struct Run<'a> {
    bucket: &'a BucketLister,
    location: &'a BucketPrefix,
    queue: &'a QueueSender,
    /// The most pictures to queue.
    pictures: u64,
    /// Sending pauses while more messages wait.
    max_waiting: u64,
}

impl Run<'_> {
    /// Queues page after page until `stopped` becomes true. Returns the number of queued pictures.
    async fn queue_pictures(
        &self,
        progress: &mut Progress,
        mut stopped: watch::Receiver<bool>,
    ) -> anyhow::Result<u64> {
        let mut queued = 0;
        let mut after = progress.after().map(str::to_owned);
        loop {
            let page = self.bucket.page(after.as_deref()).await?;
            // The next batches start when all of these are sent, so that the saved progress has no gaps.
            for pictures in page.pictures.chunks(MAX_BATCH * CONCURRENT_BATCHES) {
                self.wait_for_room(queued, &mut stopped).await?;
                if *stopped.borrow() {
                    return Ok(queued);
                }
                let left = usize::try_from(self.pictures - queued).unwrap_or(usize::MAX);
                let pictures = pictures.get(..left).unwrap_or(pictures);
                stream::iter(pictures.chunks(MAX_BATCH))
                    .map(|batch| self.queue.send(&self.location.bucket, batch))
                    .buffer_unordered(CONCURRENT_BATCHES)
                    .try_collect::<()>()
                    .await?;
                if let Some(last) = pictures.last() {
                    let sent = pictures.len() as u64;
                    progress.save(last.key.as_str(), sent)?;
                    queued += sent;
                }
                if queued >= self.pictures {
                    return Ok(queued);
                }
            }
            after = page.next_after;
            if after.is_none() {
                return Ok(queued);
            }
        }
    }

    /// Waits while the queue has enough messages, or until `stopped` becomes true.
    async fn wait_for_room(
        &self,
        queued: u64,
        stopped: &mut watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        let mut told = false;
        while !*stopped.borrow() {
            let waiting = self.queue.state().await?.waiting;
            if waiting < self.max_waiting {
                return Ok(());
            }
            if !told {
                output::print_message(&format!(
                    "{queued} of {} pictures queued. Waiting for some of the {waiting} messages in the queue to be processed.",
                    self.pictures
                ));
                told = true;
            }
            // Both outcomes lead to the next question.
            let _ = tokio::time::timeout(POLL_INTERVAL, stopped.changed()).await;
        }
        Ok(())
    }
}
