//! DetectCustomLabels: the labels of a model that the account trained itself.

use serde::{Deserialize, Serialize};

use crate::geometry::Geometry;
use crate::image::Image;

/// What DetectCustomLabels is asked.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectCustomLabelsRequest {
    /// The ARN of the model version to use, 20 to 2,048 characters. The model must be running.
    /// Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_version_arn: Option<String>,
    /// The picture, inline up to 4 MB. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// How many labels to return at most, best first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<u32>,
    /// The least confidence of a label that is returned, in percent, 0 to 100. Where absent, each
    /// label has the threshold that training gave it; 0 returns every label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f64>,
}

/// What DetectCustomLabels answers.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectCustomLabelsResponse {
    /// What was recognised, most confident first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_labels: Option<Vec<CustomLabel>>,
}

/// A label of the account's own model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CustomLabel {
    /// The name that it was trained under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// How sure the model is, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Where it is; absent where the model labels whole pictures.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geometry: Option<Geometry>,
}
