//! Operators that work on each value by itself.

use serde_json::json;

use super::*;

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
