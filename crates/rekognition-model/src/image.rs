//! The image of a request.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::open_enum::open_enum;

/// The image to analyse, JPEG or PNG: its bytes or an S3 object. Exactly one of the two members must be set.
#[derive(Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Image {
    /// The image file, base64 in JSON, 1 byte to 5 MiB (4 MB for
    /// DetectProtectiveEquipment and DetectCustomLabels).
    #[serde(
        with = "base64_bytes",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub bytes: Option<Vec<u8>>,
    /// An object in S3, in the region of the call, up to 15 MB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub s3_object: Option<S3Object>,
}

/// Shows the number of bytes instead of their content, which must not be logged.
impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self
            .bytes
            .as_ref()
            .map(|bytes| format!("{} bytes", bytes.len()));
        f.debug_struct("Image")
            .field("bytes", &bytes)
            .field("s3_object", &self.s3_object)
            .finish()
    }
}

/// The address of an object in S3.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct S3Object {
    /// The bucket: 3 to 255 letters, digits, `.`, `-` and `_`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bucket: Option<String>,
    /// The object key, 1 to 1,024 characters, not URL-encoded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The version of the object, 1 to 1,024 characters; the default is the latest.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

open_enum! {
    /// An estimate of the image's rotation. Rekognition has not sent it since 2021 (it is `null` or absent) and applies the Exif
    /// orientation instead.
    OrientationCorrection {
        /// Upright.
        Rotate0 = "ROTATE_0",
        /// Rotated by 90 degrees.
        Rotate90 = "ROTATE_90",
        /// Upside down.
        Rotate180 = "ROTATE_180",
        /// Rotated by 270 degrees.
        Rotate270 = "ROTATE_270",
    }
}

/// Base64 in JSON, bytes in Rust: the standard alphabet with padding, as AWS uses it.
mod base64_bytes {
    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(
        value: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(bytes) => serializer.serialize_str(&STANDARD.encode(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| {
                STANDARD.decode(text).map_err(|error| {
                    D::Error::custom(format_args!("Bytes is not valid base64: {error}"))
                })
            })
            .transpose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_base64_in_json() {
        let image: Image = serde_json::from_str(r#"{"Bytes":"/9j/4A=="}"#).unwrap();
        assert_eq!(image.bytes.as_deref(), Some(&[0xff, 0xd8, 0xff, 0xe0][..]));
        assert_eq!(
            serde_json::to_string(&image).unwrap(),
            r#"{"Bytes":"/9j/4A=="}"#
        );
    }

    #[test]
    fn absent_and_null_members_are_none() {
        for text in ["{}", r#"{"Bytes":null,"S3Object":null}"#] {
            let image: Image = serde_json::from_str(text).unwrap();
            assert_eq!(image, Image::default());
        }
        assert_eq!(serde_json::to_string(&Image::default()).unwrap(), "{}");
    }

    #[test]
    fn invalid_base64_is_rejected_with_the_member_name() {
        let error = serde_json::from_str::<Image>(r#"{"Bytes":"data:image/png"}"#).unwrap_err();
        assert!(
            error.to_string().starts_with("Bytes is not valid base64: "),
            "{error}"
        );
    }

    #[test]
    fn debug_output_has_no_image_bytes() {
        let image = Image {
            bytes: Some(vec![200; 3]),
            s3_object: None,
        };
        assert_eq!(
            format!("{image:?}"),
            "Image { bytes: Some(\"3 bytes\"), s3_object: None }"
        );
    }
}
