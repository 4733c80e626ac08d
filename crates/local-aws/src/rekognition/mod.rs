//! Rekognition's JSON 1.1 protocol in front of the embedded recognisers.
//!
//! A request is checked in AWS's order: read the body, verify the signature, find the operation, parse the JSON, check
//! the constraints of the service model, and only then fetch and analyse the image. DetectLabels is always answered,
//! DetectCustomLabels for registered models, the others if their model is installed. RecognizeCelebrities and
//! DetectProtectiveEquipment have no model. What has none is rejected by name, because an invented answer would be worse
//! than none.

mod image;
mod pictures;
mod response;
mod unsupported;

use crate::{
    Body,
    access_log::{AccessLog, Call, Permission},
    aws_json::{self, JSON_1_1},
    credentials::Credentials,
    store::Store,
};
use http::{Method, Request, Response, header, request::Parts};
use http_body_util::BodyExt;
use pictures::Pictures;
use rekognition_model::{
    DetectCustomLabelsRequest, DetectFacesRequest, DetectLabelsRequest,
    DetectModerationLabelsRequest, DetectTextRequest, ErrorBody, ErrorCode, Image, Operation,
    Validate,
};
use response::internal;
use serde::{Serialize, de::DeserializeOwned};
use sightline_vision::{Picture, Recogniser, Recognisers, TextFilters, VisionError};
use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, LazyLock},
    time::Instant,
};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// The service in `X-Amz-Target`.
pub(crate) const TARGET_PREFIX: &str = "RekognitionService.";
/// The service's name in the credential scope.
const SERVICE: &str = "rekognition";
/// The largest body that is read. Images of up to 5 MiB make 7 MiB of base64; somewhat larger bodies are read too, so
/// that the error can name the limit.
const MAX_BODY: usize = 12 * 1024 * 1024;
/// How many characters of a JSON error are repeated: it may quote the request.
const MAX_REASON: usize = 200;

/// One permit per core for the whole process, because recognition keeps a core busy and takes memory.
static PERMITS: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(cores))
});

/// Everything that the Rekognition endpoint needs.
pub(crate) struct RekognitionState {
    /// Where `S3Object` is read from.
    pub(crate) store: Store,
    /// Answer all operations but DetectCustomLabels.
    pub(crate) recognisers: Arc<Recognisers>,
    /// Answer DetectCustomLabels, by the ARN of the project version.
    pub(crate) custom_models: HashMap<String, Arc<Recogniser>>,
    /// The pictures that were decoded a moment ago.
    pub(crate) pictures: Arc<Pictures>,
    /// The folder for Tesseract's temporary files.
    pub(crate) scratch: PathBuf,
    /// The accepted keys.
    pub(crate) credentials: Arc<[Credentials]>,
    /// Records every call, rejected ones too.
    pub(crate) access_log: AccessLog,
}

/// Answers one request whose `X-Amz-Target` starts with [`TARGET_PREFIX`]. Errors are responses too.
pub(crate) async fn handle(state: Arc<RekognitionState>, request: Request<Body>) -> Response<Body> {
    let request_id = Uuid::new_v4().to_string();
    let (head, body) = request.into_parts();
    let operation = aws_json::operation_name(TARGET_PREFIX, &head.headers);
    let mut resources = Resources::default();
    let outcome = answer(&state, &head, body, &operation, &mut resources).await;
    let error_code = outcome
        .as_ref()
        .err()
        .and_then(ErrorBody::error_code)
        .map(|code| code.to_string());
    let response = match outcome {
        Ok(json) => response::success(&request_id, json),
        Err(error) => response::failure(&request_id, error),
    };
    state.access_log.record(Call {
        request_id,
        action: format!("rekognition:{operation}"),
        resource: resources.main(),
        permissions: resources.permissions(&operation),
        status: response.status().as_u16(),
        error_code,
        access_key_id: aws_json::claimed_access_key(&head.headers),
    });
    response
}

async fn answer(
    state: &RekognitionState,
    head: &Parts,
    body: Body,
    operation: &str,
    resources: &mut Resources,
) -> Result<Vec<u8>, ErrorBody> {
    let body = read(body).await?;
    aws_json::verify(
        aws_json::Scope::json(SERVICE),
        head,
        &body,
        &state.credentials,
        OffsetDateTime::now_utc(),
    )?;
    check_protocol(head)?;
    let Some(known) = Operation::from_name(operation) else {
        return Err(unsupported::unknown(operation));
    };
    let recognisers = Arc::clone(&state.recognisers);
    if known != Operation::DetectCustomLabels && !recognisers.supports(known) {
        return Err(unsupported::without_recogniser(known));
    }
    match known {
        Operation::DetectLabels => {
            let mut request: DetectLabelsRequest = parse(&body, operation)?;
            drop(body);
            let image = resources.take_image(&mut request.image);
            recognise(state, image, move |picture| {
                recognisers.detect_labels(picture, &request)
            })
            .await
        }
        Operation::DetectFaces => {
            let mut request: DetectFacesRequest = parse(&body, operation)?;
            drop(body);
            let image = resources.take_image(&mut request.image);
            recognise(state, image, move |picture| {
                recognisers.detect_faces(picture, &request)
            })
            .await
        }
        Operation::DetectModerationLabels => {
            let mut request: DetectModerationLabelsRequest = parse(&body, operation)?;
            drop(body);
            let image = resources.take_image(&mut request.image);
            recognise(state, image, move |picture| {
                recognisers.detect_moderation_labels(picture, &request)
            })
            .await
        }
        Operation::DetectText => {
            let mut request: DetectTextRequest = parse(&body, operation)?;
            drop(body);
            let image = resources.take_image(&mut request.image);
            let filters = TextFilters::from_request(&request).map_err(image::error_body)?;
            let scratch = state.scratch.clone();
            recognise(state, image, move |picture| {
                recognisers.detect_text(picture, &filters, &scratch)
            })
            .await
        }
        Operation::DetectCustomLabels => {
            let mut request: DetectCustomLabelsRequest = parse(&body, operation)?;
            drop(body);
            let arn = request.project_version_arn.take().unwrap_or_default();
            let model = state.custom_models.get(&arn).map(Arc::clone);
            let image = resources.take_image(&mut request.image);
            let arn = resources.model.insert(arn);
            let recogniser = model.ok_or_else(|| unsupported::unregistered(arn))?;
            recognise(state, image, move |picture| {
                recogniser.detect_custom_labels_of(picture, &request)
            })
            .await
        }
        Operation::RecognizeCelebrities | Operation::DetectProtectiveEquipment => {
            Err(unsupported::without_recogniser(known))
        }
    }
}

/// Checks method, path and media type, as AWS's JSON services do before anything else.
fn check_protocol(head: &Parts) -> Result<(), ErrorBody> {
    let media_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    if head.method != Method::POST || head.uri.path() != "/" {
        Err(ErrorBody::new(
            ErrorCode::UnknownOperation,
            "Rekognition takes POST requests to the path / only.",
        ))
    } else if media_type.is_none_or(|media_type| !media_type.eq_ignore_ascii_case(JSON_1_1)) {
        Err(ErrorBody::new(
            ErrorCode::UnknownOperation,
            format!("Rekognition takes the Content-Type {JSON_1_1} only."),
        ))
    } else {
        Ok(())
    }
}

/// Reads the whole body. The server discards the rest of one that is too large.
async fn read(mut body: Body) -> Result<Vec<u8>, ErrorBody> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| {
            ErrorBody::new(ErrorCode::Serialization, "The request's body ended early.")
        })?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > MAX_BODY {
            return Err(ErrorBody::new(
                ErrorCode::RequestEntityTooLarge,
                format!(
                    "The request is larger than {MAX_BODY} bytes; an image in the request may have at most 5 MiB. Put \
                     a larger one into S3."
                ),
            ));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Parses a request and checks the constraints of the service model. This is the only check: the recognisers rely
/// on it.
fn parse<R: DeserializeOwned + Validate>(body: &[u8], operation: &str) -> Result<R, ErrorBody> {
    let request: R = serde_json::from_slice(body).map_err(|error| {
        let reason = error.to_string();
        let shown: String = reason.chars().take(MAX_REASON).collect();
        ErrorBody::new(
            ErrorCode::Serialization,
            format!("The request cannot be read as {operation}: {shown}"),
        )
    })?;
    request.validate()?;
    Ok(request)
}

/// What a call works on, for the access log.
#[derive(Debug, Default)]
struct Resources {
    /// The ARN of the project version.
    model: Option<String>,
    /// The object that holds the image.
    object: Option<Permission>,
}

impl Resources {
    /// Takes the image out of a request and notes its object, which is read with the caller's own permissions (Amazon
    /// Rekognition Developer Guide, "Working with images stored in an Amazon S3 bucket").
    fn take_image(&mut self, image: &mut Option<Image>) -> Image {
        let image = image.take().unwrap_or_default();
        self.object = image.s3_object.as_ref().map(|object| {
            let (bucket, name) = (object.bucket.as_deref(), object.name.as_deref());
            Permission {
                action: match object.version {
                    Some(_) => "s3:GetObjectVersion".to_owned(),
                    None => "s3:GetObject".to_owned(),
                },
                resource: format!(
                    "arn:aws:s3:::{}/{}",
                    bucket.unwrap_or_default(),
                    name.unwrap_or_default()
                ),
            }
        });
        image
    }

    /// The model, or else the object.
    fn main(&self) -> String {
        let object = self.object.as_ref().map(|object| &object.resource);
        self.model
            .as_ref()
            .or(object)
            .map_or_else(|| "*".to_owned(), String::clone)
    }

    /// The permissions that IAM checks. Operations without a model have no narrower resource than `*`.
    fn permissions(self, operation: &str) -> Vec<Permission> {
        let own = Permission {
            action: format!("rekognition:{operation}"),
            resource: self.model.unwrap_or_else(|| "*".to_owned()),
        };
        std::iter::once(own).chain(self.object).collect()
    }
}

/// Fetches the image, waits for a permit, and runs `recognise` on a blocking thread. Returns the output as JSON.
///
/// The image is decoded under the permit, too, so that no more pictures are in memory than there are permits, apart from
/// the few that [`Pictures`] keeps.
async fn recognise<R: Serialize + Send + 'static>(
    state: &RekognitionState,
    image: Image,
    recognise: impl FnOnce(&Picture) -> Result<R, VisionError> + Send + 'static,
) -> Result<Vec<u8>, ErrorBody> {
    let file = image::fetch(&state.store, image).await?;
    let permit = Arc::clone(&PERMITS)
        .acquire_owned()
        .await
        .map_err(|error| internal("the recogniser accepts no more images", &error))?;
    let pictures = Arc::clone(&state.pictures);
    let output = tokio::task::spawn_blocking(move || {
        // Held until the work is done, even if the client has gone.
        let _permit = permit;
        let identity = file.identity();
        let picture = pictures.get(&identity, file.bytes())?;
        drop(file);
        let output = recognise(&picture);
        pictures.release(&identity, picture, Instant::now());
        output
    })
    .await
    .map_err(|error| internal("the recogniser panicked", &error))?;
    expire_later(&state.pictures);
    let output = output.map_err(image::error_body)?;
    serde_json::to_vec(&output)
        .map_err(|error| internal("the response cannot be written as JSON", &error))
}

/// Frees the memory of pictures that are not used again.
fn expire_later(pictures: &Arc<Pictures>) {
    let pictures = Arc::downgrade(pictures);
    tokio::spawn(async move {
        tokio::time::sleep(pictures::KEPT_FOR).await;
        if let Some(pictures) = pictures.upgrade() {
            pictures.expire(Instant::now());
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn head(method: &str, path: &str, content_type: Option<&str>) -> Parts {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_protocol_is_json_1_1_by_post() {
        let check = |method, path, content_type| check_protocol(&head(method, path, content_type));
        check("POST", "/", Some("application/x-amz-json-1.1")).unwrap();
        check(
            "POST",
            "/",
            Some("Application/X-Amz-Json-1.1; charset=utf-8"),
        )
        .unwrap();
        for (method, path, content_type) in [
            ("GET", "/", Some(JSON_1_1)),
            ("POST", "/detect", Some(JSON_1_1)),
            ("POST", "/", Some("application/json")),
            ("POST", "/", Some("application/x-amz-json-1.0")),
            ("POST", "/", None),
        ] {
            let error = check(method, path, content_type).unwrap_err();
            assert_eq!(error.error_code(), Some(ErrorCode::UnknownOperation));
        }
    }

    #[tokio::test]
    async fn a_body_is_read_up_to_the_limit() {
        assert_eq!(read(Body::empty()).await.unwrap(), b"");
        assert_eq!(
            read(Body::from(vec![7; MAX_BODY])).await.unwrap().len(),
            MAX_BODY
        );
        let error = read(Body::from(vec![7; MAX_BODY + 1])).await.unwrap_err();
        assert_eq!(error.error_code(), Some(ErrorCode::RequestEntityTooLarge));
    }

    fn read_request(body: &str) -> Result<DetectLabelsRequest, ErrorBody> {
        parse(body.as_bytes(), "DetectLabels")
    }

    #[test]
    fn a_malformed_request_is_rejected() {
        for body in [
            "",
            "{",
            "[]]",
            "\"text\"",
            "null",
            r#"{"Image": 1}"#,
            r#"{"Image": {"Bytes": "?"}}"#,
        ] {
            let error = read_request(body).unwrap_err();
            assert_eq!(error.error_code(), Some(ErrorCode::Serialization), "{body}");
        }
        let long = json!({ "MaxLabels": "x".repeat(10_000) }).to_string();
        let message = read_request(&long).unwrap_err().message.unwrap();
        assert!(message.len() < 300, "the message is short: {message}");
    }

    #[test]
    fn every_violation_is_named_even_for_a_feature_that_was_not_requested() {
        let body = json!({
            "Image": {"Bytes": "AAAA"},
            "MinConfidence": 100.5,
            "Settings": {
                "ImageProperties": {"MaxDominantColors": 21},
                "GeneralLabels": {"LabelInclusionFilters": vec!["a"; 101]}
            }
        });
        let message = read_request(&body.to_string())
            .unwrap_err()
            .message
            .unwrap();
        for member in [
            "'minConfidence'",
            "maxDominantColors'",
            "labelInclusionFilters'",
        ] {
            assert!(message.contains(member), "{message}");
        }
        let body = json!({"Image": {"Bytes": "AAAA"}, "Features": ["FACES"]});
        let message = read_request(&body.to_string())
            .unwrap_err()
            .message
            .unwrap();
        assert!(message.contains("'features'"), "{message}");
        for min_confidence in [-1, 101] {
            let body = json!({"MinConfidence": min_confidence}).to_string();
            let error = parse::<DetectCustomLabelsRequest>(body.as_bytes(), "DetectCustomLabels")
                .unwrap_err();
            assert!(error.message.unwrap().contains("'minConfidence'"));
        }
    }

    #[test]
    fn a_violated_constraint_is_a_validation_error() {
        let body = json!({"Image": {"Bytes": "AAAA"}, "MinConfidence": 101}).to_string();
        let error = read_request(&body).unwrap_err();
        assert_eq!(error.error_code(), Some(ErrorCode::Validation));
        assert!(
            error
                .message
                .unwrap()
                .starts_with("1 validation error detected: Value '101.0' at 'minConfidence'")
        );
    }
}
