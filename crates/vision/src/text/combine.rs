//! Decides which program's words are reported. Tesseract is better and faster on pages of straight, dense text, PP-OCR on
//! everything else.

use super::line::{Line, Word};
use super::rectangle::Rectangle;

/// The fewest lines of a page.
const PAGE_LINES: usize = 4;
/// The part of a page's lines that are straight and about as high as the middle one.
const PAGE_REGULAR: f64 = 0.6;
/// The largest slope of a straight line: the sine of 4 degrees.
const STRAIGHT: f64 = 0.07;
/// How many times as high or low as the middle line a line of the page may be.
const PAGE_HEIGHTS: f64 = 1.6;
/// The part of a line's length that Tesseract's words cover if it has read the line completely.
const COVERED: f64 = 0.7;
/// The confidence from which Tesseract's reading of a line stands, in percent: the mean of its words, and each word.
const TRUSTED_LINE: f64 = 85.0;
const TRUSTED_WORD: f64 = 60.0;
/// The same for words where the detector found nothing.
const TRUSTED_ALONE: f64 = 90.0;

/// Whether the lines that the detector found are those of a page: most are straight and equally high.
pub(super) fn is_page(regions: &[Rectangle]) -> bool {
    let mut heights: Vec<f64> = regions.iter().map(|region| region.height).collect();
    heights.sort_by(f64::total_cmp);
    let Some(middle) = heights.get(heights.len() / 2).copied() else {
        return false;
    };
    let regular = regions.iter().filter(|region| {
        let ratio = region.height / middle;
        region.along.1.abs() <= STRAIGHT
            && region.along.0 > 0.0
            && (1.0 / PAGE_HEIGHTS..=PAGE_HEIGHTS).contains(&ratio)
    });
    let regular = regular.count();
    regular >= PAGE_LINES && regular as f64 >= PAGE_REGULAR * regions.len() as f64
}

/// Tesseract's lines, beside the lines that the detector found.
pub(super) struct Page {
    lines: Vec<Line>,
    regions: Vec<Region>,
}

impl Page {
    pub(super) fn new(lines: Vec<Line>, rectangles: Vec<Rectangle>) -> Self {
        let mut regions: Vec<Region> = rectangles.into_iter().map(Region::new).collect();
        for word in lines.iter().flat_map(|line| &line.words) {
            if let Some(region) = regions.iter_mut().find(|region| region.holds(word)) {
                region.add(word);
            }
        }
        Self { lines, regions }
    }

    /// The regions that Tesseract has not read well, for PP-OCR to read.
    pub(super) fn unread(&self) -> Vec<Rectangle> {
        let unread = self.regions.iter().filter(|region| !region.is_read());
        unread.map(|region| region.rectangle).collect()
    }

    /// The lines of the page in Tesseract's order. `read` has PP-OCR's line for each region of [`Self::unread`]. Of the two
    /// readings of a region the one with the higher confidence is reported.
    pub(super) fn combined(mut self, read: Vec<Line>) -> Vec<Line> {
        let unread = self.regions.iter_mut().filter(|region| !region.is_read());
        for (region, line) in unread.zip(read) {
            region.replaced = line.confidence() > region.confidence() * region.covered();
            region.replacement = Some(line).filter(|_| region.replaced);
        }
        let mut lines = Vec::new();
        for line in self.lines {
            let mut words = Vec::new();
            for word in line.words {
                match self.regions.iter_mut().find(|region| region.holds(&word)) {
                    // PP-OCR's line takes the place of Tesseract's first word in its region.
                    Some(region) if region.replaced => {
                        if let Some(replacement) = region.replacement.take() {
                            lines.push(Line {
                                words: std::mem::take(&mut words),
                            });
                            lines.push(replacement);
                        }
                    }
                    None if !stands_alone(&word) => {}
                    _ => words.push(word),
                }
            }
            lines.push(Line { words });
        }
        lines.retain(|line| !line.words.is_empty());
        for region in self.regions {
            if let Some(line) = region.replacement {
                let below = lines
                    .iter()
                    .position(|other| follows(other, &region.rectangle));
                lines.insert(below.unwrap_or(lines.len()), line);
            }
        }
        lines
    }
}

/// A line that the detector found, and what Tesseract read there.
struct Region {
    rectangle: Rectangle,
    words: usize,
    /// Of the words, in pixels.
    length: f64,
    /// Of the words' confidences.
    sum: f64,
    least: f64,
    /// Whether PP-OCR's line is reported instead.
    replaced: bool,
    replacement: Option<Line>,
}

impl Region {
    fn new(rectangle: Rectangle) -> Self {
        Self {
            rectangle,
            words: 0,
            length: 0.0,
            sum: 0.0,
            least: 100.0,
            replaced: false,
            replacement: None,
        }
    }

    fn holds(&self, word: &Word) -> bool {
        self.rectangle.contains(word.rectangle.centre())
    }

    fn add(&mut self, word: &Word) {
        self.words += 1;
        self.length += word.rectangle.length;
        self.sum += word.confidence;
        self.least = self.least.min(word.confidence);
    }

    fn confidence(&self) -> f64 {
        self.sum / self.words.max(1) as f64
    }

    /// The part of the region's length that the words cover.
    fn covered(&self) -> f64 {
        (self.length / self.rectangle.length.max(1.0)).min(1.0)
    }

    fn is_read(&self) -> bool {
        self.confidence() >= TRUSTED_LINE && self.least >= TRUSTED_WORD && self.covered() >= COVERED
    }
}

/// Whether a word where the detector found nothing is reported.
fn stands_alone(word: &Word) -> bool {
    let letters = word.text.chars().filter(|c| c.is_alphanumeric());
    word.confidence >= TRUSTED_ALONE && letters.count() > 1
}

/// Whether a line lies below a region, in the same column.
fn follows(line: &Line, region: &Rectangle) -> bool {
    line.rectangle().is_some_and(|line| {
        let beside = line.origin.0 >= region.origin.0 + region.length
            || line.origin.0 + line.length <= region.origin.0;
        !beside && line.centre().1 > region.centre().1
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line with these words, each 100 pixels long and 20 high, and a gap of 10 between them.
    fn line(left: f64, top: f64, words: &[(&str, f64)]) -> Line {
        let word = |(n, (text, confidence)): (usize, &(&str, f64))| Word {
            text: (*text).to_owned(),
            confidence: *confidence,
            rectangle: Rectangle::upright(left + 110.0 * n as f64, top, 100.0, 20.0),
        };
        Line {
            words: words.iter().enumerate().map(word).collect(),
        }
    }

    fn region(left: f64, top: f64, words: usize) -> Rectangle {
        Rectangle::upright(left - 5.0, top - 5.0, 110.0 * words as f64, 30.0)
    }

    fn texts(lines: &[Line]) -> Vec<String> {
        lines.iter().map(Line::text).collect()
    }

    #[test]
    fn a_page_has_straight_lines_of_one_height() {
        let row = |n: usize, height| Rectangle::upright(10.0, 40.0 * n as f64, 500.0, height);
        let page: Vec<Rectangle> = (0..6).map(|n| row(n, 20.0 + n as f64)).collect();
        assert!(is_page(&page));
        assert!(!is_page(&page[..3]), "three lines are a sign");
        let tilted = page.iter().map(|row| Rectangle {
            along: (0.98, 0.199),
            ..*row
        });
        assert!(!is_page(&tilted.collect::<Vec<_>>()));
        let mixed = (0..8).map(|n| row(n, 10.0 * 1.7_f64.powi(n as i32)));
        assert!(!is_page(&mixed.collect::<Vec<_>>()), "signs near and far");
        assert!(!is_page(&[]));
    }

    #[test]
    fn tesseract_keeps_the_lines_it_read_well() {
        let lines = vec![
            line(0.0, 0.0, &[("plain", 96.0), ("words", 94.0)]),
            line(0.0, 50.0, &[("more", 91.0)]),
        ];
        let page = Page::new(
            lines.clone(),
            vec![region(0.0, 0.0, 2), region(0.0, 50.0, 1)],
        );
        assert_eq!(page.unread(), []);
        assert_eq!(page.combined(vec![]), lines);
    }

    #[test]
    fn a_region_is_reported_once_by_the_surer_reader() {
        let lines = vec![
            line(0.0, 0.0, &[("f1rst", 40.0), ("line", 90.0)]),
            line(0.0, 50.0, &[("second", 80.0), ("line", 84.0)]),
            line(0.0, 100.0, &[("third", 95.0)]),
        ];
        let regions = vec![
            region(0.0, 0.0, 2),
            region(0.0, 50.0, 2),
            region(0.0, 100.0, 3),
        ];
        let page = Page::new(lines, regions.clone());
        // The third line is sure, but two of its three words are missing.
        assert_eq!(page.unread(), regions);
        let read = vec![
            line(0.0, 0.0, &[("first", 97.0), ("line", 98.0)]),
            line(0.0, 50.0, &[("secand", 60.0), ("line", 70.0)]),
            line(
                0.0,
                100.0,
                &[("third", 90.0), ("line", 90.0), ("here", 90.0)],
            ),
        ];
        assert_eq!(
            texts(&page.combined(read)),
            ["first line", "second line", "third line here"]
        );
    }

    #[test]
    fn what_only_one_of_them_found_is_added_in_its_place() {
        let lines = vec![
            line(0.0, 0.0, &[("top", 95.0)]),
            line(400.0, 0.0, &[("right", 95.0)]),
            line(0.0, 100.0, &[("bottom", 95.0)]),
            line(0.0, 150.0, &[("page", 93.0), ("|", 93.0), ("smudge", 50.0)]),
        ];
        let regions = vec![
            region(0.0, 0.0, 1),
            region(400.0, 0.0, 1),
            region(0.0, 50.0, 1),
            region(0.0, 100.0, 1),
            region(800.0, 300.0, 1),
        ];
        let page = Page::new(lines, regions.clone());
        assert_eq!(page.unread(), [regions[2], regions[4]]);
        let read = vec![
            line(0.0, 50.0, &[("between", 90.0)]),
            line(800.0, 300.0, &[("corner", 90.0)]),
        ];
        assert_eq!(
            texts(&page.combined(read)),
            ["top", "right", "between", "bottom", "page", "corner"]
        );
    }

    #[test]
    fn a_region_that_neither_reads_is_left_out() {
        let page = Page::new(vec![], vec![region(0.0, 0.0, 1)]);
        assert_eq!(page.combined(vec![Line::default()]), []);
    }
}
