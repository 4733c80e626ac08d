//! Compares result documents with `tests/golden/`. To rewrite those files, run
//! `UPDATE_GOLDEN=1 cargo test -p sightline-processor golden`.

use std::{fs, path::Path};

use rekognition_model::Operation;
use serde_json::{Value, json};
use sightline_pipeline::testing::{CannedRecogniser, Faults, refused};

use super::support::{IN, TestProcessor, direct_event, picture};

const ALL: &str = "labels,image-properties,faces,text,moderation,celebrities,ppe,custom-labels";

fn compare(name: &str, mut document: Value) {
    for (timing, value) in document["timings"].as_object_mut().unwrap() {
        if timing != "waitedMs" {
            *value = json!(0);
        }
    }
    document["processorVersion"] = json!("0.0.0");
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    let written = serde_json::to_string_pretty(&document).unwrap() + "\n";
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(&path, &written).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written == expected,
        "{} differs from the new document:\n{written}",
        path.display()
    );
}

/// Inserts an Exif orientation of 6 at the start of the image.
fn on_its_side(jpeg: &[u8]) -> Vec<u8> {
    let exif =
        b"\xFF\xE1\0\x22Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";
    [&jpeg[..2], exif, &jpeg[2..]].concat()
}

#[tokio::test]
async fn golden_succeeded() {
    let test = TestProcessor::with(
        ALL,
        sightline_pipeline::testing::MemoryStore::versioned(),
        CannedRecogniser::new(),
        |store| store,
    );
    let key = "uploads/2026/my cat+1.jpg";
    let info = test.store.insert(
        IN,
        key,
        &on_its_side(&picture()),
        "image/png",
        &[
            ("filename", "my%20c%C3%A4t%00.jpg"),
            ("analyses", &format!("{ALL},cats")),
        ],
    );
    test.store.set_sha256(IN, key, &"9f".repeat(32));
    let event = direct_event(key, &info, "0055AED6DCD90281E5");
    assert_eq!(test.handle(event).await.unwrap(), Value::Null);
    compare("result-succeeded.json", test.document(key));
}

#[tokio::test]
async fn golden_partial() {
    let recogniser = CannedRecogniser::new()
        .with_faults(
            Operation::RecognizeCelebrities,
            Faults::always(refused("ImageTooLargeException")),
        )
        .with_faults(
            Operation::DetectCustomLabels,
            Faults::always(refused("ResourceNotReadyException")),
        );
    let test = TestProcessor::with_recogniser("labels,celebrities,custom-labels", recogniser);
    let key = "uploads/3b241101-e2bb-4255-8caf-4136c566a962.jpg";
    let info = test.upload(key, &picture());
    let event = direct_event(key, &info, "0055AED6DCD90281E5");
    test.handle(event).await.unwrap();
    compare("result-partial.json", test.document(key));
}

#[tokio::test]
async fn golden_failed() {
    let test = TestProcessor::new(ALL);
    let key = "uploads/notes.jpg";
    let info = test.upload(key, b"these are notes, not a picture");
    let event = direct_event(key, &info, "0055AED6DCD90281E5");
    test.handle(event).await.unwrap();
    compare("result-failed.json", test.document(key));
}
