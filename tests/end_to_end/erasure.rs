//! `sightline export` and `sightline erase`: everything of one person.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sightline_tests::{Local, TIMEOUT, binary, http, picture};

/// Keys that belong to Ann, and Bob's.
const ANN: [&str; 2] = ["uploads/ann/a b+1.jpg", "uploads/ann/holiday/..%2F.jpg"];
const BOB: &str = "uploads/bob/a.jpg";

fn sightline(local: &Local, folder: &Path, arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(binary("sightline")?)
        .args(arguments)
        .args(["--data-dir"])
        .arg(folder.join("data"))
        .envs(local.ready.environment())
        .env_remove("INDEX_TABLE")
        .env_remove("INPUT_BUCKET")
        .env_remove("OUTPUT_BUCKET")
        .stdin(Stdio::null())
        .output()?)
}

fn stdout(output: &Output) -> Result<&str> {
    ensure!(
        output.status.success(),
        "{:?} {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(std::str::from_utf8(&output.stdout)?)
}

fn listed(local: &Local) -> Result<Vec<String>> {
    let answer = http(
        "GET",
        &format!("{}/images?limit=100", local.ready.api),
        &[],
        b"",
    )?;
    let page = answer.json()?;
    let images = page.get("images").and_then(Value::as_array);
    Ok(images
        .context("no list")?
        .iter()
        .filter_map(|image| image.get("key")?.as_str().map(str::to_owned))
        .collect())
}

fn keys(local: &Local, bucket: &str) -> Result<Vec<String>> {
    let listed = (local.ready).aws(&["s3api", "list-objects-v2", "--bucket", bucket])?;
    let listed: Value = serde_json::from_str(if listed.is_empty() { "{}" } else { &listed })?;
    let objects = listed.get("Contents").and_then(Value::as_array);
    Ok((objects.into_iter().flatten())
        .filter_map(|object| object.get("Key")?.as_str().map(str::to_owned))
        .collect())
}

#[test]
fn everything_of_one_person_is_exported_and_deleted() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let file = picture("rocket.jpg")?;
    for key in ANN.iter().chain([&BOB]) {
        let object = format!("s3://sightline-input/{key}");
        local
            .ready
            .aws(&["s3", "cp", file.to_str().context("a path")?, &object])?;
    }
    let began = Instant::now();
    while listed(&local)?.len() < 3 {
        ensure!(began.elapsed() < TIMEOUT, "{:?}", listed(&local)?);
        thread::sleep(Duration::from_millis(100));
    }

    let notes = "s3://sightline-output/results/uploads/ann/notes.txt";
    let path = file.to_str().context("a path")?;
    local.ready.aws(&["s3", "cp", path, notes])?;

    let export = folder.path().join("export");
    let export_path = export.to_str().context("a path")?;
    let summary = "ann: 2 pictures (2 originals, 2 documents, 2 thumbnails, 2 previews, 2 entries in the index, 1 other object)";
    for _ in 0..2 {
        let output = sightline(
            &local,
            folder.path(),
            &["export", "--owner", "ann", export_path],
        )?;
        let expected = format!("{summary}: written to {export_path}.\n");
        ensure!(stdout(&output)? == expected, "{}", stdout(&output)?);
    }
    let manifest: Value = serde_json::from_slice(&fs::read(export.join("manifest.json"))?)?;
    let pictures = manifest.get("pictures").and_then(Value::as_array);
    for (exported, key) in pictures.context("no pictures")?.iter().zip(ANN) {
        let text = |member: &str| exported.pointer(member).and_then(Value::as_str);
        ensure!(
            text("/key") == Some(key) && text("/entry/key") == Some(key),
            "{exported}"
        );
        let read =
            |member: &str| anyhow::Ok(fs::read(export.join(text(member).context("a file")?))?);
        ensure!(read("/original")? == fs::read(&file)?);
        let document: Value = serde_json::from_slice(&read("/result")?)?;
        ensure!(document.pointer("/source/key").and_then(Value::as_str) == Some(key));
        ensure!(read("/thumbnail")?.starts_with(b"\xff\xd8"));
        ensure!(read("/preview")?.starts_with(b"\xff\xd8"));
    }
    for (folder, files) in [("originals", ANN.len()), ("others", 1)] {
        ensure!(
            fs::read_dir(export.join(folder))?.count() == files,
            "{folder}"
        );
    }

    // Nobody can confirm, and a dry run deletes nothing.
    let output = sightline(&local, folder.path(), &["erase", "--owner", "ann"])?;
    ensure!(output.status.code() == Some(2), "{:?}", output.status);
    let output = sightline(
        &local,
        folder.path(),
        &["erase", "--owner", "ann", "--dry-run"],
    )?;
    ensure!(
        stdout(&output)? == format!("{summary}.\n"),
        "{}",
        stdout(&output)?
    );
    ensure!(listed(&local)?.len() == 3);

    let output = sightline(&local, folder.path(), &["erase", "--owner", "ann", "--yes"])?;
    let said = stdout(&output)?;
    ensure!(
        said.contains("\nDeleted 2 pictures, 1 other object.\n"),
        "{said}"
    );
    ensure!(listed(&local)? == [BOB]);
    for bucket in ["sightline-input", "sightline-output"] {
        let keys = keys(&local, bucket)?;
        ensure!(
            !keys.is_empty() && keys.iter().all(|key| key.contains(BOB)),
            "{keys:?}"
        );
    }
    let output = sightline(
        &local,
        folder.path(),
        &["erase", "--owner", "ann", "--dry-run"],
    )?;
    ensure!(
        stdout(&output)?.starts_with("ann: 0 pictures"),
        "{}",
        stdout(&output)?
    );
    local.interrupt()?;
    Ok(())
}

/// Both buckets keep versions. Replaced and deleted pictures leave none behind.
#[test]
fn no_version_of_a_persons_pictures_is_left() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let buckets = ["sightline-input", "sightline-output"];
    for bucket in buckets {
        let enabled = "Status=Enabled";
        local.ready.aws(&[
            "s3api",
            "put-bucket-versioning",
            "--bucket",
            bucket,
            "--versioning-configuration",
            enabled,
        ])?;
    }
    let file = picture("rocket.jpg")?;
    let path = file.to_str().context("a path")?;
    let object = |key: &str| format!("s3://sightline-input/{key}");
    // The second picture is replaced, and the third is deleted by another client.
    for key in [ANN[0], ANN[1], ANN[1], "uploads/ann/gone.jpg", BOB] {
        local.ready.aws(&["s3", "cp", path, &object(key)])?;
    }
    local
        .ready
        .aws(&["s3", "rm", &object("uploads/ann/gone.jpg")])?;
    let began = Instant::now();
    while !ANN
        .iter()
        .chain([&BOB])
        .all(|key| listed(&local).is_ok_and(|listed| listed.contains(&(*key).to_owned())))
    {
        ensure!(began.elapsed() < TIMEOUT, "{:?}", listed(&local)?);
        thread::sleep(Duration::from_millis(100));
    }
    let output = sightline(&local, folder.path(), &["erase", "--owner", "ann", "--yes"])?;
    let said = stdout(&output)?;
    ensure!(said.contains(" older versions.\n"), "{said}");
    ensure!(listed(&local)? == [BOB]);
    for bucket in buckets {
        let versions = (local.ready).aws(&["s3api", "list-object-versions", "--bucket", bucket])?;
        ensure!(
            versions.contains("/bob/") && !versions.contains("/ann/"),
            "{versions}"
        );
    }
    local.interrupt()?;
    Ok(())
}
