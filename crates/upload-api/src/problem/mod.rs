//! Errors as clients see them: RFC 9457 problem documents, `application/problem+json`.
//!
//! The [`Code`] says what happened and never changes; `detail` explains it to a person and says what to do. The members
//! `member`, `allowed` and `limit` are for programs. Details of internal errors go to the log alone.

mod code;
mod responses;
mod service;
mod text;

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
use time::OffsetDateTime;
use utoipa::ToSchema;

pub(crate) use self::{
    code::Code,
    responses::responses,
    service::{disk_full, rejected, unavailable},
    text::{quote, sentence},
};

/// The media type of problem documents.
const PROBLEM_JSON: &str = "application/problem+json";

/// The `Retry-After` of a service that is not available, in seconds.
const RETRY_AFTER_SECONDS: u16 = 2;

/// A problem: what happened this time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "Document")]
pub(crate) struct Problem {
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
    /// `urn:sightline:problem:` and the code. It is a name, not an address.
    #[serde(rename = "type")]
    #[schema(example = "urn:sightline:problem:unknown-analysis")]
    problem_type: String,
    /// A short summary, the same for every problem with this code.
    #[schema(value_type = String)]
    title: &'static str,
    /// The HTTP status.
    status: u16,
    /// What was wrong this time and what to do, in one or two sentences.
    detail: String,
    /// What happened, for programs.
    code: Code,
    /// The member of the body or the query parameter that caused the problem.
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
    /// A problem with this code. Clients read `detail` as it is.
    pub(crate) fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
            member: None,
            allowed: Vec::new(),
            limit: None,
        }
    }

    /// What happened.
    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    /// The same problem, caused by this member of the body or this query parameter.
    pub(crate) fn member(self, member: impl Into<String>) -> Self {
        Self {
            member: Some(member.into()),
            ..self
        }
    }

    /// The same problem, with what would have been accepted.
    pub(crate) fn allowed<T: Into<Cow<'static, str>>>(
        self,
        allowed: impl IntoIterator<Item = T>,
    ) -> Self {
        Self {
            allowed: allowed.into_iter().map(Into::into).collect(),
            ..self
        }
    }

    /// The same problem, with the most that is accepted, in bytes.
    pub(crate) fn limit(self, bytes: u64) -> Self {
        Self {
            limit: Some(bytes),
            ..self
        }
    }

    /// The path does not support the method.
    pub(crate) fn method_not_allowed(method: &str, allowed: &[&'static str]) -> Self {
        Self::new(
            Code::MethodNotAllowed,
            format!(
                "This path does not support {}. Use {}.",
                quote(method),
                allowed.join(", ")
            ),
        )
        .allowed(allowed.iter().copied())
    }
}

/// After how many seconds the same request may succeed; `None` if waiting does not help.
fn retry_after(code: Code) -> Option<u32> {
    match code {
        Code::DailyLimitReached | Code::OwnerDailyLimitReached => {
            Some(seconds_until_midnight(OffsetDateTime::now_utc()))
        }
        // Most likely the same image would take as long again.
        Code::PreparationTimeout => None,
        _ if code.status() == StatusCode::SERVICE_UNAVAILABLE => {
            Some(u32::from(RETRY_AFTER_SECONDS))
        }
        _ => None,
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let code = self.code;
        let allow = (code == Code::MethodNotAllowed).then(|| self.allowed.join(", "));
        let mut response = (code.status(), Json(self)).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if code.status() == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(allow) = allow.and_then(|allow| HeaderValue::try_from(allow).ok()) {
            headers.insert(ALLOW, allow);
        }
        if let Some(seconds) = retry_after(code) {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The time until the next day begins, rounded up.
fn seconds_until_midnight(now: OffsetDateTime) -> u32 {
    let (hours, minutes, seconds) = now.to_hms();
    86_400 - (u32::from(hours) * 60 + u32::from(minutes)) * 60 - u32::from(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_daily_limit_ends_at_midnight() {
        let seconds =
            |second| seconds_until_midnight(OffsetDateTime::from_unix_timestamp(second).unwrap());
        assert_eq!(seconds(0), 86_400);
        assert_eq!(seconds(86_399), 1);
        assert_eq!(seconds(3 * 3600 + 61), 20 * 3600 + 58 * 60 + 59);
    }
}
