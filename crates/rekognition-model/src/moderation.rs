//! DetectModerationLabels: content that not everybody should see.

use serde::{Deserialize, Serialize};

use crate::image::Image;
use crate::open_enum::open_enum;

/// A DetectModerationLabels request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectModerationLabelsRequest {
    /// The image. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The minimum confidence of returned labels, in percent, 0 to 100; the default is 50.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f64>,
    /// Human review of doubtful images with Amazon Augmented AI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_loop_config: Option<HumanLoopConfig>,
    /// The ARN of a custom adapter to use, 20 to 2,048 characters; the default is the base model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_version: Option<String>,
}

/// Settings for human review.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HumanLoopConfig {
    /// A name for this review, unique in the region: 1 to 63 lower-case letters, digits and inner
    /// hyphens. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_loop_name: Option<String>,
    /// The ARN of the flow definition, which says who reviews and when, up to 256 characters.
    /// Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flow_definition_arn: Option<String>,
    /// What the caller states about the image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_attributes: Option<HumanLoopDataAttributes>,
}

/// What the caller states about the image before people see it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HumanLoopDataAttributes {
    /// Kinds of content that the image is free of, up to 256 entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_classifiers: Option<Vec<ContentClassifier>>,
}

open_enum! {
    /// A kind of content that an image is declared to be free of.
    ContentClassifier {
        /// Information that identifies a person.
        FreeOfPersonallyIdentifiableInformation = "FreeOfPersonallyIdentifiableInformation",
        /// Adult content.
        FreeOfAdultContent = "FreeOfAdultContent",
    }
}

/// A DetectModerationLabels response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectModerationLabelsResponse {
    /// The labels found; empty for an unobjectionable image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation_labels: Option<Vec<ModerationLabel>>,
    /// The version of the base moderation model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation_model_version: Option<String>,
    /// The outcome of the request for human review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_loop_activation_output: Option<HumanLoopActivationOutput>,
    /// The ARN of the adapter that was used; absent if the base model was used, also because the adapter had
    /// expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_version: Option<String>,
    /// Kinds of image, such as an animation, up to 50 entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_types: Option<Vec<ContentType>>,
}

/// A node of the moderation taxonomy that applies to the image.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ModerationLabel {
    /// The confidence, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The node's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name of the parent node; empty at the top level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_name: Option<String>,
    /// The depth in the taxonomy, 1 (top) to 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taxonomy_level: Option<u32>,
}

/// A kind of image, such as a drawing or a scene from a game.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContentType {
    /// The confidence, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The kind's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Whether human review was started, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HumanLoopActivationOutput {
    /// The ARN of the review that was started, up to 256 characters; absent if none was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_loop_arn: Option<String>,
    /// Why a review was needed, at least one reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_loop_activation_reasons: Option<Vec<String>>,
    /// The result of each condition of the flow definition: a JSON document in a string, up to
    /// 10,240 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_loop_activation_conditions_evaluation_results: Option<String>,
}
