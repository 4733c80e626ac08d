//! Prints the recogniser's response for an image as Rekognition's JSON.
//!
//! ```text
//! cargo run -p sightline-vision --example detect -- PICTURE [REQUEST]
//! ```
//!
//! `REQUEST` is a DetectLabels request in JSON; the default requests labels and image properties. `SIGHTLINE_MODEL` and
//! `SIGHTLINE_MODEL_LABELS` select another model. Timings go to standard error.

#![expect(clippy::print_stdout, reason = "the result goes to standard output")]

use std::error::Error;
use std::path::Path;
use std::time::Instant;

use rekognition_model::DetectLabelsRequest;
use sightline_vision::Recogniser;

const BOTH_FEATURES: &str = r#"{"Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"]}"#;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let picture = arguments.next().ok_or("usage: detect PICTURE [REQUEST]")?;
    let request = arguments.next().unwrap_or_else(|| BOTH_FEATURES.to_owned());
    let request: DetectLabelsRequest = serde_json::from_str(&request)?;

    let start = Instant::now();
    let own = (
        std::env::var("SIGHTLINE_MODEL"),
        std::env::var("SIGHTLINE_MODEL_LABELS"),
    );
    let recogniser = match own {
        (Ok(model), Ok(labels)) => Recogniser::from_files(Path::new(&model), Path::new(&labels))?,
        _ => Recogniser::embedded()?,
    };
    eprintln!(
        "{} loaded in {:?}",
        recogniser.description(),
        start.elapsed()
    );

    let bytes = std::fs::read(picture)?;
    let answer = recogniser.detect_labels(&bytes, &request)?;
    // The first call fills caches, so the median of further calls counts.
    let mut times = Vec::new();
    for _ in 0..9 {
        let start = Instant::now();
        recogniser.detect_labels(&bytes, &request)?;
        times.push(start.elapsed());
    }
    times.sort();
    eprintln!(
        "answered in {:?} (median of {})",
        times.get(times.len() / 2).copied().unwrap_or_default(),
        times.len()
    );
    println!("{}", serde_json::to_string_pretty(&answer)?);
    Ok(())
}
