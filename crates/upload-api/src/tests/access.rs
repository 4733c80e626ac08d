use sightline_pipeline::testing::MemoryIndex;

use super::{create_image, library::*, *};
use crate::access::Subject;

#[tokio::test]
async fn owners_see_only_their_own_images() {
    let (store, index) = three().await;
    add(
        &store,
        &index,
        "uploads/anne/1.jpg",
        5,
        &[("Boat", 90.0, "Vehicles")],
    )
    .await;
    add(
        &store,
        &index,
        "uploads/auth0!7Cbert/1.jpg",
        6,
        &[("Tree", 90.0, "Plants")],
    )
    .await;
    let api = library(store.clone(), &index, OWNER);
    for (subject, own, label) in [
        ("anne", &["uploads/anne/1.jpg"][..], Some("Boat")),
        ("auth0|bert", &["uploads/auth0!7Cbert/1.jpg"], Some("Tree")),
        ("carl", &[], None),
    ] {
        let listed = by(&api, Some(subject), Method::GET, "/images").await;
        assert_eq!(keys(&listed), own);
        let counts = by(&api, Some(subject), Method::GET, "/labels").await.json();
        assert_eq!(counts["labels"][0]["name"].as_str(), label);
        let foreign = by(&api, Some(subject), Method::GET, "/images?label=dog").await;
        assert!(keys(&foreign).is_empty());
    }

    // An image of another owner gets the same reply as one that does not exist.
    let paths =
        |key: &str| ["images", "results", "thumbnails"].map(|path| format!("/{path}/{key}"));
    let anne = Some("anne");
    for theirs in [
        "uploads/auth0%217Cbert/1.jpg",
        "uploads/a.jpg",
        "uploads/ann/1.jpg",
        "uploads/Anne/1.jpg",
        "inline/c.jpg",
        "uploads%2Fannex%2F1.jpg",
    ] {
        let before = store.calls().len();
        for (theirs, nothing) in paths(theirs).iter().zip(paths("uploads/anne/none.jpg")) {
            let reply = by(&api, anne, Method::GET, theirs).await;
            let missing = by(&api, anne, Method::GET, &nothing).await;
            assert_eq!(missing.status, StatusCode::NOT_FOUND);
            assert_eq!((reply.status, reply.body), (missing.status, missing.body));
        }
        let calls = &store.calls()[before..];
        assert!(
            calls.iter().all(|call| call.contains("none.jpg")),
            "{calls:?}"
        );
    }
    let before = [store.keys(INPUT), store.keys(OUTPUT)];
    for key in ["uploads/auth0%217Cbert/1.jpg", "uploads/a.jpg"] {
        let reply = by(&api, anne, Method::DELETE, &format!("/images/{key}")).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (404, "no-such-image")
        );
    }
    assert_eq!([store.keys(INPUT), store.keys(OUTPUT)], before);
    for path in paths("uploads/anne/1.jpg") {
        let reply = by(&api, anne, Method::GET, &path).await;
        assert!(matches!(reply.status.as_u16(), 200 | 302), "{path}");
    }
    let reply = by(&api, anne, Method::DELETE, "/images/uploads/anne/1.jpg").await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    assert!(keys(&by(&api, anne, Method::GET, "/images").await).is_empty());
}

#[tokio::test]
async fn new_images_have_their_owner_in_the_key() {
    let (store, index) = (MemoryStore::new(), MemoryIndex::new());
    let image = create_image::body(&create_image::png());
    let upload = r#"{"contentType":"image/png","contentLength":5}"#;
    for (variables, subject, folder) in [
        (OPEN, Some("anne"), ""),
        (&[][..], None, ""),
        (OWNER, Some("anne"), "anne/"),
        (OWNER, Some("auth0|bert"), "auth0!7Cbert/"),
    ] {
        let api = library(store.clone(), &index, variables);
        for (path, body, prefix) in [
            ("/uploads", upload, "uploads/"),
            ("/images", &image, "inline/"),
        ] {
            let mut request = Request::post(path)
                .body(Body::from(body.to_owned()))
                .unwrap();
            if let Some(subject) = subject {
                request.extensions_mut().insert(Subject(subject.to_owned()));
            }
            let reply = send(api.clone(), request).await;
            assert_eq!(reply.status, StatusCode::CREATED);
            let answer = reply.json();
            let id = answer["imageId"].as_str().unwrap();
            assert_eq!(answer["key"], format!("{prefix}{folder}{id}.png"));
        }
    }
}

#[tokio::test]
async fn unauthenticated_callers_are_rejected_where_images_have_owners() {
    let store = MemoryStore::new();
    let index = MemoryIndex::new();
    let api = library(store.clone(), &index, OWNER);
    for (method, path) in [
        (Method::POST, "/uploads"),
        (Method::POST, "/images"),
        (Method::GET, "/images"),
        (Method::GET, "/images?limit=many"),
        (Method::GET, "/images/uploads/anne/a.jpg"),
        (Method::DELETE, "/images/uploads/anne/a.jpg"),
        (Method::GET, "/labels"),
        (Method::GET, "/results/uploads/anne/a.jpg"),
        (Method::GET, "/thumbnails/uploads/anne/a.jpg"),
    ] {
        for subject in [None, Some(""), Some("a\nb")] {
            let reply = by(&api, subject, method.clone(), path).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(reply.code(), "unauthenticated");
            assert_eq!(reply.header("www-authenticate"), "Bearer");
        }
    }
    assert!(store.calls().is_empty());
    for path in ["/health", "/openapi.json"] {
        assert_eq!(get(api.clone(), path).await.status, StatusCode::OK);
    }
}

#[tokio::test]
async fn knowing_a_key_allows_only_reading_by_default() {
    let (store, index) = three().await;
    let api = library(store.clone(), &index, &[]);
    for path in ["images", "results", "thumbnails"] {
        let reply = get(api.clone(), &format!("/{path}/uploads/a.jpg")).await;
        assert!(matches!(reply.status.as_u16(), 200 | 302), "{path}");
    }
    let before = [store.keys(INPUT), store.keys(OUTPUT)];
    for (method, path) in [
        (Method::GET, "/images"),
        (Method::GET, "/labels"),
        (Method::DELETE, "/images/uploads/a.jpg"),
    ] {
        let reply = by(&api, Some("anne"), method, path).await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{path}");
        assert_eq!(reply.code(), "forbidden");
    }
    assert_eq!([store.keys(INPUT), store.keys(OUTPUT)], before);
}
