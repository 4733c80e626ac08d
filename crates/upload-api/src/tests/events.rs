use std::{collections::VecDeque, time::Duration};

use http_body_util::BodyExt as _;
use sightline_pipeline::{
    index::{Deletion, ImageIndex as _},
    testing::MemoryIndex,
};

use super::{library::*, *};
use crate::{AnnouncedIndex, Events, access::Subject};

fn with_events(index: &AnnouncedIndex<MemoryIndex>, events: &Events, access: &str) -> Router {
    let api = Api::new(
        config(&[("ACCESS", access)]),
        MemoryStore::new(),
        presigner(),
        CannedRecogniser::new(),
        Some(index.clone()),
    );
    router(Arc::new(api.with_events(events.clone())))
}

/// An open stream.
struct Stream {
    body: Body,
    /// Received events that were not asked for yet.
    received: VecDeque<String>,
}

impl Stream {
    async fn open(api: &Router, subject: Option<&str>, last_id: Option<&str>) -> Self {
        let mut request = Request::get("/events").body(Body::empty()).unwrap();
        if let Some(subject) = subject {
            request.extensions_mut().insert(Subject(subject.to_owned()));
        }
        if let Some(id) = last_id {
            let id = id.parse().unwrap();
            request.headers_mut().insert("last-event-id", id);
        }
        let response = api.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        let mut stream = Self {
            body: response.into_body(),
            received: VecDeque::new(),
        };
        assert_eq!(stream.block().await.as_deref(), Some("retry: 2000"));
        stream
    }

    /// The lines up to the next empty one; `None` at the end.
    async fn block(&mut self) -> Option<String> {
        while self.received.is_empty() {
            let frame = tokio::time::timeout(Duration::from_secs(5), self.body.frame());
            let bytes = frame.await.unwrap()?.unwrap().into_data().unwrap();
            let text = str::from_utf8(&bytes).unwrap();
            let blocks = text.split_terminator("\n\n").map(str::to_owned);
            self.received.extend(blocks);
        }
        self.received.pop_front()
    }

    /// The next event: its id, its name and its data.
    async fn event(&mut self) -> (String, String, Value) {
        let block = self.block().await.unwrap();
        let lines: Vec<_> = block
            .lines()
            .map(|line| line.split_once(": ").unwrap())
            .collect();
        let [("id", id), ("event", name), ("data", data)] = lines[..] else {
            panic!("{block}");
        };
        let data = serde_json::from_str(data).unwrap();
        (id.to_owned(), name.to_owned(), data)
    }
}

async fn put(index: &AnnouncedIndex<MemoryIndex>, key: &str, failed: bool) {
    let mut document = crate::routes::read_result::example();
    document["source"]["key"] = json!(key);
    if failed {
        document["status"] = json!("failed");
    }
    let document = serde_json::from_value(document).unwrap();
    let entry = sightline_pipeline::index::Entry::from_document(&document);
    index.put(&entry).await.unwrap();
}

async fn remove(index: &AnnouncedIndex<MemoryIndex>, key: &str, complete: bool) {
    let mut deletion = Deletion::from(THEN);
    deletion.complete = complete;
    let key = SourceKey::new(key).unwrap();
    index.remove(&key, &deletion).await.unwrap();
}

#[tokio::test]
async fn results_failures_and_deletions_are_announced_and_continue_after_an_id() {
    let events = Events::default();
    let index = AnnouncedIndex::new(MemoryIndex::new(), events.clone());
    let api = with_events(&index, &events, "open");
    let mut stream = Stream::open(&api, None, None).await;
    put(&index, "uploads/a.jpg", false).await;
    // The same result again is no news.
    put(&index, "uploads/a.jpg", false).await;
    put(&index, "uploads/b.jpg", true).await;
    remove(&index, "uploads/a.jpg", false).await;
    remove(&index, "uploads/a.jpg", true).await;

    let (first, name, data) = stream.event().await;
    let at = crate::routes::read_result::example()["processedAt"].clone();
    let expected = json!({"key": "uploads/a.jpg", "status": "succeeded", "at": at});
    assert_eq!((name.as_str(), data), ("result-ready", expected));
    let (_, name, data) = stream.event().await;
    assert_eq!(name, "result-failed");
    assert_eq!(
        (&data["key"], &data["status"]),
        (&json!("uploads/b.jpg"), &json!("failed"))
    );
    let (_, name, data) = stream.event().await;
    assert_eq!(
        (name.as_str(), &data["key"]),
        ("deleted", &json!("uploads/a.jpg"))
    );
    assert_eq!(data.get("status"), None);

    let mut again = Stream::open(&api, None, Some(&first)).await;
    assert_eq!(again.event().await.1, "result-failed");
    let mut unknown = Stream::open(&api, None, Some("0-7")).await;
    assert_eq!(unknown.event().await.1, "reset");
    events.close();
    for stream in [&mut stream, &mut unknown] {
        assert_eq!(stream.block().await, None);
    }
}

#[tokio::test]
async fn owners_get_the_events_of_their_own_images() {
    let events = Events::default();
    let index = AnnouncedIndex::new(MemoryIndex::new(), events.clone());
    let api = with_events(&index, &events, "owner");
    let mut anne = Stream::open(&api, Some("anne"), None).await;
    let mut bert = Stream::open(&api, Some("bert"), None).await;
    for key in [
        "uploads/bert/1.jpg",
        "uploads/a.jpg",
        "uploads/anne/1.jpg",
        "uploads/ann/1.jpg",
    ] {
        put(&index, key, false).await;
        remove(&index, key, true).await;
    }
    put(&index, "inline/anne/2.jpg", false).await;
    events.close();
    for (stream, expected) in [
        (
            &mut anne,
            &[
                "uploads/anne/1.jpg",
                "uploads/anne/1.jpg",
                "inline/anne/2.jpg",
            ][..],
        ),
        (&mut bert, &["uploads/bert/1.jpg", "uploads/bert/1.jpg"]),
    ] {
        for key in expected {
            assert_eq!(stream.event().await.2["key"], *key);
        }
        assert_eq!(stream.block().await, None);
    }
    let nobody = by(&api, None, Method::GET, "/events").await;
    assert_eq!(nobody.code(), "unauthenticated");
    let unlisted = with_events(&index, &events, "unlisted");
    assert_eq!(get(unlisted, "/events").await.code(), "forbidden");
}

#[tokio::test]
async fn a_service_without_events_has_no_such_path() {
    let reply = get(api(&MemoryStore::new()), "/events").await;
    assert_eq!(reply.code(), "no-such-path");
}

#[tokio::test]
async fn streams_beyond_the_limit_are_rejected() {
    let events = Events::default();
    let index = AnnouncedIndex::new(MemoryIndex::new(), events.clone());
    let api = with_events(&index, &events, "open");
    let mut open = Vec::new();
    for _ in 0..64 {
        open.push(Stream::open(&api, None, None).await);
    }
    let reply = get(api.clone(), "/events").await;
    assert_eq!(reply.code(), "too-many-streams");
    assert_eq!(reply.header("retry-after"), "2");
    open.pop();
    Stream::open(&api, None, None).await;
}

#[tokio::test]
async fn images_in_requests_can_be_switched_off() {
    let store = MemoryStore::new();
    let api = api_with(&store, &[("IMAGE_REQUESTS", "off")]);
    let body = create_image::body(&create_image::png());
    let request = Request::post("/images").body(Body::from(body)).unwrap();
    let reply = send(api.clone(), request).await;
    assert_eq!(reply.code(), "method-not-allowed");
    assert_eq!(reply.header("allow"), "GET, HEAD, OPTIONS");
    assert_eq!(store.keys(INPUT), [""; 0]);
    let document = get(api, "/openapi.json").await.json();
    assert_eq!(names(&document["paths"]["/images"]), ["get"].into());
    assert_eq!(document["components"]["schemas"].get("ImageRequest"), None);
}
