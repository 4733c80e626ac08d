//! Compares the network and its decoding with onnxruntime: within 1e-3 for scores and one pixel for boxes.
//!
//! There are two references: `tests/reference.json`, recorded from drawn images that need no decoder and no scaling, and the
//! model's sample photographs, which are not part of this project. `SIGHTLINE_MODEL_SAMPLES` names their folder.

use std::borrow::Cow;
use std::io::Write as _;
use std::path::PathBuf;

use image::{Rgb, RgbImage};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::decode::Picture;
use crate::decode::tests::png;
use crate::label_table::LabelTable;
use crate::layout::RawPrediction;
use crate::letterbox::Letterbox;
use crate::network::{Network, Outputs};
use crate::nms::Detection;

const SCORE: f32 = 1e-3;
const PIXEL: f32 = 1.0;

struct Model {
    table: LabelTable,
    network: Network,
}

impl Model {
    fn embedded() -> Self {
        let table = LabelTable::parse(crate::label_table::tests::EMBEDDED).unwrap();
        let onnx = include_bytes!("../model/labeler.onnx").as_slice();
        let network = Network::load(Cow::Borrowed(onnx), &table.signature).unwrap();
        Self { table, network }
    }

    fn run(&self, picture: &Picture) -> (Outputs, Letterbox) {
        let (input, letterbox) = self.table.input.prepare(picture).unwrap();
        (self.network.run(&input).unwrap(), letterbox)
    }

    fn read(&self, outputs: &Outputs) -> (Vec<Detection>, Vec<f32>) {
        let RawPrediction {
            candidates,
            image_scores,
        } = self
            .table
            .reader
            .read(outputs, self.table.nms.score_min)
            .unwrap();
        (self.table.nms.suppress(candidates), image_scores)
    }
}

fn json<T: DeserializeOwned>(text: &str) -> T {
    serde_json::from_str(text).unwrap()
}

#[derive(Deserialize)]
struct Recorded {
    scenes: Vec<Scene>,
}

#[derive(Deserialize)]
struct Scene {
    scene: String,
    pixel_checksum: u64,
    labels: Vec<f32>,
    cells: Vec<RecordedBox>,
    sum_of_scores: f64,
    sum_of_sides: f64,
    detections: Vec<RecordedBox>,
}

#[derive(Deserialize)]
struct RecordedBox {
    #[serde(default)]
    cell: usize,
    class: usize,
    score: f32,
    sides: [f32; 4],
}

/// Draws what `tests/record_reference.py` draws.
fn draw(scene: &str) -> RgbImage {
    let colour = |x: i64, y: i64| -> [i64; 3] {
        let (dx, dy) = ((x - 160).abs(), (y - 100).abs());
        match scene {
            "interference" => {
                [0, 1, 2].map(|c| (x * (3 + c) + y * (5 - c) + x * y / (16 + c)) % 256)
            }
            "stop_sign" => {
                let octagon = dx.max(dy).max((dx + dy) * 5 / 7);
                if dy < 14 && dx < 42 && x / 6 % 2 == 0 {
                    [240, 240, 240]
                } else if octagon < 57 {
                    [190, 20, 30]
                } else if octagon < 62 {
                    [240, 240, 240]
                } else if dx < 6 && y > 100 {
                    [120, 120, 120]
                } else if y > 200 {
                    [90, 120, 70]
                } else {
                    [120, 170, 230 - y / 4]
                }
            }
            "lamps" => {
                let lamp = |i: i64| (x - 160).pow(2) + (y - 50 - 60 * i).pow(2) < 26 * 26;
                if dx < 7 && y > 205 {
                    [60, 60, 60]
                } else if lamp(2) {
                    [40, 200, 80]
                } else if lamp(1) {
                    [230, 180, 30]
                } else if lamp(0) {
                    [230, 30, 30]
                } else if dx < 36 && (y - 110).abs() < 95 {
                    [25, 25, 25]
                } else {
                    [110, 160, 230 - y / 4]
                }
            }
            other => panic!("no scene {other}"),
        }
    };
    RgbImage::from_fn(320, 240, |x, y| {
        Rgb(colour(x.into(), y.into()).map(|c| u8::try_from(c).unwrap()))
    })
}

fn close(found: f32, expected: f32, tolerance: f32, what: &str) -> f32 {
    let off = (found - expected).abs();
    assert!(off <= tolerance, "{what}: {found} instead of {expected}");
    off
}

#[test]
fn the_network_agrees_with_onnxruntime_on_drawn_pictures() {
    let model = Model::embedded();
    let recorded: Recorded = json(include_str!("../tests/reference.json"));
    assert_eq!(recorded.scenes.len(), 3);
    let (mut worst_score, mut worst_side) = (0f32, 0f32);
    for expected in recorded.scenes {
        let name = &expected.scene;
        let image = draw(name);
        let checksum = image
            .as_raw()
            .iter()
            .zip(1u64..)
            .fold(0, |sum, (v, at)| sum + u64::from(*v) * at);
        assert_eq!(
            checksum % 1_000_000_007,
            expected.pixel_checksum,
            "{name} is drawn as recorded"
        );

        let (outputs, letterbox) = model.run(&Picture::decode(&png(image)).unwrap());
        assert_eq!(
            letterbox,
            Letterbox {
                left: 0,
                top: 0,
                width: 320,
                height: 240
            }
        );
        let boxes = outputs.get("boxes").unwrap();
        let scores = outputs.get("scores").unwrap();
        for cell in &expected.cells {
            let found = scores[cell.cell * 80 + cell.class];
            worst_score = worst_score.max(close(found, cell.score, SCORE, name));
            for (found, side) in boxes[cell.cell * 4..].iter().zip(cell.sides) {
                worst_side = worst_side.max(close(*found, side, PIXEL, name));
            }
        }
        let labels = outputs.get("labels").unwrap();
        assert_eq!(labels.len(), expected.labels.len());
        for (found, label) in labels.iter().zip(&expected.labels) {
            worst_score = worst_score.max(close(*found, *label, SCORE, name));
        }
        // The sums cover every cell: they limit the mean difference, not the largest.
        let sum = |values: &[f32]| values.iter().map(|v| f64::from(*v)).sum::<f64>();
        assert!(
            (sum(scores) - expected.sum_of_scores).abs() < 1e-6 * 168_000.0,
            "{name}"
        );
        assert!(
            (sum(boxes) - expected.sum_of_sides).abs() < 1e-3 * 8_400.0,
            "{name}"
        );

        let (detections, _) = model.read(&outputs);
        assert_eq!(detections.len(), expected.detections.len(), "{name}");
        for (found, recorded) in detections.iter().zip(&expected.detections) {
            assert_eq!(found.class, recorded.class, "{name}");
            close(found.score, recorded.score, SCORE, name);
            let sides = [found.left, found.top, found.right, found.bottom];
            for (found, side) in sides.iter().zip(recorded.sides) {
                close(*found, side, PIXEL, name);
            }
        }
    }
    println!("largest difference: {worst_score:e} in a score, {worst_side:e} pixels in a box");
}

/// Prints the reason and returns `None` if the sample photographs are not available.
fn samples() -> Option<PathBuf> {
    let folder = std::env::var_os("SIGHTLINE_MODEL_SAMPLES").map(PathBuf::from);
    if let Some(folder) = folder.filter(|folder| folder.join("expected.json").is_file()) {
        return Some(folder);
    }
    // Written directly, because the test runner hides captured output.
    let _ = writeln!(
        std::io::stderr(),
        "NOT RUN: set SIGHTLINE_MODEL_SAMPLES to the folder of the model's sample photographs",
    );
    None
}

#[derive(Deserialize)]
struct Expected {
    samples: Vec<Sample>,
}

#[derive(Deserialize)]
struct Sample {
    file: String,
    width: u32,
    height: u32,
    detections: Vec<SampleBox>,
    image_labels: Vec<SampleLabel>,
}

#[derive(Deserialize)]
struct SampleBox {
    label: String,
    score: f32,
    left: f32,
    top: f32,
    width: f32,
    height: f32,
}

#[derive(Deserialize)]
struct SampleLabel {
    label: String,
    score: f32,
}

/// The references were decoded by libjpeg. This decoder differs from it by up to 5 of 255 levels in a pixel (0.3 on
/// average), which moves scores by up to 0.025 and boxes by up to 2.5 pixels, so the tolerances here are larger than for the
/// drawn images. Each expected box must be among the candidates. Of boxes that are almost equally good, suppression may keep
/// another one; the test counts how often.
#[test]
fn the_whole_pipeline_agrees_on_the_sample_photographs() {
    const DECODERS_SCORE: f32 = 0.03;
    const DECODERS_RATIO: f32 = 0.01;
    let Some(folder) = samples() else { return };
    let model = Model::embedded();
    let name = |node: usize| model.table.nodes[node].name.as_str();
    let expected: Expected = json(&std::fs::read_to_string(folder.join("expected.json")).unwrap());
    let (mut worst_score, mut worst_ratio) = (0f32, 0f32);
    let (mut compared, mut kept) = (0, 0);
    for sample in &expected.samples {
        let file = sample.file.as_str();
        let picture = Picture::decode(&std::fs::read(folder.join(file)).unwrap()).unwrap();
        assert_eq!(picture.size(), (sample.width, sample.height));
        let (outputs, letterbox) = model.run(&picture);
        let candidates = model
            .table
            .reader
            .read(&outputs, model.table.nms.score_min)
            .unwrap()
            .candidates;
        let (detections, image_scores) = model.read(&outputs);

        for label in &sample.image_labels {
            let at = model
                .table
                .image_labels
                .iter()
                .position(|e| name(e.node) == label.label)
                .unwrap();
            worst_score =
                worst_score.max(close(image_scores[at], label.score, DECODERS_SCORE, file));
        }
        for expected in &sample.detections {
            let sides = [expected.left, expected.top, expected.width, expected.height];
            let off = |d: &Detection| {
                let b = letterbox.ratios(d).unwrap();
                let found = [b.left, b.top, b.width, b.height];
                found
                    .iter()
                    .zip(sides)
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f32::max)
            };
            let matches = |d: &&Detection| {
                name(model.table.classes[d.class].node) == expected.label
                    && off(d) <= DECODERS_RATIO
                    && (d.score - expected.score).abs() <= DECODERS_SCORE
            };
            let nearest = candidates
                .iter()
                .filter(matches)
                .min_by(|a, b| off(a).total_cmp(&off(b)));
            let nearest = nearest
                .unwrap_or_else(|| panic!("{file}: no {} {}", expected.label, expected.score));
            worst_score = worst_score.max((nearest.score - expected.score).abs());
            worst_ratio = worst_ratio.max(off(nearest));
            compared += 1;
            kept += usize::from(detections.iter().any(|d| matches(&d)));
        }
        // The reference lists every box with a score of at least 0.2.
        let shown = detections
            .iter()
            .filter(|d| d.score >= 0.2 + DECODERS_SCORE)
            .count();
        assert!(shown <= sample.detections.len(), "{file}");
    }
    println!(
        "{compared} boxes, {kept} kept by suppression too; largest difference: {worst_score} in a score, \
         {worst_ratio} of the picture in a box"
    );
    assert!(compared > 100 && kept * 100 >= compared * 97);
}
