//! TensorFlow.js graph models.
//!
//! The conversion walks from the outputs of the cut to its input, and turns node after node into ONNX. Shapes are fixed, so
//! whatever depends on shapes alone is computed here. Pictures become NCHW at the first convolution and stay so as long as no
//! operator needs TensorFlow's order. Arithmetic with one constant for each channel becomes part of the convolution before it.

mod arithmetic;
mod convolution;
mod graph_def;
mod known_values;
mod shapes;
#[cfg(test)]
mod tests;
mod value;

use std::collections::HashMap;

use self::graph_def::{ModelFile, Node, port};
use self::value::{Layout, Tensor, Value};
use super::ConvertError;
use super::constant::joined_shape;
use super::onnx::{Attribute, OnnxGraph, signed};
use super::weights::{self, Weights};

/// The part of a graph that becomes the ONNX model.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cut<'a> {
    /// The input: TensorFlow's tensor, and its name in the ONNX model.
    pub(crate) input: (&'a str, &'a str),
    /// The input's shape, NHWC.
    pub(crate) shape: &'a [usize],
    /// The outputs: the name in the ONNX model, and TensorFlow's tensors, which are joined along axis 1.
    pub(crate) outputs: &'a [(&'a str, &'a [&'a str])],
}

/// Converts the part of a graph model that `cut` names. The shards are in the order of the model's weights manifest.
///
/// # Errors
/// `Description`, `Weights`, `Operator` and `Node`.
pub(crate) fn tfjs(
    model_json: &[u8],
    shards: &[&[u8]],
    cut: &Cut<'_>,
) -> Result<Vec<u8>, ConvertError> {
    let model = ModelFile::parse(model_json)?;
    let weights = weights::read(&model.weights_manifest, shards)?;
    let nodes: HashMap<&str, &Node> = model
        .model_topology
        .node
        .iter()
        .map(|node| (node.name.as_str(), node))
        .collect();
    let order = order(&nodes, cut)?;
    let mut converter = Converter::new(weights, &order, cut);
    for node in order {
        converter.convert(node)?;
    }
    for (name, tensors) in cut.outputs {
        converter
            .output(name, tensors)
            .map_err(|reason| ConvertError::Node {
                node: (*name).to_owned(),
                reason,
            })?;
    }
    converter.graph.finish()
}

/// The nodes between the outputs and the input, each after the nodes that it reads.
fn order<'a>(
    nodes: &HashMap<&'a str, &'a Node>,
    cut: &Cut<'a>,
) -> Result<Vec<&'a Node>, ConvertError> {
    #[derive(PartialEq)]
    enum Visit {
        Started,
        Finished,
    }
    let input = port(cut.input.0).0;
    let mut visits: HashMap<&str, Visit> = HashMap::new();
    let mut order = Vec::new();
    let tensors = cut.outputs.iter().flat_map(|(_, tensors)| tensors.iter());
    let mut open: Vec<&str> = tensors.map(|tensor| port(tensor).0).collect();
    while let Some(name) = open.pop() {
        if name == input || visits.get(name) == Some(&Visit::Finished) {
            continue;
        }
        let node = *nodes
            .get(name)
            .ok_or_else(|| ConvertError::Description(format!("it has no node \"{name}\"")))?;
        let waiting: Vec<&str> = node
            .inputs()
            .map(|(name, _)| name)
            .filter(|name| *name != input && visits.get(name) != Some(&Visit::Finished))
            .collect();
        if waiting.is_empty() {
            visits.insert(&node.name, Visit::Finished);
            order.push(node);
        } else if visits.insert(&node.name, Visit::Started) == Some(Visit::Started) {
            return Err(ConvertError::Node {
                node: name.to_owned(),
                reason: "it depends on its own result".to_owned(),
            });
        } else {
            open.push(&node.name);
            open.extend(waiting);
        }
    }
    Ok(order)
}

/// The ONNX graph so far, and the value of each TensorFlow tensor so far.
struct Converter<'a> {
    graph: OnnxGraph,
    weights: Weights,
    values: HashMap<(&'a str, usize), Value>,
    /// How many nodes and outputs read each TensorFlow tensor.
    uses: HashMap<(&'a str, usize), usize>,
    /// The names of tensors that were brought into the other layout.
    transposed: HashMap<(String, Layout), String>,
}

impl<'a> Converter<'a> {
    fn new(weights: Weights, order: &[&'a Node], cut: &Cut<'a>) -> Self {
        let mut graph = OnnxGraph::default();
        let sides: Vec<_> = cut.shape.iter().copied().map(Some).collect();
        let name = graph.input(cut.input.1, &sides);
        let mut uses = HashMap::new();
        let outputs = cut.outputs.iter().flat_map(|(_, tensors)| tensors.iter());
        let read = order.iter().flat_map(|node| node.inputs());
        for tensor in read.chain(outputs.map(|tensor| port(tensor))) {
            *uses.entry(tensor).or_default() += 1;
        }
        let input = Tensor::new(name, cut.shape.to_vec(), Layout::Plain);
        Self {
            graph,
            weights,
            values: HashMap::from([(port(cut.input.0), input.into())]),
            uses,
            transposed: HashMap::new(),
        }
    }

    fn convert(&mut self, node: &'a Node) -> Result<(), ConvertError> {
        let failed = |reason| ConvertError::Node {
            node: node.name.clone(),
            reason,
        };
        let inputs = node
            .inputs()
            .map(|input| self.values.get(&input).cloned())
            .collect::<Option<Vec<_>>>()
            .ok_or_else(|| failed("it reads an output that does not exist".to_owned()))?;
        let outputs = self.apply(node, &inputs).map_err(failed)?;
        let outputs = outputs.ok_or_else(|| ConvertError::Operator {
            node: node.name.clone(),
            operator: node.op.clone(),
        })?;
        for (at, mut output) in outputs.into_iter().enumerate() {
            let port = (node.name.as_str(), at);
            if let Value::Tensor(tensor) = &mut output {
                let uses = self.uses.get(&port).copied().unwrap_or_default();
                tensor.uses = tensor.uses.max(uses);
            }
            self.values.insert(port, output);
        }
        Ok(())
    }

    /// The outputs of a node. `None` if its operator is unknown.
    fn apply(&mut self, node: &Node, inputs: &[Value]) -> Result<Option<Vec<Value>>, String> {
        let input = |at: usize| inputs.get(at).ok_or("it has too few inputs");
        let output = match node.op.as_str() {
            "Const" => Value::constant(
                self.weights
                    .remove(&node.name)
                    .ok_or("its weights are missing")?,
            ),
            "Placeholder" => return Err("the cut leaves out the input that it needs".to_owned()),
            "Identity" => input(0)?.clone(),
            "Conv2D" | "_FusedConv2D" => self.convolution(node, inputs, false)?,
            "DepthwiseConv2dNative" | "FusedDepthwiseConv2dNative" => {
                self.convolution(node, inputs, true)?
            }
            "MaxPool" => self.max_pool(node, input(0)?)?,
            "BiasAdd" => {
                node.needs_nhwc()?;
                self.add(input(0)?, input(1)?)?
            }
            "Add" | "AddV2" => self.add(input(0)?, input(1)?)?,
            "AddN" => {
                let mut sum = input(0)?.clone();
                for term in inputs.iter().skip(1) {
                    sum = self.add(&sum, term)?;
                }
                sum
            }
            "Sub" => self.subtract(input(0)?, input(1)?)?,
            "Mul" => self.multiply(input(0)?, input(1)?)?,
            "FusedBatchNorm" | "FusedBatchNormV2" | "FusedBatchNormV3" => {
                self.batch_norm(node, inputs)?
            }
            "Relu" | "Relu6" | "Sigmoid" | "Exp" => self.activation(&node.op, input(0)?)?,
            "Prelu" => self.prelu(input(0)?, input(1)?)?,
            "Pad" => self.pad(input(0)?, input(1)?)?,
            "Reshape" => self.reshape(input(0)?, input(1)?)?,
            "Squeeze" => self.squeeze(node, input(0)?)?,
            "ExpandDims" => self.expand_dims(input(0)?, input(1)?)?,
            "Transpose" => self.transpose(input(0)?, input(1)?)?,
            "ConcatV2" => self.concat(inputs)?,
            "Pack" => self.pack(node, inputs)?,
            "Unpack" => return self.unpack(node, input(0)?).map(Some),
            "Slice" => self.slice(input(0)?, input(1)?, input(2)?)?,
            "StridedSlice" => strided_slice(node, inputs)?,
            "Tile" => self.tile(input(0)?, input(1)?)?,
            "Shape" => known_values::shape_of(input(0)?),
            _ => return Ok(None),
        };
        Ok(Some(vec![output]))
    }

    fn output(&mut self, name: &str, tensors: &[&str]) -> Result<(), String> {
        let mut parts = Vec::new();
        let mut shapes = Vec::new();
        for tensor in tensors {
            let value = self.values.get(&port(tensor)).cloned();
            let value = value.ok_or("it reads an output that does not exist")?;
            shapes.push(value.shape().to_vec());
            parts.push(self.plain(&value));
        }
        let shapes: Vec<&[usize]> = shapes.iter().map(Vec::as_slice).collect();
        let shape = match shapes.as_slice() {
            [only] => only.to_vec(),
            several => joined_shape(several, 1)?,
        };
        let joined = match parts.as_slice() {
            [only] => only.clone(),
            several => {
                let several: Vec<&str> = several.iter().map(String::as_str).collect();
                let axis = vec![Attribute::Integer("axis", 1)];
                self.graph.operator("Concat", &several, axis)
            }
        };
        let sides: Vec<_> = shape.into_iter().map(Some).collect();
        self.graph.output(&joined, name, &sides);
        Ok(())
    }

    /// The name of the value in TensorFlow's own layout.
    fn plain(&mut self, value: &Value) -> String {
        match value {
            Value::Constant(constant) => self.graph.constant(constant.as_ref().clone()),
            Value::Tensor(tensor) => self.in_layout(tensor, Layout::Plain),
        }
    }

    /// The name of the tensor in NCHW. It must have 4 axes.
    fn nchw(&mut self, tensor: &Tensor) -> String {
        self.in_layout(tensor, Layout::Nchw)
    }

    fn in_layout(&mut self, tensor: &Tensor, layout: Layout) -> String {
        if tensor.layout == layout {
            return tensor.name.clone();
        }
        let key = (tensor.name.clone(), layout);
        if let Some(name) = self.transposed.get(&key) {
            return name.clone();
        }
        let order = match layout {
            Layout::Plain => [0, 2, 3, 1],
            Layout::Nchw => [0, 3, 1, 2],
        };
        let order = vec![Attribute::Integers("perm", signed(&order))];
        let name = self.graph.operator("Transpose", &[&tensor.name], order);
        self.transposed.insert(key, name.clone());
        name
    }
}

use self::known_values::strided_slice;
