//! Checks that S3 makes and s3s does not: two signatures at once, `x-amz-*` headers that are not signed, Signature Version
//! 2 in headers (s3s does not check its age), and presigned URLs that are valid for more than a week.
//!
//! The check of headers makes it safe to hand out a presigned URL: otherwise its holder could add metadata, tags or another
//! type.

use http::{HeaderMap, StatusCode, header::AUTHORIZATION};
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
        /// The date in the scope of the credential.
        scope_date: Option<String>,
        /// In lower case.
        signed_headers: Vec<String>,
        /// `X-Amz-Date` of a presigned URL.
        date: Option<String>,
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
            None if v4_query => {
                let credential = parameter("X-Amz-Credential").unwrap_or_default();
                Self::V4 {
                    access_key_id: access_key_of(&credential),
                    scope_date: scope_date_of(&credential),
                    signed_headers: split(&parameter("X-Amz-SignedHeaders").unwrap_or_default()),
                    date: parameter("X-Amz-Date"),
                    expires: parameter("X-Amz-Expires"),
                }
            }
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
                    scope_date: scope_date_of(field("Credential")),
                    signed_headers: split(field("SignedHeaders")),
                    date: None,
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

    /// The response to a date that is none, if there is one: status, code and message. s3s panics over some of them.
    pub(super) fn malformed_date(
        &self,
        headers: &HeaderMap,
    ) -> Option<(StatusCode, &'static str, &'static str)> {
        let Self::V4 {
            scope_date, date, ..
        } = self
        else {
            return None;
        };
        if date
            .as_ref()
            .is_some_and(|date| !is_timestamp(date.as_bytes()))
        {
            return Some((
                StatusCode::BAD_REQUEST,
                "AuthorizationQueryParametersError",
                "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\"",
            ));
        }
        let is_day = |date: &String| date.len() == 8 && is_digits(date.as_bytes());
        if scope_date.as_ref().is_some_and(|date| !is_day(date)) {
            let code = if date.is_some() {
                "AuthorizationQueryParametersError"
            } else {
                "AuthorizationHeaderMalformed"
            };
            let message = "The date in the credential must be in the format \"yyyyMMdd\".";
            return Some((StatusCode::BAD_REQUEST, code, message));
        }
        let mut sent = headers.get_all("x-amz-date").iter();
        (!sent.all(|date| is_timestamp(date.as_bytes()))).then_some((
            StatusCode::FORBIDDEN,
            "AccessDenied",
            "AWS authentication requires a valid Date or x-amz-date header",
        ))
    }

    /// Whether the signature is in the URL and in Version 4, which covers every parameter.
    pub(super) fn signs_parameters(&self) -> bool {
        matches!(self, Self::V4 { date: Some(_), .. })
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

/// The date in the same place.
fn scope_date_of(credential: &str) -> Option<String> {
    credential.rsplit('/').nth(3).map(str::to_owned)
}

/// Whether this has the form `20260102T030405Z`.
fn is_timestamp(text: &[u8]) -> bool {
    match text {
        [day @ .., b'T', a, b, c, d, e, f, b'Z'] => {
            day.len() == 8 && is_digits(day) && is_digits(&[*a, *b, *c, *d, *e, *f])
        }
        _ => false,
    }
}

fn is_digits(text: &[u8]) -> bool {
    text.iter().all(u8::is_ascii_digit)
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
    fn a_malformed_date_is_found() {
        for (date, scope, code) in [
            ("20260102T030405Z", "20260102", None),
            (
                "2026/1/2T030405Z",
                "20260102",
                Some("AuthorizationQueryParametersError"),
            ),
            (
                "20260102",
                "20260102",
                Some("AuthorizationQueryParametersError"),
            ),
            ("", "20260102", Some("AuthorizationQueryParametersError")),
            (
                "20260102T030405Z",
                "2026%2B102",
                Some("AuthorizationQueryParametersError"),
            ),
            (
                "20260102T030405Z",
                "",
                Some("AuthorizationQueryParametersError"),
            ),
        ] {
            let query = PRESIGNED.replace("20260102", scope) + "&X-Amz-Date=" + date;
            let found = Authentication::of(&HeaderMap::new(), Some(&query))
                .malformed_date(&HeaderMap::new());
            assert_eq!(found.map(|(_, code, _)| code), code, "{query}");
        }
        for (authorization, date, code) in [
            (SIGNED.to_owned(), "20260102T030405Z", None),
            (SIGNED.to_owned(), "20260102T0304 5Z", Some("AccessDenied")),
            (
                SIGNED.replace("20260102", "2026.1.2"),
                "20260102T030405Z",
                Some("AuthorizationHeaderMalformed"),
            ),
        ] {
            let sent = headers(&[("authorization", &authorization), ("x-amz-date", date)]);
            let found = Authentication::of(&sent, None).malformed_date(&sent);
            assert_eq!(
                found.map(|(_, code, _)| code),
                code,
                "{authorization} {date}"
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
