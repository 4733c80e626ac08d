//! The daily limit, the time limit and the limit on concurrency.

use std::time::Duration;

use serde_json::Value;
use sightline_pipeline::{
    Analysis,
    index::ImageIndex as _,
    object_store::ObjectStore as _,
    owner_limit::OwnerLimitedRecogniser,
    service_error::code::{DAILY_LIMIT_REACHED, OWNER_DAILY_LIMIT_REACHED},
    testing::{
        CannedRecogniser, Failing, Faults, MemoryIndex, MemoryStore, over_daily_limit, slow_down,
    },
};

use super::support::{
    IN, KEY, OUT, TestClock, TestProcessor, config, direct_event, failures, invocation, message,
    options, picture, put_record, queue, s3_event, too_large_to_hold,
};
use crate::{Options, Processor};

#[tokio::test]
async fn a_picture_over_the_daily_limit_is_analysed_at_its_next_event() {
    let recogniser =
        CannedRecogniser::new().with_faults(None, Faults::first(2, over_daily_limit()));
    let test = TestProcessor::with_recogniser("labels", recogniser);
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "01");
    for _ in 0..2 {
        assert!(test.failures(event.clone()).await.is_empty());
        let document = test.document(KEY);
        assert_eq!(document["status"], "failed");
        assert_eq!(document["errors"][0]["code"], DAILY_LIMIT_REACHED);
        assert_eq!(document["errors"][0]["retryable"], true);
        assert_eq!(document["cost"]["calls"], 0);
    }
    for _ in 0..2 {
        assert!(test.failures(event.clone()).await.is_empty());
        assert_eq!(test.document(KEY)["status"], "succeeded");
    }
    assert_eq!(test.recogniser.count(), 3);
}

#[tokio::test]
async fn an_owner_at_their_limit_delays_nobody_else() {
    let (memory, index) = (MemoryStore::new(), MemoryIndex::new());
    let recogniser = CannedRecogniser::new();
    let limited = OwnerLimitedRecogniser::new(recogniser.clone(), Some(index.clone()), Some(1));
    let options = options(&TestClock::default(), Duration::ZERO);
    let processor = Processor::new(config("labels"), memory.clone(), limited, options)
        .with_index(Some(index.clone()));
    let pictures = [
        ("uploads/ann/1.jpg", "succeeded", "1"),
        ("uploads/ann/2.jpg", "failed", "2"),
        ("uploads/bob/1.jpg", "succeeded", "3"),
        ("uploads/1.jpg", "succeeded", "4"),
        ("uploads/2.jpg", "succeeded", "5"),
    ];
    for (key, status, sequencer) in pictures {
        let info = memory.insert(IN, key, &picture(), "image/jpeg", &[]);
        // A repeated event counts nothing.
        for _ in 0..2 {
            let event = message(key, &info, sequencer);
            let answer = processor.handle(event, &invocation(60)).await.unwrap();
            assert!(failures(&answer).is_empty(), "{key}");
        }
        let document = memory.json(OUT, &format!("results/{key}.json")).unwrap();
        assert_eq!(document["status"], status, "{key}");
        if status == "failed" {
            let error = &document["errors"][0];
            assert_eq!(error["code"], OWNER_DAILY_LIMIT_REACHED);
            assert_eq!(error["retryable"], true);
            assert_eq!(document["cost"]["calls"], 0);
        }
    }
    assert_eq!(recogniser.count(), 4);
    assert_eq!(index.counted_analyses("ann"), 1);
    // After the operator forgot the count, or on the next day, the next event is analysed.
    index.forget("ann").await.unwrap();
    let info = memory.head(IN, "uploads/ann/2.jpg").await.unwrap().unwrap();
    let event = message("uploads/ann/2.jpg", &info, "2");
    processor.handle(event, &invocation(60)).await.unwrap();
    let document = memory.json(OUT, "results/uploads/ann/2.jpg.json").unwrap();
    assert_eq!(document["status"], "succeeded");
}

#[tokio::test]
async fn a_partial_result_at_the_daily_limit_is_not_retried() {
    let recogniser = CannedRecogniser::new().with_faults(
        Analysis::Faces.operation(),
        Faults::first(1, over_daily_limit()),
    );
    let test = TestProcessor::with_recogniser("labels,faces", recogniser);
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "01");
    for _ in 0..2 {
        assert!(test.failures(event.clone()).await.is_empty());
        assert_eq!(test.document(KEY)["status"], "partial");
    }
    assert_eq!(test.recogniser.count(), 2);
}

#[tokio::test]
async fn pictures_without_enough_time_are_retried() {
    let recogniser = CannedRecogniser::new().with_delay(Duration::from_secs(30));
    let test = TestProcessor::with_recogniser("labels", recogniser);
    let info = test.upload(KEY, &picture());
    let event = message(KEY, &info, "01");
    let mut short = invocation(0);
    // Without any time, nothing is begun.
    let answer = test.processor.handle(event.clone(), &short).await.unwrap();
    assert_eq!(failures(&answer), ["m"]);
    assert_eq!(test.recogniser.count(), 0);
    // With time to begin but not to finish, the lease is released before the end.
    short.time_left = Duration::from_secs(2);
    let answer = test.processor.handle(event, &short).await.unwrap();
    assert_eq!(failures(&answer), ["m"]);
    assert_eq!(test.recogniser.count(), 1);
    assert!(!test.has_result());
}

#[tokio::test]
async fn a_batch_without_enough_time_is_processed_in_part() {
    let clock = TestClock::default();
    let memory = MemoryStore::new();
    let recogniser = CannedRecogniser::new().with_delay(Duration::from_secs(2));
    let options = Options {
        concurrency: 1,
        ..options(&clock, Duration::ZERO)
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
        (key, direct_event(key, &info, "01"))
    });
    // The second is begun without enough time for an answer; the third is not begun.
    let answer = processor.handle(queue(&messages), &invocation(4)).await;
    assert_eq!(failures(&answer.unwrap()), &keys[1..]);
    assert_eq!(recogniser.count(), 2);
    let answer = processor.handle(queue(&messages), &invocation(60)).await;
    assert!(failures(&answer.unwrap()).is_empty());
    assert_eq!(recogniser.count(), 4);
}

#[tokio::test]
async fn a_picture_whose_turn_is_too_late_causes_no_call() {
    let stuck = "uploads/slow.jpg";
    let store = |store| {
        Failing::new(store, Faults::first(1, slow_down()))
            .only("GetObject in-put uploads/slow.jpg whole")
            .stuck()
    };
    let clock = TestClock::default();
    let memory = MemoryStore::new();
    let recogniser = CannedRecogniser::new();
    let options = Options {
        prepare_concurrency: 1,
        ..options(&clock, Duration::ZERO)
    };
    let processor = Processor::new(
        config("labels"),
        store(memory.clone()),
        recogniser.clone(),
        options,
    );
    let messages = [stuck, KEY].map(|key| {
        let info = memory.insert(IN, key, &picture(), "image/jpeg", &[]);
        (key, direct_event(key, &too_large_to_hold(&info), "01"))
    });
    let only = |at: usize| queue(&messages[at..=at]);
    // The second's time to begin is over before the first ends its turn.
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
    // Both leases were released, so both are processed at once.
    let again = processor.handle(queue(&messages), &invocation(60)).await;
    assert!(failures(&again.unwrap()).is_empty());
    assert_eq!(recogniser.count(), 2);
}

#[tokio::test]
async fn at_most_three_pictures_are_processed_at_once() {
    let recogniser = CannedRecogniser::new().with_delay(Duration::from_millis(150));
    let test = TestProcessor::with_recogniser("labels", recogniser);
    let mut options = options(&test.clock, Duration::ZERO);
    options.concurrency = 3;
    let processor = test.another_processor(config("labels"), options);
    let records: Vec<Value> = (0..9)
        .map(|number| {
            let key = format!("uploads/{number}.jpg");
            put_record(&key, &test.upload(&key, &picture()), "01")
        })
        .collect();
    let event = s3_event(&records);
    let invocation = invocation(60);
    let work = processor.handle(event, &invocation);
    let watch = async {
        let mut most = 0;
        while test.recogniser.count() < 9 {
            let held = test
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
