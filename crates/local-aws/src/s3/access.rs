//! Who may call, and with what: every operation passes here once its signature is verified.

use super::{call::CallContext, guard::Claim};
use crate::{events::ACCOUNT, settings::Credentials};
use http::HeaderMap;
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SecretKey},
    s3_error,
};
use std::sync::Arc;

/// Tells s3s the secrets of the access keys.
pub(super) struct Keys(pub(super) Arc<[Credentials]>);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.iter().find(|keys| keys.access_key_id == access_key) {
            Some(keys) => Ok(SecretKey::from(keys.secret_access_key.as_str())),
            None => Err(s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records. \
                 Use the access key that the server printed at start."
            )),
        }
    }
}

/// Refuses the unsigned, and what asks for a guarantee that the store does not give: better an error than an
/// object that is not encrypted, locked or public as its owner believes.
pub(super) struct Policy;

#[async_trait::async_trait]
impl S3Access for Policy {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let operation = context.s3_op().name().to_owned();
        let call = CallContext::of(context.extensions_mut());
        call.set_operation(&operation);
        if context.credentials().is_none() {
            return Err(s3_error!(
                AccessDenied,
                "Anonymous access is forbidden: sign the request."
            ));
        }
        check_headers(context.headers())?;
        check_version(context.uri().query())
    }
}

fn check_headers(headers: &HeaderMap) -> S3Result<()> {
    for (name, value) in headers {
        let name = name.as_str();
        let value = value.as_bytes();
        if name == "x-amz-expected-bucket-owner" || name == "x-amz-source-expected-bucket-owner" {
            if value != ACCOUNT.as_bytes() {
                return Err(s3_error!(
                    AccessDenied,
                    "The bucket belongs to account {ACCOUNT}."
                ));
            }
        } else if name == "x-amz-acl" {
            if !matches!(value, b"private" | b"bucket-owner-full-control") {
                return Err(s3_error!(
                    AccessControlListNotSupported,
                    "The bucket does not allow ACLs"
                ));
            }
        } else if name.starts_with("x-amz-grant-") {
            return Err(s3_error!(
                AccessControlListNotSupported,
                "The bucket does not allow ACLs"
            ));
        } else if name.starts_with("x-amz-server-side-encryption")
            || name.starts_with("x-amz-copy-source-server-side-encryption")
        {
            return Err(s3_error!(
                NotImplemented,
                "This endpoint does not encrypt: leave the header {name} away."
            ));
        } else if name.starts_with("x-amz-object-lock-") {
            return Err(s3_error!(
                InvalidRequest,
                "Bucket is missing Object Lock Configuration"
            ));
        } else if name == "x-amz-write-offset-bytes" {
            return Err(s3_error!(
                NotImplemented,
                "This endpoint does not append to objects."
            ));
        }
    }
    Ok(())
}

/// Buckets are not versioned, so the only version is `null`.
fn check_version(query: Option<&str>) -> S3Result<()> {
    let version = query
        .unwrap_or_default()
        .split('&')
        .find_map(|pair| pair.strip_prefix("versionId="))
        .unwrap_or("null");
    if version == "null" {
        Ok(())
    } else {
        Err(s3_error!(NoSuchVersion, "The bucket is not versioned."))
    }
}

/// Why a request is refused before s3s looks at it: the code, the message, and more XML for the answer.
pub(super) struct Refusal {
    pub(super) status: http::StatusCode,
    pub(super) code: &'static str,
    pub(super) message: &'static str,
    pub(super) detail: String,
}

/// Refuses what [`guard`](super::guard) is about.
pub(super) fn refuse_by_claim(claim: &Claim, headers: &HeaderMap) -> Option<Refusal> {
    let refusal = |status, code, message| Refusal {
        status,
        code,
        message,
        detail: String::new(),
    };
    match claim {
        Claim::V2Header => Some(refusal(
            http::StatusCode::BAD_REQUEST,
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        )),
        Claim::Twice => Some(refusal(
            http::StatusCode::BAD_REQUEST,
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header \
             should be specified",
        )),
        Claim::Anonymous | Claim::V2 { .. } => None,
        Claim::V4 { .. } => {
            if let Some(message) = claim.bad_expires() {
                return Some(refusal(
                    http::StatusCode::BAD_REQUEST,
                    "AuthorizationQueryParametersError",
                    message,
                ));
            }
            let unsigned = claim.unsigned(headers);
            (!unsigned.is_empty()).then(|| Refusal {
                detail: format!(
                    "<HeadersNotSigned>{}</HeadersNotSigned>",
                    unsigned.join(", ")
                ),
                ..refusal(
                    http::StatusCode::FORBIDDEN,
                    "AccessDenied",
                    "There were headers present in the request which were not signed",
                )
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &'static str, value: &'static str) -> Option<String> {
        let headers: HeaderMap = [(http::HeaderName::from_static(name), value.parse().unwrap())]
            .into_iter()
            .collect();
        check_headers(&headers)
            .err()
            .map(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn guarantees_that_are_not_given_are_refused() {
        for (name, value, code) in [
            ("x-amz-acl", "private", None),
            ("x-amz-acl", "bucket-owner-full-control", None),
            (
                "x-amz-acl",
                "public-read",
                Some("AccessControlListNotSupported"),
            ),
            (
                "x-amz-grant-read",
                "id=1",
                Some("AccessControlListNotSupported"),
            ),
            (
                "x-amz-server-side-encryption",
                "aws:kms",
                Some("NotImplemented"),
            ),
            (
                "x-amz-object-lock-mode",
                "GOVERNANCE",
                Some("InvalidRequest"),
            ),
            ("x-amz-expected-bucket-owner", ACCOUNT, None),
            (
                "x-amz-expected-bucket-owner",
                "123456789012",
                Some("AccessDenied"),
            ),
            ("x-amz-meta-acl", "public-read", None),
        ] {
            assert_eq!(check(name, value).as_deref(), code, "{name}: {value}");
        }
        assert!(check_version(Some("versionId=null&x=1")).is_ok());
        assert!(check_version(Some("x=1&versionId=abc")).is_err());
    }
}
