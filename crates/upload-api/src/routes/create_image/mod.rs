//! `POST /images`.
//!
//! # All or nothing
//! The recogniser is given the bytes themselves and asked first; only with its answer is anything
//! stored. An error of it that time may heal is therefore told to the client, who sends the image
//! again, and what a bucket took before another refused is removed. A client that leaves changes
//! nothing of this. Everything together ends within the 30 seconds that API Gateway waits.

use std::sync::Arc;

use axum::{
    extract::{Request, State},
    response::Response,
};
use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use serde::Serialize;
use serde_json::{Map, Value};
use sightline_pipeline::{
    Analyses, Analysis, MediaType, ResultDocument, SourceKey,
    analyse::{self, Analyzer, Answers, DocumentParts, RecogniserImages},
    config::UploadApiConfig,
    document::{AnalysisError, ImageInfo, Source, Status, Thumbnail, Timings},
    index::{Entry, ImageIndex as _},
    metrics,
    object_store::{Condition, ObjectStore as _, Put, PutOutcome},
    prepare::{JpegPicture, Limits, read_header},
    recogniser::ImageSource,
    service_error::{Fate, Service, ServiceError},
};
use time::OffsetDateTime;
use tokio::time::{Instant, timeout, timeout_at};
use tracing::Instrument as _;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api, Code, Problem,
    access::Caller,
    address::{base, results_path},
    api::{Ports, Shared},
    extract::json_object,
    openapi::ImageProblems,
    routes::created,
    routes::members::{self, missing, string},
};

/// The members of the body, as [`ImageRequest`] describes them.
pub(crate) const MEMBERS: [&str; 3] = ["image", "filename", "analyses"];

/// The largest image, in bytes, decoded: what fits, as base64, into the 6 MB of a Lambda function's
/// request (AWS Lambda Developer Guide, "Lambda quotas"), and into Rekognition's.
pub(crate) const MAX_IMAGE_BYTES: usize = 4 * 1024 * 1024;

/// The longest body that is read, in bytes: the largest image in base64, with line breaks.
const MAX_BODY_BYTES: usize = 6 * 1024 * 1024;

/// What to do with an image that is too large for this way.
const ADVICE: &str = "Ask POST /uploads for an address and send the image there.";

/// Why `image` is no base64.
pub(crate) const NOT_BASE64: &str = "image is not base64. Send the file's bytes in base64 with the standard alphabet (RFC 4648, section 4), as `base64` prints them.";

/// Programs differ in whether they write the padding.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// An image to be analysed at once.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct ImageRequest {
    /// The image's bytes in base64, at most 4 MiB once decoded. White space in it is skipped, and so
    /// is the head of a data URL (`data:image/jpeg;base64,`); what format it is, the bytes tell.
    #[schema(value_type = String, format = "byte", min_length = 1, example = "/9j/4AAQSkZJRgABAQ...")]
    image: Vec<u8>,
    /// What the image is called, as in `POST /uploads`.
    #[schema(example = "my cat.jpg")]
    filename: Option<String>,
    /// What to find out about the image, as in `POST /uploads`.
    #[schema(value_type = Option<Vec<Analysis>>, min_items = 1, example = json!(["labels"]))]
    analyses: Option<Analyses>,
}

impl ImageRequest {
    fn read(mut body: Map<String, Value>, config: &UploadApiConfig) -> Result<Self, Problem> {
        members::refuse_unknown(&body, &MEMBERS)?;
        // A member that is null is one that is not there.
        let mut take = |member| body.remove(member).filter(|value| !value.is_null());
        Ok(Self {
            image: image(take("image"))?,
            filename: members::filename(take("filename"))?,
            analyses: members::analyses(take("analyses"), &config.analyses)?,
        })
    }
}

fn image(value: Option<Value>) -> Result<Vec<u8>, Problem> {
    const MEMBER: &str = "image";
    let value = value.ok_or_else(|| missing(MEMBER, "the image's bytes in base64"))?;
    let mut text = string(MEMBER, value)?;
    text.retain(|c| !c.is_ascii_whitespace());
    let encoded = match text.strip_prefix("data:") {
        None => Some(text.as_str()),
        Some(rest) => rest
            .split_once(',')
            .filter(|(head, _)| head.to_ascii_lowercase().ends_with(";base64"))
            .map(|(_, data)| data),
    };
    let bytes = encoded
        .and_then(|encoded| BASE64.decode(encoded).ok())
        .ok_or_else(|| Problem::new(Code::InvalidBase64, NOT_BASE64).member(MEMBER))?;
    match bytes.len() {
        0 => Err(Problem::new(
            Code::InvalidBase64,
            "image is empty; it takes the image's bytes in base64.",
        )
        .member(MEMBER)),
        length if length > MAX_IMAGE_BYTES => Err(Problem::new(
            Code::ImageTooLarge,
            format!(
                "The image has {length} bytes, and one in a request may have {MAX_IMAGE_BYTES} (4 MiB). {ADVICE}"
            ),
        )
        .member(MEMBER)
        .limit(MAX_IMAGE_BYTES as u64)),
        _ => Ok(bytes),
    }
}

/// What an image shows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ImageAnswer {
    /// How it went, in a sentence.
    #[schema(value_type = String, example = "The image was analysed.")]
    message: &'static str,
    /// The image's id, part of its key.
    #[schema(value_type = String, format = "uuid", example = "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11")]
    image_id: Uuid,
    /// The key of the image in the input bucket, which names it everywhere.
    #[schema(value_type = String, example = "inline/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg")]
    key: SourceKey,
    /// The `Labels` of Rekognition's DetectLabels, as it gave them; empty where there are none.
    #[schema(value_type = Vec<Object>)]
    rekognition_labels: Value,
    /// The result document, as it is stored.
    result: ResultDocument,
    /// The key of the result document in the output bucket.
    #[schema(example = "results/inline/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.json")]
    result_key: String,
    /// Where to read the result again; absolute as in `POST /uploads`.
    #[schema(
        format = "uri-reference",
        example = "https://pictures.example.com/results/inline/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
    )]
    status_url: String,
}

impl ImageAnswer {
    fn new(result: ResultDocument, base: &str) -> Self {
        let key = result.source.key.clone();
        Self {
            message: match result.status {
                Status::Succeeded => "The image was analysed.",
                Status::Partial => {
                    "The image was analysed in part; result.errors says what is missing and why."
                }
                Status::Failed => {
                    "The image was stored and could not be analysed; result.errors says why."
                }
            },
            image_id: result.image_id,
            rekognition_labels: result
                .rekognition
                .get(Analysis::Labels.operation().document_key())
                .and_then(|answer| answer.get("Labels"))
                .cloned()
                .unwrap_or_else(|| Value::Array(Vec::new())),
            result_key: key.result_key(),
            status_url: format!("{base}{}", results_path(&key)),
            key,
            result,
        }
    }
}

/// Analyse a small image at once
///
/// Send the image in the request, and its result is the reply. The image, its thumbnail and its
/// result are stored as those of an upload are, the image under `inline/`, and can be read again in
/// the same ways. An image that
/// cannot be analysed is no error of the request: the reply is 201 then too, and `result` has `status`
/// `failed` and the reason. When the reply is an error, nothing that was stored is kept, as far as
/// the buckets can be reached to remove it; nobody learns the key of what might be left.
#[utoipa::path(
    post,
    path = "/images",
    operation_id = "createImage",
    tag = "images",
    request_body(
        content = ImageRequest,
        content_type = "application/json",
        description = "The image; at most 6 MiB. The request's own `Content-Type` is not looked at here; send `application/json` all the same when the body is over 3 MB, because API Gateway encodes bodies of other types in base64 once more, and what it hands on is limited to 6 MB."
    ),
    responses(
        (
            status = 201,
            description = "The image and its result are stored.",
            body = ImageAnswer,
            headers(
                ("Location" = String, description = "The same as `statusUrl`."),
                ("Cache-Control" = String, description = "`no-store`")
            ),
            example = json!(crate::openapi::example_answer())
        ),
        ImageProblems
    )
)]
pub(crate) async fn create<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = json_object(&parts.headers, body, MAX_BODY_BYTES, ADVICE).await?;
    let wanted = ImageRequest::read(body, &api.config)?;
    // By itself, because the server drops the work of a client that leaves wherever it stands.
    let result = tokio::spawn(answer(api, caller, wanted).in_current_span())
        .await
        .map_err(|error| Problem::store_unavailable(&error))??;
    let answer = ImageAnswer::new(result, &base(&parts));
    Ok(created(&answer.status_url, &answer))
}

/// Analyses the image and stores it with its result.
async fn answer<P: Ports>(
    api: Arc<Api<P>>,
    caller: Caller,
    wanted: ImageRequest,
) -> Result<ResultDocument, Problem> {
    let started = Instant::now();
    let image: Arc<[u8]> = wanted.image.into();
    let size = image.len() as u64;
    let header = read_header(&image);
    let (extension, content_type) = match &header {
        Ok(header) => (header.format.extension(), header.format.content_type()),
        Err(_) => ("bin", "application/octet-stream"),
    };
    let key = SourceKey::for_inline(caller.owner(), Uuid::new_v4(), extension);
    let analyses = wanted
        .analyses
        .clone()
        .unwrap_or_else(|| api.config.analyses.clone());
    let until = started + api.recognition_timeout;
    // A question that leaves moments before the end is paid for and its answer not heard.
    let ready_by = started + api.recognition_timeout * 2 / 3;
    let material = match analyse::refusal(size, &header, &analyses) {
        Some(refusal) => Err(refusal),
        None => material(&api, &key, &image, &analyses, ready_by).await?,
    };
    let prepare_ms = milliseconds(started);

    let asking = Instant::now();
    let answers = match &material {
        Err(_) => Answers::default(),
        Ok(material) => {
            let analyst = Analyzer {
                recogniser: &api.recogniser,
                settings: &api.config.settings,
            };
            analyst
                .analyse(&key, &material.views, &analyses, &[], until)
                .await
        }
    };
    let cost = answers.cost();
    if let Some(error) = answers.retryable_failure() {
        metrics::retryable_failure(&error.metric_reason(), OffsetDateTime::now_utc());
        metrics::spent(&cost, OffsetDateTime::now_utc());
        return Err(Problem::recogniser_unavailable(error));
    }
    if let Some(error) = answers.over_daily_limit() {
        return Err(Problem::new(Code::DailyLimitReached, error.message.clone()));
    }
    let recognise_ms = milliseconds(asking);
    let (info, thumbnail, refusal) = match material {
        Ok(material) => (Some(material.info), material.thumbnail, None),
        Err(refusal) => (
            header.ok().and_then(|header| header.info()),
            None,
            Some(refusal),
        ),
    };

    // The bucket's own time differs by the time of one request.
    let processed_at = OffsetDateTime::now_utc();
    let findings = DocumentParts {
        source: Source {
            bucket: api.config.buckets.input.clone(),
            key,
            version_id: None,
            e_tag: String::new(),
            size,
            content_type: content_type.to_owned(),
            filename: wanted.filename,
            sha256: None,
            last_modified: Some(processed_at),
            sequencer: None,
        },
        image: info,
        thumbnail: None,
        analyses,
        answers,
        refusal,
        timings: Timings {
            prepare_ms,
            recognise_ms,
            total_ms: milliseconds(started),
            ..Timings::default()
        },
        processed_at,
    };
    let files = Files {
        image: &image,
        thumbnail,
        asked: wanted.analyses.as_ref(),
    };
    let kept = keep(&api, files, findings).await;
    match &kept {
        Ok(document) => metrics::written(document),
        Err(_) => metrics::spent(&cost, processed_at),
    }
    kept
}

/// What the recogniser is given, and what is made beside it.
struct Material {
    views: RecogniserImages,
    info: ImageInfo,
    thumbnail: Option<JpegPicture>,
}

/// Prepares the image. The inner error is the image's own, the outer one that time ran out.
async fn material<P: Ports>(
    api: &Api<P>,
    key: &SourceKey,
    image: &Arc<[u8]>,
    analyses: &Analyses,
    ready_by: Instant,
) -> Result<Result<Material, AnalysisError>, Problem> {
    let settings = &api.config.settings;
    let preparing = async {
        let header = read_header(image).ok();
        let permit = api.preparer.acquire(header.as_ref()).await;
        let limits = Limits {
            inline: true,
            ..settings.limits(analyses)
        };
        permit.prepare(image.to_vec(), limits).await
    };
    let prepared = timeout_at(ready_by, preparing).await.map_err(|_| {
        tracing::warn!(%key, "the image was not prepared in time");
        metrics::retryable_failure("PreparationTimeout", OffsetDateTime::now_utc());
        Problem::new(
            Code::PreparationTimeout,
            format!("The image was not decoded within the time that one in a request has, and nothing was stored. {ADVICE}"),
        )
    })?;
    Ok(prepared
        .map_err(AnalysisError::from)
        .map(|prepared| Material {
            info: prepared.image_info(),
            views: RecogniserImages::new(
                ImageSource::Bytes(Arc::clone(image)),
                prepared.converted,
                prepared.ppe,
            ),
            thumbnail: prepared
                .thumbnail
                .inspect_err(|error| tracing::warn!(%key, %error, "no thumbnail"))
                .ok()
                .filter(|_| settings.thumbnail_px > 0),
        }))
}

/// What is stored beside the document.
struct Files<'a> {
    image: &'a [u8],
    thumbnail: Option<JpegPicture>,
    /// What the client asked for, in so many words.
    asked: Option<&'a Analyses>,
}

/// Stores the image, its thumbnail and the document made of the findings, or nothing.
async fn keep<P: Ports>(
    api: &Api<P>,
    files: Files<'_>,
    findings: DocumentParts,
) -> Result<ResultDocument, Problem> {
    let key = findings.source.key.clone();
    let problem = match api.with_store(store(api, files, findings)).await {
        Ok(document) => return Ok(document),
        Err(problem) => problem,
    };
    let (result_key, thumbnail_key) = (key.result_key(), key.thumbnail_key());
    let output = &api.config.buckets.output;
    let unlist = async {
        match &api.index {
            Some(index) => index.remove(&key, OffsetDateTime::now_utc()).await.is_ok(),
            None => true,
        }
    };
    // Each by itself: one that fails keeps no other.
    let removal = timeout(api.removal_timeout, async {
        tokio::join!(
            unlist,
            api.store.delete(&api.config.buckets.input, key.as_str()),
            api.store.delete(output, &thumbnail_key),
            api.store.delete(output, &result_key),
        )
    });
    if !matches!(removal.await, Ok((true, Ok(()), Ok(()), Ok(())))) {
        tracing::error!(%key, "an image that was not stored whole could not be removed");
    }
    Err(problem)
}

async fn store<P: Ports>(
    api: &Api<P>,
    files: Files<'_>,
    mut findings: DocumentParts,
) -> Result<ResultDocument, ServiceError> {
    let source = &findings.source;
    let metadata = members::metadata(source.filename.as_deref(), files.asked);
    let metadata: Vec<_> = metadata
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    // The key is new, so there is nothing that a condition would guard; and with one, a repeated
    // attempt would run into what its lost predecessor stored.
    let put = Put {
        bucket: &source.bucket,
        key: source.key.as_str(),
        body: files.image,
        content_type: &source.content_type,
        metadata: &metadata,
        condition: Condition::Always,
    };
    findings.source.e_tag = stored(api.store.put(put).await?, &source.bucket)?;

    let bucket = &api.config.buckets.output;
    if let Some(jpeg) = files.thumbnail {
        let key = findings.source.key.thumbnail_key();
        let put = Put {
            bucket,
            key: &key,
            body: &jpeg.bytes,
            content_type: MediaType::Jpeg.content_type(),
            metadata: &[],
            condition: Condition::Always,
        };
        stored(api.store.put(put).await?, bucket)?;
        findings.thumbnail = Some(Thumbnail {
            key,
            width: jpeg.width,
            height: jpeg.height,
        });
    }
    let document = findings.into_document();
    let body = serde_json::to_vec(&document).map_err(|error| {
        let reason = format!("the result could not be written as JSON: {error}");
        ServiceError::not_built(Service::S3, "PutObject", &reason, Fate::Final).on(bucket.clone())
    })?;
    let put = Put {
        bucket,
        key: &document.source.key.result_key(),
        body: &body,
        content_type: "application/json",
        metadata: &[],
        condition: Condition::Always,
    };
    stored(api.store.put(put).await?, bucket)?;
    if let Some(index) = &api.index {
        index.put(&Entry::from_document(&document)).await?;
    }
    Ok(document)
}

/// The ETag. Without a condition a bucket refuses only when two writes of one key meet.
fn stored(outcome: PutOutcome, bucket: &str) -> Result<String, ServiceError> {
    match outcome {
        PutOutcome::Stored(e_tag) => Ok(e_tag),
        PutOutcome::ConditionFailed => Err(ServiceError::new(
            Service::S3,
            "PutObject",
            "ConditionalRequestConflict",
            "another write of the same key was under way",
            Fate::RETRY,
        )
        .on(bucket)),
    }
}

fn milliseconds(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
