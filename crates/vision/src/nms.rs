//! Non-maximum suppression.

use serde::Deserialize;

/// A box of the detector, in pixels of the model's input.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Detection {
    /// The label table's `detector_index`.
    pub(crate) class: usize,
    /// Probability, 0..=1.
    pub(crate) score: f32,
    pub(crate) left: f32,
    pub(crate) top: f32,
    pub(crate) right: f32,
    pub(crate) bottom: f32,
}

/// The parameters of the suppression. The defaults are those of the embedded model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Nms {
    /// Boxes below this score are ignored, 0..=1.
    pub(crate) score_min: f32,
    /// Boxes with a larger intersection over union with a better box are dropped, 0..=1.
    pub(crate) iou: f32,
    /// Whether only boxes of the same class compete.
    pub(crate) per_class: bool,
    /// The most boxes that are kept.
    pub(crate) max_detections: usize,
    /// The most boxes that are considered, best first.
    pub(crate) max_candidates: usize,
}

impl Default for Nms {
    fn default() -> Self {
        Self {
            score_min: 0.05,
            iou: 0.6,
            per_class: true,
            max_detections: 40,
            max_candidates: 400,
        }
    }
}

impl Nms {
    /// Greedy suppression; the result is ordered by score, best first.
    pub(crate) fn suppress(&self, mut candidates: Vec<Detection>) -> Vec<Detection> {
        // A stable sort keeps the model's order of equal scores, so results are reproducible.
        candidates.sort_by(|a, b| b.score.total_cmp(&a.score));
        candidates.truncate(self.max_candidates);
        let mut kept: Vec<Detection> = Vec::new();
        for candidate in candidates {
            if kept.len() >= self.max_detections {
                break;
            }
            let competes = |other: &Detection| !self.per_class || other.class == candidate.class;
            if !kept
                .iter()
                .any(|k| competes(k) && k.iou(&candidate) > self.iou)
            {
                kept.push(candidate);
            }
        }
        kept
    }
}

impl Detection {
    pub(crate) fn area(&self) -> f32 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    fn iou(&self, other: &Self) -> f32 {
        let shared = self.shared(other);
        shared / (self.area() + other.area() - shared + 1e-9)
    }

    /// The area that both boxes cover.
    pub(crate) fn shared(&self, other: &Self) -> f32 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        width.max(0.0) * height.max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(class: usize, score: f32, left: f32, right: f32) -> Detection {
        Detection {
            class,
            score,
            left,
            top: 0.0,
            right,
            bottom: 10.0,
        }
    }

    #[test]
    fn the_best_of_overlapping_boxes_is_kept() {
        let kept = Nms::default().suppress(vec![
            at(0, 0.5, 1.0, 11.0),
            at(0, 0.9, 0.0, 10.0),
            at(0, 0.7, 20.0, 30.0),
        ]);
        assert_eq!(kept, [at(0, 0.9, 0.0, 10.0), at(0, 0.7, 20.0, 30.0)]);
    }

    #[test]
    fn an_overlap_of_exactly_the_limit_is_kept() {
        // 10 wide boxes shifted by 2.5: 7.5 / 12.5 = 0.6.
        assert_eq!(
            Nms::default()
                .suppress(vec![at(0, 0.9, 0.0, 10.0), at(0, 0.8, 2.5, 12.5)])
                .len(),
            2
        );
        assert_eq!(
            Nms::default()
                .suppress(vec![at(0, 0.9, 0.0, 10.0), at(0, 0.8, 2.4, 12.4)])
                .len(),
            1
        );
    }

    #[test]
    fn classes_compete_only_if_configured() {
        let boxes = vec![at(0, 0.9, 0.0, 10.0), at(1, 0.8, 0.0, 10.0)];
        assert_eq!(Nms::default().suppress(boxes.clone()).len(), 2);
        let one_for_all = Nms {
            per_class: false,
            ..Nms::default()
        };
        assert_eq!(one_for_all.suppress(boxes).len(), 1);
    }

    #[test]
    fn candidates_and_results_are_limited() {
        let apart: Vec<_> = (0..9u8)
            .map(|i| {
                at(
                    0,
                    0.1 * f32::from(i),
                    20.0 * f32::from(i),
                    20.0 * f32::from(i) + 10.0,
                )
            })
            .collect();
        let few = Nms {
            max_detections: 3,
            ..Nms::default()
        };
        assert_eq!(
            few.suppress(apart.clone())
                .iter()
                .map(|d| d.left)
                .collect::<Vec<_>>(),
            [160.0, 140.0, 120.0]
        );
        let narrow = Nms {
            max_candidates: 2,
            ..Nms::default()
        };
        assert_eq!(narrow.suppress(apart).len(), 2);
    }
}
