//! From analyses to Rekognition's operations, and from its errors to words.

use rekognition_model::Operation;

use super::Settings;
use crate::{
    Analyses, Analysis,
    document::AnalysisError,
    recogniser::RecogniserQuery,
    service_error::{ServiceError, code::DAILY_LIMIT_REACHED},
};

/// One query per operation. Custom labels without a model are no query; configuration does
/// not allow them.
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

/// The query with all its parameters, as a parked answer is found by.
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

/// What an error means and what to do about it. Missing permissions are no answer and never get
/// here; Rekognition's messages about them, which name roles and buckets, stay in the log.
fn explain(operation: Operation, error: &ServiceError) -> String {
    match error.code.as_str() {
        "InvalidImageFormatException" => {
            "Rekognition could not read the picture; upload a JPEG or PNG file that opens in other programs.".to_owned()
        }
        "ImageTooLargeException" => format!(
            "The picture is too large for {operation}; upload a smaller one."
        ),
        "ResourceNotReadyException" => {
            "The custom labels model is not running; whoever runs it must start it, then upload the picture again.".to_owned()
        }
        "ResourceNotFoundException" => {
            "The custom labels model does not exist; whoever runs the processor must correct CUSTOM_LABELS_ARN.".to_owned()
        }
        DAILY_LIMIT_REACHED => error.message.clone(),
        _ => format!("{operation} gave no answer: {}", error.message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::refused;

    #[test]
    fn an_error_of_a_shared_call_is_one_of_each_analysis() {
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
    fn every_analysis_becomes_a_question() {
        let settings = Settings {
            custom_labels_arn: Some("arn:aws:rekognition:…".to_owned()),
            ..Settings::default()
        };
        let all = Analyses::from_iter(Analysis::ALL);
        let asked: Vec<_> = queries(&all, &settings)
            .iter()
            .map(RecogniserQuery::operation)
            .collect();
        assert_eq!(asked, all.operations());
        assert_eq!(asked.len(), 7);
    }
}
