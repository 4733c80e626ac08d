//! Cuts rotated rectangles out of an image.

use image::{Rgb, RgbImage};

use super::area::Vertex;
use super::rectangle::Rectangle;

/// The most samples for a pixel of the result along each side.
const MAX_SAMPLES: u32 = 8;

/// The part of an image in a rectangle, turned upright and scaled to this size. Outside the image its edge is repeated.
///
/// Each pixel is the mean of bilinear samples that lie about one pixel of the image apart, so that scaling down does not
/// alias.
pub(super) fn cut(image: &RgbImage, rectangle: &Rectangle, width: u32, height: u32) -> RgbImage {
    let step = (
        rectangle.length / f64::from(width),
        rectangle.height / f64::from(height),
    );
    let samples = |step: f64| (step.ceil() as u32).clamp(1, MAX_SAMPLES);
    let (across, down) = (samples(step.0), samples(step.1));
    let offset = |pixel: u32, sample: u32, samples: u32| {
        f64::from(pixel) + (f64::from(sample) + 0.5) / f64::from(samples)
    };
    RgbImage::from_fn(width, height, |x, y| {
        let mut sum = [0.0; 3];
        for row in 0..down {
            for column in 0..across {
                let along = offset(x, column, across) * step.0;
                let point = rectangle.point(along, offset(y, row, down) * step.1);
                for (sum, value) in sum.iter_mut().zip(sample(image, point)) {
                    *sum += value;
                }
            }
        }
        Rgb(sum.map(|sum| (sum / (across * down) as f32 + 0.5) as u8))
    })
}

/// The colour at a point, bilinear between the centres of pixels.
fn sample(image: &RgbImage, (x, y): Vertex) -> [f32; 3] {
    let (left, right, x) = neighbours(x, image.width());
    let (top, bottom, y) = neighbours(y, image.height());
    let pixel = |x, y| {
        let pixel = image.get_pixel_checked(x, y);
        pixel.map_or([0.0; 3], |pixel| pixel.0.map(f32::from))
    };
    let mix = |a: [f32; 3], b: [f32; 3], part: f32| {
        let [r, g, z] = a;
        let [s, h, w] = b;
        [r + part * (s - r), g + part * (h - g), z + part * (w - z)]
    };
    mix(
        mix(pixel(left, top), pixel(right, top), x),
        mix(pixel(left, bottom), pixel(right, bottom), x),
        y,
    )
}

/// The two pixels whose centres are nearest to a coordinate, and how far it is from the first to the second.
fn neighbours(at: f64, side: u32) -> (u32, u32, f32) {
    let last = side.saturating_sub(1);
    let at = (at - 0.5).clamp(0.0, f64::from(last));
    let first = at as u32;
    (first, (first + 1).min(last), (at - f64::from(first)) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 60 x 40: red left, blue right, a white bar along the top.
    fn marked() -> RgbImage {
        RgbImage::from_fn(60, 40, |x, y| {
            Rgb(match (x, y) {
                (_, 0..10) => [255; 3],
                (0..30, _) => [255, 0, 0],
                _ => [0, 0, 255],
            })
        })
    }

    #[test]
    fn the_whole_image_at_its_size_is_unchanged() {
        let whole = Rectangle::upright(0.0, 0.0, 60.0, 40.0);
        assert_eq!(cut(&marked(), &whole, 60, 40), marked());
    }

    #[test]
    fn text_that_runs_downwards_is_turned_upright() {
        // Seen from the right edge the picture's blue half is on top, and the white bar on the left.
        let down = Rectangle {
            origin: (60.0, 0.0),
            along: (0.0, 1.0),
            length: 40.0,
            height: 60.0,
        };
        let turned = cut(&marked(), &down, 40, 60);
        assert_eq!(turned, image::imageops::rotate270(&marked()));
        let upside_down = Rectangle::upright(0.0, 0.0, 60.0, 40.0).upside_down();
        assert_eq!(
            cut(&marked(), &upside_down, 60, 40),
            image::imageops::rotate180(&marked())
        );
    }

    #[test]
    fn scaling_down_takes_the_mean() {
        let stripes = RgbImage::from_fn(64, 64, |x, _| Rgb([if x % 2 == 0 { 0 } else { 200 }; 3]));
        let small = cut(&stripes, &Rectangle::upright(8.0, 8.0, 48.0, 48.0), 12, 12);
        assert!(small.pixels().all(|p| p.0[0].abs_diff(100) <= 2));
    }

    #[test]
    fn the_edge_is_repeated_outside() {
        let outside = cut(
            &marked(),
            &Rectangle::upright(-20.0, 20.0, 20.0, 10.0),
            4,
            2,
        );
        assert!(outside.pixels().all(|pixel| pixel.0 == [255, 0, 0]));
    }
}
