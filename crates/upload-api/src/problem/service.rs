//! Problems that outside services cause. The log gets the error; the client learns whether trying again helps.

use sightline_pipeline::{Service, ServiceError, service_error::code::DISK_FULL};

use super::{Code, Problem, RETRY_AFTER_SECONDS};

/// Tells the operator which request to look for in the log.
const REPORT: &str = "Give the operator of this service the x-request-id of this reply";

/// The problem if the service rejected the request: somebody must repair the deployment first.
pub(crate) fn rejected(service: Service) -> Problem {
    match service {
        Service::S3 | Service::Sqs => Problem::new(
            Code::StoreFailed,
            format!("The storage rejected the request, and trying again will not help. {REPORT}."),
        ),
        Service::Index => Problem::new(
            Code::IndexFailed,
            format!(
                "The search index rejected the request, and trying again will not help. {REPORT}."
            ),
        ),
        Service::Rekognition => Problem::new(
            Code::RecogniserUnavailable,
            format!(
                "The recogniser rejected this service's credentials or permissions, and nothing was stored. {REPORT}, and send the image again after the repair."
            ),
        ),
    }
}

/// The problem if the service is busy or cannot be reached.
pub(crate) fn unavailable(service: Service) -> Problem {
    match service {
        Service::S3 | Service::Sqs => Problem::new(
            Code::StoreUnavailable,
            format!("The storage is not responding. Try again in {RETRY_AFTER_SECONDS} seconds."),
        ),
        Service::Index => Problem::new(
            Code::IndexUnavailable,
            format!(
                "The search index is not responding. Try again in {RETRY_AFTER_SECONDS} seconds."
            ),
        ),
        Service::Rekognition => Problem::new(
            Code::RecogniserUnavailable,
            format!(
                "The recogniser is not responding, and nothing was stored. Send the image again in {RETRY_AFTER_SECONDS} seconds."
            ),
        ),
    }
}

/// The problem if the disk of the service is full, which is possible on one machine only.
pub(crate) fn disk_full() -> Problem {
    Problem::new(
        Code::DiskFull,
        "The disk of this service is full, so the request could not be completed. Free some space and send it again.",
    )
}

impl From<&ServiceError> for Problem {
    fn from(error: &ServiceError) -> Self {
        // The store reports it, once a minute.
        if error.code == DISK_FULL {
            return disk_full();
        }
        let service = error.service;
        let rejects = match service {
            // Final answers of the recogniser belong to the image and are in its result document.
            Service::Rekognition => error.needs_repair(),
            Service::S3 | Service::Sqs | Service::Index => !error.is_retryable(),
        };
        if rejects {
            tracing::error!(%error, ?service, "a service rejected the request; repair the deployment");
            rejected(service)
        } else {
            tracing::warn!(%error, ?service, "a service is not available");
            unavailable(service)
        }
    }
}

impl From<ServiceError> for Problem {
    fn from(error: ServiceError) -> Self {
        Self::from(&error)
    }
}
