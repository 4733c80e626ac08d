use std::time::Duration;

use sightline_pipeline::{
    index::{Entry, ImageIndex as _, Put},
    service_error::{Fate, ServiceError},
    testing::{Failing, Faults, MemoryIndex, slow_down},
};
use time::OffsetDateTime;

use super::{library::*, *};

#[tokio::test]
async fn a_deleted_image_is_gone_everywhere_and_stays_gone() {
    let (store, index) = three().await;
    let document = add(
        &store,
        &index,
        "uploads/my cat+1.jpg",
        4,
        &[("Cat", 99.0, PETS)],
    )
    .await;
    let key = document.source.key.clone();
    store.insert(OUTPUT, &key.lease_key(), b"{}", "application/json", &[]);
    let api = library(store.clone(), &index, OPEN);
    let before = store.calls().len();
    for _ in 0..2 {
        let reply = ask(
            api.clone(),
            Method::DELETE,
            "/images/uploads/my%20cat%2B1.jpg",
        )
        .await;
        assert_eq!(
            (reply.status, reply.body),
            (StatusCode::NO_CONTENT, Vec::new())
        );
        let left = [store.keys(INPUT), store.keys(OUTPUT)].concat();
        assert!(!left.iter().any(|key| key.contains("my cat")), "{left:?}");
        let listed = get(api.clone(), "/images").await;
        assert_eq!(
            keys(&listed),
            ["uploads/a.jpg", "uploads/b.jpg", "inline/c.jpg"]
        );
        assert_eq!(
            get(api.clone(), "/labels").await.json()["labels"][0]["images"],
            2
        );
    }
    // The mark names the version, and the image is deleted before its result and thumbnail: a late event must not find it.
    assert_eq!(
        store.calls()[before..before + 2],
        [
            "HeadObject in-put uploads/my cat+1.jpg",
            "DeleteObject in-put uploads/my cat+1.jpg"
        ]
    );

    // The index rejects a late result of the deleted image, but accepts a new image with the same key.
    let put = index.put(&Entry::from_document(&document)).await;
    assert_eq!(put, Ok(Put::Removed));
    let mut newer = document;
    newer.source.last_modified = Some(OffsetDateTime::now_utc() + Duration::from_secs(5));
    newer.source.sequencer = Some("02".to_owned());
    assert_eq!(
        index.put(&Entry::from_document(&newer)).await,
        Ok(Put::Written)
    );
}

#[tokio::test]
async fn all_versions_are_deleted_if_that_is_switched_on() {
    for (variables, left) in [(&[][..], 3), (&[("DELETE_VERSIONS", "on")][..], 0)] {
        let store = MemoryStore::versioned();
        let index = MemoryIndex::new();
        let key = "uploads/a.jpg";
        put_image(&store, key);
        put_image(&store, key);
        let api = library(store.clone(), &index, &[variables, OPEN].concat());
        let reply = ask(api, Method::DELETE, "/images/uploads/a.jpg").await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT);
        assert_eq!(store.keys(INPUT), Vec::<String>::new());
        assert_eq!(store.versions(INPUT, key), left);
    }
}

#[tokio::test]
async fn an_image_that_may_not_be_read_can_be_deleted() {
    let (store, index) = three().await;
    let rejected = ServiceError {
        code: "AccessDenied".to_owned(),
        fate: Fate::Repair,
        ..slow_down()
    };
    let failing = Failing::new(store.clone(), Faults::first(1, rejected)).only("HeadObject in-put");
    let api = library(failing, &index, OPEN);
    let reply = ask(api.clone(), Method::DELETE, "/images/uploads/a.jpg").await;
    assert_eq!(reply.status, StatusCode::NO_CONTENT);
    let left = [store.keys(INPUT), store.keys(OUTPUT)].concat();
    assert!(!left.iter().any(|key| key.contains("a.jpg")), "{left:?}");
    assert_eq!(
        keys(&get(api, "/images").await),
        ["uploads/b.jpg", "inline/c.jpg"]
    );
}

#[tokio::test]
async fn an_interrupted_deletion_unlists_the_image_and_can_be_repeated() {
    const PATH: &str = "/images/uploads/a.jpg";
    let rejected = ServiceError {
        code: "AccessDenied".to_owned(),
        fate: Fate::Repair,
        ..slow_down()
    };
    for call in [
        "DeleteObject in-put",
        "DeleteObject out-put thumbnails/",
        "DeleteObject out-put previews/",
        "DeleteObject out-put results/",
        "DeleteObject out-put claims/",
    ] {
        for (error, status, code) in [
            (slow_down(), 503, "store-unavailable"),
            (rejected.clone(), 502, "store-failed"),
        ] {
            let (store, index) = three().await;
            let failing = Failing::new(store.clone(), Faults::first(1, error)).only(call);
            let api = library(failing, &index, OPEN);
            let reply = ask(api.clone(), Method::DELETE, PATH).await;
            assert_eq!(
                (reply.status.as_u16(), reply.code().as_str()),
                (status, code)
            );
            let listed = keys(&get(api.clone(), "/images").await);
            assert_eq!(listed, ["uploads/b.jpg", "inline/c.jpg"], "{call}");
            let again = ask(api.clone(), Method::DELETE, PATH).await;
            assert_eq!(again.status, StatusCode::NO_CONTENT);
            let left = [store.keys(INPUT), store.keys(OUTPUT)].concat();
            assert!(
                !left.iter().any(|key| key.contains("a.jpg")),
                "{call}: {left:?}"
            );
        }
    }
}
