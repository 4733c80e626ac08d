use std::{io::Cursor, time::Duration};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use futures::FutureExt as _;
use image::{ImageFormat, RgbImage};
use sightline_pipeline::{
    ResultDocument,
    daily_limit::LimitedRecogniser,
    object_store::{ListObjects, ObjectStore},
    owner_limit::OwnerLimitedRecogniser,
    recogniser::ImageSource,
    service_error::{Fate, ServiceError},
    testing::{Failing, Faults, MemoryIndex, denied, refused, slow_down, throttled},
};

use super::{read_result::Silent, *};
use crate::{
    access::Subject,
    routes::create_image::{problems, request::MAX_IMAGE_BYTES},
};

const MIB: usize = 1024 * 1024;

pub(super) async fn post(api: Router, body: impl Into<Body>) -> Reply {
    let request = Request::post("/images")
        .header("host", "pictures.example.com")
        .body(body.into())
        .unwrap();
    send(api, request).await
}

/// A small PNG.
pub(super) fn png() -> Vec<u8> {
    picture(ImageFormat::Png)
}

/// A picture of 120 x 90 pixels that every decoder reads.
fn picture(format: ImageFormat) -> Vec<u8> {
    encoded(120, 90, format)
}

/// A picture that has a preview.
fn large_picture() -> Vec<u8> {
    encoded(400, 300, ImageFormat::Png)
}

fn encoded(width: u32, height: u32, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    RgbImage::from_fn(width, height, |x, y| image::Rgb([x as u8, y as u8, 128]))
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

pub(super) fn body(image: &[u8]) -> String {
    json!({"image": BASE64_STANDARD.encode(image)}).to_string()
}

fn api_over<S: ObjectStore + ListObjects>(
    store: S,
    recogniser: &CannedRecogniser,
) -> Api<(S, MemoryPresigner, CannedRecogniser, NoIndex)> {
    Api::new(config(&[]), store, presigner(), recogniser.clone(), None)
}

fn stored(store: &MemoryStore) -> Vec<String> {
    [store.keys(INPUT), store.keys(OUTPUT)].concat()
}

#[tokio::test]
async fn a_small_image_is_analysed_at_once_and_stored_like_an_upload() {
    for (format, extension, content_type) in [
        (ImageFormat::Jpeg, "jpg", "image/jpeg"),
        (ImageFormat::Png, "png", "image/png"),
        (ImageFormat::WebP, "webp", "image/webp"),
    ] {
        let store = MemoryStore::new();
        let recogniser = CannedRecogniser::new();
        let api = router(Arc::new(api_over(store.clone(), &recogniser)));
        let image = picture(format);
        let reply = post(api.clone(), body(&image)).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        assert_eq!(reply.header("cache-control"), "no-store");

        let answer = reply.json();
        let key = answer["key"].as_str().unwrap();
        let id = answer["imageId"].as_str().unwrap();
        assert_eq!(key, format!("inline/{id}.{extension}"));
        assert_eq!(answer["message"], "The image was analysed.");
        assert_eq!(answer["resultKey"], format!("results/{key}.json"));
        let address = format!("https://pictures.example.com/results/{key}");
        let address = address.replace("https", "http");
        assert_eq!(answer["statusUrl"], address);
        assert_eq!(reply.header("location"), address);

        let result: ResultDocument = serde_json::from_value(answer["result"].clone()).unwrap();
        assert_eq!(answer["result"]["status"], "succeeded");
        assert_eq!(result.source.content_type, content_type);
        assert_eq!(result.source.size, image.len() as u64);
        let info = result.image.unwrap();
        assert_eq!((info.width, info.height), (120, 90));
        let thumbnail = result.thumbnail.unwrap();
        assert_eq!((thumbnail.width, thumbnail.height), (120, 90));
        assert_eq!(thumbnail.key, format!("thumbnails/{key}.jpg"));
        let stored = store.body(OUTPUT, &thumbnail.key).unwrap();
        assert_eq!(image::guess_format(&stored).unwrap(), ImageFormat::Jpeg);
        let seen = get(api.clone(), &format!("/thumbnails/{key}")).await;
        assert_eq!(seen.status, StatusCode::FOUND);
        let labels = &answer["result"]["rekognition"]["detectLabels"]["Labels"];
        assert_eq!(&answer["rekognitionLabels"], labels);
        assert!(!labels.as_array().unwrap().is_empty());

        // The recogniser was called once, with these bytes if it reads their format itself.
        let calls = recogniser.calls();
        assert_eq!(calls.len(), 1);
        let ImageSource::Bytes(given) = &calls[0].image else {
            panic!("nothing was in a bucket yet");
        };
        let converted = format == ImageFormat::WebP;
        assert_eq!(info.prepared.is_some(), converted);
        assert_eq!(**given == *image, !converted);
        let given = image::guess_format(given).unwrap();
        assert_eq!(given == ImageFormat::Png, format == ImageFormat::Png);

        assert_eq!(store.body(INPUT, key), Some(image));
        let result_key = format!("results/{key}.json");
        assert_eq!(
            store.json(OUTPUT, &result_key),
            Some(answer["result"].clone())
        );
        let again = get(api, &format!("/results/{key}")).await;
        assert_eq!(
            (again.status, again.json()),
            (StatusCode::OK, answer["result"].clone())
        );
    }
}

#[tokio::test]
async fn filename_and_analyses_are_stored_with_the_image() {
    let store = MemoryStore::new();
    let image = BASE64_STANDARD.encode(picture(ImageFormat::Png));
    let request =
        json!({"image": image, "filename": "a/Käthe.png", "analyses": ["image-properties"]});
    let reply = post(api(&store), request.to_string()).await;
    let answer = reply.json();
    assert_eq!(answer["result"]["source"]["filename"], "Käthe.png");
    assert_eq!(answer["result"]["analyses"], json!(["image-properties"]));
    let key = answer["key"].as_str().unwrap();
    let kept = ObjectStore::head(&store, INPUT, key)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(kept.content_type, "image/png");
    assert_eq!(kept.metadata["filename"], "K%C3%A4the.png");
    assert_eq!(kept.metadata["analyses"], "image-properties");
}

#[tokio::test]
async fn base64_is_accepted_as_common_programs_write_it() {
    let image = picture(ImageFormat::Png);
    let plain = BASE64_STANDARD.encode(&image);
    let lines = |end: &str| {
        let lines: Vec<_> = plain
            .as_bytes()
            .chunks(76)
            .map(|line| str::from_utf8(line).unwrap())
            .collect();
        lines.join(end) + end
    };
    for encoded in [
        lines("\n"),
        lines("\r\n"),
        plain.trim_end_matches('=').to_owned(),
        format!("data:image/png;base64,{plain}"),
        // The bytes decide the format.
        format!("data:;BASE64,{plain}"),
        format!("data:image/jpeg;name=a.jpg;base64,{plain}"),
    ] {
        let store = MemoryStore::new();
        let reply = post(api(&store), json!({"image": encoded}).to_string()).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        let key = reply.json()["key"].as_str().unwrap().to_owned();
        assert!(key.ends_with(".png"));
        assert_eq!(store.body(INPUT, &key), Some(image.clone()));
    }
}

#[tokio::test]
async fn invalid_bodies_are_rejected() {
    let image = BASE64_STANDARD.encode(picture(ImageFormat::Png));
    for (body, code, member) in [
        (json!({}), "missing-member", "image"),
        (json!({"image": null}), "missing-member", "image"),
        (json!({"Image": image}), "unknown-member", "Image"),
        (
            json!({"image": image, "contentType": "image/png"}),
            "unknown-member",
            "contentType",
        ),
        (json!({"image": [1, 2]}), "wrong-type", "image"),
        (json!({"image": ""}), "invalid-base64", "image"),
        (json!({"image": " \n"}), "invalid-base64", "image"),
        (
            json!({"image": "data:image/png;base64,"}),
            "invalid-base64",
            "image",
        ),
        (
            json!({"image": "data:image/png,abcd"}),
            "invalid-base64",
            "image",
        ),
        (
            json!({"image": "data:image/png;base64"}),
            "invalid-base64",
            "image",
        ),
        (json!({"image": "a"}), "invalid-base64", "image"),
        (json!({"image": "ab=c"}), "invalid-base64", "image"),
        (json!({"image": "_-_-"}), "invalid-base64", "image"),
        (json!({"image": "äöü€"}), "invalid-base64", "image"),
        (
            json!({"image": "https://example.com/a.png"}),
            "invalid-base64",
            "image",
        ),
        (
            json!({"image": image, "filename": 5}),
            "wrong-type",
            "filename",
        ),
        (
            json!({"image": image, "analyses": []}),
            "no-analyses",
            "analyses",
        ),
        (
            json!({"image": image, "analyses": ["cats"]}),
            "unknown-analysis",
            "analyses",
        ),
        (
            json!({"image": image, "analyses": ["faces"]}),
            "analysis-not-enabled",
            "analyses",
        ),
    ] {
        let store = MemoryStore::new();
        let reply = post(api(&store), body.to_string()).await;
        assert_eq!(
            (reply.status.as_u16(), reply.code().as_str()),
            (400, code),
            "{body}"
        );
        assert_eq!(reply.json()["member"], member);
        assert!(
            problems()
                .iter()
                .any(|problem| problem.code().name() == code)
        );
        assert!(store.calls().is_empty());
    }
    for (body, code) in [
        ("", "invalid-json"),
        ("iVBORw0KGgo=", "invalid-json"),
        ("[]", "not-an-object"),
    ] {
        let reply = post(api(&MemoryStore::new()), body).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (400, code));
    }
}

#[tokio::test]
async fn an_image_may_have_4_mib_and_no_more() {
    let mut image = picture(ImageFormat::Png);
    // Decoders stop at the end of the picture; Rekognition gets all bytes.
    image.resize(MAX_IMAGE_BYTES, 0);
    let store = MemoryStore::new();
    assert_eq!(
        post(api(&store), body(&image)).await.status,
        StatusCode::CREATED
    );
    image.push(0);
    let reply = post(api(&store), body(&image)).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (413, "image-too-large")
    );
    assert_eq!(reply.json()["limit"], MAX_IMAGE_BYTES);

    let reply = post(api(&store), body(b"a") + &" ".repeat(6 * MIB)).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (413, "body-too-large")
    );
    assert_eq!(reply.json()["limit"], 6 * MIB);
    assert!(
        reply.json()["detail"]
            .as_str()
            .unwrap()
            .contains("POST /uploads")
    );
}

#[tokio::test]
async fn bytes_that_are_no_picture_get_a_failed_result() {
    for bytes in [&b"no picture"[..], b"%PDF-1.7", b"\0"] {
        let store = MemoryStore::new();
        let recogniser = CannedRecogniser::new();
        let reply = post(
            router(Arc::new(api_over(store.clone(), &recogniser))),
            body(bytes),
        )
        .await;
        assert_eq!(reply.status, StatusCode::CREATED);
        let answer = reply.json();
        assert_eq!(answer["result"]["status"], "failed");
        assert!(
            answer["message"]
                .as_str()
                .unwrap()
                .contains("could not be analysed")
        );
        assert_eq!(answer["rekognitionLabels"], json!([]));
        let errors = answer["result"]["errors"].as_array().unwrap();
        assert!(errors.len() == 1 && errors[0]["message"].as_str().unwrap().ends_with('.'));
        let key = answer["key"].as_str().unwrap();
        assert!(key.ends_with(".bin"));
        assert_eq!(store.body(INPUT, key).as_deref(), Some(bytes));
        assert!(store.json(OUTPUT, &format!("results/{key}.json")).is_some());
        assert_eq!(recogniser.count(), 0);
    }
}

#[tokio::test]
async fn a_truncated_picture_costs_nothing() {
    let store = MemoryStore::new();
    let recogniser = CannedRecogniser::new();
    let mut image = picture(ImageFormat::Png);
    image.truncate(image.len() / 2);
    let reply = post(router(Arc::new(api_over(store, &recogniser))), body(&image)).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    let result = &reply.json()["result"];
    assert_eq!(result["status"], "failed");
    assert_eq!(result["errors"][0]["code"], "TruncatedImage");
    assert_eq!(result["image"]["width"], 120);
    assert_eq!(recogniser.count(), 0);
}

#[tokio::test]
async fn thumbnails_can_be_switched_off() {
    let store = MemoryStore::new();
    let image = body(&picture(ImageFormat::Png));
    let none = [("THUMBNAIL_PX", "0"), ("PREVIEW_PX", "0")];
    let reply = post(api_with(&store, &none), image.clone()).await;
    assert_eq!(reply.json()["result"]["status"], "succeeded");
    assert_eq!(reply.json()["result"]["thumbnail"], Value::Null);
    assert_eq!(store.keys(OUTPUT).len(), 1);
    // A preview is larger than the thumbnail.
    let store = MemoryStore::new();
    let small = [("THUMBNAIL_PX", "64"), ("PREVIEW_PX", "100")];
    let reply = post(api_with(&store, &small), image).await.json();
    let size = |name: &str| reply["result"][name]["width"].as_u64();
    assert_eq!((size("thumbnail"), size("preview")), (Some(64), Some(100)));
    for name in ["thumbnail", "preview"] {
        let key = reply["result"][name]["key"].as_str().unwrap();
        let stored = store.body(OUTPUT, key).unwrap();
        assert_eq!(image::guess_format(&stored).unwrap(), ImageFormat::Jpeg);
    }
}

#[tokio::test]
async fn faces_are_among_the_labels_of_the_answer() {
    let image = BASE64_STANDARD.encode(picture(ImageFormat::Jpeg));
    for (analyses, expected) in [
        (
            &["labels", "faces"][..],
            &["Person", "Face", "Dog", "Animal", "Happy"][..],
        ),
        (&["faces"], &["Person", "Face", "Happy"]),
        (&["labels"], &["Dog", "Animal"]),
    ] {
        let store = MemoryStore::new();
        let api = api_with(&store, &[("ANALYSES", "labels,faces")]);
        let body = json!({"image": image, "analyses": analyses});
        let reply = post(api, body.to_string()).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        let answer = reply.json();
        let names: Vec<_> = answer["rekognitionLabels"]
            .as_array()
            .unwrap()
            .iter()
            .map(|label| label["Name"].as_str().unwrap())
            .collect();
        assert_eq!(names, expected);
        let summary = &answer["result"]["summary"];
        if analyses.contains(&"faces") {
            assert_eq!(summary["emotions"], json!(["Happy"]));
            assert_eq!(summary["ages"], json!([{"low": 20, "high": 28}]));
            assert_eq!(summary["smiles"], 1);
        } else {
            assert!(summary.get("ages").is_none() && summary.get("faces").is_none());
        }
    }
}

#[tokio::test]
async fn nothing_is_stored_when_the_recogniser_is_busy() {
    let store = MemoryStore::new();
    let recogniser = CannedRecogniser::new().with_faults(None, Faults::first(1, throttled()));
    let api = router(Arc::new(api_over(store.clone(), &recogniser)));
    let image = body(&picture(ImageFormat::Png));
    let reply = post(api.clone(), image.clone()).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (503, "recogniser-unavailable")
    );
    assert_eq!(reply.header("retry-after"), "2");
    let text = String::from_utf8(reply.body).unwrap();
    assert!(!text.contains(&throttled().code) && !text.contains(&throttled().message));
    assert!(store.calls().is_empty());
    assert_eq!(post(api, image).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn slow_preparation_and_slow_recognition_time_out() {
    let store = MemoryStore::new();
    let recogniser = CannedRecogniser::new().with_delay(Duration::from_secs(60));
    for (code, calls) in [("recogniser-unavailable", 1), ("preparation-timeout", 0)] {
        let before = recogniser.count();
        let mut api = api_over(store.clone(), &recogniser);
        api.recognition_timeout = Duration::from_secs(1);
        // Another image occupies the preparer.
        let preparer = api.preparer.clone();
        let _permit = (calls == 0).then(|| preparer.acquire(None).now_or_never());
        let reply = post(router(Arc::new(api)), body(&picture(ImageFormat::Png))).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (503, code));
        let retry_after = reply.headers.get("retry-after");
        assert_eq!(retry_after.is_some(), calls == 1, "{code}");
        assert_eq!(recogniser.count() - before, calls, "{code}");
        assert!(store.calls().is_empty());
    }
}

#[tokio::test]
async fn a_final_error_of_the_recogniser_is_in_the_result() {
    let image = picture(ImageFormat::Png);
    for (analysis, status) in [
        (sightline_pipeline::Analysis::Faces, "partial"),
        (sightline_pipeline::Analysis::Labels, "failed"),
    ] {
        let recogniser = CannedRecogniser::new().with_faults(
            Some(analysis.operation()),
            Faults::always(refused("ImageTooLargeException")),
        );
        let analyses = if status == "partial" {
            "labels,faces"
        } else {
            "labels"
        };
        let store = MemoryStore::new();
        let api = Api::new(
            config(&[("ANALYSES", analyses)]),
            store.clone(),
            presigner(),
            recogniser,
            None::<NoIndex>,
        );
        let reply = post(router(Arc::new(api)), body(&image)).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        assert_eq!(reply.json()["result"]["status"], status);
        let errors = &reply.json()["result"]["errors"];
        assert_eq!(errors[0]["analysis"], analysis.name());
        assert_eq!(
            stored(&store)
                .iter()
                .filter(|key| key.starts_with("results/"))
                .count(),
            1
        );
    }
}

#[tokio::test]
async fn nothing_is_stored_when_the_deployment_lacks_permissions() {
    let recogniser =
        CannedRecogniser::new().with_faults(None, Faults::always(denied("AccessDeniedException")));
    let store = MemoryStore::new();
    let api = Api::new(
        config(&[]),
        store.clone(),
        presigner(),
        recogniser,
        None::<NoIndex>,
    );
    let reply = post(router(Arc::new(api)), body(&picture(ImageFormat::Png))).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (503, "recogniser-unavailable")
    );
    assert!(stored(&store).is_empty());
}

#[tokio::test]
async fn nothing_is_stored_when_the_daily_limit_is_reached() {
    let store = MemoryStore::new();
    let recogniser = CannedRecogniser::new();
    let limited = LimitedRecogniser::new(recogniser.clone(), store.clone(), OUTPUT, Some(3));
    let api = router(Arc::new(Api::new(
        config(&[("ANALYSES", "labels,faces")]),
        store.clone(),
        presigner(),
        limited,
        None::<NoIndex>,
    )));
    let image = body(&picture(ImageFormat::Png));
    assert_eq!(post(api.clone(), image.clone()).await.status.as_u16(), 201);
    let partial = post(api.clone(), image.clone()).await;
    assert_eq!(partial.json()["result"]["status"], "partial");
    assert_eq!(partial.json()["result"]["errors"][0]["retryable"], true);
    let before = store.keys(OUTPUT);
    let reply = post(api, image).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (429, "daily-limit-reached")
    );
    assert!(reply.headers.contains_key("retry-after"));
    assert_eq!(store.keys(OUTPUT), before);
    assert_eq!(recogniser.count(), 3);
}

#[tokio::test]
async fn nothing_is_stored_when_the_callers_daily_limit_is_reached() {
    let (store, index) = (MemoryStore::new(), MemoryIndex::new());
    let recogniser = CannedRecogniser::new();
    let limited = OwnerLimitedRecogniser::new(recogniser.clone(), Some(index.clone()), Some(2));
    let api = router(Arc::new(Api::new(
        config(&[("ANALYSES", "labels,faces"), ("ACCESS", "owner")]),
        store.clone(),
        presigner(),
        limited,
        Some(index),
    )));
    let by = async |subject: &str| {
        let mut request = Request::post("/images")
            .body(Body::from(body(&picture(ImageFormat::Png))))
            .unwrap();
        let subject = Subject(subject.to_owned());
        request.extensions_mut().insert(subject);
        send(api.clone(), request).await
    };
    assert_eq!(by("anne").await.status.as_u16(), 201);
    let before = (store.keys(INPUT), store.keys(OUTPUT));
    let reply = by("anne").await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (429, "owner-daily-limit-reached")
    );
    assert!(reply.headers.contains_key("retry-after"));
    assert_eq!((store.keys(INPUT), store.keys(OUTPUT)), before);
    assert_eq!(recogniser.count(), 2);
    assert_eq!(by("bert").await.status.as_u16(), 201);
}

#[tokio::test]
async fn a_partly_stored_image_is_removed() {
    let image = body(&large_picture());
    let rejected = ServiceError {
        code: "AccessDenied".to_owned(),
        fate: Fate::Repair,
        ..slow_down()
    };
    for put in [
        "PutObject in-put",
        "PutObject out-put thumbnails/",
        "PutObject out-put previews/",
        "PutObject out-put results/",
    ] {
        for lost in [false, true] {
            for (error, status, code) in [
                (slow_down(), 503, "store-unavailable"),
                (rejected.clone(), 502, "store-failed"),
            ] {
                let store = MemoryStore::new();
                let mut failing = Failing::new(store.clone(), Faults::first(1, error)).only(put);
                if lost {
                    failing = failing.lost_replies();
                }
                let api = router(Arc::new(api_over(failing, &CannedRecogniser::new())));
                let reply = post(api.clone(), image.clone()).await;
                assert_eq!(
                    (reply.status.as_u16(), reply.code().as_str()),
                    (status, code)
                );
                assert_eq!(stored(&store), [""; 0], "{put}, {lost}");
                assert_eq!(post(api, image.clone()).await.status, StatusCode::CREATED);
            }
        }
    }
}

#[tokio::test]
async fn silent_buckets_time_out() {
    let mut api = api_over(Silent, &CannedRecogniser::new());
    api.store_timeout = Duration::from_millis(1);
    api.removal_timeout = Duration::from_millis(1);
    let reply = post(router(Arc::new(api)), body(&picture(ImageFormat::Png))).await;
    assert_eq!(
        (reply.status.as_u16(), reply.code().as_str()),
        (503, "store-unavailable")
    );
}

#[tokio::test]
async fn an_image_is_stored_completely_when_its_client_disconnects() {
    let store = MemoryStore::new();
    let recogniser = CannedRecogniser::new().with_delay(Duration::from_millis(50));
    let api = router(Arc::new(api_over(store.clone(), &recogniser)));
    let mut request = Box::pin(post(api, body(&picture(ImageFormat::Png))));
    while recogniser.count() == 0 {
        let polled = tokio::time::timeout(Duration::from_millis(1), &mut request).await;
        assert!(polled.is_err(), "answered before it could leave");
    }
    drop(request);
    while store
        .keys(OUTPUT)
        .iter()
        .all(|key| !key.starts_with("results/"))
    {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(store.keys(INPUT).len(), 1);
}
