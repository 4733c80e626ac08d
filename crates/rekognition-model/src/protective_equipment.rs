//! protective_equipment

use crate::common::*;
use serde::{Deserialize, Serialize};

/// `BodyPart`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum BodyPart {
    /// `FACE`.
    #[serde(rename = "FACE")]
    Face,
    /// `HEAD`.
    #[serde(rename = "HEAD")]
    Head,
    /// `LEFT_HAND`.
    #[serde(rename = "LEFT_HAND")]
    LeftHand,
    /// `RIGHT_HAND`.
    #[serde(rename = "RIGHT_HAND")]
    RightHand,
    /// A value newer than this crate, kept as it came.
    #[serde(untagged)]
    Other(String),
}

/// `CoversBodyPart`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CoversBodyPart {
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
    /// `Value`.
    #[serde(rename = "Value", default, skip_serializing_if = "Option::is_none")]
    pub value: Option<bool>,
}

/// `DetectProtectiveEquipmentRequest`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectProtectiveEquipmentRequest {
    /// `Image`.
    #[serde(rename = "Image", default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// `SummarizationAttributes`.
    #[serde(
        rename = "SummarizationAttributes",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub summarization_attributes: Option<ProtectiveEquipmentSummarizationAttributes>,
}

/// `DetectProtectiveEquipmentResponse`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectProtectiveEquipmentResponse {
    /// `ProtectiveEquipmentModelVersion`.
    #[serde(
        rename = "ProtectiveEquipmentModelVersion",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub protective_equipment_model_version: Option<String>,
    /// `Persons`.
    #[serde(rename = "Persons", default, skip_serializing_if = "Option::is_none")]
    pub persons: Option<Vec<ProtectiveEquipmentPerson>>,
    /// `Summary`.
    #[serde(rename = "Summary", default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<ProtectiveEquipmentSummary>,
}

/// `EquipmentDetection`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct EquipmentDetection {
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
    /// `Type`.
    #[serde(rename = "Type", default, skip_serializing_if = "Option::is_none")]
    pub r#type: Option<ProtectiveEquipmentType>,
    /// `CoversBodyPart`.
    #[serde(
        rename = "CoversBodyPart",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub covers_body_part: Option<CoversBodyPart>,
}

/// `ProtectiveEquipmentBodyPart`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProtectiveEquipmentBodyPart {
    /// `Name`.
    #[serde(rename = "Name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<BodyPart>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
    /// `EquipmentDetections`.
    #[serde(
        rename = "EquipmentDetections",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub equipment_detections: Option<Vec<EquipmentDetection>>,
}

/// `ProtectiveEquipmentPerson`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProtectiveEquipmentPerson {
    /// `BodyParts`.
    #[serde(rename = "BodyParts", default, skip_serializing_if = "Option::is_none")]
    pub body_parts: Option<Vec<ProtectiveEquipmentBodyPart>>,
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
    /// `Id`.
    #[serde(rename = "Id", default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u32>,
}

/// `ProtectiveEquipmentSummarizationAttributes`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProtectiveEquipmentSummarizationAttributes {
    /// `MinConfidence`.
    #[serde(
        rename = "MinConfidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub min_confidence: Option<f64>,
    /// `RequiredEquipmentTypes`.
    #[serde(
        rename = "RequiredEquipmentTypes",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub required_equipment_types: Option<Vec<ProtectiveEquipmentType>>,
}

/// `ProtectiveEquipmentSummary`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ProtectiveEquipmentSummary {
    /// `PersonsWithRequiredEquipment`.
    #[serde(
        rename = "PersonsWithRequiredEquipment",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub persons_with_required_equipment: Option<Vec<u32>>,
    /// `PersonsWithoutRequiredEquipment`.
    #[serde(
        rename = "PersonsWithoutRequiredEquipment",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub persons_without_required_equipment: Option<Vec<u32>>,
    /// `PersonsIndeterminate`.
    #[serde(
        rename = "PersonsIndeterminate",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub persons_indeterminate: Option<Vec<u32>>,
}

/// `ProtectiveEquipmentType`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ProtectiveEquipmentType {
    /// `FACE_COVER`.
    #[serde(rename = "FACE_COVER")]
    FaceCover,
    /// `HAND_COVER`.
    #[serde(rename = "HAND_COVER")]
    HandCover,
    /// `HEAD_COVER`.
    #[serde(rename = "HEAD_COVER")]
    HeadCover,
    /// A value newer than this crate, kept as it came.
    #[serde(untagged)]
    Other(String),
}
