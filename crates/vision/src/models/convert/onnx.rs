//! Builds an ONNX graph whose pictures are NCHW, and writes it as a file.

use std::cell::RefCell;
use std::collections::HashMap;

use rten_onnx::onnx::{
    AttributeProto, AttributeType, DataType, Dimension, GraphProto, ModelProto, NodeProto,
    OperatorSetIdProto, TensorProto, TensorShapeProto, TypeProto, TypeProtoTensor, ValueInfoProto,
};

use super::ConvertError;
use super::constant::{Constant, Values};

/// The version of the file format, and of the operators. Every runtime of the last years reads them.
const IR_VERSION: i64 = 8;
const OPERATORS_VERSION: i64 = 13;

/// An attribute of an operator.
#[derive(Debug, Clone)]
pub(super) enum Attribute {
    Integer(&'static str, i64),
    Integers(&'static str, Vec<i64>),
}

/// A convolution.
pub(super) struct Convolution {
    /// [outputs, inputs / groups, height, width].
    pub(super) filters: Constant,
    /// One value for each output.
    pub(super) bias: Vec<f32>,
    pub(super) window: Window,
    pub(super) groups: usize,
}

/// How a window moves over a picture. Each pair is vertical, horizontal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    pub(super) kernel: [usize; 2],
    pub(super) strides: [usize; 2],
    pub(super) dilations: [usize; 2],
    /// Rows and columns of padding: top, left, bottom, right.
    pub(super) pads: [usize; 4],
}

/// The padding before and after a side that TensorFlow calls "SAME": the output has a value for each stride.
pub(super) fn same_padding(side: usize, kernel: usize, stride: usize) -> (usize, usize) {
    let steps = side.div_ceil(stride.max(1)).saturating_sub(1);
    let total = (steps.saturating_mul(stride))
        .saturating_add(kernel)
        .saturating_sub(side);
    (total / 2, total - total / 2)
}

impl Window {
    /// A square window with "SAME" padding on a square picture.
    pub(super) fn same(side: usize, kernel: usize, stride: usize) -> Self {
        let (before, after) = same_padding(side, kernel, stride);
        Self {
            kernel: [kernel; 2],
            strides: [stride; 2],
            dilations: [1; 2],
            pads: [before, before, after, after],
        }
    }

    fn attributes(&self) -> Vec<Attribute> {
        vec![
            Attribute::Integers("kernel_shape", signed(&self.kernel)),
            Attribute::Integers("strides", signed(&self.strides)),
            Attribute::Integers("pads", signed(&self.pads)),
        ]
    }
}

/// Sides and axes as ONNX stores them.
pub(super) fn signed(values: &[usize]) -> Vec<i64> {
    values
        .iter()
        .map(|v| i64::try_from(*v).unwrap_or(i64::MAX))
        .collect()
}

/// A graph under construction. Tensors are known by name.
#[derive(Default)]
pub(super) struct OnnxGraph {
    nodes: Vec<NodeProto>,
    constants: Vec<Constant>,
    inputs: Vec<ValueInfoProto>,
    outputs: Vec<ValueInfoProto>,
    /// The places in `constants` of the filters and the bias of the convolution that computes a tensor.
    convolutions: HashMap<String, (usize, usize)>,
}

impl OnnxGraph {
    /// Adds an input. A side of `None` can have any length.
    pub(super) fn input(&mut self, name: &str, shape: &[Option<usize>]) -> String {
        self.inputs.push(port(name, shape));
        name.to_owned()
    }

    /// Adds a constant.
    pub(super) fn constant(&mut self, constant: Constant) -> String {
        self.constants.push(constant);
        constant_name(self.constants.len() - 1)
    }

    /// Adds an operator with one output.
    pub(super) fn operator(
        &mut self,
        operator: &str,
        inputs: &[&str],
        attributes: Vec<Attribute>,
    ) -> String {
        let output = format!("tensor_{}", self.nodes.len());
        self.nodes.push(NodeProto {
            op_type: Some(operator.to_owned()),
            name: Some(format!("{operator}_{}", self.nodes.len())),
            input: inputs.iter().map(|name| (*name).to_owned()).collect(),
            output: vec![output.clone()],
            attribute: attributes.into_iter().map(attribute).collect(),
            ..NodeProto::default()
        });
        output
    }

    pub(super) fn convolution(
        &mut self,
        input: &str,
        convolution: Convolution,
    ) -> Result<String, String> {
        let mut attributes = convolution.window.attributes();
        let dilations = signed(&convolution.window.dilations);
        attributes.push(Attribute::Integers("dilations", dilations));
        attributes.extend(
            signed(&[convolution.groups])
                .into_iter()
                .map(|groups| Attribute::Integer("group", groups)),
        );
        let filters = self.constant(convolution.filters);
        let bias = Constant::floats(&[convolution.bias.len()], convolution.bias)?;
        let bias = self.constant(bias);
        let output = self.operator("Conv", &[input, &filters, &bias], attributes);
        let places = (self.constants.len() - 2, self.constants.len() - 1);
        self.convolutions.insert(output.clone(), places);
        Ok(output)
    }

    /// Whether a convolution computes the tensor.
    pub(super) fn is_convolution(&self, tensor: &str) -> bool {
        self.convolutions.contains_key(tensor)
    }

    /// Multiplies each channel of a convolution's output by `scale` and adds `offset`, by changing its weights.
    pub(super) fn adjust_convolution(
        &mut self,
        tensor: &str,
        scale: &[f32],
        offset: &[f32],
    ) -> Result<(), String> {
        let places = self.convolutions.get(tensor).copied();
        let (filters, bias) = places.ok_or("there is no convolution to adjust")?;
        for (place, shift) in [(filters, None), (bias, Some(offset))] {
            let constant = self.constants.get_mut(place);
            let constant = constant.ok_or("there is no convolution to adjust")?;
            let (shape, values) = (constant.shape().to_vec(), constant.as_floats()?);
            let channels = shape.first().copied().unwrap_or_default();
            if channels == 0 || scale.len() != channels || offset.len() != channels {
                return Err(format!(
                    "{} numbers do not fit {channels} channels",
                    scale.len()
                ));
            }
            let shifts = shift.map_or_else(|| vec![0.0; channels], <[f32]>::to_vec);
            let adjusted = values
                .chunks((values.len() / channels).max(1))
                .zip(scale.iter().zip(shifts))
                .flat_map(|(chunk, (scale, shift))| chunk.iter().map(move |v| v * scale + shift))
                .collect();
            *constant = Constant::floats(&shape, adjusted)?;
        }
        Ok(())
    }

    pub(super) fn relu(&mut self, input: &str) -> String {
        self.operator("Relu", &[input], vec![])
    }

    /// Limits the values to 0 to 6.
    pub(super) fn relu6(&mut self, input: &str) -> Result<String, String> {
        let least = self.constant(Constant::floats(&[], vec![0.0])?);
        let most = self.constant(Constant::floats(&[], vec![6.0])?);
        Ok(self.operator("Clip", &[input, &least, &most], vec![]))
    }

    pub(super) fn add(&mut self, left: &str, right: &str) -> String {
        self.operator("Add", &[left, right], vec![])
    }

    pub(super) fn max_pool(&mut self, input: &str, window: &Window) -> String {
        self.operator("MaxPool", &[input], window.attributes())
    }

    /// The mean of each channel, [pictures, channels].
    pub(super) fn mean_of_channels(&mut self, input: &str) -> String {
        let pooled = self.operator("GlobalAveragePool", &[input], vec![]);
        self.operator("Flatten", &[&pooled], vec![Attribute::Integer("axis", 1)])
    }

    /// A fully connected layer with weights of [inputs, outputs], or [outputs, inputs] if they are `transposed`.
    pub(super) fn dense(
        &mut self,
        input: &str,
        weights: Constant,
        bias: Constant,
        transposed: bool,
    ) -> String {
        let (weights, bias) = (self.constant(weights), self.constant(bias));
        let attributes = vec![Attribute::Integer("transB", transposed.into())];
        self.operator("Gemm", &[input, &weights, &bias], attributes)
    }

    /// Probabilities from [pictures, classes].
    pub(super) fn softmax(&mut self, input: &str) -> String {
        self.operator("Softmax", &[input], vec![Attribute::Integer("axis", 1)])
    }

    /// Makes a tensor an output with a name of its own.
    pub(super) fn output(&mut self, tensor: &str, name: &str, shape: &[Option<usize>]) {
        let renamed = self.operator("Identity", &[tensor], vec![]);
        for node in &mut self.nodes {
            for output in node.output.iter_mut().filter(|output| **output == renamed) {
                name.clone_into(output);
            }
        }
        self.outputs.push(port(name, shape));
    }

    /// Writes the file.
    pub(super) fn finish(self) -> Result<Vec<u8>, ConvertError> {
        let initializer = self.constants.into_iter().enumerate();
        let model = ModelProto {
            ir_version: Some(IR_VERSION),
            opset_import: vec![OperatorSetIdProto {
                domain: None,
                version: Some(OPERATORS_VERSION),
            }],
            producer_name: Some("sightline".to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            graph: Some(GraphProto {
                node: self.nodes,
                initializer: initializer
                    .map(|(place, constant)| tensor(constant_name(place), &constant))
                    .collect(),
                input: self.inputs,
                output: self.outputs,
                value_info: vec![],
            }),
            metadata_props: vec![],
        };
        model
            .write_buf()
            .map_err(|error| ConvertError::Onnx(format!("cannot be written: {error}")))
    }
}

fn constant_name(place: usize) -> String {
    format!("constant_{place}")
}

fn attribute(attribute: Attribute) -> AttributeProto {
    match attribute {
        Attribute::Integer(name, value) => AttributeProto {
            name: Some(name.to_owned()),
            i: Some(value),
            r#type: Some(AttributeType::INT),
            ..AttributeProto::default()
        },
        Attribute::Integers(name, values) => AttributeProto {
            name: Some(name.to_owned()),
            ints: values,
            r#type: Some(AttributeType::INTS),
            ..AttributeProto::default()
        },
    }
}

fn port(name: &str, shape: &[Option<usize>]) -> ValueInfoProto {
    let dim = shape.iter().map(|side| Dimension {
        dim_value: side.and_then(|side| i64::try_from(side).ok()),
        dim_param: side.is_none().then(|| "pictures".to_owned()),
    });
    ValueInfoProto {
        name: Some(name.to_owned()),
        r#type: Some(TypeProto {
            tensor_type: Some(TypeProtoTensor {
                elem_type: Some(DataType::FLOAT),
                shape: Some(TensorShapeProto { dim: dim.collect() }),
            }),
            ..TypeProto::default()
        }),
    }
}

fn tensor(name: String, constant: &Constant) -> TensorProto {
    let (data_type, bytes) = match constant.values() {
        Values::Floats(values) => (
            DataType::FLOAT,
            values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
        Values::Integers(values) => (
            DataType::INT64,
            values.iter().flat_map(|v| v.to_le_bytes()).collect(),
        ),
    };
    TensorProto {
        name: Some(name),
        dims: signed(constant.shape()),
        data_type: Some(data_type),
        raw_data: Some(RefCell::new(bytes)),
        ..TensorProto::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Graph;

    const INPUTS: usize = 31;
    const OUTPUTS: usize = 5;

    /// Small whole numbers, whose sums of products are exact.
    fn numbers(count: usize) -> Vec<f32> {
        (0..count).map(|n| (n * 37 % 23) as f32 - 11.0).collect()
    }

    /// A convolution by its definition.
    fn expected([height, width]: [usize; 2], window: &Window) -> Vec<f32> {
        let [rows, columns] = window.kernel;
        let [top, left, bottom, right] = window.pads;
        let picture = numbers(INPUTS * height * width);
        let filters = numbers(OUTPUTS * INPUTS * rows * columns);
        let reach = |axis: usize| window.dilations[axis] * (window.kernel[axis] - 1) + 1;
        let steps = |side: usize, axis| (side - reach(axis)) / window.strides[axis] + 1;
        let mut found = Vec::new();
        for output in 0..OUTPUTS {
            for y in 0..steps(height + top + bottom, 0) {
                for x in 0..steps(width + left + right, 1) {
                    let mut sum = output as f32;
                    for input in 0..INPUTS {
                        for row in 0..rows {
                            for column in 0..columns {
                                let y = y * window.strides[0] + row * window.dilations[0];
                                let x = x * window.strides[1] + column * window.dilations[1];
                                let (Some(y), Some(x)) = (y.checked_sub(top), x.checked_sub(left))
                                else {
                                    continue;
                                };
                                if y < height && x < width {
                                    let filter =
                                        ((output * INPUTS + input) * rows + row) * columns + column;
                                    sum +=
                                        picture[(input * height + y) * width + x] * filters[filter];
                                }
                            }
                        }
                    }
                    found.push(sum);
                }
            }
        }
        found
    }

    /// The engine lays a picture out differently if patches are adjacent, if a row of them ends within a vector, and if they are apart
    /// (`third-party/rten-gemm`). It works on 256 rows of the laid-out picture at a time.
    #[test]
    fn convolutions_have_the_values_of_their_definition() {
        let window = |kernel, strides, dilations, pads| Window {
            kernel,
            strides,
            dilations,
            pads,
        };
        let windows = [
            window([3, 3], [1, 1], [1, 1], [1, 1, 1, 1]),
            window([3, 3], [2, 2], [1, 1], [1, 1, 1, 1]),
            window([3, 3], [2, 1], [1, 1], [0, 2, 1, 0]),
            window([3, 3], [1, 3], [1, 1], [2, 0, 0, 1]),
            window([3, 3], [1, 1], [2, 2], [2, 2, 2, 2]),
            window([5, 5], [1, 1], [1, 1], [2, 2, 2, 2]),
            window([1, 3], [1, 1], [1, 1], [0, 1, 0, 1]),
            window([3, 1], [1, 2], [1, 1], [1, 0, 1, 0]),
            window([2, 2], [2, 2], [1, 1], [0, 0, 0, 0]),
        ];
        for width in [2, 3, 4, 5, 7, 8, 10, 15, 16, 17, 20, 32, 33, 40, 65] {
            for height in [2, 3, 9] {
                for window in windows {
                    let mut graph = OnnxGraph::default();
                    let shape = [1, INPUTS, height, width];
                    let input = graph.input("x", &shape.map(Some));
                    let [rows, columns] = window.kernel;
                    let filters = numbers(OUTPUTS * INPUTS * rows * columns);
                    let filters = Constant::floats(&[OUTPUTS, INPUTS, rows, columns], filters);
                    let convolution = Convolution {
                        filters: filters.unwrap(),
                        bias: (0..OUTPUTS).map(|output| output as f32).collect(),
                        window,
                        groups: 1,
                    };
                    let output = graph.convolution(&input, convolution).unwrap();
                    graph.output(&output, "y", &[Some(1), Some(OUTPUTS), None, None]);
                    let graph = Graph::load(graph.finish().unwrap().into()).unwrap();
                    let picture = numbers(INPUTS * height * width);
                    let found = graph.run(&[("x", &shape, &picture)], &["y"]).unwrap();
                    assert_eq!(
                        found[0].values,
                        expected([height, width], &window),
                        "{width} x {height}, {window:?}"
                    );
                }
            }
        }
    }

    #[test]
    fn same_padding_is_that_of_tensorflow() {
        assert_eq!(same_padding(112, 3, 2), (0, 1));
        assert_eq!(same_padding(7, 3, 2), (1, 1));
        assert_eq!(same_padding(5, 3, 1), (1, 1));
        assert_eq!(same_padding(224, 5, 2), (1, 2));
        assert_eq!(same_padding(8, 1, 2), (0, 0));
        assert_eq!(same_padding(0, 3, 0), (1, 2));
    }
}
