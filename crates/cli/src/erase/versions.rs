//! Older versions, in buckets that keep them.

use aws_config::SdkConfig;
use aws_sdk_s3::{
    Client, operation::list_object_versions::ListObjectVersionsOutput, types::EncodingType,
};
use sightline_aws::{listed_key, read_error, s3_config};
use sightline_pipeline::{Owner, Service, ServiceError, config::Buckets};

/// The older versions of an owner's objects, in both buckets.
pub(super) struct OlderVersions {
    client: Client,
    /// Bucket and prefix.
    places: Vec<(String, String)>,
}

/// A part of the list of versions.
#[derive(Debug, Default)]
struct Listed {
    /// Key and version id of the versions that are not current.
    versions: Vec<(String, String)>,
    /// Those of delete markers.
    markers: Vec<(String, String)>,
    /// Where the next part begins.
    next: Option<(Option<String>, Option<String>)>,
}

impl OlderVersions {
    pub(super) fn new(sdk: &SdkConfig, buckets: &Buckets, owner: &Owner) -> Self {
        let input = owner.image_prefixes().into_iter();
        let output = owner.derived_prefixes().into_iter();
        Self {
            client: Client::from_conf(s3_config(sdk).build()),
            places: input
                .map(|prefix| (buckets.input.clone(), prefix))
                .chain(output.map(|prefix| (buckets.output.clone(), prefix)))
                .collect(),
        }
    }

    /// The number of versions that are not current.
    ///
    /// # Errors
    /// [`ServiceError`] if a bucket cannot be listed.
    pub(super) async fn count(&self) -> Result<usize, ServiceError> {
        let mut count = 0;
        for (bucket, prefix) in &self.places {
            let mut next = None;
            loop {
                let listed = self.list(bucket, prefix, next).await?;
                count += listed.versions.len();
                next = listed.next;
                if next.is_none() {
                    break;
                }
            }
        }
        Ok(count)
    }

    /// Deletes the versions that are not current, and then the delete markers: without its marker, the version before it would
    /// be current again. Returns the number of versions.
    ///
    /// # Errors
    /// [`ServiceError`] if a bucket fails. The next call deletes the rest.
    pub(super) async fn delete(&self) -> Result<usize, ServiceError> {
        let mut deleted = 0;
        for (bucket, prefix) in &self.places {
            for of_markers in [false, true] {
                let mut next = None;
                loop {
                    let listed = self.list(bucket, prefix, next).await?;
                    let chosen = if of_markers {
                        listed.markers
                    } else {
                        deleted += listed.versions.len();
                        listed.versions
                    };
                    for (key, version) in chosen {
                        self.delete_version(bucket, &key, version).await?;
                    }
                    next = listed.next;
                    if next.is_none() {
                        break;
                    }
                }
            }
        }
        Ok(deleted)
    }

    async fn delete_version(
        &self,
        bucket: &str,
        key: &str,
        version: String,
    ) -> Result<(), ServiceError> {
        self.client
            .delete_object()
            .bucket(bucket)
            .key(key)
            .version_id(version)
            .send()
            .await
            .map(|_| ())
            .map_err(|error| read_error(Service::S3, "DeleteObject", &error).on(bucket))
    }

    async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<(Option<String>, Option<String>)>,
    ) -> Result<Listed, ServiceError> {
        const OPERATION: &str = "ListObjectVersions";
        let (key_marker, version_marker) = after.unwrap_or_default();
        let answer = self
            .client
            .list_object_versions()
            .bucket(bucket)
            .prefix(prefix)
            // Keys may contain characters that XML does not allow.
            .encoding_type(EncodingType::Url)
            .set_key_marker(key_marker)
            .set_version_id_marker(version_marker)
            .send()
            .await;
        match answer {
            Ok(output) => Ok(read(&output)),
            Err(error) => {
                let error = read_error(Service::S3, OPERATION, &error).on(bucket);
                // A service without this operation keeps no versions.
                if error.code == "NotImplemented" {
                    return Ok(Listed::default());
                }
                Err(error)
            }
        }
    }
}

fn read(output: &ListObjectVersionsOutput) -> Listed {
    let encoding = output.encoding_type();
    let named = |key: Option<&str>, version: Option<&str>| {
        Some((listed_key(encoding, key?)?, version?.to_owned()))
    };
    let decoded = |key: Option<&str>| key.and_then(|key| listed_key(encoding, key));
    Listed {
        versions: (output.versions().iter())
            .filter(|version| !version.is_latest().unwrap_or_default())
            .filter_map(|version| named(version.key(), version.version_id()))
            .collect(),
        markers: (output.delete_markers().iter())
            .filter_map(|marker| named(marker.key(), marker.version_id()))
            .collect(),
        next: (output.is_truncated().unwrap_or_default()).then(|| {
            (
                decoded(output.next_key_marker()),
                output.next_version_id_marker().map(str::to_owned),
            )
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_s3::types::{DeleteMarkerEntry, ObjectVersion};

    #[test]
    fn current_versions_are_left_to_the_deletion_of_pictures() {
        let version = |key: &str, id: &str, latest| {
            ObjectVersion::builder()
                .key(key)
                .version_id(id)
                .is_latest(latest)
                .build()
        };
        let marker = DeleteMarkerEntry::builder()
            .key("uploads/ann/b+c.jpg")
            .version_id("m1");
        let output = ListObjectVersionsOutput::builder()
            .encoding_type(EncodingType::Url)
            .versions(version("uploads/ann/a.jpg", "v2", true))
            .versions(version("uploads/ann/a.jpg", "v1", false))
            .versions(version("uploads/ann/b+c.jpg", "null", false))
            .delete_markers(marker.is_latest(true).build())
            .is_truncated(true)
            .next_key_marker("uploads/ann/%C3%B6.jpg")
            .next_version_id_marker("v0")
            .build();
        let listed = read(&output);
        let pair = |key: &str, id: &str| (key.to_owned(), id.to_owned());
        assert_eq!(
            listed.versions,
            [
                pair("uploads/ann/a.jpg", "v1"),
                pair("uploads/ann/b c.jpg", "null")
            ]
        );
        assert_eq!(listed.markers, [pair("uploads/ann/b c.jpg", "m1")]);
        let next = (Some("uploads/ann/ö.jpg".to_owned()), Some("v0".to_owned()));
        assert_eq!(listed.next, Some(next));
    }
}
