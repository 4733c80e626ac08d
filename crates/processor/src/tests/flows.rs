//! From events to results: once, in order, whatever fails.

use std::time::Duration;

use futures::future::join_all;
use rekognition_model::Operation;
use serde_json::{Value, json};
use sightline_pipeline::{
    SourceKey,
    document::{ResultDocument, Status},
    object_store::{
        Condition, Get, GetOutcome, ObjectInfo, ObjectStore, Put, PutOutcome, StoreError,
    },
    recogniser::{Picture, Question},
    spending::DAILY_LIMIT_REACHED,
    testing::{CannedRecogniser, Failing, Faults, MemoryStore, refused, slow_down, throttled},
    version::ObjectVersion,
};

use super::support::{
    Bench, Hands, IN, OUT, config, failures, invocation, jpeg, options, picture, put_record, queue,
    s3_event,
};
use crate::{
    HandlerError, Options, Processor, Setback,
    event::EventError,
    results::{self, Standing, Writing},
};

const KEY: &str = "uploads/my cat+1.jpg";

/// What lies in the output bucket when the image under [`KEY`] is answered.
const RESULTS: [&str; 2] = [
    "results/uploads/my cat+1.jpg.json",
    "thumbnails/uploads/my cat+1.jpg.jpg",
];

/// Whether the image under [`KEY`] has a result.
fn answered<S>(bench: &Bench<S>) -> bool {
    bench.store.body(OUT, RESULTS[0]).is_some()
}

fn denied() -> StoreError {
    StoreError {
        code: "AccessDenied".to_owned(),
        retryable: false,
        ..slow_down()
    }
}

#[tokio::test]
async fn a_picture_becomes_a_document_under_its_decoded_key() {
    let bench = Bench::new("labels,image-properties");
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    assert_eq!(
        bench.handle(event).await.unwrap(),
        json!({"batchItemFailures": []})
    );
    assert_eq!(bench.store.keys(OUT), RESULTS, "the lease is given back");
    let document: ResultDocument = serde_json::from_value(bench.document(KEY)).unwrap();
    assert_eq!(document.summary.labels, ["Dog", "Animal"]);
    assert_eq!(document.timings.waited_ms, Some(1500));
    let calls = bench.recogniser.calls();
    assert_eq!(calls.len(), 1, "labels and image properties share a call");
    assert_eq!(
        calls[0].question,
        Question::Labels {
            labels: true,
            image_properties: true,
            min_confidence: 55.0,
            max_labels: 1000
        }
    );
    assert_eq!(
        calls[0].picture,
        Picture::Object {
            bucket: IN.into(),
            key: KEY.into(),
            version_id: None
        }
    );
}

#[tokio::test]
async fn repeated_events_ask_once_and_write_once() {
    for seed in 0..5 {
        let recogniser = CannedRecogniser::new().with_delay(Duration::from_millis(5));
        let mut bench = Bench::with_recogniser("labels,faces", recogniser);
        bench.processor = Processor::new(
            config("labels,faces"),
            bench.store.clone(),
            bench.recogniser.clone(),
            options(&bench.hands, Duration::from_secs(20)),
        );
        let keys: Vec<String> = (0..6).map(|n| format!("uploads/{n}.jpg")).collect();
        let mut events = Vec::new();
        for key in &keys {
            let info = bench.upload(key, &picture());
            let record = put_record(key, &info, "01");
            // Three times, once of them in a batch of its own kind.
            events.push(queue(&[
                ("1", s3_event(std::slice::from_ref(&record))),
                ("2", s3_event(std::slice::from_ref(&record))),
            ]));
            events.push(queue(&[("3", s3_event(&[record]))]));
        }
        let turn = seed * 5 % events.len();
        events.rotate_left(turn);
        let answers = join_all(events.into_iter().map(|event| bench.handle(event))).await;
        for answer in answers {
            assert_eq!(failures(&answer.unwrap()), Vec::<String>::new());
        }
        assert_eq!(bench.recogniser.count(), 2 * keys.len());
        let written = bench
            .store
            .calls()
            .into_iter()
            .filter(|call| call.starts_with("PutObject out-put results/"))
            .count();
        assert_eq!(written, keys.len());
        assert_eq!(
            bench.store.keys(OUT).len(),
            2 * keys.len(),
            "no lease is left"
        );
    }
}

#[tokio::test]
async fn two_processes_ask_once_too() {
    let recogniser = CannedRecogniser::new().with_delay(Duration::from_millis(20));
    let bench = Bench::with_recogniser("labels", recogniser);
    let info = bench.upload(KEY, &picture());
    let other = Processor::new(
        config("labels"),
        bench.store.clone(),
        bench.recogniser.clone(),
        options(&bench.hands, Duration::ZERO),
    );
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    let invocation = invocation(60);
    let (one, two) = futures::join!(
        bench.handle(event.clone()),
        other.handle(event.clone(), &invocation)
    );
    let failed = [failures(&one.unwrap()), failures(&two.unwrap())].concat();
    // Who came second does not wait here, so its message comes again, and finds the answer.
    assert_eq!(failed, ["m"]);
    assert!(bench.failures(event).await.is_empty());
    assert_eq!(bench.recogniser.count(), 1);
}

#[tokio::test]
async fn an_older_event_never_replaces_a_newer_answer() {
    // Same bytes twice, so that only the sequencer tells the uploads apart.
    let bench = Bench::new("labels");
    let info = bench.upload(KEY, &picture());
    let newer = s3_event(&[put_record(KEY, &info, "0055AED6DCD90281E6")]);
    let older = s3_event(&[put_record(KEY, &info, "0055AED6DCD90281E5")]);
    bench.handle(newer.clone()).await.unwrap();
    bench.handle(older).await.unwrap();
    bench.handle(newer).await.unwrap();
    assert_eq!(bench.recogniser.count(), 1);
    assert_eq!(
        bench.document(KEY)["source"]["sequencer"],
        "0055AED6DCD90281E6"
    );
    let next = s3_event(&[put_record(KEY, &info, "0055AED6DCD90281E600")]);
    bench.handle(next).await.unwrap();
    assert_eq!(
        bench.recogniser.count(),
        1,
        "zeros on the right are nothing"
    );
    let next = s3_event(&[put_record(KEY, &info, "0055AED6DCD90281E7")]);
    bench.handle(next).await.unwrap();
    assert_eq!(
        bench.recogniser.count(),
        2,
        "a newer upload is answered anew"
    );
}

#[tokio::test]
async fn what_was_queued_by_hand_is_answered_anew_when_it_is_stored_again() {
    let bench = Bench::new("labels");
    let without_sequencer = |info: &ObjectInfo| {
        let mut record = put_record(KEY, info, "");
        let object = record.pointer_mut("/s3/object").unwrap();
        object.as_object_mut().unwrap().remove("sequencer");
        s3_event(&[record])
    };
    let first = bench.upload(KEY, &picture());
    bench.handle(without_sequencer(&first)).await.unwrap();
    // Its own event, late, and the same by hand once more.
    let own = s3_event(&[put_record(KEY, &first, "01")]);
    bench.handle(own).await.unwrap();
    bench.handle(without_sequencer(&first)).await.unwrap();
    assert_eq!(bench.recogniser.count(), 1);

    let again = bench.upload(KEY, &picture());
    assert_eq!(again.e_tag, first.e_tag);
    let event = s3_event(&[put_record(KEY, &again, "02")]);
    bench.handle(event.clone()).await.unwrap();
    bench.handle(event).await.unwrap();
    bench.handle(without_sequencer(&again)).await.unwrap();
    assert_eq!(bench.recogniser.count(), 2);
    assert_eq!(bench.document(KEY)["source"]["sequencer"], "02");
}

#[tokio::test]
async fn of_one_key_in_one_batch_the_newest_is_answered() {
    let bench = Bench::new("labels");
    let first = bench.upload(KEY, &jpeg(100, 100, b"first"));
    let second = bench.upload(KEY, &jpeg(200, 200, b"second"));
    let event = queue(&[
        ("old", s3_event(&[put_record(KEY, &first, "01")])),
        ("new", s3_event(&[put_record(KEY, &second, "02")])),
        ("again", s3_event(&[put_record(KEY, &second, "02")])),
    ]);
    assert!(bench.failures(event).await.is_empty());
    assert_eq!(bench.recogniser.count(), 1);
    assert_eq!(bench.document(KEY)["image"]["width"], 200);
}

#[tokio::test]
async fn with_versions_the_version_decides() {
    let bench = Bench::with(
        "labels",
        MemoryStore::versioned(),
        CannedRecogniser::new(),
        |store| store,
    );
    let first = bench.upload(KEY, &picture());
    let event = s3_event(&[put_record(KEY, &first, "01")]);
    bench.handle(event.clone()).await.unwrap();
    let second = bench.upload(KEY, &picture());
    assert_eq!(first.e_tag, second.e_tag);
    bench
        .handle(s3_event(&[put_record(KEY, &second, "02")]))
        .await
        .unwrap();
    bench.handle(event).await.unwrap();
    assert_eq!(bench.recogniser.count(), 2);
    assert_eq!(
        bench.document(KEY)["source"]["versionId"],
        json!(second.version_id)
    );
    assert_eq!(
        bench.recogniser.calls()[1].picture,
        Picture::Object {
            bucket: IN.into(),
            key: KEY.into(),
            version_id: second.version_id
        }
    );
}

#[tokio::test]
async fn what_is_gone_or_replaced_is_nothing_to_do() {
    let bench = Bench::new("labels");
    let info = bench.upload(KEY, &picture());
    let record = put_record(KEY, &info, "01");
    bench.upload(KEY, &jpeg(300, 300, b"another"));
    let event = queue(&[("m", s3_event(std::slice::from_ref(&record)))]);
    assert!(bench.failures(event.clone()).await.is_empty());
    bench.store.delete(IN, KEY).await.unwrap();
    assert!(bench.failures(event).await.is_empty());
    assert_eq!(bench.recogniser.count(), 0);
    assert_eq!(bench.store.keys(OUT), Vec::<String>::new());
}

#[tokio::test]
async fn what_is_not_ours_is_left_alone() {
    let bench = Bench::new("labels");
    let long = format!("uploads/{}", "k".repeat(1010));
    let records: Vec<Value> = [
        "cat.jpg",
        "results/uploads/a.json",
        "inline/a.jpg",
        "uploads/folder/",
        &long,
    ]
    .into_iter()
    .map(|key| put_record(key, &bench.upload(key, &picture()), "01"))
    .chain([json!({
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "another"}, "object": {"key": "uploads/a.jpg"}},
    })])
    .collect();
    let before = bench.store.calls().len();
    let event = queue(&[("m", s3_event(&records))]);
    assert!(bench.failures(event).await.is_empty());
    assert_eq!(bench.store.calls().len(), before);
}

#[tokio::test]
async fn only_the_message_that_has_to_come_again_is_named() {
    let store = |store| {
        Failing::new(store, Faults::always(slow_down())).only("GetObject in-put uploads/busy.jpg")
    };
    let bench = Bench::with("labels", MemoryStore::new(), CannedRecogniser::new(), store);
    let record = |key: &str| {
        let info = bench.upload(key, &picture());
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
    assert_eq!(bench.failures(event).await, ["busy", "unreadable", "half"]);
    // What could be done was done.
    for key in ["uploads/a.jpg", "uploads/b.jpg", "uploads/c.jpg"] {
        assert_eq!(bench.document(key)["status"], "succeeded");
    }
}

#[tokio::test]
async fn without_a_queue_the_invocation_fails_for_what_has_to_come_again() {
    let recogniser = CannedRecogniser::new().with_faults(None, Faults::first(1, throttled()));
    let bench = Bench::with_recogniser("labels", recogniser);
    let info = bench.upload(KEY, &picture());
    let event = s3_event(&[put_record(KEY, &info, "01")]);
    let error = bench.handle(event.clone()).await.unwrap_err();
    assert_eq!(error.name(), "Retry");
    assert!(matches!(
        error,
        HandlerError::Retry {
            failed: 1,
            all: 1,
            first: Setback::Recogniser {
                operation: Operation::DetectLabels,
                ..
            }
        }
    ));
    assert!(!answered(&bench));
    assert_eq!(bench.handle(event).await, Ok(Value::Null));
    assert_eq!(bench.document(KEY)["status"], "succeeded");
    let unknown = bench.handle(json!({"Records": [{}]})).await;
    assert_eq!(
        unknown,
        Err(HandlerError::Event(EventError::MissingMember("/eventName")))
    );
}

#[tokio::test]
async fn event_bridge_and_test_events_are_answered_with_null() {
    let bench = Bench::new("labels");
    let info = bench.upload("uploads/a b.jpg", &picture());
    let event = json!({
        "source": "aws.s3",
        "detail-type": "Object Created",
        "detail": {"bucket": {"name": IN}, "object": {"key": "uploads/a b.jpg", "etag": info.e_tag, "sequencer": "01"}},
    });
    assert_eq!(bench.handle(event).await, Ok(Value::Null));
    assert_eq!(bench.document("uploads/a b.jpg")["status"], "succeeded");
    assert_eq!(
        bench.handle(json!({"Event": "s3:TestEvent"})).await,
        Ok(Value::Null)
    );
}

#[tokio::test]
async fn answers_that_were_had_are_not_asked_for_again() {
    let recogniser = CannedRecogniser::new()
        .with_faults(Operation::DetectFaces, Faults::first(2, throttled()))
        .with_faults(
            Operation::DetectText,
            Faults::always(refused("InvalidImageFormatException")),
        );
    let bench = Bench::with_recogniser("labels,faces,text", recogniser);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    assert_eq!(bench.failures(event.clone()).await, ["m"]);
    assert_eq!(bench.recogniser.count(), 3);
    assert_eq!(
        bench.store.keys(OUT),
        ["claims/uploads/my cat+1.jpg", RESULTS[1]]
    );
    assert_eq!(bench.failures(event.clone()).await, ["m"]);
    assert!(bench.failures(event).await.is_empty());
    // Labels and text once, faces three times.
    assert_eq!(bench.recogniser.count(), 5);
    let document = bench.document(KEY);
    assert_eq!(document["status"], "partial");
    assert_eq!(document["summary"]["faces"]["count"], 1);
    assert_eq!(document["summary"]["labels"], json!(["Dog", "Animal"]));
    assert_eq!(document["errors"][0]["analysis"], "text");
    assert_eq!(document["errors"].as_array().unwrap().len(), 1);
    assert_eq!(bench.store.keys(OUT), RESULTS, "the lease is given back");
}

#[tokio::test]
async fn a_result_that_could_not_be_written_is_not_asked_for_again() {
    let store = |store| {
        Failing::new(store, Faults::first(1, slow_down())).only("PutObject out-put results/")
    };
    let bench = Bench::with("labels", MemoryStore::new(), CannedRecogniser::new(), store);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    assert_eq!(bench.failures(event.clone()).await, ["m"]);
    assert!(bench.failures(event).await.is_empty());
    assert_eq!(bench.recogniser.count(), 1);
    assert_eq!(bench.document(KEY)["status"], "succeeded");
}

#[tokio::test]
async fn parked_answers_serve_only_the_same_question() {
    let recogniser =
        CannedRecogniser::new().with_faults(Operation::DetectFaces, Faults::first(1, throttled()));
    let bench = Bench::with_recogniser("labels,faces", recogniser);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    assert_eq!(bench.failures(event.clone()).await, ["m"]);
    // Meanwhile the configuration asks for more of the same operation.
    let other = Processor::new(
        config("labels,image-properties,faces"),
        bench.store.clone(),
        bench.recogniser.clone(),
        options(&bench.hands, Duration::ZERO),
    );
    other.handle(event, &invocation(60)).await.unwrap();
    assert_eq!(bench.recogniser.count(), 4);
    assert!(bench.document(KEY)["rekognition"]["detectLabels"]["ImageProperties"].is_object());
}

#[tokio::test]
async fn replies_that_get_lost_lead_to_no_second_call() {
    // The write is done, its reply lost, as when a connection breaks.
    for (lost, failed) in [
        ("PutObject out-put claims/", &["m"][..]),
        // A document is known again at once.
        ("PutObject out-put results/", &[]),
    ] {
        let store = |store| {
            Failing::new(store, Faults::first(1, slow_down()))
                .only(lost)
                .lost_replies()
        };
        let bench = Bench::with("labels", MemoryStore::new(), CannedRecogniser::new(), store);
        let info = bench.upload(KEY, &picture());
        let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
        assert_eq!(bench.failures(event.clone()).await, failed, "{lost}");
        // A lease whose taking got no reply has to run out.
        bench.hands.forward(120);
        assert!(bench.failures(event).await.is_empty(), "{lost}");
        assert_eq!(bench.recogniser.count(), 1, "{lost}");
        assert_eq!(bench.document(KEY)["status"], "succeeded");
    }
}

#[tokio::test]
async fn a_dead_workers_lease_is_taken_over_when_it_has_run_out() {
    let bench = Bench::new("labels");
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    leave_a_lease(&bench, &info.e_tag, "01", "dead/1/0", 60).await;
    assert_eq!(bench.failures(event.clone()).await, ["m"]);
    assert_eq!(bench.recogniser.count(), 0);
    bench.hands.forward(61);
    assert!(bench.failures(event).await.is_empty());
    assert_eq!(bench.recogniser.count(), 1);
    assert_eq!(bench.store.keys(OUT), RESULTS);
}

/// A lease as another worker would hold it.
async fn leave_a_lease(bench: &Bench, e_tag: &str, sequencer: &str, owner: &str, seconds: i64) {
    let time = |time: time::OffsetDateTime| {
        time.format(&time::format_description::well_known::Rfc3339)
            .unwrap()
    };
    let body = json!({
        "eTag": e_tag,
        "sequencer": sequencer,
        "owner": owner,
        "claimedAt": time(bench.hands.now()),
        "expiresAt": time(bench.hands.now() + time::Duration::seconds(seconds)),
    });
    bench.store.insert(
        OUT,
        "claims/uploads/my cat+1.jpg",
        body.to_string().as_bytes(),
        "application/json",
        &[],
    );
}

#[tokio::test]
async fn leases_of_other_versions_and_of_nobody() {
    // A newer version is in hand: nothing to do for the older one, run out or not.
    for seconds in [60, -60] {
        let bench = Bench::new("labels");
        let info = bench.upload(KEY, &picture());
        let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
        leave_a_lease(&bench, &info.e_tag, "02", "other/1/0", seconds).await;
        assert!(bench.failures(event).await.is_empty());
        assert_eq!(bench.recogniser.count(), 0);
    }
    // An older version is in hand: the newer one waits, and takes over when it has run out.
    let bench = Bench::new("labels");
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "03")]))]);
    leave_a_lease(&bench, "another", "02", "other/1/0", 60).await;
    assert_eq!(bench.failures(event.clone()).await, ["m"]);
    leave_a_lease(&bench, "another", "02", "other/1/0", -1).await;
    assert!(bench.failures(event).await.is_empty());
    assert_eq!(bench.recogniser.count(), 1);
    // Something that is no lease holds nobody up.
    let bench = Bench::new("labels");
    let info = bench.upload(KEY, &picture());
    bench
        .store
        .insert(OUT, "claims/uploads/my cat+1.jpg", b"?", "text/plain", &[]);
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "03")]))]);
    assert!(bench.failures(event).await.is_empty());
}

#[tokio::test]
async fn the_only_worker_does_not_wait_for_the_dead() {
    let bench = Bench::new("labels");
    let info = bench.upload(KEY, &picture());
    leave_a_lease(&bench, &info.e_tag, "01", "dead/1/0", 600).await;
    let mut options = options(&bench.hands, Duration::ZERO);
    options.sole_worker = true;
    let processor = Processor::new(
        config("labels"),
        bench.store.clone(),
        bench.recogniser.clone(),
        options,
    );
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    let answer = processor.handle(event, &invocation(60)).await.unwrap();
    assert!(failures(&answer).is_empty());
    assert_eq!(bench.recogniser.count(), 1);
}

/// Sends every write twice and hears the second reply only, as the SDK does when a reply is lost.
#[derive(Debug, Clone)]
struct Twice(MemoryStore);

impl ObjectStore for Twice {
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        self.0.head(bucket, key).await
    }

    async fn get(&self, get: Get<'_>) -> Result<GetOutcome, StoreError> {
        self.0.get(get).await
    }

    async fn put(&self, put: Put<'_>) -> Result<PutOutcome, StoreError> {
        self.0.put(put).await?;
        self.0.put(put).await
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        self.0.delete(bucket, key).await?;
        self.0.delete(bucket, key).await
    }

    async fn delete_once(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        self.0.delete_once(bucket, key).await
    }
}

#[tokio::test]
async fn writes_that_were_sent_twice_are_known_again() {
    let bench = Bench::with("labels", MemoryStore::new(), CannedRecogniser::new(), Twice);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    assert!(bench.failures(event).await.is_empty());
    assert_eq!(bench.recogniser.count(), 1);
    assert_eq!(bench.store.keys(OUT), RESULTS);

    // So such a document is counted as written by its writer, and by nobody else.
    let mut document: ResultDocument = serde_json::from_value(bench.document(KEY)).unwrap();
    document.source.key = SourceKey::new("uploads/another.jpg").unwrap();
    let version = ObjectVersion {
        e_tag: document.source.e_tag.clone(),
        version_id: None,
        sequencer: document.source.sequencer.clone(),
        last_modified: document.source.last_modified,
    };
    for (writer, writing) in [
        ("one/1/0", Writing::Done),
        ("other/1/0", Writing::GivenWay(Standing::Answered)),
    ] {
        let store = Twice(bench.store.clone());
        let open = Standing::Open(None);
        let written = results::write(&store, OUT, &document, &version, open, writer).await;
        assert_eq!(written.unwrap(), writing);
    }
}

#[tokio::test]
async fn a_defect_costs_the_picture_that_brings_it_to_light_and_no_other() {
    let store = |store| {
        Failing::new(store, Faults::always(slow_down()))
            .only("GetObject in-put uploads/odd.jpg")
            .panics()
    };
    let bench = Bench::with("labels", MemoryStore::new(), CannedRecogniser::new(), store);
    let messages = ["uploads/odd.jpg", KEY].map(|key| {
        let info = bench.upload(key, &picture());
        (key, s3_event(&[put_record(key, &info, "01")]))
    });
    let failed = bench.failures(queue(&messages)).await;
    assert_eq!(failed, ["uploads/odd.jpg"]);
    assert_eq!(bench.store.keys(OUT), RESULTS);
}

#[tokio::test]
async fn a_lease_whose_first_reply_was_lost_is_not_left_behind() {
    let hands = Hands::default();
    let memory = MemoryStore::new();
    let store = Failing::new(memory.clone(), Faults::first(1, slow_down()))
        .only("PutObject out-put claims/")
        .lost_replies();
    let options = options(&hands, Duration::from_secs(1));
    let processor = Processor::new(config("labels"), store, CannedRecogniser::new(), options);
    let info = memory.insert(IN, KEY, &picture(), "image/jpeg", &[]);
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    let answer = processor.handle(event, &invocation(60)).await.unwrap();
    assert!(failures(&answer).is_empty());
    assert_eq!(memory.keys(OUT), RESULTS);
}

/// Puts a result in place just before the processor writes its own.
#[derive(Debug, Clone)]
struct Racing {
    store: MemoryStore,
    sequencer: &'static str,
}

impl ObjectStore for Racing {
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, StoreError> {
        self.store.head(bucket, key).await
    }

    async fn get(&self, get: Get<'_>) -> Result<GetOutcome, StoreError> {
        self.store.get(get).await
    }

    async fn put(&self, put: Put<'_>) -> Result<PutOutcome, StoreError> {
        if put.key.starts_with("results/") && put.condition == Condition::IfAbsent {
            let other = json!({"source": {"eTag": "other", "sequencer": self.sequencer}});
            self.store.insert(
                put.bucket,
                put.key,
                other.to_string().as_bytes(),
                "application/json",
                &[],
            );
        }
        self.store.put(put).await
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        self.store.delete(bucket, key).await
    }

    async fn delete_once(&self, bucket: &str, key: &str) -> Result<(), StoreError> {
        self.store.delete_once(bucket, key).await
    }
}

#[tokio::test]
async fn a_write_that_loses_the_race_decides_again_by_age() {
    for (raced_by, stands) in [("01", "02"), ("03", "03")] {
        let racing = |store| Racing {
            store,
            sequencer: raced_by,
        };
        let bench = Bench::with(
            "labels",
            MemoryStore::new(),
            CannedRecogniser::new(),
            racing,
        );
        let info = bench.upload(KEY, &picture());
        let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "02")]))]);
        assert!(bench.failures(event).await.is_empty());
        assert_eq!(bench.document(KEY)["source"]["sequencer"], stands);
    }
}

#[tokio::test]
async fn an_answer_without_metadata_is_known_by_its_document() {
    let bench = Bench::new("labels");
    let info = bench.upload(KEY, &picture());
    let result = json!({"source": {"eTag": info.e_tag}});
    let place = |body: &[u8]| {
        bench.store.insert(
            OUT,
            "results/uploads/my cat+1.jpg.json",
            body,
            "application/json",
            &[],
        )
    };
    place(result.to_string().as_bytes());
    let event = s3_event(&[put_record(KEY, &info, "01")]);
    bench.handle(event.clone()).await.unwrap();
    assert_eq!(bench.recogniser.count(), 0);
    // What is no document is replaced by one.
    place(b"?");
    bench.handle(event).await.unwrap();
    assert_eq!(bench.recogniser.count(), 1);
    assert_eq!(bench.document(KEY)["status"], "succeeded");
}

#[tokio::test]
async fn a_picture_that_cannot_be_analysed_gets_a_failed_document_without_a_call() {
    let png = |width: u32, height: u32| {
        let mut bytes = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes
    };
    let mut endless = b"\xFF\xD8".to_vec();
    while endless.len() < 2 * 1024 * 1024 {
        endless.extend(b"\xFF\xE2\xFF\xFF");
        endless.extend([0; 65_533]);
    }
    let whole = picture();
    let cases: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
        ("EmptyObject", Vec::new(), None),
        ("NotAnImage", b"%PDF-1.7".to_vec(), None),
        (
            "UnsupportedFormat",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(),
            None,
        ),
        (
            "DamagedImage",
            b"GIF89a\xF0\0\xF0\0\0\0\0;".to_vec(),
            Some("gif"),
        ),
        (
            "TruncatedImage",
            b"GIF89a\xF0\0\xF0\0\0\0\0".to_vec(),
            Some("gif"),
        ),
        ("DamagedImage", b"\xFF\xD8\xFF\xDA\0\x02".to_vec(), None),
        ("DamagedImage", png(0, 0), None),
        ("TruncatedImage", whole[..8].to_vec(), None),
        ("TruncatedImage", endless, None),
        (
            "TruncatedImage",
            whole[..whole.len() / 2].to_vec(),
            Some("jpeg"),
        ),
        ("ImageTooSmall", jpeg(79, 500, b""), Some("jpeg")),
        ("ImageTooSmall", png(500, 79), Some("png")),
        ("ImageTooLarge", png(60_000, 60_000), Some("png")),
        ("ImageTooNarrow", jpeg(20_000, 80, b""), Some("jpeg")),
    ];
    let bench = Bench::new("labels");
    for (number, (code, body, format)) in cases.iter().enumerate() {
        let key = format!("uploads/{number}");
        let info = bench.upload(&key, body);
        let event = queue(&[("m", s3_event(&[put_record(&key, &info, "01")]))]);
        assert!(bench.failures(event).await.is_empty(), "{number}");
        let document = bench.document(&key);
        assert_eq!(document["status"], "failed", "{number}");
        assert_eq!(document["errors"][0]["code"], *code, "{number}");
        assert_eq!(document["image"]["format"].as_str(), *format, "{number}");
        assert_eq!(document["rekognition"], json!({}));
        assert_eq!(document["cost"]["calls"], 0);
    }
    assert_eq!(bench.recogniser.count(), 0);
    assert_eq!(bench.store.keys(OUT).len(), cases.len(), "no lease is left");
}

#[tokio::test]
async fn what_rekognition_does_not_take_is_converted() {
    let mut gif = Vec::new();
    image::codecs::gif::GifEncoder::new(&mut gif)
        .encode(
            &[90; 200 * 100 * 3],
            200,
            100,
            image::ExtendedColorType::Rgb8,
        )
        .unwrap();
    let mut heavy = picture();
    heavy.resize(15 * 1024 * 1024 + 1, 0);
    let bench = Bench::new("labels");
    for (key, body, reason, size) in [
        ("uploads/a.gif", gif, "format", (200, 100)),
        ("uploads/b.jpg", heavy, "bytes", (640, 480)),
        (
            "uploads/c.jpg",
            jpeg(10_240, 320, b""),
            "pixels",
            (4096, 128),
        ),
    ] {
        let info = bench.upload(key, &body);
        bench
            .handle(s3_event(&[put_record(key, &info, "01")]))
            .await
            .unwrap();
        let document: ResultDocument = serde_json::from_value(bench.document(key)).unwrap();
        assert_eq!(document.status, Status::Succeeded, "{key}");
        let prepared = document.image.unwrap().prepared.unwrap();
        assert_eq!(json!(prepared.reason), reason);
        assert_eq!((prepared.width, prepared.height), size, "{key}");
        let calls = bench.recogniser.calls();
        let Some(Picture::Bytes(given)) = calls.last().map(|call| &call.picture) else {
            panic!("{key} was given by reference");
        };
        let header = sightline_pipeline::prepare::read_header(given).unwrap();
        assert_eq!(header.size, Some(size));
        assert_eq!(document.thumbnail.unwrap().width, 128);
    }
}

#[tokio::test]
async fn the_thumbnail_of_a_newer_version_stays() {
    let bench = Bench::new("labels");
    let shown = |sequencer: &str, body: &[u8]| {
        bench.store.insert(
            OUT,
            RESULTS[1],
            body,
            "image/jpeg",
            &[("source-e-tag", "other"), ("source-sequencer", sequencer)],
        );
    };
    let info = bench.upload(KEY, &picture());
    let event = s3_event(&[put_record(KEY, &info, "02")]);
    shown("03", b"newer");
    bench.handle(event.clone()).await.unwrap();
    assert_eq!(bench.document(KEY)["thumbnail"], Value::Null);
    assert_eq!(bench.store.body(OUT, RESULTS[1]).unwrap(), b"newer");
    bench.store.delete(OUT, RESULTS[0]).await.unwrap();
    shown("01", b"older");
    bench.handle(event).await.unwrap();
    let document = bench.document(KEY);
    assert_eq!(
        document["thumbnail"],
        json!({"key": RESULTS[1], "width": 128, "height": 96})
    );
    let thumbnail = bench.store.body(OUT, RESULTS[1]).unwrap();
    let header = sightline_pipeline::prepare::read_header(&thumbnail).unwrap();
    assert_eq!(header.size, Some((128, 96)));
}

#[tokio::test]
async fn a_replacement_that_fails_leaves_no_thumbnail_of_what_it_replaced() {
    let bench = Bench::new("labels");
    let first = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &first, "01")]))]);
    assert!(bench.failures(event).await.is_empty());
    assert_eq!(bench.store.keys(OUT), RESULTS);
    // One that its header refuses, and one that only decoding does.
    let cut = &picture()[..1200];
    for (sequencer, bytes) in [("02", b"no picture".as_slice()), ("04", cut)] {
        let info = bench.upload(KEY, bytes);
        let event = queue(&[("m", s3_event(&[put_record(KEY, &info, sequencer)]))]);
        assert!(bench.failures(event).await.is_empty());
        assert_eq!(bench.document(KEY)["status"], "failed");
        assert_eq!(bench.document(KEY)["thumbnail"], Value::Null);
        assert_eq!(bench.store.keys(OUT), RESULTS[..1], "{sequencer}");
        // The picture again, for the next round.
        let again = bench.upload(KEY, &picture());
        let sequencer = format!("{sequencer}F");
        let event = queue(&[("m", s3_event(&[put_record(KEY, &again, &sequencer)]))]);
        assert!(bench.failures(event).await.is_empty());
        assert_eq!(bench.store.keys(OUT), RESULTS);
    }
}

#[tokio::test]
async fn thumbnails_can_be_left_out() {
    let bench = Bench::new("labels");
    let mut config = config("labels");
    config.settings.thumbnail_px = 0;
    let processor = Processor::new(
        config,
        bench.store.clone(),
        bench.recogniser.clone(),
        options(&bench.hands, Duration::ZERO),
    );
    let info = bench.upload(KEY, &picture());
    let event = s3_event(&[put_record(KEY, &info, "01")]);
    processor.handle(event, &invocation(60)).await.unwrap();
    assert_eq!(bench.store.keys(OUT), [RESULTS[0]]);
    assert_eq!(bench.document(KEY)["thumbnail"], Value::Null);
}

#[tokio::test]
async fn a_thumbnail_that_could_not_be_written_costs_no_second_call() {
    let store = |store| {
        Failing::new(store, Faults::first(1, slow_down())).only("PutObject out-put thumbnails/")
    };
    let bench = Bench::with("labels", MemoryStore::new(), CannedRecogniser::new(), store);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    assert_eq!(bench.failures(event.clone()).await, ["m"]);
    assert!(bench.failures(event).await.is_empty());
    assert_eq!(bench.recogniser.count(), 1);
    assert_eq!(bench.store.keys(OUT), RESULTS);
}

#[tokio::test]
async fn limits_are_met_exactly() {
    let bench = Bench::new("labels,ppe");
    for (key, width, height, analyses, status) in [
        ("uploads/least", 80, 80, "labels", "succeeded"),
        ("uploads/most", 10_000, 80, "labels", "succeeded"),
        ("uploads/ppe", 64, 64, "ppe", "succeeded"),
        ("uploads/less", 63, 64, "ppe", "failed"),
        ("uploads/both", 64, 64, "labels,ppe", "failed"),
    ] {
        let info = bench.store.insert(
            IN,
            key,
            &jpeg(width, height, b""),
            "image/jpeg",
            &[("analyses", analyses)],
        );
        bench
            .handle(s3_event(&[put_record(key, &info, "01")]))
            .await
            .unwrap();
        assert_eq!(bench.document(key)["status"], status, "{key}");
    }
}

#[tokio::test]
async fn a_header_that_lies_far_inside_is_found() {
    let picture = picture();
    let mut bytes = b"\xFF\xD8".to_vec();
    for _ in 0..5 {
        bytes.extend(b"\xFF\xE2\xFF\xFF");
        bytes.extend([0; 65_533]);
    }
    bytes.extend(&picture[2..]);
    let bench = Bench::new("labels");
    let info = bench.upload(KEY, &bytes);
    bench
        .handle(s3_event(&[put_record(KEY, &info, "01")]))
        .await
        .unwrap();
    assert_eq!(bench.document(KEY)["image"]["width"], 640);
}

#[tokio::test]
async fn the_uploader_chooses_among_what_is_allowed() {
    let bench = Bench::new("labels,faces,text");
    for (number, (asked, analyses, calls)) in [
        ("faces", json!(["faces"]), 1),
        (" text , cats,faces", json!(["faces", "text"]), 2),
        ("faces,moderation", json!(["faces"]), 1),
        ("", json!(["labels", "faces", "text"]), 3),
        ("cats", json!(["labels", "faces", "text"]), 3),
        ("moderation", json!(["moderation"]), 0),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("uploads/{number}");
        let before = bench.recogniser.count();
        let info = bench
            .store
            .insert(IN, &key, &picture(), "image/jpeg", &[("analyses", asked)]);
        bench
            .handle(s3_event(&[put_record(&key, &info, "01")]))
            .await
            .unwrap();
        let document = bench.document(&key);
        assert_eq!(document["analyses"], analyses, "{asked:?}");
        assert_eq!(bench.recogniser.count() - before, calls, "{asked:?}");
        if calls == 0 {
            assert_eq!(document["errors"][0]["code"], "AnalysisNotEnabled");
        }
    }
}

#[tokio::test]
async fn when_all_analyses_are_refused_the_document_says_so() {
    let recogniser = CannedRecogniser::new()
        .with_faults(None, Faults::always(refused("InvalidImageFormatException")));
    let bench = Bench::with_recogniser("labels,image-properties,faces", recogniser);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    assert!(bench.failures(event.clone()).await.is_empty());
    let document = bench.document(KEY);
    assert_eq!(document["status"], "failed");
    assert_eq!(document["errors"].as_array().unwrap().len(), 3);
    // It is an answer, so the event is not worked on again.
    bench.handle(event).await.unwrap();
    assert_eq!(bench.recogniser.count(), 2);
}

#[tokio::test]
async fn a_picture_that_the_bucket_will_not_give_gets_a_failed_document() {
    let archived = StoreError {
        code: "InvalidObjectState".to_owned(),
        ..denied()
    };
    let store = |store| Failing::new(store, Faults::always(archived)).only("GetObject in-put");
    let bench = Bench::with("labels", MemoryStore::new(), CannedRecogniser::new(), store);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    assert!(bench.failures(event).await.is_empty());
    let document = bench.document(KEY);
    assert_eq!(document["errors"][0]["code"], "InvalidObjectState");
    assert_eq!(document["source"]["size"], json!(info.size));
    assert_eq!(document["source"]["eTag"], json!(info.e_tag));
}

#[tokio::test]
async fn missing_permissions_are_answered_once_they_are_granted() {
    let bad_head = StoreError {
        code: "BadRequest".to_owned(),
        ..denied()
    };
    for (error, call) in [
        (denied(), "GetObject in-put"),
        (denied(), "HeadObject in-put"),
        (bad_head, "HeadObject in-put"),
    ] {
        let store = |store| Failing::new(store, Faults::first(1, error)).only(call);
        let bench = Bench::with("labels", MemoryStore::new(), CannedRecogniser::new(), store);
        let info = bench.upload(KEY, &picture());
        let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
        assert_eq!(bench.failures(event.clone()).await, ["m"], "{call}");
        assert!(!answered(&bench), "{call}");
        assert!(bench.failures(event).await.is_empty(), "{call}");
        assert_eq!(bench.document(KEY)["status"], "succeeded", "{call}");
    }
    for code in [
        "AccessDeniedException",
        "UnrecognizedClientException",
        "InvalidSignatureException",
    ] {
        let recogniser = CannedRecogniser::new().with_faults(
            sightline_pipeline::Analysis::Faces.operation(),
            Faults::first(1, refused(code)),
        );
        let bench = Bench::with_recogniser("labels,faces", recogniser);
        let info = bench.upload(KEY, &picture());
        let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
        assert_eq!(bench.failures(event.clone()).await, ["m"], "{code}");
        assert!(!answered(&bench), "{code}");
        assert!(bench.failures(event).await.is_empty(), "{code}");
        assert_eq!(bench.document(KEY)["status"], "succeeded", "{code}");
        assert_eq!(bench.recogniser.count(), 3, "the labels were kept");
    }
}

#[tokio::test]
async fn a_picture_over_the_daily_limit_is_told_so_and_analysed_when_its_event_comes_again() {
    let recogniser =
        CannedRecogniser::new().with_faults(None, Faults::first(2, refused(DAILY_LIMIT_REACHED)));
    let bench = Bench::with_recogniser("labels", recogniser);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    for _ in 0..2 {
        assert!(bench.failures(event.clone()).await.is_empty());
        let document = bench.document(KEY);
        assert_eq!(document["status"], "failed");
        assert_eq!(document["errors"][0]["code"], DAILY_LIMIT_REACHED);
        assert_eq!(document["errors"][0]["retryable"], true);
        assert_eq!(document["cost"]["calls"], 0);
    }
    for _ in 0..2 {
        assert!(bench.failures(event.clone()).await.is_empty());
        assert_eq!(bench.document(KEY)["status"], "succeeded");
    }
    assert_eq!(bench.recogniser.count(), 3);
}

#[tokio::test]
async fn what_is_left_of_the_day_is_not_asked_for_twice() {
    let recogniser = CannedRecogniser::new().with_faults(
        sightline_pipeline::Analysis::Faces.operation(),
        Faults::first(1, refused(DAILY_LIMIT_REACHED)),
    );
    let bench = Bench::with_recogniser("labels,faces", recogniser);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    for _ in 0..2 {
        assert!(bench.failures(event.clone()).await.is_empty());
        assert_eq!(bench.document(KEY)["status"], "partial");
    }
    assert_eq!(bench.recogniser.count(), 2);
}

#[tokio::test]
async fn what_the_configuration_got_wrong_is_not_blamed_on_the_picture() {
    let no_bucket = StoreError {
        code: "NoSuchBucket".to_owned(),
        ..denied()
    };
    let input = |store| Failing::new(store, Faults::always(no_bucket)).only("in-put");
    let bench = Bench::with("labels", MemoryStore::new(), CannedRecogniser::new(), input);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    assert_eq!(bench.failures(event.clone()).await, ["m"]);

    let output = |store| Failing::new(store, Faults::always(denied())).only("PutObject out-put");
    let bench = Bench::with(
        "labels",
        MemoryStore::new(),
        CannedRecogniser::new(),
        output,
    );
    bench.upload(KEY, &picture());
    assert_eq!(bench.failures(event).await, ["m"]);
    assert_eq!(bench.recogniser.count(), 0, "no lease, no call");
}

#[tokio::test]
async fn whatever_fails_in_whatever_order_every_picture_is_answered_once() {
    for seed in 0..20 {
        let recogniser =
            CannedRecogniser::new().with_faults(None, Faults::seeded(seed, 30, throttled()));
        let store = |store| Failing::new(store, Faults::seeded(seed, 15, slow_down()));
        let bench = Bench::with("labels,faces,text", MemoryStore::new(), recogniser, store);
        let mut waiting: Vec<(String, Value)> = (0..8)
            .map(|number| {
                let key = format!("uploads/{number}.jpg");
                let info = bench.upload(&key, &picture());
                (key.clone(), s3_event(&[put_record(&key, &info, "01")]))
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
            let failed = bench.failures(queue(&messages)).await;
            waiting.retain(|(id, _)| failed.contains(id));
            // A queue waits between deliveries longer than an invocation takes.
            bench.hands.forward(360);
        }
        for number in 0..8 {
            assert_eq!(
                bench.document(&format!("uploads/{number}.jpg"))["status"],
                "succeeded"
            );
        }
        let answered = bench
            .store
            .calls()
            .iter()
            .filter(|call| call.starts_with("PutObject out-put results/"))
            .count();
        assert_eq!(answered, 8, "seed {seed}");
    }
}

#[tokio::test]
async fn what_there_is_no_time_for_comes_again() {
    let recogniser = CannedRecogniser::new().with_delay(Duration::from_secs(30));
    let bench = Bench::with_recogniser("labels", recogniser);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
    let mut short = invocation(0);
    // No time at all: nothing is begun.
    let answer = bench.processor.handle(event.clone(), &short).await.unwrap();
    assert_eq!(failures(&answer), ["m"]);
    assert_eq!(bench.recogniser.count(), 0);
    // Time to begin, not to finish: the lease is given back before the end.
    short.time_left = Duration::from_secs(2);
    let answer = bench.processor.handle(event, &short).await.unwrap();
    assert_eq!(failures(&answer), ["m"]);
    assert_eq!(bench.recogniser.count(), 1);
    assert!(!answered(&bench));
}

#[tokio::test]
async fn of_a_batch_what_there_was_time_for_stays_done() {
    let hands = Hands::default();
    let memory = MemoryStore::new();
    let recogniser = CannedRecogniser::new().with_delay(Duration::from_secs(2));
    let options = Options {
        side_by_side: 1,
        ..options(&hands, Duration::ZERO)
    };
    let processor = Processor::new(
        config("labels"),
        memory.clone(),
        recogniser.clone(),
        options,
    );
    let keys = ["uploads/1.jpg", "uploads/2.jpg", "uploads/3.jpg"];
    let messages = keys.map(|key| {
        let info = memory.insert(IN, key, &picture(), "image/jpeg", &[]);
        (key, s3_event(&[put_record(key, &info, "01")]))
    });
    // The second is begun and has no time to be answered, the third is not begun.
    let answer = processor.handle(queue(&messages), &invocation(4)).await;
    assert_eq!(failures(&answer.unwrap()), &keys[1..]);
    assert_eq!(recogniser.count(), 2);
    let answer = processor.handle(queue(&messages), &invocation(60)).await;
    assert!(failures(&answer.unwrap()).is_empty());
    assert_eq!(recogniser.count(), 4);
}

#[tokio::test]
async fn a_bucket_that_does_not_answer_costs_no_second_call() {
    for stuck in [
        "PutObject out-put thumbnails/",
        "PutObject out-put results/",
    ] {
        let store = |store| {
            Failing::new(store, Faults::first(1, slow_down()))
                .only(stuck)
                .stuck()
        };
        let bench = Bench::with(
            "labels,text",
            MemoryStore::new(),
            CannedRecogniser::new(),
            store,
        );
        let info = bench.upload(KEY, &picture());
        let event = queue(&[("m", s3_event(&[put_record(KEY, &info, "01")]))]);
        let answer = bench.processor.handle(event.clone(), &invocation(2)).await;
        assert_eq!(failures(&answer.unwrap()), ["m"], "{stuck}");
        assert_eq!(bench.recogniser.count(), 2);
        assert!(bench.failures(event).await.is_empty());
        assert_eq!(bench.recogniser.count(), 2, "{stuck}");
        assert_eq!(bench.store.keys(OUT), RESULTS);
    }
}

#[tokio::test]
async fn nothing_is_asked_about_a_picture_whose_turn_comes_too_late() {
    let stuck = "uploads/slow.jpg";
    let store = |store| {
        Failing::new(store, Faults::first(1, slow_down()))
            .only("GetObject in-put uploads/slow.jpg whole")
            .stuck()
    };
    let hands = Hands::default();
    let memory = MemoryStore::new();
    let recogniser = CannedRecogniser::new();
    let options = Options {
        prepared_side_by_side: 1,
        ..options(&hands, Duration::ZERO)
    };
    let processor = Processor::new(
        config("labels"),
        store(memory.clone()),
        recogniser.clone(),
        options,
    );
    let messages = [stuck, KEY].map(|key| {
        let info = memory.insert(IN, key, &picture(), "image/jpeg", &[]);
        (key, s3_event(&[put_record(key, &info, "01")]))
    });
    let only = |at: usize| queue(&messages[at..=at]);
    // The second's time to begin is over before the first gives its turn back.
    let mut shorter = invocation(2);
    shorter.time_left = Duration::from_millis(500);
    let short = invocation(2);
    let (first, second) = futures::join!(processor.handle(only(0), &short), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        processor.handle(only(1), &shorter).await
    });
    assert_eq!(failures(&first.unwrap()), [stuck]);
    assert_eq!(failures(&second.unwrap()), [KEY]);
    assert_eq!(recogniser.count(), 0);
    // Their leases were given back, so both are worked on at once.
    let again = processor.handle(queue(&messages), &invocation(60)).await;
    assert!(failures(&again.unwrap()).is_empty());
    assert_eq!(recogniser.count(), 2);
}

#[tokio::test]
async fn at_most_so_many_at_once() {
    let recogniser = CannedRecogniser::new().with_delay(Duration::from_millis(150));
    let bench = Bench::with_recogniser("labels", recogniser);
    let mut options = options(&bench.hands, Duration::ZERO);
    options.side_by_side = 3;
    let processor = Processor::new(
        config("labels"),
        bench.store.clone(),
        bench.recogniser.clone(),
        options,
    );
    let records: Vec<Value> = (0..9)
        .map(|number| {
            let key = format!("uploads/{number}.jpg");
            put_record(&key, &bench.upload(&key, &picture()), "01")
        })
        .collect();
    let event = s3_event(&records);
    let invocation = invocation(60);
    let work = processor.handle(event, &invocation);
    let watch = async {
        let mut most = 0;
        while bench.recogniser.count() < 9 {
            let held = bench
                .store
                .keys(OUT)
                .iter()
                .filter(|key| key.starts_with("claims/"))
                .count();
            most = most.max(held);
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        most
    };
    let (answer, most) = futures::join!(work, watch);
    assert_eq!(answer, Ok(Value::Null));
    assert_eq!(most, 3);
}

/// The command-line tool runs the processor as a task.
#[test]
fn the_work_can_be_spawned() {
    fn is_send<T: Send>(_: T) {}
    let bench = Bench::new("labels");
    let invocation = invocation(1);
    is_send(bench.processor.handle(json!({}), &invocation));
}

#[tokio::test]
async fn why_a_message_comes_again_is_told_beside_the_answer() {
    let store = |store| Failing::new(store, Faults::always(denied())).only("HeadObject in-put");
    let bench = Bench::with("labels", MemoryStore::new(), CannedRecogniser::new(), store);
    let info = bench.upload(KEY, &picture());
    let event = queue(&[
        ("denied", s3_event(&[put_record(KEY, &info, "01")])),
        ("strange", json!({"Records": [{"eventSource": "aws:s3"}]})),
        ("nothing", s3_event(&[])),
    ]);
    let (answer, reasons) = bench
        .processor
        .handle_with_reasons(event, &invocation(60))
        .await
        .unwrap();
    assert_eq!(failures(&answer), ["denied", "strange"]);
    assert_eq!(reasons.keys().collect::<Vec<_>>(), ["denied", "strange"]);
    assert!(reasons["denied"].contains("AccessDenied"), "{reasons:?}");
    assert!(!reasons["strange"].is_empty());
}
