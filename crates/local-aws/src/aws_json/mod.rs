//! The protocol of AWS's JSON services: the operation in `X-Amz-Target`, the signature, and the response.

mod signature;

pub(crate) use signature::{Scope, claimed_access_key, verify};

use crate::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use rekognition_model::{ErrorBody, ErrorCode};
use uuid::Uuid;

/// The protocol's media type in version 1.1, in requests and responses.
pub(crate) const JSON_1_1: &str = "application/x-amz-json-1.1";

/// The header that names the operation, as `Service.Operation`.
const TARGET: &str = "x-amz-target";

/// Whether a request is for the service whose targets start with `prefix`, such as `AmazonSQS.`.
pub(crate) fn is_for(prefix: &str, headers: &HeaderMap) -> bool {
    headers
        .get(TARGET)
        .is_some_and(|target| target.as_bytes().starts_with(prefix.as_bytes()))
}

/// The operation that the request names, or `Unknown` if the name cannot safely go to the log.
pub(crate) fn operation_name(prefix: &str, headers: &HeaderMap) -> String {
    headers
        .get(TARGET)
        .and_then(|target| target.to_str().ok())
        .and_then(|target| target.strip_prefix(prefix))
        .filter(|name| {
            (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
        .unwrap_or("Unknown")
        .to_owned()
}

/// A response with a JSON body.
pub(crate) fn respond(
    status: StatusCode,
    content_type: &'static str,
    request_id: &str,
    json: Vec<u8>,
) -> Response<Body> {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

/// The response to a caller who lacks permission. The status is the one that AWS documents for the error (Amazon Rekognition API
/// Reference, "Common Errors").
pub(crate) fn access_denied() -> Response<Body> {
    let error = ErrorBody::new(
        ErrorCode::AccessDenied,
        "The credentials of guests allow nothing but calls of the API.",
    );
    // The body holds only strings, which always serialise.
    let json = serde_json::to_vec(&error).unwrap_or_default();
    let id = Uuid::new_v4().to_string();
    respond(StatusCode::BAD_REQUEST, JSON_1_1, &id, json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operation_name_that_is_unsafe_in_a_log_is_not_repeated() {
        let long = format!("RekognitionService.{}", "a".repeat(65));
        for (target, name) in [
            ("RekognitionService.DetectLabels", "DetectLabels"),
            ("RekognitionService.CompareFaces", "CompareFaces"),
            ("RekognitionService.", "Unknown"),
            ("RekognitionService.<script>", "Unknown"),
            ("Other.DetectLabels", "Unknown"),
            (&long, "Unknown"),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(TARGET, target.parse().unwrap());
            assert_eq!(operation_name("RekognitionService.", &headers), name);
        }
    }
}
