//! Operators on pictures.

use serde_json::json;

use super::*;

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
