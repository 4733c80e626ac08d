//! Operators that move values.

use serde_json::json;

use super::*;

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
