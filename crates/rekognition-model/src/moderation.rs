//! moderation

use crate::common::*;
use serde::{Deserialize, Serialize};

/// `ContentClassifier`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ContentClassifier {
    /// `FreeOfPersonallyIdentifiableInformation`.
    #[serde(rename = "FreeOfPersonallyIdentifiableInformation")]
    FreeOfPersonallyIdentifiableInformation,
    /// `FreeOfAdultContent`.
    #[serde(rename = "FreeOfAdultContent")]
    FreeOfAdultContent,
    /// A value newer than this crate, kept as it came.
    #[serde(untagged)]
    Other(String),
}

/// `ContentType`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ContentType {
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
    /// `Name`.
    #[serde(rename = "Name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `DetectModerationLabelsRequest`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectModerationLabelsRequest {
    /// `Image`.
    #[serde(rename = "Image", default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// `MinConfidence`.
    #[serde(
        rename = "MinConfidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub min_confidence: Option<f64>,
    /// `HumanLoopConfig`.
    #[serde(
        rename = "HumanLoopConfig",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub human_loop_config: Option<HumanLoopConfig>,
    /// `ProjectVersion`.
    #[serde(
        rename = "ProjectVersion",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub project_version: Option<String>,
}

/// `DetectModerationLabelsResponse`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectModerationLabelsResponse {
    /// `ModerationLabels`.
    #[serde(
        rename = "ModerationLabels",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub moderation_labels: Option<Vec<ModerationLabel>>,
    /// `ModerationModelVersion`.
    #[serde(
        rename = "ModerationModelVersion",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub moderation_model_version: Option<String>,
    /// `HumanLoopActivationOutput`.
    #[serde(
        rename = "HumanLoopActivationOutput",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub human_loop_activation_output: Option<HumanLoopActivationOutput>,
    /// `ProjectVersion`.
    #[serde(
        rename = "ProjectVersion",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub project_version: Option<String>,
    /// `ContentTypes`.
    #[serde(
        rename = "ContentTypes",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub content_types: Option<Vec<ContentType>>,
}

/// `HumanLoopActivationOutput`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HumanLoopActivationOutput {
    /// `HumanLoopArn`.
    #[serde(
        rename = "HumanLoopArn",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub human_loop_arn: Option<String>,
    /// `HumanLoopActivationReasons`.
    #[serde(
        rename = "HumanLoopActivationReasons",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub human_loop_activation_reasons: Option<Vec<String>>,
    /// `HumanLoopActivationConditionsEvaluationResults`.
    #[serde(
        rename = "HumanLoopActivationConditionsEvaluationResults",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub human_loop_activation_conditions_evaluation_results: Option<String>,
}

/// `HumanLoopConfig`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HumanLoopConfig {
    /// `HumanLoopName`.
    #[serde(
        rename = "HumanLoopName",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub human_loop_name: Option<String>,
    /// `FlowDefinitionArn`.
    #[serde(
        rename = "FlowDefinitionArn",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub flow_definition_arn: Option<String>,
    /// `DataAttributes`.
    #[serde(
        rename = "DataAttributes",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub data_attributes: Option<HumanLoopDataAttributes>,
}

/// `HumanLoopDataAttributes`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct HumanLoopDataAttributes {
    /// `ContentClassifiers`.
    #[serde(
        rename = "ContentClassifiers",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub content_classifiers: Option<Vec<ContentClassifier>>,
}

/// `ModerationLabel`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct ModerationLabel {
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
    /// `Name`.
    #[serde(rename = "Name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `ParentName`.
    #[serde(
        rename = "ParentName",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub parent_name: Option<String>,
    /// `TaxonomyLevel`.
    #[serde(
        rename = "TaxonomyLevel",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub taxonomy_level: Option<u32>,
}
