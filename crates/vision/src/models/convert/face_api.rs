//! The two small networks of face-api. The package has their weights alone; their layers are those of its source:
//! `xception/TinyXception.ts`, `ageGenderNet/AgeGenderNet.ts`, `faceFeatureExtractor/denseBlock.ts` and
//! `faceExpressionNet/FaceExpressionNet.ts`.

use super::ConvertError;
use super::constant::Constant;
use super::onnx::{Convolution, OnnxGraph, Window};
use super::weights::{self, Group, Weights};

/// The sides of the input, in pixels.
const SIDE: usize = 112;

/// Age and gender. `manifest` is the weights manifest, `bin` its only file of weights.
///
/// # Errors
/// `Description` and `Weights`.
pub(crate) fn face_api_age_gender(manifest: &[u8], bin: &[u8]) -> Result<Vec<u8>, ConvertError> {
    let mut network = Network::read(manifest, bin)?;
    network.age_gender().map_err(ConvertError::Weights)?;
    network.graph.finish()
}

/// Expressions. `manifest` is the weights manifest, `bin` its only file of weights.
///
/// # Errors
/// `Description` and `Weights`.
pub(crate) fn face_api_expressions(manifest: &[u8], bin: &[u8]) -> Result<Vec<u8>, ConvertError> {
    let mut network = Network::read(manifest, bin)?;
    network.expressions().map_err(ConvertError::Weights)?;
    network.graph.finish()
}

struct Network {
    graph: OnnxGraph,
    weights: Weights,
}

/// A tensor of square pictures.
#[derive(Clone)]
struct Features {
    name: String,
    channels: usize,
    side: usize,
}

impl Network {
    fn read(manifest: &[u8], bin: &[u8]) -> Result<Self, ConvertError> {
        let manifest: Vec<Group> = serde_json::from_slice(manifest)
            .map_err(|error| ConvertError::Description(error.to_string()))?;
        Ok(Self {
            graph: OnnxGraph::default(),
            weights: weights::read(&manifest, &[bin])?,
        })
    }

    fn age_gender(&mut self) -> Result<(), String> {
        let input = self.input();
        let features = self.convolution(&input, "entry_flow/conv_in", 2)?;
        let features = self.relu(&features);
        let first = "entry_flow/reduction_block_0";
        let features = self.reduction_block(&features, features.clone(), first)?;
        let active = self.relu(&features);
        let second = "entry_flow/reduction_block_1";
        let mut features = self.reduction_block(&features, active, second)?;
        for block in 0..2 {
            let mut sum = features.clone();
            for layer in 0..3 {
                let name = format!("middle_flow/main_block_{block}/separable_conv{layer}");
                sum = self.relu(&sum);
                sum = self.separable(&sum, &name, 1)?;
            }
            features = self.sum(&sum, &features)?;
        }
        let active = self.relu(&features);
        let features = self.reduction_block(&features, active, "exit_flow/reduction_block")?;
        let features = self.separable(&features, "exit_flow/separable_conv", 1)?;
        let features = self.relu(&features);
        let mean = self.mean(&features)?;
        let age = self.dense(&mean, features.channels, "fc/age", 1)?;
        self.graph.output(&age, "age", &[None, Some(1)]);
        let gender = self.dense(&mean, features.channels, "fc/gender", 2)?;
        let gender = self.graph.softmax(&gender);
        self.graph.output(&gender, "gender", &[None, Some(2)]);
        Ok(())
    }

    fn expressions(&mut self) -> Result<(), String> {
        let mut features = self.input();
        for block in 0..4 {
            // Each layer reads the sum of all layers of its block before it.
            let first = format!("dense{block}/conv0");
            let layer = if block == 0 {
                self.convolution(&features, &first, 2)?
            } else {
                self.separable(&features, &first, 2)?
            };
            let mut sum = self.relu(&layer);
            let mut active = sum.clone();
            for layer in 1..4 {
                let next = self.separable(&active, &format!("dense{block}/conv{layer}"), 1)?;
                sum = self.sum(&sum, &next)?;
                active = self.relu(&sum);
            }
            features = active;
        }
        let mean = self.mean(&features)?;
        let scores = self.dense(&mean, features.channels, "fc", 7)?;
        let scores = self.graph.softmax(&scores);
        self.graph.output(&scores, "expressions", &[None, Some(7)]);
        Ok(())
    }

    fn input(&mut self) -> Features {
        let shape = [None, Some(3), Some(SIDE), Some(SIDE)];
        Features {
            name: self.graph.input("image", &shape),
            channels: 3,
            side: SIDE,
        }
    }

    /// Halves the sides: two separable convolutions of `active` and a maximum, plus a convolution of `input`.
    fn reduction_block(
        &mut self,
        input: &Features,
        active: Features,
        name: &str,
    ) -> Result<Features, String> {
        let features = self.separable(&active, &format!("{name}/separable_conv0"), 1)?;
        let features = self.relu(&features);
        let features = self.separable(&features, &format!("{name}/separable_conv1"), 1)?;
        let pooled = Features {
            name: self
                .graph
                .max_pool(&features.name, &Window::same(features.side, 3, 2)),
            side: features.side.div_ceil(2),
            ..features
        };
        let direct = self.convolution(input, &format!("{name}/expansion_conv"), 2)?;
        self.sum(&pooled, &direct)
    }

    /// A convolution for each channel and one of single pixels.
    fn separable(
        &mut self,
        input: &Features,
        name: &str,
        stride: usize,
    ) -> Result<Features, String> {
        let depthwise = self.weight(&format!("{name}/depthwise_filter"))?;
        let [kernel, channels] = match depthwise.shape() {
            [height, width, channels, 1] if height == width => [*height, *channels],
            shape => return Err(format!("\"{name}\" has filters of the shape {shape:?}")),
        };
        let convolution = Convolution {
            filters: depthwise.permuted(&[2, 3, 0, 1])?,
            bias: vec![0.0; channels],
            window: Window::same(input.side, kernel, stride),
            groups: channels,
        };
        let features = self.convolved(input, convolution, name, stride)?;
        let filters = self.weight(&format!("{name}/pointwise_filter"))?;
        self.biased(&features, &filters, name, 1)
    }

    fn convolution(
        &mut self,
        input: &Features,
        name: &str,
        stride: usize,
    ) -> Result<Features, String> {
        let filters = self.weight(&format!("{name}/filters"))?;
        self.biased(input, &filters, name, stride)
    }

    /// A convolution with filters of [height, width, inputs, outputs] and the layer's bias.
    fn biased(
        &mut self,
        input: &Features,
        filters: &Constant,
        name: &str,
        stride: usize,
    ) -> Result<Features, String> {
        let kernel = match filters.shape() {
            [height, width, _, _] if height == width => *height,
            shape => return Err(format!("\"{name}\" has filters of the shape {shape:?}")),
        };
        let bias = self.weight(&format!("{name}/bias"))?;
        let convolution = Convolution {
            filters: filters.permuted(&[3, 2, 0, 1])?,
            bias: bias.as_floats()?.to_vec(),
            window: Window::same(input.side, kernel, stride),
            groups: 1,
        };
        self.convolved(input, convolution, name, stride)
    }

    fn convolved(
        &mut self,
        input: &Features,
        convolution: Convolution,
        name: &str,
        stride: usize,
    ) -> Result<Features, String> {
        let channels = convolution.bias.len();
        let needed = match convolution.filters.shape() {
            [outputs, inputs, ..] if *outputs == channels => inputs * convolution.groups,
            shape => return Err(format!("\"{name}\" has filters of the shape {shape:?}")),
        };
        if needed != input.channels {
            return Err(format!(
                "\"{name}\" has filters for {needed} channels instead of {}",
                input.channels
            ));
        }
        Ok(Features {
            name: self.graph.convolution(&input.name, convolution)?,
            channels,
            side: input.side.div_ceil(stride),
        })
    }

    fn relu(&mut self, features: &Features) -> Features {
        Features {
            name: self.graph.relu(&features.name),
            ..*features
        }
    }

    fn sum(&mut self, a: &Features, b: &Features) -> Result<Features, String> {
        if (a.channels, a.side) != (b.channels, b.side) {
            return Err("layers that are added have different shapes".to_owned());
        }
        Ok(Features {
            name: self.graph.add(&a.name, &b.name),
            ..*a
        })
    }

    /// face-api's mean of 7 x 7 pixels, which is the whole picture here.
    fn mean(&mut self, features: &Features) -> Result<String, String> {
        if features.side == 7 {
            Ok(self.graph.mean_of_channels(&features.name))
        } else {
            Err(format!(
                "the last layer has {} pixels a side instead of 7",
                features.side
            ))
        }
    }

    fn dense(
        &mut self,
        input: &str,
        inputs: usize,
        name: &str,
        outputs: usize,
    ) -> Result<String, String> {
        let weights = self.weight(&format!("{name}/weights"))?;
        let bias = self.weight(&format!("{name}/bias"))?;
        if weights.shape() != [inputs, outputs] || bias.shape() != [outputs] {
            return Err(format!(
                "\"{name}\" has weights of the shape {:?}",
                weights.shape()
            ));
        }
        Ok(self.graph.dense(input, weights, bias, false))
    }

    fn weight(&mut self, name: &str) -> Result<Constant, String> {
        self.weights
            .remove(name)
            .ok_or_else(|| format!("\"{name}\" is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_another_network_are_a_sentence() {
        let error = |manifest: &str, bin: &[u8]| {
            face_api_expressions(manifest.as_bytes(), bin)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error(r#"[{"paths": ["a"], "weights": []}]"#, &[]),
            "the weights cannot be read: \"dense0/conv0/filters\" is missing"
        );
        let filters = |shape: &str| {
            format!(
                r#"[{{"paths": ["a"], "weights": [
                    {{"name": "dense0/conv0/filters", "shape": {shape}, "dtype": "float32"}},
                    {{"name": "dense0/conv0/bias", "shape": [1], "dtype": "float32"}}]}}]"#
            )
        };
        assert_eq!(
            error(&filters("[3, 3, 2, 1]"), &[0; 76]),
            "the weights cannot be read: \"dense0/conv0\" has filters for 2 channels instead of 3"
        );
        assert_eq!(
            error(&filters("[18]"), &[0; 76]),
            "the weights cannot be read: \"dense0/conv0\" has filters of the shape [18]"
        );
        assert_eq!(
            error(&filters("[3, 3, 2, 1]"), &[0; 70]),
            "the weights cannot be read: \"dense0/conv0/filters\": the file ends too early; fetch the package again"
        );
        assert!(error("[", &[]).starts_with("the model description cannot be read: "));
        assert_eq!(
            face_api_age_gender(b"[]", &[]).unwrap_err().to_string(),
            "the weights cannot be read: the model has 0 weight files, but 1 were given"
        );
    }
}
