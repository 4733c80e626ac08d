//! Why a TIFF is not read, in words.

use std::io::ErrorKind;

use tiff::{
    TiffError, TiffFormatError, TiffUnsupportedError,
    tags::{CompressionMethod, PhotometricInterpretation},
};

use super::{Photometric, damaged, too_large, unsupported};
use crate::{MediaType, PrepareError};

/// Of a picture of this size, as far as that is known.
pub(super) fn refused(
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

/// As it stands after "uses".
fn feature(error: &TiffUnsupportedError, photometric: Option<Photometric>) -> String {
    use TiffUnsupportedError as E;
    match error {
        E::UnknownInterpretation => match photometric.map(|photometric| photometric.value) {
            Some(0 | 1) => "transparency beside inverted grey".to_owned(),
            // LinearRaw and the colour filter array are those of DNG (Adobe DNG specification).
            Some(32_803 | 34_892) => "a camera's raw colours".to_owned(),
            Some(32_844 | 32_845) => "LogLuv colours".to_owned(),
            Some(other) => {
                format!("colours of an unknown kind (photometric interpretation {other})")
            }
            None => "colours of a kind that it does not tell".to_owned(),
        },
        E::InterpretationWithBits(kind, bits) => match kind {
            PhotometricInterpretation::CIELab
            | PhotometricInterpretation::IccLab
            | PhotometricInterpretation::ItuLab => "LAB colours".to_owned(),
            PhotometricInterpretation::TransparencyMask => {
                "a transparency mask in place of a picture".to_owned()
            }
            PhotometricInterpretation::RGBPalette => "a colour palette of a rare kind".to_owned(),
            kind => format!("{} numbers a pixel for {kind:?} colours", bits.len()),
        },
        E::UnsupportedColorType(_) => "colours of a rare kind".to_owned(),
        E::UnsupportedCompressionMethod(method) => compression(*method),
        E::UnknownCompressionMethod => "an unknown kind of compression".to_owned(),
        E::ChromaSubsampling => "colours at a lower resolution without JPEG compression".to_owned(),
        E::HorizontalPredictor(_) => "a predictor below 8 bits a colour".to_owned(),
        E::FloatingPointPredictor(_) | E::UnsupportedSampleFormat(_) => {
            "numbers that are not whole, or have a sign".to_owned()
        }
        E::InconsistentBitsPerSample(_) => "a different number of bits for each colour".to_owned(),
        _ => "a variant of its format".to_owned(),
    }
}

/// By the names that other programs offer them under.
fn compression(method: CompressionMethod) -> String {
    let name = match method {
        CompressionMethod::Huffman => "CCITT modified Huffman",
        CompressionMethod::Fax3 => "CCITT Group 3 fax",
        CompressionMethod::JPEG => "old-style JPEG",
        CompressionMethod::ZSTD => "Zstandard",
        CompressionMethod::WebP => "WebP",
        // libtiff's tiff.h
        CompressionMethod::Unknown(34_712) => "JPEG 2000",
        CompressionMethod::Unknown(34_887) => "LERC",
        CompressionMethod::Unknown(34_925) => "LZMA",
        CompressionMethod::Unknown(50_002 | 52_546) => "JPEG XL",
        other => return format!("compression number {}", other.to_u16()),
    };
    format!("{name} compression")
}
