//! What can go wrong, cut by who has to act: [`VisionError`] is about one picture or request and maps to
//! Rekognition's error codes one to one; [`ModelError`] is about the model files and stops the start.

use std::path::PathBuf;

use crate::decode::{MAX_SIDE, MIN_SIDE};

/// Why a picture got no answer. Every message is one sentence for the person who sent the picture.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum VisionError {
    /// Not a JPEG or PNG, or one that cannot be decoded.
    #[error("the picture cannot be read: {0}")]
    InvalidImageFormat(String),
    /// More pixels than can be decoded. Width and height are those stored in the file.
    #[error(
        "the picture is {width} x {height} pixels, which is more than {MAX_SIDE} pixels a side or more than \
         can be held in memory: scale it down"
    )]
    ImageTooLarge {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// Fewer pixels a side than Rekognition takes. Width and height are those stored in the file.
    #[error(
        "the picture is {width} x {height} pixels: at least {MIN_SIDE} x {MIN_SIDE} are needed"
    )]
    ImageTooSmall {
        /// Pixels.
        width: u32,
        /// Pixels.
        height: u32,
    },
    /// A member of the request outside its range.
    #[error("{0}")]
    InvalidParameter(String),
    /// A fault of the recogniser itself.
    #[error("the recogniser failed: {0}")]
    Internal(String),
}

/// Why a model cannot be used. The message says what does not fit and where.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file that cannot be read.
    #[error("cannot read {path}: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The label table is not valid by itself.
    #[error("the label table is not valid: {0}")]
    Table(String),
    /// The ONNX file cannot be loaded.
    #[error("the ONNX model cannot be loaded: {0}")]
    Onnx(String),
    /// The ONNX file and the label table speak of different models.
    #[error("the model does not fit its label table: {0}")]
    Mismatch(String),
}
