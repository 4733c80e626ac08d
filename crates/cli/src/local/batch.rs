//! One batch of messages: the event for the handler, and which messages failed by the handler's response.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use serde_json::{Value, json};
use sightline_local_aws::Message;
use time::OffsetDateTime;

/// The time that the handler has for an event: the maximum of a Lambda function.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(15 * 60);

/// Why messages failed, by their ids.
pub(super) type FailureReasons = BTreeMap<String, String>;

/// A handler of events. It returns the response of a Lambda function, and the reasons of its failures, which that
/// response has no room for.
pub(super) trait Handler: Send + Sync + 'static {
    /// Handles one event.
    fn handle(
        &self,
        event: Value,
    ) -> impl Future<Output = Result<(Value, FailureReasons), String>> + Send;
}

/// The queue, as events name it.
#[derive(Debug, Clone)]
pub(super) struct EventSource {
    pub(super) region: String,
    pub(super) arn: String,
}

/// The messages of a batch that failed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum BatchFailures {
    /// These messages.
    Some(FailureReasons),
    /// All messages, for the same reason.
    All(String),
}

impl BatchFailures {
    /// Why a message failed; `None` if it succeeded.
    pub(super) fn reason(&self, id: &str) -> Option<&str> {
        match self {
            Self::All(reason) => Some(reason),
            Self::Some(reasons) => reasons.get(id).map(String::as_str),
        }
    }

    /// Reads a partial batch response by Lambda's rules: without a list, all messages succeeded; with an entry that has no
    /// identifier of the batch, all messages failed (AWS Lambda Developer Guide, "Implementing partial batch responses").
    fn read(response: &Value, mut reasons: FailureReasons, batch: &[Message]) -> Self {
        let list = match response.get("batchItemFailures") {
            None | Some(Value::Null) => return Self::Some(FailureReasons::new()),
            Some(Value::Array(list)) => list,
            Some(_) => {
                return Self::All("the processor's response has no list of failures".to_owned());
            }
        };
        let mut failed = FailureReasons::new();
        for entry in list {
            let id = entry.get("itemIdentifier").and_then(Value::as_str);
            let Some(id) = id.filter(|id| batch.iter().any(|message| message.id == *id)) else {
                return Self::All(
                    "the processor's response names a message that is not in the batch".to_owned(),
                );
            };
            let reason = reasons.remove(id).unwrap_or_else(|| {
                "the processor asked for a retry; its log gives the reason".to_owned()
            });
            failed.insert(id.to_owned(), reason);
        }
        Self::Some(failed)
    }
}

/// Passes a batch to the handler.
pub(super) async fn handle<H: Handler>(
    handler: Arc<H>,
    source: &EventSource,
    batch: &[Message],
) -> BatchFailures {
    let event = event(batch, source);
    // In its own task, so that a panic of the handler fails the batch and not the poller.
    match tokio::spawn(async move { handler.handle(event).await }).await {
        Ok(Ok((response, reasons))) => BatchFailures::read(&response, reasons, batch),
        Ok(Err(reason)) => BatchFailures::All(reason),
        Err(error) => BatchFailures::All(format!("the processor panicked: {error}")),
    }
}

/// The event that Lambda passes to a function (AWS Lambda Developer Guide, "Example Amazon SQS message event").
fn event(batch: &[Message], source: &EventSource) -> Value {
    let records: Vec<Value> = batch
        .iter()
        .map(|message| {
            json!({
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": message.receive_count.to_string(),
                    "SentTimestamp": unix_milliseconds(message.first_sent_at).to_string(),
                },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": source.arn,
                "awsRegion": source.region,
            })
        })
        .collect();
    json!({ "Records": records })
}

fn unix_milliseconds(time: OffsetDateTime) -> i128 {
    time.unix_timestamp_nanos() / 1_000_000
}

#[cfg(test)]
pub(super) mod fixtures {
    use super::*;
    use time::macros::datetime;

    pub(in crate::local) fn message(id: &str) -> Message {
        Message {
            id: id.to_owned(),
            receipt: format!("receipt {id}"),
            body: r#"{"Records":[]}"#.to_owned(),
            receive_count: 2,
            first_sent_at: datetime!(2026-01-02 03:04:05.678 UTC),
        }
    }

    pub(in crate::local) fn source() -> EventSource {
        EventSource {
            region: "us-east-1".to_owned(),
            arn: "arn:aws:sqs:us-east-1:000000000000:sightline".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        fixtures::{message, source},
        *,
    };

    #[test]
    fn the_event_is_that_of_lambda() {
        assert_eq!(
            event(&[message("one")], &source()),
            json!({"Records": [{
                "messageId": "one",
                "receiptHandle": "receipt one",
                "body": "{\"Records\":[]}",
                "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1767323045678"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:sightline",
                "awsRegion": "us-east-1",
            }]})
        );
    }

    #[test]
    fn a_response_is_read_by_the_rules_of_lambda() {
        let batch = [message("one"), message("two")];
        let none = BatchFailures::Some(FailureReasons::new());
        let failures =
            |response: &Value| BatchFailures::read(response, FailureReasons::new(), &batch);
        for response in [
            json!(null),
            json!({}),
            json!({"batchItemFailures": null}),
            json!({"batchItemFailures": []}),
        ] {
            assert_eq!(failures(&response), none, "{response}");
        }
        let two = failures(&json!({"batchItemFailures": [{"itemIdentifier": "two"}]}));
        assert!(
            two.reason("two")
                .unwrap()
                .contains("its log gives the reason")
        );
        assert_eq!(two.reason("one"), None);
        for response in [
            json!({"batchItemFailures": "two"}),
            json!({"batchItemFailures": [{"itemIdentifier": ""}]}),
            json!({"batchItemFailures": [{"itemIdentifier": "two"}, {"itemIdentifier": null}]}),
            json!({"batchItemFailures": [{"itemIdentifier": "three"}]}),
        ] {
            assert!(
                matches!(failures(&response), BatchFailures::All(_)),
                "{response}"
            );
        }
    }
}
