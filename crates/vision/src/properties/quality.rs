//! Brightness, sharpness and contrast, each 0..=100.
//!
//! All three are measured on CIELAB lightness `L*`:
//! - **Brightness** is the mean of `L*`: 0 for black, 100 for white, 53 for the mid-grey #7f7f7f.
//! - **Contrast** is the difference between the 5th and 95th percentile of `L*`: 0 for a flat image, 100 for one that is
//!   half black and half white.
//! - **Sharpness** follows the no-reference blur metric of Crete et al. (*The blur effect: perception and
//!   estimation with a new no-reference perceptual blur metric*, 2007): blurring removes much of the difference
//!   between neighbouring pixels of a sharp image, and little of a blurred one. Sharpness is the share of the difference
//!   that a box blur of 9 pixels removes, horizontally or vertically, whichever is less. A flat image has 0.

use std::ops::Range;

use image::RgbImage;

use super::region::Region;
use crate::colour::lightness;

/// Taps on each side of the box blur.
const REACH: usize = 4;
/// Pixels of the box.
const BOX: f32 = (2 * REACH + 1) as f32;
/// Bins of the histogram of lightness.
const BINS: usize = 401;
/// Sums that a total is added up in, side by side. The compiler may not reorder additions, so a single sum is not vectorized.
const LANES: usize = 8;
/// The mean difference between neighbours, in `L*`, below which the image counts as flat.
const FLAT: f64 = 0.01;

/// The quality values of Rekognition.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Quality {
    pub(super) brightness: f32,
    pub(super) sharpness: f32,
    pub(super) contrast: f32,
}

/// The sums over the pixels of one part of the image.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tally {
    pixels: u64,
    lightness: f64,
    histogram: Vec<u64>,
    across: Variation,
    down: Variation,
}

/// Differences between neighbouring pixels in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Variation {
    /// Sum of the differences.
    before: f64,
    /// Sum of the differences that blurring removes.
    lost: f64,
}

/// The sums for the foreground and the background, in this order.
pub(super) fn tallies(view: &RgbImage, foreground: &Region) -> [Tally; 2] {
    let (width, height) = (view.width() as usize, view.height() as usize);
    let plane = lightness(view);
    let inside = foreground.scaled(width, height);
    let [mut front, mut back] = [Tally::empty(), Tally::empty()];
    if width == 0 {
        return [front, back];
    }
    let mut across = vec![0.0; width];
    let mut down = Column::new(&plane, width);
    let mut changes = Changes::default();
    let mut above: &[f32] = &[];
    for (row, inside) in plane.chunks_exact(width).zip(inside.chunks_exact(width)) {
        for (inside, run) in runs(inside) {
            let tally = if inside { &mut front } else { &mut back };
            tally.count(row.get(run).unwrap_or_default());
        }
        blur(row, &mut across);
        changes.measure([row, &across], [after_first(row), after_first(&across)]);
        changes.add(after_first(inside), &mut front.across, &mut back.across);

        down.step();
        changes.measure([above, &down.previous], [row, &down.blurred]);
        changes.add(inside, &mut front.down, &mut back.down);
        above = row;
    }
    [front, back]
}

fn after_first<T>(row: &[T]) -> &[T] {
    row.get(1..).unwrap_or_default()
}

/// The neighbours in a row that are all inside or all outside.
fn runs(inside: &[bool]) -> impl Iterator<Item = (bool, Range<usize>)> {
    let mut start = 0;
    inside.chunk_by(|a, b| a == b).map(move |run| {
        let range = start..start + run.len();
        start = range.end;
        (run.first().copied().unwrap_or_default(), range)
    })
}

fn total(values: &[f32]) -> f64 {
    let (chunks, rest) = values.as_chunks::<LANES>();
    let mut lanes = [0.0; LANES];
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane += f64::from(*value);
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().copied().map(f64::from).sum::<f64>()
}

impl Tally {
    fn empty() -> Self {
        let (across, down) = (Variation::default(), Variation::default());
        Self {
            pixels: 0,
            lightness: 0.0,
            histogram: vec![0; BINS],
            across,
            down,
        }
    }

    fn count(&mut self, lightness: &[f32]) {
        self.pixels += lightness.len() as u64;
        self.lightness += total(lightness);
        for lightness in lightness {
            // Rounded. `f32::round` is a call into the mathematical library on the usual x86-64.
            let bin = (lightness * (BINS - 1) as f32 / 100.0 + 0.5) as usize;
            if let Some(bin) = self.histogram.get_mut(bin.min(BINS - 1)) {
                *bin += 1;
            }
        }
    }

    /// The sums for both parts.
    pub(super) fn sum(a: &Self, b: &Self) -> Self {
        Self {
            pixels: a.pixels + b.pixels,
            lightness: a.lightness + b.lightness,
            histogram: a
                .histogram
                .iter()
                .zip(&b.histogram)
                .map(|(a, b)| a + b)
                .collect(),
            across: a.across.plus(b.across),
            down: a.down.plus(b.down),
        }
    }

    pub(super) fn quality(&self) -> Quality {
        let pixels = self.pixels.max(1) as f64;
        let sharpness = self
            .across
            .lost_share(pixels)
            .min(self.down.lost_share(pixels));
        let percent = |v: f64| v.clamp(0.0, 100.0) as f32;
        Quality {
            brightness: percent(self.lightness / pixels),
            sharpness: percent(100.0 * sharpness),
            contrast: percent(self.percentile(0.95) - self.percentile(0.05)),
        }
    }

    /// The lightness that this share of the pixels does not reach.
    fn percentile(&self, share: f64) -> f64 {
        let target = share * self.pixels as f64;
        let mut counted = 0;
        for (bin, count) in self.histogram.iter().enumerate() {
            counted += count;
            if counted as f64 >= target && counted > 0 {
                return 100.0 * bin as f64 / (BINS - 1) as f64;
            }
        }
        0.0
    }
}

impl Variation {
    fn add(&mut self, before: &[f32], lost: &[f32]) {
        self.before += total(before);
        self.lost += total(lost);
    }

    fn plus(self, other: Self) -> Self {
        Self {
            before: self.before + other.before,
            lost: self.lost + other.lost,
        }
    }

    fn lost_share(self, pixels: f64) -> f64 {
        if self.before / pixels < FLAT {
            0.0
        } else {
            self.lost / self.before
        }
    }
}

/// Changes from one pixel to the next.
#[derive(Default)]
struct Changes {
    before: Vec<f32>,
    lost: Vec<f32>,
}

impl Changes {
    /// Measures the changes between two rows, each given as it is and blurred.
    fn measure(&mut self, from: [&[f32]; 2], to: [&[f32]; 2]) {
        let ([sharp, blurred], [next_sharp, next_blurred]) = (from, to);
        self.before.clear();
        self.before
            .extend(sharp.iter().zip(next_sharp).map(|(a, b)| (b - a).abs()));
        self.lost.clear();
        let pairs = self.before.iter().zip(blurred.iter().zip(next_blurred));
        self.lost
            .extend(pairs.map(|(before, (c, d))| (before - (d - c).abs()).max(0.0)));
    }

    /// Adds each change to the part of the image that its second pixel is in.
    fn add(&self, inside: &[bool], front: &mut Variation, back: &mut Variation) {
        for (inside, run) in runs(inside) {
            let part = if inside { &mut *front } else { &mut *back };
            let before = self.before.get(run.clone()).unwrap_or_default();
            part.add(before, self.lost.get(run).unwrap_or_default());
        }
    }
}

/// Blurs a row with a box. Beyond its ends, the row continues with its last value.
fn blur(row: &[f32], blurred: &mut [f32]) {
    let last = row.len().saturating_sub(1);
    let at = |i: usize| row.get(i.min(last)).copied().unwrap_or_default();
    let mut sum: f32 = (0..=REACH).map(at).sum::<f32>() + REACH as f32 * at(0);
    for (i, blurred) in blurred.iter_mut().enumerate() {
        *blurred = sum / BOX;
        sum += at(i + REACH + 1) - at(i.saturating_sub(REACH));
    }
}

/// [`blur`] down the columns, for all columns at once and a row at a time.
struct Column<'a> {
    rows: Vec<&'a [f32]>,
    next: usize,
    sums: Vec<f32>,
    /// The blurred row of the last step but one; empty after the first step.
    previous: Vec<f32>,
    /// The blurred row of the last step.
    blurred: Vec<f32>,
}

impl<'a> Column<'a> {
    fn new(plane: &'a [f32], width: usize) -> Self {
        let mut column = Self {
            rows: plane.chunks_exact(width).collect(),
            next: 0,
            sums: vec![0.0; width],
            previous: Vec::new(),
            blurred: Vec::new(),
        };
        for row in [0; REACH].into_iter().chain(0..=REACH) {
            let row = column.row(row);
            for (sum, value) in column.sums.iter_mut().zip(row) {
                *sum += value;
            }
        }
        column
    }

    fn row(&self, at: usize) -> &'a [f32] {
        let last = self.rows.len().saturating_sub(1);
        self.rows.get(at.min(last)).copied().unwrap_or_default()
    }

    /// Blurs the next row.
    fn step(&mut self) {
        std::mem::swap(&mut self.previous, &mut self.blurred);
        self.blurred.clear();
        self.blurred.extend(self.sums.iter().map(|sum| sum / BOX));
        let enters = self.row(self.next + REACH + 1);
        let leaves = self.row(self.next.saturating_sub(REACH));
        for (sum, (enters, leaves)) in self.sums.iter_mut().zip(enters.iter().zip(leaves)) {
            *sum += enters - leaves;
        }
        self.next += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::{Rgb, imageops};

    fn whole(view: &RgbImage) -> Quality {
        let [front, back] = tallies(view, &Region::of_boxes(view.width(), view.height(), &[]));
        assert_eq!(front.pixels, 0);
        Tally::sum(&front, &back).quality()
    }

    fn grey(value: u8) -> RgbImage {
        RgbImage::from_pixel(100, 80, Rgb([value; 3]))
    }

    fn texture() -> RgbImage {
        RgbImage::from_fn(200, 160, |x, y| {
            let hash = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503))
                .wrapping_mul(2_246_822_519)
                >> 24;
            Rgb([hash as u8; 3])
        })
    }

    #[test]
    fn brightness_is_mean_lightness() {
        assert_eq!(whole(&grey(0)).brightness, 0.0);
        assert!((whole(&grey(255)).brightness - 100.0).abs() < 0.01);
        assert!((whole(&grey(127)).brightness - 53.2).abs() < 0.1);
    }

    #[test]
    fn contrast_is_the_range_of_lightness() {
        assert_eq!(whole(&grey(99)).contrast, 0.0);
        let halves = RgbImage::from_fn(100, 80, |x, _| Rgb(if x < 50 { [0; 3] } else { [255; 3] }));
        assert!((whole(&halves).contrast - 100.0).abs() < 0.3);
        // Two percent of white specks do not count as contrast.
        let specks = RgbImage::from_fn(100, 80, |x, _| Rgb(if x < 2 { [255; 3] } else { [0; 3] }));
        assert_eq!(whole(&specks).contrast, 0.0);
    }

    #[test]
    fn blurring_reduces_sharpness() {
        let sharp = texture();
        let steps: Vec<f32> = [0.0, 1.0, 2.0, 4.0]
            .map(|s| {
                if s == 0.0 {
                    whole(&sharp).sharpness
                } else {
                    whole(&imageops::blur(&sharp, s)).sharpness
                }
            })
            .into();
        assert!(steps.windows(2).all(|w| w[0] > w[1] + 3.0), "{steps:?}");
        assert!(steps[0] > 75.0, "{steps:?}");
    }

    #[test]
    fn blur_in_one_direction_is_enough_to_be_unsharp() {
        let board = RgbImage::from_fn(240, 160, |x, y| {
            Rgb(if (x / 40 + y / 40) % 2 == 0 {
                [255; 3]
            } else {
                [0; 3]
            })
        });
        // Motion blur of 25 pixels.
        let moved = RgbImage::from_fn(240, 160, |x, y| {
            let exposed = (0..25).map(|i| board.get_pixel((x + i) % 240, y).0[0]);
            Rgb([(exposed.map(u32::from).sum::<u32>() / 25) as u8; 3])
        });
        assert!(whole(&board).sharpness > 85.0, "{:?}", whole(&board));
        assert!(whole(&moved).sharpness < 30.0, "{:?}", whole(&moved));
    }

    #[test]
    fn a_flat_picture_is_not_sharp() {
        assert_eq!(whole(&grey(50)).sharpness, 0.0);
    }

    #[test]
    fn foreground_and_background_are_separate() {
        let halves = RgbImage::from_fn(100, 80, |x, _| Rgb(if x < 50 { [0; 3] } else { [255; 3] }));
        let left = crate::letterbox::RatioBox {
            left: 0.0,
            top: 0.0,
            width: 0.5,
            height: 1.0,
        };
        let [front, back] = tallies(&halves, &Region::of_boxes(100, 80, &[left]));
        assert_eq!(
            (
                front.quality().brightness,
                back.quality().brightness.round()
            ),
            (0.0, 100.0)
        );
        assert_eq!(front.pixels + back.pixels, 8000);
    }
}
