//! The container structures of picture files: how a file splits into segments, chunks and boxes.
//!
//! Each walker only borrows from the file and stops where the file contradicts itself.

pub(crate) mod isobmff;
pub(crate) mod jpeg;
pub(crate) mod jpeg_repair;
pub(crate) mod pieces;
pub(crate) mod png;
pub(crate) mod png_repair;
pub(crate) mod riff;
pub(crate) mod tiff;
pub(crate) mod webp;
