//! PNG, row by row.

use std::io::{Cursor, ErrorKind};

use image::metadata::Orientation;
use png::{BitDepth, ColorType, Decoder, DecodingError, Reader, Transformations};

use super::{
    MAX_UNPACKED_BYTES, PrepareError, Source, Stored,
    reduce::{Layout, Profile, Reduced, Reducer, reduce_whole},
};
use crate::MediaType;

/// What the decoder may spend on rows, compressed profiles and the like, in bytes.
const DECODER_BYTES: usize = 32 * 1024 * 1024;

pub(super) struct Png<'a> {
    reader: Reader<Cursor<&'a [u8]>>,
    stored: Stored,
}

impl<'a> Png<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PrepareError> {
        let mut decoder = Decoder::new_with_limits(
            Cursor::new(bytes),
            png::Limits {
                bytes: DECODER_BYTES,
            },
        );
        // Palettes and few bits become bytes, 16 bits lose their lower half, transparency becomes alpha.
        decoder.set_transformations(Transformations::normalize_to_color8());
        let reader = decoder
            .read_info()
            .map_err(|error| refused(&error, (0, 0)))?;
        let stored = Stored {
            size: reader.info().size(),
            orientation: exif(bytes)
                .and_then(Orientation::from_exif_chunk)
                .unwrap_or(Orientation::NoTransforms),
        };
        Ok(Self { reader, stored })
    }
}

impl Source for Png<'_> {
    fn format(&self) -> MediaType {
        MediaType::Png
    }

    fn stored(&self) -> Stored {
        self.stored
    }

    fn decode(mut self: Box<Self>, factor: u32, memory: u64) -> Result<Reduced, PrepareError> {
        let size = self.stored.size;
        let (width, height) = size;
        let layout = match self.reader.output_color_type() {
            (ColorType::Grayscale, BitDepth::Eight) => Layout::Grey,
            (ColorType::GrayscaleAlpha, BitDepth::Eight) => Layout::GreyAlpha,
            (ColorType::Rgb, BitDepth::Eight) => Layout::Rgb,
            (ColorType::Rgba, BitDepth::Eight) => Layout::RgbAlpha,
            _ => return Err(PrepareError::internal("unpacking pixels")),
        };
        let info = self.reader.info();
        let row = info.raw_row_length().saturating_sub(1) as u64;
        if row * u64::from(height) > MAX_UNPACKED_BYTES {
            return Err(too_large(size));
        }
        let profile = match info.srgb {
            Some(_) => Profile::Srgb,
            None => Profile::from(info.icc_profile.as_ref().map(|icc| icc.to_vec())),
        };
        let needed = Reducer::memory(width, height, layout, factor);
        if info.interlaced {
            let whole = u64::from(width) * u64::from(height) * layout.bytes() as u64;
            let length = usize::try_from(whole)
                .ok()
                .filter(|_| whole + needed <= memory)
                .ok_or_else(|| too_large(size))?;
            let mut pixels = vec![0; length];
            self.reader
                .next_frame(&mut pixels)
                .map_err(|error| refused(&error, size))?;
            return Ok(reduce_whole(pixels, width, layout, factor, profile));
        }
        if needed > memory {
            return Err(too_large(size));
        }
        let mut reducer = Reducer::new(width, layout, factor);
        for _ in 0..height {
            let row = self
                .reader
                .next_row()
                .map_err(|error| refused(&error, size))?
                .ok_or(PrepareError::Truncated(MediaType::Png))?;
            reducer.push(row.data());
        }
        Ok(reducer.finish(profile))
    }
}

/// The body of the `eXIf` chunk, before or behind the pixels (PNG specification, third edition,
/// "Exchangeable Image File (Exif) Profile").
fn exif(bytes: &[u8]) -> Option<&[u8]> {
    let mut rest = bytes.get(8..)?;
    loop {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let (kind, body) = after.split_first_chunk::<4>()?;
        let (body, after) = body.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        match kind {
            b"eXIf" => return Some(body),
            b"IEND" => return None,
            // Behind the body stands its checksum.
            _ => rest = after.get(4..)?,
        }
    }
}

fn too_large((width, height): (u32, u32)) -> PrepareError {
    PrepareError::TooLarge {
        format: MediaType::Png,
        width,
        height,
    }
}

fn refused(error: &DecodingError, size: (u32, u32)) -> PrepareError {
    match error {
        DecodingError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            PrepareError::Truncated(MediaType::Png)
        }
        DecodingError::LimitsExceeded => too_large(size),
        _ => PrepareError::Damaged(MediaType::Png),
    }
}
