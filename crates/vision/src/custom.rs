//! `DetectCustomLabels`: the labels of a model of one's own, as they are.

use rekognition_model::{BoundingBox, CustomLabel, DetectCustomLabelsRequest, Geometry, Validate};

use crate::VisionError;
use crate::letterbox::RatioBox;
use crate::recogniser::Seen;
use crate::table::{Evidence, LabelTable};

/// What a caller asked for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Options {
    /// Percent; takes the place of every label's own threshold.
    min_confidence: Option<f64>,
    max_results: usize,
}

impl Options {
    /// Reads a request; neither `Image` nor `ProjectVersionArn` is looked at.
    ///
    /// # Errors
    /// `InvalidParameter`, naming each member that is wrong and what it takes.
    pub(crate) fn from_request(request: &DetectCustomLabelsRequest) -> Result<Self, VisionError> {
        let foreign = ["image", "projectVersionArn"];
        let wrong: Vec<String> = request
            .violations()
            .into_iter()
            .filter(|v| !foreign.iter().any(|member| v.path.starts_with(member)))
            .map(|v| v.text)
            .collect();
        if !wrong.is_empty() {
            return Err(VisionError::InvalidParameter(wrong.join("; ")));
        }
        let most = request
            .max_results
            .map(|n| usize::try_from(n).unwrap_or(usize::MAX));
        Ok(Self {
            min_confidence: request.min_confidence,
            max_results: most.unwrap_or(usize::MAX),
        })
    }
}

/// The custom labels a request asks for, most confident first; equal ones as the model orders them.
///
/// A label that the picture as a whole has stands by itself only where the model drew no box for it.
pub(crate) fn labels(table: &LabelTable, seen: &Seen, options: &Options) -> Vec<CustomLabel> {
    let label = |evidence: &Evidence, score: f32, bounds: Option<RatioBox>| {
        let percent = 100.0 * score.clamp(0.0, 1.0);
        let least = options
            .min_confidence
            .unwrap_or(f64::from(evidence.threshold));
        let node = table.nodes.get(evidence.node)?;
        (f64::from(percent) >= least)
            .then(|| (evidence.node, to_response(&node.name, percent, bounds)))
    };
    let mut found: Vec<(usize, CustomLabel)> = seen
        .detections
        .iter()
        .filter_map(|detection| {
            let class = table.classes.get(detection.class)?;
            label(class, detection.score, Some(seen.place.ratios(detection)?))
        })
        .collect();
    let whole: Vec<(usize, CustomLabel)> = table
        .image_labels
        .iter()
        .zip(&seen.image_scores)
        .filter(|(evidence, _)| !found.iter().any(|(node, _)| *node == evidence.node))
        .filter_map(|(evidence, score)| label(evidence, *score, None))
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
            bounding_box: Some(BoundingBox {
                width: Some(bounds.width.into()),
                height: Some(bounds.height.into()),
                left: Some(bounds.left.into()),
                top: Some(bounds.top.into()),
            }),
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

    fn options(request: Value) -> Result<Options, VisionError> {
        Options::from_request(&serde_json::from_value(request).unwrap())
    }

    /// The table has Car (boxes from 70, picture from 55), Dog (boxes from 55, picture from 90) and Street
    /// (picture from 55).
    fn seen() -> Seen {
        let detection = |class, score, left| Detection {
            class,
            score,
            left,
            top: 0.0,
            right: left + 16.0,
            bottom: 32.0,
        };
        Seen {
            detections: vec![
                detection(0, 0.75, 0.0),
                detection(0, 0.65, 16.0),
                detection(1, 0.6, 32.0),
            ],
            place: Letterbox {
                left: 0,
                top: 0,
                width: 64,
                height: 64,
            },
            image_scores: vec![0.99, 0.2, 0.8],
        }
    }

    fn found(request: Value) -> Vec<(String, f64, bool)> {
        let table = LabelTable::parse(crate::table::tests::small().to_string().as_bytes()).unwrap();
        labels(&table, &seen(), &options(request).unwrap())
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
    fn min_confidence_takes_the_place_of_every_threshold() {
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
            "without a box the picture's own label stands"
        );
    }

    #[test]
    fn the_best_results_are_kept() {
        assert_eq!(
            found(json!({"MinConfidence": 0, "MaxResults": 2})),
            named(&[("Street", 80.0, false), ("Car", 75.0, true)])
        );
        assert_eq!(found(json!({"MaxResults": 0})), []);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let error = options(json!({"MinConfidence": 101})).unwrap_err();
        assert!(error.to_string().contains("'minConfidence'"), "{error}");
        assert!(options(json!({"ProjectVersionArn": "mine"})).is_ok());
    }
}
