//! Failing services: retries without a second call, and errors in documents.

use std::time::Duration;

use rekognition_model::Operation;
use serde_json::{Value, json};
use sightline_pipeline::{
    Analysis,
    service_error::{Fate, ServiceError},
    testing::{
        CannedRecogniser, Failing, Faults, MemoryStore, denied as denied_recogniser, refused,
        slow_down, throttled,
    },
};

use super::support::{
    KEY, LEASE, OUT, PREVIEW, RESULTS, THUMBNAIL, TestProcessor, config, denied, direct_event,
    failures, invocation, message, options, picture, queue, too_large_to_hold,
};

#[tokio::test]
async fn saved_answers_are_not_requested_again() {
    let recogniser = CannedRecogniser::new()
        .with_faults(Operation::DetectFaces, Faults::first(2, throttled()))
        .with_faults(
            Operation::DetectText,
            Faults::always(refused("InvalidImageFormatException")),
        );
    let test = TestProcessor::with_recogniser("labels,faces,text", recogniser);
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "01");
    assert_eq!(test.failures(event.clone()).await, ["m"]);
    assert_eq!(test.recogniser.count(), 3);
    assert_eq!(test.store.keys(OUT), [LEASE, PREVIEW, THUMBNAIL]);
    assert_eq!(test.failures(event.clone()).await, ["m"]);
    assert!(test.failures(event).await.is_empty());
    // One call each for labels and text, three for faces.
    assert_eq!(test.recogniser.count(), 5);
    let document = test.document(KEY);
    assert_eq!(document["status"], "partial");
    assert_eq!(document["summary"]["faces"]["count"], 1);
    assert_eq!(document["summary"]["labels"], json!(["Dog", "Animal"]));
    assert_eq!(document["errors"][0]["analysis"], "text");
    assert_eq!(document["errors"].as_array().unwrap().len(), 1);
    assert_eq!(test.store.keys(OUT), RESULTS, "the lease is released");
}

#[tokio::test]
async fn a_failed_write_causes_no_second_call() {
    for write in [
        "PutObject out-put results/",
        "PutObject out-put thumbnails/",
        "PutObject out-put previews/",
    ] {
        let store = |store| Failing::new(store, Faults::first(1, slow_down())).only(write);
        let test = TestProcessor::with_store("labels", store);
        let info = test.upload(KEY, &picture());
        let event = message(KEY, &info, "01");
        assert_eq!(test.failures(event.clone()).await, ["m"], "{write}");
        assert!(test.failures(event).await.is_empty(), "{write}");
        assert_eq!(test.recogniser.count(), 1, "{write}");
        assert_eq!(test.document(KEY)["status"], "succeeded", "{write}");
        assert_eq!(test.store.keys(OUT), RESULTS, "{write}");
    }
}

#[tokio::test]
async fn saved_answers_are_used_for_the_same_query_only() {
    let recogniser =
        CannedRecogniser::new().with_faults(Operation::DetectFaces, Faults::first(1, throttled()));
    let test = TestProcessor::with_recogniser("labels,faces", recogniser);
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "01");
    assert_eq!(test.failures(event.clone()).await, ["m"]);
    // Another configuration requests more of the same operation.
    let other = test.another_processor(
        config("labels,image-properties,faces"),
        options(&test.clock, Duration::ZERO),
    );
    other.handle(event, &invocation(60)).await.unwrap();
    assert_eq!(test.recogniser.count(), 4);
    assert!(test.document(KEY)["rekognition"]["detectLabels"]["ImageProperties"].is_object());
}

#[tokio::test]
async fn lost_replies_cause_no_second_call() {
    // The write is done but its reply is lost, as when a connection breaks.
    for (lost, failed) in [
        ("PutObject out-put claims/", &["m"][..]),
        // The worker recognises its own document at once.
        ("PutObject out-put results/", &[]),
    ] {
        let store = |store| {
            Failing::new(store, Faults::first(1, slow_down()))
                .only(lost)
                .lost_replies()
        };
        let test = TestProcessor::with_store("labels", store);
        let info = test.upload(KEY, &picture());
        let event = message(KEY, &info, "01");
        assert_eq!(test.failures(event.clone()).await, failed, "{lost}");
        // A lease that was acquired without a reply has to expire.
        test.clock.forward(120);
        assert!(test.failures(event).await.is_empty(), "{lost}");
        assert_eq!(test.recogniser.count(), 1, "{lost}");
        assert_eq!(test.document(KEY)["status"], "succeeded");
    }
}

#[tokio::test]
async fn a_bucket_that_never_replies_causes_no_second_call() {
    for stuck in [
        "PutObject out-put thumbnails/",
        "PutObject out-put previews/",
        "PutObject out-put results/",
    ] {
        let store = |store| {
            Failing::new(store, Faults::first(1, slow_down()))
                .only(stuck)
                .stuck()
        };
        let test = TestProcessor::with_store("labels,text", store);
        let info = test.upload(KEY, &picture());
        let event = message(KEY, &info, "01");
        let answer = test.processor.handle(event.clone(), &invocation(2)).await;
        assert_eq!(failures(&answer.unwrap()), ["m"], "{stuck}");
        assert_eq!(test.recogniser.count(), 2);
        assert!(test.failures(event).await.is_empty());
        assert_eq!(test.recogniser.count(), 2, "{stuck}");
        assert_eq!(test.store.keys(OUT), RESULTS);
    }
}

#[tokio::test]
async fn the_document_has_an_error_for_every_failed_analysis() {
    let recogniser = CannedRecogniser::new()
        .with_faults(None, Faults::always(refused("InvalidImageFormatException")));
    let test = TestProcessor::with_recogniser("labels,image-properties,faces", recogniser);
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "01");
    assert!(test.failures(event.clone()).await.is_empty());
    let document = test.document(KEY);
    assert_eq!(document["status"], "failed");
    assert_eq!(document["errors"].as_array().unwrap().len(), 3);
    // The document is a result, so the event is not processed again.
    test.handle(event).await.unwrap();
    assert_eq!(test.recogniser.count(), 2);
}

#[tokio::test]
async fn an_unreadable_object_gets_a_failed_document() {
    let archived = ServiceError {
        code: "InvalidObjectState".to_owned(),
        fate: Fate::Final,
        ..denied()
    };
    let store = |store| Failing::new(store, Faults::always(archived)).only("GetObject in-put");
    let test = TestProcessor::with_store("labels", store);
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "01");
    assert!(test.failures(event).await.is_empty());
    let document = test.document(KEY);
    assert_eq!(document["errors"][0]["code"], "InvalidObjectState");
    assert_eq!(document["source"]["size"], json!(info.size));
    assert_eq!(document["source"]["eTag"], json!(info.e_tag));
}

#[tokio::test]
async fn after_a_missing_permission_is_granted_the_picture_is_analysed() {
    let bad_head = ServiceError {
        code: "BadRequest".to_owned(),
        ..denied()
    };
    for (error, call) in [
        (denied(), "GetObject in-put"),
        (denied(), "HeadObject in-put"),
        (bad_head, "HeadObject in-put"),
    ] {
        let store = |store| Failing::new(store, Faults::first(1, error)).only(call);
        let test = TestProcessor::with_store("labels", store);
        let mut info = test.upload(KEY, &picture());
        if call.starts_with("HeadObject") {
            info = too_large_to_hold(&info);
        }
        let event = message(KEY, &info, "01");
        assert_eq!(test.failures(event.clone()).await, ["m"], "{call}");
        assert!(!test.has_result(), "{call}");
        assert!(test.failures(event).await.is_empty(), "{call}");
        assert_eq!(test.document(KEY)["status"], "succeeded", "{call}");
    }
    for code in [
        "AccessDeniedException",
        "UnrecognizedClientException",
        "InvalidSignatureException",
    ] {
        let recogniser = CannedRecogniser::new().with_faults(
            Analysis::Faces.operation(),
            Faults::first(1, denied_recogniser(code)),
        );
        let test = TestProcessor::with_recogniser("labels,faces", recogniser);
        let info = test.upload(KEY, &picture());
        let event = message(KEY, &info, "01");
        assert_eq!(test.failures(event.clone()).await, ["m"], "{code}");
        assert!(!test.has_result(), "{code}");
        assert!(test.failures(event).await.is_empty(), "{code}");
        assert_eq!(test.document(KEY)["status"], "succeeded", "{code}");
        assert_eq!(test.recogniser.count(), 3, "the labels were saved");
    }
}

#[tokio::test]
async fn wrong_configuration_never_becomes_a_document() {
    let no_bucket = ServiceError {
        code: "NoSuchBucket".to_owned(),
        ..denied()
    };
    let input = |store| Failing::new(store, Faults::always(no_bucket)).only("in-put");
    let test = TestProcessor::with_store("labels", input);
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "01");
    assert_eq!(test.failures(event.clone()).await, ["m"]);

    let output = |store| Failing::new(store, Faults::always(denied())).only("PutObject out-put");
    let test = TestProcessor::with_store("labels", output);
    test.upload(KEY, &picture());
    assert_eq!(test.failures(event).await, ["m"]);
    assert_eq!(test.recogniser.count(), 0, "no lease, no call");
}

#[tokio::test]
async fn random_failures_leave_one_result_per_picture() {
    for seed in 0..20 {
        let recogniser =
            CannedRecogniser::new().with_faults(None, Faults::seeded(seed, 30, throttled()));
        let store = |store| Failing::new(store, Faults::seeded(seed, 15, slow_down()));
        let test = TestProcessor::with("labels,faces,text", MemoryStore::new(), recogniser, store);
        let mut waiting: Vec<(String, Value)> = (0..8)
            .map(|number| {
                let key = format!("uploads/{number}.jpg");
                let info = test.upload(&key, &picture());
                (key.clone(), direct_event(&key, &info, "01"))
            })
            .collect();
        let mut rounds = 0;
        while !waiting.is_empty() {
            rounds += 1;
            assert!(rounds < 200, "seed {seed}");
            let messages: Vec<_> = waiting
                .iter()
                .map(|(id, body)| (id.as_str(), body.clone()))
                .collect();
            let failed = test.failures(queue(&messages)).await;
            waiting.retain(|(id, _)| failed.contains(id));
            // A queue redelivers after the longest invocation.
            test.clock.forward(360);
        }
        for number in 0..8 {
            assert_eq!(
                test.document(&format!("uploads/{number}.jpg"))["status"],
                "succeeded"
            );
        }
        let answered = test
            .store
            .calls()
            .iter()
            .filter(|call| call.starts_with("PutObject out-put results/"))
            .count();
        assert_eq!(answered, 8, "seed {seed}");
    }
}
