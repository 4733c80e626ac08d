//! The embedded model through the public API: whole responses, many threads, damaged files.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "helpers of tests may stop at the first surprise as the tests themselves do"
)]

use std::io::Cursor;
use std::sync::Arc;

use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use rekognition_model::{DetectLabelsRequest, DetectLabelsResponse};
use serde_json::{Value, json};
use sightline_vision::{Recogniser, VisionError};

fn request(request: Value) -> DetectLabelsRequest {
    serde_json::from_value(request).unwrap()
}

/// A stop sign on its post under a blue sky; `tests/record_reference.py` and `src/reference_tests.rs` draw the same.
fn stop_sign(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let (x, y) = (i64::from(x * 320 / width), i64::from(y * 240 / height));
        let (dx, dy) = ((x - 160).abs(), (y - 100).abs());
        let octagon = dx.max(dy).max((dx + dy) * 5 / 7);
        Rgb(match () {
            () if dy < 14 && dx < 42 && x / 6 % 2 == 0 => [240; 3],
            () if octagon < 57 => [190, 20, 30],
            () if octagon < 62 => [240; 3],
            () if dx < 6 && y > 100 => [120; 3],
            () if y > 200 => [90, 120, 70],
            () => [120, 170, 230],
        })
    })
}

fn png(image: &RgbImage) -> Vec<u8> {
    let mut out = Cursor::new(Vec::new());
    image.write_to(&mut out, ImageFormat::Png).unwrap();
    out.into_inner()
}

fn jpeg(image: &RgbImage) -> Vec<u8> {
    let mut out = Vec::new();
    JpegEncoder::new_with_quality(&mut out, 92)
        .encode_image(image)
        .unwrap();
    out
}

#[test]
fn a_drawn_stop_sign_is_found_with_its_box() {
    let recogniser = Recogniser::embedded().unwrap();
    for (picture, side) in [
        (png(&stop_sign(320, 240)), 320),
        (jpeg(&stop_sign(1600, 1200)), 1600),
    ] {
        let answer = recogniser
            .detect_labels(&picture, &DetectLabelsRequest::default())
            .unwrap();
        let labels = answer.labels.unwrap();
        let sign = labels
            .iter()
            .find(|l| l.name.as_deref() == Some("Stopsign"))
            .unwrap();
        assert!(
            sign.confidence.unwrap() > 85.0,
            "{side}: {:?}",
            sign.confidence
        );
        let parents: Vec<_> = sign
            .parents
            .iter()
            .flatten()
            .map(|p| p.name.as_deref().unwrap())
            .collect();
        assert_eq!(parents, ["Road Sign", "Sign", "Symbol"]);
        for parent in parents {
            let parent = labels
                .iter()
                .find(|l| l.name.as_deref() == Some(parent))
                .unwrap();
            assert_eq!(
                (parent.confidence, parent.instances.as_deref()),
                (sign.confidence, Some(&[][..]))
            );
        }
        let [instance] = sign.instances.as_deref().unwrap() else {
            panic!("one box")
        };
        let bounds = instance.bounding_box.as_ref().unwrap();
        // Drawn from (98, 38) to (222, 162) of 320 x 240.
        for (found, drawn) in [
            (bounds.left, 98.0 / 320.0),
            (bounds.top, 38.0 / 240.0),
            (bounds.width, 124.0 / 320.0),
            (bounds.height, 124.0 / 240.0),
        ] {
            assert!((found.unwrap() - drawn).abs() < 0.03, "{side}: {bounds:?}");
        }
    }
}

#[test]
fn a_response_has_rekognitions_shape() {
    let recogniser = Recogniser::embedded().unwrap();
    let both = request(json!({
        "Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"],
        "Settings": {"GeneralLabels": {"LabelInclusionFilters": ["Stopsign"]}, "ImageProperties": {"MaxDominantColors": 2}}
    }));
    let answer = recogniser
        .detect_labels(&png(&stop_sign(320, 240)), &both)
        .unwrap();
    let mut answer = serde_json::to_value(answer).unwrap();
    let css = |part: &str| {
        let colours = answer
            .pointer(&format!("{part}/DominantColors"))
            .unwrap()
            .as_array()
            .unwrap();
        colours
            .iter()
            .map(|c| c["CSSColor"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(css("/ImageProperties")[0], "cornflowerblue");
    assert_eq!(css("/ImageProperties/Background")[0], "cornflowerblue");
    assert_eq!(css("/ImageProperties/Foreground")[0], "firebrick");
    assert_eq!(
        css("/Labels/0/Instances/0"),
        ["firebrick", "cornflowerblue"]
    );

    // Only the shape: numbers and strings are replaced by their types.
    fn kinds(value: &mut Value) {
        match value {
            Value::Number(n) => *value = json!(if n.is_f64() { "float" } else { "integer" }),
            Value::Array(values) => values.iter_mut().for_each(kinds),
            Value::Object(members) => members.values_mut().for_each(kinds),
            Value::String(text) => *text = "string".to_owned(),
            Value::Bool(_) | Value::Null => {}
        }
    }
    kinds(&mut answer);
    let colour = json!({
        "Red": "integer", "Green": "integer", "Blue": "integer", "HexCode": "string", "CSSColor": "string",
        "SimplifiedColor": "string", "PixelPercent": "float"
    });
    let colours = json!([colour, colour]);
    let part = json!({"Quality": {"Brightness": "float", "Sharpness": "float"}, "DominantColors": colours});
    let named = json!({"Name": "string"});
    assert_eq!(
        answer,
        json!({
            "Labels": [{
                "Name": "string",
                "Confidence": "float",
                "Instances": [{
                    "BoundingBox": {"Width": "float", "Height": "float", "Left": "float", "Top": "float"},
                    "Confidence": "float",
                    "DominantColors": colours
                }],
                "Parents": [named, named, named],
                "Aliases": [named],
                "Categories": [named]
            }],
            "LabelModelVersion": "string",
            "ImageProperties": {
                "Quality": {"Brightness": "float", "Sharpness": "float", "Contrast": "float"},
                "DominantColors": colours,
                "Foreground": part,
                "Background": part
            }
        })
    );
}

#[test]
fn image_properties_alone_come_with_an_empty_list_of_labels() {
    let recogniser = Recogniser::embedded().unwrap();
    let answer = recogniser
        .detect_labels(
            &png(&stop_sign(320, 240)),
            &request(json!({"Features": ["IMAGE_PROPERTIES"]})),
        )
        .unwrap();
    assert_eq!(answer.labels, Some(vec![]));
    assert!(answer.image_properties.is_some());
    assert_eq!(answer.orientation_correction, None);
}

#[test]
fn labels_alone_have_no_image_properties_and_no_colours() {
    let recogniser = Recogniser::embedded().unwrap();
    let answer = recogniser
        .detect_labels(&png(&stop_sign(320, 240)), &DetectLabelsRequest::default())
        .unwrap();
    assert_eq!(answer.image_properties, None);
    assert!(
        answer
            .labels
            .iter()
            .flatten()
            .flat_map(|l| l.instances.iter().flatten())
            .all(|i| i.dominant_colors.is_none())
    );
}

#[test]
fn min_confidence_zero_reports_everything_the_model_knows_and_its_ancestors() {
    let recogniser = Recogniser::embedded().unwrap();
    let ask = |r: Value| {
        recogniser
            .detect_labels(&png(&stop_sign(320, 240)), &request(r))
            .unwrap()
            .labels
            .unwrap()
    };
    let all = ask(json!({"MinConfidence": 0}));
    assert!(all.len() > recogniser.description().labels, "{}", all.len());
    assert!(all.windows(2).all(|w| w[0].confidence >= w[1].confidence));
    let mut names: Vec<_> = all.iter().map(|l| l.name.clone()).collect();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), all.len(), "labels are unique");
    // Every ancestor is a label too, with at least the confidence of its child.
    for label in &all {
        for parent in label.parents.iter().flatten() {
            let parent = all.iter().find(|l| l.name == parent.name).unwrap();
            assert!(parent.confidence >= label.confidence);
        }
    }
    assert_eq!(ask(json!({"MinConfidence": 0, "MaxLabels": 7})), all[..7]);
}

#[test]
fn one_recogniser_returns_the_same_on_many_threads() {
    let recogniser = Arc::new(Recogniser::embedded().unwrap());
    let picture = jpeg(&stop_sign(640, 480));
    let both =
        request(json!({"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"], "MinConfidence": 5}));
    let expected = recogniser.detect_labels(&picture, &both).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..4 {
                    assert_eq!(recogniser.detect_labels(&picture, &both).unwrap(), expected);
                }
            });
        }
    });
}

/// splitmix64 with a fixed seed, so that a failure can be repeated.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        usize::try_from(self.next() % n as u64).unwrap()
    }
}

#[test]
fn damaged_files_never_cause_a_panic() {
    let small = stop_sign(96, 88);
    let encode = |image: DynamicImage| {
        let mut out = Cursor::new(Vec::new());
        image.write_to(&mut out, ImageFormat::Png).unwrap();
        out.into_inner()
    };
    let whole = DynamicImage::ImageRgb8(small.clone());
    let files = [
        jpeg(&small),
        png(&small),
        encode(DynamicImage::ImageRgba16(whole.to_rgba16())),
        encode(DynamicImage::ImageLumaA8(whole.to_luma_alpha8())),
    ];
    let recogniser = Recogniser::embedded().unwrap();
    let both = request(json!({"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]}));
    let mut random = Random(7);
    let (mut answered, mut refused) = (0, 0);
    let mut ask = |bytes: &[u8]| -> Option<DetectLabelsResponse> {
        match recogniser.detect_labels(bytes, &both) {
            Ok(answer) => {
                answered += 1;
                Some(answer)
            }
            Err(VisionError::Internal(reason)) => panic!("{reason}"),
            Err(_) => {
                refused += 1;
                None
            }
        }
    };
    for file in &files {
        assert!(ask(file).is_some());
        for _ in 0..100 {
            let mut damaged = file.clone();
            for _ in 0..=random.below(8) {
                // Headers matter most, so half of the damage goes there.
                let reach = if random.below(2) == 0 {
                    damaged.len().min(700)
                } else {
                    damaged.len()
                };
                let at = random.below(reach);
                match random.below(3) {
                    0 => damaged[at] = random.next() as u8,
                    1 => damaged[at] ^= 1 << random.below(8),
                    _ => drop(damaged.remove(at)),
                }
            }
            ask(&damaged);
        }
        for _ in 0..30 {
            ask(&file[..random.below(file.len())]);
        }
    }
    assert!(
        answered > 20 && refused > 100,
        "{answered} answered, {refused} refused"
    );
}
