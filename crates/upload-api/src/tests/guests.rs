//! Guests, as the gateway's IAM authorization names them.

use sightline_pipeline::{Owner, testing::MemoryIndex};

use super::{create_image, library::*, *};
use crate::{GuestIdentity, access::Subject};

pub(super) const POOL: &str = "eu-west-1:4f291106-8703-466b-8f2b-3ecee1ca56ce";
pub(super) const ANNE: &str = "eu-west-1:3f291106-8703-466b-8f2b-3ecee1ca56ce";
const BERT: &str = "eu-west-1:5f291106-8703-466b-8f2b-3ecee1ca56ce";
pub(super) const GUESTS: &[(&str, &str)] = &[("ACCESS", "owner"), ("GUEST_IDENTITY_POOL", POOL)];

/// A request that this identity of this pool has signed.
pub(super) fn signed(
    identity: Option<(&str, &str)>,
    method: Method,
    path: &str,
    body: &str,
) -> Request<Body> {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .header("host", "pictures.example.com")
        .body(Body::from(body.to_owned()))
        .unwrap();
    if let Some((identity_id, identity_pool_id)) = identity {
        request.extensions_mut().insert(GuestIdentity {
            identity_id: identity_id.to_owned(),
            identity_pool_id: identity_pool_id.to_owned(),
        });
    }
    request
}

#[tokio::test]
async fn guests_see_only_their_own_images() {
    let (store, index) = three().await;
    let anne = Owner::guest(ANNE).unwrap();
    let key = format!("uploads/{}/1.jpg", anne.as_str());
    add(&store, &index, &key, 5, &[("Boat", 90.0, "Vehicles")]).await;
    let api = library(store.clone(), &index, GUESTS);
    let ask = |identity, method, path: &str| {
        send(
            api.clone(),
            signed(Some((identity, POOL)), method, path, ""),
        )
    };
    assert_eq!(
        keys(&ask(ANNE, Method::GET, "/guest/images").await),
        [key.as_str()]
    );
    let labels = ask(ANNE, Method::GET, "/guest/labels").await.json();
    assert_eq!(labels["labels"][0]["name"], "Boat");
    assert!(keys(&ask(BERT, Method::GET, "/guest/images").await).is_empty());
    let encoded = key.replace('!', "%21");
    for path in ["images", "results", "thumbnails"] {
        let path = format!("/guest/{path}/{encoded}");
        let own = ask(ANNE, Method::GET, &path).await;
        assert!(matches!(own.status.as_u16(), 200 | 302), "{path}");
        let foreign = ask(BERT, Method::GET, &path).await;
        assert_eq!(foreign.status, StatusCode::NOT_FOUND, "{path}");
        // Someone who signed in with a subject that equals the identity owns nothing.
        let path = path.replace("/guest/", "/");
        for subject in [ANNE, anne.as_str()] {
            let reply = by(&api, Some(subject), Method::GET, &path).await;
            assert!(matches!(reply.status.as_u16(), 401 | 404), "{path}");
        }
    }
    let path = format!("/guest/images/{encoded}");
    let foreign = ask(BERT, Method::DELETE, &path).await;
    assert_eq!(foreign.code(), "no-such-image");
    let own = ask(ANNE, Method::DELETE, &path).await;
    assert_eq!(own.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn replies_to_guests_name_the_routes_of_guests() {
    let (store, index) = (MemoryStore::new(), MemoryIndex::new());
    let api = library(store, &index, GUESTS);
    let folder = Owner::guest(ANNE).unwrap().as_str().to_owned();
    let image = create_image::body(&create_image::png());
    let upload = r#"{"contentType":"image/png","contentLength":5}"#;
    for (path, body, prefix) in [
        ("/guest/uploads", upload, "uploads"),
        ("/guest/images", &image, "inline"),
    ] {
        let request = signed(Some((ANNE, POOL)), Method::POST, path, body);
        let reply = send(api.clone(), request).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        let answer = reply.json();
        let id = answer["imageId"].as_str().unwrap();
        assert_eq!(answer["key"], format!("{prefix}/{folder}/{id}.png"));
        let encoded = folder.replace('!', "%21");
        let expected =
            format!("http://pictures.example.com/guest/results/{prefix}/{encoded}/{id}.png");
        assert_eq!(answer["statusUrl"], expected);
        assert_eq!(reply.header("location"), expected);
    }
}

#[tokio::test]
async fn the_routes_of_guests_are_for_guests_of_the_pool_alone() {
    let store = MemoryStore::new();
    let index = MemoryIndex::new();
    let api = library(store.clone(), &index, GUESTS);
    for identity in [
        None,
        Some((ANNE, ANNE)),
        Some(("", POOL)),
        Some(("anne", POOL)),
    ] {
        for (method, path) in [
            (Method::POST, "/guest/uploads"),
            (Method::POST, "/guest/images"),
            (Method::GET, "/guest/images"),
            (Method::GET, "/guest/images/uploads/a.jpg"),
            (Method::DELETE, "/guest/images/uploads/a.jpg"),
            (Method::GET, "/guest/labels"),
            (Method::GET, "/guest/results/uploads/a.jpg"),
            (Method::GET, "/guest/thumbnails/uploads/a.jpg"),
        ] {
            let mut request = signed(identity, method.clone(), path, "");
            // A token does not help here.
            let subject = Subject("anne".to_owned());
            request.extensions_mut().insert(subject);
            let reply = send(api.clone(), request).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{method} {path}");
            assert_eq!(reply.code(), "no-guest-identity");
        }
    }
    // Nor does a guest's signature on the other routes.
    let request = signed(Some((ANNE, POOL)), Method::GET, "/images", "");
    let reply = send(api.clone(), request).await;
    assert_eq!(reply.code(), "unauthenticated");
    assert!(store.calls().is_empty());

    for (variables, path) in [
        (OWNER, "/guest/images"),
        (GUESTS, "/guest/health"),
        (GUESTS, "/guest"),
        (GUESTS, "/guest/guest/images"),
    ] {
        let api = library(store.clone(), &index, variables);
        let request = signed(Some((ANNE, POOL)), Method::GET, path, "");
        assert_eq!(send(api, request).await.code(), "no-such-path", "{path}");
    }
    let request = signed(Some((ANNE, POOL)), Method::DELETE, "/guest/uploads", "");
    let reply = send(api, request).await;
    assert_eq!(reply.code(), "method-not-allowed");
    assert_eq!(reply.header("allow"), "POST, OPTIONS");
}
