//! BlazeFace: a fast detector that also finds large and half-hidden faces (Bazarevsky et al., *BlazeFace: Sub-millisecond
//! Neural Face Detection on Mobile GPUs*, 2019).
//!
//! The input is [1, 256, 256, 3], RGB, sample / 127.5 - 1, the picture in the middle of black. There are 896 anchors: two for
//! each cell of a grid of 16 x 16, then six for each cell of a grid of 8 x 8. Each has a logit and 16 numbers: the box's centre
//! relative to the anchor, its width and height, and six points relative to the anchor, all in input pixels.

use super::align::{Levels, Similarity};
use super::detection::{Face, Points};
use super::geometry::{Overlap, Point, Rect, suppress};
use super::network::{Network, Outputs};
use crate::models::InstalledModel;
use crate::{ModelError, VisionError};

const SIDE: usize = 256;
/// Cells a side, and anchors for each cell.
const GRIDS: [(usize, usize); 2] = [(16, 2), (8, 6)];
const ANCHORS: usize = 16 * 16 * 2 + 8 * 8 * 6;
/// Numbers for each anchor.
const ROW: usize = 16;
/// The least score. Wheels and animals reach more too, so that the caller has to confirm a face.
const THRESHOLD: f32 = 0.6;
const OVERLAP: f32 = 0.3;

pub(super) struct BlazeFace {
    network: Network,
}

impl BlazeFace {
    /// # Errors
    /// `Read` and `Onnx`.
    pub(super) fn open(model: &InstalledModel) -> Result<Self, ModelError> {
        let network = Network::open(model, "blazeface.onnx")?;
        Ok(Self { network })
    }

    /// Faces with a score of at least 0.6, best first.
    ///
    /// # Errors
    /// `Internal`.
    pub(super) fn detect(&self, levels: &Levels) -> Result<Vec<Face>, VisionError> {
        let (width, height) = levels.size();
        let (width, height) = (width as f32, height as f32);
        let centre = Point::new(width / 2.0, height / 2.0);
        let to_picture = Similarity::square(SIDE, centre, width.max(height), 0.0);
        let mut values = Vec::with_capacity(SIDE * SIDE * 3);
        levels
            .cut(&to_picture, SIDE, SIDE)
            .push_rows(&mut values, |pixel| pixel.map(|v| v / 127.5 - 1.0));

        let found = self.network.run(&[1, SIDE, SIDE, 3], &values)?;
        let faces = read(&found)?.into_iter().map(|face| Face {
            bounds: mapped(&face.bounds, &to_picture),
            points: face.points.mapped(|point| to_picture.apply(point)),
            ..face
        });
        Ok(suppress(
            faces.collect(),
            |face: &Face| (face.bounds, face.score),
            Overlap::Union,
            OVERLAP,
        ))
    }
}

fn mapped(rect: &Rect, to_picture: &Similarity) -> Rect {
    let start = to_picture.apply(Point::new(rect.left, rect.top));
    let end = to_picture.apply(Point::new(rect.right, rect.bottom));
    Rect {
        left: start.x,
        top: start.y,
        right: end.x,
        bottom: end.y,
    }
}

/// The faces above the threshold, in pixels of the input.
fn read(outputs: &Outputs) -> Result<Vec<Face>, VisionError> {
    let scores = outputs.with(ANCHORS)?;
    let mut anchors = scores
        .iter()
        .zip(outputs.with(ANCHORS * ROW)?.chunks_exact(ROW));
    let mut faces = Vec::new();
    for (cells, of_cell) in GRIDS {
        let stride = SIDE as f32 / cells as f32;
        let of_grid = anchors.by_ref().take(cells * cells * of_cell);
        for (at, (score, row)) in of_grid.enumerate() {
            let score = 1.0 / (1.0 + (-score).exp());
            if score < THRESHOLD {
                continue;
            }
            let cell = at / of_cell;
            let anchor = Point::new(
                (cell % cells) as f32 * stride + stride / 2.0,
                (cell / cells) as f32 * stride + stride / 2.0,
            );
            faces.extend(decoded(row, anchor, score));
        }
    }
    Ok(faces)
}

fn decoded(row: &[f32], anchor: Point, score: f32) -> Option<Face> {
    let mut pairs = row.chunks_exact(2).filter_map(|pair| match pair {
        [x, y] => Some((*x, *y)),
        _ => None,
    });
    let (x, y) = pairs.next()?;
    let (width, height) = pairs.next()?;
    let (x, y) = (anchor.x + x, anchor.y + y);
    let mut points = pairs.map(|(x, y)| Point::new(anchor.x + x, anchor.y + y));
    Some(Face {
        bounds: Rect {
            left: x - width / 2.0,
            top: y - height / 2.0,
            right: x + width / 2.0,
            bottom: y + height / 2.0,
        },
        score,
        points: Points {
            eyes: [points.next()?, points.next()?],
            nose: points.next()?,
            mouth: points.next()?,
            corners: None,
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Outputs without a face, except for one anchor of the coarse grid.
    fn outputs(score: f32) -> Vec<Vec<f32>> {
        let mut scores = vec![-9.0; ANCHORS];
        let mut rows = vec![0.0; ANCHORS * ROW];
        // The second anchor of the cell in column 3 of row 2.
        let at = 512 + (2 * 8 + 3) * 6 + 1;
        scores[at] = score;
        rows[at * ROW..(at + 1) * ROW].copy_from_slice(&[
            4.0, -2.0, 60.0, 80.0, -10.0, -12.0, 18.0, -12.0, 4.0, 2.0, 4.0, 20.0, -30.0, 0.0,
            38.0, 0.0,
        ]);
        vec![rows, scores]
    }

    #[test]
    fn an_anchor_becomes_a_face() {
        let faces = read(&Outputs::of(outputs(2.0))).unwrap();
        assert_eq!(faces.len(), 1);
        // The anchor is at (3.5, 2.5) * 32.
        let face = faces[0];
        assert_eq!(
            (face.bounds.left, face.bounds.top),
            (112.0 + 4.0 - 30.0, 80.0 - 2.0 - 40.0)
        );
        assert_eq!((face.bounds.width(), face.bounds.height()), (60.0, 80.0));
        assert_eq!(face.points.eyes[0], Point::new(102.0, 68.0));
        assert_eq!(face.points.mouth, Point::new(116.0, 100.0));
        assert!((face.score - 0.8808).abs() < 1e-4);
    }

    #[test]
    fn a_low_score_is_no_face() {
        assert_eq!(read(&Outputs::of(outputs(0.3))).unwrap(), []);
    }

    #[test]
    fn another_model_is_an_error() {
        assert!(read(&Outputs::of(outputs(2.0)[..1].to_vec())).is_err());
    }
}
