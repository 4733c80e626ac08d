//! Convolutions and pooling.

use super::super::constant::Constant;
use super::super::onnx::{Convolution, Window, same_padding};
use super::Converter;
use super::graph_def::Node;
use super::value::{Layout, Tensor, Value};

impl Converter<'_> {
    /// A convolution with the bias and the activation that may be fused with it. Filters are
    /// [height, width, inputs, outputs], or [height, width, inputs, outputs for each input] if it is depthwise.
    pub(super) fn convolution(
        &mut self,
        node: &Node,
        inputs: &[Value],
        depthwise: bool,
    ) -> Result<Value, String> {
        node.needs_nhwc()?;
        let [input, filters, fused @ ..] = inputs else {
            return Err("it has too few inputs".to_owned());
        };
        let input = input.as_tensor()?;
        let filters = filters.as_constant()?;
        let [height, width, channels, factor] = <[usize; 4]>::try_from(filters.shape())
            .map_err(|_| "its filters must have 4 axes".to_owned())?;
        let [pictures, .., depth] = input.sides()?;
        if depth != channels || channels == 0 || factor == 0 {
            return Err(format!(
                "its filters need {channels} channels, but its input has {depth}"
            ));
        }
        let (filters, outputs, groups) = if depthwise {
            let outputs = channels.saturating_mul(factor);
            let filters = filters.permuted(&[2, 3, 0, 1])?;
            (
                filters.reshaped(&[outputs, 1, height, width])?,
                outputs,
                channels,
            )
        } else {
            (filters.permuted(&[3, 2, 0, 1])?, factor, 1)
        };
        let (window, rows, columns) = window(node, input, [height, width])?;
        let name = self.nchw(input);
        let convolution = Convolution {
            filters,
            bias: vec![0.0; outputs],
            window,
            groups,
        };
        let name = self.graph.convolution(&name, convolution)?;
        let mut tensor = Tensor::new(name, vec![pictures, rows, columns, outputs], Layout::Nchw);
        // What is fused is the only reader, so that it can become part of the convolution.
        tensor.uses = 1;
        let result = self.fused(node, tensor.into(), fused)?;
        match result {
            Value::Tensor(tensor) => Ok(Tensor { uses: 0, ..tensor }.into()),
            constant @ Value::Constant(_) => Ok(constant),
        }
    }

    fn fused(&mut self, node: &Node, value: Value, inputs: &[Value]) -> Result<Value, String> {
        let mut value = value;
        let mut inputs = inputs.iter();
        for operator in node.texts("fused_ops")? {
            value = match operator.as_str() {
                "BiasAdd" => self.add(&value, inputs.next().ok_or("it has no bias")?)?,
                "Prelu" => self.prelu(&value, inputs.next().ok_or("it has no slopes")?)?,
                "Relu" | "Relu6" | "Sigmoid" => self.activation(&operator, &value)?,
                other => return Err(format!("the fused operator {other} is not known")),
            };
        }
        Ok(value)
    }

    pub(super) fn max_pool(&mut self, node: &Node, input: &Value) -> Result<Value, String> {
        node.needs_nhwc()?;
        let input = input.as_tensor()?;
        let [pictures, .., channels] = input.sides()?;
        let (window, rows, columns) = window(node, input, node.pair("ksize")?)?;
        let name = self.nchw(input);
        let name = self.graph.max_pool(&name, &window);
        Ok(Tensor::new(name, vec![pictures, rows, columns, channels], Layout::Nchw).into())
    }

    /// Multiplies each channel by `scale` and adds `offset`. This changes the weights of the convolution that computes the
    /// tensor, unless another node reads it too.
    pub(super) fn scale_channels(
        &mut self,
        tensor: &Tensor,
        scale: &[f32],
        offset: &[f32],
    ) -> Result<Value, String> {
        if tensor.uses == 1 && self.graph.is_convolution(&tensor.name) {
            self.graph.adjust_convolution(&tensor.name, scale, offset)?;
            return Ok(tensor.clone().into());
        }
        let mut name = self.nchw(tensor);
        for (operator, values, neutral) in [("Mul", scale, 1.0), ("Add", offset, 0.0)] {
            if values.iter().any(|value| *value != neutral) {
                let constant = Constant::floats(&[values.len(), 1, 1], values.to_vec())?;
                let constant = self.graph.constant(constant);
                name = self.graph.operator(operator, &[&name, &constant], vec![]);
            }
        }
        let layout = Layout::Nchw;
        Ok(Tensor::new(name, tensor.shape.clone(), layout).into())
    }
}

/// The window of a convolution or pooling, and the rows and columns of its output.
fn window(
    node: &Node,
    input: &Tensor,
    kernel: [usize; 2],
) -> Result<(Window, usize, usize), String> {
    let [_, rows, columns, _] = input.sides()?;
    let strides = node.pair("strides")?;
    let dilations = node.pair("dilations")?;
    let padding = node.text("padding", "")?;
    let along = |side: usize, kernel: usize, stride: usize, dilation: usize| {
        let reach = (kernel.saturating_sub(1))
            .saturating_mul(dilation)
            .saturating_add(1);
        match padding.as_str() {
            "SAME" => Ok((same_padding(side, reach, stride), side.div_ceil(stride))),
            "VALID" if side >= reach && kernel > 0 => Ok(((0, 0), (side - reach) / stride + 1)),
            "VALID" => Err(format!(
                "its window of {reach} does not fit into {side} pixels"
            )),
            other => Err(format!("the padding \"{other}\" is not known")),
        }
    };
    let ((top, bottom), height) = along(rows, kernel[0], strides[0], dilations[0])?;
    let ((left, right), width) = along(columns, kernel[1], strides[1], dilations[1])?;
    let window = Window {
        kernel,
        strides,
        dilations,
        pads: [top, left, bottom, right],
    };
    Ok((window, height, width))
}
