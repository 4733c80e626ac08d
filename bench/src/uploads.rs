//! Uploads of one picture to a running API.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, anyhow, ensure};
use serde_json::json;
use sightline_tests::{http, text, upload};

pub(crate) const UPLOADERS: usize = 8;

/// One picture at a time: precise.
const SHORT_PAUSE: Duration = Duration::from_millis(2);
/// Many pictures: the questions themselves must not take the server's time.
const LONG_PAUSE: Duration = Duration::from_millis(50);

/// A picture, and where it is uploaded to.
pub(crate) struct Uploads {
    api: String,
    content_type: &'static str,
    bytes: Vec<u8>,
}

impl Uploads {
    pub(crate) fn new(api: &str, picture: &str) -> Result<Self> {
        Ok(Self {
            api: api.to_owned(),
            content_type: if picture.ends_with(".png") {
                "image/png"
            } else {
                "image/jpeg"
            },
            bytes: fs::read(picture).with_context(|| picture.to_owned())?,
        })
    }

    /// Of the picture, in bytes.
    pub(crate) fn size(&self) -> usize {
        self.bytes.len()
    }

    /// The time from the request for an address to the document, for so many pictures one after the other.
    pub(crate) fn one_by_one(&self, count: usize) -> Result<Vec<Duration>> {
        let one = || -> Result<Duration> {
            let began = Instant::now();
            wait(&self.upload()?, SHORT_PAUSE)?;
            Ok(began.elapsed())
        };
        (0..count).map(|_| one()).collect()
    }

    /// The time from the first request to the last document, with [`UPLOADERS`] at once.
    pub(crate) fn together(&self, count: usize) -> Result<Duration> {
        let began = Instant::now();
        let replies = thread::scope(|scope| -> Result<Vec<_>> {
            let uploaders: Vec<_> = (0..UPLOADERS)
                .map(|uploader| {
                    let share = (uploader..count).step_by(UPLOADERS).count();
                    scope.spawn(move || {
                        (0..share)
                            .map(|_| self.upload())
                            .collect::<Result<Vec<_>>>()
                    })
                })
                .collect();
            let mut replies = Vec::new();
            for uploader in uploaders {
                replies.extend(
                    uploader
                        .join()
                        .map_err(|_| anyhow!("an uploader panicked"))??,
                );
            }
            Ok(replies)
        })?;
        for status_url in &replies {
            wait(status_url, LONG_PAUSE)?;
        }
        Ok(began.elapsed())
    }

    /// Uploads the picture, and returns the address of its document.
    fn upload(&self) -> Result<String> {
        let reply = upload(&self.api, self.content_type, &self.bytes, json!({}))?;
        Ok(text(&reply, "/statusUrl")?.to_owned())
    }
}

/// Asks for a document until it is there.
fn wait(status_url: &str, pause: Duration) -> Result<()> {
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
                began.elapsed() < Duration::from_secs(600),
                "no document after ten minutes"
            ),
            status => anyhow::bail!("{status}: {}", String::from_utf8_lossy(&answer.body)),
        }
        thread::sleep(pause);
    }
}

/// A percentile of sorted times, in milliseconds.
pub(crate) fn percentile(sorted: &[Duration], percent: usize) -> f64 {
    sorted
        .get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1)))
        .map_or(f64::NAN, |it| milliseconds(*it))
}

pub(crate) fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
