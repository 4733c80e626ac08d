//! Words and lines of text, whichever program read them.

use super::rectangle::Rectangle;

/// A word without spaces.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Word {
    pub(super) text: String,
    /// Percent.
    pub(super) confidence: f64,
    /// In pixels of the upright image.
    pub(super) rectangle: Rectangle,
}

/// The words of a line in reading order, at least one.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Line {
    pub(super) words: Vec<Word>,
}

impl Line {
    pub(super) fn text(&self) -> String {
        let words: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        words.join(" ")
    }

    /// The mean of the words' confidences, in percent.
    pub(super) fn confidence(&self) -> f64 {
        let sum: f64 = self.words.iter().map(|word| word.confidence).sum();
        sum / self.words.len().max(1) as f64
    }

    /// Around the words. `None` without any.
    pub(super) fn rectangle(&self) -> Option<Rectangle> {
        Rectangle::around(self.words.iter().map(|word| word.rectangle))
    }
}
