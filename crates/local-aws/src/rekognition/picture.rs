//! The picture of a request: where its bytes come from, and what is said of those that cannot be used.

use super::{answer::refuse, internal};
use crate::store::{ReadError, Store};
use rekognition_model::{ErrorBody, ErrorCode, Image, S3Object};
use sightline_vision::{MAX_SIDE, VisionError};

/// The largest object, in bytes: 15 MB (Amazon Rekognition Developer Guide, "Guidelines and quotas").
const MAX_OBJECT: u64 = 15 * 1024 * 1024;
/// The version of an object in a bucket that keeps no versions (Amazon S3 User Guide, "How S3 Versioning works").
const NO_VERSION: &str = "null";
/// Rekognition's answer to an object that it cannot get, whatever the reason (Amazon Rekognition Developer Guide,
/// "Error handling").
const NO_OBJECT: &str =
    "Unable to get object metadata from S3. Check object key, region and/or access permissions.";

/// The bytes of the picture, out of the request or out of the store.
pub(super) async fn fetch(store: &Store, image: Image) -> Result<Vec<u8>, ErrorBody> {
    if let Some(bytes) = image.bytes {
        return Ok(bytes);
    }
    let object = image.s3_object.unwrap_or_default();
    let (bucket, key) = address(&object)?;
    match store.read_for_recognition(bucket, key, MAX_OBJECT).await {
        Ok(object) => Ok(object.bytes),
        Err(ReadError::NoSuchBucket | ReadError::NoSuchKey) => Err(no_object()),
        Err(ReadError::TooLarge { size }) => Err(refuse(
            ErrorCode::ImageTooLarge,
            format!(
                "Image size is too large: the object has {size} bytes, and at most {MAX_OBJECT} (15 MB) are read from S3."
            ),
        )),
        Err(error @ ReadError::Store(_)) => Err(internal("the object cannot be read", &error)),
    }
}

/// Bucket and key of an object that can be there at all.
fn address(object: &S3Object) -> Result<(&str, &str), ErrorBody> {
    match (&object.bucket, &object.name, object.version.as_deref()) {
        (Some(bucket), Some(key), None | Some(NO_VERSION)) => Ok((bucket, key)),
        _ => Err(no_object()),
    }
}

fn no_object() -> ErrorBody {
    refuse(ErrorCode::InvalidS3Object, NO_OBJECT)
}

/// Rekognition's words for a picture that cannot be looked at, with the recogniser's reason behind them.
pub(super) fn refusal(error: VisionError) -> ErrorBody {
    match error {
        VisionError::InvalidImageFormat(reason) => refuse(
            ErrorCode::InvalidImageFormat,
            format!("Request has invalid image format: {reason}"),
        ),
        VisionError::ImageTooLarge { width, height } if width.max(height) > MAX_SIDE => refuse(
            ErrorCode::ImageTooLarge,
            format!(
                "Input image dimensions {width} x {height} exceed maximum dimension size of {MAX_SIDE} pixels"
            ),
        ),
        VisionError::ImageTooLarge { .. } => refuse(
            ErrorCode::ImageTooLarge,
            format!("Image size is too large: {error}"),
        ),
        VisionError::ImageTooSmall { .. } | VisionError::InvalidParameter(_) => refuse(
            ErrorCode::InvalidParameter,
            format!("Request has invalid parameters: {error}"),
        ),
        VisionError::Internal(_) => internal("the recogniser failed", &error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(bucket: Option<&str>, name: Option<&str>, version: Option<&str>) -> S3Object {
        S3Object {
            bucket: bucket.map(str::to_owned),
            name: name.map(str::to_owned),
            version: version.map(str::to_owned),
        }
    }

    #[test]
    fn the_only_version_is_null() {
        assert_eq!(
            address(&object(Some("pictures"), Some("a b.jpg"), None)),
            Ok(("pictures", "a b.jpg"))
        );
        assert_eq!(
            address(&object(Some("pictures"), Some("a"), Some("null"))),
            Ok(("pictures", "a"))
        );
        for wrong in [
            object(Some("pictures"), Some("a"), Some("3sL4kqtJlcpXroDTDmJ")),
            object(Some("pictures"), None, None),
            object(None, Some("a"), None),
        ] {
            let error = address(&wrong).unwrap_err();
            assert_eq!(error.error_code(), Some(ErrorCode::InvalidS3Object));
            assert_eq!(error.message.as_deref(), Some(NO_OBJECT));
        }
    }

    #[test]
    fn every_fault_of_a_picture_has_rekognitions_code() {
        for (error, code, message) in [
            (
                VisionError::InvalidImageFormat("it is a GIF".into()),
                ErrorCode::InvalidImageFormat,
                "Request has invalid image format: it is a GIF",
            ),
            (
                VisionError::ImageTooLarge {
                    width: 10_800,
                    height: 5_400,
                },
                ErrorCode::ImageTooLarge,
                "Input image dimensions 10800 x 5400 exceed maximum dimension size of 10000 pixels",
            ),
            (
                VisionError::ImageTooLarge {
                    width: 9_000,
                    height: 9_000,
                },
                ErrorCode::ImageTooLarge,
                "Image size is too large: ",
            ),
            (
                VisionError::ImageTooSmall {
                    width: 79,
                    height: 80,
                },
                ErrorCode::InvalidParameter,
                "Request has invalid parameters: the picture is 79 x 80 pixels",
            ),
            (
                VisionError::InvalidParameter("MaxLabels is wrong".into()),
                ErrorCode::InvalidParameter,
                "Request has invalid parameters: MaxLabels is wrong",
            ),
            (
                VisionError::Internal("secret detail".into()),
                ErrorCode::InternalServerError,
                "Internal server error: the recogniser failed.",
            ),
        ] {
            let body = refusal(error);
            assert_eq!(body.error_code(), Some(code));
            let said = body.message.unwrap();
            assert!(said.starts_with(message), "{said}");
        }
    }
}
