use std::{collections::BTreeSet, time::Duration};

use sightline_pipeline::{
    ResultDocument,
    index::{Entry, ImageIndex, Put},
    object_store::ObjectStore,
    service_error::{Fate, ServiceError},
    testing::{Failing, FailingIndex, Faults, MemoryIndex, busy, slow_down},
};
use time::{OffsetDateTime, macros::datetime};

use super::{images, *};
use crate::{
    access::Subject,
    openapi::{example_details, example_image},
    routes::listing::PARAMETERS,
};

const OPEN: &[(&str, &str)] = &[("ACCESS", "open")];
const OWNER: &[(&str, &str)] = &[("ACCESS", "owner")];
// After everything that the store in memory says it stored.
const THEN: OffsetDateTime = datetime!(2026-03-01 20:00 UTC);

fn library<S: ObjectStore, I: ImageIndex + Clone>(
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

/// An image that was analysed some minutes after noon: labels with their confidence and category.
async fn add(
    store: &MemoryStore,
    index: &MemoryIndex,
    key: &str,
    minutes: i64,
    labels: &[(&str, f64, &str)],
) -> ResultDocument {
    let image = put_image(store, key);
    let mut document = example_document();
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
    let bytes = serde_json::to_vec(&document).unwrap();
    let result_key = document.source.key.result_key();
    store.insert(OUTPUT, &result_key, &bytes, "application/json", &[]);
    let thumbnail = document.source.key.thumbnail_key();
    store.insert(OUTPUT, &thumbnail, b"jpeg", "image/jpeg", &[]);
    let put = index.put(&Entry::from_document(&document)).await;
    assert_eq!(put, Ok(Put::Written));
    document
}

const PETS: &str = "Animals and Pets";

/// A library of three.
async fn three() -> (MemoryStore, MemoryIndex) {
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

fn keys(reply: &Reply) -> Vec<String> {
    assert_eq!(reply.status, StatusCode::OK, "{:?}", reply.json());
    assert_eq!(reply.header("cache-control"), "no-store");
    let list = reply.json();
    let images = list["images"].as_array().unwrap();
    images
        .iter()
        .map(|image| image["key"].as_str().unwrap().to_owned())
        .collect()
}

fn names(object: &Value) -> BTreeSet<&str> {
    object
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect()
}

/// A request by the owner of a token.
async fn by(api: &Router, subject: Option<&str>, method: Method, path: &str) -> Reply {
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

#[tokio::test]
async fn images_are_listed_newest_first_and_as_described() {
    let (store, index) = three().await;
    let mut document: ResultDocument = serde_json::from_value(example_document()).unwrap();
    document.source.last_modified = Some(datetime!(2026-01-01 12:00 UTC));
    document.thumbnail = Some(sightline_pipeline::document::Thumbnail {
        key: document.source.key.thumbnail_key(),
        width: 128,
        height: 96,
    });
    index.put(&Entry::from_document(&document)).await.unwrap();
    let api = library(store, &index, OPEN);
    let reply = get(api.clone(), "/images").await;
    let example = document.source.key.as_str();
    assert_eq!(
        keys(&reply),
        ["uploads/a.jpg", "uploads/b.jpg", "inline/c.jpg", example]
    );
    assert!(reply.json().get("cursor").is_none());
    let head = ask(api.clone(), Method::HEAD, "/images").await;
    assert_eq!((head.status, head.body), (StatusCode::OK, Vec::new()));

    let mut shown = get(api, "/images?label=cat&minConfidence=97.3&limit=5")
        .await
        .json();
    let image = shown["images"][1].take();
    let mut expected = example_image();
    let url = image["thumbnail"]["url"].as_str().unwrap();
    assert!(
        url.starts_with(&format!(
            "https://{OUTPUT}.s3.eu-west-1.amazonaws.com/thumbnails/{example}.jpg?"
        )) && url.contains("X-Amz-Expires=900&"),
        "{url}"
    );
    expected["thumbnail"]["url"] = json!(url);
    assert_eq!(image, expected);
}

#[tokio::test]
async fn images_are_found_by_what_they_show() {
    let (store, index) = three().await;
    let api = library(store, &index, OPEN);
    for (query, expected) in [
        ("label=Dog", &["uploads/b.jpg", "inline/c.jpg"][..]),
        (
            "label=dOG&minConfidence=70",
            &["uploads/b.jpg", "inline/c.jpg"],
        ),
        ("label=dog&minConfidence=70.1", &["uploads/b.jpg"]),
        ("label=Bird", &[]),
        (
            "category=animals+and%20pets&minConfidence=70.1",
            &["uploads/a.jpg", "uploads/b.jpg"],
        ),
        ("category=Dog", &[]),
        (
            "status=succeeded&label=cat",
            &["uploads/a.jpg", "inline/c.jpg"],
        ),
        ("status=failed", &[]),
        (
            "label=&status=&limit=&cursor=&label=Ball",
            &["uploads/b.jpg"],
        ),
        (
            "limit=100",
            &["uploads/a.jpg", "uploads/b.jpg", "inline/c.jpg"],
        ),
    ] {
        let reply = get(api.clone(), &format!("/images?{query}")).await;
        assert_eq!(keys(&reply), expected, "{query}");
    }
    let best = get(api.clone(), "/images?category=Animals+and+Pets")
        .await
        .json();
    assert_eq!(best["images"][2]["confidence"], 70.0);
    let counts = get(api, "/labels").await;
    assert_eq!(counts.header("cache-control"), "no-store");
    assert_eq!(
        counts.json(),
        json!({
            "labels": [
                {"name": "Cat", "images": 2},
                {"name": "Dog", "images": 2},
                {"name": "Ball", "images": 1},
            ],
            "categories": [{"name": PETS, "images": 3}, {"name": "Sports", "images": 1}],
        })
    );
}

#[tokio::test]
async fn pages_follow_on_each_other_though_images_are_added() {
    let (store, index) = three().await;
    let api = library(store.clone(), &index, OPEN);
    let (mut seen, mut query) = (Vec::new(), "limit=1".to_owned());
    loop {
        let reply = get(api.clone(), &format!("/images?{query}")).await;
        seen.extend(keys(&reply));
        let list = reply.json();
        let Some(cursor) = list["cursor"].as_str() else {
            break;
        };
        query = format!("limit=1&cursor={cursor}");
        let newer = format!("uploads/newer{}.jpg", seen.len());
        add(&store, &index, &newer, 10, &[]).await;
    }
    assert_eq!(seen, ["uploads/a.jpg", "uploads/b.jpg", "inline/c.jpg"]);
}

#[tokio::test]
async fn a_cursor_is_good_for_its_own_list_only() {
    let (store, index) = three().await;
    let api = library(store.clone(), &index, OPEN);
    let list = get(api.clone(), "/images?label=dog&limit=1").await.json();
    let cursor = list["cursor"].as_str().unwrap();
    let same = format!("/images?label=DOG&limit=7&cursor={cursor}");
    assert_eq!(keys(&get(api.clone(), &same).await), ["inline/c.jpg"]);
    for query in [
        format!("cursor={cursor}"),
        format!("label=cat&cursor={cursor}"),
        format!("category=dog&cursor={cursor}"),
        format!("label=dog&minConfidence=1&cursor={cursor}"),
        format!("label=dog&status=failed&cursor={cursor}"),
        format!("label=dog&cursor={cursor}x"),
        "cursor=1".to_owned(),
        "cursor=%F0%9F%90%88".to_owned(),
    ] {
        let reply = get(api.clone(), &format!("/images?{query}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(reply.code(), "invalid-cursor");
        assert_eq!(reply.json()["member"], "cursor");
    }
    // Nor for anybody else's.
    let own = library(store, &index, OWNER);
    let reply = by(&own, Some("anne"), Method::GET, &same).await;
    assert_eq!(reply.code(), "invalid-cursor");
}

#[tokio::test]
async fn queries_that_cannot_be_meant_are_refused() {
    let index = MemoryIndex::new();
    let long = format!("label={}", "x".repeat(256));
    for (query, member) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("minConfidence=80", "minConfidence"),
        ("label=Dog&minConfidence=-0.1", "minConfidence"),
        ("label=Dog&minConfidence=100.1", "minConfidence"),
        ("label=Dog&minConfidence=NaN", "minConfidence"),
        ("label=Dog&minConfidence=80%25", "minConfidence"),
        ("label=Dog&category=Animals", "category"),
        ("label=Dog&label=Cat", "label"),
        ("status=done", "status"),
        ("Label=Dog", "Label"),
        ("minconfidence=80", "minconfidence"),
        (&*long, "label"),
    ] {
        let store = MemoryStore::new();
        let api = library(store.clone(), &index, OPEN);
        let reply = get(api, &format!("/images?{query}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(reply.code(), "invalid-parameter", "{query}");
        assert_eq!(reply.json()["member"], member);
    }
    let unknown = get(library(MemoryStore::new(), &index, OPEN), "/images?q=dog").await;
    assert_eq!(unknown.json()["allowed"], json!(PARAMETERS));
}

#[tokio::test]
async fn an_image_is_seen_with_its_result() {
    let (store, index) = three().await;
    let api = library(store.clone(), &index, OPEN);
    for api in [api.clone(), api_with(&store, &[])] {
        let reply = get(api, "/images/uploads/a.jpg").await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("cache-control"), "no-store");
        let details = reply.json();
        assert!(names(&details).is_subset(&names(&example_details())));
        assert_eq!(details["key"], "uploads/a.jpg");
        assert_eq!(details["uploadedAt"], "2026-03-01T20:03:00Z");
        assert_eq!(
            details["labels"],
            json!([{"name": "Cat", "confidence": 97.5}])
        );
        for (name, address) in [
            (
                "imageUrl",
                format!("https://{INPUT}.s3.eu-west-1.amazonaws.com/uploads/a.jpg?"),
            ),
            (
                "resultUrl",
                format!("https://{OUTPUT}.s3.eu-west-1.amazonaws.com/results/uploads/a.jpg.json?"),
            ),
        ] {
            assert!(
                details[name].as_str().unwrap().starts_with(&address),
                "{details}"
            );
        }
        let format = time::format_description::well_known::Rfc3339;
        let expires = details["expiresAt"].as_str().unwrap();
        let left = OffsetDateTime::parse(expires, &format).unwrap() - OffsetDateTime::now_utc();
        assert!((890.0..=900.0).contains(&left.as_seconds_f64()), "{left}");
    }

    // Not there, not analysed yet, replaced and not analysed again, only its answer left.
    put_image(&store, "uploads/new.jpg");
    store.insert(INPUT, "uploads/b.jpg", b"another", "image/jpeg", &[]);
    store.delete(INPUT, "inline/c.jpg").await.unwrap();
    for key in [
        "uploads/none.jpg",
        "uploads/new.jpg",
        "uploads/b.jpg",
        "inline/c.jpg",
    ] {
        let reply = get(api.clone(), &format!("/images/{key}")).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{key}");
        assert_eq!(reply.code(), "no-such-image");
    }
    assert_eq!(
        get(api, "/images/elsewhere/a.jpg").await.code(),
        "invalid-key"
    );
}

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
    // The image goes before what was made of it: a late event must not find it.
    assert_eq!(
        store.calls()[before],
        "DeleteObject in-put uploads/my cat+1.jpg"
    );

    // An answer that was on its way is refused; a new image under the key is not.
    let put = index.put(&Entry::from_document(&document)).await;
    assert_eq!(put, Ok(Put::Removed));
    let mut anew = document;
    anew.source.last_modified = Some(OffsetDateTime::now_utc() + Duration::from_secs(5));
    anew.source.sequencer = Some("02".to_owned());
    assert_eq!(
        index.put(&Entry::from_document(&anew)).await,
        Ok(Put::Written)
    );
}

#[tokio::test]
async fn a_deletion_that_was_cut_off_shows_nothing_and_is_finished_by_a_repeat() {
    const PATH: &str = "/images/uploads/a.jpg";
    let refused = ServiceError {
        code: "AccessDenied".to_owned(),
        fate: Fate::Repair,
        ..slow_down()
    };
    for call in [
        "DeleteObject in-put",
        "DeleteObject out-put thumbnails/",
        "DeleteObject out-put results/",
        "DeleteObject out-put claims/",
    ] {
        for (error, status, code) in [
            (slow_down(), 503, "store-unavailable"),
            (refused.clone(), 502, "store-failed"),
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

#[tokio::test]
async fn without_an_index_nothing_is_listed_and_all_else_works() {
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
async fn an_image_in_a_request_is_listed_with_the_reply() {
    let (store, index) = (MemoryStore::new(), MemoryIndex::new());
    let api = library(store, &index, OPEN);
    let reply = images::post(api.clone(), images::body(&images::png())).await;
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
async fn owners_see_what_is_theirs_and_nothing_else() {
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

    // Somebody else's is answered just like what is not there.
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
        let asked = store.calls().len();
        for (theirs, nothing) in paths(theirs).iter().zip(paths("uploads/anne/none.jpg")) {
            let reply = by(&api, anne, Method::GET, theirs).await;
            let missing = by(&api, anne, Method::GET, &nothing).await;
            assert_eq!(missing.status, StatusCode::NOT_FOUND);
            assert_eq!((reply.status, reply.body), (missing.status, missing.body));
        }
        let asked = &store.calls()[asked..];
        assert!(
            asked.iter().all(|call| call.contains("none.jpg")),
            "{asked:?}"
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
async fn new_images_lie_under_their_owner() {
    let (store, index) = (MemoryStore::new(), MemoryIndex::new());
    let image = images::body(&images::png());
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
async fn nobody_is_let_in_without_a_name_where_images_have_owners() {
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
async fn who_knows_a_key_reads_it_and_no_more_unless_told_otherwise() {
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

#[tokio::test]
async fn an_index_that_fails_says_whether_to_try_again() {
    let refused = ServiceError {
        code: "AccessDeniedException".to_owned(),
        fate: Fate::Repair,
        ..busy()
    };
    for (error, status, code, retry_after) in [
        (busy(), 503, "index-unavailable", "2"),
        (refused, 502, "index-failed", ""),
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
        // An image that cannot be listed is not kept.
        let (store, index) = (MemoryStore::new(), MemoryIndex::new());
        let failing = FailingIndex::new(index.clone(), Faults::first(1, error)).lost_replies();
        let api = library(store.clone(), &failing, OPEN);
        let reply = images::post(api.clone(), images::body(&images::png())).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (status, code)
        );
        assert_eq!([store.keys(INPUT), store.keys(OUTPUT)], [[""; 0]; 2]);
        assert!(index.entries().is_empty());
        let reply = images::post(api, images::body(&images::png())).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        assert_eq!(index.entries().len(), 1);
    }
}
