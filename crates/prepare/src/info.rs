//! What the result document says about a picture's file.

use serde::{Deserialize, Serialize};

use crate::media::MediaType;

/// What the picture's header says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageInfo {
    /// The format of the bytes, whatever the content type says.
    pub format: MediaType,
    /// Width in pixels of the upright picture, that is, with `orientation` applied.
    pub width: u32,
    /// Height in pixels of the upright picture.
    pub height: u32,
    /// The Exif orientation, 1 to 8; 1 if there is none.
    pub orientation: u8,
    /// When the picture was taken, as its Exif data says: `2024-05-01T13:20:05`, and the offset from UTC, such as `+02:00`, if the
    /// data names it. Absent without a valid time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(
            example = "2024-05-01T13:20:05+02:00",
            pattern = r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}([+-]\d{2}:\d{2})?$"
        )
    )]
    pub taken_at: Option<String>,
    /// The JPEG that was analysed instead of the file, if Rekognition does not accept the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<Conversion>,
    /// The JPEG that DetectProtectiveEquipment got, if it alone needed a smaller picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared_for_ppe: Option<Conversion>,
}

/// `image.prepared` and `image.preparedForPpe` in the result document: a JPEG made from the picture, which Rekognition got instead
/// of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Conversion {
    /// Why Rekognition did not get the file itself.
    pub reason: Reason,
    /// Width in pixels of the JPEG.
    pub width: u32,
    /// Height in pixels of the JPEG.
    pub height: u32,
}

/// Why a picture is converted before Rekognition gets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// Rekognition reads only JPEG and PNG.
    Format,
    /// The file has more bytes than Rekognition accepts.
    Bytes,
    /// A side has more pixels than Rekognition accepts.
    Pixels,
    /// A PNG with an orientation, which browsers apply and Rekognition does not.
    Orientation,
    /// A JPEG whose colours are stored as CMYK, YCCK or RGB instead of YCbCr. Some decoders show them wrongly.
    Colours,
    /// A JPEG with bytes between its header segments, where none are allowed. Decoders differ in whether they read such a file.
    StrayBytes,
    /// A JPEG or PNG with a fault that this reader repaired, such as a missing end, a wrong checksum or lost data. Other decoders may
    /// reject the file.
    Repaired,
    /// A JPEG in arithmetic or lossless compression, which few decoders read.
    Compression,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conversion_serialises_as_the_document_shows_it() {
        let conversion = Conversion {
            reason: Reason::Pixels,
            width: 4000,
            height: 3000,
        };
        assert_eq!(
            serde_json::to_value(conversion).unwrap(),
            serde_json::json!({"reason": "pixels", "width": 4000, "height": 3000})
        );
    }
}
