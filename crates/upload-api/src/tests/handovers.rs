//! Guests who take their images along.

use sightline_pipeline::object_store::ObjectStore as _;
use sightline_pipeline::{
    Owner,
    testing::{Failing, Faults, MemoryIndex, slow_down},
};
use time::{Duration, OffsetDateTime};

use super::{
    guests::{ANNE, GUESTS, POOL, signed},
    library::*,
    *,
};
use crate::{access::Subject, handover};

const PATH: &str = "/handovers";

fn folder() -> String {
    Owner::guest(ANNE).unwrap().as_str().to_owned()
}

/// Asks for a code as Anne.
async fn code(api: &Router) -> String {
    let request = signed(Some((ANNE, POOL)), Method::POST, "/guest/handovers", "");
    let reply = send(api.clone(), request).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.header("cache-control"), "no-store");
    let answer = reply.json();
    let expires_at = answer["expiresAt"].as_str().unwrap();
    let expires_at = OffsetDateTime::parse(expires_at, &Rfc3339).unwrap();
    let valid = expires_at - OffsetDateTime::now_utc();
    assert!(valid > Duration::minutes(9) && valid <= Duration::minutes(10));
    answer["code"].as_str().unwrap().to_owned()
}

/// Sends a body to `POST /handovers` as someone who has signed in.
async fn take(api: &Router, subject: Option<&str>, body: Value) -> Reply {
    let mut request = Request::post(PATH)
        .body(Body::from(body.to_string()))
        .unwrap();
    if let Some(subject) = subject {
        request.extensions_mut().insert(Subject(subject.to_owned()));
    }
    send(api.clone(), request).await
}

/// Anne's images: an upload, an image of a request, and one that is not analysed yet.
async fn annes(store: &MemoryStore, index: &MemoryIndex) {
    for (key, minute) in [("uploads", 1), ("inline", 2)] {
        let key = format!("{key}/{}/{minute}.jpg", folder());
        add(store, index, &key, minute, &[("Boat", 90.0, "Vehicles")]).await;
    }
    let pending = format!("uploads/{}/3.jpg", folder());
    store.insert(
        INPUT,
        &pending,
        b"3",
        "image/jpeg",
        &[("filename", "b.jpg")],
    );
}

#[tokio::test]
async fn a_guests_images_move_to_the_account() {
    let (store, index) = three().await;
    annes(&store, &index).await;
    let others = store.keys(INPUT).len() - 3;
    let api = library(store.clone(), &index, GUESTS);
    let code = code(&api).await;
    // Nothing that is stored or listed has the code.
    let stored: Vec<_> = store.keys(OUTPUT);
    assert!(stored.iter().any(|key| key.starts_with("handovers/")));
    assert!(!stored.iter().any(|key| key.contains(&code)));
    let reply = take(&api, Some("bert"), json!({ "code": code })).await;
    assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.json());
    assert_eq!(reply.json(), json!({"pictures": 3, "remaining": 0}));
    for name in ["1.jpg", "2.jpg", "3.jpg"] {
        assert!(store.body(INPUT, &format!("uploads/bert/{name}")).is_some());
    }
    let moved = store
        .head(INPUT, "uploads/bert/3.jpg")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(moved.content_type, "image/jpeg");
    assert_eq!(moved.metadata["filename"], "b.jpg");
    assert_eq!(store.keys(INPUT).len(), others + 3);
    for bucket in [INPUT, OUTPUT] {
        let left = store.keys(bucket);
        assert!(!left.iter().any(|key| key.contains(&folder())), "{left:?}");
        assert!(!left.iter().any(|key| key.starts_with("handovers/")));
    }
    let request = signed(Some((ANNE, POOL)), Method::GET, "/guest/images", "");
    assert!(keys(&send(api.clone(), request).await).is_empty());
    // The code is used up.
    let again = take(&api, Some("bert"), json!({ "code": code })).await;
    assert_eq!(again.code(), "handover-not-found");
}

#[tokio::test]
async fn an_unknown_code_is_not_found() {
    let (store, index) = three().await;
    let api = library(store.clone(), &index, GUESTS);
    for code in ["", "abc", &"0".repeat(64)] {
        let reply = take(&api, Some("bert"), json!({ "code": code })).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND);
        assert_eq!(reply.code(), "handover-not-found");
    }
    for (body, code) in [
        (json!({}), "missing-member"),
        (json!({"code": 1}), "wrong-type"),
        (json!({"code": "a", "guest": "b"}), "unknown-member"),
        (json!([]), "not-an-object"),
    ] {
        assert_eq!(take(&api, Some("bert"), body).await.code(), code);
    }
    let nobody = take(&api, None, json!({"code": "abc"})).await;
    assert_eq!(nobody.code(), "unauthenticated");
    let request = signed(None, Method::POST, "/guest/handovers", "");
    assert_eq!(send(api, request).await.code(), "no-guest-identity");
    // Without guests there are no handovers.
    let api = library(store, &index, OWNER);
    let reply = take(&api, Some("bert"), json!({"code": "abc"})).await;
    assert_eq!(reply.code(), "no-such-path");
}

#[tokio::test]
async fn a_code_works_for_ten_minutes_and_for_one_account() {
    let store = MemoryStore::new();
    let (guest, bert) = (
        Owner::guest(ANNE).unwrap(),
        Owner::signed_in("bert").unwrap(),
    );
    let carl = Owner::signed_in("carl").unwrap();
    let now = OffsetDateTime::now_utc();
    let made = handover::create(&store, OUTPUT, &guest, now).await.unwrap();
    let take = |account, at| handover::take(&store, OUTPUT, &made.code, account, at);
    let late = now + Duration::minutes(10);
    assert_eq!(take(&bert, late).await, Ok(None));
    let in_time = late - Duration::SECOND;
    assert_eq!(take(&bert, in_time).await, Ok(Some(guest.clone())));
    // A large gallery takes several requests.
    assert_eq!(take(&bert, late).await, Ok(Some(guest)));
    assert_eq!(take(&carl, in_time).await, Ok(None));
    assert_eq!(take(&bert, in_time + Duration::HOUR).await, Ok(None));
}

#[tokio::test]
async fn two_accounts_cannot_take_the_same_code_at_once() {
    let store = MemoryStore::new();
    let guest = Owner::guest(ANNE).unwrap();
    let now = OffsetDateTime::now_utc();
    let made = handover::create(&store, OUTPUT, &guest, now).await.unwrap();
    let accounts: Vec<_> = (0..4)
        .map(|number| Owner::signed_in(&format!("account-{number}")).unwrap())
        .collect();
    let takes =
        (accounts.iter()).map(|account| handover::take(&store, OUTPUT, &made.code, account, now));
    let taken = futures::future::join_all(takes).await;
    let winners = taken.iter().filter(|taken| matches!(taken, Ok(Some(_))));
    assert_eq!(winners.count(), 1, "{taken:?}");
}

#[tokio::test]
async fn a_request_moves_at_most_fifty_images() {
    let (store, index) = (MemoryStore::new(), MemoryIndex::new());
    for number in 0..60 {
        let key = format!("uploads/{}/{number:02}.jpg", folder());
        store.insert(INPUT, &key, b"image", "image/jpeg", &[]);
    }
    let api = library(store.clone(), &index, GUESTS);
    let code = code(&api).await;
    for (pictures, remaining) in [(50, 10), (10, 0)] {
        let reply = take(&api, Some("bert"), json!({ "code": code })).await;
        let expected = json!({"pictures": pictures, "remaining": remaining});
        assert_eq!(reply.json(), expected);
    }
    assert_eq!(store.keys(INPUT).len(), 60);
}

#[tokio::test]
async fn an_interrupted_handover_is_completed_by_repeating_it() {
    for interrupted in ["CopyObject", "DeleteObject in-put", "ListObjectsV2"] {
        let (store, index) = (MemoryStore::new(), MemoryIndex::new());
        annes(&store, &index).await;
        // More failures than a request tolerates.
        let failing = Failing::new(store.clone(), Faults::first(4, slow_down())).only(interrupted);
        let api = library(failing, &index, GUESTS);
        let code = code(&api).await;
        let mut replies = Vec::new();
        loop {
            let reply = take(&api, Some("bert"), json!({ "code": code })).await;
            let status = reply.status.as_u16();
            replies.push(status);
            if status == 200 && reply.json()["remaining"] == 0 {
                break;
            }
            assert!(replies.len() < 9, "{interrupted}: {replies:?}");
        }
        assert_eq!(replies[0], 503, "{interrupted}");
        let left = store.keys(INPUT);
        let expected = ["1", "2", "3"].map(|name| format!("uploads/bert/{name}.jpg"));
        assert_eq!(left, expected, "{interrupted}");
        let left = store.keys(OUTPUT);
        assert!(!left.iter().any(|key| key.contains(&folder())), "{left:?}");
    }
}
