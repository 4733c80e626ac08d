//! From samples to pixels: the photometric interpretation of a page, its palette and transparency.

use super::{
    errors::{damaged, unsupported},
    page::Page,
};
use crate::{
    containers::tiff::{Directory, tag},
    error::PrepareError,
    pixels::{layout::Layout, transparency::divide_by_alpha},
};

/// The most colours of a palette, of three values each.
const MAX_COLOURS: usize = 256;

/// What the samples of a pixel mean.
#[derive(Debug, PartialEq)]
enum Model {
    Grey {
        inverted: bool,
    },
    Rgb,
    Palette(Palette),
    Cmyk,
    YCbCr(YCbCr),
    /// L*, a* and b*, each of the latter with this zero.
    Lab {
        zero: u8,
    },
}

/// The colours of the indices.
#[derive(Debug, PartialEq, Eq)]
struct Palette(Vec<[u8; 3]>);

/// How samples become pixels.
#[derive(Debug, PartialEq)]
pub(super) struct Colours {
    model: Model,
    /// The layout of the resulting pixels.
    pub(super) layout: Layout,
    /// How many samples of a pixel are used; the first ones.
    pub(super) kept: usize,
    premultiplied: bool,
}

impl Colours {
    /// `is_converted` if the samples come from JPEGs, which are RGB already where the page says YCbCr.
    pub(super) fn new(page: &Page<'_>, is_converted: bool) -> Result<Self, PrepareError> {
        let directory = &page.directory;
        let (model, count, name) = match page.photometric {
            inverted @ (0 | 1) => (
                Model::Grey {
                    inverted: inverted == 0,
                },
                1,
                "grey",
            ),
            2 => (Model::Rgb, 3, "RGB"),
            3 => (Model::Palette(Palette::read(directory)?), 1, "palette"),
            4 => return Err(unsupported("a transparency mask instead of a picture")),
            5 if directory.value_or(tag::INK_SET, 1) == 1 => (Model::Cmyk, 4, "CMYK"),
            5 => {
                return Err(unsupported(
                    "inks other than cyan, magenta, yellow and black",
                ));
            }
            6 if is_converted => (Model::Rgb, 3, "YCbCr"),
            6 => (Model::YCbCr(YCbCr::read(directory)), 3, "YCbCr"),
            8 => (Model::Lab { zero: 0 }, 3, "LAB"),
            9 => (Model::Lab { zero: 128 }, 3, "LAB"),
            10 => return Err(unsupported("ITU LAB colours")),
            32_803 | 34_892 => return Err(unsupported("raw camera data")),
            32_844 | 32_845 => return Err(unsupported("LogLuv colours")),
            other => {
                return Err(unsupported(format!(
                    "an unknown colour space (photometric interpretation {other})"
                )));
            }
        };
        if page.samples < count {
            let samples = page.samples;
            return Err(unsupported(format!(
                "{samples} samples a pixel for {name} colours"
            )));
        }
        let extra = directory.values(tag::EXTRA_SAMPLES);
        // "Associated alpha data (with pre-multiplied color)", and "Unassociated alpha data" (TIFF 6.0, "ExtraSamples").
        let (has_alpha, premultiplied) = match (extra.as_deref(), &model) {
            _ if page.samples == count => (false, false),
            (Some([1, ..]), _) => (true, true),
            (Some([2, ..]), _) => (true, false),
            // As in libtiff and Pillow, a fourth sample that nothing explains is alpha.
            (None | Some([]), Model::Rgb) if page.samples == 4 => (true, false),
            _ => (false, false),
        };
        let layout = match (&model, has_alpha) {
            (Model::Cmyk, _) => Layout::Cmyk,
            (Model::Grey { .. }, false) => Layout::Grey,
            (Model::Grey { .. }, true) => Layout::GreyAlpha,
            (_, false) => Layout::Rgb,
            (_, true) => Layout::RgbAlpha,
        };
        Ok(Self {
            kept: count + usize::from(layout.has_alpha()),
            model,
            layout,
            premultiplied,
        })
    }

    pub(super) const fn is_palette(&self) -> bool {
        matches!(self.model, Model::Palette(_))
    }

    /// Whether a colour profile of the page describes the pixels.
    pub(super) const fn has_profile(&self) -> bool {
        !matches!(self.model, Model::Lab { .. })
    }

    /// A row of used samples as pixels of the layout.
    pub(super) fn pixels<'r>(&self, row: &'r [u8], pixels: &'r mut Vec<u8>) -> &'r [u8] {
        pixels.clear();
        let convert = |pixels: &mut Vec<u8>, colour: &dyn Fn([u8; 3]) -> [u8; 3]| {
            for pixel in row.chunks_exact(self.kept) {
                if let Some((colours, alpha)) = pixel.split_first_chunk::<3>() {
                    pixels.extend(colour(*colours));
                    pixels.extend(alpha);
                }
            }
        };
        match &self.model {
            Model::Rgb | Model::Cmyk | Model::Grey { inverted: false } if !self.premultiplied => {
                return row;
            }
            Model::Rgb | Model::Cmyk | Model::Grey { inverted: false } => pixels.extend(row),
            Model::Grey { inverted: true } => {
                for pixel in row.chunks_exact(self.kept) {
                    if let Some((grey, alpha)) = pixel.split_first() {
                        pixels.push(!grey);
                        pixels.extend(alpha);
                    }
                }
            }
            Model::Palette(Palette(colours)) => {
                for pixel in row.chunks_exact(self.kept) {
                    if let Some((index, alpha)) = pixel.split_first() {
                        let colour = colours.get(usize::from(*index));
                        pixels.extend(colour.unwrap_or(&[0; 3]));
                        pixels.extend(alpha);
                    }
                }
            }
            Model::YCbCr(conversion) => convert(pixels, &|colour| conversion.rgb(colour)),
            Model::Lab { zero } => convert(pixels, &|[l, a, b]| lab_to_rgb(l, a ^ zero, b ^ zero)),
        }
        if self.premultiplied && self.layout.has_alpha() {
            divide_by_alpha(pixels, self.layout);
        }
        pixels
    }
}

impl Palette {
    /// From a ColorMap (TIFF 6.0): all reds, then all greens, then all blues, 16 bits each. Some programs write 8 bits; as in
    /// libtiff, that is a palette with all values below 256.
    fn read(directory: &Directory<'_>) -> Result<Self, PrepareError> {
        let values = directory.values(tag::COLOR_MAP).ok_or_else(damaged)?;
        Ok(Self::new(&values))
    }

    fn new(values: &[u64]) -> Self {
        let shift = if values.iter().all(|value| *value < 256) {
            0
        } else {
            8
        };
        let byte = |value: &u64| (value >> shift) as u8;
        let (reds, rest) = values.split_at(values.len() / 3);
        let (greens, blues) = rest.split_at(reds.len());
        Self(
            reds.iter()
                .zip(greens)
                .zip(blues)
                .take(MAX_COLOURS)
                .map(|((red, green), blue)| [byte(red), byte(green), byte(blue)])
                .collect(),
        )
    }
}

/// The conversion from luma and chroma to RGB (TIFF 6.0, section 21).
#[derive(Debug, PartialEq)]
struct YCbCr {
    /// The weights of red, green and blue in luma.
    weights: [f32; 3],
    /// Black and white of luma, then zero and the largest value of each chroma.
    range: [f32; 6],
}

impl YCbCr {
    fn read(directory: &Directory<'_>) -> Self {
        let weights = directory.fractions(tag::YCBCR_COEFFICIENTS);
        let range = directory.fractions(tag::REFERENCE_BLACK_WHITE);
        Self {
            weights: weights
                .and_then(|weights| weights.first_chunk::<3>().copied())
                .filter(|weights| weights.iter().all(|weight| *weight > 0.0 && *weight < 1.0))
                .unwrap_or([0.299, 0.587, 0.114]),
            range: range
                .and_then(|range| range.first_chunk::<6>().copied())
                .filter(|[a, b, c, d, e, f]| a < b && c < d && e < f)
                .unwrap_or([0.0, 255.0, 128.0, 255.0, 128.0, 255.0]),
        }
    }

    fn rgb(&self, [luma, blue, red]: [u8; 3]) -> [u8; 3] {
        let [black, white, blue_zero, blue_most, red_zero, red_most] = self.range;
        let [red_weight, green_weight, blue_weight] = self.weights;
        let luma = (f32::from(luma) - black) * 255.0 / (white - black);
        let blue = (f32::from(blue) - blue_zero) * 127.0 / (blue_most - blue_zero);
        let red = (f32::from(red) - red_zero) * 127.0 / (red_most - red_zero);
        let red = luma + red * 2.0 * (1.0 - red_weight);
        let blue = luma + blue * 2.0 * (1.0 - blue_weight);
        let green = (luma - red_weight * red - blue_weight * blue) / green_weight;
        [red, green, blue].map(|value| (value + 0.5) as u8)
    }
}

/// CIE L*a*b* with the white D50 in sRGB (ICC.1:2022, annex A; IEC 61966-2-1). `a` and `b` have a sign.
fn lab_to_rgb(l: u8, a: u8, b: u8) -> [u8; 3] {
    let y = (f32::from(l) * 100.0 / 255.0 + 16.0) / 116.0;
    let (x, z) = (
        y + f32::from(a as i8) / 500.0,
        y - f32::from(b as i8) / 200.0,
    );
    let linear = |t: f32| {
        if t > 6.0 / 29.0 {
            t * t * t
        } else {
            (t - 4.0 / 29.0) * 108.0 / 841.0
        }
    };
    let (x, y, z) = (linear(x) * 0.964_22, linear(y), linear(z) * 0.825_21);
    // From XYZ under D50 to linear sRGB, with the Bradford adaptation.
    [
        3.133_856 * x - 1.616_867 * y - 0.490_615 * z,
        -0.978_768 * x + 1.916_142 * y + 0.033_454 * z,
        0.071_945 * x - 0.228_991 * y + 1.405_243 * z,
    ]
    .map(|light| {
        let value = if light <= 0.003_130_8 {
            light * 12.92
        } else {
            1.055 * light.powf(1.0 / 2.4) - 0.055
        };
        (value * 255.0 + 0.5) as u8
    })
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

    fn colours(model: Model, layout: Layout, kept: usize, premultiplied: bool) -> Colours {
        Colours {
            model,
            layout,
            kept,
            premultiplied,
        }
    }

    #[test]
    fn indices_become_colours() {
        let palette = Palette::new(&[1, 2, 3, 4, 10, 20, 30, 40, 100, 200, 255, 0]);
        let mut buffer = Vec::new();
        // An index beyond the palette is black; transparency is kept.
        let colours = colours(Model::Palette(palette), Layout::RgbAlpha, 2, false);
        assert_eq!(
            colours.pixels(&[3, 7, 99, 255], &mut buffer),
            [4, 40, 0, 7, 0, 0, 0, 255]
        );
    }

    #[test]
    fn inverted_grey_and_premultiplied_colours_are_undone() {
        let mut buffer = Vec::new();
        let inverted = colours(Model::Grey { inverted: true }, Layout::GreyAlpha, 2, false);
        assert_eq!(
            inverted.pixels(&[0, 9, 255, 7], &mut buffer),
            [255, 9, 0, 7]
        );
        let pixels = [10, 50, 100, 100, 200, 0, 7, 0, 1, 2, 3, 255];
        for (premultiplied, expected) in [
            (true, [26, 128, 255, 100, 255, 0, 255, 0, 1, 2, 3, 255]),
            (false, pixels),
        ] {
            let rgb = colours(Model::Rgb, Layout::RgbAlpha, 4, premultiplied);
            assert_eq!(rgb.pixels(&pixels, &mut buffer), expected);
        }
    }

    #[test]
    fn luma_and_chroma_become_rgb() {
        let conversion = YCbCr {
            weights: [0.299, 0.587, 0.114],
            range: [0.0, 255.0, 128.0, 255.0, 128.0, 255.0],
        };
        for (pixel, expected) in [
            ([0, 128, 128], [0, 0, 0]),
            ([255, 128, 128], [255, 255, 255]),
            ([76, 85, 255], [254, 0, 0]),
        ] {
            assert_eq!(conversion.rgb(pixel), expected);
        }
        let video = YCbCr {
            range: [16.0, 235.0, 128.0, 240.0, 128.0, 240.0],
            ..conversion
        };
        assert_eq!(video.rgb([16, 128, 128]), [0; 3]);
        assert_eq!(video.rgb([235, 128, 128]), [255; 3]);
    }

    #[test]
    fn lab_colours_become_rgb() {
        for (lab, expected) in [
            ((255, 0, 0), [255, 255, 255]),
            ((0, 0, 0), [0, 0, 0]),
            // L* 53, a* 80, b* 67: the sRGB red as Photoshop shows it, about.
            ((138, 80, 70), [253, 0, 0]),
        ] {
            let found = lab_to_rgb(lab.0, lab.1, lab.2);
            let off = found
                .iter()
                .zip(expected)
                .map(|(a, b): (&u8, u8)| a.abs_diff(b));
            assert!(off.max().unwrap() < 12, "{found:?} {expected:?}");
        }
    }
}
