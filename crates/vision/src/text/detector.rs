//! The network that tells for each pixel how probably it belongs to a line of text.

use image::RgbImage;
use sightline_resample::Part;

use crate::decode::resize;
use crate::engine::Graph;
use crate::models::InstalledModel;
use crate::{ModelError, VisionError};

const FILE: &str = "detector.onnx";
/// The sides of the input are multiples of this.
const STEP: u32 = 32;
/// The shorter side of the input in pixels, as the model's package has it. Small letters are missed in smaller inputs.
const SHORT_SIDE: f64 = 736.0;
/// The most pixels of an input, which bound time and memory: 736 x 1312, a picture of 16 : 9.
const MAX_PIXELS: f64 = 736.0 * 1312.0;

/// The probability of text for each pixel of a scaled image, by rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct ProbabilityMap {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) values: Vec<f32>,
}

impl ProbabilityMap {
    /// The probability at a pixel, 0 outside the map.
    pub(super) fn at(&self, x: usize, y: usize) -> f32 {
        let inside = x < self.width && y < self.height;
        let value = inside.then(|| self.values.get(y * self.width + x));
        value.flatten().copied().unwrap_or_default()
    }
}

/// PP-OCR's text detector.
pub(super) struct Detector {
    graph: Graph,
    input: String,
    output: String,
}

impl Detector {
    /// Loads the network.
    ///
    /// # Errors
    /// `Read`, `Onnx`, and `Mismatch` for a network without input or output.
    pub(super) fn open(model: &InstalledModel) -> Result<Self, ModelError> {
        let graph = model.graph(FILE)?;
        let (input, output) = only_names(&graph, FILE)?;
        Ok(Self {
            graph,
            input,
            output,
        })
    }

    /// Where an upright image has text. The map has the image's shape but another size.
    ///
    /// # Errors
    /// `Internal`.
    pub(super) fn probabilities(&self, image: &RgbImage) -> Result<ProbabilityMap, VisionError> {
        let (width, height) = input_size(image.dimensions());
        let scaled = resize(image, Part::Whole, width, height)?;
        let (width, height) = (width as usize, height as usize);
        let mut values = vec![0.0; 3 * width * height];
        planes(&scaled, width, &mut values);
        drop(scaled);
        let shape = [1, 3, height, width];
        let input = (self.input.as_str(), shape.as_slice(), values.as_slice());
        let outputs = self.graph.run(&[input], &[&self.output])?;
        let map = outputs.into_iter().next().unwrap_or_default();
        if map.values.len() != width * height {
            return Err(VisionError::Internal(format!(
                "the output of {FILE} has the shape {:?} instead of [1, 1, {height}, {width}]",
                map.shape
            )));
        }
        Ok(ProbabilityMap {
            width,
            height,
            values: map.values,
        })
    }
}

/// The names of a network's first input and output.
pub(super) fn only_names(graph: &Graph, file: &str) -> Result<(String, String), ModelError> {
    let first = |names: Vec<String>| names.into_iter().next();
    first(graph.inputs())
        .zip(first(graph.outputs()))
        .ok_or_else(|| {
            ModelError::Mismatch(format!("{file} has no named input or no named output"))
        })
}

/// Writes an image into three planes whose rows have `stride` values: blue, green, red, from -1 to 1.
pub(super) fn planes(image: &RgbImage, stride: usize, planes: &mut [f32]) {
    let width = image.width() as usize;
    if width == 0 || stride < width {
        return;
    }
    let size = planes.len() / 3;
    for (channel, plane) in [2, 1, 0].into_iter().zip(planes.chunks_exact_mut(size)) {
        let rows = image.as_raw().chunks_exact(3 * width);
        for (pixels, row) in rows.zip(plane.chunks_exact_mut(stride)) {
            let samples = pixels.iter().skip(channel).step_by(3);
            for (sample, value) in samples.zip(row) {
                *value = f32::from(*sample) / 127.5 - 1.0;
            }
        }
    }
}

/// The size of the input for an image of this size: a short side is enlarged, a large image is scaled down.
fn input_size((width, height): (u32, u32)) -> (u32, u32) {
    let (width, height) = (f64::from(width.max(1)), f64::from(height.max(1)));
    let enlarged = (SHORT_SIDE / width.min(height)).max(1.0);
    let scale = enlarged.min((MAX_PIXELS / (width * height)).sqrt());
    let side = |length: f64| {
        let steps = (length * scale / f64::from(STEP)).round();
        (steps as u32).max(1) * STEP
    };
    (side(width), side(height))
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::Rgb;

    #[test]
    fn small_pictures_are_enlarged_and_large_ones_bounded() {
        assert_eq!(input_size((640, 480)), (992, 736));
        assert_eq!(input_size((1024, 768)), (1024, 768));
        let pixels = |(width, height)| f64::from(width) * f64::from(height);
        for size in [
            (4000, 3000),
            (3000, 4000),
            (384, 191),
            (10_000, 80),
            (80, 80),
        ] {
            let input = input_size(size);
            assert!(pixels(input) < 1.15 * MAX_PIXELS, "{size:?}: {input:?}");
            assert!(input.0.is_multiple_of(STEP) && input.1.is_multiple_of(STEP));
            assert!(input.0 > 0 && input.1 > 0);
        }
        assert_eq!(input_size((4000, 3000)), (1120, 864));
    }

    #[test]
    fn planes_are_blue_green_red_and_padded_with_what_was_there() {
        let image = RgbImage::from_pixel(2, 1, Rgb([255, 0, 51]));
        let mut values = [0.0; 9];
        planes(&image, 3, &mut values);
        let expected = [-0.6, -0.6, 0.0, -1.0, -1.0, 0.0, 1.0, 1.0, 0.0];
        for (value, expected) in values.iter().zip(expected) {
            assert!((value - expected).abs() < 1e-6, "{values:?}");
        }
    }
}
