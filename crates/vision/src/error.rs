//! Errors, by who has to act: [`VisionError`] is about one image or request and maps one to one to Rekognition's error codes;
//! [`ModelError`] is about the model files and prevents the start.

use std::path::PathBuf;

use crate::limits::{MAX_SIDE, MIN_SIDE};

/// Why an image was not analysed. Every message is one sentence for the person who sent the image.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum VisionError {
    /// The image is not a JPEG or PNG, or cannot be decoded.
    #[error("the picture cannot be read: {0}")]
    InvalidImageFormat(String),
    /// The image has too many pixels. Width and height are those stored in the file.
    #[error(
        "the picture is {width} x {height} pixels, which is more than {MAX_SIDE} pixels a side or more than \
         fits in memory: scale it down"
    )]
    ImageTooLarge {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// A side is shorter than Rekognition allows. Width and height are those stored in the file.
    #[error("the picture is {width} x {height} pixels; the minimum is {MIN_SIDE} x {MIN_SIDE}")]
    ImageTooSmall {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// A member of the request is not valid.
    #[error("{0}")]
    InvalidParameter(String),
    /// A fault of the recogniser itself.
    #[error("the recogniser failed: {0}")]
    Internal(String),
}

/// Why a model cannot be used. The message names the problem and its place.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The error of the operating system.
        source: std::io::Error,
    },
    /// The label table is not valid.
    #[error("the label table is not valid: {0}")]
    Table(String),
    /// The ONNX file cannot be loaded.
    #[error("the ONNX model cannot be loaded: {0}")]
    Onnx(String),
    /// The ONNX file and the label table do not match.
    #[error("the model does not match its label table: {0}")]
    Mismatch(String),
    /// The model runs, but its outputs are not the recorded ones.
    #[error("{file} does not compute what it should: {reason}")]
    Outputs {
        /// The model's file.
        file: String,
        /// The first output that differs.
        reason: String,
    },
}
