//! Preparation: what a picture needs before Rekognition can take it, and its thumbnail.
//!
//! Rekognition reads JPEG and PNG within its limits itself, so those are handed on by reference to
//! the object in S3, byte for byte. Everything else is decoded, brought upright, scaled down where it
//! is too large, and encoded as a JPEG that fits into a request.
//!
//! **Which frame boxes are relative to.** Boxes are fractions of the *upright* picture, the one a
//! person sees. Rekognition turns a JPEG by its Exif orientation before it looks (Amazon Rekognition
//! Developer Guide, "Getting image orientation and bounding box coordinates"), so an original JPEG
//! needs nothing. It turns nothing else, while browsers turn a PNG by its `eXIf` chunk; so a PNG with
//! an orientation other than 1 is converted. What is made here is upright and carries no metadata.
//!
//! **Bounds.** Declared sizes are checked before anything is decoded; every decoder works within
//! [`Limits::memory_bytes`]. JPEG is decoded at the DCT scale that suits where a whole decode would
//! cost much memory, PNG and TIFF row by row and strip by strip, so that sizes cost time only; how
//! much, [`MAX_PIXELS`] and [`MAX_UNPACKED_BYTES`] bound.

#[cfg(feature = "avif")]
mod avif;
mod colour;
mod cut_off;
mod decoded;
mod error;
#[cfg(feature = "avif")]
mod isobmff;
mod jpeg;
pub mod media;
mod output;
pub mod picture;
mod png;
mod reduce;
mod tiff;
mod turn;

use std::panic::{AssertUnwindSafe, catch_unwind};

use image::{RgbImage, metadata::Orientation};
use serde::{Deserialize, Serialize};

pub use self::error::PrepareError;
pub use self::media::MediaType;
pub use self::output::JpegPicture;
pub use self::picture::ImageInfo;
pub use self::turn::{Preparer, Turn, side_by_side};
use self::{
    cut_off::is_cut_off,
    picture::{PictureError, read_header},
    reduce::{Reduced, factor_down_to},
};

/// The largest object Rekognition takes from S3, in bytes: 15 MB (Amazon Rekognition Developer
/// Guide, "Guidelines and quotas").
pub const MAX_OBJECT_BYTES: usize = 15 * 1024 * 1024;

/// The largest picture Rekognition takes in the request itself, in bytes: 5 MB (as above).
pub const MAX_INLINE_BYTES: usize = 5 * 1024 * 1024;

/// The longest side Rekognition takes, in pixels (as above).
pub const MAX_SIDE: u32 = 10_000;

/// The shortest side Rekognition takes, in pixels (as above; 64 where only protective equipment is
/// asked for).
pub const MIN_SIDE: u32 = 80;

/// The longest side DetectProtectiveEquipment takes, in pixels (as above).
pub const PPE_MAX_SIDE: u32 = 4096;

/// The shortest side DetectProtectiveEquipment takes, in pixels (as above).
pub const PPE_MIN_SIDE: u32 = 64;

/// The largest picture DetectProtectiveEquipment takes in the request itself, in bytes: 4 MB (as
/// above; read as the smaller of the two things that can mean).
pub const PPE_MAX_INLINE_BYTES: usize = 4_000_000;

/// The most pixels that are decoded: what Rekognition takes at most, twice and a half, so that no few
/// kilobytes keep a decoder busy for long.
pub const MAX_PIXELS: u64 = 250_000_000;

/// The most bytes that a picture may have once it is unpacked, in the file's own depth: 10,000 x
/// 10,000 pixels of 16-bit RGBA, the largest PNG that Rekognition takes. A JPEG is never unpacked
/// whole, so there pixels count alone.
pub const MAX_UNPACKED_BYTES: u64 = 800_000_000;

/// The most numbers that the scans of a JPEG may walk over, all scans together: each of a progressive picture goes over
/// all its coefficients, and takes a few bytes of the file where it changes nothing. A photo of 60 megapixels in twelve
/// scans has half as many.
const MAX_SCANNED: u64 = 2_000_000_000;

/// The longest side of a converted picture, in pixels. Rekognition's guidelines measure what it
/// finds against a picture of 1920 x 1080 (a face has to be 40 pixels wide there, and more in
/// proportion in larger pictures), so nothing that it would find is lost at twice that size, and
/// neither memory nor the request grows further.
pub const CONVERTED_PX: u32 = 4096;

/// What preparation may cost, and what it aims at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest side of thumbnails, in pixels; a smaller picture keeps its size.
    pub thumbnail_px: u32,
    /// The shortest side that is accepted, in pixels: [`MIN_SIDE`], or 64 where only protective
    /// equipment is asked for.
    pub min_side: u32,
    /// The most memory to use, in bytes, with the file itself.
    pub memory_bytes: u64,
    /// Whether the file itself would be given to Rekognition in the request, where
    /// [`MAX_INLINE_BYTES`] holds, rather than by reference to the object.
    pub inline: bool,
    /// Whether protective equipment is asked for, which takes less than the other questions.
    pub protective_equipment: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            thumbnail_px: 128,
            min_side: MIN_SIDE,
            memory_bytes: 208 * 1024 * 1024,
            inline: false,
            protective_equipment: false,
        }
    }
}

impl Limits {
    /// How far a picture may be shrunk for a thumbnail: the rest is resampled from twice its size.
    fn thumbnail_factor(&self, longest: u32) -> u32 {
        factor_down_to(longest, self.thumbnail_px.saturating_mul(2))
    }

    /// The largest file that Rekognition takes as it is, in bytes.
    const fn max_file_bytes(&self) -> usize {
        if self.inline {
            MAX_INLINE_BYTES
        } else {
            MAX_OBJECT_BYTES
        }
    }

    /// Why DetectProtectiveEquipment, where it is asked, would not take a picture with sides of these
    /// lengths that is given in a request of so many bytes, or by reference.
    fn ppe_reason(&self, sides: (u32, u32), inline_bytes: Option<usize>) -> Option<Reason> {
        let (shortest, longest) = (sides.0.min(sides.1), sides.0.max(sides.1));
        // A narrow picture that it would not take scaled down either is refused by Rekognition,
        // in that one answer.
        let scaled = u64::from(shortest) * u64::from(PPE_MAX_SIDE) / u64::from(longest.max(1));
        if !self.protective_equipment {
            None
        } else if longest > PPE_MAX_SIDE {
            (scaled >= u64::from(PPE_MIN_SIDE)).then_some(Reason::Pixels)
        } else if inline_bytes.is_some_and(|bytes| bytes > PPE_MAX_INLINE_BYTES) {
            Some(Reason::Bytes)
        } else {
            None
        }
    }
}

/// A picture that Rekognition can take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Format, upright size and orientation of the file as it was uploaded.
    pub info: ImageInfo,
    /// What to hand to Rekognition in place of the file; `None` where it takes the file itself, by
    /// reference to the object.
    pub converted: Option<Converted>,
    /// What to hand to DetectProtectiveEquipment alone, where it takes neither of the two and can be
    /// given a smaller picture.
    pub ppe: Option<Converted>,
    /// The thumbnail, or why there is none although Rekognition may well read the picture: it uses
    /// a feature of its format that no decoder here knows, or is too large to decode.
    pub thumbnail: Result<JpegPicture, PrepareError>,
}

impl Prepared {
    /// What the result document says of the picture.
    #[must_use]
    pub fn image_info(&self) -> ImageInfo {
        let conversion =
            |converted: &Option<Converted>| converted.as_ref().map(Converted::conversion);
        ImageInfo {
            prepared: conversion(&self.converted),
            prepared_for_ppe: conversion(&self.ppe),
            ..self.info.clone()
        }
    }
}

/// What is handed to Rekognition in place of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Converted {
    /// An upright sRGB JPEG without metadata, at most [`MAX_INLINE_BYTES`] large.
    pub jpeg: JpegPicture,
    /// Why the file itself would not do.
    pub reason: Reason,
}

impl Converted {
    /// As the result document tells it.
    #[must_use]
    pub const fn conversion(&self) -> Conversion {
        Conversion {
            reason: self.reason,
            width: self.jpeg.width,
            height: self.jpeg.height,
        }
    }
}

/// `image.prepared` and `image.preparedForPpe` in the result document: Rekognition was given a JPEG
/// made from the picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    /// Why the file itself would not do.
    pub reason: Reason,
    /// Width in pixels of what was analysed.
    pub width: u32,
    /// Height in pixels of what was analysed.
    pub height: u32,
}

/// Why a picture is not handed to Rekognition as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Rekognition reads JPEG and PNG only.
    Format,
    /// The file has more bytes than Rekognition takes.
    Bytes,
    /// A side has more pixels than Rekognition takes.
    Pixels,
    /// A PNG with an orientation, which Rekognition would not apply and browsers do.
    Orientation,
    /// A JPEG with four inks (CMYK or YCCK) instead of red, green and blue.
    Colours,
    /// A JPEG with bytes between the segments of its header, where none belong: decoders differ in
    /// whether they read such a file.
    StrayBytes,
}

/// Prepares a picture: decides whether Rekognition takes it as it is, converts it where not, and
/// makes its thumbnail. CPU-bound: call it where blocking is allowed, and one at a time where memory
/// counts.
///
/// # Errors
/// [`PrepareError`] where Rekognition cannot be given the picture at all.
pub fn prepare(bytes: &[u8], limits: &Limits) -> Result<Prepared, PrepareError> {
    // The decoders of six libraries read bytes that anybody may have sent. Should one of them panic,
    // that costs this picture and nothing else.
    let prepared = catch_unwind(AssertUnwindSafe(|| prepare_picture(bytes, limits)));
    let prepared = prepared.unwrap_or_else(|_| {
        Err(
            read_header(bytes).map_or(PrepareError::internal("decoding"), |header| {
                PrepareError::Damaged(header.format)
            }),
        )
    });
    prepared.map_err(|error| match error {
        PrepareError::Damaged(format) if is_cut_off(format, bytes) => {
            PrepareError::Truncated(format)
        }
        error => error,
    })
}

fn prepare_picture(bytes: &[u8], limits: &Limits) -> Result<Prepared, PrepareError> {
    let source = open(bytes)?;
    let stored = source.stored();
    let format = source.format();
    let (width, height) = stored.upright();
    let info = ImageInfo {
        format,
        width,
        height,
        orientation: stored.orientation.to_exif(),
        prepared: None,
        prepared_for_ppe: None,
    };
    let (shortest, longest) = (width.min(height), width.max(height));
    if shortest < limits.min_side {
        return Err(PrepareError::TooSmall {
            width,
            height,
            min_side: limits.min_side,
        });
    }
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(PrepareError::TooLarge {
            format,
            width,
            height,
        });
    }
    let memory = limits.memory_bytes.saturating_sub(bytes.len() as u64);
    let reason = if !format.is_read_by_rekognition() {
        Some(Reason::Format)
    } else if bytes.len() > limits.max_file_bytes() {
        Some(Reason::Bytes)
    } else if longest > MAX_SIDE {
        Some(Reason::Pixels)
    } else if format == MediaType::Png && stored.orientation != Orientation::NoTransforms {
        Some(Reason::Orientation)
    } else {
        source.reason()
    };
    let Some(reason) = reason else {
        let ppe = limits.ppe_reason((width, height), limits.inline.then_some(bytes.len()));
        let factor = match ppe {
            None => limits.thumbnail_factor(longest),
            Some(_) => longest.div_ceil(PPE_MAX_SIDE),
        };
        let made = source.decode(factor, memory).and_then(|reduced| {
            let Some(reason) = ppe else {
                return Ok((thumbnail(&reduced, stored, limits)?, None));
            };
            let size = reduced.fitted(PPE_MAX_SIDE);
            let picture = upright(&reduced, size, stored.orientation)?;
            drop(reduced);
            let jpeg = output::encode_to_fit(&picture, PPE_MAX_INLINE_BYTES)?;
            let thumbnail = thumbnail(&Reduced::from(picture), Stored::default(), limits)?;
            Ok((thumbnail, Some(Converted { jpeg, reason })))
        });
        // What is damaged for one decoder is so for the other; what is merely unknown or large here
        // may suit Rekognition.
        let (thumbnail, ppe) = match made {
            Err(error @ (PrepareError::Damaged(_) | PrepareError::Truncated(_))) => {
                return Err(error);
            }
            Err(error) => (Err(error), None),
            Ok((thumbnail, ppe)) => (Ok(thumbnail), ppe),
        };
        return Ok(Prepared {
            info,
            converted: None,
            ppe,
            thumbnail,
        });
    };
    // A narrow picture is scaled down no further than its shorter side allows.
    let least = limits.min_side.saturating_mul(longest).div_ceil(shortest);
    let most = if longest <= MAX_SIDE {
        CONVERTED_PX.max(least)
    } else if least <= MAX_SIDE {
        CONVERTED_PX.max(least).min(MAX_SIDE)
    } else {
        return Err(PrepareError::TooNarrow { width, height });
    };
    let factor = longest
        .div_ceil(CONVERTED_PX)
        .min(shortest / limits.min_side.max(1));
    let reduced = source.decode(factor.max(1), memory)?;
    let picture = upright(&reduced, reduced.fitted(most), stored.orientation)?;
    drop(reduced);
    let jpeg = output::encode_to_fit(&picture, MAX_INLINE_BYTES)?;
    let picture = Reduced::from(picture);
    let ppe = limits.ppe_reason((jpeg.width, jpeg.height), Some(jpeg.bytes.len()));
    let ppe = ppe.map(|reason| {
        let size = picture.fitted(PPE_MAX_SIDE);
        let smaller = upright(&picture, size, Orientation::NoTransforms)?;
        let jpeg = output::encode_to_fit(&smaller, PPE_MAX_INLINE_BYTES)?;
        Ok(Converted { jpeg, reason })
    });
    Ok(Prepared {
        info,
        converted: Some(Converted { jpeg, reason }),
        ppe: ppe.transpose()?,
        thumbnail: thumbnail(&picture, Stored::default(), limits),
    })
}

/// A picture whose header has been read.
trait Source {
    /// The format of the bytes.
    fn format(&self) -> MediaType;
    /// Size as stored, and how to turn it.
    fn stored(&self) -> Stored;
    /// Why Rekognition, which reads the format, is not to be given the file all the same.
    fn reason(&self) -> Option<Reason> {
        None
    }
    /// Decodes within `memory` bytes, shrinking by a whole factor on the way, or by a smaller one
    /// where that is not to be had.
    fn decode(self: Box<Self>, factor: u32, memory: u64) -> Result<Reduced, PrepareError>;
}

/// How a picture is stored.
#[derive(Debug, Clone, Copy)]
struct Stored {
    /// Width and height in pixels, before turning.
    size: (u32, u32),
    /// What brings it upright.
    orientation: Orientation,
}

impl Default for Stored {
    fn default() -> Self {
        Self {
            size: (0, 0),
            orientation: Orientation::NoTransforms,
        }
    }
}

impl Stored {
    fn upright(self) -> (u32, u32) {
        let (width, height) = self.size;
        // 5 to 8 lie on their side.
        if self.orientation.to_exif() >= 5 {
            (height, width)
        } else {
            (width, height)
        }
    }
}

/// Tells the format and reads what stands before the pixels.
fn open(bytes: &[u8]) -> Result<Box<dyn Source + '_>, PrepareError> {
    if bytes.is_empty() {
        return Err(PrepareError::Empty);
    }
    let header = match read_header(bytes) {
        Ok(header) => header,
        Err(PictureError::UnknownFormat) => return Err(PrepareError::NotAnImage),
        Err(PictureError::Damaged(format)) => return Err(PrepareError::Damaged(format)),
        Err(PictureError::NeedMore(_)) => {
            return Err(PrepareError::Truncated(if bytes.starts_with(b"\x89PNG") {
                MediaType::Png
            } else {
                MediaType::Jpeg
            }));
        }
    };
    Ok(match header.format {
        MediaType::Jpeg => Box::new(jpeg::Jpeg::open(bytes, header.orientation)?),
        MediaType::Png => Box::new(png::Png::open(bytes)?),
        MediaType::Tiff => Box::new(tiff::Tiff::open(bytes)?),
        MediaType::Webp => Box::new(decoded::webp(bytes)?),
        MediaType::Gif => Box::new(decoded::gif(bytes)?),
        MediaType::Bmp => Box::new(decoded::bmp(bytes)?),
        #[cfg(feature = "avif")]
        MediaType::Avif => Box::new(avif::Avif::open(bytes)?),
        #[cfg(not(feature = "avif"))]
        MediaType::Avif => return Err(PrepareError::NoDecoder(MediaType::Avif)),
        MediaType::Heic => return Err(PrepareError::NoDecoder(MediaType::Heic)),
    })
}

/// The picture in a given size (before turning), in sRGB, upright.
fn upright(
    reduced: &Reduced,
    size: (u32, u32),
    orientation: Orientation,
) -> Result<RgbImage, PrepareError> {
    let pixels = reduced.resized(size)?;
    let rgb = colour::to_srgb(pixels, reduced.channels, &reduced.profile);
    output::upright(rgb, size, orientation)
}

fn thumbnail(
    reduced: &Reduced,
    stored: Stored,
    limits: &Limits,
) -> Result<JpegPicture, PrepareError> {
    let size = reduced.fitted(limits.thumbnail_px.max(1));
    output::encode(&upright(reduced, size, stored.orientation)?)
}

#[cfg(test)]
mod tests;
