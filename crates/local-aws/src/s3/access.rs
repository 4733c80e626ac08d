//! Access control: s3s calls it for every operation after it has verified the signature.

use super::{authentication::Authentication, call::CallContext, supported};
use crate::{credentials::Credentials, events::ACCOUNT};
use http::HeaderMap;
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SecretKey},
    s3_error,
};
use std::sync::Arc;

/// Gives s3s the secrets of the access keys.
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

/// Rejects unsigned requests, and requests for what the endpoint does not implement: an error is better than an object that
/// is not encrypted, locked or public as its owner expects.
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
        supported::check(
            &operation,
            context.method(),
            context.uri().query(),
            context.headers(),
        )?;
        check_headers(context.headers())
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
        }
    }
    Ok(())
}

/// An error before s3s handles the request: the code, the message, and additional XML.
pub(super) struct Rejection {
    pub(super) status: http::StatusCode,
    pub(super) code: &'static str,
    pub(super) message: &'static str,
    pub(super) detail: String,
}

/// Rejects a request that is signed in a way that S3 does not accept.
pub(super) fn check_authentication(
    authentication: &Authentication,
    headers: &HeaderMap,
) -> Option<Rejection> {
    let rejection = |status, code, message| Rejection {
        status,
        code,
        message,
        detail: String::new(),
    };
    match authentication {
        Authentication::V2Header => Some(rejection(
            http::StatusCode::BAD_REQUEST,
            "InvalidRequest",
            "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.",
        )),
        Authentication::Multiple => Some(rejection(
            http::StatusCode::BAD_REQUEST,
            "InvalidArgument",
            "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter or the Authorization header \
             should be specified",
        )),
        Authentication::Anonymous | Authentication::V2 { .. } => None,
        Authentication::V4 { .. } => {
            if let Some(message) = authentication.invalid_expires() {
                return Some(rejection(
                    http::StatusCode::BAD_REQUEST,
                    "AuthorizationQueryParametersError",
                    message,
                ));
            }
            if let Some((status, code, message)) = authentication.malformed_date(headers) {
                return Some(rejection(status, code, message));
            }
            let unsigned = authentication.unsigned_headers(headers);
            (!unsigned.is_empty()).then(|| Rejection {
                detail: format!(
                    "<HeadersNotSigned>{}</HeadersNotSigned>",
                    unsigned.join(", ")
                ),
                ..rejection(
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
    fn access_lists_and_other_owners_are_rejected() {
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
    }
}
