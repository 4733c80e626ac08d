//! The embedded recognisers. They take JPEG or PNG bytes and return Rekognition's responses: [`Recogniser`] for
//! `DetectLabels` and `DetectCustomLabels`, [`Tesseract`] for `DetectText`.
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
//! An image passes through `decode` (checks the header, applies the EXIF orientation, puts alpha over white), `letterbox`
//! (builds the model's input), `network` (runs the ONNX model on rten, the `engine`), `layout` (reads the outputs), `nms`,
//! `confidence` (one scale for all labels) and `labels` (builds the response). `properties` computes quality and dominant
//! colours from the pixels. `text` runs Tesseract.
//!
//! A [`Recogniser`] takes no lock, so one `Arc<Recogniser>` serves any number of threads. A call is synchronous and uses
//! the CPU. Callers limit the number of concurrent calls, because decoding an image of 10,000 x 10,000 pixels takes up to
//! 750 MB.

mod colour;
mod confidence;
mod custom;
mod decode;
mod engine;
mod error;
#[allow(
    dead_code,
    reason = "the recognisers are put together in the next step"
)]
mod faces;
mod label_table;
mod labels;
mod layout;
mod letterbox;
mod limits;
pub mod models;
mod network;
mod nms;
mod prediction;
mod properties;
mod recogniser;
#[cfg(test)]
mod reference_tests;
mod request;
mod taxonomy;
mod text;

pub use decode::Picture;
pub use error::{ModelError, VisionError};
pub use limits::MAX_SIDE;
pub use recogniser::{ModelDescription, Recogniser};
pub use text::{Tesseract, TesseractError, TextFilters};
