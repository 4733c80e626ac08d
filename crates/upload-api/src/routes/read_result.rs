//! `GET /results/{key}`.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use serde_json::{Value, json};
use sightline_pipeline::{ResultDocument, Service, SourceKey};
use utoipa::{OpenApi, ToSchema};
use uuid::Uuid;

use super::definition::{Audience, Route};
use crate::{
    Code, Ports, Problem,
    access::{Caller, unauthenticated},
    api::Shared,
    problem::{rejected, unavailable},
    request::key::{self, source_key},
    stored_image::{StoredImage, StoredResult, result_unreadable},
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
}

/// What can go wrong.
fn problems() -> Vec<Problem> {
    let mut problems = key::problems();
    problems.extend([
        unauthenticated(),
        no_such_upload(),
        result_unreadable(),
        rejected(Service::S3),
        unavailable(Service::S3),
    ]);
    problems
}

/// After how many seconds to ask again. A picture takes about that long.
const RETRY_AFTER_SECONDS: u16 = 1;

/// The image exists, but its result does not yet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct Pending {
    /// Always `pending`.
    #[schema(value_type = String, example = "pending")]
    status: &'static str,
    /// The image's key.
    #[schema(value_type = String, pattern = r"^(uploads|inline)/[\s\S]*[^/]$", example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg")]
    key: SourceKey,
    /// The image's id.
    #[schema(value_type = String, format = "uuid", example = "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11")]
    image_id: Uuid,
    /// The key that the result document will have in the output bucket.
    #[schema(
        pattern = r"^results/(uploads|inline)/[\s\S]*[^/]\.json$",
        example = "results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.json"
    )]
    result_key: String,
}

/// Read an image's result
///
/// The reply is 202 while the image exists and its result does not; ask again after `Retry-After` seconds. After an image
/// is replaced, the reply is 202 until the new image has its own result. A picture that cannot be analysed has a result
/// too, with `status` `failed` and the reason. An image under `inline/` gets its result in the request that sends it or
/// never, so the reply is never 202 for it.
#[utoipa::path(
    get,
    path = "/results/{key}",
    operation_id = "readResult",
    tag = "images",
    params(
        (
            "key" = String,
            Path,
            description = "The image's key, such as `uploads/my cat.jpg`, percent-encoded. Slashes may be sent as they are or as `%2F`. If a segment is empty, `.` or `..`, send `%2F`, because clients normalise such paths.",
            min_length = 9,
            max_length = 1009,
            pattern = r"^(uploads|inline)/[\s\S]*[^/]$",
            example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
        ),
        (
            "If-None-Match" = Option<String>,
            Header,
            description = "An `ETag` from an earlier reply. The reply is 304 if the result has not changed."
        )
    ),
    responses(
        (
            status = 200,
            description = "The result document, as it is stored.",
            body = ResultDocument,
            headers(
                ("ETag" = String, description = "Identifies this state of the document."),
                ("Cache-Control" = String, description = "`no-cache`: ask with `If-None-Match` each time, because an image may be replaced.")
            ),
            example = json!(example())
        ),
        (
            status = 202,
            description = "The image exists, but its result does not yet.",
            body = Pending,
            headers(
                ("Retry-After" = u16, description = "Seconds to wait before asking again."),
                ("Cache-Control" = String, description = "`no-store`")
            ),
            example = json!({
                "status": "pending",
                "key": "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg",
                "imageId": "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11",
                "resultKey": "results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.json"
            })
        ),
        (
            status = 304,
            description = "The result is still the one that `If-None-Match` names.",
            headers(("ETag" = String, description = "Identifies this state of the document."))
        )
    )
)]
async fn handle<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = source_key(path)?;
    if !caller.may_read(&key) {
        return Err(no_such_upload());
    }
    let image = StoredImage::find(&api, &key).await?;
    match image.result {
        Some(result) => Ok(found(result, &headers)),
        None if image.exists && key.is_upload() => Ok(pending(key)),
        None if image.exists => Err(never_analysed()),
        None => Err(no_such_upload()),
    }
}

fn no_such_upload() -> Problem {
    Problem::new(
        Code::NoSuchUpload,
        "No image has this key. After POST /uploads, send the image to its uploadUrl first; if you have done so, check the key.",
    )
}

fn never_analysed() -> Problem {
    Problem::new(
        Code::NoSuchUpload,
        "This image has no result and will not get one, because images under inline/ are analysed in the request that sends them. Send the image to POST /images again.",
    )
}

fn found(result: StoredResult, request: &HeaderMap) -> Response {
    let quoted = format!("\"{}\"", result.e_tag);
    let mut response = if client_has(request, &quoted) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, "application/json")], result.bytes).into_response()
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if let Ok(e_tag) = HeaderValue::try_from(quoted) {
        headers.insert(ETAG, e_tag);
    }
    response
}

fn pending(key: SourceKey) -> Response {
    let pending = Pending {
        status: "pending",
        image_id: key.image_id(),
        result_key: key.result_key(),
        key,
    };
    (
        StatusCode::ACCEPTED,
        [
            (RETRY_AFTER, HeaderValue::from(RETRY_AFTER_SECONDS)),
            (CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ],
        Json(pending),
    )
        .into_response()
}

/// Whether the client has this state already: `If-None-Match` by weak comparison (RFC 9110, section 13.1.2).
fn client_has(request: &HeaderMap, e_tag: &str) -> bool {
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == e_tag)
}

/// A small but complete result document.
pub(crate) fn example() -> Value {
    json!({
        "schemaVersion": 1,
        "imageId": "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11",
        "status": "succeeded",
        "source": {
            "bucket": "input",
            "key": "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg",
            "eTag": "9b2cf535f27731c974343645a3985328",
            "size": 183_421,
            "contentType": "image/jpeg",
            "filename": "my cat.jpg"
        },
        "image": {"format": "jpeg", "width": 1600, "height": 1200, "orientation": 1},
        "summary": {
            "labels": ["Cat"],
            "categories": ["Animals and Pets"],
            "text": [],
            "moderation": []
        },
        "rekognition": {
            "detectLabels": {
                "Labels": [{
                    "Name": "Cat",
                    "Confidence": 97.4,
                    "Instances": [{
                        "BoundingBox": {"Width": 0.42, "Height": 0.61, "Left": 0.3, "Top": 0.22},
                        "Confidence": 97.4
                    }],
                    "Parents": [{"Name": "Animal"}],
                    "Aliases": [],
                    "Categories": [{"Name": "Animals and Pets"}]
                }],
                "LabelModelVersion": "3.0"
            }
        },
        "errors": [],
        "analyses": ["labels"],
        "timings": {"waitedMs": 120, "prepareMs": 14, "recogniseMs": 310, "totalMs": 331},
        "processedAt": "2026-01-01T12:00:01.5Z",
        "processorVersion": "0.1.0"
    })
}
