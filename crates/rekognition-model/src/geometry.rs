//! Positions in the image.

use serde::{Deserialize, Serialize};

/// An axis-aligned rectangle. All four numbers are ratios of the upright image's width or height; multiply them by the size in
/// pixels to draw the box. A box may extend beyond the image: `left` and `top` can be negative, and `left + width` and
/// `top + height` can exceed 1.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct BoundingBox {
    /// Width, as a ratio of the image's width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// Height, as a ratio of the image's height.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<f64>,
    /// Distance of the left side from the image's left edge, as a ratio of the image's width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<f64>,
    /// Distance of the upper side from the image's upper edge, as a ratio of the image's height.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top: Option<f64>,
}

/// A point in the image.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Point {
    /// Distance from the left edge, as a ratio of the image's width.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub x: Option<f64>,
    /// Distance from the upper edge, as a ratio of the image's height.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub y: Option<f64>,
}

/// The position of a word, a line or a custom label.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Geometry {
    /// The axis-aligned rectangle around it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// The outline, which follows the slant of the object.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polygon: Option<Vec<Point>>,
}
