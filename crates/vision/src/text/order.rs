//! The order in which a person reads lines of text that are scattered over a photograph.

use super::rectangle::Rectangle;

/// Two lines stand beside each other if their middles differ by at most this part of the smaller height.
const SAME_ROW: f64 = 0.5;

/// Sorts items into rows from the top to the bottom, and each row from left to right.
pub(super) fn sort_for_reading<T>(items: &mut Vec<T>, rectangle: impl Fn(&T) -> Rectangle) {
    let mut placed: Vec<(Place, T)> = items
        .drain(..)
        .map(|item| (Place::of(&rectangle(&item)), item))
        .collect();
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

#[derive(Debug, Clone, Copy)]
struct Place {
    left: f64,
    middle: f64,
    height: f64,
    row: usize,
}

impl Place {
    fn of(rectangle: &Rectangle) -> Self {
        let corners = rectangle.corners();
        Self {
            left: corners.iter().map(|c| c.0).fold(f64::INFINITY, f64::min),
            middle: rectangle.centre().1,
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
}
