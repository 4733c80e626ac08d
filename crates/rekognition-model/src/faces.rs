//! faces

use crate::common::*;
use serde::{Deserialize, Serialize};

/// `AgeRange`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct AgeRange {
    /// `Low`.
    #[serde(rename = "Low", default, skip_serializing_if = "Option::is_none")]
    pub low: Option<u32>,
    /// `High`.
    #[serde(rename = "High", default, skip_serializing_if = "Option::is_none")]
    pub high: Option<u32>,
}

/// `Attribute`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Attribute {
    /// `DEFAULT`.
    #[serde(rename = "DEFAULT")]
    Default,
    /// `ALL`.
    #[serde(rename = "ALL")]
    All,
    /// `AGE_RANGE`.
    #[serde(rename = "AGE_RANGE")]
    AgeRange,
    /// `BEARD`.
    #[serde(rename = "BEARD")]
    Beard,
    /// `EMOTIONS`.
    #[serde(rename = "EMOTIONS")]
    Emotions,
    /// `EYE_DIRECTION`.
    #[serde(rename = "EYE_DIRECTION")]
    EyeDirection,
    /// `EYEGLASSES`.
    #[serde(rename = "EYEGLASSES")]
    Eyeglasses,
    /// `EYES_OPEN`.
    #[serde(rename = "EYES_OPEN")]
    EyesOpen,
    /// `GENDER`.
    #[serde(rename = "GENDER")]
    Gender,
    /// `MOUTH_OPEN`.
    #[serde(rename = "MOUTH_OPEN")]
    MouthOpen,
    /// `MUSTACHE`.
    #[serde(rename = "MUSTACHE")]
    Mustache,
    /// `FACE_OCCLUDED`.
    #[serde(rename = "FACE_OCCLUDED")]
    FaceOccluded,
    /// `SMILE`.
    #[serde(rename = "SMILE")]
    Smile,
    /// `SUNGLASSES`.
    #[serde(rename = "SUNGLASSES")]
    Sunglasses,
    /// A value newer than this crate, kept as it came.
    #[serde(untagged)]
    Other(String),
}

/// `Beard`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Beard {
    /// `Value`.
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
}

/// `DetectFacesRequest`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectFacesRequest {
    /// `Image`.
    #[serde(rename = "Image", default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// `Attributes`.
    #[serde(
        rename = "Attributes",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub attributes: Option<Vec<Attribute>>,
}

/// `DetectFacesResponse`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectFacesResponse {
    /// `FaceDetails`.
    #[serde(
        rename = "FaceDetails",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub face_details: Option<Vec<FaceDetail>>,
    /// `OrientationCorrection`.
    #[serde(
        rename = "OrientationCorrection",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub orientation_correction: Option<OrientationCorrection>,
}

/// `EyeDirection`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EyeDirection {
    /// `Yaw`.
    #[serde(rename = "Yaw", default, skip_serializing_if = "Option::is_none")]
    pub yaw: Option<f64>,
    /// `Pitch`.
    #[serde(rename = "Pitch", default, skip_serializing_if = "Option::is_none")]
    pub pitch: Option<f64>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
}

/// `EyeOpen`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EyeOpen {
    /// `Value`.
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
}

/// `Eyeglasses`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Eyeglasses {
    /// `Value`.
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
}

/// `FaceDetail`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FaceDetail {
    /// `BoundingBox`.
    #[serde(
        rename = "BoundingBox",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub bounding_box: Option<BoundingBox>,
    /// `AgeRange`.
    #[serde(rename = "AgeRange", default, skip_serializing_if = "Option::is_none")]
    pub age_range: Option<AgeRange>,
    /// `Smile`.
    #[serde(rename = "Smile", default, skip_serializing_if = "Option::is_none")]
    pub smile: Option<Smile>,
    /// `Eyeglasses`.
    #[serde(
        rename = "Eyeglasses",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub eyeglasses: Option<Eyeglasses>,
    /// `Sunglasses`.
    #[serde(
        rename = "Sunglasses",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub sunglasses: Option<Sunglasses>,
    /// `Gender`.
    #[serde(rename = "Gender", default, skip_serializing_if = "Option::is_none")]
    pub gender: Option<Gender>,
    /// `Beard`.
    #[serde(rename = "Beard", default, skip_serializing_if = "Option::is_none")]
    pub beard: Option<Beard>,
    /// `Mustache`.
    #[serde(rename = "Mustache", default, skip_serializing_if = "Option::is_none")]
    pub mustache: Option<Mustache>,
    /// `EyesOpen`.
    #[serde(rename = "EyesOpen", default, skip_serializing_if = "Option::is_none")]
    pub eyes_open: Option<EyeOpen>,
    /// `MouthOpen`.
    #[serde(rename = "MouthOpen", default, skip_serializing_if = "Option::is_none")]
    pub mouth_open: Option<MouthOpen>,
    /// `Emotions`.
    #[serde(rename = "Emotions", default, skip_serializing_if = "Option::is_none")]
    pub emotions: Option<Vec<Emotion>>,
    /// `Landmarks`.
    #[serde(rename = "Landmarks", default, skip_serializing_if = "Option::is_none")]
    pub landmarks: Option<Vec<Landmark>>,
    /// `Pose`.
    #[serde(rename = "Pose", default, skip_serializing_if = "Option::is_none")]
    pub pose: Option<Pose>,
    /// `Quality`.
    #[serde(rename = "Quality", default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<ImageQuality>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
    /// `FaceOccluded`.
    #[serde(
        rename = "FaceOccluded",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub face_occluded: Option<FaceOccluded>,
    /// `EyeDirection`.
    #[serde(
        rename = "EyeDirection",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub eye_direction: Option<EyeDirection>,
}

/// `FaceOccluded`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FaceOccluded {
    /// `Value`.
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
}

/// `Gender`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Gender {
    /// `Value`.
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<GenderType>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
}

/// `GenderType`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum GenderType {
    /// `Male`.
    #[serde(rename = "Male")]
    Male,
    /// `Female`.
    #[serde(rename = "Female")]
    Female,
    /// A value newer than this crate, kept as it came.
    #[serde(untagged)]
    Other(String),
}

/// `MouthOpen`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct MouthOpen {
    /// `Value`.
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
}

/// `Mustache`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Mustache {
    /// `Value`.
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
}

/// `Sunglasses`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Sunglasses {
    /// `Value`.
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
}
