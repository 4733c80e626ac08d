//! The classifier: an EfficientNet-Lite0 with the 1,000 classes of ImageNet for the whole picture.

use image::{RgbImage, imageops::crop_imm};
use sightline_resample::Part;

use crate::VisionError;
use crate::decode::resize;
use crate::lazy::LazyGraph;
use crate::models::InstalledModel;

/// The sides of the network's input in pixels.
const SIDE: u32 = 224;
/// The number of classes.
pub(crate) const CLASSES: usize = 1000;
/// The share of the middle square that the second look takes.
const NEAR: f32 = 0.8;
/// A class of this probability needs no second look, which takes as long as the first. On the photographs of
/// `bench/recognisers` the labels are the same.
const SURE: f32 = 0.7;

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

    /// The probability of each of the [`CLASSES`] for the upright picture: that of its middle square or, where this leaves
    /// doubt, the mean with a nearer view of it. The network was trained on crops, and what a photograph shows is mostly in its
    /// middle.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn classify(&self, picture: &RgbImage) -> Result<Vec<f32>, VisionError> {
        let middle = self.probabilities(&resize(picture, Part::Middle, SIDE, SIDE)?)?;
        if middle.iter().any(|probability| *probability >= SURE) {
            return Ok(middle);
        }
        let near = self.probabilities(&resize(&inner(picture), Part::Whole, SIDE, SIDE)?)?;
        let pairs = middle.iter().zip(&near);
        Ok(pairs.map(|(a, b)| (a + b) / 2.0).collect())
    }

    fn probabilities(&self, pixels: &RgbImage) -> Result<Vec<f32>, VisionError> {
        let side = SIDE as usize;
        let outputs = self.graph.run(
            &[("image", &[1, 3, side, side], &input(pixels))],
            &["probabilities"],
        )?;
        match outputs.into_iter().next() {
            Some(found) if found.values.len() == CLASSES => Ok(found.values),
            _ => Err(VisionError::Internal(format!(
                "the classifier must have {CLASSES} classes"
            ))),
        }
    }
}

/// A copy of the middle of the picture: a square with the share [`NEAR`] of the shorter side.
fn inner(picture: &RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let side = ((width.min(height) as f32 * NEAR) as u32).max(1);
    crop_imm(picture, (width - side) / 2, (height - side) / 2, side, side).to_image()
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
    fn the_nearer_view_is_the_middle_of_the_picture() {
        let picture = RgbImage::from_fn(200, 100, |x, y| Rgb([x as u8, y as u8, 0]));
        let near = inner(&picture);
        assert_eq!(near.dimensions(), (80, 80));
        assert_eq!(near.get_pixel(0, 0).0, [60, 10, 0]);
        assert_eq!(inner(&RgbImage::new(1, 1)).dimensions(), (1, 1));
    }
}
