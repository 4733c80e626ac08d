use sightline_pipeline::{
    service_error::{Fate, ServiceError},
    testing::{Failing, Faults, slow_down},
};

use super::{read_result::KEYS, *};

const KEY: &str = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg";
const PATH: &str = "/thumbnails/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg";

fn put_thumbnail(store: &MemoryStore, key: &str) {
    let key = SourceKey::new(key).unwrap().thumbnail_key();
    store.insert(OUTPUT, &key, b"thumbnail", "image/jpeg", &[]);
}

#[tokio::test]
async fn a_thumbnail_redirects_to_a_signed_url() {
    let store = MemoryStore::new();
    put_thumbnail(&store, KEY);
    for method in [Method::GET, Method::HEAD] {
        let reply = ask(api(&store), method, PATH).await;
        assert_eq!(reply.status, StatusCode::FOUND);
        let address = reply.header("location");
        let expected = format!("https://{OUTPUT}.s3.eu-west-1.amazonaws.com/thumbnails/{KEY}.jpg?");
        assert!(address.starts_with(&expected), "{address}");
        assert!(address.contains("X-Amz-Expires=900&") && address.contains("X-Amz-Signature="));
        assert_eq!(reply.header("cache-control"), "private, max-age=300");
        assert!(reply.body.is_empty());
    }
}

#[tokio::test]
async fn the_large_size_is_the_preview_or_else_the_thumbnail() {
    let store = MemoryStore::new();
    let large = format!("{PATH}?size=large");
    let none = get(api(&store), &large).await;
    assert_eq!(none.code(), "no-such-thumbnail");
    put_thumbnail(&store, KEY);
    let address =
        |folder: &str| format!("https://{OUTPUT}.s3.eu-west-1.amazonaws.com/{folder}/{KEY}.jpg?");
    let location = async |path: &str| {
        let reply = get(api(&store), path).await;
        assert_eq!(reply.status, StatusCode::FOUND, "{path}");
        reply.header("location").to_owned()
    };
    assert!(location(&large).await.starts_with(&address("thumbnails")));
    let key = SourceKey::new(KEY).unwrap().preview_key();
    store.insert(OUTPUT, &key, b"preview", "image/jpeg", &[]);
    assert!(location(&large).await.starts_with(&address("previews")));
    for small in [
        PATH,
        &format!("{PATH}?size=small"),
        &format!("{PATH}?size="),
    ] {
        assert!(location(small).await.starts_with(&address("thumbnails")));
    }
    for wrong in ["size=medium", "size=LARGE", "size=large&size=small", "px=9"] {
        let reply = get(api(&store), &format!("{PATH}?{wrong}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{wrong}");
        assert_eq!(reply.code(), "invalid-parameter");
    }
}

#[tokio::test]
async fn a_redirect_is_cached_for_less_time_than_its_url_works() {
    let store = MemoryStore::new();
    put_thumbnail(&store, KEY);
    for (lifetime, max_age) in [("1", 0), ("60", 30), ("604800", 300)] {
        let reply = get(api_with(&store, &[("RESULT_URL_SECONDS", lifetime)]), PATH).await;
        assert!(
            reply
                .header("location")
                .contains(&format!("X-Amz-Expires={lifetime}&"))
        );
        assert_eq!(
            reply.header("cache-control"),
            format!("private, max-age={max_age}")
        );
    }
}

#[tokio::test]
async fn thumbnails_of_unusual_keys_can_be_read() {
    let store = MemoryStore::new();
    for key in KEYS {
        let path = crate::results_path(&SourceKey::new(key).unwrap());
        let path = path.replacen("/results/", "/thumbnails/", 1);
        let none = get(api(&store), &path).await;
        assert_eq!(none.status, StatusCode::NOT_FOUND, "{key}");
        assert_eq!(none.code(), "no-such-thumbnail");
        // The API cannot know why there is none, so it does not guess.
        assert_eq!(
            none.json()["detail"],
            "No thumbnail exists for this key. Use the image's own key; the member thumbnail of its result says whether there is one."
        );
        put_thumbnail(&store, key);
        assert_eq!(get(api(&store), &path).await.status, StatusCode::FOUND);
    }
}

#[tokio::test]
async fn invalid_keys_are_rejected() {
    let store = MemoryStore::new();
    for path in [
        "/thumbnails/cat.jpg",
        "/thumbnails/thumbnails/uploads/a.jpg.jpg",
        "/thumbnails/results/uploads/a.jpg.json",
        "/thumbnails/../results/uploads/a.jpg.json",
        "/thumbnails/uploads/",
        "/thumbnails/uploads/%FF.jpg",
    ] {
        let reply = get(api(&store), path).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{path}");
        assert_eq!(reply.code(), "invalid-key");
    }
    assert!(store.calls().is_empty());
}

#[tokio::test]
async fn a_failing_bucket_reports_whether_to_try_again() {
    let store = MemoryStore::new();
    put_thumbnail(&store, KEY);
    let rejected = ServiceError {
        code: "AccessDenied".to_owned(),
        fate: Fate::Repair,
        ..slow_down()
    };
    for (error, status, code) in [
        (
            slow_down(),
            StatusCode::SERVICE_UNAVAILABLE,
            "store-unavailable",
        ),
        (rejected, StatusCode::BAD_GATEWAY, "store-failed"),
    ] {
        let failing = Failing::new(store.clone(), Faults::first(1, error));
        let api = router(Arc::new(Api::new(
            config(&[]),
            failing,
            presigner(),
            CannedRecogniser::new(),
            None::<NoIndex>,
        )));
        let reply = get(api.clone(), PATH).await;
        assert_eq!((reply.status, reply.code().as_str()), (status, code));
        assert_eq!(get(api, PATH).await.status, StatusCode::FOUND);
    }
}
