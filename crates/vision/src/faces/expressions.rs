//! Emotions and smiles.
//!
//! `expressions.onnx` takes the same square as `age-gender.onnx`; the output has the probabilities of seven expressions. Of 266
//! faces with six emotions it names 64 of 100 rightly; of the smiles that it finds, 84 of 100 are smiles, and it finds 86 of 100.

use rekognition_model::EmotionName;

use super::align::Levels;
use super::attributes::{SQUARE_SIDE, square};
use super::detection::Face;
use super::network::Network;
use crate::models::InstalledModel;
use crate::{ModelError, VisionError};

const COUNT: usize = 7;
/// The emotions in the order of the output. Rekognition's CONFUSED has no counterpart.
const NAMES: [EmotionName; COUNT] = [
    EmotionName::Calm,
    EmotionName::Happy,
    EmotionName::Sad,
    EmotionName::Angry,
    EmotionName::Fear,
    EmotionName::Disgusted,
    EmotionName::Surprised,
];
const HAPPY: usize = 1;
/// The network is surer than it is right. The square root of its probabilities is nearer to the measured share.
const TEMPERATURE: f32 = 2.0;
/// The most confidence in a smile, in percent.
const MOST: f32 = 95.0;

pub(super) struct ExpressionNetwork {
    network: Network,
}

/// The probabilities of the seven expressions of one face.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Expression([f32; COUNT]);

impl ExpressionNetwork {
    /// # Errors
    /// `Read` and `Onnx`.
    pub(super) fn open(model: &InstalledModel) -> Result<Self, ModelError> {
        let network = Network::open(model, "expressions.onnx")?;
        Ok(Self { network })
    }

    /// # Errors
    /// `Internal`.
    pub(super) fn read(&self, levels: &Levels, face: &Face) -> Result<Expression, VisionError> {
        let input = square(levels, face);
        let found = self
            .network
            .run(&[1, 3, SQUARE_SIDE, SQUARE_SIDE], &input)?;
        let mut probabilities = [0.0; COUNT];
        for (to, from) in probabilities.iter_mut().zip(found.with(COUNT)?) {
            *to = from.clamp(0.0, 1.0);
        }
        Ok(Expression(probabilities))
    }
}

impl Expression {
    /// All emotions with their confidence in percent, most confident first. The confidences add up to 100.
    pub(super) fn emotions(&self) -> Vec<(EmotionName, f32)> {
        let weights = self.0.map(|p| p.powf(1.0 / TEMPERATURE));
        let sum = weights.iter().sum::<f32>().max(f32::EPSILON);
        let mut emotions: Vec<_> = NAMES
            .into_iter()
            .zip(weights)
            .map(|(name, weight)| (name, 100.0 * weight / sum))
            .collect();
        emotions.sort_by(|a, b| b.1.total_cmp(&a.1));
        emotions
    }

    /// Whether the face smiles, and the confidence in percent.
    pub(super) fn smile(&self) -> (bool, f32) {
        let happy = self.0.get(HAPPY).copied().unwrap_or_default();
        let smiles = happy >= 0.5;
        let probability = if smiles { happy } else { 1.0 - happy };
        (smiles, (100.0 * probability).min(MOST))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::faces) const SMILING: Expression =
        Expression([0.02, 0.94, 0.01, 0.0, 0.0, 0.0, 0.03]);

    #[test]
    fn emotions_are_ordered_and_add_up_to_100() {
        let emotions = SMILING.emotions();
        assert_eq!(emotions[0].0, EmotionName::Happy);
        assert_eq!(emotions[1].0, EmotionName::Surprised);
        assert_eq!(emotions.len(), COUNT);
        assert!((emotions.iter().map(|e| e.1).sum::<f32>() - 100.0).abs() < 1e-3);
        assert!(emotions[0].1 < 94.0, "less sure than the network");
        assert!(emotions.windows(2).all(|pair| pair[0].1 >= pair[1].1));
    }

    #[test]
    fn a_face_smiles_if_happy_is_likelier_than_all_else() {
        assert_eq!(SMILING.smile(), (true, 94.0));
        let calm = Expression([0.8, 0.2, 0.0, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(calm.smile(), (false, 80.0));
    }
}
