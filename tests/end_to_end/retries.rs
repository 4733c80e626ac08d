//! The unmodified processor while Rekognition throttles every call for half an hour. The queue's clock jumps from message to
//! message, so the half hour takes seconds.

use std::{collections::BTreeMap, fmt::Write as _, fs, time::Duration};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sightline_tests::{
    Local, TIMEOUT, artefacts,
    functions::{Clock, Delivery, Functions, objects, s3_event},
    picture, root, text,
    wire::{Server, answer},
};

const INPUT: &str = "retries-input";
const OUTPUT: &str = "retries-output";
/// How long Rekognition throttles.
const DISTURBANCE: Duration = Duration::from_secs(30 * 60);
const PICTURES: u32 = 4;

/// A number of `crates/pipeline/retries.json`.
fn number(numbers: &Value, name: &str) -> Result<u64> {
    let number = numbers.get(name).and_then(Value::as_u64);
    number.with_context(|| format!("{name} is missing in retries.json"))
}

#[test]
fn every_picture_is_answered_though_rekognition_throttles_for_half_an_hour() -> Result<()> {
    let numbers = fs::read_to_string(root().join("crates/pipeline/retries.json"))?;
    let numbers: Value = serde_json::from_str(&numbers)?;
    let number = |name| number(&numbers, name);
    let (first, longest) = (number("firstPauseSeconds")?, number("longestPauseSeconds")?);
    let max_receives = number("maxReceiveCount")?;

    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let aws = |arguments: &[&str]| local.ready.aws(arguments);
    for bucket in [INPUT, OUTPUT] {
        aws(&["s3api", "create-bucket", "--bucket", bucket])?;
    }
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures)?;
    // Small pictures are prepared quickly.
    let rocket = image::open(picture("rocket.jpg")?)?;
    for number in 0..PICTURES {
        let piece = rocket.crop_imm(10 * number, 0, 96, 96);
        piece.save(pictures.join(format!("{number}.png")))?;
    }
    aws(&[
        "s3",
        "cp",
        "--recursive",
        "--only-show-errors",
        &pictures.to_string_lossy(),
        &format!("s3://{INPUT}/uploads/"),
    ])?;
    let uploaded = objects(&aws, INPUT, "uploads/")?;
    ensure!(uploaded.len() == usize::try_from(PICTURES)?);

    let clock = Clock::jumping();
    let time = clock.clone();
    let rekognition = Server::start(move |_, stream| {
        let (status, body) = if time.now() < DISTURBANCE {
            (
                "400 Bad Request",
                json!({"__type": "ThrottlingException", "Message": "Rate exceeded"}),
            )
        } else {
            ("200 OK", json!({"Labels": [], "LabelModelVersion": "3.0"}))
        };
        let headers = [("content-type", "application/x-amz-json-1.1")];
        answer(stream, status, &headers, body.to_string().as_bytes())
    })?;
    let mut environment = local.ready.environment();
    environment.extend([
        ("AWS_ENDPOINT_URL_REKOGNITION", rekognition.url()),
        // The SDK's own retries take real time.
        ("AWS_RETRY_MODE", "standard".to_owned()),
        ("AWS_MAX_ATTEMPTS", "1".to_owned()),
        ("INPUT_BUCKET", INPUT.to_owned()),
        ("OUTPUT_BUCKET", OUTPUT.to_owned()),
        ("ANALYSES", "labels".to_owned()),
    ]);
    let events = uploaded
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
            visibility: Duration::from_secs(number("visibilityTimeoutSeconds")?),
            timeout: Duration::from_secs(number("batchSeconds")?),
            max_receives: u32::try_from(max_receives)?,
            clock: clock.clone(),
        },
        folder.path(),
    )?;
    let tally = functions.drain(3 * TIMEOUT)?;
    drop(functions);

    let mut pauses: BTreeMap<u32, Vec<u64>> = BTreeMap::new();
    for pause in &tally.pauses {
        pauses
            .entry(pause.receives)
            .or_default()
            .push(pause.seconds);
    }
    let mut report = format!(
        "{PICTURES} pictures, throttled for {} s; all were answered after {} s\n",
        DISTURBANCE.as_secs(),
        clock.now().as_secs()
    );
    for (receives, seconds) in &mut pauses {
        seconds.sort_unstable();
        writeln!(
            report,
            "pauses in seconds after failure {receives}: {seconds:?}"
        )?;
    }
    eprintln!("{report}");
    fs::write(artefacts()?.join("retries.txt"), &report)?;

    ensure!(tally.dead == 0, "{} dead letters", tally.dead);
    ensure!(tally.errors == 0, "{} failed invocations", tally.errors);
    ensure!(
        tally.pauses.len() as u64 == tally.redelivered,
        "{} messages came again, {} pauses were set",
        tally.redelivered,
        tally.pauses.len()
    );
    for (receives, seconds) in &pauses {
        let most = longest.min(first << (receives - 1).min(16));
        ensure!(
            seconds
                .iter()
                .all(|pause| (most / 2..=most).contains(pause)),
            "failure {receives}: {seconds:?} s where {most} s is the most"
        );
    }
    let latest = DISTURBANCE + Duration::from_secs(longest);
    ensure!(
        clock.now() <= latest,
        "the last picture took {:?}",
        clock.now()
    );
    for (key, ..) in &uploaded {
        let document = aws(&[
            "s3",
            "cp",
            &format!("s3://{OUTPUT}/results/{key}.json"),
            "-",
        ])?;
        let document: Value = serde_json::from_str(&document)?;
        ensure!(text(&document, "/status")? == "succeeded", "{document}");
    }
    Ok(())
}
