//! Rectangles around text, in pixels of the upright image. They are rotated as the text is.

use rekognition_model::{BoundingBox, Geometry, Point};

use super::area::{Area, Vertex};

/// A rectangle is upright text with letters of this many times its width only if it is a column of letters or a rotated
/// line; both are read along the longer side. PaddleOCR has the same limit.
const TALL: f64 = 1.5;
/// The largest horizontal part of a direction that counts as vertical: the sine of 10 degrees.
const VERTICAL: f64 = 0.17;

/// A rectangle and the direction in which its text is read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rectangle {
    /// The upper left corner as the reader of the text sees it.
    pub(super) origin: Vertex,
    /// The direction of reading, a unit vector.
    pub(super) along: Vertex,
    /// The side along the direction of reading.
    pub(super) length: f64,
    /// The other side.
    pub(super) height: f64,
}

impl Rectangle {
    /// An upright rectangle.
    pub(super) fn upright(left: f64, top: f64, width: f64, height: f64) -> Self {
        Self {
            origin: (left, top),
            along: (1.0, 0.0),
            length: width,
            height,
        }
    }

    /// The direction from the top of the letters to their bottom, a unit vector.
    pub(super) fn down(&self) -> Vertex {
        (-self.along.1, self.along.0)
    }

    /// The point at these distances from the origin, along and across the direction of reading.
    pub(super) fn point(&self, along: f64, down: f64) -> Vertex {
        let (dx, dy) = self.down();
        (
            self.origin.0 + along * self.along.0 + down * dx,
            self.origin.1 + along * self.along.1 + down * dy,
        )
    }

    /// The distances of a point from the origin, along and across the direction of reading.
    pub(super) fn coordinates(&self, (x, y): Vertex) -> (f64, f64) {
        let (x, y) = (x - self.origin.0, y - self.origin.1);
        let (dx, dy) = self.down();
        (x * self.along.0 + y * self.along.1, x * dx + y * dy)
    }

    pub(super) fn contains(&self, point: Vertex) -> bool {
        let (along, down) = self.coordinates(point);
        (0.0..=self.length).contains(&along) && (0.0..=self.height).contains(&down)
    }

    pub(super) fn centre(&self) -> Vertex {
        self.point(self.length / 2.0, self.height / 2.0)
    }

    /// From the upper left corner clockwise, as the reader of the text sees them.
    pub(super) fn corners(&self) -> [Vertex; 4] {
        [
            self.point(0.0, 0.0),
            self.point(self.length, 0.0),
            self.point(self.length, self.height),
            self.point(0.0, self.height),
        ]
    }

    /// The part between two ratios of the length.
    pub(super) fn part(&self, from: f64, to: f64) -> Self {
        Self {
            origin: self.point(from * self.length, 0.0),
            length: (to - from) * self.length,
            ..*self
        }
    }

    /// The same rectangle, read in a direction that is turned clockwise by 90 degrees.
    pub(super) fn turned(&self) -> Self {
        Self {
            origin: self.point(self.length, 0.0),
            along: self.down(),
            length: self.height,
            height: self.length,
        }
    }

    /// The same rectangle with its text upside down.
    pub(super) fn upside_down(&self) -> Self {
        self.turned().turned()
    }

    /// The same rectangle in the direction in which its text is most probably read: from left to right, and along the
    /// longer side if that is clearly longer; downwards if that is vertical.
    pub(super) fn readable(&self) -> Self {
        let turns = [
            *self,
            self.turned(),
            self.upside_down(),
            self.upside_down().turned(),
        ];
        let long = |turn: &Self| turn.height < TALL * turn.length;
        let rightwards = |turn: &Self| {
            let (x, y) = turn.along;
            if x.abs() < VERTICAL { y * VERTICAL } else { x }
        };
        let candidates = turns.iter().filter(|turn| long(turn));
        candidates
            .max_by(|a, b| rightwards(a).total_cmp(&rightwards(b)))
            .copied()
            .unwrap_or(*self)
    }

    /// Whether the text runs along a vertical, up or down.
    pub(super) fn is_vertical(&self) -> bool {
        self.along.0.abs() < VERTICAL
    }

    /// The rectangle with every side moved outwards.
    pub(super) fn grown(&self, distance: f64) -> Self {
        Self {
            origin: self.point(-distance, -distance),
            length: self.length + 2.0 * distance,
            height: self.height + 2.0 * distance,
            ..*self
        }
    }

    /// The rectangle in an image whose sides are `x` and `y` times as long. The factors are nearly equal, so the result is
    /// taken to be a rectangle as well.
    pub(super) fn scaled(&self, x: f64, y: f64) -> Self {
        let scale = |(a, b): Vertex| (a * x, b * y);
        let (along, down) = (scale(self.along), scale(self.down()));
        let stretch = along.0.hypot(along.1);
        let scaled = Self {
            origin: (0.0, 0.0),
            along: (along.0 / stretch, along.1 / stretch),
            length: self.length * stretch,
            height: self.height * down.0.hypot(down.1),
        };
        let (centre, moved) = (scale(self.centre()), scaled.centre());
        Self {
            origin: (centre.0 - moved.0, centre.1 - moved.1),
            ..scaled
        }
    }

    /// The smallest rectangle around all, in the direction of the first. `None` without any.
    pub(super) fn around(rectangles: impl IntoIterator<Item = Self>) -> Option<Self> {
        let mut rectangles = rectangles.into_iter();
        let first = rectangles.next()?;
        let (mut from, mut to) = ((0.0, 0.0), (first.length, first.height));
        for corner in rectangles.flat_map(|rectangle| rectangle.corners()) {
            let (along, down) = first.coordinates(corner);
            from = (f64::min(from.0, along), f64::min(from.1, down));
            to = (f64::max(to.0, along), f64::max(to.1, down));
        }
        Some(Self {
            origin: first.point(from.0, from.1),
            along: first.along,
            length: to.0 - from.0,
            height: to.1 - from.1,
        })
    }

    /// The corners in ratios of an image of this size, which they do not leave.
    fn polygon(&self, (width, height): (u32, u32)) -> [Vertex; 4] {
        self.corners().map(|(x, y)| {
            (
                (x / f64::from(width)).clamp(0.0, 1.0),
                (y / f64::from(height)).clamp(0.0, 1.0),
            )
        })
    }

    /// The upright box around the rectangle, in ratios of an image of this size.
    pub(super) fn area(&self, size: (u32, u32)) -> Area {
        let corners = self.polygon(size);
        let [first, ..] = corners;
        let mut area = Area {
            left: first.0,
            top: first.1,
            right: first.0,
            bottom: first.1,
        };
        for (x, y) in corners {
            area.left = area.left.min(x);
            area.top = area.top.min(y);
            area.right = area.right.max(x);
            area.bottom = area.bottom.max(y);
        }
        area
    }

    pub(super) fn geometry(&self, size: (u32, u32)) -> Geometry {
        let area = self.area(size);
        let point = |(x, y)| Point {
            x: Some(x),
            y: Some(y),
        };
        Geometry {
            bounding_box: Some(BoundingBox {
                width: Some(area.right - area.left),
                height: Some(area.bottom - area.top),
                left: Some(area.left),
                top: Some(area.top),
            }),
            polygon: Some(self.polygon(size).map(point).to_vec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(a: Rectangle, b: Rectangle) {
        for (a, b) in a.corners().iter().zip(b.corners()) {
            assert!((a.0 - b.0).hypot(a.1 - b.1) < 1e-9, "{a:?} {b:?}");
        }
    }

    /// A rectangle of 40 x 10 around (100, 100), read at this angle (clockwise, in degrees).
    fn at(degrees: f64) -> Rectangle {
        let (sin, cos) = degrees.to_radians().sin_cos();
        let flat = Rectangle {
            origin: (0.0, 0.0),
            along: (cos, sin),
            length: 40.0,
            height: 10.0,
        };
        let (x, y) = flat.centre();
        Rectangle {
            origin: (100.0 - x, 100.0 - y),
            ..flat
        }
    }

    #[test]
    fn text_is_read_to_the_right_or_downwards() {
        for degrees in [-75, -45, -15, 0, 15, 45, 75, 85, 90, 95] {
            let expected = at(f64::from(degrees));
            let mut turn = expected;
            for _ in 0..4 {
                turn = turn.turned();
                close(turn.readable(), expected);
            }
        }
        assert!(at(90.0).is_vertical() && !at(60.0).is_vertical());
        // A box that is nearly square is read from left to right although it is a little taller than wide.
        let square = Rectangle::upright(0.0, 0.0, 10.0, 14.0);
        assert_eq!(square.turned().readable().along.0, 1.0);
    }

    #[test]
    fn corners_go_clockwise_from_where_reading_starts() {
        let down = Rectangle {
            origin: (50.0, 10.0),
            along: (0.0, 1.0),
            length: 40.0,
            height: 10.0,
        };
        assert_eq!(
            down.corners(),
            [(50.0, 10.0), (50.0, 50.0), (40.0, 50.0), (40.0, 10.0)]
        );
        assert_eq!(down.centre(), (45.0, 30.0));
        assert!(down.contains((41.0, 49.0)) && !down.contains((51.0, 30.0)));
        assert_eq!(down.part(0.5, 1.0).origin, (50.0, 30.0));
    }

    #[test]
    fn growing_and_scaling_keep_centre_and_direction() {
        let grown = at(30.0).grown(5.0);
        assert_eq!((grown.length, grown.height), (50.0, 20.0));
        close(grown.grown(-5.0), at(30.0));
        let double = at(30.0).scaled(2.0, 2.0);
        assert!((double.length - 80.0).abs() < 1e-9 && (double.height - 20.0).abs() < 1e-9);
        let (x, y) = double.centre();
        assert!((x - 200.0).abs() < 1e-9 && (y - 200.0).abs() < 1e-9);
        close(
            Rectangle::upright(10.0, 20.0, 30.0, 8.0).scaled(2.0, 3.0),
            Rectangle::upright(20.0, 60.0, 60.0, 24.0),
        );
    }

    #[test]
    fn a_rectangle_around_parts_of_a_line_is_the_line() {
        let line = at(-30.0);
        close(
            Rectangle::around([line.part(0.0, 0.3), line.part(0.5, 1.0)]).unwrap(),
            line,
        );
        assert_eq!(Rectangle::around([]), None);
    }

    #[test]
    fn geometry_stays_in_the_image() {
        let geometry = Rectangle::upright(-10.0, 40.0, 60.0, 20.0).geometry((100, 50));
        let area = geometry.bounding_box.unwrap();
        assert_eq!((area.left, area.top), (Some(0.0), Some(0.8)));
        assert_eq!((area.width, area.height), (Some(0.5), Some(1.0 - 0.8)));
        let polygon = geometry.polygon.unwrap();
        assert_eq!((polygon[2].x, polygon[2].y), (Some(0.5), Some(1.0)));
    }
}
