//! Rekognition's JSON 1.1 protocol over the embedded recogniser.
//!
//! A request is checked in AWS's order: its body is read, its signature verified, its operation found, its JSON
//! read and held against the service model, and only then is the picture fetched and looked at. DetectLabels is
//! answered, DetectCustomLabels for the models that are registered, DetectText where Tesseract is installed; every
//! other operation is refused by name, because an invented answer would be worse than none.

mod answer;
pub(crate) mod auth;
mod picture;
mod text;

use crate::{
    Body,
    access_log::{AccessLog, Call, Permission},
    settings::Credentials,
    store::Store,
    tesseract::Tesseract,
};
use answer::{JSON_1_1, refuse};
use http::{Method, Request, Response, header, request::Parts};
use http_body_util::BodyExt;
use rekognition_model::{
    DetectCustomLabelsRequest, DetectLabelsRequest, DetectTextRequest, DetectTextResponse,
    ErrorBody, ErrorCode, Image, Operation, Validate,
};
use serde::{Serialize, de::DeserializeOwned};
use sightline_vision::{Recogniser, Upright};
use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};
use time::OffsetDateTime;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// What stands before the operation's name in `X-Amz-Target`.
pub(crate) const TARGET_PREFIX: &str = "RekognitionService.";
/// The largest body that is read. Pictures of up to 5 MiB make 7 MiB of base64; what is not much larger is read
/// too, so that the answer can name the limit that it breaks.
const MAX_BODY: usize = 12 * 1024 * 1024;
/// How much of what a JSON reader says is repeated: it may quote the request.
const MAX_REASON: usize = 200;
/// The longer side of a picture when text is read, in pixels: letters of an A4 page scanned at 300 dots an inch are
/// large enough, and a page full of them takes seconds.
const LONGEST_FOR_TEXT: u32 = 3508;

/// One place per core, whoever calls: looking at a picture keeps a core busy and takes memory.
static PLACES: LazyLock<Arc<Semaphore>> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(Semaphore::new(cores))
});

/// What answering a Rekognition request needs; made once by the server.
pub(crate) struct RekognitionState {
    /// The objects that `S3Object` names.
    pub(crate) store: Store,
    /// What answers DetectLabels.
    pub(crate) recogniser: Arc<Recogniser>,
    /// What answers DetectCustomLabels, by the ARN of its project version.
    pub(crate) custom_models: HashMap<String, Arc<Recogniser>>,
    /// What answers DetectText.
    pub(crate) tesseract: Option<Tesseract>,
    /// Where pictures wait to be read; nothing in it outlives the process.
    pub(crate) folder: PathBuf,
    /// The keys that requests may be signed with (service `rekognition`).
    pub(crate) credentials: Arc<[Credentials]>,
    /// Where every call is recorded, refused ones too.
    pub(crate) access_log: AccessLog,
}

/// Answers one request whose `X-Amz-Target` starts with `RekognitionService.`; never fails: a refusal is an
/// answer too.
pub(crate) async fn handle(state: Arc<RekognitionState>, request: Request<Body>) -> Response<Body> {
    let request_id = Uuid::new_v4().to_string();
    let (head, body) = request.into_parts();
    let operation = operation_name(&head);
    let mut target = Target::default();
    let outcome = answer(&state, &head, body, &operation, &mut target).await;
    let error_code = outcome
        .as_ref()
        .err()
        .and_then(ErrorBody::error_code)
        .map(|code| code.to_string());
    let response = match outcome {
        Ok(json) => answer::success(&request_id, json),
        Err(error) => answer::failure(&request_id, error),
    };
    state.access_log.record(Call {
        request_id,
        action: format!("rekognition:{operation}"),
        resource: target.resource(),
        permissions: target.permissions(&operation),
        status: response.status().as_u16(),
        error_code,
        access_key_id: auth::claimed_access_key(&head.headers),
    });
    response
}

async fn answer(
    state: &RekognitionState,
    head: &Parts,
    body: Body,
    operation: &str,
    target: &mut Target,
) -> Result<Vec<u8>, ErrorBody> {
    let body = read(body).await?;
    auth::verify(head, &body, &state.credentials, OffsetDateTime::now_utc())?;
    check_protocol(head)?;
    match Operation::from_name(operation) {
        Some(Operation::DetectLabels) => {
            let mut request: DetectLabelsRequest = parse(&body, operation)?;
            drop(body);
            let image = request.image.take().unwrap_or_default();
            target.name_object(&image);
            let recogniser = Arc::clone(&state.recogniser);
            json(
                &look(state, image, move |bytes| {
                    recogniser
                        .detect_labels(bytes, &request)
                        .map_err(picture::refusal)
                })
                .await?,
            )
        }
        Some(Operation::DetectCustomLabels) => {
            let mut request: DetectCustomLabelsRequest = parse(&body, operation)?;
            drop(body);
            let arn = request.project_version_arn.take().unwrap_or_default();
            let model = state.custom_models.get(&arn).map(Arc::clone);
            let image = request.image.take().unwrap_or_default();
            target.name_object(&image);
            let resource = target.model.insert(arn);
            let recogniser = model.ok_or_else(|| {
                refuse(
                    ErrorCode::ResourceNotFound,
                    format!(
                        "No model is registered as {resource}; `sightline local --custom-model \
                         NAME=MODEL.onnx,LABELS.json` registers one and prints its ARN."
                    ),
                )
            })?;
            json(
                &look(state, image, move |bytes| {
                    recogniser
                        .detect_custom_labels(bytes, &request)
                        .map_err(picture::refusal)
                })
                .await?,
            )
        }
        Some(Operation::DetectText) => {
            let Some(tesseract) = state.tesseract.clone() else {
                return Err(refuse(
                    ErrorCode::UnknownOperation,
                    "DetectText has no recogniser in this local mode: install Tesseract (the Debian package \
                     tesseract-ocr) and start `sightline local` again, or run it against AWS.",
                ));
            };
            let mut request: DetectTextRequest = parse(&body, operation)?;
            drop(body);
            let image = request.image.take().unwrap_or_default();
            target.name_object(&image);
            let wanted = text::Wanted::from_request(&request).map_err(|reason| {
                refuse(
                    ErrorCode::InvalidParameter,
                    format!("Request has invalid parameters: {reason}"),
                )
            })?;
            let folder = state.folder.clone();
            json(
                &look(state, image, move |bytes| {
                    detect_text(&tesseract, &folder, bytes, &wanted)
                })
                .await?,
            )
        }
        Some(known) => Err(refuse(
            ErrorCode::UnknownOperation,
            format!("{known} has no recogniser in the local mode; run it against AWS."),
        )),
        None => Err(refuse(
            ErrorCode::UnknownOperation,
            format!(
                "{operation} is not answered in the local mode, which has DetectLabels, DetectCustomLabels and DetectText; \
                 run it against AWS."
            ),
        )),
    }
}

/// The operation's name as the header gives it, in a form that can stand in a log.
fn operation_name(head: &Parts) -> String {
    head.headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .and_then(|target| target.strip_prefix(TARGET_PREFIX))
        .filter(|name| {
            (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric())
        })
        .unwrap_or("Unknown")
        .to_owned()
}

/// AWS's JSON services route by method, path and media type before they look at anything else.
fn check_protocol(head: &Parts) -> Result<(), ErrorBody> {
    let media_type = head
        .headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.split(';').next())
        .map(str::trim);
    if head.method != Method::POST || head.uri.path() != "/" {
        Err(refuse(
            ErrorCode::UnknownOperation,
            "Rekognition takes POST requests to the path / only.",
        ))
    } else if media_type.is_none_or(|media_type| !media_type.eq_ignore_ascii_case(JSON_1_1)) {
        Err(refuse(
            ErrorCode::UnknownOperation,
            format!("Rekognition takes the Content-Type {JSON_1_1} only."),
        ))
    } else {
        Ok(())
    }
}

/// Reads the whole body; of one that is too large, the server passes over the rest.
async fn read(mut body: Body) -> Result<Vec<u8>, ErrorBody> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|_| refuse(ErrorCode::Serialization, "The request's body broke off."))?;
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if bytes.len() + data.len() > MAX_BODY {
            return Err(refuse(
                ErrorCode::RequestEntityTooLarge,
                format!(
                    "The request is larger than {MAX_BODY} bytes; a picture in the request may have 5 MiB, and a \
                     larger one belongs into S3."
                ),
            ));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes)
}

/// Reads a request and holds it against the service model.
fn parse<R: DeserializeOwned + Validate>(body: &[u8], operation: &str) -> Result<R, ErrorBody> {
    let request: R = serde_json::from_slice(body).map_err(|error| {
        let reason = error.to_string();
        let shown: String = reason.chars().take(MAX_REASON).collect();
        refuse(
            ErrorCode::Serialization,
            format!("The request cannot be read as {operation}: {shown}"),
        )
    })?;
    request.validate()?;
    Ok(request)
}

fn json(answer: &impl Serialize) -> Result<Vec<u8>, ErrorBody> {
    serde_json::to_vec(answer)
        .map_err(|error| internal("the answer cannot be written as JSON", &error))
}

/// What a call is about, as the access log tells it.
#[derive(Debug, Default)]
struct Target {
    /// The ARN of the project version that is asked.
    model: Option<String>,
    /// The picture's object.
    object: Option<Permission>,
}

impl Target {
    /// Notes the object of a picture. It is read with the caller's own permissions (Amazon Rekognition Developer
    /// Guide, "Working with images stored in an Amazon S3 bucket").
    fn name_object(&mut self, image: &Image) {
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
    }

    /// The model, else the object: what tells calls apart.
    fn resource(&self) -> String {
        let object = self.object.as_ref().map(|object| &object.resource);
        self.model
            .as_ref()
            .or(object)
            .map_or_else(|| "*".to_owned(), String::clone)
    }

    /// What IAM asks for: it knows no narrower resource than `*` for operations without a model.
    fn permissions(self, operation: &str) -> Vec<Permission> {
        let own = Permission {
            action: format!("rekognition:{operation}"),
            resource: self.model.unwrap_or_else(|| "*".to_owned()),
        };
        std::iter::once(own).chain(self.object).collect()
    }
}

/// Fetches the picture, waits for a place, and looks at it on a thread that may be kept busy.
async fn look<A: Send + 'static>(
    state: &RekognitionState,
    image: Image,
    recognise: impl FnOnce(&[u8]) -> Result<A, ErrorBody> + Send + 'static,
) -> Result<A, ErrorBody> {
    let bytes = picture::fetch(&state.store, image).await?;
    let place = Arc::clone(&PLACES)
        .acquire_owned()
        .await
        .map_err(|error| internal("the recogniser takes no more pictures", &error))?;
    tokio::task::spawn_blocking(move || {
        // Held until the picture is done, also when the client has gone.
        let _place = place;
        recognise(&bytes)
    })
    .await
    .map_err(|error| internal("the recogniser panicked", &error))?
}

fn detect_text(
    tesseract: &Tesseract,
    folder: &Path,
    bytes: &[u8],
    wanted: &text::Wanted,
) -> Result<DetectTextResponse, ErrorBody> {
    let picture = Upright::decode(bytes, LONGEST_FOR_TEXT).map_err(picture::refusal)?;
    let tsv = tesseract
        .read(folder, &picture)
        .map_err(|error| internal("the text cannot be read", &error))?;
    let size = (picture.width, picture.height);
    text::answer(&tsv, size, wanted, tesseract.version())
        .map_err(|error| internal("the text cannot be read", &error))
}

/// A fault of the endpoint itself: the log says what happened, the client that it was not its doing.
fn internal(what: &str, error: &dyn std::error::Error) -> ErrorBody {
    tracing::error!(error = %error, "{what}");
    refuse(
        ErrorCode::InternalServerError,
        format!("Internal server error: {what}."),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn head(method: &str, path: &str, content_type: Option<&str>, target: &str) -> Parts {
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header("x-amz-target", target);
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn a_name_that_cannot_stand_in_a_log_is_not_repeated() {
        for (target, name) in [
            ("RekognitionService.DetectLabels", "DetectLabels"),
            ("RekognitionService.CompareFaces", "CompareFaces"),
            ("RekognitionService.", "Unknown"),
            ("RekognitionService.<script>", "Unknown"),
            ("Other.DetectLabels", "Unknown"),
        ] {
            assert_eq!(operation_name(&head("POST", "/", None, target)), name);
        }
        assert_eq!(
            operation_name(&head(
                "POST",
                "/",
                None,
                &format!("{TARGET_PREFIX}{}", "a".repeat(65))
            )),
            "Unknown"
        );
    }

    #[test]
    fn the_protocol_is_json_1_1_by_post() {
        let check =
            |method, path, content_type| check_protocol(&head(method, path, content_type, "x"));
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
    fn what_is_no_request_is_refused() {
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
        assert!(
            message.len() < 300,
            "the request is not repeated at any length: {message}"
        );
    }

    #[test]
    fn a_broken_constraint_is_a_validation_error() {
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
