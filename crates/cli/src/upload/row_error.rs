//! Why a picture has no result, or no complete one.

use serde::Serialize;

use crate::api::Problem;

/// The error of a row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct RowError {
    /// A code for programs.
    code: String,
    /// A sentence for people.
    pub(super) message: String,
}

impl RowError {
    /// An error with this code and message.
    pub(super) fn new(code: impl Into<String>, message: String) -> Self {
        Self {
            code: code.into(),
            message,
        }
    }

    /// The run was interrupted before the result arrived.
    pub(super) fn interruption() -> Self {
        Self::new(
            INTERRUPTED,
            "the run ended before the result arrived".to_owned(),
        )
    }

    /// Whether it is [`Self::interruption`].
    pub(super) fn is_interruption(&self) -> bool {
        self.code == INTERRUPTED
    }
}

const INTERRUPTED: &str = "interrupted";

impl From<Problem> for RowError {
    fn from(problem: Problem) -> Self {
        Self::new(problem.code, problem.detail)
    }
}
