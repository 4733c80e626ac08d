//! The outcome of preparation.

use crate::{
    error::PrepareError,
    info::{Conversion, ImageInfo, Reason},
    pixels::encode::JpegPicture,
};

/// A picture that Rekognition can analyse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Format, upright size and orientation of the uploaded file.
    pub info: ImageInfo,
    /// The JPEG that Rekognition gets instead of the file. `None` if it accepts the file itself.
    pub converted: Option<Converted>,
    /// The smaller JPEG that only DetectProtectiveEquipment gets, if it accepts neither of the two.
    pub ppe: Option<Converted>,
    /// The smaller pictures to show. An error does not mean that Rekognition cannot read the picture: it may use a feature that no
    /// decoder here supports, or be too large to decode.
    pub renditions: Result<Renditions, PrepareError>,
}

/// Smaller pictures to show instead of the file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Renditions {
    /// At most [`Limits::thumbnail_px`](crate::Limits::thumbnail_px) a side; `None` if that is 0.
    pub thumbnail: Option<JpegPicture>,
    /// At most [`Limits::preview_px`](crate::Limits::preview_px) a side, and larger than the thumbnail; `None` if that is 0 or the
    /// picture is no larger than the thumbnail.
    pub preview: Option<JpegPicture>,
}

impl Prepared {
    /// What the result document says about the picture.
    #[must_use]
    pub fn image_info(&self) -> ImageInfo {
        let conversion =
            |converted: &Option<Converted>| converted.as_ref().map(Converted::conversion);
        ImageInfo {
            prepared: conversion(&self.converted),
            prepared_for_ppe: conversion(&self.ppe),
            ..self.info.clone()
        }
    }
}

/// A JPEG that Rekognition gets instead of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// An upright sRGB JPEG without metadata, small enough for a request.
    pub jpeg: JpegPicture,
    /// Why Rekognition does not get the file itself.
    pub reason: Reason,
}

impl Converted {
    /// The conversion as the result document shows it.
    #[must_use]
    pub const fn conversion(&self) -> Conversion {
        Conversion {
            reason: self.reason,
            width: self.jpeg.width,
            height: self.jpeg.height,
        }
    }
}
