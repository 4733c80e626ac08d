//! A Rekognition stub that replays prepared responses.

use std::io;

use serde_json::{Value, json};

use crate::wire::{Request, Server, answer};

/// The operation and the object key of a Rekognition request. `None` for requests to other services.
#[must_use]
pub fn operation_and_object(request: &Request) -> Option<(String, String)> {
    let target = request.header("x-amz-target")?;
    let operation = target.strip_prefix("RekognitionService.")?;
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let object = body
        .pointer("/Image/S3Object/Name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Some((operation.to_owned(), object.to_owned()))
}

/// Starts the stub. `prepared` returns the response body for an operation and an object key.
///
/// # Errors
/// If there is no free port.
pub fn replay<P>(prepared: P) -> io::Result<Server>
where
    P: Fn(&str, &str) -> Option<String> + Send + Sync + 'static,
{
    Server::start(move |request, stream| {
        let (operation, object) = operation_and_object(request).unwrap_or_default();
        let (status, body) = match prepared(&operation, &object) {
            Some(body) => ("200 OK", body),
            None => (
                "400 Bad Request",
                json!({"__type": "UnknownOperationException", "Message": format!("there is no prepared {operation} response for {object}")}).to_string(),
            ),
        };
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amzn-requestid", "00000000-0000-4000-8000-000000000000"),
        ];
        answer(stream, status, &headers, body.as_bytes())
    })
}
