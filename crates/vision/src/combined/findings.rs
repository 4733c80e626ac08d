//! What each recogniser found, on one scale and with the labels of one taxonomy.

use super::calibration::{class, object_box, object_label};
use super::tables::Tables;
use crate::confidence::confidence;
use crate::label_table::LabelTable;
use crate::letterbox::RatioBox;
use crate::objects::FoundObject;
use crate::prediction::Prediction;

/// The share of probability below which a class is noise.
const NOISE: f32 = 0.02;
/// A label has at most this multiple of the probability of its best class. A texture has a little of every animal.
const SPREAD: f32 = 5.0;

/// A recogniser.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The object detector.
    Objects,
    /// The classifier.
    Classes,
    /// The embedded model.
    Base,
    /// The face recogniser.
    Faces,
}

/// A label that a recogniser found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Finding {
    /// Index of the label's node.
    pub(super) label: usize,
    pub(super) source: Source,
    /// The recogniser's own score, 0..=1.
    pub(super) score: f32,
    /// The calibrated confidence in percent.
    pub(super) confidence: f32,
    /// Where it is, if the recogniser knows.
    pub(super) bounds: Option<RatioBox>,
}

/// The detector's objects, which must be ordered best first.
pub(super) fn of_objects(tables: &Tables, objects: &[FoundObject]) -> Vec<Finding> {
    let mut seen = vec![false; tables.nodes.len()];
    let finding = |object: &FoundObject| {
        let label = tables.objects.get(object.column).copied().flatten()?;
        let first = seen
            .get_mut(label)
            .map(|seen| !std::mem::replace(seen, true));
        Some(Finding {
            label,
            source: Source::Objects,
            score: object.score,
            confidence: match first {
                Some(true) => object_label(object.score),
                _ => object_box(object.score),
            },
            bounds: Some(object.bounds),
        })
    };
    objects.iter().filter_map(finding).collect()
}

/// The classifier's labels. A label has the probability of all classes at or below it: five breeds with 15 percent each are
/// a dog with 75.
pub(super) fn of_classes(tables: &Tables, probabilities: &[f32]) -> Vec<Finding> {
    let mut sums = vec![(0f32, 0f32); tables.nodes.len()];
    for (class, probability) in tables.classes.iter().zip(probabilities) {
        let Some(label) = class.label else { continue };
        let skip = usize::from(*probability < class.min);
        for node in tables.lineage(label).skip(skip) {
            if let Some((sum, best)) = sums.get_mut(node) {
                *sum += probability;
                *best = best.max(*probability);
            }
        }
    }
    sums.iter()
        .map(|(sum, best)| sum.min(SPREAD * best))
        .enumerate()
        .filter(|(_, belief)| *belief >= NOISE)
        .map(|(label, belief)| Finding {
            label,
            source: Source::Classes,
            score: belief,
            confidence: class(belief),
            bounds: None,
        })
        .collect()
}

/// The embedded model's labels of the whole picture and its boxes.
pub(super) fn of_base(
    tables: &Tables,
    table: &LabelTable,
    prediction: &Prediction,
) -> Vec<Finding> {
    let finding = |node: usize, score: f32, threshold: f32, bounds: Option<RatioBox>| {
        Some(Finding {
            label: *tables.base.get(node)?,
            source: Source::Base,
            score,
            confidence: confidence(score, threshold),
            bounds,
        })
    };
    let of_picture = table
        .image_labels
        .iter()
        .zip(&prediction.image_scores)
        .filter_map(|(label, score)| finding(label.node, *score, label.threshold, None));
    let of_boxes = prediction.detections.iter().filter_map(|detection| {
        let class = table.classes.get(detection.class)?;
        let bounds = prediction.letterbox.ratios(detection)?;
        finding(class.node, detection.score, class.threshold, Some(bounds))
    });
    of_picture.chain(of_boxes).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tables::tests::tables;
    use super::*;

    #[test]
    fn breeds_that_share_the_probability_are_a_dog() {
        let tables = tables();
        let dog = tables.node("Dog").unwrap();
        let mut probabilities = vec![0.0; crate::classes::CLASSES];
        let breeds = tables.classes.iter().enumerate().filter(|(_, class)| {
            let label = class.label;
            label.is_some_and(|label| tables.lineage(label).any(|label| label == dog))
        });
        let breeds: Vec<usize> = breeds.map(|(at, _)| at).collect();
        for breed in &breeds[..4] {
            probabilities[*breed] = 0.2;
        }
        let belief = |probabilities: &[f32]| {
            let found = of_classes(&tables, probabilities);
            let dog = found.iter().find(|found| found.label == dog);
            dog.map_or(0.0, |dog| dog.score)
        };
        assert!((belief(&probabilities) - 0.8).abs() < 1e-3);

        for breed in &breeds[..100] {
            probabilities[*breed] = 0.006;
        }
        assert!(
            (belief(&probabilities) - 0.03).abs() < 1e-3,
            "a little of every breed is no dog"
        );
    }

    #[test]
    fn the_best_box_of_a_kind_stands_for_its_label() {
        let tables = tables();
        let bounds = RatioBox {
            left: 0.0,
            top: 0.0,
            width: 0.5,
            height: 0.5,
        };
        let cat = |score| FoundObject {
            column: 16,
            score,
            bounds,
        };
        // The 12th id of COCO is not used.
        let unused = FoundObject {
            column: 11,
            ..cat(0.9)
        };
        let found = of_objects(&tables, &[unused, cat(0.6), cat(0.6)]);
        let confidences: Vec<f32> = found.iter().map(|found| found.confidence).collect();
        assert_eq!(confidences, [object_label(0.6), object_box(0.6)]);
        assert_eq!(Some(found[0].label), tables.node("Cat"));
    }
}
