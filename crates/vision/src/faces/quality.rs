//! The brightness and sharpness of a face.

use super::align::Levels;
use super::detection::Face;
use super::geometry::Rect;
use crate::properties::brightness_and_sharpness;

/// The side of the measured square in pixels. A fixed size makes large and small faces comparable.
const SIDE: usize = 128;

/// Brightness and sharpness of the middle of the face, each 0..=100, by the formulas for whole pictures.
pub(super) fn quality(levels: &Levels, face: &Face) -> (f32, f32) {
    let (centre, bounds) = (face.bounds.centre(), &face.bounds);
    let half = bounds.width().min(bounds.height()) / 2.0;
    let inner = Rect {
        left: centre.x - half,
        top: centre.y - half,
        right: centre.x + half,
        bottom: centre.y + half,
    };
    brightness_and_sharpness(&levels.area(&inner, SIDE, SIDE).to_image())
}
