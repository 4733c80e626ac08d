//! Latency and throughput on one machine: `bench/run` starts `sightline local` and prints a table.
//!
//! *Latency* is the time from the request for an upload URL to the document, one picture at a time. *Throughput* is that of eight
//! uploaders at once, from the first request to the last document.

mod library;

use std::{
    env, fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::json;
use sightline_tests::{Local, binary, http, text, upload};

const UPLOADERS: usize = 8;

/// Polls for a document every two milliseconds.
fn wait(status_url: &str) -> Result<()> {
    let began = Instant::now();
    loop {
        let answer = http("GET", status_url, &[], b"")?;
        match answer.status {
            200 => {
                ensure!(
                    text(&answer.json()?, "/status")? == "succeeded",
                    "the analysis failed"
                );
                return Ok(());
            }
            202 => ensure!(
                began.elapsed() < Duration::from_secs(60),
                "no document after a minute"
            ),
            status => anyhow::bail!("{status}: {}", String::from_utf8_lossy(&answer.body)),
        }
        thread::sleep(Duration::from_millis(2));
    }
}

fn main() -> Result<()> {
    let mut arguments: Vec<String> = env::args().skip(1).collect();
    let mut option = |name: &str| -> Result<Option<String>> {
        let Some(at) = arguments.iter().position(|it| it == name) else {
            return Ok(None);
        };
        let option: Vec<_> = arguments.drain(at..arguments.len().min(at + 2)).collect();
        let value = option.into_iter().nth(1);
        Ok(Some(
            value.with_context(|| format!("{name} needs a value"))?,
        ))
    };
    let program = match option("--program")? {
        Some(program) => PathBuf::from(program),
        None => binary("sightline")?,
    };
    let requests = option("--requests")?.map_or(Ok(1000), |it| it.parse())?;
    let mut arguments = arguments.into_iter();
    let picture = arguments
        .next()
        .context("usage: sightline-bench [--program FILE] (PICTURE [COUNT] | library [IMAGES] [--requests COUNT])")?;
    if picture == "library" {
        let images = arguments.next().map_or(Ok(100_000), |it| it.parse())?;
        let table = library::run(images, requests, &program)?;
        print(&format!("machine: {}\n{table}", machine()));
        return Ok(());
    }
    let count: usize = arguments.next().map_or(Ok(200), |it| it.parse())?;
    let bytes = fs::read(&picture).with_context(|| picture.clone())?;
    let content_type = if picture.ends_with(".png") {
        "image/png"
    } else {
        "image/jpeg"
    };

    let folder = tempfile::tempdir()?;
    let local = Local::start_program(&program, &folder.path().join("data"), &[])?;
    let api = local.ready.api.clone();
    let one = || -> Result<Duration> {
        let began = Instant::now();
        let reply = upload(&api, content_type, &bytes, json!({}))?;
        wait(text(&reply, "/statusUrl")?)?;
        Ok(began.elapsed())
    };
    for _ in 0..5 {
        one()?; // warm-up
    }

    let mut latencies = (0..count).map(|_| one()).collect::<Result<Vec<_>>>()?;
    latencies.sort();
    let percentile = |percent: usize| {
        latencies
            .get((latencies.len() * percent / 100).min(latencies.len().saturating_sub(1)))
            .map_or(f64::NAN, |it| it.as_secs_f64() * 1000.0)
    };

    let began = Instant::now();
    thread::scope(|scope| -> Result<()> {
        let uploaders: Vec<_> = (0..UPLOADERS)
            .map(|uploader| {
                let (api, bytes) = (&api, &bytes);
                scope.spawn(move || -> Result<()> {
                    let share = (uploader..count).step_by(UPLOADERS).count();
                    let replies = (0..share)
                        .map(|_| upload(api, content_type, bytes, json!({})))
                        .collect::<Result<Vec<_>>>()?;
                    replies
                        .iter()
                        .try_for_each(|reply| wait(text(reply, "/statusUrl")?))
                })
            })
            .collect();
        uploaders
            .into_iter()
            .try_for_each(|it| it.join().map_err(|_| anyhow!("an uploader panicked"))?)
    })?;
    let elapsed = began.elapsed().as_secs_f64();
    local.interrupt()?;

    let report = format!(
        "machine: {}\npicture: {picture}, {} KiB, {count} times\n\n\
         | metric | value |\n|---|---|\n\
         | upload to document, median | {:.0} ms |\n\
         | upload to document, 95th percentile | {:.0} ms |\n\
         | {UPLOADERS} uploaders at once | {:.1} pictures per second |\n",
        machine(),
        bytes.len() / 1024,
        percentile(50),
        percentile(95),
        count as f64 / elapsed,
    );
    print(&report);
    Ok(())
}

#[expect(clippy::print_stdout, reason = "the table is the program's output")]
fn print(report: &str) {
    print!("{report}");
}

/// Cores, processor and memory of the machine, from Linux.
fn machine() -> String {
    let field = |file: &str, name: &str| {
        fs::read_to_string(file)
            .unwrap_or_default()
            .lines()
            .find(|line| line.starts_with(name))
            .and_then(|line| line.split_once(':'))
            .map_or("unknown".to_owned(), |(_, value)| value.trim().to_owned())
    };
    let cores = thread::available_parallelism().map_or(0, usize::from);
    let gib = field("/proc/meminfo", "MemTotal")
        .trim_end_matches(" kB")
        .parse::<u64>()
        .unwrap_or(0)
        / 1024
        / 1024;
    format!(
        "{cores} cores ({}), {gib} GiB",
        field("/proc/cpuinfo", "model name")
    )
}
