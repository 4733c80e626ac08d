//! Pictures for recognisers outside this crate.

use crate::VisionError;
use crate::decode::Picture;

/// An upright picture: 8-bit RGB, row by row, transparent pixels over white.
#[derive(Clone, PartialEq, Eq)]
pub struct Upright {
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// Three bytes a pixel.
    pub rgb: Vec<u8>,
}

impl std::fmt::Debug for Upright {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Upright")
            .field("width", &self.width)
            .field("height", &self.height)
            .finish_non_exhaustive()
    }
}

impl Upright {
    /// Decodes a JPEG or PNG as [`Recogniser::detect_labels`](crate::Recogniser::detect_labels) does, and scales it
    /// down where its longer side has more than `longest` pixels.
    ///
    /// # Errors
    /// `InvalidImageFormat`, `ImageTooLarge` and `ImageTooSmall` for the picture.
    pub fn decode(image: &[u8], longest: u32) -> Result<Self, VisionError> {
        let pixels = Picture::decode(image)?.thumbnail(longest)?;
        let (width, height) = pixels.dimensions();
        Ok(Self {
            width,
            height,
            rgb: pixels.into_raw(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::tests::{jpeg, png, with_exif_orientation};
    use image::{Rgb, RgbImage};

    #[test]
    fn it_stands_upright_and_is_no_larger_than_asked_for() {
        let stored = RgbImage::from_fn(200, 100, |x, _| {
            if x < 100 {
                Rgb([255, 0, 0])
            } else {
                Rgb([0, 0, 255])
            }
        });
        let whole = Upright::decode(&png(stored.clone()), 200).unwrap();
        assert_eq!((whole.width, whole.height), (200, 100));
        assert_eq!(whole.rgb, stored.as_raw().as_slice());

        // Turned by 90 degrees, left becomes the top.
        let turned = with_exif_orientation(&jpeg(&stored), 6);
        let small = Upright::decode(&turned, 100).unwrap();
        assert_eq!((small.width, small.height), (50, 100));
        assert_eq!(small.rgb.len(), 50 * 100 * 3);
        let [red, _, blue] = small.rgb[..3] else {
            panic!("three bytes a pixel")
        };
        assert!(red > 240 && blue < 16);
    }
}
