//! Processes one image: find it, take the lease, prepare it, ask the recogniser, write the result, add it
//! to the index.

use std::time::Duration;

use sightline_pipeline::{
    Analyses, ResultDocument, ServiceError, SourceKey,
    backoff::endless_pauses,
    config::ProcessorConfig,
    document::{AnalysisError, ImageInfo, Timings},
    index::{Entry, ImageIndex, Put},
    metrics,
    object_store::ObjectStore,
    prepare::{Preparer, Renditions},
    recogniser::{ImageSource, Recogniser},
    recognition::{Analyzer, Answers, DocumentParts, RecogniserImages, SavedAnswer, refusal},
    version::ObjectVersion,
};
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    deadlines::Deadlines,
    event::ObjectCreated,
    lease::{Lease, LeaseAttempt, LeaseRequest, Process},
    options::Clock,
    outcome::{Outcome, RetryableFailure, Skip},
    renditions::StoredRenditions,
    result_slot::{
        ResultHead, ResultSlot, StoredResult, WRITE_ATTEMPTS, WriteOutcome, read_object,
    },
    source::{self, FindOutcome, ReadOutcome, SourceImage},
};

/// The first and the longest pause between two attempts to acquire a lease that another worker holds.
const LEASE_PAUSES: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// The longest time from the start of a deletion to its end. The API has half of it for a request.
const LONGEST_DELETION: time::Duration = time::Duration::MINUTE;

/// As [`LONGEST_DELETION`], where all runs in one process. Less than the local queue needs for its attempts. If a deletion
/// takes longer, it takes the row out again at its end.
const LONGEST_LOCAL_DELETION: time::Duration = time::Duration::seconds(5);

/// Processes images.
pub(crate) struct Worker<'a, S, R, I> {
    pub(crate) store: &'a S,
    pub(crate) recogniser: &'a R,
    pub(crate) index: Option<&'a I>,
    pub(crate) preparer: &'a Preparer,
    pub(crate) config: &'a ProcessorConfig,
    pub(crate) clock: &'a Clock,
    pub(crate) deadlines: Deadlines,
    /// See [`LeaseRequest`].
    pub(crate) owner: String,
    pub(crate) process: &'a Process,
    /// How long to wait for the lease on an image that another worker holds.
    pub(crate) lease_wait: Duration,
}

/// One image in process.
struct Job<'a, S> {
    event: &'a ObjectCreated,
    slot: ResultSlot<'a, S>,
    /// `None` if the processor can never read the object.
    image: Option<SourceImage>,
    analyses: Analyses,
    started: Instant,
    /// From the event to the start of the work, in milliseconds.
    waited_ms: Option<u64>,
}

/// What a slot had before this attempt.
struct SlotState {
    stored: StoredResult,
    /// Whether no earlier attempt left a lease. Each attempt writes renditions under a lease.
    first: bool,
}

impl SlotState {
    /// Whether there is neither a result nor a rendition.
    fn is_empty(&self) -> bool {
        self.first && self.stored == StoredResult::Open(None)
    }
}

/// A prepared image.
struct Prepared {
    images: RecogniserImages,
    image: ImageInfo,
    renditions: Renditions,
}

/// The outcome of preparing an image.
enum Preparation {
    Ready(Box<Prepared>),
    /// The image cannot be analysed.
    Refused(AnalysisError),
    Skipped(Skip),
}

/// The complete outcome of an analysis.
struct Analysed {
    image: ImageInfo,
    renditions: StoredRenditions,
    answers: Answers,
    prepare_ms: u64,
    recognise_ms: u64,
}

impl<S: ObjectStore, R: Recogniser, I: ImageIndex> Worker<'_, S, R, I> {
    /// Processes one image.
    pub(crate) async fn process(
        &self,
        event: &ObjectCreated,
        key: &SourceKey,
    ) -> Result<Outcome, RetryableFailure> {
        if Instant::now() >= self.deadlines.begin {
            return Err(RetryableFailure::OutOfTime);
        }
        timeout_at(self.deadlines.write, self.find_and_answer(event, key))
            .await
            .unwrap_or(Err(RetryableFailure::OutOfTime))
    }

    async fn find_and_answer(
        &self,
        event: &ObjectCreated,
        key: &SourceKey,
    ) -> Result<Outcome, RetryableFailure> {
        let started = Instant::now();
        let waited_ms = event
            .time
            .map(|time| u64::try_from(((self.clock)() - time).whole_milliseconds()).unwrap_or(0));
        let (image, held, unreadable) = match source::find(self.store, event).await? {
            FindOutcome::Found(image, held) => (Some(image), held, None),
            FindOutcome::Unreadable(error) => (None, None, Some(source::unreadable_source(&error))),
            FindOutcome::Gone => {
                self.clean_up(event, key).await?;
                return Ok(Outcome::Skipped(Skip::Gone));
            }
            FindOutcome::Replaced => return Ok(Outcome::Skipped(Skip::Replaced)),
        };
        let info = image.as_ref().map(|image| &image.info);
        let slot = self.slot(key, source::version(event, info));
        let (analyses, refused) = match source::analyses(info, self.config) {
            Ok(analyses) => {
                let refused = image
                    .as_ref()
                    .and_then(|image| refusal(image.info.size, &image.header, &analyses));
                (analyses, refused)
            }
            Err((requested, error)) => (requested, Some(error)),
        };
        let job = Job {
            event,
            slot,
            image,
            analyses,
            started,
            waited_ms,
        };
        match unreadable.or(refused) {
            // Nothing is asked or paid for, so no lease is needed.
            Some(error) => {
                let outcome = self.refuse_without_lease(&job, error).await?;
                self.enter(key, outcome).await
            }
            None => self.answer_under_lease(&job, held).await,
        }
    }

    /// Adds the result to the index.
    async fn enter(&self, key: &SourceKey, outcome: Outcome) -> Result<Outcome, RetryableFailure> {
        match outcome {
            Outcome::Written(document) if !self.index(&document).await? => {
                Ok(Outcome::Skipped(Skip::Gone))
            }
            Outcome::Skipped(skip) => self.skip(key, skip).await,
            outcome => Ok(outcome),
        }
    }

    /// Skips the image. If it has a result, adds that to the index: the worker that wrote it may have died before
    /// it added the row.
    async fn skip(&self, key: &SourceKey, skip: Skip) -> Result<Outcome, RetryableFailure> {
        if skip == Skip::Answered && self.index.is_some() {
            self.index_stored(key).await?;
        }
        Ok(Outcome::Skipped(skip))
    }

    /// Holds the lease during the analysis. Afterwards releases it and adds the result to the index or, if the image
    /// has to be retried, parks the lease with the answers so far.
    async fn answer_under_lease(
        &self,
        job: &Job<'_, S>,
        held: Option<Vec<u8>>,
    ) -> Result<Outcome, RetryableFailure> {
        let key = job.slot.key;
        let lease = match self.acquire_lease(job).await? {
            Ok(lease) => lease,
            Err(skip) => return self.skip(key, skip).await,
        };
        let mut answers = lease.answers().to_vec();
        let outcome = self.answer(job, held, lease.is_first(), &mut answers).await;
        match outcome {
            Ok(outcome) => {
                let release = lease.release((self.clock)());
                let ((), entered) = futures::join!(release, self.enter(key, outcome));
                entered
            }
            Err(failure) => {
                lease.park((self.clock)(), answers).await;
                Err(failure)
            }
        }
    }

    /// Acquires the lease, and waits a little if another worker holds it.
    async fn acquire_lease<'s>(
        &'s self,
        job: &'s Job<'_, S>,
    ) -> Result<Result<Lease<'s, S>, Skip>, RetryableFailure> {
        let give_up = (Instant::now() + self.lease_wait).min(self.deadlines.begin);
        for pause in endless_pauses(LEASE_PAUSES.0, LEASE_PAUSES.1) {
            let request = LeaseRequest {
                owner: &self.owner,
                process: self.process,
                now: (self.clock)(),
                until: self.deadlines.end,
            };
            let attempt = Lease::acquire(&job.slot, request).await;
            let last = Instant::now() + pause >= give_up;
            match attempt {
                Ok(LeaseAttempt::Acquired(lease)) => return Ok(Ok(lease)),
                Ok(LeaseAttempt::Superseded) => return Ok(Err(Skip::Superseded)),
                Ok(LeaseAttempt::Held) => {
                    // The same version may have a result already.
                    if let Some(skip) = job.slot.stored().await?.skip() {
                        return Ok(Err(skip));
                    }
                    if last {
                        return Err(RetryableFailure::LeaseHeld);
                    }
                }
                // This worker may hold the lease without knowing it. The next attempt shows that; otherwise the lease
                // would stay and delay the next delivery.
                Err(error) if !error.is_retryable() || last => return Err(error.into()),
                Err(_) => {}
            }
            sleep(pause).await;
        }
        Err(RetryableFailure::LeaseHeld)
    }

    /// Prepares the image, asks the recogniser and writes the result. `held` has the image's bytes, if they were read.
    /// `first`: no earlier attempt left a lease. `answers` come from an earlier attempt; new answers are added to them.
    async fn answer(
        &self,
        job: &Job<'_, S>,
        held: Option<Vec<u8>>,
        first: bool,
        answers: &mut Vec<SavedAnswer>,
    ) -> Result<Outcome, RetryableFailure> {
        // Only under the lease does the answer stay true, so it is not asked for before. The image is prepared meanwhile,
        // because few images have a result already.
        let stored = async {
            let stored = job.slot.stored().await.map_err(|error| Err(error.into()))?;
            match stored.skip() {
                Some(skip) => Err(Ok(Outcome::Skipped(skip))),
                None => Ok(stored),
            }
        };
        // Many images begin at once and wait for a turn, possibly until the invocation ends.
        let prepared = async {
            timeout_at(self.deadlines.begin, self.prepare(job, held))
                .await
                .unwrap_or(Err(RetryableFailure::OutOfTime))
                .map_err(Err)
        };
        let (stored, prepared) = match futures::try_join!(stored, prepared) {
            Ok(both) => both,
            Err(outcome) => return outcome,
        };
        let state = SlotState { stored, first };
        let prepared = match prepared {
            Preparation::Ready(prepared) => prepared,
            Preparation::Refused(error) => return self.refuse(job, error, state).await,
            Preparation::Skipped(skip) => return Ok(Outcome::Skipped(skip)),
        };
        let prepare_ms = elapsed_ms(job.started);

        let analyzer = Analyzer {
            recogniser: self.recogniser,
            settings: &self.config.settings,
        };
        let until = self.deadlines.answer;
        let asking = Instant::now();
        let (analysed, renditions) = futures::join!(
            analyzer.analyse(
                job.slot.key,
                &prepared.images,
                &job.analyses,
                answers,
                until
            ),
            timeout_at(until, job.slot.write_renditions(&prepared.renditions)),
        );
        let recognise_ms = elapsed_ms(asking);
        *answers = analysed.saved();
        if let Some(error) = analysed.retryable_failure() {
            // Nothing is wrong with the deployment if the recogniser cannot read an object because it is gone.
            if error.needs_repair() && self.is_gone(job).await? {
                job.slot.delete_older_renditions().await?;
                return Ok(Outcome::Skipped(Skip::Gone));
            }
            return Err(error.clone().into());
        }
        let analysed = Analysed {
            image: prepared.image,
            renditions: renditions.unwrap_or(Err(RetryableFailure::OutOfTime))?,
            answers: analysed,
            prepare_ms,
            recognise_ms,
        };

        let document = self.document(job, Ok(analysed));
        timeout_at(self.deadlines.document, self.write(job, document, state))
            .await
            .unwrap_or(Err(RetryableFailure::OutOfTime))
    }

    /// Whether the image was deleted during its analysis.
    async fn is_gone(&self, job: &Job<'_, S>) -> Result<bool, ServiceError> {
        let found = self.store.head(&job.event.bucket, &job.event.key).await?;
        Ok(found.is_none())
    }

    /// Writes the result of an image that cannot be analysed, unless it has one.
    async fn refuse_without_lease(
        &self,
        job: &Job<'_, S>,
        error: AnalysisError,
    ) -> Result<Outcome, RetryableFailure> {
        let stored = job.slot.stored().await?;
        match stored.skip() {
            Some(skip) => Ok(Outcome::Skipped(skip)),
            None => {
                // Without a lease, nothing shows what an earlier attempt left.
                let first = false;
                self.refuse(job, error, SlotState { stored, first }).await
            }
        }
    }

    /// Writes the result of an image that cannot be analysed.
    async fn refuse(
        &self,
        job: &Job<'_, S>,
        error: AnalysisError,
        state: SlotState,
    ) -> Result<Outcome, RetryableFailure> {
        let document = self.document(job, Err(error));
        self.write(job, document, state).await
    }

    /// Prepares the image, and reads it first unless its bytes are held.
    async fn prepare(
        &self,
        job: &Job<'_, S>,
        held: Option<Vec<u8>>,
    ) -> Result<Preparation, RetryableFailure> {
        let settings = &self.config.settings;
        let header = job.image.as_ref().map(|image| &image.header);
        let permit = self
            .preparer
            .acquire(header.and_then(|header| header.as_ref().ok()))
            .await;
        let read = match held {
            Some(bytes) => ReadOutcome::Complete(bytes),
            None => source::read(self.store, job.event, &job.slot.version).await?,
        };
        let bytes = match read {
            ReadOutcome::Complete(bytes) => bytes,
            ReadOutcome::Unreadable(error) => {
                return Ok(Preparation::Refused(source::unreadable_source(&error)));
            }
            ReadOutcome::Gone => return Ok(Preparation::Skipped(Skip::Gone)),
            ReadOutcome::Replaced => return Ok(Preparation::Skipped(Skip::Replaced)),
        };
        let prepared = match permit.prepare(bytes, settings.limits(&job.analyses)).await {
            Ok(prepared) => prepared,
            Err(error) => return Ok(Preparation::Refused(error.into())),
        };
        let image = prepared.image_info();
        let original = ImageSource::Object {
            bucket: job.event.bucket.clone(),
            key: job.event.key.clone(),
            version_id: job.slot.version.version_id.clone(),
        };
        let renditions = prepared.renditions.unwrap_or_else(|error| {
            tracing::warn!(key = %job.slot.key, %error, "could not make a thumbnail");
            Renditions::default()
        });
        Ok(Preparation::Ready(Box::new(Prepared {
            images: RecogniserImages::new(original, prepared.converted, prepared.ppe),
            image,
            renditions,
        })))
    }

    /// Builds the result document: with the answers, or with the reason why there are none.
    fn document(
        &self,
        job: &Job<'_, S>,
        analysed: Result<Analysed, AnalysisError>,
    ) -> ResultDocument {
        let info = job.image.as_ref().map(|image| &image.info);
        let mut parts = DocumentParts {
            source: source::describe(job.event, job.slot.key, info, &job.slot.version),
            image: job
                .image
                .as_ref()
                .and_then(|image| image.header.ok()?.info()),
            thumbnail: None,
            preview: None,
            analyses: job.analyses.clone(),
            answers: Answers::default(),
            refusal: None,
            timings: Timings {
                waited_ms: job.waited_ms,
                prepare_ms: elapsed_ms(job.started),
                recognise_ms: 0,
                total_ms: elapsed_ms(job.started),
            },
            processed_at: (self.clock)(),
        };
        match analysed {
            Err(error) => parts.refusal = Some(error),
            Ok(analysed) => {
                parts.image = Some(analysed.image);
                parts.thumbnail = analysed.renditions.thumbnail;
                parts.preview = analysed.renditions.preview;
                parts.answers = analysed.answers;
                parts.timings.prepare_ms = analysed.prepare_ms;
                parts.timings.recognise_ms = analysed.recognise_ms;
            }
        }
        parts.into_document()
    }

    async fn write(
        &self,
        job: &Job<'_, S>,
        document: ResultDocument,
        state: SlotState,
    ) -> Result<Outcome, RetryableFailure> {
        if !state.is_empty() {
            // Before the document, so that an attempt that is interrupted here is retried.
            job.slot.delete_older_renditions_than(&document).await?;
        }
        match job.slot.write(&document, state.stored, &self.owner).await? {
            WriteOutcome::Written => {
                metrics::count_document(&document);
                Ok(Outcome::Written(Box::new(document)))
            }
            WriteOutcome::Yielded(skip) => {
                if let Some(cost) = &document.cost {
                    metrics::count_undocumented_cost(cost, (self.clock)());
                }
                Ok(Outcome::Skipped(skip))
            }
        }
    }

    /// Adds a document to the index. If a user deleted the image while it was in process, the index rejects
    /// the document, and document and renditions are deleted. Returns whether the document stays.
    async fn index(&self, document: &ResultDocument) -> Result<bool, RetryableFailure> {
        let Some(index) = self.index else {
            return Ok(true);
        };
        let mut entry = Entry::from_document(document);
        for _ in 0..WRITE_ATTEMPTS {
            let doubt = match index.put(&entry).await? {
                Put::Written | Put::Unchanged | Put::Older => return Ok(true),
                Put::Removed => return self.remove(&entry).await,
                Put::InDoubt(doubt) => doubt,
            };
            let source = &document.source;
            let found = (self.store)
                .head(&source.bucket, source.key.as_str())
                .await?;
            if !found.is_some_and(|info| source::is_version(&info, &entry.version)) {
                return self.remove(&entry).await;
            }
            // The deletion may be about to delete the object, unless it was interrupted.
            let age = ((self.clock)() - doubt.at).abs();
            let longest = if self.process.is_sole {
                LONGEST_LOCAL_DELETION
            } else {
                LONGEST_DELETION
            };
            if !doubt.complete && age < longest {
                return Err(RetryableFailure::Deleting);
            }
            entry.stored_after = Some(doubt);
        }
        Err(RetryableFailure::Contended)
    }

    /// Deletes the document and renditions of a deleted image. Those of a newer version, which another worker may have
    /// written since, stay. Returns false.
    async fn remove(&self, entry: &Entry) -> Result<bool, RetryableFailure> {
        let slot = self.slot(&entry.row.key, entry.version.clone());
        let head = ResultHead::read(slot.store, slot.bucket, slot.key).await?;
        slot.delete_older_renditions().await?;
        if head.is_some_and(|head| head.is_for(&entry.version)) {
            self.store
                .delete_once(slot.bucket, &slot.key.result_key())
                .await?;
        }
        Ok(false)
    }

    /// Adds the stored document to the index. If the index has it already, nothing changes. Returns whether there is a
    /// document.
    async fn index_stored(&self, key: &SourceKey) -> Result<bool, RetryableFailure> {
        let output = &self.config.buckets.output;
        if let Some((_, bytes)) = read_object(self.store, output, &key.result_key()).await? {
            if let Ok(document) = serde_json::from_slice(&bytes) {
                self.index(&document).await?;
            }
            return Ok(true);
        }
        Ok(false)
    }

    /// Cleans up after the image of an event was deleted: an earlier attempt may have left a result, or renditions
    /// and a lease without a result.
    async fn clean_up(
        &self,
        event: &ObjectCreated,
        key: &SourceKey,
    ) -> Result<(), RetryableFailure> {
        let version = source::version(event, None);
        let is_unknown = version.e_tag.is_empty() && version.sequencer.is_none();
        // Without a version, nothing shows whether renditions and lease belong to a newer image.
        if !self.index_stored(key).await? && !is_unknown {
            let slot = self.slot(key, version);
            slot.delete_older_renditions().await?;
            let request = LeaseRequest {
                owner: &self.owner,
                process: self.process,
                now: (self.clock)(),
                until: self.deadlines.end,
            };
            Lease::discard(&slot, request).await?;
        }
        Ok(())
    }

    fn slot<'s>(&'s self, key: &'s SourceKey, version: ObjectVersion) -> ResultSlot<'s, S> {
        ResultSlot {
            store: self.store,
            bucket: &self.config.buckets.output,
            key,
            version,
        }
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
