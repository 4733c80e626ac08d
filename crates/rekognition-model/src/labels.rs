//! labels

use crate::common::*;
use serde::{Deserialize, Serialize};

/// `DetectLabelsFeatureName`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum DetectLabelsFeatureName {
    /// `GENERAL_LABELS`.
    #[serde(rename = "GENERAL_LABELS")]
    GeneralLabels,
    /// `IMAGE_PROPERTIES`.
    #[serde(rename = "IMAGE_PROPERTIES")]
    ImageProperties,
    /// A value newer than this crate, kept as it came.
    #[serde(untagged)]
    Other(String),
}

/// `DetectLabelsImageBackground`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectLabelsImageBackground {
    /// `Quality`.
    #[serde(rename = "Quality", default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<DetectLabelsImageQuality>,
    /// `DominantColors`.
    #[serde(
        rename = "DominantColors",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub dominant_colors: Option<Vec<DominantColor>>,
}

/// `DetectLabelsImageForeground`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectLabelsImageForeground {
    /// `Quality`.
    #[serde(rename = "Quality", default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<DetectLabelsImageQuality>,
    /// `DominantColors`.
    #[serde(
        rename = "DominantColors",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub dominant_colors: Option<Vec<DominantColor>>,
}

/// `DetectLabelsImageProperties`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectLabelsImageProperties {
    /// `Quality`.
    #[serde(rename = "Quality", default, skip_serializing_if = "Option::is_none")]
    pub quality: Option<DetectLabelsImageQuality>,
    /// `DominantColors`.
    #[serde(
        rename = "DominantColors",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub dominant_colors: Option<Vec<DominantColor>>,
    /// `Foreground`.
    #[serde(
        rename = "Foreground",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub foreground: Option<DetectLabelsImageForeground>,
    /// `Background`.
    #[serde(
        rename = "Background",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub background: Option<DetectLabelsImageBackground>,
}

/// `DetectLabelsImagePropertiesSettings`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectLabelsImagePropertiesSettings {
    /// `MaxDominantColors`.
    #[serde(
        rename = "MaxDominantColors",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub max_dominant_colors: Option<u32>,
}

/// `DetectLabelsImageQuality`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectLabelsImageQuality {
    /// `Brightness`.
    #[serde(
        rename = "Brightness",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub brightness: Option<f64>,
    /// `Sharpness`.
    #[serde(rename = "Sharpness", default, skip_serializing_if = "Option::is_none")]
    pub sharpness: Option<f64>,
    /// `Contrast`.
    #[serde(rename = "Contrast", default, skip_serializing_if = "Option::is_none")]
    pub contrast: Option<f64>,
}

/// `DetectLabelsRequest`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectLabelsRequest {
    /// `Image`.
    #[serde(rename = "Image", default, skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// `MaxLabels`.
    #[serde(rename = "MaxLabels", default, skip_serializing_if = "Option::is_none")]
    pub max_labels: Option<u32>,
    /// `MinConfidence`.
    #[serde(
        rename = "MinConfidence",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub min_confidence: Option<f64>,
    /// `Features`.
    #[serde(rename = "Features", default, skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<DetectLabelsFeatureName>>,
    /// `Settings`.
    #[serde(rename = "Settings", default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<DetectLabelsSettings>,
}

/// `DetectLabelsResponse`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectLabelsResponse {
    /// `Labels`.
    #[serde(rename = "Labels", default, skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<Label>>,
    /// `OrientationCorrection`.
    #[serde(
        rename = "OrientationCorrection",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub orientation_correction: Option<OrientationCorrection>,
    /// `LabelModelVersion`.
    #[serde(
        rename = "LabelModelVersion",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub label_model_version: Option<String>,
    /// `ImageProperties`.
    #[serde(
        rename = "ImageProperties",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub image_properties: Option<DetectLabelsImageProperties>,
}

/// `DetectLabelsSettings`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DetectLabelsSettings {
    /// `GeneralLabels`.
    #[serde(
        rename = "GeneralLabels",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub general_labels: Option<GeneralLabelsSettings>,
    /// `ImageProperties`.
    #[serde(
        rename = "ImageProperties",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub image_properties: Option<DetectLabelsImagePropertiesSettings>,
}

/// `DominantColor`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct DominantColor {
    /// `Red`.
    #[serde(rename = "Red", default, skip_serializing_if = "Option::is_none")]
    pub red: Option<u32>,
    /// `Blue`.
    #[serde(rename = "Blue", default, skip_serializing_if = "Option::is_none")]
    pub blue: Option<u32>,
    /// `Green`.
    #[serde(rename = "Green", default, skip_serializing_if = "Option::is_none")]
    pub green: Option<u32>,
    /// `HexCode`.
    #[serde(rename = "HexCode", default, skip_serializing_if = "Option::is_none")]
    pub hex_code: Option<String>,
    /// `CSSColor`.
    #[serde(rename = "CSSColor", default, skip_serializing_if = "Option::is_none")]
    pub css_color: Option<String>,
    /// `SimplifiedColor`.
    #[serde(
        rename = "SimplifiedColor",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub simplified_color: Option<String>,
    /// `PixelPercent`.
    #[serde(
        rename = "PixelPercent",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub pixel_percent: Option<f64>,
}

/// `GeneralLabelsSettings`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GeneralLabelsSettings {
    /// `LabelInclusionFilters`.
    #[serde(
        rename = "LabelInclusionFilters",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub label_inclusion_filters: Option<Vec<String>>,
    /// `LabelExclusionFilters`.
    #[serde(
        rename = "LabelExclusionFilters",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub label_exclusion_filters: Option<Vec<String>>,
    /// `LabelCategoryInclusionFilters`.
    #[serde(
        rename = "LabelCategoryInclusionFilters",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub label_category_inclusion_filters: Option<Vec<String>>,
    /// `LabelCategoryExclusionFilters`.
    #[serde(
        rename = "LabelCategoryExclusionFilters",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub label_category_exclusion_filters: Option<Vec<String>>,
}

/// `Instance`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Instance {
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
    /// `DominantColors`.
    #[serde(
        rename = "DominantColors",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub dominant_colors: Option<Vec<DominantColor>>,
}

/// `Label`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Label {
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
    /// `Instances`.
    #[serde(rename = "Instances", default, skip_serializing_if = "Option::is_none")]
    pub instances: Option<Vec<Instance>>,
    /// `Parents`.
    #[serde(rename = "Parents", default, skip_serializing_if = "Option::is_none")]
    pub parents: Option<Vec<Parent>>,
    /// `Aliases`.
    #[serde(rename = "Aliases", default, skip_serializing_if = "Option::is_none")]
    pub aliases: Option<Vec<LabelAlias>>,
    /// `Categories`.
    #[serde(
        rename = "Categories",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub categories: Option<Vec<LabelCategory>>,
}

/// `LabelAlias`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LabelAlias {
    /// `Name`.
    #[serde(rename = "Name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `LabelCategory`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LabelCategory {
    /// `Name`.
    #[serde(rename = "Name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// `Parent`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Parent {
    /// `Name`.
    #[serde(rename = "Name", default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}
