//! From events to results: once, and in order.

use std::time::Duration;

use futures::future::join_all;
use serde_json::{Value, json};
use sightline_pipeline::{
    document::ResultDocument,
    object_store::{ObjectInfo, ObjectStore},
    recogniser::{ImageSource, RecogniserQuery},
    testing::{CannedRecogniser, MemoryStore},
};

use super::support::{
    IN, KEY, OUT, RESULTS, TestProcessor, config, direct_event, failures, invocation, jpeg,
    message, options, picture, put_record, queue, s3_event, too_large_to_hold,
};

#[tokio::test]
async fn a_picture_gets_a_document_under_its_decoded_key() {
    let test = TestProcessor::new("labels,image-properties");
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "01");
    assert_eq!(
        test.handle(event).await.unwrap(),
        json!({"batchItemFailures": []})
    );
    assert_eq!(test.store.keys(OUT), RESULTS, "the lease is released");
    let document: ResultDocument = serde_json::from_value(test.document(KEY)).unwrap();
    assert_eq!(document.summary.labels, ["Dog", "Animal"]);
    assert_eq!(document.timings.waited_ms, Some(1500));
    let calls = test.recogniser.calls();
    assert_eq!(calls.len(), 1, "labels and image properties share a call");
    assert_eq!(
        calls[0].query,
        RecogniserQuery::Labels {
            labels: true,
            image_properties: true,
            min_confidence: 55.0,
            max_labels: 1000
        }
    );
    assert_eq!(
        calls[0].image,
        ImageSource::Object {
            bucket: IN.into(),
            key: KEY.into(),
            version_id: None
        }
    );
}

#[tokio::test]
async fn a_picture_takes_as_few_calls_of_the_buckets_as_its_guarantees_allow() {
    let image = "in-put uploads/my cat+1.jpg";
    let [result, thumbnail, preview, lease] = [
        "out-put results/uploads/my cat+1.jpg.json",
        "out-put thumbnails/uploads/my cat+1.jpg.jpg",
        "out-put previews/uploads/my cat+1.jpg.jpg",
        "out-put claims/uploads/my cat+1.jpg",
    ];
    let call = |operation: &str, object: &str| format!("{operation} {object}");
    let ask = [call("PutObject", lease), call("HeadObject", result)];
    let answer = [
        call("PutObject", thumbnail),
        call("PutObject", preview),
        call("PutObject", result),
        call("DeleteObject", lease),
    ];
    for held in [true, false] {
        let test = TestProcessor::new("labels");
        let mut info = test.upload(KEY, &picture());
        let mut expected = vec![call("GetObject", image)];
        if !held {
            info = too_large_to_hold(&info);
            expected.insert(0, call("HeadObject", image));
        }
        let found = expected.clone();
        expected.extend(ask.clone());
        if !held {
            expected.push(call("GetObject", image));
        }
        expected.extend(answer.clone());
        let event = message(KEY, &info, "01");
        assert!(test.failures(event.clone()).await.is_empty());
        assert_eq!(test.store.calls(), expected);
        // The same event again.
        assert!(test.failures(event).await.is_empty());
        let again = [found, ask.to_vec(), vec![call("DeleteObject", lease)]].concat();
        assert_eq!(test.store.calls()[expected.len()..], again);
    }
}

#[tokio::test]
async fn a_picture_without_renditions_takes_no_calls_for_them() {
    let mut test = TestProcessor::new("labels");
    let mut config = config("labels");
    config.settings.thumbnail_px = 0;
    config.settings.preview_px = 0;
    test.processor = test.another_processor(config, options(&test.clock, Duration::ZERO));
    let calls = async |image: &[u8], sequencer: &str| {
        let before = test.store.calls().len();
        let info = test.upload(KEY, image);
        assert!(
            test.failures(message(KEY, &info, sequencer))
                .await
                .is_empty()
        );
        let of_renditions =
            |call: &&String| call.contains("thumbnails/") || call.contains("previews/");
        test.store.calls()[before..]
            .iter()
            .filter(of_renditions)
            .count()
    };
    assert_eq!(calls(&picture(), "01").await, 0);
    // The first version may have had renditions.
    assert_eq!(calls(&jpeg(640, 480, b"other"), "02").await, 2);
}

#[tokio::test]
async fn repeated_events_cause_one_call_and_one_write() {
    for seed in 0..5 {
        let recogniser = CannedRecogniser::new().with_delay(Duration::from_millis(5));
        let mut test = TestProcessor::with_recogniser("labels,faces", recogniser);
        test.processor = test.another_processor(
            config("labels,faces"),
            options(&test.clock, Duration::from_secs(20)),
        );
        let keys: Vec<String> = (0..6).map(|n| format!("uploads/{n}.jpg")).collect();
        let mut events = Vec::new();
        for key in &keys {
            let info = test.upload(key, &picture());
            let record = put_record(key, &info, "01");
            // Two messages in one batch, and one in another.
            events.push(queue(&[
                ("1", s3_event(std::slice::from_ref(&record))),
                ("2", s3_event(std::slice::from_ref(&record))),
            ]));
            events.push(queue(&[("3", s3_event(&[record]))]));
        }
        let turn = seed * 5 % events.len();
        events.rotate_left(turn);
        let answers = join_all(events.into_iter().map(|event| test.handle(event))).await;
        for answer in answers {
            assert_eq!(failures(&answer.unwrap()), Vec::<String>::new());
        }
        assert_eq!(test.recogniser.count(), 2 * keys.len());
        let written = test
            .store
            .calls()
            .into_iter()
            .filter(|call| call.starts_with("PutObject out-put results/"))
            .count();
        assert_eq!(written, keys.len());
        assert_eq!(
            test.store.keys(OUT).len(),
            3 * keys.len(),
            "no lease is left"
        );
    }
}

#[tokio::test]
async fn two_processes_cause_one_call() {
    let recogniser = CannedRecogniser::new().with_delay(Duration::from_millis(20));
    let test = TestProcessor::with_recogniser("labels", recogniser);
    let info = test.upload(KEY, &picture());
    let other = test.another_processor(config("labels"), options(&test.clock, Duration::ZERO));
    let event = message(KEY, &info, "01");
    let invocation = invocation(60);
    let (one, two) = futures::join!(
        test.handle(event.clone()),
        other.handle(event.clone(), &invocation)
    );
    let failed = [failures(&one.unwrap()), failures(&two.unwrap())].concat();
    // The second worker does not wait for the lease, so its message is retried and finds the result.
    assert_eq!(failed, ["m"]);
    assert!(test.failures(event).await.is_empty());
    assert_eq!(test.recogniser.count(), 1);
}

#[tokio::test]
async fn an_older_event_never_replaces_a_newer_result() {
    // The bytes are the same, so only the sequencers differ.
    let test = TestProcessor::new("labels");
    let info = test.upload(KEY, &picture());
    let newer = direct_event(KEY, &info, "0055AED6DCD90281E6");
    let older = direct_event(KEY, &info, "0055AED6DCD90281E5");
    test.handle(newer.clone()).await.unwrap();
    test.handle(older).await.unwrap();
    test.handle(newer).await.unwrap();
    assert_eq!(test.recogniser.count(), 1);
    assert_eq!(
        test.document(KEY)["source"]["sequencer"],
        "0055AED6DCD90281E6"
    );
    let next = direct_event(KEY, &info, "0055AED6DCD90281E600");
    test.handle(next).await.unwrap();
    assert_eq!(
        test.recogniser.count(),
        1,
        "zeros on the right do not count"
    );
    let next = direct_event(KEY, &info, "0055AED6DCD90281E7");
    test.handle(next).await.unwrap();
    assert_eq!(
        test.recogniser.count(),
        2,
        "a newer upload is analysed again"
    );
}

#[tokio::test]
async fn the_same_bytes_stored_again_are_analysed_again() {
    let test = TestProcessor::new("labels");
    let without_sequencer = |info: &ObjectInfo| {
        let mut record = put_record(KEY, info, "");
        let object = record.pointer_mut("/s3/object").unwrap();
        object.as_object_mut().unwrap().remove("sequencer");
        s3_event(&[record])
    };
    let first = test.upload(KEY, &picture());
    test.handle(without_sequencer(&first)).await.unwrap();
    // S3's own event, late, then the event sent by hand again.
    let own = direct_event(KEY, &first, "01");
    test.handle(own).await.unwrap();
    test.handle(without_sequencer(&first)).await.unwrap();
    assert_eq!(test.recogniser.count(), 1);

    let again = test.upload(KEY, &picture());
    assert_eq!(again.e_tag, first.e_tag);
    let event = direct_event(KEY, &again, "02");
    test.handle(event.clone()).await.unwrap();
    test.handle(event).await.unwrap();
    test.handle(without_sequencer(&again)).await.unwrap();
    assert_eq!(test.recogniser.count(), 2);
    assert_eq!(test.document(KEY)["source"]["sequencer"], "02");
}

#[tokio::test]
async fn a_batch_with_several_events_for_a_key_processes_the_newest() {
    let test = TestProcessor::new("labels");
    let first = test.upload(KEY, &jpeg(100, 100, b"first"));
    let second = test.upload(KEY, &jpeg(200, 200, b"second"));
    let event = queue(&[
        ("old", direct_event(KEY, &first, "01")),
        ("new", direct_event(KEY, &second, "02")),
        ("again", direct_event(KEY, &second, "02")),
    ]);
    assert!(test.failures(event).await.is_empty());
    assert_eq!(test.recogniser.count(), 1);
    assert_eq!(test.document(KEY)["image"]["width"], 200);
}

#[tokio::test]
async fn in_a_bucket_with_versioning_the_version_id_decides() {
    let test = TestProcessor::with(
        "labels",
        MemoryStore::versioned(),
        CannedRecogniser::new(),
        |store| store,
    );
    let first = test.upload(KEY, &picture());
    let event = direct_event(KEY, &first, "01");
    test.handle(event.clone()).await.unwrap();
    let second = test.upload(KEY, &picture());
    assert_eq!(first.e_tag, second.e_tag);
    test.handle(direct_event(KEY, &second, "02")).await.unwrap();
    test.handle(event).await.unwrap();
    assert_eq!(test.recogniser.count(), 2);
    assert_eq!(
        test.document(KEY)["source"]["versionId"],
        json!(second.version_id)
    );
    assert_eq!(
        test.recogniser.calls()[1].image,
        ImageSource::Object {
            bucket: IN.into(),
            key: KEY.into(),
            version_id: second.version_id
        }
    );
}

#[tokio::test]
async fn deleted_and_replaced_objects_are_skipped() {
    let test = TestProcessor::new("labels");
    let info = test.upload(KEY, &picture());
    let record = put_record(KEY, &info, "01");
    test.upload(KEY, &jpeg(300, 300, b"another"));
    let event = queue(&[("m", s3_event(std::slice::from_ref(&record)))]);
    assert!(test.failures(event.clone()).await.is_empty());
    test.store.delete(IN, KEY).await.unwrap();
    assert!(test.failures(event).await.is_empty());
    assert_eq!(test.recogniser.count(), 0);
    assert_eq!(test.store.keys(OUT), Vec::<String>::new());
}

#[tokio::test]
async fn other_keys_and_buckets_are_ignored() {
    let test = TestProcessor::new("labels");
    let long = format!("uploads/{}", "k".repeat(1010));
    let records: Vec<Value> = [
        "cat.jpg",
        "results/uploads/a.json",
        "inline/a.jpg",
        "uploads/folder/",
        &long,
    ]
    .into_iter()
    .map(|key| put_record(key, &test.upload(key, &picture()), "01"))
    .chain([json!({
        "eventName": "ObjectCreated:Put",
        "s3": {"bucket": {"name": "another"}, "object": {"key": "uploads/a.jpg"}},
    })])
    .collect();
    let before = test.store.calls().len();
    let event = queue(&[("m", s3_event(&records))]);
    assert!(test.failures(event).await.is_empty());
    assert_eq!(test.store.calls().len(), before);
}

#[tokio::test]
async fn a_result_without_metadata_is_read_from_its_document() {
    let test = TestProcessor::new("labels");
    let info = test.upload(KEY, &picture());
    let result = json!({"source": {"eTag": info.e_tag}});
    let store_result = |body: &[u8]| {
        test.store.insert(
            OUT,
            "results/uploads/my cat+1.jpg.json",
            body,
            "application/json",
            &[],
        )
    };
    store_result(result.to_string().as_bytes());
    let event = direct_event(KEY, &info, "01");
    test.handle(event.clone()).await.unwrap();
    assert_eq!(test.recogniser.count(), 0);
    // An object that is not a document is replaced.
    store_result(b"?");
    test.handle(event).await.unwrap();
    assert_eq!(test.recogniser.count(), 1);
    assert_eq!(test.document(KEY)["status"], "succeeded");
}
