//! What the pictures show, and what is said of pictures that cannot be analysed.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sightline_tests::{Local, boxed_labels, picture, result, root, text, upload};

#[test]
fn photographs_are_named_with_a_box_on_the_object() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    // A point that lies on the object, as ratios of the picture.
    for (file, label, (x, y)) in [
        ("astronaut.png", "Person", (0.44, 0.22)),
        ("motorcycle_left.png", "Motorcycle", (0.75, 0.6)),
    ] {
        let bytes = fs::read(picture(file)?)?;
        let reply = upload(
            &local.ready.api,
            "image/png",
            &bytes,
            json!({"filename": file}),
        )?;
        let document = result(text(&reply, "/statusUrl")?)?;
        ensure!(text(&document, "/status")? == "succeeded", "{document}");
        ensure!(text(&document, "/source/filename")? == file);
        let answer = document
            .pointer("/rekognition/detectLabels")
            .context("no answer")?;
        let boxes = boxed_labels(answer);
        ensure!(
            boxes.iter().any(
                |(name, confidence, [left, top, width, height])| name == label
                    && *confidence >= 55.0
                    && (*left..=left + width).contains(&x)
                    && (*top..=top + height).contains(&y)
            ),
            "{file}: no {label} at ({x}, {y}) in {boxes:?}"
        );
        ensure!(
            document
                .pointer("/rekognition/detectLabels/ImageProperties/DominantColors/0/HexCode")
                .is_some()
        );
        let names = document
            .pointer("/summary/labels")
            .and_then(Value::as_array)
            .context("no summary")?;
        ensure!(names.iter().any(|name| name == label), "{names:?}");
    }
    Ok(())
}

#[test]
fn a_picture_that_cannot_be_analysed_gets_a_document_with_the_reason() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let png = fs::read(picture("astronaut.png")?)?;
    let truncated = png.get(..png.len() / 3).context("too small")?;
    let cases: [(&str, &str, &[u8]); 6] = [
        ("text called a JPEG", "image/jpeg", b"this is no picture"),
        ("a truncated PNG", "image/png", truncated),
        (
            "a header and nothing else",
            "image/png",
            b"\x89PNG\r\n\x1a\n",
        ),
        (
            "WebP",
            "image/webp",
            b"RIFF\x24\0\0\0WEBPVP8L\x17\0\0\0\x2f\0\0\0\0\0\0\0\0",
        ),
        ("HEIC", "image/heic", b"\0\0\0\x18ftypheic\0\0\0\0heicmif1"),
        ("a 2 x 2 GIF", "image/gif", b"GIF89a\x02\0\x02\0\0\0\0;"),
    ];
    for (what, content_type, bytes) in cases {
        let reply = upload(&local.ready.api, content_type, bytes, json!({}))?;
        let document = result(text(&reply, "/statusUrl")?)?;
        ensure!(
            text(&document, "/status")? == "failed",
            "{what}: {document}"
        );
        let message = text(&document, "/errors/0/message")?;
        ensure!(
            message.len() > 20 && !text(&document, "/errors/0/code")?.is_empty(),
            "{what}: {message}"
        );
        ensure!(
            document.pointer("/errors/0/retryable") == Some(&json!(false)),
            "{what}"
        );
        ensure!(
            document
                .pointer("/rekognition")
                .is_some_and(|answers| answers == &json!({})),
            "{what}"
        );
    }
    Ok(())
}

#[test]
fn tesseract_reads_the_text_of_a_page() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let page = fs::read(picture("page.png")?)?;
    let read = |data: &str, arguments: &[&str]| {
        let local = Local::start(&folder.path().join(data), arguments)?;
        let reply = upload(&local.ready.api, "image/png", &page, json!({}))?;
        result(text(&reply, "/statusUrl")?)
    };
    let document = read("with", &["--analyses", "text"])?;
    ensure!(text(&document, "/status")? == "succeeded", "{document}");
    let version = text(&document, "/rekognition/detectText/TextModelVersion")?;
    ensure!(version.starts_with("tesseract-"), "{version}");
    let lines = document
        .pointer("/summary/text")
        .and_then(Value::as_array)
        .context("no summary")?;
    for said in ["markers of the coins", "pixels that we can label"] {
        ensure!(
            lines
                .iter()
                .any(|line| line.as_str().is_some_and(|line| line.contains(said))),
            "{said}: {lines:?}"
        );
    }

    let document = read("without", &["--analyses", "text", "--tesseract", "off"])?;
    ensure!(text(&document, "/status")? == "failed", "{document}");
    let message = text(&document, "/errors/0/message")?;
    ensure!(
        message.contains("DetectText") && message.contains("tesseract-ocr"),
        "{message}"
    );
    Ok(())
}

#[test]
fn custom_labels_come_from_an_own_model() -> Result<()> {
    let folder = tempfile::tempdir()?;
    // Tells which of red, green and blue a picture has most of.
    let model = root().join("crates/vision/tests/models/classifier.onnx");
    let labels = root().join("tests/models/colours.json");
    let colours = format!("colours={},{}", model.display(), labels.display());
    let local = Local::start(
        &folder.path().join("data"),
        &[
            "--custom-model",
            &colours,
            "--analyses",
            "labels,custom-labels",
        ],
    )?;
    let cat = fs::read(picture("chelsea.png")?)?;
    let reply = upload(&local.ready.api, "image/png", &cat, json!({}))?;
    let document = result(text(&reply, "/statusUrl")?)?;
    ensure!(text(&document, "/status")? == "succeeded", "{document}");
    ensure!(
        document.pointer("/summary/customLabels") == Some(&json!(["Red"])),
        "the cat is ginger: {document}"
    );
    ensure!(
        document
            .pointer("/rekognition/detectCustomLabels/CustomLabels/0/Geometry")
            .is_none()
    );

    for (arguments, said) in [
        (vec!["--analyses", "custom-labels"], "--custom-model"),
        (
            vec!["--custom-model", "colours=none.onnx,none.json"],
            "cannot read none.json",
        ),
        (
            vec!["--custom-model", &colours, "--custom-model", &colours],
            "twice",
        ),
        (
            vec!["--tesseract", "/nonexistent/tesseract"],
            "does not exist",
        ),
    ] {
        let refused = Local::start(&folder.path().join("other"), &arguments).err();
        let error = refused.context("it serves")?.to_string();
        ensure!(error.contains(said), "{said}: {error}");
    }
    Ok(())
}

#[test]
fn an_unsupported_analysis_leaves_the_others_unaffected() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &["--analyses", "labels,faces"])?;
    let bytes = fs::read(picture("astronaut.png")?)?;
    let reply = upload(&local.ready.api, "image/png", &bytes, json!({}))?;
    let document = result(text(&reply, "/statusUrl")?)?;
    ensure!(text(&document, "/status")? == "partial", "{document}");
    ensure!(
        text(&document, "/errors/0/analysis")? == "faces",
        "{document}"
    );
    ensure!(
        text(&document, "/errors/0/message")?.contains("DetectFaces"),
        "{document}"
    );
    ensure!(
        document
            .pointer("/rekognition/detectLabels/Labels/0")
            .is_some()
    );
    ensure!(document.pointer("/rekognition/detectFaces").is_none());

    let only = upload(
        &local.ready.api,
        "image/png",
        &bytes,
        json!({"analyses": ["labels"]}),
    )?;
    let document = result(text(&only, "/statusUrl")?)?;
    ensure!(text(&document, "/status")? == "succeeded", "{document}");
    ensure!(document.pointer("/analyses") == Some(&json!(["labels"])));
    ensure!(
        document
            .pointer("/rekognition/detectLabels/ImageProperties")
            .is_none()
    );
    Ok(())
}
