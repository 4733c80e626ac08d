//! DetectModerationLabels: content that not everybody should see.

use serde::{Deserialize, Serialize};

use crate::image::Image;
use crate::open_enum::open_enum;

/// What DetectModerationLabels is asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectModerationLabelsRequest {
    /// The picture. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The least confidence of a label that is returned, in percent, 0 to 100; 50 where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f64>,
    /// Hands doubtful pictures to people, by Amazon Augmented AI.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_loop_config: Option<HumanLoopConfig>,
    /// The ARN of a custom adapter to use, 20 to 2,048 characters; the base model where absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_version: Option<String>,
}

/// How a picture gets to human review.
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
    /// What is known of the picture beforehand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub data_attributes: Option<HumanLoopDataAttributes>,
}

/// What the caller vouches for before people see the picture.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HumanLoopDataAttributes {
    /// What the picture is free of, up to 256 entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_classifiers: Option<Vec<ContentClassifier>>,
}

open_enum! {
    /// Something that a picture is declared to be free of.
    ContentClassifier {
        /// Nothing in it identifies a person.
        FreeOfPersonallyIdentifiableInformation = "FreeOfPersonallyIdentifiableInformation",
        /// Nothing in it is for adults only.
        FreeOfAdultContent = "FreeOfAdultContent",
    }
}

/// What DetectModerationLabels answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectModerationLabelsResponse {
    /// What was found; empty for a picture with nothing to object to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation_labels: Option<Vec<ModerationLabel>>,
    /// The version of the base moderation model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub moderation_model_version: Option<String>,
    /// What came of the wish for human review.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_loop_activation_output: Option<HumanLoopActivationOutput>,
    /// The ARN of the adapter that was used; absent where the base model answered, also because
    /// the adapter had expired.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_version: Option<String>,
    /// What kind of picture it is, such as an animation, up to 50 entries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_types: Option<Vec<ContentType>>,
}

/// One node of the moderation taxonomy that applies to the picture.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ModerationLabel {
    /// How sure Rekognition is, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The node's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The name of the node above; the empty string at the top level.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_name: Option<String>,
    /// The depth in the taxonomy, 1 (top) to 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taxonomy_level: Option<u32>,
}

/// A kind of picture, such as a drawing or a scene from a game.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct ContentType {
    /// How sure Rekognition is, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The kind's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Whether people are going to look at the picture, and why.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct HumanLoopActivationOutput {
    /// The ARN of the review that was started, up to 256 characters; absent where none was needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_loop_arn: Option<String>,
    /// Why a review was needed, at least one reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_loop_activation_reasons: Option<Vec<String>>,
    /// How each condition of the flow definition came out: a JSON document in a string, up to
    /// 10,240 characters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub human_loop_activation_conditions_evaluation_results: Option<String>,
}
