//! Pictures for unit tests.

use image::{ExtendedColorType, ImageEncoder, codecs};

/// A JPEG of one colour.
pub(crate) fn encoded_jpeg(width: u32, height: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    codecs::jpeg::JpegEncoder::new(&mut bytes)
        .write_image(
            &vec![90; (width * height * 3) as usize],
            width,
            height,
            ExtendedColorType::Rgb8,
        )
        .unwrap();
    bytes
}
