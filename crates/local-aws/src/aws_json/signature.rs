//! Verifies Signature Version 4 in the `Authorization` header: signs the request again and compares.
//!
//! Rules and messages are those of AWS's JSON services (AWS General Reference, "Signing AWS API requests", and
//! "Troubleshoot Signature Version 4"). s3s verifies signatures too, but does not export the code. The region in the
//! credential scope may be any, because the endpoint serves all regions.

use crate::credentials::Credentials;
use aws_credential_types::Credentials as SigningCredentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use http::{HeaderMap, header, request::Parts};
use rekognition_model::{ErrorBody, ErrorCode};
use subtle::ConstantTimeEq;
use time::{Duration, OffsetDateTime, PrimitiveDateTime, macros::format_description};

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const TERMINATOR: &str = "aws4_request";
/// How far the client's clock may differ, in both directions.
const TOLERANCE: Duration = Duration::minutes(5);

/// What a signature must be for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    /// The service's name in the credential scope, such as `rekognition`.
    service: &'static str,
    /// Headers that must be signed; otherwise a signature could be used for another request.
    required_headers: [&'static str; 3],
}

impl Scope {
    /// Requests for a service whose operation is in `X-Amz-Target`.
    pub(crate) const fn json(service: &'static str) -> Self {
        Self {
            service,
            required_headers: ["host", "x-amz-date", "x-amz-target"],
        }
    }

    /// Requests for an API behind API Gateway, with temporary credentials. The path is signed as it is sent, percent-encoded once more,
    /// as for all services but S3 (AWS Identity and Access Management User Guide, "Create a signed AWS API request").
    pub(crate) const EXECUTE_API: Self = Self {
        service: "execute-api",
        required_headers: ["host", "x-amz-date", "x-amz-security-token"],
    };
}

/// The parts of `Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
#[derive(Debug, PartialEq, Eq)]
struct Authorization<'a> {
    access_key_id: &'a str,
    date: &'a str,
    region: &'a str,
    service: &'a str,
    terminator: &'a str,
    signed_headers: Vec<&'a str>,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// Parses the header.
    ///
    /// # Errors
    /// `MissingAuthenticationTokenException` if there is none, `IncompleteSignatureException` if a part is missing.
    /// No message repeats the header.
    fn parse(headers: &'a HeaderMap) -> Result<Self, ErrorBody> {
        let missing = || {
            ErrorBody::new(
                ErrorCode::MissingAuthenticationToken,
                "Missing Authentication Token",
            )
        };
        let value = headers.get(header::AUTHORIZATION).ok_or_else(missing)?;
        let value = value.to_str().map_err(|_| missing())?.trim();
        let parts = value.strip_prefix(ALGORITHM).ok_or_else(|| {
            ErrorBody::new(
                ErrorCode::IncompleteSignature,
                format!("Unsupported AWS 'algorithm'. The Authorization header has to begin with {ALGORITHM}."),
            )
        })?;
        let part = |name: &str| {
            parts
                .split(',')
                .filter_map(|part| part.trim().split_once('='))
                .find(|(key, value)| *key == name && !value.is_empty())
                .map(|(_, value)| value)
                .ok_or_else(|| {
                    ErrorBody::new(
                        ErrorCode::IncompleteSignature,
                        format!("Authorization header requires '{name}' parameter."),
                    )
                })
        };
        let credential = part("Credential")?;
        // The access key id comes first and may contain slashes.
        let mut scope = credential.rsplitn(5, '/');
        let (Some(terminator), Some(service), Some(region), Some(date), Some(access_key_id)) = (
            scope.next(),
            scope.next(),
            scope.next(),
            scope.next(),
            scope.next(),
        ) else {
            return Err(ErrorBody::new(
                ErrorCode::IncompleteSignature,
                "Credential must have exactly 5 slash-delimited elements, e.g. \
                 keyid/date/region/service/term.",
            ));
        };
        Ok(Self {
            access_key_id,
            date,
            region,
            service,
            terminator,
            signed_headers: part("SignedHeaders")?.split(';').collect(),
            signature: part("Signature")?,
        })
    }
}

/// The access key that the request names. It is not verified.
pub(crate) fn claimed_access_key(headers: &HeaderMap) -> Option<String> {
    Authorization::parse(headers)
        .ok()
        .map(|authorization| authorization.access_key_id.to_owned())
}

/// Verifies the signature over the head and the whole body of a request that arrived at `now`.
///
/// # Errors
/// AWS's error for what is wrong with the signature.
pub(crate) fn verify(
    scope: Scope,
    head: &Parts,
    body: &[u8],
    accepted: &[Credentials],
    now: OffsetDateTime,
) -> Result<(), ErrorBody> {
    let authorization = Authorization::parse(&head.headers)?;
    let credentials = accepted
        .iter()
        .find(|keys| keys.access_key_id == authorization.access_key_id)
        .ok_or_else(|| {
            ErrorBody::new(
                ErrorCode::UnrecognizedClient,
                "The security token included in the request is invalid.",
            )
        })?;
    let time = signing_time(&head.headers)?;
    check_scope(&authorization, scope.service, time)?;
    check_age(time, now)?;
    for name in scope.required_headers {
        if !authorization.signed_headers.contains(&name) || !head.headers.contains_key(name) {
            return Err(invalid(format!(
                "'{name}' must be a 'SignedHeader' in the AWS Authorization."
            )));
        }
    }
    let expected = signature(head, body, credentials, &authorization, time).ok_or_else(mismatch)?;
    if bool::from(
        expected
            .as_bytes()
            .ct_eq(authorization.signature.as_bytes()),
    ) {
        Ok(())
    } else {
        Err(mismatch())
    }
}

/// The signature that the request should have. `None` if its headers cannot be signed.
fn signature(
    head: &Parts,
    body: &[u8],
    credentials: &Credentials,
    authorization: &Authorization<'_>,
    time: OffsetDateTime,
) -> Option<String> {
    let mut signed = Vec::with_capacity(authorization.signed_headers.len());
    for name in &authorization.signed_headers {
        for value in head.headers.get_all(*name) {
            signed.push((*name, value.to_str().ok()?));
        }
    }
    let mut settings = SigningSettings::default();
    // The client has chosen which headers are signed; the default would skip some.
    settings.excluded_headers = None;
    let identity = SigningCredentials::new(
        credentials.access_key_id.as_str(),
        credentials.secret_access_key.as_str(),
        None,
        None,
        "sightline-local",
    )
    .into();
    let params = SigningParams::builder()
        .identity(&identity)
        .region(authorization.region)
        .name(authorization.service)
        .time(time.into())
        .settings(settings)
        .build()
        .ok()?
        .into();
    let target = head.uri.path_and_query()?.as_str();
    let request = SignableRequest::new(
        head.method.as_str(),
        target,
        signed.into_iter(),
        SignableBody::Bytes(body),
    )
    .ok()?;
    Some(sign(request, &params).ok()?.into_parts().1)
}

/// The time in `X-Amz-Date`.
fn signing_time(headers: &HeaderMap) -> Result<OffsetDateTime, ErrorBody> {
    let value = headers
        .get("x-amz-date")
        .and_then(|value| value.to_str().ok())
        .ok_or_else(|| {
            ErrorBody::new(
                ErrorCode::IncompleteSignature,
                "Authorization header requires existence of a 'X-Amz-Date' header.",
            )
        })?;
    PrimitiveDateTime::parse(value, format_description!("[year][month][day]T[hour][minute][second]Z"))
        .map(PrimitiveDateTime::assume_utc)
        .map_err(|_| {
            ErrorBody::new(
                ErrorCode::IncompleteSignature,
                "Date must be in ISO-8601 'basic format', such as 20260102T030405Z, in the 'X-Amz-Date' header.",
            )
        })
}

/// Checks that the credential scope matches the time, the service and the algorithm.
fn check_scope(
    authorization: &Authorization<'_>,
    service: &str,
    time: OffsetDateTime,
) -> Result<(), ErrorBody> {
    let full = basic(time);
    if full.split('T').next() != Some(authorization.date) {
        return Err(invalid(format!(
            "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP, '{full}'."
        )));
    }
    if authorization.service != service {
        return Err(invalid(format!(
            "Credential should be scoped to correct service: '{service}'."
        )));
    }
    if authorization.terminator != TERMINATOR {
        return Err(invalid(format!(
            "Credential should be scoped with a valid terminator: '{TERMINATOR}'."
        )));
    }
    Ok(())
}

/// Checks that the signing time is within [`TOLERANCE`] of `now`.
fn check_age(time: OffsetDateTime, now: OffsetDateTime) -> Result<(), ErrorBody> {
    let minutes = TOLERANCE.whole_minutes();
    let (earliest, latest) = (now - TOLERANCE, now + TOLERANCE);
    if time < earliest {
        return Err(invalid(format!(
            "Signature expired: {} is now earlier than {} ({} - {minutes} min.)",
            basic(time),
            basic(earliest),
            basic(now)
        )));
    }
    if time > latest {
        return Err(invalid(format!(
            "Signature not yet current: {} is still later than {} ({} + {minutes} min.)",
            basic(time),
            basic(latest),
            basic(now)
        )));
    }
    Ok(())
}

/// ISO 8601 in its basic format, as in `X-Amz-Date`.
fn basic(time: OffsetDateTime) -> String {
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        time.year(),
        u8::from(time.month()),
        time.day(),
        time.hour(),
        time.minute(),
        time.second()
    )
}

fn invalid(message: String) -> ErrorBody {
    ErrorBody::new(ErrorCode::InvalidSignature, message)
}

fn mismatch() -> ErrorBody {
    invalid(
        "The request signature we calculated does not match the signature you provided. Check your AWS Secret \
         Access Key and signing method. Consult the service documentation for details."
            .to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderValue, Request};
    use time::macros::datetime;

    const REKOGNITION: Scope = Scope::json("rekognition");
    const NOW: OffsetDateTime = datetime!(2026-01-02 03:04:05 UTC);
    const BODY: &[u8] = br#"{"Image":{"S3Object":{"Bucket":"b","Name":"n"}}}"#;

    fn credentials() -> Credentials {
        Credentials {
            access_key_id: "sightline".to_owned(),
            secret_access_key: "a secret".to_owned(),
        }
    }

    /// A request signed by the SDK's own signer, as an SDK would send it.
    fn signed(secret: &str, time: OffsetDateTime, service: &str, extra: &[(&str, &str)]) -> Parts {
        let mut request = Request::post("/")
            .header("host", "127.0.0.1:4566")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", "RekognitionService.DetectLabels");
        for (name, value) in extra {
            request = request.header(*name, *value);
        }
        let mut request = request.body(()).unwrap();
        let identity = SigningCredentials::new("sightline", secret, None, None, "test").into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region("eu-central-1")
            .name(service)
            .time(time.into())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let headers: Vec<(String, String)> = request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
            .collect();
        let signable = SignableRequest::new(
            "POST",
            "/",
            headers
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str())),
            SignableBody::Bytes(BODY),
        )
        .unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        instructions.apply_to_request_http1x(&mut request);
        request.into_parts().0
    }

    fn good() -> Parts {
        signed("a secret", NOW, "rekognition", &[])
    }

    fn rejection(head: &Parts, now: OffsetDateTime) -> (String, String) {
        let error = verify(REKOGNITION, head, BODY, &[credentials()], now).unwrap_err();
        (
            error.error_code().unwrap().to_string(),
            error.message.unwrap(),
        )
    }

    fn edited(name: &'static str, edit: impl FnOnce(&str) -> String) -> Parts {
        let mut head = good();
        let value = edit(head.headers[name].to_str().unwrap());
        head.headers
            .insert(name, HeaderValue::from_str(&value).unwrap());
        head
    }

    #[test]
    fn a_request_signed_by_an_sdk_is_accepted() {
        verify(REKOGNITION, &good(), BODY, &[credentials()], NOW).unwrap();
        let head = signed(
            "a secret",
            NOW,
            "rekognition",
            &[
                ("x-amz-user-agent", "a  b"),
                ("amz-sdk-request", "attempt=1"),
            ],
        );
        verify(REKOGNITION, &head, BODY, &[credentials()], NOW).unwrap();
        assert_eq!(
            claimed_access_key(&head.headers).as_deref(),
            Some("sightline")
        );
    }

    #[test]
    fn a_wrong_signature_is_rejected() {
        let wrong_secret = signed("another secret", NOW, "rekognition", &[]);
        let other_target = edited("x-amz-target", |_| {
            "RekognitionService.DetectFaces".to_owned()
        });
        let cut = edited("authorization", |value| value[..value.len() - 1].to_owned());
        let header_gone = {
            let mut head = good();
            head.headers.remove("content-type");
            head
        };
        for head in [wrong_secret, other_target, cut, header_gone] {
            let (code, message) = rejection(&head, NOW);
            assert_eq!(code, "InvalidSignatureException");
            assert!(
                message.starts_with("The request signature we calculated does not match"),
                "{message}"
            );
        }
        let error = verify(REKOGNITION, &good(), b"{}", &[credentials()], NOW).unwrap_err();
        assert_eq!(
            error.error_code(),
            Some(ErrorCode::InvalidSignature),
            "the body is signed"
        );
    }

    #[test]
    fn an_unknown_key_has_its_own_error() {
        let head = edited("authorization", |value| {
            value.replace("Credential=sightline/", "Credential=somebody/")
        });
        assert_eq!(
            rejection(&head, NOW),
            (
                "UnrecognizedClientException".to_owned(),
                "The security token included in the request is invalid.".to_owned()
            )
        );
    }

    #[test]
    fn an_unsigned_request_is_rejected() {
        let mut head = good();
        head.headers.remove("authorization");
        assert_eq!(
            rejection(&head, NOW).0,
            "MissingAuthenticationTokenException"
        );
        assert_eq!(claimed_access_key(&head.headers), None);
    }

    #[test]
    fn a_missing_part_is_named() {
        for (head, expected) in [
            (
                edited("authorization", |_| "Bearer abc".to_owned()),
                "Unsupported AWS 'algorithm'",
            ),
            (
                edited("authorization", |_| "AWS4-HMAC-SHA256".to_owned()),
                "'Credential'",
            ),
            (
                edited("authorization", |value| {
                    value.replace("SignedHeaders=", "Signed=")
                }),
                "'SignedHeaders'",
            ),
            (
                edited("authorization", |value| {
                    value.replace("Signature=", "Sign=")
                }),
                "'Signature'",
            ),
            (
                edited("authorization", |value| value.replace("/aws4_request", "")),
                "5 slash-delimited",
            ),
            (edited("x-amz-date", |_| "yesterday".to_owned()), "ISO-8601"),
        ] {
            let (code, message) = rejection(&head, NOW);
            assert_eq!(code, "IncompleteSignatureException", "{message}");
            assert!(message.contains(expected), "{message}");
        }
    }

    #[test]
    fn the_target_must_be_signed() {
        let head = edited("authorization", |value| value.replace(";x-amz-target", ""));
        let (code, message) = rejection(&head, NOW);
        assert_eq!(code, "InvalidSignatureException");
        assert_eq!(
            message,
            "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization."
        );
        let mut head = good();
        head.headers.remove("host");
        assert!(rejection(&head, NOW).1.starts_with("'host' must be"));
    }

    #[test]
    fn the_clock_may_differ_by_five_minutes() {
        verify(
            REKOGNITION,
            &good(),
            BODY,
            &[credentials()],
            NOW + TOLERANCE,
        )
        .unwrap();
        verify(
            REKOGNITION,
            &good(),
            BODY,
            &[credentials()],
            NOW - TOLERANCE,
        )
        .unwrap();
        assert_eq!(
            rejection(&good(), NOW + Duration::minutes(6)).1,
            "Signature expired: 20260102T030405Z is now earlier than 20260102T030505Z (20260102T031005Z - 5 min.)"
        );
        assert_eq!(
            rejection(&good(), NOW - Duration::minutes(6)).1,
            "Signature not yet current: 20260102T030405Z is still later than 20260102T030305Z \
             (20260102T025805Z + 5 min.)"
        );
    }

    #[test]
    fn the_credential_scope_must_match_day_and_service() {
        let other_service = signed("a secret", NOW, "s3", &[]);
        assert_eq!(
            rejection(&other_service, NOW).1,
            "Credential should be scoped to correct service: 'rekognition'."
        );
        let other_day = edited("authorization", |value| {
            value.replace("20260102/", "20260103/")
        });
        assert!(
            rejection(&other_day, NOW)
                .1
                .starts_with("Date in Credential scope does not match")
        );
        let other_end = edited("authorization", |value| {
            value.replace("/aws4_request", "/aws5_request")
        });
        assert!(rejection(&other_end, NOW).1.contains("valid terminator"));
    }
}
