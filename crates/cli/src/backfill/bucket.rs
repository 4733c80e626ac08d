//! The pictures in the bucket.

use std::{fmt, str::FromStr};

use anyhow::Context as _;
use aws_config::SdkConfig;
use aws_sdk_s3::{operation::list_objects_v2::ListObjectsV2Output, types::EncodingType};
use sightline_aws::{listed_key, read_error};
use sightline_pipeline::{Service, SourceKey, keys::UPLOAD_PREFIX};

use crate::{aws, value_parsers::split_s3_url};

/// A part of a bucket, under `uploads/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BucketPrefix {
    pub(super) bucket: String,
    prefix: String,
}

impl FromStr for BucketPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (bucket, prefix) =
            split_s3_url(text).ok_or("expected s3://bucket/uploads/ or a prefix below it")?;
        // The whole bucket stands for the part that is analysed.
        let prefix = if prefix.is_empty() {
            UPLOAD_PREFIX
        } else {
            prefix
        };
        if !prefix.starts_with(UPLOAD_PREFIX) {
            return Err(format!(
                "only keys under {UPLOAD_PREFIX} are analysed; copy the pictures there: \
                 aws s3 cp --recursive s3://{bucket}/{prefix} s3://{bucket}/{UPLOAD_PREFIX}{prefix}"
            ));
        }
        Ok(Self {
            bucket: bucket.to_owned(),
            prefix: prefix.to_owned(),
        })
    }
}

impl fmt::Display for BucketPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.prefix)
    }
}

/// A listed picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ListedPicture {
    pub(super) key: SourceKey,
    /// In bytes.
    pub(super) size: u64,
    pub(super) e_tag: String,
}

/// The number and total size of pictures.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) pictures: u64,
    pub(super) bytes: u64,
}

/// A page of the list.
pub(super) struct Page {
    pub(super) pictures: Vec<ListedPicture>,
    /// The last listed key, after which the next page begins; `None` on the last page.
    pub(super) next_after: Option<String>,
}

/// Lists a part of a bucket.
pub(super) struct BucketLister {
    client: aws_sdk_s3::Client,
    location: BucketPrefix,
}

impl BucketLister {
    pub(super) fn new(sdk: &SdkConfig, location: BucketPrefix) -> Self {
        Self {
            client: aws_sdk_s3::Client::from_conf(sightline_aws::s3_config(sdk).build()),
            location,
        }
    }

    /// The page after this key. Continues by key and not by token, because a token may expire while the pictures of its
    /// page are queued.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub(super) async fn page(&self, after: Option<&str>) -> anyhow::Result<Page> {
        let output = self.list(after, None).await?;
        let next_after = if output.is_truncated().unwrap_or_default() {
            let last = last_key(&output).with_context(|| {
                format!("cannot read the last key of a list of {}", self.location)
            })?;
            Some(last)
        } else {
            None
        };
        Ok(Page {
            pictures: pictures(&output),
            next_after,
        })
    }

    /// Counts the pictures after this key.
    ///
    /// # Errors
    /// When the bucket cannot be listed.
    pub(super) async fn count(&self, after: Option<&str>) -> anyhow::Result<Count> {
        let mut count = Count::default();
        let mut token = None;
        loop {
            let output = self.list(after, token).await?;
            for picture in pictures(&output) {
                count.pictures += 1;
                count.bytes += picture.size;
            }
            token = output.next_continuation_token().map(str::to_owned);
            if token.is_none() {
                return Ok(count);
            }
        }
    }

    async fn list(
        &self,
        after: Option<&str>,
        token: Option<String>,
    ) -> anyhow::Result<ListObjectsV2Output> {
        self.client
            .list_objects_v2()
            .bucket(&self.location.bucket)
            .prefix(&self.location.prefix)
            // Keys may contain characters that XML cannot.
            .encoding_type(EncodingType::Url)
            .set_start_after(after.map(str::to_owned))
            .set_continuation_token(token)
            .send()
            .await
            .map_err(|error| {
                aws::command_error(
                    format!("cannot list {}", self.location),
                    &read_error(Service::S3, "ListObjectsV2", &error),
                )
            })
    }
}

fn last_key(output: &ListObjectsV2Output) -> Option<String> {
    listed_key(output.encoding_type(), output.contents().last()?.key()?)
}

/// The objects that the processor analyses, whatever their names. One that is not a picture gets a result that says so,
/// as after an upload.
fn pictures(output: &ListObjectsV2Output) -> Vec<ListedPicture> {
    output
        .contents()
        .iter()
        .filter_map(|object| {
            Some(ListedPicture {
                key: SourceKey::new(listed_key(output.encoding_type(), object.key()?)?)
                    .ok()
                    .filter(SourceKey::is_upload)?,
                size: u64::try_from(object.size()?).ok()?,
                e_tag: object.e_tag()?.trim_matches('"').to_owned(),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_under_uploads() {
        let location = |text: &str| {
            text.parse::<BucketPrefix>()
                .map(|location| location.to_string())
        };
        assert_eq!(location("s3://b"), Ok("s3://b/uploads/".to_owned()));
        assert_eq!(location("s3://b/"), Ok("s3://b/uploads/".to_owned()));
        assert_eq!(
            location("s3://b/uploads/2024/a"),
            Ok("s3://b/uploads/2024/a".to_owned())
        );
        let error = location("s3://b/old/").unwrap_err();
        assert!(error.contains("aws s3 cp --recursive"), "{error}");
        for wrong in ["b/uploads/", "s3://", "s3:///uploads/"] {
            assert!(location(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn folders_and_keys_outside_uploads_are_skipped() {
        use aws_sdk_s3::types::Object;
        let object = |key: &str| Object::builder().key(key).size(3).e_tag("\"e\"").build();
        let output = ListObjectsV2Output::builder()
            .contents(object("uploads/"))
            .contents(object("uploads/2024/"))
            .contents(object("uploads/a b.jpg"))
            .contents(object("elsewhere/a.jpg"))
            .build();
        let found: Vec<_> = pictures(&output)
            .into_iter()
            .map(|picture| (picture.key.to_string(), picture.size, picture.e_tag))
            .collect();
        assert_eq!(found, [("uploads/a b.jpg".to_owned(), 3, "e".to_owned())]);
        assert_eq!(last_key(&output).as_deref(), Some("elsewhere/a.jpg"));
    }

    #[test]
    fn the_next_page_begins_after_the_decoded_key() {
        let output = ListObjectsV2Output::builder()
            .encoding_type(EncodingType::Url)
            .contents(
                aws_sdk_s3::types::Object::builder()
                    .key("uploads/%C3%B6+1.jpg")
                    .build(),
            )
            .build();
        assert_eq!(last_key(&output).as_deref(), Some("uploads/ö 1.jpg"));
    }
}
