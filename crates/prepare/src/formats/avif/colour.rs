//! From the planes of a decoded tile to RGB and alpha.

use re_rav1d::dav1d::{Picture, PixelLayout, PlanarImageComponent, Plane, pixel};

use super::items::CodePoints;

/// How the planes of a tile become RGB.
pub(super) struct ColourConversion {
    matrix: Matrix,
    full_range: bool,
}

enum Matrix {
    /// The planes are green, blue and red themselves.
    Identity,
    /// The weights of red and blue in luma (ITU-T H.273, "Matrix coefficients").
    Weights(f32, f32),
    /// The chroma planes are differences of green and orange (same source, YCgCo).
    GreenOrange,
}

const BT601: Matrix = Matrix::Weights(0.299, 0.114);
const BT709: Matrix = Matrix::Weights(0.2126, 0.0722);
const FCC: Matrix = Matrix::Weights(0.3, 0.11);
const SMPTE240: Matrix = Matrix::Weights(0.212, 0.087);
const BT2020: Matrix = Matrix::Weights(0.2627, 0.0593);

impl ColourConversion {
    /// Code points of the file take precedence over those in the coded data.
    pub(super) fn new(tile: &Picture, code_points: Option<CodePoints>) -> Self {
        if let Some(points) = code_points {
            return Self {
                matrix: match points.matrix {
                    0 => Matrix::Identity,
                    // Derived from the primaries, of which the file has those of sRGB or of Rec. 2020.
                    12 if points.primaries == 9 => BT2020,
                    1 | 12 => BT709,
                    4 => FCC,
                    7 => SMPTE240,
                    8 => Matrix::GreenOrange,
                    9 | 10 => BT2020,
                    _ => BT601,
                },
                full_range: points.full_range,
            };
        }
        Self {
            matrix: match tile.matrix_coefficients() {
                pixel::MatrixCoefficients::Identity => Matrix::Identity,
                pixel::MatrixCoefficients::BT709 => BT709,
                pixel::MatrixCoefficients::BT2020NonConstantLuminance
                | pixel::MatrixCoefficients::BT2020ConstantLuminance => BT2020,
                _ => BT601,
            },
            full_range: tile.color_range() == pixel::YUVRange::Full,
        }
    }

    /// Writes a row of the tile into `row`, whose pixels have `pixel_bytes` bytes each.
    pub(super) fn write(&self, tile: &Picture, y: u32, row: &mut [u8], pixel_bytes: usize) {
        let bits = tile.bit_depth();
        let luma = PlaneRow::new(tile, PlanarImageComponent::Y, y);
        let (across, down) = match tile.pixel_layout() {
            PixelLayout::I400 => {
                let (low, span, _) = range(self.full_range, bits);
                for (pixel, value) in row.chunks_exact_mut(pixel_bytes).zip(luma.iter()) {
                    let grey = byte((f32::from(value) - low) / span);
                    pixel.iter_mut().take(3).for_each(|channel| *channel = grey);
                }
                return;
            }
            PixelLayout::I420 => (2, 2),
            PixelLayout::I422 => (2, 1),
            PixelLayout::I444 => (1, 1),
        };
        let first = PlaneRow::new(tile, PlanarImageComponent::U, y / down);
        let second = PlaneRow::new(tile, PlanarImageComponent::V, y / down);
        let chroma = first
            .iter()
            .zip(second.iter())
            .flat_map(|both| std::iter::repeat_n(both, across));
        let pixels = row
            .chunks_exact_mut(pixel_bytes)
            .zip(luma.iter())
            .zip(chroma);
        let (low, span, chroma_span) = range(self.full_range, bits);
        match self.matrix {
            Matrix::Identity => {
                for ((pixel, green), (blue, red)) in pixels {
                    let rgb = [red, green, blue].map(|value| byte((f32::from(value) - low) / span));
                    pixel.iter_mut().zip(rgb).for_each(|(to, from)| *to = from);
                }
            }
            Matrix::GreenOrange => {
                let middle = f32::from(1_u16 << (bits - 1));
                for ((pixel, luma), (green, orange)) in pixels {
                    let luma = (f32::from(luma) - low) / span;
                    let green = (f32::from(green) - middle) / chroma_span;
                    let orange = (f32::from(orange) - middle) / chroma_span;
                    let rest = luma - green;
                    let rgb = [rest + orange, luma + green, rest - orange].map(byte);
                    pixel.iter_mut().zip(rgb).for_each(|(to, from)| *to = from);
                }
            }
            Matrix::Weights(red_weight, blue_weight) => {
                let middle = f32::from(1_u16 << (bits - 1));
                let green_weight = 1.0 - red_weight - blue_weight;
                for ((pixel, luma), (blue, red)) in pixels {
                    let luma = (f32::from(luma) - low) / span;
                    let blue = (f32::from(blue) - middle) / chroma_span * 2.0 * (1.0 - blue_weight);
                    let red = (f32::from(red) - middle) / chroma_span * 2.0 * (1.0 - red_weight);
                    let green = (red_weight * red + blue_weight * blue) / green_weight;
                    let rgb = [luma + red, luma - green, luma + blue].map(byte);
                    pixel.iter_mut().zip(rgb).for_each(|(to, from)| *to = from);
                }
            }
        }
    }
}

/// The lowest luma value, and the spans of luma and chroma.
fn range(full: bool, bits: usize) -> (f32, f32, f32) {
    if full {
        let max = f32::from((1_u32 << bits).saturating_sub(1).min(65_535) as u16);
        (0.0, max, max)
    } else {
        let unit = f32::from(1_u16 << (bits - 8));
        (16.0 * unit, 219.0 * unit, 224.0 * unit)
    }
}

/// A value from 0 to 1 as a byte.
fn byte(value: f32) -> u8 {
    (value * 255.0 + 0.5) as u8
}

/// Writes a row of an alpha tile into the fourth byte of each pixel.
pub(super) fn write_alpha(tile: &Picture, y: u32, row: &mut [u8]) {
    let (low, span, _) = range(
        tile.color_range() == pixel::YUVRange::Full,
        tile.bit_depth(),
    );
    let luma = PlaneRow::new(tile, PlanarImageComponent::Y, y);
    let (pixels, _) = row.as_chunks_mut::<4>();
    for ([_, _, _, alpha], value) in pixels.iter_mut().zip(luma.iter()) {
        *alpha = byte((f32::from(value) - low) / span);
    }
}

/// A row of a plane.
struct PlaneRow {
    plane: Plane,
    /// Offset and length in bytes.
    start: usize,
    length: usize,
    /// Whether a sample has two bytes.
    wide: bool,
}

impl PlaneRow {
    fn new(tile: &Picture, component: PlanarImageComponent, y: u32) -> Self {
        let stride = tile.stride(component) as usize;
        Self {
            plane: tile.plane(component),
            start: stride * y as usize,
            length: stride,
            wide: tile.bit_depth() > 8,
        }
    }

    fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        let row = self
            .plane
            .get(self.start..self.start + self.length)
            .unwrap_or_default();
        let (narrow, wide) = if self.wide {
            (&[][..], row.as_chunks::<2>().0)
        } else {
            (row, &[][..])
        };
        narrow
            .iter()
            .map(|byte| u16::from(*byte))
            .chain(wide.iter().map(|bytes| u16::from_ne_bytes(*bytes)))
    }
}
