//! The outcome of processing one image.

use std::borrow::Cow;

use sightline_pipeline::{
    ResultDocument, Service, ServiceError, retries::Setback, service_error::code::DISK_FULL,
};

/// The outcome of processing an image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Outcome {
    /// A result was written.
    Written(Box<ResultDocument>),
    /// Nothing had to be done.
    Skipped(Skip),
}

/// Why nothing had to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Skip {
    /// The object was deleted.
    Gone,
    /// The object was replaced. The replacement has an event of its own.
    Replaced,
    /// This version has a result.
    Answered,
    /// A newer version has a result, or is in process.
    Superseded,
}

impl Skip {
    /// A word for logs.
    #[must_use]
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Replaced => "replaced",
            Self::Answered => "answered",
            Self::Superseded => "superseded",
        }
    }
}

/// Why an image will be retried. The next attempt has nothing to undo.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RetryableFailure {
    /// A service failed. If it was the index, the document is stored and the next attempt only adds its row.
    #[error(transparent)]
    Service(#[from] ServiceError),
    /// Another worker holds the lease on the image.
    #[error("another worker is processing the image")]
    LeaseHeld,
    /// Other writers replaced the result at every attempt to write it.
    #[error("other workers replaced the result at every attempt to write it")]
    Contended,
    /// A user is deleting the image, or the deletion was interrupted.
    #[error(
        "the image is being deleted; if it is still there after the deletion, it will be listed again"
    )]
    Deleting,
    /// The invocation has too little time left.
    #[error("the invocation has no time left for the image")]
    OutOfTime,
    /// A defect of the program.
    #[error("the processor panicked; this is a bug, please report it")]
    Panicked,
}

impl RetryableFailure {
    /// The reason in metrics.
    #[must_use]
    pub(crate) fn reason(&self) -> Cow<'_, str> {
        match self {
            Self::Service(error) => error.metric_reason().into(),
            Self::LeaseHeld => "LeaseHeld".into(),
            Self::Contended => "Contended".into(),
            Self::Deleting => "Deleting".into(),
            Self::OutOfTime => "OutOfTime".into(),
            Self::Panicked => "Panicked".into(),
        }
    }

    /// Whether the local mode's store reports the cause itself.
    #[must_use]
    pub(crate) fn is_reported(&self) -> bool {
        matches!(self, Self::Service(error) if error.code == DISK_FULL)
    }

    /// Whether somebody must repair the deployment first.
    #[must_use]
    pub(crate) fn needs_repair(&self) -> bool {
        match self {
            // No image makes the index refuse it. Credentials expire for good where nobody renews them.
            Self::Service(error) => {
                error.needs_repair()
                    || error.no_credentials
                    || (error.service == Service::Index && !error.is_retryable())
            }
            Self::LeaseHeld
            | Self::Contended
            | Self::Deleting
            | Self::OutOfTime
            | Self::Panicked => false,
        }
    }

    /// What the image's message waits for. A panic is a defect of the program: an update repairs it, and until then every
    /// attempt could pay for calls whose answers it loses.
    #[must_use]
    pub(crate) fn setback(&self) -> Setback {
        if self.needs_repair() || *self == Self::Panicked {
            Setback::Repair
        } else {
            Setback::Passing
        }
    }
}
