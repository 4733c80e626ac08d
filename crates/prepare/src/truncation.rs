//! Tells an incomplete file from a damaged one, for formats whose decoders do not.

use crate::{containers::isobmff::Boxes, media::MediaType};

/// Whether the file is shorter than it claims to be.
pub(crate) fn is_truncated(format: MediaType, file: &[u8]) -> bool {
    let number = |at: usize| {
        let four = file.get(at..)?.first_chunk::<4>();
        four.map(|four| u64::from(u32::from_le_bytes(*four)))
    };
    let length = file.len() as u64;
    match format {
        // The length excludes the first eight bytes (WebP container specification, "RIFF file format").
        MediaType::Webp => number(4).is_some_and(|rest| rest + 8 > length),
        // `bfSize` (Microsoft, "BITMAPFILEHEADER structure").
        MediaType::Bmp => number(2).is_some_and(|size| size > length),
        // The trailer (GIF89a specification, "Trailer").
        MediaType::Gif => file.last() != Some(&0x3B),
        MediaType::Avif => Boxes::new(file).ends_within_a_box(),
        _ => false,
    }
}
