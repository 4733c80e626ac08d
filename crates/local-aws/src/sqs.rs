//! SQS's JSON 1.0 protocol, as far as putting messages into the queue of the input bucket's events goes.
//!
//! There is one queue, `sightline`. GetQueueUrl, SendMessage and SendMessageBatch are answered; the messages are
//! received inside the process ([`crate::Queue`]), so every other operation is refused by name.

use std::{collections::HashSet, sync::Arc};

use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header, request::Parts};
use http_body_util::{BodyExt as _, Limited};
use rekognition_model::ErrorBody;
use s3s::crypto::{Checksum as _, Md5};
use serde::Deserialize;
use serde_json::{Value, json};
use time::OffsetDateTime;
use uuid::Uuid;

use crate::{
    Body, Credentials,
    access_log::{AccessLog, Call, Permission},
    events::ACCOUNT,
    rekognition::auth,
    store::Store,
};

/// What stands before the operation's name in `X-Amz-Target`.
pub(crate) const TARGET_PREFIX: &str = "AmazonSQS.";
/// The service's name in the credential scope.
const SERVICE: &str = "sqs";
/// The one queue.
const QUEUE: &str = "sightline";
/// The most messages of a batch, and the most bytes of one message and of a batch (Amazon SQS Developer Guide,
/// "Message quotas").
const MOST_ENTRIES: usize = 10;
const MOST_BYTES: usize = 1024 * 1024;
/// The largest request that is read: JSON may write a byte as six characters.
const MOST_READ: usize = 8 * MOST_BYTES;

/// What answering a request needs.
pub(crate) struct Sqs {
    pub(crate) store: Store,
    pub(crate) region: String,
    /// The keys that requests may be signed with (service `sqs`).
    pub(crate) credentials: Arc<[Credentials]>,
    pub(crate) access_log: AccessLog,
}

/// A refusal: the code without its prefix, and a sentence.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    code: String,
    message: String,
}

impl Refusal {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

/// What AWS's JSON services have in common was refused.
impl From<ErrorBody> for Refusal {
    fn from(error: ErrorBody) -> Self {
        let code = error.error_code();
        Self {
            status: code
                .as_ref()
                .and_then(|code| StatusCode::from_u16(code.http_status()).ok())
                .unwrap_or(StatusCode::BAD_REQUEST),
            code: code.map_or_else(String::new, |code| code.to_string()),
            message: error.message.unwrap_or_default(),
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct GetQueueUrl {
    queue_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessage {
    queue_url: String,
    message_body: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct SendMessageBatch {
    queue_url: String,
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    id: String,
    message_body: String,
}

impl Sqs {
    /// Answers one request whose `X-Amz-Target` starts with `AmazonSQS.`; a refusal is an answer too.
    pub(crate) async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let request_id = Uuid::new_v4().to_string();
        let (head, body) = request.into_parts();
        let operation = operation(&head.headers);
        let outcome = self.answer(&head, body, &operation).await;
        let (status, json, error_code) = match outcome {
            Ok(json) => (StatusCode::OK, json, None),
            Err(refusal) => (
                refusal.status,
                json!({
                    "__type": format!("com.amazonaws.sqs#{}", refusal.code),
                    "message": refusal.message
                }),
                Some(refusal.code),
            ),
        };
        // A batch needs no other permission than a message does.
        let action = match operation.as_str() {
            "SendMessageBatch" => "sqs:SendMessage".to_owned(),
            operation => format!("sqs:{operation}"),
        };
        let resource = format!("arn:aws:sqs:{}:{ACCOUNT}:{QUEUE}", self.region);
        let response = respond(status, &request_id, &json);
        self.access_log.record(Call {
            request_id,
            action: format!("sqs:{operation}"),
            resource: resource.clone(),
            permissions: vec![Permission { action, resource }],
            status: status.as_u16(),
            error_code,
            access_key_id: auth::claimed_access_key(&head.headers),
        });
        response
    }

    async fn answer(&self, head: &Parts, body: Body, operation: &str) -> Result<Value, Refusal> {
        let body = Limited::new(body, MOST_READ)
            .collect()
            .await
            .map_err(|_| {
                Refusal::new(
                    "InvalidParameterValue",
                    "The request broke off or is larger than a batch of messages can be.",
                )
            })?
            .to_bytes();
        auth::verify_for(
            SERVICE,
            head,
            &body,
            &self.credentials,
            OffsetDateTime::now_utc(),
        )?;
        match operation {
            "GetQueueUrl" => {
                let GetQueueUrl { queue_name } = read(&body)?;
                is_known(&queue_name)?;
                let host = head
                    .headers
                    .get(header::HOST)
                    .and_then(|host| host.to_str().ok())
                    .unwrap_or("localhost");
                Ok(json!({ "QueueUrl": format!("http://{host}/{ACCOUNT}/{QUEUE}") }))
            }
            "SendMessage" => {
                let SendMessage {
                    queue_url,
                    message_body,
                } = read(&body)?;
                is_known(name(&queue_url))?;
                check(std::iter::once(&message_body))?;
                let md5 = md5(&message_body);
                let id = self.send(vec![message_body]).await?;
                Ok(json!({ "MessageId": id.first(), "MD5OfMessageBody": md5 }))
            }
            "SendMessageBatch" => {
                let SendMessageBatch { queue_url, entries } = read(&body)?;
                is_known(name(&queue_url))?;
                self.send_batch(entries).await
            }
            other => Err(Refusal::new(
                "UnsupportedOperation",
                format!(
                    "{other} is not answered in the local mode, which has GetQueueUrl, SendMessage and SendMessageBatch."
                ),
            )),
        }
    }

    async fn send_batch(&self, entries: Vec<Entry>) -> Result<Value, Refusal> {
        if entries.is_empty() {
            return Err(Refusal::new(
                "EmptyBatchRequest",
                "There should be at least one SendMessageBatchRequestEntry in the request.",
            ));
        }
        if entries.len() > MOST_ENTRIES {
            return Err(Refusal::new(
                "TooManyEntriesInBatchRequest",
                format!(
                    "Maximum number of entries per request are {MOST_ENTRIES}. You have sent {}.",
                    entries.len()
                ),
            ));
        }
        let mut ids = HashSet::new();
        if let Some(twice) = entries.iter().find(|entry| !ids.insert(&entry.id)) {
            return Err(Refusal::new(
                "BatchEntryIdsNotDistinct",
                format!("Id {} repeated", twice.id),
            ));
        }
        check(entries.iter().map(|entry| &entry.message_body))?;
        let (names, bodies): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .map(|entry| ((entry.id, md5(&entry.message_body)), entry.message_body))
            .unzip();
        let sent = self.send(bodies).await?;
        let successful: Vec<_> = names
            .into_iter()
            .zip(sent)
            .map(|((id, md5), message)| {
                json!({ "Id": id, "MessageId": message, "MD5OfMessageBody": md5 })
            })
            .collect();
        Ok(json!({ "Successful": successful, "Failed": [] }))
    }

    async fn send(&self, bodies: Vec<String>) -> Result<Vec<String>, Refusal> {
        self.store.send(bodies).await.map_err(|error| {
            tracing::error!(%error, "messages could not be queued");
            Refusal {
                status: StatusCode::INTERNAL_SERVER_ERROR,
                ..Refusal::new("InternalError", "The queue failed; try again.")
            }
        })
    }
}

/// The operation's name, in a form that can stand in a log.
fn operation(headers: &HeaderMap) -> String {
    headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok())
        .and_then(|target| target.strip_prefix(TARGET_PREFIX))
        .filter(|name| {
            (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric())
        })
        .unwrap_or("Unknown")
        .to_owned()
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        // What a JSON reader says may quote the message.
        let place = format!("line {}, column {}", error.line(), error.column());
        Refusal::new(
            "InvalidParameterValue",
            format!("The request cannot be read ({place})."),
        )
    })
}

/// The queue's name in its address, or in whatever names it: the last segment.
fn name(queue_url: &str) -> &str {
    queue_url.rsplit('/').next().unwrap_or_default()
}

fn is_known(name: &str) -> Result<(), Refusal> {
    if name == QUEUE {
        return Ok(());
    }
    Err(Refusal::new(
        "QueueDoesNotExist",
        format!("The specified queue does not exist; the local mode has one, {QUEUE}."),
    ))
}

fn check<'a>(bodies: impl Iterator<Item = &'a String>) -> Result<(), Refusal> {
    let mut bytes = 0;
    for body in bodies {
        if body.is_empty() {
            return Err(Refusal::new(
                "InvalidParameterValue",
                "The request must contain the parameter MessageBody.",
            ));
        }
        bytes += body.len();
    }
    if bytes > MOST_BYTES {
        return Err(Refusal::new(
            "BatchRequestTooLong",
            format!(
                "Messages cannot be longer than {MOST_BYTES} bytes together. You have sent {bytes} bytes."
            ),
        ));
    }
    Ok(())
}

fn md5(body: &str) -> String {
    let mut md5 = Md5::new();
    md5.update(body.as_bytes());
    md5.finalize()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn respond(status: StatusCode, request_id: &str, json: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(json.to_string().into_bytes()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/x-amz-json-1.0"),
    );
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert("x-amzn-requestid", id);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_known_by_the_end_of_its_address() {
        assert!(is_known(name("http://127.0.0.1:4566/000000000000/sightline")).is_ok());
        assert!(is_known(name("sightline")).is_ok());
        assert!(is_known(name("http://127.0.0.1:4566/000000000000/another")).is_err());
    }

    #[test]
    fn the_quotas_are_those_of_sqs() {
        let body = "x".repeat(MOST_BYTES / 2);
        assert!(check([&body, &body].into_iter()).is_ok());
        let error = check([&body, &body, &"x".to_owned()].into_iter()).unwrap_err();
        assert_eq!(error.code, "BatchRequestTooLong");
        assert!(check([&String::new()].into_iter()).is_err());
        assert_eq!(md5("hello"), "5d41402abc4b2a76b9719d911017c592");
    }
}
