//! Rekognition's limits, and those of preparation itself.

/// The largest object that Rekognition reads from S3, in bytes: 15 MB (Amazon Rekognition Developer Guide, "Guidelines and
/// quotas").
pub(crate) const MAX_OBJECT_BYTES: usize = 15 * 1024 * 1024;

/// The largest picture that Rekognition accepts in the request itself, in bytes: 5 MB (same source).
pub const MAX_INLINE_BYTES: usize = 5 * 1024 * 1024;

/// The longest side that Rekognition accepts, in pixels (same source).
pub const MAX_SIDE: u32 = 10_000;

/// The shortest side that Rekognition accepts, in pixels (same source).
pub const MIN_SIDE: u32 = 80;

/// The longest side that DetectProtectiveEquipment accepts, in pixels (same source).
pub(crate) const PPE_MAX_SIDE: u32 = 4096;

/// The shortest side that DetectProtectiveEquipment accepts, in pixels (same source).
pub const PPE_MIN_SIDE: u32 = 64;

/// The largest picture that DetectProtectiveEquipment accepts in the request itself, in bytes: 4 MB (same source, taken as
/// decimal megabytes, the smaller reading).
pub(crate) const PPE_MAX_INLINE_BYTES: usize = 4_000_000;

/// The most pixels that are decoded: two and a half times Rekognition's maximum, so that a file of a few kilobytes cannot keep a
/// decoder busy for long.
pub const MAX_PIXELS: u64 = 250_000_000;

/// The most bytes that a picture may unpack to at the file's own bit depth: 10,000 x 10,000 pixels of 16-bit RGBA, the largest PNG
/// that Rekognition accepts. JPEGs are never unpacked whole, so only [`MAX_PIXELS`] applies to them.
pub(crate) const MAX_UNPACKED_BYTES: u64 = 800_000_000;

/// The most coefficients that the scans of a JPEG may visit, over all scans. Every scan of a progressive JPEG visits all
/// coefficients, but takes only a few bytes of the file if it changes none. A photo of 60 megapixels in twelve scans needs half of
/// this.
pub(crate) const MAX_SCANNED: u64 = 2_000_000_000;

/// The largest ICC profile that is read, in bytes. Profiles of printing presses have up to about 2 MiB.
pub(crate) const MAX_ICC_BYTES: usize = 4 * 1024 * 1024;

/// The longest side of a converted picture, in pixels. Rekognition's guidelines are relative to a picture of 1920 x 1080 (a face
/// must be 40 pixels wide there, and proportionally more in larger pictures), so twice that size loses nothing and limits memory
/// and request size.
pub const CONVERTED_PX: u32 = 4096;

/// The most pixels that a picture is decoded to for its renditions. The decoded picture, a preview of it and what resampling takes
/// stay within [`Limits::memory_bytes`].
pub(crate) const MAX_RENDITION_PIXELS: u64 = 24_000_000;

/// The budget of preparation, and its goals.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The longest side of thumbnails, in pixels; 0 for none. A smaller picture keeps its size.
    pub thumbnail_px: u32,
    /// The longest side of previews, in pixels; 0 for none. A smaller picture keeps its size, and a picture that is no larger than
    /// its thumbnail gets none.
    pub preview_px: u32,
    /// The shortest side that is accepted, in pixels: [`MIN_SIDE`], or [`PPE_MIN_SIDE`] if only protective equipment is requested.
    pub min_side: u32,
    /// The most memory to use, in bytes, including the file.
    pub memory_bytes: u64,
    /// Whether the file would go to Rekognition in the request ([`MAX_INLINE_BYTES`] applies) instead of by reference to the S3
    /// object.
    pub inline: bool,
    /// Whether protective equipment is requested, whose limits are lower.
    pub protective_equipment: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            thumbnail_px: 320,
            preview_px: 1440,
            min_side: MIN_SIDE,
            memory_bytes: 208 * 1024 * 1024,
            inline: false,
            protective_equipment: false,
        }
    }
}

impl Limits {
    /// The largest file that Rekognition accepts unchanged, in bytes.
    pub(crate) const fn max_file_bytes(&self) -> usize {
        if self.inline {
            MAX_INLINE_BYTES
        } else {
            MAX_OBJECT_BYTES
        }
    }
}
