//! MTCNN: three small networks that find faces and five points of each (Zhang et al., *Joint Face Detection and Alignment
//! using Multi-task Cascaded Convolutional Networks*, 2016).
//!
//! P-Net proposes boxes in every level of an image pyramid, R-Net rejects most of them, and O-Net decides and finds the
//! points. Thresholds, factors and rounding are those of the package that the networks come from. The networks have width
//! before height: their inputs are [N, width, height, 3], RGB, (sample - 127.5) / 128.

use super::align::Levels;
use super::detection::{Face, Points};
use super::geometry::{Overlap, Point, Rect, suppress};
use crate::engine::{Graph, Tensor};
use crate::models::InstalledModel;
use crate::{ModelError, VisionError};

/// The narrowest face that is looked for, in pixels. P-Net's work grows with the inverse square of it.
const MIN_FACE: f32 = 28.0;
/// The ratio of the sizes of two neighbouring levels of the pyramid: half the area.
const FACTOR: f32 = 0.709;
/// The side of P-Net's window in its input.
const CELL: f32 = 12.0;
/// The distance of two windows in P-Net's input.
const STRIDE: f32 = 2.0;
/// The least scores of the three networks.
const THRESHOLDS: [f32; 3] = [0.6, 0.7, 0.7];
/// The most squares that R-Net looks at, best first. A photograph has 150 on average; a crowd or fine patterns have more than
/// 1,000, which would take longer than everything else.
const MOST_PROPOSALS: usize = 500;
const R_SIDE: usize = 24;
const O_SIDE: usize = 48;

pub(super) struct Mtcnn {
    proposals: Graph,
    refinement: Graph,
    output: Graph,
}

/// A box that may be a face.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Candidate {
    rect: Rect,
    score: f32,
    /// The regression: by which share of the size each side has to move.
    shift: [f32; 4],
}

impl Candidate {
    fn ranked(&self) -> (Rect, f32) {
        (self.rect, self.score)
    }
}

impl Mtcnn {
    /// # Errors
    /// `Read` and `Onnx`.
    pub(super) fn open(model: &InstalledModel) -> Result<Self, ModelError> {
        Ok(Self {
            proposals: model.graph("pnet.onnx")?,
            refinement: model.graph("rnet.onnx")?,
            output: model.graph("onet.onnx")?,
        })
    }

    /// Faces of at least 28 pixels, best first.
    ///
    /// # Errors
    /// `Internal`.
    pub(super) fn detect(&self, levels: &Levels) -> Result<Vec<Face>, VisionError> {
        let (width, height) = levels.size();
        let mut proposals = Vec::new();
        for scale in pyramid(width, height) {
            proposals.extend(self.propose(levels, scale)?);
        }
        let mut proposals = suppress(proposals, Candidate::ranked, Overlap::Union, 0.7);
        proposals.truncate(MOST_PROPOSALS);
        let squares: Vec<Rect> = proposals.iter().map(Candidate::settled).collect();
        let squares = self.refine(levels, &squares)?;
        self.decide(levels, &squares)
    }

    fn propose(&self, levels: &Levels, scale: f32) -> Result<Vec<Candidate>, VisionError> {
        let (width, height) = levels.size();
        let side = |n: u32| (n as f32 * scale).ceil() as usize;
        let (w, h) = (side(width), side(height));
        let whole = Rect {
            left: 0.0,
            top: 0.0,
            right: width as f32,
            bottom: height as f32,
        };
        let mut values = Vec::with_capacity(3 * w * h);
        levels
            .area(&whole, w, h)
            .push_columns(&mut values, |pixel| pixel.map(normalised));
        let shape = [1, w, h, 3];
        let found = self
            .proposals
            .run(&[("input_1", &shape, &values)], &["conv2d_4", "softmax"])?;
        let [shifts, scores] = outputs(found)?;
        let &[_, _, rows, _] = scores.shape.as_slice() else {
            return Err(unexpected("pnet.onnx"));
        };
        let cells = scores
            .values
            .chunks_exact(2)
            .zip(shifts.values.chunks_exact(4));
        let candidates = cells.enumerate().filter_map(|(at, (score, shift))| {
            let score = score.get(1).copied().filter(|s| *s >= THRESHOLDS[0])?;
            let (column, row) = (at / rows.max(1), at % rows.max(1));
            let shift = <[f32; 4]>::try_from(shift).ok()?;
            let rect = window(column, row, scale);
            Some(Candidate { rect, score, shift })
        });
        Ok(suppress(
            candidates.collect(),
            Candidate::ranked,
            Overlap::Union,
            0.5,
        ))
    }

    /// The squares that R-Net takes for faces, moved.
    fn refine(&self, levels: &Levels, squares: &[Rect]) -> Result<Vec<Rect>, VisionError> {
        if squares.is_empty() {
            return Ok(Vec::new());
        }
        let (shape, values) = crops(levels, squares, R_SIDE);
        let found = self
            .refinement
            .run(&[("input_2", &shape, &values)], &["dense_2", "softmax_1"])?;
        let [shifts, scores] = outputs(found)?;
        let kept = candidates(squares, &shifts, &scores, THRESHOLDS[1]);
        let kept = suppress(
            kept.into_iter().map(|(_, candidate)| candidate).collect(),
            Candidate::ranked,
            Overlap::Union,
            0.7,
        );
        let moved = kept.iter().map(|c| c.rect.moved(c.shift).square());
        Ok(moved.map(whole_pixels).collect())
    }

    /// The squares that O-Net takes for faces, as boxes with points.
    fn decide(&self, levels: &Levels, squares: &[Rect]) -> Result<Vec<Face>, VisionError> {
        if squares.is_empty() {
            return Ok(Vec::new());
        }
        let (shape, values) = crops(levels, squares, O_SIDE);
        let names = ["dense_5", "softmax_2", "dense_6"];
        let found = self.output.run(&[("input_3", &shape, &values)], &names)?;
        let [shifts, scores, points] = outputs(found)?;
        let faces = candidates(squares, &shifts, &scores, THRESHOLDS[2])
            .into_iter()
            .filter_map(|(at, candidate)| {
                let points = points.values.get(10 * at..10 * at + 10)?;
                Some(Face {
                    bounds: candidate.rect.moved(candidate.shift),
                    score: candidate.score,
                    points: five_points(&candidate.rect, points)?,
                })
            })
            .collect();
        Ok(suppress(
            faces,
            |face: &Face| (face.bounds, face.score),
            Overlap::Smaller,
            0.7,
        ))
    }
}

impl Candidate {
    /// The square after the regression, in whole pixels.
    fn settled(&self) -> Rect {
        // P-Net's regression is relative to the window without its last pixel.
        let inner = Rect {
            left: self.rect.left + 1.0,
            top: self.rect.top + 1.0,
            ..self.rect
        };
        let moved = inner.moved(self.shift);
        whole_pixels(
            Rect {
                left: moved.left - 1.0,
                top: moved.top - 1.0,
                ..moved
            }
            .square(),
        )
    }
}

/// The scales of the pyramid, largest first: the narrowest face fills P-Net's window in the first level.
fn pyramid(width: u32, height: u32) -> Vec<f32> {
    let mut scale = CELL / MIN_FACE;
    let mut shorter = width.min(height) as f32 * scale;
    let mut scales = Vec::new();
    while shorter >= CELL {
        scales.push(scale);
        scale *= FACTOR;
        shorter *= FACTOR;
    }
    scales
}

/// The area of the picture that a cell of P-Net's output looks at.
///
/// The package counts pixels from 1 and includes the last one: its (left, right) is this (left + 1, right).
fn window(column: usize, row: usize, scale: f32) -> Rect {
    let edge = |cell: usize, offset: f32| ((STRIDE * cell as f32 + offset) / scale).trunc();
    Rect {
        left: edge(column, 1.0) - 1.0,
        top: edge(row, 1.0) - 1.0,
        right: edge(column, CELL),
        bottom: edge(row, CELL),
    }
}

fn whole_pixels(rect: Rect) -> Rect {
    Rect {
        left: (rect.left + 1.0).trunc() - 1.0,
        top: (rect.top + 1.0).trunc() - 1.0,
        right: rect.right.trunc(),
        bottom: rect.bottom.trunc(),
    }
}

/// The pixels of all squares as one input, width before height.
fn crops(levels: &Levels, squares: &[Rect], side: usize) -> ([usize; 4], Vec<f32>) {
    let mut values = Vec::with_capacity(squares.len() * side * side * 3);
    for square in squares {
        let chip = levels.area(square, side, side);
        chip.push_columns(&mut values, |pixel| pixel.map(normalised));
    }
    ([squares.len(), side, side, 3], values)
}

fn normalised(sample: f32) -> f32 {
    (sample - 127.5) / 128.0
}

/// The squares above the threshold, with their position in the batch.
fn candidates(
    squares: &[Rect],
    shifts: &Tensor,
    scores: &Tensor,
    threshold: f32,
) -> Vec<(usize, Candidate)> {
    let outputs = shifts
        .values
        .chunks_exact(4)
        .zip(scores.values.chunks_exact(2));
    let all = squares.iter().zip(outputs).enumerate();
    all.filter_map(|(at, (rect, (shift, score)))| {
        let score = score.get(1).copied().filter(|s| *s > threshold)?;
        let shift = <[f32; 4]>::try_from(shift).ok()?;
        let rect = *rect;
        Some((at, Candidate { rect, score, shift }))
    })
    .collect()
}

/// O-Net's points: five x, then five y, as shares of the square. In the order left eye, right eye, nose, left and right
/// corner of the mouth, as the picture is seen.
fn five_points(square: &Rect, values: &[f32]) -> Option<Points> {
    let (across, down) = values.split_at_checked(5)?;
    let mut points = across.iter().zip(down).map(|(x, y)| {
        Point::new(
            square.left + x * square.width(),
            square.top + y * square.height(),
        )
    });
    let (eyes, nose) = ([points.next()?, points.next()?], points.next()?);
    let [left, right] = [points.next()?, points.next()?];
    Some(Points {
        eyes,
        nose,
        mouth: left.middle(right),
        corners: Some([left, right]),
    })
}

fn outputs<const N: usize>(found: Vec<Tensor>) -> Result<[Tensor; N], VisionError> {
    found.try_into().map_err(|_| unexpected("MTCNN"))
}

fn unexpected(what: &str) -> VisionError {
    VisionError::Internal(format!("{what} has an unexpected output"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pyramid_ends_where_the_shorter_side_is_smaller_than_the_window() {
        let scales = pyramid(640, 480);
        assert!((scales[0] - 12.0 / 28.0).abs() < 1e-6);
        assert!((scales[1] - 12.0 / 28.0 * 0.709).abs() < 1e-6);
        assert_eq!(scales.len(), 9);
        assert!(480.0 * scales[8] >= 12.0 && 480.0 * scales[8] * FACTOR < 12.0);
        assert_eq!(pyramid(640, 27), [] as [f32; 0], "too small for a face");
        assert_eq!(pyramid(29, 640).len(), 1);
    }

    #[test]
    fn a_window_covers_twelve_pixels_of_its_level() {
        let first = window(0, 0, 0.6);
        assert_eq!((first.left, first.top), (0.0, 0.0));
        assert_eq!((first.width(), first.height()), (20.0, 20.0));
        let other = window(10, 3, 0.6);
        assert_eq!((other.left, other.top), (34.0, 10.0));
    }

    #[test]
    fn a_candidate_becomes_a_square_of_whole_pixels() {
        let candidate = Candidate {
            rect: Rect {
                left: 10.0,
                top: 10.0,
                right: 30.0,
                bottom: 30.0,
            },
            score: 0.9,
            shift: [0.0, 0.0, 0.0, 0.2],
        };
        let square = candidate.settled();
        assert_eq!(square.left.fract(), 0.0);
        assert!((square.width() - square.height()).abs() <= 1.0);
        assert!(square.height() > 22.0 && square.height() < 25.0);
    }

    #[test]
    fn scores_select_and_keep_the_place_in_the_batch() {
        let squares = [0.0, 50.0, 100.0].map(|left| Rect {
            left,
            top: 0.0,
            right: left + 24.0,
            bottom: 24.0,
        });
        let scores = Tensor {
            shape: vec![3, 2],
            values: vec![0.9, 0.1, 0.2, 0.8, 0.05, 0.95],
        };
        let shifts = Tensor {
            shape: vec![3, 4],
            values: (0..12u8).map(|v| f32::from(v) / 100.0).collect(),
        };
        let kept = candidates(&squares, &shifts, &scores, 0.7);
        assert_eq!(kept.iter().map(|k| k.0).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(kept[1].1.rect.left, 100.0);
        assert_eq!(kept[1].1.shift, [0.08, 0.09, 0.1, 0.11]);
    }

    #[test]
    fn points_are_five_x_then_five_y() {
        let square = Rect {
            left: 100.0,
            top: 200.0,
            right: 150.0,
            bottom: 250.0,
        };
        let values = [0.3, 0.7, 0.5, 0.35, 0.65, 0.4, 0.4, 0.6, 0.8, 0.8];
        let points = five_points(&square, &values).unwrap();
        assert_eq!(points.eyes[1], Point::new(135.0, 220.0));
        assert_eq!(points.nose, Point::new(125.0, 230.0));
        assert_eq!(points.corners.unwrap()[0], Point::new(117.5, 240.0));
        assert_eq!(five_points(&square, &values[..9]), None);
    }
}
