//! Finds the lines of text in the detector's map, as PaddleOCR does: connected pixels, the smallest rectangle around
//! them, and that rectangle enlarged, because the network marks only the core of a line.

use super::area::Vertex;
use super::detector::ProbabilityMap;
use super::rectangle::Rectangle;

/// The probability from which a pixel belongs to text.
const PIXEL_MIN: f32 = 0.3;
/// The mean probability in a rectangle from which it is text.
const REGION_MIN: f32 = 0.5;
/// How far a rectangle is enlarged: this times its area, divided by its circumference.
const GROWTH: f64 = 1.6;
/// The shortest side of a rectangle in pixels of the map, before and after it is enlarged.
const SIDE_MIN: f64 = 3.0;
const GROWN_SIDE_MIN: f64 = 5.0;

/// A line of text that the detector found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Region {
    /// In pixels of the map.
    pub(super) rectangle: Rectangle,
    /// The mean probability.
    pub(super) score: f32,
}

/// The lines of text in a map, in no particular order.
pub(super) fn regions(map: &ProbabilityMap) -> Vec<Region> {
    let components = components(&mask(map), map.width, map.height);
    let regions = components.into_iter().filter_map(|edge| {
        let core = smallest_rectangle(&hull(edge))?;
        let score = mean(map, &core);
        let distance = GROWTH * core.length * core.height / (2.0 * (core.length + core.height));
        let rectangle = core.grown(distance).readable();
        let large = core.length.min(core.height) >= SIDE_MIN
            && rectangle.length.min(rectangle.height) >= GROWN_SIDE_MIN;
        (large && score >= REGION_MIN).then_some(Region { rectangle, score })
    });
    regions.collect()
}

/// The pixels of text. Each one spreads to the right and downwards by a pixel, which joins the parts of broken lines.
fn mask(map: &ProbabilityMap) -> Vec<bool> {
    let mut mask = Vec::with_capacity(map.values.len());
    for y in 0..map.height {
        for x in 0..map.width {
            let (left, above) = (x.wrapping_sub(1), y.wrapping_sub(1));
            let near = [(x, y), (left, y), (x, above), (left, above)];
            mask.push(near.into_iter().any(|(x, y)| map.at(x, y) > PIXEL_MIN));
        }
    }
    mask
}

/// For each group of pixels that touch at a side or a corner: the pixels at the ends of its rows.
fn components(mask: &[bool], width: usize, height: usize) -> Vec<Vec<Vertex>> {
    let set = |x: usize, y: usize| x < width && mask.get(y * width + x) == Some(&true);
    let mut unseen = mask.to_vec();
    let mut components = Vec::new();
    for start in 0..unseen.len() {
        if !unseen.get_mut(start).is_some_and(std::mem::take) {
            continue;
        }
        let mut ends = Vec::new();
        let mut pending = vec![start];
        while let Some(pixel) = pending.pop() {
            let (x, y) = (pixel % width, pixel / width);
            if !set(x.wrapping_sub(1), y) || !set(x + 1, y) {
                ends.push((x as f64 + 0.5, y as f64 + 0.5));
            }
            for y in y.saturating_sub(1)..=(y + 1).min(height - 1) {
                for x in x.saturating_sub(1)..=(x + 1).min(width - 1) {
                    let neighbour = y * width + x;
                    if unseen.get_mut(neighbour).is_some_and(std::mem::take) {
                        pending.push(neighbour);
                    }
                }
            }
        }
        components.push(ends);
    }
    components
}

/// The convex hull (Andrew's monotone chain).
fn hull(mut points: Vec<Vertex>) -> Vec<Vertex> {
    points.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    let mut hull = chain(points.iter());
    hull.extend(chain(points.iter().rev()));
    hull
}

/// One side of the hull, without its last point.
fn chain<'a>(points: impl Iterator<Item = &'a Vertex>) -> Vec<Vertex> {
    let mut chain: Vec<Vertex> = Vec::new();
    for &point in points {
        while let [.., a, b] = chain.as_slice()
            && (b.0 - a.0) * (point.1 - a.1) - (b.1 - a.1) * (point.0 - a.0) <= 0.0
        {
            chain.pop();
        }
        chain.push(point);
    }
    chain.pop();
    chain
}

/// The smallest rectangle around a convex polygon. One of its sides lies on a side of the polygon. `None` for a point.
fn smallest_rectangle(hull: &[Vertex]) -> Option<Rectangle> {
    let next = hull.iter().cycle().skip(1);
    let rectangles = hull.iter().zip(next).filter_map(|(from, to)| {
        let side = (to.0 - from.0).hypot(to.1 - from.1);
        let start = Rectangle {
            origin: *from,
            along: ((to.0 - from.0) / side, (to.1 - from.1) / side),
            length: 0.0,
            height: 0.0,
        };
        let points = hull.iter().map(|point| Rectangle {
            origin: *point,
            ..start
        });
        (side > 0.0).then(|| Rectangle::around(points)).flatten()
    });
    rectangles.min_by(|a, b| (a.length * a.height).total_cmp(&(b.length * b.height)))
}

/// The mean probability of the pixels whose centre is in a rectangle.
fn mean(map: &ProbabilityMap, rectangle: &Rectangle) -> f32 {
    let corners = rectangle.corners();
    let ends = |of: fn(&Vertex) -> f64, limit: usize| {
        let least = corners.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = corners.iter().map(of).fold(0.0, f64::max);
        (least.max(0.0) as usize)..(most.ceil() as usize).min(limit)
    };
    // The rectangle runs through the centres of pixels, so rounding must not leave them out.
    let rectangle = rectangle.grown(1e-6);
    let (mut sum, mut count) = (0.0, 0usize);
    for y in ends(|corner| corner.1, map.height) {
        for x in ends(|corner| corner.0, map.width) {
            if rectangle.contains((x as f64 + 0.5, y as f64 + 0.5)) {
                sum += map.at(x, y);
                count += 1;
            }
        }
    }
    sum / count.max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A map of 100 x 80 with these rectangles of a probability.
    fn map(rectangles: &[(Rectangle, f32)]) -> ProbabilityMap {
        let (width, height) = (100, 80);
        let values = (0..width * height).map(|pixel| {
            let centre = ((pixel % width) as f64 + 0.5, (pixel / width) as f64 + 0.5);
            let found = rectangles.iter().find(|(r, _)| r.contains(centre));
            found.map_or(0.0, |(_, probability)| *probability)
        });
        ProbabilityMap {
            width,
            height,
            values: values.collect(),
        }
    }

    fn rotated(degrees: f64) -> Rectangle {
        let (sin, cos) = degrees.to_radians().sin_cos();
        Rectangle {
            origin: (40.0, 20.0),
            along: (cos, sin),
            length: 40.0,
            height: 10.0,
        }
    }

    #[test]
    fn components_join_at_corners_only_where_pixels_touch() {
        // A diagonal of two pixels, one alone, and a bar.
        let mut mask = vec![false; 48];
        for pixel in [0, 9, 4, 32, 33, 34] {
            mask[pixel] = true;
        }
        let found = components(&mask, 8, 6);
        assert_eq!(found.len(), 3);
        assert_eq!(found[0], [(0.5, 0.5), (1.5, 1.5)]);
        assert_eq!(found[1], [(4.5, 0.5)]);
        assert_eq!(found[2].len(), 2, "the ends of the bar: {:?}", found[2]);
        // The last pixel of a row does not touch the first of the next but one.
        let mut mask = vec![false; 48];
        (mask[7], mask[16]) = (true, true);
        assert_eq!(components(&mask, 8, 6).len(), 2);
    }

    #[test]
    fn the_hull_of_a_square_with_points_inside_is_its_corners() {
        let mut points: Vec<Vertex> = (0..25)
            .map(|n| (f64::from(n % 5), f64::from(n / 5)))
            .collect();
        points.reverse();
        let mut corners = hull(points);
        corners.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        assert_eq!(corners, [(0.0, 0.0), (0.0, 4.0), (4.0, 0.0), (4.0, 4.0)]);
        assert_eq!(smallest_rectangle(&hull(vec![(1.0, 1.0)])), None);
    }

    #[test]
    fn a_rotated_block_gets_a_rectangle_with_its_angle() {
        for degrees in [0.0, 10.0, 30.0, 45.0, -20.0] {
            let block = rotated(degrees);
            let found = regions(&map(&[(block, 0.9)]));
            let [region] = found.as_slice() else {
                panic!("{degrees}: {found:?}");
            };
            let found = region.rectangle;
            let angle = found.along.1.atan2(found.along.0).to_degrees();
            assert!((angle - degrees).abs() < 4.0, "{degrees}: {angle}");
            let (centre, expected) = (found.centre(), block.centre());
            let off = (centre.0 - expected.0).hypot(centre.1 - expected.1);
            assert!(off < 1.5, "{degrees}: {off}");
            // The core of 40 x 10 grows by 1.6 * 400 / 100 on each side.
            assert!((found.length - 52.8).abs() < 3.0, "{degrees}: {found:?}");
            assert!((found.height - 22.8).abs() < 3.0, "{degrees}: {found:?}");
        }
    }

    #[test]
    fn specks_and_faint_blocks_are_no_text() {
        let bar = |top, height| Rectangle::upright(10.0, top, 60.0, height);
        assert_eq!(regions(&map(&[])), []);
        assert_eq!(regions(&map(&[(bar(10.0, 10.0), 0.45)])), []);
        assert_eq!(regions(&map(&[(bar(10.0, 10.0), 0.25)])), []);
        assert_eq!(regions(&map(&[(bar(10.0, 2.0), 0.9)])), []);
        let speck = Rectangle::upright(50.0, 50.0, 1.0, 1.0);
        assert_eq!(regions(&map(&[(speck, 0.9)])), []);
        let two = regions(&map(&[(bar(10.0, 10.0), 0.9), (bar(40.0, 10.0), 0.7)]));
        assert_eq!(two.len(), 2);
        assert!((0.8..=0.9).contains(&two[0].score), "{}", two[0].score);
    }

    #[test]
    fn a_map_that_is_all_text_is_one_region() {
        let found = regions(&map(&[(Rectangle::upright(0.0, 0.0, 100.0, 80.0), 1.0)]));
        assert_eq!(found.len(), 1);
    }
}
