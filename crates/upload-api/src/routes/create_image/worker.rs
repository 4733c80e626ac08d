//! Analyses an image that came in a request: prepare it, ask the recogniser, store it with its result, add it to the index.
//!
//! The recogniser gets the bytes themselves, and nothing is stored before it has answered. If it fails for a reason that
//! time may heal, the client learns so and sends the image again. If something cannot be stored, everything that was stored
//! is removed. Everything together ends within the 30 seconds that API Gateway waits.

use std::sync::Arc;

use sightline_pipeline::{
    Analyses, MediaType, Owner, ResultDocument, ServiceError, SourceKey,
    document::{AnalysisError, ImageInfo, Rendition, Source, Timings},
    index::{Entry, ImageIndex as _},
    metrics,
    object_store::{Condition, ObjectStore as _, Put, PutOutcome},
    prepare::{HeaderError, JpegPicture, Limits, PictureHeader, Renditions, read_header},
    recogniser::ImageSource,
    recognition::{Analyzer, Answers, DocumentParts, RecogniserImages, refusal},
    service_error::{Fate, Service, code::OWNER_DAILY_LIMIT_REACHED},
};
use time::OffsetDateTime;
use tokio::time::{Instant, timeout, timeout_at};
use uuid::Uuid;

use super::request::ImageRequest;
use crate::{Api, Code, Ports, Problem, request::json_members, stored_image::delete_original};

/// Everything that processing an image needs.
pub(super) struct Worker<'a, P: Ports> {
    pub(super) api: &'a Api<P>,
}

/// One image in process.
struct Job {
    key: SourceKey,
    image: Arc<[u8]>,
    header: Result<PictureHeader, HeaderError>,
    filename: Option<String>,
    /// The analyses that the client asked for, if it did.
    requested: Option<Analyses>,
    analyses: Analyses,
    started: Instant,
}

/// What the recogniser gets, and the other products of preparation.
struct Prepared {
    images: RecogniserImages,
    image: ImageInfo,
    renditions: Renditions,
}

/// What the result document says.
struct Analysed {
    image: Option<ImageInfo>,
    renditions: Renditions,
    answers: Answers,
    refusal: Option<AnalysisError>,
    prepare_ms: u64,
    recognise_ms: u64,
}

impl Job {
    fn new(owner: Option<&Owner>, request: ImageRequest, enabled: &Analyses) -> Self {
        let header = read_header(&request.image);
        let extension = header
            .as_ref()
            .map_or("bin", |header| header.format.extension());
        Self {
            key: SourceKey::for_inline(owner, Uuid::new_v4(), extension),
            image: request.image.into(),
            header,
            filename: request.filename,
            analyses: request.analyses.clone().unwrap_or_else(|| enabled.clone()),
            requested: request.analyses,
            started: Instant::now(),
        }
    }

    fn size(&self) -> u64 {
        self.image.len() as u64
    }

    fn content_type(&self) -> &'static str {
        self.header
            .as_ref()
            .map_or("application/octet-stream", |header| {
                header.format.content_type()
            })
    }
}

impl<P: Ports> Worker<'_, P> {
    /// Analyses one image and stores it with its result.
    pub(super) async fn process(
        &self,
        owner: Option<&Owner>,
        request: ImageRequest,
    ) -> Result<ResultDocument, Problem> {
        let job = Job::new(owner, request, &self.api.config.analyses);
        let prepared = match refusal(job.size(), &job.header, &job.analyses) {
            Some(error) => Err(error),
            None => self.prepare(&job).await?,
        };
        let prepare_ms = elapsed_ms(job.started);
        let analysed = match prepared {
            Ok(prepared) => self.recognise(&job, prepared, prepare_ms).await?,
            Err(error) => Analysed {
                image: job.header.ok().and_then(|header| header.info()),
                renditions: Renditions::default(),
                answers: Answers::default(),
                refusal: Some(error),
                prepare_ms,
                recognise_ms: 0,
            },
        };
        let cost = analysed.answers.cost();
        let stored = self.store_or_remove(&job, analysed).await;
        match &stored {
            Ok(document) => metrics::count_document(document),
            Err(_) => metrics::count_undocumented_cost(&cost, OffsetDateTime::now_utc()),
        }
        stored
    }

    /// Prepares the image. The inner error belongs to the image; the outer one means that time ran out.
    async fn prepare(&self, job: &Job) -> Result<Result<Prepared, AnalysisError>, Problem> {
        let settings = &self.api.config.settings;
        let limits = Limits {
            inline: true,
            ..settings.limits(&job.analyses)
        };
        let preparing = async {
            let permit = self.api.preparer.acquire(job.header.as_ref().ok()).await;
            permit.prepare(job.image.to_vec(), limits).await
        };
        // A query that is sent just before the end would be paid for, but its answer would come too late.
        let deadline = job.started + self.api.recognition_timeout * 2 / 3;
        let prepared = timeout_at(deadline, preparing).await.map_err(|_| {
            tracing::warn!(key = %job.key, "the image was not prepared in time");
            metrics::retryable_failure("PreparationTimeout", OffsetDateTime::now_utc());
            preparation_timeout()
        })?;
        let prepared = match prepared {
            Ok(prepared) => prepared,
            Err(error) => return Ok(Err(error.into())),
        };
        let image = prepared.image_info();
        let renditions = prepared.renditions.unwrap_or_else(|error| {
            tracing::warn!(key = %job.key, %error, "no thumbnail was made");
            Renditions::default()
        });
        let original = ImageSource::Bytes(Arc::clone(&job.image));
        Ok(Ok(Prepared {
            images: RecogniserImages::new(original, prepared.converted, prepared.ppe),
            image,
            renditions,
        }))
    }

    /// Asks the recogniser. An error means that the client should send the image again later.
    async fn recognise(
        &self,
        job: &Job,
        prepared: Prepared,
        prepare_ms: u64,
    ) -> Result<Analysed, Problem> {
        let analyzer = Analyzer {
            recogniser: &self.api.recogniser,
            settings: &self.api.config.settings,
        };
        let asking = Instant::now();
        let until = job.started + self.api.recognition_timeout;
        let answers = analyzer
            .analyse(&job.key, &prepared.images, &job.analyses, &[], until)
            .await;
        if let Some(error) = answers.retryable_failure() {
            let now = OffsetDateTime::now_utc();
            metrics::retryable_failure(&error.metric_reason(), now);
            metrics::count_undocumented_cost(&answers.cost(), now);
            return Err(error.into());
        }
        if let Some(error) = answers.over_daily_limit() {
            let code = match error.code.as_str() {
                OWNER_DAILY_LIMIT_REACHED => Code::OwnerDailyLimitReached,
                _ => Code::DailyLimitReached,
            };
            return Err(Problem::new(code, error.message.clone()));
        }
        Ok(Analysed {
            image: Some(prepared.image),
            renditions: prepared.renditions,
            answers,
            refusal: None,
            prepare_ms,
            recognise_ms: elapsed_ms(asking),
        })
    }

    /// Stores the image, its renditions and its result, or nothing.
    async fn store_or_remove(
        &self,
        job: &Job,
        analysed: Analysed,
    ) -> Result<ResultDocument, Problem> {
        let stored = self.api.with_store(self.store(job, analysed)).await;
        if stored.is_err() {
            self.remove(&job.key).await;
        }
        stored
    }

    async fn store(&self, job: &Job, analysed: Analysed) -> Result<ResultDocument, ServiceError> {
        let buckets = &self.api.config.buckets;
        // The bucket's own time differs by the duration of one request.
        let processed_at = OffsetDateTime::now_utc();
        let total_ms = elapsed_ms(job.started);
        let metadata = json_members::metadata(job.filename.as_deref(), job.requested.as_ref());
        let metadata: Vec<_> = metadata
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let e_tag = self
            .put(Put {
                metadata: &metadata,
                ..put(
                    &buckets.input,
                    job.key.as_str(),
                    &job.image,
                    job.content_type(),
                )
            })
            .await?;

        let Renditions { thumbnail, preview } = analysed.renditions;
        let (thumbnail, preview) = tokio::try_join!(
            self.store_rendition(job.key.thumbnail_key(), thumbnail),
            self.store_rendition(job.key.preview_key(), preview),
        )?;
        let document = DocumentParts {
            source: Source {
                bucket: buckets.input.clone(),
                key: job.key.clone(),
                version_id: None,
                e_tag,
                size: job.size(),
                content_type: job.content_type().to_owned(),
                filename: job.filename.clone(),
                sha256: None,
                last_modified: Some(processed_at),
                sequencer: None,
            },
            image: analysed.image,
            thumbnail,
            preview,
            analyses: job.analyses.clone(),
            answers: analysed.answers,
            refusal: analysed.refusal,
            timings: Timings {
                prepare_ms: analysed.prepare_ms,
                recognise_ms: analysed.recognise_ms,
                total_ms,
                ..Timings::default()
            },
            processed_at,
        }
        .into_document();

        let bytes = serde_json::to_vec(&document).map_err(|error| {
            let reason = format!("the result cannot be written as JSON: {error}");
            ServiceError::not_built(Service::S3, "PutObject", &reason, Fate::Final)
                .on(&buckets.output)
        })?;
        let result_key = job.key.result_key();
        self.put(put(
            &buckets.output,
            &result_key,
            &bytes,
            "application/json",
        ))
        .await?;
        if let Some(index) = &self.api.index {
            index.put(&Entry::from_document(&document)).await?;
        }
        Ok(document)
    }

    async fn store_rendition(
        &self,
        key: String,
        jpeg: Option<JpegPicture>,
    ) -> Result<Option<Rendition>, ServiceError> {
        let Some(jpeg) = jpeg else {
            return Ok(None);
        };
        let output = &self.api.config.buckets.output;
        let content_type = MediaType::Jpeg.content_type();
        self.put(put(output, &key, &jpeg.bytes, content_type))
            .await?;
        Ok(Some(Rendition {
            key,
            width: jpeg.width,
            height: jpeg.height,
        }))
    }

    /// Stores an object and returns its ETag.
    async fn put(&self, put: Put<'_>) -> Result<String, ServiceError> {
        match self.api.store.put(put).await? {
            PutOutcome::Stored(e_tag) => Ok(e_tag),
            // Without a condition a bucket refuses only if two writes of one key meet.
            PutOutcome::ConditionFailed => Err(ServiceError::new(
                Service::S3,
                "PutObject",
                "ConditionalRequestConflict",
                "another write of the same key was in progress",
                Fate::RETRY,
            )
            .on(put.bucket)),
        }
    }

    /// Removes whatever was stored. One failure does not stop the other removals.
    async fn remove(&self, key: &SourceKey) {
        let api = self.api;
        let buckets = &api.config.buckets;
        let (result, thumbnail, preview) =
            (key.result_key(), key.thumbnail_key(), key.preview_key());
        let row = async {
            match &api.index {
                Some(index) => index.remove(key, &OffsetDateTime::now_utc().into()).await,
                None => Ok(()),
            }
        };
        let removal = timeout(api.removal_timeout, async {
            tokio::join!(
                row,
                delete_original(&api.store, &buckets.input, key, api.config.delete_versions),
                api.store.delete(&buckets.output, &thumbnail),
                api.store.delete(&buckets.output, &preview),
                api.store.delete(&buckets.output, &result),
            )
        });
        if !matches!(removal.await, Ok((Ok(()), Ok(()), Ok(()), Ok(()), Ok(())))) {
            tracing::error!(%key, "a partly stored image could not be removed");
        }
    }
}

/// Preparation took longer than a request may.
pub(super) fn preparation_timeout() -> Problem {
    Problem::new(
        Code::PreparationTimeout,
        "The image took too long to decode, and nothing was stored. Send it with POST /uploads, which allows more time.",
    )
}

/// An object to store unconditionally. Its key is new, so a condition would guard nothing; and with one, a repeated attempt
/// would fail on what a lost attempt before it stored.
const fn put<'a>(bucket: &'a str, key: &'a str, body: &'a [u8], content_type: &'a str) -> Put<'a> {
    Put {
        bucket,
        key,
        body,
        content_type,
        metadata: &[],
        condition: Condition::Always,
    }
}

fn elapsed_ms(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
