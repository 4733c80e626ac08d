//! One decoder for each format.

#[cfg(feature = "avif")]
mod avif;
mod bmp;
mod buffered;
pub(crate) mod decoder;
mod gif;
mod jpeg;
mod png;
mod png_colours;
mod tiff;
mod webp;

#[cfg(feature = "avif")]
pub(crate) use self::avif::exif as avif_exif;
use self::decoder::PictureDecoder;
use crate::{
    error::PrepareError,
    header::{HeaderError, read_header},
    media::MediaType,
};

/// Detects the format and reads the header.
pub(crate) fn open(file: &[u8]) -> Result<Box<dyn PictureDecoder + '_>, PrepareError> {
    if file.is_empty() {
        return Err(PrepareError::Empty);
    }
    let header = match read_header(file) {
        Ok(header) => header,
        Err(HeaderError::UnknownFormat) => return Err(PrepareError::NotAnImage),
        Err(HeaderError::Damaged(MediaType::Jpeg)) => return Err(jpeg::header_error(file)),
        Err(HeaderError::Damaged(format)) => return Err(PrepareError::Damaged(format)),
        Err(HeaderError::NeedMore(_)) => {
            return Err(PrepareError::Truncated(if file.starts_with(b"\x89PNG") {
                MediaType::Png
            } else {
                MediaType::Jpeg
            }));
        }
    };
    Ok(match header.format {
        MediaType::Jpeg => Box::new(jpeg::Jpeg::open(file, header.orientation)?),
        MediaType::Png => Box::new(png::Png::open(file)?),
        MediaType::Tiff => Box::new(tiff::Tiff::open(file)?),
        MediaType::Webp => Box::new(webp::open(file)?),
        MediaType::Gif => Box::new(gif::Gif::open(file)?),
        MediaType::Bmp => Box::new(bmp::Bmp::open(file)?),
        #[cfg(feature = "avif")]
        MediaType::Avif => Box::new(avif::Avif::open(file)?),
        #[cfg(not(feature = "avif"))]
        MediaType::Avif => return Err(PrepareError::NoDecoder(MediaType::Avif)),
        MediaType::Heic => return Err(PrepareError::NoDecoder(MediaType::Heic)),
    })
}
