//! DetectCustomLabels: labels of a model that the account trained.

use serde::{Deserialize, Serialize};

use crate::geometry::Geometry;
use crate::image::Image;

/// A DetectCustomLabels request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectCustomLabelsRequest {
    /// The ARN of the model version to use, 20 to 2,048 characters. The model must be running.
    /// Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_version_arn: Option<String>,
    /// The image, inline up to 4 MB. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The most labels to return, best first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_results: Option<u32>,
    /// The minimum confidence of returned labels, in percent, 0 to 100. By default each label has the
    /// threshold from training; 0 returns every label.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f64>,
}

/// A DetectCustomLabels response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectCustomLabelsResponse {
    /// The labels found, most confident first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_labels: Option<Vec<CustomLabel>>,
}

/// A label of the account's own model.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct CustomLabel {
    /// The name from training.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The confidence, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// The position; absent if the model labels whole images.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub geometry: Option<Geometry>,
}
