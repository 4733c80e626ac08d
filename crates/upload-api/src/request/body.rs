//! Reads a body as a JSON object.

use std::error::Error as _;

use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, header::CONTENT_LENGTH},
};
use http_body_util::LengthLimitError;
use serde_json::{Map, Value};
use sightline_pipeline::json::kind;

use crate::{Code, Problem};

/// How much a body may hold.
pub(crate) struct BodyLimit {
    /// The limit in bytes.
    pub(crate) bytes: usize,
    /// The same for people, such as `16 KiB`.
    pub(crate) text: &'static str,
    /// What a client that sends more should do instead.
    pub(crate) advice: &'static str,
}

/// The body as a JSON object. Its `Content-Type` does not matter: `curl -d` calls everything a form.
pub(crate) async fn json_object(
    headers: &HeaderMap,
    body: Body,
    limit: &BodyLimit,
) -> Result<Map<String, Value>, Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit.bytes as u64) {
        return Err(too_large(limit));
    }
    let bytes = to_bytes(body, limit.bytes).await.map_err(|error| {
        if error
            .source()
            .is_some_and(|cause| cause.is::<LengthLimitError>())
        {
            too_large(limit)
        } else {
            invalid_json("The body ended early. Send the request again.")
        }
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        invalid_json(format!(
            "The body is not UTF-8: byte {} starts no character. Send JSON in UTF-8.",
            error.valid_up_to() + 1
        ))
    })?;
    // Some editors and shells start UTF-8 with a byte order mark (RFC 8259, section 8.1, lets readers ignore it).
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    if text.trim().is_empty() {
        return Err(invalid_json("The body is empty. Send a JSON object."));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(not_an_object(&other)),
        Err(error) => Err(invalid_json(format!(
            "The body is not valid JSON: {error}."
        ))),
    }
}

fn invalid_json(detail: impl Into<String>) -> Problem {
    Problem::new(Code::InvalidJson, detail)
}

fn not_an_object(body: &Value) -> Problem {
    Problem::new(
        Code::NotAnObject,
        format!("The body is {}. Send a JSON object.", kind(body)),
    )
}

fn too_large(limit: &BodyLimit) -> Problem {
    Problem::new(
        Code::BodyTooLarge,
        format!(
            "The body is too large; the limit is {}. {}",
            limit.text, limit.advice
        ),
    )
    .limit(limit.bytes as u64)
}

/// What can be wrong with a body.
pub(crate) fn problems(limit: &BodyLimit) -> Vec<Problem> {
    vec![
        invalid_json("The body is not valid JSON: expected value at line 1 column 1."),
        not_an_object(&Value::Array(Vec::new())),
        too_large(limit),
    ]
}
