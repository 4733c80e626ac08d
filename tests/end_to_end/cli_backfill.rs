//! `sightline backfill`, and the queue that it fills as other clients see it.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpListener,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use image::{Rgb, RgbImage};
use serde_json::{Value, json};
use sightline_tests::{Local, TIMEOUT, aws_calls, binary, run, text};

/// More than are queued at once.
const PICTURES: usize = 100;
/// How many are on their way before it is noted how far a run got.
const AT_ONCE: usize = 80;

fn backfill(local: &Local, state: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(binary("sightline")?);
    command
        .arg("backfill")
        .args(arguments)
        .envs(local.ready.environment())
        .env("XDG_STATE_HOME", state)
        .env_remove("SIGHTLINE_QUEUE_URL")
        .stdin(Stdio::null());
    Ok(command)
}

fn told(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn results(local: &Local) -> Result<usize> {
    let listed = local.ready.aws(&[
        "s3api",
        "list-objects-v2",
        "--bucket",
        "sightline-output",
        "--prefix",
        "results/",
    ])?;
    let listed: Value = serde_json::from_str(if listed.is_empty() { "{}" } else { &listed })?;
    Ok(listed
        .get("Contents")
        .and_then(Value::as_array)
        .map_or(0, Vec::len))
}

/// Waits until so many pictures have their answer.
fn answered(local: &Local, count: usize) -> Result<()> {
    let began = Instant::now();
    loop {
        let results = results(local)?;
        if results == count {
            return Ok(());
        }
        ensure!(
            began.elapsed() < TIMEOUT && results < count,
            "{results} have an answer, not {count}"
        );
        thread::sleep(Duration::from_millis(100));
    }
}

fn calls(data: &Path, action: &str) -> Result<usize> {
    Ok(aws_calls(data)?
        .iter()
        .filter(|call| call.get("action").and_then(Value::as_str) == Some(action))
        .count())
}

/// A queue that takes a few batches and then refuses.
fn queue_that_takes(batches: usize) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || -> Result<()> {
        let mut taken = 0;
        for stream in listener.incoming() {
            let stream = stream?;
            let mut reader = BufReader::new(stream.try_clone()?);
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line)? <= 2 {
                    break;
                }
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse()?;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body)?;
            let request: Value = serde_json::from_slice(&body)?;
            let entries = request.get("Entries").and_then(Value::as_array).cloned();
            let (status, answer) = if taken < batches {
                taken += 1;
                let successful: Vec<_> = entries
                    .unwrap_or_default()
                    .iter()
                    .map(|entry| json!({"Id": entry.get("Id"), "MessageId": "m", "MD5OfMessageBody": "0"}))
                    .collect();
                ("200 OK", json!({"Successful": successful, "Failed": []}))
            } else {
                (
                    "403 Forbidden",
                    json!({"__type": "com.amazon.coral.service#AccessDeniedException", "message": "not any more"}),
                )
            };
            let answer = answer.to_string();
            write!(
                &stream,
                "HTTP/1.1 {status}\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{answer}",
                answer.len()
            )?;
        }
        Ok(())
    });
    Ok(address)
}

#[test]
fn pictures_that_lay_there_before_are_counted_queued_once_and_gone_on_with() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, state) = (folder.path().join("data"), folder.path().join("state"));
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures)?;
    for number in 0..PICTURES {
        let shade = u8::try_from(number)?;
        RgbImage::from_pixel(80, 80, Rgb([shade, 255 - shade, 9]))
            .save(pictures.join(format!("{number}.png")))?;
    }
    let local = Local::start(&data, &[])?;
    // They come with their answers, which are then taken away.
    run(Command::new(binary("sightline")?)
        .args(["upload", "--analyses", "image-properties"])
        .arg(&pictures)
        .env("SIGHTLINE_API", &local.ready.api)
        .env("XDG_STATE_HOME", &state))?;
    let forget = || {
        local.ready.aws(&[
            "s3",
            "rm",
            "--quiet",
            "--recursive",
            "s3://sightline-output/",
        ])
    };
    forget()?;

    let all = "s3://sightline-input/uploads/";
    let output = backfill(&local, &state, &[all, "--dry-run"])?.output()?;
    ensure!(output.status.success(), "{}", told(&output));
    let estimate = String::from_utf8(output.stdout)?;
    for part in ["100 (", "cost at most $0.18", "labels,image-properties"] {
        ensure!(estimate.contains(part), "{estimate}");
    }
    let output = backfill(&local, &state, &[all])?.output()?;
    ensure!(
        output.status.code() == Some(2) && told(&output).contains("--yes"),
        "{}",
        told(&output)
    );
    let output = backfill(&local, &state, &["s3://sightline-input/old/"])?.output()?;
    ensure!(
        output.status.code() == Some(2) && told(&output).contains("aws s3 cp"),
        "{}",
        told(&output)
    );
    let output = backfill(&local, &state, &["s3://nobucket/uploads/", "--dry-run"])?.output()?;
    ensure!(
        output.status.code() == Some(4) && told(&output).contains("NoSuchBucket"),
        "{}",
        told(&output)
    );
    ensure!(calls(&data, "sqs:SendMessageBatch")? == 0);

    // A run that ends early has its pictures up to there queued, and the next goes on behind them.
    let queue = format!("{}/000000000000/sightline", local.ready.aws);
    let arguments = [all, "--yes", "--queue-url", &queue];
    let output = backfill(&local, &state, &arguments)?
        .env("AWS_ENDPOINT_URL_SQS", queue_that_takes(AT_ONCE / 10)?)
        .output()?;
    ensure!(
        output.status.code() == Some(4) && told(&output).contains("not any more"),
        "{} {}",
        output.status,
        told(&output)
    );
    let output = backfill(&local, &state, &arguments)?.output()?;
    ensure!(output.status.success(), "{}", told(&output));
    ensure!(
        told(&output).contains("An earlier run queued 80 pictures"),
        "{}",
        told(&output)
    );
    ensure!(String::from_utf8_lossy(&output.stdout).contains("20 pictures are queued."));
    answered(&local, PICTURES - AT_ONCE)?;

    // A run that ended well is forgotten. What has its answer is not asked about again.
    let asked = calls(&data, "rekognition:DetectLabels")?;
    let output = backfill(&local, &state, &[all, "--yes"])?.output()?;
    ensure!(output.status.success(), "{}", told(&output));
    ensure!(String::from_utf8_lossy(&output.stdout).contains("100 pictures are queued."));
    answered(&local, PICTURES)?;
    ensure!(calls(&data, "rekognition:DetectLabels")? == asked + AT_ONCE);

    let output = backfill(&local, &state, &[all, "--yes"])?
        .env("AWS_SECRET_ACCESS_KEY", "another")
        .output()?;
    ensure!(output.status.code() == Some(4), "{}", told(&output));
    Ok(())
}

#[test]
fn the_queue_answers_other_clients_as_sqs_does() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let local = Local::start(&data, &[])?;
    let sqs = |arguments: &[&str]| {
        // Named outright: this client does not look for SQS at AWS_ENDPOINT_URL.
        let mut all = vec!["--endpoint-url", &local.ready.aws, "sqs"];
        all.extend_from_slice(arguments);
        local.ready.aws(&all)
    };
    let answer: Value =
        serde_json::from_str(&sqs(&["get-queue-url", "--queue-name", "sightline"])?)?;
    let url = text(&answer, "/QueueUrl")?;
    // S3's own test message: understood, and nothing to do.
    let body = json!({"Event": "s3:TestEvent"}).to_string();
    let sent: Value = serde_json::from_str(&sqs(&[
        "send-message",
        "--queue-url",
        url,
        "--message-body",
        &body,
    ])?)?;
    ensure!(!text(&sent, "/MessageId")?.is_empty(), "{sent}");
    let entries = json!([{"Id": "a", "MessageBody": body}, {"Id": "b", "MessageBody": body}]);
    let sent: Value = serde_json::from_str(&sqs(&[
        "send-message-batch",
        "--queue-url",
        url,
        "--entries",
        &entries.to_string(),
    ])?)?;
    ensure!(
        sent.get("Successful")
            .and_then(Value::as_array)
            .map(Vec::len)
            == Some(2),
        "{sent}"
    );
    for (arguments, code) in [
        (
            &["get-queue-url", "--queue-name", "another"][..],
            "QueueDoesNotExist",
        ),
        (
            &["receive-message", "--queue-url", url],
            "UnsupportedOperation",
        ),
        (
            &[
                "send-message-batch",
                "--queue-url",
                url,
                "--entries",
                r#"[{"Id": "a", "MessageBody": "1"}, {"Id": "a", "MessageBody": "2"}]"#,
            ],
            "BatchEntryIdsNotDistinct",
        ),
    ] {
        let error = sqs(arguments).err().context("it should be refused")?;
        ensure!(error.to_string().contains(code), "{arguments:?}: {error}");
    }
    let unsigned = sightline_tests::http(
        "POST",
        &local.ready.aws,
        &[("x-amz-target", "AmazonSQS.SendMessage")],
        b"{}",
    )?;
    ensure!(
        unsigned.json()?.get("__type").and_then(Value::as_str)
            == Some("com.amazonaws.sqs#MissingAuthenticationTokenException"),
        "{}",
        String::from_utf8_lossy(&unsigned.body)
    );
    Ok(())
}
