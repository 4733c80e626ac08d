//! `sightline get`, `open` and `delete`, and tables on narrow terminals.

use std::{
    fs,
    io::Write as _,
    path::Path,
    process::{Command, Output, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use sightline_tests::{Local, binary, http, picture, text};

fn sightline(local: &Local, state: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(binary("sightline")?);
    command
        .args(arguments)
        .env("SIGHTLINE_API", &local.ready.api)
        .env("XDG_STATE_HOME", state)
        .env_remove("SIGHTLINE_TOKEN")
        .stdin(Stdio::null());
    Ok(command)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Uploads a picture and returns its key.
fn uploaded(local: &Local, state: &Path, name: &str) -> Result<String> {
    let file = picture(name)?;
    let file = file.to_str().context("a path in UTF-8")?;
    let output = sightline(local, state, &["upload", "--json", file])?.output()?;
    ensure!(output.status.success(), "{}", stderr(&output));
    let row: Value = serde_json::from_slice(&output.stdout)?;
    Ok(text(&row, "/key")?.to_owned())
}

#[test]
fn a_stored_picture_can_be_shown_downloaded_drawn_opened_and_deleted() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let key = uploaded(&local, folder.path(), "astronaut.png")?;
    let run = |arguments: &[&str]| -> Result<Output> {
        Ok(sightline(&local, folder.path(), arguments)?.output()?)
    };
    let at = |name: &str| folder.path().join(name).to_string_lossy().into_owned();
    let api = &local.ready.api;

    let output = run(&["get", &key])?;
    ensure!(output.status.success(), "{}", stderr(&output));
    let table = stdout(&output);
    let person = table
        .lines()
        .map(|line| line.split('\t').collect::<Vec<_>>())
        .find(|fields| fields.get(..2) == Some(&["label", "Person"]))
        .with_context(|| table.clone())?;
    ensure!(
        table.starts_with("KIND\tNAME\tCONFIDENCE\tBOXES\tDETAILS\n") && person[3] == "1",
        "{table}"
    );
    ensure!(
        stderr(&output).starts_with("astronaut.png: 512 x 512 pixels, PNG, "),
        "{}",
        stderr(&output)
    );

    // The document is printed as it is, whatever names the picture.
    let address = format!("{api}/results/{key}");
    let document = http("GET", &address, &[], b"")?.body;
    let id = key.trim_start_matches("uploads/").trim_end_matches(".png");
    let gallery = format!("{api}/gallery.html?label=Person#{key}");
    for name in [key.as_str(), id, &address, &gallery] {
        let output = run(&["get", "--json", name])?;
        ensure!(output.status.success(), "{name}: {}", stderr(&output));
        ensure!(
            output.stdout.trim_ascii_end() == document.trim_ascii_end(),
            "{name}"
        );
    }

    let original = fs::read(picture("astronaut.png")?)?;
    let file = at("original.png");
    let output = run(&["get", &key, "--original", &file])?;
    ensure!(output.status.success(), "{}", stderr(&output));
    ensure!(fs::read(&file)? == original);
    ensure!(run(&["get", &key, "--original", "-"])?.stdout == original);
    for option in ["--thumbnail", "--preview"] {
        let output = run(&["get", &key, option, "-"])?;
        ensure!(
            output.stdout.starts_with(b"\xff\xd8\xff"),
            "{option}: {}",
            stderr(&output)
        );
    }
    let drawn = at("boxes.png");
    let output = run(&["get", &key, "--draw", &drawn])?;
    ensure!(output.status.success(), "{}", stderr(&output));
    let drawn = image::open(&drawn)?.into_rgb8();
    ensure!(drawn.dimensions() == (512, 512));
    ensure!(drawn != image::open(&file)?.into_rgb8(), "nothing is drawn");

    open_shows_the_gallery(&local, folder.path(), &key)?;

    // Nobody can be asked, so nothing is deleted.
    let output = run(&["delete", &key])?;
    ensure!(
        output.status.code() == Some(2) && stderr(&output).contains("--yes"),
        "{}",
        stderr(&output)
    );
    let missing = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.png";
    let mut command = sightline(&local, folder.path(), &["delete", "--yes", "--json", "-"])?
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stdin = command.stdin.take().context("no standard input")?;
    write!(stdin, "{key}\n\n{missing}\n{key}\n")?;
    drop(stdin);
    let output = command.wait_with_output()?;
    ensure!(output.status.code() == Some(1), "{}", stderr(&output));
    let rows = stdout(&output);
    let rows: Vec<Value> = rows
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    ensure!(
        rows.len() == 2
            && rows[0]["status"] == "deleted"
            && rows[1]["key"] == missing
            && rows[1]["status"] == "not-found",
        "{rows:?}"
    );
    ensure!(
        stderr(&output) == "2 pictures: 1 deleted, 1 not found.\n",
        "{}",
        stderr(&output)
    );
    for what in [&["get", &key][..], &["get", &key, "--original", "-"]] {
        let output = run(what)?;
        ensure!(
            output.status.code() == Some(1)
                && output.stdout.is_empty()
                && stderr(&output).contains("there is no picture"),
            "{what:?}: {}",
            stderr(&output)
        );
    }
    Ok(())
}

fn open_shows_the_gallery(local: &Local, folder: &Path, key: &str) -> Result<()> {
    let expected = format!("{}/gallery.html#{key}", local.ready.api);
    let output = sightline(local, folder, &["open", "--print", key])?.output()?;
    ensure!(stdout(&output).trim() == expected, "{}", stderr(&output));

    let programs = folder.join("programs");
    fs::create_dir(&programs)?;
    let output = sightline(local, folder, &["open", key])?
        .env("PATH", &programs)
        .output()?;
    ensure!(
        output.status.code() == Some(1)
            && stderr(&output).contains("no browser")
            && stderr(&output).contains(&expected),
        "{}",
        stderr(&output)
    );

    let browser = programs.join("xdg-open");
    let opened = folder.join("opened");
    fs::write(
        &browser,
        format!("#!/bin/sh\necho \"$1\" > '{}'\n", opened.display()),
    )?;
    let made = Command::new("chmod").arg("+x").arg(&browser).status()?;
    ensure!(made.success());
    let output = sightline(local, folder, &["open", key])?
        .env("PATH", &programs)
        .output()?;
    ensure!(output.status.success(), "{}", stderr(&output));
    ensure!(fs::read_to_string(&opened)?.trim() == expected);

    for missing in [
        &["open", "--print", "uploads/no.jpg"][..],
        &["open", "uploads/no.jpg"],
    ] {
        let output = sightline(local, folder, missing)?.output()?;
        ensure!(
            output.status.code() == Some(1)
                && stdout(&output).is_empty()
                && stderr(&output).contains("there is no picture uploads/no.jpg"),
            "{missing:?}: {}",
            stderr(&output)
        );
    }

    // A picture's address elsewhere is not opened here.
    let elsewhere = format!("https://pictures.example.com/gallery.html#{key}");
    let output = sightline(local, folder, &["open", &elsewhere])?.output()?;
    ensure!(
        output.status.code() == Some(2) && stderr(&output).contains("pictures.example.com"),
        "{}",
        stderr(&output)
    );
    Ok(())
}

#[test]
fn tables_fit_the_terminal_and_are_complete_elsewhere() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let key = uploaded(&local, folder.path(), "astronaut.png")?;
    let program = binary("sightline")?;
    let missing = folder.path().join("a".repeat(90));
    for (columns, arguments) in [
        (80, "search".to_owned()),
        (50, "search".to_owned()),
        (50, format!("get {key}")),
        (
            60,
            format!(
                "upload '{}' '{}'",
                picture("astronaut.png")?.display(),
                missing.display()
            ),
        ),
    ] {
        // `script` provides a terminal.
        let inner = format!(
            "stty rows 40 cols {columns} && '{}' {arguments} 2>/dev/null",
            program.display()
        );
        let output = Command::new("script")
            .args(["-qefc", &inner, "/dev/null"])
            .env("SIGHTLINE_API", &local.ready.api)
            .env("XDG_STATE_HOME", folder.path())
            .env("NO_COLOR", "1")
            .stdin(Stdio::null())
            .output()
            .context("cannot start `script` of util-linux")?;
        let shown = stdout(&output);
        let lines: Vec<_> = shown.lines().collect();
        ensure!(lines.len() >= 2, "{arguments}: {shown}");
        for line in &lines {
            ensure!(
                line.trim_end().chars().count() <= columns,
                "{columns}: {shown}"
            );
        }
        ensure!(
            shown.contains('…') || arguments.starts_with("get"),
            "{arguments}: {shown}"
        );
        let complete = Command::new("sh")
            .arg("-c")
            .arg(format!(
                "'{}' {arguments} 2>/dev/null | cat",
                program.display()
            ))
            .env("SIGHTLINE_API", &local.ready.api)
            .env("XDG_STATE_HOME", folder.path())
            .output()?;
        let complete = stdout(&complete);
        ensure!(
            !complete.contains('…') && complete.contains('\t'),
            "{complete}"
        );
    }
    Ok(())
}
