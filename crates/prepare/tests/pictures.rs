//! Every format, size and orientation, written by real encoders, compared with Pillow's decoding.

#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::{collections::BTreeMap, fs};

use image::RgbImage;
use serde::Deserialize;
use serde_json::{Value, json};
use sightline_prepare::{
    CONVERTED_PX, JpegPicture, Limits, MAX_INLINE_BYTES, MAX_SIDE, MIN_SIDE, prepare,
};

#[derive(Deserialize)]
struct Expected {
    grid: u32,
    pictures: Vec<Picture>,
}

#[derive(Deserialize)]
struct Picture {
    file: String,
    #[serde(flatten)]
    outcome: Outcome,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Outcome {
    Rejected {
        error: Value,
        /// A part of the message.
        says: Option<String>,
    },
    Prepared {
        format: Value,
        orientation: u8,
        width: u32,
        height: u32,
        reason: Option<Value>,
        grid: Vec<[u8; 3]>,
        tolerance: u8,
    },
}

/// How the result differs from the expected one.
fn differences(picture: &Picture, bytes: &[u8], fields: u32) -> Vec<String> {
    let limits = Limits::default();
    let mut wrong = Vec::new();
    let mut check = |what: &str, found: Value, expected: Value| {
        if found != expected {
            wrong.push(format!("{what} is {found}, not {expected}"));
        }
    };
    let prepared = prepare(bytes, &limits);
    match (&picture.outcome, prepared) {
        (Outcome::Rejected { error, says }, Err(found)) => {
            let allowed = error.as_array().cloned().unwrap_or(vec![error.clone()]);
            if !allowed.contains(&json!(found.code())) {
                wrong.push(format!("{} ({found}), not {error}", found.code()));
            }
            if let Some(says) = says
                && !found.to_string().contains(says)
            {
                wrong.push(format!(
                    "says {:?}, which lacks {says:?}",
                    found.to_string()
                ));
            }
        }
        (Outcome::Rejected { error, .. }, Ok(_)) => wrong.push(format!("prepared, not {error}")),
        (Outcome::Prepared { .. }, Err(found)) => {
            wrong.push(format!("{} ({found})", found.code()));
        }
        (
            Outcome::Prepared {
                format,
                orientation,
                width,
                height,
                reason,
                grid,
                tolerance,
            },
            Ok(prepared),
        ) => {
            let info = serde_json::to_value(&prepared.info).unwrap();
            let expected = json!({
                "format": format, "width": width, "height": height, "orientation": orientation
            });
            check("info", info, expected);
            let conversion = prepared.converted.as_ref().map(|it| it.conversion());
            let found = conversion.map_or(Value::Null, |it| json!(it.reason));
            check("reason", found, json!(reason));
            if let Some(converted) = &prepared.converted {
                wrong.extend(difference(&converted.jpeg, grid, *tolerance, fields));
                let longest = converted.jpeg.width.max(converted.jpeg.height);
                let shortest = converted.jpeg.width.min(converted.jpeg.height);
                if longest > CONVERTED_PX && shortest > MIN_SIDE + 1
                    || longest > (*width).max(*height)
                {
                    wrong.push(format!("converted to {longest} pixels"));
                }
                if shortest < MIN_SIDE || longest > MAX_SIDE {
                    wrong.push(format!(
                        "{:?} is outside Rekognition's limits",
                        converted.jpeg
                    ));
                }
                if converted.jpeg.bytes.len() > MAX_INLINE_BYTES {
                    wrong.push(format!("{:?} is too large", converted.jpeg));
                }
            }
            match &prepared.renditions {
                Ok(renditions) => {
                    let (Some(thumbnail), preview) = (&renditions.thumbnail, &renditions.preview)
                    else {
                        wrong.push("has no thumbnail".to_owned());
                        return wrong;
                    };
                    wrong.extend(difference(thumbnail, grid, *tolerance + 4, fields));
                    let longest = limits.thumbnail_px.min((*width).max(*height));
                    if thumbnail.width.max(thumbnail.height) != longest {
                        wrong.push(format!("thumbnail is {thumbnail:?}"));
                    }
                    let ratio = f64::from(*width) / f64::from(*height);
                    let off = f64::from(thumbnail.height) * ratio - f64::from(thumbnail.width);
                    if off.abs() > ratio.max(1.0) {
                        wrong.push(format!("thumbnail is {thumbnail:?} for {width} x {height}"));
                    }
                    // Chroma of a quarter resolution blurs the fields of a narrow picture.
                    if let Some(preview) = preview
                        && preview.width.min(preview.height) >= 8 * fields
                    {
                        wrong.extend(difference(preview, grid, *tolerance + 4, fields));
                    }
                    let size = preview.as_ref().map(|jpeg| jpeg.width.max(jpeg.height));
                    let longest = (*width).max(*height);
                    if size.is_some() != (longest > limits.thumbnail_px)
                        || size.is_some_and(|size| size > longest.min(limits.preview_px))
                    {
                        wrong.push(format!("preview is {preview:?} for {width} x {height}"));
                    }
                }
                Err(error) => wrong.push(format!("no thumbnail: {error}")),
            }
        }
    }
    wrong
}

/// How an upright JPEG differs from Pillow's mean colours.
fn difference(jpeg: &JpegPicture, grid: &[[u8; 3]], tolerance: u8, fields: u32) -> Option<String> {
    let picture = image::load_from_memory(&jpeg.bytes).unwrap();
    assert_eq!(
        (picture.width(), picture.height()),
        (jpeg.width, jpeg.height)
    );
    assert!(
        !jpeg
            .bytes
            .windows(4)
            .any(|four| four == b"Exif" || four == b"ICC_"),
        "metadata"
    );
    // Fields with sides below four pixels are mostly edge.
    if picture.width().min(picture.height()) < 4 * fields {
        return None;
    }
    let means: RgbImage = picture.thumbnail_exact(fields, fields).into_rgb8();
    let worst = means
        .pixels()
        .zip(grid)
        .map(|(found, expected)| {
            let off = |channel: usize| found.0[channel].abs_diff(expected[channel]);
            (off(0).max(off(1)).max(off(2)), found.0, *expected)
        })
        .max_by_key(|(off, ..)| *off)
        .unwrap();
    (worst.0 > tolerance).then(|| format!("{jpeg:?} has {:?} for {:?}", worst.1, worst.2))
}

#[test]
fn every_picture_is_prepared_as_expected() {
    let Some(folder) = common::pictures() else {
        return;
    };
    let expected: Expected =
        serde_json::from_slice(&fs::read(folder.join("expected.json")).unwrap()).unwrap();
    assert!(expected.pictures.len() > 290);
    let mut wrong = BTreeMap::new();
    for picture in &expected.pictures {
        let bytes = fs::read(folder.join(&picture.file)).unwrap();
        let differences = differences(picture, &bytes, expected.grid);
        if !differences.is_empty() {
            wrong.insert(picture.file.clone(), differences);
        }
    }
    assert!(
        common::peak() <= common::MAX_MEMORY,
        "{} bytes",
        common::peak()
    );
    assert!(
        wrong.is_empty(),
        "{} of {}: {wrong:#?}",
        wrong.len(),
        expected.pictures.len()
    );
}
