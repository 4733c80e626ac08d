//! Orientation, and encoding as JPEG.

use image::{DynamicImage, RgbImage};
use libjpeg_turbo_rs::{PixelFormat, Subsampling, compress};

use super::downscale::Downscaled;
use crate::{error::PrepareError, media::MediaType, orientation::Orientation};

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

/// Leaves out the bytes, which must not be logged.
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

/// Makes a picture upright.
pub(crate) fn apply_orientation(
    rgb: Vec<u8>,
    (width, height): (u32, u32),
    orientation: Orientation,
) -> Result<RgbImage, PrepareError> {
    let picture =
        RgbImage::from_raw(width, height, rgb).ok_or(PrepareError::Internal("rotating"))?;
    if orientation == Orientation::NoTransforms {
        return Ok(picture);
    }
    let mut picture = DynamicImage::ImageRgb8(picture);
    picture.apply_orientation(orientation);
    Ok(picture.into_rgb8())
}

/// The usual JPEG quality. Above it, files grow faster than pictures improve.
const QUALITY: u8 = 90;

/// The quality of pictures that are too many bytes at [`QUALITY`].
const LOW_QUALITY: u8 = 75;

/// The quality of previews. They are many and large, and at this quality they look like the picture.
const PREVIEW_QUALITY: u8 = 82;

/// How renditions store colours. Most JPEG and AVIF pictures store them at half the width and height, and so do their renditions: the files
/// are a quarter smaller and take two thirds of the time. Other pictures are often graphics, whose colours have sharp edges.
const fn sampling(source: MediaType) -> Subsampling {
    match source {
        MediaType::Jpeg | MediaType::Avif => Subsampling::S420,
        _ => Subsampling::S444,
    }
}

/// Encodes a preview of a picture in this format.
pub(crate) fn encode_preview(
    picture: &RgbImage,
    source: MediaType,
) -> Result<JpegPicture, PrepareError> {
    encode_at(picture, PREVIEW_QUALITY, sampling(source))
}

/// Encodes a thumbnail of a picture in this format.
pub(crate) fn encode_thumbnail(
    picture: &RgbImage,
    source: MediaType,
) -> Result<JpegPicture, PrepareError> {
    encode_at(picture, QUALITY, sampling(source))
}

fn encode_at(
    picture: &RgbImage,
    quality: u8,
    subsampling: Subsampling,
) -> Result<JpegPicture, PrepareError> {
    let (width, height) = picture.dimensions();
    let (columns, rows) = (width as usize, height as usize);
    let bytes = compress(
        picture,
        columns,
        rows,
        PixelFormat::Rgb,
        quality,
        subsampling,
    )
    .map_err(|_| PrepareError::Internal("encoding"))?;
    Ok(JpegPicture {
        bytes,
        width,
        height,
    })
}

/// Encodes a picture in at most `max_bytes`: first at lower quality, then at a smaller size.
pub(crate) fn encode_to_fit(
    picture: &RgbImage,
    max_bytes: usize,
) -> Result<JpegPicture, PrepareError> {
    for quality in [QUALITY, LOW_QUALITY] {
        let jpeg = encode_at(picture, quality, Subsampling::S444)?;
        if jpeg.bytes.len() <= max_bytes {
            return Ok(jpeg);
        }
    }
    // Only very noisy pictures get here.
    let mut smaller = Downscaled::from(picture.clone());
    loop {
        let size = smaller.size_within(smaller.columns.max(smaller.rows) * 3 / 4);
        let picture = apply_orientation(smaller.resized(size)?, size, Orientation::NoTransforms)?;
        let jpeg = encode_at(&picture, LOW_QUALITY, Subsampling::S444)?;
        if jpeg.bytes.len() <= max_bytes {
            return Ok(jpeg);
        }
        smaller = Downscaled::from(picture);
    }
}
