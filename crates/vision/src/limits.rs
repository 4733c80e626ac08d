//! The sizes of images that Rekognition accepts (Amazon Rekognition Developer Guide, "Guidelines and quotas").

/// The shortest side that Rekognition accepts for labels, in pixels.
pub(crate) const MIN_SIDE: u32 = 80;
/// The longest side that Rekognition accepts, in pixels.
pub const MAX_SIDE: u32 = 10_000;
