//! The errors of TIFF files.

use std::io::ErrorKind;

use tiff::{
    TiffError, TiffFormatError, TiffUnsupportedError,
    tags::{CompressionMethod, PhotometricInterpretation},
};

use super::photometric::Photometric;
use crate::{error::PrepareError, media::MediaType};

pub(super) const fn damaged() -> PrepareError {
    PrepareError::Damaged(MediaType::Tiff)
}

pub(super) fn unsupported(feature: impl Into<String>) -> PrepareError {
    PrepareError::unsupported(MediaType::Tiff, feature)
}

pub(super) const fn too_large(size: (u32, u32)) -> PrepareError {
    PrepareError::too_large(MediaType::Tiff, size)
}

/// The error for a picture of this size, in pixels, as far as it is known.
pub(super) fn decode_error(
    error: &TiffError,
    size: (u32, u32),
    photometric: Option<Photometric>,
) -> PrepareError {
    match error {
        TiffError::IoError(error) if error.kind() == ErrorKind::UnexpectedEof => {
            PrepareError::Truncated(MediaType::Tiff)
        }
        TiffError::LimitsExceeded | TiffError::IntSizeError => too_large(size),
        TiffError::UnsupportedError(error) => unsupported(feature(error, photometric)),
        TiffError::FormatError(TiffFormatError::ImageFileDirectoryNotFound) => {
            PrepareError::Truncated(MediaType::Tiff)
        }
        _ => damaged(),
    }
}

/// The feature in words that follow "uses".
fn feature(error: &TiffUnsupportedError, photometric: Option<Photometric>) -> String {
    use TiffUnsupportedError as E;
    match error {
        E::UnknownInterpretation => match photometric.map(|photometric| photometric.value) {
            Some(0 | 1) => "transparency with inverted grey".to_owned(),
            // Colour filter array and LinearRaw (Adobe DNG specification).
            Some(32_803 | 34_892) => "raw camera data".to_owned(),
            Some(32_844 | 32_845) => "LogLuv colours".to_owned(),
            Some(other) => {
                format!("an unknown colour space (photometric interpretation {other})")
            }
            None => "an unspecified colour space".to_owned(),
        },
        E::InterpretationWithBits(kind, bits) => match kind {
            PhotometricInterpretation::CIELab
            | PhotometricInterpretation::IccLab
            | PhotometricInterpretation::ItuLab => "LAB colours".to_owned(),
            PhotometricInterpretation::TransparencyMask => {
                "a transparency mask instead of a picture".to_owned()
            }
            PhotometricInterpretation::RGBPalette => "a rare kind of colour palette".to_owned(),
            kind => format!("{} samples a pixel for {kind:?} colours", bits.len()),
        },
        E::UnsupportedColorType(_) => "a rare colour space".to_owned(),
        E::UnsupportedCompressionMethod(method) => compression(*method),
        E::UnknownCompressionMethod => "an unknown kind of compression".to_owned(),
        E::ChromaSubsampling => "subsampled colours without JPEG compression".to_owned(),
        E::HorizontalPredictor(_) => "a predictor below 8 bits a colour".to_owned(),
        E::FloatingPointPredictor(_) | E::UnsupportedSampleFormat(_) => {
            "signed or floating-point samples".to_owned()
        }
        E::InconsistentBitsPerSample(_) => "a different number of bits for each colour".to_owned(),
        _ => "a rare variant of the format".to_owned(),
    }
}

/// The compression by the name that other programs use.
fn compression(method: CompressionMethod) -> String {
    let name = match method {
        CompressionMethod::Huffman => "CCITT modified Huffman",
        CompressionMethod::Fax3 => "CCITT Group 3 fax",
        CompressionMethod::JPEG => "old-style JPEG",
        CompressionMethod::ZSTD => "Zstandard",
        CompressionMethod::WebP => "WebP",
        // From libtiff's tiff.h.
        CompressionMethod::Unknown(34_712) => "JPEG 2000",
        CompressionMethod::Unknown(34_887) => "LERC",
        CompressionMethod::Unknown(34_925) => "LZMA",
        CompressionMethod::Unknown(50_002 | 52_546) => "JPEG XL",
        other => return format!("compression method {}", other.to_u16()),
    };
    format!("{name} compression")
}
