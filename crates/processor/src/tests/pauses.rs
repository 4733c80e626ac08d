//! The pauses of messages that have to come again.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use serde_json::{Value, json};
use sightline_pipeline::{
    retries::{HiddenMessage, MessageVisibility},
    service_error::ServiceError,
    testing::{CannedRecogniser, Failing, Faults, slow_down, throttled},
};

use super::support::{
    KEY, TestProcessor, denied, direct_event, failures, invocation, picture, s3_event,
};

const QUEUE: &str = "arn:aws:sqs:eu-west-1:111122223333:uploads";

/// A queue that records pauses, and may fail or never answer.
#[derive(Debug, Clone, Default)]
struct Pauses {
    set: Arc<Mutex<Vec<(String, HiddenMessage)>>>,
    fails: bool,
    is_stuck: bool,
}

impl MessageVisibility for Pauses {
    async fn hide(&self, queue: &str, messages: &[HiddenMessage]) -> Result<(), ServiceError> {
        if self.is_stuck {
            std::future::pending::<()>().await;
        }
        if self.fails {
            return Err(slow_down());
        }
        let mut set = self.set.lock().unwrap();
        set.extend(messages.iter().map(|one| (queue.to_owned(), one.clone())));
        Ok(())
    }
}

impl Pauses {
    /// The pause in seconds that was set for a receipt.
    fn of(&self, receipt: &str) -> Option<u64> {
        let set = self.set.lock().unwrap();
        let found = set.iter().filter(|(_, one)| one.receipt == receipt);
        let found: Vec<_> = found.collect();
        assert!(found.len() <= 1 && set.iter().all(|(queue, _)| queue == QUEUE));
        found.first().map(|(_, one)| one.pause.as_secs())
    }
}

/// A queue's event, as Lambda sends it, of messages with these receipts, receive counts and bodies.
fn delivered(messages: &[(&str, u32, Value)]) -> Value {
    let records: Vec<Value> = messages
        .iter()
        .map(|(receipt, receives, body)| {
            json!({
                "messageId": format!("id of {receipt}"),
                "receiptHandle": receipt,
                "attributes": {"ApproximateReceiveCount": receives.to_string()},
                "body": body.to_string(),
                "eventSource": "aws:sqs",
                "eventSourceARN": QUEUE,
            })
        })
        .collect();
    json!({"Records": records})
}

#[tokio::test]
async fn each_message_that_has_to_come_again_gets_a_pause_of_its_own() {
    let recogniser = CannedRecogniser::new().with_faults(None, Faults::always(throttled()));
    let test = TestProcessor::with_recogniser("labels", recogniser);
    let pauses = Pauses::default();
    let event = |key: &str| direct_event(key, &test.upload(key, &picture()), "01");
    let event = delivered(&[
        ("first", 1, event("uploads/a.jpg")),
        ("third", 3, event("uploads/b.jpg")),
        ("late", 40, event("uploads/c.jpg")),
        ("gone", 1, s3_event(&[])),
        ("unreadable", 40, json!([])),
    ]);
    let processor = test.processor.with_visibility(pauses.clone());
    let answer = processor.handle(event, &invocation(60)).await.unwrap();
    assert_eq!(failures(&answer).len(), 4);
    let within = |receipt, shortest, longest| {
        let pause = pauses.of(receipt).unwrap();
        assert!((shortest..=longest).contains(&pause), "{receipt}: {pause}");
    };
    within("first", 3, 5);
    within("third", 10, 20);
    within("late", 150, 300);
    within("unreadable", 3, 5);
    assert_eq!(pauses.of("gone"), None);
}

#[tokio::test]
async fn what_waits_for_a_repair_has_a_pause_of_up_to_a_minute() {
    let store = |store| Failing::new(store, Faults::always(denied())).only("GetObject in-put");
    let test = TestProcessor::with_store("labels", store);
    let pauses = Pauses::default();
    let info = test.upload(KEY, &picture());
    let event = delivered(&[("denied", 1, direct_event(KEY, &info, "01"))]);
    let processor = test.processor.with_visibility(pauses.clone());
    processor.handle(event, &invocation(60)).await.unwrap();
    assert!((30..=60).contains(&pauses.of("denied").unwrap()));
}

#[tokio::test]
async fn a_queue_that_fails_or_does_not_answer_costs_nothing_else() {
    for pauses in [
        Pauses {
            fails: true,
            ..Pauses::default()
        },
        Pauses {
            is_stuck: true,
            ..Pauses::default()
        },
    ] {
        let recogniser = CannedRecogniser::new().with_faults(None, Faults::first(1, throttled()));
        let test = TestProcessor::with_recogniser("labels", recogniser);
        let info = test.upload(KEY, &picture());
        let event = delivered(&[("busy", 1, direct_event(KEY, &info, "01"))]);
        let processor = test.processor.with_visibility(pauses);
        let mut short = invocation(2);
        let handled = tokio::time::timeout(
            Duration::from_secs(4),
            processor.handle(event.clone(), &short),
        );
        let answer = handled.await.unwrap().unwrap();
        assert_eq!(failures(&answer), ["id of busy"]);
        short.time_left = Duration::from_secs(60);
        let answer = processor.handle(event, &short).await.unwrap();
        assert!(failures(&answer).is_empty());
    }
}

#[tokio::test]
async fn events_without_a_receipt_are_answered_all_the_same() {
    let recogniser = CannedRecogniser::new().with_faults(None, Faults::always(throttled()));
    let test = TestProcessor::with_recogniser("labels", recogniser);
    let pauses = Pauses::default();
    let info = test.upload(KEY, &picture());
    let mut event = delivered(&[("busy", 1, direct_event(KEY, &info, "01"))]);
    event["Records"][0]["receiptHandle"] = Value::Null;
    let processor = test.processor.with_visibility(pauses.clone());
    let answer = processor.handle(event, &invocation(60)).await.unwrap();
    assert_eq!(failures(&answer), ["id of busy"]);
    assert!(pauses.set.lock().unwrap().is_empty());
}
