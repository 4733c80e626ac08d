//! Each operator in a small graph of its own: converted, run, and compared with values that are worked out here.

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

#[test]
fn conv2d_pads_after_the_picture_first() {
    let run = |sketch: Sketch, shape: &[usize]| sketch.run(&SQUARE, &counted(9), shape);
    let same = [12., 16., 9., 24., 28., 15., 15., 17., 9.];
    assert_eq!(run(window("SAME", 1, 1), &SQUARE), same);
    assert_eq!(run(window("SAME", 2, 1), &[1, 2, 2, 1]), [12., 9., 15., 9.]);
    assert_eq!(
        run(window("VALID", 1, 1), &[1, 2, 2, 1]),
        [12., 16., 24., 28.]
    );
    assert_eq!(run(window("VALID", 1, 2), &[1, 1, 1, 1]), [20.]);
}

#[test]
fn conv2d_sums_over_the_input_channels() {
    let sketch = Sketch::default()
        .floats("w", &[1, 1, 2, 3], &[1., 2., 3., 10., 20., 30.])
        .node(
            "Conv2D",
            "y",
            &["x", "w"],
            json!({"padding": text("VALID")}),
        );
    let found = sketch.run(&[1, 1, 2, 2], &[1., 2., 3., 4.], &[1, 1, 2, 3]);
    assert_eq!(found, [21., 42., 63., 43., 86., 129.]);
}

#[test]
fn depthwise_convolutions_keep_channels_apart() {
    for op in ["DepthwiseConv2dNative", "FusedDepthwiseConv2dNative"] {
        let sketch = Sketch::default()
            .floats("w", &[1, 1, 2, 2], &[1., 2., 3., 4.])
            .node(op, "y", &["x", "w"], json!({"padding": text("SAME")}));
        let found = sketch.run(&[1, 1, 2, 2], &[1., 10., 2., 20.], &[1, 1, 2, 4]);
        assert_eq!(found, [1., 2., 30., 40., 2., 4., 60., 80.]);
    }
}

#[test]
fn fused_convolutions_apply_bias_and_activation() {
    let fused = |ops: Json, inputs: &[&str]| {
        Sketch::default()
            .floats("w", &[1, 1, 1, 2], &[1., -1.])
            .floats("bias", &[2], &[1., 2.])
            .floats("slope", &[1, 1, 2], &[0.5, 0.1])
            .node(
                "_FusedConv2D",
                "y",
                inputs,
                // The other form of strings: base64.
                json!({"padding": {"s": "VkFMSUQ="}, "fused_ops": {"list": {"s": ops}}}),
            )
            .run(&[1, 1, 2, 1], &[-4., 7.], &[1, 1, 2, 2])
    };
    let bias = "Qmlhc0FkZA==";
    assert_eq!(
        fused(json!([bias]), &["x", "w", "bias"]),
        [-3., 6., 8., -5.]
    );
    assert_eq!(
        fused(json!([bias, "UmVsdTY="]), &["x", "w", "bias"]),
        [0., 6., 6., 0.]
    );
    assert_eq!(
        fused(json!([bias, "UmVsdQ=="]), &["x", "w", "bias"]),
        [0., 6., 8., 0.]
    );
    let found = fused(json!([bias, "UHJlbHU="]), &["x", "w", "bias", "slope"]);
    close(&found, &[-1.5, 6., 8., -0.5]);
}

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

#[test]
fn arithmetic_with_a_constant_for_each_channel_joins_the_convolution() {
    let cases: [(&str, [&str; 2], [f32; 4]); 5] = [
        ("BiasAdd", ["c", "k"], [12., 104., 16., 108.]),
        ("Add", ["k", "c"], [12., 104., 16., 108.]),
        ("AddV2", ["c", "k"], [12., 104., 16., 108.]),
        ("Sub", ["c", "k"], [-8., -96., -4., -92.]),
        ("Mul", ["c", "k"], [20., 400., 60., 800.]),
    ];
    for (op, inputs, expected) in cases {
        let sketch = doubled().node(op, "y", &inputs, json!({}));
        assert_eq!(sketch.run(&PAIR, &counted(4), &PAIR), expected, "{op}");
        let operators = operators(&sketch.convert(&PAIR, &["y"]).unwrap());
        assert_eq!(
            operators,
            ["Transpose", "Conv", "Transpose", "Identity"],
            "{op}"
        );
    }
    // A convolution that another node reads keeps its weights.
    let sketch = doubled()
        .node("Mul", "m", &["c", "k"], json!({}))
        .node("Sub", "s", &["c", "k"], json!({}))
        .node("Identity", "i", &["c"], json!({}))
        .node("Mul", "n", &["i", "k"], json!({}));
    let found = sketch.outputs(&PAIR, &counted(4), &["m", "s", "c", "n"]);
    assert_eq!(found[0].values, [20., 400., 60., 800.]);
    assert_eq!(found[1].values, [-8., -96., -4., -92.]);
    assert_eq!(found[2].values, [2., 4., 6., 8.]);
    assert_eq!(found[3].values, [20., 400., 60., 800.]);
}

#[test]
fn arithmetic_of_tensors_in_either_layout() {
    let cases: [(&str, [&str; 2], [f32; 4]); 8] = [
        ("Add", ["c", "x"], [3., 6., 9., 12.]),
        ("Sub", ["x", "c"], [-1., -2., -3., -4.]),
        ("Mul", ["x", "x"], [1., 4., 9., 16.]),
        ("Sub", ["k", "c"], [8., 96., 4., 92.]),
        ("Add", ["x", "k"], [11., 102., 13., 104.]),
        ("Mul", ["x", "k"], [10., 200., 30., 400.]),
        ("Sub", ["x", "k"], [-9., -98., -7., -96.]),
        ("Mul", ["c", "row"], [20., 40., 600., 800.]),
    ];
    for (op, inputs, expected) in cases {
        let sketch =
            doubled()
                .floats("row", &[2, 1], &[10., 100.])
                .node(op, "y", &inputs, json!({}));
        assert_eq!(
            sketch.run(&PAIR, &counted(4), &PAIR),
            expected,
            "{op} {inputs:?}"
        );
    }
    let sum = doubled().node("AddN", "y", &["c", "x", "k", "x"], json!({}));
    assert_eq!(sum.run(&PAIR, &counted(4), &PAIR), [14., 108., 22., 116.]);
}

#[test]
fn arithmetic_of_constants_is_done_here() {
    let sketch = Sketch::default()
        .list("a", &[1, 2])
        .list("b", &[3, 1])
        .node("Mul", "p", &["a", "b"], json!({}))
        .node("Add", "s", &["p", "a"], json!({}))
        .node("Sub", "d", &["s", "b"], json!({}))
        .node("Reshape", "y", &["x", "d"], json!({}));
    // [1, 2] * [3, 1] + [1, 2] - [3, 1] = [1, 3].
    assert_eq!(sketch.run(&[3], &counted(3), &[1, 3]), counted(3));
    let sketch = Sketch::default()
        .floats("a", &[2], &[-1., 8.])
        .node("Relu6", "b", &["a"], json!({}))
        .node("Relu", "c", &["a"], json!({}))
        .node("Exp", "d", &["a"], json!({}))
        .node("Sigmoid", "e", &["a"], json!({}))
        .node("AddN", "k", &["b", "c", "d", "e"], json!({}))
        .node("Sub", "y", &["x", "k"], json!({}));
    let found = sketch.run(&[2], &[0., 3000.], &[2]);
    let least = 1f32 / std::f32::consts::E + 1. / (1. + std::f32::consts::E);
    assert!((found[0] + least).abs() < 1e-6);
    assert!((found[1] - (3000. - 6. - 8. - 2980.958 - 0.999_664_6)).abs() < 1e-3);
}

#[test]
fn batch_norm_becomes_scale_and_offset() {
    for op in ["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"] {
        let sketch = doubled()
            .floats("gamma", &[2], &[4., 6.])
            .floats("beta", &[2], &[1., 2.])
            .floats("mean", &[2], &[3., 4.])
            .floats("variance", &[2], &[3.99, 8.99])
            .node(
                op,
                "y",
                &["c", "gamma", "beta", "mean", "variance"],
                json!({"epsilon": {"f": 0.01}}),
            );
        // (c - mean) / sqrt(variance + 0.01) * gamma + beta.
        let found = sketch.run(&PAIR, &counted(4), &PAIR);
        close(&found, &[-1., 2., 7., 10.]);
    }
}

#[test]
fn activations() {
    let run = |op: &str| {
        let sketch = Sketch::default().node(op, "y", &["x"], json!({}));
        sketch.run(&[3], &[-1., 0.5, 7.], &[3])
    };
    assert_eq!(run("Relu"), [0., 0.5, 7.]);
    assert_eq!(run("Relu6"), [0., 0.5, 6.]);
    close(&run("Sigmoid"), &[0.268_941_42, 0.622_459_3, 0.999_089]);
    let found = run("Exp");
    close(&found[..2], &[0.367_879_45, 1.648_721_3]);
    assert!((found[2] - 1_096.633_2).abs() < 0.01);
    assert_eq!(run("Identity"), [-1., 0.5, 7.]);
}

#[test]
fn prelu_in_either_layout() {
    for input in ["x", "c"] {
        let sketch = doubled().floats("slope", &[1, 1, 2], &[0.5, 0.25]).node(
            "Prelu",
            "y",
            &[input, "slope"],
            json!({}),
        );
        let found = sketch.run(&PAIR, &[-4., -8., 3., 5.], &PAIR);
        let scale = if input == "x" { 1. } else { 2. };
        close(&found, &[-2. * scale, -2. * scale, 3. * scale, 5. * scale]);
    }
}

#[test]
fn max_pool_ignores_its_padding() {
    let pool = |padding: &str| {
        Sketch::default().node(
            "MaxPool",
            "y",
            &["x"],
            json!({"ksize": integers(&[1, 2, 2, 1]), "strides": integers(&[1, 2, 2, 1]), "padding": text(padding)}),
        )
    };
    let values: Vec<f32> = counted(9).iter().map(|v| -v).collect();
    assert_eq!(
        pool("SAME").run(&SQUARE, &values, &[1, 2, 2, 1]),
        [-1., -3., -7., -9.]
    );
    assert_eq!(pool("VALID").run(&SQUARE, &values, &[1, 1, 1, 1]), [-1.]);
}

#[test]
fn pad_adds_rows_and_channels() {
    let widths = [0, 0, 1, 0, 0, 0, 0, 1];
    for (input, scale) in [("x", 1.), ("c", 2.)] {
        let sketch = doubled().integers("widths", &[4, 2], &widths).node(
            "Pad",
            "y",
            &[input, "widths"],
            json!({}),
        );
        let found = sketch.run(&PAIR, &counted(4), &[1, 2, 2, 3]);
        let row = [1., 2., 0., 3., 4., 0.].map(|v| v * scale);
        assert_eq!(found[..6], [0.; 6]);
        assert_eq!(found[6..], row);
    }
}

#[test]
fn reshape_squeeze_and_expand_dims_keep_the_order_of_values() {
    // Two rows of two pixels with two channels: NCHW has another order, so this needs TensorFlow's own.
    let shape = [1, 2, 2, 2];
    let twice: Vec<f32> = counted(8).iter().map(|v| v * 2.).collect();
    let reshape =
        doubled()
            .list("target", &[-1, 4])
            .node("Reshape", "y", &["c", "target"], json!({}));
    assert_eq!(reshape.run(&shape, &counted(8), &[2, 4]), twice);
    let squeeze = doubled().node(
        "Squeeze",
        "y",
        &["c"],
        json!({"squeeze_dims": integers(&[0])}),
    );
    assert_eq!(squeeze.run(&shape, &counted(8), &[2, 2, 2]), twice);
    let all = doubled().node("Squeeze", "y", &["c"], json!({}));
    assert_eq!(all.run(&[1, 1, 1, 2], &[1., 2.], &[2]), [2., 4.]);
    let expand =
        doubled()
            .integers("at", &[], &[-1])
            .node("ExpandDims", "y", &["c", "at"], json!({}));
    assert_eq!(expand.run(&shape, &counted(8), &[1, 2, 2, 2, 1]), twice);
    // A single pixel has one order only, and needs no transposition.
    let flat = doubled()
        .list("target", &[2])
        .node("Reshape", "y", &["c", "target"], json!({}));
    let onnx = flat.convert(&[1, 1, 1, 2], &["y"]).unwrap();
    assert_eq!(
        operators(&onnx),
        ["Transpose", "Conv", "Reshape", "Identity"]
    );
}

#[test]
fn shapes_are_computed_from_shapes() {
    // [the last side of x, -1], from the shape of x.
    let sketch = Sketch::default()
        .node("Shape", "shape", &["x"], json!({}))
        .list("begin", &[-1])
        .list("end", &[0])
        .list("step", &[1])
        .node(
            "StridedSlice",
            "side",
            &["shape", "begin", "end", "step"],
            json!({"shrink_axis_mask": {"i": "1"}, "begin_mask": {}}),
        )
        .integers("rest", &[], &[-1])
        .node(
            "Pack",
            "target",
            &["side", "rest"],
            json!({"axis": {"i": 0}}),
        )
        .node("Reshape", "y", &["x", "target"], json!({}));
    assert_eq!(sketch.run(&[2, 3], &counted(6), &[3, 2]), counted(6));
    assert_eq!(
        operators(&sketch.convert(&[2, 3], &["y"]).unwrap()),
        ["Reshape", "Identity"]
    );
    // Every second value, from the front and to the end.
    let sketch = Sketch::default()
        .floats("k", &[2, 4], &counted(8))
        .list("begin", &[7, 1])
        .list("end", &[9, 0])
        .list("step", &[1, 2])
        .node(
            "StridedSlice",
            "part",
            &["k", "begin", "end", "step"],
            json!({"begin_mask": {"i": "1"}, "end_mask": {"i": "2"}}),
        )
        .node("Add", "y", &["x", "part"], json!({}));
    assert_eq!(sketch.run(&[2, 2], &[0.; 4], &[2, 2]), [2., 4., 6., 8.]);
}

#[test]
fn transpose_pack_unpack_and_concat() {
    let order =
        doubled()
            .list("order", &[0, 3, 1, 2])
            .node("Transpose", "y", &["c", "order"], json!({}));
    assert_eq!(
        order.run(&PAIR, &counted(4), &[1, 2, 1, 2]),
        [2., 6., 4., 8.]
    );

    let unpack = Sketch::default().node("Unpack", "u", &["x"], json!({"axis": {"i": "1"}}));
    let found = unpack.outputs(&[2, 2], &counted(4), &["u:1", "u"]);
    assert_eq!(
        (found[0].shape.as_slice(), found[0].values.as_slice()),
        (&[2][..], &[2., 4.][..])
    );
    assert_eq!(found[1].values, [1., 3.]);
    let pack = unpack.node("Pack", "y", &["u:1", "u"], json!({"axis": {"i": "-1"}}));
    assert_eq!(pack.run(&[2, 2], &counted(4), &[2, 2]), [2., 1., 4., 3.]);

    for (parts, axis, shape, expected) in [
        (
            ["c", "x"],
            3,
            [1, 1, 2, 4],
            [2., 4., 1., 2., 6., 8., 3., 4.],
        ),
        (
            ["c", "r"],
            3,
            [1, 1, 2, 4],
            [2., 4., 2., 4., 6., 8., 6., 8.],
        ),
        (
            ["c", "r"],
            2,
            [1, 1, 4, 2],
            [2., 4., 6., 8., 2., 4., 6., 8.],
        ),
        (
            ["c", "r"],
            1,
            [1, 2, 2, 2],
            [2., 4., 6., 8., 2., 4., 6., 8.],
        ),
        (
            ["r", "c"],
            0,
            [2, 1, 2, 2],
            [2., 4., 6., 8., 2., 4., 6., 8.],
        ),
    ] {
        let concat = doubled()
            .node("Relu", "r", &["c"], json!({}))
            .integers("at", &[], &[axis])
            .node("ConcatV2", "y", &[parts[0], parts[1], "at"], json!({}));
        assert_eq!(
            concat.run(&PAIR, &counted(4), &shape),
            expected,
            "{parts:?} {axis}"
        );
    }
    let constants = Sketch::default()
        .floats("a", &[1], &[1.])
        .floats("b", &[2], &[2., 3.])
        .integers("at", &[], &[0])
        .node("ConcatV2", "k", &["a", "b", "at"], json!({}))
        .node("Unpack", "u", &["k"], json!({}))
        .node("Add", "y", &["x", "u:2"], json!({}));
    assert_eq!(constants.run(&[1], &[1.], &[1]), [4.]);
}

#[test]
fn slice_and_tile() {
    for (input, expected) in [("x", [3., 5.]), ("k", [13., 15.])] {
        let slice = Sketch::default()
            .floats("k", &[3, 2], &[11., 12., 13., 14., 15., 16.])
            .list("begin", &[1, 0])
            .list("size", &[-1, 1])
            .node("Slice", "s", &[input, "begin", "size"], json!({}))
            .list("four", &[2, 2])
            .node("Tile", "y", &["s", "four"], json!({}));
        let [a, b] = expected;
        let found = slice.run(&[3, 2], &counted(6), &[4, 2]);
        assert_eq!(found, [a, a, b, b, a, a, b, b]);
    }
}

#[test]
fn outputs_are_joined_and_pictures_transposed_once() {
    let sketch = doubled()
        .node("Relu", "r", &["c"], json!({}))
        .node(
            "Conv2D",
            "d",
            &["r", "two"],
            json!({"padding": text("SAME")}),
        )
        .node("Add", "y", &["d", "c"], json!({}));
    let operators = operators(&sketch.convert(&PAIR, &["y"]).unwrap());
    let expected = [
        "Transpose",
        "Conv",
        "Relu",
        "Conv",
        "Add",
        "Transpose",
        "Identity",
    ];
    assert_eq!(operators, expected);

    let cut = Cut {
        input: ("x", "image"),
        shape: &PAIR,
        outputs: &[("joined", &["y", "c"])],
    };
    let onnx = tfjs(&sketch.json(), &[&sketch.bytes], &cut).unwrap();
    let graph = Graph::load(onnx.into()).unwrap();
    let found = graph
        .run(&[("image", &PAIR, &counted(4))], &["joined"])
        .unwrap();
    assert_eq!(found[0].shape, [1, 2, 2, 2]);
    assert_eq!(found[0].values, [6., 12., 18., 24., 2., 4., 6., 8.]);
}

#[test]
fn what_cannot_be_converted_is_a_sentence() {
    let one = |op: &str, attributes: Json| Sketch::default().node(op, "y", &["x"], attributes);
    assert_eq!(
        one("Einsum", json!({})).error(&[1]),
        "the node \"y\" uses the operator Einsum, which the converter does not know"
    );
    assert_eq!(
        one("Conv2D", json!({})).error(&SQUARE),
        "the node \"y\" cannot be converted: it has too few inputs"
    );
    let cases = [
        (
            window("EXPLICIT", 1, 1),
            "the padding \"EXPLICIT\" is not known",
        ),
        (
            window("VALID", 1, 4),
            "its window of 5 does not fit into 3 pixels",
        ),
        (
            window("SAME", 0, 1),
            "its attribute \"strides\" is not valid",
        ),
        (
            one("Placeholder", json!({})),
            "the cut leaves out the input that it needs",
        ),
        (
            doubled().node("Identity", "y", &["c"], json!({})),
            "its filters need 2 channels, but its input has 1",
        ),
        (
            Sketch::default().node("Add", "y", &["x", "y"], json!({})),
            "it depends on its own result",
        ),
        (
            Sketch::default()
                .node("Unpack", "u", &["x"], json!({}))
                .node("Relu", "y", &["u:9"], json!({})),
            "it reads an output that does not exist",
        ),
    ];
    for (sketch, reason) in cases {
        let error = sketch.error(&SQUARE);
        assert!(
            error.ends_with(&format!(" cannot be converted: {reason}")),
            "{error}"
        );
    }
    let dangling = Sketch::default().node("Relu", "y", &["z"], json!({}));
    assert_eq!(
        dangling.error(&[1]),
        "the model description cannot be read: it has no node \"z\""
    );
}

/// A graph with an operator of every kind.
fn varied() -> Sketch {
    doubled()
        .node("BiasAdd", "b", &["c", "k"], json!({}))
        .node("Relu6", "r", &["b"], json!({}))
        .integers("widths", &[4, 2], &[0, 0, 1, 0, 0, 1, 0, 0])
        .node("Pad", "p", &["r", "widths"], json!({}))
        .node(
            "MaxPool",
            "m",
            &["p"],
            json!({"ksize": integers(&[1, 2, 2, 1]), "strides": integers(&[1, 2, 2, 1]), "padding": text("SAME")}),
        )
        .node("Shape", "shape", &["m"], json!({}))
        .list("zero", &[0])
        .list("one", &[1])
        .node(
            "StridedSlice",
            "side",
            &["shape", "zero", "one", "one"],
            json!({"shrink_axis_mask": {"i": "1"}}),
        )
        .integers("rest", &[], &[-1])
        .node("Pack", "target", &["side", "rest"], json!({}))
        .node("Reshape", "f", &["m", "target"], json!({}))
        .list("twice", &[1, 2])
        .node("Tile", "t", &["f", "twice"], json!({}))
        .list("order", &[1, 0])
        .node("Transpose", "y", &["t", "order"], json!({}))
}

#[test]
fn damaged_models_are_errors_and_never_panics() {
    let cut = Cut {
        input: ("x", "image"),
        shape: &PAIR,
        outputs: &[("y", &["y"])],
    };
    let sketch = varied();
    let json = sketch.json();
    let convert = |json: &[u8], bytes: &[u8]| tfjs(json, &[bytes], &cut);
    convert(&json, &sketch.bytes).unwrap();
    for end in 0..json.len() {
        assert!(convert(&json[..end], &sketch.bytes).is_err(), "{end}");
    }
    for end in 0..sketch.bytes.len() {
        assert!(convert(&json, &sketch.bytes[..end]).is_err(), "{end}");
    }
    let mut refused = 0;
    for at in 0..json.len() {
        for byte in [json[at] ^ 1, json[at] ^ 4, b'-', b'9', b'"', 0xff] {
            let mut damaged = json.clone();
            damaged[at] = byte;
            refused += usize::from(convert(&damaged, &sketch.bytes).is_err());
        }
    }
    for at in 0..sketch.bytes.len() {
        for bit in 0..8 {
            let mut damaged = sketch.bytes.clone();
            damaged[at] ^= 1 << bit;
            refused += usize::from(convert(&json, &damaged).is_err());
        }
    }
    assert!(refused > 1000, "{refused}");
}
