//! How a command ends, as scripts see it.

use std::{path::Path, process::ExitCode};

use sightline_pipeline::ServiceError;

/// What the shell hears of commands that ran to their end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All went well.
    Done,
    /// The command did its work, and some pictures did not turn out well.
    SomeFailed,
    /// Ctrl-C; what was done stays done.
    Interrupted,
}

/// Why a command did not do its work, where scripts may want to tell the reasons apart. Any other error ends with
/// the same code as pictures that failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Fault {
    /// What was asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// The service, or AWS, was not reached or did not answer.
    #[error("{0}")]
    Unreachable(String),
    /// The service, or AWS, refused who asks.
    #[error("{0}")]
    Denied(String),
}

impl Outcome {
    /// The exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SomeFailed => 1,
            // What a shell expects of a process that was interrupted.
            Self::Interrupted => 130,
        }
    }
}

impl Fault {
    const fn code(&self) -> u8 {
        match self {
            // As clap ends for what it finds wrong itself.
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Denied(_) => 4,
        }
    }

    /// That the usual AWS variables name no region.
    pub(crate) fn no_region() -> Self {
        Self::Usage(
            "no AWS region is set; set AWS_REGION, such as us-east-1, or AWS_PROFILE to a profile with one; \
             `sightline local` prints that of the local mode"
                .to_owned(),
        )
    }

    /// That a folder does not hold what `sightline local` keeps in its own.
    pub(crate) fn no_local_data(what: &str, folder: &Path) -> Self {
        Self::Usage(format!(
            "there is no {what} in {}; name the folder in which `sightline local` keeps everything with --data-dir (or \
             SIGHTLINE_DATA_DIR)",
            folder.display()
        ))
    }

    /// What an AWS error means to the caller; `None` if it is about the object or the picture.
    pub(crate) fn of_service(error: &ServiceError) -> Option<Self> {
        if error.needs_repair() {
            return Some(Self::Denied(format!(
                "AWS refused ({error}); check the keys, the region and the names of the buckets, and what the keys allow"
            )));
        }
        if error.no_credentials {
            // The SDK names each source that it tried, the metadata service last.
            let nowhere = ["no credentials found in chain", "IMDS"];
            let reason = if nowhere.iter().any(|part| error.message.contains(part)) {
                String::new()
            } else {
                format!(" that can be used ({})", error.message)
            };
            return Some(Self::Denied(format!(
                "there are no AWS credentials{reason}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or \
                 AWS_PROFILE; `sightline local` prints those of the local mode"
            )));
        }
        error.is_retryable().then(|| {
            Self::Unreachable(format!(
                "AWS did not answer ({error}); try again, or check AWS_ENDPOINT_URL and AWS_REGION"
            ))
        })
    }
}

/// The exit code of a command.
pub(crate) fn code(outcome: &anyhow::Result<Outcome>) -> ExitCode {
    let code = match outcome {
        Ok(outcome) => outcome.code(),
        Err(error) => error
            .chain()
            .find_map(|cause| cause.downcast_ref::<Fault>())
            .map_or(1, Fault::code),
    };
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;
    use sightline_pipeline::{Fate, Service};

    #[test]
    fn scripts_can_tell_the_ends_apart() {
        let fault = |fault: Fault| Err(fault).context("told with more words");
        for (outcome, expected) in [
            (Ok(Outcome::Done), 0),
            (Ok(Outcome::SomeFailed), 1),
            (Ok(Outcome::Interrupted), 130),
            (Err(anyhow::anyhow!("anything")), 1),
            (fault(Fault::Usage(String::new())), 2),
            (fault(Fault::Unreachable(String::new())), 3),
            (fault(Fault::Denied(String::new())), 4),
        ] {
            assert_eq!(
                format!("{:?}", code(&outcome)),
                format!("{:?}", ExitCode::from(expected))
            );
        }
    }

    #[test]
    fn errors_of_aws_are_sorted_by_what_can_be_done() {
        let fault = |code: &str, message: &str, fate, no_credentials| {
            Fault::of_service(&ServiceError {
                no_credentials,
                ..ServiceError::new(Service::S3, "GetObject", code, message, fate)
            })
        };
        assert!(matches!(
            fault("AccessDenied", "no", Fate::Repair, false),
            Some(Fault::Denied(_))
        ));
        let denied = |message| {
            let fault = fault("Dispatch", message, Fate::RETRY_UNANSWERED, true);
            assert!(matches!(fault, Some(Fault::Denied(_))));
            fault.unwrap().to_string()
        };
        denied("the credentials provider was not enabled");
        let nowhere = denied("no credentials found in chain. Attempted: Environment, Profile");
        assert!(
            nowhere.starts_with("there are no AWS credentials; set"),
            "{nowhere}"
        );
        let wrong = denied("loading credentials: the profile `work` is not defined");
        assert!(wrong.contains("`work` is not defined"), "{wrong}");
        assert!(matches!(
            fault(
                "Dispatch",
                "connection refused",
                Fate::RETRY_UNANSWERED,
                false
            ),
            Some(Fault::Unreachable(_))
        ));
        assert!(fault("InvalidImageFormatException", "no", Fate::Final, false).is_none());
    }
}
