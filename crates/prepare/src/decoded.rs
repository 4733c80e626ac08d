//! WebP, GIF and BMP, which are decoded whole before they are shrunk.

use std::io::{self, Cursor};

use image::{
    ColorType, ImageDecoder, ImageError,
    codecs::{bmp::BmpDecoder, gif::GifDecoder, webp::WebPDecoder},
    metadata::Orientation,
};

use super::{
    PrepareError, Source, Stored,
    colour::MAX_ICC,
    reduce::{Layout, Profile, Reduced, Reducer, reduce_whole},
};
use crate::MediaType;

/// A picture whose decoder writes all of it into one buffer.
pub(super) struct Decoded<D> {
    decoder: D,
    format: MediaType,
    stored: Stored,
    /// What the decoder holds besides that buffer, in bytes for a pixel.
    working_bytes: u64,
    icc: Option<Vec<u8>>,
}

/// The largest Exif chunk that is read, in bytes: as large as a JPEG could have it.
const MAX_EXIF_BYTES: usize = 64 * 1024;

/// Still or animated; of an animation the first frame. Upright by its `EXIF` chunk.
pub(super) fn webp(bytes: &[u8]) -> Result<impl Source, PrepareError> {
    let decoder =
        WebPDecoder::new(Cursor::new(bytes)).map_err(|error| refused(&error, MediaType::Webp))?;
    let (width, height) = decoder.dimensions();
    let mut working_bytes = 2;
    // Read here, since the decoder sets aside as many bytes as a chunk says it has.
    let (mut orientation, mut icc) = (None, None);
    for (kind, body) in webp_chunks(bytes.get(12..).unwrap_or_default()) {
        let (inner, needed) = match kind {
            // A frame, and what decoding it takes, beside the canvas.
            b"ANMF" => (body.get(16..).unwrap_or_default(), 8),
            b"EXIF" if body.len() <= MAX_EXIF_BYTES => {
                // Some writers put a JPEG's prefix before it.
                let exif = body.strip_prefix(b"Exif\0\0").unwrap_or(body);
                orientation = orientation.or_else(|| Orientation::from_exif_chunk(exif));
                continue;
            }
            b"ICCP" => {
                icc = icc.or_else(|| (body.len() <= MAX_ICC).then(|| body.to_vec()));
                continue;
            }
            // A second picture; or transparency beside three planes.
            b"VP8L" | b"ALPH" => (&[][..], 4),
            _ => (&[][..], 2),
        };
        working_bytes = working_bytes.max(needed);
        // The decoder compares sizes only once it has decoded.
        if webp_chunks(inner)
            .chain([(kind, body)])
            .filter_map(|(kind, body)| coded_size(kind, body))
            .any(|(coded_width, coded_height)| coded_width > width || coded_height > height)
        {
            return Err(PrepareError::Damaged(MediaType::Webp));
        }
    }
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Ok(Decoded {
        icc,
        ..Decoded::new(decoder, MediaType::Webp, orientation, working_bytes)?
    })
}

/// The chunks of a WebP file (WebP container specification, "RIFF file format").
fn webp_chunks(mut rest: &[u8]) -> impl Iterator<Item = (&[u8; 4], &[u8])> {
    std::iter::from_fn(move || {
        let (kind, after) = rest.split_first_chunk::<4>()?;
        let (length, body) = after.split_first_chunk::<4>()?;
        let length = u32::from_le_bytes(*length) as usize;
        // Filled up to an even number.
        rest = body.get(length + length % 2..).unwrap_or_default();
        Some((kind, body.get(..length).unwrap_or(body)))
    })
}

/// The size in the header of coded data (RFC 6386, section 9.1; WebP lossless bitstream
/// specification, "RIFF header").
fn coded_size(kind: &[u8; 4], body: &[u8]) -> Option<(u32, u32)> {
    match kind {
        b"VP8 " => {
            let &[w0, w1, h0, h1] = body.get(6..)?.first_chunk::<4>()?;
            let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3FFF);
            Some((side(w0, w1), side(h0, h1)))
        }
        b"VP8L" => {
            let bits = u32::from_le_bytes(*body.get(1..)?.first_chunk::<4>()?);
            Some(((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1))
        }
        _ => None,
    }
}

/// The first frame on its canvas.
pub(super) fn gif(bytes: &[u8]) -> Result<impl Source, PrepareError> {
    let decoder =
        GifDecoder::new(Cursor::new(bytes)).map_err(|error| refused(&error, MediaType::Gif))?;
    // The frame in indices, and with alpha where it does not cover the canvas.
    Decoded::new(decoder, MediaType::Gif, Orientation::NoTransforms, 5)
}

pub(super) fn bmp(bytes: &[u8]) -> Result<impl Source, PrepareError> {
    let mut decoder =
        BmpDecoder::new(Cursor::new(bytes)).map_err(|error| refused(&error, MediaType::Bmp))?;
    let icc = decoder.icc_profile().ok().flatten();
    Ok(Decoded {
        icc,
        ..Decoded::new(decoder, MediaType::Bmp, Orientation::NoTransforms, 1)?
    })
}

impl<D: ImageDecoder> Decoded<D> {
    fn new(
        decoder: D,
        format: MediaType,
        orientation: Orientation,
        working_bytes: u64,
    ) -> Result<Self, PrepareError> {
        let size = decoder.dimensions();
        if size.0 == 0 || size.1 == 0 {
            return Err(PrepareError::Damaged(format));
        }
        Ok(Self {
            decoder,
            format,
            stored: Stored { size, orientation },
            working_bytes,
            icc: None,
        })
    }
}

impl<D: ImageDecoder> Source for Decoded<D> {
    fn format(&self) -> MediaType {
        self.format
    }

    fn stored(&self) -> Stored {
        self.stored
    }

    fn decode(mut self: Box<Self>, factor: u32, memory: u64) -> Result<Reduced, PrepareError> {
        let format = self.format;
        let (width, height) = self.stored.size;
        let too_large = || PrepareError::TooLarge {
            format,
            width,
            height,
        };
        let layout = match self.decoder.color_type() {
            ColorType::L8 => Layout::Grey,
            ColorType::La8 => Layout::GreyAlpha,
            ColorType::Rgb8 => Layout::Rgb,
            ColorType::Rgba8 => Layout::RgbAlpha,
            _ => return Err(PrepareError::internal("unpacking pixels")),
        };
        let pixels = u64::from(width) * u64::from(height);
        let whole = pixels * layout.bytes() as u64;
        let needed = whole
            + (pixels * self.working_bytes).max(Reducer::memory(width, height, layout, factor));
        let length = usize::try_from(whole)
            .ok()
            .filter(|_| needed <= memory)
            .ok_or_else(too_large)?;
        let mut limits = image::Limits::no_limits();
        limits.max_alloc = Some(memory - whole);
        self.decoder
            .set_limits(limits)
            .map_err(|error| refused(&error, format))?;
        let profile = Profile::from(self.icc.take());
        let mut pixels = vec![0; length];
        self.decoder
            .read_image(&mut pixels)
            .map_err(|error| match error {
                ImageError::Limits(_) => too_large(),
                error => refused(&error, format),
            })?;
        Ok(reduce_whole(pixels, width, layout, factor, profile))
    }
}

/// Where an error comes from in the end tells whether the bytes end too early.
fn refused(error: &ImageError, format: MediaType) -> PrepareError {
    if let ImageError::Unsupported(_) = error {
        return PrepareError::Unsupported {
            format,
            feature: "a variant of its format".to_owned(),
        };
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
