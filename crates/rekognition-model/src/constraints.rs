//! The constraints of requests in the service model, with AWS's messages.
//!
//! AWS validates a request in two steps. A layer shared by all JSON services compares it with the service model and returns
//! `ValidationException` with every violated constraint in one message. Rekognition itself then returns its own codes for what the
//! model cannot express. Counts cannot be below their minimum of 0 here: they are unsigned, and a negative number fails to parse.

mod check;
mod strings;
mod violation;

use self::check::Check;
pub use self::check::MAX_IMAGE_BYTES;
use self::strings::{FLOW_DEFINITION_ARN, HUMAN_LOOP_NAME, LABEL_FILTER, PROJECT_VERSION};
pub use self::violation::Violation;
use crate::celebrities::RecognizeCelebritiesRequest;
use crate::custom_labels::DetectCustomLabelsRequest;
use crate::error::{ErrorBody, ErrorCode};
use crate::faces::{Attribute, DetectFacesRequest};
use crate::labels::{DetectLabelsFeatureName, DetectLabelsRequest};
use crate::moderation::{ContentClassifier, DetectModerationLabelsRequest};
use crate::protective_equipment::{DetectProtectiveEquipmentRequest, ProtectiveEquipmentType};
use crate::text::DetectTextRequest;

/// A request that can be validated against the service model.
pub trait Validate {
    /// All violations; empty for a valid request.
    fn violations(&self) -> Vec<Violation>;

    /// Rejects an invalid request with the body of Rekognition's error response: all violated constraints of the service model
    /// together, or else the first violation that Rekognition itself would find.
    ///
    /// # Errors
    /// The error body.
    fn validate(&self) -> Result<(), ErrorBody> {
        let violations = self.violations();
        let constraints: Vec<&str> = violations
            .iter()
            .filter(|violation| violation.code == ErrorCode::Validation)
            .map(|violation| violation.text.as_str())
            .collect();
        match constraints.len() {
            0 => violations.into_iter().next().map_or(Ok(()), |violation| {
                Err(ErrorBody::new(violation.code, violation.text))
            }),
            count => Err(ErrorBody::new(
                ErrorCode::Validation,
                format!(
                    "{count} validation error{} detected: {}",
                    if count == 1 { "" } else { "s" },
                    constraints.join("; ")
                ),
            )),
        }
    }
}

impl Validate for DetectLabelsRequest {
    fn violations(&self) -> Vec<Violation> {
        let mut check = Check::default();
        check.image(self.image.as_ref());
        check.percent("minConfidence", self.min_confidence);
        check.at_most_entries("features", self.features.as_deref(), 2);
        check.known(
            "features",
            self.features.as_deref(),
            DetectLabelsFeatureName::KNOWN,
        );
        let settings = self.settings.as_ref();
        if let Some(filters) = settings.and_then(|settings| settings.general_labels.as_ref()) {
            for (name, list) in [
                ("labelInclusionFilters", &filters.label_inclusion_filters),
                ("labelExclusionFilters", &filters.label_exclusion_filters),
                (
                    "labelCategoryInclusionFilters",
                    &filters.label_category_inclusion_filters,
                ),
                (
                    "labelCategoryExclusionFilters",
                    &filters.label_category_exclusion_filters,
                ),
            ] {
                let path = format!("settings.generalLabels.{name}");
                check.at_most_entries(&path, list.as_deref(), 100);
                check.texts(&path, list.as_deref(), &LABEL_FILTER);
            }
        }
        let colors = settings
            .and_then(|settings| settings.image_properties.as_ref())
            .and_then(|settings| settings.max_dominant_colors);
        check.at_most("settings.imageProperties.maxDominantColors", colors, 20);
        check.found
    }
}

impl Validate for DetectFacesRequest {
    fn violations(&self) -> Vec<Violation> {
        let mut check = Check::default();
        check.image(self.image.as_ref());
        check.known("attributes", self.attributes.as_deref(), Attribute::KNOWN);
        check.found
    }
}

impl Validate for DetectModerationLabelsRequest {
    fn violations(&self) -> Vec<Violation> {
        let mut check = Check::default();
        check.image(self.image.as_ref());
        check.percent("minConfidence", self.min_confidence);
        if let Some(config) = &self.human_loop_config {
            let path = "humanLoopConfig.humanLoopName";
            check.required(path, config.human_loop_name.as_ref());
            check.text(path, config.human_loop_name.as_deref(), &HUMAN_LOOP_NAME);
            let path = "humanLoopConfig.flowDefinitionArn";
            check.required(path, config.flow_definition_arn.as_ref());
            check.text(
                path,
                config.flow_definition_arn.as_deref(),
                &FLOW_DEFINITION_ARN,
            );
            let classifiers = config
                .data_attributes
                .as_ref()
                .and_then(|attributes| attributes.content_classifiers.as_deref());
            let path = "humanLoopConfig.dataAttributes.contentClassifiers";
            check.at_most_entries(path, classifiers, 256);
            check.known(path, classifiers, ContentClassifier::KNOWN);
        }
        check.text(
            "projectVersion",
            self.project_version.as_deref(),
            &PROJECT_VERSION,
        );
        check.found
    }
}

impl Validate for DetectTextRequest {
    fn violations(&self) -> Vec<Violation> {
        let mut check = Check::default();
        check.image(self.image.as_ref());
        if let Some(filters) = &self.filters {
            if let Some(filter) = &filters.word_filter {
                check.percent("filters.wordFilter.minConfidence", filter.min_confidence);
                for (name, ratio) in [
                    ("minBoundingBoxHeight", filter.min_bounding_box_height),
                    ("minBoundingBoxWidth", filter.min_bounding_box_width),
                ] {
                    check.within(&format!("filters.wordFilter.{name}"), ratio, 0, 1);
                }
            }
            let regions = filters.regions_of_interest.as_deref();
            check.at_most_entries("filters.regionsOfInterest", regions, 10);
        }
        check.found
    }
}

impl Validate for DetectCustomLabelsRequest {
    fn violations(&self) -> Vec<Violation> {
        let mut check = Check::default();
        check.required("projectVersionArn", self.project_version_arn.as_ref());
        check.text(
            "projectVersionArn",
            self.project_version_arn.as_deref(),
            &PROJECT_VERSION,
        );
        check.image(self.image.as_ref());
        check.percent("minConfidence", self.min_confidence);
        check.found
    }
}

impl Validate for RecognizeCelebritiesRequest {
    fn violations(&self) -> Vec<Violation> {
        let mut check = Check::default();
        check.image(self.image.as_ref());
        check.found
    }
}

impl Validate for DetectProtectiveEquipmentRequest {
    fn violations(&self) -> Vec<Violation> {
        let mut check = Check::default();
        check.image(self.image.as_ref());
        if let Some(attributes) = &self.summarization_attributes {
            let path = "summarizationAttributes.minConfidence";
            check.required(path, attributes.min_confidence.as_ref());
            check.percent(path, attributes.min_confidence);
            let path = "summarizationAttributes.requiredEquipmentTypes";
            let types = attributes.required_equipment_types.as_deref();
            check.required(path, types);
            check.known(path, types, ProtectiveEquipmentType::KNOWN);
        }
        check.found
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{Image, Request};

    /// The error for a request. A request without an image gets a valid one.
    fn message<R: Request>(mut request: serde_json::Value) -> Option<(ErrorCode, String)> {
        let members = request.as_object_mut().unwrap();
        members
            .entry("Image")
            .or_insert_with(|| json!({"Bytes": "AAAA"}));
        let request: R = serde_json::from_value(request).unwrap();
        let error = request.validate().err()?;
        Some((error.error_code().unwrap(), error.message.unwrap()))
    }

    fn rejection<R: Request>(request: serde_json::Value) -> String {
        let (code, message) = message::<R>(request).unwrap();
        format!("{code}: {message}")
    }

    #[test]
    fn accepts_a_valid_request() {
        assert_eq!(message::<DetectLabelsRequest>(json!({})), None);
        assert_eq!(
            message::<DetectLabelsRequest>(json!({
                "Image": {"S3Object": {"Bucket": "pictures", "Name": "a b+ü/%.jpg"}},
                "MinConfidence": 100,
                "MaxLabels": 0,
                "Features": ["IMAGE_PROPERTIES"],
            })),
            None
        );
    }

    #[test]
    fn the_message_for_one_violation_is_singular() {
        assert_eq!(
            rejection::<DetectLabelsRequest>(json!({"MinConfidence": 101})),
            "ValidationException: 1 validation error detected: Value '101.0' at 'minConfidence' \
             failed to satisfy constraint: Member must have value less than or equal to 100"
        );
    }

    #[test]
    fn one_message_has_all_violations() {
        assert_eq!(
            rejection::<DetectLabelsRequest>(json!({
                "Image": {"S3Object": {"Bucket": "a", "Name": ""}},
                "MinConfidence": -0.5,
                "Settings": {"ImageProperties": {"MaxDominantColors": 21}},
            })),
            "ValidationException: 4 validation errors detected: \
             Value 'a' at 'image.s3Object.bucket' failed to satisfy constraint: \
             Member must have length greater than or equal to 3; \
             Value '' at 'image.s3Object.name' failed to satisfy constraint: \
             Member must have length greater than or equal to 1; \
             Value '-0.5' at 'minConfidence' failed to satisfy constraint: \
             Member must have value greater than or equal to 0; \
             Value '21' at 'settings.imageProperties.maxDominantColors' failed to satisfy \
             constraint: Member must have value less than or equal to 20"
        );
    }

    #[test]
    fn the_image_is_required() {
        let error = RecognizeCelebritiesRequest::default()
            .validate()
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "ValidationException: 1 validation error detected: Value null at 'image' failed to \
             satisfy constraint: Member must not be null"
        );
    }

    #[test]
    fn the_image_has_bytes_or_an_s3_object() {
        let object = json!({"Bucket": "pictures", "Name": "cat.jpg"});
        assert_eq!(
            rejection::<DetectFacesRequest>(json!({"Image": {}})),
            "InvalidParameterException: Request has invalid parameters: Image needs Bytes or \
             S3Object."
        );
        assert_eq!(
            rejection::<DetectFacesRequest>(
                json!({"Image": {"Bytes": "AAAA", "S3Object": object}})
            ),
            "InvalidParameterException: Request has invalid parameters: Image takes Bytes or \
             S3Object, not both."
        );
    }

    #[test]
    fn an_s3_object_needs_bucket_and_name() {
        for object in [
            json!({}),
            json!({"Bucket": "pictures"}),
            json!({"Name": "cat.jpg"}),
        ] {
            assert_eq!(
                rejection::<DetectFacesRequest>(json!({"Image": {"S3Object": object}})),
                "InvalidS3ObjectException: Request has invalid S3 object: Bucket and Name are \
                 both needed."
            );
        }
    }

    #[test]
    fn model_constraints_are_checked_first() {
        let (code, _) =
            message::<DetectLabelsRequest>(json!({"Image": {}, "MinConfidence": 200})).unwrap();
        assert_eq!(code, ErrorCode::Validation);
    }

    #[test]
    fn bytes_are_never_repeated() {
        let image = |bytes| {
            Some(Image {
                bytes: Some(bytes),
                s3_object: None,
            })
        };
        let with = |bytes| DetectTextRequest {
            image: image(bytes),
            filters: None,
        };
        assert_eq!(with(vec![7; MAX_IMAGE_BYTES]).violations(), []);
        assert_eq!(
            with(vec![7; MAX_IMAGE_BYTES + 1]).violations()[0].text,
            "Value at 'image.bytes' failed to satisfy constraint: Member must have length less \
             than or equal to 5242880"
        );
        assert_eq!(
            with(vec![]).violations()[0].text,
            "Value at 'image.bytes' failed to satisfy constraint: Member must have length greater \
             than or equal to 1"
        );
    }

    #[test]
    fn an_unknown_value_is_answered_with_the_known_ones() {
        assert_eq!(
            rejection::<DetectLabelsRequest>(json!({"Features": ["GENERAL_LABELS", "LABELS"]})),
            "ValidationException: 1 validation error detected: Value '[GENERAL_LABELS, LABELS]' \
             at 'features' failed to satisfy constraint: Member must satisfy constraint: [Member \
             must satisfy enum value set: [GENERAL_LABELS, IMAGE_PROPERTIES]]"
        );
    }

    #[test]
    fn the_message_for_a_list_entry_has_all_its_constraints() {
        assert_eq!(
            rejection::<DetectLabelsRequest>(
                json!({"Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Dog", "<&>"]}}})
            ),
            "ValidationException: 1 validation error detected: Value '[Dog, <&>]' at \
             'settings.generalLabels.labelInclusionFilters' failed to satisfy constraint: Member \
             must satisfy constraint: [Member must have length less than or equal to 50, Member \
             must have length greater than or equal to 0, Member must satisfy regular expression \
             pattern: [A-Za-z0-9àâèçñó'-_(). ]*]"
        );
    }

    #[test]
    fn long_values_are_truncated() {
        let name = "ü".repeat(1025);
        let message = rejection::<DetectFacesRequest>(
            json!({"Image": {"S3Object": {"Bucket": "pictures", "Name": name}}}),
        );
        let echo = format!("Value '{}...' at", "ü".repeat(256));
        assert!(message.contains(&echo), "{message}");
    }

    #[test]
    fn nan_violates_both_bounds() {
        let request = DetectCustomLabelsRequest {
            min_confidence: Some(f64::NAN),
            ..DetectCustomLabelsRequest::default()
        };
        let violations = request
            .violations()
            .into_iter()
            .filter(|violation| violation.path == "minConfidence");
        assert_eq!(violations.count(), 2);
    }

    #[test]
    fn required_members_of_optional_structures_are_checked() {
        assert_eq!(message::<DetectProtectiveEquipmentRequest>(json!({})), None);
        let message =
            rejection::<DetectProtectiveEquipmentRequest>(json!({"SummarizationAttributes": {}}));
        assert!(
            message.contains("2 validation errors detected"),
            "{message}"
        );
        let message = rejection::<DetectModerationLabelsRequest>(json!({"HumanLoopConfig": {}}));
        assert!(
            message.contains("2 validation errors detected"),
            "{message}"
        );
    }
}
