use std::collections::{BTreeMap, BTreeSet};

use sightline_pipeline::{
    config::AllowedOrigins,
    service_error::{Fate, ServiceError},
    testing::{Failing, Faults, slow_down},
};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};

use super::*;

const SHA256: &str = "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08";

fn query(url: &str) -> BTreeMap<&str, &str> {
    url.split_once('?')
        .into_iter()
        .flat_map(|(_, query)| query.split('&'))
        .filter_map(|pair| pair.split_once('='))
        .collect()
}

/// Checks that the signed headers are those of the reply and `host`.
fn assert_signed(ticket: &Value) {
    let headers = ticket["headers"].as_object().unwrap();
    let sent: BTreeSet<_> = headers.keys().map(String::as_str).chain(["host"]).collect();
    let query = query(ticket["uploadUrl"].as_str().unwrap());
    let signed: BTreeSet<_> = query["X-Amz-SignedHeaders"].split("%3B").collect();
    assert_eq!(sent, signed);
}

#[tokio::test]
async fn a_complete_request_gets_a_url_signed_for_exactly_that_image() {
    let store = MemoryStore::new();
    let body = json!({
        "contentType": "image/JPG",
        "contentLength": 1234,
        "filename": "C:\\me\\Käthe +1.jpg",
        "sha256": SHA256,
        "analyses": ["image-properties", "labels", "labels"],
    });
    let before = OffsetDateTime::now_utc();
    let reply = post(api(&store), body.to_string()).await;
    assert_eq!(reply.status, StatusCode::CREATED);
    assert_eq!(reply.header("content-type"), "application/json");
    assert_eq!(reply.header("cache-control"), "no-store");
    let ticket = reply.json();
    let id = ticket["imageId"].as_str().unwrap();
    let key = format!("uploads/{id}.jpg");
    assert_eq!(ticket["key"], *key);
    assert_eq!(ticket["method"], "PUT");
    assert_eq!(ticket["resultKey"], format!("results/{key}.json"));
    let status_url = format!("http://pictures.example.com/results/{key}");
    assert_eq!(ticket["statusUrl"], status_url);
    assert_eq!(reply.header("location"), status_url);
    assert_eq!(
        ticket["headers"],
        json!({
            "content-length": "1234",
            "content-type": "image/jpeg",
            "if-none-match": "*",
            "x-amz-checksum-sha256": "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=",
            "x-amz-meta-analyses": "labels,image-properties",
            "x-amz-meta-filename": "K%C3%A4the%20%2B1.jpg",
        })
    );
    assert_signed(&ticket);
    let upload = ticket["uploadUrl"].as_str().unwrap();
    assert!(upload.starts_with(&format!(
        "https://{INPUT}.s3.eu-west-1.amazonaws.com/{key}?"
    )));
    assert_eq!(query(upload)["X-Amz-Expires"], "300");
    let result = ticket["resultUrl"].as_str().unwrap();
    assert!(result.starts_with(&format!(
        "https://{OUTPUT}.s3.eu-west-1.amazonaws.com/results/{key}.json?"
    )));
    assert_eq!(query(result)["X-Amz-Expires"], "900");
    let expires = OffsetDateTime::parse(ticket["expiresAt"].as_str().unwrap(), &Rfc3339).unwrap();
    let lifetime = expires - before;
    assert!(lifetime > Duration::seconds(290) && lifetime < Duration::seconds(310));
    // Signing needs no call to a bucket.
    assert!(store.calls().is_empty());
}

#[tokio::test]
async fn a_minimal_request_signs_only_the_required_headers() {
    let body = r#"{"contentType":"image/heif","contentLength":1.0,"filename":null,"sha256":null,"analyses":null}"#;
    let ticket = post(api(&MemoryStore::new()), body).await.json();
    assert_eq!(
        ticket["headers"],
        json!({"content-length": "1", "content-type": "image/heic", "if-none-match": "*"})
    );
    assert!(ticket["key"].as_str().unwrap().ends_with(".heic"));
    assert_signed(&ticket);
}

#[tokio::test]
async fn a_byte_order_mark_and_other_names_of_types_are_understood() {
    for (name, extension) in [
        ("image/pjpeg", ".jpg"),
        ("image/x-png", ".png"),
        ("image/apng", ".png"),
        ("image/x-ms-bmp", ".bmp"),
    ] {
        let body = json!({"contentType": name, "contentLength": 12});
        let ticket = post(api(&MemoryStore::new()), format!("\u{FEFF}{body}"))
            .await
            .json();
        assert!(
            ticket["key"].as_str().unwrap().ends_with(extension),
            "{name}"
        );
    }
}

#[tokio::test]
async fn every_supported_type_is_accepted_up_to_the_size_limit() {
    for media in sightline_pipeline::MediaType::ALL {
        let body = json!({"contentType": media.content_type(), "contentLength": 15 * 1024 * 1024});
        let reply = post(api(&MemoryStore::new()), body.to_string()).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        let headers = reply.json()["headers"].clone();
        assert_eq!(headers["content-type"], media.content_type());
        assert_eq!(headers["content-length"], "15728640");
    }
}

#[tokio::test]
async fn every_upload_gets_a_new_key() {
    let api = api(&MemoryStore::new());
    let body = r#"{"contentType":"image/png","contentLength":5}"#;
    let one = post(api.clone(), body).await.json();
    let two = post(api, body).await.json();
    assert_ne!(one["key"], two["key"]);
}

#[tokio::test]
async fn a_filename_that_is_empty_after_cleaning_is_omitted() {
    for filename in ["", "/", "..", "\u{202e}", "  "] {
        let body = json!({"contentType": "image/png", "contentLength": 5, "filename": filename});
        let ticket = post(api(&MemoryStore::new()), body.to_string())
            .await
            .json();
        assert!(ticket["headers"].get("x-amz-meta-filename").is_none());
    }
}

#[tokio::test]
async fn hostile_filenames_stay_inside_their_header() {
    let long = "é\r\nx-amz-acl: public-read\0".repeat(400);
    let body = json!({"contentType": "image/png", "contentLength": 5, "filename": long});
    let ticket = post(api(&MemoryStore::new()), body.to_string())
        .await
        .json();
    let filename = ticket["headers"]["x-amz-meta-filename"].as_str().unwrap();
    assert!(filename.is_ascii() && filename.len() <= 3 * 255);
    assert!(!filename.contains(['\r', '\n', ':', ' ']));
    assert_signed(&ticket);
}

#[tokio::test]
async fn the_content_type_of_the_request_does_not_matter() {
    for content_type in [
        "application/x-www-form-urlencoded",
        "text/plain",
        "image/png",
    ] {
        let request = Request::post("/uploads")
            .header("content-type", content_type)
            .body(r#"{"contentType":"image/png","contentLength":5}"#.into())
            .unwrap();
        let reply = send(api(&MemoryStore::new()), request).await;
        assert_eq!(reply.status, StatusCode::CREATED);
        // The request does not name its host.
        let ticket = reply.json();
        assert_eq!(
            ticket["statusUrl"],
            format!("/results/{}", ticket["key"].as_str().unwrap())
        );
    }
}

#[tokio::test]
async fn only_enabled_analyses_are_accepted() {
    let api = api_with(&MemoryStore::new(), &[("ANALYSES", "text,faces")]);
    let ask = |analyses: Value| {
        json!({"contentType": "image/png", "contentLength": 5, "analyses": analyses}).to_string()
    };
    let reply = post(api.clone(), ask(json!(["text"]))).await;
    assert_eq!(reply.json()["headers"]["x-amz-meta-analyses"], "text");
    for (analyses, code) in [
        (json!(["text", "labels"]), "analysis-not-enabled"),
        (json!(["text", "cats"]), "unknown-analysis"),
        (json!(["Text"]), "unknown-analysis"),
    ] {
        let reply = post(api.clone(), ask(analyses)).await;
        assert_eq!(reply.code(), code);
        assert_eq!(reply.json()["allowed"], json!(["faces", "text"]));
    }
}

#[tokio::test]
async fn a_failing_presigner_reports_only_whether_to_try_again() {
    let rejected = ServiceError {
        fate: Fate::Repair,
        ..slow_down()
    };
    for (error, status, code, retry_after) in [
        (
            slow_down(),
            StatusCode::SERVICE_UNAVAILABLE,
            "store-unavailable",
            "2",
        ),
        (rejected, StatusCode::BAD_GATEWAY, "store-failed", ""),
    ] {
        for call in ["PresignPut", "PresignGet"] {
            let presigner = Failing::new(presigner(), Faults::always(error.clone())).only(call);
            let api = Api::new(
                config(&[]),
                MemoryStore::new(),
                presigner,
                CannedRecogniser::new(),
                None::<NoIndex>,
            );
            assert_eq!(api.config.allowed_origins, AllowedOrigins::None);
            let body = r#"{"contentType":"image/png","contentLength":5}"#;
            let reply = post(router(Arc::new(api)), body).await;
            assert_eq!((reply.status, reply.code().as_str()), (status, code));
            assert_eq!(reply.header("retry-after"), retry_after);
            let text = String::from_utf8(reply.body).unwrap();
            let bucket = error.resource.as_deref().unwrap();
            for inside in [&error.code, &error.message, bucket, INPUT] {
                assert!(!text.contains(inside), "{text}");
            }
        }
    }
}
