//! The container structures of picture files: how a file splits into segments, chunks and boxes.
//!
//! Each walker only borrows from the file and stops where the file contradicts itself.

pub(crate) mod isobmff;
pub(crate) mod jpeg;
pub(crate) mod png;
pub(crate) mod riff;
