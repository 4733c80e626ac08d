//! Everything that can go wrong, as clients hear it: RFC 9457 `application/problem+json`.
//!
//! A [`Code`] says what happened and never changes; `detail` says it to a person, with what to do.
//! Members beyond the standard ones (`member`, `allowed`, `limit`) are for programs. What the log
//! needs to know of a fault inside stays in the log.

use std::borrow::Cow;

use axum::{
    Json,
    http::{
        HeaderValue, StatusCode,
        header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
    },
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sightline_pipeline::service_error::{Service, ServiceError};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// How problems are typed on the wire.
pub(crate) const CONTENT_TYPE_PROBLEM: &str = "application/problem+json";

/// After how many seconds a client may try again when a bucket or the recogniser was not reached.
pub(crate) const RETRY_AFTER_SECONDS: u16 = 2;

/// The longest quotation of a client's own words in a `detail`, in characters.
const MAX_QUOTE: usize = 100;

/// What happened. Codes are part of the contract: they are added, never renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Code {
    /// The request's body is not JSON, or not UTF-8, or empty.
    InvalidJson,
    /// The request's body is JSON but no object.
    NotAnObject,
    /// The request's body is longer than `limit` bytes.
    BodyTooLarge,
    /// The object has a `member` that is none of `allowed`.
    UnknownMember,
    /// The required `member` is absent or null.
    MissingMember,
    /// The `member` has another JSON type than it takes.
    WrongType,
    /// `contentType` is none of `allowed`.
    UnsupportedContentType,
    /// `contentLength` is no whole number above zero.
    InvalidContentLength,
    /// The image has more than `limit` bytes.
    ImageTooLarge,
    /// `image` is not base64, or holds nothing.
    InvalidBase64,
    /// `sha256` is not 64 hexadecimal digits.
    InvalidSha256,
    /// `analyses` is an empty list.
    NoAnalyses,
    /// `analyses` names what is no analysis at all; `allowed` lists those this service answers.
    UnknownAnalysis,
    /// `analyses` names one that this service is not configured for; `allowed` lists those it is.
    AnalysisNotEnabled,
    /// The `member` of the query is not known, stands twice, has a value it does not take, or does not go
    /// with another; `allowed` lists what would have been accepted where that can be listed.
    InvalidParameter,
    /// The `cursor` is none that this service gave for these images.
    InvalidCursor,
    /// Everybody's images are kept apart, and the request does not tell who calls; sign in.
    Unauthenticated,
    /// Nobody may do this here.
    Forbidden,
    /// The path names no image: the key is under neither prefix, a folder, too long, or not UTF-8.
    InvalidKey,
    /// There is neither an image nor a result under this key.
    NoSuchUpload,
    /// There is no analysed image under this key.
    NoSuchImage,
    /// There is no thumbnail of the image under this key.
    NoSuchThumbnail,
    /// There is nothing at this path; `allowed` lists the paths there are.
    NoSuchPath,
    /// The path does not take this method; `allowed` and the header `Allow` list those it takes.
    MethodNotAllowed,
    /// The stored result document cannot be read.
    ResultUnreadable,
    /// A bucket refused what was asked of it; trying again does not help.
    StoreFailed,
    /// A bucket could not be reached or was too busy; try again after `Retry-After` seconds.
    StoreUnavailable,
    /// This service keeps no index of its images, so it can list none.
    NoIndex,
    /// The index refused what was asked of it; trying again does not help.
    IndexFailed,
    /// The index could not be reached or was too busy; try again after `Retry-After` seconds.
    IndexUnavailable,
    /// The recogniser could not be reached, was too busy or took too long; try again after
    /// `Retry-After` seconds.
    RecogniserUnavailable,
    /// The image was not decoded within the time a request has; `POST /uploads` leaves it more.
    PreparationTimeout,
    /// The day's analyses are used up; try again after midnight UTC, which `Retry-After` tells.
    DailyLimitReached,
}

impl Code {
    /// Every code, by status.
    pub const ALL: [Self; 33] = [
        Self::InvalidJson,
        Self::NotAnObject,
        Self::UnknownMember,
        Self::MissingMember,
        Self::WrongType,
        Self::InvalidContentLength,
        Self::InvalidBase64,
        Self::InvalidSha256,
        Self::NoAnalyses,
        Self::UnknownAnalysis,
        Self::AnalysisNotEnabled,
        Self::InvalidParameter,
        Self::InvalidCursor,
        Self::InvalidKey,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NoSuchUpload,
        Self::NoSuchImage,
        Self::NoSuchThumbnail,
        Self::NoSuchPath,
        Self::MethodNotAllowed,
        Self::BodyTooLarge,
        Self::ImageTooLarge,
        Self::UnsupportedContentType,
        Self::DailyLimitReached,
        Self::ResultUnreadable,
        Self::NoIndex,
        Self::StoreFailed,
        Self::IndexFailed,
        Self::StoreUnavailable,
        Self::IndexUnavailable,
        Self::RecogniserUnavailable,
        Self::PreparationTimeout,
    ];

    /// The code's row: name on the wire, status, title.
    const fn row(self) -> (&'static str, StatusCode, &'static str) {
        use StatusCode as S;
        match self {
            Self::InvalidJson => ("invalid-json", S::BAD_REQUEST, "The body is not JSON"),
            Self::NotAnObject => (
                "not-an-object",
                S::BAD_REQUEST,
                "The body is not a JSON object",
            ),
            Self::UnknownMember => ("unknown-member", S::BAD_REQUEST, "A member is not known"),
            Self::MissingMember => (
                "missing-member",
                S::BAD_REQUEST,
                "A required member is missing",
            ),
            Self::WrongType => ("wrong-type", S::BAD_REQUEST, "A member has the wrong type"),
            Self::InvalidContentLength => (
                "invalid-content-length",
                S::BAD_REQUEST,
                "The length is no number of bytes",
            ),
            Self::InvalidBase64 => ("invalid-base64", S::BAD_REQUEST, "The image is not base64"),
            Self::InvalidSha256 => ("invalid-sha256", S::BAD_REQUEST, "The SHA-256 is malformed"),
            Self::NoAnalyses => ("no-analyses", S::BAD_REQUEST, "No analysis is asked for"),
            Self::UnknownAnalysis => (
                "unknown-analysis",
                S::BAD_REQUEST,
                "There is no such analysis",
            ),
            Self::AnalysisNotEnabled => (
                "analysis-not-enabled",
                S::BAD_REQUEST,
                "The analysis is not enabled here",
            ),
            Self::InvalidParameter => (
                "invalid-parameter",
                S::BAD_REQUEST,
                "A parameter of the query is wrong",
            ),
            Self::InvalidCursor => ("invalid-cursor", S::BAD_REQUEST, "The cursor leads nowhere"),
            Self::Unauthenticated => (
                "unauthenticated",
                S::UNAUTHORIZED,
                "The request does not tell who calls",
            ),
            Self::Forbidden => ("forbidden", S::FORBIDDEN, "Nobody may do this here"),
            Self::NoSuchImage => ("no-such-image", S::NOT_FOUND, "There is no such image"),
            Self::NoIndex => (
                "no-index",
                S::NOT_IMPLEMENTED,
                "There is no index of the images",
            ),
            Self::IndexFailed => (
                "index-failed",
                S::BAD_GATEWAY,
                "The index refused the request",
            ),
            Self::IndexUnavailable => (
                "index-unavailable",
                S::SERVICE_UNAVAILABLE,
                "The index cannot be reached",
            ),
            Self::InvalidKey => ("invalid-key", S::BAD_REQUEST, "The key names no image"),
            Self::NoSuchUpload => ("no-such-upload", S::NOT_FOUND, "There is no such upload"),
            Self::NoSuchThumbnail => (
                "no-such-thumbnail",
                S::NOT_FOUND,
                "There is no such thumbnail",
            ),
            Self::NoSuchPath => (
                "no-such-path",
                S::NOT_FOUND,
                "There is nothing at this path",
            ),
            Self::MethodNotAllowed => (
                "method-not-allowed",
                S::METHOD_NOT_ALLOWED,
                "The path does not take this method",
            ),
            Self::BodyTooLarge => (
                "body-too-large",
                S::PAYLOAD_TOO_LARGE,
                "The body is too large",
            ),
            Self::ImageTooLarge => (
                "image-too-large",
                S::PAYLOAD_TOO_LARGE,
                "The image is too large",
            ),
            Self::UnsupportedContentType => (
                "unsupported-content-type",
                S::UNSUPPORTED_MEDIA_TYPE,
                "The image type is not accepted",
            ),
            Self::ResultUnreadable => (
                "result-unreadable",
                S::INTERNAL_SERVER_ERROR,
                "The stored result cannot be read",
            ),
            Self::StoreFailed => (
                "store-failed",
                S::BAD_GATEWAY,
                "A bucket refused the request",
            ),
            Self::StoreUnavailable => (
                "store-unavailable",
                S::SERVICE_UNAVAILABLE,
                "A bucket cannot be reached",
            ),
            Self::RecogniserUnavailable => (
                "recogniser-unavailable",
                S::SERVICE_UNAVAILABLE,
                "The recogniser is not answering",
            ),
            Self::PreparationTimeout => (
                "preparation-timeout",
                S::SERVICE_UNAVAILABLE,
                "The image was not decoded in time",
            ),
            Self::DailyLimitReached => (
                "daily-limit-reached",
                S::TOO_MANY_REQUESTS,
                "The day's analyses are used up",
            ),
        }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().0
    }

    /// The HTTP status that goes with it.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.row().1
    }

    /// The same short words for every problem with this code.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().2
    }
}

/// A problem: what happened this time, on its way to the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "Document")]
pub struct Problem {
    code: Code,
    detail: String,
    member: Option<String>,
    allowed: Vec<Cow<'static, str>>,
    limit: Option<u64>,
}

/// A problem document, RFC 9457.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Document {
    /// `urn:sightline:problem:` and the code: a name, not an address to visit.
    #[serde(rename = "type")]
    #[schema(example = "urn:sightline:problem:unknown-analysis")]
    problem_type: String,
    /// The same short words for every problem with this code.
    #[schema(value_type = String)]
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was wrong this time and what to do, in one or two sentences.
    detail: String,
    /// What happened, for programs.
    code: Code,
    /// The member of the request's body, or the parameter of its query, that it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    member: Option<String>,
    /// What would have been accepted.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, value_type = Vec<String>)]
    allowed: Vec<Cow<'static, str>>,
    /// The most that is accepted, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    limit: Option<u64>,
}

impl From<Problem> for Document {
    fn from(problem: Problem) -> Self {
        let code = problem.code;
        Self {
            problem_type: format!("urn:sightline:problem:{}", code.name()),
            title: code.title(),
            status: code.status().as_u16(),
            detail: problem.detail,
            code,
            member: problem.member,
            allowed: problem.allowed,
            limit: problem.limit,
        }
    }
}

impl Problem {
    /// A problem with this code; `detail` reaches the client as it stands.
    #[must_use]
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            member: None,
            allowed: Vec::new(),
            limit: None,
        }
    }

    /// What happened.
    #[must_use]
    pub const fn code(&self) -> Code {
        self.code
    }

    /// The same, with the member of the body or parameter of the query that it concerns.
    pub(crate) fn member(self, member: impl Into<String>) -> Self {
        Self {
            member: Some(member.into()),
            ..self
        }
    }

    /// The same, with what would have been accepted.
    pub(crate) fn allowed<T: Into<Cow<'static, str>>>(
        self,
        allowed: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            allowed: allowed.into_iter().map(Into::into).collect(),
            ..self
        }
    }

    /// The same, with the most that is accepted, in bytes.
    pub(crate) fn limit(self, bytes: u64) -> Self {
        Self {
            limit: Some(bytes),
            ..self
        }
    }

    /// A bucket did not do what it was asked. The log hears what; the client hears whether to try again.
    pub(crate) fn store(error: &ServiceError) -> Self {
        if error.is_retryable() {
            Self::store_unavailable(error)
        } else {
            tracing::error!(%error, "a bucket refused the request");
            Self::new(
                Code::StoreFailed,
                "The storage behind this service refused the request. Trying again will not help; tell who runs the service the x-request-id of this reply.",
            )
        }
    }

    /// A bucket did not answer, for this reason.
    pub(crate) fn store_unavailable(reason: &dyn std::fmt::Display) -> Self {
        tracing::warn!(error = %reason, "a bucket cannot be reached");
        Self::new(
            Code::StoreUnavailable,
            format!(
                "The storage behind this service is not answering. Try again in {RETRY_AFTER_SECONDS} seconds."
            ),
        )
    }

    /// The index did not do what it was asked. The log hears what; the client hears whether to try again.
    pub(crate) fn index(error: &ServiceError) -> Self {
        if error.is_retryable() {
            return Self::index_unavailable(error);
        }
        tracing::error!(%error, "the index refused the request");
        Self::new(
            Code::IndexFailed,
            "The index behind this service refused the request. Trying again will not help; tell who runs the service the x-request-id of this reply.",
        )
    }

    /// The index did not answer, for this reason.
    pub(crate) fn index_unavailable(reason: &dyn std::fmt::Display) -> Self {
        tracing::warn!(error = %reason, "the index cannot be reached");
        Self::new(
            Code::IndexUnavailable,
            format!(
                "The index behind this service is not answering. Try again in {RETRY_AFTER_SECONDS} seconds."
            ),
        )
    }

    /// The recogniser gave no answer.
    pub(crate) fn recogniser_unavailable(error: &ServiceError) -> Self {
        if error.needs_repair() {
            tracing::error!(%error, "the deployment lacks a permission or credentials for the recogniser; repair it");
            return Self::new(
                Code::RecogniserUnavailable,
                "The recogniser behind this service refuses to work for it, and nothing was stored. Tell who runs the service the x-request-id of this reply, and send the image again once that is repaired.",
            );
        }
        tracing::warn!(%error, "the recogniser is not answering");
        Self::new(
            Code::RecogniserUnavailable,
            format!(
                "The recogniser behind this service is not answering, and nothing was stored. Send the image again in {RETRY_AFTER_SECONDS} seconds."
            ),
        )
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        match error.service {
            Service::S3 | Service::Sqs => Self::store(&error),
            Service::Index => Self::index(&error),
            Service::Rekognition => Self::recogniser_unavailable(&error),
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = self.code.status();
        let allow = (self.code == Code::MethodNotAllowed).then(|| self.allowed.join(", "));
        let retry_after = match self.code {
            Code::DailyLimitReached => Some(seconds_until_midnight(OffsetDateTime::now_utc())),
            // The same image in the same way would most likely take as long again.
            Code::PreparationTimeout => None,
            _ if status == StatusCode::SERVICE_UNAVAILABLE => Some(u32::from(RETRY_AFTER_SECONDS)),
            _ => None,
        };
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(CONTENT_TYPE_PROBLEM));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(allow) = allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        if let Some(seconds) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// Until the next day begins, rounded up.
fn seconds_until_midnight(now: OffsetDateTime) -> u32 {
    let (hours, minutes, seconds) = now.to_hms();
    86_400 - (u32::from(hours) * 60 + u32::from(minutes)) * 60 - u32::from(seconds)
}

/// A client's own words in quotation marks, escaped, and cut when they are long.
pub(crate) fn quote(words: &str) -> String {
    let cut = words
        .char_indices()
        .nth(MAX_QUOTE)
        .and_then(|(end, _)| words.get(..end));
    match cut {
        Some(cut) => format!("{cut:?}…"),
        None => format!("{words:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_listed_once_and_named_as_it_is_serialised() {
        let mut names = std::collections::BTreeSet::new();
        for code in Code::ALL {
            assert_eq!(serde_json::to_value(code).unwrap(), code.name());
            assert!(names.insert(code.name()));
            assert!(code.status().is_client_error() || code.status().is_server_error());
            assert!(!code.title().is_empty());
        }
        let schema = serde_json::to_value(<Code as utoipa::PartialSchema>::schema()).unwrap();
        assert_eq!(schema["enum"].as_array().unwrap().len(), Code::ALL.len());
    }

    #[test]
    fn the_next_day_is_waited_for() {
        let seconds =
            |second| seconds_until_midnight(OffsetDateTime::from_unix_timestamp(second).unwrap());
        assert_eq!(seconds(0), 86_400);
        assert_eq!(seconds(86_399), 1);
        assert_eq!(seconds(3 * 3600 + 61), 20 * 3600 + 58 * 60 + 59);
    }

    #[test]
    fn long_quotations_are_cut_between_characters() {
        assert_eq!(quote("a\"b\n"), r#""a\"b\n""#);
        let long = quote(&"é".repeat(16_000));
        assert_eq!(long.chars().count(), MAX_QUOTE + 3);
        assert!(long.ends_with("\"…"));
    }
}
