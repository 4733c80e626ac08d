//! Custom models: small real ONNX files in the layouts of YOLOX and YOLOv8 (written by `make_models.py`), drawn images with
//! known boxes, and the errors for models that cannot be used.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop at the first surprise as the tests themselves do"
)]

use std::io::Cursor;
use std::path::{Path, PathBuf};

use image::{ImageFormat, Rgb, RgbImage};
use rekognition_model::{BoundingBox, DetectLabelsRequest, Label};
use serde_json::{Value, json};
use sightline_vision::{ModelError, Recogniser};

const RED: Rgb<u8> = Rgb([255, 0, 0]);
const GREEN: Rgb<u8> = Rgb([0, 255, 0]);

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/models")
}

fn table(layout: &str) -> Value {
    let (input, outputs, decode) = match layout {
        "yolox" => (
            json!({"channels": "BGR", "range": [0, 255], "letterbox": {"anchor": "top-left"}}),
            json!({"output": [1, 84, 7]}),
            json!({"layout": "yolox", "strides": [8, 16, 32]}),
        ),
        _ => (
            json!({"channels": "RGB", "range": [0, 1], "letterbox": {"anchor": "centre"}}),
            json!({"output0": [1, 6, 16]}),
            json!({"layout": "yolov8"}),
        ),
    };
    let mut table = json!({
        "version": 1,
        "model": {"name": layout, "version": "0.1"},
        "input": {"name": "images", "shape": [1, 3, 64, 64], "layout": "NCHW"},
        "outputs": outputs,
        "decode": decode,
        "labels": [
            {"detector_index": 0, "Name": "Apple", "detector_threshold": 30,
             "Parents": [{"Name": "Food"}], "Categories": [{"Name": "Food and Beverage"}]},
            {"detector_index": 1, "Name": "Lime", "detector_threshold": 30,
             "Parents": [{"Name": "Food"}], "Categories": [{"Name": "Food and Beverage"}]}
        ]
    });
    let members = input.as_object().unwrap().clone();
    table["input"].as_object_mut().unwrap().extend(members);
    table
}

/// Loads the model with this table.
fn load(model: &str, table: &Value) -> Result<Recogniser, ModelError> {
    load_text(&models().join(model), &table.to_string())
}

fn load_text(model: &Path, table: &str) -> Result<Recogniser, ModelError> {
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("labels.json");
    std::fs::write(&labels, table).unwrap();
    Recogniser::from_files(model, &labels)
}

fn rejected(model: &str, table: &Value) -> String {
    match load(model, table) {
        Ok(_) => panic!("the model was accepted"),
        Err(error) => error.to_string(),
    }
}

/// A grey picture with coloured rectangles: left, top, width, height in pixels.
fn drawn(width: u32, height: u32, rectangles: &[(Rgb<u8>, [u32; 4])]) -> Vec<u8> {
    let image = RgbImage::from_fn(width, height, |x, y| {
        let hit = |r: &&(Rgb<u8>, [u32; 4])| {
            let [left, top, w, h] = r.1;
            (left..left + w).contains(&x) && (top..top + h).contains(&y)
        };
        rectangles.iter().find(hit).map_or(Rgb([114; 3]), |r| r.0)
    });
    let mut png = Cursor::new(Vec::new());
    image.write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

fn labels(recogniser: &Recogniser, picture: &[u8]) -> Vec<Label> {
    recogniser
        .detect_labels(picture, &DetectLabelsRequest::default())
        .unwrap()
        .labels
        .unwrap()
}

fn boxes<'l>(labels: &'l [Label], name: &str) -> Vec<&'l BoundingBox> {
    let label = labels.iter().find(|l| l.name.as_deref() == Some(name));
    let instances = label
        .and_then(|l| l.instances.as_deref())
        .unwrap_or_default();
    instances
        .iter()
        .map(|i| i.bounding_box.as_ref().unwrap())
        .collect()
}

fn assert_box(found: &BoundingBox, left: f64, top: f64, width: f64, height: f64) {
    let found = [found.left, found.top, found.width, found.height].map(Option::unwrap);
    for (found, expected) in found.iter().zip([left, top, width, height]) {
        assert!(
            (found - expected).abs() < 1e-5,
            "{found:?} instead of {expected:?}"
        );
    }
}

#[test]
fn a_square_picture_in_both_layouts() {
    for layout in ["yolox", "yolov8"] {
        let recogniser = load(&format!("{layout}.onnx"), &table(layout)).unwrap();
        // Scaled by half: the red square becomes the cell of 16 x 16 at (16, 32), the green one that at (48, 0).
        let picture = drawn(
            128,
            128,
            &[(RED, [32, 64, 32, 32]), (GREEN, [96, 0, 32, 32])],
        );
        let labels = labels(&recogniser, &picture);
        let mut names: Vec<_> = labels.iter().map(|l| l.name.as_deref().unwrap()).collect();
        names.sort_unstable();
        assert_eq!(names, ["Apple", "Food", "Lime"], "{layout}");
        let [apple] = boxes(&labels, "Apple")[..] else {
            panic!("{layout}: one red square")
        };
        assert_box(apple, 0.25, 0.5, 0.25, 0.25);
        let [lime] = boxes(&labels, "Lime")[..] else {
            panic!("{layout}: one green square")
        };
        assert_box(lime, 0.75, 0.0, 0.25, 0.25);
        assert!(boxes(&labels, "Food").is_empty());
        assert!(labels[0].confidence.unwrap() > 99.0);
    }
}

#[test]
fn a_wide_image_is_at_the_top_for_yolox_and_centred_for_yolov8() {
    // 160 x 80 becomes 64 x 32, at the top or 16 pixels down.
    let picture = drawn(
        160,
        80,
        &[(RED, [40, 0, 40, 40]), (GREEN, [120, 40, 40, 40])],
    );
    for layout in ["yolox", "yolov8"] {
        let recogniser = load(&format!("{layout}.onnx"), &table(layout)).unwrap();
        let labels = labels(&recogniser, &picture);
        assert_box(boxes(&labels, "Apple")[0], 0.25, 0.0, 0.25, 0.5);
        assert_box(boxes(&labels, "Lime")[0], 0.75, 0.5, 0.25, 0.5);
    }
}

#[test]
fn an_empty_image_has_no_labels() {
    for layout in ["yolox", "yolov8"] {
        let recogniser = load(&format!("{layout}.onnx"), &table(layout)).unwrap();
        assert_eq!(labels(&recogniser, &drawn(100, 100, &[])), []);
    }
}

#[test]
fn red_and_blue_are_not_confused() {
    // With swapped channels the same model detects blue instead of red.
    let mut swapped = table("yolox");
    swapped["input"]["channels"] = json!("RGB");
    let blue = drawn(128, 128, &[(Rgb([0, 0, 255]), [32, 64, 32, 32])]);
    assert!(labels(&load("yolox.onnx", &table("yolox")).unwrap(), &blue).is_empty());
    assert_eq!(
        boxes(
            &labels(&load("yolox.onnx", &swapped).unwrap(), &blue),
            "Apple"
        )
        .len(),
        1
    );
}

#[test]
fn a_model_is_described() {
    let recogniser = load("yolov8.onnx", &table("yolov8")).unwrap();
    let description = recogniser.description();
    assert_eq!((description.labels, description.with_boxes), (2, 2));
    assert!(
        description
            .to_string()
            .starts_with("yolov8 0.1 (2 labels, 2 with boxes, 64 x 64 pixels, ")
    );
    let answer = recogniser
        .detect_labels(&drawn(80, 80, &[]), &DetectLabelsRequest::default())
        .unwrap();
    assert_eq!(answer.label_model_version.as_deref(), Some("yolov8-0.1"));

    let mut unnamed = table("yolov8");
    unnamed.as_object_mut().unwrap().remove("model");
    assert_eq!(
        load("yolov8.onnx", &unnamed).unwrap().description().name,
        "yolov8",
        "named after its file"
    );
}

#[test]
fn a_model_that_does_not_match_its_table_is_rejected() {
    let changed = |layout: &str, change: &dyn Fn(&mut Value)| {
        let mut changed = table(layout);
        change(&mut changed);
        rejected(&format!("{layout}.onnx"), &changed)
    };
    let class = |index: u32| json!({"detector_index": index, "Name": "Plum", "Categories": [{"Name": "Food and Beverage"}]});

    assert_eq!(
        changed("yolox", &|t| t["labels"]
            .as_array_mut()
            .unwrap()
            .push(class(2))),
        "the label table is not valid: the label \"Plum\" has the detector_index 2, and the model's output has \
         room for 2 (the table has 3)"
    );
    assert_eq!(
        changed("yolox", &|t| {
            t["labels"].as_array_mut().unwrap().push(class(2));
            t["outputs"]["output"] = json!([1, 84, 8]);
        }),
        "the model does not match its label table: the output \"output\" is [1, 84, 7] in the model and [1, 84, 8] \
         in the table"
    );
    assert_eq!(
        changed("yolov8", &|t| t["outputs"] = json!({"output1": [1, 6, 16]})),
        "the model does not match its label table: the model has no output \"output1\"; its outputs are [\"output0\"]"
    );
    assert_eq!(
        changed("yolov8", &|t| t["input"]["name"] = json!("image")),
        "the model does not match its label table: the input is \"images\" in the model and \"image\" in the table"
    );
    assert!(
        changed("yolov8", &|t| t["input"]["shape"] = json!([1, 3, 128, 128]))
            .starts_with("the model does not match its label table: the model cannot run on an input of [1, 3, 128, 128]")
    );
    assert_eq!(
        changed("yolov8", &|t| t["labels"][1]["detector_index"] = json!(0)),
        "the label table is not valid: the detector_index 0 of the label \"Lime\" is taken"
    );
    assert_eq!(
        changed("yolov8", &|t| t["labels"][1]["Categories"] =
            json!([{"Name": "Fruit"}])),
        "the label table is not valid: the label \"Lime\" has the category \"Fruit\", which is not one of \
         Rekognition's 40"
    );
    assert_eq!(
        changed("yolox", &|t| t["decode"] = json!({"layout": "yolov8"})),
        "the label table is not valid: no label has the detector_index 2: the model's output has 80, and the table 2"
    );
}

#[test]
fn files_that_cannot_be_used_are_rejected() {
    let good = table("yolov8").to_string();
    let folder = tempfile::tempdir().unwrap();
    let error = |model: &Path, table: &str| load_text(model, table).err().unwrap().to_string();

    let missing = folder.path().join("none.onnx");
    assert!(error(&missing, &good).starts_with(&format!("cannot read {}: ", missing.display())));
    let labels = folder.path().join("none.json");
    let no_table = Recogniser::from_files(&models().join("yolov8.onnx"), &labels)
        .err()
        .unwrap();
    assert!(
        no_table
            .to_string()
            .starts_with(&format!("cannot read {}: ", labels.display()))
    );

    let text = folder.path().join("text.onnx");
    std::fs::write(&text, "this is not a model").unwrap();
    assert_eq!(
        error(&text, &good),
        "the ONNX model cannot be loaded: the file is not ONNX, or it is damaged"
    );
    let empty = folder.path().join("empty.onnx");
    std::fs::write(&empty, "").unwrap();
    assert_eq!(
        error(&empty, &good),
        "the ONNX model cannot be loaded: the file is empty"
    );

    let model = models().join("yolov8.onnx");
    assert_eq!(
        error(&model, "{\"version\": 1"),
        "the label table is not valid: it is not JSON (EOF while parsing an object at line 1 column 13); name the label table of the model, a JSON file with \"version\": 1"
    );
    assert!(error(&model, "[]").starts_with("the label table is not valid: "));
    assert_eq!(
        error(&model, "{\"version\": 7}"),
        "the label table is not valid: its version is 7; this program reads version 1"
    );
}

#[test]
fn an_operator_that_the_engine_lacks_is_named() {
    // Hardmax is as long as Flatten, so replacing it leaves a valid file.
    let mut model = std::fs::read(models().join("classifier.onnx")).unwrap();
    let at = model.windows(7).position(|w| w == b"Flatten").unwrap();
    model[at..at + 7].copy_from_slice(b"Hardmax");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("hardmax.onnx");
    std::fs::write(&path, &model).unwrap();
    let error = load_text(&path, &table("yolov8").to_string())
        .err()
        .unwrap();
    assert_eq!(
        error.to_string(),
        "the ONNX model cannot be loaded: it uses the operator Hardmax, which the inference engine does not support"
    );
}

#[test]
fn a_damaged_model_is_rejected_and_never_panics() {
    let good = std::fs::read(models().join("yolov8.onnx")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("damaged.onnx");
    let table = table("yolov8").to_string();
    let mut rejected = 0;
    for cut in (0..good.len()).step_by(7) {
        std::fs::write(&path, &good[..cut]).unwrap();
        rejected += usize::from(load_text(&path, &table).is_err());
    }
    assert_eq!(
        rejected,
        good.len().div_ceil(7),
        "no truncated model is accepted"
    );
    for at in (0..good.len()).step_by(3) {
        let mut damaged = good.clone();
        damaged[at] ^= 0xff;
        std::fs::write(&path, &damaged).unwrap();
        // A changed weight is still a valid model; this only checks that nothing panics.
        let _ = load_text(&path, &table);
    }
}
