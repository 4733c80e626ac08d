//! [`Presigner`] that signs URLs as the S3 client does.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use aws_credential_types::provider::{ProvideCredentials as _, SharedCredentialsProvider};
use aws_sdk_s3::{
    Client,
    presigning::{PresignedRequest, PresigningConfig},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use sightline_pipeline::{
    object_store::{PresignPut, PresignedPut, Presigner},
    service_error::{Fate, Service, ServiceError},
};
use time::OffsetDateTime;

use crate::{
    error::read_error,
    s3_store::owned,
    url_template::{Request, UrlTemplate},
};

const PUT: &str = "PUT";
const GET: &str = "GET";

/// A PUT URL works once: a second PUT finds the object and gets 412.
const IF_NONE_MATCH: &str = "*";

/// For how long URLs are signed like one of the SDK. Meanwhile, changes of credentials and configuration go unnoticed.
const TEMPLATE_LIFETIME: Duration = Duration::from_secs(60);

/// Signs URLs with the client's credentials. The first URL of each minute may take a request for new ones.
#[derive(Debug, Clone)]
pub struct S3Presigner {
    client: Client,
    credentials: Option<SharedCredentialsProvider>,
    templates: Arc<Mutex<Templates>>,
}

/// By method and bucket.
type Templates = BTreeMap<(&'static str, String), Arc<Learnt>>;

/// What the SDK's last URL of a bucket has taught.
#[derive(Debug)]
struct Learnt {
    /// `None` if only the SDK can sign the bucket's URLs.
    template: Option<UrlTemplate>,
    since: SystemTime,
}

impl S3Presigner {
    /// A presigner with this client and its credentials.
    #[must_use]
    pub fn new(client: Client, credentials: Option<SharedCredentialsProvider>) -> Self {
        Self {
            client,
            credentials,
            templates: Arc::default(),
        }
    }

    /// What is known about a bucket's URLs, if that is still valid.
    fn learnt(&self, method: &'static str, bucket: &str, now: SystemTime) -> Option<Arc<Learnt>> {
        let learnt = self.templates().get(&(method, bucket.to_owned()))?.clone();
        let age = now.duration_since(learnt.since).ok()?;
        let of_today = |template: &UrlTemplate| template.is_for(now.into());
        let valid = age < TEMPLATE_LIFETIME && learnt.template.as_ref().is_none_or(of_today);
        valid.then_some(learnt)
    }

    /// The signed URL; `None` if the SDK has to sign it.
    fn sign(&self, method: &'static str, bucket: &str, request: Request<'_>) -> Option<String> {
        let learnt = self.learnt(method, bucket, request.start.into())?;
        learnt.template.as_ref()?.sign(request)
    }

    /// Learns from a URL of the SDK how to sign the next ones, if that is possible.
    async fn learn(&self, url: &str, method: &'static str, bucket: &str, request: Request<'_>) {
        let now = SystemTime::from(request.start);
        if self.learnt(method, bucket, now).is_some() {
            return;
        }
        let template = async {
            // Asking may take a request, so it is done once in a lifetime, whatever comes of it. For an assumed role, each question makes
            // new credentials, so the SDK signs all of its URLs.
            let provider = self.credentials.as_ref()?;
            let credentials = provider.provide_credentials().await.ok()?;
            // The SDK signs while credentials are about to expire, because it gets new ones.
            let last = now + 2 * TEMPLATE_LIFETIME;
            if credentials.expiry().is_some_and(|expiry| expiry < last) {
                return None;
            }
            UrlTemplate::of(url, method, request, &credentials)
        }
        .await;
        let learnt = Arc::new(Learnt {
            template,
            since: now,
        });
        self.templates().insert((method, bucket.to_owned()), learnt);
    }

    fn templates(&self) -> MutexGuard<'_, Templates> {
        self.templates
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Presigner for S3Presigner {
    async fn presign_put(&self, put: PresignPut<'_>) -> Result<PresignedPut, ServiceError> {
        let not_signable = |message: String| not_signable("PutObject", put.bucket, message);
        let sha256 = put
            .sha256
            .map(|hex| {
                base64_of(hex).ok_or_else(|| {
                    not_signable("the SHA-256 is not 64 hexadecimal digits".to_owned())
                })
            })
            .transpose()?;
        let length = i64::try_from(put.content_length).map_err(|_| {
            not_signable(format!("no object can have {} bytes", put.content_length))
        })?;
        let (config, start) = validity(put.expires_in).map_err(not_signable)?;
        let headers = put_headers(&put, sha256.as_deref());
        let request = Request {
            key: put.key,
            headers: &headers,
            start,
            expires_in: put.expires_in,
        };
        let expires_at = start + put.expires_in;
        if let Some(url) = self.sign(PUT, put.bucket, request) {
            return Ok(PresignedPut {
                headers,
                url,
                expires_at,
            });
        }
        let signed = self
            .client
            .put_object()
            .bucket(put.bucket)
            .key(put.key)
            .content_type(put.content_type)
            .content_length(length)
            .if_none_match(IF_NONE_MATCH)
            .set_checksum_sha256(sha256)
            .set_metadata(Some(owned(put.metadata)))
            .presigned(config)
            .await
            .map_err(|error| read_error(Service::S3, "PutObject", &error).on(put.bucket))?;
        self.learn(signed.uri(), PUT, put.bucket, request).await;
        Ok(PresignedPut {
            headers: signed_headers(&signed),
            url: signed.uri().to_owned(),
            expires_at,
        })
    }

    async fn presign_get(
        &self,
        bucket: &str,
        key: &str,
        expires_in: Duration,
    ) -> Result<String, ServiceError> {
        let (config, start) =
            validity(expires_in).map_err(|message| not_signable("GetObject", bucket, message))?;
        let request = Request {
            key,
            headers: &BTreeMap::new(),
            start,
            expires_in,
        };
        if let Some(url) = self.sign(GET, bucket, request) {
            return Ok(url);
        }
        let signed = self
            .client
            .get_object()
            .bucket(bucket)
            .key(key)
            .presigned(config)
            .await
            .map_err(|error| read_error(Service::S3, "GetObject", &error).on(bucket))?;
        self.learn(signed.uri(), GET, bucket, request).await;
        Ok(signed.uri().to_owned())
    }
}

/// The headers of an upload, as [`signed_headers`] has them.
fn put_headers(put: &PresignPut<'_>, sha256: Option<&str>) -> BTreeMap<String, String> {
    let mut headers = BTreeMap::from([
        ("content-length".to_owned(), put.content_length.to_string()),
        ("content-type".to_owned(), put.content_type.to_owned()),
        ("if-none-match".to_owned(), IF_NONE_MATCH.to_owned()),
    ]);
    if let Some(sha256) = sha256 {
        headers.insert("x-amz-checksum-sha256".to_owned(), sha256.to_owned());
    }
    for (name, value) in put.metadata {
        let name = format!("x-amz-meta-{}", name.to_ascii_lowercase());
        headers.insert(name, (*value).to_owned());
    }
    headers
}

/// The validity of a signature that begins now, and its start. Signatures have whole seconds.
fn validity(expires_in: Duration) -> Result<(PresigningConfig, OffsetDateTime), String> {
    let start = OffsetDateTime::now_utc().truncate_to_second();
    PresigningConfig::builder()
        .start_time(start.into())
        .expires_in(expires_in)
        .build()
        .map(|config| (config, start))
        .map_err(|error| error.to_string())
}

/// The signed headers without `host`, which every client sends anyway. On Lambda, the SDK adds a trace
/// header to the request. It is not signed, and the bucket's CORS rules would stop a browser that sent it.
fn signed_headers(request: &PresignedRequest) -> BTreeMap<String, String> {
    let signed: Vec<&str> = request
        .uri()
        .split_once('?')
        .into_iter()
        .flat_map(|(_, query)| query.split('&'))
        .find_map(|pair| pair.strip_prefix("X-Amz-SignedHeaders="))
        .map(|names| {
            names
                .split("%3B")
                .flat_map(|name| name.split(';'))
                .collect()
        })
        .unwrap_or_default();
    request
        .headers()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .filter(|(name, _)| name != "host" && signed.contains(&name.as_str()))
        .collect()
}

fn base64_of(sha256: &str) -> Option<String> {
    let mut bytes = [0; 32];
    hex::decode_to_slice(sha256, &mut bytes).ok()?;
    Some(STANDARD.encode(bytes))
}

fn not_signable(operation: &'static str, bucket: &str, message: String) -> ServiceError {
    ServiceError::not_built(Service::S3, operation, &message, Fate::Final).on(bucket)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use aws_config::{BehaviorVersion, Region, SdkConfig};
    use aws_credential_types::{
        Credentials,
        provider::{ProvideCredentials, future},
    };

    use super::*;

    const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn presigner(endpoint: Option<&str>) -> S3Presigner {
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "AKIDEXAMPLE",
                "not-a-secret",
                Some("private-token".to_owned()),
                None,
                "test",
            )));
        sdk.set_endpoint_url(endpoint.map(str::to_owned));
        crate::clients(&sdk.build()).presigner
    }

    fn put<'a>(metadata: &'a [(&'a str, &'a str)], sha256: Option<&'a str>) -> PresignPut<'a> {
        PresignPut {
            bucket: "in-put",
            key: "uploads/my cat+1.jpg",
            content_type: "image/jpeg",
            content_length: 1234,
            sha256,
            metadata,
            expires_in: Duration::from_secs(300),
        }
    }

    fn query(url: &str) -> BTreeMap<&str, &str> {
        url.split_once('?')
            .into_iter()
            .flat_map(|(_, query)| query.split('&'))
            .filter_map(|pair| pair.split_once('='))
            .collect()
    }

    #[tokio::test]
    async fn an_upload_url_signs_every_header_that_the_client_sends() {
        let before = OffsetDateTime::now_utc();
        let metadata = [("filename", "my%20cat.jpg"), ("analyses", "labels,faces")];
        let presigned = presigner(None)
            .presign_put(put(&metadata, Some(SHA256)))
            .await
            .unwrap();
        let headers: Vec<_> = presigned
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        assert_eq!(
            headers,
            [
                ("content-length", "1234"),
                ("content-type", "image/jpeg"),
                ("if-none-match", "*"),
                (
                    "x-amz-checksum-sha256",
                    "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
                ),
                ("x-amz-meta-analyses", "labels,faces"),
                ("x-amz-meta-filename", "my%20cat.jpg"),
            ]
        );
        let query = query(&presigned.url);
        assert_eq!(
            query["X-Amz-SignedHeaders"],
            "content-length%3Bcontent-type%3Bhost%3Bif-none-match%3Bx-amz-checksum-sha256%3Bx-amz-meta-analyses%3Bx-amz-meta-filename"
        );
        assert_eq!(query["X-Amz-Expires"], "300");
        assert!(
            !query.keys().any(|name| name.contains("checksum")),
            "{:?}",
            query.keys()
        );
        assert!(
            presigned
                .url
                .starts_with("https://in-put.s3.eu-west-1.amazonaws.com/uploads/my%20cat%2B1.jpg?")
        );
        let lifetime = presigned.expires_at - before;
        assert!(
            (298.0..=301.0).contains(&lifetime.as_seconds_f64()),
            "{lifetime}"
        );
        assert!(!format!("{presigned:?}").contains("X-Amz"));
    }

    #[tokio::test]
    async fn a_checksum_is_optional() {
        let presigned = presigner(None).presign_put(put(&[], None)).await.unwrap();
        assert_eq!(
            presigned
                .headers
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            ["content-length", "content-type", "if-none-match"]
        );
    }

    #[tokio::test]
    async fn an_endpoint_override_makes_path_style_urls() {
        let presigner = presigner(Some("http://localhost:4566"));
        let put = presigner.presign_put(put(&[], None)).await.unwrap();
        assert!(
            put.url
                .starts_with("http://localhost:4566/in-put/uploads/my%20cat%2B1.jpg?")
        );
        let get = presigner
            .presign_get(
                "out-put",
                "results/uploads/a.jpg.json",
                Duration::from_secs(60),
            )
            .await
            .unwrap();
        assert!(get.starts_with("http://localhost:4566/out-put/results/uploads/a.jpg.json?"));
        assert_eq!(query(&get)["X-Amz-SignedHeaders"], "host");
    }

    fn pairs(url: &str) -> (String, Vec<String>) {
        let (address, query) = url.split_once('?').unwrap();
        let mut pairs: Vec<_> = query.split('&').map(str::to_owned).collect();
        pairs.sort_unstable();
        (address.to_owned(), pairs)
    }

    const KEYS: [&str; 4] = [
        "uploads/a.jpg",
        "uploads/my cat+1 (é).jpg",
        "uploads//../a%20b&c=d?e#f~'\"*!.jpg",
        "uploads/\u{6771}\u{4eac}.jpg",
    ];

    #[tokio::test]
    async fn urls_are_those_that_the_sdk_signs() {
        let plain = [("filename", "my%20cat.jpg"), ("Analyses", "labels,faces")];
        let spaces = [("filename", "my  cat.jpg")];
        let date = |url: &str| query(url)["X-Amz-Date"].to_owned();
        for endpoint in [None, Some("http://localhost:4566")] {
            for metadata in [&plain[..], &spaces, &[]] {
                let learning = presigner(endpoint);
                let first = learning.presign_put(put(metadata, None)).await;
                first.unwrap();
                for (key, sha256) in KEYS
                    .iter()
                    .flat_map(|key| [(key, None), (key, Some(SHA256))])
                {
                    let put = PresignPut {
                        key,
                        ..put(metadata, sha256)
                    };
                    // The first URL of a presigner is the SDK's. Both have to be signed in the same second.
                    let (ours, sdks) = loop {
                        let ours = learning.presign_put(put).await.unwrap();
                        let sdks = presigner(endpoint).presign_put(put).await.unwrap();
                        if date(&ours.url) == date(&sdks.url) {
                            break (ours, sdks);
                        }
                    };
                    assert_eq!(ours.headers, sdks.headers);
                    assert_eq!(pairs(&ours.url), pairs(&sdks.url), "{endpoint:?}");
                    let (ours, sdks) = loop {
                        let lifetime = Duration::from_secs(60);
                        let ours = learning.presign_get("out-put", key, lifetime).await;
                        let other = presigner(endpoint);
                        let sdks = other.presign_get("out-put", key, lifetime).await;
                        let (ours, sdks) = (ours.unwrap(), sdks.unwrap());
                        if date(&ours) == date(&sdks) {
                            break (ours, sdks);
                        }
                    };
                    assert_eq!(pairs(&ours), pairs(&sdks), "{endpoint:?}");
                }
                // Only the SDK brings the spaces into their canonical form.
                let usual = metadata != spaces;
                for (method, bucket, learns) in [(PUT, "in-put", usual), (GET, "out-put", true)] {
                    let learnt = learning.learnt(method, bucket, SystemTime::now()).unwrap();
                    assert_eq!(learnt.template.is_some(), learns, "{method} {endpoint:?}");
                }
                let shown = format!("{learning:?}");
                assert!(!shown.contains("private-token"), "{shown}");
                assert!(!shown.contains("not-a-secret"), "{shown}");
            }
        }
    }

    #[tokio::test]
    async fn the_sdk_signs_if_its_credentials_cannot_be_had() {
        let mut presigner = presigner(None);
        let lifetime = Duration::from_secs(60);
        let other = |id: &str, secret: &str| {
            SharedCredentialsProvider::new(Credentials::new(id, secret, None, None, "test"))
        };
        for credentials in [
            None,
            Some(other("AKIDOTHER", "not-a-secret")),
            Some(other("AKIDEXAMPLE", "another")),
        ] {
            presigner.credentials = credentials;
            presigner.templates = Arc::default();
            for key in KEYS {
                let url = presigner
                    .presign_get("out-put", key, lifetime)
                    .await
                    .unwrap();
                assert!(url.contains("X-Amz-Credential=AKIDEXAMPLE%2F"), "{url}");
            }
            let learnt = presigner.learnt(GET, "out-put", SystemTime::now()).unwrap();
            assert!(learnt.template.is_none());
        }
    }

    /// Counts how often it is asked.
    #[derive(Debug)]
    struct Counting(Arc<AtomicUsize>, Credentials);

    impl ProvideCredentials for Counting {
        fn provide_credentials<'a>(&'a self) -> future::ProvideCredentials<'a>
        where
            Self: 'a,
        {
            self.0.fetch_add(1, Ordering::Relaxed);
            future::ProvideCredentials::ready(Ok(self.1.clone()))
        }
    }

    #[tokio::test]
    async fn the_sdk_signs_while_credentials_are_about_to_expire() {
        for (expires_in, learns) in [(30, false), (90, false), (3600, true)] {
            let mut presigner = presigner(None);
            let asked = Arc::new(AtomicUsize::new(0));
            let credentials = Credentials::new(
                "AKIDEXAMPLE",
                "not-a-secret",
                Some("private-token".to_owned()),
                Some(SystemTime::now() + Duration::from_secs(expires_in)),
                "test",
            );
            let counting = Counting(asked.clone(), credentials);
            presigner.credentials = Some(SharedCredentialsProvider::new(counting));
            for key in KEYS {
                let url = presigner.presign_get("out-put", key, Duration::from_secs(60));
                url.await.unwrap();
            }
            assert_eq!(asked.load(Ordering::Relaxed), 1, "{expires_in}");
            let after = |seconds: i64| {
                let now = OffsetDateTime::now_utc() + time::Duration::seconds(seconds);
                presigner.learnt(GET, "out-put", now.into())
            };
            assert_eq!(after(0).unwrap().template.is_some(), learns, "{expires_in}");
            // It ends after a minute, and when the clock is set back.
            assert!(after(61).is_none() && after(-3600).is_none());
        }
    }

    #[tokio::test]
    async fn a_new_day_needs_a_new_template() {
        let presigner = presigner(None);
        let place = (GET, "out-put".to_owned());
        let lifetime = Duration::from_secs(60);
        let url = presigner.presign_get("out-put", "a.jpg", lifetime);
        url.await.unwrap();
        let learnt = presigner.templates().remove(&place).unwrap();
        let template = Arc::into_inner(learnt).unwrap().template;
        // As if midnight had come since.
        let tomorrow = OffsetDateTime::now_utc() + time::Duration::days(2);
        let request = Request {
            key: "a.jpg",
            headers: &BTreeMap::new(),
            start: tomorrow,
            expires_in: lifetime,
        };
        assert!(template.as_ref().unwrap().sign(request).is_none());
        let since = tomorrow.into();
        presigner
            .templates()
            .insert(place, Arc::new(Learnt { template, since }));
        assert!(presigner.learnt(GET, "out-put", since).is_none());
    }

    #[tokio::test]
    async fn invalid_checksums_and_lifetimes_are_rejected() {
        for sha256 in ["", "9f86", &"é".repeat(32), &"+f".repeat(32)] {
            let error = presigner(None)
                .presign_put(put(&[], Some(sha256)))
                .await
                .unwrap_err();
            assert!(!error.is_retryable() && error.message.contains("SHA-256"));
        }
        let week = Duration::from_secs(8 * 24 * 3600);
        let error = presigner(None)
            .presign_get("out-put", "k", week)
            .await
            .unwrap_err();
        assert!(!error.is_retryable());
    }
}
