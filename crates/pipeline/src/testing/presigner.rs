//! A presigner without credentials.

use std::{collections::BTreeMap, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::utf8_percent_encode;
use time::OffsetDateTime;

use crate::{
    object_store::{PresignPut, PresignedPut, Presigner},
    percent::RESERVED_IN_PATH,
    service_error::ServiceError,
};

/// A presigner that signs nothing. Its URLs look like those of S3 in `eu-west-1`, and it returns the headers that
/// S3's presigner would sign.
#[derive(Debug, Clone, Copy, Default)]
pub struct MemoryPresigner;

impl MemoryPresigner {
    fn url(bucket: &str, key: &str, expires_in: Duration, signed_headers: &str) -> String {
        format!(
            "https://{bucket}.s3.eu-west-1.amazonaws.com/{}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires={}&X-Amz-SignedHeaders={signed_headers}&X-Amz-Signature=0123456789abcdef",
            utf8_percent_encode(key, RESERVED_IN_PATH),
            expires_in.as_secs()
        )
    }
}

impl Presigner for MemoryPresigner {
    async fn presign_put(&self, put: PresignPut<'_>) -> Result<PresignedPut, ServiceError> {
        let mut headers = BTreeMap::from([
            ("content-length".to_owned(), put.content_length.to_string()),
            ("content-type".to_owned(), put.content_type.to_owned()),
            ("if-none-match".to_owned(), "*".to_owned()),
        ]);
        if let Some(sha256) = put.sha256 {
            let digest = hex::decode(sha256).unwrap_or_default();
            headers.insert("x-amz-checksum-sha256".to_owned(), STANDARD.encode(digest));
        }
        for (name, value) in put.metadata {
            headers.insert(format!("x-amz-meta-{name}"), (*value).to_owned());
        }
        let mut signed: Vec<_> = headers.keys().map(String::as_str).collect();
        signed.push("host");
        signed.sort_unstable();
        Ok(PresignedPut {
            url: Self::url(put.bucket, put.key, put.expires_in, &signed.join("%3B")),
            expires_at: OffsetDateTime::now_utc() + put.expires_in,
            headers,
        })
    }

    async fn presign_get(
        &self,
        bucket: &str,
        key: &str,
        expires_in: Duration,
    ) -> Result<String, ServiceError> {
        Ok(Self::url(bucket, key, expires_in, "host"))
    }
}
