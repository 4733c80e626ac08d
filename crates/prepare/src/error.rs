use crate::MediaType;

/// Why a picture cannot be prepared. Each reads as one sentence for whoever uploaded it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PrepareError {
    /// No bytes.
    #[error("The file is empty; upload it again.")]
    Empty,
    /// No format that is known here.
    #[error(
        "The file is no picture in a format that is known here; upload a JPEG, PNG, WebP, GIF, BMP, TIFF or AVIF file."
    )]
    NotAnImage,
    /// A format that is known and has no decoder here.
    #[error(
        "The picture is a {0} file, which cannot be read here; save or export it as JPEG (an iPhone takes JPEGs with Settings > Camera > Formats > Most Compatible) and upload that."
    )]
    NoDecoder(MediaType),
    /// A feature of a format that its decoder does not know.
    #[error(
        "The {format} file uses {feature}, which cannot be read here; save it as an ordinary JPEG or PNG and upload that."
    )]
    Unsupported {
        /// The format.
        format: MediaType,
        /// The feature, as it stands after "uses".
        feature: String,
    },
    /// The bytes end before the picture does.
    #[error("The {0} file is cut off before its end; upload it again.")]
    Truncated(MediaType),
    /// The bytes contradict their format.
    #[error("The {0} file is damaged; upload one that opens in other programs.")]
    Damaged(MediaType),
    /// Smaller than Rekognition takes.
    #[error(
        "The picture is {width} x {height} pixels; Rekognition takes at least {min_side} x {min_side}."
    )]
    TooSmall {
        /// Width in pixels of the upright picture.
        width: u32,
        /// Height in pixels of the upright picture.
        height: u32,
        /// The shortest side that is accepted.
        min_side: u32,
    },
    /// Too many pixels to be decoded in the memory there is.
    #[error(
        "The picture is {width} x {height} pixels as {format}, more than can be decoded here; make it smaller and upload it again."
    )]
    TooLarge {
        /// The format.
        format: MediaType,
        /// Width in pixels as stored.
        width: u32,
        /// Height in pixels as stored.
        height: u32,
    },
    /// A defect of this program.
    #[error(
        "The picture could not be prepared ({0} failed), which is a defect of the program; report it, and upload the picture as an ordinary JPEG meanwhile."
    )]
    Internal(&'static str),
    /// So narrow that it is too long or, scaled down, too thin.
    #[error(
        "The picture is {width} x {height} pixels; scaled down to the 10,000 pixels that Rekognition takes, it would be too narrow. Crop it and upload it again."
    )]
    TooNarrow {
        /// Width in pixels of the upright picture.
        width: u32,
        /// Height in pixels of the upright picture.
        height: u32,
    },
}

impl PrepareError {
    /// A step that cannot fail did.
    pub(crate) const fn internal(step: &'static str) -> Self {
        Self::Internal(step)
    }

    /// A stable name, the `code` of the result document's `errors`.
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
