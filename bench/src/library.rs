//! Search in a large library: `bench/run library` fills an index, starts `sightline local` with it, and requests first and later
//! pages of search results.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde_json::json;
use sightline_pipeline::{
    ResultDocument,
    index::{Entry, SqliteIndex},
};
use sightline_tests::{Local, http};

/// Labels in the library. Every second image has the first, every third the next, and so on.
const LABELS: usize = 200;
const CATEGORIES: usize = 20;
/// Different words of text in the library.
const SIGNS: usize = 500;
/// Images added in one transaction.
const BATCH: usize = 5000;

/// Fills the index, runs the requests and returns the table.
pub(crate) fn run(images: usize, requests: usize, program: &Path) -> Result<String> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    // Lets the local mode create its data folder.
    Local::start_program(program, &data, &[])?.interrupt()?;
    let file = data.join("index.sqlite3");
    ensure!(file.exists(), "{} is missing", file.display());
    let filling = Instant::now();
    fill(&file, images)?;
    let filled = filling.elapsed();

    let local = Local::start_program(program, &data, &[])?;
    let api = &local.ready.api;
    let images_with_label = |number: usize| {
        (1..=images)
            .filter(|image| image.is_multiple_of(number + 2))
            .count()
    };
    let mut rows = vec![
        measure(api, requests, "one label of half of the images", |_| {
            "label=Thing%200".to_owned()
        })?,
        measure(api, requests, "any of 200 labels", |request| {
            format!("label=Thing%20{}", request % LABELS)
        })?,
        measure(
            api,
            requests,
            "the same, minimum confidence 90",
            |request| format!("label=Thing%20{}&minConfidence=90", request % LABELS),
        )?,
        measure(api, requests, "any of 20 categories", |request| {
            format!("category=Kind%20{}", request % CATEGORIES)
        })?,
        measure(api, requests, "all images", |_| String::new())?,
        measure(api, requests, "a bare phrase", |request| {
            format!("q=%22things%20{}%22", request % LABELS)
        })?,
        measure(api, requests, "bare words that are one label", |request| {
            format!("q=things%20{}", request % LABELS)
        })?,
        measure(
            api,
            requests,
            "bare words: a label, a text and a file name",
            // Pictures with even numbers have the label.
            |request| {
                let sign = 2 * (request % (SIGNS / 2));
                format!("q=%22thing%200%22%20sign{sign}%20picture")
            },
        )?,
        measure(api, requests, "a bare word of the text", |request| {
            format!("q=sign{}", request % SIGNS)
        })?,
        measure(
            api,
            requests,
            "a bare word by the time of taking",
            |request| format!("q=sign{}&sort=taken", request % SIGNS),
        )?,
        measure(api, requests, "bare words by confidence", |request| {
            format!("q=things%20{}&sort=confidence", request % LABELS)
        })?,
        measure(api, requests, "a misspelt word: `didYouMean`", |request| {
            format!("q=sigm{}", request % SIGNS)
        })?,
        measure(api, requests, "a misspelt label: `didYouMean`", |request| {
            format!("label=Thimg%20{}", request % LABELS)
        })?,
        measure(api, requests, "a colour", |_| "color=blue".to_owned())?,
        measure(api, requests, "two labels", |request| {
            format!(
                "label=Thing%200&label=Thing%20{}",
                1 + request % (LABELS - 1)
            )
        })?,
        measure(api, requests, "a label without another", |request| {
            format!(
                "label=Thing%20{}&notLabel=Thing%200",
                2 * (request % (LABELS / 2)) + 1
            )
        })?,
        measure(api, requests, "a word of the text", |request| {
            format!("text=sign{}", request % SIGNS)
        })?,
        measure(api, requests, "a word of all file names", |_| {
            "filename=picture".to_owned()
        })?,
        measure(api, requests, "a colour and a label", |request| {
            format!("color=blue&label=Thing%20{}", request % 50)
        })?,
        measure(api, requests, "a day", |request| {
            // One picture a second.
            let day = 1 + request % (1 + images / 86_400).min(2);
            format!("from=2026-01-{day:02}&to=2026-01-{day:02}&label=Thing%200")
        })?,
        measure(api, requests, "a label, oldest first", |request| {
            format!("label=Thing%20{}&sort=oldest", request % LABELS)
        })?,
        measure(api, requests, "a label by confidence", |request| {
            format!("label=Thing%20{}&sort=confidence", request % LABELS)
        })?,
        measure(api, requests, "a label by the time of taking", |request| {
            format!("label=Thing%20{}&sort=taken", request % LABELS)
        })?,
        measure(api, requests, "all images by the time of taking", |_| {
            "sort=taken".to_owned()
        })?,
        later_pages(api, requests)?,
    ];
    let labels = times((0..requests / 10).map(|_| get(&format!("{api}/labels"))))?;
    rows.push(row("`GET /labels`", &labels));
    local.interrupt()?;
    Ok(format!(
        "{images} images, {} with the most frequent label; filled in {:.0} s; {requests} requests each, 50 images a page\n\n\
         | `GET /images` | p50 | p99 |\n|---|---|---|\n{}",
        images_with_label(0),
        filled.as_secs_f64(),
        rows.concat()
    ))
}

fn fill(file: &Path, images: usize) -> Result<()> {
    let index = SqliteIndex::open(file)?;
    let runtime = tokio::runtime::Runtime::new()?;
    for first in (1..=images).step_by(BATCH) {
        let entries = (first..=images.min(first + BATCH - 1))
            .map(entry)
            .collect::<Result<_>>()?;
        runtime.block_on(index.put_all(entries))?;
    }
    Ok(())
}

/// The index entry of an image, from a document like the processor's.
fn entry(image: usize) -> Result<Entry> {
    let labels: Vec<_> = (0..LABELS)
        .filter(|number| image.is_multiple_of(number + 2))
        .map(|number| {
            json!({
                "Name": format!("Thing {number}"),
                "Confidence": 55.0 + ((image * 7 + number) % 45) as f64,
                "Categories": [{"Name": format!("Kind {}", number % CATEGORIES)}],
            })
        })
        .collect();
    let seconds = |seconds: usize| {
        format!(
            "2026-01-{:02}T{:02}:{:02}:{:02}Z",
            1 + seconds / 86_400 % 28,
            seconds / 3600 % 24,
            seconds / 60 % 60,
            seconds % 60
        )
    };
    let document: ResultDocument = serde_json::from_value(json!({
        "schemaVersion": 1,
        "imageId": "5fbb5b9e-6d0f-4f9e-9d4f-0a3e0c1d2b3a",
        "status": "succeeded",
        "source": {
            "bucket": "sightline-input",
            "key": format!("uploads/{image:08}.jpg"),
            "eTag": format!("{image:032x}"),
            "size": 400_000,
            "contentType": "image/jpeg",
            "filename": format!("picture {image}.jpg"),
            "lastModified": seconds(image),
            "sequencer": format!("{image:016X}"),
        },
        "image": {
            "format": "jpeg", "width": 1600, "height": 1200, "orientation": 1,
            "takenAt": seconds(image * 7 % 2_000_000).replace('Z', ""),
        },
        "rekognition": {
            "detectLabels": {
                "Labels": labels,
                "ImageProperties": {"DominantColors": [
                    {"SimplifiedColor": if image.is_multiple_of(2) { "blue" } else { "grey" }, "PixelPercent": 60.0},
                ]},
            },
            "detectText": {"TextDetections": [
                {"Type": "LINE", "DetectedText": format!("sign{} street", image % SIGNS)},
            ]},
        },
        "thumbnail": {
            "key": format!("thumbnails/uploads/{image:08}.jpg.jpg"), "width": 128, "height": 96,
        },
        "analyses": ["labels"],
        "timings": {"prepareMs": 1, "recogniseMs": 1, "totalMs": 2},
        "processedAt": seconds(image + 1),
        "processorVersion": "0.1.0",
    }))?;
    Ok(Entry::from_document(&document))
}

fn measure(
    api: &str,
    requests: usize,
    name: &str,
    query: impl Fn(usize) -> String,
) -> Result<String> {
    let times =
        times((0..requests).map(|request| get(&format!("{api}/images?{}", query(request)))))?;
    Ok(row(name, &times))
}

/// All pages of the most frequent label in order.
fn later_pages(api: &str, requests: usize) -> Result<String> {
    let list = format!("{api}/images?label=Thing%200");
    let mut address = list.clone();
    let pages = times((0..requests).map(|_| {
        let began = Instant::now();
        let answer = http("GET", &address, &[], b"")?;
        let taken = began.elapsed();
        ensure!(answer.status == 200, "{address}: {}", answer.status);
        address = match answer.json()?.pointer("/cursor").and_then(|it| it.as_str()) {
            Some(cursor) => format!("{list}&cursor={cursor}"),
            None => list.clone(),
        };
        Ok(taken)
    }))?;
    Ok(row("later pages of one label", &pages))
}

/// The response time. The response must be a list that is not empty.
fn get(address: &str) -> Result<Duration> {
    let began = Instant::now();
    let answer = http("GET", address, &[], b"")?;
    let taken = began.elapsed();
    ensure!(answer.status == 200, "{address}: {}", answer.status);
    let answer = answer.json()?;
    let listed = ["/images/0", "/labels/0", "/didYouMean/0"];
    ensure!(
        listed.iter().any(|it| answer.pointer(it).is_some()),
        "{address}: the list is empty"
    );
    Ok(taken)
}

fn times(requests: impl Iterator<Item = Result<Duration>>) -> Result<Vec<Duration>> {
    let mut times = requests.collect::<Result<Vec<_>>>()?;
    times.sort();
    Ok(times)
}

fn row(name: &str, times: &[Duration]) -> String {
    let percentile = |percent: usize| {
        times
            .get((times.len() * percent / 100).min(times.len().saturating_sub(1)))
            .map_or(f64::NAN, |it| it.as_secs_f64() * 1000.0)
    };
    format!(
        "| {name} | {:.1} ms | {:.1} ms |\n",
        percentile(50),
        percentile(99)
    )
}
