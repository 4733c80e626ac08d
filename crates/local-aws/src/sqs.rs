//! SQS's JSON 1.0 protocol for the queue of the input bucket's events.
//!
//! There is a queue for each lane ([`Lane`]). GetQueueUrl, GetQueueAttributes, SendMessage, ChangeMessageVisibility and the last two's
//! batches are answered. Messages are received inside the process ([`crate::Queue`]), so every other operation is rejected by
//! name.

use std::{collections::HashSet, sync::Arc, time::Duration};

use http::{Request, Response, StatusCode, header, request::Parts};
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
    aws_json,
    events::ACCOUNT,
    lane::Lane,
    store::{Store, StoreError},
};

/// The service in `X-Amz-Target`.
pub(crate) const TARGET_PREFIX: &str = "AmazonSQS.";
/// The service's name in the credential scope.
const SERVICE: &str = "sqs";
/// What the local queues report as their retention, in seconds: the longest of SQS. They keep messages for ever.
const RETENTION: u64 = 14 * 24 * 60 * 60;
/// The most messages of a batch, and the most bytes of a message and of a batch (Amazon SQS Developer Guide, "Message
/// quotas").
const MAX_ENTRIES: usize = 10;
const MAX_BYTES: usize = 1024 * 1024;
/// The longest visibility timeout in seconds (Amazon SQS API Reference, "ChangeMessageVisibility").
const MAX_VISIBILITY: u64 = 12 * 60 * 60;
/// The largest request that is read: JSON may write a byte as six characters.
const MAX_BODY: usize = 8 * MAX_BYTES;
/// The media type of requests and responses.
const JSON_1_0: &str = "application/x-amz-json-1.0";

/// Everything that the SQS endpoint needs.
pub(crate) struct Sqs {
    pub(crate) store: Store,
    pub(crate) region: String,
    /// The accepted keys.
    pub(crate) credentials: Arc<[Credentials]>,
    pub(crate) access_log: AccessLog,
}

/// An error response: the code without its prefix, and a message.
#[derive(Debug)]
struct SqsError {
    status: StatusCode,
    code: String,
    message: String,
}

impl SqsError {
    fn new(code: &str, message: impl Into<String>) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            code: code.to_owned(),
            message: message.into(),
        }
    }
}

/// An error that all of AWS's JSON services share.
impl From<ErrorBody> for SqsError {
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
struct GetQueueAttributes {
    queue_url: String,
    #[serde(default)]
    attribute_names: Vec<String>,
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

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeMessageVisibility {
    queue_url: String,
    #[serde(flatten)]
    change: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeMessageVisibilityBatch {
    queue_url: String,
    entries: Vec<ChangeEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ChangeEntry {
    id: String,
    #[serde(flatten)]
    change: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    receipt_handle: String,
    visibility_timeout: u64,
}

impl Sqs {
    /// Answers one request whose `X-Amz-Target` starts with [`TARGET_PREFIX`]. Errors are responses too.
    pub(crate) async fn handle(&self, request: Request<Body>) -> Response<Body> {
        let request_id = Uuid::new_v4().to_string();
        let (head, body) = request.into_parts();
        let operation = aws_json::operation_name(TARGET_PREFIX, &head.headers);
        let mut queue = Lane::Uploads.queue_name().to_owned();
        let outcome = self.answer(&head, body, &operation, &mut queue).await;
        let (status, json, error_code) = match outcome {
            Ok(json) => (StatusCode::OK, json, None),
            Err(error) => (
                error.status,
                json!({
                    "__type": format!("com.amazonaws.sqs#{}", error.code),
                    "message": error.message
                }),
                Some(error.code),
            ),
        };
        // A batch needs the same permission as a single message.
        let action = match operation.as_str() {
            "SendMessageBatch" => "sqs:SendMessage".to_owned(),
            "ChangeMessageVisibilityBatch" => "sqs:ChangeMessageVisibility".to_owned(),
            operation => format!("sqs:{operation}"),
        };
        let resource = self.arn(&queue);
        let json = json.to_string().into_bytes();
        let response = aws_json::respond(status, JSON_1_0, &request_id, json);
        self.access_log.record(Call {
            request_id,
            action: format!("sqs:{operation}"),
            resource: resource.clone(),
            permissions: vec![Permission { action, resource }],
            status: status.as_u16(),
            error_code,
            access_key_id: aws_json::claimed_access_key(&head.headers),
        });
        response
    }

    fn arn(&self, queue: &str) -> String {
        format!("arn:aws:sqs:{}:{ACCOUNT}:{queue}", self.region)
    }

    /// Answers an operation, and replaces `queue` with the name of the request's queue, also if there is no such queue: the
    /// caller needs permission for it all the same.
    async fn answer(
        &self,
        head: &Parts,
        body: Body,
        operation: &str,
        queue: &mut String,
    ) -> Result<Value, SqsError> {
        let body = Limited::new(body, MAX_BODY)
            .collect()
            .await
            .map_err(|_| {
                SqsError::new(
                    "InvalidParameterValue",
                    "The request ended early or is larger than a batch of messages can be.",
                )
            })?
            .to_bytes();
        aws_json::verify(
            aws_json::Scope::json(SERVICE),
            head,
            &body,
            &self.credentials,
            OffsetDateTime::now_utc(),
        )?;
        match operation {
            "GetQueueUrl" => {
                let GetQueueUrl { queue_name } = read(&body)?;
                *queue = queue_name;
                lane_of(queue)?;
                let host = head
                    .headers
                    .get(header::HOST)
                    .and_then(|host| host.to_str().ok())
                    .unwrap_or("localhost");
                Ok(json!({ "QueueUrl": format!("http://{host}/{ACCOUNT}/{queue}") }))
            }
            "GetQueueAttributes" => {
                let GetQueueAttributes {
                    queue_url,
                    attribute_names,
                } = read(&body)?;
                let lane = named_lane(&queue_url, queue)?;
                self.attributes(lane, &attribute_names).await
            }
            "SendMessage" => {
                let SendMessage {
                    queue_url,
                    message_body,
                } = read(&body)?;
                let lane = named_lane(&queue_url, queue)?;
                check_bodies(std::iter::once(&message_body))?;
                let md5 = md5(&message_body);
                let id = self.send(lane, vec![message_body]).await?;
                Ok(json!({ "MessageId": id.first(), "MD5OfMessageBody": md5 }))
            }
            "SendMessageBatch" => {
                let SendMessageBatch { queue_url, entries } = read(&body)?;
                let lane = named_lane(&queue_url, queue)?;
                self.send_batch(lane, entries).await
            }
            "ChangeMessageVisibility" => {
                let ChangeMessageVisibility { queue_url, change } = read(&body)?;
                let lane = named_lane(&queue_url, queue)?;
                self.change(lane, change).await?;
                Ok(json!({}))
            }
            "ChangeMessageVisibilityBatch" => {
                let ChangeMessageVisibilityBatch { queue_url, entries } = read(&body)?;
                let lane = named_lane(&queue_url, queue)?;
                self.change_batch(lane, entries).await
            }
            other => Err(SqsError::new(
                "UnsupportedOperation",
                format!(
                    "{other} is not answered in the local mode, which has GetQueueUrl, GetQueueAttributes, SendMessage, SendMessageBatch, ChangeMessageVisibility and ChangeMessageVisibilityBatch."
                ),
            )),
        }
    }

    /// The attributes with these names (Amazon SQS API Reference, "GetQueueAttributes").
    async fn attributes(&self, lane: Lane, names: &[String]) -> Result<Value, SqsError> {
        let counts = self.store.lane_counts(lane).await;
        let [visible, hidden] = counts.map_err(|error| failed(&error))?;
        let all = [
            ("ApproximateNumberOfMessages", visible.to_string()),
            // SQS counts messages that wait out a pause as received ones, because their visibility timeout has not ended.
            ("ApproximateNumberOfMessagesNotVisible", hidden.to_string()),
            // No message is sent with a delay.
            ("ApproximateNumberOfMessagesDelayed", "0".to_owned()),
            ("MessageRetentionPeriod", RETENTION.to_string()),
            ("QueueArn", self.arn(lane.queue_name())),
        ];
        let asked = |name: &str| names.iter().any(|asked| asked == name || asked == "All");
        let attributes: serde_json::Map<_, _> = all
            .into_iter()
            .filter(|(name, _)| asked(name))
            .map(|(name, value)| (name.to_owned(), Value::String(value)))
            .collect();
        Ok(json!({ "Attributes": attributes }))
    }

    async fn send_batch(&self, lane: Lane, entries: Vec<Entry>) -> Result<Value, SqsError> {
        check_entries("SendMessageBatch", entries.iter().map(|entry| &entry.id))?;
        check_bodies(entries.iter().map(|entry| &entry.message_body))?;
        let (names, bodies): (Vec<_>, Vec<_>) = entries
            .into_iter()
            .map(|entry| ((entry.id, md5(&entry.message_body)), entry.message_body))
            .unzip();
        let sent = self.send(lane, bodies).await?;
        let successful: Vec<_> = names
            .into_iter()
            .zip(sent)
            .map(|((id, md5), message)| {
                json!({ "Id": id, "MessageId": message, "MD5OfMessageBody": md5 })
            })
            .collect();
        Ok(json!({ "Successful": successful, "Failed": [] }))
    }

    /// Changes one message's visibility timeout.
    async fn change(&self, lane: Lane, change: Change) -> Result<(), SqsError> {
        let Change {
            receipt_handle,
            visibility_timeout,
        } = change;
        if visibility_timeout > MAX_VISIBILITY {
            return Err(SqsError::new(
                "InvalidParameterValue",
                format!(
                    "Value {visibility_timeout} for parameter VisibilityTimeout is invalid. Reason: Must be between 0 and {MAX_VISIBILITY}."
                ),
            ));
        }
        let visibility = Duration::from_secs(visibility_timeout);
        let changed = self
            .store
            .change_visibility(lane, &receipt_handle, visibility);
        if changed.await.map_err(|error| failed(&error))? {
            return Ok(());
        }
        Err(SqsError::new(
            "InvalidParameterValue",
            "The receipt handle is invalid. Reason: Message does not exist or is not available for visibility timeout change.",
        ))
    }

    async fn change_batch(&self, lane: Lane, entries: Vec<ChangeEntry>) -> Result<Value, SqsError> {
        check_entries(
            "ChangeMessageVisibilityBatch",
            entries.iter().map(|entry| &entry.id),
        )?;
        let (mut successful, mut refused) = (Vec::new(), Vec::new());
        for ChangeEntry { id, change } in entries {
            match self.change(lane, change).await {
                Ok(()) => successful.push(json!({ "Id": id })),
                Err(error) => refused.push(json!({
                    "Id": id,
                    "SenderFault": error.status.is_client_error(),
                    "Code": error.code,
                    "Message": error.message,
                })),
            }
        }
        Ok(json!({ "Successful": successful, "Failed": refused }))
    }

    async fn send(&self, lane: Lane, bodies: Vec<String>) -> Result<Vec<String>, SqsError> {
        let sent = self.store.send(lane, bodies).await;
        sent.map_err(|error| failed(&error))
    }
}

/// The answer when the queue's database fails.
fn failed(error: &StoreError) -> SqsError {
    tracing::error!(%error, "the queue failed");
    SqsError {
        status: StatusCode::INTERNAL_SERVER_ERROR,
        ..SqsError::new("InternalError", "The queue failed; try again.")
    }
}

/// Checks the number and the ids of a batch's entries.
fn check_entries<'a>(
    operation: &str,
    entries: impl ExactSizeIterator<Item = &'a String>,
) -> Result<(), SqsError> {
    let count = entries.len();
    if count == 0 {
        return Err(SqsError::new(
            "EmptyBatchRequest",
            format!("There should be at least one {operation}RequestEntry in the request."),
        ));
    }
    if count > MAX_ENTRIES {
        return Err(SqsError::new(
            "TooManyEntriesInBatchRequest",
            format!(
                "Maximum number of entries per request are {MAX_ENTRIES}. You have sent {count}."
            ),
        ));
    }
    let mut ids = HashSet::new();
    for id in entries {
        if !ids.insert(id) {
            return Err(SqsError::new(
                "BatchEntryIdsNotDistinct",
                format!("Id {id} repeated"),
            ));
        }
    }
    Ok(())
}

fn read<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, SqsError> {
    serde_json::from_slice(body).map_err(|error| {
        // The reader's message may quote the request.
        let position = format!("line {}, column {}", error.line(), error.column());
        SqsError::new(
            "InvalidParameterValue",
            format!("The request cannot be read ({position})."),
        )
    })
}

/// The name at the end of a queue's URL.
fn queue_name(queue_url: &str) -> &str {
    queue_url.rsplit('/').next().unwrap_or_default()
}

/// The lane of a queue's URL. Replaces `queue` with the name in it.
fn named_lane(queue_url: &str, queue: &mut String) -> Result<Lane, SqsError> {
    queue_name(queue_url).clone_into(queue);
    lane_of(queue)
}

fn lane_of(name: &str) -> Result<Lane, SqsError> {
    Lane::of_queue(name).ok_or_else(|| {
        let names = Lane::ALL.map(Lane::queue_name).join(" and ");
        SqsError::new(
            "QueueDoesNotExist",
            format!("The specified queue does not exist; the local mode has {names}."),
        )
    })
}

fn check_bodies<'a>(bodies: impl Iterator<Item = &'a String>) -> Result<(), SqsError> {
    let mut bytes = 0;
    for body in bodies {
        if body.is_empty() {
            return Err(SqsError::new(
                "InvalidParameterValue",
                "The request must contain the parameter MessageBody.",
            ));
        }
        bytes += body.len();
    }
    if bytes > MAX_BYTES {
        return Err(SqsError::new(
            "BatchRequestTooLong",
            format!(
                "Messages cannot be longer than {MAX_BYTES} bytes together. You have sent {bytes} bytes."
            ),
        ));
    }
    Ok(())
}

fn md5(body: &str) -> String {
    let mut md5 = Md5::new();
    md5.update(body.as_bytes());
    hex::encode(md5.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_is_identified_by_the_end_of_its_url() {
        let lane = |url: &str| lane_of(queue_name(url)).ok();
        let root = "http://127.0.0.1:4566/000000000000";
        assert_eq!(lane(&format!("{root}/sightline")), Some(Lane::Uploads));
        assert_eq!(lane(&format!("{root}/sightline-bulk")), Some(Lane::Bulk));
        assert_eq!(lane("sightline"), Some(Lane::Uploads));
        assert_eq!(lane(&format!("{root}/another")), None);
    }

    #[test]
    fn the_quotas_are_those_of_sqs() {
        let body = "x".repeat(MAX_BYTES / 2);
        assert!(check_bodies([&body, &body].into_iter()).is_ok());
        let error = check_bodies([&body, &body, &"x".to_owned()].into_iter()).unwrap_err();
        assert_eq!(error.code, "BatchRequestTooLong");
        assert!(check_bodies([&String::new()].into_iter()).is_err());
        assert_eq!(md5("hello"), "5d41402abc4b2a76b9719d911017c592");
    }
}
