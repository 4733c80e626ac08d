//! Errors of outside services.
//!
//! Expected outcomes, such as an absent object or a failed condition, are not errors. Every error has one
//! meaning, its [`Fate`]. The adapter that reads the service's answer decides the fate once; nothing else interprets
//! error codes to decide what to do.

use std::fmt;

/// An outside service that a port reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The buckets: Amazon S3 or the local endpoint.
    S3,
    /// The recogniser: Amazon Rekognition or the local endpoint.
    Rekognition,
    /// The search index: DynamoDB, SQLite or memory.
    Index,
    /// The queue: Amazon SQS or the local endpoint.
    Sqs,
}

/// What can be done about an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Retry later: throttling, 5xx, time-outs, lost connections.
    Retry {
        /// Whether the service may have done the work and billed it, although no answer arrived.
        maybe_billed: bool,
    },
    /// Repair the deployment first: permissions, credentials, names of buckets or tables. Such
    /// an error says nothing about a picture; after the repair the same request succeeds.
    Repair,
    /// A daily limit on analyses is reached, that of all owners or that of one. The service was not called; tomorrow the same
    /// request succeeds.
    DailyLimit,
    /// Final: neither waiting nor a repair of the deployment changes the answer.
    Final,
}

impl Fate {
    /// Retry; the service rejected the request, so nothing was billed.
    pub const RETRY: Self = Self::Retry {
        maybe_billed: false,
    };
    /// Retry; no answer arrived, so the service may have done the work.
    pub const RETRY_UNANSWERED: Self = Self::Retry { maybe_billed: true };
}

/// Error codes of Sightline itself, for errors without a service's code.
pub mod code {
    /// No answer in time.
    pub const TIMEOUT: &str = "Timeout";
    /// The service was not reached.
    pub const DISPATCH: &str = "Dispatch";
    /// The answer could not be read, or was cut off.
    pub const RESPONSE: &str = "Response";
    /// The request could not be built.
    pub const REQUEST: &str = "Request";
    /// The daily limit on analyses is reached.
    pub const DAILY_LIMIT_REACHED: &str = "DailyLimitReached";
    /// The daily limit on analyses of one owner is reached.
    pub const OWNER_DAILY_LIMIT_REACHED: &str = "OwnerDailyLimitReached";
    /// The disk of the local mode is full.
    pub const DISK_FULL: &str = "InsufficientStorage";
}

/// An error of an outside service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceError {
    /// The service.
    pub service: Service,
    /// The operation that failed, such as `PutObject`.
    pub operation: &'static str,
    /// The bucket or table.
    pub resource: Option<String>,
    /// The service's error code, or one of [`code`].
    pub code: String,
    /// The message of the service or the connection, without signed URLs.
    pub message: String,
    /// What can be done about it.
    pub fate: Fate,
    /// Whether usable credentials are missing: none were found, so the request was not sent, or they have expired.
    pub no_credentials: bool,
}

impl ServiceError {
    /// An error without a resource.
    pub fn new(
        service: Service,
        operation: &'static str,
        code: impl Into<String>,
        message: impl Into<String>,
        fate: Fate,
    ) -> Self {
        Self {
            service,
            operation,
            resource: None,
            code: code.into(),
            message: message.into(),
            fate,
            no_credentials: false,
        }
    }

    /// An error for a request that could not be built: a defect of this program or of its configuration.
    pub fn not_built(
        service: Service,
        operation: &'static str,
        reason: &dyn fmt::Display,
        fate: Fate,
    ) -> Self {
        Self::new(service, operation, code::REQUEST, reason.to_string(), fate)
    }

    /// The same error, on this bucket or table.
    #[must_use]
    pub fn on(self, resource: impl Into<String>) -> Self {
        Self {
            resource: Some(resource.into()),
            ..self
        }
    }

    /// Whether a retry can succeed without a repair.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self.fate, Fate::Retry { .. })
    }

    /// Whether somebody must repair the deployment first.
    #[must_use]
    pub const fn needs_repair(&self) -> bool {
        matches!(self.fate, Fate::Repair)
    }

    /// Whether neither a retry nor a repair changes the answer today.
    #[must_use]
    pub const fn is_final(&self) -> bool {
        matches!(self.fate, Fate::Final | Fate::DailyLimit)
    }

    /// Whether the daily limit on analyses is used up.
    pub(crate) const fn is_daily_limit(&self) -> bool {
        matches!(self.fate, Fate::DailyLimit)
    }

    /// Whether the service may have billed the call although it gave no answer.
    pub(crate) const fn may_be_billed(&self) -> bool {
        matches!(self.fate, Fate::Retry { maybe_billed: true })
    }

    /// The reason in metrics: the code, after the service's name unless the service is Rekognition.
    #[must_use]
    pub fn metric_reason(&self) -> String {
        match self.service {
            Service::Rekognition => self.code.clone(),
            Service::Index => format!("Index.{}", self.code),
            Service::S3 => format!("S3.{}", self.code),
            Service::Sqs => format!("SQS.{}", self.code),
        }
    }
}

impl fmt::Display for ServiceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.operation)?;
        if let Some(resource) = &self.resource {
            write!(f, " on {resource}")?;
        }
        write!(f, ": {}: {}", self.code, self.message)
    }
}

impl std::error::Error for ServiceError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_reads_as_operation_resource_code_and_message() {
        let error = ServiceError::new(Service::S3, "GetObject", "AccessDenied", "no", Fate::Repair);
        assert_eq!(error.to_string(), "GetObject: AccessDenied: no");
        assert_eq!(
            error.on("pictures").to_string(),
            "GetObject on pictures: AccessDenied: no"
        );
    }

    #[test]
    fn metric_reasons_name_the_service() {
        let reason = |service| {
            ServiceError::new(service, "Call", "Timeout", "", Fate::RETRY).metric_reason()
        };
        assert_eq!(reason(Service::Rekognition), "Timeout");
        assert_eq!(reason(Service::Index), "Index.Timeout");
        assert_eq!(reason(Service::S3), "S3.Timeout");
    }
}
