//! The order in which a person reads lines of text that are scattered over a photograph.

use super::area::Vertex;
use super::rectangle::Rectangle;

/// Two lines stand beside each other if their middles differ by at most this part of the smaller height.
const SAME_ROW: f64 = 0.5;

/// Sorts items into rows from the top to the bottom, and each row from left to right, as seen by somebody who holds the
/// picture so that most text is upright.
pub(super) fn sort_for_reading<T>(items: &mut Vec<T>, rectangle: impl Fn(&T) -> Rectangle) {
    let rectangles: Vec<Rectangle> = items.iter().map(rectangle).collect();
    let right = most_common_direction(&rectangles);
    let places = rectangles.iter().map(|item| Place::of(item, right));
    let mut placed: Vec<(Place, T)> = places.zip(items.drain(..)).collect();
    placed.sort_by(|(a, _), (b, _)| a.middle.total_cmp(&b.middle));
    let mut row = 0;
    let mut last: Option<Place> = None;
    for (place, _) in &mut placed {
        if last.is_some_and(|last| !last.beside(place)) {
            row += 1;
        }
        place.row = row;
        last = Some(*place);
    }
    placed.sort_by(|(a, _), (b, _)| a.row.cmp(&b.row).then(a.left.total_cmp(&b.left)));
    items.extend(placed.into_iter().map(|(_, item)| item));
}

/// Of right, down, left and up the direction in which the greatest length of text is read.
fn most_common_direction(rectangles: &[Rectangle]) -> Vertex {
    let directions = [(1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0)];
    let length = |direction: &Vertex| -> f64 {
        let near = rectangles
            .iter()
            .filter(|item| dot(item.along, *direction) > std::f64::consts::FRAC_1_SQRT_2);
        near.map(|item| item.length).sum()
    };
    let first = (1.0, 0.0);
    directions.into_iter().fold(first, |best, direction| {
        if length(&direction) > length(&best) {
            direction
        } else {
            best
        }
    })
}

fn dot(a: Vertex, b: Vertex) -> f64 {
    a.0 * b.0 + a.1 * b.1
}

/// Where an item is, as the reader sees it.
#[derive(Debug, Clone, Copy)]
struct Place {
    left: f64,
    middle: f64,
    height: f64,
    row: usize,
}

impl Place {
    fn of(rectangle: &Rectangle, right: Vertex) -> Self {
        let corners = rectangle.corners().map(|corner| dot(corner, right));
        Self {
            left: corners.into_iter().fold(f64::INFINITY, f64::min),
            middle: dot(rectangle.centre(), (-right.1, right.0)),
            height: rectangle.height,
            row: 0,
        }
    }

    fn beside(&self, other: &Self) -> bool {
        (self.middle - other.middle).abs() <= SAME_ROW * self.height.min(other.height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_go_down_and_each_row_to_the_right() {
        let line = |name, left, top, height| (name, Rectangle::upright(left, top, 50.0, height));
        let mut lines = vec![
            line("4", 0.0, 100.0, 20.0),
            line("2", 200.0, 6.0, 24.0),
            line("1", 10.0, 10.0, 20.0),
            line("3", 300.0, 40.0, 20.0),
            line("5", 60.0, 100.0, 20.0),
        ];
        sort_for_reading(&mut lines, |line| line.1);
        let names: String = lines.iter().map(|line| line.0).collect();
        assert_eq!(names, "12345");
    }

    #[test]
    fn the_order_follows_the_direction_of_the_text() {
        // Lines of a sign, turned by a quarter or half.
        let turned = |along: Vertex| {
            let line = |name, down: f64| {
                let right = Rectangle {
                    origin: (100.0, 100.0),
                    along,
                    length: 60.0,
                    height: 20.0,
                };
                let origin = right.point(0.0, down);
                (name, Rectangle { origin, ..right })
            };
            let mut lines = vec![line("2", 30.0), line("3", 60.0), line("1", 0.0)];
            sort_for_reading(&mut lines, |line| line.1);
            lines.iter().map(|line| line.0).collect::<String>()
        };
        for along in [
            (1.0, 0.0),
            (0.0, 1.0),
            (-1.0, 0.0),
            (0.0, -1.0),
            (0.8, -0.6),
        ] {
            assert_eq!(turned(along), "123", "{along:?}");
        }
    }
}
