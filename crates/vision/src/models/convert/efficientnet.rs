//! EfficientNet-Lite0 from the weights that PyTorch saved. The layers are those of TensorFlow's `efficientnet/lite`: as
//! EfficientNet-B0, but without squeeze-and-excitation, and with ReLU6. Padding is TensorFlow's "SAME".

use super::ConvertError;
use super::constant::Constant;
use super::onnx::{Convolution, OnnxGraph, Window};
use super::torch;
use super::weights::Weights;

const SIDE: usize = 224;
const CLASSES: usize = 1000;
/// Of TensorFlow's batch normalisation.
const EPSILON: f32 = 1e-3;

/// Each stage's blocks, kernel, stride of the first block, and channels. All but the first stage expand by 6.
const STAGES: [(usize, usize, usize, usize); 7] = [
    (1, 3, 1, 16),
    (2, 3, 2, 24),
    (2, 5, 2, 40),
    (3, 3, 2, 80),
    (3, 5, 1, 112),
    (4, 5, 2, 192),
    (1, 3, 1, 320),
];

/// The classifier of 1,000 ImageNet classes, from its `.pth` file.
///
/// # Errors
/// `Weights` if the file is damaged, asks for anything but tensors, or is of another network.
pub(crate) fn efficientnet_lite0(pth: &[u8]) -> Result<Vec<u8>, ConvertError> {
    let mut network = Network {
        graph: OnnxGraph::default(),
        weights: torch::tensors(pth).map_err(ConvertError::Weights)?,
    };
    network.build().map_err(ConvertError::Weights)?;
    network.graph.finish()
}

struct Network {
    graph: OnnxGraph,
    weights: Weights,
}

struct Features {
    name: String,
    channels: usize,
    side: usize,
}

/// What a convolution does besides its weights.
struct Layer {
    outputs: usize,
    kernel: usize,
    stride: usize,
    depthwise: bool,
    active: bool,
}

impl Layer {
    /// Combines the channels of each pixel.
    fn of_pixels(outputs: usize, active: bool) -> Self {
        Self {
            outputs,
            kernel: 1,
            stride: 1,
            depthwise: false,
            active,
        }
    }
}

impl Network {
    fn build(&mut self) -> Result<(), String> {
        let shape = [Some(1), Some(3), Some(SIDE), Some(SIDE)];
        let input = Features {
            name: self.graph.input("image", &shape),
            channels: 3,
            side: SIDE,
        };
        let stem = Layer {
            kernel: 3,
            stride: 2,
            ..Layer::of_pixels(32, true)
        };
        let mut features = self.layer(&input, "_conv_stem", "_bn0", &stem)?;
        let mut place = 0;
        for (stage, (blocks, kernel, stride, outputs)) in STAGES.into_iter().enumerate() {
            for block in 0..blocks {
                let name = format!("_blocks.{place}");
                let stride = if block == 0 { stride } else { 1 };
                let expansion = if stage == 0 { 1 } else { 6 };
                features = self.block(&features, &name, expansion, [kernel, stride, outputs])?;
                place += 1;
            }
        }
        let head = Layer::of_pixels(1280, true);
        let features = self.layer(&features, "_conv_head", "_bn1", &head)?;
        let mean = self.graph.mean_of_channels(&features.name);
        let weights = self.weight("_fc.weight", &[CLASSES, features.channels])?;
        let bias = self.weight("_fc.bias", &[CLASSES])?;
        let scores = self.graph.dense(&mean, weights, bias, true);
        let probabilities = self.graph.softmax(&scores);
        self.graph
            .output(&probabilities, "probabilities", &[Some(1), Some(CLASSES)]);
        Ok(())
    }

    /// An inverted residual block: more channels, a convolution for each channel, fewer channels.
    fn block(
        &mut self,
        input: &Features,
        name: &str,
        expansion: usize,
        [kernel, stride, outputs]: [usize; 3],
    ) -> Result<Features, String> {
        let wide = input.channels * expansion;
        let expanded = if expansion == 1 {
            None
        } else {
            let layer = Layer::of_pixels(wide, true);
            let (weights, norm) = (format!("{name}._expand_conv"), format!("{name}._bn0"));
            Some(self.layer(input, &weights, &norm, &layer)?)
        };
        let depthwise = Layer {
            outputs: wide,
            kernel,
            stride,
            depthwise: true,
            active: true,
        };
        let (weights, norm) = (format!("{name}._depthwise_conv"), format!("{name}._bn1"));
        let features = expanded.as_ref().unwrap_or(input);
        let features = self.layer(features, &weights, &norm, &depthwise)?;
        let project = Layer::of_pixels(outputs, false);
        let (weights, norm) = (format!("{name}._project_conv"), format!("{name}._bn2"));
        let mut features = self.layer(&features, &weights, &norm, &project)?;
        if stride == 1 && input.channels == outputs {
            features.name = self.graph.add(&features.name, &input.name);
        }
        Ok(features)
    }

    /// A convolution with the batch normalisation folded in.
    fn layer(
        &mut self,
        input: &Features,
        weights: &str,
        norm: &str,
        layer: &Layer,
    ) -> Result<Features, String> {
        let (inputs, groups) = if layer.depthwise {
            (1, input.channels)
        } else {
            (input.channels, 1)
        };
        let shape = [layer.outputs, inputs, layer.kernel, layer.kernel];
        let filters = self.weight(&format!("{weights}.weight"), &shape)?;
        let mut read = |part: &str| self.weight(&format!("{norm}.{part}"), &[layer.outputs]);
        let (gamma, beta) = (read("weight")?, read("bias")?);
        let (mean, variance) = (read("running_mean")?, read("running_var")?);
        let (gamma, variance) = (gamma.as_floats()?, variance.as_floats()?);
        let scale: Vec<f32> = gamma
            .iter()
            .zip(variance)
            .map(|(gamma, variance)| gamma / (variance + EPSILON).sqrt())
            .collect();
        let offset: Vec<f32> = beta
            .as_floats()?
            .iter()
            .zip(mean.as_floats()?.iter().zip(&scale))
            .map(|(beta, (mean, scale))| beta - mean * scale)
            .collect();
        let convolution = Convolution {
            filters,
            bias: vec![0.0; layer.outputs],
            window: Window::same(input.side, layer.kernel, layer.stride),
            groups,
        };
        let mut name = self.graph.convolution(&input.name, convolution)?;
        self.graph.adjust_convolution(&name, &scale, &offset)?;
        if layer.active {
            name = self.graph.relu6(&name)?;
        }
        Ok(Features {
            name,
            channels: layer.outputs,
            side: input.side.div_ceil(layer.stride),
        })
    }

    fn weight(&mut self, name: &str, shape: &[usize]) -> Result<Constant, String> {
        match self.weights.remove(name) {
            None => Err(format!("\"{name}\" is missing")),
            Some(weight) if weight.shape() == shape => Ok(weight),
            Some(weight) => Err(format!(
                "\"{name}\" has the shape {:?} instead of {shape:?}",
                weight.shape()
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_of_another_network_are_a_sentence() {
        let error = |tensors: &[(String, Vec<usize>, Vec<f32>)]| {
            efficientnet_lite0(&torch::tests::file(tensors))
                .unwrap_err()
                .to_string()
        };
        assert_eq!(
            error(&[]),
            "the weights cannot be read: \"_conv_stem.weight\" is missing"
        );
        assert_eq!(
            error(&[("_conv_stem.weight".to_owned(), vec![2], vec![1., 2.])]),
            "the weights cannot be read: \"_conv_stem.weight\" has the shape [2] instead of [32, 3, 3, 3]"
        );
        assert_eq!(
            efficientnet_lite0(b"PK\x03\x04").unwrap_err().to_string(),
            "the weights cannot be read: the pickle's instruction 0x50 is not allowed"
        );
    }
}
