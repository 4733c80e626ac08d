//! The image of a request: where its bytes come from, and the errors for images that cannot be used.

use super::{pictures::Identity, response::internal};
use crate::store::{ReadError, Store};
use rekognition_model::{ErrorBody, ErrorCode, Image, S3Object};
use sightline_vision::{MAX_SIDE, VisionError};

/// The largest object, in bytes: 15 MB (Amazon Rekognition Developer Guide, "Guidelines and quotas").
const MAX_OBJECT: u64 = 15 * 1024 * 1024;
/// Rekognition's message for an object that it cannot read, for any reason (Amazon Rekognition Developer Guide, "Error
/// handling").
const NO_OBJECT: &str =
    "Unable to get object metadata from S3. Check object key, region and/or access permissions.";

/// An image file.
pub(super) struct File {
    bytes: Vec<u8>,
    /// `None` for bytes in the request.
    id: Option<String>,
}

impl File {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What makes it the same file in another call. Takes a few milliseconds for bytes in the request.
    pub(super) fn identity(&self) -> Identity {
        match &self.id {
            Some(id) => Identity::Stored(id.clone()),
            None => Identity::of_bytes(&self.bytes),
        }
    }
}

/// The image file, from the request or from the store.
pub(super) async fn fetch(store: &Store, image: Image) -> Result<File, ErrorBody> {
    if let Some(bytes) = image.bytes {
        return Ok(File { bytes, id: None });
    }
    let object = image.s3_object.unwrap_or_default();
    let (bucket, key) = address(&object)?;
    let version = object.version.as_deref();
    match store.read_object(bucket, key, version, MAX_OBJECT).await {
        Ok((id, bytes)) => Ok(File {
            bytes,
            id: Some(id),
        }),
        Err(ReadError::NoSuchBucket | ReadError::NoSuchKey) => Err(no_object()),
        Err(ReadError::TooLarge { size }) => Err(ErrorBody::new(
            ErrorCode::ImageTooLarge,
            format!(
                "Image size is too large: the object has {size} bytes; the limit for S3 objects is {MAX_OBJECT} bytes (15 MB)."
            ),
        )),
        Err(error @ ReadError::Store(_)) => Err(internal("the object cannot be read", &error)),
    }
}

/// Bucket and key of an object.
fn address(object: &S3Object) -> Result<(&str, &str), ErrorBody> {
    match (&object.bucket, &object.name) {
        (Some(bucket), Some(key)) => Ok((bucket, key)),
        _ => Err(no_object()),
    }
}

fn no_object() -> ErrorBody {
    ErrorBody::new(ErrorCode::InvalidS3Object, NO_OBJECT)
}

/// Rekognition's error for an image that cannot be analysed, followed by the recogniser's reason.
pub(super) fn error_body(error: VisionError) -> ErrorBody {
    match error {
        VisionError::InvalidImageFormat(reason) => ErrorBody::new(
            ErrorCode::InvalidImageFormat,
            format!("Request has invalid image format: {reason}"),
        ),
        VisionError::ImageTooLarge { width, height } if width.max(height) > MAX_SIDE => {
            ErrorBody::new(
                ErrorCode::ImageTooLarge,
                format!(
                    "Input image dimensions {width} x {height} exceed maximum dimension size of {MAX_SIDE} pixels"
                ),
            )
        }
        VisionError::ImageTooLarge { .. } => ErrorBody::new(
            ErrorCode::ImageTooLarge,
            format!("Image size is too large: {error}"),
        ),
        VisionError::ImageTooSmall { .. } | VisionError::InvalidParameter(_) => ErrorBody::new(
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
    fn an_object_has_a_bucket_and_a_key() {
        assert_eq!(
            address(&object(Some("pictures"), Some("a b.jpg"), None)),
            Ok(("pictures", "a b.jpg"))
        );
        for wrong in [
            object(Some("pictures"), None, None),
            object(None, Some("a"), None),
        ] {
            let error = address(&wrong).unwrap_err();
            assert_eq!(error.error_code(), Some(ErrorCode::InvalidS3Object));
            assert_eq!(error.message.as_deref(), Some(NO_OBJECT));
        }
    }

    #[test]
    fn every_image_error_has_rekognitions_code() {
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
            let body = error_body(error);
            assert_eq!(body.error_code(), Some(code));
            let found = body.message.unwrap();
            assert!(found.starts_with(message), "{found}");
        }
    }
}
