//! custom_labels

use crate::common::*;
use serde::{Deserialize, Serialize};

/// `CustomLabel`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct CustomLabel {
    /// `Name`.
    #[serde(rename = "Name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// `Confidence`.
    #[serde(
        rename = "Confidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub confidence: Option<f64>,
    /// `Geometry`.
    #[serde(rename = "Geometry", default, skip_serializing_if = "Option::is_none")]
    pub geometry: Option<Geometry>,
}

/// `DetectCustomLabelsRequest`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectCustomLabelsRequest {
    /// `ProjectVersionArn`.
    #[serde(
        rename = "ProjectVersionArn",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub project_version_arn: Option<String>,
    /// `Image`.
    #[serde(rename = "Image", default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// `MaxResults`.
    #[serde(
        rename = "MaxResults",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub max_results: Option<u32>,
    /// `MinConfidence`.
    #[serde(
        rename = "MinConfidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub min_confidence: Option<f64>,
}

/// `DetectCustomLabelsResponse`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectCustomLabelsResponse {
    /// `CustomLabels`.
    #[serde(
        rename = "CustomLabels",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub custom_labels: Option<Vec<CustomLabel>>,
}
