//! Reads the words out of Tesseract's TSV.

use super::line::{Line, Word};
use super::rectangle::Rectangle;

/// The level of a row that describes a word.
const WORD: &str = "5";

/// A row of the TSV that cannot be read. Rows count from 0.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("row {0} of Tesseract's output cannot be read")]
pub(super) struct UnreadableRow(pub(super) usize);

/// The lines of a TSV in its order, without words of spaces only.
///
/// The columns are level, page, block, paragraph, line, word, left, top, width, height, confidence, text.
///
/// # Errors
/// The first row of a word that cannot be read.
pub(super) fn lines(tsv: &str) -> Result<Vec<Line>, UnreadableRow> {
    let mut lines: Vec<Line> = Vec::new();
    let mut last = None;
    for (number, row) in tsv.lines().enumerate() {
        if row.split('\t').next() != Some(WORD) {
            continue;
        }
        let (line, word) = word(row).ok_or(UnreadableRow(number))?;
        if word.text.is_empty() {
            continue;
        }
        match lines.last_mut().filter(|_| last == Some(line)) {
            Some(same) => same.words.push(word),
            None => lines.push(Line { words: vec![word] }),
        }
        last = Some(line);
    }
    Ok(lines)
}

/// The numbers of a word's page, block, paragraph and line, and the word.
fn word(row: &str) -> Option<([u32; 4], Word)> {
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
    let confidence: f64 = confidence.parse().ok()?;
    let word = Word {
        text: text.trim().to_owned(),
        confidence: confidence
            .is_finite()
            .then(|| confidence.clamp(0.0, 100.0))?,
        rectangle: Rectangle::upright(left, top, w, h),
    };
    let line = [
        number(page)?,
        number(block)?,
        number(paragraph)?,
        number(line)?,
    ];
    Some((line, word))
}
