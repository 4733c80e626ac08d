//! The errors of TIFF files.

use crate::{error::PrepareError, media::MediaType};

/// Why no more bytes can be unpacked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Failure {
    /// The data ends too early.
    End,
    /// The data is damaged.
    Damaged,
}

pub(super) const fn damaged() -> PrepareError {
    PrepareError::Damaged(MediaType::Tiff)
}

pub(super) const fn truncated() -> PrepareError {
    PrepareError::Truncated(MediaType::Tiff)
}

pub(super) fn unsupported(feature: impl Into<String>) -> PrepareError {
    PrepareError::unsupported(MediaType::Tiff, feature)
}

pub(super) const fn too_large(size: (u32, u32)) -> PrepareError {
    PrepareError::too_large(MediaType::Tiff, size)
}

/// The error for a strip or tile. Its data may end too early because the file does.
pub(super) const fn of(failure: Failure, is_cut: bool) -> PrepareError {
    match failure {
        Failure::End if is_cut => truncated(),
        _ => damaged(),
    }
}
