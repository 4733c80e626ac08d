use sightline_pipeline::{
    object_store::{Get, GetOutcome, ListObjects, ObjectStore, Put, PutOutcome},
    service_error::{Fate, ServiceError},
    testing::{Failing, Faults, slow_down},
};

use super::*;
use crate::results_path;

const KEY: &str = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg";
const PATH: &str = "/results/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg";

/// Keys that are hard to put into a path.
pub(super) const KEYS: [&str; 12] = [
    "uploads/my cat+1.jpg",
    "uploads/100%.jpg",
    "uploads/%41.jpg",
    "uploads/ü 猫 🐈.png",
    "uploads/../up.png",
    "uploads/./here.png",
    "uploads//double.png",
    "uploads/a#b&c=d;e\\f|g^h`i{j}[k]\"<>.png",
    "uploads/results/uploads/a.json",
    "uploads/..",
    "inline/a b.jpg",
    "uploads/$default/\u{7f}\u{1}.png",
];

#[tokio::test]
async fn the_result_is_returned_as_it_is_stored() {
    let store = MemoryStore::new();
    let image = put_image(&store, KEY);
    let bytes = put_result(&store, KEY, &image);
    let reply = get(api(&store), PATH).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.body, bytes);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-cache");
    assert!(reply.header("etag").starts_with('"') && reply.header("etag").ends_with('"'));

    let head = ask(api(&store), Method::HEAD, PATH).await;
    assert_eq!(head.status, StatusCode::OK);
    assert_eq!(head.header("etag"), reply.header("etag"));
    assert_eq!(head.header("content-length"), bytes.len().to_string());
    assert!(head.body.is_empty());
}

#[tokio::test]
async fn a_client_with_the_current_etag_gets_304() {
    let store = MemoryStore::new();
    let image = put_image(&store, KEY);
    put_result(&store, KEY, &image);
    let e_tag = get(api(&store), PATH).await.header("etag").to_owned();
    for (known, status) in [
        (e_tag.clone(), StatusCode::NOT_MODIFIED),
        (format!("W/{e_tag}"), StatusCode::NOT_MODIFIED),
        (format!("\"other\", {e_tag}"), StatusCode::NOT_MODIFIED),
        ("*".to_owned(), StatusCode::NOT_MODIFIED),
        ("\"other\"".to_owned(), StatusCode::OK),
        (String::new(), StatusCode::OK),
    ] {
        let request = Request::get(PATH)
            .header("if-none-match", &known)
            .body(Body::empty())
            .unwrap();
        let reply = send(api(&store), request).await;
        assert_eq!(reply.status, status, "{known}");
        assert_eq!(reply.header("etag"), e_tag);
        assert_eq!(reply.body.is_empty(), status == StatusCode::NOT_MODIFIED);
    }
}

#[tokio::test]
async fn an_image_without_a_result_is_pending() {
    let store = MemoryStore::new();
    put_image(&store, KEY);
    let reply = get(api(&store), PATH).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.header("retry-after"), "1");
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(
        reply.json(),
        json!({
            "status": "pending",
            "key": KEY,
            "imageId": "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11",
            "resultKey": format!("results/{KEY}.json"),
        })
    );
}

#[tokio::test]
async fn the_result_of_a_replaced_image_is_not_returned() {
    for store in [MemoryStore::new(), MemoryStore::versioned()] {
        let before = put_image(&store, KEY);
        put_result(&store, KEY, &before);
        assert_eq!(get(api(&store), PATH).await.status, StatusCode::OK);
        let after = store.insert(INPUT, KEY, b"another image", "image/jpeg", &[]);
        assert_eq!(get(api(&store), PATH).await.status, StatusCode::ACCEPTED);
        put_result(&store, KEY, &after);
        assert_eq!(get(api(&store), PATH).await.status, StatusCode::OK);
    }
    // The same bytes uploaded again are another version.
    for store in [MemoryStore::new(), MemoryStore::versioned()] {
        let image = put_image(&store, KEY);
        put_result(&store, KEY, &image);
        let again = put_image(&store, KEY);
        assert_eq!(again.e_tag, image.e_tag);
        assert_eq!(get(api(&store), PATH).await.status, StatusCode::ACCEPTED);
        put_result(&store, KEY, &again);
        assert_eq!(get(api(&store), PATH).await.status, StatusCode::OK);
    }
    // The result of an inline image has the time of the request; the image is stored later.
    let (store, key) = (MemoryStore::new(), "inline/a.jpg");
    let before = put_image(&store, key);
    put_image(&store, key);
    put_result(&store, key, &before);
    let reply = get(api(&store), "/results/inline/a.jpg").await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn a_result_outlives_its_image() {
    let store = MemoryStore::new();
    put_result(&store, KEY, &ObjectInfo::default());
    assert_eq!(get(api(&store), PATH).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_key_is_not_found() {
    let store = MemoryStore::new();
    put_image(&store, "uploads/other.jpg");
    let reply = get(api(&store), PATH).await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.code(), "no-such-upload");
}

#[tokio::test]
async fn an_inline_image_without_a_result_is_not_pending() {
    let store = MemoryStore::new();
    put_image(&store, "inline/left.jpg");
    let reply = get(api(&store), "/results/inline/left.jpg").await;
    assert_eq!(reply.status, StatusCode::NOT_FOUND);
    assert_eq!(reply.code(), "no-such-upload");
}

#[tokio::test]
async fn results_of_unusual_keys_can_be_read() {
    let store = MemoryStore::new();
    let images: Vec<_> = KEYS
        .iter()
        .chain(&["uploads/what?.png"])
        .map(|key| (*key, put_image(&store, key)))
        .collect();
    for (key, image) in &images {
        let path = results_path(&SourceKey::new(*key).unwrap());
        let pending = get(api(&store), &path).await;
        if key.starts_with("uploads/") {
            assert_eq!(pending.status, StatusCode::ACCEPTED, "{key}");
            assert_eq!(pending.json()["key"], *key);
        } else {
            assert_eq!(pending.status, StatusCode::NOT_FOUND, "{key}");
        }
        let bytes = put_result(&store, key, image);
        for path in [
            path.clone(),
            path.replace("%2F", "/"),
            path.replace("uploads/", "uploads%2f"),
        ] {
            assert_eq!(get(api(&store), &path).await.body, bytes, "{path}");
        }
    }
}

#[tokio::test]
async fn invalid_keys_are_rejected() {
    let store = MemoryStore::new();
    let long = format!("/results/uploads/{}", "k".repeat(1100));
    for path in [
        "/results/cat.jpg",
        "/results/elsewhere/cat.jpg",
        "/results/results/uploads/a.jpg.json",
        "/results//uploads/a.jpg",
        "/results/Uploads/a.jpg",
        "/results/uploads%252Fa.jpg",
        "/results/../uploads/a.jpg",
        "/results/uploads/",
        "/results/uploads/folder/",
        "/results/uploads/%FF.jpg",
        &long,
    ] {
        let reply = get(api(&store), path).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(reply.code(), "invalid-key");
    }
    assert!(store.calls().is_empty());
}

#[tokio::test]
async fn unreadable_results_are_not_returned() {
    let store = MemoryStore::new();
    let image = put_image(&store, KEY);
    let result = format!("results/{KEY}.json");
    for bytes in [&b"not json"[..], b"{}", b"", b"{\"source\":{\"eTag\":5}}"] {
        store.insert(OUTPUT, &result, bytes, "application/json", &[]);
        let reply = get(api(&store), PATH).await;
        assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(reply.code(), "result-unreadable");
    }
    // A result of a later schema version is returned unchanged.
    let later =
        json!({"schemaVersion": 7, "source": {"eTag": image.e_tag, "new": true}, "rest": []});
    store.insert(
        OUTPUT,
        &result,
        later.to_string().as_bytes(),
        "application/json",
        &[],
    );
    assert_eq!(get(api(&store), PATH).await.json(), later);
}

#[tokio::test]
async fn a_failing_bucket_reports_whether_to_try_again() {
    let store = MemoryStore::new();
    let image = put_image(&store, KEY);
    put_result(&store, KEY, &image);
    let rejected = ServiceError {
        code: "AccessDenied".to_owned(),
        fate: Fate::Repair,
        ..slow_down()
    };
    for call in ["GetObject", "HeadObject"] {
        for (error, status, code, retry_after) in [
            (
                slow_down(),
                StatusCode::SERVICE_UNAVAILABLE,
                "store-unavailable",
                "2",
            ),
            (
                rejected.clone(),
                StatusCode::BAD_GATEWAY,
                "store-failed",
                "",
            ),
        ] {
            let failing = Failing::new(store.clone(), Faults::first(1, error.clone())).only(call);
            let api = router(Arc::new(Api::new(
                config(&[]),
                failing,
                presigner(),
                CannedRecogniser::new(),
                None::<NoIndex>,
            )));
            let reply = get(api.clone(), PATH).await;
            assert_eq!((reply.status, reply.code().as_str()), (status, code));
            assert_eq!(reply.header("retry-after"), retry_after);
            let text = String::from_utf8(reply.body).unwrap();
            assert!(!text.contains(&error.code) && !text.contains(&error.message));
            assert_eq!(get(api, PATH).await.status, StatusCode::OK);
        }
    }
}

#[tokio::test]
async fn a_silent_bucket_times_out() {
    let mut api = Api::new(
        config(&[]),
        Silent,
        presigner(),
        CannedRecogniser::new(),
        None::<NoIndex>,
    );
    api.store_timeout = std::time::Duration::from_millis(1);
    let reply = get(router(Arc::new(api)), PATH).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(reply.code(), "store-unavailable");
}

/// Buckets that never respond.
pub(super) struct Silent;

impl ListObjects for Silent {
    async fn list(&self, _: &str, _: &str, _: Option<&str>) -> Result<Vec<String>, ServiceError> {
        std::future::pending().await
    }
}

impl ObjectStore for Silent {
    async fn head(&self, _: &str, _: &str) -> Result<Option<ObjectInfo>, ServiceError> {
        std::future::pending().await
    }

    async fn get(&self, _: Get<'_>) -> Result<GetOutcome, ServiceError> {
        std::future::pending().await
    }

    async fn put(&self, _: Put<'_>) -> Result<PutOutcome, ServiceError> {
        std::future::pending().await
    }

    async fn delete(&self, _: &str, _: &str) -> Result<(), ServiceError> {
        std::future::pending().await
    }

    async fn delete_once(&self, _: &str, _: &str) -> Result<(), ServiceError> {
        std::future::pending().await
    }
}
