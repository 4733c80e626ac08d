//! PNG, row by row.

use std::{
    borrow::Cow,
    io::{Cursor, ErrorKind},
};

use png::{
    BitDepth, ColorType, DecodeOptions, Decoder, DecodingError, InterlaceInfo, Reader,
    Transformations, expand_interlaced_row,
};

use super::{
    decoder::{Geometry, PictureDecoder},
    png_colours,
};
use crate::{
    containers::{self, png_repair::repaired},
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

type Input<'a> = Cursor<Cow<'a, [u8]>>;

pub(super) struct Png<'a> {
    file: &'a [u8],
    reader: Reader<Input<'a>>,
    geometry: Geometry,
    /// The fault of a file that is read from a repaired copy.
    fault: Option<Fault>,
}

/// What is known of a damaged file.
#[derive(Debug, Clone, Copy)]
struct Fault {
    /// The length of the repaired copy in bytes.
    copy_bytes: u64,
    /// Whether the file has its end chunk.
    has_end: bool,
}

impl<'a> Png<'a> {
    /// Reads the header strictly, and if that fails, as browsers do.
    pub(super) fn open(file: &'a [u8]) -> Result<Self, PrepareError> {
        let mut options = DecodeOptions::default();
        options.set_ignore_adler32(false);
        options.set_skip_ancillary_crc_failures(false);
        match read_header(Cow::Borrowed(file), options) {
            Ok(reader) => Ok(Self::new(file, reader, None)),
            Err(error @ (PrepareError::Damaged(_) | PrepareError::Truncated(_))) => {
                Self::open_repaired(file, error)
            }
            Err(error) => Err(error),
        }
    }

    /// Opens a repaired copy of a file for which a strict decoder gave this error.
    fn open_repaired(file: &'a [u8], error: PrepareError) -> Result<Self, PrepareError> {
        let Some((copy, has_end)) = repaired(file) else {
            return Err(error);
        };
        let fault = Fault {
            copy_bytes: copy.len() as u64,
            has_end,
        };
        let mut options = DecodeOptions::default();
        options.set_ignore_checksums(true);
        let reader = read_header(Cow::Owned(copy), options)?;
        Ok(Self::new(file, reader, Some(fault)))
    }

    fn new(file: &'a [u8], reader: Reader<Input<'a>>, fault: Option<Fault>) -> Self {
        // The decoder has not read what follows the pixels yet.
        let orientation = containers::png::exif(file)
            .and_then(Orientation::from_exif_chunk)
            .unwrap_or(Orientation::NoTransforms);
        let geometry = Geometry {
            size: reader.info().size(),
            orientation,
        };
        Self {
            file,
            reader,
            geometry,
            fault,
        }
    }

    fn decode_rows(&mut self, factor: u32, memory: u64) -> Result<Downscaled, PrepareError> {
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
            let mut pixels = vec![u8::MAX; length];
            self.decode_interlaced(&mut pixels, layout)?;
            return Ok(downscale_whole(pixels, width, layout, factor, profile));
        }
        if needed > memory {
            return Err(PrepareError::too_large(MediaType::Png, size));
        }
        let mut downscaler = Downscaler::new(width, layout, factor).with_profile(&profile);
        let missing = vec![u8::MAX; width as usize * layout.bytes()];
        for rows in 0..height {
            let error = match self.reader.next_row() {
                Ok(Some(row)) => {
                    downscaler.push(row.data());
                    continue;
                }
                Ok(None) => PrepareError::Truncated(MediaType::Png),
                Err(error) => decode_error(&error, size),
            };
            self.check_missing(height - rows, height, error)?;
            (rows..height).for_each(|_| downscaler.push(&missing));
            break;
        }
        Ok(downscaler.finish(profile))
    }

    /// Decodes all passes. Where the last pass lacks rows, the rows above are repeated.
    fn decode_interlaced(&mut self, pixels: &mut [u8], layout: Layout) -> Result<(), PrepareError> {
        let size = self.geometry.size;
        if self.fault.is_none() {
            let decoded = self.reader.next_frame(pixels);
            return decoded
                .map(drop)
                .map_err(|error| decode_error(&error, size));
        }
        let stride = size.0 as usize * layout.bytes();
        let bits = layout.bytes() as u8 * 8;
        let mut pass_rows = 0;
        let error = loop {
            match self.reader.next_interlaced_row() {
                Ok(Some(row)) => {
                    let InterlaceInfo::Adam7(pass) = row.interlace() else {
                        return Err(PrepareError::Internal("reading passes"));
                    };
                    expand_interlaced_row(pixels, stride, row.data(), pass, bits);
                    pass_rows += 1;
                }
                Ok(None) => break PrepareError::Truncated(MediaType::Png),
                Err(error) => break decode_error(&error, size),
            }
        };
        // The rows of the first six passes, and of the last one, which has every second row whole (PNG specification, "Interlaced data
        // order").
        let height = size.1;
        let earlier = height.div_ceil(8) * 2
            + height.saturating_sub(4).div_ceil(8)
            + height.div_ceil(4)
            + height.saturating_sub(2).div_ceil(4)
            + height.div_ceil(2);
        let wanted = height / 2;
        if pass_rows < earlier {
            self.check_missing(height, height, error)?;
        } else if pass_rows < earlier + wanted {
            let full_rows = pass_rows - earlier;
            self.check_missing(wanted - full_rows, height, error)?;
            for row in (full_rows as usize * 2 + 1..size.1 as usize).step_by(2) {
                let (above, below) = pixels.split_at_mut(row * stride);
                let above = above.get(above.len() - stride..).unwrap_or_default();
                for (to, from) in below.iter_mut().zip(above) {
                    *to = *from;
                }
            }
        }
        Ok(())
    }

    /// Whether so many rows may be missing. They may not where a strict decoder has not failed yet.
    fn check_missing(
        &self,
        missing: u32,
        rows: u32,
        error: PrepareError,
    ) -> Result<(), PrepareError> {
        match &self.fault {
            None => Err(error),
            // A file that is cut off must have nine tenths of its rows, one with its end half of them.
            Some(fault) if missing > rows / if fault.has_end { 2 } else { 10 } => {
                Err(if fault.has_end {
                    PrepareError::Damaged(MediaType::Png)
                } else {
                    PrepareError::Truncated(MediaType::Png)
                })
            }
            Some(_) => Ok(()),
        }
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
        if let Some(fault) = self.fault {
            let memory = memory.saturating_sub(fault.copy_bytes);
            let mut downscaled = self.decode_rows(factor, memory)?;
            downscaled.repaired = true;
            return Ok(downscaled);
        }
        match self.decode_rows(factor, memory) {
            // What follows the pixels is checked too.
            Ok(mut downscaled) => {
                downscaled.repaired = self.reader.finish().is_err();
                Ok(downscaled)
            }
            Err(error @ (PrepareError::Damaged(_) | PrepareError::Truncated(_))) => {
                // The copy is about as long as the file.
                if self.file.len() as u64 > memory {
                    return Err(PrepareError::too_large(MediaType::Png, self.geometry.size));
                }
                Box::new(Self::open_repaired(self.file, error)?).decode(factor, memory)
            }
            Err(error) => Err(error),
        }
    }
}

fn read_header(
    file: Cow<'_, [u8]>,
    options: DecodeOptions,
) -> Result<Reader<Input<'_>>, PrepareError> {
    let mut decoder = Decoder::new_with_options(Cursor::new(file), options);
    decoder.set_limits(png::Limits {
        bytes: DECODER_BYTES,
    });
    // Expands palettes and low bit depths to bytes, drops the lower byte of 16 bits, and turns transparency into alpha.
    decoder.set_transformations(Transformations::normalize_to_color8());
    decoder
        .read_info()
        .map_err(|error| decode_error(&error, (0, 0)))
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
