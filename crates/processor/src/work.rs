//! The work on one image, from its event to its result.

use std::{borrow::Cow, time::Duration};

use rekognition_model::Operation;
use sightline_pipeline::{
    Analyses, ResultDocument, SourceKey,
    analyse::{Analyst, Answers, Findings, Views, refusal},
    config::ProcessorConfig,
    deployment,
    document::{AnalysisError, ImageInfo, Thumbnail, Timings},
    index::{Entry, ImageIndex, IndexError, Put},
    metrics,
    object_store::{Get, GetOutcome, ObjectStore, StoreError},
    prepare::{JpegPicture, Preparer},
    recogniser::{self, Recogniser, RecogniserError},
};
use time::OffsetDateTime;
use tokio::time::{Instant, sleep, timeout_at};

use crate::{
    claim::{Claimant, Lease, Taken},
    event::Created,
    handler::Clock,
    results::{self, Standing, Writing},
    source::{self, Bytes, Found, Picture},
    thumbnail,
    version::ObjectVersion,
};

/// What became of an image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// A result was written.
    Written(Box<ResultDocument>),
    /// There was nothing to do.
    Skipped(Skip),
}

/// Why there was nothing to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skip {
    /// The object was deleted meanwhile.
    Gone,
    /// The object was replaced meanwhile; the replacement's own event is under way.
    Replaced,
    /// The result of this version stands already.
    Answered,
    /// The result of a newer version stands or is being made.
    Superseded,
}

impl Skip {
    /// A word for logs.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Replaced => "replaced",
            Self::Answered => "answered",
            Self::Superseded => "superseded",
        }
    }
}

/// Why an image has to come again. Nothing was written that the next attempt would have to undo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Setback {
    /// A bucket failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The index failed. The document stands, and the next attempt only enters it.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// The recogniser is busy or out of order.
    #[error("{operation}: {error}")]
    Recogniser {
        /// What was asked.
        operation: Operation,
        /// The error.
        error: RecogniserError,
    },
    /// Another worker holds the image.
    #[error("another worker has the image in hand")]
    InHand,
    /// Other writers of the same result were faster every time.
    #[error("the result was replaced by others while it was being written")]
    Contended,
    /// The invocation ends.
    #[error("the invocation has no time left for the image")]
    OutOfTime,
    /// The program has a defect that the image brought to light.
    #[error("the processor panicked, which is a defect of the program; report it")]
    Panicked,
}

impl Setback {
    /// A word for figures.
    #[must_use]
    pub(crate) fn reason(&self) -> Cow<'_, str> {
        match self {
            Self::Store(error) => metrics::reason_of_bucket(&error.code).into(),
            Self::Index(error) => metrics::reason_of_index(&error.code).into(),
            Self::Recogniser { error, .. } => error.code.as_str().into(),
            Self::InHand => "InHand".into(),
            Self::Contended => "Contended".into(),
            Self::OutOfTime => "OutOfTime".into(),
            Self::Panicked => "Panicked".into(),
        }
    }

    /// Whether permissions, credentials or names of buckets have to be repaired first.
    #[must_use]
    pub(crate) fn needs_repair(&self) -> bool {
        match self {
            Self::Store(error) => deployment::is_at_fault(&error.code),
            // Nothing in a picture makes an index refuse it.
            Self::Index(error) => !error.retryable,
            Self::Recogniser { error, .. } => deployment::is_at_fault(&error.code),
            Self::InHand | Self::Contended | Self::OutOfTime | Self::Panicked => false,
        }
    }
}

/// How the time of an invocation is spent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// No image is begun after this, and nothing is asked about one that was not ready by then.
    pub(crate) begin: Instant,
    /// No answer is waited for after this.
    pub(crate) answer: Instant,
    /// No document is waited for after this: what time is left keeps the answers for the next attempt.
    pub(crate) document: Instant,
    /// Nothing is written after this.
    pub(crate) write: Instant,
    /// The end as the clock will show it.
    pub(crate) end: OffsetDateTime,
}

impl Deadlines {
    /// Of an invocation that has that much time left. A tenth of it, 3 seconds at most, is kept
    /// for writing; a quarter, 10 seconds at most, is what an image needs to be begun.
    pub(crate) fn new(now: OffsetDateTime, left: Duration) -> Self {
        let end = Instant::now() + left;
        let writing = (left / 10).min(Duration::from_secs(3));
        Self {
            begin: end - (left / 4).min(Duration::from_secs(10)),
            answer: end - writing,
            document: end - writing / 2,
            write: end - writing / 6,
            end: now + left,
        }
    }
}

/// Everything the work on an image needs.
pub(crate) struct Worker<'a, S, R, I> {
    pub(crate) store: &'a S,
    pub(crate) recogniser: &'a R,
    pub(crate) index: Option<&'a I>,
    pub(crate) preparer: &'a Preparer,
    pub(crate) config: &'a ProcessorConfig,
    pub(crate) clock: &'a Clock,
    pub(crate) deadlines: Deadlines,
    /// See [`Claimant`].
    pub(crate) owner: String,
    pub(crate) sole_process: Option<&'a str>,
    /// How long to wait for another worker to give an image back.
    pub(crate) lease_wait: Duration,
}

/// What a document is made from, beside answers.
struct Subject<'a> {
    created: &'a Created,
    key: &'a SourceKey,
    version: ObjectVersion,
    picture: Option<Picture>,
    started: Instant,
    waited_ms: Option<u64>,
}

/// What the recogniser is given, and what is made beside it.
struct Material {
    views: Views,
    image: ImageInfo,
    thumbnail: Option<JpegPicture>,
}

/// What became of preparing an image.
enum Making {
    Ready(Material),
    Refused(AnalysisError),
    Skipped(Skip),
}

/// How the work on an image ended.
enum Ending {
    /// Nothing was asked.
    Refused(AnalysisError),
    /// Everything was asked, and nothing is left that time could heal.
    Answered {
        image: ImageInfo,
        thumbnail: Option<Thumbnail>,
        answers: Answers,
        prepare_ms: u64,
        recognise_ms: u64,
    },
}

impl<S: ObjectStore, R: Recogniser, I: ImageIndex> Worker<'_, S, R, I> {
    /// Works on one image.
    pub(crate) async fn work(
        &self,
        created: &Created,
        key: &SourceKey,
    ) -> Result<Outcome, Setback> {
        let work = async {
            if Instant::now() >= self.deadlines.begin {
                return Err(Setback::OutOfTime);
            }
            match self.prepare(created, key).await? {
                Outcome::Written(document) => Ok(if self.enter(&document).await? {
                    Outcome::Written(document)
                } else {
                    Outcome::Skipped(Skip::Gone)
                }),
                // Whoever wrote the document may have been cut off before its row.
                Outcome::Skipped(Skip::Answered) => {
                    self.enter_standing(key).await?;
                    Ok(Outcome::Skipped(Skip::Answered))
                }
                skipped => Ok(skipped),
            }
        };
        timeout_at(self.deadlines.write, work)
            .await
            .unwrap_or(Err(Setback::OutOfTime))
    }

    async fn prepare(&self, created: &Created, key: &SourceKey) -> Result<Outcome, Setback> {
        let started = Instant::now();
        let waited_ms = created
            .time
            .map(|time| u64::try_from(((self.clock)() - time).whole_milliseconds()).unwrap_or(0));
        let (found, answered) = futures::join!(
            source::find(self.store, created),
            results::answered(self.store, &self.config.buckets.output, key),
        );
        let (picture, failure) = match found? {
            Found::Picture(picture) => (Some(picture), None),
            Found::Unreadable(error) => (None, Some(source::unreadable_source(&error))),
            Found::Gone => {
                // An attempt before may have left the answer to a picture that was deleted meanwhile.
                self.enter_standing(key).await?;
                return Ok(Outcome::Skipped(Skip::Gone));
            }
            Found::Replaced => return Ok(Outcome::Skipped(Skip::Replaced)),
        };
        let info = picture.as_ref().map(|picture| &picture.info);
        let version = source::version(created, info);
        let standing = Standing::of(answered?, &version);
        if let Some(skip) = skip(&standing) {
            return Ok(Outcome::Skipped(skip));
        }
        let (analyses, refusal) = match source::analyses(info, self.config) {
            Ok(analyses) => {
                let refusal = picture
                    .as_ref()
                    .and_then(|picture| refusal(picture.info.size, &picture.header, &analyses));
                (analyses, refusal)
            }
            Err((asked, error)) => (asked, Some(error)),
        };
        let subject = Subject {
            created,
            key,
            version,
            picture,
            started,
            waited_ms,
        };
        // Without a question there is nothing to pay for twice, so no lease is needed.
        if let Some(error) = failure.or(refusal) {
            return self.refuse(&subject, analyses, error, standing).await;
        }
        self.answer(&subject, analyses).await
    }

    async fn refuse(
        &self,
        subject: &Subject<'_>,
        analyses: Analyses,
        error: AnalysisError,
        standing: Standing,
    ) -> Result<Outcome, Setback> {
        let document = self.document(subject, analyses, Ending::Refused(error));
        self.write(document, &subject.version, standing).await
    }

    async fn answer(&self, subject: &Subject<'_>, analyses: Analyses) -> Result<Outcome, Setback> {
        let lease = match self.lease(subject).await? {
            Ok(lease) => lease,
            Err(skip) => return Ok(Outcome::Skipped(skip)),
        };
        // Between the first look and the lease another worker may have finished.
        let standing = match self.look(subject).await {
            Ok(standing) => standing,
            Err(error) => {
                let kept = lease.answers().to_vec();
                lease.park(self.store, (self.clock)(), kept).await;
                return Err(error.into());
            }
        };
        if let Some(skip) = skip(&standing) {
            lease.release(self.store, (self.clock)()).await;
            return Ok(Outcome::Skipped(skip));
        }

        // Many pictures begin at once and wait for their turns, which may take them to the end of the invocation.
        let material = timeout_at(self.deadlines.begin, self.material(subject, &analyses))
            .await
            .unwrap_or(Err(Setback::OutOfTime));
        let material = match material {
            Ok(Making::Ready(material)) => material,
            Ok(Making::Refused(error)) => {
                let refused = self.refuse(subject, analyses, error, standing).await;
                lease.release(self.store, (self.clock)()).await;
                return refused;
            }
            Ok(Making::Skipped(skip)) => {
                lease.release(self.store, (self.clock)()).await;
                return Ok(Outcome::Skipped(skip));
            }
            Err(setback) => {
                let kept = lease.answers().to_vec();
                lease.park(self.store, (self.clock)(), kept).await;
                return Err(setback);
            }
        };
        let prepare_ms = elapsed_ms(subject.started);
        let analyst = Analyst {
            recogniser: self.recogniser,
            settings: &self.config.settings,
        };
        let until = self.deadlines.answer;
        let asking = Instant::now();
        let (answers, thumbnail) = futures::join!(
            analyst.analyse(
                subject.key,
                &material.views,
                &analyses,
                lease.answers(),
                until
            ),
            timeout_at(until, self.show(subject, material.thumbnail.as_ref())),
        );
        let recognise_ms = elapsed_ms(asking);
        let kept = answers.kept();
        if let Some((operation, error)) = answers.setback() {
            let error = error.clone();
            lease.park(self.store, (self.clock)(), kept).await;
            return Err(Setback::Recogniser { operation, error });
        }
        let thumbnail = match thumbnail.unwrap_or(Err(Setback::OutOfTime)) {
            Ok(thumbnail) => thumbnail,
            Err(setback) => {
                lease.park(self.store, (self.clock)(), kept).await;
                return Err(setback);
            }
        };
        let ending = Ending::Answered {
            image: material.image,
            thumbnail,
            answers,
            prepare_ms,
            recognise_ms,
        };
        let document = self.document(subject, analyses, ending);
        let writing = self.write(document, &subject.version, standing);
        let written = timeout_at(self.deadlines.document, writing)
            .await
            .unwrap_or(Err(Setback::OutOfTime));
        match &written {
            Ok(_) => lease.release(self.store, (self.clock)()).await,
            Err(_) => lease.park(self.store, (self.clock)(), kept).await,
        }
        written
    }

    /// Reads the image and prepares it.
    async fn material(
        &self,
        subject: &Subject<'_>,
        analyses: &Analyses,
    ) -> Result<Making, Setback> {
        let settings = &self.config.settings;
        let header = subject.picture.as_ref().map(|picture| &picture.header);
        let permit = self
            .preparer
            .acquire(header.and_then(|header| header.as_ref().ok()))
            .await;
        let bytes = match source::bytes(self.store, subject.created, &subject.version).await? {
            Bytes::All(bytes) => bytes,
            Bytes::Unreadable(error) => {
                return Ok(Making::Refused(source::unreadable_source(&error)));
            }
            Bytes::Gone => return Ok(Making::Skipped(Skip::Gone)),
            Bytes::Replaced => return Ok(Making::Skipped(Skip::Replaced)),
        };
        let prepared = match permit.prepare(bytes, settings.limits(analyses)).await {
            Ok(prepared) => prepared,
            Err(error) => return Ok(Making::Refused(error.into())),
        };
        let image = prepared.image_info();
        let original = recogniser::Picture::Object {
            bucket: subject.created.bucket.clone(),
            key: subject.created.key.clone(),
            version_id: subject.version.version_id.clone(),
        };
        let thumbnail = prepared
            .thumbnail
            .inspect_err(|error| tracing::warn!(key = %subject.key, %error, "no thumbnail"))
            .ok()
            .filter(|_| settings.thumbnail_px > 0);
        Ok(Making::Ready(Material {
            views: Views::new(original, prepared.converted, prepared.ppe),
            image,
            thumbnail,
        }))
    }

    /// Writes the thumbnail, where there is one.
    async fn show(
        &self,
        subject: &Subject<'_>,
        jpeg: Option<&JpegPicture>,
    ) -> Result<Option<Thumbnail>, Setback> {
        let Some(jpeg) = jpeg else { return Ok(None) };
        let output = &self.config.buckets.output;
        thumbnail::write(self.store, output, subject.key, &subject.version, jpeg).await
    }

    /// Takes the lease, waiting a little where another worker holds it.
    async fn lease(&self, subject: &Subject<'_>) -> Result<Result<Lease, Skip>, Setback> {
        let patience = (Instant::now() + self.lease_wait).min(self.deadlines.begin);
        let mut pause = Duration::from_millis(50);
        loop {
            let claimant = Claimant {
                owner: &self.owner,
                sole_process: self.sole_process,
                now: (self.clock)(),
                until: self.deadlines.end,
            };
            let output = &self.config.buckets.output;
            let taken =
                Lease::take(self.store, output, subject.key, &subject.version, claimant).await;
            let out_of_patience = Instant::now() + pause >= patience;
            match taken {
                Ok(Taken::Ours(lease)) => return Ok(Ok(lease)),
                Ok(Taken::Newer) => return Ok(Err(Skip::Superseded)),
                Ok(Taken::Busy) if out_of_patience => return Err(Setback::InHand),
                // It may be ours without our knowing, which the next try finds; left behind, it would hold up the
                // next attempt too.
                Err(error) if !error.retryable || out_of_patience => return Err(error.into()),
                Ok(Taken::Busy) | Err(_) => {}
            }
            sleep(pause).await;
            pause = (2 * pause).min(Duration::from_secs(1));
            // The other worker may have answered the very same version.
            if let Some(skip) = skip(&self.look(subject).await?) {
                return Ok(Err(skip));
            }
        }
    }

    async fn look(&self, subject: &Subject<'_>) -> Result<Standing, StoreError> {
        let output = &self.config.buckets.output;
        Standing::look(self.store, output, subject.key, &subject.version).await
    }

    fn document(
        &self,
        subject: &Subject<'_>,
        analyses: Analyses,
        ending: Ending,
    ) -> ResultDocument {
        let info = subject.picture.as_ref().map(|picture| &picture.info);
        let mut findings = Findings {
            source: source::describe(subject.created, subject.key, info, &subject.version),
            image: subject
                .picture
                .as_ref()
                .and_then(|picture| picture.header.ok()?.info()),
            thumbnail: None,
            analyses,
            answers: Answers::default(),
            refusal: None,
            timings: Timings {
                waited_ms: subject.waited_ms,
                prepare_ms: elapsed_ms(subject.started),
                recognise_ms: 0,
                total_ms: elapsed_ms(subject.started),
            },
            processed_at: (self.clock)(),
        };
        match ending {
            Ending::Refused(error) => findings.refusal = Some(error),
            Ending::Answered {
                image,
                thumbnail,
                answers,
                prepare_ms,
                recognise_ms,
            } => {
                findings.image = Some(image);
                findings.thumbnail = thumbnail;
                findings.answers = answers;
                findings.timings.prepare_ms = prepare_ms;
                findings.timings.recognise_ms = recognise_ms;
            }
        }
        findings.into_document()
    }

    async fn write(
        &self,
        document: ResultDocument,
        version: &ObjectVersion,
        standing: Standing,
    ) -> Result<Outcome, Setback> {
        let output = &self.config.buckets.output;
        if document.thumbnail.is_none() && matches!(standing, Standing::Open(_)) {
            // Before the document, so that an attempt that breaks off here comes again.
            thumbnail::remove_older(self.store, output, &document.source.key, version).await?;
        }
        let owner = &self.owner;
        match results::write(self.store, output, &document, version, standing, owner).await? {
            Writing::Done => {
                metrics::written(&document);
                Ok(Outcome::Written(Box::new(document)))
            }
            Writing::GivenWay(standing) => {
                if let Some(cost) = &document.cost {
                    metrics::spent(cost, (self.clock)());
                }
                let skip = skip(&standing).unwrap_or(Skip::Superseded);
                Ok(Outcome::Skipped(skip))
            }
            Writing::Lost => Err(Setback::Contended),
        }
    }
}

impl<S: ObjectStore, R: Recogniser, I: ImageIndex> Worker<'_, S, R, I> {
    /// Enters a document in the index. Where the image was removed by order while it was worked on,
    /// the index refuses, and what was written is taken back. Whether the document stays.
    async fn enter(&self, document: &ResultDocument) -> Result<bool, Setback> {
        let Some(index) = self.index else {
            return Ok(true);
        };
        let entry = Entry::from_document(document);
        if index.put(&entry).await? != Put::Removed {
            return Ok(true);
        }
        let (key, output) = (&document.source.key, &self.config.buckets.output);
        // Not what another worker wrote meanwhile about a newer image.
        let answered = results::answered(self.store, output, key).await?;
        if answered.is_some_and(|answered| answered.is_of(&entry.version)) {
            self.store.delete_once(output, &key.thumbnail_key()).await?;
            self.store.delete_once(output, &key.result_key()).await?;
        }
        Ok(false)
    }

    /// Enters the document that stands. Where it is entered already, nothing changes.
    async fn enter_standing(&self, key: &SourceKey) -> Result<(), Setback> {
        if self.index.is_none() {
            return Ok(());
        }
        let get = Get {
            bucket: &self.config.buckets.output,
            key: &key.result_key(),
            version_id: None,
            if_match: None,
            first_bytes: None,
        };
        if let GetOutcome::Found(_, bytes) = self.store.get(get).await?
            && let Ok(document) = serde_json::from_slice(&bytes)
        {
            self.enter(&document).await?;
        }
        Ok(())
    }
}

const fn skip(standing: &Standing) -> Option<Skip> {
    match standing {
        Standing::Answered => Some(Skip::Answered),
        Standing::Superseded => Some(Skip::Superseded),
        Standing::Open(_) => None,
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
