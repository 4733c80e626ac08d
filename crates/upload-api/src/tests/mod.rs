//! The whole API, over buckets in memory.

mod access;
mod contract;
mod create_image;
mod create_upload;
mod delete_image;
mod events;
mod guests;
mod handovers;
mod index;
#[cfg(feature = "lambda")]
mod lambda_events;
mod library;
mod list_images;
mod malformed;
mod origin;
mod protocol;
mod read_image;
mod read_result;
mod read_thumbnail;

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Method, Request, StatusCode},
};
use serde_json::{Value, json};
use sightline_pipeline::{
    SourceKey,
    config::UploadApiConfig,
    index::NoIndex,
    object_store::ObjectInfo,
    testing::{CannedRecogniser, MemoryPresigner, MemoryStore},
};
use time::format_description::well_known::Rfc3339;
use tower::ServiceExt as _;

use crate::{Api, router};

const INPUT: &str = "in-put";
const OUTPUT: &str = "out-put";

/// A configuration with two buckets and these variables.
fn config(variables: &[(&str, &str)]) -> UploadApiConfig {
    UploadApiConfig::read(&|name| match name {
        "INPUT_BUCKET" => Some(INPUT.to_owned()),
        "OUTPUT_BUCKET" => Some(OUTPUT.to_owned()),
        name => variables
            .iter()
            .find(|(variable, _)| *variable == name)
            .map(|(_, value)| (*value).to_owned()),
    })
    .unwrap()
}

/// Its URLs only look signed. The adapter's own tests check real signatures.
const fn presigner() -> MemoryPresigner {
    MemoryPresigner
}

fn api_with(store: &MemoryStore, variables: &[(&str, &str)]) -> Router {
    router(Arc::new(Api::new(
        config(variables),
        store.clone(),
        presigner(),
        CannedRecogniser::new(),
        None::<NoIndex>,
    )))
}

fn api(store: &MemoryStore) -> Router {
    api_with(store, &[])
}

/// A reply.
#[derive(Debug)]
struct Reply {
    status: StatusCode,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Reply {
    fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of a problem document. Checks what every problem document has.
    fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(self.header("cache-control"), "no-store");
        let problem = self.json();
        let code = problem["code"].as_str().unwrap().to_owned();
        assert_eq!(problem["status"], self.status.as_u16());
        assert_eq!(problem["type"], format!("urn:sightline:problem:{code}"));
        assert!(!problem["title"].as_str().unwrap().is_empty());
        let detail = problem["detail"].as_str().unwrap();
        assert!(detail.ends_with('.') && detail.len() < 1000, "{detail}");
        code
    }
}

async fn send(api: Router, request: Request<Body>) -> Reply {
    let response = api.oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    assert_eq!(parts.headers["x-content-type-options"], "nosniff");
    assert!(!parts.headers["x-request-id"].is_empty());
    Reply {
        status: parts.status,
        headers: parts.headers,
        body: to_bytes(body, usize::MAX).await.unwrap().to_vec(),
    }
}

async fn ask(api: Router, method: Method, path: &str) -> Reply {
    let request = Request::builder()
        .method(method)
        .uri(path)
        .body(Body::empty())
        .unwrap();
    send(api, request).await
}

async fn get(api: Router, path: &str) -> Reply {
    ask(api, Method::GET, path).await
}

async fn post(api: Router, body: impl Into<Body>) -> Reply {
    let request = Request::post("/uploads")
        .header("host", "pictures.example.com")
        .body(body.into())
        .unwrap();
    send(api, request).await
}

/// Stores an image.
fn put_image(store: &MemoryStore, key: &str) -> ObjectInfo {
    store.insert(INPUT, key, b"image", "image/jpeg", &[])
}

/// Stores the result document of this version of the image, and returns its bytes.
fn put_result(store: &MemoryStore, key: &str, image: &ObjectInfo) -> Vec<u8> {
    let mut document = crate::routes::read_result::example();
    document["source"]["key"] = json!(key);
    document["source"]["eTag"] = json!(image.e_tag);
    document["source"]["lastModified"] = match image.last_modified {
        Some(time) => json!(time.format(&Rfc3339).unwrap()),
        None => Value::Null,
    };
    if let Some(version) = &image.version_id {
        document["source"]["versionId"] = json!(version);
    }
    let bytes = serde_json::to_vec(&document).unwrap();
    let key = SourceKey::new(key).unwrap().result_key();
    store.insert(OUTPUT, &key, &bytes, "application/json", &[]);
    bytes
}
