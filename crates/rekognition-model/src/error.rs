//! Error responses.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;

/// The body of an error response.
///
/// Rekognition itself writes `__type`, `Code`, `Logref` and `Message`. The layers in front of it, which check signatures and
/// constraints, write only `__type` and `message`. Both are read. `Message` is written, which every AWS SDK understands.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", from = "AnySpelling")]
pub struct ErrorBody {
    /// The error code, possibly as `prefix#Code`; [`error_code`](Self::error_code) parses it.
    #[serde(rename = "__type", skip_serializing_if = "Option::is_none")]
    pub r#type: Option<String>,
    /// The error code again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// An id of the failure in AWS's logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logref: Option<String>,
    /// A message in English.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The exhausted quota, only with [`ErrorCode::HumanLoopQuotaExceeded`]. In JSON its members are members of the body.
    #[serde(flatten)]
    pub quota: Option<Box<Quota>>,
}

/// A quota of the account.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Quota {
    /// The kind of resource that the quota limits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// The quota's code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_code: Option<String>,
    /// The service that has the quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_code: Option<String>,
}

impl ErrorBody {
    /// A body with this code, as `__type` and as `Code`, and this message.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            r#type: Some(code.as_str().to_owned()),
            code: Some(code.as_str().to_owned()),
            message: Some(message.into()),
            ..Self::default()
        }
    }

    /// The code from `__type`, or else from `Code`. `None` if the body has neither, as in a proxy's response.
    pub fn error_code(&self) -> Option<ErrorCode> {
        [&self.r#type, &self.code]
            .into_iter()
            .flatten()
            .map(|text| ErrorCode::parse(text))
            .find(|code| !code.as_str().is_empty())
    }
}

impl fmt::Display for ErrorBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.error_code(), &self.message) {
            (Some(code), Some(message)) => write!(f, "{code}: {message}"),
            (Some(code), None) => code.fmt(f),
            (None, Some(message)) => f.write_str(message),
            (None, None) => f.write_str("an error without code and message"),
        }
    }
}

impl std::error::Error for ErrorBody {}

/// All members of error bodies, in all spellings. `message` and `Message` can both be present.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct AnySpelling {
    #[serde(rename = "__type")]
    r#type: Option<String>,
    code: Option<String>,
    #[serde(rename = "code")]
    lower_code: Option<String>,
    logref: Option<String>,
    message: Option<String>,
    #[serde(rename = "message")]
    lower_message: Option<String>,
    #[serde(flatten)]
    quota: Quota,
}

impl From<AnySpelling> for ErrorBody {
    fn from(body: AnySpelling) -> Self {
        Self {
            r#type: body.r#type,
            code: body.code.or(body.lower_code),
            logref: body.logref,
            message: body.message.or(body.lower_message),
            quota: (body.quota != Quota::default()).then(|| Box::new(body.quota)),
        }
    }
}

open_enum! {
    /// The error codes of the image operations in the service model, and those of the layers in front of them.
    ErrorCode {
        /// The image exceeds a limit in bytes or pixels.
        ImageTooLarge = "ImageTooLargeException",
        /// The image is neither JPEG nor PNG, or damaged.
        InvalidImageFormat = "InvalidImageFormatException",
        /// A parameter is wrong in a way that the constraints cannot express, or the image is too small.
        InvalidParameter = "InvalidParameterException",
        /// The S3 object is missing, not readable for the caller, or in another region.
        InvalidS3Object = "InvalidS3ObjectException",
        /// The caller lacks permission.
        AccessDenied = "AccessDeniedException",
        /// A fault on Rekognition's side.
        InternalServerError = "InternalServerError",
        /// Rekognition cannot accept the request at the moment.
        Throttling = "ThrottlingException",
        /// The account exceeded its request rate.
        ProvisionedThroughputExceeded = "ProvisionedThroughputExceededException",
        /// An adapter or a custom model of this ARN does not exist.
        ResourceNotFound = "ResourceNotFoundException",
        /// The custom model is not running.
        ResourceNotReady = "ResourceNotReadyException",
        /// The account reached a limit.
        LimitExceeded = "LimitExceededException",
        /// Too many human reviews are in progress.
        HumanLoopQuotaExceeded = "HumanLoopQuotaExceededException",

        /// A parameter breaks a constraint of the service model.
        Validation = "ValidationException",
        /// The body is not JSON, or a member has the wrong type.
        Serialization = "SerializationException",
        /// `X-Amz-Target` names no operation of the service.
        UnknownOperation = "UnknownOperationException",
        /// The request is not signed.
        MissingAuthenticationToken = "MissingAuthenticationTokenException",
        /// The signature is incomplete.
        IncompleteSignature = "IncompleteSignatureException",
        /// The signature does not match the request, or its time is wrong.
        InvalidSignature = "InvalidSignatureException",
        /// The access key or the session token is unknown.
        UnrecognizedClient = "UnrecognizedClientException",
        /// The session token has expired.
        ExpiredToken = "ExpiredTokenException",
        /// The body is too large.
        RequestEntityTooLarge = "RequestEntityTooLargeException",
        /// A fault in the layers in front of the service.
        InternalFailure = "InternalFailure",
        /// The service is down or overloaded.
        ServiceUnavailable = "ServiceUnavailable",
    }
}

/// Other codes of retryable errors, from the retry rules of the AWS SDKs.
const OTHER_RETRYABLE: [&str; 10] = [
    "InternalServerException",
    "RequestLimitExceeded",
    "RequestThrottled",
    "RequestThrottledException",
    "RequestTimeout",
    "RequestTimeoutException",
    "ServiceUnavailableException",
    "ThrottledException",
    "Throttling",
    "TooManyRequestsException",
];

impl ErrorCode {
    /// Parses a code from `__type` or the header `x-amzn-errortype`, without a namespace before `#` and a URL after `:`.
    fn parse(text: &str) -> Self {
        let text = text.split_once(':').map_or(text, |(code, _)| code);
        let text = text.rsplit_once('#').map_or(text, |(_, code)| code);
        Self::from(text.trim())
    }

    /// The HTTP status of the code. AWS's JSON services use 400 for almost everything, including signature errors; Rekognition's
    /// throttling is a 500.
    pub fn http_status(&self) -> u16 {
        match self {
            Self::InternalServerError | Self::Throttling | Self::InternalFailure => 500,
            Self::ServiceUnavailable => 503,
            Self::RequestEntityTooLarge => 413,
            _ => 400,
        }
    }

    /// Whether the same request may succeed later. According to Rekognition's developer guide, this holds for throttling, throughput
    /// and its own faults, but not for [`LimitExceeded`](Self::LimitExceeded).
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::ProvisionedThroughputExceeded
            | Self::Throttling
            | Self::InternalServerError
            | Self::InternalFailure
            | Self::ServiceUnavailable => true,
            Self::Other(code) => OTHER_RETRYABLE.contains(&code.as_str()),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_errors_of_rekognition() {
        let body: ErrorBody = serde_json::from_str(
            r#"{"__type":"InvalidS3ObjectException","Code":"InvalidS3ObjectException",
                "Logref":"5022229e-7e48-11e9-9ad1-854a4567eb71","Message":"No such object."}"#,
        )
        .unwrap();
        assert_eq!(body.error_code(), Some(ErrorCode::InvalidS3Object));
        assert_eq!(
            body.logref.as_deref(),
            Some("5022229e-7e48-11e9-9ad1-854a4567eb71")
        );
        assert_eq!(
            body.to_string(),
            "InvalidS3ObjectException: No such object."
        );
    }

    #[test]
    fn reads_errors_of_the_layers_in_front() {
        let body: ErrorBody = serde_json::from_str(
            r#"{"__type":"com.amazon.coral.service#UnrecognizedClientException","message":"No."}"#,
        )
        .unwrap();
        assert_eq!(body.error_code(), Some(ErrorCode::UnrecognizedClient));
        assert_eq!(body.message.as_deref(), Some("No."));
    }

    #[test]
    fn a_body_may_have_both_spellings_of_a_member() {
        let body: ErrorBody = serde_json::from_str(
            r#"{"code":"a","Code":"ThrottlingException","message":"b","Message":"Slow down"}"#,
        )
        .unwrap();
        assert_eq!(body.error_code(), Some(ErrorCode::Throttling));
        assert_eq!(body.message.as_deref(), Some("Slow down"));
    }

    #[test]
    fn reads_a_body_without_a_code() {
        for text in ["{}", r#"{"__type":"","Code":""}"#, r#"{"__type":null}"#] {
            let body: ErrorBody = serde_json::from_str(text).unwrap();
            assert_eq!(body.error_code(), None);
            assert_eq!(body.to_string(), "an error without code and message");
        }
        let body: ErrorBody = serde_json::from_str(r#"{"message":"Forbidden"}"#).unwrap();
        assert_eq!(body.to_string(), "Forbidden");
    }

    #[test]
    fn writes_type_code_and_message() {
        let body = ErrorBody::new(ErrorCode::ImageTooLarge, "Image size is too large.");
        assert_eq!(
            serde_json::to_value(&body).unwrap(),
            serde_json::json!({
                "__type": "ImageTooLargeException",
                "Code": "ImageTooLargeException",
                "Message": "Image size is too large.",
            })
        );
    }

    #[test]
    fn parses_every_form_of_a_code() {
        for text in [
            "ThrottlingException",
            "aws.protocoltests#ThrottlingException",
            "ThrottlingException:http://internal.amazon.com/coral/com.amazon.coral.service/",
            "a#ThrottlingException:http://b/c#d",
            " ThrottlingException ",
        ] {
            assert_eq!(ErrorCode::parse(text), ErrorCode::Throttling, "{text}");
        }
        assert_eq!(
            ErrorCode::parse("a#NewException"),
            ErrorCode::Other("NewException".to_owned())
        );
    }

    #[test]
    fn server_faults_have_a_5xx_status() {
        for code in ErrorCode::KNOWN {
            let expected = match code.as_str() {
                "InternalServerError" | "ThrottlingException" | "InternalFailure" => 500,
                "ServiceUnavailable" => 503,
                "RequestEntityTooLargeException" => 413,
                _ => 400,
            };
            assert_eq!(code.http_status(), expected, "{code}");
        }
        assert_eq!(ErrorCode::from("NewException").http_status(), 400);
    }

    #[test]
    fn only_transient_faults_are_retryable() {
        let retryable: Vec<&str> = ErrorCode::KNOWN
            .iter()
            .filter(|code| code.is_retryable())
            .map(ErrorCode::as_str)
            .collect();
        assert_eq!(
            retryable,
            [
                "InternalServerError",
                "ThrottlingException",
                "ProvisionedThroughputExceededException",
                "InternalFailure",
                "ServiceUnavailable",
            ]
        );
        assert!(ErrorCode::from("TooManyRequestsException").is_retryable());
        assert!(!ErrorCode::from("NewException").is_retryable());
    }
}
