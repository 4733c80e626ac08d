//! text

use crate::common::*;
use serde::{Deserialize, Serialize};

/// `DetectTextFilters`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectTextFilters {
    /// `WordFilter`.
    #[serde(
        rename = "WordFilter",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub word_filter: Option<DetectionFilter>,
    /// `RegionsOfInterest`.
    #[serde(
        rename = "RegionsOfInterest",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub regions_of_interest: Option<Vec<RegionOfInterest>>,
}

/// `DetectTextRequest`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectTextRequest {
    /// `Image`.
    #[serde(rename = "Image", default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// `Filters`.
    #[serde(rename = "Filters", default, skip_serializing_if = "Option::is_none")]
    pub filters: Option<DetectTextFilters>,
}

/// `DetectTextResponse`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectTextResponse {
    /// `TextDetections`.
    #[serde(
        rename = "TextDetections",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub text_detections: Option<Vec<TextDetection>>,
    /// `TextModelVersion`.
    #[serde(
        rename = "TextModelVersion",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub text_model_version: Option<String>,
}

/// `DetectionFilter`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectionFilter {
    /// `MinConfidence`.
    #[serde(
        rename = "MinConfidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub min_confidence: Option<f64>,
    /// `MinBoundingBoxHeight`.
    #[serde(
        rename = "MinBoundingBoxHeight",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub min_bounding_box_height: Option<f64>,
    /// `MinBoundingBoxWidth`.
    #[serde(
        rename = "MinBoundingBoxWidth",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub min_bounding_box_width: Option<f64>,
}

/// `RegionOfInterest`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RegionOfInterest {
    /// `BoundingBox`.
    #[serde(
        rename = "BoundingBox",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub bounding_box: Option<BoundingBox>,
    /// `Polygon`.
    #[serde(rename = "Polygon", default, skip_serializing_if = "Option::is_none")]
    pub polygon: Option<Vec<Point>>,
}

/// `TextDetection`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TextDetection {
    /// `DetectedText`.
    #[serde(
        rename = "DetectedText",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub detected_text: Option<String>,
    /// `Type`.
    #[serde(rename = "Type", default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<TextTypes>,
    /// `Id`.
    #[serde(rename = "Id", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
    /// `ParentId`.
    #[serde(rename = "ParentId", default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<u32>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
    /// `Geometry`.
    #[serde(rename = "Geometry", default, skip_serializing_if = "Option::is_none")]
    pub geometry: Option<Geometry>,
}

/// `TextTypes`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum TextTypes {
    /// `LINE`.
    #[serde(rename = "LINE")]
    Line,
    /// `WORD`.
    #[serde(rename = "WORD")]
    Word,
    /// A value newer than this crate, kept as it came.
    #[serde(untagged)]
    Other(String),
}
