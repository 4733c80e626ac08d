//! Maps the scores of each recogniser to confidences that mean the same: of the answers with 80, four in five are right.
//!
//! The points come from 206 photographs of COCO with human labels. The detector saw part of them in training, so that its points
//! are somewhat too good. Where a comment gives no figure, a point was set between its neighbours and adjusted on the
//! photographs of `bench/recognisers`. A map is piecewise linear between its points and keeps the order of scores.

/// A point of a map: a score (0..=1) and its confidence in percent.
type Point = (f32, f32);

/// The best box of a kind, as a label of the picture. Labels are right in 0.92 of the cases from a score of 0.4 on and in 0.96
/// from 0.5 on; between 0.4 and 0.5 in 0.69.
const OBJECT_LABEL: &[Point] = &[
    (0.0, 0.0),
    (0.2, 25.0),
    (0.3, 40.0),
    (0.38, 55.0),
    (0.45, 69.0),
    (0.5, 80.0),
    (0.6, 90.0),
    (0.8, 97.0),
    (1.0, 99.5),
];

/// Further boxes of a kind, each by itself. Boxes are right (overlap 0.5) in 0.78 of the cases from a score of 0.4 on and in 0.84
/// from 0.5 on; between them in about half.
const OBJECT_BOX: &[Point] = &[
    (0.0, 0.0),
    (0.2, 18.0),
    (0.3, 30.0),
    (0.45, 50.0),
    (0.5, 58.0),
    (0.6, 72.0),
    (0.8, 90.0),
    (1.0, 99.0),
];

/// The sum of the probabilities of all classes of a label. The best class is right in 0.79 of the cases between 0.5 and 0.7
/// and in 0.91 from 0.7 on.
const CLASS: &[Point] = &[
    (0.0, 0.0),
    (0.1, 10.0),
    (0.3, 32.0),
    (0.4, 46.0),
    (0.5, 64.0),
    (0.6, 77.0),
    (0.7, 86.0),
    (0.85, 92.0),
    (1.0, 98.0),
];

/// The confidence of a label whose best box has this score.
pub(super) fn object_label(score: f32) -> f32 {
    interpolate(OBJECT_LABEL, score)
}

/// The confidence of a box.
pub(super) fn object_box(score: f32) -> f32 {
    interpolate(OBJECT_BOX, score)
}

/// The confidence of a label whose classes have this probability together.
pub(super) fn class(probability: f32) -> f32 {
    interpolate(CLASS, probability)
}

/// The confidence of two recognisers that say the same, which is above that of either. They err on the same pictures more
/// often than by chance, so that the second one counts half.
pub(super) fn agreement(one: f32, other: f32) -> f32 {
    let (more, less) = (one.max(other), one.min(other));
    more + (100.0 - more) * less / 200.0
}

fn interpolate(points: &[Point], score: f32) -> f32 {
    let segments = points.iter().zip(points.iter().skip(1));
    for ((low, from), (high, to)) in segments {
        if score < *high {
            let along = ((score - low) / (high - low)).max(0.0);
            return from + along * (to - from);
        }
    }
    points.last().map_or(0.0, |(_, confidence)| *confidence)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_maps_keep_the_order_and_stay_below_certainty() {
        for map in [OBJECT_LABEL, OBJECT_BOX, CLASS] {
            let mapped: Vec<f32> = (0..=1000u16)
                .map(|score| interpolate(map, f32::from(score) / 1000.0))
                .collect();
            assert!(mapped.windows(2).all(|pair| pair[0] < pair[1]));
            assert_eq!(mapped[0], 0.0);
            assert!(mapped[1000] < 100.0);
            assert_eq!(interpolate(map, 2.0), mapped[1000]);
            assert_eq!(interpolate(map, -1.0), 0.0);
        }
    }

    #[test]
    fn a_point_has_its_confidence() {
        assert!((object_label(0.5) - 80.0).abs() < 1e-3);
        assert!((object_label(0.415) - 62.0).abs() < 0.1);
        assert!((class(0.7) - 86.0).abs() < 1e-3);
    }

    #[test]
    fn agreement_raises_and_never_reaches_certainty() {
        assert_eq!(agreement(60.0, 0.0), 60.0);
        assert_eq!(agreement(60.0, 80.0), agreement(80.0, 60.0));
        assert!(agreement(60.0, 80.0) > 80.0);
        assert!(agreement(99.0, 99.0) < 100.0);
    }
}
