//! Why a picture is refused as a whole.

use crate::{
    Analyses, Analysis,
    document::AnalysisError,
    picture::{PictureError, PictureHeader},
};

/// The largest image that Rekognition fetches from a bucket (Amazon Rekognition Developer Guide,
/// "Guidelines and quotas": 15 MB), in bytes.
pub const MAX_OBJECT_BYTES: u64 = 15 * 1024 * 1024;
/// The least width and height in pixels (the same page).
const MIN_SIDE: u32 = 80;
/// The least width and height for protective equipment.
const MIN_SIDE_PPE: u32 = 64;
/// The greatest width and height in pixels.
const MAX_SIDE: u32 = 10_000;

/// Why Rekognition would refuse the picture, known without asking it.
#[must_use]
pub fn refusal(
    size: u64,
    header: &Result<PictureHeader, PictureError>,
    analyses: &Analyses,
) -> Option<AnalysisError> {
    if size == 0 {
        return Some(whole(
            "EmptyObject",
            "The file is empty; upload it again.".to_owned(),
        ));
    }
    match *header {
        Err(PictureError::UnknownFormat) => {
            return Some(whole(
                "NotAnImage",
                "The file is no picture in a format that is known here; upload a JPEG or PNG file."
                    .to_owned(),
            ));
        }
        Ok(header) if !header.format.is_read_by_rekognition() => {
            return Some(whole(
                "UnsupportedFormat",
                format!(
                    "The picture is a {} file, which cannot be analysed yet; upload it as JPEG or PNG.",
                    header.format
                ),
            ));
        }
        _ if size > MAX_OBJECT_BYTES => {
            return Some(whole(
                "ImageTooLarge",
                format!(
                    "The picture is {size} bytes large; Rekognition takes at most {MAX_OBJECT_BYTES} (15 MB)."
                ),
            ));
        }
        _ => {}
    }
    let header = match *header {
        Ok(header) => header,
        Err(PictureError::Damaged(format)) => {
            return Some(whole(
                "DamagedImage",
                format!("The {format} file is damaged; upload one that opens in other programs."),
            ));
        }
        Err(_) => {
            return Some(whole(
                "DamagedImage",
                "The picture is cut off before its data begins; upload it again.".to_owned(),
            ));
        }
    };
    let (width, height) = header.size?;
    let least = if analyses.iter().eq([Analysis::Ppe]) {
        MIN_SIDE_PPE
    } else {
        MIN_SIDE
    };
    if width < least || height < least {
        return Some(whole(
            "ImageTooSmall",
            format!(
                "The picture is {width} x {height} pixels; Rekognition takes at least {least} x {least}."
            ),
        ));
    }
    if width > MAX_SIDE || height > MAX_SIDE {
        return Some(whole(
            "ImageTooLarge",
            format!(
                "The picture is {width} x {height} pixels; Rekognition takes at most {MAX_SIDE} a side."
            ),
        ));
    }
    None
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
