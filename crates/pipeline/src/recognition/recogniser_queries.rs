//! From analyses to the recogniser's queries, and from its errors to sentences for people.

use rekognition_model::Operation;

use super::settings::Settings;
use crate::{
    Analyses, Analysis,
    document::AnalysisError,
    recogniser::RecogniserQuery,
    service_error::{
        ServiceError,
        code::{DAILY_LIMIT_REACHED, OWNER_DAILY_LIMIT_REACHED},
    },
};

/// One query per operation. Custom labels without a model give no query; the configuration rules
/// them out.
pub(super) fn queries(analyses: &Analyses, settings: &Settings) -> Vec<RecogniserQuery> {
    analyses
        .operations()
        .into_iter()
        .filter_map(|operation| {
            Some(match operation {
                Operation::DetectLabels => RecogniserQuery::Labels {
                    labels: analyses.contains(Analysis::Labels),
                    image_properties: analyses.contains(Analysis::ImageProperties),
                    min_confidence: settings.min_confidence,
                    max_labels: settings.max_labels,
                },
                Operation::DetectFaces => RecogniserQuery::Faces,
                Operation::DetectText => RecogniserQuery::Text,
                Operation::DetectModerationLabels => RecogniserQuery::Moderation {
                    min_confidence: settings.min_confidence,
                },
                Operation::RecognizeCelebrities => RecogniserQuery::Celebrities,
                Operation::DetectProtectiveEquipment => RecogniserQuery::ProtectiveEquipment,
                Operation::DetectCustomLabels => RecogniserQuery::CustomLabels {
                    project_version_arn: settings.custom_labels_arn.clone()?,
                },
            })
        })
        .collect()
}

/// The query with all its parameters, as saved answers name it.
pub(super) fn fingerprint(query: &RecogniserQuery) -> String {
    format!("{query:?}")
}

/// One error for each analysis that the operation would have answered.
pub(super) fn errors(
    operation: Operation,
    analyses: &Analyses,
    error: &ServiceError,
) -> Vec<AnalysisError> {
    analyses
        .iter()
        .filter(|analysis| analysis.operation() == operation)
        .map(|analysis| AnalysisError {
            analysis: Some(analysis),
            code: error.code.clone(),
            message: explain(operation, error),
            retryable: error.is_retryable() || error.is_daily_limit(),
        })
        .collect()
}

/// The error in one sentence: what is wrong and what to do. Missing permissions never get here, because they
/// become no document. Rekognition's messages about them name roles and buckets and stay in the log.
fn explain(operation: Operation, error: &ServiceError) -> String {
    match error.code.as_str() {
        "InvalidImageFormatException" => {
            "Rekognition could not read the picture; upload a JPEG or PNG file that opens in other programs.".to_owned()
        }
        "ImageTooLargeException" => format!(
            "The picture is too large for {operation}; upload a smaller one."
        ),
        "ResourceNotReadyException" => {
            "The custom labels model is not running; ask the operator to start it, then upload the picture again.".to_owned()
        }
        "ResourceNotFoundException" => {
            "The custom labels model does not exist; ask the operator to correct CUSTOM_LABELS_ARN.".to_owned()
        }
        DAILY_LIMIT_REACHED | OWNER_DAILY_LIMIT_REACHED => error.message.clone(),
        _ => format!("{operation} gave no answer: {}", error.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::refused;

    #[test]
    fn an_error_of_a_shared_call_becomes_one_error_per_analysis() {
        let analyses = Analyses::from_iter(Analysis::ALL);
        let errors = errors(
            Operation::DetectLabels,
            &analyses,
            &refused("ImageTooLargeException"),
        );
        let named: Vec<_> = errors.iter().filter_map(|error| error.analysis).collect();
        assert_eq!(named, [Analysis::Labels, Analysis::ImageProperties]);
        assert!(
            errors
                .iter()
                .all(|error| error.message.contains("too large for DetectLabels"))
        );
    }

    #[test]
    fn every_analysis_becomes_a_query() {
        let settings = Settings {
            custom_labels_arn: Some("arn:aws:rekognition:…".to_owned()),
            ..Settings::default()
        };
        let all = Analyses::from_iter(Analysis::ALL);
        let operations: Vec<_> = queries(&all, &settings)
            .iter()
            .map(RecogniserQuery::operation)
            .collect();
        assert_eq!(operations, all.operations());
        assert_eq!(operations.len(), 7);
    }
}
