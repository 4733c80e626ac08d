//! Reads the words out of Tesseract's TSV.

use super::area::Area;

/// The level of a row that describes a word.
const WORD: &str = "5";

/// A row of the TSV that cannot be read. Rows count from 0.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {0} of Tesseract's output cannot be read")]
pub(super) struct UnreadableRow(pub(super) usize);

#[derive(Debug, PartialEq)]
pub(super) struct Word<'t> {
    /// Page, block, paragraph and line.
    pub(super) line: [u32; 4],
    pub(super) area: Area,
    /// Percent.
    pub(super) confidence: f64,
    pub(super) text: &'t str,
}

/// The words of a TSV about an image of `size` (width and height in pixels), without those of spaces only.
///
/// The columns are level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
///
/// # Errors
/// The first row of a word that cannot be read.
pub(super) fn words(tsv: &str, size: (u32, u32)) -> Result<Vec<Word<'_>>, UnreadableRow> {
    tsv.lines()
        .enumerate()
        .filter(|(_, row)| row.split('\t').next() == Some(WORD))
        .map(|(number, row)| word(row, size).ok_or(UnreadableRow(number)))
        .filter(|word| word.as_ref().map_or(true, |word| !word.text.is_empty()))
        .collect()
}

fn word(row: &str, (width, height): (u32, u32)) -> Option<Word<'_>> {
    let columns: Vec<&str> = row.splitn(12, '\t').collect();
    let &[
        _,
        page,
        block,
        paragraph,
        line,
        _,
        left,
        top,
        w,
        h,
        confidence,
        text,
    ] = columns.as_slice()
    else {
        return None;
    };
    let number = |text: &str| text.parse::<u32>().ok();
    let [left, top, w, h] = [number(left)?, number(top)?, number(w)?, number(h)?].map(f64::from);
    let (width, height) = (f64::from(width), f64::from(height));
    let confidence: f64 = confidence.parse().ok()?;
    Some(Word {
        line: [
            number(page)?,
            number(block)?,
            number(paragraph)?,
            number(line)?,
        ],
        area: Area {
            left: left / width,
            top: top / height,
            right: (left + w) / width,
            bottom: (top + h) / height,
        },
        confidence: confidence
            .is_finite()
            .then(|| confidence.clamp(0.0, 100.0))?,
        text: text.trim(),
    })
}
