//! A whole invocation: from the event to the answer that Lambda passes on.

use std::{
    collections::BTreeMap,
    fmt,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt as _, StreamExt, stream};
use serde_json::{Value, json};
use sightline_pipeline::{
    KeyError, SourceKey,
    config::ProcessorConfig,
    index::{ImageIndex, NoIndex},
    metrics,
    object_store::ObjectStore,
    prepare::{Preparer, default_concurrency},
    recogniser::Recogniser,
};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    event::{Created, Event, EventError, Reading},
    version::compare_sequencers,
    work::{Deadlines, Outcome, Setback, Worker},
};

/// Tells the time.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// What can be set beside the configuration; the default is right for Lambda.
#[derive(Clone)]
pub struct Options {
    /// How many images are worked on at once. The default of 8 keeps a batch of 10 messages moving
    /// while holding few bytes of each image, and stays near the 5 calls a second that Rekognition
    /// allows in most regions (a call takes about a second).
    pub side_by_side: usize,
    /// How many images are read and decoded at once, which bounds memory: each takes up to
    /// [`Limits::memory_bytes`](sightline_pipeline::prepare::Limits). The default is that of a machine
    /// with room; a function goes by its memory ([`default_concurrency`]).
    pub prepared_side_by_side: usize,
    /// How long an image that another worker has in hand is waited for before it goes back.
    pub lease_wait: Duration,
    /// Whether this process is the only worker there is, as on one machine. Leases that another
    /// process took are dead then, so that a restart need not wait for them to run out.
    pub sole_worker: bool,
    /// Tells the time.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            side_by_side: 8,
            prepared_side_by_side: default_concurrency(None),
            lease_wait: Duration::from_secs(3),
            sole_worker: false,
            clock: Arc::new(OffsetDateTime::now_utc),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("side_by_side", &self.side_by_side)
            .field("prepared_side_by_side", &self.prepared_side_by_side)
            .field("lease_wait", &self.lease_wait)
            .field("sole_worker", &self.sole_worker)
            .finish_non_exhaustive()
    }
}

/// What is known of one invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's request id, for the logs.
    pub request_id: String,
    /// How long the invocation may take. Work ends a little before; what is left is reported as
    /// failed, so that it comes again.
    pub time_left: Duration,
}

/// An invocation that failed as a whole. Only events without a queue do; of a queue's event each
/// message fails by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandlerError {
    /// The event was not understood.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Images have to come again.
    #[error("{failed} of {all} images have to come again; the first because: {first}")]
    Retry {
        /// How many.
        failed: usize,
        /// Of how many.
        all: usize,
        /// Why.
        first: Setback,
    },
}

impl HandlerError {
    /// A stable name, as Lambda's error type.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Event(error) => error.name(),
            Self::Retry { .. } => "Retry",
        }
    }
}

/// The processor: everything that lives as long as the process.
#[derive(Debug)]
pub struct Processor<S, R, I = NoIndex> {
    config: ProcessorConfig,
    store: S,
    recogniser: R,
    index: Option<I>,
    preparer: Preparer,
    options: Options,
    /// Unlike that of any other process.
    process: String,
    /// Counts the images begun.
    begun: AtomicU64,
}

/// An image to work on, and where its event came from.
struct Job {
    /// Position of the message in the batch; 0 for a direct event.
    from: usize,
    created: Created,
}

impl<S: ObjectStore, R: Recogniser> Processor<S, R> {
    /// Over these ports, without an index.
    #[must_use]
    pub fn new(config: ProcessorConfig, store: S, recogniser: R, options: Options) -> Self {
        Self {
            config,
            store,
            recogniser,
            index: None,
            preparer: Preparer::new(options.prepared_side_by_side),
            options,
            process: Uuid::new_v4().to_string(),
            begun: AtomicU64::new(0),
        }
    }

    /// The same with an index, where there is one, in which every document is entered.
    #[must_use]
    pub fn with_index<I: ImageIndex>(self, index: Option<I>) -> Processor<S, R, I> {
        Processor {
            config: self.config,
            store: self.store,
            recogniser: self.recogniser,
            index,
            preparer: self.preparer,
            options: self.options,
            process: self.process,
            begun: self.begun,
        }
    }
}

impl<S: ObjectStore, R: Recogniser, I: ImageIndex> Processor<S, R, I> {
    /// Works off one event.
    ///
    /// Answers `{"batchItemFailures": [{"itemIdentifier": <message id>}, …]}` to a queue's event
    /// (AWS Lambda Developer Guide, "Implementing partial batch responses"), `null` to any other.
    ///
    /// # Errors
    /// [`HandlerError`]: the event was not understood, or, without a queue, images have to come
    /// again, for which Lambda repeats the invocation.
    pub async fn handle(
        &self,
        event: Value,
        invocation: &Invocation,
    ) -> Result<Value, HandlerError> {
        let answered = self.handle_with_reasons(event, invocation).await;
        answered.map(|(answer, _)| answer)
    }

    /// As [`Self::handle`], and why each message of the answer has to come again, by its id: one
    /// sentence for a person. Lambda's answer has no place for it.
    ///
    /// # Errors
    /// As [`Self::handle`].
    pub async fn handle_with_reasons(
        &self,
        event: Value,
        invocation: &Invocation,
    ) -> Result<(Value, BTreeMap<String, String>), HandlerError> {
        let deadlines = Deadlines::new((self.options.clock)(), invocation.time_left);
        let request_id = invocation.request_id.as_str();
        match Event::read(&event) {
            Ok(Event::Queue(messages)) => {
                let (ids, readings): (Vec<_>, Vec<_>) = messages
                    .into_iter()
                    .map(|message| (message.id, message.reading))
                    .unzip();
                let misread: Vec<Option<String>> = readings
                    .iter()
                    .map(|reading| reading.errors.first().map(ToString::to_string))
                    .collect();
                let setbacks = self.work_off(readings, deadlines, request_id).await;
                let mut failures = Vec::new();
                let mut reasons = BTreeMap::new();
                for (at, (id, misread)) in ids.into_iter().zip(misread).enumerate() {
                    let setback = setbacks.iter().find(|(from, _)| *from == at);
                    if let Some(reason) =
                        misread.or_else(|| setback.map(|(_, setback)| setback.to_string()))
                    {
                        failures.push(json!({"itemIdentifier": id}));
                        reasons.insert(id, reason);
                    }
                }
                Ok((json!({"batchItemFailures": failures}), reasons))
            }
            Ok(Event::Direct(reading)) => {
                let error = reading.errors.first().cloned();
                let all = reading.created.len();
                let setbacks = self.work_off(vec![reading], deadlines, request_id).await;
                let failed = setbacks.len();
                match setbacks.into_iter().next() {
                    Some((_, first)) => Err(HandlerError::Retry { failed, all, first }),
                    None => {
                        error.map_or(
                            Ok((Value::Null, BTreeMap::new())),
                            |error| Err(error.into()),
                        )
                    }
                }
            }
            Err(error) => {
                tracing::error!(request_id, kind = error.name(), %error, "the event was not understood");
                Err(error.into())
            }
        }
    }

    /// Works on the images of all readings, several at once; images of the same key one after the
    /// other, the newest first, so that what is older finds the answer there. Gives what has to
    /// come again with the position of its reading.
    async fn work_off(
        &self,
        readings: Vec<Reading>,
        deadlines: Deadlines,
        request_id: &str,
    ) -> Vec<(usize, Setback)> {
        let mut by_key: BTreeMap<SourceKey, Vec<Job>> = BTreeMap::new();
        for (from, reading) in readings.into_iter().enumerate() {
            for what in reading.ignored {
                tracing::info!(request_id, what, "ignored");
            }
            for error in reading.errors {
                tracing::error!(request_id, kind = error.name(), %error, "a record was not understood");
            }
            for created in reading.created {
                if let Some(key) = self.source_key(&created, request_id) {
                    by_key.entry(key).or_default().push(Job { from, created });
                }
            }
        }
        stream::iter(by_key)
            .map(|(key, jobs)| self.work_on_key(key, jobs, deadlines, request_id))
            .buffer_unordered(self.options.side_by_side.max(1))
            .collect::<Vec<_>>()
            .await
            .into_iter()
            .flatten()
            .collect()
    }

    /// The key of an image that is ours to work on.
    fn source_key(&self, created: &Created, request_id: &str) -> Option<SourceKey> {
        let Created { bucket, key, .. } = created;
        if *bucket != self.config.buckets.input {
            tracing::warn!(
                request_id,
                bucket,
                key,
                "ignored: another bucket than INPUT_BUCKET"
            );
            return None;
        }
        match SourceKey::new(key.as_str()) {
            Ok(source) if source.is_upload() => Some(source),
            Ok(_) | Err(KeyError::OutsidePrefix(_)) => {
                tracing::info!(request_id, key, "ignored: not under uploads/");
                None
            }
            Err(error @ KeyError::Folder(_)) => {
                tracing::info!(request_id, key, "ignored: {error}");
                None
            }
            Err(error @ KeyError::TooLong { .. }) => {
                tracing::error!(request_id, key, "ignored: {error}");
                None
            }
        }
    }

    async fn work_on_key(
        &self,
        key: SourceKey,
        mut jobs: Vec<Job>,
        deadlines: Deadlines,
        request_id: &str,
    ) -> Vec<(usize, Setback)> {
        jobs.sort_by(|one, other| {
            let sequencer = |job: &Job| job.created.sequencer.clone().unwrap_or_default();
            compare_sequencers(&sequencer(other), &sequencer(one))
        });
        let mut setbacks: Vec<(usize, Setback)> = Vec::new();
        for job in jobs {
            // What held up one event of a key holds up the others, and asking again at once would
            // only ask more of who is busy.
            if let Some((_, setback)) = setbacks.first() {
                setbacks.push((job.from, setback.clone()));
                continue;
            }
            let number = self.begun.fetch_add(1, Ordering::Relaxed);
            let worker = Worker {
                store: &self.store,
                recogniser: &self.recogniser,
                index: self.index.as_ref(),
                preparer: &self.preparer,
                config: &self.config,
                clock: &self.options.clock,
                deadlines,
                owner: format!("{}/{request_id}/{number}", self.process),
                sole_process: self.options.sole_worker.then_some(self.process.as_str()),
                lease_wait: self.options.lease_wait,
            };
            // A defect costs the image that brings it to light, not the others of the batch.
            let worked = AssertUnwindSafe(worker.work(&job.created, &key)).catch_unwind();
            match worked.await.unwrap_or(Err(Setback::Panicked)) {
                Ok(Outcome::Written(document)) => tracing::info!(
                    request_id,
                    key = %key,
                    status = document.status.name(),
                    waited_ms = document.timings.waited_ms,
                    prepare_ms = document.timings.prepare_ms,
                    recognise_ms = document.timings.recognise_ms,
                    total_ms = document.timings.total_ms,
                    "answered"
                ),
                Ok(Outcome::Skipped(skip)) => {
                    tracing::info!(request_id, key = %key, why = skip.name(), "nothing to do");
                }
                Err(setback) => {
                    if setback.needs_repair() {
                        tracing::error!(request_id, key = %key, error = %setback, "the deployment lacks a permission, credentials or a bucket; repair it, then redrive the dead-letter queue");
                    } else {
                        tracing::warn!(request_id, key = %key, error = %setback, "has to come again");
                    }
                    metrics::setback(&setback.reason(), (self.options.clock)());
                    setbacks.push((job.from, setback));
                }
            }
        }
        setbacks
    }
}
