//! celebrities

use crate::common::*;
use serde::{Deserialize, Serialize};

/// `Celebrity`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Celebrity {
    /// `Urls`.
    #[serde(rename = "Urls", default, skip_serializing_if = "Option::is_none")]
    pub urls: Option<Vec<String>>,
    /// `Name`.
    #[serde(rename = "Name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Id`.
    #[serde(rename = "Id", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `Face`.
    #[serde(rename = "Face", default, skip_serializing_if = "Option::is_none")]
    pub face: Option<ComparedFace>,
    /// `MatchConfidence`.
    #[serde(
        rename = "MatchConfidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub match_confidence: Option<f64>,
    /// `KnownGender`.
    #[serde(
        rename = "KnownGender",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub known_gender: Option<KnownGender>,
}

/// `ComparedFace`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ComparedFace {
    /// `BoundingBox`.
    #[serde(
        rename = "BoundingBox",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub bounding_box: Option<BoundingBox>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
    /// `Landmarks`.
    #[serde(rename = "Landmarks", default, skip_serializing_if = "Option::is_none")]
    pub landmarks: Option<Vec<Landmark>>,
    /// `Pose`.
    #[serde(rename = "Pose", default, skip_serializing_if = "Option::is_none")]
    pub pose: Option<Pose>,
    /// `Quality`.
    #[serde(rename = "Quality", default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<ImageQuality>,
    /// `Emotions`.
    #[serde(rename = "Emotions", default, skip_serializing_if = "Option::is_none")]
    pub emotions: Option<Vec<Emotion>>,
    /// `Smile`.
    #[serde(rename = "Smile", default, skip_serializing_if = "Option::is_none")]
    pub smile: Option<Smile>,
}

/// `KnownGender`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct KnownGender {
    /// `Type`.
    #[serde(rename = "Type", default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<KnownGenderType>,
}

/// `KnownGenderType`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum KnownGenderType {
    /// `Male`.
    #[serde(rename = "Male")]
    Male,
    /// `Female`.
    #[serde(rename = "Female")]
    Female,
    /// `Nonbinary`.
    #[serde(rename = "Nonbinary")]
    Nonbinary,
    /// `Unlisted`.
    #[serde(rename = "Unlisted")]
    Unlisted,
    /// A value newer than this crate, kept as it came.
    #[serde(untagged)]
    Other(String),
}

/// `RecognizeCelebritiesRequest`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RecognizeCelebritiesRequest {
    /// `Image`.
    #[serde(rename = "Image", default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
}

/// `RecognizeCelebritiesResponse`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct RecognizeCelebritiesResponse {
    /// `CelebrityFaces`.
    #[serde(
        rename = "CelebrityFaces",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub celebrity_faces: Option<Vec<Celebrity>>,
    /// `UnrecognizedFaces`.
    #[serde(
        rename = "UnrecognizedFaces",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub unrecognized_faces: Option<Vec<ComparedFace>>,
    /// `OrientationCorrection`.
    #[serde(
        rename = "OrientationCorrection",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub orientation_correction: Option<OrientationCorrection>,
}
