use sightline_pipeline::object_store::ObjectStore as _;
use time::OffsetDateTime;

use super::{library::*, *};
use crate::routes::read_image;

#[tokio::test]
async fn an_image_is_read_with_its_result() {
    let (store, index) = three().await;
    let api = library(store.clone(), &index, OPEN);
    for api in [api.clone(), api_with(&store, &[])] {
        let reply = get(api, "/images/uploads/a.jpg").await;
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.header("cache-control"), "no-store");
        let details = reply.json();
        assert!(names(&details).is_subset(&names(&read_image::example())));
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

    // Missing; not analysed yet; replaced and not analysed again; deleted, with only its result left.
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
