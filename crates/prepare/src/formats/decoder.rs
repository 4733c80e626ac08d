//! The interface of the decoders.

use crate::{
    error::PrepareError,
    info::Reason,
    media::MediaType,
    orientation::{self, Orientation},
    pixels::downscale::Downscaled,
};

/// A file whose header has been read and whose pixels have not.
pub(crate) trait PictureDecoder {
    /// The format of the file.
    fn format(&self) -> MediaType;

    /// How the picture is stored.
    fn geometry(&self) -> Geometry;

    /// Why Rekognition must not get the file, although it reads the format.
    fn conversion_reason(&self) -> Option<Reason> {
        None
    }

    /// Decodes within `memory` bytes, scaled down by a whole factor, or by a smaller one if the format cannot do better.
    fn decode(self: Box<Self>, factor: u32, memory: u64) -> Result<Downscaled, PrepareError>;
}

/// How a picture is stored.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    /// Width and height in pixels as stored.
    pub(crate) size: (u32, u32),
    /// The transformation that makes it upright.
    pub(crate) orientation: Orientation,
}

impl Geometry {
    /// Width and height of the upright picture, in pixels.
    pub(crate) const fn upright_size(self) -> (u32, u32) {
        orientation::upright_size(self.size, self.orientation)
    }
}
