//! Whether a file that cannot be decoded is shorter than it says, which tells a broken transfer from a broken file.

use crate::MediaType;

/// Whether the bytes end before the file does by its own account; only of formats whose decoders do not tell.
pub(super) fn is_cut_off(format: MediaType, bytes: &[u8]) -> bool {
    let number = |at: usize| {
        let four = bytes.get(at..)?.first_chunk::<4>();
        four.map(|four| u64::from(u32::from_le_bytes(*four)))
    };
    let length = bytes.len() as u64;
    match format {
        // What follows the first eight bytes (WebP container specification, "RIFF file format").
        MediaType::Webp => number(4).is_some_and(|rest| rest + 8 > length),
        // `bfSize` (Microsoft, "BITMAPFILEHEADER structure").
        MediaType::Bmp => number(2).is_some_and(|whole| whole > length),
        // The trailer (GIF89a specification, "Trailer").
        MediaType::Gif => bytes.last() != Some(&0x3B),
        MediaType::Avif => a_box_is_cut_off(bytes),
        _ => false,
    }
}

/// Walks the outermost boxes (ISO/IEC 14496-12, "Object structure").
fn a_box_is_cut_off(mut rest: &[u8]) -> bool {
    while let Some((head, after)) = rest.split_first_chunk::<8>() {
        let [a, b, c, d, ..] = *head;
        let length = match u32::from_be_bytes([a, b, c, d]) {
            // To the end of the file, wherever that is.
            0 => return false,
            1 => match after.first_chunk::<8>() {
                Some(long) => u64::from_be_bytes(*long),
                None => return true,
            },
            length => u64::from(length),
        };
        if length < 8 {
            return false;
        }
        let next = usize::try_from(length)
            .ok()
            .and_then(|length| rest.get(length..));
        let Some(next) = next else { return true };
        rest = next;
    }
    !rest.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn boxes_are_walked_to_the_end() {
        let whole = b"\0\0\0\x0Cftypavif\0\0\0\x01mdat\0\0\0\0\0\0\0\x12\x01\x02";
        assert!(!a_box_is_cut_off(whole));
        for end in 1..whole.len() {
            let between = end == 12;
            assert_eq!(a_box_is_cut_off(&whole[..end]), !between, "{end}");
        }
        assert!(!a_box_is_cut_off(b"\0\0\0\0mdat\x01"));
        assert!(!a_box_is_cut_off(b"\0\0\0\x07mdat\x01"));
    }
}
