//! `kill -9` during 200 uploads loses no picture and analyses none twice.

use std::{
    collections::HashMap,
    fs,
    path::Path,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::{Value, json};
use sightline_tests::{Local, TIMEOUT, picture, result, text, upload};

const PICTURES: usize = 200;
/// The number of results after which the process is killed.
const KILL_AT: usize = 60;

/// The number of successful Rekognition calls by image.
fn recognitions(calls: &[Value]) -> HashMap<String, usize> {
    let mut count = HashMap::new();
    for call in calls {
        if call["action"] == "rekognition:DetectLabels" && call["status"] == 200 {
            *count.entry(call["resource"].to_string()).or_insert(0) += 1;
        }
    }
    count
}

/// The logged calls. A kill may leave an incomplete line.
fn calls(data: &Path) -> Vec<Value> {
    fs::read_to_string(data.join("aws-calls.jsonl"))
        .unwrap_or_default()
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// The resources of the stored results.
fn documents(calls: &[Value]) -> Vec<&str> {
    calls
        .iter()
        .filter(|call| call["action"] == "s3:PutObject" && call["status"] == 200)
        .filter_map(|call| call["resource"].as_str())
        .filter(|resource| resource.contains("/results/"))
        .collect()
}

#[test]
fn two_hundred_uploads_survive_a_kill() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let bytes = fs::read(picture("chelsea.png")?)?;
    let local = Local::start(&data, &[])?;
    let api = Mutex::new(local.ready.api.clone());
    let current = || api.lock().map(|it| it.clone()).unwrap_or_default();

    // Four uploaders continue during the kill and repeat failed uploads.
    let send_fifty = || -> Result<Vec<String>> {
        let mut keys = Vec::new();
        let mut failures = 0;
        while keys.len() < PICTURES / 4 {
            match upload(&current(), "image/png", &bytes, json!({})) {
                Ok(reply) => keys.push(text(&reply, "/key")?.to_owned()),
                Err(error) if failures > 200 => return Err(error),
                Err(_) => {
                    failures += 1;
                    thread::sleep(Duration::from_millis(50));
                }
            }
        }
        Ok(keys)
    };
    let (keys, before, again) = thread::scope(|scope| -> Result<_> {
        let uploaders: Vec<_> = (0..4).map(|_| scope.spawn(send_fifty)).collect();
        let began = Instant::now();
        while documents(&calls(&data)).len() < KILL_AT {
            ensure!(began.elapsed() < TIMEOUT, "too slow");
            thread::sleep(Duration::from_millis(20));
        }
        local.kill()?;
        let before = calls(&data);
        let again = Local::start(&data, &[])?;
        *api.lock().map_err(|_| anyhow!("poisoned"))? = again.ready.api.clone();
        let mut keys = Vec::new();
        for uploader in uploaders {
            keys.extend(
                uploader
                    .join()
                    .map_err(|_| anyhow!("an uploader panicked"))??,
            );
        }
        Ok((keys, before, again))
    })?;
    ensure!(keys.len() == PICTURES);
    let answered_before = documents(&before);
    ensure!(
        answered_before.len() < PICTURES,
        "the kill came after the end"
    );

    for key in &keys {
        let document = result(&format!("{}/results/{key}", again.ready.api))?;
        ensure!(text(&document, "/status")? == "succeeded", "{document}");
        ensure!(text(&document, "/source/key")? == key);
    }
    again.interrupt()?;

    let recognised_before = recognitions(&before);
    let recognised = recognitions(&calls(&data));
    for key in &keys {
        let (image, times) = recognised
            .iter()
            .find(|(image, _)| image.contains(key.as_str()))
            .with_context(|| format!("{key} was never recognised"))?;
        let in_flight = recognised_before.contains_key(image)
            && !answered_before
                .iter()
                .any(|result| result.contains(key.as_str()));
        ensure!(
            *times == 1 || (in_flight && *times == 2),
            "{image} was recognised {times} times, in flight at the kill: {in_flight}"
        );
    }
    Ok(())
}
