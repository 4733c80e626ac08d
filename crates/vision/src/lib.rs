//! The embedded recogniser: JPEG or PNG bytes in, a Rekognition `DetectLabels` answer out; and models of one's own
//! for `DetectCustomLabels`.
//!
//! ```no_run
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use rekognition_model::DetectLabelsRequest;
//! use sightline_vision::Recogniser;
//!
//! let recogniser = Recogniser::embedded()?;
//! let answer = recogniser.detect_labels(&std::fs::read("street.jpg")?, &DetectLabelsRequest::default())?;
//! for label in answer.labels.unwrap_or_default() {
//!     println!("{:?} {:?}", label.name, label.confidence);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! The way of a picture: `decode` (header checked first, EXIF orientation, alpha over white) →
//! `letterbox` (the model's input) → `network` (the ONNX model, run by rten) → `layout` (what the outputs
//! mean) → `nms` → `confidence` (one scale for all labels) → `labels` (Rekognition's semantics), and
//! beside it `properties` (quality and dominant colours, computed from the pixels).
//!
//! A [`Recogniser`] holds no lock: each call has its own inference state, so one `Arc<Recogniser>` serves
//! any number of threads. A call is CPU-bound and synchronous; callers bound how many run side by side,
//! because a picture of 10,000 x 10,000 pixels takes up to 750 MB while it is decoded.

mod colour;
mod confidence;
mod custom;
mod decode;
mod error;
mod labels;
mod layout;
mod letterbox;
mod network;
mod nms;
#[cfg(test)]
mod parity;
mod prediction;
mod properties;
mod recogniser;
mod request;
mod table;
mod taxonomy;
mod text;

pub use decode::{MAX_SIDE, MIN_SIDE};
pub use error::{ModelError, VisionError};
pub use recogniser::{ModelDescription, Recogniser};
pub use taxonomy::CATEGORIES;
pub use text::{Tesseract, TesseractError, TextFilters};
