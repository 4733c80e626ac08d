//! One run: uploads files, waits for their results, and collects a row for each file.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use futures::{StreamExt as _, future, stream};
use http::Method;
use serde_json::Value;
use sightline_pipeline::{SourceKey, retries::LONGEST_PAUSE};
use sightline_upload_api::results_path;
use tokio::sync::{mpsc, watch};

use super::{
    progress::ProgressBars,
    report::{self, Row, Status},
    row_error::RowError,
    send::{Sender, Sent},
};
use crate::{
    api::{self, Problem},
    exit::Outcome,
    output::{self, OutputArgs},
    signals,
};

/// How many results are polled at the same time. Pictures are analysed in about the order of their upload, so the
/// oldest ones are polled.
const CONCURRENT_POLLS: usize = 4;
/// The time between two polls unless the service sets another.
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// After this time without a result, the run says what it waits for.
const DELAYED: Duration = Duration::from_secs(20);

/// A file and its size in bytes.
pub(super) struct FileToUpload {
    path: PathBuf,
    pub(super) size: u64,
}

impl FileToUpload {
    /// Reads the size, which only the progress bar needs.
    pub(super) fn new(path: PathBuf) -> Self {
        let size = std::fs::metadata(&path).map_or(0, |metadata| metadata.len());
        Self { path, size }
    }
}

/// What a run uploads, and how.
pub(super) struct Run {
    pub(super) sender: Sender,
    pub(super) bars: ProgressBars,
    pub(super) files: Vec<FileToUpload>,
    /// Arguments that name no readable file, and why.
    pub(super) missing: Vec<(PathBuf, String)>,
    pub(super) output: OutputArgs,
    /// The number of simultaneous uploads.
    pub(super) jobs: usize,
    /// Whether to wait for results.
    pub(super) wait: bool,
    /// How long to wait when no result arrives.
    pub(super) timeout: Duration,
}

/// What is known so far.
struct State {
    /// Rows by the index of the file; the missing files follow the others.
    rows: Mutex<BTreeMap<usize, Row>>,
    /// When the last picture or result was transferred.
    last_transfer: Mutex<Instant>,
    /// Whether the run has said that results are delayed.
    said_delayed: AtomicBool,
}

impl Run {
    /// Runs until everything is done, an error concerns all files, or `interrupted` becomes true. Prints what is known
    /// then.
    ///
    /// # Errors
    /// An error that concerns all files.
    pub(super) async fn run(self, interrupted: watch::Receiver<bool>) -> anyhow::Result<Outcome> {
        let state = State {
            rows: Mutex::default(),
            last_transfer: Mutex::new(Instant::now()),
            said_delayed: AtomicBool::new(false),
        };
        for (index, (path, reason)) in self.missing.iter().enumerate() {
            self.record(&state, self.files.len() + index, Row::missing(path, reason))?;
        }
        let result = self.upload_and_wait(&state, interrupted.clone()).await;
        let rows = self.finish(state)?;
        result?;
        if *interrupted.borrow() {
            output::print_message("Interrupted. Run the same command again to upload the rest.");
            return Ok(Outcome::Interrupted);
        }
        let successful = self.missing.is_empty() && rows.iter().all(|row| row.status.is_success());
        Ok(if successful {
            Outcome::Done
        } else {
            Outcome::SomeFailed
        })
    }

    async fn upload_and_wait(
        &self,
        state: &State,
        interrupted: watch::Receiver<bool>,
    ) -> anyhow::Result<()> {
        // Becomes true at an error that concerns all files.
        let (stop, failed) = watch::channel(false);
        let (uploaded, to_poll) = mpsc::unbounded_channel();
        let uploads = async {
            let stopped = future::select(
                Box::pin(signals::stopped(interrupted.clone())),
                Box::pin(signals::stopped(failed.clone())),
            );
            let mut uploads = stream::iter(self.files.iter().enumerate())
                .take_until(stopped)
                .map(|(index, file)| async move {
                    (index, self.sender.send(&file.path, file.size).await)
                })
                .buffer_unordered(self.jobs);
            let mut result = Ok(());
            while let Some((index, sent)) = uploads.next().await {
                match sent.and_then(|sent| self.record_sent(state, index, sent)) {
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
        let Some(file) = self.files.get(index) else {
            return Ok(None);
        };
        let row = Row::sent(&file.path, sent);
        if key.is_some() {
            // Printed when its result arrives.
            state.rows().insert(index, row);
        } else {
            self.bars.files.inc(1);
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
            let response = self.sender.api.send(Method::GET, &path, None).await?;
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
        self.bars.files.inc(1);
        self.record(state, index, row)
    }

    /// Records a final row, and prints it if the output is JSON.
    fn record(&self, state: &State, index: usize, row: Row) -> anyhow::Result<()> {
        if self.output.json {
            self.bars.suspend(|| output::print_json(&row))?;
        }
        state.rows().insert(index, row);
        Ok(())
    }

    /// Completes the rows, prints what was not printed yet, and returns all rows.
    fn finish(&self, state: State) -> anyhow::Result<Vec<Row>> {
        self.bars.clear();
        let mut rows = state
            .rows
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        for (index, file) in self.files.iter().enumerate() {
            let row = rows
                .entry(index)
                .or_insert_with(|| Row::not_uploaded(&file.path));
            let is_waiting = row.status == Status::Uploaded && self.wait;
            if is_waiting {
                *row = row.clone().without_result(RowError::new(
                    "interrupted",
                    "the run ended before the result arrived".to_owned(),
                ));
            }
            if self.output.json && (is_waiting || row.status == Status::NotUploaded) {
                output::print_json(row)?;
            }
        }
        let rows: Vec<_> = rows.into_values().collect();
        if !self.output.json {
            report::table(&rows).print(self.output.color)?;
        }
        output::print_message(&report::summary(&rows));
        Ok(rows)
    }
}

impl State {
    fn rows(&self) -> MutexGuard<'_, BTreeMap<usize, Row>> {
        self.rows.lock().unwrap_or_else(PoisonError::into_inner)
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
