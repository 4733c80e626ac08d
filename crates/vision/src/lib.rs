//! The recognisers of one machine. They take JPEG or PNG bytes and return Rekognition's responses: [`Recognisers`] for all
//! operations, put together from what is installed; [`Recogniser`] for `DetectCustomLabels`, and for `DetectLabels` from one
//! model alone; [`Tesseract`] reads text in pages. [`models`] says what can be installed.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use rekognition_model::DetectLabelsRequest;
//! use sightline_vision::Recogniser;
//!
//! let recogniser = Recogniser::embedded()?;
//! let response = recogniser.detect_labels(&std::fs::read("street.jpg")?, &DetectLabelsRequest::default())?;
//! for label in response.labels.unwrap_or_default() {
//!     println!("{:?} {:?}", label.name, label.confidence);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! An image passes through `decode` (reads it with `sightline-prepare`), `letterbox`
//! (builds the model's input), `network` (runs the ONNX model on rten, the `engine`), `layout` (reads the outputs), `nms`,
//! `confidence` (one scale for all labels) and `labels` (builds the response). `properties` computes quality and dominant
//! colours from the pixels. `text` runs Tesseract. `moderation` scores a picture for nudity.
//!
//! [`Recognisers`] and [`Recogniser`] serve any number of threads from one `Arc`. A call is synchronous and uses the CPU.
//! Callers limit the number of concurrent calls, because decoding an image of 10,000 x 10,000 pixels may take 512 MiB.

mod answer;
mod classes;
mod colour;
mod combined;
mod confidence;
mod custom;
mod decode;
mod engine;
mod error;
mod faces;
mod label_table;
mod labels;
mod layout;
mod lazy;
mod letterbox;
mod limits;
pub mod models;
mod moderation;
#[cfg(test)]
#[path = "../../../tests/needs.rs"]
mod needs;
mod network;
mod nms;
mod objects;
#[cfg(test)]
mod one_reader_tests;
mod prediction;
mod properties;
mod recogniser;
mod recognisers;
#[cfg(test)]
mod reference_tests;
mod request;
mod taxonomy;
mod text;

pub use combined::LabelRecogniser;
pub use decode::Picture;
pub use error::{ModelError, VisionError};
pub use limits::MAX_SIDE;
pub use recogniser::{ModelDescription, Recogniser};
pub use recognisers::{LabelModels, Recognisers};
pub use text::{Tesseract, TesseractError, TextFilters, TextRecogniser};
