//! The network that reads the text of one line.

use image::RgbImage;

use super::ctc;
use super::detector::{only_names, planes};
use super::line::{Line, Word};
use super::rectangle::Rectangle;
use super::warp::cut;
use crate::engine::Graph;
use crate::models::InstalledModel;
use crate::{ModelError, VisionError};

const FILE: &str = "reader.onnx";
const CHARACTERS: &str = "characters.txt";
/// The height of the input in pixels.
const HEIGHT: u32 = 48;
/// The least width of the input; shorter lines are padded.
const MIN_WIDTH: u32 = 320;
/// Widths are multiples of this, so that lines of about the same length share a run.
const WIDTH_STEP: u32 = 160;
/// The greatest width, for about 130 letters; longer lines are compressed.
const MAX_WIDTH: u32 = 1920;
/// The greatest total width of a run, which bounds its memory: the output has 18,710 probabilities for every 8 pixels.
const MAX_RUN_WIDTH: u32 = 1280;

/// PP-OCR's text recogniser.
pub(super) struct Reader {
    graph: Graph,
    input: String,
    output: String,
    /// By class, without the blank.
    characters: Vec<String>,
}

impl Reader {
    /// Loads the network and its characters.
    ///
    /// # Errors
    /// `Read`, `Onnx`, and `Mismatch` for characters that are not UTF-8.
    pub(super) fn open(model: &InstalledModel) -> Result<Self, ModelError> {
        let graph = model.graph(FILE)?;
        let (input, output) = only_names(&graph, FILE)?;
        let characters = String::from_utf8(model.read(CHARACTERS)?)
            .map_err(|_| ModelError::Mismatch(format!("{CHARACTERS} is not UTF-8")))?;
        Ok(Self {
            graph,
            input,
            output,
            characters: characters_of(&characters),
        })
    }

    /// Reads the text in rectangles of an image. The result has a line for each rectangle, without words where the network
    /// sees none.
    ///
    /// # Errors
    /// `Internal`.
    pub(super) fn read(
        &self,
        image: &RgbImage,
        rectangles: &[Rectangle],
    ) -> Result<Vec<Line>, VisionError> {
        let mut tasks: Vec<Task<'_>> = rectangles.iter().map(Task::new).collect();
        let mut order: Vec<&mut Task<'_>> = tasks.iter_mut().collect();
        order.sort_by_key(|task| task.width);
        let mut pending = order.as_mut_slice();
        while let Some(first) = pending.first() {
            let width = first.width;
            let most = (MAX_RUN_WIDTH / width).max(1) as usize;
            let alike = pending.iter().take_while(|task| task.width == width);
            let (run, rest) = pending.split_at_mut(alike.count().min(most));
            self.run(image, run, width)?;
            pending = rest;
        }
        Ok(tasks.into_iter().map(|task| task.line).collect())
    }

    /// The width of the network's input for a rectangle, which the time depends on.
    pub(super) fn input_width(rectangle: &Rectangle) -> u32 {
        Task::new(rectangle).width
    }

    fn run(
        &self,
        image: &RgbImage,
        tasks: &mut [&mut Task<'_>],
        width: u32,
    ) -> Result<(), VisionError> {
        let stride = width as usize;
        let size = 3 * HEIGHT as usize * stride;
        let mut values = vec![0.0; size * tasks.len()];
        for (task, values) in tasks.iter().zip(values.chunks_exact_mut(size)) {
            let line = cut(image, task.rectangle, task.content, HEIGHT);
            planes(&line, stride, values);
        }
        let shape = [tasks.len(), 3, HEIGHT as usize, stride];
        let input = (self.input.as_str(), shape.as_slice(), values.as_slice());
        let outputs = self.graph.run(&[input], &[&self.output])?;
        let output = outputs.into_iter().next().unwrap_or_default();
        let classes = self.characters.len() + 1;
        let [count, steps, found] = *output.shape.as_slice() else {
            return Err(self.misfit(&output.shape));
        };
        if count != tasks.len() || found != classes || steps == 0 {
            return Err(self.misfit(&output.shape));
        }
        let lines = output.values.chunks_exact(steps * classes);
        for (task, probabilities) in tasks.iter_mut().zip(lines) {
            let characters = ctc::decode(probabilities, classes);
            let filled = steps as f64 * f64::from(task.content) / f64::from(width);
            task.line = self.line(&characters, filled, task.rectangle);
        }
        Ok(())
    }

    /// The words of a line whose text fills this many steps.
    fn line(&self, characters: &[ctc::Character], steps: f64, rectangle: &Rectangle) -> Line {
        let characters: Vec<Letter<'_>> = characters
            .iter()
            .filter_map(|character| {
                Some(Letter {
                    text: self.characters.get(character.class)?,
                    probability: character.probability,
                    position: (character.position / steps).min(1.0),
                })
            })
            .collect();
        words(&characters, rectangle)
    }

    fn misfit(&self, shape: &[usize]) -> VisionError {
        VisionError::Internal(format!(
            "the output of {FILE} has the shape {shape:?}, which does not match {} characters in {CHARACTERS}",
            self.characters.len()
        ))
    }
}

/// A rectangle to read.
struct Task<'a> {
    rectangle: &'a Rectangle,
    /// The width of the text in the input.
    content: u32,
    /// The width of the input.
    width: u32,
    line: Line,
}

impl<'a> Task<'a> {
    fn new(rectangle: &'a Rectangle) -> Self {
        let content = f64::from(HEIGHT) * rectangle.length / rectangle.height.max(1.0);
        let content = (content.ceil() as u32).clamp(1, MAX_WIDTH);
        Self {
            rectangle,
            content,
            width: content.next_multiple_of(WIDTH_STEP).max(MIN_WIDTH),
            line: Line::default(),
        }
    }
}

/// The characters by class, without the blank: those of the file, one a row, and the space.
fn characters_of(file: &str) -> Vec<String> {
    let rows = file.strip_suffix('\n').unwrap_or(file).split('\n');
    let characters = rows.map(|row| row.trim_end_matches('\r').to_owned());
    characters.chain([" ".to_owned()]).collect()
}

/// A character and the ratio of the line's length at which its middle is.
#[derive(Debug, Clone, Copy)]
struct Letter<'a> {
    text: &'a str,
    probability: f32,
    position: f64,
}

/// Splits a line at its spaces. A word ends half-way between its last letter and the space; the first word starts with the
/// line, and the last one ends with it.
fn words(letters: &[Letter<'_>], rectangle: &Rectangle) -> Line {
    let is_space = |letter: &Letter<'_>| letter.text.trim().is_empty();
    let mut words = Vec::new();
    let mut rest = letters;
    while let Some(start) = rest.iter().position(|letter| !is_space(letter)) {
        let (spaces, from) = rest.split_at(start);
        let length = from.iter().position(is_space).unwrap_or(from.len());
        let (word, after) = from.split_at(length);
        let middle = |letter: Option<&Letter<'_>>, space: f64| {
            letter.map_or(space, |letter| (letter.position + space) / 2.0)
        };
        let left = spaces
            .last()
            .map_or(0.0, |space| middle(word.first(), space.position));
        let ended = after.iter().all(is_space);
        let right = match after.first().filter(|_| !ended) {
            Some(space) => middle(word.last(), space.position),
            None => 1.0,
        };
        let sum: f32 = word.iter().map(|letter| letter.probability).sum();
        words.push(Word {
            text: word.iter().map(|letter| letter.text).collect(),
            confidence: f64::from(100.0 * sum / length.max(1) as f32).clamp(0.0, 100.0),
            rectangle: rectangle.part(left, right.max(left)),
        });
        rest = after;
    }
    Line { words }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letters(text: &str) -> Vec<(String, f64)> {
        let count = text.chars().count() as f64;
        let letter = |(n, letter): (usize, char)| (letter.to_string(), (n as f64 + 0.5) / count);
        text.chars().enumerate().map(letter).collect()
    }

    fn line(text: &str, rectangle: Rectangle) -> Line {
        let letters = letters(text);
        let letters: Vec<Letter<'_>> = letters
            .iter()
            .map(|(text, position)| Letter {
                text,
                probability: if text == "a" { 0.5 } else { 0.9 },
                position: *position,
            })
            .collect();
        words(&letters, &rectangle)
    }

    #[test]
    fn words_share_the_line_at_its_spaces() {
        let found = line("No exit", Rectangle::upright(100.0, 10.0, 70.0, 12.0));
        assert_eq!(found.text(), "No exit");
        let [no, exit] = found.words.as_slice() else {
            panic!("{found:?}");
        };
        assert_eq!(
            (no.rectangle.origin, exit.rectangle.height),
            ((100.0, 10.0), 12.0)
        );
        assert!((no.rectangle.length - 20.0).abs() < 1e-9, "{no:?}");
        assert!((exit.rectangle.origin.0 - 130.0).abs() < 1e-9, "{exit:?}");
        assert!((exit.rectangle.length - 40.0).abs() < 1e-9, "{exit:?}");
    }

    #[test]
    fn words_of_a_rotated_line_lie_along_it() {
        let down = Rectangle {
            origin: (50.0, 0.0),
            along: (0.0, 1.0),
            length: 50.0,
            height: 10.0,
        };
        let found = line("ab cd", down);
        assert_eq!(found.words.len(), 2);
        let corners = found.words[1].rectangle.corners();
        let expected = [(50.0, 30.0), (50.0, 50.0), (40.0, 50.0), (40.0, 30.0)];
        for (corner, expected) in corners.iter().zip(expected) {
            assert!(
                (corner.0 - expected.0).hypot(corner.1 - expected.1) < 1e-9,
                "{corners:?}"
            );
        }
        assert!((found.words[0].confidence - 70.0).abs() < 1e-4);
    }

    #[test]
    fn spaces_at_the_ends_and_in_a_row_make_no_words() {
        let flat = Rectangle::upright(0.0, 0.0, 90.0, 10.0);
        assert_eq!(line("   ", flat).words, []);
        assert_eq!(line("", flat).words, []);
        let found = line(" b  c ", flat);
        assert_eq!(found.text(), "b c");
        assert_eq!(
            found.words[1]
                .rectangle
                .point(found.words[1].rectangle.length, 0.0),
            (90.0, 0.0)
        );
    }

    #[test]
    fn every_row_is_a_character_and_the_space_is_the_last() {
        assert_eq!(characters_of("!\na\n\u{3000}"), ["!", "a", "\u{3000}", " "]);
        assert_eq!(characters_of("!\r\na\r\n"), ["!", "a", " "]);
    }

    #[test]
    fn lines_of_about_the_same_length_share_a_width() {
        let width = |length| Task::new(&Rectangle::upright(0.0, 0.0, length, 24.0)).width;
        assert_eq!(
            [width(1.0), width(100.0), width(160.0), width(161.0)],
            [320, 320, 320, 480]
        );
        assert_eq!(width(100_000.0), MAX_WIDTH);
    }
}
