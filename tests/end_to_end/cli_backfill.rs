//! `sightline backfill`, and its queue as other clients use it.

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

/// More than are queued at the same time.
const PICTURES: usize = 100;
/// The number of pictures between two saves of the progress.
const SAVED_AT_ONCE: usize = 80;

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

fn stderr(output: &Output) -> String {
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

/// Waits until this number of pictures has a result.
fn wait_for_results(local: &Local, count: usize) -> Result<()> {
    let began = Instant::now();
    loop {
        let results = results(local)?;
        if results == count {
            return Ok(());
        }
        ensure!(
            began.elapsed() < TIMEOUT && results < count,
            "{results} have a result, not {count}"
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

/// Starts a queue that accepts this number of batches and then denies access. It says of itself what `states` says, the last
/// state again and again: how many messages wait, and for how many seconds they are kept.
fn limited_queue(batches: usize, states: &'static [(u32, u32)]) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = format!("http://{}", listener.local_addr()?);
    thread::spawn(move || -> Result<()> {
        let mut taken = 0;
        let mut states = states.iter();
        let mut state = states.next();
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
            let (status, answer) = if entries.is_none() {
                let (waiting, retention) = *state.context("no state")?;
                state = states.next().or(state);
                let attributes = json!({
                    "ApproximateNumberOfMessages": waiting.to_string(),
                    "ApproximateNumberOfMessagesNotVisible": "0",
                    "MessageRetentionPeriod": retention.to_string(),
                });
                ("200 OK", json!({ "Attributes": attributes }))
            } else if taken < batches {
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
fn a_backfill_counts_queues_and_continues_after_an_interruption() -> Result<()> {
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
    // Their results are removed after the upload.
    run(Command::new(binary("sightline")?)
        .args(["upload", "--analyses", "image-properties"])
        .arg(&pictures)
        .env("SIGHTLINE_API", &local.ready.api)
        .env("XDG_STATE_HOME", &state))?;
    let remove_results = || {
        local.ready.aws(&[
            "s3",
            "rm",
            "--quiet",
            "--recursive",
            "s3://sightline-output/",
        ])
    };
    remove_results()?;

    let all = "s3://sightline-input/uploads/";
    let output = backfill(&local, &state, &[all, "--dry-run"])?.output()?;
    ensure!(output.status.success(), "{}", stderr(&output));
    let estimate = String::from_utf8(output.stdout)?;
    for part in ["100 (", "cost at most $0.18", "labels,image-properties"] {
        ensure!(estimate.contains(part), "{estimate}");
    }
    let output = backfill(&local, &state, &[all])?.output()?;
    ensure!(
        output.status.code() == Some(2) && stderr(&output).contains("--yes"),
        "{}",
        stderr(&output)
    );
    let output = backfill(&local, &state, &["s3://sightline-input/old/"])?.output()?;
    ensure!(
        output.status.code() == Some(2) && stderr(&output).contains("aws s3 cp"),
        "{}",
        stderr(&output)
    );
    let output = backfill(&local, &state, &["s3://nobucket/uploads/", "--dry-run"])?.output()?;
    ensure!(
        output.status.code() == Some(4) && stderr(&output).contains("NoSuchBucket"),
        "{}",
        stderr(&output)
    );
    ensure!(calls(&data, "sqs:SendMessageBatch")? == 0);

    // A run that fails has queued some pictures, and the next one continues after them.
    let queue = format!("{}/000000000000/sightline-bulk", local.ready.aws);
    let arguments = [all, "--yes", "--queue-url", &queue];
    let output = backfill(&local, &state, &arguments)?
        .env(
            "AWS_ENDPOINT_URL_SQS",
            limited_queue(SAVED_AT_ONCE / 10, &[(0, DAY)])?,
        )
        .output()?;
    ensure!(
        output.status.code() == Some(4) && stderr(&output).contains("not any more"),
        "{} {}",
        output.status,
        stderr(&output)
    );
    let output = backfill(&local, &state, &arguments)?.output()?;
    ensure!(output.status.success(), "{}", stderr(&output));
    ensure!(
        stderr(&output).contains("An earlier run queued 80 pictures"),
        "{}",
        stderr(&output)
    );
    ensure!(String::from_utf8_lossy(&output.stdout).contains("20 pictures queued."));
    wait_for_results(&local, PICTURES - SAVED_AT_ONCE)?;

    // After a successful run, the next starts from the beginning. Pictures with a result are not analysed again.
    let before = calls(&data, "rekognition:DetectLabels")?;
    let output = backfill(&local, &state, &[all, "--yes"])?.output()?;
    ensure!(output.status.success(), "{}", stderr(&output));
    ensure!(String::from_utf8_lossy(&output.stdout).contains("100 pictures queued."));
    wait_for_results(&local, PICTURES)?;
    ensure!(calls(&data, "rekognition:DetectLabels")? == before + SAVED_AT_ONCE);

    let output = backfill(&local, &state, &[all, "--yes"])?
        .env("AWS_SECRET_ACCESS_KEY", "another")
        .output()?;
    ensure!(output.status.code() == Some(4), "{}", stderr(&output));
    Ok(())
}

/// In seconds.
const DAY: u32 = 24 * 60 * 60;

#[test]
fn a_backfill_keeps_to_the_pace_and_the_retention_of_its_queue() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let state = folder.path().join("state");
    let local = Local::start(&folder.path().join("data"), &[])?;
    for number in 0..20_u8 {
        let bytes = [number; 10];
        sightline_tests::upload(&local.ready.api, "image/png", &bytes, json!({}))?;
    }
    let all = "s3://sightline-input/uploads/";
    let run = |states, arguments: &[&str]| -> Result<Output> {
        let mut command = backfill(&local, &state, &[all, "--yes"])?;
        command
            .args(arguments)
            .args(["--queue-url", "http://queue/1/bulk"])
            .env("AWS_ENDPOINT_URL_SQS", limited_queue(100, states)?);
        Ok(command.output()?)
    };
    // Ten messages of a day at a rate of 0.24 pictures a second are more than a queue of a minute keeps.
    let refused = run(&[(10, 60)], &["--rekognition-tps", "1"])?;
    ensure!(refused.status.code() == Some(2), "{}", stderr(&refused));
    for part in ["drops messages after 1 minute", "--limit 2,"] {
        ensure!(stderr(&refused).contains(part), "{}", stderr(&refused));
    }
    let limited = run(&[(0, DAY)], &["--rekognition-tps", "1", "--limit", "6"])?;
    ensure!(limited.status.success(), "{}", stderr(&limited));
    let printed = String::from_utf8(limited.stdout)?;
    for part in [
        "about a minute: --rekognition-tps allows 1",
        "6 pictures queued.",
    ] {
        ensure!(printed.contains(part), "{printed}");
    }
    // The queue is full at first.
    let began = Instant::now();
    let paced = run(&[(5000, DAY), (5000, DAY), (10, DAY)], &[])?;
    ensure!(paced.status.success(), "{}", stderr(&paced));
    for part in [
        "An earlier run queued 6 pictures",
        "Waiting for some of the 5000 messages",
    ] {
        ensure!(stderr(&paced).contains(part), "{}", stderr(&paced));
    }
    ensure!(String::from_utf8_lossy(&paced.stdout).contains("14 pictures queued."));
    ensure!(began.elapsed() > Duration::from_secs(2));
    Ok(())
}

#[test]
fn the_queue_behaves_like_sqs() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let local = Local::start(&data, &[])?;
    let sqs = |arguments: &[&str]| {
        // This client ignores AWS_ENDPOINT_URL for SQS.
        let mut all = vec!["--endpoint-url", &local.ready.aws, "sqs"];
        all.extend_from_slice(arguments);
        local.ready.aws(&all)
    };
    let answer: Value =
        serde_json::from_str(&sqs(&["get-queue-url", "--queue-name", "sightline"])?)?;
    let url = text(&answer, "/QueueUrl")?;
    // S3's own test message, which the processor ignores.
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
    let bulk: Value =
        serde_json::from_str(&sqs(&["get-queue-url", "--queue-name", "sightline-bulk"])?)?;
    let bulk = text(&bulk, "/QueueUrl")?;
    sqs(&["send-message", "--queue-url", bulk, "--message-body", &body])?;
    let names = ["ApproximateNumberOfMessages", "MessageRetentionPeriod"];
    let mut arguments = vec![
        "get-queue-attributes",
        "--queue-url",
        bulk,
        "--attribute-names",
    ];
    arguments.extend(names);
    let attributes: Value = serde_json::from_str(&sqs(&arguments)?)?;
    for name in names {
        let value = text(&attributes, &format!("/Attributes/{name}"))?;
        ensure!(value.parse::<u32>().is_ok(), "{attributes}");
    }
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
        let error = sqs(arguments).err().context("the command succeeded")?;
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
