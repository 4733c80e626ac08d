//! `sightline local` starts, answers and stops.

use std::{fs, net::TcpListener, process::Command};

use anyhow::{Result, ensure};
use serde_json::json;
use sightline_tests::{Local, binary, http, picture, result, text, upload};

#[test]
fn pages_api_and_endpoint_are_served_until_ctrl_c() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let local = Local::start(&data, &[])?;
    let api = local.ready.api.clone();

    let page = http("GET", &format!("{api}/"), &[], b"")?;
    ensure!(page.status == 200);
    ensure!(
        page.header("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    );
    ensure!(page.header("content-security-policy").is_some());
    let health = http("GET", &format!("{api}/health"), &[], b"")?;
    ensure!(health.status == 200 && text(&health.json()?, "/status")? == "ok");
    let openapi = http("GET", &format!("{api}/openapi.json"), &[], b"")?.json()?;
    let golden: serde_json::Value = serde_json::from_str(&fs::read_to_string(
        sightline_tests::root().join("crates/upload-api/openapi.json"),
    )?)?;
    let paths = |document: &serde_json::Value| {
        let paths = document.get("paths").and_then(|paths| paths.as_object());
        paths.cloned().unwrap_or_default()
    };
    let (served, mut known) = (paths(&openapi), paths(&golden));
    // Nobody can be a guest without `--guests`, and nobody signs in.
    known.retain(|path, _| !path.ends_with("/handovers"));
    for operation in (known.values_mut())
        .filter_map(serde_json::Value::as_object_mut)
        .flatten()
    {
        if let Some(security) = operation.1.get_mut("security") {
            *security = serde_json::json!([]);
        }
    }
    ensure!(
        served == known,
        "the served OpenAPI document is not the one checked in"
    );

    let output = fs::read_to_string(data.with_extension("log"))?;
    for line in [
        api.as_str(),
        "Sightline is running.",
        "curl",
        &format!("AWS_ENDPOINT_URL={}", local.ready.aws),
        "AWS_ACCESS_KEY_ID=",
    ] {
        ensure!(
            output.contains(line),
            "{line:?} is not in the banner:\n{output}"
        );
    }
    local.interrupt()
}

#[test]
fn a_busy_port_is_an_error_in_one_sentence() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let taken = TcpListener::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port().to_string();
    let output = Command::new(binary("sightline")?)
        .args(["local", "--aws-port", "0", "--port", &port, "--data-dir"])
        .arg(folder.path().join("data"))
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success());
    ensure!(
        stderr.contains(&port) && stderr.contains("--port"),
        "{stderr}"
    );
    ensure!(!stderr.contains("panicked"), "{stderr}");
    Ok(())
}

#[test]
fn a_model_that_does_not_match_its_table_is_rejected_with_the_reason() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let table = folder.path().join("labels.json");
    fs::write(&table, json!({"version": 1, "labels": []}).to_string())?;
    let output = Command::new(binary("sightline")?)
        .args(["local", "--aws-port", "0", "--port", "0", "--model"])
        .arg(sightline_tests::root().join("crates/vision/model/labeler.onnx"))
        .arg("--model-labels")
        .arg(&table)
        .arg("--data-dir")
        .arg(folder.path().join("data"))
        .output()?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "it started");
    ensure!(
        stderr.contains("labels.json") && !stderr.contains("panicked"),
        "{stderr}"
    );
    Ok(())
}

#[test]
fn results_survive_a_restart() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let local = Local::start(&data, &[])?;
    let bytes = fs::read(picture("chelsea.png")?)?;
    let reply = upload(&local.ready.api, "image/png", &bytes, json!({}))?;
    let before = result(text(&reply, "/statusUrl")?)?;
    local.interrupt()?;

    let again = Local::start(&data, &[])?;
    let key = text(&reply, "/key")?;
    let after = result(&format!("{}/results/{key}", again.ready.api))?;
    ensure!(before == after);
    Ok(())
}
