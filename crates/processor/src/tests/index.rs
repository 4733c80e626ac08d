//! The image's row in the index.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use sightline_pipeline::{
    SourceKey,
    index::{Deletion, Entry, ImageIndex},
    object_store::{Get, GetOutcome, ObjectInfo, ObjectStore, Put, PutOutcome},
    service_error::{Fate, ServiceError},
    testing::{CannedRecogniser, FailingIndex, Faults, MemoryIndex, MemoryStore, busy, slow_down},
    version::ObjectVersion,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use super::support::*;
use crate::{Options, Processor};

const KEY: &str = "uploads/a.jpg";

type Indexed<I> = Processor<MemoryStore, CannedRecogniser, I>;

/// The test's processor, with this index.
fn indexed<I: ImageIndex + Clone>(test: &TestProcessor, index: &I) -> Indexed<I> {
    let options = options(&test.clock, Duration::ZERO);
    test.another_processor(config("labels"), options)
        .with_index(Some(index.clone()))
}

fn event(test: &TestProcessor) -> serde_json::Value {
    let info = test.upload(KEY, &picture());
    message(KEY, &info, "01")
}

#[tokio::test]
async fn a_row_is_added_after_its_document() {
    let (test, index) = (TestProcessor::new("labels"), MemoryIndex::new());
    let processor = indexed(&test, &index);
    let event = event(&test);
    let answer = processor.handle(event, &invocation(60)).await.unwrap();
    assert!(failures(&answer).is_empty());
    let entries = index.entries();
    assert_eq!(entries.len(), 1);
    let document = serde_json::from_value(test.document(KEY)).unwrap();
    assert_eq!(entries[0], Entry::from_document(&document));
    assert!(!entries[0].terms.is_empty());
}

/// S3's event for a document that a lifecycle rule deleted, with its time.
fn expiry(time: OffsetDateTime) -> serde_json::Value {
    let time = time.format(&Rfc3339).unwrap();
    let event = json!({"Records": [{
        "eventVersion": "2.3",
        "eventSource": "aws:s3",
        "eventTime": time,
        "eventName": "LifecycleExpiration:Delete",
        "s3": {
            "bucket": {"name": OUT},
            "object": {"key": "results%2Fuploads%2Fa.jpg.json", "sequencer": "0061"},
        },
    }]});
    queue(&[("expired", event)])
}

#[tokio::test]
async fn a_row_ends_with_its_document() {
    let (test, index) = (TestProcessor::new("labels"), MemoryIndex::new());
    let processor = indexed(&test, &index);
    let event = event(&test);
    processor.handle(event, &invocation(60)).await.unwrap();
    let processed = index.entries()[0].row.processed_at;
    let later = processed + time::Duration::days(30);
    // The document is still there: it was written again since.
    let response = processor.handle(expiry(later), &invocation(60)).await;
    assert!(failures(&response.unwrap()).is_empty());
    assert_eq!(index.entries().len(), 1);
    let key = SourceKey::new(KEY).unwrap();
    test.store.delete(OUT, &key.result_key()).await.unwrap();
    // The event of an older document.
    let earlier = processed - time::Duration::days(1);
    processor
        .handle(expiry(earlier), &invocation(60))
        .await
        .unwrap();
    assert_eq!(index.entries().len(), 1);
    // A busy index keeps the message.
    let failing = indexed(
        &test,
        &FailingIndex::new(index.clone(), Faults::first(1, busy())),
    );
    let response = failing.handle(expiry(later), &invocation(60)).await;
    assert_eq!(failures(&response.unwrap()), ["expired"]);
    for _ in 0..2 {
        processor
            .handle(expiry(later), &invocation(60))
            .await
            .unwrap();
        assert!(index.entries().is_empty());
    }
}

#[tokio::test]
async fn a_failed_picture_gets_a_row_too() {
    let (test, index) = (TestProcessor::new("labels"), MemoryIndex::new());
    let processor = indexed(&test, &index);
    let info = test.upload(KEY, b"no picture");
    let event = message(KEY, &info, "01");
    processor.handle(event, &invocation(60)).await.unwrap();
    assert_eq!(index.entries()[0].row.status.name(), "failed");
}

#[tokio::test]
async fn a_failing_index_causes_a_retry_without_a_second_call() {
    let refused = ServiceError {
        code: "AccessDeniedException".to_owned(),
        fate: Fate::Repair,
        ..busy()
    };
    for error in [busy(), refused] {
        let (test, index) = (TestProcessor::new("labels"), MemoryIndex::new());
        let processor = indexed(
            &test,
            &FailingIndex::new(index.clone(), Faults::first(1, error)),
        );
        let event = event(&test);
        let answer = processor.handle(event.clone(), &invocation(60)).await;
        assert_eq!(failures(&answer.unwrap()), ["m"]);
        assert_eq!(test.document(KEY)["status"], "succeeded");
        assert!(index.entries().is_empty());
        let answer = processor.handle(event, &invocation(60)).await.unwrap();
        assert!(failures(&answer).is_empty());
        assert_eq!(index.entries().len(), 1);
        assert_eq!(test.recogniser.count(), 1);
        assert!(
            !test
                .store
                .keys(OUT)
                .iter()
                .any(|key| key.starts_with("claims/"))
        );
    }
}

#[tokio::test]
async fn an_image_that_is_removed_while_in_process_leaves_nothing() {
    let (test, index) = (TestProcessor::new("labels"), MemoryIndex::new());
    let processor = indexed(&test, &index);
    let event = event(&test);
    let key = SourceKey::new(KEY).unwrap();
    index.remove(&key, &test.clock.now().into()).await.unwrap();
    test.store.delete(IN, KEY).await.unwrap();
    for _ in 0..2 {
        let answer = processor.handle(event.clone(), &invocation(60)).await;
        assert!(failures(&answer.unwrap()).is_empty());
        assert!(
            test.store.keys(OUT).is_empty(),
            "{:?}",
            test.store.keys(OUT)
        );
        assert!(index.entries().is_empty());
    }
}

/// The steps of `DELETE /images/{key}`.
async fn delete(test: &TestProcessor, index: &MemoryIndex, key: &SourceKey) {
    let found = test.store.head(IN, key.as_str()).await.unwrap();
    let mut deletion = Deletion {
        at: OffsetDateTime::now_utc(),
        version: found.map(|info| ObjectVersion {
            e_tag: info.e_tag,
            version_id: None,
            sequencer: None,
            last_modified: info.last_modified,
        }),
        complete: false,
    };
    index.remove(key, &deletion).await.unwrap();
    tokio::task::yield_now().await;
    test.store.delete(IN, key.as_str()).await.unwrap();
    tokio::task::yield_now().await;
    deletion.complete = true;
    index.remove(key, &deletion).await.unwrap();
    for key in [
        key.thumbnail_key(),
        key.preview_key(),
        key.result_key(),
        key.lease_key(),
    ] {
        tokio::task::yield_now().await;
        test.store.delete(OUT, &key).await.unwrap();
    }
}

#[tokio::test]
async fn a_thousand_images_deleted_while_in_process_within_their_second_stay_deleted() {
    for round in 0..20 {
        let recogniser = CannedRecogniser::new().with_delay(Duration::from_millis(10));
        let (test, index) = (
            TestProcessor::with_recogniser("labels", recogniser),
            MemoryIndex::new(),
        );
        let processor = Processor::new(
            config("labels"),
            test.store.clone(),
            test.recogniser.clone(),
            Options {
                prepare_concurrency: 8,
                ..Options::default()
            },
        )
        .with_index(Some(index.clone()));
        // The picture is small, so that preparing it takes no time.
        let picture = jpeg(80, 80, b"small");
        let images: Vec<_> = (0..50)
            .map(|number| SourceKey::new(format!("uploads/{round}-{number}.jpg")).unwrap())
            .collect();
        let work = images.iter().enumerate().map(async |(number, key)| {
            let info = test.upload(key.as_str(), &picture);
            let event = message(key.as_str(), &info, "01");
            let deleted = async {
                tokio::time::sleep(Duration::from_millis((number as u64 + round) % 25)).await;
                delete(&test, &index, key).await;
            };
            let invocation = invocation(60);
            let handled = processor.handle(event.clone(), &invocation);
            let (answer, ()) = futures::join!(handled, deleted);
            // A message that came in the middle of the deletion is retried.
            if !failures(&answer.unwrap()).is_empty() {
                let again = processor.handle(event, &invocation).await.unwrap();
                assert!(failures(&again).is_empty());
            }
        });
        futures::future::join_all(work).await;
        assert_eq!(test.store.keys(OUT), Vec::<String>::new());
        assert!(index.entries().is_empty());
    }
}

#[tokio::test]
async fn an_image_stored_again_within_the_second_of_its_deletion_stays() {
    let (test, index) = (TestProcessor::new("labels"), MemoryIndex::new());
    let processor = indexed(&test, &index);
    let key = SourceKey::new(KEY).unwrap();
    let first = test.upload(KEY, &picture());
    let first = message(KEY, &first, "01");
    delete(&test, &index, &key).await;
    let second = test.upload(KEY, &picture());
    let second = message(KEY, &second, "02");
    for event in [first, second] {
        let answer = processor.handle(event, &invocation(60)).await.unwrap();
        assert!(failures(&answer).is_empty());
    }
    assert_eq!(test.document(KEY)["source"]["sequencer"], "02");
    assert_eq!(index.entries().len(), 1);
}

#[tokio::test]
async fn an_interrupted_deletion_keeps_the_image_after_a_minute() {
    let (test, index) = (TestProcessor::new("labels"), MemoryIndex::new());
    let processor = indexed(&test, &index);
    let event = event(&test);
    let key = SourceKey::new(KEY).unwrap();
    let deletion = Deletion {
        complete: false,
        ..Deletion::from(test.clock.now())
    };
    index.remove(&key, &deletion).await.unwrap();
    let answer = processor.handle(event.clone(), &invocation(60)).await;
    assert_eq!(failures(&answer.unwrap()), ["m"]);
    test.clock.forward(61);
    let answer = processor.handle(event, &invocation(60)).await.unwrap();
    assert!(failures(&answer).is_empty());
    assert_eq!(index.entries().len(), 1);
    assert_eq!(test.recogniser.count(), 1);
}

#[tokio::test]
async fn a_sole_worker_lists_an_image_again_before_its_attempts_run_out() {
    let (test, index) = (TestProcessor::new("labels"), MemoryIndex::new());
    let mut options = options(&test.clock, Duration::ZERO);
    options.sole_worker = true;
    let processor = test
        .another_processor(config("labels"), options)
        .with_index(Some(index.clone()));
    let event = event(&test);
    let key = SourceKey::new(KEY).unwrap();
    let deletion = Deletion {
        complete: false,
        ..Deletion::from(test.clock.now())
    };
    index.remove(&key, &deletion).await.unwrap();
    let answer = processor
        .handle_with_reasons(event.clone(), &invocation(60))
        .await;
    let (_, reasons) = answer.unwrap();
    assert!(reasons["m"].contains("is being deleted"), "{reasons:?}");
    // The shortest delays of the local queue before its fifth and last attempt are 0.5, 1, 2 and 4 seconds.
    test.clock.forward(7);
    let answer = processor.handle(event, &invocation(60)).await.unwrap();
    assert!(failures(&answer).is_empty());
    assert_eq!(index.entries().len(), 1);
}

#[tokio::test]
async fn an_interrupted_attempt_on_a_deleted_image_leaves_no_rendition_or_lease() {
    let recogniser = CannedRecogniser::new().with_faults(None, Faults::first(1, slow_down()));
    let (test, index) = (
        TestProcessor::with_recogniser("labels", recogniser),
        MemoryIndex::new(),
    );
    let processor = indexed(&test, &index);
    let event = event(&test);
    let answer = processor.handle(event.clone(), &invocation(60)).await;
    assert_eq!(failures(&answer.unwrap()), ["m"]);
    assert_eq!(test.store.keys(OUT).len(), 3, "{:?}", test.store.keys(OUT));
    test.store.delete(IN, KEY).await.unwrap();
    let answer = processor.handle(event, &invocation(60)).await.unwrap();
    assert!(failures(&answer).is_empty());
    assert_eq!(test.store.keys(OUT), Vec::<String>::new());
}

/// Hides the result from the first look, as if another worker, whose lease had expired, wrote it just afterwards.
#[derive(Debug, Clone)]
struct LateResult {
    store: MemoryStore,
    hidden: Arc<AtomicBool>,
}

impl ObjectStore for LateResult {
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, ServiceError> {
        if key.starts_with("results/") && self.hidden.swap(false, Ordering::SeqCst) {
            return Ok(None);
        }
        self.store.head(bucket, key).await
    }

    async fn get(&self, get: Get<'_>) -> Result<GetOutcome, ServiceError> {
        self.store.get(get).await
    }

    async fn put(&self, put: Put<'_>) -> Result<PutOutcome, ServiceError> {
        self.store.put(put).await
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        self.store.delete(bucket, key).await
    }

    async fn delete_once(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        self.store.delete_once(bucket, key).await
    }
}

#[tokio::test]
async fn a_result_that_another_worker_wrote_in_the_meantime_gets_its_row() {
    let (test, index) = (TestProcessor::new("labels"), MemoryIndex::new());
    let event = event(&test);
    // The other worker dies before it adds the row.
    test.handle(event.clone()).await.unwrap();
    let late = LateResult {
        store: test.store.clone(),
        hidden: Arc::new(AtomicBool::new(true)),
    };
    let processor = Processor::new(
        config("labels"),
        late,
        test.recogniser.clone(),
        options(&test.clock, Duration::ZERO),
    )
    .with_index(Some(index.clone()));
    let answer = processor.handle(event, &invocation(60)).await.unwrap();
    assert!(failures(&answer).is_empty());
    assert_eq!(index.entries().len(), 1);
    // Two writes were tried, and the second yielded to the first.
    let calls = test.store.calls();
    let tried = calls
        .iter()
        .filter(|call| call.starts_with("PutObject out-put results/"));
    assert_eq!(tried.count(), 2);
}
