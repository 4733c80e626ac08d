//! Builds the response of `DetectLabels`.

use rekognition_model::{DetectLabelsRequest, DetectLabelsResponse};

use crate::VisionError;
use crate::confidence::DEFAULT_MIN_CONFIDENCE;
use crate::decode::Picture;
use crate::labels::{LabelConfidences, ReportedLabel};
use crate::letterbox::RatioBox;
use crate::properties::PixelStatistics;
use crate::request::Options;

/// The labels and image properties that a request wants. `version` is the response's `LabelModelVersion`.
///
/// # Errors
/// `Internal` if scaling fails.
pub(crate) fn answer(
    picture: &Picture,
    request: &DetectLabelsRequest,
    confidences: &LabelConfidences<'_>,
    version: String,
) -> Result<DetectLabelsResponse, VisionError> {
    let options = Options::from_request(request);
    let statistics = options
        .properties
        .map(|o| PixelStatistics::new(picture, o))
        .transpose()?;

    let labels: Vec<ReportedLabel<'_>> = options
        .general
        .map(|o| confidences.labels(&o))
        .unwrap_or_default();
    let colours = |bounds: &RatioBox| statistics.as_ref().map(|s| s.colours_in(bounds));
    let labels = labels
        .iter()
        .map(|l| l.to_response(confidences.nodes(), colours))
        .collect();

    Ok(DetectLabelsResponse {
        labels: Some(labels),
        orientation_correction: None,
        label_model_version: Some(version),
        image_properties: statistics.map(|s| s.properties(&foreground_boxes(confidences))),
    })
}

/// The boxes that make up the foreground: those at Rekognition's default `MinConfidence`, because the foreground does not
/// depend on the request.
fn foreground_boxes(confidences: &LabelConfidences<'_>) -> Vec<RatioBox> {
    confidences
        .instances
        .iter()
        .filter(|i| f64::from(i.confidence) >= DEFAULT_MIN_CONFIDENCE)
        .map(|i| i.bounds)
        .collect()
}
