//! DetectText: lines and words in the image.

use serde::{Deserialize, Serialize};

use crate::geometry::{BoundingBox, Geometry, Point};
use crate::image::Image;
use crate::open_enum::open_enum;

/// A DetectText request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectTextRequest {
    /// The image. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Limits the text to return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<DetectTextFilters>,
}

/// Filters by quality and position.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectTextFilters {
    /// The minimum confidence and size of words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word_filter: Option<DetectionFilter>,
    /// Regions to search, up to 10; the default is the whole image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions_of_interest: Option<Vec<RegionOfInterest>>,
}

/// The minimum confidence and size of a word.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectionFilter {
    /// Confidence in percent, 0 to 100; the default is 80.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f64>,
    /// Height of the word's box as a ratio of the image's height, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_bounding_box_height: Option<f64>,
    /// Width of the word's box as a ratio of the image's width, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_bounding_box_width: Option<f64>,
}

/// A part of the image to search, as a rectangle or an outline. A word counts if more than half of it is inside.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RegionOfInterest {
    /// The region as a rectangle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// The region as an outline of up to 10 points.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub polygon: Option<Vec<Point>>,
}

/// A DetectText response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectTextResponse {
    /// The lines, and the up to 100 words that they are made of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_detections: Option<Vec<TextDetection>>,
    /// The version of the text model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text_model_version: Option<String>,
}

/// A line or a word.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct TextDetection {
    /// The text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detected_text: Option<String>,
    /// Whether it is a line or a word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<TextTypes>,
    /// A number that is unique in this response.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// For a word, the [`id`](Self::id) of its line; absent for a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<u32>,
    /// The confidence in the text and its position, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The position of the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geometry: Option<Geometry>,
}

open_enum! {
    /// A kind of detected text.
    TextTypes {
        /// A row of words.
        Line = "LINE",
        /// Characters without a space between them.
        Word = "WORD",
    }
}
