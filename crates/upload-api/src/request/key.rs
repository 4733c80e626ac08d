//! Reads the key at the end of a path.

use axum::extract::{Path, rejection::PathRejection};
use sightline_pipeline::{KeyError, SourceKey};

use crate::{Code, Problem, problem::sentence};

/// The key that a path ends with.
pub(crate) fn source_key(path: Result<Path<String>, PathRejection>) -> Result<SourceKey, Problem> {
    let Path(key) = path.map_err(|_| {
        Problem::new(
            Code::InvalidKey,
            "The percent-decoded key is not UTF-8. Percent-encode the key's UTF-8 bytes.",
        )
    })?;
    SourceKey::new(key).map_err(|error| invalid_key(&error))
}

fn invalid_key(error: &KeyError) -> Problem {
    Problem::new(Code::InvalidKey, sentence(&error.to_string()))
}

/// What can be wrong with a key.
pub(crate) fn problems() -> Vec<Problem> {
    vec![invalid_key(&KeyError::OutsidePrefix("cat.jpg".to_owned()))]
}
