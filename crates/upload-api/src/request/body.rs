//! Reads a request's body and the key in its path.

use axum::{
    body::{Body, to_bytes},
    extract::{Path, rejection::PathRejection},
    http::{HeaderMap, header::CONTENT_LENGTH},
};
use serde_json::{Map, Value};
use sightline_pipeline::{SourceKey, json::kind};

use crate::problem::{Code, Problem};

/// The body as a JSON object of at most `limit` bytes, whatever its `Content-Type` says: `curl -d`
/// calls everything a form. `advice` is for who sends more.
pub(crate) async fn json_object(
    headers: &HeaderMap,
    body: Body,
    limit: usize,
    advice: &'static str,
) -> Result<Map<String, Value>, Problem> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|length| length > limit as u64) {
        return Err(too_large(limit, advice));
    }
    let bytes = to_bytes(body, limit).await.map_err(|error| {
        let beyond = std::error::Error::source(&error)
            .is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>());
        if beyond {
            too_large(limit, advice)
        } else {
            Problem::new(
                Code::InvalidJson,
                "The body broke off before its end. Send the request again.",
            )
        }
    })?;
    let invalid = |detail| Problem::new(Code::InvalidJson, detail);
    let text = std::str::from_utf8(&bytes).map_err(|error| {
        invalid(format!(
            "The body is not UTF-8: byte {} starts no character. Send JSON in UTF-8.",
            error.valid_up_to() + 1
        ))
    })?;
    if text.trim().is_empty() {
        return Err(invalid("The body is empty. Send a JSON object.".to_owned()));
    }
    match serde_json::from_str(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(other) => Err(Problem::new(
            Code::NotAnObject,
            format!("The body is {}. Send a JSON object.", kind(&other)),
        )),
        Err(error) => Err(invalid(format!("The body is not JSON: {error}."))),
    }
}

/// The key that the rest of a path names.
pub(crate) fn source_key(path: Result<Path<String>, PathRejection>) -> Result<SourceKey, Problem> {
    let Path(key) = path.map_err(|_| {
        Problem::new(
            Code::InvalidKey,
            "The key is not UTF-8 once it is percent-decoded. Encode the key's UTF-8 bytes.",
        )
    })?;
    SourceKey::new(key)
        .map_err(|error| Problem::new(Code::InvalidKey, sentence(&error.to_string())))
}

/// An error's own words as a sentence.
pub(crate) fn sentence(words: &str) -> String {
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => format!("{}{}.", first.to_uppercase(), letters.as_str()),
        None => String::new(),
    }
}

fn too_large(limit: usize, advice: &str) -> Problem {
    Problem::new(
        Code::BodyTooLarge,
        format!("The body may be {limit} bytes long. {advice}"),
    )
    .limit(limit as u64)
}
