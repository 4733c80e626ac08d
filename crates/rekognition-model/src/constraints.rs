//! What a request must keep to, from the service model, and the words in which AWS says so.
//!
//! AWS checks a request in two steps. A layer that all its JSON services share compares it with
//! the service model and answers `ValidationException` with every broken constraint in one
//! message. Rekognition then refuses with its own codes what the model cannot express. The members
//! that count things cannot go below their minimum of 0 here: they are unsigned, and a negative
//! number already fails to read.

mod check;
mod strings;

use std::fmt;

use self::check::Check;
use self::strings::{FLOW_DEFINITION_ARN, HUMAN_LOOP_NAME, LABEL_FILTER, PROJECT_VERSION};
use crate::{
    Attribute, ContentClassifier, DetectCustomLabelsRequest, DetectFacesRequest,
    DetectLabelsFeatureName, DetectLabelsRequest, DetectModerationLabelsRequest,
    DetectProtectiveEquipmentRequest, DetectTextRequest, ErrorBody, ErrorCode,
    ProtectiveEquipmentType, RecognizeCelebritiesRequest,
};

/// The most bytes that [`Image::bytes`](crate::Image::bytes) may have, decoded: 5 MiB.
pub const MAX_IMAGE_BYTES: usize = 5_242_880;

/// A way in which a request is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// The code that Rekognition answers with.
    pub code: ErrorCode,
    /// The member, as AWS writes it: from the request down, each name beginning in lower case,
    /// such as `image.s3Object.bucket`.
    pub path: String,
    /// What is wrong with it, such as `Value null at 'image' failed to satisfy constraint: Member
    /// must not be null`.
    pub text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A request that can be held against the service model.
pub trait Validate {
    /// Everything that is wrong with the request; empty for a good one.
    fn violations(&self) -> Vec<Violation>;

    /// Refuses a request that is wrong, with the body of Rekognition's answer: all broken
    /// constraints of the service model together, or else the first fault that is Rekognition's
    /// own to find.
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

    /// Reads a request, with a good picture where it has none, and gives the message about it.
    fn message<R: Request>(mut request: serde_json::Value) -> Option<(ErrorCode, String)> {
        let members = request.as_object_mut().unwrap();
        members
            .entry("Image")
            .or_insert_with(|| json!({"Bytes": "AAAA"}));
        let request: R = serde_json::from_value(request).unwrap();
        let error = request.validate().err()?;
        Some((error.error_code().unwrap(), error.message.unwrap()))
    }

    fn refusal<R: Request>(request: serde_json::Value) -> String {
        let (code, message) = message::<R>(request).unwrap();
        format!("{code}: {message}")
    }

    #[test]
    fn a_good_request_passes() {
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
    fn one_broken_constraint_is_told_in_the_singular() {
        assert_eq!(
            refusal::<DetectLabelsRequest>(json!({"MinConfidence": 101})),
            "ValidationException: 1 validation error detected: Value '101.0' at 'minConfidence' \
             failed to satisfy constraint: Member must have value less than or equal to 100"
        );
    }

    #[test]
    fn all_broken_constraints_are_told_at_once() {
        assert_eq!(
            refusal::<DetectLabelsRequest>(json!({
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
    fn the_picture_is_required() {
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
    fn the_picture_comes_from_exactly_one_place() {
        let object = json!({"Bucket": "pictures", "Name": "cat.jpg"});
        assert_eq!(
            refusal::<DetectFacesRequest>(json!({"Image": {}})),
            "InvalidParameterException: Request has invalid parameters: Image needs Bytes or \
             S3Object."
        );
        assert_eq!(
            refusal::<DetectFacesRequest>(json!({"Image": {"Bytes": "AAAA", "S3Object": object}})),
            "InvalidParameterException: Request has invalid parameters: Image takes Bytes or \
             S3Object, not both."
        );
    }

    #[test]
    fn an_s3_object_has_a_bucket_and_a_name() {
        for object in [
            json!({}),
            json!({"Bucket": "pictures"}),
            json!({"Name": "cat.jpg"}),
        ] {
            assert_eq!(
                refusal::<DetectFacesRequest>(json!({"Image": {"S3Object": object}})),
                "InvalidS3ObjectException: Request has invalid S3 object: Bucket and Name are \
                 both needed."
            );
        }
    }

    #[test]
    fn constraints_of_the_model_come_before_rekognitions_own() {
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
            refusal::<DetectLabelsRequest>(json!({"Features": ["GENERAL_LABELS", "LABELS"]})),
            "ValidationException: 1 validation error detected: Value '[GENERAL_LABELS, LABELS]' \
             at 'features' failed to satisfy constraint: Member must satisfy constraint: [Member \
             must satisfy enum value set: [GENERAL_LABELS, IMAGE_PROPERTIES]]"
        );
    }

    #[test]
    fn an_entry_that_breaks_a_rule_is_answered_with_all_rules() {
        assert_eq!(
            refusal::<DetectLabelsRequest>(
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
    fn a_long_value_is_cut() {
        let name = "ü".repeat(1025);
        let message = refusal::<DetectFacesRequest>(
            json!({"Image": {"S3Object": {"Bucket": "pictures", "Name": name}}}),
        );
        let echo = format!("Value '{}...' at", "ü".repeat(256));
        assert!(message.contains(&echo), "{message}");
    }

    #[test]
    fn not_a_number_is_no_percentage() {
        let request = DetectCustomLabelsRequest {
            min_confidence: Some(f64::NAN),
            ..DetectCustomLabelsRequest::default()
        };
        let broken = request
            .violations()
            .into_iter()
            .filter(|violation| violation.path == "minConfidence");
        assert_eq!(broken.count(), 2);
    }

    #[test]
    fn the_members_of_an_optional_part_are_required_where_it_is_there() {
        assert_eq!(message::<DetectProtectiveEquipmentRequest>(json!({})), None);
        let message =
            refusal::<DetectProtectiveEquipmentRequest>(json!({"SummarizationAttributes": {}}));
        assert!(
            message.contains("2 validation errors detected"),
            "{message}"
        );
        let message = refusal::<DetectModerationLabelsRequest>(json!({"HumanLoopConfig": {}}));
        assert!(
            message.contains("2 validation errors detected"),
            "{message}"
        );
    }
}
