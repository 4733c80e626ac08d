//! Maps probabilities to one confidence scale, on which Rekognition's default threshold of 55 means the same for all labels.

/// Rekognition's default `MinConfidence`, in percent.
pub(crate) const DEFAULT_MIN_CONFIDENCE: f64 = 55.0;

/// Maps a model's probability to a confidence in percent.
///
/// Probabilities of different labels are not equally reliable, so the label table has a threshold for each (in percent). The
/// map is piecewise linear through (0, 0), (threshold, 55) and (100, 100). It keeps the order of probabilities, and a
/// `MinConfidence` of 55 selects exactly the labels above their thresholds.
///
/// `threshold` is strictly between 0 and 100; the label table checks that.
pub(crate) fn confidence(probability: f32, threshold: f32) -> f32 {
    let percent = 100.0 * probability.clamp(0.0, 1.0);
    let default = DEFAULT_MIN_CONFIDENCE as f32;
    if percent < threshold {
        percent * default / threshold
    } else {
        default + (percent - threshold) * (100.0 - default) / (100.0 - threshold)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_threshold_maps_to_55() {
        for threshold in [5.0, 30.0, 55.0, 70.0, 75.0, 90.0] {
            assert!(
                (confidence(threshold / 100.0, threshold) - 55.0).abs() < 1e-4,
                "{threshold}"
            );
            assert_eq!(confidence(0.0, threshold), 0.0);
            assert!((confidence(1.0, threshold) - 100.0).abs() < 1e-4);
        }
    }

    #[test]
    fn a_threshold_of_55_changes_nothing() {
        for percent in 0..=100u8 {
            let percent = f32::from(percent);
            assert!((confidence(percent / 100.0, 55.0) - percent).abs() < 1e-4);
        }
    }

    #[test]
    fn the_order_of_probabilities_is_kept() {
        for threshold in [10.0, 55.0, 90.0] {
            let mapped: Vec<f32> = (0..=1000u16)
                .map(|p| confidence(f32::from(p) / 1000.0, threshold))
                .collect();
            assert!(mapped.windows(2).all(|w| w[0] < w[1]), "{threshold}");
        }
    }

    #[test]
    fn a_probability_outside_its_range_is_clamped() {
        assert_eq!(confidence(1.5, 55.0), 100.0);
        assert_eq!(confidence(-0.5, 55.0), 0.0);
    }
}
