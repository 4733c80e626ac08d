//! Each operator in a small graph of its own: converted, run, and compared with values that are worked out here.

mod arithmetic;
mod damage;
mod pictures;
mod shapes;

use rten_onnx::onnx::ModelProto;
use serde_json::{Value as Json, json};

use super::*;
use crate::engine::{Graph, Tensor as Output};

/// A graph with an input `x`.
#[derive(Default)]
struct Sketch {
    nodes: Vec<Json>,
    weights: Vec<Json>,
    bytes: Vec<u8>,
}

fn integers(values: &[i64]) -> Json {
    json!({"list": {"i": values.iter().map(i64::to_string).collect::<Vec<_>>()}})
}

/// A string as a list of bytes, which is one of its two forms.
fn text(text: &str) -> Json {
    json!({"s": text.as_bytes()})
}

impl Sketch {
    fn node(mut self, op: &str, name: &str, inputs: &[&str], attributes: Json) -> Self {
        let node = json!({"name": name, "op": op, "input": inputs, "attr": attributes});
        self.nodes.push(node);
        self
    }

    fn floats(mut self, name: &str, shape: &[usize], values: &[f32]) -> Self {
        self.weights
            .push(json!({"name": name, "shape": shape, "dtype": "float32"}));
        self.bytes
            .extend(values.iter().flat_map(|v| v.to_le_bytes()));
        self.node("Const", name, &[], json!({}))
    }

    fn integers(mut self, name: &str, shape: &[usize], values: &[i32]) -> Self {
        self.weights
            .push(json!({"name": name, "shape": shape, "dtype": "int32"}));
        self.bytes
            .extend(values.iter().flat_map(|v| v.to_le_bytes()));
        self.node("Const", name, &[], json!({}))
    }

    fn list(self, name: &str, values: &[i32]) -> Self {
        self.integers(name, &[values.len()], values)
    }

    fn json(&self) -> Vec<u8> {
        let manifest = json!([{"paths": ["shard"], "weights": self.weights}]);
        json!({"modelTopology": {"node": self.nodes}, "weightsManifest": manifest})
            .to_string()
            .into_bytes()
    }

    fn convert(&self, shape: &[usize], outputs: &[&str]) -> Result<Vec<u8>, ConvertError> {
        let tensors: Vec<[&str; 1]> = outputs.iter().map(|output| [*output]).collect();
        let outputs: Vec<(&str, &[&str])> = outputs
            .iter()
            .zip(&tensors)
            .map(|(name, tensors)| (*name, tensors.as_slice()))
            .collect();
        let cut = Cut {
            input: ("x", "image"),
            shape,
            outputs: &outputs,
        };
        tfjs(&self.json(), &[&self.bytes], &cut)
    }

    /// The outputs for an input.
    fn outputs(&self, shape: &[usize], values: &[f32], outputs: &[&str]) -> Vec<Output> {
        let onnx = self.convert(shape, outputs).unwrap();
        let graph = Graph::load(onnx.into()).unwrap();
        graph.run(&[("image", shape, values)], outputs).unwrap()
    }

    /// The values of the output `y`, which must have the shape.
    fn run(&self, shape: &[usize], values: &[f32], expected_shape: &[usize]) -> Vec<f32> {
        let output = self.outputs(shape, values, &["y"]).remove(0);
        assert_eq!(output.shape, expected_shape);
        output.values
    }

    fn error(&self, shape: &[usize]) -> String {
        self.convert(shape, &["y"]).unwrap_err().to_string()
    }
}

fn counted(count: u8) -> Vec<f32> {
    (1..=count).map(f32::from).collect()
}

fn close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!(
            (found - expected).abs() < 1e-5,
            "{found} instead of {expected}"
        );
    }
}

/// A 2 x 2 window of ones over the numbers 1 to 9.
fn window(padding: &str, strides: i64, dilations: i64) -> Sketch {
    Sketch::default()
        .floats("w", &[2, 2, 1, 1], &[1.0; 4])
        .node(
            "Conv2D",
            "y",
            &["x", "w"],
            json!({"padding": text(padding), "strides": integers(&[1, strides, strides, 1]),
               "dilations": integers(&[1, dilations, dilations, 1]), "data_format": text("NHWC")}),
        )
}

const SQUARE: [usize; 4] = [1, 3, 3, 1];

/// The input, doubled by a convolution.
fn doubled() -> Sketch {
    Sketch::default()
        .floats("two", &[1, 1, 2, 2], &[2., 0., 0., 2.])
        .node(
            "Conv2D",
            "c",
            &["x", "two"],
            json!({"padding": text("SAME")}),
        )
        .floats("k", &[2], &[10., 100.])
}

const PAIR: [usize; 4] = [1, 1, 2, 2];

/// The operators of a converted graph.
fn operators(onnx: &[u8]) -> Vec<String> {
    let graph = ModelProto::parse_buf(onnx).unwrap().graph.unwrap();
    graph
        .node
        .into_iter()
        .filter_map(|node| node.op_type)
        .collect()
}
