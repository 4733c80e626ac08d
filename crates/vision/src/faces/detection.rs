//! A detected face.

use super::geometry::{Point, Rect};

/// A face, in pixels of the upright copy of the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Face {
    /// From the eyebrows or the hairline to the chin.
    pub(super) bounds: Rect,
    /// Probability, 0..=1.
    pub(super) score: f32,
    pub(super) points: Points,
}

/// Points of a face. Left and right are as the picture is seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Points {
    pub(super) eyes: [Point; 2],
    /// The tip.
    pub(super) nose: Point,
    /// The middle of the mouth.
    pub(super) mouth: Point,
    /// The corners of the mouth, if the detector finds them.
    pub(super) corners: Option<[Point; 2]>,
}

impl Points {
    /// The angle of the line between the eyes in radians, clockwise.
    pub(super) fn tilt(&self) -> f32 {
        let [left, right] = self.eyes;
        left.angle_to(right)
    }

    pub(super) fn mapped(&self, map: impl Fn(Point) -> Point) -> Self {
        Self {
            eyes: self.eyes.map(&map),
            nose: map(self.nose),
            mouth: map(self.mouth),
            corners: self.corners.map(|corners| corners.map(&map)),
        }
    }
}
