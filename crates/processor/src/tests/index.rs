//! The image's row in the index.

use sightline_pipeline::{
    SourceKey,
    index::{Entry, ImageIndex},
    service_error::{Fate, ServiceError},
    testing::{CannedRecogniser, FailingIndex, Faults, MemoryIndex, MemoryStore, busy},
};

use super::support::*;
use crate::Processor;

const KEY: &str = "uploads/a.jpg";

type Indexed<I> = Processor<MemoryStore, CannedRecogniser, I>;

/// The test's processor, with this index.
fn indexed<I: ImageIndex + Clone>(test: &TestProcessor, index: &I) -> Indexed<I> {
    let options = options(&test.clock, std::time::Duration::ZERO);
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
    index.remove(&key, test.clock.now()).await.unwrap();
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
