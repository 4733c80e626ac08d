//! Reads the outputs of a model.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::VisionError;
use crate::letterbox::InputFormat;
use crate::network::Outputs;
use crate::nms::Detection;

/// The supported output layouts; `decode` in the label table.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
#[serde(tag = "layout", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum Layout {
    /// Three outputs by name: `boxes` [cells, 4] as left, top, right, bottom in input pixels, `scores`
    /// [cells, classes] and, optionally for the whole image, `labels` [labels]. Scores and labels are probabilities. A
    /// leading dimension of 1 is allowed.
    #[default]
    BoxesScoresLabels,
    /// One output [1, cells, 5 + classes] as in YOLOX: centre offset and log size relative to the cell, objectness, class
    /// probabilities; cells row by row, stride by stride.
    Yolox {
        /// Input pixels per cell of each grid, in the order of the output.
        strides: Vec<u32>,
    },
    /// One output [1, 4 + classes, cells] as in YOLOv8: centre, width and height in input pixels, then class probabilities.
    Yolov8,
    /// One output [1, labels] or [labels] for the whole image, without boxes.
    Classifier {
        /// Converts the outputs to probabilities.
        #[serde(default)]
        activation: Activation,
    },
}

/// Converts a classifier's outputs to probabilities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Activation {
    /// The outputs are probabilities.
    #[default]
    None,
    /// For logits of exclusive labels: the probabilities sum to 1.
    Softmax,
    /// For logits of independent labels.
    Sigmoid,
}

impl Activation {
    /// A value that is not finite becomes 0.
    fn apply(self, values: &[f32]) -> Vec<f32> {
        let finite = |value: f32| if value.is_finite() { value } else { 0.0 };
        match self {
            Self::None => values.iter().copied().map(finite).collect(),
            Self::Sigmoid => values
                .iter()
                .map(|value| finite(1.0 / (1.0 + (-value).exp())))
                .collect(),
            Self::Softmax => {
                // Subtracting the largest value prevents an overflow.
                let largest = values.iter().copied().fold(f32::NEG_INFINITY, f32::max);
                let powers: Vec<f32> = values
                    .iter()
                    .map(|value| finite((value - largest).exp()))
                    .collect();
                let sum: f32 = powers.iter().sum();
                powers.iter().map(|power| finite(power / sum)).collect()
            }
        }
    }
}

/// The outputs of the model for one image.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct RawPrediction {
    /// Boxes above the minimum score, before suppression.
    pub(crate) candidates: Vec<Detection>,
    /// Probability of each label for the whole image; empty if the model has no such output.
    pub(crate) image_scores: Vec<f32>,
}

/// A layout whose sizes match the table's outputs.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Reader {
    kind: Kind,
    /// Number of classes of the detector.
    pub(crate) classes: usize,
    /// Number of labels for the whole image.
    pub(crate) image_labels: usize,
}

#[derive(Debug, Clone, PartialEq)]
enum Kind {
    BoxesScoresLabels,
    Yolox {
        output: String,
        cells: Vec<Cell>,
    },
    Yolov8 {
        output: String,
        cells: usize,
    },
    Classifier {
        output: String,
        activation: Activation,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Cell {
    x: f32,
    y: f32,
    stride: f32,
}

const BOXES: &str = "boxes";
const SCORES: &str = "scores";
const LABELS: &str = "labels";

impl Layout {
    /// Checks the shapes of the outputs in the table.
    ///
    /// # Errors
    /// A sentence that names the output that does not match.
    pub(crate) fn reader(
        &self,
        outputs: &BTreeMap<String, Vec<usize>>,
        input: &InputFormat,
    ) -> Result<Reader, String> {
        match self {
            Self::BoxesScoresLabels => boxes_scores_labels(outputs),
            Self::Yolox { strides } => {
                let (output, shape) = only_output(outputs, "yolox")?;
                let cells = grid(strides, input)?;
                match shape[..] {
                    [1, n, row] if n == cells.len() && row > 5 => Ok(Reader {
                        classes: row - 5,
                        image_labels: 0,
                        kind: Kind::Yolox {
                            output: output.clone(),
                            cells,
                        },
                    }),
                    _ => Err(format!(
                        "the layout yolox needs the output \"{output}\" to be [1, {}, 5 + classes] for an input of \
                         {} x {} pixels and strides {strides:?}; it is {shape:?}",
                        cells.len(),
                        input.width,
                        input.height
                    )),
                }
            }
            Self::Yolov8 => {
                let (output, shape) = only_output(outputs, "yolov8")?;
                match shape[..] {
                    [1, rows, cells] if rows > 4 && cells > 0 => Ok(Reader {
                        classes: rows - 4,
                        image_labels: 0,
                        kind: Kind::Yolov8 {
                            output: output.clone(),
                            cells,
                        },
                    }),
                    _ => Err(format!(
                        "the layout yolov8 needs the output \"{output}\" to be [1, 4 + classes, cells]; it is {shape:?}"
                    )),
                }
            }
            Self::Classifier { activation } => {
                let (output, shape) = only_output(outputs, "classifier")?;
                match without_batch(shape, 1) {
                    &[labels] if labels > 0 => Ok(Reader {
                        classes: 0,
                        image_labels: labels,
                        kind: Kind::Classifier {
                            output: output.clone(),
                            activation: *activation,
                        },
                    }),
                    _ => Err(format!(
                        "the layout classifier needs the output \"{output}\" to be [1, labels] or [labels]; it is {shape:?}"
                    )),
                }
            }
        }
    }
}

fn only_output<'o>(
    outputs: &'o BTreeMap<String, Vec<usize>>,
    layout: &str,
) -> Result<(&'o String, &'o Vec<usize>), String> {
    match (outputs.iter().next(), outputs.len()) {
        (Some(one), 1) => Ok(one),
        (_, n) => Err(format!(
            "the layout {layout} reads one output, but the table has {n}"
        )),
    }
}

fn boxes_scores_labels(outputs: &BTreeMap<String, Vec<usize>>) -> Result<Reader, String> {
    let need = |name: &str| match outputs.get(name) {
        Some(shape) => Ok(without_batch(shape, 2)),
        None => Err(format!("the output \"{name}\" is missing from the table")),
    };
    let (boxes, scores) = (need(BOXES)?, need(SCORES)?);
    let (&[cells, 4], &[scored, classes]) = (boxes, scores) else {
        return Err(format!(
            "the output \"boxes\" must be [cells, 4] and \"scores\" [cells, classes]; they are {boxes:?} and {scores:?}"
        ));
    };
    if cells != scored || classes == 0 {
        return Err(format!(
            "the outputs have {cells} boxes and {scored} x {classes} scores"
        ));
    }
    let image_labels = match outputs.get(LABELS).map(|shape| without_batch(shape, 1)) {
        None => 0,
        Some(&[n]) => n,
        Some(other) => {
            return Err(format!(
                "the output \"labels\" must be [labels]; it is {other:?}"
            ));
        }
    };
    if let Some(other) = outputs
        .keys()
        .find(|k| ![BOXES, SCORES, LABELS].contains(&k.as_str()))
    {
        return Err(format!(
            "the layout boxes-scores-labels has no output \"{other}\""
        ));
    }
    Ok(Reader {
        kind: Kind::BoxesScoresLabels,
        classes,
        image_labels,
    })
}

/// The shape without a leading batch dimension of 1.
fn without_batch(shape: &[usize], rank: usize) -> &[usize] {
    match shape {
        [1, rest @ ..] if rest.len() == rank => rest,
        _ => shape,
    }
}

fn grid(strides: &[u32], input: &InputFormat) -> Result<Vec<Cell>, String> {
    if strides.is_empty() {
        return Err("the layout yolox needs at least one stride".to_owned());
    }
    let mut cells = Vec::new();
    for &stride in strides {
        if stride == 0
            || !input.width.is_multiple_of(stride)
            || !input.height.is_multiple_of(stride)
        {
            return Err(format!(
                "the input's sides are not multiples of the stride {stride}"
            ));
        }
        for y in 0..input.height / stride {
            for x in 0..input.width / stride {
                cells.push(Cell {
                    x: x as f32,
                    y: y as f32,
                    stride: stride as f32,
                });
            }
        }
    }
    Ok(cells)
}

impl Reader {
    /// Reads the outputs of one run. Skips boxes below `score_min` and boxes that are not finite.
    ///
    /// # Errors
    /// `Internal` if an output of the table is missing.
    pub(crate) fn read(
        &self,
        outputs: &Outputs,
        score_min: f32,
    ) -> Result<RawPrediction, VisionError> {
        let mut raw = RawPrediction::default();
        match &self.kind {
            Kind::BoxesScoresLabels => {
                let rows = outputs.get(SCORES)?.chunks_exact(self.classes);
                for (sides, scores) in outputs.get(BOXES)?.as_chunks::<4>().0.iter().zip(rows) {
                    raw.add_candidate(*sides, scores.iter().copied(), score_min);
                }
                if self.image_labels > 0 {
                    let scores = outputs.get(LABELS)?.iter();
                    raw.image_scores = scores
                        .map(|s| if s.is_finite() { *s } else { 0.0 })
                        .collect();
                }
            }
            Kind::Yolox { output, cells } => {
                for (row, cell) in outputs
                    .get(output)?
                    .chunks_exact(5 + self.classes)
                    .zip(cells)
                {
                    let [x, y, width, height, objectness, scores @ ..] = row else {
                        continue;
                    };
                    let centre = ((x + cell.x) * cell.stride, (y + cell.y) * cell.stride);
                    let size = (width.exp() * cell.stride, height.exp() * cell.stride);
                    raw.add_candidate(
                        sides(centre, size),
                        scores.iter().map(|s| s * objectness),
                        score_min,
                    );
                }
            }
            Kind::Yolov8 { output, cells } => {
                let values = outputs.get(output)?;
                let value = |row: usize, cell: usize| {
                    values.get(row * cells + cell).copied().unwrap_or_default()
                };
                for cell in 0..*cells {
                    let centre = (value(0, cell), value(1, cell));
                    let size = (value(2, cell), value(3, cell));
                    let scores = (4..4 + self.classes).map(|row| value(row, cell));
                    raw.add_candidate(sides(centre, size), scores, score_min);
                }
            }
            Kind::Classifier { output, activation } => {
                raw.image_scores = activation.apply(outputs.get(output)?);
            }
        }
        Ok(raw)
    }
}

fn sides((x, y): (f32, f32), (width, height): (f32, f32)) -> [f32; 4] {
    [
        x - width / 2.0,
        y - height / 2.0,
        x + width / 2.0,
        y + height / 2.0,
    ]
}

impl RawPrediction {
    fn add_candidate(
        &mut self,
        sides: [f32; 4],
        scores: impl Iterator<Item = f32>,
        score_min: f32,
    ) {
        let [left, top, right, bottom] = sides;
        for (class, score) in scores.enumerate() {
            if score >= score_min && score.is_finite() && sides.iter().all(|s| s.is_finite()) {
                self.candidates.push(Detection {
                    class,
                    score,
                    left,
                    top,
                    right,
                    bottom,
                });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letterbox::{Anchor, Channels, Fit, Normalisation};

    #[test]
    fn a_classifiers_outputs_become_probabilities() {
        let read = |activation, values: &[f32]| {
            let outputs = BTreeMap::from([("out".to_owned(), vec![1, values.len()])]);
            let reader = Layout::Classifier { activation }
                .reader(&outputs, &input(64, 64))
                .unwrap();
            assert_eq!((reader.classes, reader.image_labels), (0, values.len()));
            let raw = reader
                .read(&Outputs::from([("out", values.to_vec())]), 0.05)
                .unwrap();
            assert_eq!(raw.candidates, []);
            raw.image_scores
        };
        let close = |found: &[f32], expected: &[f32]| {
            assert_eq!(found.len(), expected.len());
            for (found, expected) in found.iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "{found} {expected}");
            }
        };
        close(&read(Activation::None, &[0.2, f32::NAN]), &[0.2, 0.0]);
        close(
            &read(Activation::Sigmoid, &[0.0, -200.0, 200.0]),
            &[0.5, 0.0, 1.0],
        );
        // Twice as likely for each step of ln 2, even if a plain exponential would overflow.
        let two = std::f32::consts::LN_2;
        close(
            &read(Activation::Softmax, &[0.0, two]),
            &[1.0 / 3.0, 2.0 / 3.0],
        );
        close(
            &read(Activation::Softmax, &[500.0, 500.0, f32::NAN]),
            &[0.5, 0.5, 0.0],
        );
        close(&read(Activation::Softmax, &[f32::NAN]), &[0.0]);
    }

    #[test]
    fn a_classifier_has_one_row_of_outputs() {
        let shape = |shape: &[usize]| {
            let outputs = BTreeMap::from([("out".to_owned(), shape.to_vec())]);
            let layout = Layout::Classifier {
                activation: Activation::None,
            };
            layout
                .reader(&outputs, &input(64, 64))
                .map(|reader| reader.image_labels)
        };
        assert_eq!(shape(&[5]), Ok(5));
        assert_eq!(shape(&[1, 5]), Ok(5));
        assert_eq!(
            shape(&[1, 5, 1, 1]).unwrap_err(),
            "the layout classifier needs the output \"out\" to be [1, labels] or [labels]; it is [1, 5, 1, 1]"
        );
        assert!(shape(&[0]).is_err());
        assert!(shape(&[2, 5]).is_err());
    }

    fn input(width: u32, height: u32) -> InputFormat {
        let (channels, range) = (Channels::Rgb, [0.0, 1.0]);
        InputFormat {
            width,
            height,
            channels,
            range,
            normalisation: Normalisation::default(),
            fit: Fit::Letterbox,
            anchor: Anchor::TopLeft,
            pad: 114,
        }
    }

    fn shapes(of: &[(&str, &[usize])]) -> BTreeMap<String, Vec<usize>> {
        of.iter()
            .map(|(name, shape)| ((*name).to_owned(), shape.to_vec()))
            .collect()
    }

    #[test]
    fn boxes_scores_and_labels_are_read_unchanged() {
        let reader = Layout::BoxesScoresLabels
            .reader(
                &shapes(&[("boxes", &[2, 4]), ("scores", &[2, 3]), ("labels", &[4])]),
                &input(32, 32),
            )
            .unwrap();
        assert_eq!((reader.classes, reader.image_labels), (3, 4));
        let outputs = Outputs::from([
            ("boxes", vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]),
            ("scores", vec![0.0, 0.5, 0.05, 0.9, f32::NAN, 0.01]),
            ("labels", vec![0.1, 0.2, f32::INFINITY, 0.4]),
        ]);
        let raw = reader.read(&outputs, 0.05).unwrap();
        let found: Vec<_> = raw
            .candidates
            .iter()
            .map(|d| (d.class, d.score, d.left, d.bottom))
            .collect();
        assert_eq!(
            found,
            [(1, 0.5, 1.0, 4.0), (2, 0.05, 1.0, 4.0), (0, 0.9, 5.0, 8.0)]
        );
        assert_eq!(raw.image_scores, [0.1, 0.2, 0.0, 0.4]);
    }

    #[test]
    fn yolox_boxes_are_relative_to_their_cell() {
        let layout = Layout::Yolox {
            strides: vec![16, 32],
        };
        let reader = layout
            .reader(&shapes(&[("output", &[1, 10, 7])]), &input(64, 32))
            .unwrap();
        assert_eq!(reader.classes, 2);
        // Cell 6 is column 2 of row 1 in the grid of stride 16 (4 x 2); cell 9 is column 1 in that of stride 32.
        let mut values = vec![0.0; 70];
        values[6 * 7..7 * 7].copy_from_slice(&[0.5, 0.25, 0.0, 2f32.ln(), 0.5, 0.8, 0.0]);
        values[9 * 7..].copy_from_slice(&[0.5, 0.5, 0.0, 0.0, 0.9, 0.0, 1.0]);
        let found = reader
            .read(&Outputs::from([("output", values)]), 0.05)
            .unwrap()
            .candidates;
        assert_eq!(
            found[0],
            Detection {
                class: 0,
                score: 0.4,
                left: 32.0,
                top: 4.0,
                right: 48.0,
                bottom: 36.0
            }
        );
        assert_eq!(
            found[1],
            Detection {
                class: 1,
                score: 0.9,
                left: 32.0,
                top: 0.0,
                right: 64.0,
                bottom: 32.0
            }
        );
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn yolov8_has_cells_as_columns() {
        let reader = Layout::Yolov8
            .reader(&shapes(&[("output0", &[1, 6, 3])]), &input(64, 64))
            .unwrap();
        #[rustfmt::skip]
        let values = vec![
            10.0, 20.0, 30.0,
            11.0, 21.0, 31.0,
            4.0, 8.0, 2.0,
            2.0, 6.0, 2.0,
            0.0, 0.7, 0.0,
            0.0, 0.0, 0.6,
        ];
        let found = reader
            .read(&Outputs::from([("output0", values)]), 0.05)
            .unwrap()
            .candidates;
        assert_eq!(
            found[0],
            Detection {
                class: 0,
                score: 0.7,
                left: 16.0,
                top: 18.0,
                right: 24.0,
                bottom: 24.0
            }
        );
        assert_eq!(
            found[1],
            Detection {
                class: 1,
                score: 0.6,
                left: 29.0,
                top: 30.0,
                right: 31.0,
                bottom: 32.0
            }
        );
    }

    #[test]
    fn a_box_that_is_not_finite_is_skipped() {
        let reader = Layout::Yolox { strides: vec![32] }
            .reader(&shapes(&[("o", &[1, 1, 6])]), &input(32, 32))
            .unwrap();
        let found = reader
            .read(
                &Outputs::from([("o", vec![0.0, 0.0, 1e9, 0.0, 1.0, 1.0])]),
                0.05,
            )
            .unwrap();
        assert_eq!(found.candidates, []);
    }

    #[test]
    fn wrong_shapes_are_named() {
        let error = |layout: &Layout, of: &[(&str, &[usize])]| {
            layout.reader(&shapes(of), &input(64, 64)).unwrap_err()
        };
        let yolox = Layout::Yolox {
            strides: vec![8, 16, 32],
        };
        assert_eq!(
            error(&yolox, &[("output", &[1, 8400, 85])]),
            "the layout yolox needs the output \"output\" to be [1, 84, 5 + classes] for an input of 64 x 64 pixels \
             and strides [8, 16, 32]; it is [1, 8400, 85]"
        );
        assert_eq!(
            error(&yolox, &[]),
            "the layout yolox reads one output, but the table has 0"
        );
        let odd = Layout::Yolox { strides: vec![24] };
        assert_eq!(
            error(&odd, &[("o", &[1, 1, 6])]),
            "the input's sides are not multiples of the stride 24"
        );
        let none = Layout::Yolox { strides: vec![] };
        assert_eq!(
            error(&none, &[("o", &[1, 1, 6])]),
            "the layout yolox needs at least one stride"
        );
        assert!(error(&Layout::Yolov8, &[("o", &[1, 4, 100])]).contains("[1, 4 + classes, cells]"));
        let own = Layout::BoxesScoresLabels;
        assert_eq!(
            error(&own, &[("boxes", &[9, 4])]),
            "the output \"scores\" is missing from the table"
        );
        assert!(
            error(&own, &[("boxes", &[9, 5]), ("scores", &[9, 2])])
                .starts_with("the output \"boxes\" must be")
        );
        assert_eq!(
            error(&own, &[("boxes", &[9, 4]), ("scores", &[8, 2])]),
            "the outputs have 9 boxes and 8 x 2 scores"
        );
        assert_eq!(
            error(
                &own,
                &[("boxes", &[9, 4]), ("scores", &[9, 2]), ("masks", &[9])]
            ),
            "the layout boxes-scores-labels has no output \"masks\""
        );
    }
}
