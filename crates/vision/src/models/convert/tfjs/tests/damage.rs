//! Unknown, wrong and damaged models.

use serde_json::json;

use super::*;

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
