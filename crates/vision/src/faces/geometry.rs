//! Points and rectangles in pixels of the upright copy of a picture. A pixel's centre is at half a pixel.

/// A point.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

impl Point {
    pub(super) const fn new(x: f32, y: f32) -> Self {
        Self { x, y }
    }

    pub(super) fn middle(self, other: Self) -> Self {
        Self::new((self.x + other.x) / 2.0, (self.y + other.y) / 2.0)
    }

    pub(super) fn distance(self, other: Self) -> f32 {
        (self.x - other.x).hypot(self.y - other.y)
    }

    /// The angle in radians of the line from this point to another one. It grows clockwise, as the picture is seen.
    pub(super) fn angle_to(self, other: Self) -> f32 {
        (other.y - self.y).atan2(other.x - self.x)
    }
}

/// A rectangle.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub(super) struct Rect {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

impl Rect {
    pub(super) fn width(&self) -> f32 {
        self.right - self.left
    }

    pub(super) fn height(&self) -> f32 {
        self.bottom - self.top
    }

    pub(super) fn area(&self) -> f32 {
        self.width().max(0.0) * self.height().max(0.0)
    }

    pub(super) fn longer_side(&self) -> f32 {
        self.width().max(self.height())
    }

    pub(super) fn centre(&self) -> Point {
        Point::new(
            (self.left + self.right) / 2.0,
            (self.top + self.bottom) / 2.0,
        )
    }

    /// The square around the same centre with the longer side.
    pub(super) fn square(&self) -> Self {
        let (centre, half) = (self.centre(), self.longer_side() / 2.0);
        Self {
            left: centre.x - half,
            top: centre.y - half,
            right: centre.x + half,
            bottom: centre.y + half,
        }
    }

    /// Moves each side by a share of the width or height: left, top, right, bottom.
    pub(super) fn moved(&self, [left, top, right, bottom]: [f32; 4]) -> Self {
        let (width, height) = (self.width(), self.height());
        Self {
            left: self.left + left * width,
            top: self.top + top * height,
            right: self.right + right * width,
            bottom: self.bottom + bottom * height,
        }
    }
}

/// What the shared area of two rectangles is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Overlap {
    /// The area that either covers.
    Union,
    /// The smaller of the two areas: a rectangle inside another one overlaps it wholly.
    Smaller,
}

impl Overlap {
    /// The shared area of two rectangles as a ratio, 0..=1.
    pub(super) fn of(self, a: &Rect, b: &Rect) -> f32 {
        let width = a.right.min(b.right) - a.left.max(b.left);
        let height = a.bottom.min(b.bottom) - a.top.max(b.top);
        let shared = width.max(0.0) * height.max(0.0);
        let whole = match self {
            Self::Union => a.area() + b.area() - shared,
            Self::Smaller => a.area().min(b.area()),
        };
        shared / (whole + 1e-9)
    }
}

/// Drops what overlaps something better by more than `most`. The rest is ordered by score, best first.
pub(super) fn suppress<T>(
    mut candidates: Vec<T>,
    of: impl Fn(&T) -> (Rect, f32),
    overlap: Overlap,
    most: f32,
) -> Vec<T> {
    candidates.sort_by(|a, b| of(b).1.total_cmp(&of(a).1));
    let mut kept: Vec<T> = Vec::new();
    for candidate in candidates {
        let rect = of(&candidate).0;
        if !kept.iter().any(|k| overlap.of(&of(k).0, &rect) > most) {
            kept.push(candidate);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(left: f32, top: f32, right: f32, bottom: f32) -> Rect {
        Rect {
            left,
            top,
            right,
            bottom,
        }
    }

    #[test]
    fn the_best_of_overlapping_rectangles_is_kept() {
        let boxes = vec![
            (at(1.0, 0.0, 11.0, 10.0), 0.7),
            (at(0.0, 0.0, 10.0, 10.0), 0.9),
            (at(20.0, 0.0, 30.0, 10.0), 0.8),
        ];
        let kept = suppress(boxes, |b| *b, Overlap::Union, 0.5);
        assert_eq!(
            kept.iter().map(|b| b.1).collect::<Vec<_>>(),
            [0.9, 0.8],
            "best first"
        );
    }

    #[test]
    fn a_small_rectangle_inside_a_large_one_overlaps_by_its_own_area_only() {
        let (large, small) = (at(0.0, 0.0, 10.0, 10.0), at(2.0, 2.0, 6.0, 6.0));
        assert!((Overlap::Union.of(&large, &small) - 0.16).abs() < 1e-4);
        assert!((Overlap::Smaller.of(&large, &small) - 1.0).abs() < 1e-4);
        assert_eq!(
            Overlap::Union.of(&small, &at(20.0, 0.0, 30.0, 10.0)),
            0.0,
            "apart"
        );
    }

    #[test]
    fn a_square_keeps_the_centre_and_the_longer_side() {
        assert_eq!(
            at(10.0, 10.0, 20.0, 30.0).square(),
            at(5.0, 10.0, 25.0, 30.0)
        );
    }

    #[test]
    fn regression_moves_sides_by_shares_of_the_size() {
        let moved = at(10.0, 20.0, 20.0, 40.0).moved([0.1, -0.1, 0.2, 0.05]);
        assert_eq!(moved, at(11.0, 18.0, 22.0, 41.0));
    }

    #[test]
    fn angles_grow_clockwise() {
        let angle = Point::new(0.0, 0.0).angle_to(Point::new(1.0, 1.0));
        assert!((angle.to_degrees() - 45.0).abs() < 1e-4);
    }
}
