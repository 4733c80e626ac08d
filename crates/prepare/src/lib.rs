//! Prepares pictures for Rekognition, and makes their thumbnails and previews.
//!
//! Rekognition reads JPEG and PNG files within its limits itself, so those go to it unchanged, by reference to the S3 object.
//! Every other file is decoded, made upright, scaled down if too large, and encoded as a JPEG that fits in a request.
//! [`prepare`] does all of this; [`read_header`] reads only what the first bytes of a file say. [`PictureFile`] gives the embedded
//! recogniser the same pixels.
//!
//! **Bounding boxes are relative to the upright picture**, the one a person sees. Rekognition applies the Exif orientation of a
//! JPEG before it looks (Amazon Rekognition Developer Guide, "Getting image orientation and bounding box coordinates"), so a JPEG
//! needs nothing. It applies no other orientation, while browsers apply a PNG's `eXIf` chunk, so a PNG with an orientation other
//! than 1 is converted. Converted pictures, thumbnails and previews are upright and have no metadata.
//!
//! **Time and memory are limited.** Declared sizes are checked before anything is decoded, and every decoder stays within
//! [`Limits::memory_bytes`]. JPEGs that would need much memory are decoded at a smaller DCT scale, and PNGs, TIFFs, GIFs and BMPs
//! row by row, so that large pictures cost only time; [`MAX_PIXELS`] and a limit on unpacked bytes bound that.

// Public: the API.
mod error;
mod exif;
mod file;
mod header;
mod info;
mod limits;
mod media;
pub mod orientation;
mod prepare;
mod prepared;
mod preparer;
pub mod size;

// Internal: from file bytes to pixels.
mod containers;
mod detect;
mod formats;
mod pixels;
mod truncation;

#[cfg(test)]
mod fixtures;

pub use self::{
    error::PrepareError,
    file::PictureFile,
    header::{FIRST_BYTES, HeaderError, PictureHeader, read_header},
    info::{Conversion, ImageInfo, Reason},
    limits::{
        CONVERTED_PX, Limits, MAX_INLINE_BYTES, MAX_PIXELS, MAX_SIDE, MIN_SIDE, PPE_MIN_SIDE,
    },
    media::{MediaType, UnknownMediaType},
    pixels::encode::JpegPicture,
    pixels::transparency::over_white,
    prepare::prepare,
    prepared::{Converted, Prepared, Renditions},
    preparer::{PreparePermit, Preparer, default_concurrency},
};
