//! A separate endpoint for each test, its clients, and images.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_rekognition::{
    error::{ProvideErrorMetadata, SdkError},
    operation::{RequestId, detect_labels::builders::DetectLabelsFluentBuilder},
    primitives::Blob,
    types::{Image, S3Object},
};
use aws_sdk_s3::config::{Credentials as SdkCredentials, SharedCredentialsProvider};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::Value;
use sightline_local_aws::{Credentials, LocalAws, Settings, start};
use sightline_vision::{LabelModels, Recogniser, Recognisers, Tesseract};
use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
};
use tempfile::TempDir;

pub(crate) const KEY_ID: &str = "an-access-key";
pub(crate) const SECRET: &str = "its-secret";
pub(crate) const BUCKET: &str = "sightline-input";

/// Loaded once, because loading is slow.
static RECOGNISERS: LazyLock<Arc<Recognisers>> = LazyLock::new(|| recognisers(None));

/// The embedded model, and Tesseract if it is given.
pub(crate) fn recognisers(tesseract: Option<Tesseract>) -> Arc<Recognisers> {
    let embedded = LabelModels::Combined(Arc::new(Recogniser::embedded().unwrap()));
    Arc::new(Recognisers::new(&embedded, tesseract, Vec::new()).unwrap())
}

pub(crate) struct World {
    server: LocalAws,
    folder: TempDir,
}

impl World {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts with changed settings.
    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut settings = Settings::new(folder.path(), Arc::clone(&RECOGNISERS));
        change(&mut settings);
        settings.listen.set_port(0);
        settings.credentials = Credentials {
            access_key_id: KEY_ID.to_owned(),
            secret_access_key: SECRET.to_owned(),
        };
        Self {
            server: start(settings).await.unwrap(),
            folder,
        }
    }

    pub(crate) fn config(&self, key_id: &str, secret: &str) -> SdkConfig {
        let credentials = SdkCredentials::new(key_id, secret, None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .endpoint_url(format!("http://{}", self.server.address()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(aws_smithy_http_client::Builder::new().build_http())
            .build()
    }

    pub(crate) fn rekognition(&self) -> aws_sdk_rekognition::Client {
        aws_sdk_rekognition::Client::new(&self.config(KEY_ID, SECRET))
    }

    /// Stores an object in the input bucket.
    pub(crate) async fn put(&self, key: &str, bytes: Vec<u8>) {
        aws_sdk_s3::Client::new(&self.config(KEY_ID, SECRET))
            .put_object()
            .bucket(BUCKET)
            .key(key)
            .body(bytes.into())
            .send()
            .await
            .unwrap();
    }

    /// Stops the server and returns the recorded calls.
    pub(crate) async fn into_calls(self) -> Vec<Value> {
        self.server.shutdown().await;
        fs::read_to_string(self.folder.path().join("aws-calls.jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }
}

/// A file of the checkout, relative to this crate's folder.
pub(crate) fn in_checkout(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// A portrait of a person, in the public domain.
pub(crate) fn portrait() -> Vec<u8> {
    fs::read(in_checkout("../../docs/pictures/astronaut.jpg")).unwrap()
}

/// A grey PNG of this size in pixels.
pub(crate) fn grey(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::from_pixel(width, height, [128, 128, 128].into()))
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

pub(crate) fn inline(bytes: Vec<u8>) -> Image {
    Image::builder().bytes(Blob::new(bytes)).build()
}

pub(crate) fn stored(bucket: &str, key: &str) -> Image {
    let object = S3Object::builder().bucket(bucket).name(key).build();
    Image::builder().s3_object(object).build()
}

/// An error response.
#[derive(Debug)]
pub(crate) struct Refusal {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// The request id in the header and in the body.
    pub(crate) request_id: String,
    pub(crate) logref: String,
}

pub(crate) async fn refused(call: DetectLabelsFluentBuilder) -> Refusal {
    refusal(&call.send().await.unwrap_err())
}

/// Parses the error of any operation and checks that the body has Rekognition's shape.
pub(crate) fn refusal<E>(error: &SdkError<E, HttpResponse>) -> Refusal
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
    SdkError<E, HttpResponse>: RequestId,
{
    let response = error.raw_response().unwrap();
    let body: Value = serde_json::from_slice(response.body().bytes().unwrap()).unwrap();
    assert_eq!(
        response.headers().get("content-type"),
        Some("application/x-amz-json-1.1")
    );
    assert_eq!(body["__type"], body["Code"]);
    let service = error.as_service_error().unwrap();
    assert_eq!(service.code(), body["Code"].as_str());
    assert_eq!(service.message(), body["Message"].as_str());
    Refusal {
        status: response.status().as_u16(),
        code: service.code().unwrap().to_owned(),
        message: service.message().unwrap().to_owned(),
        request_id: error.request_id().unwrap().to_owned(),
        logref: body["Logref"].as_str().unwrap().to_owned(),
    }
}
