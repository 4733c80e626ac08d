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

use image::RgbImage;

use super::region::Region;
use crate::colour::Lab;

/// Taps on each side of the box blur.
const REACH: usize = 4;
/// Bins of the histogram of lightness.
const BINS: usize = 401;
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
    let plane: Vec<f32> = view.pixels().map(|p| Lab::lightness(p.0)).collect();
    let parts = foreground.scaled(width, height);
    let part = |at: usize| usize::from(!parts.get(at).copied().unwrap_or_default());
    let mut tallies = [Tally::empty(), Tally::empty()];

    for (at, lightness) in plane.iter().enumerate() {
        if let Some(tally) = tallies.get_mut(part(at)) {
            tally.count(*lightness);
        }
    }
    let mut line = Line::default();
    for y in 0..height {
        line.take(plane.iter().skip(y * width).take(width));
        line.vary(|x, before, lost| {
            if let Some(tally) = tallies.get_mut(part(y * width + x)) {
                tally.across.add(before, lost);
            }
        });
    }
    for x in 0..width {
        line.take(plane.iter().skip(x).step_by(width));
        line.vary(|y, before, lost| {
            if let Some(tally) = tallies.get_mut(part(y * width + x)) {
                tally.down.add(before, lost);
            }
        });
    }
    tallies
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

    fn count(&mut self, lightness: f32) {
        self.pixels += 1;
        self.lightness += f64::from(lightness);
        let bin = (lightness * (BINS - 1) as f32 / 100.0).round() as usize;
        if let Some(bin) = self.histogram.get_mut(bin.min(BINS - 1)) {
            *bin += 1;
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
    fn add(&mut self, before: f32, lost: f32) {
        self.before += f64::from(before);
        self.lost += f64::from(lost);
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

/// One row or column and its blurred copy.
#[derive(Default)]
struct Line {
    values: Vec<f32>,
    blurred: Vec<f32>,
}

impl Line {
    fn take<'v>(&mut self, values: impl Iterator<Item = &'v f32>) {
        self.values.clear();
        self.values.extend(values);
        let at = |i: isize| {
            let last = self.values.len().saturating_sub(1);
            let i = usize::try_from(i).unwrap_or_default().min(last);
            self.values.get(i).copied().unwrap_or_default()
        };
        let reach = REACH as isize;
        let mut sum: f32 = (-reach..=reach).map(at).sum();
        self.blurred.clear();
        for i in 0..self.values.len() as isize {
            self.blurred.push(sum / (2 * REACH + 1) as f32);
            sum += at(i + reach + 1) - at(i - reach);
        }
    }

    /// Calls `each` with the index of a pixel, its difference from the previous one, and the part that blurring removes.
    fn vary(&self, mut each: impl FnMut(usize, f32, f32)) {
        let pairs = self
            .values
            .windows(2)
            .zip(self.blurred.windows(2))
            .enumerate();
        for (at, (sharp, blurred)) in pairs {
            if let ([a, b], [c, d]) = (sharp, blurred) {
                let before = (b - a).abs();
                each(at + 1, before, (before - (d - c).abs()).max(0.0));
            }
        }
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
