//! Rekognition's responses.

use crate::{
    Body,
    aws_json::{JSON_1_1, respond},
};
use http::{Response, StatusCode};
use rekognition_model::{ErrorBody, ErrorCode};

/// The response of a successful call. `json` is the operation's output.
pub(super) fn success(request_id: &str, json: Vec<u8>) -> Response<Body> {
    respond(StatusCode::OK, JSON_1_1, request_id, json)
}

/// The response of a failed call. `Logref` repeats the request id of the response's header.
pub(super) fn failure(request_id: &str, mut error: ErrorBody) -> Response<Body> {
    let status = error.error_code().map_or(500, |code| code.http_status());
    error.logref = Some(request_id.to_owned());
    // The body holds only strings, which always serialise.
    let json = serde_json::to_vec(&error).unwrap_or_default();
    respond(
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        JSON_1_1,
        request_id,
        json,
    )
}

/// A fault of the endpoint itself. The log has the cause; the client learns only that it was not at fault.
pub(super) fn internal(message: &str, cause: &dyn std::error::Error) -> ErrorBody {
    tracing::error!(error = %cause, "{message}");
    ErrorBody::new(
        ErrorCode::InternalServerError,
        format!("Internal server error: {message}."),
    )
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
    async fn an_error_has_rekognitions_shape_and_status() {
        let response = failure(
            "an-id",
            ErrorBody::new(ErrorCode::InvalidS3Object, "No such object."),
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
            failure("an-id", ErrorBody::new(ErrorCode::InternalServerError, "")).status(),
            500
        );
        assert_eq!(failure("an-id", ErrorBody::default()).status(), 500);
    }

    #[tokio::test]
    async fn a_success_is_the_unchanged_output() {
        let response = success("an-id", br#"{"Labels":[]}"#.to_vec());
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["x-amzn-requestid"], "an-id");
        assert_eq!(body(response).await, json!({"Labels": []}));
    }
}
