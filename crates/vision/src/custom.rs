//! `DetectCustomLabels`: the labels of a custom model, with their probabilities.

use rekognition_model::{CustomLabel, DetectCustomLabelsRequest, Geometry};

use crate::label_table::{LabelOutput, LabelTable};
use crate::letterbox::RatioBox;
use crate::prediction::Prediction;

/// The parameters of a request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    /// Percent. Replaces the thresholds of all labels.
    min_confidence: Option<f64>,
    max_results: usize,
}

impl Options {
    /// Reads a request that meets the constraints of the service model. Ignores `Image` and `ProjectVersionArn`.
    pub(crate) fn from_request(request: &DetectCustomLabelsRequest) -> Self {
        let max_results = request
            .max_results
            .and_then(|n| usize::try_from(n).ok())
            .unwrap_or(usize::MAX);
        Self {
            min_confidence: request.min_confidence,
            max_results,
        }
    }
}

/// The custom labels of a response, most confident first; equal ones in the model's order.
///
/// A label of the whole image is reported only if the model found no box for it.
pub(crate) fn labels(
    table: &LabelTable,
    prediction: &Prediction,
    options: &Options,
) -> Vec<CustomLabel> {
    let label = |output: &LabelOutput, score: f32, bounds: Option<RatioBox>| {
        let percent = 100.0 * score.clamp(0.0, 1.0);
        let threshold = options
            .min_confidence
            .unwrap_or(f64::from(output.threshold));
        let node = table.nodes.get(output.node)?;
        (f64::from(percent) >= threshold)
            .then(|| (output.node, to_response(&node.name, percent, bounds)))
    };
    let mut found: Vec<(usize, CustomLabel)> = prediction
        .detections
        .iter()
        .filter_map(|detection| {
            let class = table.classes.get(detection.class)?;
            label(
                class,
                detection.score,
                Some(prediction.letterbox.ratios(detection)?),
            )
        })
        .collect();
    let whole: Vec<(usize, CustomLabel)> = table
        .image_labels
        .iter()
        .zip(&prediction.image_scores)
        .filter(|(output, _)| !found.iter().any(|(node, _)| *node == output.node))
        .filter_map(|(output, score)| label(output, *score, None))
        .collect();
    found.extend(whole);
    let confidence = |label: &CustomLabel| label.confidence.unwrap_or_default();
    found.sort_by(|(_, a), (_, b)| confidence(b).total_cmp(&confidence(a)));
    found.truncate(options.max_results);
    found.into_iter().map(|(_, label)| label).collect()
}

fn to_response(name: &str, percent: f32, bounds: Option<RatioBox>) -> CustomLabel {
    CustomLabel {
        name: Some(name.to_owned()),
        confidence: Some(percent.into()),
        geometry: bounds.map(|bounds| Geometry {
            bounding_box: Some(bounds.to_response()),
            polygon: None,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letterbox::Letterbox;
    use crate::nms::Detection;
    use serde_json::{Value, json};

    fn options(request: Value) -> Options {
        Options::from_request(&serde_json::from_value(request).unwrap())
    }

    /// The table has Car (boxes from 70, picture from 55), Dog (boxes from 55, picture from 90) and Street
    /// (picture from 55).
    fn prediction() -> Prediction {
        let detection = |class, score, left| Detection {
            class,
            score,
            left,
            top: 0.0,
            right: left + 16.0,
            bottom: 32.0,
        };
        Prediction {
            detections: vec![
                detection(0, 0.75, 0.0),
                detection(0, 0.65, 16.0),
                detection(1, 0.6, 32.0),
            ],
            letterbox: Letterbox {
                left: 0,
                top: 0,
                width: 64,
                height: 64,
            },
            image_scores: vec![0.99, 0.2, 0.8],
        }
    }

    fn found(request: Value) -> Vec<(String, f64, bool)> {
        let table =
            LabelTable::parse(crate::label_table::tests::small().to_string().as_bytes()).unwrap();
        labels(&table, &prediction(), &options(request))
            .into_iter()
            .map(|label| {
                let confidence = (label.confidence.unwrap() * 10.0).round() / 10.0;
                (label.name.unwrap(), confidence, label.geometry.is_some())
            })
            .collect()
    }

    fn named(labels: &[(&str, f64, bool)]) -> Vec<(String, f64, bool)> {
        labels
            .iter()
            .map(|(name, confidence, boxed)| ((*name).to_owned(), *confidence, *boxed))
            .collect()
    }

    #[test]
    fn each_label_has_its_own_threshold() {
        assert_eq!(
            found(json!({})),
            named(&[
                ("Street", 80.0, false),
                ("Car", 75.0, true),
                ("Dog", 60.0, true)
            ])
        );
    }

    #[test]
    fn min_confidence_replaces_every_threshold() {
        assert_eq!(
            found(json!({"MinConfidence": 62})),
            named(&[
                ("Street", 80.0, false),
                ("Car", 75.0, true),
                ("Car", 65.0, true)
            ])
        );
        assert_eq!(found(json!({"MinConfidence": 0})).len(), 4);
        assert_eq!(
            found(json!({"MinConfidence": 90})),
            named(&[("Car", 99.0, false)]),
            "the label of the whole image is reported if it has no box"
        );
    }

    #[test]
    fn max_results_keeps_the_most_confident() {
        assert_eq!(
            found(json!({"MinConfidence": 0, "MaxResults": 2})),
            named(&[("Street", 80.0, false), ("Car", 75.0, true)])
        );
        assert_eq!(found(json!({"MaxResults": 0})), []);
    }
}
