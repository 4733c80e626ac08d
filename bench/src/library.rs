//! Search in a large library: `bench/run library` fills an index, starts `sightline local` with it, and requests first and later
//! pages of search results.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use sightline_pipeline::{
    ResultDocument,
    index::{Entry, SqliteIndex},
};
use sightline_tests::{Local, http};

use crate::uploads::percentile;

/// Labels in the library. Every second image has the first, every third the next, and so on.
const LABELS: usize = 200;
const CATEGORIES: usize = 20;
/// Different words of text in the library.
const SIGNS: usize = 500;
/// Images added in one transaction.
const BATCH: usize = 5000;

/// What was measured.
pub(crate) struct Found {
    images: usize,
    /// With the most frequent label.
    frequent: usize,
    filling: Duration,
    requests: usize,
    rows: Vec<Row>,
}

/// One kind of request and its times in milliseconds.
struct Row {
    name: String,
    p50: f64,
    p99: f64,
}

impl Found {
    pub(crate) fn table(&self) -> String {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| format!("| {} | {:.1} ms | {:.1} ms |\n", row.name, row.p50, row.p99))
            .collect();
        format!(
            "{} images, {} with the most frequent label; filled in {:.0} s; {} requests each, 50 images a page\n\n\
             | `GET /images` | p50 | p99 |\n|---|---|---|\n{}",
            self.images,
            self.frequent,
            self.filling.as_secs_f64(),
            self.requests,
            rows.concat()
        )
    }

    pub(crate) fn json(&self) -> Value {
        let rows: Vec<_> = self
            .rows
            .iter()
            .map(|row| json!({"name": row.name, "p50": row.p50, "p99": row.p99}))
            .collect();
        json!({"images": self.images, "fillingSeconds": self.filling.as_secs_f64(), "rows": rows})
    }
}

/// Fills the index and runs so many requests of each kind.
pub(crate) fn run(images: usize, requests: usize) -> Result<Found> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let filling = fill(&data, images)?;

    let local = Local::start(&data, &[])?;
    let api = &local.ready.api;
    // It has no image for some of the rare conditions.
    let is_small = images < 10_000;
    let measure = |name: &str, query: &dyn Fn(usize) -> String| {
        let times = times(
            (0..requests).map(|request| get(&format!("{api}/images?{}", query(request)), is_small)),
        )?;
        anyhow::Ok(row(name, &times))
    };
    let mut rows = vec![
        measure("one label of half of the images", &|_| {
            "label=Thing%200".to_owned()
        })?,
        measure("any of 200 labels", &|request| {
            format!("label=Thing%20{}", request % LABELS)
        })?,
        measure("the same, minimum confidence 90", &|request| {
            format!("label=Thing%20{}&minConfidence=90", request % LABELS)
        })?,
        measure("any of 20 categories", &|request| {
            format!("category=Kind%20{}", request % CATEGORIES)
        })?,
        measure("all images", &|_| String::new())?,
        measure("a bare phrase", &|request| {
            format!("q=%22things%20{}%22", request % LABELS)
        })?,
        measure("bare words that are one label", &|request| {
            format!("q=things%20{}", request % LABELS)
        })?,
        measure("bare words: a label, a text and a file name", &|request| {
            // Pictures with even numbers have the label.
            let sign = 2 * (request % (SIGNS / 2));
            format!("q=%22thing%200%22%20sign{sign}%20picture")
        })?,
        measure("a bare word of the text", &|request| {
            format!("q=sign{}", request % SIGNS)
        })?,
        measure("a bare word by the time of taking", &|request| {
            format!("q=sign{}&sort=taken", request % SIGNS)
        })?,
        measure("bare words by confidence", &|request| {
            format!("q=things%20{}&sort=confidence", request % LABELS)
        })?,
        measure("a misspelt word: `didYouMean`", &|request| {
            format!("q=sigm{}", request % SIGNS)
        })?,
        measure("a misspelt label: `didYouMean`", &|request| {
            format!("label=Thimg%20{}", request % LABELS)
        })?,
        measure("a colour", &|_| "color=blue".to_owned())?,
        measure("two labels", &|request| {
            format!(
                "label=Thing%200&label=Thing%20{}",
                1 + request % (LABELS - 1)
            )
        })?,
        measure("a label without another", &|request| {
            format!(
                "label=Thing%20{}&notLabel=Thing%200",
                2 * (request % (LABELS / 2)) + 1
            )
        })?,
        measure("a word of the text", &|request| {
            format!("text=sign{}", request % SIGNS)
        })?,
        measure("a word of all file names", &|_| {
            "filename=picture".to_owned()
        })?,
        measure("a colour and a label", &|request| {
            format!("color=blue&label=Thing%20{}", request % 50)
        })?,
        measure("a day", &|request| {
            // One picture a second.
            let day = 1 + request % (1 + images / 86_400).min(2);
            format!("from=2026-01-{day:02}&to=2026-01-{day:02}&label=Thing%200")
        })?,
        measure("a label, oldest first", &|request| {
            format!("label=Thing%20{}&sort=oldest", request % LABELS)
        })?,
        measure("a label by confidence", &|request| {
            format!("label=Thing%20{}&sort=confidence", request % LABELS)
        })?,
        measure("a label by the time of taking", &|request| {
            format!("label=Thing%20{}&sort=taken", request % LABELS)
        })?,
        measure("all images by the time of taking", &|_| {
            "sort=taken".to_owned()
        })?,
        later_pages(api, requests)?,
    ];
    let labels = times((0..requests.div_ceil(10)).map(|_| get(&format!("{api}/labels"), false)))?;
    rows.push(row("`GET /labels`", &labels));
    local.interrupt()?;
    Ok(Found {
        images,
        frequent: images / 2,
        filling,
        requests,
        rows,
    })
}

/// Makes a data folder with so many images in its index. Returns how long adding them took.
pub(crate) fn fill(data: &Path, images: usize) -> Result<Duration> {
    // Lets the local mode create the folder.
    Local::start(data, &[])?.interrupt()?;
    let file = data.join("index.sqlite3");
    ensure!(file.exists(), "{} is missing", file.display());
    let began = Instant::now();
    let index = SqliteIndex::open(&file)?;
    let runtime = tokio::runtime::Runtime::new()?;
    for first in (1..=images).step_by(BATCH) {
        let entries = (first..=images.min(first + BATCH - 1))
            .map(entry)
            .collect::<Result<_>>()?;
        runtime.block_on(index.put_all(entries))?;
    }
    Ok(began.elapsed())
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

/// All pages of the most frequent label in order.
fn later_pages(api: &str, requests: usize) -> Result<Row> {
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

/// The response time. The response must be a list, and not an empty one unless that is allowed.
fn get(address: &str, may_be_empty: bool) -> Result<Duration> {
    let began = Instant::now();
    let answer = http("GET", address, &[], b"")?;
    let taken = began.elapsed();
    ensure!(answer.status == 200, "{address}: {}", answer.status);
    let answer = answer.json()?;
    let listed = ["/images/0", "/labels/0", "/didYouMean/0"];
    ensure!(
        may_be_empty || listed.iter().any(|it| answer.pointer(it).is_some()),
        "{address}: the list is empty"
    );
    Ok(taken)
}

fn times(requests: impl Iterator<Item = Result<Duration>>) -> Result<Vec<Duration>> {
    let mut times = requests.collect::<Result<Vec<_>>>()?;
    times.sort();
    Ok(times)
}

fn row(name: &str, times: &[Duration]) -> Row {
    Row {
        name: name.to_owned(),
        p50: percentile(times, 50),
        p99: percentile(times, 99),
    }
}
