//! The AWS CLI and boto3 as independent clients of the local endpoint.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sightline_tests::{Local, boxed_labels, picture, result, root, run, text, tool};

#[test]
fn aws_s3_cp_alone_leads_to_a_result() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let ready = &local.ready;
    let aws = |arguments: &[&str]| ready.aws(arguments);
    let cat = picture("chelsea.png")?;
    let target = format!("s3://{}/uploads/my cat+1.png", ready.input_bucket);
    aws(&["s3", "cp", "--no-progress", &cat.to_string_lossy(), &target])?;
    let document = result(&format!("{}/results/uploads/my%20cat%2B1.png", ready.api))?;
    ensure!(text(&document, "/source/key")? == "uploads/my cat+1.png");

    let listed = aws(&[
        "s3",
        "ls",
        "--recursive",
        &format!("s3://{}/results/", ready.output_bucket),
    ])?;
    ensure!(
        listed
            .trim_end()
            .ends_with("results/uploads/my cat+1.png.json"),
        "{listed}"
    );
    let fetched = folder.path().join("fetched.json");
    aws(&[
        "s3",
        "cp",
        "--no-progress",
        &format!(
            "s3://{}/results/uploads/my cat+1.png.json",
            ready.output_bucket
        ),
        &fetched.to_string_lossy(),
    ])?;
    let stored: Value = serde_json::from_str(&fs::read_to_string(fetched)?)?;
    ensure!(stored == document);
    Ok(())
}

#[test]
fn aws_rekognition_detect_labels_answers_for_an_object() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let ready = &local.ready;
    let aws = |arguments: &[&str]| ready.aws(arguments);
    aws(&[
        "s3",
        "cp",
        "--no-progress",
        &picture("motorcycle_left.png")?.to_string_lossy(),
        &format!("s3://{}/elsewhere/motorcycle.png", ready.input_bucket),
    ])?;
    let image = format!(
        "S3Object={{Bucket={},Name=elsewhere/motorcycle.png}}",
        ready.input_bucket
    );
    let answer: Value = serde_json::from_str(&aws(&[
        "rekognition",
        "detect-labels",
        "--image",
        &image,
        "--max-labels",
        "5",
        "--min-confidence",
        "56",
    ])?)?;
    let labels = answer
        .get("Labels")
        .and_then(Value::as_array)
        .context("no labels")?;
    ensure!(!labels.is_empty() && labels.len() <= 5, "{answer}");
    ensure!(
        boxed_labels(&answer)
            .iter()
            .any(|(name, ..)| name == "Motorcycle"),
        "{answer}"
    );
    Ok(())
}

#[test]
fn boto3_finds_s3_and_rekognition_as_it_knows_them() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let model = root().join("crates/vision/tests/models/classifier.onnx");
    let labels = root().join("tests/models/colours.json");
    let colours = format!("colours={},{}", model.display(), labels.display());
    let local = Local::start(&folder.path().join("data"), &["--custom-model", &colours])?;
    let ready = &local.ready;
    let output = run(Command::new(tool("python"))
        .arg("-I")
        .arg(root().join("tests/clients/boto3_client.py"))
        .args([&ready.api, &ready.input_bucket, &ready.output_bucket])
        .arg(root().join("tests/.pictures"))
        .envs(ready.environment()))?;
    ensure!(output.trim_end().ends_with("checks passed"), "{output}");
    Ok(())
}
