//! The photometric interpretation of a TIFF, read before the decoder sees the file.
//!
//! The `tiff` crate rejects pictures with a palette, although indices are stored, packed and compressed exactly like grey values.
//! So it reads the file through [`GreyscaleReader`], which changes the one byte that says so, and `samples` applies the palette.

use std::io::{Cursor, Read, Result, Seek, SeekFrom};

/// The value for indices into a palette (TIFF 6.0, "PhotometricInterpretation").
pub(super) const PALETTE: u64 = 3;

/// The value for grey with black as zero (same source).
const BLACK_IS_ZERO: u8 = 1;

/// The tag PhotometricInterpretation (TIFF 6.0).
const TAG: u64 = 262;

/// The photometric interpretation of the first page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Photometric {
    /// The tag's value.
    pub(super) value: u64,
    /// The offset of the value's lowest byte in the file.
    offset: u64,
}

impl Photometric {
    /// Reads it. `None` if the directory or the tag is missing.
    pub(super) fn find(file: &[u8]) -> Option<Self> {
        let big_endian = file.starts_with(b"MM");
        let number = |at: usize, size: usize| {
            let digits = file.get(at..at.checked_add(size)?)?;
            let add = |sum: u64, digit: &u8| sum << 8 | u64::from(*digit);
            Some(if big_endian {
                digits.iter().fold(0, add)
            } else {
                digits.iter().rev().fold(0, add)
            })
        };
        // TIFF 6.0, "Image File Header" and "Image File Directory". A BigTIFF has version 43, and 8 bytes for each offset and
        // count.
        let big = number(2, 2)? == 43;
        let (directory, word, first) = if big {
            (number(8, 8)?, 8, 8)
        } else {
            (number(4, 4)?, 4, 2)
        };
        let directory = usize::try_from(directory).ok()?;
        let count = usize::try_from(number(directory, first)?).ok()?;
        let first = directory.checked_add(first)?;
        // A tag, its type, a count, and the value or its offset.
        let length = 2 + 2 + 2 * word;
        let entries = file.get(first..)?.len() / length;
        // The decoder uses the last entry.
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
            offset: lowest as u64,
        })
    }
}

/// A file in which a picture with a palette claims to be grey.
pub(super) struct GreyscaleReader<'a> {
    file: Cursor<&'a [u8]>,
    /// The offset of the byte that reads as [`BLACK_IS_ZERO`].
    patched: Option<u64>,
}

impl<'a> GreyscaleReader<'a> {
    pub(super) fn new(file: &'a [u8], photometric: Option<Photometric>) -> Self {
        Self {
            file: Cursor::new(file),
            patched: photometric
                .filter(|photometric| photometric.value == PALETTE)
                .map(|photometric| photometric.offset),
        }
    }
}

impl Read for GreyscaleReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let start = self.file.position();
        let read = self.file.read(buffer)?;
        let patched = self
            .patched
            .and_then(|offset| offset.checked_sub(start))
            .and_then(|offset| usize::try_from(offset).ok())
            .and_then(|offset| buffer.get_mut(..read)?.get_mut(offset));
        if let Some(byte) = patched {
            *byte = BLACK_IS_ZERO;
        }
        Ok(read)
    }
}

impl Seek for GreyscaleReader<'_> {
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
    fn finds_values_of_every_type() {
        for (value, kind, offset) in [
            (&[3, 0, 0, 0], 1, 30),
            (&[0, 3, 0, 0], 3, 31),
            (&[0, 0, 0, 3], 4, 33),
        ] {
            let found = Photometric::find(&classic(value, kind));
            assert_eq!(found, Some(Photometric { value: 3, offset }));
        }
        assert_eq!(Photometric::find(&classic(&[0, 0, 0, 3], 2)), None);
        for length in 0..classic(&[0, 3, 0, 0], 3).len() {
            let cut = &classic(&[0, 3, 0, 0], 3)[..length];
            assert!(Photometric::find(cut).is_none() || length >= 32);
        }
        // A BigTIFF whose directory claims more entries than there are bytes.
        let mut big = b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0".to_vec();
        big.extend([0xFF; 8]);
        big.extend(b"\x06\x01\x03\0\x01\0\0\0\0\0\0\0\x05\0\0\0\0\0\0\0");
        let found = Photometric::find(&big);
        assert_eq!(
            found,
            Some(Photometric {
                value: 5,
                offset: 36
            })
        );
        big[8..16].fill(0xFF);
        assert_eq!(Photometric::find(&big), None);
    }

    #[test]
    fn the_patched_byte_reads_the_same_in_pieces_of_any_size() {
        let bytes = classic(&[0, 3, 0, 0], 3);
        let found = Photometric::find(&bytes);
        for step in 1..bytes.len() {
            let mut reader = GreyscaleReader::new(&bytes, found);
            let mut read = vec![0; bytes.len()];
            for part in read.chunks_mut(step) {
                reader.read_exact(part).unwrap();
            }
            let expected = classic(&[0, 1, 0, 0], 3);
            assert_eq!(read, expected, "{step}");
            reader.seek(SeekFrom::Start(31)).unwrap();
            let mut one = [9];
            reader.read_exact(&mut one).unwrap();
            assert_eq!(one, [BLACK_IS_ZERO]);
        }
        let rgb = classic(&[0, 2, 0, 0], 3);
        let mut read = Vec::new();
        GreyscaleReader::new(&rgb, Photometric::find(&rgb))
            .read_to_end(&mut read)
            .unwrap();
        assert_eq!(read, rgb);
    }
}
