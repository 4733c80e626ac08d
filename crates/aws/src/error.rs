//! Reads the SDK's errors: code, message without secrets, and fate.
//!
//! The fate of an error is decided here and nowhere else.

use std::error::Error;

use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use sightline_pipeline::service_error::{Fate, Service, ServiceError, code};

/// Retryable error codes, besides every 5xx.
///
/// Sources: Amazon S3 API Reference, "Error responses"; Amazon Rekognition API Reference, "Common
/// errors" and the errors of its image operations; AWS SDKs and Tools Reference Guide, "Retry
/// behavior" (throttling and transient codes).
const RETRYABLE_CODES: [&str; 18] = [
    "BandwidthLimitExceeded",
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
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Codes of DynamoDB's errors, and of the reasons in `TransactionCanceledException`, after which the same write succeeds a moment
/// later: other writes of the same items, and throttling.
///
/// Sources: Amazon DynamoDB API Reference, "TransactWriteItems" (cancellation reasons and errors) and "Common errors"; Amazon
/// DynamoDB Developer Guide, "Error handling with DynamoDB".
const BUSY_CODES: [&str; 10] = [
    "ConditionalCheckFailed",
    "ProvisionedThroughputExceeded",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingError",
    "ThrottlingException",
    "TransactionConflict",
    "TransactionConflictException",
    "TransactionInProgressException",
];

/// Error codes of expired credentials. They are retryable, because Lambda gives a function new ones; elsewhere a
/// person has to renew them.
const EXPIRED_CODES: [&str; 2] = ["ExpiredToken", "ExpiredTokenException"];

/// Error codes of wrong permissions, credentials and bucket names. They say nothing about a picture: after a
/// repair of the deployment, the same request succeeds.
///
/// Sources: Amazon S3 API Reference, "Error responses"; Amazon Rekognition API Reference, "Common
/// errors" and `AccessDeniedException` of its image operations. `BadRequest` is the code used here
/// for a 400 without a body, such as the reply to a HEAD: S3 sends 400 for expired or malformed
/// credentials, and 403 (`AccessDenied`) for missing permissions. `InvalidS3ObjectException` means that
/// Rekognition cannot read an object that was read here a moment ago: it is in another region, a permission is
/// missing, or it was deleted since, which the next attempt finds.
const REPAIR_CODES: [&str; 24] = [
    "AccessDenied",
    "AccessDeniedException",
    "AccountProblem",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "BadRequest",
    "IncompleteSignature",
    "IncompleteSignatureException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidS3ObjectException",
    "InvalidSignatureException",
    "InvalidToken",
    "MissingAuthenticationToken",
    "MissingAuthenticationTokenException",
    "NoSuchBucket",
    "NotSignedUp",
    "OptInRequired",
    "PermanentRedirect",
    "RequestExpired",
    "RequestTimeTooSkewed",
    "SignatureDoesNotMatch",
    "SubscriptionRequiredException",
    "UnrecognizedClientException",
];

/// An SDK error after reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The error.
    pub(crate) error: ServiceError,
    /// The HTTP status, if the service answered.
    pub(crate) status: Option<u16>,
}

impl Failure {
    pub(crate) fn read<E>(
        service: Service,
        operation: &'static str,
        error: &SdkError<E, HttpResponse>,
    ) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let failure = |code: &str, fate, status| Self {
            error: ServiceError {
                no_credentials: caused_by_credentials(error),
                ..ServiceError::new(service, operation, code, with_causes(error), fate)
            },
            status,
        };
        let unanswered = |code| failure(code, Fate::RETRY_UNANSWERED, None);
        match error {
            SdkError::TimeoutError(_) => unanswered(code::TIMEOUT),
            SdkError::DispatchFailure(failure) if failure.is_timeout() => unanswered(code::TIMEOUT),
            // Missing credentials count as unanswered: a role's credentials come from the network too.
            SdkError::DispatchFailure(_) => unanswered(code::DISPATCH),
            SdkError::ConstructionFailure(_) => failure(code::REQUEST, Fate::Final, None),
            SdkError::ResponseError(response) => failure(
                code::RESPONSE,
                Fate::RETRY_UNANSWERED,
                Some(response.raw().status().as_u16()),
            ),
            SdkError::ServiceError(answer) => {
                let status = answer.raw().status().as_u16();
                // A successful status with an unreadable body, such as a proxy's page.
                if (200..300).contains(&status) {
                    return failure(code::RESPONSE, Fate::RETRY_UNANSWERED, Some(status));
                }
                let code = answer
                    .err()
                    .code()
                    .map_or_else(|| code_of(status), str::to_owned);
                let message = answer.err().message().map_or_else(
                    || format!("HTTP {status} without a message"),
                    without_queries,
                );
                let fate = fate(&code, status);
                Self {
                    error: ServiceError {
                        no_credentials: EXPIRED_CODES.contains(&code.as_str()),
                        ..ServiceError::new(service, operation, code, message, fate)
                    },
                    status: Some(status),
                }
            }
            _ => unanswered("Unknown"),
        }
    }

    /// The service's error code.
    pub(crate) fn code(&self) -> &str {
        &self.error.code
    }
}

/// Reads an SDK error of a call that is not part of the ports.
pub fn read_error<E>(
    service: Service,
    operation: &'static str,
    error: &SdkError<E, HttpResponse>,
) -> ServiceError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    Failure::read(service, operation, error).error
}

/// The fate of an error with this code and HTTP status.
fn fate(code: &str, status: u16) -> Fate {
    // 501 is the only 5xx after which the same request never succeeds.
    if RETRYABLE_CODES.contains(&code)
        || EXPIRED_CODES.contains(&code)
        || matches!(status, 429 | 500 | 502..=599)
    {
        Fate::RETRY
    } else if REPAIR_CODES.contains(&code)
        // S3 passes on errors of the key management service, such as `KMS.DisabledException`.
        || code.starts_with("KMS.")
    {
        Fate::Repair
    } else {
        Fate::Final
    }
}

/// Whether a write to DynamoDB with this code can be repeated in place.
pub(crate) fn is_busy(code: &str) -> bool {
    BUSY_CODES.contains(&code)
}

/// Whether the request was not sent because there were no usable credentials.
fn caused_by_credentials(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<CredentialsError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// The code that S3 would have sent with this status. The reply to a HEAD has no body and so no code; a 400
/// then means credentials, and a 403 permissions.
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

/// The error and its causes in one line. It uses `Display` only, because `Debug` output could contain headers.
fn with_causes(error: &dyn Error) -> String {
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

/// Removes the query string of every URL, because a presigned URL is a secret.
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
    fn errors_of_the_deployment_and_of_the_picture_have_different_fates() {
        for code in [
            "AccessDenied",
            "AccessDeniedException",
            "InvalidS3ObjectException",
            "KMS.DisabledException",
        ] {
            assert_eq!(fate(code, 400), Fate::Repair, "{code}");
        }
        for code in ["InvalidImageFormatException", "InvalidObjectState"] {
            assert_eq!(fate(code, 400), Fate::Final, "{code}");
        }
        assert_eq!(fate("SlowDown", 503), Fate::RETRY);
        assert_eq!(fate("ExpiredToken", 400), Fate::RETRY);
        assert_eq!(fate("Anything", 501), Fate::Final);
    }

    #[test]
    fn presigned_urls_lose_their_signature() {
        assert_eq!(
            without_queries(
                "PUT http://127.0.0.1:1/b/k?X-Amz-Signature=abc failed\n /b/k?X-Amz-Credential=x what?"
            ),
            "PUT http://127.0.0.1:1/b/k failed /b/k what?"
        );
    }
}
