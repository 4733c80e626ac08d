//! From the samples of a TIFF to pixels.

use tiff::{ColorType, decoder::DecodingResult};

use super::errors::{damaged, unsupported};
use crate::{
    error::PrepareError,
    pixels::{layout::Layout, transparency::divide_by_alpha},
};

/// The size of the largest palette: 256 colours of three values.
pub(super) const MAX_PALETTE_VALUES: u64 = 3 * 256;

/// The colours of the indices.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Palette(Vec<[u8; 3]>);

impl Palette {
    /// From a ColorMap (TIFF 6.0): all reds, then all greens, then all blues, 16 bits each. Some programs write 8 bits; as in
    /// libtiff, that is a palette with all values below 256.
    pub(super) fn new(values: &[u16]) -> Self {
        let shift = if values.iter().all(|value| *value < 256) {
            0
        } else {
            8
        };
        let byte = |value: &u16| (value >> shift) as u8;
        let (reds, rest) = values.split_at(values.len() / 3);
        let (greens, blues) = rest.split_at(reds.len());
        Self(
            reds.iter()
                .zip(greens)
                .zip(blues)
                .map(|((red, green), blue)| [byte(red), byte(green), byte(blue)])
                .collect(),
        )
    }
}

/// How the samples encode colours.
#[derive(Debug, PartialEq, Eq)]
enum Encoding {
    /// As the channels of the layout.
    Direct,
    /// As the channels of the layout, with colours multiplied by alpha.
    Premultiplied,
    /// As luma and two chroma values.
    YCbCr,
    /// As an index into a palette.
    Indexed(Palette),
}

/// How the samples of a pixel are stored, and the pixels that they become.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Samples {
    /// The layout of the resulting pixels.
    pub(super) layout: Layout,
    /// Samples a pixel.
    pub(super) stored: usize,
    /// How many of them are used; the first ones.
    pub(super) kept: usize,
    /// Bits a sample.
    pub(super) bits: u8,
    encoding: Encoding,
}

impl Samples {
    /// `palette` is given if the samples are indices. `extra` has the kinds of the samples beyond the colours (TIFF 6.0,
    /// "ExtraSamples").
    pub(super) fn new(
        colours: ColorType,
        palette: Option<Palette>,
        extra: &[u16],
    ) -> Result<Self, PrepareError> {
        // The decoder identifies alpha for RGB, but not for grey.
        let alpha =
            |stored: u16| matches!(extra, [1 | 2, ..]) && usize::from(stored) == extra.len() + 1;
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
            } if alpha(num_samples) => (Layout::GreyAlpha, usize::from(num_samples), bit_depth),
            ColorType::Multiband {
                bit_depth,
                num_samples,
            } => (Layout::Grey, usize::from(num_samples), bit_depth),
            ColorType::Lab(_) => return Err(unsupported("LAB colours")),
            _ => return Err(unsupported("a rare colour space")),
        };
        // Fewer than 8 bits only for one sample a pixel.
        match (bits, stored, &palette) {
            (1 | 2 | 4, 1, _) | (8, 1.., _) | (16, 1.., None) => {}
            (_, _, None) => return Err(unsupported(format!("{bits} bits a colour"))),
            (_, _, Some(_)) => {
                return Err(unsupported(format!("a palette with {bits} bits a pixel")));
            }
        }
        let (kept, layout, encoding) = match (palette, layout) {
            (None, layout) => {
                let encoding = match colours {
                    ColorType::YCbCr(_) => Encoding::YCbCr,
                    // "Associated alpha data (with pre-multiplied color)".
                    _ if layout.has_alpha() && extra.first() == Some(&1) => Encoding::Premultiplied,
                    _ => Encoding::Direct,
                };
                (layout.bytes(), layout, encoding)
            }
            (Some(palette), Layout::Grey) => (1, Layout::Rgb, Encoding::Indexed(palette)),
            (Some(palette), Layout::GreyAlpha) => (2, Layout::RgbAlpha, Encoding::Indexed(palette)),
            (Some(_), _) => return Err(damaged()),
        };
        Ok(Self {
            layout,
            stored,
            kept,
            bits,
            encoding,
        })
    }

    /// The samples in 8 bits each, of rows of `length` samples.
    pub(super) fn bytes(
        &self,
        decoded: DecodingResult,
        length: usize,
    ) -> Result<Vec<u8>, PrepareError> {
        match decoded {
            DecodingResult::U8(values) if self.bits == 8 => Ok(values),
            DecodingResult::U8(values) => {
                let max = (1_u8 << self.bits) - 1;
                let step = match self.encoding {
                    Encoding::Indexed(_) => 1,
                    _ => 255 / max,
                };
                let row = length.div_ceil(usize::from(8 / self.bits)).max(1);
                Ok(values
                    .chunks(row)
                    .flat_map(|row| unpack(row, self.bits).take(length))
                    .map(|value| value * step)
                    .collect())
            }
            DecodingResult::U16(values) => {
                Ok(values.iter().map(|value| (value >> 8) as u8).collect())
            }
            _ => Err(unsupported("signed or floating-point samples")),
        }
    }

    /// A row of used samples as pixels of the layout.
    pub(super) fn pixels<'r>(&self, row: &'r [u8], pixels: &'r mut Vec<u8>) -> &'r [u8] {
        pixels.clear();
        match &self.encoding {
            Encoding::Direct => return row,
            Encoding::Premultiplied => {
                pixels.extend(row);
                divide_by_alpha(pixels, self.layout);
            }
            Encoding::YCbCr => {
                let (row, _) = row.as_chunks::<3>();
                pixels.extend(row.iter().flat_map(|pixel| ycbcr_to_rgb(*pixel)));
            }
            Encoding::Indexed(Palette(colours)) => {
                for pixel in row.chunks_exact(self.kept) {
                    let Some((index, alpha)) = pixel.split_first() else {
                        break;
                    };
                    let colour = colours.get(usize::from(*index));
                    pixels.extend(colour.unwrap_or(&[0; 3]));
                    pixels.extend(alpha);
                }
            }
        }
        pixels
    }
}

/// Values of 1, 2 or 4 bits, the first in the highest bits.
fn unpack(row: &[u8], bits: u8) -> impl Iterator<Item = u8> {
    let max = (1_u8 << bits) - 1;
    row.iter().flat_map(move |byte| {
        (0..8 / bits).map(move |place| (byte >> (8 - bits * (place + 1))) & max)
    })
}

/// With the weights of ITU-R BT.601 in full range, as in JPEG (ITU-T T.871, section 7). A TIFF can specify others, which decoders
/// of compressed ones and Pillow ignore.
fn ycbcr_to_rgb([y, cb, cr]: [u8; 3]) -> [u8; 3] {
    let (y, cb, cr) = (i32::from(y) << 16, i32::from(cb) - 128, i32::from(cr) - 128);
    // 1.402, 0.344136, 0.714136 and 1.772, in 65,536ths.
    [
        y + 91_881 * cr,
        y - 22_554 * cb - 46_802 * cr,
        y + 116_130 * cb,
    ]
    .map(|value| ((value + 32_768) >> 16).clamp(0, 255) as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn detects_palettes_of_16_and_of_8_bits() {
        let sixteen = Palette::new(&[0, 0xFFFF, 0x8000, 0x1234, 0, 255]);
        assert_eq!(sixteen, Palette(vec![[0, 0x80, 0], [0xFF, 0x12, 0]]));
        let eight = Palette::new(&[0, 255, 128, 18, 0, 255]);
        assert_eq!(eight, Palette(vec![[0, 128, 0], [255, 18, 255]]));
        assert_eq!(Palette::new(&[1, 2]), Palette(vec![]));
    }

    #[test]
    fn indices_become_colours() {
        let palette = || Palette::new(&[1, 2, 3, 4, 10, 20, 30, 40, 100, 200, 255, 0]);
        let samples = Samples::new(ColorType::Gray(2), Some(palette()), &[]).unwrap();
        // Six pixels in two bytes a row; the rest of the second byte is padding.
        let packed = DecodingResult::U8(vec![0b00_01_10_11, 0b11_00_11_11, 0, 0]);
        let indices = samples.bytes(packed, 6).unwrap();
        assert_eq!(indices, [0, 1, 2, 3, 3, 0, 0, 0, 0, 0, 0, 0]);
        let mut pixels = Vec::new();
        assert_eq!(
            samples.pixels(&indices[..4], &mut pixels),
            [1, 10, 100, 2, 20, 200, 3, 30, 255, 4, 40, 0]
        );
        // An index beyond the palette is black; transparency is kept.
        let two = ColorType::Multiband {
            bit_depth: 8,
            num_samples: 2,
        };
        let samples = Samples::new(two, Some(palette()), &[2]).unwrap();
        assert_eq!((samples.layout, samples.kept), (Layout::RgbAlpha, 2));
        assert_eq!(
            samples.pixels(&[3, 7, 99, 255], &mut pixels),
            [4, 40, 0, 7, 0, 0, 0, 255]
        );
        for colours in [ColorType::RGB(8), ColorType::CMYK(8)] {
            assert_eq!(Samples::new(colours, Some(palette()), &[]), Err(damaged()));
        }
        assert_eq!(
            Samples::new(ColorType::Gray(16), Some(palette()), &[]),
            Err(unsupported("a palette with 16 bits a pixel"))
        );
    }

    #[test]
    fn premultiplied_colours_are_divided_by_alpha() {
        let pixels = [10, 50, 100, 100, 200, 0, 7, 0, 1, 2, 3, 255];
        let mut buffer = Vec::new();
        for (kind, expected) in [
            (1, [26, 128, 255, 100, 255, 0, 255, 0, 1, 2, 3, 255]),
            (2, pixels),
        ] {
            let samples = Samples::new(ColorType::RGBA(8), None, &[kind]).unwrap();
            assert_eq!(samples.pixels(&pixels, &mut buffer), expected, "{kind}");
        }
        let grey = ColorType::Multiband {
            bit_depth: 8,
            num_samples: 2,
        };
        let samples = Samples::new(grey, None, &[1]).unwrap();
        assert_eq!(samples.pixels(&[64, 128], &mut buffer), [128, 128]);
    }

    #[test]
    fn grey_of_few_bits_is_scaled_to_the_full_range() {
        let samples = Samples::new(ColorType::Gray(4), None, &[]).unwrap();
        let bytes = samples.bytes(DecodingResult::U8(vec![0x0F, 0x70]), 3);
        assert_eq!(bytes.unwrap(), [0, 255, 119]);
    }

    #[test]
    fn luma_and_chroma_become_rgb() {
        for (pixel, expected) in [
            ([0, 128, 128], [0, 0, 0]),
            ([255, 128, 128], [255, 255, 255]),
            ([76, 85, 255], [254, 0, 0]),
            ([255, 255, 255], [255, 121, 255]),
        ] {
            assert_eq!(ycbcr_to_rgb(pixel), expected);
        }
    }
}
