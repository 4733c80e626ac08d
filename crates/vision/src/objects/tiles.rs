//! Parts of a large picture that the detector looks at once more, because it misses small objects in the whole picture.

use image::{RgbImage, imageops::crop_imm};

use crate::nms::{Detection, Nms};

/// The sides of the network's input in pixels. The picture is stretched to it.
pub(super) const SIDE: u32 = 300;
/// The longer side from which a picture is looked at in parts, in pixels. The whole of a smaller picture is enlarged for the
/// network.
const MIN_SIDE: u32 = 300;
/// The side of a tile as a ratio of the picture's side. Two tiles in a row overlap by a fifth of the picture, so that most
/// objects at a border lie whole in one tile.
const SHARE: f32 = 0.6;
/// A box with a larger share of the picture is found in the whole picture; a tile would show a piece of it.
const SMALL: f32 = 0.1;
/// The score from which a small box in the whole picture shows that there is something to find in a tile.
const HINT: f32 = 0.15;
/// The most tiles of a picture. Each takes as long as the whole picture.
const MOST: usize = 2;
/// A score in a tile counts less than one in the whole picture: on COCO's photographs tiles are as precise at 0.6 as the
/// whole picture at 0.5.
const TRUST: f32 = 0.85;
/// A side of a box nearer to a tile's inner border than this ratio of the tile is taken as cut off by it.
const BORDER: f32 = 0.015;
/// The share of a box that lies in a better box of the same kind from which both are taken for one object.
const INSIDE: f32 = 0.7;

/// A part of the picture. Ratios of the picture's sides.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Tile {
    left: f32,
    top: f32,
}

impl Tile {
    /// The four tiles, which overlap.
    fn all() -> [Self; 4] {
        let far = 1.0 - SHARE;
        [(0.0, 0.0), (far, 0.0), (0.0, far), (far, far)].map(|(left, top)| Self { left, top })
    }

    /// A copy of the tile's pixels.
    pub(super) fn pixels(self, picture: &RgbImage) -> RgbImage {
        let part = |side: u32, ratio: f32| (side as f32 * ratio).round() as u32;
        let (width, height) = picture.dimensions();
        crop_imm(
            picture,
            part(width, self.left),
            part(height, self.top),
            part(width, SHARE).max(1),
            part(height, SHARE).max(1),
        )
        .to_image()
    }

    /// A box of the tile as a box of the whole picture, both in pixels of the network's input.
    fn in_picture(self, found: &Detection) -> Detection {
        let side = SIDE as f32;
        Detection {
            class: found.class,
            score: found.score * TRUST,
            left: self.left * side + found.left * SHARE,
            top: self.top * side + found.top * SHARE,
            right: self.left * side + found.right * SHARE,
            bottom: self.top * side + found.bottom * SHARE,
        }
    }

    /// Whether a border of the tile inside the picture cuts the box, which is in the tile's pixels.
    fn cuts(self, found: &Detection) -> bool {
        let side = SIDE as f32;
        let (near, far) = (BORDER * side, side - BORDER * side);
        let inner = |offset: f32| offset > 0.0;
        (inner(self.left) && found.left < near)
            || (!inner(self.left) && found.right > far)
            || (inner(self.top) && found.top < near)
            || (!inner(self.top) && found.bottom > far)
    }

    /// Whether the centre of the box, in pixels of the whole picture's input, lies in the tile.
    fn holds(self, found: &Detection) -> bool {
        let side = SIDE as f32;
        let (x, y) = (
            (found.left + found.right) / 2.0 / side,
            (found.top + found.bottom) / 2.0 / side,
        );
        (self.left..=self.left + SHARE).contains(&x) && (self.top..=self.top + SHARE).contains(&y)
    }
}

/// The tiles in which the whole picture's boxes show small objects, the one with most of them first.
pub(super) fn worth_a_look((width, height): (u32, u32), whole: &[Detection]) -> Vec<Tile> {
    if width.max(height) < MIN_SIDE {
        return Vec::new();
    }
    let picture = (SIDE * SIDE) as f32;
    let hints: Vec<&Detection> = whole
        .iter()
        .filter(|found| found.score >= HINT && found.area() < SMALL * picture)
        .collect();
    let mut tiles: Vec<(usize, Tile)> = Tile::all()
        .into_iter()
        .map(|tile| (hints.iter().filter(|hint| tile.holds(hint)).count(), tile))
        .filter(|(hints, _)| *hints > 0)
        .collect();
    // Stable, so that the same picture has the same answer.
    tiles.sort_by_key(|(hints, _)| std::cmp::Reverse(*hints));
    tiles.truncate(MOST);
    tiles.into_iter().map(|(_, tile)| tile).collect()
}

/// Puts the boxes of the whole picture and of its tiles together, best first. All are in pixels of the network's input.
///
/// A box that a tile's border cuts is left out, because the whole picture or the next tile shows the object. So is a
/// box that lies in a better one of its kind.
pub(super) fn merge(
    whole: Vec<Detection>,
    tiles: &[(Tile, Vec<Detection>)],
    suppression: &Nms,
) -> Vec<Detection> {
    let mut all = whole;
    for (tile, found) in tiles {
        let picture = (SIDE * SIDE) as f32;
        let boxes = found.iter().filter(|found| !tile.cuts(found));
        let boxes = boxes.map(|found| tile.in_picture(found));
        let small =
            boxes.filter(|found| found.score >= HINT && found.area() < 2.0 * SMALL * picture);
        let new: Vec<Detection> = small
            .filter(|found| {
                !all.iter().any(|known| {
                    known.class == found.class
                        && known.score >= found.score
                        && known.shared(found) >= INSIDE * found.area()
                })
            })
            .collect();
        all.extend(new);
    }
    suppression.suppress(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(score: f32, [left, top, right, bottom]: [f32; 4]) -> Detection {
        Detection {
            class: 0,
            score,
            left,
            top,
            right,
            bottom,
        }
    }

    const NMS: Nms = super::super::SUPPRESSION;

    #[test]
    fn a_large_picture_is_looked_at_where_small_objects_are() {
        let small = found(0.3, [250.0, 250.0, 280.0, 280.0]);
        let large = found(0.9, [0.0, 0.0, 290.0, 290.0]);
        assert_eq!(worth_a_look((280, 200), &[small]), []);
        assert_eq!(worth_a_look((800, 600), &[large]), []);
        assert_eq!(worth_a_look((800, 600), &[]), []);
        let [_, _, _, last] = Tile::all();
        assert_eq!(worth_a_look((600, 800), &[small, large]), [last]);
        let everywhere = [
            small,
            found(0.3, [10.0, 10.0, 30.0, 30.0]),
            found(0.3, [12.0, 270.0, 30.0, 290.0]),
        ];
        assert_eq!(worth_a_look((800, 600), &everywhere).len(), MOST);
    }

    #[test]
    fn a_box_in_a_tile_has_its_place_in_the_picture() {
        let [_, _, _, last] = Tile::all();
        let merged = merge(
            Vec::new(),
            &[(last, vec![found(1.0, [100.0, 50.0, 200.0, 150.0])])],
            &NMS,
        );
        let expected = [180.0, 150.0, 240.0, 210.0];
        let [only] = merged[..] else {
            panic!("one box")
        };
        for (side, expected) in [only.left, only.top, only.right, only.bottom]
            .iter()
            .zip(expected)
        {
            assert!((side - expected).abs() < 0.01, "{only:?}");
        }
        assert!((only.score - TRUST).abs() < 1e-6);
    }

    #[test]
    fn a_box_that_an_inner_border_cuts_is_left_out() {
        let [first, ..] = Tile::all();
        let at_the_pictures_edge = found(0.9, [0.0, 0.0, 60.0, 60.0]);
        let cut = found(0.9, [250.0, 100.0, 299.0, 150.0]);
        let merged = merge(
            Vec::new(),
            &[(first, vec![at_the_pictures_edge, cut])],
            &NMS,
        );
        assert_eq!(merged.len(), 1);
        assert_eq!(merged[0].left, 0.0);
    }

    #[test]
    fn two_tiles_show_one_object_once() {
        let [first, second, ..] = Tile::all();
        // The same place of the picture: 150 to 165 across.
        let left = found(0.8, [250.0, 100.0, 275.0, 140.0]);
        let right = found(0.9, [50.0, 100.0, 75.0, 140.0]);
        let merged = merge(
            Vec::new(),
            &[(first, vec![left]), (second, vec![right])],
            &NMS,
        );
        assert_eq!(merged.len(), 1);
    }

    #[test]
    fn a_piece_of_a_known_object_is_left_out() {
        let [first, ..] = Tile::all();
        let known = found(0.9, [20.0, 20.0, 120.0, 120.0]);
        let piece = found(0.8, [60.0, 60.0, 150.0, 150.0]);
        assert_eq!(merge(vec![known], &[(first, vec![piece])], &NMS), [known]);
    }

    #[test]
    fn the_pixels_of_a_tile_are_those_of_its_place() {
        let picture = RgbImage::from_fn(100, 50, |x, y| image::Rgb([x as u8, y as u8, 0]));
        let [_, _, _, last] = Tile::all();
        let pixels = last.pixels(&picture);
        assert_eq!(pixels.dimensions(), (60, 30));
        assert_eq!(pixels.get_pixel(0, 0).0, [40, 20, 0]);
    }
}
