//! Answers as Rekognition writes them.

use crate::Body;
use http::{HeaderValue, Response, StatusCode, header};
use rekognition_model::{ErrorBody, ErrorCode};

/// The protocol's media type, in requests and answers.
pub(super) const JSON_1_1: &str = "application/x-amz-json-1.1";

/// A refusal with Rekognition's code and a sentence for a person.
pub(super) fn refuse(code: ErrorCode, message: impl Into<String>) -> ErrorBody {
    ErrorBody::new(code, message)
}

/// The answer to a call that went well: `json` is the operation's output.
pub(super) fn success(request_id: &str, json: Vec<u8>) -> Response<Body> {
    respond(StatusCode::OK, request_id, json)
}

/// The answer to a call that was refused; `Logref` names the same call as the answer's header.
pub(super) fn failure(request_id: &str, mut error: ErrorBody) -> Response<Body> {
    let status = error.error_code().map_or(500, |code| code.http_status());
    error.logref = Some(request_id.to_owned());
    // Strings alone: there is nothing in it that JSON could not hold.
    let json = serde_json::to_vec(&error).unwrap_or_default();
    respond(
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        request_id,
        json,
    )
}

fn respond(status: StatusCode, request_id: &str, json: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::from(json));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON_1_1));
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    async fn body(response: Response<Body>) -> Value {
        let bytes = response.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&bytes).unwrap()
    }

    #[tokio::test]
    async fn a_refusal_has_rekognitions_shape_and_status() {
        let response = failure(
            "an-id",
            refuse(ErrorCode::InvalidS3Object, "No such object."),
        );
        assert_eq!(response.status(), 400);
        assert_eq!(
            response.headers()["content-type"],
            "application/x-amz-json-1.1"
        );
        assert_eq!(response.headers()["x-amzn-requestid"], "an-id");
        assert_eq!(
            body(response).await,
            json!({
                "__type": "InvalidS3ObjectException",
                "Code": "InvalidS3ObjectException",
                "Logref": "an-id",
                "Message": "No such object.",
            })
        );
        assert_eq!(
            failure("an-id", refuse(ErrorCode::InternalServerError, "")).status(),
            500
        );
        assert_eq!(failure("an-id", ErrorBody::default()).status(), 500);
    }

    #[tokio::test]
    async fn a_success_is_the_output_as_it_is() {
        let response = success("an-id", br#"{"Labels":[]}"#.to_vec());
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["x-amzn-requestid"], "an-id");
        assert_eq!(body(response).await, json!({"Labels": []}));
    }
}
