//! The unmodified Lambda functions under `cargo lambda watch`, which speaks Lambda's Runtime API, against
//! the local endpoint. They have buckets of their own, so that nothing else processes their objects.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sightline_tests::{
    Local, TIMEOUT, binary,
    functions::{s3_event, sqs_message},
    http,
    invoke::{invoke, through_gateway},
    picture, put, root, text, tool,
};

const INPUT: &str = "lambda-input";
const OUTPUT: &str = "lambda-output";

/// Processes that end with the test.
struct Running(Vec<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        for process in &mut self.0 {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// The Runtime API with both functions attached.
struct Lambda {
    address: String,
    _running: Running,
}

impl Lambda {
    /// With these variables besides the buckets.
    fn start(local: &Local, folder: &Path, variables: &[(&str, &str)]) -> Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let log = |name: &str| fs::File::create(folder.join(format!("{name}.log")));
        let mut running = Running(Vec::new());
        running.0.push(
            Command::new(tool("cargo-lambda"))
                .args(["lambda", "watch", "--only-lambda-apis", "--disable-cors"])
                .args(["-A", "127.0.0.1", "-P", &port.to_string()])
                .current_dir(root())
                .stdin(Stdio::null())
                .stdout(log("watch")?)
                .stderr(log("watch-errors")?)
                .spawn()
                .context("cargo-lambda cannot be started; tests/run installs it")?,
        );
        let began = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            ensure!(
                began.elapsed() < TIMEOUT,
                "cargo lambda watch does not listen"
            );
            thread::sleep(Duration::from_millis(20));
        }
        for function in ["sightline-upload-api", "sightline-processor"] {
            running.0.push(
                Command::new(binary(function)?)
                    .envs(local.ready.environment())
                    .env(
                        "AWS_LAMBDA_RUNTIME_API",
                        format!("http://127.0.0.1:{port}/.rt/{function}"),
                    )
                    .env("AWS_LAMBDA_FUNCTION_NAME", function)
                    .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
                    .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
                    .env("INPUT_BUCKET", INPUT)
                    .env("OUTPUT_BUCKET", OUTPUT)
                    .envs(variables.iter().copied())
                    .stdin(Stdio::null())
                    .stdout(log(function)?)
                    .stderr(log(&format!("{function}-errors"))?)
                    .spawn()?,
            );
        }
        Ok(Self {
            address: format!("http://127.0.0.1:{port}"),
            _running: running,
        })
    }

    /// Invokes the processor and returns its response.
    fn process(&self, event: &Value) -> Result<Value> {
        invoke(&self.address, "sightline-processor", event)
    }

    fn gateway(
        &self,
        subject: Option<&str>,
        method: &str,
        path: &str,
        body: &Value,
    ) -> Result<(u64, Value)> {
        through_gateway(&self.address, subject, method, path, body)
    }

    /// Calls the upload API through a function URL.
    fn api(&self, method: &str, path: &str, body: &Value) -> Result<sightline_tests::Answer> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        http(
            method,
            &format!("{}/lambda-url/sightline-upload-api{path}", self.address),
            &[("content-type", "application/json")],
            body.as_bytes(),
        )
    }
}

#[test]
fn both_functions_respond_and_a_batch_names_only_its_bad_record() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let aws = |arguments: &[&str]| local.ready.aws(arguments);
    for bucket in [INPUT, OUTPUT] {
        aws(&["s3api", "create-bucket", "--bucket", bucket])?;
    }
    let namespace = [("METRICS_NAMESPACE", "Sightline/test")];
    let lambda = Lambda::start(&local, folder.path(), &namespace)?;

    // The API function: a URL, an upload, a pending result.
    let health = lambda.api("GET", "/health", &Value::Null)?;
    ensure!(
        health.status == 200,
        "{}",
        String::from_utf8_lossy(&health.body)
    );
    let bytes = fs::read(picture("astronaut.png")?)?;
    let reply = lambda.api(
        "POST",
        "/uploads",
        &json!({"contentType": "image/png", "contentLength": bytes.len(), "filename": "a b.png"}),
    )?;
    ensure!(
        reply.status == 201,
        "{}",
        String::from_utf8_lossy(&reply.body)
    );
    let reply = reply.json()?;
    let stored = put(&reply, &bytes)?;
    ensure!(
        stored.status == 200,
        "{}",
        String::from_utf8_lossy(&stored.body)
    );
    let key = text(&reply, "/key")?;
    let pending = lambda.api("GET", &format!("/results/{key}"), &Value::Null)?;
    ensure!(
        pending.status == 202 && pending.header("retry-after").is_some(),
        "{}",
        pending.status
    );
    let problem = lambda.api(
        "POST",
        "/uploads",
        &json!({"contentType": "text/plain", "contentLength": 1}),
    )?;
    ensure!(
        problem.status == 415 || problem.status == 400 || problem.status == 422,
        "{}",
        problem.status
    );
    ensure!(problem.header("content-type") == Some("application/problem+json"));

    // The processor: a batch of three messages, one of which is unreadable.
    aws(&[
        "s3",
        "cp",
        "--no-progress",
        &picture("chelsea.png")?.to_string_lossy(),
        &format!("s3://{INPUT}/uploads/my cat+1.png"),
    ])?;
    let e_tag = |key: &str| -> Result<String> {
        let head: Value = serde_json::from_str(&aws(&[
            "s3api",
            "head-object",
            "--bucket",
            INPUT,
            "--key",
            key,
        ])?)?;
        Ok(text(&head, "/ETag")?.trim_matches('"').to_owned())
    };
    let first = s3_event(INPUT, key, &e_tag(key)?, bytes.len() as u64);
    let cat = s3_event(
        INPUT,
        "uploads/my cat+1.png",
        &e_tag("uploads/my cat+1.png")?,
        240_512,
    );
    let answer = lambda.process(&json!({"Records": [
        sqs_message("good-1", &first.to_string(), 1),
        sqs_message("bad", "{\"Records\": [{\"s3\": 7", 1),
        sqs_message("good-2", &cat.to_string(), 1),
    ]}))?;
    ensure!(
        answer == json!({"batchItemFailures": [{"itemIdentifier": "bad"}]}),
        "{answer}"
    );

    let document = lambda.api("GET", &format!("/results/{key}"), &Value::Null)?;
    ensure!(document.status == 200, "{}", document.status);
    let document = document.json()?;
    ensure!(text(&document, "/status")? == "succeeded", "{document}");
    ensure!(text(&document, "/source/filename")? == "a b.png");
    let cat_document = lambda
        .api("GET", "/results/uploads/my%20cat%2B1.png", &Value::Null)?
        .json()?;
    ensure!(
        text(&cat_document, "/source/key")? == "uploads/my cat+1.png",
        "{cat_document}"
    );

    // S3's own event, without a queue, and the event that S3 sends when a notification is set up.
    let again = lambda.process(&first)?;
    ensure!(again.is_null(), "{again}");
    let test_event = json!({"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-01T00:00:00.000Z",
        "Bucket": INPUT, "RequestId": "5582815E1AEA5ADF", "HostId": "example"});
    lambda.process(&test_event)?;

    // The repeated event caused no second call.
    let calls = sightline_tests::aws_calls(&folder.path().join("data"))?;
    let count = calls
        .iter()
        .filter(|call| {
            call["action"] == "rekognition:DetectLabels"
                && call["resource"].to_string().contains(key)
        })
        .count();
    ensure!(count == 1, "{count} calls for one picture");

    // The logs hold metric lines for CloudWatch: two pictures in one function's, one picture in a request in the other's.
    let inline = lambda.api(
        "POST",
        "/images",
        &json!({"image": STANDARD.encode(fs::read(picture("rocket.jpg")?)?)}),
    )?;
    ensure!(inline.status == 201, "{}", inline.status);
    for (function, images) in [("sightline-processor", 2.0), ("sightline-upload-api", 1.0)] {
        let log = folder.path().join(format!("{function}.log"));
        for figure in ["Images", "BilledCalls", "TotalTime", "CostUsd"] {
            let (lines, sum) = embedded(&log, "Sightline/test", figure)?;
            let lines = lines as f64;
            ensure!(lines == images, "{function}: {lines} lines with {figure}");
            ensure!(sum > 0.0, "{function}: {figure} {sum}");
            ensure!(!matches!(figure, "Images" | "BilledCalls") || sum == images);
        }
    }
    Ok(())
}

/// The number and sum of a metric's lines in CloudWatch's embedded metric format in a function's log.
fn embedded(log: &Path, namespace: &str, figure: &str) -> Result<(usize, f64)> {
    let mut found = (0, 0.0);
    for line in fs::read_to_string(log)?.lines() {
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let Some(directive) = line.pointer("/_aws/CloudWatchMetrics/0") else {
            continue;
        };
        ensure!(text(directive, "/Namespace")? == namespace, "{line}");
        if let Some(value) = line.get(figure).and_then(Value::as_f64) {
            found = (found.0 + 1, found.1 + value);
        }
    }
    Ok(found)
}

#[test]
fn with_sign_in_each_user_has_separate_images() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let aws = |arguments: &[&str]| local.ready.aws(arguments);
    for bucket in [INPUT, OUTPUT] {
        aws(&["s3api", "create-bucket", "--bucket", bucket])?;
    }
    let lambda = Lambda::start(&local, folder.path(), &[("ACCESS", "owner")])?;
    let (anne, bert) = ("7d1c9a52-3b1f-4c56-9d0f-0a3c2f5e8b11", "auth0|bert");

    let bytes = fs::read(picture("rocket.jpg")?)?;
    let ask = json!({"contentType": "image/jpeg", "contentLength": bytes.len()});
    for subject in [None, Some("")] {
        let (status, problem) = lambda.gateway(subject, "POST", "/uploads", &ask)?;
        ensure!(status == 401, "{status}");
        ensure!(text(&problem, "/code")? == "unauthenticated");
    }
    // Not through the gateway, so nothing has checked the token.
    let around = lambda.api("POST", "/uploads", &ask)?;
    ensure!(around.status == 401, "{}", around.status);

    let (status, ticket) = lambda.gateway(Some(bert), "POST", "/uploads", &ask)?;
    ensure!(status == 201 && text(&ticket, "/key")?.starts_with("uploads/auth0!7Cbert/"));
    let (status, ticket) = lambda.gateway(Some(anne), "POST", "/uploads", &ask)?;
    ensure!(status == 201, "{ticket}");
    let key = text(&ticket, "/key")?;
    ensure!(key.starts_with(&format!("uploads/{anne}/")), "{key}");
    let stored = put(&ticket, &bytes)?;
    ensure!(stored.status == 200, "{}", stored.status);
    let e_tag = stored
        .header("etag")
        .context("no ETag")?
        .trim_matches('"')
        .to_owned();
    let done = lambda.process(&s3_event(INPUT, key, &e_tag, bytes.len() as u64))?;
    ensure!(done.is_null(), "{done}");

    let paths = ["results", "images", "thumbnails"].map(|path| format!("/{path}/{key}"));
    for path in &paths {
        let (status, body) = lambda.gateway(Some(anne), "GET", path, &Value::Null)?;
        ensure!(matches!(status, 200 | 302), "{path}: {status} {body}");
        let (status, body) = lambda.gateway(Some(bert), "GET", path, &Value::Null)?;
        ensure!(status == 404, "{path}: {status} {body}");
        let (status, body) = lambda.gateway(None, "GET", path, &Value::Null)?;
        ensure!(status == 401, "{path}: {status} {body}");
    }
    let image = format!("/images/{key}");
    for (subject, expected) in [
        (None, 401),
        (Some(bert), 404),
        (Some(anne), 204),
        (Some(anne), 204),
    ] {
        let (status, body) = lambda.gateway(subject, "DELETE", &image, &Value::Null)?;
        ensure!(status == expected, "{subject:?}: {status} {body}");
        for path in &paths {
            let (status, _) = lambda.gateway(Some(anne), "GET", path, &Value::Null)?;
            ensure!((status == 404) == (expected == 204), "{path}: {status}");
        }
    }
    // A late event changes nothing.
    lambda.process(&s3_event(INPUT, key, &e_tag, bytes.len() as u64))?;
    let (status, _) = lambda.gateway(Some(anne), "GET", &image, &Value::Null)?;
    ensure!(status == 404, "{status}");
    for path in ["/images", "/labels"] {
        let (status, problem) = lambda.gateway(Some(anne), "GET", path, &Value::Null)?;
        ensure!(
            status == 501 && text(&problem, "/code")? == "no-index",
            "{path}: {status} {problem}"
        );
    }
    Ok(())
}

#[test]
fn a_function_names_its_missing_variable() -> Result<()> {
    for function in ["sightline-upload-api", "sightline-processor"] {
        let output = Command::new("timeout")
            .arg("20")
            .arg(binary(function)?)
            .env_remove("INPUT_BUCKET")
            .env("OUTPUT_BUCKET", OUTPUT)
            .env("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
            .env("AWS_LAMBDA_FUNCTION_NAME", function)
            .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
            .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "128")
            .output()?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(!output.status.success(), "{function} started");
        ensure!(
            said.trim().lines().count() == 1 && said.contains("INPUT_BUCKET"),
            "{function}: {said}"
        );
    }
    Ok(())
}
