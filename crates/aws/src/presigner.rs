//! [`Presigner`] over the S3 client's presigning.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use aws_credential_types::{
    Credentials,
    provider::{ProvideCredentials as _, SharedCredentialsProvider},
};
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

use crate::{error::read_error, s3_store::owned, url_template::UrlTemplate};

/// Signs URLs with the client's credentials, without any request.
#[derive(Debug, Clone)]
pub struct S3Presigner {
    client: Client,
    credentials: Option<SharedCredentialsProvider>,
    /// Those of the last call. The SDK says which are in use.
    known: Arc<Mutex<Option<Credentials>>>,
}

impl S3Presigner {
    /// A presigner with this client and its credentials.
    #[must_use]
    pub fn new(client: Client, credentials: Option<SharedCredentialsProvider>) -> Self {
        Self {
            client,
            credentials,
            known: Arc::default(),
        }
    }

    /// The credentials with which the SDK signed a URL, if they can be had.
    async fn credentials_of(&self, template: &UrlTemplate) -> Option<Credentials> {
        let known = || self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let used = known().clone().filter(|known| template.is_of(known));
        if used.is_some() {
            return used;
        }
        let provider = self.credentials.as_ref()?;
        let provided = provider.provide_credentials().await.ok()?;
        *known() = Some(provided.clone());
        template.is_of(&provided).then_some(provided)
    }

    /// URLs of other objects like this one's; `None` if only the SDK can sign them.
    async fn urls_like(&self, url: &str, key: &str, others: &[String]) -> Option<Vec<String>> {
        let template = UrlTemplate::of(url, key)?;
        let credentials = self.credentials_of(&template).await?;
        template.urls(&credentials, key, others)
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
        let request = self
            .client
            .put_object()
            .bucket(put.bucket)
            .key(put.key)
            .content_type(put.content_type)
            .content_length(length)
            // The URL works once: a second PUT finds the object and gets 412.
            .if_none_match("*")
            .set_checksum_sha256(sha256)
            .set_metadata(Some(owned(put.metadata)))
            .presigned(config)
            .await
            .map_err(|error| read_error(Service::S3, "PutObject", &error).on(put.bucket))?;
        Ok(PresignedPut {
            headers: signed_headers(&request),
            url: request.uri().to_owned(),
            expires_at: OffsetDateTime::from(start + put.expires_in),
        })
    }

    async fn presign_get(
        &self,
        bucket: &str,
        key: &str,
        expires_in: Duration,
    ) -> Result<String, ServiceError> {
        let (config, _) =
            validity(expires_in).map_err(|message| not_signable("GetObject", bucket, message))?;
        self.client
            .get_object()
            .bucket(bucket)
            .key(key)
            .presigned(config)
            .await
            .map(|request| request.uri().to_owned())
            .map_err(|error| read_error(Service::S3, "GetObject", &error).on(bucket))
    }

    async fn presign_gets(
        &self,
        bucket: &str,
        keys: &[String],
        expires_in: Duration,
    ) -> Result<Vec<String>, ServiceError> {
        let Some((first, others)) = keys.split_first() else {
            return Ok(Vec::new());
        };
        let url = self.presign_get(bucket, first, expires_in).await?;
        let like = match others {
            [] => Some(Vec::new()),
            others => self.urls_like(&url, first, others).await,
        };
        let mut urls = vec![url];
        match like {
            Some(like) => urls.extend(like),
            None => {
                for key in others {
                    urls.push(self.presign_get(bucket, key, expires_in).await?);
                }
            }
        }
        Ok(urls)
    }
}

/// The validity of a signature that begins now, and its start. Signatures have whole seconds.
fn validity(expires_in: Duration) -> Result<(PresigningConfig, SystemTime), String> {
    let now = OffsetDateTime::now_utc();
    let start = SystemTime::from(now.replace_nanosecond(0).unwrap_or(now));
    PresigningConfig::builder()
        .start_time(start)
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
    use aws_config::{BehaviorVersion, Region, SdkConfig};

    use super::*;

    const SHA256: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn presigner(endpoint: Option<&str>) -> S3Presigner {
        let mut sdk = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("eu-west-1"))
            .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
                "AKIDEXAMPLE",
                "not-a-secret",
                Some("session".to_owned()),
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

    #[tokio::test]
    async fn many_urls_are_those_that_the_sdk_signs_one_by_one() {
        let keys = [
            "thumbnails/uploads/a.jpg.jpg",
            "thumbnails/uploads/my cat+1 (é).jpg.jpg",
            "thumbnails/uploads//../a%20b&c=d?e#f~'\"*!.jpg",
            "thumbnails/uploads/\u{6771}\u{4eac}.jpg",
        ]
        .map(str::to_owned);
        let lifetime = Duration::from_secs(60);
        let pairs = |url: &str| {
            let (address, query) = url.split_once('?').unwrap();
            let mut pairs: Vec<_> = query.split('&').map(str::to_owned).collect();
            pairs.sort_unstable();
            (address.to_owned(), pairs)
        };
        for endpoint in [None, Some("http://localhost:4566")] {
            let presigner = presigner(endpoint);
            // Until both are signed within the same second.
            let mut same = false;
            for _ in 0..20 {
                let urls = presigner.presign_gets("out-put", &keys, lifetime).await;
                let like = presigner.urls_like(&urls.as_ref().unwrap()[0], &keys[0], &keys[1..]);
                assert_eq!(like.await.unwrap(), urls.as_ref().unwrap()[1..]);
                let mut single = Vec::new();
                for key in &keys {
                    let url = presigner.presign_get("out-put", key, lifetime).await;
                    single.push(pairs(&url.unwrap()));
                }
                let urls: Vec<_> = urls.unwrap().iter().map(|url| pairs(url)).collect();
                same |= urls == single;
            }
            assert!(same, "{endpoint:?}");
        }
    }

    #[tokio::test]
    async fn many_urls_are_signed_by_the_sdk_if_its_credentials_cannot_be_had() {
        let mut presigner = presigner(None);
        let keys = ["a.jpg", "b.jpg"].map(str::to_owned);
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
            presigner.known = Arc::default();
            let url = presigner.presign_get("out-put", "a.jpg", lifetime).await;
            let url = url.unwrap();
            let like = presigner.urls_like(&url, "a.jpg", &keys[1..]);
            assert_eq!(like.await, None);
            let urls = presigner.presign_gets("out-put", &keys, lifetime).await;
            let urls = urls.unwrap();
            assert!(urls[1].contains("/b.jpg?") && urls[1].contains("X-Amz-Signature="));
        }
        let none = presigner.presign_gets("out-put", &[], lifetime).await;
        assert_eq!(none, Ok(Vec::new()));
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
