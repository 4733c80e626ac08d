//! The seven image operations and their names.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::celebrities::{RecognizeCelebritiesRequest, RecognizeCelebritiesResponse};
use crate::constraints::Validate;
use crate::custom_labels::{DetectCustomLabelsRequest, DetectCustomLabelsResponse};
use crate::faces::{DetectFacesRequest, DetectFacesResponse};
use crate::labels::{DetectLabelsRequest, DetectLabelsResponse};
use crate::moderation::{DetectModerationLabelsRequest, DetectModerationLabelsResponse};
use crate::protective_equipment::{
    DetectProtectiveEquipmentRequest, DetectProtectiveEquipmentResponse,
};
use crate::text::{DetectTextRequest, DetectTextResponse};

/// The prefix of the operation's name in `X-Amz-Target`.
const TARGET_PREFIX: &str = "RekognitionService.";

/// A Rekognition operation on one image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Things, scenes, colours and quality.
    DetectLabels,
    /// Faces and their attributes.
    DetectFaces,
    /// Unsafe content.
    DetectModerationLabels,
    /// Lines and words.
    DetectText,
    /// Labels of the account's own model.
    DetectCustomLabels,
    /// Well-known people.
    RecognizeCelebrities,
    /// Face, hand and head covers.
    DetectProtectiveEquipment,
}

impl Operation {
    /// Every operation.
    pub const ALL: [Self; 7] = [
        Self::DetectLabels,
        Self::DetectFaces,
        Self::DetectModerationLabels,
        Self::DetectText,
        Self::DetectCustomLabels,
        Self::RecognizeCelebrities,
        Self::DetectProtectiveEquipment,
    ];

    /// The operation's name, such as `DetectLabels`. It is also its IAM action, after
    /// `rekognition:`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::DetectLabels => "DetectLabels",
            Self::DetectFaces => "DetectFaces",
            Self::DetectModerationLabels => "DetectModerationLabels",
            Self::DetectText => "DetectText",
            Self::DetectCustomLabels => "DetectCustomLabels",
            Self::RecognizeCelebrities => "RecognizeCelebrities",
            Self::DetectProtectiveEquipment => "DetectProtectiveEquipment",
        }
    }

    /// The operation of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.name() == name)
    }

    /// The value of the header `X-Amz-Target`, such as `RekognitionService.DetectLabels`.
    pub fn target(self) -> String {
        format!("{TARGET_PREFIX}{}", self.name())
    }

    /// The member of `rekognition` in a result document that holds the response, such as `detectLabels`.
    pub const fn document_key(self) -> &'static str {
        match self {
            Self::DetectLabels => "detectLabels",
            Self::DetectFaces => "detectFaces",
            Self::DetectModerationLabels => "detectModerationLabels",
            Self::DetectText => "detectText",
            Self::DetectCustomLabels => "detectCustomLabels",
            Self::RecognizeCelebrities => "recognizeCelebrities",
            Self::DetectProtectiveEquipment => "detectProtectiveEquipment",
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Connects a request with its operation and response.
pub trait Request: Serialize + DeserializeOwned + Validate {
    /// The operation's response.
    type Response: Serialize + DeserializeOwned;
    /// The operation.
    const OPERATION: Operation;
}

impl Request for DetectLabelsRequest {
    type Response = DetectLabelsResponse;
    const OPERATION: Operation = Operation::DetectLabels;
}

impl Request for DetectFacesRequest {
    type Response = DetectFacesResponse;
    const OPERATION: Operation = Operation::DetectFaces;
}

impl Request for DetectModerationLabelsRequest {
    type Response = DetectModerationLabelsResponse;
    const OPERATION: Operation = Operation::DetectModerationLabels;
}

impl Request for DetectTextRequest {
    type Response = DetectTextResponse;
    const OPERATION: Operation = Operation::DetectText;
}

impl Request for DetectCustomLabelsRequest {
    type Response = DetectCustomLabelsResponse;
    const OPERATION: Operation = Operation::DetectCustomLabels;
}

impl Request for RecognizeCelebritiesRequest {
    type Response = RecognizeCelebritiesResponse;
    const OPERATION: Operation = Operation::RecognizeCelebrities;
}

impl Request for DetectProtectiveEquipmentRequest {
    type Response = DetectProtectiveEquipmentResponse;
    const OPERATION: Operation = Operation::DetectProtectiveEquipment;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip() {
        for operation in Operation::ALL {
            assert_eq!(Operation::from_name(operation.name()), Some(operation));
            assert_eq!(format!("{operation}"), operation.name());
        }
    }

    #[test]
    fn the_document_key_is_the_name_in_camel_case() {
        for operation in Operation::ALL {
            let (first, rest) = operation.name().split_at(1);
            assert_eq!(operation.document_key(), first.to_lowercase() + rest);
        }
    }

    #[test]
    fn a_target_has_service_and_operation() {
        assert_eq!(
            Operation::DetectText.target(),
            "RekognitionService.DetectText"
        );
    }

    #[test]
    fn a_request_knows_its_operation() {
        assert_eq!(DetectLabelsRequest::OPERATION, Operation::DetectLabels);
        assert_eq!(
            DetectProtectiveEquipmentRequest::OPERATION,
            Operation::DetectProtectiveEquipment
        );
    }
}
