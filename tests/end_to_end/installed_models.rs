//! With the models of `sightline models` installed, every operation that has a model is answered.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sightline_tests::{Local, picture, result, root, run, text, tool, upload};

use crate::needs;

#[test]
fn boto3_parses_every_answer_of_the_installed_models() -> Result<()> {
    let Some(models) = needs::models_dir() else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let models = models.to_string_lossy();
    let local = Local::start(
        &folder.path().join("data"),
        &["--models", "auto", "--models-dir", &models],
    )?;
    let pictures = picture("astronaut.png")?;
    let pictures = pictures.parent().context("no folder")?;
    let said = run(Command::new(tool("python"))
        .arg(root().join("tests/clients/installed_models.py"))
        .arg(&local.ready.input_bucket)
        .arg(pictures)
        .envs(local.ready.environment()))?;
    ensure!(said.contains("7 checks passed"), "{said}");
    Ok(())
}

#[test]
fn an_upload_gets_all_analyses_that_the_installed_models_answer() -> Result<()> {
    let Some(models) = needs::models_dir() else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let models = models.to_string_lossy();
    let local = Local::start(
        &folder.path().join("data"),
        &["--models", "auto", "--models-dir", &models],
    )?;
    let bytes = fs::read(picture("astronaut.png")?)?;
    let reply = upload(&local.ready.api, "image/png", &bytes, json!({}))?;
    let document = result(text(&reply, "/statusUrl")?)?;
    ensure!(text(&document, "/status")? == "succeeded", "{document}");
    let all = json!(["labels", "image-properties", "faces", "text", "moderation"]);
    ensure!(document.pointer("/analyses") == Some(&all), "{document}");
    let faces = document
        .pointer("/rekognition/detectFaces/FaceDetails")
        .and_then(Value::as_array);
    ensure!(faces.is_some_and(|faces| faces.len() == 1), "{document}");
    for answer in [
        "detectLabels/Labels",
        "detectText/TextDetections",
        "detectModerationLabels/ModerationLabels",
    ] {
        let pointer = format!("/rekognition/{answer}");
        ensure!(
            document.pointer(&pointer).is_some_and(Value::is_array),
            "{pointer}: {document}"
        );
    }

    let log = fs::read_to_string(folder.path().join("data.log"))?;
    for line in [
        "Faces: the model \"faces\".",
        "Unsafe content: the model \"moderation\".",
    ] {
        ensure!(log.lines().any(|said| said == line), "{line}: {log}");
    }
    ensure!(!log.contains("sightline models fetch"), "{log}");
    Ok(())
}

#[test]
fn without_models_the_start_message_says_how_to_get_them() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let empty = folder.path().join("models");
    let _local = Local::start(
        &folder.path().join("data"),
        &["--models", "auto", "--models-dir", &empty.to_string_lossy()],
    )?;
    // The message follows the file that says it is ready.
    let log = folder.path().join("data.log");
    let said = || fs::read_to_string(&log).unwrap_or_default();
    let began = std::time::Instant::now();
    while !said().contains("Press Ctrl-C") && began.elapsed() < sightline_tests::TIMEOUT {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    ensure!(
        said().contains("run `sightline models fetch` and start again"),
        "{}",
        said()
    );
    Ok(())
}
