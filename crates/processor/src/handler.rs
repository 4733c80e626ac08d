//! An invocation: from the event to the response for Lambda.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::atomic::{AtomicU64, Ordering},
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
    prepare::Preparer,
    recogniser::Recogniser,
    retries::{self, HiddenMessage, MessageVisibility, NoVisibility, Setback},
    version::compare_sequencers,
};
use tokio::time::{Instant, timeout_at};
use uuid::Uuid;

use crate::{
    deadlines::Deadlines,
    event::{Delivery, Event, EventContent, EventError, Message, ObjectCreated, ObjectExpired},
    expiry,
    lease::Process,
    options::Options,
    outcome::{Outcome, RetryableFailure},
    worker::Worker,
};

/// How long a batch waits for the queue to set pauses.
const HIDE_TIMEOUT: Duration = Duration::from_secs(10);

/// One invocation.
#[derive(Debug, Clone)]
pub struct Invocation {
    /// Lambda's request id, for the logs.
    pub request_id: String,
    /// How long the invocation may take. Work ends shortly before, and unfinished images are reported as
    /// failed, so that they are retried.
    pub time_left: Duration,
}

/// An invocation that failed as a whole, which happens only without a queue. In a queue's event each
/// message fails by itself.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HandlerError {
    /// The event cannot be read.
    #[error(transparent)]
    Event(#[from] EventError),
    /// Images have to be retried.
    #[error("{failed} of {all} images have to be retried; the first error: {first}")]
    Retry {
        /// The number of images to retry.
        failed: usize,
        /// The number of images in the event.
        all: usize,
        /// The first image's error.
        first: RetryableFailure,
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

/// The processor, with everything that lives as long as the process.
#[derive(Debug)]
pub struct Processor<S, R, I = NoIndex, V = NoVisibility> {
    config: ProcessorConfig,
    store: S,
    recogniser: R,
    index: Option<I>,
    visibility: Option<V>,
    preparer: Preparer,
    options: Options,
    process: Process,
    /// The number of images begun so far.
    begun: AtomicU64,
}

/// An image to process, with its message.
struct Job {
    /// The position of the message in the batch; 0 for a direct event.
    from: usize,
    event: ObjectCreated,
}

impl<S: ObjectStore, R: Recogniser> Processor<S, R> {
    /// A processor with these ports, without an index, and without access to the queue of its messages.
    #[must_use]
    pub fn new(config: ProcessorConfig, store: S, recogniser: R, options: Options) -> Self {
        Self {
            config,
            store,
            recogniser,
            index: None,
            visibility: None,
            preparer: Preparer::new(options.prepare_concurrency),
            process: Process::new(Uuid::new_v4().to_string(), options.sole_worker),
            options,
            begun: AtomicU64::new(0),
        }
    }
}

impl<S, R, I, V> Processor<S, R, I, V> {
    /// Adds an index, to which every document is then added.
    #[must_use]
    pub fn with_index<J: ImageIndex>(self, index: Option<J>) -> Processor<S, R, J, V> {
        Processor {
            config: self.config,
            store: self.store,
            recogniser: self.recogniser,
            index,
            visibility: self.visibility,
            preparer: self.preparer,
            options: self.options,
            process: self.process,
            begun: self.begun,
        }
    }

    /// Adds access to the queue: after each batch, every message that has to come again gets a pause of its own.
    #[must_use]
    pub fn with_visibility<W: MessageVisibility>(self, visibility: W) -> Processor<S, R, I, W> {
        Processor {
            config: self.config,
            store: self.store,
            recogniser: self.recogniser,
            index: self.index,
            visibility: Some(visibility),
            preparer: self.preparer,
            options: self.options,
            process: self.process,
            begun: self.begun,
        }
    }
}

impl<S: ObjectStore, R: Recogniser, I: ImageIndex, V: MessageVisibility> Processor<S, R, I, V> {
    /// Processes one event.
    ///
    /// For a queue's event, returns `{"batchItemFailures": [{"itemIdentifier": <message id>}, …]}`
    /// (AWS Lambda Developer Guide, "Implementing partial batch responses"); for any other, `null`.
    ///
    /// # Errors
    /// [`HandlerError`] if the event cannot be read, or if images of an event without a queue have to be retried.
    /// Lambda then repeats the invocation.
    pub async fn handle(
        &self,
        event: Value,
        invocation: &Invocation,
    ) -> Result<Value, HandlerError> {
        let handled = self.handle_with_reasons(event, invocation).await;
        handled.map(|(response, _)| response)
    }

    /// As [`Self::handle`]. Also returns, by message id, one sentence on why the message will be retried. Lambda's
    /// response has no member for it.
    ///
    /// # Errors
    /// As [`Self::handle`].
    pub async fn handle_with_reasons(
        &self,
        event: Value,
        invocation: &Invocation,
    ) -> Result<(Value, BTreeMap<String, String>), HandlerError> {
        let deadlines = Deadlines::new(invocation.time_left);
        let request_id = invocation.request_id.as_str();
        match Event::read(&event) {
            Ok(Event::Queue(messages)) => {
                Ok(self.handle_messages(messages, deadlines, request_id).await)
            }
            Ok(Event::Direct(content)) => {
                let error = content.errors.first().cloned();
                let all = content.created.len() + content.expired.len();
                let failures = self.process_all(vec![content], deadlines, request_id).await;
                let failed = failures.len();
                match failures.into_iter().next() {
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
                tracing::error!(request_id, kind = error.name(), %error, "could not read the event");
                Err(error.into())
            }
        }
    }

    /// Processes a batch of messages, and sets the pauses of those that have to come again.
    async fn handle_messages(
        &self,
        messages: Vec<Message>,
        deadlines: Deadlines,
        request_id: &str,
    ) -> (Value, BTreeMap<String, String>) {
        let mut deliveries = Vec::new();
        let mut contents = Vec::new();
        for message in messages {
            let unreadable = message.content.errors.first().map(ToString::to_string);
            deliveries.push((message.id, message.delivery, unreadable));
            contents.push(message.content);
        }
        let failed = self.process_all(contents, deadlines, request_id).await;
        let mut failures = Vec::new();
        let mut reasons = BTreeMap::new();
        let mut returned = Vec::new();
        for (at, (id, delivery, unreadable)) in deliveries.into_iter().enumerate() {
            let own = || failed.iter().filter(|(from, _)| *from == at);
            // The images of an unreadable message get their answers before it becomes a dead letter.
            let setback = own().map(|(_, failure)| failure.setback()).max();
            let reason = unreadable.or_else(|| own().next().map(|(_, first)| first.to_string()));
            if let Some(reason) = reason {
                failures.push(json!({"itemIdentifier": id}));
                reasons.insert(id, reason);
                returned.extend(delivery.map(|of| (of, setback.unwrap_or(Setback::Unreadable))));
            }
        }
        self.hide(returned, deadlines, request_id).await;
        (json!({"batchItemFailures": failures}), reasons)
    }

    /// Sets the pauses of messages that have to come again. A message whose pause cannot be set comes again after the
    /// queue's visibility time-out.
    async fn hide(
        &self,
        returned: Vec<(Delivery, Setback)>,
        deadlines: Deadlines,
        request_id: &str,
    ) {
        let Some(visibility) = &self.visibility else {
            return;
        };
        let mut queues: BTreeMap<String, Vec<HiddenMessage>> = BTreeMap::new();
        for (delivery, setback) in returned {
            let pause = retries::pause(setback, delivery.receives);
            tracing::info!(
                request_id,
                receives = delivery.receives,
                pause_s = pause.as_secs(),
                "a message comes again after a pause"
            );
            let messages = queues.entry(delivery.queue_arn).or_default();
            messages.push(HiddenMessage {
                receipt: delivery.receipt,
                pause,
            });
        }
        for (queue, messages) in &queues {
            let until = deadlines.hide.min(Instant::now() + HIDE_TIMEOUT);
            match timeout_at(until, visibility.hide(queue, messages)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => {
                    tracing::warn!(request_id, %error, "cannot set when messages come again; they come after the queue's visibility time-out");
                }
                Err(_) => {
                    tracing::warn!(
                        request_id,
                        queue,
                        "it took too long to set when messages come again; they come after the queue's visibility time-out"
                    );
                }
            }
        }
    }

    /// Processes the images of all messages concurrently. Events for one key are processed one after
    /// another, the newest first, so that the older ones find its result. Returns the failures with the
    /// positions of their messages.
    async fn process_all(
        &self,
        contents: Vec<EventContent>,
        deadlines: Deadlines,
        request_id: &str,
    ) -> Vec<(usize, RetryableFailure)> {
        let mut by_key: BTreeMap<SourceKey, Vec<Job>> = BTreeMap::new();
        let mut expired = Vec::new();
        for (from, content) in contents.into_iter().enumerate() {
            for description in content.ignored {
                tracing::info!(request_id, description, "ignored a record");
            }
            for error in content.errors {
                tracing::error!(request_id, kind = error.name(), %error, "could not read a record");
            }
            expired.extend(content.expired.into_iter().map(|event| (from, event)));
            for event in content.created {
                if let Some(key) = self.source_key(&event, request_id) {
                    by_key.entry(key).or_default().push(Job { from, event });
                }
            }
        }
        let concurrency = self.options.concurrency.max(1);
        let failed = stream::iter(by_key)
            .map(|(key, jobs)| self.process_key(key, jobs, deadlines, request_id))
            .buffer_unordered(concurrency)
            .collect::<Vec<_>>();
        let not_pruned = stream::iter(expired)
            .map(async |(from, event)| {
                Some((from, self.prune(&event, deadlines, request_id).await?))
            })
            .buffer_unordered(concurrency)
            .collect::<Vec<_>>();
        let (failed, not_pruned) = futures::join!(failed, not_pruned);
        failed
            .into_iter()
            .flatten()
            .chain(not_pruned.into_iter().flatten())
            .collect()
    }

    /// Takes the row of an expired document out of the index. Returns the failure, if it has to be retried.
    async fn prune(
        &self,
        event: &ObjectExpired,
        deadlines: Deadlines,
        request_id: &str,
    ) -> Option<RetryableFailure> {
        let (index, output) = (self.index.as_ref(), &self.config.buckets.output);
        let now = (self.options.clock)();
        let key = &event.key;
        let pruning = async {
            if Instant::now() >= deadlines.begin {
                return Err(RetryableFailure::OutOfTime);
            }
            let pruned = expiry::prune(&self.store, index, output, event, now);
            let pruned = timeout_at(deadlines.write, pruned).await;
            pruned.map_or(Err(RetryableFailure::OutOfTime), |pruned| Ok(pruned?))
        };
        match pruning.await {
            Ok(pruned) => {
                tracing::info!(request_id, key, pruned, "a document expired");
                None
            }
            Err(failure) => {
                tracing::warn!(request_id, key, %failure, "the row of an expired document will be deleted later");
                count(&failure, now);
                Some(failure)
            }
        }
    }

    /// The key of a created object, if this processor handles it.
    fn source_key(&self, event: &ObjectCreated, request_id: &str) -> Option<SourceKey> {
        let ObjectCreated { bucket, key, .. } = event;
        if *bucket != self.config.buckets.input {
            tracing::warn!(
                request_id,
                bucket,
                key,
                "ignored: the bucket is not INPUT_BUCKET"
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

    async fn process_key(
        &self,
        key: SourceKey,
        mut jobs: Vec<Job>,
        deadlines: Deadlines,
        request_id: &str,
    ) -> Vec<(usize, RetryableFailure)> {
        jobs.sort_by(|one, other| {
            let sequencer = |job: &Job| job.event.sequencer.clone().unwrap_or_default();
            compare_sequencers(&sequencer(other), &sequencer(one))
        });
        let mut failures: Vec<(usize, RetryableFailure)> = Vec::new();
        for job in jobs {
            // The key's other events would fail for the same reason, and trying them now would only add load to a
            // busy service.
            if let Some((_, failure)) = failures.first() {
                failures.push((job.from, failure.clone()));
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
                owner: format!("{}/{request_id}/{number}", self.process.name),
                process: &self.process,
                lease_wait: self.options.lease_wait,
            };
            // A panic fails its own image, not the others of the batch.
            let worked = AssertUnwindSafe(worker.process(&job.event, &key)).catch_unwind();
            match worked.await.unwrap_or(Err(RetryableFailure::Panicked)) {
                Ok(Outcome::Written(document)) => tracing::info!(
                    request_id,
                    key = %key,
                    status = document.status.name(),
                    waited_ms = document.timings.waited_ms,
                    prepare_ms = document.timings.prepare_ms,
                    recognise_ms = document.timings.recognise_ms,
                    total_ms = document.timings.total_ms,
                    "result written"
                ),
                Ok(Outcome::Skipped(skip)) => {
                    tracing::info!(request_id, key = %key, reason = skip.name(), "skipped");
                }
                Err(failure) => {
                    if failure.needs_repair() {
                        tracing::error!(request_id, key = %key, error = %failure, "the deployment lacks a permission, credentials or a bucket; repair the deployment, then redrive the dead-letter queue");
                    } else if failure.is_reported() {
                        tracing::debug!(request_id, key = %key, error = %failure, "the image will be retried");
                    } else {
                        tracing::warn!(request_id, key = %key, error = %failure, "the image will be retried");
                    }
                    count(&failure, (self.options.clock)());
                    failures.push((job.from, failure));
                }
            }
        }
        failures
    }
}

fn count(failure: &RetryableFailure, now: time::OffsetDateTime) {
    metrics::retryable_failure(&failure.reason(), now);
    if failure.setback() == Setback::Repair {
        metrics::repair_needed(now);
    }
}
