//! How a command ends: its exit code and its error message.

use std::process::ExitCode;

/// The outcome of a command that ran to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Success.
    Done,
    /// The command ran, but some pictures failed.
    SomeFailed,
    /// Ctrl-C; what was done so far stays done.
    Interrupted,
}

/// Errors with an exit code of their own. Every other error ends with the code of [`Outcome::SomeFailed`].
#[derive(Debug, thiserror::Error)]
pub(crate) enum CliError {
    /// Invalid arguments.
    #[error("{0}")]
    Usage(String),
    /// The service or AWS could not be reached, or did not answer.
    #[error("{0}")]
    Unreachable(String),
    /// The service or AWS rejected the request: credentials, permissions or names.
    #[error("{0}")]
    Denied(String),
}

impl Outcome {
    /// The exit code.
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::SomeFailed => 1,
            // 128 + SIGINT, as shells report it.
            Self::Interrupted => 130,
        }
    }
}

impl CliError {
    const fn code(&self) -> u8 {
        match self {
            // The code that clap uses.
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
            Self::Denied(_) => 4,
        }
    }
}

/// The exit code of a command.
pub(crate) fn code(result: &anyhow::Result<Outcome>) -> ExitCode {
    let code = match result {
        Ok(outcome) => outcome.code(),
        Err(error) => error
            .chain()
            .find_map(|cause| cause.downcast_ref::<CliError>())
            .map_or(Outcome::SomeFailed.code(), CliError::code),
    };
    ExitCode::from(code)
}

/// The error and its causes in one line. Skips a cause whose text an outer error already contains.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context as _;

    #[test]
    fn each_kind_of_end_has_its_exit_code() {
        let error = |error: CliError| Err(error).context("some context");
        for (result, expected) in [
            (Ok(Outcome::Done), 0),
            (Ok(Outcome::SomeFailed), 1),
            (Ok(Outcome::Interrupted), 130),
            (Err(anyhow::anyhow!("anything")), 1),
            (error(CliError::Usage(String::new())), 2),
            (error(CliError::Unreachable(String::new())), 3),
            (error(CliError::Denied(String::new())), 4),
        ] {
            assert_eq!(
                format!("{:?}", code(&result)),
                format!("{:?}", ExitCode::from(expected))
            );
        }
    }

    #[test]
    fn a_cause_is_printed_once() {
        let error = anyhow::anyhow!("the file is missing")
            .context("cannot read m.onnx: the file is missing")
            .context("--model m.onnx cannot be used");
        assert_eq!(
            message(&error),
            "--model m.onnx cannot be used: cannot read m.onnx: the file is missing"
        );
    }
}
