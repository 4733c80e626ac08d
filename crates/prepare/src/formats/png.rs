//! PNG, row by row.

use std::io::{Cursor, ErrorKind};

use png::{BitDepth, ColorType, Decoder, DecodingError, Reader, Transformations};

use super::{
    decoder::{Geometry, PictureDecoder},
    png_colours,
};
use crate::{
    containers,
    error::PrepareError,
    limits::MAX_UNPACKED_BYTES,
    media::MediaType,
    orientation::Orientation,
    pixels::{
        downscale::{Downscaled, Downscaler, downscale_whole},
        layout::Layout,
    },
};

/// The decoder's own limit for rows, compressed profiles and the like, in bytes.
const DECODER_BYTES: usize = 32 * 1024 * 1024;

pub(super) struct Png<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    geometry: Geometry,
}

impl<'a> Png<'a> {
    pub(super) fn open(file: &'a [u8]) -> Result<Self, PrepareError> {
        let mut decoder = Decoder::new_with_limits(
            Cursor::new(file),
            png::Limits {
                bytes: DECODER_BYTES,
            },
        );
        // Expands palettes and low bit depths to bytes, drops the lower byte of 16 bits, and turns transparency into alpha.
        decoder.set_transformations(Transformations::normalize_to_color8());
        let reader = decoder
            .read_info()
            .map_err(|error| decode_error(&error, (0, 0)))?;
        // The `eXIf` chunk may precede or follow the pixels (PNG specification, third edition, "Exchangeable Image File (Exif)
        // Profile"), and the decoder has not read the latter yet.
        let orientation = containers::png::chunks(file)
            .find(|(kind, _)| *kind == b"eXIf")
            .and_then(|(_, exif)| Orientation::from_exif_chunk(exif))
            .unwrap_or(Orientation::NoTransforms);
        let geometry = Geometry {
            size: reader.info().size(),
            orientation,
        };
        Ok(Self { reader, geometry })
    }
}

impl PictureDecoder for Png<'_> {
    fn format(&self) -> MediaType {
        MediaType::Png
    }

    fn geometry(&self) -> Geometry {
        self.geometry
    }

    fn decode(mut self: Box<Self>, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
        let size = self.geometry.size;
        let (width, height) = size;
        let layout = match self.reader.output_color_type() {
            (ColorType::Grayscale, BitDepth::Eight) => Layout::Grey,
            (ColorType::GrayscaleAlpha, BitDepth::Eight) => Layout::GreyAlpha,
            (ColorType::Rgb, BitDepth::Eight) => Layout::Rgb,
            (ColorType::Rgba, BitDepth::Eight) => Layout::RgbAlpha,
            _ => return Err(PrepareError::Internal("unpacking pixels")),
        };
        let info = self.reader.info();
        let row = info.raw_row_length().saturating_sub(1) as u64;
        if row * u64::from(height) > MAX_UNPACKED_BYTES {
            return Err(PrepareError::too_large(MediaType::Png, size));
        }
        let profile = png_colours::profile(info);
        let needed = Downscaler::memory(width, height, layout, factor);
        if info.interlaced {
            let whole = u64::from(width) * u64::from(height) * layout.bytes() as u64;
            let length = usize::try_from(whole)
                .ok()
                .filter(|_| whole + needed <= memory)
                .ok_or_else(|| PrepareError::too_large(MediaType::Png, size))?;
            let mut pixels = vec![0; length];
            self.reader
                .next_frame(&mut pixels)
                .map_err(|error| decode_error(&error, size))?;
            return Ok(downscale_whole(pixels, width, layout, factor, profile));
        }
        if needed > memory {
            return Err(PrepareError::too_large(MediaType::Png, size));
        }
        let mut downscaler = Downscaler::new(width, layout, factor);
        for _ in 0..height {
            let row = self
                .reader
                .next_row()
                .map_err(|error| decode_error(&error, size))?
                .ok_or(PrepareError::Truncated(MediaType::Png))?;
            downscaler.push(row.data());
        }
        Ok(downscaler.finish(profile))
    }
}

fn decode_error(error: &DecodingError, size: (u32, u32)) -> PrepareError {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            PrepareError::Truncated(MediaType::Png)
        }
        DecodingError::LimitsExceeded => PrepareError::too_large(MediaType::Png, size),
        _ => PrepareError::Damaged(MediaType::Png),
    }
}
