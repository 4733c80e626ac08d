//! `GET /results/{key}`.
//!
//! # Which answer stands
//! A result document answers for one version of an image. While the image under the key is another
//! one (it was replaced, and its own answer is not there yet), the reply is `pending`, never the
//! answer to the picture that was there before. Versions are compared by version id where both sides
//! have one, otherwise by ETag and time of storing. When the image itself is gone, its answer still
//! stands. A deleted newest version brings an older one to light without an event, so that one stays
//! pending until its image is put there again.

use axum::{
    Json,
    extract::{Path, State, rejection::PathRejection},
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, RETRY_AFTER},
    },
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use sightline_pipeline::{
    ResultDocument, SourceKey,
    object_store::{Get, GetOutcome, ObjectInfo, ObjectStore as _},
};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Api, Code, Problem,
    access::Caller,
    api::{Ports, Shared},
    extract::source_key,
    openapi::ResultProblems,
};

/// After how many seconds to ask again; a picture takes about that long.
const RETRY_AFTER_SECONDS: u16 = 1;

/// The image is there, its answer is not yet.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Pending {
    /// Always `pending`.
    #[schema(value_type = String, example = "pending")]
    status: &'static str,
    /// The key that was asked for.
    #[schema(value_type = String, example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg")]
    key: SourceKey,
    /// The image's id.
    #[schema(value_type = String, format = "uuid", example = "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11")]
    image_id: Uuid,
    /// The key of the result document in the output bucket, once it is there.
    #[schema(example = "results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.json")]
    result_key: String,
}

/// The part of a stored document that says which image it answers for. Nothing else is read, so that
/// documents of later schema versions pass as they are.
#[derive(Debug, Deserialize)]
struct Stored {
    source: StoredSource,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct StoredSource {
    e_tag: String,
    version_id: Option<String>,
    #[serde(default, with = "time::serde::rfc3339::option")]
    last_modified: Option<OffsetDateTime>,
}

impl StoredSource {
    fn is_of(&self, key: &SourceKey, image: &ObjectInfo) -> bool {
        if let (Some(answered), Some(there)) = (&self.version_id, &image.version_id) {
            return answered == there;
        }
        // The same bytes can be stored again, for other analyses. What came inside a request is stored once, and
        // its document has the time of the request.
        let stored_later = key.is_upload()
            && (self.last_modified.zip(image.last_modified)).is_some_and(|(answered, there)| {
                there.unix_timestamp() > answered.unix_timestamp()
            });
        self.e_tag == image.e_tag && !stored_later
    }
}

/// Read the result for an image
///
/// The reply is 202 while the image is there and its result is not; ask again after `Retry-After`
/// seconds. When an image is replaced, it is 202 again until the new image's own result is there.
/// A picture that cannot be analysed gets a result too, with `status` `failed` and the reason. An
/// image under `inline/` has its result at once or never, so the reply is never 202 there.
#[utoipa::path(
    get,
    path = "/results/{key}",
    operation_id = "readResult",
    tag = "images",
    params(
        (
            "key" = String,
            Path,
            description = "The image's key, such as `uploads/my cat.jpg`, percent-encoded. Its slashes may stand as they are or as `%2F`; with segments that are empty, `.` or `..` only `%2F` is safe, because clients normalise such paths.",
            min_length = 9,
            max_length = 1009,
            example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
        ),
        (
            "If-None-Match" = Option<String>,
            Header,
            description = "An `ETag` received before; the reply is 304 while the result is the same."
        )
    ),
    responses(
        (
            status = 200,
            description = "The result document, as it is stored.",
            body = ResultDocument,
            headers(
                ("ETag" = String, description = "Names this state of the document."),
                ("Cache-Control" = String, description = "`no-cache`: ask with `If-None-Match` each time, since an image may be replaced.")
            ),
            example = json!(crate::openapi::example_document())
        ),
        (
            status = 202,
            description = "The image is there, its result is not yet.",
            body = Pending,
            headers(
                ("Retry-After" = u16, description = "Seconds to wait before asking again."),
                ("Cache-Control" = String, description = "`no-store`")
            )
        ),
        (
            status = 304,
            description = "The result is still the one that `If-None-Match` names.",
            headers(("ETag" = String, description = "Names this state of the document."))
        ),
        ResultProblems
    )
)]
pub(crate) async fn read<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let key = source_key(path)?;
    if !caller.sees(&key) {
        return Err(no_such_upload());
    }
    let lies = Lies::under(&api, &key).await?;
    if let Some((e_tag, bytes)) = lies.answer {
        return Ok(found(&e_tag, bytes, &headers));
    }
    // An image under `inline/` is answered in the request that brings it, or never.
    if lies.image && key.is_upload() {
        return Ok(pending(key));
    }
    if lies.image {
        return Err(Problem::new(
            Code::NoSuchUpload,
            "There is no result under this key, and none will come: images under inline/ are analysed in the request that brings them. Send the image again to POST /images.",
        ));
    }
    Err(no_such_upload())
}

fn no_such_upload() -> Problem {
    Problem::new(
        Code::NoSuchUpload,
        "There is no image under this key. If it came from POST /uploads, send the image to its uploadUrl first; if that is done, check the key.",
    )
}

/// What lies under a key.
pub(crate) struct Lies {
    /// Whether the image itself is there.
    pub(crate) image: bool,
    /// ETag and bytes of the document that answers for the image that is there, or that has outlived it.
    pub(crate) answer: Option<(String, Vec<u8>)>,
}

impl Lies {
    /// Looks into both buckets.
    pub(crate) async fn under<P: Ports>(api: &Api<P>, key: &SourceKey) -> Result<Self, Problem> {
        let result_key = key.result_key();
        let get = Get {
            bucket: &api.config.buckets.output,
            key: &result_key,
            version_id: None,
            if_match: None,
            first_bytes: None,
        };
        let (document, image) = api
            .with_store(async {
                tokio::try_join!(
                    api.store.get(get),
                    api.store.head(&api.config.buckets.input, key.as_str()),
                )
            })
            .await?;
        let mut answer = None;
        if let GetOutcome::Found(info, bytes) = document {
            let stored: Stored = read_document(&bytes)?;
            if image
                .as_ref()
                .is_none_or(|image| stored.source.is_of(key, image))
            {
                answer = Some((info.e_tag, bytes));
            }
        }
        Ok(Self {
            image: image.is_some(),
            answer,
        })
    }
}

/// As much of a stored document as `T` takes.
pub(crate) fn read_document<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(bytes).map_err(|error| {
        tracing::error!(%error, "a stored result document cannot be read");
        Problem::new(
            Code::ResultUnreadable,
            "The stored result is not a result document. Upload the image again to have it written anew.",
        )
    })
}

fn found(e_tag: &str, bytes: Vec<u8>, request: &HeaderMap) -> Response {
    let quoted = format!("\"{e_tag}\"");
    let mut response = if knows(request, &quoted) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(CONTENT_TYPE, "application/json")], bytes).into_response()
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
fn knows(request: &HeaderMap, e_tag: &str) -> bool {
    request
        .get_all(IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|list| list.split(','))
        .map(str::trim)
        .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == e_tag)
}
