//! DetectProtectiveEquipment: who wears a face, hand or head cover.

use serde::{Deserialize, Serialize};

use crate::geometry::BoundingBox;
use crate::image::Image;
use crate::open_enum::open_enum;

/// What DetectProtectiveEquipment is asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectProtectiveEquipmentRequest {
    /// The picture: 64 to 4,096 pixels a side, inline up to 4 MB. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// Asks for a summary over all persons.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summarization_attributes: Option<ProtectiveEquipmentSummarizationAttributes>,
}

/// What the summary is to say.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProtectiveEquipmentSummarizationAttributes {
    /// The least confidence, in percent, 0 to 100, of the person, the body part, the equipment and
    /// its cover to count in the summary. Below 50 has the effect of 50. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f64>,
    /// What a person must wear. Required.
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

/// What DetectProtectiveEquipment answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectProtectiveEquipmentResponse {
    /// The version of the equipment model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protective_equipment_model_version: Option<String>,
    /// Up to 15 persons, with and without equipment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persons: Option<Vec<ProtectiveEquipmentPerson>>,
    /// The summary, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<ProtectiveEquipmentSummary>,
}

/// A person in the picture.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProtectiveEquipmentPerson {
    /// The body parts that are seen, covered or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body_parts: Option<Vec<ProtectiveEquipmentBodyPart>>,
    /// Where the person is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// How sure Rekognition is that the box holds a person, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// A number that is unique in this answer; the summary refers to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
}

/// A body part and what is worn around it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProtectiveEquipmentBodyPart {
    /// Which part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<BodyPart>,
    /// How sure Rekognition is of the part, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The equipment around it; empty where there is none.
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
    /// Where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// How sure Rekognition is that the box holds equipment, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// What it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ProtectiveEquipmentType>,
    /// Whether it is worn as it should be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub covers_body_part: Option<CoversBodyPart>,
}

/// Whether a piece of equipment covers the body part that it is made for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CoversBodyPart {
    /// How sure Rekognition is of `value`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// True where it does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
}

/// The persons, by [`ProtectiveEquipmentPerson::id`], sorted into three groups. Each person is in
/// exactly one of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ProtectiveEquipmentSummary {
    /// Those who wear all that is required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persons_with_required_equipment: Option<Vec<u32>>,
    /// Those who lack some of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persons_without_required_equipment: Option<Vec<u32>>,
    /// Those of whom it cannot be told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persons_indeterminate: Option<Vec<u32>>,
}
