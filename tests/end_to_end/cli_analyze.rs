//! `sightline analyze`: boxes match their subjects in every orientation and format.

use std::{
    fs,
    io::Cursor,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use anyhow::{Context as _, Result, ensure};
use image::{ImageFormat, Rgb, RgbImage, imageops};
use serde_json::Value;
use sightline_tests::{Local, binary, boxed_labels, picture, upload};

/// The size of the upright picture in pixels. It is not square and its subject is off-centre, so every wrong turn shows.
const SIZE: (u32, u32) = (900, 720);
/// The position of the astronaut, in ratios: left, top, width, height.
const ASTRONAUT: [f64; 4] = [0.02, 0.31, 0.45, 0.69];

fn analyze(local: &Local) -> Result<Command> {
    let mut command = Command::new(binary("sightline")?);
    command.arg("analyze").envs(local.ready.environment());
    Ok(command)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn upright() -> Result<RgbImage> {
    let astronaut = image::open(picture("astronaut.png")?)?.into_rgb8();
    let mut canvas = RgbImage::from_pixel(SIZE.0, SIZE.1, Rgb([0x8a, 0x8f, 0x94]));
    let below = i64::from(SIZE.1) - i64::from(astronaut.height());
    imageops::replace(&mut canvas, &astronaut, 0, below);
    Ok(canvas)
}

/// The picture as a camera stores it in this orientation (Exif 2.32, tag Orientation).
fn stored(upright: &RgbImage, orientation: u16) -> Result<Vec<u8>> {
    let (width, height) = if orientation >= 5 {
        (SIZE.1, SIZE.0)
    } else {
        SIZE
    };
    let stored = RgbImage::from_fn(width, height, |x, y| {
        let (right, bottom) = (width - 1 - x, height - 1 - y);
        let (x, y) = match orientation {
            2 => (right, y),
            3 => (right, bottom),
            4 => (x, bottom),
            5 => (y, x),
            6 => (bottom, x),
            7 => (bottom, right),
            8 => (y, right),
            _ => (x, y),
        };
        *upright.get_pixel(x, y)
    });
    let mut jpeg = Cursor::new(Vec::new());
    image::codecs::jpeg::JpegEncoder::new_with_quality(&mut jpeg, 92).encode_image(&stored)?;
    let jpeg = jpeg.into_inner();
    // Big-endian TIFF with one entry: Orientation, SHORT, one value.
    let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01".to_vec();
    exif.extend(orientation.to_be_bytes());
    exif.extend([0; 6]);
    let length = u16::try_from(exif.len() + 2)?.to_be_bytes();
    let (start, rest) = jpeg.split_at(2);
    Ok([start, &[0xff, 0xe1], &length, &exif, rest].concat())
}

/// Intersection over union of two boxes.
fn overlap(one: [f64; 4], other: [f64; 4]) -> f64 {
    let side = |a: f64, a_size: f64, b: f64, b_size: f64| {
        ((a + a_size).min(b + b_size) - a.max(b)).max(0.0)
    };
    let [l, t, w, h] = one;
    let [ol, ot, ow, oh] = other;
    let both = side(l, w, ol, ow) * side(t, h, ot, oh);
    both / (w * h + ow * oh - both)
}

/// The share of `part` that lies in `whole`.
fn share(part: [f64; 4], whole: [f64; 4]) -> f64 {
    let [left, top, width, height] = part;
    let [wl, wt, ww, wh] = whole;
    let wide = ((left + width).min(wl + ww) - left.max(wl)).max(0.0);
    let high = ((top + height).min(wt + wh) - top.max(wt)).max(0.0);
    wide * high / (width * height)
}

/// The largest box of a person.
fn person(report: &Value) -> Result<[f64; 4]> {
    let answer = report
        .pointer("/rekognition/detectLabels")
        .context("no answer")?;
    boxed_labels(answer)
        .into_iter()
        .filter(|(name, ..)| name == "Person")
        .map(|(.., area)| area)
        .max_by(|[.., w, h], [.., ow, oh]| (w * h).total_cmp(&(ow * oh)))
        .with_context(|| format!("no person in {report}"))
}

fn run(local: &Local, picture: &str, drawn: &Path) -> Result<Value> {
    let output = analyze(local)?
        .args([picture, "--json", "--draw"])
        .arg(drawn)
        .output()?;
    ensure!(output.status.success(), "{picture}: {}", stderr(&output));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Checks the drawing: it is upright, the four sides of the box have one colour and the right position, and the rest of the
/// picture is unchanged.
fn check_drawing(drawn: &Path, upright: &RgbImage, area: [f64; 4], lossy: u32) -> Result<()> {
    let drawn = image::open(drawn)?.into_rgb8();
    ensure!(drawn.dimensions() == SIZE, "{:?}", drawn.dimensions());
    let [left, top, width, height] = area;
    let at = |ratio: f64, size: u32| ((ratio * f64::from(size)).round().max(0.0) as u32).min(size);
    let (x0, x1) = (at(left, SIZE.0), at(left + width, SIZE.0));
    let (y0, y1) = (at(top, SIZE.1), at(top + height, SIZE.1));
    let middle = ((x0 + x1) / 2, (y0 + y1) / 2);
    // No text covers the middle of the right side.
    let colour = *drawn.get_pixel(x1 - 1, middle.1);
    let side = |points: &mut dyn Iterator<Item = (u32, u32)>| {
        let points: Vec<_> = points.collect();
        let drawn = points
            .iter()
            .filter(|(x, y)| drawn.get_pixel(*x, *y) == &colour)
            .count();
        drawn as f64 / points.len() as f64
    };
    for (name, drawn) in [
        ("left", side(&mut (y0..y1).map(|y| (x0, y)))),
        ("right", side(&mut (y0..y1).map(|y| (x1 - 1, y)))),
        ("upper", side(&mut (x0..x1).map(|x| (x, y0)))),
        ("lower", side(&mut (x0..x1).map(|x| (x, y1 - 1)))),
    ] {
        // Other boxes and their texts may cross it.
        ensure!(drawn > 0.6, "the {name} side is drawn to {drawn}");
    }
    let unlike = drawn
        .pixels()
        .zip(upright.pixels())
        .filter(|(drawn, upright)| {
            drawn
                .0
                .iter()
                .zip(upright.0)
                .any(|(one, other)| u32::from(one.abs_diff(other)) > lossy)
        })
        .count();
    let unlike = unlike as f64 / f64::from(SIZE.0 * SIZE.1);
    ensure!(
        (0.001..0.15).contains(&unlike),
        "{unlike} of the picture differs"
    );
    Ok(())
}

#[test]
fn boxes_lie_on_their_subject_for_all_orientations_and_formats() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let upright = upright()?;
    let mut files: Vec<PathBuf> = Vec::new();
    for orientation in 1..=8 {
        let file = folder.path().join(format!("{orientation}.jpg"));
        fs::write(&file, stored(&upright, orientation)?)?;
        files.push(file);
    }
    // Rekognition cannot read WebP, so it is converted.
    let webp = folder.path().join("9.webp");
    upright.save_with_format(&webp, ImageFormat::WebP)?;
    files.push(webp);
    let mut first = None;
    for file in &files {
        let drawn = file.with_extension("drawn.png");
        let path = file.to_str().context("a path in UTF-8")?;
        let report = run(&local, path, &drawn)?;
        let image = |member: &str| report.pointer(&format!("/image/{member}")).cloned();
        ensure!(
            image("width") == Some(SIZE.0.into()) && image("height") == Some(SIZE.1.into()),
            "{report}"
        );
        ensure!(
            image("prepared").is_some() == path.ends_with("webp"),
            "{report}"
        );
        let area = person(&report)?;
        ensure!(
            share(area, ASTRONAUT) > 0.8 && share(ASTRONAUT, area) > 0.8,
            "{path}: {area:?}"
        );
        let first = *first.get_or_insert(area);
        ensure!(overlap(area, first) > 0.9, "{path}: {area:?} {first:?}");
        check_drawing(&drawn, &upright, area, 60).with_context(|| path.to_owned())?;
    }
    Ok(())
}

#[test]
fn objects_can_be_analysed_and_errors_have_their_exit_codes() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let local = Local::start(&data, &[])?;
    let jpeg = stored(&upright()?, 6)?;
    let ticket = upload(&local.ready.api, "image/jpeg", &jpeg, Value::Null)?;
    let key = sightline_tests::text(&ticket, "/key")?;
    let object = format!("s3://{}/{key}", local.ready.input_bucket);
    let report = run(&local, &object, &folder.path().join("drawn.jpg"))?;
    let area = person(&report)?;
    ensure!(share(area, ASTRONAUT) > 0.8, "{area:?}");
    let drawn = image::open(folder.path().join("drawn.jpg"))?;
    ensure!((drawn.width(), drawn.height()) == SIZE);

    // The table has tab-separated fields.
    let output = analyze(&local)?
        .args([
            object.as_str(),
            "--min-confidence",
            "60",
            "--max-labels",
            "5",
        ])
        .output()?;
    let table = String::from_utf8(output.stdout)?;
    ensure!(
        table.starts_with("LABEL\tCONFIDENCE\tBOX\tBOX CONFIDENCE\tCATEGORY\n")
            && table.contains("\nPerson\t"),
        "{table}"
    );

    let notes = folder.path().join("notes.jpg");
    fs::write(&notes, "no picture")?;
    let notes = notes.to_str().context("a path in UTF-8")?;
    let missing = format!("s3://{}/uploads/none.jpg", local.ready.input_bucket);
    let none: &[(&str, &str)] = &[];
    for (arguments, environment, code, said) in [
        (&["/nonexistent/a.jpg"][..], none, 1, "/nonexistent/a.jpg"),
        (&[notes], none, 1, "not a picture"),
        (&[missing.as_str()], none, 1, "none.jpg does not exist"),
        (&["s3://nobucket/uploads/a.jpg"], none, 4, "NoSuchBucket"),
        (&["s3://bucket"], none, 2, "s3://bucket/key"),
        (&[object.as_str(), "--draw", "a.gif"], none, 2, ".png"),
        (
            &[object.as_str()],
            &[
                ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
                ("AWS_MAX_ATTEMPTS", "1"),
            ],
            3,
            "AWS_ENDPOINT_URL",
        ),
        (
            &[object.as_str()],
            &[("AWS_SECRET_ACCESS_KEY", "another")],
            4,
            "check your keys",
        ),
    ] {
        let output = analyze(&local)?
            .args(arguments)
            .envs(environment.iter().copied())
            .output()?;
        ensure!(
            output.status.code() == Some(code) && stderr(&output).contains(said),
            "{arguments:?}: {} {}",
            output.status,
            stderr(&output)
        );
        ensure!(output.stdout.is_empty(), "{arguments:?}");
    }
    Ok(())
}
