//! S3's error responses: for errors of the store, and for errors of s3s, which get a message and the request's identifiers.

use super::call::CallContext;
use crate::{Body, store::StoreError};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body_util::{BodyExt, Limited};
use s3s::{
    S3Error, S3ErrorCode,
    dto::{Timestamp, TimestampFormat},
};
use time::OffsetDateTime;

/// More than any error response of s3s has.
const MAX_ERROR_BYTES: usize = 64 << 10;

impl From<StoreError> for S3Error {
    fn from(error: StoreError) -> Self {
        let (code, message) = match &error {
            StoreError::NoSuchBucket => (
                S3ErrorCode::NoSuchBucket,
                "The specified bucket does not exist",
            ),
            StoreError::BucketNotEmpty => (
                S3ErrorCode::BucketNotEmpty,
                "The bucket you tried to delete is not empty",
            ),
            StoreError::NoSuchKey => (S3ErrorCode::NoSuchKey, "The specified key does not exist."),
            StoreError::NoSuchVersion => (
                S3ErrorCode::NoSuchVersion,
                "The specified version does not exist.",
            ),
            StoreError::Deleted { version } => {
                let mut missing =
                    Self::with_message(S3ErrorCode::NoSuchKey, "The specified key does not exist.");
                missing.set_headers(marker_headers(version));
                return missing;
            }
            StoreError::Marker {
                version,
                last_modified,
            } => {
                let mut marker = Self::with_message(
                    S3ErrorCode::MethodNotAllowed,
                    "The specified method is not allowed against this resource.",
                );
                let mut headers = marker_headers(version);
                headers.insert(header::ALLOW, HeaderValue::from_static("DELETE"));
                headers.extend(last_modified_header(*last_modified));
                marker.set_headers(headers);
                return marker;
            }
            StoreError::NoSuchUpload => (
                S3ErrorCode::NoSuchUpload,
                "The specified upload does not exist. The upload ID may be invalid, or the upload may have been \
                 aborted or completed.",
            ),
            StoreError::InvalidPart => (
                S3ErrorCode::InvalidPart,
                "One or more of the specified parts could not be found. The part may not have been uploaded, or the \
                 specified entity tag may not match the part's entity tag.",
            ),
            StoreError::PreconditionFailed => (
                S3ErrorCode::PreconditionFailed,
                "At least one of the pre-conditions you specified did not hold",
            ),
            StoreError::DiskFull => {
                let mut full = Self::with_message(
                    S3ErrorCode::Custom("InsufficientStorage".into()),
                    "The disk is full, so the request could not be completed. Free some space and send it again.",
                );
                full.set_status_code(StatusCode::INSUFFICIENT_STORAGE);
                return full;
            }
            StoreError::Closed => (
                S3ErrorCode::ServiceUnavailable,
                "The server is shutting down.",
            ),
            StoreError::Database(_)
            | StoreError::Commit(_)
            | StoreError::Json(_)
            | StoreError::Io(_) => {
                // On a local machine the cause, such as a full disk, helps.
                return Self::with_message(S3ErrorCode::InternalError, error.to_string());
            }
        };
        Self::with_message(code, message)
    }
}

/// The headers that tell of a delete marker.
fn marker_headers(version: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("x-amz-delete-marker", HeaderValue::from_static("true"));
    if let Ok(version) = HeaderValue::from_str(version) {
        headers.insert("x-amz-version-id", version);
    }
    headers
}

/// `Last-Modified`, unless the time cannot be written.
pub(super) fn last_modified_header(
    time: OffsetDateTime,
) -> Option<(header::HeaderName, HeaderValue)> {
    let mut date = Vec::new();
    Timestamp::from(time)
        .format(TimestampFormat::HttpDate, &mut date)
        .ok()?;
    Some((header::LAST_MODIFIED, HeaderValue::from_bytes(&date).ok()?))
}

/// The message for an error that s3s returns without one.
fn default_message(code: &str) -> &'static str {
    match code {
        "SignatureDoesNotMatch" => {
            "The request signature we calculated does not match the signature you provided. Check your secret key, \
             the method, the URL and the signed headers."
        }
        "InvalidURI" => "Couldn't parse the specified URI.",
        "InvalidBucketName" => "The specified bucket is not valid.",
        "KeyTooLongError" => "Your key is too long: at most 1024 bytes of UTF-8 are allowed.",
        "MethodNotAllowed" => "The specified method is not allowed against this resource.",
        "MissingContentLength" => "You must provide the Content-Length HTTP header.",
        "IncompleteBody" => "The body does not have the declared length.",
        "MaxMessageLengthExceeded" => "Your request was too big.",
        "MalformedXML" => {
            "The XML you provided was not well-formed or did not validate against our published schema"
        }
        "InvalidRange" => "The requested range is not satisfiable",
        "NotModified" => "Not Modified",
        _ => "The request was rejected.",
    }
}

/// A new error response. `detail` is additional XML.
pub(super) fn response(
    call: &CallContext,
    path: &str,
    status: StatusCode,
    code: &str,
    message: &str,
    detail: &str,
) -> Response<Body> {
    let message = escape(message);
    with_xml(
        Response::new(Body::empty()),
        call,
        path,
        status,
        code,
        &message,
        detail,
    )
}

/// Completes an error response of s3s. Also returns its code. `has_document` says that the operation has an XML document as
/// its body: s3s calls a document that it cannot read to its end an internal error, without a message.
pub(super) async fn complete(
    call: &CallContext,
    path: &str,
    response: Response<Body>,
    has_document: bool,
) -> (Response<Body>, String) {
    let (mut parts, body) = response.into_parts();
    let bytes = match Limited::new(body, MAX_ERROR_BYTES).collect().await {
        Ok(collected) => collected.to_bytes(),
        Err(_) => Bytes::new(),
    };
    let text = String::from_utf8_lossy(&bytes);
    let fallback = if parts.status == StatusCode::NOT_MODIFIED {
        "NotModified"
    } else {
        "InternalError"
    };
    let mut code = element(&text, "Code").unwrap_or(fallback).to_owned();
    let message = element(&text, "Message").filter(|message| !message.is_empty());
    if has_document && code == "InternalError" && message.is_none() {
        "IncompleteBody".clone_into(&mut code);
        parts.status = StatusCode::BAD_REQUEST;
    }
    let message = message.unwrap_or_else(|| default_message(&code));
    let status = parts.status;
    let response = with_xml(
        Response::from_parts(parts, Body::empty()),
        call,
        path,
        status,
        &code,
        message,
        "",
    );
    (response, code)
}

fn with_xml(
    mut response: Response<Body>,
    call: &CallContext,
    path: &str,
    status: StatusCode,
    code: &str,
    escaped_message: &str,
    detail: &str,
) -> Response<Body> {
    *response.status_mut() = status;
    if status == StatusCode::NOT_MODIFIED {
        // It has headers but no body.
        return response;
    }
    // The store reports a full disk itself, once a minute.
    let is_reported = matches!(
        status,
        StatusCode::NOT_IMPLEMENTED | StatusCode::INSUFFICIENT_STORAGE
    );
    if status.is_server_error() && !is_reported {
        tracing::error!(
            request = call.request_id(),
            code,
            message = escaped_message,
            "S3 returned a server error"
        );
    } else {
        tracing::debug!(
            request = call.request_id(),
            code,
            message = escaped_message,
            "S3 rejected a request"
        );
    }
    let xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{}</Code><Message>{escaped_message}</Message>{detail}\
         <Resource>{}</Resource><RequestId>{}</RequestId><HostId>{}</HostId></Error>",
        escape(code),
        escape(path),
        call.request_id(),
        call.host_id(),
    );
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/xml"),
    );
    headers.remove(header::CONTENT_LENGTH);
    *response.body_mut() = Body::from(xml);
    response
}

/// The escaped text of the first element with this name.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    Some(rest.split_once(&format!("</{name}>"))?.0)
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
