//! WebP. The `image` crate decodes the pixels; the container is read here.

use image::{ImageDecoder, codecs::webp::WebPDecoder};

use super::{
    buffered::{Buffered, decode_error},
    decoder::PictureDecoder,
};
use crate::{
    containers::webp::Webp, error::PrepareError, limits::MAX_ICC_BYTES, media::MediaType,
    orientation::Orientation,
};

/// A still picture, or the first frame of an animation. The `EXIF` chunk gives the orientation if the header has its flag.
pub(super) fn open(file: &[u8]) -> Result<impl PictureDecoder, PrepareError> {
    const DAMAGED: PrepareError = PrepareError::Damaged(MediaType::Webp);
    let webp = Webp::read(file).ok_or(DAMAGED)?;
    let orientation = webp
        .exif
        .and_then(Orientation::from_exif_chunk)
        .unwrap_or(Orientation::NoTransforms);
    let icc = webp
        .icc
        .filter(|icc| icc.len() <= MAX_ICC_BYTES)
        .map(<[u8]>::to_vec);
    // A frame is decoded beside the canvas of an animation.
    let working_bytes = match (webp.is_animated, webp.is_lossless_or_transparent()) {
        (true, _) => 8,
        (false, true) => 4,
        (false, false) => 2,
    };
    let decoder =
        WebPDecoder::new(webp.pixels()).map_err(|error| decode_error(&error, MediaType::Webp))?;
    if decoder.dimensions() != webp.size {
        return Err(DAMAGED);
    }
    Buffered::new(decoder, MediaType::Webp, orientation, working_bytes, icc)
}
