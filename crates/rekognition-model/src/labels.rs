//! DetectLabels: the content of the image, its colours and its quality.

use serde::{Deserialize, Serialize};

use crate::geometry::BoundingBox;
use crate::image::{Image, OrientationCorrection};
use crate::open_enum::open_enum;

/// A DetectLabels request.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectLabelsRequest {
    /// The image. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<Image>,
    /// The most labels to return, best first; the default is 1,000.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_labels: Option<u32>,
    /// The minimum confidence of returned labels, in percent, 0 to 100; the default is 55.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_confidence: Option<f64>,
    /// The kinds of analysis, up to 2; the default is labels only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub features: Option<Vec<DetectLabelsFeatureName>>,
    /// Filters and limits for the kinds of analysis.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub settings: Option<DetectLabelsSettings>,
}

open_enum! {
    /// A kind of analysis that DetectLabels can do.
    DetectLabelsFeatureName {
        /// Labels with their instances, parents, aliases and categories.
        GeneralLabels = "GENERAL_LABELS",
        /// Dominant colours and quality. Billed on its own.
        ImageProperties = "IMAGE_PROPERTIES",
    }
}

/// Settings of a DetectLabels request, one member for each kind of analysis.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectLabelsSettings {
    /// Filters for labels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub general_labels: Option<GeneralLabelsSettings>,
    /// The number of colours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_properties: Option<DetectLabelsImagePropertiesSettings>,
}

/// Filters for labels. Each list has up to 100 entries of up to 50 characters, which name a
/// label or a category exactly as Rekognition does.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct GeneralLabelsSettings {
    /// Labels to return; all if there is no inclusion filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_inclusion_filters: Option<Vec<String>>,
    /// Labels to leave out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_exclusion_filters: Option<Vec<String>>,
    /// Categories whose labels to return; all if there is no inclusion filter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_category_inclusion_filters: Option<Vec<String>>,
    /// Categories whose labels to leave out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_category_exclusion_filters: Option<Vec<String>>,
}

/// Settings of the colour analysis.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectLabelsImagePropertiesSettings {
    /// The most dominant colours to return, 0 to 20; the default is 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_dominant_colors: Option<u32>,
}

/// A DetectLabels response.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectLabelsResponse {
    /// The labels found, most confident first. A label's ancestors are labels of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<Vec<Label>>,
    /// Obsolete; always absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub orientation_correction: Option<OrientationCorrection>,
    /// The version of the label model, such as `3.0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label_model_version: Option<String>,
    /// Colours and quality, if [`DetectLabelsFeatureName::ImageProperties`] was requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_properties: Option<DetectLabelsImageProperties>,
}

/// A thing, a scene, an activity or a concept in the image.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Label {
    /// The label's name in English, such as `Dog`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The confidence that the label applies, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Each single occurrence with its box. Empty for a label that is not a common object, such
    /// as a scene.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<Vec<Instance>>,
    /// All ancestors in Rekognition's label hierarchy, not only the direct parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parents: Option<Vec<Parent>>,
    /// Other names for the same thing, such as `Cell Phone` for `Mobile Phone`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aliases: Option<Vec<LabelAlias>>,
    /// The label's categories, of Rekognition's forty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub categories: Option<Vec<LabelCategory>>,
}

/// An occurrence of a label in the image.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Instance {
    /// Its position.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bounding_box: Option<BoundingBox>,
    /// The confidence in the box, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confidence: Option<f64>,
    /// Its colours, largest share first, if requested.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dominant_colors: Option<Vec<DominantColor>>,
}

/// An ancestor of a label in the hierarchy.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Parent {
    /// The ancestor's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Another name for a label.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LabelAlias {
    /// The other name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A category of a label.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct LabelCategory {
    /// The category's name, such as `Animals and Pets`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// Colours and quality of the image, its foreground and its background.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectLabelsImageProperties {
    /// The quality of the whole image.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<DetectLabelsImageQuality>,
    /// The colours of the whole image, largest share first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dominant_colors: Option<Vec<DominantColor>>,
    /// The foreground.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub foreground: Option<DetectLabelsImageForeground>,
    /// The background.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub background: Option<DetectLabelsImageBackground>,
}

/// Colours and quality of the foreground.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectLabelsImageForeground {
    /// Brightness and sharpness; Rekognition gives no contrast here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<DetectLabelsImageQuality>,
    /// The foreground's colours, largest share first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dominant_colors: Option<Vec<DominantColor>>,
}

/// Colours and quality of the background.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectLabelsImageBackground {
    /// Brightness and sharpness; Rekognition gives no contrast here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quality: Option<DetectLabelsImageQuality>,
    /// The background's colours, largest share first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dominant_colors: Option<Vec<DominantColor>>,
}

/// The quality of the image, its foreground or its background. All numbers are 0 to 100; higher is brighter, sharper or richer in
/// contrast.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DetectLabelsImageQuality {
    /// Brightness, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brightness: Option<f64>,
    /// Sharpness, 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sharpness: Option<f64>,
    /// Contrast, 0 to 100; for the whole image only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contrast: Option<f64>,
}

/// A colour that covers a large part of the image, the foreground, the background or an instance.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct DominantColor {
    /// The red channel, 0 to 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub red: Option<u32>,
    /// The blue channel, 0 to 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blue: Option<u32>,
    /// The green channel, 0 to 255.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub green: Option<u32>,
    /// The three channels as `#rrggbb`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hex_code: Option<String>,
    /// The nearest of CSS's named colours.
    #[serde(rename = "CSSColor", skip_serializing_if = "Option::is_none")]
    pub css_color: Option<String>,
    /// The nearest of twelve everyday colour names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub simplified_color: Option<String>,
    /// The share of pixels that have this colour, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pixel_percent: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absent_and_empty_are_distinct() {
        let label: Label =
            serde_json::from_str(r#"{"Name":"Dog","Instances":[],"Parents":null}"#).unwrap();
        assert_eq!(
            label,
            Label {
                name: Some("Dog".to_owned()),
                instances: Some(vec![]),
                ..Label::default()
            }
        );
        assert_eq!(
            serde_json::to_string(&label).unwrap(),
            r#"{"Name":"Dog","Instances":[]}"#
        );
    }

    #[test]
    fn an_empty_object_reads_as_a_response_without_members() {
        let response: DetectLabelsResponse = serde_json::from_str("{}").unwrap();
        assert_eq!(response, DetectLabelsResponse::default());
    }

    #[test]
    fn unknown_members_are_ignored() {
        let label: Label =
            serde_json::from_str(r#"{"Name":"Dog","Breeds":[{"Name":"Poodle"}]}"#).unwrap();
        assert_eq!(label.name.as_deref(), Some("Dog"));
    }

    #[test]
    fn a_confidence_keeps_every_digit() {
        // Confidences look like this: an f32 with the digits of an f64.
        for step in 0..10_000_u16 {
            let confidence = f64::from(50.0 + f32::from(step) * 0.004_993);
            let text = format!(r#"{{"Confidence":{confidence:?}}}"#);
            let label: Label = serde_json::from_str(&text).unwrap();
            assert_eq!(label.confidence, Some(confidence));
        }
    }
}
