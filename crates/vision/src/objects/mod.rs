//! The object detector: an SSDLite MobileNetV2 that finds the 80 kinds of things of COCO, with boxes.

mod tiles;

use image::RgbImage;

use crate::VisionError;
use crate::decode::resize;
use crate::lazy::LazyGraph;
use crate::letterbox::{Letterbox, RatioBox};
use crate::models::InstalledModel;
use crate::nms::{Detection, Nms};
use sightline_resample::Part;
use tiles::SIDE;

/// Columns of the output `scores`: the ids 1 to 90 of COCO, of which 80 are used.
pub(crate) const COLUMNS: usize = 90;

/// The area of the picture in the network's input.
const WHOLE: Letterbox = Letterbox {
    left: 0,
    top: 0,
    width: SIDE,
    height: SIDE,
};

/// The network's own suppression, with more boxes than the network reports.
const SUPPRESSION: Nms = Nms {
    score_min: 0.05,
    iou: 0.6,
    per_class: true,
    max_detections: 100,
    max_candidates: 600,
};

/// An object in the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct FoundObject {
    /// Its kind: COCO's id - 1.
    pub(crate) column: usize,
    /// The network's score, 0..=1.
    pub(crate) score: f32,
    pub(crate) bounds: RatioBox,
}

/// The detector. Its network is loaded by the first call.
pub(crate) struct ObjectDetector {
    graph: LazyGraph,
}

impl ObjectDetector {
    pub(crate) fn new(model: InstalledModel) -> Self {
        Self {
            graph: LazyGraph::new(model, "objects.onnx"),
        }
    }

    /// The objects in the upright picture, best first. Large pictures are also looked at in parts, where small objects are.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn detect(&self, picture: &RgbImage) -> Result<Vec<FoundObject>, VisionError> {
        let whole = SUPPRESSION.suppress(self.candidates(picture)?);
        let parts = tiles::worth_a_look(picture.dimensions(), &whole);
        let mut merged = whole;
        if !parts.is_empty() {
            let mut found = Vec::with_capacity(parts.len());
            for tile in parts {
                let pixels = tile.pixels(picture);
                found.push((tile, SUPPRESSION.suppress(self.candidates(&pixels)?)));
            }
            merged = tiles::merge(merged, &found, &SUPPRESSION);
        }
        let objects = merged.iter().filter_map(|box_| {
            Some(FoundObject {
                column: box_.class,
                score: box_.score,
                bounds: WHOLE.ratios(box_)?,
            })
        });
        Ok(objects.collect())
    }

    /// The boxes of one run before suppression, in pixels of the network's input.
    fn candidates(&self, pixels: &RgbImage) -> Result<Vec<Detection>, VisionError> {
        let scaled = resize(pixels, Part::Whole, SIDE, SIDE)?;
        let input: Vec<f32> = scaled
            .as_raw()
            .iter()
            .map(|sample| f32::from(*sample) / 127.5 - 1.0)
            .collect();
        let side = SIDE as usize;
        let outputs = self.graph.run(
            &[("image", &[1, side, side, 3], &input)],
            &["boxes", "scores"],
        )?;
        let [boxes, scores] = outputs.as_slice() else {
            return Err(VisionError::Internal(
                "the object detector must have two outputs".to_owned(),
            ));
        };
        Ok(read(&boxes.values, &scores.values))
    }
}

/// Reads `boxes` (top, left, bottom, right as ratios of the picture) and `scores` ([`COLUMNS`] for each box).
fn read(boxes: &[f32], scores: &[f32]) -> Vec<Detection> {
    let (corners, _) = boxes.as_chunks::<4>();
    let mut found = Vec::new();
    for ([top, left, bottom, right], scores) in corners.iter().zip(scores.chunks_exact(COLUMNS)) {
        let [top, left, bottom, right] = [top, left, bottom, right].map(|side| side * SIDE as f32);
        let sides = [left, top, right, bottom];
        if !sides.iter().all(|side| side.is_finite()) {
            continue;
        }
        for (class, score) in scores.iter().enumerate() {
            if *score >= SUPPRESSION.score_min {
                found.push(Detection {
                    class,
                    score: *score,
                    left,
                    top,
                    right,
                    bottom,
                });
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_box_is_read_as_top_left_bottom_right() {
        let mut scores = vec![0.0; 2 * COLUMNS];
        scores[16] = 0.9;
        scores[COLUMNS + 17] = 0.04;
        let found = read(&[0.1, 0.2, 0.5, 0.6, 0.0, 0.0, 1.0, 1.0], &scores);
        assert_eq!(found.len(), 1, "the second score is below the minimum");
        let bounds = WHOLE.ratios(&found[0]).unwrap();
        let near = |a: f32, b: f32| (a - b).abs() < 1e-5;
        assert_eq!((found[0].class, found[0].score), (16, 0.9));
        assert!(near(bounds.left, 0.2) && near(bounds.top, 0.1));
        assert!(near(bounds.width, 0.4) && near(bounds.height, 0.4));
    }

    #[test]
    fn a_box_without_a_number_is_left_out() {
        let scores = vec![0.9; COLUMNS];
        assert_eq!(read(&[f32::NAN, 0.2, 0.5, 0.6], &scores), []);
    }
}
