//! Upright, and encoded as JPEG.

use image::{
    DynamicImage, ExtendedColorType, ImageEncoder, RgbImage, codecs::jpeg::JpegEncoder,
    metadata::Orientation,
};

use super::{PrepareError, reduce::Reduced};

/// An upright sRGB JPEG without metadata.
#[derive(Clone, PartialEq, Eq)]
pub struct JpegPicture {
    /// The file.
    pub bytes: Vec<u8>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// Without the bytes, which have no place in a log.
impl std::fmt::Debug for JpegPicture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "JPEG of {} x {} pixels, {} bytes",
            self.width,
            self.height,
            self.bytes.len()
        )
    }
}

/// Turns pixels upright.
pub(super) fn upright(
    rgb: Vec<u8>,
    (width, height): (u32, u32),
    orientation: Orientation,
) -> Result<RgbImage, PrepareError> {
    let picture =
        RgbImage::from_raw(width, height, rgb).ok_or_else(|| PrepareError::internal("turning"))?;
    if orientation == Orientation::NoTransforms {
        return Ok(picture);
    }
    let mut picture = DynamicImage::ImageRgb8(picture);
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

/// The quality of what is shown and analysed: above it files grow faster than pictures improve.
const QUALITY: u8 = 90;

/// Encodes a picture.
pub(super) fn encode(picture: &RgbImage) -> Result<JpegPicture, PrepareError> {
    encode_at(picture, QUALITY)
}

fn encode_at(picture: &RgbImage, quality: u8) -> Result<JpegPicture, PrepareError> {
    let (width, height) = picture.dimensions();
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, quality)
        .write_image(picture.as_raw(), width, height, ExtendedColorType::Rgb8)
        .map_err(|_| PrepareError::internal("encoding"))?;
    Ok(JpegPicture {
        bytes,
        width,
        height,
    })
}

/// Encodes a picture so that the file has at most `max` bytes: at lower quality first, then smaller.
pub(super) fn encode_to_fit(picture: &RgbImage, max: usize) -> Result<JpegPicture, PrepareError> {
    for quality in [QUALITY, 75] {
        let jpeg = encode_at(picture, quality)?;
        if jpeg.bytes.len() <= max {
            return Ok(jpeg);
        }
    }
    // Only pictures that are all detail come here.
    let mut smaller = Reduced::from(picture.clone());
    loop {
        let size = smaller.fitted(smaller.columns.max(smaller.rows) * 3 / 4);
        let picture = upright(smaller.resized(size)?, size, Orientation::NoTransforms)?;
        let jpeg = encode_at(&picture, 75)?;
        if jpeg.bytes.len() <= max {
            return Ok(jpeg);
        }
        smaller = Reduced::from(picture);
    }
}
