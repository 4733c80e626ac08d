//! The model's predictions for one image.

use crate::letterbox::Letterbox;
use crate::nms::Detection;

/// What the model predicts for one image, after suppression.
pub(crate) struct Prediction {
    /// Boxes in input pixels, best first.
    pub(crate) detections: Vec<Detection>,
    /// The position of the image in the input.
    pub(crate) letterbox: Letterbox,
    /// Probability of each label for the whole image; empty if the model has no such output.
    pub(crate) image_scores: Vec<f32>,
}
