//! Mistakes in permissions, credentials and names of buckets. They say nothing about a picture: once
//! whoever runs the service has repaired them, the same request succeeds. So they never become a
//! picture's answer; its message goes back to the queue and can be redriven after the repair.

/// Error codes of the deployment's mistakes.
///
/// Sources: Amazon S3 API Reference, "Error responses"; Amazon Rekognition API Reference, "Common
/// errors" and `AccessDeniedException` of its image operations. `BadRequest` is the code given here
/// to an answer without a body, as HEAD has it: S3 answers 400 there to expired or malformed
/// credentials, and 403 (`AccessDenied`) to missing permissions. `InvalidS3ObjectException` is Rekognition's word for an
/// object it cannot fetch: one that was just read here is out of its reach (another region, a missing permission), or was
/// deleted a moment ago, which the next attempt finds.
const CODES: [&str; 26] = [
    "AccessDenied",
    "AccessDeniedException",
    "AccountProblem",
    "AllAccessDisabled",
    "AuthorizationHeaderMalformed",
    "BadRequest",
    "ExpiredToken",
    "ExpiredTokenException",
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

/// Whether an error with this code is the deployment's fault and not the picture's. Such an error is
/// not retryable by itself (asking again at once does not help), yet nothing final either.
#[must_use]
pub fn is_at_fault(code: &str) -> bool {
    // S3 passes on what the key management service refused as `KMS.DisabledException` and the like.
    CODES.contains(&code) || code.starts_with("KMS.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deployment_pays_for_its_mistakes_and_pictures_for_theirs() {
        for code in [
            "AccessDenied",
            "AccessDeniedException",
            "InvalidS3ObjectException",
            "KMS.DisabledException",
        ] {
            assert!(is_at_fault(code), "{code}");
        }
        for code in [
            "InvalidImageFormatException",
            "InvalidObjectState",
            "SlowDown",
        ] {
            assert!(!is_at_fault(code), "{code}");
        }
    }
}
