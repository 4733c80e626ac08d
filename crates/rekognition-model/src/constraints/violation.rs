//! A violated constraint.

use std::fmt;

use crate::error::ErrorCode;

/// A violated constraint of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The error code.
    pub code: ErrorCode,
    /// The path of the member as AWS writes it, in lower camel case, such as `image.s3Object.bucket`.
    pub path: String,
    /// The message, such as `Value null at 'image' failed to satisfy constraint: Member must not be null`.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
