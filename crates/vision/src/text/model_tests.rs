//! Runs the real networks, where they are installed.

use std::io::Write as _;
use std::path::PathBuf;

use image::metadata::Orientation;
use image::{DynamicImage, Rgb, RgbImage};
use rekognition_model::{DetectTextRequest, DetectTextResponse, Point, TextTypes};

use super::{TextFilters, TextRecogniser};
use crate::decode::Picture;
use crate::decode::tests::{jpeg, with_exif_orientation};
use crate::models::{InstalledModel, ModelName};

/// The rows of letters, 5 x 7 dots.
const FONT: [(char, [u8; 7]); 8] = [
    ('N', [17, 17, 25, 21, 19, 17, 17]),
    ('O', [14, 17, 17, 17, 17, 17, 14]),
    ('E', [31, 16, 16, 30, 16, 16, 31]),
    ('X', [17, 17, 10, 4, 10, 17, 17]),
    ('I', [14, 4, 4, 4, 4, 4, 14]),
    ('T', [31, 4, 4, 4, 4, 4, 4]),
    ('S', [15, 16, 16, 14, 1, 1, 30]),
    ('P', [30, 17, 17, 30, 16, 16, 16]),
];

/// The installed model. Prints the reason and returns `None` without it.
fn installed() -> Option<InstalledModel> {
    let models = std::env::var_os("SIGHTLINE_MODELS_DIR").map(PathBuf::from);
    let model = models.and_then(|models| InstalledModel::find(&models, ModelName::Text));
    if model.is_none() {
        let all = std::env::var_os("SIGHTLINE_FULL_TESTS").is_some_and(|value| value == "1");
        assert!(
            !all,
            "this test needs the model \"text\" in SIGHTLINE_MODELS_DIR"
        );
        // Written directly, because the test runner hides captured output.
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: needs the model \"text\" in the folder that SIGHTLINE_MODELS_DIR names",
        );
    }
    model
}

/// Light letters on a dark ground.
fn sign(width: u32, height: u32, lines: &[(&str, u32, u32)], dot: u32) -> RgbImage {
    let mut image = RgbImage::from_pixel(width, height, Rgb([20, 60, 140]));
    for (text, left, top) in lines {
        for (place, letter) in (0u32..).zip(text.chars()) {
            let Some((_, rows)) = FONT.iter().find(|(known, _)| *known == letter) else {
                assert_eq!(letter, ' ', "the font has no such letter");
                continue;
            };
            for (y, row) in (0u32..).zip(rows) {
                for x in (0..5u32).filter(|x| row >> (4 - x) & 1 == 1) {
                    let (x, y) = (left + (place * 6 + x) * dot, top + y * dot);
                    for pixel in 0..dot * dot {
                        image.put_pixel(x + pixel % dot, y + pixel / dot, Rgb([240; 3]));
                    }
                }
            }
        }
    }
    image
}

fn read(recogniser: &TextRecogniser, file: &[u8]) -> DetectTextResponse {
    let filters = TextFilters::from_request(&DetectTextRequest::default()).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let picture = Picture::decode(file).unwrap();
    recogniser
        .detect_text(&picture, &filters, scratch.path())
        .unwrap()
}

fn texts(response: &DetectTextResponse, r#type: TextTypes) -> Vec<(&str, &[Point])> {
    let detections = response.text_detections.as_deref().unwrap();
    let chosen = detections
        .iter()
        .filter(|d| d.r#type.as_ref() == Some(&r#type));
    chosen
        .map(|d| {
            let polygon = d.geometry.as_ref().unwrap().polygon.as_deref().unwrap();
            (d.detected_text.as_deref().unwrap(), polygon)
        })
        .collect()
}

#[test]
fn a_sign_is_read_in_every_exif_orientation() {
    let Some(model) = installed() else { return };
    let recogniser = TextRecogniser::new(None, Some(model));
    let upright = sign(480, 320, &[("NO EXIT", 90, 60), ("STOP", 160, 180)], 7);
    for exif in 1..=8u8 {
        let mut stored = DynamicImage::ImageRgb8(upright.clone());
        stored.apply_orientation(match Orientation::from_exif(exif).unwrap() {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            other => other,
        });
        let file = with_exif_orientation(&jpeg(&stored.into_rgb8()), exif.into());
        let response = read(&recogniser, &file);
        assert_eq!(
            response.text_model_version.as_deref(),
            Some("pp-ocr-v6-small")
        );
        let lines: Vec<&str> = texts(&response, TextTypes::Line)
            .iter()
            .map(|t| t.0)
            .collect();
        assert_eq!(lines, ["NO EXIT", "STOP"], "orientation {exif}");
        let words = texts(&response, TextTypes::Word);
        assert_eq!(words.len(), 3);
        // The letters of EXIT fill this part of the picture.
        let (text, polygon) = words[1];
        assert_eq!(text, "EXIT");
        let expected = [(216, 60), (377, 60), (377, 109), (216, 109)];
        for (point, (x, y)) in polygon.iter().zip(expected) {
            let (dx, dy) = (
                480.0 * point.x.unwrap() - f64::from(x),
                320.0 * point.y.unwrap() - f64::from(y),
            );
            assert!(
                dx.abs() < 25.0 && dy.abs() < 20.0,
                "orientation {exif}: {dx} {dy}"
            );
        }
    }
}

#[test]
fn rotated_signs_have_rotated_polygons() {
    let Some(model) = installed() else { return };
    let recogniser = TextRecogniser::new(None, Some(model));
    let flat = sign(480, 320, &[("STOP", 120, 130)], 9);
    let mut down = DynamicImage::ImageRgb8(flat.clone());
    down.apply_orientation(Orientation::Rotate90);
    let mut up = DynamicImage::ImageRgb8(flat);
    up.apply_orientation(Orientation::Rotate270);
    for (image, direction) in [(down, 1.0), (up, -1.0)] {
        let response = read(&recogniser, &jpeg(&image.into_rgb8()));
        let words = texts(&response, TextTypes::Word);
        let names: Vec<&str> = words.iter().map(|t| t.0).collect();
        assert_eq!(names, ["STOP"], "{direction}");
        // From the first corner to the second the word is read.
        let [first, second, ..] = words[0].1 else {
            panic!("four corners");
        };
        let along = (second.y.unwrap() - first.y.unwrap()) * direction;
        assert!(along > 0.2, "{direction}: {along}");
        assert!((second.x.unwrap() - first.x.unwrap()).abs() < 0.05);
    }
}

#[test]
fn a_picture_without_text_has_none() {
    let Some(model) = installed() else { return };
    let recogniser = TextRecogniser::new(None, Some(model));
    let response = read(&recogniser, &jpeg(&sign(320, 240, &[], 1)));
    assert_eq!(response.text_detections, Some(vec![]));
}

#[test]
fn without_any_reader_the_error_says_what_is_missing() {
    let file = jpeg(&sign(100, 100, &[], 1));
    let picture = Picture::decode(&file).unwrap();
    let filters = TextFilters::from_request(&DetectTextRequest::default()).unwrap();
    let nothing = TextRecogniser::new(None, None);
    let error = nothing.detect_text(&picture, &filters, std::path::Path::new("/"));
    let error = error.unwrap_err().to_string();
    assert!(error.contains("neither Tesseract nor the model"), "{error}");
}
