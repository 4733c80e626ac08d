//! The picture to analyse: a file, or an object in S3.

use std::{fmt, path::PathBuf, str::FromStr};

use anyhow::{Context as _, anyhow};
use sightline_pipeline::{
    ServiceError,
    object_store::{Get, GetOutcome, ObjectStore},
    prepare::size::over_limit,
    recogniser::ImageSource,
    recognition::MAX_FILE_BYTES,
};

use crate::{aws, special_file::special, value_parsers::split_s3_url};

/// The location of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum PictureLocation {
    File(PathBuf),
    Object { bucket: String, key: String },
}

/// A picture's bytes.
pub(super) struct Picture {
    pub(super) bytes: Vec<u8>,
    /// The object, if Rekognition can read it by itself.
    pub(super) object: Option<ImageSource>,
}

impl FromStr for PictureLocation {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if !text.starts_with("s3://") {
            return Ok(Self::File(text.into()));
        }
        match split_s3_url(text) {
            Some((bucket, key)) if !key.is_empty() => Ok(Self::Object {
                bucket: bucket.to_owned(),
                key: key.to_owned(),
            }),
            _ => Err("expected s3://bucket/key".to_owned()),
        }
    }
}

impl fmt::Display for PictureLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(file) => file.display().fmt(f),
            Self::Object { bucket, key } => write!(f, "s3://{bucket}/{key}"),
        }
    }
}

impl PictureLocation {
    /// Reads the picture.
    ///
    /// # Errors
    /// When it does not exist, is too large or cannot be read.
    pub(super) async fn read(&self, store: &impl ObjectStore) -> anyhow::Result<Picture> {
        match self {
            Self::File(file) => {
                let context = || format!("cannot read {self}");
                let metadata = tokio::fs::metadata(file).await.with_context(context)?;
                if let Some(reason) = special(metadata.file_type()) {
                    return Err(anyhow!("cannot read {self}: {reason}"));
                }
                self.check_size(metadata.len())?;
                Ok(Picture {
                    bytes: tokio::fs::read(file).await.with_context(context)?,
                    object: None,
                })
            }
            Self::Object { bucket, key } => self.read_object(store, bucket, key).await,
        }
    }

    async fn read_object(
        &self,
        store: &impl ObjectStore,
        bucket: &str,
        key: &str,
    ) -> anyhow::Result<Picture> {
        let failed =
            |error: ServiceError| aws::command_error(format!("cannot read {self}"), &error);
        let missing = || anyhow!("{self} does not exist");
        let get = Get::whole(bucket, key);
        let Some(info) = store.head(bucket, key).await.map_err(failed)? else {
            // S3 answers HEAD without a body, so a missing bucket looks like a missing key. GET tells them apart.
            let first_byte = Get {
                first_bytes: Some(1),
                ..get
            };
            store.get(first_byte).await.map_err(failed)?;
            return Err(missing());
        };
        self.check_size(info.size)?;
        let get = Get {
            version_id: info.version_id.as_deref(),
            ..get
        };
        match store.get(get).await.map_err(failed)? {
            GetOutcome::Found(_, bytes) => Ok(Picture {
                bytes,
                object: Some(ImageSource::Object {
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                    version_id: info.version_id,
                }),
            }),
            GetOutcome::Missing | GetOutcome::Changed => Err(missing()),
        }
    }

    fn check_size(&self, size: u64) -> anyhow::Result<()> {
        if size <= MAX_FILE_BYTES {
            return Ok(());
        }
        Err(anyhow!(
            "{self} is too large: {}",
            over_limit(size, MAX_FILE_BYTES)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_over_the_limit_is_an_error_with_both_sizes() {
        let location = PictureLocation::File("big.jpg".into());
        location.check_size(MAX_FILE_BYTES).unwrap();
        assert_eq!(
            location
                .check_size(MAX_FILE_BYTES + 1024 * 1024)
                .unwrap_err()
                .to_string(),
            "big.jpg is too large: 101 MiB; the limit is 100 MiB"
        );
    }

    #[test]
    fn a_location_is_a_file_or_an_object() {
        assert_eq!(
            "a/b.jpg".parse(),
            Ok(PictureLocation::File("a/b.jpg".into()))
        );
        assert_eq!(
            "s3://bucket/uploads/a b.jpg".parse(),
            Ok(PictureLocation::Object {
                bucket: "bucket".to_owned(),
                key: "uploads/a b.jpg".to_owned()
            })
        );
        for wrong in ["s3://", "s3://bucket", "s3://bucket/", "s3:///key"] {
            assert!(wrong.parse::<PictureLocation>().is_err(), "{wrong}");
        }
    }
}
