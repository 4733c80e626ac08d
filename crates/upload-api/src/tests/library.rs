//! A library of analysed images.

use std::collections::BTreeSet;

use sightline_pipeline::{
    ResultDocument,
    index::{Entry, ImageIndex, Put},
    object_store::{ListObjects, ObjectStore},
    testing::MemoryIndex,
};
use time::{OffsetDateTime, macros::datetime};

use super::*;
use crate::access::Subject;

pub(super) const OPEN: &[(&str, &str)] = &[("ACCESS", "open")];
pub(super) const OWNER: &[(&str, &str)] = &[("ACCESS", "owner")];
/// Later than the upload times of the store in memory.
pub(super) const THEN: OffsetDateTime = datetime!(2026-03-01 20:00 UTC);

pub(super) fn library<S: ObjectStore + ListObjects, I: ImageIndex + Clone>(
    store: S,
    index: &I,
    variables: &[(&str, &str)],
) -> Router {
    router(Arc::new(Api::new(
        config(variables),
        store,
        presigner(),
        CannedRecogniser::new(),
        Some(index.clone()),
    )))
}

/// Adds an analysed image, uploaded some minutes after [`THEN`], with labels, their confidences and categories.
pub(super) async fn add(
    store: &MemoryStore,
    index: &MemoryIndex,
    key: &str,
    minutes: i64,
    labels: &[(&str, f64, &str)],
) -> ResultDocument {
    let image = put_image(store, key);
    let mut document = crate::routes::read_result::example();
    document["source"]["key"] = json!(key);
    document["source"]["eTag"] = json!(image.e_tag);
    document["rekognition"]["detectLabels"]["Labels"] = labels
        .iter()
        .map(|(name, confidence, category)| {
            json!({"Name": name, "Confidence": confidence, "Categories": [{"Name": category}]})
        })
        .collect();
    let mut document: ResultDocument = serde_json::from_value(document).unwrap();
    document.source.last_modified = Some(THEN + time::Duration::minutes(minutes));
    document.source.sequencer = Some("01".to_owned());
    document.source.filename = None;
    let bytes = serde_json::to_vec(&document).unwrap();
    let result_key = document.source.key.result_key();
    store.insert(OUTPUT, &result_key, &bytes, "application/json", &[]);
    let key = &document.source.key;
    for rendition in [key.thumbnail_key(), key.preview_key()] {
        store.insert(OUTPUT, &rendition, b"jpeg", "image/jpeg", &[]);
    }
    let put = index.put(&Entry::from_document(&document)).await;
    assert_eq!(put, Ok(Put::Written));
    document
}

pub(super) const PETS: &str = "Animals and Pets";

/// A library of three images.
pub(super) async fn three() -> (MemoryStore, MemoryIndex) {
    let (store, index) = (MemoryStore::new(), MemoryIndex::new());
    for (key, minutes, labels) in [
        (
            "uploads/b.jpg",
            2,
            &[("Dog", 91.0, PETS), ("Ball", 60.0, "Sports")][..],
        ),
        ("uploads/a.jpg", 3, &[("Cat", 97.5, PETS)]),
        (
            "inline/c.jpg",
            1,
            &[("Dog", 70.0, PETS), ("Cat", 55.5, PETS)],
        ),
    ] {
        add(&store, &index, key, minutes, labels).await;
    }
    (store, index)
}

pub(super) fn keys(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.json());
    assert_eq!(reply.header("cache-control"), "no-store");
    let list = reply.json();
    let images = list["images"].as_array().unwrap();
    images
        .iter()
        .map(|image| image["key"].as_str().unwrap().to_owned())
        .collect()
}

pub(super) fn names(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// A request with the token of this subject.
pub(super) async fn by(api: &Router, subject: Option<&str>, method: Method, path: &str) -> Reply {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    if let Some(subject) = subject {
        request.extensions_mut().insert(Subject(subject.to_owned()));
    }
    send(api.clone(), request).await
}
