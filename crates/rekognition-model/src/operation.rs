//! The seven image operations and the names they go by.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{
    DetectCustomLabelsRequest, DetectCustomLabelsResponse, DetectFacesRequest, DetectFacesResponse,
    DetectLabelsRequest, DetectLabelsResponse, DetectModerationLabelsRequest,
    DetectModerationLabelsResponse, DetectProtectiveEquipmentRequest,
    DetectProtectiveEquipmentResponse, DetectTextRequest, DetectTextResponse,
    RecognizeCelebritiesRequest, RecognizeCelebritiesResponse, Validate,
};

/// What stands before the operation's name in `X-Amz-Target`.
const TARGET_PREFIX: &str = "RekognitionService.";

/// An operation of Rekognition that takes one picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Operation {
    /// Things, scenes, colours and quality.
    DetectLabels,
    /// Faces and their attributes.
    DetectFaces,
    /// Content that not everybody should see.
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

    /// The operation that a header `X-Amz-Target` names; `None` for another service, an operation
    /// without a picture, and anything else.
    pub fn from_target(target: &str) -> Option<Self> {
        target.strip_prefix(TARGET_PREFIX).and_then(Self::from_name)
    }

    /// The member under `rekognition` in a result document that holds the answer, such as
    /// `detectLabels`.
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

    /// The operation whose answer stands under this member of a result document.
    pub fn from_document_key(key: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|operation| operation.document_key() == key)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Ties a request to its operation and to the response that answers it.
pub trait Request: Serialize + DeserializeOwned + Validate {
    /// What the operation answers.
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
    fn every_name_leads_back_to_its_operation() {
        for operation in Operation::ALL {
            assert_eq!(Operation::from_name(operation.name()), Some(operation));
            assert_eq!(Operation::from_target(&operation.target()), Some(operation));
            assert_eq!(
                Operation::from_document_key(operation.document_key()),
                Some(operation)
            );
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
    fn a_target_names_service_and_operation() {
        assert_eq!(
            Operation::DetectText.target(),
            "RekognitionService.DetectText"
        );
        for target in [
            "",
            "DetectText",
            "RekognitionService.",
            "RekognitionService.detectText",
            "RekognitionService.DetectText ",
            "RekognitionService.CompareFaces",
            "TextractService.DetectText",
        ] {
            assert_eq!(Operation::from_target(target), None, "{target:?}");
        }
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
