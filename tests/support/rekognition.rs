//! A Rekognition that replays prepared answers. It recognises nothing.

use std::io;

use serde_json::{Value, json};

use crate::wire::{Request, Server, answer};

/// The operation and the object that a Rekognition request names; `None` for requests to other services.
#[must_use]
pub fn asked(request: &Request) -> Option<(String, String)> {
    let target = request.header("x-amz-target")?;
    let operation = target.strip_prefix("RekognitionService.")?;
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let object = body
        .pointer("/Image/S3Object/Name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    Some((operation.to_owned(), object.to_owned()))
}

/// Starts the stand-in. `prepared` is given operation and object key and gives the answer's body.
///
/// # Errors
/// When there is no free port.
pub fn replay<P>(prepared: P) -> io::Result<Server>
where
    P: Fn(&str, &str) -> Option<String> + Send + Sync + 'static,
{
    Server::start(move |request, stream| {
        let (operation, object) = asked(request).unwrap_or_default();
        let (status, body) = match prepared(&operation, &object) {
            Some(body) => ("200 OK", body),
            None => (
                "400 Bad Request",
                json!({"__type": "UnknownOperationException", "Message": format!("no answer to {operation} was prepared for {object}")}).to_string(),
            ),
        };
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amzn-requestid", "00000000-0000-4000-8000-000000000000"),
        ];
        answer(stream, status, &headers, body.as_bytes())
    })
}
