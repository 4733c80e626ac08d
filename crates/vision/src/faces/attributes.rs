//! Age and gender as they appear, each from two networks.
//!
//! - `age.onnx` and `gender.onnx` take a face whose eyes are in fixed places, [1, 3, side, side], RGB, (sample - mean) / 256. The
//!   outputs are probabilities of 81 ages, and of female and male.
//! - `age-gender.onnx` takes the square around the face, [1, 3, 112, 112], RGB, (sample - mean) / 255. The outputs are the age in
//!   years, and the probabilities of male and female.
//!
//! On 391 portraits whose gender is known, the mean of both is right for 95 of 100; where it is sure, for 97 of 100.

use rekognition_model::AgeRange;

use super::align::{Levels, Similarity};
use super::detection::Face;
use super::geometry::Point;
use super::network::Network;
use crate::models::InstalledModel;
use crate::{ModelError, VisionError};

/// The mean of each channel, which all four networks of faces subtract.
const MEANS: [f32; 3] = [122.782, 117.001, 104.298];
/// The eyes in a chip for `age.onnx` and `gender.onnx`, as shares of its side.
const EYES: [(f32, f32); 2] = [
    (
        (PADDING + 0.2273) / (1.0 + 2.0 * PADDING),
        (PADDING + 0.2214) / (1.0 + 2.0 * PADDING),
    ),
    (
        (PADDING + 0.7528) / (1.0 + 2.0 * PADDING),
        (PADDING + 0.2212) / (1.0 + 2.0 * PADDING),
    ),
];
const PADDING: f32 = 0.2;
const AGE_SIDE: usize = 64;
const GENDER_SIDE: usize = 32;
pub(super) const SQUARE_SIDE: usize = 112;
const AGES: usize = 81;
/// The age of the first class, in years. The others are 1, 2, 3 and so on.
const YOUNGEST: f32 = 0.25;

/// Faces that are narrower, in pixels, have no reliable gender.
const NARROW: f32 = 40.0;
/// Faces that are turned aside by more than this, in degrees, have no reliable gender and emotion.
pub(super) const TURNED: f32 = 35.0;
/// Below this age in years the gender was not measured.
const CHILD: f32 = 14.0;
/// The most confidence in a gender that is not reliable, in percent.
const DOUBTFUL: f32 = 75.0;
/// The probability that has a confidence of 80, and the most confidence.
const SURE: (f32, f32) = (0.85, 80.0);
const MOST: f32 = 99.0;

/// An apparent gender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gender {
    /// Male.
    Male,
    /// Female.
    Female,
}

pub(super) struct AgeAndGender {
    age: Network,
    gender: Network,
    both: Network,
}

/// What the networks say about one face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Appearance {
    /// In years, by `age.onnx` and by `age-gender.onnx`.
    pub(super) ages: [f32; 2],
    /// The probability of male by `gender.onnx` and by `age-gender.onnx`, 0..=1.
    pub(super) male: [f32; 2],
}

impl AgeAndGender {
    /// # Errors
    /// `Read` and `Onnx`.
    pub(super) fn open(model: &InstalledModel) -> Result<Self, ModelError> {
        Ok(Self {
            age: Network::open(model, "age.onnx")?,
            gender: Network::open(model, "gender.onnx")?,
            both: Network::open(model, "age-gender.onnx")?,
        })
    }

    /// # Errors
    /// `Internal`.
    pub(super) fn describe(&self, levels: &Levels, face: &Face) -> Result<Appearance, VisionError> {
        let ages = self
            .age
            .run(&[1, 3, AGE_SIDE, AGE_SIDE], &chip(levels, face, AGE_SIDE))?;
        let genders = self.gender.run(
            &[1, 3, GENDER_SIDE, GENDER_SIDE],
            &chip(levels, face, GENDER_SIDE),
        )?;
        let both = self
            .both
            .run(&[1, 3, SQUARE_SIDE, SQUARE_SIDE], &square(levels, face))?;
        let share = |values: &[f32], at: usize| values.get(at).copied().unwrap_or(0.5);
        Ok(Appearance {
            ages: [
                expected_age(ages.with(AGES)?),
                both.with(1)?.first().copied().unwrap_or_default().max(0.0),
            ],
            male: [share(genders.with(2)?, 1), share(both.with(2)?, 0)],
        })
    }
}

/// The input of `age.onnx` and `gender.onnx`.
fn chip(levels: &Levels, face: &Face, side: usize) -> Vec<f32> {
    let length = side as f32;
    let places = EYES.map(|(x, y)| Point::new(x * length, y * length));
    let pairs: Vec<_> = places.into_iter().zip(face.points.eyes).collect();
    // A detector whose eyes coincide has found no face worth the effort; its square stands in.
    let to_picture = Similarity::fit(&pairs).unwrap_or_else(|| upright(face, side));
    let mut values = Vec::with_capacity(3 * side * side);
    levels
        .cut(&to_picture, side, side)
        .push_planes(&mut values, |pixel| centred(pixel, 256.0));
    values
}

/// The input of `age-gender.onnx` and `expressions.onnx`.
pub(super) fn square(levels: &Levels, face: &Face) -> Vec<f32> {
    let mut values = Vec::with_capacity(3 * SQUARE_SIDE * SQUARE_SIDE);
    levels
        .cut(&upright(face, SQUARE_SIDE), SQUARE_SIDE, SQUARE_SIDE)
        .push_planes(&mut values, |pixel| centred(pixel, 255.0));
    values
}

/// The square around the face, turned so that the eyes are level.
fn upright(face: &Face, side: usize) -> Similarity {
    Similarity::square(
        side,
        face.bounds.centre(),
        face.bounds.longer_side(),
        face.points.tilt(),
    )
}

fn centred([r, g, b]: [f32; 3], range: f32) -> [f32; 3] {
    let [mr, mg, mb] = MEANS;
    [(r - mr) / range, (g - mg) / range, (b - mb) / range]
}

fn expected_age(probabilities: &[f32]) -> f32 {
    let ages = (0..AGES).map(|age| if age == 0 { YOUNGEST } else { age as f32 });
    probabilities.iter().zip(ages).map(|(p, age)| p * age).sum()
}

impl Appearance {
    fn disagreement(&self) -> f32 {
        let [first, second] = self.ages;
        (first - second).abs()
    }

    /// The age in years: the mean of both networks where they agree. The more they differ, the more the second one counts,
    /// because the first one makes small children too old.
    pub(super) fn age(&self) -> f32 {
        let [first, second] = self.ages;
        let doubt = ((self.disagreement() - 6.0) / 8.0).clamp(0.0, 1.0);
        let weight = 0.5 + 0.4 * doubt;
        first * (1.0 - weight) + second * weight
    }

    /// A range that is right for about two adults of three. It is narrower for children and wider where the networks differ.
    pub(super) fn age_range(&self) -> AgeRange {
        let age = self.age();
        let doubt = (self.disagreement() - 6.0).max(0.0) / 4.0;
        let below = (1.0 + 0.25 * age).clamp(1.5, 8.0) + doubt;
        let above = (2.0 + 0.3 * age).clamp(2.5, 10.0) + doubt;
        let years = |age: f32| age.round().max(0.0) as u32;
        AgeRange {
            low: Some(years(age - below)),
            high: Some(years(age + above)),
        }
    }

    /// The gender and the confidence in it, in percent. Faces that are narrow, turned or young, and faces about which the
    /// networks differ, have a confidence below 80.
    pub(super) fn gender(&self, width: f32, yaw: f32) -> (Gender, f32) {
        let [first, second] = self.male;
        let male = (first + second) / 2.0;
        let (gender, probability) = if male > 0.5 {
            (Gender::Male, male)
        } else {
            (Gender::Female, 1.0 - male)
        };
        let reliable = width >= NARROW
            && yaw.abs() <= TURNED
            && self.age() >= CHILD
            && (first > 0.5) == (second > 0.5);
        let confidence = calibrated(probability);
        let most = if reliable { MOST } else { DOUBTFUL };
        (gender, confidence.min(most))
    }
}

/// Piecewise linear through (0.5, 50), [`SURE`] and (1, [`MOST`]).
fn calibrated(probability: f32) -> f32 {
    let (sure, confidence) = SURE;
    if probability < sure {
        50.0 + (probability - 0.5) / (sure - 0.5) * (confidence - 50.0)
    } else {
        confidence + (probability - sure) / (1.0 - sure) * (MOST - confidence)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::faces::detection::Points;
    use crate::faces::geometry::Rect;
    use image::{Rgb, RgbImage};
    use std::sync::Arc;

    pub(in crate::faces) fn appearance(ages: [f32; 2], male: [f32; 2]) -> Appearance {
        Appearance { ages, male }
    }

    #[test]
    fn the_eyes_of_a_chip_are_in_their_places() {
        // A red and a green spot where the eyes are, in a turned and large face.
        let (left, right) = (Point::new(120.0, 90.0), Point::new(180.0, 120.0));
        let image = RgbImage::from_fn(300, 300, |x, y| {
            let at = Point::new(x as f32 + 0.5, y as f32 + 0.5);
            if at.distance(left) < 5.0 {
                Rgb([255, 0, 0])
            } else if at.distance(right) < 5.0 {
                Rgb([0, 255, 0])
            } else {
                Rgb([0; 3])
            }
        });
        let face = Face {
            bounds: Rect::default(),
            score: 1.0,
            points: Points {
                eyes: [left, right],
                nose: left,
                mouth: left,
                corners: None,
            },
        };
        let values = chip(&Levels::new(Arc::new(image)), &face, 64);
        let plane = |channel: usize, x: usize, y: usize| {
            values[channel * 64 * 64 + y * 64 + x] * 256.0 + MEANS[channel]
        };
        // (0.2 + 0.2273) / 1.4 * 64 = 19.5, and 43.5 for the right eye; 19.3 down.
        assert!(plane(0, 19, 19) > 200.0, "{}", plane(0, 19, 19));
        assert!(plane(1, 43, 19) > 200.0, "{}", plane(1, 43, 19));
        assert!(plane(0, 43, 19) < 10.0);
    }

    #[test]
    fn the_age_is_the_mean_of_the_classes() {
        let mut probabilities = vec![0.0; AGES];
        probabilities[0] = 0.5;
        probabilities[10] = 0.5;
        assert!((expected_age(&probabilities) - 5.125).abs() < 1e-5);
    }

    #[test]
    fn networks_that_agree_are_averaged_and_the_second_wins_otherwise() {
        assert_eq!(appearance([30.0, 32.0], [0.5; 2]).age(), 31.0);
        let baby = appearance([13.0, 1.0], [0.5; 2]).age();
        assert!((1.0..5.0).contains(&baby), "{baby}");
        let boy = appearance([34.0, 6.0], [0.5; 2]).age();
        assert!((6.0..9.0).contains(&boy), "{boy}");
    }

    #[test]
    fn ranges_are_narrow_for_children_and_wide_in_doubt() {
        let range = |ages| {
            let range = appearance(ages, [0.5; 2]).age_range();
            (range.low.unwrap(), range.high.unwrap())
        };
        assert_eq!(range([30.0, 32.0]), (23, 41));
        assert_eq!(range([2.0, 2.0]), (1, 5));
        assert_eq!(range([0.3, 0.3]), (0, 3));
        let (low, high) = range([50.0, 30.0]);
        assert!(high - low > 20, "{low}..{high}");
    }

    #[test]
    fn only_reliable_faces_reach_a_confidence_of_80() {
        let sure = appearance([30.0, 30.0], [0.02, 0.04]);
        let (gender, confidence) = sure.gender(100.0, 10.0);
        assert_eq!(gender, Gender::Female);
        assert!(confidence > 90.0);
        assert_eq!(sure.gender(25.0, 10.0).1, 75.0);
        assert_eq!(sure.gender(100.0, -50.0).1, 75.0);
        let child = appearance([5.0, 4.0], [0.99, 0.99]);
        assert_eq!(child.gender(100.0, 0.0), (Gender::Male, 75.0));
        let split = appearance([30.0, 30.0], [1.0, 0.4]);
        assert!(split.gender(100.0, 0.0).1 < 80.0);
    }

    #[test]
    fn confidence_grows_with_the_probability() {
        assert_eq!(calibrated(0.5), 50.0);
        assert!((calibrated(0.85) - 80.0).abs() < 1e-4);
        assert!((calibrated(1.0) - 99.0).abs() < 1e-4);
        assert!(calibrated(0.8) < 80.0);
    }
}
