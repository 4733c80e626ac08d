//! Picture formats and their media types.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A picture format that `POST /uploads` accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum MediaType {
    /// `image/jpeg`
    Jpeg,
    /// `image/png`
    Png,
    /// `image/webp`
    Webp,
    /// `image/gif`
    Gif,
    /// `image/bmp`
    Bmp,
    /// `image/tiff`
    Tiff,
    /// `image/avif`
    Avif,
    /// `image/heic`
    Heic,
}

impl MediaType {
    /// Every format. Those that Rekognition reads itself come first.
    pub const ALL: [Self; 8] = [
        Self::Jpeg,
        Self::Png,
        Self::Webp,
        Self::Gif,
        Self::Bmp,
        Self::Tiff,
        Self::Avif,
        Self::Heic,
    ];

    /// The media type, as in a `Content-Type` header.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
            Self::Bmp => "image/bmp",
            Self::Tiff => "image/tiff",
            Self::Avif => "image/avif",
            Self::Heic => "image/heic",
        }
    }

    /// Other names of the media type. The upload page knows them too (`frontend/js/shared/file-types.js`).
    const fn other_names(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["image/jpg", "image/pjpeg", "image/jfif"],
            Self::Png => &["image/x-png", "image/apng", "image/vnd.mozilla.apng"],
            Self::Webp => &["image/x-webp"],
            Self::Gif => &["image/x-gif"],
            Self::Bmp => &["image/x-bmp", "image/x-ms-bmp", "image/x-windows-bmp"],
            Self::Tiff => &["image/tif", "image/x-tif", "image/x-tiff"],
            Self::Avif => &["image/avif-sequence"],
            Self::Heic => &["image/heif", "image/heic-sequence", "image/heif-sequence"],
        }
    }

    /// The file name extension in keys, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Gif => "gif",
            Self::Bmp => "bmp",
            Self::Tiff => "tiff",
            Self::Avif => "avif",
            Self::Heic => "heic",
        }
    }

    /// The format's usual name, for messages.
    const fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "JPEG",
            Self::Png => "PNG",
            Self::Webp => "WebP",
            Self::Gif => "GIF",
            Self::Bmp => "BMP",
            Self::Tiff => "TIFF",
            Self::Avif => "AVIF",
            Self::Heic => "HEIC",
        }
    }

    /// Whether Rekognition reads the format (Amazon Rekognition Developer Guide, "Guidelines and quotas": JPEG and PNG).
    #[must_use]
    pub const fn is_read_by_rekognition(self) -> bool {
        matches!(self, Self::Jpeg | Self::Png)
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A content type that is not a supported picture format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a supported content type; use image/jpeg, image/png, image/webp, image/gif, image/bmp, image/tiff, image/avif or image/heic"
)]
pub struct UnknownMediaType(pub String);

/// Parses a `Content-Type`, ignoring case. Parameters are rejected, because the client would have to send them exactly as signed.
/// Other names that browsers and systems use for the formats are accepted, such as `image/jpg`, `image/x-png` and `image/heif`.
impl FromStr for MediaType {
    type Err = UnknownMediaType;

    fn from_str(content_type: &str) -> Result<Self, Self::Err> {
        let lower = content_type.trim().to_ascii_lowercase();
        Self::ALL
            .into_iter()
            .find(|media| {
                media.content_type() == lower || media.other_names().contains(&lower.as_str())
            })
            .ok_or_else(|| UnknownMediaType(content_type.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_types_round_trip_and_have_other_names() {
        for media in MediaType::ALL {
            assert_eq!(media.content_type().parse(), Ok(media));
        }
        for (name, media) in [
            ("Image/JPG", MediaType::Jpeg),
            ("image/pjpeg", MediaType::Jpeg),
            ("image/x-png", MediaType::Png),
            ("image/apng", MediaType::Png),
            ("IMAGE/X-MS-BMP", MediaType::Bmp),
            ("image/x-tiff", MediaType::Tiff),
            ("image/heif-sequence", MediaType::Heic),
        ] {
            assert_eq!(name.parse(), Ok(media), "{name}");
        }
        assert!("image/jpeg; q=1".parse::<MediaType>().is_err());
        assert!("text/html".parse::<MediaType>().is_err());
    }
}
