//! What s3s lets pass and S3 does not: two signatures at once, and `x-amz-*` headers that the signature does not
//! cover. And old signatures in headers, because s3s does not look at their age, and presigned addresses that work
//! for longer than a week.
//!
//! The second is what makes a presigned address safe to give away: whoever holds it could else add metadata,
//! tags or another type of its own.

use http::{HeaderMap, header::AUTHORIZATION};
use percent_encoding::percent_decode_str;

/// The prefix of headers that must be signed when they are sent.
const MUST_BE_SIGNED: &str = "x-amz-";

/// Covered without being listed: s3s puts its value into what is signed, or compares the body with it.
const COVERED: &str = "x-amz-content-sha256";

/// The longest that a presigned address works, in seconds: a week (Amazon S3 API Reference, "Authenticating
/// Requests: Using Query Parameters").
const LONGEST_LIFE: i64 = 604_800;

/// How a request says it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Claim {
    /// Not at all.
    Anonymous,
    /// With Signature Version 4.
    V4 {
        access_key_id: Option<String>,
        /// In lower case.
        signed_headers: Vec<String>,
        /// How long a presigned address says it works, in seconds.
        expires: Option<String>,
    },
    /// With Signature Version 2 in the address, as boto3 and `aws s3 presign` still do for `us-east-1`. It
    /// covers the type and every `x-amz-*` header that comes along.
    V2 { access_key_id: String },
    /// With Signature Version 2 in a header.
    V2Header,
    /// In the address and in a header.
    Twice,
}

impl Claim {
    /// Reads what a request says; whether it is true is for s3s to find out.
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
        let in_address = parameter("X-Amz-Signature").is_some();
        let old_in_address = parameter("Signature").is_some();
        match authorization {
            Some(_) if in_address || old_in_address => Self::Twice,
            None if in_address && old_in_address => Self::Twice,
            None if in_address => Self::V4 {
                access_key_id: parameter("X-Amz-Credential")
                    .as_deref()
                    .and_then(access_key_of),
                signed_headers: split(&parameter("X-Amz-SignedHeaders").unwrap_or_default()),
                expires: parameter("X-Amz-Expires"),
            },
            None if old_in_address => Self::V2 {
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

    /// Who the request says it is from.
    pub(super) fn access_key_id(&self) -> Option<String> {
        match self {
            Self::V4 { access_key_id, .. } => access_key_id.clone(),
            Self::V2 { access_key_id } => Some(access_key_id.clone()),
            Self::Anonymous | Self::V2Header | Self::Twice => None,
        }
    }

    /// What is wrong with the time that a presigned address says it works; s3s compares it with the clock alone.
    pub(super) fn bad_expires(&self) -> Option<&'static str> {
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
            Ok(0..=LONGEST_LIFE) => None,
            Ok(_) => Some(
                "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less \
                 than 604800 seconds",
            ),
        }
    }

    /// The headers that should be signed and are not.
    pub(super) fn unsigned(&self, headers: &HeaderMap) -> Vec<String> {
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

/// `KEY/20260102/us-east-1/s3/aws4_request` begins with the key; a key may itself hold slashes.
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
    fn who_signed_and_what() {
        let in_address = Claim::of(&HeaderMap::new(), Some(PRESIGNED));
        assert_eq!(in_address.access_key_id().as_deref(), Some("local"));
        let sent = headers(&[
            ("x-amz-meta-filename", "cat.jpg"),
            ("x-amz-meta-evil", "1"),
            ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
            ("x-amzn-trace-id", "1"),
            ("content-type", "image/jpeg"),
        ]);
        assert_eq!(in_address.unsigned(&sent), ["x-amz-meta-evil"]);

        let in_header = Claim::of(&headers(&[("authorization", SIGNED)]), None);
        assert_eq!(in_header.access_key_id().as_deref(), Some("a/b"));
        assert_eq!(
            in_header.unsigned(&headers(&[("x-amz-date", "1"), ("x-amz-acl", "private")])),
            ["x-amz-acl"]
        );
    }

    #[test]
    fn an_address_works_for_a_week_at_most() {
        for (expires, said) in [
            ("0", None),
            ("604800", None),
            ("604801", Some("less than a week")),
            ("-1", Some("non-negative")),
            ("1e3", Some("a number")),
            ("", Some("a number")),
        ] {
            let query = format!("{PRESIGNED}&X-Amz-Expires={expires}");
            let bad = Claim::of(&HeaderMap::new(), Some(&query)).bad_expires();
            assert_eq!(bad.is_some(), said.is_some(), "{expires}: {bad:?}");
            assert!(bad.unwrap_or_default().contains(said.unwrap_or_default()));
        }
    }

    #[test]
    fn other_ways_to_sign() {
        assert_eq!(
            Claim::of(&HeaderMap::new(), Some("list-type=2")),
            Claim::Anonymous
        );
        assert_eq!(
            Claim::of(&headers(&[("authorization", "AWS a:b")]), None),
            Claim::V2Header
        );
        let in_address = Claim::of(
            &HeaderMap::new(),
            Some("AWSAccessKeyId=a&Expires=1&Signature=b"),
        );
        assert_eq!(
            in_address,
            Claim::V2 {
                access_key_id: "a".to_owned()
            }
        );
        assert_eq!(
            Claim::of(&headers(&[("authorization", SIGNED)]), Some(PRESIGNED)),
            Claim::Twice
        );
        let broken = Claim::of(&headers(&[("authorization", "Bearer x")]), None);
        assert_eq!(broken.access_key_id(), None);
        assert_eq!(
            broken.unsigned(&headers(&[("x-amz-date", "1")])),
            ["x-amz-date"]
        );
    }
}
