use sightline_pipeline::{
    service_error::{Fate, ServiceError},
    testing::{FailingIndex, Faults, MemoryIndex, busy},
};

use super::{create_image, library::*, *};

#[tokio::test]
async fn without_an_index_everything_but_listing_works() {
    let (store, _) = three().await;
    let api = api_with(&store, OPEN);
    for path in ["/images", "/images?limit=many", "/labels"] {
        let reply = get(api.clone(), path).await;
        assert_eq!(reply.status, StatusCode::NOT_IMPLEMENTED);
        assert_eq!(reply.code(), "no-index");
        assert!(
            reply.json()["detail"]
                .as_str()
                .unwrap()
                .contains("INDEX_TABLE")
        );
    }
    let path = "/images/uploads/a.jpg";
    assert_eq!(get(api.clone(), path).await.status, StatusCode::OK);
    for _ in 0..2 {
        let reply = ask(api.clone(), Method::DELETE, path).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT);
        assert_eq!(get(api.clone(), path).await.code(), "no-such-image");
        assert_eq!(
            get(api.clone(), "/results/uploads/a.jpg").await.code(),
            "no-such-upload"
        );
    }
}

#[tokio::test]
async fn an_inline_image_is_listed_when_its_reply_arrives() {
    let (store, index) = (MemoryStore::new(), MemoryIndex::new());
    let api = library(store, &index, OPEN);
    let reply = create_image::post(api.clone(), create_image::body(&create_image::png())).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    let answer = reply.json();
    let listed = get(api, "/images?label=dog").await;
    assert_eq!(keys(&listed), [answer["key"].as_str().unwrap()]);
    let listed = listed.json();
    let image = &listed["images"][0];
    assert_eq!(image["imageId"], answer["imageId"]);
    assert_eq!(
        image["uploadedAt"].as_str().unwrap()[..19],
        answer["result"]["source"]["lastModified"].as_str().unwrap()[..19]
    );
    assert_eq!(
        (&image["width"], &image["thumbnail"]["width"]),
        (&json!(120), &json!(120))
    );
}

#[tokio::test]
async fn a_failing_index_reports_whether_to_try_again() {
    let rejected = ServiceError {
        code: "AccessDeniedException".to_owned(),
        fate: Fate::Repair,
        ..busy()
    };
    for (error, status, code, retry_after) in [
        (busy(), 503, "index-unavailable", "2"),
        (rejected, 502, "index-failed", ""),
    ] {
        for (method, path) in [
            (Method::GET, "/images"),
            (Method::GET, "/labels"),
            (Method::DELETE, "/images/uploads/a.jpg"),
        ] {
            let (store, index) = three().await;
            let before = [store.keys(INPUT), store.keys(OUTPUT)];
            let index = FailingIndex::new(index, Faults::first(1, error.clone()));
            let api = library(store.clone(), &index, OPEN);
            let reply = ask(api.clone(), method.clone(), path).await;
            assert_eq!(
                (reply.status.as_u16(), reply.code().as_str()),
                (status, code)
            );
            assert_eq!(reply.header("retry-after"), retry_after);
            let text = String::from_utf8(reply.body).unwrap();
            assert!(!text.contains(&error.code) && !text.contains(&error.message));
            assert_eq!([store.keys(INPUT), store.keys(OUTPUT)], before);
            assert!(ask(api, method, path).await.status.is_success());
        }
        // An image that cannot be added to the index is not stored.
        let (store, index) = (MemoryStore::new(), MemoryIndex::new());
        let failing = FailingIndex::new(index.clone(), Faults::first(1, error)).lost_replies();
        let api = library(store.clone(), &failing, OPEN);
        let reply = create_image::post(api.clone(), create_image::body(&create_image::png())).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (status, code)
        );
        assert_eq!([store.keys(INPUT), store.keys(OUTPUT)], [[""; 0]; 2]);
        assert!(index.entries().is_empty());
        let reply = create_image::post(api, create_image::body(&create_image::png())).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        assert_eq!(index.entries().len(), 1);
    }
}
