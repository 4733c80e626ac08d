//! Reads the text in pictures and prints Rekognition's JSON, one line for each picture, with the seconds it took.
//!
//! ```text
//! SIGHTLINE_MODELS_DIR=... cargo run -p sightline-vision --example text -- [--request JSON] [--no-tesseract] PICTURE...
//! ```
//!
//! Uses the model `text` in that folder, and Tesseract if it is installed. `JSON` is a DetectText request.

#![expect(clippy::print_stdout, reason = "the result goes to standard output")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;

use rekognition_model::DetectTextRequest;
use sightline_vision::models::{InstalledModel, ModelName};
use sightline_vision::{Picture, Tesseract, TextFilters, TextRecogniser};

fn main() -> Result<(), Box<dyn Error>> {
    let mut request = DetectTextRequest::default();
    let mut tesseract = Tesseract::open(Path::new("tesseract")).ok();
    let mut pictures = Vec::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--request" => request = serde_json::from_str(&arguments.next().unwrap_or_default())?,
            "--no-tesseract" => tesseract = None,
            _ => pictures.push(argument),
        }
    }
    let models = std::env::var_os("SIGHTLINE_MODELS_DIR").map(PathBuf::from);
    let model = models.and_then(|models| InstalledModel::find(&models, ModelName::Text));
    let recogniser = TextRecogniser::new(tesseract, model);
    let filters = TextFilters::from_request(&request)?;
    let scratch = std::env::temp_dir();
    for picture in pictures {
        let decoded = Picture::decode(&std::fs::read(&picture)?)?;
        let start = Instant::now();
        let answer = recogniser.detect_text(&decoded, &filters, &scratch)?;
        let seconds = start.elapsed().as_secs_f64();
        let answer = serde_json::to_value(answer)?;
        println!(
            "{}",
            serde_json::json!({"picture": picture, "seconds": seconds, "answer": answer})
        );
    }
    Ok(())
}
