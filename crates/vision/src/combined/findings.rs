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
    let mut beliefs = vec![0f32; tables.nodes.len()];
    for (class, probability) in tables.classes.iter().zip(probabilities) {
        let Some(label) = class.label else { continue };
        let skip = usize::from(*probability < class.min);
        for node in tables.lineage(label).skip(skip) {
            if let Some(belief) = beliefs.get_mut(node) {
                *belief += probability;
            }
        }
    }
    let found = beliefs.iter().enumerate();
    found
        .filter(|(_, belief)| **belief >= NOISE)
        .map(|(label, belief)| Finding {
            label,
            source: Source::Classes,
            score: *belief,
            confidence: class(*belief),
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
