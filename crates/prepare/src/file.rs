//! A picture file for callers that look at its pixels themselves.

use image::RgbImage;

use crate::{
    error::PrepareError,
    formats::{self, decoder::PictureDecoder},
    media::MediaType,
    orientation::Orientation,
    pixels::colour,
    truncation::is_truncated,
};

/// A file whose header has been read and whose pixels have not. [`prepare`](crate::prepare()) reads files in the same way.
pub struct PictureFile<'a> {
    file: &'a [u8],
    decoder: Box<dyn PictureDecoder + 'a>,
}

impl<'a> PictureFile<'a> {
    /// Detects the format and reads the header.
    ///
    /// # Errors
    /// Those of [`prepare`](crate::prepare()) for a header that cannot be read.
    pub fn open(file: &'a [u8]) -> Result<Self, PrepareError> {
        let decoder = formats::open(file).map_err(|error| told(error, file))?;
        Ok(Self { file, decoder })
    }

    /// The format of the bytes.
    #[must_use]
    pub fn format(&self) -> MediaType {
        self.decoder.format()
    }

    /// Width and height in pixels as stored.
    #[must_use]
    pub fn stored_size(&self) -> (u32, u32) {
        self.decoder.geometry().size
    }

    /// The transformation that makes the stored picture upright.
    #[must_use]
    pub fn orientation(&self) -> Orientation {
        self.decoder.geometry().orientation
    }

    /// The pixels as stored, in sRGB and over white. A picture of more than `max_pixels` is scaled down by a whole factor.
    ///
    /// # Errors
    /// `TooLarge` if it cannot be decoded within `memory_bytes`, or as [`prepare`](crate::prepare()).
    pub fn decode(self, max_pixels: u64, memory_bytes: u64) -> Result<RgbImage, PrepareError> {
        let (width, height) = self.stored_size();
        let pixels =
            |factor: u32| u64::from(width.div_ceil(factor)) * u64::from(height.div_ceil(factor));
        let factor = (1..=u32::from(u8::MAX)).find(|factor| pixels(*factor) <= max_pixels);
        let file = self.file;
        let downscaled = self
            .decoder
            .decode(factor.unwrap_or(u32::from(u8::MAX)), memory_bytes)
            .map_err(|error| told(error, file))?;
        let size = downscaled.nearest_size();
        let (channels, profile) = (downscaled.channels, downscaled.profile.clone());
        let rgb = colour::to_srgb(downscaled.into_resized(size)?, channels, &profile);
        RgbImage::from_raw(size.0, size.1, rgb).ok_or(PrepareError::Internal("converting colours"))
    }
}

/// A file that is damaged because it ends too early is said to be incomplete.
fn told(error: PrepareError, file: &[u8]) -> PrepareError {
    match error {
        PrepareError::Damaged(format) if is_truncated(format, file) => {
            PrepareError::Truncated(format)
        }
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::ImageFormat;

    use super::*;

    #[test]
    fn pixels_are_as_stored_and_scaled_down_to_the_limit() {
        let picture = RgbImage::from_fn(200, 100, |x, y| image::Rgb([x as u8, y as u8, 7]));
        let mut file = Vec::new();
        picture
            .write_to(&mut Cursor::new(&mut file), ImageFormat::Png)
            .unwrap();
        let open = || PictureFile::open(&file).unwrap();
        assert_eq!(open().format(), MediaType::Png);
        assert_eq!(open().stored_size(), (200, 100));
        assert_eq!(open().decode(20_000, 1 << 20), Ok(picture));
        let smaller = open().decode(19_999, 1 << 20).unwrap();
        assert_eq!(smaller.dimensions(), (100, 50));
        assert!(matches!(
            open().decode(20_000, 10_000),
            Err(PrepareError::TooLarge { .. })
        ));
    }
}
