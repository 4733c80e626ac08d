//! The response to an event: which messages have to be retried.

use serde_json::{Value, json};
use sightline_pipeline::{
    service_error::ServiceError,
    testing::{CannedRecogniser, Failing, Faults, slow_down, throttled},
};

use super::support::{
    IN, KEY, OUT, RESULTS, TestProcessor, denied, direct_event, failures, invocation, picture,
    put_record, queue, s3_event,
};
use crate::{HandlerError, RetryableFailure, event::EventError};

#[tokio::test]
async fn only_failed_messages_are_reported() {
    let store = |store| {
        Failing::new(store, Faults::always(slow_down())).only("GetObject in-put uploads/busy.jpg")
    };
    let test = TestProcessor::with_store("labels", store);
    let record = |key: &str| {
        let info = test.upload(key, &picture());
        put_record(key, &info, "01")
    };
    let event = queue(&[
        ("good", s3_event(&[record("uploads/a.jpg")])),
        (
            "busy",
            s3_event(&[record("uploads/b.jpg"), record("uploads/busy.jpg")]),
        ),
        ("test", json!({"Event": "s3:TestEvent"})),
        ("unreadable", json!("{")),
        ("half", s3_event(&[record("uploads/c.jpg"), json!({})])),
    ]);
    assert_eq!(test.failures(event).await, ["busy", "unreadable", "half"]);
    // All other records were processed.
    for key in ["uploads/a.jpg", "uploads/b.jpg", "uploads/c.jpg"] {
        assert_eq!(test.document(key)["status"], "succeeded");
    }
}

#[tokio::test]
async fn without_a_queue_a_retryable_failure_fails_the_invocation() {
    let recogniser = CannedRecogniser::new().with_faults(None, Faults::first(1, throttled()));
    let test = TestProcessor::with_recogniser("labels", recogniser);
    let info = test.upload(KEY, &picture());
    let event = direct_event(KEY, &info, "01");
    let error = test.handle(event.clone()).await.unwrap_err();
    assert_eq!(error.name(), "Retry");
    assert!(matches!(
        error,
        HandlerError::Retry {
            failed: 1,
            all: 1,
            first: RetryableFailure::Service(ServiceError {
                operation: "DetectLabels",
                ..
            })
        }
    ));
    assert!(!test.has_result());
    assert_eq!(test.handle(event).await, Ok(Value::Null));
    assert_eq!(test.document(KEY)["status"], "succeeded");
    let unknown = test.handle(json!({"Records": [{}]})).await;
    assert_eq!(
        unknown,
        Err(HandlerError::Event(EventError::MissingMember("/eventName")))
    );
}

#[tokio::test]
async fn direct_events_get_null() {
    let test = TestProcessor::new("labels");
    let info = test.upload("uploads/a b.jpg", &picture());
    let event = json!({
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": IN}, "object": {"key": "uploads/a b.jpg", "etag": info.e_tag, "sequencer": "01"}},
    });
    assert_eq!(test.handle(event).await, Ok(Value::Null));
    assert_eq!(test.document("uploads/a b.jpg")["status"], "succeeded");
    assert_eq!(
        test.handle(json!({"Event": "s3:TestEvent"})).await,
        Ok(Value::Null)
    );
}

#[tokio::test]
async fn reasons_for_retries_are_returned_by_message() {
    let store = |store| Failing::new(store, Faults::always(denied())).only("GetObject in-put");
    let test = TestProcessor::with_store("labels", store);
    let info = test.upload(KEY, &picture());
    let event = queue(&[
        ("denied", direct_event(KEY, &info, "01")),
        ("strange", json!({"Records": [{"eventSource": "aws:s3"}]})),
        ("nothing", s3_event(&[])),
    ]);
    let (answer, reasons) = test
        .processor
        .handle_with_reasons(event, &invocation(60))
        .await
        .unwrap();
    assert_eq!(failures(&answer), ["denied", "strange"]);
    assert_eq!(reasons.keys().collect::<Vec<_>>(), ["denied", "strange"]);
    assert!(reasons["denied"].contains("AccessDenied"), "{reasons:?}");
    assert!(!reasons["strange"].is_empty());
}

#[tokio::test]
async fn a_panic_affects_one_picture_only() {
    let store = |store| {
        Failing::new(store, Faults::always(slow_down()))
            .only("GetObject in-put uploads/odd.jpg")
            .panics()
    };
    let test = TestProcessor::with_store("labels", store);
    let messages = ["uploads/odd.jpg", KEY].map(|key| {
        let info = test.upload(key, &picture());
        (key, direct_event(key, &info, "01"))
    });
    let failed = test.failures(queue(&messages)).await;
    assert_eq!(failed, ["uploads/odd.jpg"]);
    assert_eq!(test.store.keys(OUT), RESULTS);
}

/// The command-line tool runs the processor in a task.
#[test]
fn processing_can_be_spawned() {
    fn is_send<T: Send>(_: T) {}
    let test = TestProcessor::new("labels");
    let invocation = invocation(1);
    is_send(test.processor.handle(json!({}), &invocation));
}
