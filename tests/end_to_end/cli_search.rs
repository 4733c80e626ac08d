//! `sightline search` over what `sightline upload` brought.

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
        // As scripts leave it that have no token; this service asks for none.
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
fn pictures_are_found_by_what_they_show() -> Result<()> {
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

    // The row is written after the document.
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
    // What is not shown is counted.
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
    // Page by page.
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
    other_folders_are_refused(&local, folder.path())?;
    reindexed(local, folder.path())
}

/// What works on the data folder says so where it is given another, and leaves that as it was.
fn other_folders_are_refused(local: &Local, folder: &Path) -> Result<()> {
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
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        Ok((output.status.code(), told))
    };
    for command in ["redrive", "reindex"] {
        for data in [&empty, &folder.join("none")] {
            let (code, told) = run(command, data, &[])?;
            ensure!(
                code == Some(2) && told.contains("--data-dir"),
                "{command} {}: {code:?} {told}",
                data.display()
            );
        }
    }
    ensure!(std::fs::read_dir(&empty)?.next().is_none());
    let (code, told) = run("redrive", &folder.join("data"), &["abc"])?;
    ensure!(
        code == Some(1) && told.starts_with("abc is no dead letter.\n"),
        "{code:?} {told}"
    );
    Ok(())
}

/// The index is made anew from the documents, beside the running service and after it was lost.
fn reindexed(local: Local, folder: &Path) -> Result<()> {
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
    let said = reindex(&local)?;
    ensure!(
        said == "2 documents: 0 rows written, 2 as they were.\n",
        "{said}"
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
    let said = reindex(&local)?;
    ensure!(
        said == "2 documents: 2 rows written, 0 as they were.\n",
        "{said}"
    );
    ensure!(found(&local)? == 1, "the row is not back");
    Ok(())
}
