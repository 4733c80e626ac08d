//! Custom labels from small real ONNX files (written by `make_models.py`): a detector and a classifier.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop at the first surprise as the tests themselves do"
)]

use std::io::Cursor;
use std::path::Path;

use image::{ImageFormat, Rgb, RgbImage};
use rekognition_model::{CustomLabel, DetectCustomLabelsRequest};
use serde_json::{Value, json};
use sightline_vision::{ModelError, Recogniser, VisionError};

fn load(model: &str, table: &Value) -> Result<Recogniser, ModelError> {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("labels.json");
    std::fs::write(&labels, table.to_string()).unwrap();
    let model = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/models")
        .join(model);
    Recogniser::custom_from_files(&model, &labels)
}

fn detector() -> Value {
    json!({
        "version": 1,
        "input": {"shape": [1, 3, 64, 64], "layout": "NCHW", "channels": "RGB", "range": [0, 1],
                  "letterbox": {"anchor": "centre"}},
        "outputs": {"output0": [1, 6, 16]},
        "decode": {"layout": "yolov8"},
        "labels": [{"detector_index": 0, "Name": "Apple"}, {"detector_index": 1, "Name": "Lime"}]
    })
}

/// The output is 12 times a channel's mean minus 4.
fn classifier(activation: &str) -> Value {
    json!({
        "version": 1,
        "input": {"shape": [1, 3, 64, 64], "layout": "NCHW", "channels": "RGB", "range": [0, 1], "fit": "stretch"},
        "outputs": {"logits": [1, 3]},
        "decode": {"layout": "classifier", "activation": activation},
        "labels": [
            {"index": 0, "Name": "Red", "image_threshold": 90},
            {"index": 1, "Name": "Green"},
            {"index": 2, "Name": "Blue"}
        ]
    })
}

/// 120 x 80: `left` in the left part, `right` from column `at` on.
fn halves(left: [u8; 3], right: [u8; 3], at: u32) -> Vec<u8> {
    let image = RgbImage::from_fn(120, 80, |x, _| Rgb(if x < at { left } else { right }));
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

fn ask(recogniser: &Recogniser, picture: &[u8], request: Value) -> Vec<CustomLabel> {
    let request: DetectCustomLabelsRequest = serde_json::from_value(request).unwrap();
    recogniser
        .detect_custom_labels(picture, &request)
        .unwrap()
        .custom_labels
        .unwrap()
}

fn names(labels: &[CustomLabel]) -> Vec<&str> {
    labels.iter().map(|l| l.name.as_deref().unwrap()).collect()
}

#[test]
fn a_detectors_boxes_are_custom_labels() {
    let image = RgbImage::from_fn(128, 128, |x, y| match (x, y) {
        (32..64, 64..96) => Rgb([255, 0, 0]),
        (96.., 0..32) => Rgb([0, 255, 0]),
        (0..32, 0..32) => Rgb([255, 0, 0]),
        _ => Rgb([114; 3]),
    });
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png).unwrap();
    let found = ask(
        &load("yolov8.onnx", &detector()).unwrap(),
        png.get_ref(),
        json!({}),
    );
    let mut boxes: Vec<(&str, [f64; 4])> = found
        .iter()
        .map(|label| {
            assert!(label.confidence.unwrap() > 99.0);
            let geometry = label.geometry.as_ref().unwrap();
            let b = geometry.bounding_box.as_ref().unwrap();
            let sides =
                [b.left, b.top, b.width, b.height].map(|side| (side.unwrap() * 1e4).round() / 1e4);
            (label.name.as_deref().unwrap(), sides)
        })
        .collect();
    boxes.sort_by(|a, b| a.partial_cmp(b).unwrap());
    assert_eq!(
        boxes,
        [
            ("Apple", [0.0, 0.0, 0.25, 0.25]),
            ("Apple", [0.25, 0.5, 0.25, 0.25]),
            ("Lime", [0.75, 0.0, 0.25, 0.25])
        ]
    );
}

#[test]
fn a_classifier_labels_the_image() {
    let recogniser = load("classifier.onnx", &classifier("softmax")).unwrap();
    let description = recogniser.description();
    assert_eq!((description.labels, description.with_boxes), (3, 0));

    let red = ask(
        &recogniser,
        &halves([255, 0, 0], [255, 0, 0], 60),
        json!({}),
    );
    assert_eq!(names(&red), ["Red"]);
    // Logits 8, -4 and -4.
    let expected = 100.0 / (1.0 + 2.0 * f64::exp(-12.0));
    assert!((red[0].confidence.unwrap() - expected).abs() < 1e-3);
    assert_eq!(red[0].geometry, None);

    // Two thirds red, one third green: logits 4 and 0, so 98 percent and not quite 2.
    let mixed = halves([255, 0, 0], [0, 255, 0], 80);
    assert_eq!(names(&ask(&recogniser, &mixed, json!({}))), ["Red"]);
    let all = ask(&recogniser, &mixed, json!({"MinConfidence": 0}));
    assert_eq!(names(&all), ["Red", "Green", "Blue"]);
    let sum: f64 = all.iter().map(|l| l.confidence.unwrap()).sum();
    assert!((sum - 100.0).abs() < 1e-3);
    let best = ask(
        &recogniser,
        &mixed,
        json!({"MinConfidence": 0, "MaxResults": 2}),
    );
    assert_eq!(names(&best), ["Red", "Green"]);
}

#[test]
fn independent_labels_have_independent_probabilities() {
    let recogniser = load("classifier.onnx", &classifier("sigmoid")).unwrap();
    // Half red, half blue: both logits are 2, 88 percent, which is enough for Blue and not for Red.
    let both = halves([255, 0, 0], [0, 0, 255], 60);
    let found = ask(&recogniser, &both, json!({}));
    assert_eq!(names(&found), ["Blue"]);
    let expected = 100.0 / (1.0 + f64::exp(-2.0));
    assert!((found[0].confidence.unwrap() - expected).abs() < 0.5);
    let found = ask(&recogniser, &both, json!({"MinConfidence": 80}));
    assert_eq!(found.len(), 2);
}

#[test]
fn a_crop_is_the_centre_only() {
    let mut table = classifier("softmax");
    table["input"]["fit"] = json!("crop");
    let recogniser = load("classifier.onnx", &table).unwrap();
    // Of 120 x 80 the middle has the columns from 20 to 100.
    let picture = halves([0, 255, 0], [0, 0, 255], 20);
    let found = ask(&recogniser, &picture, json!({}));
    assert_eq!(names(&found), ["Blue"]);
    let whole = load("classifier.onnx", &classifier("softmax")).unwrap();
    let share = |recogniser: &Recogniser| {
        let all = ask(recogniser, &picture, json!({"MinConfidence": 0}));
        all.iter()
            .find(|l| l.name.as_deref() == Some("Green"))
            .unwrap()
            .confidence
            .unwrap()
    };
    assert!(share(&whole) > 10.0 * share(&recogniser));
}

#[test]
fn a_model_that_does_not_match_its_table_is_rejected() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut table = classifier("softmax");
        change(&mut table);
        load("classifier.onnx", &table).err().unwrap().to_string()
    };
    assert_eq!(
        refused(&|t| t["outputs"] = json!({"logits": [3]})),
        "the model does not match its label table: the output \"logits\" is [1, 3] in the model and [3] in the table"
    );
    assert_eq!(
        refused(&|t| {
            t["labels"].as_array_mut().unwrap().pop();
        }),
        "the label table is not valid: no label has the index 2: the model's output has 3, and the table 2"
    );
    assert!(
        refused(&|t| t["decode"]["activation"] = json!("tanh")).contains("unknown variant `tanh`")
    );
    assert!(
        refused(&|t| t["labels"][0] = json!({"detector_index": 0, "Name": "Red"}))
            .contains("has the detector_index 0, and the model's output has room for 0")
    );
}

#[test]
fn bytes_that_are_no_image_are_rejected() {
    let recogniser = load("classifier.onnx", &classifier("softmax")).unwrap();
    let error = recogniser
        .detect_custom_labels(b"no picture", &DetectCustomLabelsRequest::default())
        .unwrap_err();
    assert!(matches!(error, VisionError::InvalidImageFormat(_)));
}
