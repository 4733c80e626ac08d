//! The classifier: an EfficientNet-Lite0 with the 1,000 classes of ImageNet for the whole picture.

use image::RgbImage;
use sightline_resample::Part;

use crate::VisionError;
use crate::decode::resize;
use crate::lazy::LazyGraph;
use crate::models::InstalledModel;

/// The sides of the network's input in pixels.
const SIDE: u32 = 224;
/// The number of classes.
pub(crate) const CLASSES: usize = 1000;
/// A picture whose longer side is at most this multiple of the shorter one is looked at once. Its middle square and the
/// stretched picture are nearly the same.
const NEARLY_SQUARE: f32 = 1.15;

/// The classifier. Its network is loaded by the first call.
pub(crate) struct Classifier {
    graph: LazyGraph,
}

impl Classifier {
    pub(crate) fn new(model: InstalledModel) -> Self {
        Self {
            graph: LazyGraph::new(model, "classes.onnx"),
        }
    }

    /// The probability of each of the [`CLASSES`] for the upright picture: the mean of its middle square and of the whole
    /// picture stretched to a square, which is right more often than either.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn classify(&self, picture: &RgbImage) -> Result<Vec<f32>, VisionError> {
        let middle = self.probabilities(&resize(picture, Part::Middle, SIDE, SIDE)?)?;
        let (width, height) = picture.dimensions();
        let longer = width.max(height) as f32;
        if longer <= NEARLY_SQUARE * width.min(height) as f32 {
            return Ok(middle);
        }
        let whole = self.probabilities(&resize(picture, Part::Whole, SIDE, SIDE)?)?;
        Ok(middle
            .iter()
            .zip(&whole)
            .map(|(a, b)| (a + b) / 2.0)
            .collect())
    }

    fn probabilities(&self, pixels: &RgbImage) -> Result<Vec<f32>, VisionError> {
        let side = SIDE as usize;
        let outputs = self.graph.run(
            &[("image", &[1, 3, side, side], &input(pixels))],
            &["logits"],
        )?;
        let logits = outputs.first().map(|output| output.values.as_slice());
        match logits {
            Some(logits) if logits.len() == CLASSES => Ok(softmax(logits)),
            _ => Err(VisionError::Internal(format!(
                "the classifier must have {CLASSES} classes"
            ))),
        }
    }
}

/// The input tensor, channel by channel.
fn input(pixels: &RgbImage) -> Vec<f32> {
    let channel = |channel: usize| {
        pixels
            .pixels()
            .map(move |pixel| pixel.0.get(channel).copied().unwrap_or_default())
    };
    (0..3)
        .flat_map(channel)
        .map(|sample| (f32::from(sample) - 127.0) / 128.0)
        .collect()
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    // Subtracting the largest value prevents an overflow.
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f32> = logits.iter().map(|logit| (logit - largest).exp()).collect();
    let sum: f32 = powers.iter().sum();
    powers.iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn the_input_is_normalised_channel_by_channel() {
        let pixels = RgbImage::from_fn(2, 1, |x, _| Rgb([127, 255, 63 * x as u8]));
        assert_eq!(input(&pixels), [0.0, 0.0, 1.0, 1.0, -127.0 / 128.0, -0.5]);
    }

    #[test]
    fn probabilities_sum_to_one() {
        let found = softmax(&[1000.0, 1000.0, -1000.0]);
        assert_eq!(found, [0.5, 0.5, 0.0]);
    }
}
