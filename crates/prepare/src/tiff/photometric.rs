//! What a TIFF's directory says its numbers mean, read ahead of the decoder.
//!
//! The `tiff` crate knows palettes and refuses them, although indices are stored, packed and compressed
//! exactly as grey values are. So it is shown the file with one byte changed, the one that says what
//! the numbers mean; what they do mean is seen to here. Nothing is copied for it.

use std::io::{Cursor, Read, Result, Seek, SeekFrom};

/// Indices into a palette (TIFF 6.0, "PhotometricInterpretation").
pub(super) const PALETTE: u64 = 3;

/// Grey, black being zero (as above).
const GREY: u8 = 1;

/// The tag PhotometricInterpretation (TIFF 6.0).
const TAG: u64 = 262;

/// The photometric interpretation of the first page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Photometric {
    /// Its number.
    pub(super) value: u64,
    /// Where in the file the lowest byte of the number stands.
    place: u64,
}

impl Photometric {
    /// Reads it; `None` where the directory is not to be found or does not tell.
    pub(super) fn find(bytes: &[u8]) -> Option<Self> {
        let big_endian = bytes.starts_with(b"MM");
        let number = |at: usize, size: usize| {
            let digits = bytes.get(at..at.checked_add(size)?)?;
            let add = |sum: u64, digit: &u8| sum << 8 | u64::from(*digit);
            Some(if big_endian {
                digits.iter().fold(0, add)
            } else {
                digits.iter().rev().fold(0, add)
            })
        };
        // TIFF 6.0, "Image File Header" and "Image File Directory"; a BigTIFF has version 43, and
        // eight bytes for each place and count.
        let big = number(2, 2)? == 43;
        let (directory, word, first) = if big {
            (number(8, 8)?, 8, 8)
        } else {
            (number(4, 4)?, 4, 2)
        };
        let directory = usize::try_from(directory).ok()?;
        let count = usize::try_from(number(directory, first)?).ok()?;
        let first = directory.checked_add(first)?;
        // A tag, its type, a count, and the value or its place.
        let length = 2 + 2 + 2 * word;
        let entries = bytes.get(first..)?.len() / length;
        // Of several the decoder takes the last.
        let entry = (0..count.min(entries))
            .map(|index| first + index * length)
            .rfind(|entry| number(*entry, 2) == Some(TAG))?;
        let size = match number(entry + 2, 2)? {
            1 => 1,
            3 => 2,
            4 => 4,
            16 if big => 8,
            _ => return None,
        };
        let at = entry + 2 + 2 + word;
        let lowest = if big_endian { at + size - 1 } else { at };
        Some(Self {
            value: number(at, size)?,
            place: lowest as u64,
        })
    }
}

/// A file as the decoder is shown it.
pub(super) struct Shown<'a> {
    file: Cursor<&'a [u8]>,
    /// The place of a byte that is shown as [`GREY`].
    grey: Option<u64>,
}

impl<'a> Shown<'a> {
    /// As it is, but grey where it has a palette.
    pub(super) fn new(bytes: &'a [u8], photometric: Option<Photometric>) -> Self {
        Self {
            file: Cursor::new(bytes),
            grey: photometric
                .filter(|photometric| photometric.value == PALETTE)
                .map(|photometric| photometric.place),
        }
    }
}

impl Read for Shown<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let start = self.file.position();
        let read = self.file.read(buffer)?;
        let shown = self
            .grey
            .and_then(|place| place.checked_sub(start))
            .and_then(|offset| usize::try_from(offset).ok())
            .and_then(|offset| buffer.get_mut(..read)?.get_mut(offset));
        if let Some(byte) = shown {
            *byte = GREY;
        }
        Ok(read)
    }
}

impl Seek for Shown<'_> {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        self.file.seek(to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn classic(value: &[u8; 4], kind: u16) -> Vec<u8> {
        let mut bytes = b"MM\0*\0\0\0\x08\0\x02".to_vec();
        bytes.extend(b"\x01\0\0\x03\0\0\0\x01\0\x78\0\0");
        bytes.extend(262_u16.to_be_bytes());
        bytes.extend(kind.to_be_bytes());
        bytes.extend(b"\0\0\0\x01");
        bytes.extend(value);
        bytes
    }

    #[test]
    fn it_is_found_in_every_type_a_number_may_have() {
        for (value, kind, place) in [
            (&[3, 0, 0, 0], 1, 30),
            (&[0, 3, 0, 0], 3, 31),
            (&[0, 0, 0, 3], 4, 33),
        ] {
            let found = Photometric::find(&classic(value, kind));
            assert_eq!(found, Some(Photometric { value: 3, place }));
        }
        assert_eq!(Photometric::find(&classic(&[0, 0, 0, 3], 2)), None);
        for length in 0..classic(&[0, 3, 0, 0], 3).len() {
            let cut = &classic(&[0, 3, 0, 0], 3)[..length];
            assert!(Photometric::find(cut).is_none() || length >= 32);
        }
        // A BigTIFF, whose directory says that it has more entries than there are bytes.
        let mut big = b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
        big.extend([0xFF; 8]);
        big.extend(b"\x06\x01\x03\0\x01\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0");
        let found = Photometric::find(&big);
        assert_eq!(
            found,
            Some(Photometric {
                value: 5,
                place: 36
            })
        );
        big[8..16].fill(0xFF);
        assert_eq!(Photometric::find(&big), None);
    }

    #[test]
    fn one_byte_is_shown_as_another_however_it_is_read() {
        let bytes = classic(&[0, 3, 0, 0], 3);
        let found = Photometric::find(&bytes);
        for step in 1..bytes.len() {
            let mut shown = Shown::new(&bytes, found);
            let mut read = vec![0; bytes.len()];
            for part in read.chunks_mut(step) {
                shown.read_exact(part).unwrap();
            }
            let expected = classic(&[0, 1, 0, 0], 3);
            assert_eq!(read, expected, "{step}");
            shown.seek(SeekFrom::Start(31)).unwrap();
            let mut one = [9];
            shown.read_exact(&mut one).unwrap();
            assert_eq!(one, [GREY]);
        }
        let rgb = classic(&[0, 2, 0, 0], 3);
        let mut read = Vec::new();
        Shown::new(&rgb, Photometric::find(&rgb))
            .read_to_end(&mut read)
            .unwrap();
        assert_eq!(read, rgb);
    }
}
