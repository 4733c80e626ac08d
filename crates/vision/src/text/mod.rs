//! `DetectText`. PP-OCR reads photographs, Tesseract reads pages; this module puts their words together, filters them and
//! builds the response.
//!
//! `photographs` finds lines (`detector`, `regions`) and reads them (`warp`, `reader`, `ctc`). `tesseract` runs the program,
//! and `tsv` reads its output. `combine` chooses between the two, `order` sorts, and `detections` builds the response.

mod area;
mod combine;
mod ctc;
mod detections;
mod detector;
mod filters;
mod line;
#[cfg(test)]
mod model_tests;
mod order;
mod photographs;
mod reader;
mod rectangle;
mod regions;
mod tesseract;
mod tsv;
mod warp;

use std::path::Path;

use image::RgbImage;
use rekognition_model::DetectTextResponse;

pub use filters::TextFilters;
pub use tesseract::{Tesseract, TesseractError};

use crate::VisionError;
use crate::decode::Picture;
use crate::models::InstalledModel;
use combine::{Page, is_page};
use line::Line;
use order::sort_for_reading;
use photographs::PhotographReader;
use rectangle::Rectangle;

/// The longer side of an image when text is read, in pixels. Letters of an A4 page scanned at 300 dots an inch are
/// large enough, and a page full of them takes seconds.
const MAX_TEXT_SIDE: u32 = 3508;
/// PP-OCR in `TextModelVersion`.
const PP_OCR: &str = "pp-ocr-v6-small";

/// Answers `DetectText` with PP-OCR, Tesseract, or both.
pub struct TextRecogniser {
    tesseract: Option<Tesseract>,
    photographs: Option<PhotographReader>,
}

impl TextRecogniser {
    /// A recogniser with what is installed. `photographs` is the model [`Text`](crate::models::ModelName::Text), whose
    /// networks are loaded on first use.
    pub fn new(tesseract: Option<Tesseract>, photographs: Option<InstalledModel>) -> Self {
        Self {
            tesseract,
            photographs: photographs.map(PhotographReader::new),
        }
    }

    /// Answers `DetectText`. Blocks while the models and Tesseract run. `scratch` is a folder for temporary files.
    ///
    /// # Errors
    /// `Internal` if nothing is installed that reads text, a network cannot be loaded or fails, or Tesseract fails.
    pub fn detect_text(
        &self,
        picture: &Picture,
        filters: &TextFilters,
        scratch: &Path,
    ) -> Result<DetectTextResponse, VisionError> {
        let image = picture.thumbnail(MAX_TEXT_SIDE)?;
        let (lines, version) = match (&self.photographs, &self.tesseract) {
            (Some(photographs), tesseract) => {
                read_both(photographs, tesseract.as_ref(), &image, filters, scratch)?
            }
            (None, Some(tesseract)) => (tesseract.lines(&image, scratch)?, tesseract.name()),
            (None, None) => {
                return Err(VisionError::Internal(
                    "neither Tesseract nor the model \"text\" is installed".to_owned(),
                ));
            }
        };
        let size = image.dimensions();
        Ok(detections::response(lines, size, filters, version))
    }
}

/// The lines of an image, and the name of what read them.
fn read_both(
    photographs: &PhotographReader,
    tesseract: Option<&Tesseract>,
    image: &RgbImage,
    filters: &TextFilters,
    scratch: &Path,
) -> Result<(Vec<Line>, String), VisionError> {
    let regions = photographs.find(image)?;
    let Some(tesseract) = tesseract.filter(|_| is_page(&regions)) else {
        let read = photographs.read(image, &regions, filters)?;
        return Ok((in_reading_order(read), PP_OCR.to_owned()));
    };
    let page = Page::new(tesseract.lines(image, scratch)?, regions);
    let read = photographs.read(image, &page.unread(), filters)?;
    let version = match read.is_empty() {
        true => tesseract.name(),
        false => format!("{}+{PP_OCR}", tesseract.name()),
    };
    Ok((page.combined(read), version))
}

/// The lines with words. Only reading a line shows which way up it is.
fn in_reading_order(lines: Vec<Line>) -> Vec<Line> {
    let with_rectangle = |line: Line| Some((line.rectangle()?, line));
    let mut lines: Vec<(Rectangle, Line)> = lines.into_iter().filter_map(with_rectangle).collect();
    sort_for_reading(&mut lines, |(rectangle, _)| *rectangle);
    lines.into_iter().map(|(_, line)| line).collect()
}

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
        let picture = Picture::decode(image)?;
        TextRecogniser::new(Some(self.clone()), None).detect_text(&picture, filters, scratch)
    }

    fn lines(&self, image: &RgbImage, scratch: &Path) -> Result<Vec<Line>, VisionError> {
        let internal = |error: &dyn std::error::Error| VisionError::Internal(error.to_string());
        let tsv = self.read(scratch, image).map_err(|e| internal(&e))?;
        tsv::lines(&tsv).map_err(|e| internal(&e))
    }

    /// The name in `TextModelVersion`.
    fn name(&self) -> String {
        format!("tesseract-{}", self.version())
    }
}
