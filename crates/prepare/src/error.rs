//! Why a picture cannot be prepared.

use crate::media::MediaType;

/// Why a picture cannot be prepared. Each message is one sentence for the person who uploaded the picture.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// No bytes.
    #[error("The file is empty; upload it again.")]
    Empty,
    /// Not a supported format.
    #[error(
        "The file is not a picture in a supported format; upload a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF file."
    )]
    NotAnImage,
    /// A known format without a decoder here.
    #[error(
        "{0} files are not supported; export the picture as JPEG and upload that (an iPhone takes JPEGs with Settings > Camera > Formats > Most Compatible)."
    )]
    NoDecoder(MediaType),
    /// The decoder of the format does not support one of its features.
    #[error(
        "The {format} file uses {feature}, which is not supported; save the picture as a standard JPEG or PNG and upload that."
    )]
    Unsupported {
        /// The format.
        format: MediaType,
        /// The feature, in words that follow "uses".
        feature: String,
    },
    /// The bytes end before the picture does.
    #[error("The {0} file is incomplete; upload it again.")]
    Truncated(MediaType),
    /// The bytes contradict their format.
    #[error("The {0} file is damaged; upload an intact copy.")]
    Damaged(MediaType),
    /// Smaller than Rekognition accepts.
    #[error(
        "The picture is {width} x {height} pixels; upload one of at least {min_side} x {min_side}."
    )]
    TooSmall {
        /// Width in pixels of the upright picture.
        width: u32,
        /// Height in pixels of the upright picture.
        height: u32,
        /// The shortest side that is accepted, in pixels.
        min_side: u32,
    },
    /// Too many pixels to decode within the memory limit.
    #[error(
        "The {format} picture is {width} x {height} pixels, too large to decode; scale it down and upload it again."
    )]
    TooLarge {
        /// The format.
        format: MediaType,
        /// Width in pixels as stored.
        width: u32,
        /// Height in pixels as stored.
        height: u32,
    },
    /// Too long for Rekognition, and too narrow to scale down.
    #[error(
        "The picture is {width} x {height} pixels, too narrow to scale down to the 10,000 that Rekognition accepts; crop it and upload it again."
    )]
    TooNarrow {
        /// Width in pixels of the upright picture.
        width: u32,
        /// Height in pixels of the upright picture.
        height: u32,
    },
    /// A bug: a step that cannot fail did.
    #[error(
        "The picture could not be prepared because of a bug in Sightline ({0} failed); report it, and upload the picture as a standard JPEG meanwhile."
    )]
    Internal(&'static str),
}

impl PrepareError {
    /// `feature` follows the word "uses".
    pub(crate) fn unsupported(format: MediaType, feature: impl Into<String>) -> Self {
        Self::Unsupported {
            format,
            feature: feature.into(),
        }
    }

    /// The size is that of the stored picture, in pixels.
    pub(crate) const fn too_large(format: MediaType, (width, height): (u32, u32)) -> Self {
        Self::TooLarge {
            format,
            width,
            height,
        }
    }

    /// A stable name, the `code` in the result document's `errors`.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "EmptyObject",
            Self::NotAnImage => "NotAnImage",
            Self::NoDecoder(_) | Self::Unsupported { .. } => "UnsupportedFormat",
            Self::Truncated(_) => "TruncatedImage",
            Self::Damaged(_) => "DamagedImage",
            Self::TooSmall { .. } => "ImageTooSmall",
            Self::TooLarge { .. } => "ImageTooLarge",
            Self::TooNarrow { .. } => "ImageTooNarrow",
            Self::Internal(_) => "PreparationFailed",
        }
    }
}
