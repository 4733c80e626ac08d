//! `sightline upload`, run as people and scripts run it.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Output, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use image::{ImageFormat, Rgb, RgbImage};
use serde_json::Value;
use sightline_tests::{Local, TIMEOUT, aws_calls, binary, functions::objects, http, picture, text};

/// The number of pictures.
const PICTURES: u32 = 500;

/// `sightline upload` to this service, with the journal in the folder `state`.
fn upload(local: &Local, state: &Path) -> Result<Command> {
    let mut command = Command::new(binary("sightline")?);
    command
        .arg("upload")
        .env("SIGHTLINE_API", &local.ready.api)
        .env("XDG_STATE_HOME", state)
        .env_remove("SIGHTLINE_TOKEN")
        .env_remove("SIGHTLINE_STATE_DIR")
        .stdin(Stdio::null());
    Ok(command)
}

/// The keys of the successful PUT requests.
fn puts(data: &Path) -> Result<Vec<String>> {
    Ok(aws_calls(data)?
        .iter()
        .filter(|call| {
            call.get("action").and_then(Value::as_str) == Some("s3:PutObject")
                && call.get("status").and_then(Value::as_u64) == Some(200)
        })
        .filter_map(|call| call.get("resource")?.as_str())
        .filter(|resource| resource.starts_with("arn:aws:s3:::sightline-input/uploads/"))
        .map(str::to_owned)
        .collect())
}

/// The number of pictures in the bucket. A killed client may miss the response to a PUT that succeeded, so there can be
/// more pictures than logged calls. A picture that is uploaded twice counts twice.
fn stored(local: &Local) -> Result<usize> {
    let aws = |arguments: &[&str]| local.ready.aws(arguments);
    Ok(objects(&aws, "sightline-input", "uploads/")?.len())
}

/// Sends a signal to the command after this number of PUT requests.
fn stop_after(mut command: Child, data: &Path, count: usize, signal: &str) -> Result<Output> {
    let began = Instant::now();
    while puts(data)?.len() < count {
        ensure!(
            command.try_wait()?.is_none() && began.elapsed() < TIMEOUT,
            "it ended before it could be stopped"
        );
        thread::sleep(Duration::from_millis(10));
    }
    let sent = Command::new("kill")
        .args([signal, &command.id().to_string()])
        .status()?;
    ensure!(sent.success(), "kill {signal} failed");
    Ok(command.wait_with_output()?)
}

fn lines(output: &Output) -> Result<Vec<Value>> {
    String::from_utf8_lossy(&output.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn interrupted_runs_upload_each_of_500_pictures_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, state) = (folder.path().join("data"), folder.path().join("state"));
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures)?;
    for number in 0..PICTURES {
        // Small pictures with different colours; only their image properties are analysed.
        let [_, _, high, low] = number.to_be_bytes();
        RgbImage::from_fn(80, 80, |x, _| {
            let side = if x < 40 { low } else { 255 - low };
            Rgb([side, high * 100, 128])
        })
        .save(pictures.join(format!("{number:03}.png")))?;
    }
    let local = Local::start(&data, &[])?;
    let run = || -> Result<Command> {
        let mut command = upload(&local, &state)?;
        command
            .args(["--json", "--jobs", "4", "--analyses", "image-properties"])
            .arg(&pictures)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command)
    };

    // Ctrl-C finishes the uploads in progress and reports every picture.
    let output = stop_after(run()?.spawn()?, &data, 60, "-INT")?;
    ensure!(output.status.code() == Some(130), "{}", stderr(&output));
    let rows = lines(&output)?;
    ensure!(rows.len() == PICTURES as usize, "{} lines", rows.len());
    let not_uploaded = rows
        .iter()
        .filter(|row| row.get("status").and_then(Value::as_str) == Some("not-uploaded"))
        .count();
    let first = puts(&data)?.len();
    ensure!(
        first + not_uploaded == PICTURES as usize,
        "{first} were uploaded and {not_uploaded} not"
    );
    let messages = stderr(&output);
    ensure!(
        messages.contains(&format!("500 files: {first} uploaded ("))
            && messages.contains(&format!(
                "Interrupted. Run the same command again to upload the rest ({not_uploaded} files, "
            )),
        "{messages}"
    );

    // After a kill, only the journal knows what was uploaded.
    stop_after(run()?.spawn()?, &data, first + 60, "-KILL")?;
    let second = puts(&data)?.len();
    ensure!(
        second < PICTURES as usize,
        "it ended before it could be killed"
    );

    let output = run()?.output()?;
    ensure!(output.status.success(), "{}", stderr(&output));
    let rows = lines(&output)?;
    ensure!(
        rows.iter()
            .all(|row| row.get("status").and_then(Value::as_str) == Some("succeeded")),
        "{rows:?}"
    );
    let before = rows
        .iter()
        .filter(|row| row.get("uploadedBefore") == Some(&Value::Bool(true)))
        .count();
    ensure!(before >= second, "{before} of {second} were known");
    ensure!(
        stored(&local)? == PICTURES as usize,
        "{} pictures were uploaded, not {PICTURES}",
        stored(&local)?
    );

    // The next run has nothing to do, unless --again is set.
    let output = run()?.output()?;
    ensure!(output.status.success(), "{}", stderr(&output));
    ensure!(
        stderr(&output).contains("0 uploaded, 500 already uploaded"),
        "{}",
        stderr(&output)
    );
    ensure!(stored(&local)? == PICTURES as usize);
    let output = upload(&local, &state)?
        .args(["--again", "--no-wait", "--analyses", "image-properties"])
        .arg(pictures.join("000.png"))
        .output()?;
    ensure!(output.status.success(), "{}", stderr(&output));
    ensure!(stored(&local)? == PICTURES as usize + 1);
    Ok(())
}

#[test]
fn each_picture_gets_its_labels_or_a_reason() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, state) = (folder.path().join("data"), folder.path().join("state"));
    let local = Local::start(&data, &[])?;
    let astronaut = picture("astronaut.png")?;
    let copy = folder.path().join("copy.png");
    fs::copy(&astronaut, &copy)?;
    let notes = folder.path().join("notes.jpg");
    fs::write(&notes, "no picture")?;
    let tiny = folder.path().join("tiny.png");
    RgbImage::new(20, 20).save_with_format(&tiny, ImageFormat::Png)?;

    // The table for programs has tab-separated fields and no terminal codes.
    let output = upload(&local, &state)?
        .arg(&astronaut)
        .arg(&copy)
        .arg(&notes)
        .arg(&tiny)
        .arg(folder.path().join("none.jpg"))
        .output()?;
    ensure!(output.status.code() == Some(1), "{}", stderr(&output));
    let table = String::from_utf8(output.stdout)?;
    ensure!(!table.contains('\x1b'), "{table}");
    let row = |name: &str| -> Result<Vec<String>> {
        table
            .lines()
            .map(|line| line.split('\t').map(str::to_owned).collect::<Vec<_>>())
            .find(|fields| fields.first().is_some_and(|file| file.ends_with(name)))
            .with_context(|| format!("no row {name} in\n{table}"))
    };
    // Both are read at the same time. The first one that is read is sent, and the other is its duplicate.
    let of_status = |status: &str| -> Result<&str> {
        ["astronaut.png", "copy.png"]
            .into_iter()
            .find(|name| row(name).is_ok_and(|fields| fields.get(1).is_some_and(|it| it == status)))
            .with_context(|| table.clone())
    };
    let (sent, duplicate) = (of_status("succeeded")?, of_status("duplicate")?);
    let [_, _, labels, key] = &*row(sent)? else {
        anyhow::bail!("{table}");
    };
    ensure!(labels.contains("Person"), "{table}");
    for (name, status, reason) in [
        (duplicate, "duplicate", sent),
        ("notes.jpg", "refused", "not a picture"),
        ("tiny.png", "failed", "20 x 20"),
        ("none.jpg", "refused", "no such file"),
    ] {
        let row = row(name)?;
        ensure!(
            row.get(1).map(String::as_str) == Some(status)
                && row.get(2).is_some_and(|said| said.contains(reason)),
            "{table}"
        );
    }

    // A deleted picture is uploaded again.
    let deleted = http(
        "DELETE",
        &format!("{}/images/{key}", local.ready.api),
        &[],
        b"",
    )?;
    if deleted.status == 204 {
        let output = upload(&local, &state)?
            .arg("--json")
            .arg(&astronaut)
            .output()?;
        ensure!(output.status.success(), "{}", stderr(&output));
        let rows = lines(&output)?;
        let row = rows.first().context("no line")?;
        ensure!(
            row.get("uploadedBefore") == Some(&Value::Bool(false)) && text(row, "/key")? != key,
            "{row}"
        );
    }
    Ok(())
}

#[test]
fn a_terminal_shows_progress_and_a_file_does_not() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let (data, state) = (folder.path().join("data"), folder.path().join("state"));
    let local = Local::start(&data, &[])?;
    let file = picture("chelsea.png")?;
    // `script` provides a terminal.
    let inner = format!(
        "'{}' upload --color always '{}'",
        binary("sightline")?.display(),
        file.display()
    );
    let output = Command::new("script")
        .args(["-qefc", &inner, "/dev/null"])
        .env("SIGHTLINE_API", &local.ready.api)
        .env("XDG_STATE_HOME", &state)
        .env("TERM", "xterm-256color")
        .stdin(Stdio::null())
        .output()
        .context("cannot start `script` of util-linux")?;
    let shown = String::from_utf8_lossy(&output.stdout);
    ensure!(output.status.success(), "{shown}");
    for part in [
        "Uploaded [",
        "Finished [",
        "1 of 1",
        "\x1b[32m",
        "succeeded",
    ] {
        ensure!(shown.contains(part), "{part:?} is not in {shown:?}");
    }
    let output = upload(&local, &state)?.arg(&file).output()?;
    let shown = stderr(&output);
    ensure!(output.status.success(), "{shown}");
    ensure!(
        shown == "1 file: 0 uploaded, 1 already uploaded. Results: 1 succeeded.\n",
        "{shown}"
    );
    Ok(())
}

#[test]
fn exit_codes_and_messages_give_the_reason() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let run = |arguments: &[&str]| -> Result<Output> {
        Ok(Command::new(binary("sightline")?)
            .args(arguments)
            .env("XDG_STATE_HOME", folder.path())
            .env_remove("SIGHTLINE_API")
            .output()?)
    };
    let file = picture("chelsea.png")?;
    let file = file.to_str().context("a path in UTF-8")?;
    for (arguments, code, said) in [
        (&["upload"][..], 2, "required"),
        (&["upload", "--jobs", "0", file], 2, "--jobs"),
        (&["upload", "--analyses", "cats", file], 2, "no analysis"),
        (&["upload", "/nonexistent/a.jpg"], 2, "no such file"),
        (
            &["upload", "--api", "http://127.0.0.1:1", file],
            3,
            "sightline local",
        ),
    ] {
        let output = run(arguments)?;
        ensure!(
            output.status.code() == Some(code) && stderr(&output).contains(said),
            "{arguments:?}: {} {}",
            output.status,
            stderr(&output)
        );
        ensure!(output.stdout.is_empty());
    }
    // No message contains the token, even an invalid one. An empty variable counts as no token.
    for (token, code, said) in [
        ("a secret", 2, "SIGHTLINE_TOKEN"),
        ("", 3, "sightline local"),
        ("Bearer secret", 3, "sightline local"),
    ] {
        let output = Command::new(binary("sightline")?)
            .args(["upload", "--api", "http://127.0.0.1:1", file])
            .env("XDG_STATE_HOME", folder.path())
            .env("SIGHTLINE_TOKEN", token)
            .output()?;
        let stderr = stderr(&output);
        ensure!(
            output.status.code() == Some(code)
                && stderr.contains(said)
                && !stderr.contains("secret"),
            "{token:?}: {} {stderr}",
            output.status
        );
    }
    let help = run(&["upload", "--help"])?;
    let help = String::from_utf8(help.stdout)?;
    for part in ["EXAMPLES", "EXIT CODES", "SIGHTLINE_API"] {
        ensure!(help.contains(part), "{help}");
    }
    let script = run(&["completions", "bash"])?;
    ensure!(script.status.success());
    let file = folder.path().join("completions.bash");
    fs::write(&file, script.stdout)?;
    let completed = sightline_tests::run(Command::new("bash").arg("-c").arg(format!(
        "source '{}' && COMP_WORDS=(sightline up) COMP_CWORD=1 && _sightline sightline up sightline && echo \"${{COMPREPLY[*]}}\"",
        file.display()
    )))?;
    ensure!(completed.trim() == "upload", "{completed:?}");
    Ok(())
}
