//! `POST /images`.

pub(crate) mod request;
mod worker;

use axum::{
    extract::{Request, State},
    response::Response,
};
use serde::Serialize;
use serde_json::{Value, json};
use sightline_pipeline::{
    ResultDocument, Service, SourceKey, document::Status, recognition::named_labels,
};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

pub(crate) use self::request::MEMBERS;
use self::{request::ImageRequest, worker::Worker};
use super::{
    definition::{Audience, Route},
    read_result,
};
use crate::{
    Code, Ports, Problem,
    access::{Caller, unauthenticated},
    address::{base, results_path},
    api::Shared,
    background_task::run_to_end,
    offer::Part,
    problem::{disk_full, rejected, unavailable},
    request::{
        body::{self, json_object},
        json_members,
    },
    response::created,
};

#[derive(OpenApi)]
#[openapi(paths(handle))]
struct Description;

pub(super) fn route<P: Ports>() -> Route<P> {
    Route::new::<__path_handle, _, _>(
        Audience::Callers,
        handle::<P>,
        Description::openapi,
        problems,
    )
    .part(Part::ImageRequests)
}

/// What can go wrong.
pub(crate) fn problems() -> Vec<Problem> {
    let mut problems = body::problems(&request::BODY_LIMIT);
    problems.extend(json_members::problems(&MEMBERS));
    problems.extend(request::problems());
    problems.extend([
        unauthenticated(),
        rejected(Service::S3),
        rejected(Service::Index),
        unavailable(Service::S3),
        disk_full(),
        unavailable(Service::Index),
        unavailable(Service::Rekognition),
        worker::preparation_timeout(),
        Problem::new(
            Code::DailyLimitReached,
            "Today's 10000 analyses are used up. Send the picture again after midnight UTC, or ask the operator of this service to raise MAX_DAILY_ANALYSES.",
        ),
        Problem::new(
            Code::OwnerDailyLimitReached,
            "Your 100 analyses of today are used up. Send the picture again after midnight UTC, or ask the operator of this service to raise MAX_DAILY_ANALYSES_PER_OWNER.",
        ),
    ]);
    problems
}

/// What an image shows.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ImageAnswer {
    /// The outcome, in a sentence.
    #[schema(value_type = String, example = "The image was analysed.")]
    message: &'static str,
    /// The image's id, part of its key.
    #[schema(value_type = String, format = "uuid", example = "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11")]
    image_id: Uuid,
    /// The image's key in the input bucket, which identifies the image everywhere.
    #[schema(value_type = String, pattern = r"^(uploads|inline)/[\s\S]*[^/]$", example = "inline/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg")]
    key: SourceKey,
    /// The `Labels` of Rekognition's DetectLabels, unchanged. If faces were analysed and found, `Person`, `Face` and each
    /// face's main emotion, such as `Happy`, are among them, each name once, and all are sorted, most confident first.
    /// The confidence of `Person` and `Face` is that of the clearest face. An emotion below 50 percent is left out. Empty if
    /// there are no labels.
    #[schema(value_type = Vec<Object>)]
    rekognition_labels: Vec<Value>,
    /// The result document, as it is stored.
    result: ResultDocument,
    /// The key of the result document in the output bucket.
    #[schema(
        pattern = r"^results/(uploads|inline)/[\s\S]*[^/]\.json$",
        example = "results/inline/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.json"
    )]
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
                    "The image was stored but could not be analysed; result.errors says why."
                }
            },
            image_id: result.image_id,
            rekognition_labels: named_labels(&result.rekognition),
            result_key: key.result_key(),
            status_url: format!("{base}{}", results_path(&key)),
            key,
            result,
        }
    }
}

/// Analyse a small image at once
///
/// Send the image in the request; the reply has its result. The image, its thumbnail, its preview and its result are stored like those
/// of an upload, the image under `inline/`, and can be read in the same ways. An image that cannot be analysed is not an
/// error of the request: the reply is 201, and `result` has `status` `failed` and the reason. If the reply is an error,
/// the service removes everything that it stored, as far as it can reach the buckets; nobody learns the key of what might
/// remain.
#[utoipa::path(
    post,
    path = "/images",
    operation_id = "createImage",
    tag = "images",
    request_body(
        content = ImageRequest,
        content_type = "application/json",
        description = "The image; the body is at most 6 MiB. The service ignores the request's own `Content-Type`. Send `application/json` for bodies over 3 MB: API Gateway encodes bodies of other types in base64 once more, and passes on at most 6 MB.",
        example = json!({
            "image": "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwME",
            "filename": "my cat.jpg",
            "analyses": ["labels"]
        })
    ),
    responses((
        status = 201,
        description = "The image and its result are stored.",
        body = ImageAnswer,
        headers(
            ("Location" = String, description = "The same as `statusUrl`."),
            ("Cache-Control" = String, description = "`no-store`")
        ),
        example = json!(example())
    ))
)]
async fn handle<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = json_object(&parts.headers, body, &request::BODY_LIMIT).await?;
    let request = ImageRequest::parse(body, &api.config)?;
    let result = run_to_end(async move {
        let worker = Worker { api: &api };
        worker.process(caller.owner(), request).await
    })
    .await?;
    let answer = ImageAnswer::new(result, &base(&parts));
    Ok(created(&answer.status_url, &answer))
}

/// An example for the OpenAPI document.
fn example() -> Value {
    let mut result = read_result::example();
    let key = "inline/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg";
    if let Some(of_source) = result.pointer_mut("/source/key") {
        *of_source = json!(key);
    }
    json!({
        "message": "The image was analysed.",
        "imageId": "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11",
        "key": key,
        "rekognitionLabels": result.pointer("/rekognition/detectLabels/Labels"),
        "resultKey": format!("results/{key}.json"),
        "statusUrl": format!("https://pictures.example.com/results/{key}"),
        "result": result
    })
}
