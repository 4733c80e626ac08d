//! From the bytes of a row to samples of 8 bits.

use super::{
    errors::{damaged, unsupported},
    page::{Page, Predictor, SampleFormat},
};
use crate::error::PrepareError;

/// Where a sample is in its bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Whole numbers of up to 16 bits, of which the highest 8 are used.
    Bits,
    /// Indices into a palette.
    Index,
    /// Numbers without a fixed white: of more than 16 bits, with a sign, or with fractions.
    Wide,
}

/// How the samples are stored.
#[derive(Debug)]
pub(super) struct Samples {
    kind: Kind,
    bits: usize,
    format: SampleFormat,
    big_endian: bool,
    predictor: Predictor,
    /// Samples of a pixel that are stored together.
    together: usize,
    /// What wide numbers are multiplied with.
    scale: f32,
    /// For each byte the numbers of 1, 2 or 4 bits that are in it.
    packed: Vec<u8>,
    bytes: Vec<u8>,
}

/// Unpacks every possible byte, scaled to the full range unless the numbers are indices.
fn packed(kind: Kind, bits: usize) -> Vec<u8> {
    if !matches!(bits, 1 | 2 | 4) {
        return Vec::new();
    }
    let max = (1_u8 << bits) - 1;
    let step = if kind == Kind::Index { 1 } else { 255 / max };
    (0..=255_u8)
        .flat_map(|byte| {
            (1..=8 / bits).map(move |place| ((byte >> (8 - bits * place)) & max) * step)
        })
        .collect()
}

impl Samples {
    pub(super) fn new(page: &Page<'_>, is_palette: bool) -> Result<Self, PrepareError> {
        let bits = page.bits;
        let kind = match (is_palette, page.format, bits) {
            (true, _, 1..=8) => Kind::Index,
            (true, ..) => return Err(unsupported(format!("a palette with {bits} bits a pixel"))),
            (_, SampleFormat::Float, 16 | 32 | 64) => Kind::Wide,
            (_, SampleFormat::Float, _) => {
                return Err(unsupported(format!(
                    "floating-point samples of {bits} bits"
                )));
            }
            (_, SampleFormat::Signed, 16) | (.., 32) => Kind::Wide,
            (.., 1..=16) => Kind::Bits,
            _ => return Err(unsupported(format!("{bits} bits a colour"))),
        };
        Ok(Self {
            kind,
            bits: usize::from(bits),
            format: page.format,
            // The floating-point predictor stores the highest bytes first.
            big_endian: page.directory.big_endian || page.predictor == Predictor::Float,
            predictor: page.predictor,
            together: page.samples_together(),
            scale: 1.0,
            packed: packed(kind, usize::from(bits)),
            bytes: Vec::new(),
        })
    }

    /// Whether [`set_white`](Self::set_white) must be told the largest number.
    pub(super) fn needs_white(&self) -> bool {
        self.kind == Kind::Wide
    }

    /// Chooses the white of numbers without a fixed one: the smallest usual range that holds the largest number.
    pub(super) fn set_white(&mut self, largest: f32) {
        let usual = match self.format {
            SampleFormat::Float => &[1.0, 255.0, 65_535.0][..],
            _ => &[255.0, 65_535.0, 4_294_967_295.0],
        };
        let white = usual.iter().find(|white| **white >= largest);
        self.scale = 255.0 / white.copied().unwrap_or(largest);
    }

    /// The largest number in a row of wide numbers.
    pub(super) fn largest(&self, row: &[u8]) -> f32 {
        row.chunks_exact(self.bits / 8)
            .map(|bytes| self.number(bytes))
            .filter(|number| number.is_finite())
            .fold(0.0, f32::max)
    }

    /// Undoes the predictor in a row.
    pub(super) fn undo_predictor(&mut self, row: &mut [u8]) {
        match self.predictor {
            Predictor::None => {}
            Predictor::Horizontal => match self.bits {
                8 => add_left::<1>(row, self.together, self.big_endian),
                16 => add_left::<2>(row, self.together, self.big_endian),
                32 => add_left::<4>(row, self.together, self.big_endian),
                _ => add_left::<8>(row, self.together, self.big_endian),
            },
            Predictor::Float => {
                add_left::<1>(row, self.together, true);
                // All highest bytes come first, then all second ones.
                let size = self.bits / 8;
                let count = row.len() / size;
                self.bytes.clear();
                for index in 0..count {
                    let value = (0..size).filter_map(|byte| row.get(byte * count + index));
                    self.bytes.extend(value.copied());
                }
                row.iter_mut()
                    .zip(&self.bytes)
                    .for_each(|(to, from)| *to = *from);
            }
        }
    }

    /// Appends the first `count` samples of a row.
    pub(super) fn append(
        &self,
        row: &[u8],
        count: usize,
        samples: &mut Vec<u8>,
    ) -> Result<(), PrepareError> {
        let bits = self.bits;
        match (self.kind, bits) {
            (Kind::Wide, _) => {
                let numbers = row.chunks_exact(bits / 8).take(count);
                samples.extend(
                    numbers.map(|bytes| (self.number(bytes) * self.scale + 0.5).max(0.0) as u8),
                );
            }
            (_, 8) => samples.extend(row.get(..count).ok_or_else(damaged)?),
            (_, 16) => {
                let high = usize::from(!self.big_endian);
                let (pairs, _) = row.as_chunks::<2>();
                let bytes = pairs.iter().take(count);
                samples.extend(bytes.filter_map(|pair| pair.get(high)));
            }
            (_, 1 | 2 | 4) => {
                let (per_byte, end) = (8 / bits, samples.len() + count);
                for byte in row.iter().take(count.div_ceil(per_byte)) {
                    let at = usize::from(*byte) * per_byte;
                    samples
                        .extend_from_slice(self.packed.get(at..at + per_byte).unwrap_or_default());
                }
                samples.truncate(end);
            }
            (kind, _) => {
                // Numbers of other sizes follow each other without gaps, the highest bits first.
                let max = (1_u32 << bits) - 1;
                let byte = |at: usize| row.get(at).copied().map_or(0, u32::from);
                samples.extend((0..count).map(|index| {
                    let (first, shift) = (index * bits / 8, index * bits % 8);
                    let four = byte(first) << 16 | byte(first + 1) << 8 | byte(first + 2);
                    let value = four >> (24 - shift - bits) & max;
                    if kind == Kind::Index {
                        value as u8
                    } else {
                        ((value * 255 + max / 2) / max) as u8
                    }
                }));
            }
        }
        Ok(())
    }

    /// A wide number.
    fn number(&self, bytes: &[u8]) -> f32 {
        let add = |sum: u64, byte: &u8| sum << 8 | u64::from(*byte);
        let value = if self.big_endian {
            bytes.iter().fold(0, add)
        } else {
            bytes.iter().rev().fold(0, add)
        };
        match (self.format, self.bits) {
            (SampleFormat::Float, 16) => half(value as u16),
            (SampleFormat::Float, 32) => f32::from_bits(value as u32),
            (SampleFormat::Float, _) => f64::from_bits(value) as f32,
            (SampleFormat::Signed, 16) => f32::from(value as u16 as i16),
            (SampleFormat::Signed, _) => value as u32 as i32 as f32,
            (SampleFormat::Unsigned, _) => value as f32,
        }
    }
}

/// Turns differences from the pixel to the left into numbers of `SIZE` bytes.
fn add_left<const SIZE: usize>(row: &mut [u8], together: usize, big_endian: bool) {
    let (numbers, _) = row.as_chunks_mut::<SIZE>();
    let mut left = vec![[0_u8; SIZE]; together];
    for pixel in numbers.chunks_exact_mut(together) {
        for (number, left) in pixel.iter_mut().zip(&mut left) {
            let mut carry = 0;
            for place in 0..SIZE {
                // From the lowest byte to the highest.
                let place = if big_endian { SIZE - 1 - place } else { place };
                if let (Some(byte), Some(left)) = (number.get_mut(place), left.get(place)) {
                    let sum = u16::from(*byte) + u16::from(*left) + carry;
                    (*byte, carry) = (sum as u8, sum >> 8);
                }
            }
            *left = *number;
        }
    }
}

/// A number of IEEE 754's half precision.
fn half(bits: u16) -> f32 {
    let sign = if bits & 0x8000 == 0 { 1.0 } else { -1.0 };
    let (exponent, fraction) = (i32::from(bits >> 10 & 31), f32::from(bits & 0x3FF));
    sign * match exponent {
        0 => fraction * 2_f32.powi(-24),
        31 => f32::INFINITY,
        _ => (1.0 + fraction / 1024.0) * 2_f32.powi(exponent - 15),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(kind: Kind, bits: usize, big_endian: bool) -> Samples {
        Samples {
            kind,
            bits,
            format: SampleFormat::Unsigned,
            big_endian,
            predictor: Predictor::Horizontal,
            together: 1,
            scale: 1.0,
            packed: packed(kind, bits),
            bytes: Vec::new(),
        }
    }

    fn appended(samples: &Samples, row: &[u8], count: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        samples.append(row, count, &mut bytes).unwrap();
        bytes
    }

    #[test]
    fn numbers_of_few_bits_are_scaled_to_the_full_range() {
        for (bits, row, expected) in [
            (1, &[0b1010_0000][..], [255, 0, 255]),
            (2, &[0b0001_1100], [0, 85, 255]),
            (4, &[0x0F, 0x70], [0, 255, 119]),
            (12, &[0x00, 0x0F, 0xFF, 0x80, 0x00], [0, 255, 128]),
            (10, &[0, 0x3F, 0xF8, 0x00], [0, 255, 128]),
        ] {
            let samples = samples(Kind::Bits, bits, false);
            assert_eq!(appended(&samples, row, 3), expected, "{bits}");
        }
        let indices = samples(Kind::Index, 2, false);
        assert_eq!(appended(&indices, &[0b00_01_10_11], 4), [0, 1, 2, 3]);
    }

    #[test]
    fn differences_are_added_in_either_byte_order() {
        for (big_endian, mut row) in [
            (true, [0x01, 0xFF, 0x00, 0x02]),
            (false, [0xFF, 0x01, 0x02, 0]),
        ] {
            let mut samples = samples(Kind::Bits, 16, big_endian);
            samples.undo_predictor(&mut row);
            assert_eq!(appended(&samples, &row, 2), [1, 2]);
        }
        let mut row = [10, 20, 1, 255, 1, 1];
        add_left::<1>(&mut row, 2, true);
        assert_eq!(row, [10, 20, 11, 19, 12, 20]);
    }

    #[test]
    fn numbers_without_a_fixed_white_get_the_smallest_usual_one() {
        let mut floats = samples(Kind::Wide, 32, true);
        floats.format = SampleFormat::Float;
        for (numbers, expected) in [
            ([0.0, 0.5, 1.0], [0, 128, 255]),
            ([-7.0, 20.0, 200.0], [0, 20, 200]),
            ([0.0, 257.0, 65_535.0], [0, 1, 255]),
            ([0.0, 1e9, f32::NAN], [0, 255, 0]),
        ] {
            let row: Vec<u8> = numbers
                .iter()
                .flat_map(|number| number.to_be_bytes())
                .collect();
            floats.set_white(floats.largest(&row));
            assert_eq!(appended(&floats, &row, 3), expected);
        }
        assert_eq!(
            [half(0x3C00), half(0xB800), half(1)],
            [1.0, -0.5, 2_f32.powi(-24)]
        );
    }

    #[test]
    fn bytes_of_floats_are_put_together() {
        let mut floats = samples(Kind::Wide, 32, true);
        (floats.format, floats.predictor) = (SampleFormat::Float, Predictor::Float);
        // 1.0 and 0.5 are 3F800000 and 3F000000: their bytes by place, as differences.
        let plain = [0x3F_u8, 0x3F, 0x80, 0, 0, 0, 0, 0];
        let mut row = plain;
        for index in 1..8 {
            row[index] = plain[index].wrapping_sub(plain[index - 1]);
        }
        floats.undo_predictor(&mut row);
        assert_eq!(floats.largest(&row), 1.0);
        assert_eq!(floats.largest(&row[4..]), 0.5);
    }
}
