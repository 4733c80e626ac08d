//! Rectangles and polygons in ratios of the image's width and height.

/// A corner of a polygon: x and y.
pub(super) type Vertex = (f64, f64);

/// An upright rectangle.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub(super) left: f64,
    pub(super) top: f64,
    pub(super) right: f64,
    pub(super) bottom: f64,
}

impl Area {
    pub(super) fn size(self) -> f64 {
        (self.right - self.left) * (self.bottom - self.top)
    }

    /// From the upper left corner clockwise.
    pub(super) fn corners(self) -> [Vertex; 4] {
        let Self {
            left,
            top,
            right,
            bottom,
        } = self;
        [(left, top), (right, top), (right, bottom), (left, bottom)]
    }

    /// The size of the part of a polygon that lies in this rectangle. Clips the polygon at the four sides, one
    /// after the other (Sutherland and Hodgman, 1974).
    pub(super) fn overlap(self, polygon: &[Vertex]) -> f64 {
        let left = clip(polygon, |(x, _)| x - self.left);
        let right = clip(&left, |(x, _)| self.right - x);
        let top = clip(&right, |(_, y)| y - self.top);
        polygon_size(&clip(&top, |(_, y)| self.bottom - y))
    }
}

/// The part of a polygon where the linear function `inside` is not negative.
fn clip(polygon: &[Vertex], inside: impl Fn(Vertex) -> f64) -> Vec<Vertex> {
    let mut clipped = Vec::with_capacity(polygon.len() + 4);
    for (from, to) in edges(polygon) {
        let (a, b) = (inside(from), inside(to));
        if a >= 0.0 {
            clipped.push(from);
        }
        if (a >= 0.0) != (b >= 0.0) {
            let part = a / (a - b);
            clipped.push((
                from.0 + part * (to.0 - from.0),
                from.1 + part * (to.1 - from.1),
            ));
        }
    }
    clipped
}

/// The shoelace formula.
fn polygon_size(polygon: &[Vertex]) -> f64 {
    let doubled: f64 = edges(polygon)
        .map(|((x0, y0), (x1, y1))| x0 * y1 - x1 * y0)
        .sum();
    doubled.abs() / 2.0
}

fn edges(polygon: &[Vertex]) -> impl Iterator<Item = (Vertex, Vertex)> + '_ {
    let next = polygon.iter().cycle().skip(1);
    polygon.iter().copied().zip(next.copied())
}
