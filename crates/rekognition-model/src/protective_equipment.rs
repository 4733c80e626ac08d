//! DetectProtectiveEquipment: persons with face, hand and head covers.

use serde::{Deserialize, Serialize};

use crate::geometry::BoundingBox;
use crate::image::Image;
use crate::open_enum::open_enum;

/// A DetectProtectiveEquipment request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectProtectiveEquipmentRequest {
    /// The image: 64 to 4,096 pixels a side, inline up to 4 MB. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Requests a summary of all persons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summarization_attributes: Option<ProtectiveEquipmentSummarizationAttributes>,
}

/// Settings of the summary.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProtectiveEquipmentSummarizationAttributes {
    /// The minimum confidence, in percent, 0 to 100, of the person, the body part, the equipment and its cover for the summary.
    /// Values below 50 act as 50. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f64>,
    /// The equipment that a person must wear. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_equipment_types: Option<Vec<ProtectiveEquipmentType>>,
}

open_enum! {
    /// A kind of protective equipment.
    ProtectiveEquipmentType {
        /// A mask or another cover of mouth and nose.
        FaceCover = "FACE_COVER",
        /// A glove.
        HandCover = "HAND_COVER",
        /// A helmet or another cover of the head.
        HeadCover = "HEAD_COVER",
    }
}

/// A DetectProtectiveEquipment response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectProtectiveEquipmentResponse {
    /// The version of the equipment model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protective_equipment_model_version: Option<String>,
    /// Up to 15 persons, with and without equipment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persons: Option<Vec<ProtectiveEquipmentPerson>>,
    /// The summary, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<ProtectiveEquipmentSummary>,
}

/// A person in the image.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProtectiveEquipmentPerson {
    /// The visible body parts, covered or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_parts: Option<Vec<ProtectiveEquipmentBodyPart>>,
    /// The person's position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// The confidence that the box holds a person, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// A number that is unique in this response; the summary refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
}

/// A body part and the equipment on it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProtectiveEquipmentBodyPart {
    /// The body part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<BodyPart>,
    /// The confidence in the part, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The equipment on it; empty if there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub equipment_detections: Option<Vec<EquipmentDetection>>,
}

open_enum! {
    /// A part of the body that equipment covers.
    BodyPart {
        /// The face.
        Face = "FACE",
        /// The head.
        Head = "HEAD",
        /// The person's own left hand.
        LeftHand = "LEFT_HAND",
        /// The person's own right hand.
        RightHand = "RIGHT_HAND",
    }
}

/// A piece of equipment.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct EquipmentDetection {
    /// Its position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// The confidence that the box holds equipment, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The kind of equipment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ProtectiveEquipmentType>,
    /// Whether it covers its body part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covers_body_part: Option<CoversBodyPart>,
}

/// Whether a piece of equipment covers its body part.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CoversBodyPart {
    /// The confidence in `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// True if it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
}

/// The persons, by [`ProtectiveEquipmentPerson::id`], in three groups. Each person is in exactly one.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProtectiveEquipmentSummary {
    /// Persons who wear all required equipment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persons_with_required_equipment: Option<Vec<u32>>,
    /// Persons who lack some of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persons_without_required_equipment: Option<Vec<u32>>,
    /// Persons for whom it could not be determined.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persons_indeterminate: Option<Vec<u32>>,
}
