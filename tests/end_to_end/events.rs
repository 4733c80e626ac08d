//! `GET /events` of a running service, as a program reads it.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    net::TcpStream,
    time::Instant,
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sightline_tests::{Local, TIMEOUT, http, text, upload};

/// Opens a stream. Returns its lines after the head.
fn open(api: &str, headers: &str) -> Result<(String, impl Iterator<Item = String>)> {
    let host = api.strip_prefix("http://").context("no address")?;
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    write!(
        stream,
        "GET /events HTTP/1.1\r\nhost: {host}\r\n{headers}\r\n"
    )?;
    let mut lines = BufReader::new(stream).lines().map_while(Result::ok);
    let status = lines.next().context("no response")?;
    let lines = lines.skip_while(|line| !line.is_empty());
    Ok((status, lines))
}

/// The name and the data of the next event.
fn event(lines: &mut impl Iterator<Item = String>) -> Result<(String, Value)> {
    let mut name = String::new();
    for line in lines {
        if let Some(value) = line.strip_prefix("event: ") {
            value.clone_into(&mut name);
        } else if let Some(data) = line.strip_prefix("data: ") {
            return Ok((name, serde_json::from_str(data)?));
        }
    }
    anyhow::bail!("the stream ended")
}

#[test]
fn a_stream_announces_what_happens_and_ends_with_the_service() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let api = local.ready.api.clone();
    let (status, mut lines) = open(&api, "")?;
    ensure!(status == "HTTP/1.1 200 OK", "{status}");

    let ticket = upload(&api, "image/png", b"no picture", json!({}))?;
    let key = text(&ticket, "/key")?;
    let (name, data) = event(&mut lines)?;
    ensure!(
        name == "result-failed" && text(&data, "/key")? == key,
        "{name} {data}"
    );
    ensure!(text(&data, "/status")? == "failed", "{data}");
    // The list already shows it.
    let listed = http("GET", &format!("{api}/images/{key}"), &[], b"")?;
    ensure!(listed.status == 200, "{}", listed.status);
    http("DELETE", &format!("{api}/images/{key}"), &[], b"")?;
    let (name, data) = event(&mut lines)?;
    ensure!(
        name == "deleted" && text(&data, "/key")? == key,
        "{name} {data}"
    );

    let (_, mut unknown) = open(&api, "last-event-id: 1-7\r\n")?;
    ensure!(event(&mut unknown)?.0 == "reset");

    // Pages of other origins are rejected.
    for headers in [
        "origin: http://evil.example\r\n",
        "sec-fetch-site: cross-site\r\n",
    ] {
        let (status, _) = open(&api, headers)?;
        ensure!(status.contains(" 403 "), "{headers}: {status}");
    }

    let stopping = Instant::now();
    local.interrupt()?;
    ensure!(lines.all(|line| !line.starts_with("event:")));
    // Open streams do not hold up the end.
    ensure!(
        stopping.elapsed().as_secs() < 10,
        "{:?}",
        stopping.elapsed()
    );
    Ok(())
}
