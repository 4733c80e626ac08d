//! One run: uploads pictures, waits for their results, and collects a row for each.

use std::{
    collections::BTreeMap,
    io::IsTerminal as _,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use futures::{
    StreamExt as _, future,
    stream::{self, LocalBoxStream},
};
use http::Method;
use serde_json::Value;
use sightline_pipeline::{SourceKey, backoff::endless_pauses, retries::LONGEST_PAUSE};
use sightline_upload_api::results_path;
use tokio::sync::{mpsc, watch};

use super::{
    progress::ProgressBars,
    report::{self, Row, Status},
    row_error::RowError,
    send::{Sender, Sent},
    source::Source,
};
use crate::{
    api::{self, Problem},
    exit::{CliError, Outcome},
    output::{self, OutputArgs},
    signals,
    table::LiveTable,
};

/// How many results are polled at the same time. Pictures are analysed in about the order of their upload, so the
/// oldest ones are polled.
const CONCURRENT_POLLS: usize = 4;
/// The time between two polls unless the service sets another.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// After this time without a result, the run says what it waits for.
const DELAYED: Duration = Duration::from_secs(20);

/// The first and the longest pause before a run that watches folders tries a service again that cannot be reached.
const OUTAGE_PAUSES: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));

/// A picture to upload and its size in bytes, zero if it is unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FileToUpload {
    pub(super) source: Source,
    pub(super) size: u64,
}

impl FileToUpload {
    /// Reads the size of a file, which only the progress needs.
    pub(super) fn new(source: Source) -> Self {
        let size = match &source {
            Source::File(path) => std::fs::metadata(path).map_or(0, |metadata| metadata.len()),
            Source::Address(_) | Source::Stdin(_) => 0,
        };
        Self { source, size }
    }
}

/// What a run uploads, and how.
pub(super) struct Run {
    pub(super) sender: Sender,
    pub(super) bars: ProgressBars,
    pub(super) output: OutputArgs,
    /// The number of simultaneous uploads.
    pub(super) jobs: usize,
    /// Whether to wait for results.
    pub(super) wait: bool,
    /// How long to wait when no result arrives.
    pub(super) timeout: Duration,
    /// Shows each row as soon as it is known. A run that has it goes on until it is interrupted, also without network.
    pub(super) live: Option<LiveTable>,
}

/// The pictures of a run.
pub(super) struct Pictures {
    pub(super) files: Vec<FileToUpload>,
    /// Arguments that name no readable file, and why.
    pub(super) missing: Vec<(String, String)>,
    /// Files that appear during the run.
    pub(super) watched: Option<mpsc::UnboundedReceiver<FileToUpload>>,
}

/// What is known so far.
struct State {
    /// Rows by the number of the picture.
    rows: Mutex<BTreeMap<usize, Row>>,
    /// When the last picture or result was transferred.
    last_transfer: Mutex<Instant>,
    /// Whether the run has said that results are delayed.
    said_delayed: AtomicBool,
    /// Whether the service cannot be reached.
    offline: AtomicBool,
    /// How many uploads are in progress.
    sending: AtomicUsize,
    interrupted: watch::Receiver<bool>,
}

impl Run {
    /// Runs until everything is done, an error concerns all files, or `interrupted` becomes true. Prints what is known
    /// then.
    ///
    /// # Errors
    /// An error that concerns all files.
    pub(super) async fn run(
        self,
        pictures: Pictures,
        interrupted: watch::Receiver<bool>,
    ) -> anyhow::Result<Outcome> {
        let state = State {
            rows: Mutex::default(),
            last_transfer: Mutex::new(Instant::now()),
            said_delayed: AtomicBool::new(false),
            offline: AtomicBool::new(false),
            sending: AtomicUsize::new(0),
            interrupted: interrupted.clone(),
        };
        let Pictures {
            files,
            missing,
            watched,
        } = pictures;
        for (index, file) in files.iter().enumerate() {
            state.add(index, file);
        }
        let mut next = files.len();
        for (file, reason) in missing {
            self.record(&state, next, Row::missing(file, reason))?;
            next += 1;
        }
        let appearing = stream::unfold((watched, next), |(watched, index)| async move {
            let mut watched = watched?;
            let file = watched.recv().await?;
            Some(((index, file), (Some(watched), index + 1)))
        })
        .inspect(|(index, file)| state.add(*index, file));
        let files = stream::iter(files)
            .enumerate()
            .chain(appearing)
            .boxed_local();
        let result = tokio::select! {
            result = self.upload_and_wait(&state, files) => result,
            never = self.say_what_an_interruption_finishes(&state) => never,
        };
        let rows = self.finish(state)?;
        let stopped = *interrupted.borrow();
        if let Some(advice) = report::how_to_go_on(&rows).filter(|_| stopped || result.is_err()) {
            let interrupted = if stopped { "Interrupted. " } else { "" };
            output::print_message(&format!("{interrupted}{advice}"));
        }
        result?;
        let is_left = |row: &Row| row.status == Status::NotUploaded || row.is_interrupted();
        Ok(
            if stopped && (self.live.is_none() || rows.iter().any(is_left)) {
                Outcome::Interrupted
            } else if rows.iter().all(|row| row.status.is_success()) {
                Outcome::Done
            } else {
                Outcome::SomeFailed
            },
        )
    }

    /// After Ctrl-C, says what the run still does. Never returns.
    async fn say_what_an_interruption_finishes(&self, state: &State) -> anyhow::Result<()> {
        signals::stopped(state.interrupted.clone()).await;
        let sending = state.sending.load(Ordering::Relaxed);
        if sending > 0 {
            let uploads = output::count(sending, "upload", "uploads");
            let message =
                format!("Finishing {uploads} in progress. Press Ctrl-C again to stop at once.");
            self.bars.suspend(|| output::print_message(&message));
        }
        future::pending().await
    }

    async fn upload_and_wait(
        &self,
        state: &State,
        files: LocalBoxStream<'_, (usize, FileToUpload)>,
    ) -> anyhow::Result<()> {
        let interrupted = &state.interrupted;
        // Becomes true at an error that concerns all files.
        let (stop, failed) = watch::channel(false);
        let (uploaded, to_poll) = mpsc::unbounded_channel();
        let uploads = async {
            let stopped = future::select(
                Box::pin(signals::stopped(interrupted.clone())),
                Box::pin(signals::stopped(failed.clone())),
            );
            let mut uploads = files
                .take_until(stopped)
                .map(|(index, file)| async move {
                    let _sending = state.sending();
                    let send = async || self.sender.send(&file.source, file.size).await;
                    (index, self.patiently(state, send).await)
                })
                .buffer_unordered(self.jobs);
            let mut result = Ok(());
            while let Some((index, sent)) = uploads.next().await {
                let recorded = sent.and_then(|sent| match sent {
                    Some(sent) => self.record_sent(state, index, sent),
                    None => Ok(None),
                });
                match recorded {
                    Ok(Some(key)) => {
                        // After an error nothing receives keys.
                        let _ = uploaded.send((index, key));
                    }
                    Ok(None) => {}
                    Err(error) => {
                        stop.send_replace(true);
                        result = result.and(Err(error));
                    }
                }
            }
            drop(uploaded);
            result
        };
        let results = async {
            let to_poll = stream::unfold(to_poll, |mut to_poll| async move {
                to_poll.recv().await.map(|next| (next, to_poll))
            });
            let mut results = to_poll
                .map(|(index, key)| async move { (index, self.poll(state, &key).await) })
                .buffered(CONCURRENT_POLLS)
                .boxed_local();
            while let Some((index, result)) = results.next().await {
                let recorded = result.and_then(|result| self.record_result(state, index, result));
                if let Err(error) = recorded {
                    stop.send_replace(true);
                    return Err(error);
                }
            }
            Ok(())
        };
        let results = async {
            tokio::select! {
                result = results => result,
                () = signals::stopped(interrupted.clone()) => Ok(()),
                () = signals::stopped(failed.clone()) => Ok(()),
            }
        };
        let (uploads, results) = future::join(uploads, results).await;
        uploads.and(results)
    }

    /// Does `work`. A run that goes on without network does it again until the service can be reached; `None` if it is interrupted
    /// before.
    async fn patiently<T>(
        &self,
        state: &State,
        work: impl AsyncFn() -> anyhow::Result<T>,
    ) -> anyhow::Result<Option<T>> {
        if self.live.is_none() {
            return work().await.map(Some);
        }
        let mut pauses = endless_pauses(OUTAGE_PAUSES.0, OUTAGE_PAUSES.1);
        loop {
            let error = tokio::select! {
                result = work() => match result {
                    Ok(done) => {
                        if state.offline.swap(false, Ordering::Relaxed) {
                            output::print_message("The service answers again.");
                        }
                        return Ok(Some(done));
                    }
                    Err(error) => error,
                },
                () = state.interrupted_offline() => return Ok(None),
            };
            if !matches!(error.downcast_ref(), Some(CliError::Unreachable(_))) {
                return Err(error);
            }
            if !state.offline.swap(true, Ordering::Relaxed) {
                output::print_message(&format!(
                    "The service cannot be reached, so uploads wait until it answers: {error}"
                ));
            }
            tokio::select! {
                () = tokio::time::sleep(pauses.next().unwrap_or(OUTAGE_PAUSES.1)) => {}
                () = signals::stopped(state.interrupted.clone()) => return Ok(None),
            }
        }
    }

    /// Records an upload. Returns the key if its result is to be waited for.
    fn record_sent(
        &self,
        state: &State,
        index: usize,
        sent: Sent,
    ) -> anyhow::Result<Option<SourceKey>> {
        state.transferred();
        let key = match &sent {
            Sent::Stored { key, .. } if self.wait => Some(key.clone()),
            _ => None,
        };
        let Some(row) = state.rows().remove(&index) else {
            return Ok(None);
        };
        let row = row.with_sent(sent);
        if key.is_some() {
            // Printed when its result arrives.
            state.rows().insert(index, row);
        } else {
            self.bars.finished(!self.wait);
            self.record(state, index, row)?;
        }
        Ok(key)
    }

    /// Waits for a result.
    async fn poll(
        &self,
        state: &State,
        key: &SourceKey,
    ) -> anyhow::Result<Result<Value, RowError>> {
        let path = results_path(key);
        loop {
            let get = async || self.sender.api.send(Method::GET, &path, None).await;
            let Some(response) = self.patiently(state, get).await? else {
                return Ok(Err(RowError::interruption()));
            };
            match response.status {
                200 => return Ok(Ok(api::body(&response)?)),
                202 => {}
                _ => return Ok(Err(Problem::read(&response).into())),
            }
            if state.since_last_transfer() > self.timeout {
                let message = format!(
                    "the picture is stored, but no result arrived for {} seconds; the service keeps trying, so run the same command again later",
                    self.timeout.as_secs()
                );
                return Ok(Err(RowError::new("timeout", message)));
            }
            if state.since_last_transfer() > DELAYED
                && !state.said_delayed.swap(true, Ordering::Relaxed)
            {
                let message = format!(
                    "No result has arrived for {} seconds. The pictures are stored. The service is busy and tries again by itself, at the latest after {} minutes.",
                    DELAYED.as_secs(),
                    LONGEST_PAUSE.as_secs() / 60
                );
                self.bars.suspend(|| output::print_message(&message));
            }
            let interval = response.retry_after(SystemTime::now());
            tokio::time::sleep(interval.unwrap_or(POLL_INTERVAL).min(self.timeout)).await;
        }
    }

    fn record_result(
        &self,
        state: &State,
        index: usize,
        result: Result<Value, RowError>,
    ) -> anyhow::Result<()> {
        let Some(row) = state.rows().remove(&index) else {
            return Ok(());
        };
        let row = match result {
            Ok(document) => {
                state.transferred();
                row.with_result(&document)
            }
            Err(error) => row.without_result(error),
        };
        self.bars.finished(true);
        self.record(state, index, row)
    }

    /// Records a final row, and prints it if the output is JSON or live.
    fn record(&self, state: &State, index: usize, mut row: Row) -> anyhow::Result<()> {
        if self.live.is_some() && row.is_gone() {
            return Ok(());
        }
        if self.output.json {
            self.bars.suspend(|| output::print_json(&row))?;
        } else if let Some(live) = &self.live {
            live.row(report::fields(&row))?;
            // It may run for months.
            row.forget_labels();
        }
        state.rows().insert(index, row);
        Ok(())
    }

    /// Completes the rows, prints what was not printed yet, and returns all rows.
    fn finish(&self, state: State) -> anyhow::Result<Vec<Row>> {
        let sent = self.bars.bytes.total();
        self.bars.clear();
        let mut rows = state
            .rows
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for row in rows.values_mut() {
            let is_waiting = row.status == Status::Uploaded && self.wait;
            if is_waiting {
                *row = row.clone().without_result(RowError::interruption());
            }
            if self.output.json && (is_waiting || row.status == Status::NotUploaded) {
                output::print_json(row)?;
            }
        }
        let rows: Vec<_> = rows.into_values().collect();
        if !self.output.json {
            if self.live.is_none() {
                // A person does not need a line for each file that the next run finishes; the summary counts them.
                let all = !std::io::stdout().is_terminal();
                let shown = rows.iter().filter(|row| {
                    all || !(row.status == Status::NotUploaded || row.is_interrupted())
                });
                report::table(shown).print(self.output.color)?;
            }
            for failure in report::failures(&rows) {
                output::print_message(&failure);
            }
        }
        output::print_message(&report::summary(&rows, sent));
        Ok(rows)
    }
}

/// Counts an upload as long as it lives.
struct Sending<'a>(&'a AtomicUsize);

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl State {
    /// Adds a picture that is to be uploaded.
    fn add(&self, index: usize, file: &FileToUpload) {
        let row = Row::not_uploaded(file.source.to_string(), file.size);
        self.rows().insert(index, row);
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<usize, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sending(&self) -> Sending<'_> {
        self.sending.fetch_add(1, Ordering::Relaxed);
        Sending(&self.sending)
    }

    /// Waits for an interruption while the service cannot be reached.
    async fn interrupted_offline(&self) {
        signals::stopped(self.interrupted.clone()).await;
        if !self.offline.load(Ordering::Relaxed) {
            future::pending().await
        }
    }

    fn transferred(&self) {
        *self
            .last_transfer
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn since_last_transfer(&self) -> Duration {
        self.last_transfer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .elapsed()
    }
}
