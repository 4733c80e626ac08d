//! Turns predictions into Rekognition's labels.

use rekognition_model::{DominantColor, Instance, Label, LabelAlias, LabelCategory, Parent};

use crate::confidence::confidence;
use crate::label_table::LabelTable;
use crate::letterbox::RatioBox;
use crate::prediction::Prediction;
use crate::request::GeneralOptions;
use crate::taxonomy::Node;

/// The confidence of every label for one image.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelConfidences<'t> {
    nodes: &'t [Node],
    /// Confidence of each node, in percent; 0 if the model did not find it.
    confidences: Vec<f32>,
    /// All boxes, best first.
    pub(crate) instances: Vec<LabelInstance>,
}

/// One object with its box.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LabelInstance {
    /// Index of the label's node.
    pub(crate) node: usize,
    /// Percent.
    pub(crate) confidence: f32,
    pub(crate) bounds: RatioBox,
}

/// A label of the response.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ReportedLabel<'t> {
    node: &'t Node,
    confidence: f32,
    pub(crate) instances: Vec<LabelInstance>,
}

impl<'t> LabelConfidences<'t> {
    /// Maps the scores of boxes and of the whole image to confidences and propagates them to all ancestors.
    ///
    /// A label's confidence is the larger of its best box and its score for the whole image. An ancestor has at least
    /// the confidence of each label below it: if there is a car, there is a vehicle.
    pub(crate) fn new(table: &'t LabelTable, prediction: &Prediction) -> Self {
        let mut instances: Vec<LabelInstance> = prediction
            .detections
            .iter()
            .filter_map(|detection| {
                let class = table.classes.get(detection.class)?;
                Some(LabelInstance {
                    node: class.node,
                    confidence: confidence(detection.score, class.threshold),
                    bounds: prediction.letterbox.ratios(detection)?,
                })
            })
            .collect();
        // Classes have different thresholds, so the mapping can change the order.
        instances.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));

        let of_boxes = instances.iter().map(|i| (i.node, i.confidence));
        let of_picture = table
            .image_labels
            .iter()
            .zip(&prediction.image_scores)
            .map(|(label, score)| (label.node, confidence(*score, label.threshold)));
        let mut confidences = vec![0f32; table.nodes.len()];
        for (node, found) in of_boxes.chain(of_picture) {
            let ancestors = table
                .nodes
                .get(node)
                .map(|n| n.ancestors.as_slice())
                .unwrap_or_default();
            for index in ancestors.iter().copied().chain([node]) {
                if let Some(confidence) = confidences.get_mut(index) {
                    *confidence = confidence.max(found);
                }
            }
        }
        Self::of(&table.nodes, confidences, instances)
    }

    /// The confidence of each of `nodes`, which includes what its descendants contribute, and all boxes, best first.
    pub(crate) fn of(
        nodes: &'t [Node],
        confidences: Vec<f32>,
        instances: Vec<LabelInstance>,
    ) -> Self {
        Self {
            nodes,
            confidences,
            instances,
        }
    }

    /// The labels with their ancestors and categories.
    pub(crate) fn nodes(&self) -> &'t [Node] {
        self.nodes
    }

    /// The labels that a request wants, most confident first, equal ones by name.
    ///
    /// Boxes belong to the label that the detector gave them, not to its ancestors. A box below `MinConfidence` is left
    /// out.
    pub(crate) fn labels(&self, options: &GeneralOptions) -> Vec<ReportedLabel<'t>> {
        let enough =
            |confidence: f32| confidence > 0.0 && f64::from(confidence) >= options.min_confidence;
        let mut labels: Vec<ReportedLabel<'t>> = self
            .nodes
            .iter()
            .zip(&self.confidences)
            .enumerate()
            .filter(|(_, (node, found))| {
                enough(**found) && options.filters.pass(&node.name, &node.categories)
            })
            .map(|(index, (node, found))| ReportedLabel {
                node,
                confidence: *found,
                instances: self
                    .instances
                    .iter()
                    .filter(|i| i.node == index && enough(i.confidence))
                    .copied()
                    .collect(),
            })
            .collect();
        labels.sort_by(|a, b| {
            b.confidence
                .total_cmp(&a.confidence)
                .then_with(|| a.node.name.cmp(&b.node.name))
        });
        labels.truncate(options.max_labels);
        labels
    }
}

impl ReportedLabel<'_> {
    /// The label as Rekognition returns it. `colours` returns the dominant colours of a box, or `None` if the request
    /// does not ask for image properties. `nodes` are those of the confidences.
    pub(crate) fn to_response(
        &self,
        nodes: &[Node],
        colours: impl Fn(&RatioBox) -> Option<Vec<DominantColor>>,
    ) -> Label {
        let name = |name: &String| Some(name.clone());
        let instance = |i: &LabelInstance| Instance {
            bounding_box: Some(i.bounds.to_response()),
            confidence: Some(f64::from(i.confidence)),
            dominant_colors: colours(&i.bounds),
        };
        let ancestors = self.node.ancestors.iter().filter_map(|a| nodes.get(*a));
        Label {
            name: name(&self.node.name),
            confidence: Some(f64::from(self.confidence)),
            instances: Some(self.instances.iter().map(instance).collect()),
            parents: Some(
                ancestors
                    .map(|a| Parent {
                        name: name(&a.name),
                    })
                    .collect(),
            ),
            aliases: Some(
                self.node
                    .aliases
                    .iter()
                    .map(|a| LabelAlias { name: name(a) })
                    .collect(),
            ),
            categories: Some(
                self.node
                    .categories
                    .iter()
                    .map(|c| LabelCategory { name: name(c) })
                    .collect(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letterbox::Letterbox;
    use crate::nms::Detection;
    use crate::request::Options;
    use rekognition_model::BoundingBox;
    use serde_json::{Value, json};

    fn table() -> LabelTable {
        LabelTable::parse(crate::label_table::tests::small().to_string().as_bytes()).unwrap()
    }

    const LETTERBOX: Letterbox = Letterbox {
        left: 0,
        top: 0,
        width: 64,
        height: 64,
    };

    fn boxed(class: usize, score: f32) -> Detection {
        Detection {
            class,
            score,
            left: 16.0,
            top: 0.0,
            right: 48.0,
            bottom: 32.0,
        }
    }

    /// Image-level scores are of Car (threshold 55), Dog (90) and Street (55); box scores of Car (70) and Dog (55).
    fn answer(detections: &[Detection], scores: &[f32], request: Value) -> Vec<Label> {
        let table = table();
        let options = Options::from_request(&serde_json::from_value(request).unwrap());
        let prediction = Prediction {
            detections: detections.to_vec(),
            letterbox: LETTERBOX,
            image_scores: scores.to_vec(),
        };
        LabelConfidences::new(&table, &prediction)
            .labels(&options.general.unwrap())
            .iter()
            .map(|l| l.to_response(&table.nodes, |_| None))
            .collect()
    }

    fn named(labels: &[Label]) -> Vec<(&str, i64)> {
        labels
            .iter()
            .map(|l| {
                (
                    l.name.as_deref().unwrap(),
                    l.confidence.unwrap().round() as i64,
                )
            })
            .collect()
    }

    #[test]
    fn ancestors_have_the_confidence_of_the_best_label_below_them() {
        let labels = answer(&[], &[0.8, 0.1, 0.6], json!({}));
        assert_eq!(
            named(&labels),
            [
                ("Car", 80),
                ("Transportation", 80),
                ("Vehicle", 80),
                ("Street", 60)
            ]
        );
    }

    #[test]
    fn a_label_has_the_larger_of_its_best_box_and_its_image_score() {
        // The box of the car is at its threshold of 70, which maps to 55.
        assert_eq!(
            named(&answer(&[boxed(0, 0.7)], &[0.2, 0.0, 0.0], json!({})))[0],
            ("Car", 55)
        );
        assert_eq!(
            named(&answer(&[boxed(0, 0.7)], &[0.9, 0.0, 0.0], json!({})))[0],
            ("Car", 90)
        );
        assert_eq!(
            named(&answer(&[boxed(0, 0.85)], &[0.6, 0.0, 0.0], json!({})))[0],
            ("Car", 78)
        );
    }

    #[test]
    fn each_label_has_its_own_threshold() {
        assert_eq!(named(&answer(&[], &[0.0, 0.89, 0.0], json!({}))), []);
        assert_eq!(
            named(&answer(&[], &[0.0, 0.95, 0.0], json!({}))),
            [("Animal", 78), ("Dog", 78)]
        );
    }

    #[test]
    fn boxes_belong_to_their_own_label_and_must_reach_min_confidence() {
        let detections = [boxed(0, 0.9), boxed(0, 0.6), boxed(1, 0.2)];
        let labels = answer(&detections, &[0.95, 0.0, 0.0], json!({}));
        assert_eq!(
            labels[0].instances.as_ref().unwrap().len(),
            1,
            "the second car has 47"
        );
        let bounds = labels[0].instances.as_ref().unwrap()[0]
            .bounding_box
            .clone()
            .unwrap();
        assert_eq!(
            bounds,
            BoundingBox {
                left: Some(0.25),
                top: Some(0.0),
                width: Some(0.5),
                height: Some(0.5)
            }
        );
        assert_eq!(labels[1].name.as_deref(), Some("Transportation"));
        assert_eq!(labels[1].instances, Some(vec![]));
        assert_eq!(
            labels[0].instances.as_ref().unwrap()[0].dominant_colors,
            None
        );

        let more = answer(&detections, &[0.95, 0.0, 0.0], json!({"MinConfidence": 40}));
        assert_eq!(more[0].instances.as_ref().unwrap().len(), 2);
    }

    #[test]
    fn min_confidence_is_inclusive_and_zero_returns_everything() {
        let at = |min| {
            named(&answer(
                &[],
                &[0.5, 0.0, 0.25],
                json!({"MinConfidence": min}),
            ))
            .len()
        };
        assert_eq!(at(25.0), 4);
        assert_eq!(at(25.1), 3);
        assert_eq!(at(0.0), 4, "a label with no confidence is not reported");
    }

    #[test]
    fn filters_come_before_max_labels() {
        let labels = answer(
            &[],
            &[0.9, 0.99, 0.7],
            json!({"MaxLabels": 1, "Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Street", "Vehicle"]}}}),
        );
        assert_eq!(named(&labels), [("Vehicle", 90)]);
        let excluded = answer(
            &[],
            &[0.9, 0.0, 0.7],
            json!({"Settings": {"GeneralLabels": {"LabelExclusionFilters": ["Car"]}}}),
        );
        assert_eq!(
            named(&excluded),
            [("Transportation", 90), ("Vehicle", 90), ("Street", 70)]
        );
        let category = answer(
            &[],
            &[0.9, 0.0, 0.7],
            json!({"Settings": {"GeneralLabels": {"LabelCategoryInclusionFilters": ["Transport and Logistics"]}}}),
        );
        assert_eq!(named(&category), [("Transportation", 90)]);
    }

    #[test]
    fn max_labels_keeps_the_most_confident() {
        let labels = answer(&[], &[0.6, 0.99, 0.7], json!({"MaxLabels": 3}));
        assert_eq!(
            named(&labels),
            [("Animal", 96), ("Dog", 96), ("Street", 70)]
        );
        assert_eq!(answer(&[], &[0.6, 0.99, 0.7], json!({"MaxLabels": 0})), []);
    }

    #[test]
    fn a_label_has_all_members_and_empty_lists_are_kept() {
        let labels = answer(&[], &[0.5, 0.0, 0.625], json!({}));
        assert_eq!(
            serde_json::to_value(&labels).unwrap(),
            json!([{
                "Name": "Street", "Confidence": 62.5, "Instances": [], "Parents": [], "Aliases": [],
                "Categories": [{"Name": "Buildings and Architecture"}]
            }])
        );
        let car = &answer(&[], &[0.75, 0.0, 0.0], json!({}))[0];
        assert_eq!(
            serde_json::to_value(car).unwrap(),
            json!({
                "Name": "Car", "Confidence": 75.0, "Instances": [],
                "Parents": [{"Name": "Vehicle"}, {"Name": "Transportation"}],
                "Aliases": [{"Name": "Automobile"}], "Categories": [{"Name": "Vehicles and Automotive"}]
            })
        );
    }

    #[test]
    fn instances_are_ordered_by_confidence() {
        let mut low = boxed(1, 0.6);
        low.left = 0.0;
        let labels = answer(&[low, boxed(1, 0.8)], &[0.0; 3], json!({}));
        let dog = labels
            .iter()
            .find(|l| l.name.as_deref() == Some("Dog"))
            .unwrap();
        let confidences: Vec<_> = dog
            .instances
            .as_ref()
            .unwrap()
            .iter()
            .map(|i| i.confidence.unwrap().round())
            .collect();
        assert_eq!(confidences, [80.0, 60.0]);
    }

    #[test]
    fn a_box_outside_the_image_is_ignored() {
        let outside = Detection {
            left: 70.0,
            right: 90.0,
            ..boxed(0, 0.99)
        };
        assert_eq!(answer(&[outside], &[0.0; 3], json!({})), []);
    }
}
