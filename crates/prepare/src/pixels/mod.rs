//! Decoded pixels: scaling down, colours, orientation and encoding.

pub(crate) mod coded;
pub(crate) mod colour;
pub(crate) mod downscale;
pub(crate) mod encode;
pub(crate) mod layout;
pub(crate) mod transparency;
