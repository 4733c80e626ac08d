//! DetectText: lines and words in the picture.

use serde::{Deserialize, Serialize};

use crate::geometry::{BoundingBox, Geometry, Point};
use crate::image::Image;
use crate::open_enum::open_enum;

/// What DetectText is asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectTextRequest {
    /// The picture. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Which text to return.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub filters: Option<DetectTextFilters>,
}

/// Filters over the text, by quality and by place.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectTextFilters {
    /// How good and how large a word must be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word_filter: Option<DetectionFilter>,
    /// Where to look, up to 10 regions; everywhere where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regions_of_interest: Option<Vec<RegionOfInterest>>,
}

/// The least that a word must have to be returned.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectionFilter {
    /// Confidence in percent, 0 to 100; 80 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f64>,
    /// Height of the word's box as a ratio of the image's height, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_bounding_box_height: Option<f64>,
    /// Width of the word's box as a ratio of the image's width, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_bounding_box_width: Option<f64>,
}

/// A part of the picture to look at, given as a rectangle or as an outline. A word counts where
/// more than half of it lies inside.
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

/// What DetectText answers.
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
    /// The text as it was read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detected_text: Option<String>,
    /// Line or word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<TextTypes>,
    /// A number that is unique in this answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// For a word, the [`id`](Self::id) of its line; absent for a line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<u32>,
    /// How sure Rekognition is of the text and its place, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Where the text is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geometry: Option<Geometry>,
}

open_enum! {
    /// What a piece of detected text is.
    TextTypes {
        /// A row of words that stand together.
        Line = "LINE",
        /// Characters without a space between them.
        Word = "WORD",
    }
}
