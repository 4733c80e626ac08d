//! Foreground and background.
//!
//! - The **foreground** is what lies in the boxes of the objects found, when there are any and they do not
//!   cover the picture.
//! - Otherwise it is what stands out from the border: the border's colours (the outer sixteenth of each
//!   side, clustered in CIELAB) are taken for the background, every pixel's distance from the nearest of
//!   them is smoothed, and Otsu's threshold parts near from far.
//! - When nothing stands out either (a flat or an evenly textured picture), it is the middle of the picture,
//!   half as wide and half as high.
//!
//! The **background** is the rest.

use image::RgbImage;

use super::dominant::dominant_colours;
use crate::colour::Lab;
use crate::letterbox::RatioBox;

/// Shares of the picture that a foreground may have.
const SHARES: std::ops::RangeInclusive<f32> = 0.005..=0.99;
/// Border colours below this share are taken for objects that touch the border.
const BORDER_SHARE: f32 = 0.05;
/// A foreground must on average differ by this much more from the border than the background does, in CIELAB.
const STANDS_OUT: f32 = 10.0;

/// A part of a picture, pixel by pixel.
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

    /// The pixels that lie in any of the boxes, even in part.
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

    /// Whether a pixel lies in the region.
    pub(super) fn contains(&self, x: u32, y: u32) -> bool {
        let (x, y) = (x as usize, y as usize);
        x < self.width
            && self
                .inside
                .get(y * self.width + x)
                .copied()
                .unwrap_or(false)
    }

    /// For each pixel of the same picture at another size, whether it lies in the region.
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

    fn if_fitting(self) -> Option<Self> {
        SHARES.contains(&self.share()).then_some(self)
    }
}

/// Finds the foreground of a picture in which these objects were found.
pub(super) fn foreground(view: &RgbImage, objects: &[RatioBox]) -> Region {
    let (width, height) = view.dimensions();
    Region::of_boxes(width, height, objects)
        .if_fitting()
        .or_else(|| standing_out(view))
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

fn standing_out(view: &RgbImage) -> Option<Region> {
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
    region.if_fitting()
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

/// The threshold that parts the values into two groups as unlike as can be (Otsu 1979); nothing when the
/// groups' means are less than [`STANDS_OUT`] apart.
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
    for (bin, (more, worth)) in histogram.iter().enumerate() {
        count += more;
        sum += worth;
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
    best.filter(|(_, apart, _)| *apart >= STANDS_OUT)
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
    fn what_stands_out_from_the_border_is_the_foreground() {
        let region = foreground(&disc([30, 90, 160], [230, 200, 40]), &[]);
        assert!(region.contains(90, 40));
        assert_eq!(corners(&region), [false; 4]);
        assert!((region.share() - 0.102).abs() < 0.02, "{}", region.share());
    }

    #[test]
    fn a_box_over_everything_does_not_part_the_picture() {
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
    fn a_flat_picture_has_its_middle_in_front() {
        let region = foreground(&RgbImage::from_pixel(128, 96, Rgb([9, 9, 9])), &[]);
        assert!(region.contains(64, 48));
        assert_eq!(corners(&region), [false; 4]);
        assert_eq!(region.share(), 0.25);
    }

    #[test]
    fn a_region_has_the_same_place_at_another_size() {
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
