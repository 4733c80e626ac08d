//! What the SDK's errors mean to us: a code, a message without secrets, and whether trying again
//! can help.

use std::error::Error;

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;

use crate::{index::IndexError, object_store::StoreError, recogniser::RecogniserError};

/// Error codes that time heals, beside every 5xx.
///
/// Sources: Amazon S3 API Reference, "Error responses"; Amazon Rekognition API Reference, "Common
/// errors" and the errors of its image operations; AWS SDKs and Tools Reference Guide, "Retry
/// behavior" (throttling and transient codes). Expired credentials are among them because a
/// function is handed new ones.
const RETRYABLE_CODES: [&str; 19] = [
    "BandwidthLimitExceeded",
    "ExpiredToken",
    "ExpiredTokenException",
    "InternalError",
    "InternalServerError",
    "PriorRequestNotComplete",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailable",
    "ServiceUnavailableException",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "TransactionInProgressException",
];

/// An SDK error, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The service's code, or `Timeout`, `Dispatch`, `Response`, `Request` for what it never answered.
    pub(super) code: String,
    /// The service's message, or the connection's, without query strings.
    pub(super) message: String,
    /// Whether trying again can help.
    pub(super) retryable: bool,
    /// The HTTP status, where there was an answer.
    pub(super) status: Option<u16>,
}

impl Failure {
    pub(crate) fn read<E>(error: &SdkError<E, HttpResponse>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let unanswered = |code: &str, retryable| Self {
            code: code.to_owned(),
            message: sentence(error),
            retryable,
            status: None,
        };
        match error {
            SdkError::TimeoutError(_) => unanswered("Timeout", true),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => {
                unanswered("Timeout", true)
            }
            // Also what credentials could not be had for: a role's come from the network too.
            SdkError::DispatchFailure(_) => unanswered("Dispatch", true),
            SdkError::ConstructionFailure(_) => unanswered("Request", false),
            SdkError::ResponseError(response) => Self {
                status: Some(response.raw().status().as_u16()),
                ..unanswered("Response", true)
            },
            // A success that could not be read, such as a proxy's page.
            SdkError::ServiceError(service)
                if (200..300).contains(&service.raw().status().as_u16()) =>
            {
                Self {
                    status: Some(service.raw().status().as_u16()),
                    ..unanswered("Response", true)
                }
            }
            SdkError::ServiceError(service) => {
                let status = service.raw().status().as_u16();
                let code = service
                    .err()
                    .code()
                    .map_or_else(|| code_of(status), str::to_owned);
                // 501 is the one 5xx that says the request itself will never be served.
                let retryable = RETRYABLE_CODES.contains(&code.as_str())
                    || matches!(status, 429 | 500 | 502..=599);
                let message = service.err().message().map_or_else(
                    || format!("the answer was HTTP {status} without a message"),
                    without_queries,
                );
                Self {
                    code,
                    message,
                    retryable,
                    status: Some(status),
                }
            }
            error => Self {
                code: "Unknown".to_owned(),
                message: sentence(error),
                retryable: true,
                status: None,
            },
        }
    }

    pub(super) fn into_store_error(self, operation: &'static str, bucket: &str) -> StoreError {
        StoreError {
            operation,
            bucket: bucket.to_owned(),
            code: self.code,
            message: self.message,
            retryable: self.retryable,
        }
    }
}

impl Failure {
    pub(crate) fn into_index_error(self, operation: &'static str) -> IndexError {
        IndexError {
            operation,
            code: self.code,
            message: self.message,
            retryable: self.retryable,
        }
    }
}

impl From<Failure> for RecogniserError {
    fn from(failure: Failure) -> Self {
        Self {
            code: failure.code,
            message: failure.message,
            retryable: failure.retryable,
        }
    }
}

/// The code that S3 would have sent with this status; an answer to HEAD has no body to carry one.
/// 400 and 403 then speak of credentials and permissions (see [`crate::deployment`]).
fn code_of(status: u16) -> String {
    match status {
        301 | 307 => "PermanentRedirect".to_owned(),
        400 => "BadRequest".to_owned(),
        403 => "AccessDenied".to_owned(),
        404 => "NotFound".to_owned(),
        405 => "MethodNotAllowed".to_owned(),
        412 => "PreconditionFailed".to_owned(),
        503 => "SlowDown".to_owned(),
        status => format!("Http{status}"),
    }
}

/// The error and its causes in one line. Only what they display: a debug view could hold headers.
fn sentence(error: &dyn Error) -> String {
    let mut parts = vec![error.to_string()];
    let mut cause = error.source();
    while let Some(error) = cause {
        let part = error.to_string();
        if parts.last().is_none_or(|last| !last.contains(&part)) {
            parts.push(part);
        }
        cause = error.source();
    }
    without_queries(&parts.join(": "))
}

/// Cuts the query string off every address: a signed address is a secret.
fn without_queries(text: &str) -> String {
    text.split_whitespace()
        .map(|word| match word.split_once('?') {
            Some((address, _)) if word.contains("://") || word.contains("X-Amz-") => address,
            _ => word,
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signed_addresses_lose_their_signature() {
        assert_eq!(
            without_queries(
                "PUT http://127.0.0.1:1/b/k?X-Amz-Signature=abc failed\n /b/k?X-Amz-Credential=x what?"
            ),
            "PUT http://127.0.0.1:1/b/k failed /b/k what?"
        );
    }
}
