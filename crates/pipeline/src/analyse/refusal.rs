//! Why a picture is refused as a whole.

use crate::{
    Analyses, Analysis, MediaType,
    document::AnalysisError,
    prepare::{HeaderError, MAX_PIXELS, MIN_SIDE, PPE_MIN_SIDE, PictureHeader, PrepareError},
};

/// The largest file that is read, in bytes: nearly seven times what Rekognition takes, and with
/// what decoding takes still within the memory of a small function.
pub const MAX_FILE_BYTES: u64 = 100 * 1024 * 1024;

/// The least width and height in pixels for these analyses.
#[must_use]
pub fn min_side(analyses: &Analyses) -> u32 {
    if analyses.iter().eq([Analysis::Ppe]) {
        PPE_MIN_SIDE
    } else {
        MIN_SIDE
    }
}

/// Why the picture cannot be analysed, as far as its size in bytes and its header tell; what they
/// do not tell, preparation does.
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
            return Some(whole(
                "ImageTooLarge",
                format!(
                    "The file is {size} bytes large; at most {MAX_FILE_BYTES} (100 MiB) are read. Make it smaller and upload it again."
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
        whole(error.code(), error.to_string())
    }
}

/// An error that concerns the picture as a whole.
#[must_use]
pub fn whole(code: &str, message: String) -> AnalysisError {
    AnalysisError {
        analysis: None,
        code: code.to_owned(),
        message,
        retryable: false,
    }
}
