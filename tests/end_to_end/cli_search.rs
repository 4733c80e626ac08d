//! `sightline search`, `redrive` and `reindex`.

use std::{
    path::Path,
    process::{Command, Output},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sightline_tests::{Local, TIMEOUT, binary, picture, text};

fn sightline(local: &Local, state: &Path, arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(binary("sightline")?)
        .args(arguments)
        .env("SIGHTLINE_API", &local.ready.api)
        .env("XDG_STATE_HOME", state)
        // Scripts without a token may leave it empty; this service needs none.
        .env("SIGHTLINE_TOKEN", "")
        .output()?)
}

fn lines(output: &Output) -> Result<Vec<Value>> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect()
}

#[test]
fn pictures_are_found_by_label_and_category_and_the_index_can_be_rebuilt() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let run = |arguments: &[&str]| sightline(&local, folder.path(), arguments);
    let (astronaut, motorcycle) = (picture("astronaut.png")?, picture("motorcycle_left.png")?);
    let files = [&astronaut, &motorcycle].map(|file| file.to_string_lossy().into_owned());
    let uploaded = run(&["upload", "--json", &files[0], &files[1]])?;
    ensure!(
        uploaded.status.success(),
        "{}",
        String::from_utf8_lossy(&uploaded.stderr)
    );
    let uploaded = lines(&uploaded)?;
    let uploaded = uploaded
        .iter()
        .find(|row| row.get("file").and_then(Value::as_str) == Some(&files[1]))
        .context("no motorcycle")?;
    let key = text(uploaded, "/key")?.to_owned();

    // The index entry is written after the result.
    let began = Instant::now();
    let found = loop {
        let output = run(&[
            "search",
            "--label",
            "motorcycle",
            "--min-confidence",
            "80",
            "--json",
        ])?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        let found = lines(&output)?;
        if !found.is_empty() || began.elapsed() > TIMEOUT {
            break found;
        }
        thread::sleep(Duration::from_millis(50));
    };
    let [one] = found.as_slice() else {
        anyhow::bail!("{found:?}");
    };
    ensure!(
        one.get("key").and_then(Value::as_str) == Some(&key),
        "{one}"
    );

    let output = run(&["search", "--category", "Vehicles and Automotive"])?;
    let table = String::from_utf8(output.stdout)?;
    let rows: Vec<_> = table.lines().collect();
    ensure!(
        rows.len() == 2 && rows[0].starts_with("KEY\tUPLOADED\t") && rows[1].starts_with(&key),
        "{table}"
    );
    // The labels that are not shown are counted.
    let labels = uploaded.get("labels").and_then(Value::as_array);
    let labels = labels.map_or(0, Vec::len);
    ensure!((6..20).contains(&labels), "{uploaded}");
    let ending = format!(", and {} more", labels - 5);
    ensure!(
        rows[1]
            .split('\t')
            .nth(4)
            .is_some_and(|shown| shown.ends_with(&ending)),
        "{table}"
    );
    // With and without a limit.
    let output = run(&["search", "--limit", "1", "--json"])?;
    ensure!(lines(&output)?.len() == 1);
    let output = run(&["search", "--limit", "0", "--json"])?;
    ensure!(lines(&output)?.len() == 2);
    let output = run(&["search", "--label", "Dragon"])?;
    ensure!(output.status.success());
    ensure!(
        String::from_utf8_lossy(&output.stderr).contains("0 pictures found"),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    for (arguments, code) in [
        (&["search", "--min-confidence", "80"][..], 2),
        (&["search", "--api", "http://127.0.0.1:1"], 3),
    ] {
        let output = run(arguments)?;
        ensure!(output.status.code() == Some(code), "{arguments:?}");
    }
    other_folders_are_rejected(&local, folder.path())?;
    index_can_be_rebuilt(local, folder.path())
}

/// `redrive` and `reindex` reject a folder that is not a data folder, and leave it unchanged.
fn other_folders_are_rejected(local: &Local, folder: &Path) -> Result<()> {
    let empty = folder.join("empty");
    std::fs::create_dir(&empty)?;
    let run = |command: &str, data: &Path, more: &[&str]| -> Result<(Option<i32>, String)> {
        let output = Command::new(binary("sightline")?)
            .args([command, "--data-dir"])
            .arg(data)
            .args(more)
            .envs(local.ready.environment())
            .env_remove("INDEX_TABLE")
            .env_remove("OUTPUT_BUCKET")
            .output()?;
        ensure!(output.stdout.is_empty(), "{command} wrote to its output");
        let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok((output.status.code(), stderr))
    };
    for command in ["redrive", "reindex"] {
        for data in [&empty, &folder.join("none")] {
            let (code, stderr) = run(command, data, &[])?;
            ensure!(
                code == Some(2) && stderr.contains("--data-dir"),
                "{command} {}: {code:?} {stderr}",
                data.display()
            );
        }
    }
    ensure!(std::fs::read_dir(&empty)?.next().is_none());
    let (code, stderr) = run("redrive", &folder.join("data"), &["abc"])?;
    ensure!(
        code == Some(1) && stderr.starts_with("abc is not a dead letter.\n"),
        "{code:?} {stderr}"
    );
    Ok(())
}

/// `reindex` rebuilds the index while the service runs, and after the index is lost.
fn index_can_be_rebuilt(local: Local, folder: &Path) -> Result<()> {
    let data = folder.join("data");
    let reindex = |local: &Local| -> Result<String> {
        let output = Command::new(binary("sightline")?)
            .args(["reindex", "--data-dir"])
            .arg(&data)
            .envs(local.ready.environment())
            .env_remove("INDEX_TABLE")
            .env_remove("OUTPUT_BUCKET")
            .output()?;
        ensure!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(String::from_utf8(output.stdout)?)
    };
    let stdout = reindex(&local)?;
    ensure!(
        stdout == "2 results: 0 entries written, 2 unchanged.\n",
        "{stdout}"
    );
    local.interrupt()?;
    for file in std::fs::read_dir(&data)? {
        let file = file?;
        if file
            .file_name()
            .to_string_lossy()
            .starts_with("index.sqlite3")
        {
            std::fs::remove_file(file.path())?;
        }
    }
    let local = Local::start(&data, &[])?;
    let found = |local: &Local| -> Result<usize> {
        let output = sightline(
            local,
            folder,
            &["search", "--label", "Motorcycle", "--json"],
        )?;
        Ok(lines(&output)?.len())
    };
    ensure!(found(&local)? == 0, "the index was not lost");
    let stdout = reindex(&local)?;
    ensure!(
        stdout == "2 results: 2 entries written, 0 unchanged.\n",
        "{stdout}"
    );
    ensure!(found(&local)? == 1, "the entry is not back");
    Ok(())
}
