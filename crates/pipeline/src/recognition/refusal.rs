//! Pictures that cannot be analysed at all.

use crate::{
    Analyses, Analysis, MediaType,
    document::AnalysisError,
    prepare::{
        HeaderError, MAX_PIXELS, MIN_SIDE, PPE_MIN_SIDE, PictureHeader, PrepareError,
        size::over_limit,
    },
};

/// The largest file that is read, in bytes: nearly seven times Rekognition's limit. Together with
/// the memory for decoding, it fits in a small function.
pub const MAX_FILE_BYTES: u64 = 100 * 1024 * 1024;

/// The least width and height in pixels for these analyses.
pub(super) fn min_side(analyses: &Analyses) -> u32 {
    if analyses.iter().eq([Analysis::Ppe]) {
        PPE_MIN_SIDE
    } else {
        MIN_SIDE
    }
}

/// Why the picture cannot be analysed, if its size in bytes or its header shows that. Preparation finds
/// other reasons.
#[must_use]
pub fn refusal(
    size: u64,
    header: &Result<PictureHeader, HeaderError>,
    analyses: &Analyses,
) -> Option<AnalysisError> {
    let error = match *header {
        _ if size == 0 => PrepareError::Empty,
        Err(HeaderError::UnknownFormat) => PrepareError::NotAnImage,
        Err(HeaderError::Damaged(format)) => PrepareError::Damaged(format),
        Ok(PictureHeader {
            format: format @ MediaType::Heic,
            ..
        }) => PrepareError::NoDecoder(format),
        _ if size > MAX_FILE_BYTES => {
            return Some(image_error(
                "ImageTooLarge",
                format!(
                    "The file has {}. Upload a smaller one.",
                    over_limit(size, MAX_FILE_BYTES)
                ),
            ));
        }
        // The sizes of other formats are approximate before they are decoded.
        Ok(PictureHeader {
            format: format @ (MediaType::Jpeg | MediaType::Png),
            size: Some((width, height)),
            ..
        }) => {
            let min_side = min_side(analyses);
            if width.min(height) < min_side {
                PrepareError::TooSmall {
                    width,
                    height,
                    min_side,
                }
            } else if u64::from(width) * u64::from(height) > MAX_PIXELS {
                PrepareError::TooLarge {
                    format,
                    width,
                    height,
                }
            } else {
                return None;
            }
        }
        _ => return None,
    };
    Some(error.into())
}

impl From<PrepareError> for AnalysisError {
    fn from(error: PrepareError) -> Self {
        image_error(error.code(), error.to_string())
    }
}

/// An error that concerns the picture as a whole.
#[must_use]
pub fn image_error(code: &str, message: String) -> AnalysisError {
    AnalysisError {
        analysis: None,
        code: code.to_owned(),
        message,
        retryable: false,
    }
}
