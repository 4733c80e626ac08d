//! The README's own commands, pasted as they stand.

use std::{fs, process::Command};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sightline_tests::{Local, boxed_labels, root, run, text};

/// The README's walk-through, as `release/try-in-bare-root` reads it too.
fn walk_through() -> Result<String> {
    run(Command::new(root().join("release/walk-through")).arg(root().join("README.md")))
}

#[test]
fn the_curl_walk_through_ends_in_a_document_that_names_the_person() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let work = folder.path().join("work");
    fs::create_dir_all(work.join("docs/pictures"))?;
    fs::copy(
        root().join("docs/pictures/astronaut.jpg"),
        work.join("docs/pictures/astronaut.jpg"),
    )?;
    let script = walk_through()?;
    // Only the port differs: tests run on free ones.
    ensure!(
        script.contains("http://127.0.0.1:8080"),
        "the walk-through names no address"
    );
    let script = script.replace("http://127.0.0.1:8080", &local.ready.api);
    let output = run(Command::new("timeout")
        .args(["60", "bash", "-euo", "pipefail", "-c", &script])
        .current_dir(&work))?;

    let document: Value = serde_json::from_str(&fs::read_to_string(work.join("result.json"))?)?;
    ensure!(text(&document, "/status")? == "succeeded", "{document}");
    let answer = document
        .pointer("/rekognition/detectLabels")
        .context("no answer")?;
    let person = boxed_labels(answer)
        .into_iter()
        .find(|(name, ..)| name == "Person")
        .with_context(|| format!("no person with a box in {document}"))?;
    // The portrait fills the picture's left and middle; its face is near (0.44, 0.22).
    let [left, top, width, height] = person.2;
    ensure!(
        left < 0.44 && 0.44 < left + width && top < 0.22 && 0.22 < top + height,
        "the box {:?} misses the face",
        person.2
    );
    ensure!(
        output.contains("Person"),
        "the walk-through shows no label:\n{output}"
    );
    Ok(())
}
