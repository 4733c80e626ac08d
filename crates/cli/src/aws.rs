//! AWS for the commands that use it directly: its configuration, and what its errors mean for the exit code.

use anyhow::anyhow;
use aws_config::{Region, SdkConfig};
use sightline_pipeline::ServiceError;

use crate::exit::CliError;

/// Reads the SDK's configuration from the usual AWS variables and files.
///
/// # Errors
/// [`CliError::Usage`] if they set no region.
pub(crate) async fn load() -> Result<(SdkConfig, Region), CliError> {
    let sdk = sightline_aws::load().await;
    let region = sdk.region().cloned().ok_or_else(|| {
        CliError::Usage(
            "no AWS region is set; set AWS_REGION (for example to us-east-1), or AWS_PROFILE to a profile with a region; for \
             the local mode, use the lines that `sightline local` prints"
                .to_owned(),
        )
    })?;
    Ok((sdk, region))
}

/// The error of a command whose call to AWS failed, with the exit code that fits.
pub(crate) fn command_error(context: String, error: &ServiceError) -> anyhow::Error {
    match exit_error(error) {
        Some(exit) => anyhow::Error::new(exit).context(context),
        None => anyhow!("{context}: {error}"),
    }
}

/// The error with its exit code; `None` if the error is about the object or the picture.
fn exit_error(error: &ServiceError) -> Option<CliError> {
    if error.needs_repair() {
        return Some(CliError::Denied(format!(
            "AWS rejected the request ({error}); check your keys, their permissions, the region and the names of the buckets"
        )));
    }
    if error.no_credentials {
        // The SDK names each source that it tried, the metadata service last.
        let none_found = ["no credentials found in chain", "IMDS"];
        let found = if none_found.iter().any(|part| error.message.contains(part)) {
            "found no AWS credentials".to_owned()
        } else {
            format!("cannot use the AWS credentials ({})", error.message)
        };
        return Some(CliError::Denied(format!(
            "{found}; set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE; for the local mode, use the lines that \
             `sightline local` prints"
        )));
    }
    error.is_retryable().then(|| {
        CliError::Unreachable(format!(
            "AWS did not answer ({error}); try again, or check AWS_ENDPOINT_URL and AWS_REGION"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use sightline_pipeline::{Fate, Service};

    #[test]
    fn aws_errors_get_their_exit_code_by_what_can_be_done() {
        let exit = |code: &str, message: &str, fate, no_credentials| {
            exit_error(&ServiceError {
                no_credentials,
                ..ServiceError::new(Service::S3, "GetObject", code, message, fate)
            })
        };
        assert!(matches!(
            exit("AccessDenied", "no", Fate::Repair, false),
            Some(CliError::Denied(_))
        ));
        let denied = |message| {
            let error = exit("Dispatch", message, Fate::RETRY_UNANSWERED, true);
            assert!(matches!(error, Some(CliError::Denied(_))));
            error.unwrap().to_string()
        };
        denied("the credentials provider was not enabled");
        let none = denied("no credentials found in chain. Attempted: Environment, Profile");
        assert!(none.starts_with("found no AWS credentials; set"), "{none}");
        let wrong = denied("loading credentials: the profile `work` is not defined");
        assert!(wrong.contains("`work` is not defined"), "{wrong}");
        assert!(matches!(
            exit(
                "Dispatch",
                "connection refused",
                Fate::RETRY_UNANSWERED,
                false
            ),
            Some(CliError::Unreachable(_))
        ));
        assert!(exit("InvalidImageFormatException", "no", Fate::Final, false).is_none());
    }
}
