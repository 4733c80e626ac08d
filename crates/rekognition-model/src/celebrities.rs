//! RecognizeCelebrities: well-known people.

use serde::{Deserialize, Serialize};

use crate::faces::{Emotion, ImageQuality, Landmark, Pose, Smile};
use crate::geometry::BoundingBox;
use crate::image::{Image, OrientationCorrection};
use crate::open_enum::open_enum;

/// A RecognizeCelebrities request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RecognizeCelebritiesRequest {
    /// The image. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
}

/// A RecognizeCelebrities response, for the up to 64 largest faces.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct RecognizeCelebritiesResponse {
    /// The faces that were recognised, with the people they belong to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub celebrity_faces: Option<Vec<Celebrity>>,
    /// The other faces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unrecognized_faces: Option<Vec<ComparedFace>>,
    /// Obsolete; always absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation_correction: Option<OrientationCorrection>,
}

/// A well-known person and the face by which they were recognised.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Celebrity {
    /// Pages about the person, up to 255; empty if there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urls: Option<Vec<String>>,
    /// The person's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Rekognition's identifier of the person: letters and digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The face in the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub face: Option<ComparedFace>,
    /// The confidence that the face is this person's, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub match_confidence: Option<f64>,
    /// The gender that the person is known to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub known_gender: Option<KnownGender>,
}

/// A face with the attributes that RecognizeCelebrities gives.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ComparedFace {
    /// Where the face is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// The confidence that the box holds a face, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Eyes, nose and mouth.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub landmarks: Option<Vec<Landmark>>,
    /// Where the head is turned to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pose: Option<Pose>,
    /// How bright and sharp the face is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<ImageQuality>,
    /// The emotions that the face seems to express.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub emotions: Option<Vec<Emotion>>,
    /// Whether the face smiles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smile: Option<Smile>,
}

/// A celebrity's gender as it is publicly known; not a guess from the image.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct KnownGender {
    /// The gender.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<KnownGenderType>,
}

open_enum! {
    /// A publicly known gender.
    KnownGenderType {
        /// Male.
        Male = "Male",
        /// Female.
        Female = "Female",
        /// Neither only male nor only female.
        Nonbinary = "Nonbinary",
        /// Not on record.
        Unlisted = "Unlisted",
    }
}
