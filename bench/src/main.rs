//! Latency and throughput on one machine: `bench/run` starts `sightline local` and prints a table.
//!
//! *Latency* is the time from the request for an upload URL to the document, one picture at a time. *Throughput* is that of eight
//! uploaders at once, from the first request to the last document.
//!
//! `bench/compare` starts `sightline local` itself, and asks for one figure at a time, as JSON: `latency API PICTURE COUNT`,
//! `throughput API PICTURE COUNT`,
//! `library IMAGES REQUESTS --json`, and `fill DATA IMAGES` for a data folder with a library.

mod library;
mod uploads;

use std::{env, fs, path::Path, thread};

use anyhow::Result;
use serde_json::json;
use sightline_tests::Local;

use crate::uploads::{UPLOADERS, Uploads, milliseconds, percentile};

const USAGE: &str = "usage: sightline-bench PICTURE [COUNT] | library [IMAGES] [REQUESTS] [--json] | latency API PICTURE COUNT | throughput API PICTURE COUNT | fill DATA IMAGES";

fn main() -> Result<()> {
    let mut arguments: Vec<_> = env::args().skip(1).collect();
    let as_json = arguments.last().is_some_and(|last| last == "--json");
    if as_json {
        arguments.pop();
    }
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let report = match *arguments.as_slice() {
        ["library", ref numbers @ ..] => {
            let images = numbers.first().map_or(Ok(100_000), |it| it.parse())?;
            let requests = numbers.get(1).map_or(Ok(1000), |it| it.parse())?;
            let found = library::run(images, requests)?;
            if as_json {
                found.json().to_string()
            } else {
                format!("machine: {}\n{}", machine(), found.table())
            }
        }
        ["fill", data, images] => {
            library::fill(Path::new(data), images.parse()?)?;
            String::new()
        }
        ["latency", api, picture, count] => {
            let latencies = Uploads::new(api, picture)?.one_by_one(count.parse()?)?;
            let times: Vec<_> = latencies.into_iter().map(milliseconds).collect();
            json!({ "ms": times }).to_string()
        }
        ["throughput", api, picture, count] => {
            let count: usize = count.parse()?;
            let elapsed = Uploads::new(api, picture)?.together(count)?;
            json!({"seconds": elapsed.as_secs_f64(), "perSecond": count as f64 / elapsed.as_secs_f64()}).to_string()
        }
        [picture] => uploads_table(picture, 200)?,
        [picture, count] => uploads_table(picture, count.parse()?)?,
        _ => anyhow::bail!(USAGE),
    };
    print(&report);
    Ok(())
}

fn uploads_table(picture: &str, count: usize) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let uploads = Uploads::new(&local.ready.api, picture)?;
    uploads.one_by_one(5)?; // warm-up
    let mut latencies = uploads.one_by_one(count)?;
    latencies.sort();
    let elapsed = uploads.together(count)?.as_secs_f64();
    local.interrupt()?;
    Ok(format!(
        "machine: {}\npicture: {picture}, {} KiB, {count} times\n\n\
         | metric | value |\n|---|---|\n\
         | upload to document, median | {:.0} ms |\n\
         | upload to document, 95th percentile | {:.0} ms |\n\
         | {UPLOADERS} uploaders at once | {:.1} pictures per second |\n",
        machine(),
        uploads.size() / 1024,
        percentile(&latencies, 50),
        percentile(&latencies, 95),
        count as f64 / elapsed,
    ))
}

#[expect(clippy::print_stdout, reason = "the table is the program's output")]
fn print(report: &str) {
    println!("{}", report.trim_end());
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
