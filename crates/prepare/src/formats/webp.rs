//! WebP. The `image` crate decodes the pixels; orientation, profile and the sizes of all frames are read here.

use std::io::Cursor;

use image::{ImageDecoder, codecs::webp::WebPDecoder};

use super::{
    buffered::{Buffered, decode_error},
    decoder::PictureDecoder,
};
use crate::{
    containers::riff, error::PrepareError, limits::MAX_ICC_BYTES, media::MediaType,
    orientation::Orientation,
};

/// The largest Exif chunk that is read, in bytes: the most that a JPEG can hold.
const MAX_EXIF_BYTES: usize = 64 * 1024;

/// A still picture, or the first frame of an animation. The `EXIF` chunk gives the orientation.
pub(super) fn open(file: &[u8]) -> Result<impl PictureDecoder, PrepareError> {
    let decoder = WebPDecoder::new(Cursor::new(file))
        .map_err(|error| decode_error(&error, MediaType::Webp))?;
    let (width, height) = decoder.dimensions();
    let mut working_bytes = 2;
    // Read here, because the decoder allocates as many bytes as a chunk claims to have.
    let (mut orientation, mut icc) = (None, None);
    for (kind, body) in riff::chunks(file.get(12..).unwrap_or_default()) {
        let (inner, needed) = match kind {
            // A frame, which is decoded beside the canvas.
            b"ANMF" => (body.get(16..).unwrap_or_default(), 8),
            b"EXIF" if body.len() <= MAX_EXIF_BYTES => {
                // Some writers add the prefix of JPEG files.
                let exif = body.strip_prefix(b"Exif\0\0").unwrap_or(body);
                orientation = orientation.or_else(|| Orientation::from_exif_chunk(exif));
                continue;
            }
            b"ICCP" => {
                icc = icc.or_else(|| (body.len() <= MAX_ICC_BYTES).then(|| body.to_vec()));
                continue;
            }
            // A second copy of the picture, or transparency beside three planes.
            b"VP8L" | b"ALPH" => (&[][..], 4),
            _ => (&[][..], 2),
        };
        working_bytes = working_bytes.max(needed);
        // The decoder compares sizes only after decoding.
        if riff::chunks(inner)
            .chain([(kind, body)])
            .filter_map(|(kind, body)| coded_size(kind, body))
            .any(|(coded_width, coded_height)| coded_width > width || coded_height > height)
        {
            return Err(PrepareError::Damaged(MediaType::Webp));
        }
    }
    let orientation = orientation.unwrap_or(Orientation::NoTransforms);
    Buffered::new(decoder, MediaType::Webp, orientation, working_bytes, icc)
}

/// Width and height in the header of coded data, in pixels (RFC 6386, section 9.1; WebP lossless bitstream
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
