//! `sightline upload` from standard input, from addresses, and from folders that are watched.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Output, Stdio},
    sync::mpsc::{self, Receiver, RecvTimeoutError},
    thread,
    time::Duration,
};

use anyhow::{Context as _, Result, bail, ensure};
use image::{Rgb, RgbImage};
use serde_json::Value;
use sightline_tests::{Local, TIMEOUT, binary, picture, result, text};

fn upload(local: &Local, state: &Path, arguments: &[&str]) -> Result<Command> {
    let mut command = Command::new(binary("sightline")?);
    command
        .arg("upload")
        .args(arguments)
        .env("SIGHTLINE_API", &local.ready.api)
        .env("XDG_STATE_HOME", state)
        .env_remove("SIGHTLINE_TOKEN")
        .env_remove("SIGHTLINE_STATE_DIR")
        .stdin(Stdio::null());
    Ok(command)
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// The file name in the result of a picture.
fn filename(local: &Local, row: &Value) -> Result<Option<String>> {
    let document = result(&format!(
        "{}/results/{}",
        local.ready.api,
        text(row, "/key")?
    ))?;
    let name = document.pointer("/source/filename");
    Ok(name.and_then(Value::as_str).map(str::to_owned))
}

#[test]
fn a_picture_can_come_from_standard_input() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let run = |arguments: &[&str], input: &[u8]| -> Result<Output> {
        let mut command = upload(&local, folder.path(), arguments)?
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let mut stdin = command.stdin.take().context("no standard input")?;
        // A command that refuses its arguments does not read it.
        let _ = stdin.write_all(input);
        drop(stdin);
        Ok(command.wait_with_output()?)
    };
    let bytes = fs::read(picture("chelsea.png")?)?;
    let output = run(&["--json", "--name", "scan.png", "-"], &bytes)?;
    ensure!(output.status.success(), "{}", stderr(&output));
    let row: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(
        row["file"] == "scan.png" && row["status"] == "succeeded",
        "{row}"
    );
    ensure!(filename(&local, &row)?.as_deref() == Some("scan.png"));
    // Its bytes are known from now on.
    let output = run(&["--json", "-"], &bytes)?;
    let row: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(row["file"] == "-" && row["uploadedBefore"] == true, "{row}");
    for (input, reason) in [(&b""[..], "empty"), (b"text", "not a picture")] {
        let output = run(&["-"], input)?;
        ensure!(
            output.status.code() == Some(1) && stderr(&output).contains(reason),
            "{}",
            stderr(&output)
        );
    }
    for arguments in [
        &["-", "-"][..],
        &["--name", "a.jpg", "b.jpg"],
        &["--watch", "-"],
    ] {
        let output = run(arguments, &bytes)?;
        ensure!(
            output.status.code() == Some(2),
            "{arguments:?}: {}",
            stderr(&output)
        );
    }
    Ok(())
}

/// A web server with a picture, redirects and an error. Returns its URL and the requests that it gets.
fn web_server(picture: Vec<u8>) -> Result<(String, Receiver<String>)> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let (requests, received) = mpsc::channel();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let _ = answer(stream, &picture, &requests);
        }
    });
    Ok((url, received))
}

fn answer(mut stream: TcpStream, picture: &[u8], requests: &mpsc::Sender<String>) -> Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    let mut request = String::new();
    while reader.read_line(&mut request)? > 2 {}
    let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
    let path = path.split('?').next().unwrap_or_default();
    let head = |status: &str, more: &str, length: usize| {
        format!("HTTP/1.1 {status}\r\n{more}Content-Length: {length}\r\nConnection: close\r\n\r\n")
    };
    let text = match path {
        "/photo" => head(
            "200 OK",
            "Content-Disposition: attachment; filename*=UTF-8''my%20cat.png\r\n",
            picture.len(),
        ),
        "/moved" => head("302 Found", "Location: /photo\r\n", 0),
        "/inside" => head("302 Found", "Location: http://10.0.0.1/a.png\r\n", 0),
        "/endless" => head("200 OK", "", 200 * 1024 * 1024),
        _ => head("404 Not Found", "", 0),
    };
    // Before the answer, so that a test that has the answer has the request.
    requests.send(request.clone())?;
    stream.write_all(text.as_bytes())?;
    if path == "/photo" {
        stream.write_all(picture)?;
    }
    Ok(())
}

#[test]
fn a_picture_can_come_from_an_address() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let (server, requests) = web_server(fs::read(picture("chelsea.png")?)?)?;
    let run = |path: &str| -> Result<(Output, Value)> {
        let output = upload(
            &local,
            folder.path(),
            &["--json", &format!("{server}{path}")],
        )?
        .env("SIGHTLINE_TOKEN", "not-for-others")
        .output()?;
        let row = serde_json::from_slice(&output.stdout).with_context(|| stderr(&output))?;
        Ok((output, row))
    };
    let (output, row) = run("/moved?key=secret")?;
    ensure!(output.status.success(), "{row} {}", stderr(&output));
    ensure!(
        row["status"] == "succeeded" && row["file"] == format!("{server}/moved?…"),
        "{row}"
    );
    ensure!(filename(&local, &row)?.as_deref() == Some("my cat.png"));
    let sent: String = requests.try_iter().collect();
    ensure!(
        sent.contains("GET /moved?key=secret ") && sent.contains("GET /photo "),
        "{sent}"
    );
    ensure!(!sent.to_lowercase().contains("authorization") && !sent.contains("not-for-others"));
    for (path, reason) in [
        ("/missing", "HTTP 404"),
        ("/inside", "private network"),
        ("/endless", "200 MiB; the limit is 100 MiB"),
    ] {
        let (output, row) = run(path)?;
        ensure!(
            output.status.code() == Some(1)
                && row["status"] == "refused"
                && text(&row, "/error/message")?.contains(reason),
            "{row}"
        );
    }
    let output = upload(
        &local,
        folder.path(),
        &["https://me:secret@p.example/a.jpg"],
    )?
    .output()?;
    ensure!(
        output.status.code() == Some(2) && !stderr(&output).contains("secret"),
        "{}",
        stderr(&output)
    );
    Ok(())
}

/// A command whose lines arrive one by one.
struct Watching {
    command: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(mut command: Command) -> Result<Self> {
        let mut command = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let out = BufReader::new(command.stdout.take().context("no output")?);
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        Ok(Self { command, lines })
    }

    /// The next row.
    fn row(&self) -> Result<Value> {
        let line = self.lines.recv_timeout(TIMEOUT)?;
        serde_json::from_str(&line).context(line)
    }

    /// Interrupts it, as Ctrl-C. Returns its exit code and messages.
    fn interrupt(mut self) -> Result<(Option<i32>, String)> {
        let sent = Command::new("kill")
            .args(["-INT", &self.command.id().to_string()])
            .status()?;
        ensure!(sent.success(), "kill -INT failed");
        let mut messages = String::new();
        if let Some(mut stderr) = self.command.stderr.take() {
            stderr.read_to_string(&mut messages)?;
        }
        Ok((self.command.wait()?.code(), messages))
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.command.kill();
        let _ = self.command.wait();
    }
}

#[test]
fn a_watched_folder_uploads_each_complete_picture_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let inbox = folder.path().join("inbox");
    fs::create_dir(&inbox)?;
    let inbox = fs::canonicalize(inbox)?;
    let at = |name: &str| inbox.join(name);
    // Every picture has its own colour and so its own bytes.
    let png = |colour: u8| -> Result<Vec<u8>> {
        let mut bytes = std::io::Cursor::new(Vec::new());
        RgbImage::from_pixel(90, 90, Rgb([colour, 90, 60]))
            .write_to(&mut bytes, image::ImageFormat::Png)?;
        Ok(bytes.into_inner())
    };
    let command = || {
        let inbox = inbox.to_string_lossy();
        upload(
            &local,
            folder.path(),
            &[
                "--json",
                "--analyses",
                "image-properties",
                "--watch",
                &inbox,
            ],
        )
    };
    fs::write(at("first.png"), png(1)?)?;
    fs::write(at(".hidden.png"), png(2)?)?;
    let watching = Watching::start(command()?)?;
    let expect = |name: &str, status: &str| -> Result<()> {
        let row = watching.row()?;
        ensure!(
            row["file"] == *at(name).to_string_lossy() && row["status"] == status,
            "not {name}, but {row}"
        );
        Ok(())
    };
    expect("first.png", "succeeded")?;

    // A picture that is being written is not sent before it is complete.
    let bytes = png(3)?;
    let mut slow = fs::File::create(at("slow.png"))?;
    slow.write_all(&bytes[..60])?;
    fs::write(at("download.png.part"), png(4)?)?;
    fs::create_dir(at("day 2"))?;
    match watching.lines.recv_timeout(Duration::from_millis(2500)) {
        Err(RecvTimeoutError::Timeout) => {}
        other => bail!("an incomplete picture was sent: {other:?}"),
    }
    slow.write_all(&bytes[60..])?;
    drop(slow);
    expect("slow.png", "succeeded")?;
    fs::rename(at("download.png.part"), at("day 2/download.png"))?;
    expect("day 2/download.png", "succeeded")?;

    // A renamed picture is not sent again, and a damaged file has its reason.
    fs::rename(at("slow.png"), at("renamed.png"))?;
    fs::write(at("notes.jpg"), "no picture")?;
    let row = watching.row()?;
    ensure!(
        row["status"] == "refused" && text(&row, "/error/message")?.contains("not a picture"),
        "{row}"
    );
    let (code, messages) = watching.interrupt()?;
    ensure!(code == Some(1), "{messages}");
    ensure!(
        messages.contains("Watching ")
            && messages.contains("4 files: 3 uploaded (")
            && !messages.contains("(0 bytes)")
            && messages.contains("1 refused. Results: 3 succeeded."),
        "{messages}"
    );

    // The next run knows them.
    fs::remove_file(at("notes.jpg"))?;
    let watching = Watching::start(command()?)?;
    for _ in 0..3 {
        let row = watching.row()?;
        ensure!(row["uploadedBefore"] == true, "{row}");
    }
    let (code, messages) = watching.interrupt()?;
    ensure!(
        code == Some(0) && messages.contains("0 uploaded, 3 already uploaded"),
        "{messages}"
    );
    Ok(())
}
