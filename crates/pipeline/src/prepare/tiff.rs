//! TIFF, strip by strip or one row of tiles after the other; of several pages the first.

use std::io::{Cursor, ErrorKind};

use image::metadata::Orientation;
use tiff::{
    ColorType, TiffError, TiffFormatError,
    decoder::{ChunkType, Decoder, DecodingResult, Limits},
    tags::Tag,
};

use super::{
    MAX_UNPACKED_BYTES, PrepareError, Source, Stored,
    reduce::{Layout, Profile, Reduced, Reducer},
};
use crate::MediaType;

/// The largest tag that is read, in bytes: a profile, or the places of very many strips.
const TAG_BYTES: usize = 4 * 1024 * 1024;

/// The largest strip or tile, in bytes.
const CHUNK_BYTES: usize = 128 * 1024 * 1024;

pub(super) struct Tiff<'a> {
    decoder: Decoder<Cursor<&'a [u8]>>,
    stored: Stored,
}

impl<'a> Tiff<'a> {
    pub(super) fn open(bytes: &'a [u8]) -> Result<Self, PrepareError> {
        let mut limits = Limits::default();
        limits.ifd_value_size = TAG_BYTES;
        limits.decoding_buffer_size = CHUNK_BYTES;
        limits.intermediate_buffer_size = CHUNK_BYTES;
        let mut decoder = Decoder::new(Cursor::new(bytes))
            .map_err(|error| refused(&error, (0, 0)))?
            .with_limits(limits);
        let size = decoder
            .dimensions()
            .map_err(|error| refused(&error, (0, 0)))?;
        if size.0 == 0 || size.1 == 0 {
            return Err(PrepareError::Damaged(MediaType::Tiff));
        }
        let orientation = decoder
            .find_tag_unsigned::<u8>(Tag::Orientation)
            .ok()
            .flatten()
            .and_then(Orientation::from_exif)
            .unwrap_or(Orientation::NoTransforms);
        Ok(Self {
            decoder,
            stored: Stored { size, orientation },
        })
    }
}

impl Source for Tiff<'_> {
    fn format(&self) -> MediaType {
        MediaType::Tiff
    }

    fn stored(&self) -> Stored {
        self.stored
    }

    fn decode(mut self: Box<Self>, factor: u32, memory: u64) -> Result<Reduced, PrepareError> {
        let size = self.stored.size;
        let (width, height) = size;
        let failed = |error: TiffError| refused(&error, size);
        let damaged = || PrepareError::Damaged(MediaType::Tiff);
        let samples = Samples::of(self.decoder.colortype().map_err(failed)?)?;
        let profile = Profile::from(self.decoder.get_tag_u8_vec(Tag::IccProfile).ok());
        let planes = match self
            .decoder
            .find_tag_unsigned::<u16>(Tag::PlanarConfiguration)
        {
            Ok(Some(2)) => samples.stored,
            _ => 1,
        };
        let (chunk_width, chunk_height) = self.decoder.chunk_dimensions();
        if chunk_width == 0 || chunk_height == 0 {
            return Err(damaged());
        }
        let across = match self.decoder.get_chunk_type() {
            ChunkType::Strip => 1,
            ChunkType::Tile => width.div_ceil(chunk_width),
        };
        let band_height = chunk_height.min(height);
        let bands = height.div_ceil(chunk_height);
        // A band of pixels, a chunk as it was decoded and the decoder's own copy of it.
        let band = u64::from(width) * u64::from(band_height) * samples.layout.bytes() as u64;
        let chunk = u64::from(chunk_width)
            * u64::from(band_height)
            * (samples.stored / planes) as u64
            * u64::from(samples.bits.div_ceil(8));
        // Chunks at the edge reach beyond the picture, and are decoded all the same.
        let chunks = u64::from(across) * u64::from(bands) * planes as u64;
        if chunks.saturating_mul(chunk) > MAX_UNPACKED_BYTES {
            return Err(too_large(size));
        }
        let needed = band + chunk * 2 + Reducer::memory(width, height, samples.layout, factor);
        let band = usize::try_from(band)
            .ok()
            .filter(|_| needed <= memory)
            .ok_or_else(|| too_large(size))?;
        let mut reducer = Reducer::new(width, samples.layout, factor);
        let mut pixels = vec![0; band];
        let row_bytes = width as usize * samples.layout.bytes();
        for band in 0..bands {
            let rows = (height - band * chunk_height).min(chunk_height) as usize;
            for plane in 0..planes {
                for column in 0..across {
                    let index = (plane as u32)
                        .checked_mul(bands)
                        .and_then(|first| first.checked_add(band))
                        .and_then(|row| row.checked_mul(across))
                        .and_then(|first| first.checked_add(column))
                        .ok_or_else(damaged)?;
                    let decoded = self.decoder.read_chunk(index).map_err(failed)?;
                    let left = column as usize * chunk_width as usize;
                    let columns = (width as usize - left).min(chunk_width as usize);
                    let values = samples.bytes(decoded, columns * samples.stored / planes)?;
                    let length = columns * samples.stored / planes;
                    for (from, to) in values
                        .chunks_exact(length)
                        .zip(pixels.chunks_exact_mut(row_bytes))
                        .take(rows)
                    {
                        let to = to
                            .get_mut(left * samples.layout.bytes()..)
                            .ok_or_else(damaged)?;
                        if planes == 1 {
                            copy_pixels(from, samples.stored, to, samples.layout.bytes());
                        } else {
                            for (to, from) in to.chunks_exact_mut(samples.layout.bytes()).zip(from)
                            {
                                if let Some(to) = to.get_mut(plane) {
                                    *to = *from;
                                }
                            }
                        }
                    }
                }
            }
            for row in pixels.chunks_exact(row_bytes).take(rows) {
                reducer.push(row);
            }
        }
        Ok(reducer.finish(profile))
    }
}

/// Copies the first samples of each pixel, leaving out those that mean nothing here.
fn copy_pixels(from: &[u8], stored: usize, to: &mut [u8], kept: usize) {
    if stored == kept {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
        return;
    }
    for (to, from) in to.chunks_exact_mut(kept).zip(from.chunks_exact(stored)) {
        for (to, from) in to.iter_mut().zip(from) {
            *to = *from;
        }
    }
}

/// How the samples of a pixel are stored, and what is made of them.
struct Samples {
    layout: Layout,
    /// Samples for each pixel.
    stored: usize,
    /// Bits for each sample.
    bits: u8,
}

impl Samples {
    fn of(colours: ColorType) -> Result<Self, PrepareError> {
        let (layout, stored, bits) = match colours {
            ColorType::Gray(bits) => (Layout::Grey, 1, bits),
            ColorType::GrayA(bits) => (Layout::GreyAlpha, 2, bits),
            ColorType::RGB(bits) | ColorType::YCbCr(bits) => (Layout::Rgb, 3, bits),
            ColorType::RGBA(bits) => (Layout::RgbAlpha, 4, bits),
            ColorType::CMYK(bits) => (Layout::Cmyk, 4, bits),
            ColorType::CMYKA(bits) => (Layout::Cmyk, 5, bits),
            ColorType::Multiband {
                bit_depth,
                num_samples,
            } => (Layout::Grey, usize::from(num_samples), bit_depth),
            ColorType::Palette(_) => return Err(unsupported("a colour palette")),
            _ => return Err(unsupported("rare colours")),
        };
        // Fewer than eight bits only in grey, where nothing has to be picked apart.
        if !matches!((bits, stored), (1 | 2 | 4, 1) | (8 | 16, _)) || stored == 0 {
            return Err(unsupported("an unusual number of bits for each colour"));
        }
        Ok(Self {
            layout,
            stored,
            bits,
        })
    }

    /// The samples in eight bits each, of rows of `length` samples.
    fn bytes(&self, decoded: DecodingResult, length: usize) -> Result<Vec<u8>, PrepareError> {
        match decoded {
            DecodingResult::U8(values) if self.bits == 8 => Ok(values),
            DecodingResult::U8(values) => {
                let row = length.div_ceil(usize::from(8 / self.bits)).max(1);
                Ok(values
                    .chunks(row)
                    .flat_map(|row| unpack(row, self.bits).take(length))
                    .collect())
            }
            DecodingResult::U16(values) => {
                Ok(values.iter().map(|value| (value >> 8) as u8).collect())
            }
            _ => Err(unsupported("numbers that are not whole, or have a sign")),
        }
    }
}

/// Samples of one, two or four bits, the first in the highest, spread over 0 to 255.
fn unpack(row: &[u8], bits: u8) -> impl Iterator<Item = u8> {
    let most = (1_u8 << bits) - 1;
    row.iter().flat_map(move |byte| {
        (0..8 / bits).map(move |place| {
            let value = (byte >> (8 - bits * (place + 1))) & most;
            value * (255 / most)
        })
    })
}

fn unsupported(feature: &str) -> PrepareError {
    PrepareError::Unsupported {
        format: MediaType::Tiff,
        feature: feature.to_owned(),
    }
}

fn too_large((width, height): (u32, u32)) -> PrepareError {
    PrepareError::TooLarge {
        format: MediaType::Tiff,
        width,
        height,
    }
}

fn refused(error: &TiffError, size: (u32, u32)) -> PrepareError {
    match error {
        TiffError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            PrepareError::Truncated(MediaType::Tiff)
        }
        TiffError::LimitsExceeded | TiffError::IntSizeError => too_large(size),
        TiffError::UnsupportedError(_) => unsupported("a kind of compression or colours"),
        TiffError::FormatError(TiffFormatError::ImageFileDirectoryNotFound) => {
            PrepareError::Truncated(MediaType::Tiff)
        }
        _ => PrepareError::Damaged(MediaType::Tiff),
    }
}
