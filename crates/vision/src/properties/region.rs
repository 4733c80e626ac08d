//! Foreground and background.
//!
//! - The **foreground** is the area of the detected boxes, unless there are none or they cover the image.
//! - Otherwise it is the area that differs from the border: the border's colours (the outer sixteenth of each side,
//!   clustered in CIELAB) count as background, each pixel's distance from the nearest of them is smoothed, and Otsu's
//!   threshold separates near from far.
//! - If no area differs enough (a flat or evenly textured image), it is the centre of the image, half as wide and half as
//!   high.
//!
//! The **background** is the rest.

use image::RgbImage;

use super::dominant::dominant_colours;
use crate::colour::Lab;
use crate::letterbox::RatioBox;

/// The allowed shares of the foreground.
const SHARES: std::ops::RangeInclusive<f32> = 0.005..=0.99;
/// Border colours below this share count as objects that touch the border.
const BORDER_SHARE: f32 = 0.05;
/// The minimum difference between the mean distances of foreground and background from the border, in CIELAB.
const MIN_DISTANCE: f32 = 10.0;

/// A part of an image, pixel by pixel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Region {
    width: usize,
    height: usize,
    inside: Vec<bool>,
}

impl Region {
    fn new(width: u32, height: u32, inside: impl Fn(u32, u32) -> bool) -> Self {
        let pixels = (0..height).flat_map(|y| (0..width).map(move |x| (x, y)));
        let inside = pixels.map(|(x, y)| inside(x, y)).collect();
        Self {
            width: width as usize,
            height: height as usize,
            inside,
        }
    }

    /// The pixels that overlap any of the boxes.
    pub(super) fn of_boxes(width: u32, height: u32, boxes: &[RatioBox]) -> Self {
        let (w, h) = (width as f32, height as f32);
        let covers = |from: f32, size: f32, side: f32, at: u32| {
            let at = at as f32;
            at + 1.0 > from * side && at < (from + size) * side
        };
        Self::new(width, height, |x, y| {
            boxes
                .iter()
                .any(|b| covers(b.left, b.width, w, x) && covers(b.top, b.height, h, y))
        })
    }

    /// Whether a pixel is in the region.
    pub(super) fn contains(&self, x: u32, y: u32) -> bool {
        let (x, y) = (x as usize, y as usize);
        x < self.width
            && self
                .inside
                .get(y * self.width + x)
                .copied()
                .unwrap_or(false)
    }

    /// For each pixel of the image at another size, whether it is in the region.
    pub(super) fn scaled(&self, width: usize, height: usize) -> Vec<bool> {
        let columns: Vec<usize> = (0..width).map(|x| x * self.width / width).collect();
        let mut inside = Vec::with_capacity(width * height);
        for y in 0..height {
            let start = y * self.height / height * self.width;
            let row = self
                .inside
                .get(start..start + self.width)
                .unwrap_or_default();
            inside.extend(
                columns
                    .iter()
                    .map(|x| row.get(*x).copied().unwrap_or_default()),
            );
        }
        inside
    }

    fn share(&self) -> f32 {
        self.inside.iter().filter(|i| **i).count() as f32 / self.inside.len().max(1) as f32
    }

    fn if_plausible(self) -> Option<Self> {
        SHARES.contains(&self.share()).then_some(self)
    }
}

/// Finds the foreground of an image with these objects.
pub(super) fn foreground(view: &RgbImage, objects: &[RatioBox]) -> Region {
    let (width, height) = view.dimensions();
    Region::of_boxes(width, height, objects)
        .if_plausible()
        .or_else(|| distinct_from_border(view))
        .unwrap_or_else(|| {
            let middle = RatioBox {
                left: 0.25,
                top: 0.25,
                width: 0.5,
                height: 0.5,
            };
            Region::of_boxes(width, height, &[middle])
        })
}

fn distinct_from_border(view: &RgbImage) -> Option<Region> {
    let (width, height) = view.dimensions();
    let (frame_x, frame_y) = (width.div_ceil(16), height.div_ceil(16));
    let on_border = |x: u32, y: u32| {
        x < frame_x || y < frame_y || x + frame_x >= width || y + frame_y >= height
    };
    let border = view
        .enumerate_pixels()
        .filter(|(x, y, _)| on_border(*x, *y))
        .map(|(_, _, p)| p.0);
    let colours: Vec<Lab> = dominant_colours(border)
        .iter()
        .filter(|c| c.share >= BORDER_SHARE)
        .map(|c| c.lab)
        .collect();

    let distances: Vec<f32> = view
        .pixels()
        .map(|p| {
            let lab = Lab::from_rgb(p.0);
            colours
                .iter()
                .map(|c| c.distance_squared(lab))
                .fold(f32::MAX, f32::min)
                .sqrt()
        })
        .collect();
    if colours.is_empty() {
        return None;
    }
    let smooth = smoothed(&distances, width as usize);
    let threshold = otsu(&smooth)?;
    let region = Region {
        width: width as usize,
        height: height as usize,
        inside: smooth.iter().map(|d| *d > threshold).collect(),
    };
    region.if_plausible()
}

/// Mean of each pixel and its eight neighbours.
fn smoothed(values: &[f32], width: usize) -> Vec<f32> {
    let rows: Vec<&[f32]> = values.chunks(width.max(1)).collect();
    let mut out = Vec::with_capacity(values.len());
    for y in 0..rows.len() {
        for x in 0..width {
            let near = rows.iter().take(y + 2).skip(y.saturating_sub(1));
            let (mut sum, mut count) = (0.0, 0.0f32);
            for value in near.flat_map(|row| row.iter().take(x + 2).skip(x.saturating_sub(1))) {
                sum += value;
                count += 1.0;
            }
            out.push(sum / count.max(1.0));
        }
    }
    out
}

/// The threshold that separates the values into the two most different groups (Otsu 1979). `None` if the groups' means
/// differ by less than [`MIN_DISTANCE`].
fn otsu(values: &[f32]) -> Option<f32> {
    const BINS: usize = 64;
    let most = values.iter().copied().fold(0.0, f32::max);
    if most <= 0.0 {
        return None;
    }
    let mut histogram = [(0u32, 0f32); BINS];
    for value in values {
        let bin = ((value / most * BINS as f32) as usize).min(BINS - 1);
        if let Some((count, sum)) = histogram.get_mut(bin) {
            *count += 1;
            *sum += value;
        }
    }
    let total: f32 = values.iter().sum();
    let (mut count, mut sum) = (0u32, 0f32);
    let mut best: Option<(f32, f32, f32)> = None;
    for (bin, (more, value)) in histogram.iter().enumerate() {
        count += more;
        sum += value;
        let rest = values.len() as u32 - count;
        if count == 0 || rest == 0 {
            continue;
        }
        let (near, far) = (sum / count as f32, (total - sum) / rest as f32);
        let between = count as f32 * rest as f32 * (far - near).powi(2);
        if best.is_none_or(|(most, _, _)| between > most) {
            best = Some((between, far - near, (bin + 1) as f32 / BINS as f32 * most));
        }
    }
    best.filter(|(_, apart, _)| *apart >= MIN_DISTANCE)
        .map(|(_, _, threshold)| threshold)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn disc(background: [u8; 3], colour: [u8; 3]) -> RgbImage {
        RgbImage::from_fn(128, 96, |x, y| {
            let (dx, dy) = (i64::from(x) - 90, i64::from(y) - 40);
            Rgb(if dx * dx + dy * dy < 400 {
                colour
            } else {
                background
            })
        })
    }

    fn corners(region: &Region) -> [bool; 4] {
        [(0, 0), (127, 0), (0, 95), (127, 95)].map(|(x, y)| region.contains(x, y))
    }

    #[test]
    fn boxes_are_the_foreground() {
        let view = disc([0; 3], [255; 3]);
        let object = RatioBox {
            left: 0.0,
            top: 0.0,
            width: 0.25,
            height: 0.5,
        };
        let region = foreground(&view, &[object]);
        assert!(region.contains(0, 0) && region.contains(31, 47));
        assert!(!region.contains(32, 0) && !region.contains(0, 48) && !region.contains(90, 40));
    }

    #[test]
    fn an_area_that_differs_from_the_border_is_the_foreground() {
        let region = foreground(&disc([30, 90, 160], [230, 200, 40]), &[]);
        assert!(region.contains(90, 40));
        assert_eq!(corners(&region), [false; 4]);
        assert!((region.share() - 0.102).abs() < 0.02, "{}", region.share());
    }

    #[test]
    fn a_box_over_the_whole_image_is_ignored() {
        let all = RatioBox {
            left: 0.0,
            top: 0.0,
            width: 1.0,
            height: 1.0,
        };
        let region = foreground(&disc([30, 90, 160], [230, 200, 40]), &[all]);
        assert!(region.contains(90, 40) && !region.contains(5, 5));
    }

    #[test]
    fn the_foreground_of_a_flat_image_is_its_centre() {
        let region = foreground(&RgbImage::from_pixel(128, 96, Rgb([9, 9, 9])), &[]);
        assert!(region.contains(64, 48));
        assert_eq!(corners(&region), [false; 4]);
        assert_eq!(region.share(), 0.25);
    }

    #[test]
    fn a_region_scales_with_the_image() {
        let left = RatioBox {
            left: 0.0,
            top: 0.0,
            width: 0.5,
            height: 1.0,
        };
        let scaled = Region::of_boxes(10, 10, &[left]).scaled(500, 300);
        assert_eq!(scaled.len(), 150_000);
        assert!(scaled[249] && !scaled[250] && scaled[149_749] && !scaled[149_750]);
    }
}
