//! A separate server for every test, a client for it, and plain HTTP.

use aws_credential_types::Credentials;
use aws_sdk_s3::{
    Client,
    config::{BehaviorVersion, Region},
    error::{ProvideErrorMetadata, SdkError},
    operation::{RequestId, get_object::builders::GetObjectFluentBuilder},
    presigning::{PresignedRequest, PresigningConfig},
    primitives::ByteStream,
};
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use sightline_local_aws::{LocalAws, Settings, StartError};
use sightline_vision::Recognisers;
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::Path,
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

pub(crate) const INPUT: &str = "pictures-in";
pub(crate) const OUTPUT: &str = "pictures-out";
pub(crate) const KEY: &str = "AKIDLOCAL";
pub(crate) const SECRET: &str = "local/secret+key";

/// Loaded once for all tests.
static RECOGNISERS: LazyLock<Arc<Recognisers>> =
    LazyLock::new(|| Arc::new(Recognisers::embedded().unwrap()));

pub(crate) struct Server {
    pub(crate) aws: LocalAws,
    pub(crate) s3: Client,
    pub(crate) dir: TempDir,
}

pub(crate) fn settings(dir: &Path) -> Settings {
    let mut settings = Settings::new(dir, Arc::clone(&RECOGNISERS));
    settings.listen.set_port(0);
    settings.input_bucket = INPUT.to_owned();
    settings.output_bucket = OUTPUT.to_owned();
    settings.credentials.access_key_id = KEY.to_owned();
    settings.credentials.secret_access_key = SECRET.to_owned();
    settings
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut settings = settings(dir.path());
        change(&mut settings);
        Self::start_in(dir, settings).await.unwrap()
    }

    pub(crate) async fn start_in(dir: TempDir, settings: Settings) -> Result<Self, StartError> {
        let aws = sightline_local_aws::start(settings).await?;
        let s3 = client(aws.address(), KEY, SECRET);
        Ok(Self { aws, s3, dir })
    }

    /// Shuts down and starts again on the same folder.
    pub(crate) async fn restart(self) -> Self {
        let Self { aws, dir, .. } = self;
        aws.shutdown().await;
        let settings = settings(dir.path());
        Self::start_in(dir, settings).await.unwrap()
    }

    pub(crate) async fn put(&self, key: &str, bytes: impl Into<Vec<u8>>) {
        let body = ByteStream::from(bytes.into());
        self.s3
            .put_object()
            .bucket(INPUT)
            .key(key)
            .body(body)
            .send()
            .await
            .unwrap();
    }

    /// A GET of an object in the input bucket, to send or to sign.
    pub(crate) fn getting(&self, key: &str) -> GetObjectFluentBuilder {
        self.s3.get_object().bucket(INPUT).key(key)
    }

    pub(crate) async fn get(&self, key: &str) -> Vec<u8> {
        let object = self.getting(key).send().await.unwrap();
        object.body.collect().await.unwrap().to_vec()
    }

    /// Shuts down and returns the lines of the access log.
    pub(crate) async fn into_calls(self) -> Vec<serde_json::Value> {
        let Self { aws, dir, .. } = self;
        aws.shutdown().await;
        std::fs::read_to_string(dir.path().join("aws-calls.jsonl"))
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    pub(crate) async fn exists(&self, key: &str) -> bool {
        match self.s3.head_object().bucket(INPUT).key(key).send().await {
            Ok(_) => true,
            Err(error) => {
                assert_eq!(status(&error), 404);
                false
            }
        }
    }

    /// Sends a presigned request with its headers and additional ones.
    pub(crate) async fn send(
        &self,
        request: &PresignedRequest,
        more: &[(&str, &str)],
        body: &[u8],
    ) -> Response {
        let headers = request
            .headers()
            .chain(more.iter().copied())
            .collect::<Vec<_>>();
        http(
            self.aws.address(),
            request.method(),
            request.uri(),
            &headers,
            body,
        )
        .await
    }

    /// Sends a request with a signature in the headers that no SDK would send.
    pub(crate) async fn send_signed(
        &self,
        method: &str,
        target: &str,
        more: &[(&str, &str)],
        payload: SignableBody<'_>,
        body: &[u8],
    ) -> Response {
        let address = self.aws.address();
        let identity = Credentials::new(KEY, SECRET, None, None, "tests").into();
        let mut settings = SigningSettings::default();
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let params = SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("s3")
            .time(SystemTime::now())
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let uri = format!("http://{address}{target}");
        let request = SignableRequest::new(method, uri, more.iter().copied(), payload).unwrap();
        let (instructions, _) = sign(request, &params).unwrap().into_parts();
        let (signed, _) = instructions.into_parts();
        let mut headers = more.to_vec();
        headers.extend(signed.iter().map(|header| (header.name(), header.value())));
        http(address, method, target, &headers, body).await
    }
}

pub(crate) fn client(address: SocketAddr, key: &str, secret: &str) -> Client {
    let config = aws_sdk_s3::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("us-east-1"))
        .endpoint_url(format!("http://{address}"))
        .force_path_style(true)
        .credentials_provider(Credentials::new(key, secret, None, None, "tests"))
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

pub(crate) fn five_minutes() -> PresigningConfig {
    PresigningConfig::expires_in(Duration::from_secs(300)).unwrap()
}

/// The HTTP status and the code of an error response.
pub(crate) fn refusal<E: ProvideErrorMetadata + std::fmt::Debug>(
    error: &SdkError<E>,
) -> (u16, String) {
    (status(error), error.code().unwrap_or_default().to_owned())
}

pub(crate) fn status<E: std::fmt::Debug>(error: &SdkError<E>) -> u16 {
    error
        .raw_response()
        .unwrap_or_else(|| panic!("{error:?}"))
        .status()
        .as_u16()
}

pub(crate) fn request_id(answer: &impl RequestId) -> String {
    answer.request_id().unwrap().to_owned()
}

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

impl Response {
    /// The text of an XML element of the body.
    pub(crate) fn element(&self, name: &str) -> &str {
        let start = self
            .body
            .split_once(&format!("<{name}>"))
            .map_or("", |(_, rest)| rest);
        start
            .split_once(&format!("</{name}>"))
            .map_or("", |(text, _)| text)
    }

    pub(crate) fn refusal(&self) -> (u16, &str) {
        (self.status, self.element("Code"))
    }
}

/// Sends one raw request on a new connection. `address` may be a whole URL.
pub(crate) async fn http(
    server: SocketAddr,
    method: &str,
    address: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> Response {
    let target = address
        .strip_prefix(&format!("http://{server}"))
        .unwrap_or(address);
    let mut request = format!("{method} {target} HTTP/1.1\r\nconnection: close\r\n");
    let has = |name: &str| {
        headers
            .iter()
            .any(|(given, _)| given.eq_ignore_ascii_case(name))
    };
    if !has("host") {
        request += &format!("host: {server}\r\n");
    }
    if !has("content-length") && !has("transfer-encoding") && (!body.is_empty() || method == "PUT")
    {
        request += &format!("content-length: {}\r\n", body.len());
    }
    for (name, value) in headers {
        request += &format!("{name}: {value}\r\n");
    }
    request += "\r\n";
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let mut lines = head.lines();
    let status = lines
        .next()
        .unwrap()
        .split(' ')
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    let headers = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Response {
        status,
        headers,
        body: body.to_owned(),
    }
}
