//! Prints what the embedded and the installed models answer for a picture, as Rekognition's JSON.
//!
//! ```text
//! cargo run -p sightline-vision --example analyses -- MODELS_DIR PICTURE
//! ```
//!
//! Times of the first and the second call of each operation, and the memory of the process where the system tells it, go to
//! standard error.

#![expect(clippy::print_stdout, reason = "the result goes to standard output")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rekognition_model::{
    Attribute, DetectFacesRequest, DetectLabelsRequest, DetectModerationLabelsRequest,
    DetectTextRequest,
};
use serde_json::{Map, Value, to_value};
use sightline_vision::models::ModelStore;
use sightline_vision::{
    LabelModels, Picture, Recogniser, Recognisers, Tesseract, TextFilters, VisionError,
};

/// An operation and its answer as JSON.
type Answer<'a> = (
    &'static str,
    Box<dyn Fn(&Picture) -> Result<Value, Box<dyn Error>> + 'a>,
);

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(models), Some(file)) = (arguments.next(), arguments.next()) else {
        return Err("usage: analyses MODELS_DIR PICTURE".into());
    };
    let start = Instant::now();
    let embedded = LabelModels::Combined(Arc::new(Recogniser::embedded()?));
    let tesseract = Tesseract::open(Path::new("tesseract")).ok();
    let installed = ModelStore::open(models).installed();
    let recognisers = Recognisers::new(&embedded, tesseract, installed)?;
    eprintln!(
        "embedded model and {:?} opened in {:?}",
        recognisers.models(),
        start.elapsed()
    );

    let bytes = std::fs::read(file)?;
    let mut answers = Map::new();
    for (name, answer) in operations(&recognisers) {
        let mut times = Vec::new();
        for _ in 0..2 {
            // A new picture each time, because recognisers keep what they found in one.
            let picture = Picture::decode(&bytes)?;
            let start = Instant::now();
            match answer(&picture) {
                Ok(found) => {
                    times.push(start.elapsed());
                    answers.insert(name.to_owned(), found);
                }
                Err(error) => eprintln!("{name}: {error}"),
            }
        }
        eprintln!("{name}: {times:?}, {}", memory());
    }
    println!("{}", serde_json::to_string_pretty(&answers)?);
    Ok(())
}

fn operations(recognisers: &Recognisers) -> Vec<Answer<'_>> {
    let all = DetectFacesRequest {
        attributes: Some(vec![Attribute::All]),
        ..Default::default()
    };
    vec![
        (
            "DetectLabels",
            Box::new(|picture| {
                let request = DetectLabelsRequest::default();
                Ok(to_value(recognisers.detect_labels(picture, &request)?)?)
            }),
        ),
        (
            "DetectFaces",
            Box::new(move |picture| Ok(to_value(recognisers.detect_faces(picture, &all)?)?)),
        ),
        (
            "DetectModerationLabels",
            Box::new(|picture| {
                let request = DetectModerationLabelsRequest::default();
                let answer = recognisers.detect_moderation_labels(picture, &request)?;
                Ok(to_value(answer)?)
            }),
        ),
        (
            "DetectText",
            Box::new(|picture| {
                let filters = TextFilters::from_request(&DetectTextRequest::default())?;
                let scratch = std::env::temp_dir();
                let answer: Result<_, VisionError> =
                    recognisers.detect_text(picture, &filters, &scratch);
                Ok(to_value(answer?)?)
            }),
        ),
    ]
}

/// The resident memory now and at most so far, as Linux tells it.
fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status
        .lines()
        .filter(|line| line.starts_with("VmHWM") || line.starts_with("VmRSS"));
    lines
        .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect::<Vec<_>>()
        .join(", ")
}
