//! Cuts parts out of a picture, turned and scaled.

use std::sync::Arc;

use image::RgbImage;

use super::geometry::{Point, Rect};

/// The shorter side at which halving stops, in pixels.
const SMALLEST_LEVEL: u32 = 16;
/// Source pixels for a pixel of the result above which four samples are averaged.
const SUPERSAMPLE: f32 = 1.25;

/// A similarity transform: turns, scales and moves, but never mirrors. It maps (u, v) to (a u - b v + x, b u + a v + y).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Similarity {
    a: f32,
    b: f32,
    x: f32,
    y: f32,
}

impl Similarity {
    /// The transform that maps each first point of the pairs to the second one, with the least squared distance.
    ///
    /// `None` if the first points coincide.
    pub(super) fn fit(pairs: &[(Point, Point)]) -> Option<Self> {
        let n = pairs.len().max(1) as f32;
        let mean = |of: fn(&(Point, Point)) -> f32| pairs.iter().map(of).sum::<f32>() / n;
        let (u, v) = (mean(|p| p.0.x), mean(|p| p.0.y));
        let (x, y) = (mean(|p| p.1.x), mean(|p| p.1.y));
        let (mut along, mut across, mut spread) = (0.0, 0.0, 0.0);
        for (from, to) in pairs {
            let (du, dv, dx, dy) = (from.x - u, from.y - v, to.x - x, to.y - y);
            along += du * dx + dv * dy;
            across += du * dy - dv * dx;
            spread += du * du + dv * dv;
        }
        if spread <= f32::EPSILON {
            return None;
        }
        let (a, b) = (along / spread, across / spread);
        Some(Self {
            a,
            b,
            x: x - a * u + b * v,
            y: y - b * u - a * v,
        })
    }

    /// Maps a square of `side` pixels to the square around `centre` with sides of `length` pixels, turned clockwise by
    /// `angle` radians.
    pub(super) fn square(side: usize, centre: Point, length: f32, angle: f32) -> Self {
        let scale = length / side.max(1) as f32;
        let (sin, cos) = angle.sin_cos();
        let (a, b, half) = (scale * cos, scale * sin, side as f32 / 2.0);
        Self {
            a,
            b,
            x: centre.x - a * half + b * half,
            y: centre.y - b * half - a * half,
        }
    }

    pub(super) fn apply(&self, point: Point) -> Point {
        Point::new(
            self.a * point.x - self.b * point.y + self.x,
            self.b * point.x + self.a * point.y + self.y,
        )
    }

    /// How much longer a line becomes.
    pub(super) fn scale(&self) -> f32 {
        self.a.hypot(self.b)
    }
}

/// A picture and its halves, quarters and so on, so that shrinking averages all pixels.
pub(super) struct Levels {
    full: Arc<RgbImage>,
    /// The first has half the size, each other half of the one before.
    halves: Vec<RgbImage>,
}

impl Levels {
    pub(super) fn new(full: Arc<RgbImage>) -> Self {
        let mut halves: Vec<RgbImage> = Vec::new();
        loop {
            let last = halves.last().unwrap_or(&full);
            if last.width().min(last.height()) < 2 * SMALLEST_LEVEL {
                break;
            }
            let half = halved(last);
            halves.push(half);
        }
        Self { full, halves }
    }

    /// Width and height in pixels.
    pub(super) fn size(&self) -> (u32, u32) {
        self.full.dimensions()
    }

    /// The smallest level with at least 1/`shrink` of the full size, and its scale.
    pub(super) fn level(&self, shrink: f32) -> (&RgbImage, f32) {
        let (mut level, mut scale) = (&*self.full, 1.0);
        for half in &self.halves {
            if scale * shrink < 2.0 {
                break;
            }
            level = half;
            scale /= 2.0;
        }
        (level, scale)
    }

    /// The part of the picture that `to_picture` maps `width` x `height` pixels to. Black outside of the picture.
    pub(super) fn cut(&self, to_picture: &Similarity, width: usize, height: usize) -> Chip {
        let shrink = to_picture.scale();
        let (level, scale) = self.level(shrink);
        let (offsets, weight): (&[f32], f32) = if shrink * scale > SUPERSAMPLE {
            (&[0.25, 0.75], 0.25)
        } else {
            (&[0.5], 1.0)
        };
        let mut pixels = Vec::with_capacity(width * height);
        for row in 0..height {
            for column in 0..width {
                let mut sum = [0.0; 3];
                for dy in offsets {
                    for dx in offsets {
                        let at = Point::new(column as f32 + dx, row as f32 + dy);
                        let at = to_picture.apply(at);
                        add_sample(level, at.x * scale - 0.5, at.y * scale - 0.5, &mut sum);
                    }
                }
                pixels.push(sum.map(|channel| channel * weight));
            }
        }
        Chip { width, pixels }
    }

    /// A part of the picture, upright, scaled to `width` x `height` pixels. Each pixel is the mean of the area that it covers,
    /// when enlarging too. Black outside of the picture.
    pub(super) fn area(&self, part: &Rect, width: usize, height: usize) -> Chip {
        let shrink = (part.width() / width as f32).min(part.height() / height as f32);
        let (level, scale) = self.level(shrink);
        let columns = spans(part.left * scale, part.width() * scale, width);
        let rows = spans(part.top * scale, part.height() * scale, height);
        let stride = 3 * level.width() as usize;
        let samples = level.as_raw();

        // Each row that is needed, scaled across.
        let first = rows.first().map_or(0, |row| row.start);
        let last = rows.last().map_or(0, |row| row.start + row.weights.len());
        let across: Vec<Vec<[f32; 3]>> = samples
            .chunks_exact(stride.max(1))
            .take(last)
            .skip(first)
            .map(|row| columns.iter().map(|span| span.of_row(row)).collect())
            .collect();
        let mut pixels = vec![[0.0; 3]; width * height];
        for (line, span) in pixels.chunks_exact_mut(width.max(1)).zip(&rows) {
            let sources = across.iter().skip(span.start - first);
            for (source, weight) in sources.zip(&span.weights) {
                for (to, from) in line.iter_mut().zip(source) {
                    for (total, channel) in to.iter_mut().zip(from) {
                        *total += weight * channel;
                    }
                }
            }
        }
        Chip { width, pixels }
    }
}

/// The pixels of a row or column that one pixel of the result covers, and their shares of it.
struct Span {
    start: usize,
    weights: Vec<f32>,
}

impl Span {
    /// The weighted sum of RGB pixels of a row.
    fn of_row(&self, row: &[u8]) -> [f32; 3] {
        let mut sum = [0.0; 3];
        let pixels = row.chunks_exact(3).skip(self.start);
        for (pixel, weight) in pixels.zip(&self.weights) {
            for (total, channel) in sum.iter_mut().zip(pixel) {
                *total += weight * f32::from(*channel);
            }
        }
        sum
    }
}

/// Divides a length that begins at `start` into `count` equal spans of pixels.
fn spans(start: f32, length: f32, count: usize) -> Vec<Span> {
    let size = length / count.max(1) as f32;
    let span = |at: usize| {
        let (from, to) = (start + at as f32 * size, start + (at + 1) as f32 * size);
        // A pixel before the picture has a negative index; it is black and adds nothing.
        let first = from.max(0.0).floor();
        let pixels = (to.ceil() - first).max(0.0) as usize;
        let weights = (0..pixels).map(|pixel| {
            let left = first + pixel as f32;
            (to.min(left + 1.0) - from.max(left)).max(0.0) / size
        });
        Span {
            start: first as usize,
            weights: weights.collect(),
        }
    };
    (0..count).map(span).collect()
}

/// Each pixel is the mean of four.
fn halved(image: &RgbImage) -> RgbImage {
    let (width, height) = (image.width() / 2, image.height() / 2);
    let stride = 3 * image.width() as usize;
    let mut pixels = Vec::with_capacity(3 * (width * height) as usize);
    for rows in image.as_raw().chunks_exact(2 * stride) {
        let (upper, lower) = rows.split_at(stride);
        for (a, b) in upper.chunks_exact(6).zip(lower.chunks_exact(6)) {
            let (left, right) = (a.iter().zip(b).take(3), a.iter().zip(b).skip(3));
            pixels.extend(left.zip(right).map(|((p, q), (r, s))| {
                let sum = u16::from(*p) + u16::from(*q) + u16::from(*r) + u16::from(*s);
                u8::try_from((sum + 2) / 4).unwrap_or(u8::MAX)
            }));
        }
    }
    RgbImage::from_raw(width, height, pixels).unwrap_or_default()
}

/// Adds the colour between four pixels. Pixels outside of the picture are black.
fn add_sample(image: &RgbImage, x: f32, y: f32, sum: &mut [f32; 3]) {
    let (left, top) = (x.floor(), y.floor());
    let (fx, fy) = (x - left, y - top);
    for (dx, wx) in [(0.0, 1.0 - fx), (1.0, fx)] {
        for (dy, wy) in [(0.0, 1.0 - fy), (1.0, fy)] {
            let (px, py) = (left + dx, top + dy);
            if px < 0.0 || py < 0.0 {
                continue;
            }
            if let Some(pixel) = image.get_pixel_checked(px as u32, py as u32) {
                for (total, channel) in sum.iter_mut().zip(pixel.0) {
                    *total += wx * wy * f32::from(channel);
                }
            }
        }
    }
}

/// A part of a picture: RGB samples 0..=255, row by row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chip {
    width: usize,
    pixels: Vec<[f32; 3]>,
}

impl Chip {
    /// Appends the samples in the order row, column, channel.
    pub(super) fn push_rows(&self, into: &mut Vec<f32>, normalise: impl Fn([f32; 3]) -> [f32; 3]) {
        into.extend(self.pixels.iter().flat_map(|pixel| normalise(*pixel)));
    }

    /// Appends the samples in the order column, row, channel.
    pub(super) fn push_columns(
        &self,
        into: &mut Vec<f32>,
        normalise: impl Fn([f32; 3]) -> [f32; 3],
    ) {
        for column in 0..self.width {
            let pixels = self.pixels.iter().skip(column).step_by(self.width);
            into.extend(pixels.flat_map(|pixel| normalise(*pixel)));
        }
    }

    /// Appends the samples in the order channel, row, column.
    pub(super) fn push_planes(
        &self,
        into: &mut Vec<f32>,
        normalise: impl Fn([f32; 3]) -> [f32; 3],
    ) {
        for channel in 0..3 {
            into.extend(
                self.pixels
                    .iter()
                    .filter_map(|pixel| normalise(*pixel).get(channel).copied()),
            );
        }
    }

    /// The samples rounded to bytes.
    pub(super) fn to_image(&self) -> RgbImage {
        let height = self.pixels.len() / self.width.max(1);
        let bytes = self.pixels.iter().flatten();
        let bytes = bytes.map(|v| v.round().clamp(0.0, 255.0) as u8).collect();
        RgbImage::from_raw(self.width as u32, height as u32, bytes).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    fn near(a: Point, b: Point) -> bool {
        a.distance(b) < 1e-3
    }

    #[test]
    fn a_known_turn_scale_and_move_is_found() {
        let (angle, scale) = (0.4f32, 2.5f32);
        let (a, b) = (scale * angle.cos(), scale * angle.sin());
        let map = |p: Point| Point::new(a * p.x - b * p.y + 7.0, b * p.x + a * p.y - 3.0);
        let from =
            [(0.0, 0.0), (10.0, 0.0), (4.0, 9.0), (-3.0, 5.0)].map(|(x, y)| Point::new(x, y));
        let pairs: Vec<_> = from.iter().map(|p| (*p, map(*p))).collect();
        let fitted = Similarity::fit(&pairs).unwrap();
        assert!((fitted.scale() - scale).abs() < 1e-4);
        for point in from {
            assert!(near(fitted.apply(point), map(point)));
        }
    }

    #[test]
    fn points_that_coincide_have_no_transform() {
        let same = (Point::new(1.0, 1.0), Point::new(2.0, 2.0));
        assert_eq!(Similarity::fit(&[same, same]), None);
        assert_eq!(Similarity::fit(&[]), None);
    }

    #[test]
    fn errors_of_points_are_shared() {
        // The second points are twice as far apart, and one is moved to the right.
        let pairs = [
            (Point::new(0.0, 0.0), Point::new(0.0, 0.0)),
            (Point::new(1.0, 0.0), Point::new(2.2, 0.0)),
            (Point::new(0.0, 1.0), Point::new(0.0, 2.0)),
        ];
        let fitted = Similarity::fit(&pairs).unwrap();
        assert!(fitted.scale() > 2.0 && fitted.scale() < 2.2);
    }

    #[test]
    fn a_square_is_centred_and_turned() {
        let square = Similarity::square(10, Point::new(50.0, 40.0), 20.0, 0.0);
        assert!(near(
            square.apply(Point::new(0.0, 0.0)),
            Point::new(40.0, 30.0)
        ));
        let turned = Similarity::square(
            10,
            Point::new(50.0, 40.0),
            20.0,
            std::f32::consts::FRAC_PI_2,
        );
        assert!(near(
            turned.apply(Point::new(5.0, 5.0)),
            Point::new(50.0, 40.0)
        ));
        assert!(
            near(turned.apply(Point::new(10.0, 5.0)), Point::new(50.0, 50.0)),
            "the right side points down"
        );
    }

    fn stripes(width: u32, height: u32) -> Levels {
        Levels::new(Arc::new(RgbImage::from_fn(width, height, |x, _| {
            Rgb(if x % 2 == 0 { [0; 3] } else { [255; 3] })
        })))
    }

    #[test]
    fn shrinking_averages_all_pixels() {
        let levels = stripes(256, 256);
        assert_eq!(levels.halves.len(), 4);
        for length in [256.0, 180.0, 96.0] {
            let to_picture = Similarity::square(32, Point::new(128.0, 128.0), length, 0.1);
            let chip = levels.cut(&to_picture, 32, 32);
            let middle: f32 = chip.pixels[16 * 32 + 8..16 * 32 + 24]
                .iter()
                .map(|p| p[0])
                .sum::<f32>()
                / 16.0;
            assert!((middle - 127.5).abs() < 20.0, "{length}: {middle}");
        }
    }

    #[test]
    fn an_unscaled_part_copies_pixels_and_is_black_outside() {
        let source = RgbImage::from_fn(40, 40, |x, y| Rgb([x as u8, y as u8, 200]));
        let levels = Levels::new(Arc::new(source));
        let part = Rect {
            left: -5.0,
            top: 10.0,
            right: 15.0,
            bottom: 30.0,
        };
        let same = Similarity::square(20, part.centre(), 20.0, 0.0);
        for chip in [levels.area(&part, 20, 20), levels.cut(&same, 20, 20)] {
            assert_eq!(chip.pixels[0], [0.0; 3]);
            let inside = chip.pixels[3 * 20 + 9];
            assert!((inside[0] - 4.0).abs() < 1e-3 && (inside[1] - 13.0).abs() < 1e-3);
            assert_eq!(chip.to_image().get_pixel(9, 3).0, [4, 13, 200]);
        }
        let outside = Rect {
            left: -50.0,
            top: 60.0,
            right: -30.0,
            bottom: 80.0,
        };
        assert_eq!(levels.area(&outside, 4, 4).pixels, [[0.0; 3]; 16]);
    }

    #[test]
    fn a_pixel_is_the_mean_of_the_area_that_it_covers() {
        let ramp = RgbImage::from_fn(6, 6, |x, _| Rgb([10 * x as u8; 3]));
        let levels = Levels::new(Arc::new(ramp));
        let part = |left: f32, right: f32| Rect {
            left,
            top: 0.0,
            right,
            bottom: 6.0,
        };
        // 1.5 pixels each: (0 + 10 / 2) / 1.5, (10 / 2 + 20) / 1.5 and so on.
        let smaller = levels.area(&part(0.0, 6.0), 4, 1);
        let found: Vec<f32> = smaller.pixels.iter().map(|p| p[0]).collect();
        for (found, expected) in
            found
                .iter()
                .zip([10.0 / 3.0, 50.0 / 3.0, 100.0 / 3.0, 140.0 / 3.0])
        {
            assert!((found - expected).abs() < 1e-3, "{found} {expected}");
        }
        // Two thirds of a pixel each: 0, then half of 0 and half of 10, then 10.
        let larger = levels.area(&part(0.0, 2.0), 3, 1);
        let found: Vec<f32> = larger.pixels.iter().map(|p| p[0].round()).collect();
        assert_eq!(found, [0.0, 5.0, 10.0]);
    }

    #[test]
    fn samples_are_written_in_three_orders() {
        let chip = Chip {
            width: 2,
            pixels: vec![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]],
        };
        let tall = Chip {
            width: 1,
            pixels: chip.pixels.clone(),
        };
        let mut planes = Vec::new();
        chip.push_planes(&mut planes, |p| p);
        assert_eq!(planes, [1.0, 4.0, 2.0, 5.0, 3.0, 6.0]);
        let (mut rows, mut columns) = (Vec::new(), Vec::new());
        let square = Chip {
            width: 2,
            pixels: [chip.pixels.clone(), vec![[7.0; 3], [9.0; 3]]].concat(),
        };
        square.push_rows(&mut rows, |p| p);
        square.push_columns(&mut columns, |p| p);
        assert_eq!(rows[3..9], [4.0, 5.0, 6.0, 7.0, 7.0, 7.0]);
        assert_eq!(columns[3..9], [7.0, 7.0, 7.0, 4.0, 5.0, 6.0]);
        assert_eq!(tall.to_image().dimensions(), (1, 2));
    }
}
