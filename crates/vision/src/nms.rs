//! Non-maximum suppression: of boxes that mean the same thing, the best one.

use serde::Deserialize;

/// One box the detector proposes, in pixels of the model's input.
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

/// How proposals are thinned out. The defaults are those of the embedded model.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Nms {
    /// Proposals below this score are not looked at, 0..=1.
    pub(crate) score_min: f32,
    /// Boxes that overlap a better one by more than this are dropped: intersection over union, 0..=1.
    pub(crate) iou: f32,
    /// Whether only boxes of the same class compete.
    pub(crate) per_class: bool,
    /// Boxes kept.
    pub(crate) max_detections: usize,
    /// Proposals looked at, best first.
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
        // A stable sort: equal scores keep the model's order, so the same picture has the same answer.
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
    fn area(&self) -> f32 {
        (self.right - self.left).max(0.0) * (self.bottom - self.top).max(0.0)
    }

    fn iou(&self, other: &Self) -> f32 {
        let width = self.right.min(other.right) - self.left.max(other.left);
        let height = self.bottom.min(other.bottom) - self.top.max(other.top);
        let shared = width.max(0.0) * height.max(0.0);
        shared / (self.area() + other.area() - shared + 1e-9)
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
    fn the_best_of_overlapping_boxes_stays() {
        let kept = Nms::default().suppress(vec![
            at(0, 0.5, 1.0, 11.0),
            at(0, 0.9, 0.0, 10.0),
            at(0, 0.7, 20.0, 30.0),
        ]);
        assert_eq!(kept, [at(0, 0.9, 0.0, 10.0), at(0, 0.7, 20.0, 30.0)]);
    }

    #[test]
    fn an_overlap_of_exactly_the_limit_stays() {
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
    fn classes_compete_only_when_the_table_says_so() {
        let boxes = vec![at(0, 0.9, 0.0, 10.0), at(1, 0.8, 0.0, 10.0)];
        assert_eq!(Nms::default().suppress(boxes.clone()).len(), 2);
        let one_for_all = Nms {
            per_class: false,
            ..Nms::default()
        };
        assert_eq!(one_for_all.suppress(boxes).len(), 1);
    }

    #[test]
    fn candidates_and_results_are_bounded() {
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
