//! `POST /uploads`.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::{Request, State},
    response::Response,
};
use serde::Serialize;
use serde_json::{Map, Value, json};
use sightline_pipeline::{
    Analyses, Analysis, MediaType, Service, SourceKey,
    config::UploadApiConfig,
    object_store::{PresignPut, Presigner as _},
    prepare::size::over_limit,
};
use time::OffsetDateTime;
use utoipa::{
    OpenApi, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, RefOr, Schema, schema::Type},
};
use uuid::Uuid;

use super::definition::{Audience, Route};
use crate::{
    Code, Ports, Problem,
    access::{Caller, unauthenticated},
    address::{base, results_path},
    api::Shared,
    problem::{quote, rejected, unavailable},
    request::{
        body::{self, BodyLimit, json_object},
        json_members::{self, missing, string, take, wrong_type},
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
}

/// What can go wrong.
pub(crate) fn problems() -> Vec<Problem> {
    let limit = 15 * 1024 * 1024;
    let mut problems = body::problems(&BODY_LIMIT);
    problems.extend(json_members::problems(&MEMBERS));
    problems.extend([
        missing("contentLength", CONTENT_LENGTH),
        wrong_type("contentLength", "a number", &json!("183421")),
        unsupported_content_type("image/svg+xml"),
        invalid_content_length("0", limit),
        image_too_large(20_000_000, limit),
        invalid_sha256("9f86d0"),
        unauthenticated(),
        rejected(Service::S3),
        unavailable(Service::S3),
    ]);
    problems
}

const BODY_LIMIT: BodyLimit = BodyLimit {
    bytes: 16 * 1024,
    text: "16 KiB",
    advice: "Send only the description here, and the image itself to uploadUrl.",
};

/// The members of the body, as [`UploadRequest`] describes them.
pub(crate) const MEMBERS: [&str; 5] = [
    "contentType",
    "contentLength",
    "filename",
    "sha256",
    "analyses",
];

/// What `contentLength` holds.
const CONTENT_LENGTH: &str = "the image's size in bytes";

/// The media types of images that can be uploaded, for the description.
struct ContentType;

impl PartialSchema for ContentType {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("The media type of an image."))
            .enum_values(Some(MediaType::ALL.map(MediaType::content_type)))
            .into()
    }
}

impl ToSchema for ContentType {}

/// The image to upload.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct UploadRequest {
    /// The image's media type. Upper case and other common names are understood too, such as `image/jpg`, `image/x-png`,
    /// `image/x-ms-bmp` and `image/heif`.
    #[schema(value_type = ContentType, example = "image/jpeg")]
    content_type: MediaType,
    /// The image's size in bytes, at most the service's limit (15 MiB by default). The bucket rejects an image of any
    /// other size.
    #[schema(minimum = 1, example = 183_421)]
    content_length: u64,
    /// The image's file name. It is shown to people and is not part of any key. Folders, control characters and
    /// everything after 255 bytes of UTF-8 are removed.
    #[schema(example = "my cat.jpg")]
    filename: Option<String>,
    /// The image's SHA-256. The bucket rejects an image with a different one.
    #[schema(
        pattern = "^[0-9A-Fa-f]{64}$",
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    sha256: Option<String>,
    /// The analyses to run, out of those that the service has enabled; all of them if absent.
    #[schema(value_type = Option<Vec<Analysis>>, min_items = 1, example = json!(["labels", "image-properties"]))]
    analyses: Option<Analyses>,
}

impl UploadRequest {
    fn parse(mut body: Map<String, Value>, config: &UploadApiConfig) -> Result<Self, Problem> {
        json_members::reject_unknown(&body, &MEMBERS)?;
        let mut take = |member| take(&mut body, member);
        Ok(Self {
            content_type: content_type(take("contentType"))?,
            content_length: content_length(take("contentLength"), config.max_upload_bytes)?,
            filename: json_members::filename(take("filename"))?,
            sha256: take("sha256").map(sha256).transpose()?,
            analyses: json_members::analyses(take("analyses"), &config.analyses)?,
        })
    }
}

fn content_type(value: Option<Value>) -> Result<MediaType, Problem> {
    const MEMBER: &str = "contentType";
    let value =
        value.ok_or_else(|| missing(MEMBER, "the image's media type, such as \"image/jpeg\""))?;
    let name = string(MEMBER, value)?;
    name.parse().map_err(|_| unsupported_content_type(&name))
}

fn content_length(value: Option<Value>, limit: u64) -> Result<u64, Problem> {
    const MEMBER: &str = "contentLength";
    let value = value.ok_or_else(|| missing(MEMBER, CONTENT_LENGTH))?;
    let Value::Number(number) = &value else {
        return Err(wrong_type(MEMBER, "a number", &value));
    };
    // JSON has no integers, so 12.0 is 12. Beyond 2^53 a float is not exact, but far too large anyway.
    let whole = number.as_u64().or_else(|| {
        number
            .as_f64()
            .filter(|length| length.fract() == 0.0 && *length > 0.0)
            .map(|length| length as u64)
    });
    match whole {
        None | Some(0) => Err(invalid_content_length(&number.to_string(), limit)),
        Some(length) if length > limit => Err(image_too_large(length, limit)),
        Some(length) => Ok(length),
    }
}

fn sha256(value: Value) -> Result<String, Problem> {
    let digest = string("sha256", value)?;
    if digest.len() == 64 && digest.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        Ok(digest.to_ascii_lowercase())
    } else {
        Err(invalid_sha256(&digest))
    }
}

fn unsupported_content_type(name: &str) -> Problem {
    let supported = MediaType::ALL.map(MediaType::content_type);
    Problem::new(
        Code::UnsupportedContentType,
        format!(
            "{} is not a supported image type. Convert the image to one of {}.",
            quote(name),
            supported.join(", ")
        ),
    )
    .member("contentType")
    .allowed(supported)
}

fn invalid_content_length(number: &str, limit: u64) -> Problem {
    Problem::new(
        Code::InvalidContentLength,
        format!(
            "contentLength is {number}. Send {CONTENT_LENGTH}, a whole number from 1 to {limit}."
        ),
    )
    .member("contentLength")
    .limit(limit)
}

fn image_too_large(length: u64, limit: u64) -> Problem {
    Problem::new(
        Code::ImageTooLarge,
        format!(
            "The image is {}. Make it smaller and try again.",
            over_limit(length, limit)
        ),
    )
    .member("contentLength")
    .limit(limit)
}

fn invalid_sha256(digest: &str) -> Problem {
    Problem::new(
        Code::InvalidSha256,
        format!(
            "{} is not a SHA-256 digest. Send 64 hexadecimal digits, as `sha256sum` prints them.",
            quote(digest)
        ),
    )
    .member("sha256")
}

/// A signed URL that takes one image once, and where its result will be.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct UploadTicket {
    /// The image's id, part of its key.
    #[schema(value_type = String, format = "uuid", example = "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11")]
    image_id: Uuid,
    /// The image's key in the input bucket, which identifies the image everywhere.
    #[schema(value_type = String, pattern = r"^(uploads|inline)/[\s\S]*[^/]$", example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg")]
    key: SourceKey,
    /// The method of the upload, always `PUT`.
    #[schema(value_type = String, example = "PUT")]
    method: &'static str,
    /// Where to send the image, once. Anyone who has the URL can upload, so keep it secret.
    #[schema(format = "uri")]
    upload_url: String,
    /// The headers to send with the image: all of them, with these values, and no other `x-amz-…` header. A browser sets
    /// `content-length` by itself.
    headers: BTreeMap<String, String>,
    /// When `uploadUrl` expires (RFC 3339, UTC).
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-01T12:05:00Z")]
    expires_at: OffsetDateTime,
    /// The key of the result document in the output bucket.
    #[schema(
        pattern = r"^results/(uploads|inline)/[\s\S]*[^/]\.json$",
        example = "results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.json"
    )]
    result_key: String,
    /// A signed URL of the result document. It works once the result exists.
    #[schema(format = "uri")]
    result_url: String,
    /// Where to ask for the result. Absolute if the request names its host, as every HTTP client does; otherwise the
    /// path.
    #[schema(
        format = "uri-reference",
        example = "https://pictures.example.com/results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
    )]
    status_url: String,
}

/// Get a URL to upload an image to
///
/// Describe the image, then send its bytes with `PUT` to `uploadUrl`, with exactly the `headers` of the reply. The URL
/// takes one image once, with just this type, size and (if given) SHA-256. It expires after some minutes, so ask for it
/// right before the upload. Then ask `statusUrl` until the result is there.
#[utoipa::path(
    post,
    path = "/uploads",
    operation_id = "createUpload",
    tag = "images",
    request_body(
        content = UploadRequest,
        content_type = "application/json",
        description = "The image to upload, at most 16 KiB. The request's own `Content-Type` does not matter.",
        example = json!({
            "contentType": "image/jpeg",
            "contentLength": 183_421,
            "filename": "my cat.jpg",
            "analyses": ["labels", "image-properties"]
        })
    ),
    responses((
        status = 201,
        description = "The URL is signed; nothing is stored yet.",
        body = UploadTicket,
        headers(
            ("Location" = String, description = "The same as `statusUrl`."),
            ("Cache-Control" = String, description = "`no-store`: the reply has a signed URL.")
        ),
        example = json!({
            "imageId": "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11",
            "key": "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg",
            "method": "PUT",
            "uploadUrl": "https://input.s3.eu-west-1.amazonaws.com/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0123456789abcdef",
            "headers": {
                "content-length": "183421",
                "content-type": "image/jpeg",
                "if-none-match": "*",
                "x-amz-meta-analyses": "labels,image-properties",
                "x-amz-meta-filename": "my%20cat.jpg"
            },
            "expiresAt": "2026-01-01T12:05:00Z",
            "resultKey": "results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.json",
            "resultUrl": "https://output.s3.eu-west-1.amazonaws.com/results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.json?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0123456789abcdef",
            "statusUrl": "https://pictures.example.com/results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
        })
    ))
)]
async fn handle<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let body = json_object(&parts.headers, body, &BODY_LIMIT).await?;
    let upload = UploadRequest::parse(body, &api.config)?;
    let key = SourceKey::for_upload(
        caller.owner(),
        Uuid::new_v4(),
        upload.content_type.extension(),
    );
    let result_key = key.result_key();
    let metadata = json_members::metadata(upload.filename.as_deref(), upload.analyses.as_ref());
    let metadata: Vec<_> = metadata
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let put = api
        .presigner
        .presign_put(PresignPut {
            bucket: &api.config.buckets.input,
            key: key.as_str(),
            content_type: upload.content_type.content_type(),
            content_length: upload.content_length,
            sha256: upload.sha256.as_deref(),
            metadata: &metadata,
            expires_in: Duration::from_secs(api.config.upload_url_seconds),
        })
        .await?;
    let result_url = api
        .presigner
        .presign_get(
            &api.config.buckets.output,
            &result_key,
            Duration::from_secs(api.config.result_url_seconds),
        )
        .await?;
    let ticket = UploadTicket {
        image_id: key.image_id(),
        status_url: format!("{}{}", base(&parts), results_path(&key)),
        key,
        method: "PUT",
        upload_url: put.url,
        headers: put.headers,
        expires_at: put.expires_at,
        result_key,
        result_url,
    };
    Ok(created(&ticket.status_url, &ticket))
}
