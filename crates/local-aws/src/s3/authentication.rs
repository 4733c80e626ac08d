//! Checks that S3 makes and s3s does not: two signatures at once, `x-amz-*` headers that are not signed, Signature Version
//! 2 in headers (s3s does not check its age), and presigned URLs that are valid for more than a week.
//!
//! The check of headers makes it safe to hand out a presigned URL: otherwise its holder could add metadata, tags or another
//! type.

use http::{HeaderMap, header::AUTHORIZATION};
use percent_encoding::percent_decode_str;

/// The prefix of headers that must be signed when they are sent.
const MUST_BE_SIGNED: &str = "x-amz-";

/// Verified without being listed: s3s signs its value or compares it with the body.
const COVERED: &str = "x-amz-content-sha256";

/// The longest validity of a presigned URL in seconds: a week (Amazon S3 API Reference, "Authenticating
/// Requests: Using Query Parameters").
const MAX_EXPIRES: i64 = 604_800;

/// How a request is signed. The signature itself is not verified here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authentication {
    /// Not signed.
    Anonymous,
    /// With Signature Version 4.
    V4 {
        access_key_id: Option<String>,
        /// In lower case.
        signed_headers: Vec<String>,
        /// `X-Amz-Expires` of a presigned URL.
        expires: Option<String>,
    },
    /// With Signature Version 2 in the URL, as boto3 and `aws s3 presign` still do for `us-east-1`. It covers the type and
    /// every `x-amz-*` header of the request.
    V2 { access_key_id: String },
    /// With Signature Version 2 in a header.
    V2Header,
    /// In the URL and in a header, or twice in the URL.
    Multiple,
}

impl Authentication {
    /// Reads headers and query. s3s verifies the signature later.
    pub(super) fn of(headers: &HeaderMap, query: Option<&str>) -> Self {
        let authorization = headers
            .get(AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let parameter = |name: &str| {
            query.unwrap_or_default().split('&').find_map(|pair| {
                let (found, value) = pair.split_once('=').unwrap_or((pair, ""));
                (found == name).then(|| percent_decode_str(value).decode_utf8_lossy().into_owned())
            })
        };
        let v4_query = parameter("X-Amz-Signature").is_some();
        let v2_query = parameter("Signature").is_some();
        match authorization {
            Some(_) if v4_query || v2_query => Self::Multiple,
            None if v4_query && v2_query => Self::Multiple,
            None if v4_query => Self::V4 {
                access_key_id: parameter("X-Amz-Credential")
                    .as_deref()
                    .and_then(access_key_of),
                signed_headers: split(&parameter("X-Amz-SignedHeaders").unwrap_or_default()),
                expires: parameter("X-Amz-Expires"),
            },
            None if v2_query => Self::V2 {
                access_key_id: parameter("AWSAccessKeyId").unwrap_or_default(),
            },
            None => Self::Anonymous,
            Some(value) if value.starts_with("AWS ") => Self::V2Header,
            Some(value) => {
                let field = |name: &str| {
                    value
                        .split([' ', ','])
                        .find_map(|field| field.strip_prefix(name)?.strip_prefix('='))
                        .unwrap_or_default()
                };
                Self::V4 {
                    access_key_id: access_key_of(field("Credential")),
                    signed_headers: split(field("SignedHeaders")),
                    expires: None,
                }
            }
        }
    }

    /// The access key that the request names.
    pub(super) fn access_key_id(&self) -> Option<String> {
        match self {
            Self::V4 { access_key_id, .. } => access_key_id.clone(),
            Self::V2 { access_key_id } => Some(access_key_id.clone()),
            Self::Anonymous | Self::V2Header | Self::Multiple => None,
        }
    }

    /// What is wrong with `X-Amz-Expires`, if anything. s3s only compares it with the clock.
    pub(super) fn invalid_expires(&self) -> Option<&'static str> {
        let Self::V4 {
            expires: Some(expires),
            ..
        } = self
        else {
            return None;
        };
        match expires.parse::<i64>() {
            Err(_) => Some("X-Amz-Expires should be a number"),
            Ok(..0) => Some("X-Amz-Expires must be non-negative"),
            Ok(0..=MAX_EXPIRES) => None,
            Ok(_) => Some(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
                 than 604800 seconds",
            ),
        }
    }

    /// The headers that must be signed but are not.
    pub(super) fn unsigned_headers(&self, headers: &HeaderMap) -> Vec<String> {
        let Self::V4 { signed_headers, .. } = self else {
            return Vec::new();
        };
        headers
            .keys()
            .map(http::HeaderName::as_str)
            .filter(|name| name.starts_with(MUST_BE_SIGNED) && *name != COVERED)
            .filter(|name| !signed_headers.iter().any(|signed| signed == name))
            .map(str::to_owned)
            .collect()
    }
}

/// The key at the start of `KEY/20260102/us-east-1/s3/aws4_request`. A key may contain slashes.
fn access_key_of(credential: &str) -> Option<String> {
    let key = credential.rsplitn(5, '/').nth(4)?;
    (!key.is_empty()).then(|| key.to_owned())
}

fn split(names: &str) -> Vec<String> {
    names.split(';').map(str::to_ascii_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    const PRESIGNED: &str = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=local%2F20260102%2Fus-east-1%2Fs3%2F\
                             aws4_request&X-Amz-SignedHeaders=content-length%3Bhost%3Bx-amz-meta-filename&\
                             X-Amz-Signature=00";
    const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=a/b/20260102/us-east-1/s3/aws4_request, \
                          SignedHeaders=host;x-amz-date, Signature=00";

    #[test]
    fn key_and_signed_headers_are_read() {
        let presigned = Authentication::of(&HeaderMap::new(), Some(PRESIGNED));
        assert_eq!(presigned.access_key_id().as_deref(), Some("local"));
        let sent = headers(&[
            ("x-amz-meta-filename", "cat.jpg"),
            ("x-amz-meta-evil", "1"),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ("x-amzn-trace-id", "1"),
            ("content-type", "image/jpeg"),
        ]);
        assert_eq!(presigned.unsigned_headers(&sent), ["x-amz-meta-evil"]);

        let in_header = Authentication::of(&headers(&[("authorization", SIGNED)]), None);
        assert_eq!(in_header.access_key_id().as_deref(), Some("a/b"));
        assert_eq!(
            in_header.unsigned_headers(&headers(&[("x-amz-date", "1"), ("x-amz-acl", "private")])),
            ["x-amz-acl"]
        );
    }

    #[test]
    fn a_url_is_valid_for_a_week_at_most() {
        for (expires, message) in [
            ("0", None),
            ("604800", None),
            ("604801", Some("less than a week")),
            ("-1", Some("non-negative")),
            ("1e3", Some("a number")),
            ("", Some("a number")),
        ] {
            let query = format!("{PRESIGNED}&X-Amz-Expires={expires}");
            let found = Authentication::of(&HeaderMap::new(), Some(&query)).invalid_expires();
            assert_eq!(found.is_some(), message.is_some(), "{expires}: {found:?}");
            assert!(
                found
                    .unwrap_or_default()
                    .contains(message.unwrap_or_default())
            );
        }
    }

    #[test]
    fn other_signatures_are_recognised() {
        assert_eq!(
            Authentication::of(&HeaderMap::new(), Some("list-type=2")),
            Authentication::Anonymous
        );
        assert_eq!(
            Authentication::of(&headers(&[("authorization", "AWS a:b")]), None),
            Authentication::V2Header
        );
        let presigned = Authentication::of(
            &HeaderMap::new(),
            Some("AWSAccessKeyId=a&Expires=1&Signature=b"),
        );
        assert_eq!(
            presigned,
            Authentication::V2 {
                access_key_id: "a".to_owned()
            }
        );
        assert_eq!(
            Authentication::of(&headers(&[("authorization", SIGNED)]), Some(PRESIGNED)),
            Authentication::Multiple
        );
        let broken = Authentication::of(&headers(&[("authorization", "Bearer x")]), None);
        assert_eq!(broken.access_key_id(), None);
        assert_eq!(
            broken.unsigned_headers(&headers(&[("x-amz-date", "1")])),
            ["x-amz-date"]
        );
    }
}
