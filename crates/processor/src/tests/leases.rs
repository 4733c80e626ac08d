//! Leases and conditional writes.

use std::time::Duration;

use serde_json::json;
use sightline_pipeline::{
    SourceKey,
    document::ResultDocument,
    object_store::{Condition, Get, GetOutcome, ObjectInfo, ObjectStore, Put, PutOutcome},
    service_error::ServiceError,
    testing::{CannedRecogniser, Failing, Faults, MemoryStore, slow_down},
    version::ObjectVersion,
};

use super::support::{
    IN, KEY, LEASE, OUT, RESULTS, TestClock, TestProcessor, config, failures, invocation, message,
    options, picture,
};
use crate::{
    Processor,
    outcome::Skip,
    result_slot::{ResultSlot, StoredResult, WriteOutcome},
};

#[tokio::test]
async fn an_expired_lease_is_taken_over() {
    let test = TestProcessor::new("labels");
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "01");
    leave_a_lease(&test, &info.e_tag, "01", "dead/1/0", 60).await;
    assert_eq!(test.failures(event.clone()).await, ["m"]);
    assert_eq!(test.recogniser.count(), 0);
    test.clock.forward(61);
    assert!(test.failures(event).await.is_empty());
    assert_eq!(test.recogniser.count(), 1);
    assert_eq!(test.store.keys(OUT), RESULTS);
}

#[tokio::test]
async fn a_clock_that_is_set_neither_frees_a_held_lease_nor_keeps_a_dead_one() {
    // Set forward by a day while a worker of this process holds the lease: nobody takes it over.
    let recogniser = CannedRecogniser::new().with_delay(Duration::from_millis(500));
    for seconds in [86_400, -86_400] {
        let test = TestProcessor::with_recogniser("labels", recogniser.clone());
        let before = test.recogniser.count();
        let info = test.upload(KEY, &picture());
        let event = message(KEY, &info, "01");
        let second = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            test.clock.forward(seconds);
            test.failures(event.clone()).await
        };
        let (first, second) = futures::join!(test.failures(event.clone()), second);
        assert_eq!((first.len(), second.len()), (0, 1), "{seconds}");
        assert_eq!(test.recogniser.count() - before, 1);
        assert_eq!(test.store.keys(OUT), RESULTS, "the lease is released");
    }
    // Set back by a day after another process died: its lease seems to be valid for a day.
    let test = TestProcessor::new("labels");
    let info = test.upload(KEY, &picture());
    leave_a_lease(&test, &info.e_tag, "01", "dead/1/0", 86_400).await;
    let event = message(KEY, &info, "01");
    assert!(test.failures(event).await.is_empty());
    assert_eq!(test.recogniser.count(), 1);
}

/// Stores a lease of another worker.
async fn leave_a_lease(
    test: &TestProcessor,
    e_tag: &str,
    sequencer: &str,
    owner: &str,
    seconds: i64,
) {
    let time = |time: time::OffsetDateTime| {
        time.format(&time::format_description::well_known::Rfc3339)
            .unwrap()
    };
    let body = json!({
        "eTag": e_tag,
        "sequencer": sequencer,
        "owner": owner,
        "claimedAt": time(test.clock.now()),
        "expiresAt": time(test.clock.now() + time::Duration::seconds(seconds)),
    });
    test.store.insert(
        OUT,
        LEASE,
        body.to_string().as_bytes(),
        "application/json",
        &[],
    );
}

#[tokio::test]
async fn leases_on_other_versions_and_malformed_leases() {
    // With a lease on a newer version, expired or not, there is nothing to do for the older one.
    for seconds in [60, -60] {
        let test = TestProcessor::new("labels");
        let info = test.upload(KEY, &picture());
        let event = message(KEY, &info, "01");
        leave_a_lease(&test, &info.e_tag, "02", "other/1/0", seconds).await;
        assert!(test.failures(event).await.is_empty());
        assert_eq!(test.recogniser.count(), 0);
    }
    // With a lease on an older version, the newer one waits until the lease has expired.
    let test = TestProcessor::new("labels");
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "03");
    leave_a_lease(&test, "another", "02", "other/1/0", 60).await;
    assert_eq!(test.failures(event.clone()).await, ["m"]);
    leave_a_lease(&test, "another", "02", "other/1/0", -1).await;
    assert!(test.failures(event).await.is_empty());
    assert_eq!(test.recogniser.count(), 1);
    // An object that is not a lease delays nothing.
    let test = TestProcessor::new("labels");
    let info = test.upload(KEY, &picture());
    test.store.insert(OUT, LEASE, b"?", "text/plain", &[]);
    let event = message(KEY, &info, "03");
    assert!(test.failures(event).await.is_empty());
}

#[tokio::test]
async fn a_sole_worker_ignores_leases_of_other_processes() {
    let test = TestProcessor::new("labels");
    let info = test.upload(KEY, &picture());
    leave_a_lease(&test, &info.e_tag, "01", "dead/1/0", 600).await;
    let mut options = options(&test.clock, Duration::ZERO);
    options.sole_worker = true;
    let processor = test.another_processor(config("labels"), options);
    let event = message(KEY, &info, "01");
    let answer = processor.handle(event, &invocation(60)).await.unwrap();
    assert!(failures(&answer).is_empty());
    assert_eq!(test.recogniser.count(), 1);
}

#[tokio::test]
async fn a_lost_reply_leaves_no_lease_behind() {
    let clock = TestClock::default();
    let memory = MemoryStore::new();
    let store = Failing::new(memory.clone(), Faults::first(1, slow_down()))
        .only("PutObject out-put claims/")
        .lost_replies();
    let options = options(&clock, Duration::from_secs(1));
    let processor = Processor::new(config("labels"), store, CannedRecogniser::new(), options);
    let info = memory.insert(IN, KEY, &picture(), "image/jpeg", &[]);
    let event = message(KEY, &info, "01");
    let answer = processor.handle(event, &invocation(60)).await.unwrap();
    assert!(failures(&answer).is_empty());
    assert_eq!(memory.keys(OUT), RESULTS);
}

/// Repeats every write and returns the second reply, as the SDK does after a lost reply.
#[derive(Debug, Clone)]
struct Twice(MemoryStore);

impl ObjectStore for Twice {
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, ServiceError> {
        self.0.head(bucket, key).await
    }

    async fn get(&self, get: Get<'_>) -> Result<GetOutcome, ServiceError> {
        self.0.get(get).await
    }

    async fn put(&self, put: Put<'_>) -> Result<PutOutcome, ServiceError> {
        self.0.put(put).await?;
        self.0.put(put).await
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        self.0.delete(bucket, key).await?;
        self.0.delete(bucket, key).await
    }

    async fn delete_once(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        self.0.delete_once(bucket, key).await
    }
}

#[tokio::test]
async fn a_worker_recognises_its_own_repeated_writes() {
    let test = TestProcessor::with_store("labels", Twice);
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "01");
    assert!(test.failures(event).await.is_empty());
    assert_eq!(test.recogniser.count(), 1);
    assert_eq!(test.store.keys(OUT), RESULTS);

    // The writer takes the stored document for its own; another worker does not.
    let mut document: ResultDocument = serde_json::from_value(test.document(KEY)).unwrap();
    document.source.key = SourceKey::new("uploads/another.jpg").unwrap();
    let version = ObjectVersion {
        e_tag: document.source.e_tag.clone(),
        version_id: None,
        sequencer: document.source.sequencer.clone(),
        last_modified: document.source.last_modified,
    };
    for (writer, outcome) in [
        ("one/1/0", WriteOutcome::Written),
        ("other/1/0", WriteOutcome::Yielded(Skip::Answered)),
    ] {
        let store = Twice(test.store.clone());
        let slot = ResultSlot {
            store: &store,
            bucket: OUT,
            key: &document.source.key,
            version: version.clone(),
        };
        let open = StoredResult::Open(None);
        let written = slot.write(&document, open, writer).await;
        assert_eq!(written.unwrap(), outcome);
    }
}

/// Stores a result just before the processor writes its own.
#[derive(Debug, Clone)]
struct Racing {
    store: MemoryStore,
    sequencer: &'static str,
}

impl ObjectStore for Racing {
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, ServiceError> {
        self.store.head(bucket, key).await
    }

    async fn get(&self, get: Get<'_>) -> Result<GetOutcome, ServiceError> {
        self.store.get(get).await
    }

    async fn put(&self, put: Put<'_>) -> Result<PutOutcome, ServiceError> {
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

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        self.store.delete(bucket, key).await
    }

    async fn delete_once(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        self.store.delete_once(bucket, key).await
    }
}

#[tokio::test]
async fn after_a_lost_race_the_newer_result_stays() {
    for (other, newer) in [("01", "02"), ("03", "03")] {
        let racing = |store| Racing {
            store,
            sequencer: other,
        };
        let test = TestProcessor::with_store("labels", racing);
        let info = test.upload(KEY, &picture());
        let event = message(KEY, &info, "02");
        assert!(test.failures(event).await.is_empty());
        assert_eq!(test.document(KEY)["source"]["sequencer"], newer);
    }
}
