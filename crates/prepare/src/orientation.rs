//! The eight ways in which a stored picture relates to the upright one (Exif 2.32, "Orientation").

pub use image::metadata::Orientation;

/// Whether the upright picture's width is the stored picture's height.
#[must_use]
pub const fn swaps_sides(orientation: Orientation) -> bool {
    matches!(
        orientation,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    )
}

/// Width and height of the upright picture, in pixels, from those of the stored one; or the other way round.
#[must_use]
pub const fn upright_size((width, height): (u32, u32), orientation: Orientation) -> (u32, u32) {
    if swaps_sides(orientation) {
        (height, width)
    } else {
        (width, height)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orientations_5_to_8_swap_the_sides() {
        for exif in 1..=8 {
            let orientation = Orientation::from_exif(exif).unwrap();
            assert_eq!(swaps_sides(orientation), exif >= 5, "{exif}");
        }
        assert_eq!(upright_size((4, 3), Orientation::Rotate90), (3, 4));
    }
}
