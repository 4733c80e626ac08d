//! Reads text in photographs with PP-OCR: a detector finds lines, a reader reads them.

use std::sync::OnceLock;

use image::RgbImage;

use super::detections::MAX_WORDS;
use super::detector::Detector;
use super::filters::TextFilters;
use super::line::Line;
use super::order::sort_for_reading;
use super::reader::Reader;
use super::rectangle::Rectangle;
use super::regions::regions;
use crate::models::InstalledModel;
use crate::{ModelError, VisionError};

/// The confidence from which a line is reported, in percent.
const CONFIDENCE_MIN: f64 = 70.0;
/// The same for lines of Latin letters only. Smudges are often read as a Chinese character, seldom as Latin letters.
const LATIN_CONFIDENCE_MIN: f64 = 50.0;
/// A line that is read with less is read again upside down, in percent. So is every vertical line, which may go up or down.
const CERTAIN: f64 = 90.0;
/// The most lines that are read again, which bounds the time.
const MAX_SECOND_READINGS: usize = 10;
/// The most lines that the detector's map may have.
const MAX_REGIONS: usize = 500;
/// How many lines are read before the words are counted.
const LINES_AT_ONCE: usize = 12;
/// The total width of the lines from which no more are read, in pixels of the reader's input, which bounds the time: 75
/// short lines.
const MAX_WIDTH_READ: u32 = 75 * 320;
/// A vertical line that is shorter than this many times its width may also be a single upright letter.
const SINGLE_LETTER: f64 = 3.0;

/// PP-OCR. Each network is loaded on first use.
pub(super) struct PhotographReader {
    model: InstalledModel,
    detector: OnceLock<Result<Detector, VisionError>>,
    reader: OnceLock<Result<Reader, VisionError>>,
}

impl PhotographReader {
    pub(super) fn new(model: InstalledModel) -> Self {
        Self {
            model,
            detector: OnceLock::new(),
            reader: OnceLock::new(),
        }
    }

    /// The lines of text in an upright image, in reading order. They are not read yet.
    ///
    /// # Errors
    /// `Internal`, also if the network cannot be loaded.
    pub(super) fn find(&self, image: &RgbImage) -> Result<Vec<Rectangle>, VisionError> {
        let detector = self
            .detector
            .get_or_init(|| loaded(Detector::open(&self.model)));
        let map = detector
            .as_ref()
            .map_err(Clone::clone)?
            .probabilities(image)?;
        let x = f64::from(image.width()) / map.width as f64;
        let y = f64::from(image.height()) / map.height as f64;
        let mut found = regions(&map);
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(MAX_REGIONS);
        let scaled = found.iter().map(|region| region.rectangle.scaled(x, y));
        let mut rectangles: Vec<Rectangle> = scaled.collect();
        sort_for_reading(&mut rectangles, |rectangle| *rectangle);
        Ok(rectangles)
    }

    /// Reads lines that [`Self::find`] found, until there are as many words as a response may have. The result has a line
    /// for each of them, without words if it is not text or was not read.
    ///
    /// # Errors
    /// `Internal`, also if the network cannot be loaded.
    pub(super) fn read(
        &self,
        image: &RgbImage,
        rectangles: &[Rectangle],
        filters: &TextFilters,
    ) -> Result<Vec<Line>, VisionError> {
        if rectangles.is_empty() {
            return Ok(Vec::new());
        }
        let reader = self
            .reader
            .get_or_init(|| loaded(Reader::open(&self.model)));
        let reader = reader.as_ref().map_err(Clone::clone)?;
        let mut lines = Vec::with_capacity(rectangles.len());
        let (mut width, mut words, mut again) = (0, 0, MAX_SECOND_READINGS);
        for part in rectangles.chunks(LINES_AT_ONCE) {
            let read = if width < MAX_WIDTH_READ && words < MAX_WORDS {
                read_part(reader, image, part, &mut again)?
            } else {
                vec![Line::default(); part.len()]
            };
            width += part.iter().map(Reader::input_width).sum::<u32>();
            let accepted = read.iter().flat_map(|line| &line.words);
            words += accepted
                .filter(|word| filters.accepts(word, image.dimensions()))
                .count();
            lines.extend(read);
        }
        Ok(lines)
    }
}

/// Reads some lines, and `again` of the doubtful ones in another direction as well.
fn read_part(
    reader: &Reader,
    image: &RgbImage,
    rectangles: &[Rectangle],
    again: &mut usize,
) -> Result<Vec<Line>, VisionError> {
    let mut lines = reader.read(image, rectangles)?;
    let doubtful = lines
        .iter_mut()
        .zip(rectangles)
        .filter(|(line, way)| line.confidence() < CERTAIN || way.is_vertical());
    let doubtful: Vec<(&mut Line, &Rectangle)> = doubtful.take(*again).collect();
    *again -= doubtful.len();
    let turned: Vec<Vec<Rectangle>> = doubtful.iter().map(|(_, r)| other_ways(r)).collect();
    let mut second = reader.read(image, &turned.concat())?.into_iter();
    for ((line, _), turned) in doubtful.into_iter().zip(turned) {
        for other in second.by_ref().take(turned.len()) {
            if other.confidence() > line.confidence() {
                *line = other;
            }
        }
    }
    for line in &mut lines {
        if !is_text(line) {
            line.words.clear();
        }
    }
    Ok(lines)
}

/// A failure to load is kept, so that a damaged file is read once.
fn loaded<T>(result: Result<T, ModelError>) -> Result<T, VisionError> {
    result.map_err(|error| VisionError::Internal(format!("the text model: {error}")))
}

/// The other directions in which a rectangle may be read.
fn other_ways(rectangle: &Rectangle) -> Vec<Rectangle> {
    let mut ways = vec![rectangle.upside_down()];
    if rectangle.is_vertical() && rectangle.length < SINGLE_LETTER * rectangle.height {
        ways.push(rectangle.upside_down().turned());
    }
    ways
}

fn is_text(line: &Line) -> bool {
    let text = line.text();
    let latin = text.is_ascii() && text.contains(|letter: char| letter.is_ascii_alphanumeric());
    let least = if latin {
        LATIN_CONFIDENCE_MIN
    } else {
        CONFIDENCE_MIN
    };
    line.confidence() >= least
}

#[cfg(test)]
mod tests {
    use super::super::line::Word;
    use super::*;

    #[test]
    fn faint_smudges_are_no_text_and_faint_latin_letters_are() {
        let line = |text: &str, confidence| Line {
            words: vec![Word {
                text: text.to_owned(),
                confidence,
                rectangle: Rectangle::upright(0.0, 0.0, 10.0, 10.0),
            }],
        };
        for (text, confidence, expected) in [
            ("口", 65.0, false),
            ("口", 75.0, true),
            ("Exit", 55.0, true),
            ("Exit", 45.0, false),
            ("..", 65.0, false),
            ("24", 65.0, true),
        ] {
            assert_eq!(
                is_text(&line(text, confidence)),
                expected,
                "{text} {confidence}"
            );
        }
        assert!(!is_text(&Line::default()));
    }

    #[test]
    fn a_short_vertical_line_may_be_an_upright_letter() {
        let digit = Rectangle::upright(5.0, 5.0, 10.0, 20.0);
        let ways = other_ways(&digit.readable());
        assert_eq!(ways.len(), 2);
        assert_eq!((ways[1].along, ways[1].length), ((1.0, 0.0), 10.0));
        assert_eq!(
            other_ways(&Rectangle::upright(0.0, 0.0, 10.0, 50.0).readable()).len(),
            1
        );
        assert_eq!(
            other_ways(&Rectangle::upright(0.0, 0.0, 50.0, 10.0)).len(),
            1
        );
    }
}
