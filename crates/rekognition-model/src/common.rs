//! common

use serde::{Deserialize, Serialize};

/// `BoundingBox`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct BoundingBox {
    /// `Width`.
    #[serde(rename = "Width", default, skip_serializing_if = "Option::is_none")]
    pub width: Option<f64>,
    /// `Height`.
    #[serde(rename = "Height", default, skip_serializing_if = "Option::is_none")]
    pub height: Option<f64>,
    /// `Left`.
    #[serde(rename = "Left", default, skip_serializing_if = "Option::is_none")]
    pub left: Option<f64>,
    /// `Top`.
    #[serde(rename = "Top", default, skip_serializing_if = "Option::is_none")]
    pub top: Option<f64>,
}

/// `Emotion`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Emotion {
    /// `Type`.
    #[serde(rename = "Type", default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<EmotionName>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
}

/// `EmotionName`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EmotionName {
    /// `HAPPY`.
    #[serde(rename = "HAPPY")]
    Happy,
    /// `SAD`.
    #[serde(rename = "SAD")]
    Sad,
    /// `ANGRY`.
    #[serde(rename = "ANGRY")]
    Angry,
    /// `CONFUSED`.
    #[serde(rename = "CONFUSED")]
    Confused,
    /// `DISGUSTED`.
    #[serde(rename = "DISGUSTED")]
    Disgusted,
    /// `SURPRISED`.
    #[serde(rename = "SURPRISED")]
    Surprised,
    /// `CALM`.
    #[serde(rename = "CALM")]
    Calm,
    /// `UNKNOWN`.
    #[serde(rename = "UNKNOWN")]
    Unknown,
    /// `FEAR`.
    #[serde(rename = "FEAR")]
    Fear,
    /// A value newer than this crate, kept as it came.
    #[serde(untagged)]
    Other(String),
}

/// `Geometry`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Geometry {
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

/// `Image`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Image {
    /// `Bytes`.
    #[serde(
        rename = "Bytes",
        with = "crate::blob",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub bytes: Option<Vec<u8>>,
    /// `S3Object`.
    #[serde(rename = "S3Object", default, skip_serializing_if = "Option::is_none")]
    pub s3_object: Option<S3Object>,
}

/// `ImageQuality`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ImageQuality {
    /// `Brightness`.
    #[serde(
        rename = "Brightness",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub brightness: Option<f64>,
    /// `Sharpness`.
    #[serde(rename = "Sharpness", default, skip_serializing_if = "Option::is_none")]
    pub sharpness: Option<f64>,
}

/// `Landmark`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Landmark {
    /// `Type`.
    #[serde(rename = "Type", default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<LandmarkType>,
    /// `X`.
    #[serde(rename = "X", default, skip_serializing_if = "Option::is_none")]
    pub x: Option<f64>,
    /// `Y`.
    #[serde(rename = "Y", default, skip_serializing_if = "Option::is_none")]
    pub y: Option<f64>,
}

/// `LandmarkType`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LandmarkType {
    /// `eyeLeft`.
    #[serde(rename = "eyeLeft")]
    EyeLeft,
    /// `eyeRight`.
    #[serde(rename = "eyeRight")]
    EyeRight,
    /// `nose`.
    #[serde(rename = "nose")]
    Nose,
    /// `mouthLeft`.
    #[serde(rename = "mouthLeft")]
    MouthLeft,
    /// `mouthRight`.
    #[serde(rename = "mouthRight")]
    MouthRight,
    /// `leftEyeBrowLeft`.
    #[serde(rename = "leftEyeBrowLeft")]
    LeftEyeBrowLeft,
    /// `leftEyeBrowRight`.
    #[serde(rename = "leftEyeBrowRight")]
    LeftEyeBrowRight,
    /// `leftEyeBrowUp`.
    #[serde(rename = "leftEyeBrowUp")]
    LeftEyeBrowUp,
    /// `rightEyeBrowLeft`.
    #[serde(rename = "rightEyeBrowLeft")]
    RightEyeBrowLeft,
    /// `rightEyeBrowRight`.
    #[serde(rename = "rightEyeBrowRight")]
    RightEyeBrowRight,
    /// `rightEyeBrowUp`.
    #[serde(rename = "rightEyeBrowUp")]
    RightEyeBrowUp,
    /// `leftEyeLeft`.
    #[serde(rename = "leftEyeLeft")]
    LeftEyeLeft,
    /// `leftEyeRight`.
    #[serde(rename = "leftEyeRight")]
    LeftEyeRight,
    /// `leftEyeUp`.
    #[serde(rename = "leftEyeUp")]
    LeftEyeUp,
    /// `leftEyeDown`.
    #[serde(rename = "leftEyeDown")]
    LeftEyeDown,
    /// `rightEyeLeft`.
    #[serde(rename = "rightEyeLeft")]
    RightEyeLeft,
    /// `rightEyeRight`.
    #[serde(rename = "rightEyeRight")]
    RightEyeRight,
    /// `rightEyeUp`.
    #[serde(rename = "rightEyeUp")]
    RightEyeUp,
    /// `rightEyeDown`.
    #[serde(rename = "rightEyeDown")]
    RightEyeDown,
    /// `noseLeft`.
    #[serde(rename = "noseLeft")]
    NoseLeft,
    /// `noseRight`.
    #[serde(rename = "noseRight")]
    NoseRight,
    /// `mouthUp`.
    #[serde(rename = "mouthUp")]
    MouthUp,
    /// `mouthDown`.
    #[serde(rename = "mouthDown")]
    MouthDown,
    /// `leftPupil`.
    #[serde(rename = "leftPupil")]
    LeftPupil,
    /// `rightPupil`.
    #[serde(rename = "rightPupil")]
    RightPupil,
    /// `upperJawlineLeft`.
    #[serde(rename = "upperJawlineLeft")]
    UpperJawlineLeft,
    /// `midJawlineLeft`.
    #[serde(rename = "midJawlineLeft")]
    MidJawlineLeft,
    /// `chinBottom`.
    #[serde(rename = "chinBottom")]
    ChinBottom,
    /// `midJawlineRight`.
    #[serde(rename = "midJawlineRight")]
    MidJawlineRight,
    /// `upperJawlineRight`.
    #[serde(rename = "upperJawlineRight")]
    UpperJawlineRight,
    /// A value newer than this crate, kept as it came.
    #[serde(untagged)]
    Other(String),
}

/// `OrientationCorrection`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum OrientationCorrection {
    /// `ROTATE_0`.
    #[serde(rename = "ROTATE_0")]
    Rotate0,
    /// `ROTATE_90`.
    #[serde(rename = "ROTATE_90")]
    Rotate90,
    /// `ROTATE_180`.
    #[serde(rename = "ROTATE_180")]
    Rotate180,
    /// `ROTATE_270`.
    #[serde(rename = "ROTATE_270")]
    Rotate270,
    /// A value newer than this crate, kept as it came.
    #[serde(untagged)]
    Other(String),
}

/// `Point`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Point {
    /// `X`.
    #[serde(rename = "X", default, skip_serializing_if = "Option::is_none")]
    pub x: Option<f64>,
    /// `Y`.
    #[serde(rename = "Y", default, skip_serializing_if = "Option::is_none")]
    pub y: Option<f64>,
}

/// `Pose`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Pose {
    /// `Roll`.
    #[serde(rename = "Roll", default, skip_serializing_if = "Option::is_none")]
    pub roll: Option<f64>,
    /// `Yaw`.
    #[serde(rename = "Yaw", default, skip_serializing_if = "Option::is_none")]
    pub yaw: Option<f64>,
    /// `Pitch`.
    #[serde(rename = "Pitch", default, skip_serializing_if = "Option::is_none")]
    pub pitch: Option<f64>,
}

/// `S3Object`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct S3Object {
    /// `Bucket`.
    #[serde(rename = "Bucket", default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// `Name`.
    #[serde(rename = "Name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Version`.
    #[serde(rename = "Version", default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// `Smile`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Smile {
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
