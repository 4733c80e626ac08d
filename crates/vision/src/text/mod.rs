//! `DetectText`: Tesseract reads the words, this module filters them and builds the response.

mod area;
mod detections;
mod filters;
mod tesseract;
mod tsv;

use std::path::Path;

use rekognition_model::DetectTextResponse;

pub use filters::TextFilters;
pub use tesseract::{Tesseract, TesseractError};

use crate::VisionError;
use crate::decode::Picture;

/// The longer side of an image when text is read, in pixels. Letters of an A4 page scanned at 300 dots an inch are
/// large enough, and a page full of them takes seconds.
const MAX_TEXT_SIDE: u32 = 3508;

impl Tesseract {
    /// Answers `DetectText` for a JPEG or PNG. Blocks while Tesseract runs. `scratch` is a folder for temporary files.
    ///
    /// # Errors
    /// `InvalidImageFormat`, `ImageTooLarge` and `ImageTooSmall` for the image, `Internal` if Tesseract fails.
    pub fn detect_text(
        &self,
        image: &[u8],
        filters: &TextFilters,
        scratch: &Path,
    ) -> Result<DetectTextResponse, VisionError> {
        let internal = |error: &dyn std::error::Error| VisionError::Internal(error.to_string());
        let image = Picture::decode(image)?.thumbnail(MAX_TEXT_SIDE)?;
        let tsv = self.read(scratch, &image).map_err(|e| internal(&e))?;
        detections::response(&tsv, image.dimensions(), filters, self.version())
            .map_err(|e| internal(&e))
    }
}
