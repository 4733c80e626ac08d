//! All eight analyses at once, against a Rekognition that replays documented answers: each answer is in the
//! document unchanged, and botocore's parser finds all of it there.

use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value};
use sightline_tests::{
    Local, TIMEOUT,
    functions::{Clock, Delivery, Functions, objects, s3_event},
    picture, rekognition, root, run, text, tool,
};

const INPUT: &str = "replay-input";
const OUTPUT: &str = "replay-output";
const MODEL: &str =
    "arn:aws:rekognition:us-east-1:111122223333:project/logos/version/logos.1/1767225600000";

/// The prepared answers: file name to {operation: answer}.
fn answers(folder: &Path) -> Result<BTreeMap<String, Map<String, Value>>> {
    fs::read_dir(folder)?
        .map(|file| {
            let path = file?.path();
            let name = path.file_stem().context("no name")?.to_string_lossy();
            Ok((
                name.into_owned(),
                serde_json::from_str(&fs::read_to_string(&path)?)?,
            ))
        })
        .collect()
}

#[test]
fn every_answer_of_every_operation_arrives_complete() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let ready = &local.ready;
    let aws = |arguments: &[&str]| ready.aws(arguments);
    for bucket in [INPUT, OUTPUT] {
        aws(&["s3api", "create-bucket", "--bucket", bucket])?;
    }
    let script = root().join("tests/clients/rekognition_answers.py");
    let prepared = folder.path().join("answers");
    run(Command::new(tool("python"))
        .arg(&script)
        .arg("write")
        .arg(&prepared))?;
    let answers = answers(&prepared)?;
    ensure!(
        answers.len() > 3 && answers.values().all(|of| of.len() == 7),
        "{:?}",
        answers.keys()
    );

    // One picture for each set of answers, with the same name.
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures)?;
    for name in answers.keys() {
        fs::copy(
            picture("chelsea.png")?,
            pictures.join(format!("{name}.png")),
        )?;
    }
    aws(&[
        "s3",
        "cp",
        "--recursive",
        "--only-show-errors",
        &pictures.to_string_lossy(),
        &format!("s3://{INPUT}/uploads/"),
    ])?;

    let replayed = answers.clone();
    let stand_in = rekognition::replay(move |operation, object| {
        let name = object.strip_prefix("uploads/")?.strip_suffix(".png")?;
        Some(replayed.get(name)?.get(operation)?.to_string())
    })?;
    let mut environment = ready.environment();
    environment.extend([
        ("AWS_ENDPOINT_URL_REKOGNITION", stand_in.url()),
        ("INPUT_BUCKET", INPUT.to_owned()),
        ("OUTPUT_BUCKET", OUTPUT.to_owned()),
        (
            "ANALYSES",
            "labels,image-properties,faces,text,moderation,celebrities,ppe,custom-labels"
                .to_owned(),
        ),
        ("CUSTOM_LABELS_ARN", MODEL.to_owned()),
    ]);
    let events = objects(&aws, INPUT, "uploads/")?
        .iter()
        .map(|(key, e_tag, size)| s3_event(INPUT, key, e_tag, *size).to_string())
        .collect();
    let mut functions = Functions::start(
        "sightline-processor",
        1,
        &environment,
        events,
        Delivery {
            batch: 10,
            visibility: Duration::from_secs(1),
            timeout: Duration::from_secs(60),
            max_receives: 5,
            clock: Clock::running(Duration::from_secs(1)),
        },
        folder.path(),
    )?;
    let tally = functions.drain(TIMEOUT)?;
    ensure!(tally.errors == 0 && tally.dead == 0, "{tally:?}");

    let results = folder.path().join("results");
    aws(&[
        "s3",
        "cp",
        "--recursive",
        "--only-show-errors",
        &format!("s3://{OUTPUT}/results/uploads/"),
        &results.to_string_lossy(),
    ])?;
    for name in answers.keys() {
        let said = run(Command::new(tool("python"))
            .arg(&script)
            .arg("compare")
            .arg(prepared.join(format!("{name}.json")))
            .arg(results.join(format!("{name}.png.json"))))?;
        ensure!(said.contains("values are equal"), "{said}");
    }

    // The summary of the documented answers.
    let document: Value =
        serde_json::from_str(&fs::read_to_string(results.join("documented.png.json"))?)?;
    for (member, expected) in [
        ("/summary/labels/0", "Person"),
        ("/summary/text/0", "IT'S MONDAY"),
        ("/summary/moderation/0", "Smoking"),
        ("/summary/customLabels/0", "MyLogo"),
    ] {
        ensure!(
            text(&document, member)? == expected,
            "{member}: {}",
            document.pointer("/summary").unwrap_or(&Value::Null)
        );
    }
    ensure!(document.pointer("/summary/faces/count") == Some(&Value::from(1)));
    Ok(())
}
