//! `POST /uploads`.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    extract::{Request, State},
    response::Response,
};
use serde::Serialize;
use serde_json::{Map, Value};
use sightline_pipeline::{
    Analyses, Analysis, MediaType, SourceKey,
    config::UploadApiConfig,
    object_store::{PresignPut, Presigner as _},
};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{
    Code, Problem,
    access::Caller,
    address::{base, results_path},
    api::{Ports, Shared},
    extract::json_object,
    openapi::UploadProblems,
    problem::quote,
    routes::created,
    routes::members::{self, missing, string, wrong_type},
};

/// The longest body that is read, in bytes.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// The members of the body, as [`UploadRequest`] describes them.
pub(crate) const MEMBERS: [&str; 5] = [
    "contentType",
    "contentLength",
    "filename",
    "sha256",
    "analyses",
];

/// What is to be uploaded.
#[derive(Debug, Clone, PartialEq, Eq, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct UploadRequest {
    /// The image's media type: `image/jpeg`, `image/png`, `image/webp`, `image/gif`, `image/bmp`,
    /// `image/tiff`, `image/avif` or `image/heic`, in upper or lower case and without parameters.
    /// `image/jpg` and `image/heif` are taken as what is meant.
    #[schema(value_type = String, example = "image/jpeg")]
    content_type: MediaType,
    /// The image's length in bytes, at most what the service is configured for (15 MiB unless it was
    /// changed). The bucket refuses any other length.
    #[schema(minimum = 1, example = 183_421)]
    content_length: u64,
    /// What the image is called, for people; it has no part in any key. Folders, control characters
    /// and what is beyond 255 bytes of UTF-8 are cut off.
    #[schema(example = "my cat.jpg")]
    filename: Option<String>,
    /// The image's SHA-256; the bucket refuses an image with another one.
    #[schema(
        pattern = "^[0-9A-Fa-f]{64}$",
        example = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
    )]
    sha256: Option<String>,
    /// What to find out about the image, out of what the service is configured for; everything it is
    /// configured for when absent.
    #[schema(value_type = Option<Vec<Analysis>>, min_items = 1, example = json!(["labels", "image-properties"]))]
    analyses: Option<Analyses>,
}

impl UploadRequest {
    fn read(mut body: Map<String, Value>, config: &UploadApiConfig) -> Result<Self, Problem> {
        members::refuse_unknown(&body, &MEMBERS)?;
        // A member that is null is one that is not there.
        let mut take = |member| body.remove(member).filter(|value| !value.is_null());
        Ok(Self {
            content_type: content_type(take("contentType"))?,
            content_length: content_length(take("contentLength"), config.max_upload_bytes)?,
            filename: members::filename(take("filename"))?,
            sha256: take("sha256").map(sha256).transpose()?,
            analyses: members::analyses(take("analyses"), &config.analyses)?,
        })
    }
}

fn content_type(value: Option<Value>) -> Result<MediaType, Problem> {
    const MEMBER: &str = "contentType";
    let value =
        value.ok_or_else(|| missing(MEMBER, "the image's media type, such as \"image/jpeg\""))?;
    let name = string(MEMBER, value)?;
    name.parse().map_err(|_| {
        let allowed = MediaType::ALL.map(MediaType::content_type);
        Problem::new(
            Code::UnsupportedContentType,
            format!(
                "{} is not an accepted image type; convert the image to one of {}.",
                quote(&name),
                allowed.join(", ")
            ),
        )
        .member(MEMBER)
        .allowed(allowed)
    })
}

fn content_length(value: Option<Value>, limit: u64) -> Result<u64, Problem> {
    const MEMBER: &str = "contentLength";
    let value = value.ok_or_else(|| missing(MEMBER, "the image's length in bytes"))?;
    let Value::Number(number) = &value else {
        return Err(wrong_type(MEMBER, "a number", &value));
    };
    // JSON knows no integers, so 12.0 is 12; beyond 2^53 a float is not exact, but far too large.
    let whole = number.as_u64().or_else(|| {
        number
            .as_f64()
            .filter(|length| length.fract() == 0.0 && *length > 0.0)
            .map(|length| length as u64)
    });
    match whole {
        None | Some(0) => Err(Problem::new(
            Code::InvalidContentLength,
            format!("contentLength is {number}; it takes the image's length in bytes, a whole number from 1 to {limit}."),
        )
        .member(MEMBER)
        .limit(limit)),
        Some(length) if length > limit => Err(Problem::new(
            Code::ImageTooLarge,
            format!("The image has {number} bytes and may have {limit}. Make it smaller and ask again."),
        )
        .member(MEMBER)
        .limit(limit)),
        Some(length) => Ok(length),
    }
}

fn sha256(value: Value) -> Result<String, Problem> {
    const MEMBER: &str = "sha256";
    let digest = string(MEMBER, value)?;
    if digest.len() == 64 && digest.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(digest.to_ascii_lowercase());
    }
    Err(Problem::new(
        Code::InvalidSha256,
        format!(
            "{} is not a SHA-256 in 64 hexadecimal digits, as `sha256sum` prints it.",
            quote(&digest)
        ),
    )
    .member(MEMBER))
}

/// A signed address that takes one image once, and where its result will be.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct UploadTicket {
    /// The image's id, part of its key.
    #[schema(value_type = String, format = "uuid", example = "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11")]
    image_id: Uuid,
    /// The key of the image in the input bucket, which names it everywhere.
    #[schema(value_type = String, example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg")]
    key: SourceKey,
    /// The method of the upload, always `PUT`.
    #[schema(value_type = String, example = "PUT")]
    method: &'static str,
    /// Where to send the image, once. Whoever has the address can upload, so keep it to yourself.
    #[schema(format = "uri")]
    upload_url: String,
    /// The headers to send with the image: all of them, with these values, and no other
    /// `x-amz-…` header. A browser sets `content-length` by itself.
    headers: BTreeMap<String, String>,
    /// When `uploadUrl` stops working (RFC 3339, UTC).
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-01T12:05:00Z")]
    expires_at: OffsetDateTime,
    /// The key of the result document in the output bucket.
    #[schema(example = "results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.json")]
    result_key: String,
    /// A signed address of the result document; nothing is there before the answer is.
    #[schema(format = "uri")]
    result_url: String,
    /// Where to ask for the result. Absolute when the request says which host it came to, as every
    /// HTTP client does; otherwise the path.
    #[schema(
        format = "uri-reference",
        example = "https://pictures.example.com/results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
    )]
    status_url: String,
}

/// Get an address to upload an image to
///
/// Describe the image, then send its bytes with `PUT` to `uploadUrl` with exactly the `headers` of
/// the reply. The address takes one image, of just that type, length and (where given) SHA-256, once.
/// Ask late: it works for some minutes. Then ask `statusUrl` until the result is there.
#[utoipa::path(
    post,
    path = "/uploads",
    operation_id = "createUpload",
    tag = "images",
    request_body(
        content = UploadRequest,
        content_type = "application/json",
        description = "What is to be uploaded; at most 16 KiB. The request's own `Content-Type` is not looked at."
    ),
    responses(
        (
            status = 201,
            description = "The address is made; nothing is stored yet.",
            body = UploadTicket,
            headers(
                ("Location" = String, description = "The same as `statusUrl`."),
                ("Cache-Control" = String, description = "`no-store`: the reply holds a signed address.")
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
        ),
        UploadProblems
    )
)]
pub(crate) async fn create<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    let wanted = UploadRequest::read(
        json_object(
            &parts.headers,
            body,
            MAX_BODY_BYTES,
            "Send only the description here; the image itself goes to uploadUrl.",
        )
        .await?,
        &api.config,
    )?;
    let key = SourceKey::for_upload(
        caller.owner(),
        Uuid::new_v4(),
        wanted.content_type.extension(),
    );
    let result_key = key.result_key();
    let metadata = members::metadata(wanted.filename.as_deref(), wanted.analyses.as_ref());
    let metadata: Vec<_> = metadata
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    let put = api
        .presigner
        .presign_put(PresignPut {
            bucket: &api.config.buckets.input,
            key: key.as_str(),
            content_type: wanted.content_type.content_type(),
            content_length: wanted.content_length,
            sha256: wanted.sha256.as_deref(),
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
