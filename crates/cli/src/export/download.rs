//! Writes objects to files.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::SystemTime,
};

use anyhow::Context as _;
use aws_config::SdkConfig;
use sightline_aws::{read_error, s3_config};
use sightline_pipeline::Service;
use tokio::io::AsyncWriteExt as _;

use crate::aws;

/// Reads objects of any size.
pub(super) struct Downloader(aws_sdk_s3::Client);

impl Downloader {
    pub(super) fn new(sdk: &SdkConfig) -> Self {
        Self(aws_sdk_s3::Client::from_conf(s3_config(sdk).build()))
    }

    /// Writes an object to a file, unless an earlier run wrote it. Returns whether the object exists. The file appears when it is
    /// complete.
    ///
    /// # Errors
    /// When the object cannot be read or the file cannot be written.
    pub(super) async fn get(&self, bucket: &str, key: &str, file: &Path) -> anyhow::Result<bool> {
        let answer = self.0.get_object().bucket(bucket).key(key).send().await;
        let object = match answer {
            Ok(object) => object,
            Err(error)
                if error
                    .as_service_error()
                    .is_some_and(|error| error.is_no_such_key()) =>
            {
                return Ok(false);
            }
            Err(error) => {
                let error = read_error(Service::S3, "GetObject", &error);
                return Err(aws::command_error(
                    format!("cannot read s3://{bucket}/{key}"),
                    &error,
                ));
            }
        };
        let size = u64::try_from(object.content_length().unwrap_or_default()).unwrap_or_default();
        let stored = object
            .last_modified()
            .and_then(|time| SystemTime::try_from(*time).ok());
        if is_written(file, size, stored).await {
            return Ok(true);
        }
        let part = part_of(file);
        let mut body = object.body;
        let written = async {
            if let Some(folder) = file.parent() {
                tokio::fs::create_dir_all(folder).await?;
            }
            let mut out = tokio::fs::File::create(&part).await?;
            while let Some(bytes) = body.next().await {
                out.write_all(&bytes?).await?;
            }
            out.sync_all().await?;
            tokio::fs::rename(&part, file).await?;
            anyhow::Ok(())
        };
        written
            .await
            .with_context(|| format!("cannot write s3://{bucket}/{key} to {}", file.display()))?;
        Ok(true)
    }
}

/// Whether an earlier run wrote the object of this size that was stored at this time.
async fn is_written(file: &Path, size: u64, stored: Option<SystemTime>) -> bool {
    let Ok(metadata) = tokio::fs::metadata(file).await else {
        return false;
    };
    metadata.len() == size
        && stored
            .zip(metadata.modified().ok())
            .is_some_and(|(stored, written)| written > stored)
}

fn part_of(file: &Path) -> PathBuf {
    let mut part = OsString::from(file);
    part.push(".part");
    PathBuf::from(part)
}
