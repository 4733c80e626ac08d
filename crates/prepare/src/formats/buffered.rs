//! Decoders of the `image` crate, which decode a picture into one buffer: WebP's pixels.

use std::io;

use image::{ColorType, ImageDecoder, ImageError};

use super::decoder::{Geometry, PictureDecoder};
use crate::{
    error::PrepareError,
    media::MediaType,
    orientation::Orientation,
    pixels::{
        downscale::{Downscaled, Downscaler, downscale_whole},
        layout::{Layout, Profile},
    },
};

/// A picture whose decoder writes all of it into one buffer.
pub(super) struct Buffered<D> {
    decoder: D,
    format: MediaType,
    geometry: Geometry,
    /// The decoder's memory besides that buffer, in bytes a pixel.
    working_bytes: u64,
    icc: Option<Vec<u8>>,
}

impl<D: ImageDecoder> Buffered<D> {
    pub(super) fn new(
        decoder: D,
        format: MediaType,
        orientation: Orientation,
        working_bytes: u64,
        icc: Option<Vec<u8>>,
    ) -> Result<Self, PrepareError> {
        let size = decoder.dimensions();
        if size.0 == 0 || size.1 == 0 {
            return Err(PrepareError::Damaged(format));
        }
        Ok(Self {
            decoder,
            format,
            geometry: Geometry { size, orientation },
            working_bytes,
            icc,
        })
    }
}

impl<D: ImageDecoder> PictureDecoder for Buffered<D> {
    fn format(&self) -> MediaType {
        self.format
    }

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn decode(mut self: Box<Self>, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let format = self.format;
        let (width, height) = self.geometry.size;
        let too_large = || PrepareError::too_large(format, (width, height));
        let layout = match self.decoder.color_type() {
            ColorType::L8 => Layout::Grey,
            ColorType::La8 => Layout::GreyAlpha,
            ColorType::Rgb8 => Layout::Rgb,
            ColorType::Rgba8 => Layout::RgbAlpha,
            _ => return Err(PrepareError::Internal("unpacking pixels")),
        };
        let pixels = u64::from(width) * u64::from(height);
        let whole = pixels * layout.bytes() as u64;
        let needed = whole
            + (pixels * self.working_bytes).max(Downscaler::memory(width, height, layout, factor));
        let length = usize::try_from(whole)
            .ok()
            .filter(|_| needed <= memory)
            .ok_or_else(too_large)?;
        let mut limits = image::Limits::no_limits();
        limits.max_alloc = Some(memory - whole);
        self.decoder
            .set_limits(limits)
            .map_err(|error| decode_error(&error, format))?;
        let profile = Profile::from(self.icc.take());
        let mut pixels = vec![0; length];
        self.decoder
            .read_image(&mut pixels)
            .map_err(|error| match error {
                ImageError::Limits(_) => too_large(),
                error => decode_error(&error, format),
            })?;
        Ok(downscale_whole(pixels, width, layout, factor, profile))
    }
}

/// The innermost cause shows whether the file ends too early.
pub(super) fn decode_error(error: &ImageError, format: MediaType) -> PrepareError {
    if let ImageError::Unsupported(_) = error {
        return PrepareError::unsupported(format, "a rare variant of the format");
    }
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error
            .downcast_ref::<io::Error>()
            .is_some_and(|error| error.kind() == io::ErrorKind::UnexpectedEof)
        {
            return PrepareError::Truncated(format);
        }
        cause = error.source();
    }
    PrepareError::Damaged(format)
}
