//! Lists the versions of objects.

use super::{
    backend::Backend,
    convert::{checksum_algorithm, checksum_type, etag, owner, size, timestamp, version},
    list::{Encoding, page_size},
};
use crate::store::{VersionEntry, VersionQuery};
use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        CommonPrefix, DeleteMarkerEntry, ListObjectVersionsInput, ListObjectVersionsOutput,
        ObjectVersion, ObjectVersionStorageClass,
    },
    s3_error,
};

pub(super) async fn list_object_versions(
    backend: &Backend,
    req: S3Request<ListObjectVersionsInput>,
) -> S3Result<S3Response<ListObjectVersionsOutput>> {
    let input = req.input;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max = page_size(input.max_keys, "max-keys")?;
    let key_marker = input.key_marker.filter(|marker| !marker.is_empty());
    let version_marker = version(input.version_id_marker.as_deref())?;
    if version_marker.is_some() && key_marker.is_none() {
        return Err(s3_error!(
            InvalidArgument,
            "A version-id marker cannot be specified without a key marker."
        ));
    }
    let query = VersionQuery {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: key_marker.clone(),
        after_version: version_marker.map(str::to_owned),
        max: usize::try_from(max).unwrap_or_default(),
    };
    let listing = backend.store.list_versions(query).await?;
    let next = match listing.entries.last().filter(|_| listing.truncated) {
        Some(VersionEntry::Version { key, version, .. }) => {
            (Some(encoding.text(key)), Some(version.clone()))
        }
        Some(VersionEntry::Prefix(prefix)) => (Some(encoding.text(prefix)), None),
        None => (None, None),
    };
    let mut output = ListObjectVersionsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.text(input.prefix.as_deref().unwrap_or_default())),
        key_marker: Some(encoding.text(key_marker.as_deref().unwrap_or_default())),
        version_id_marker: Some(input.version_id_marker.unwrap_or_default()),
        next_key_marker: next.0,
        next_version_id_marker: next.1,
        max_keys: Some(max),
        is_truncated: Some(listing.truncated),
        delimiter: input.delimiter.map(|delimiter| encoding.text(&delimiter)),
        encoding_type: input.encoding_type,
        ..ListObjectVersionsOutput::default()
    };
    let (mut versions, mut markers, mut prefixes) = (Vec::new(), Vec::new(), Vec::new());
    for entry in listing.entries {
        let VersionEntry::Version {
            key,
            version,
            is_latest,
            last_modified,
            content,
        } = entry
        else {
            if let VersionEntry::Prefix(prefix) = entry {
                prefixes.push(CommonPrefix {
                    prefix: Some(encoding.text(&prefix)),
                });
            }
            continue;
        };
        let key = Some(encoding.text(&key));
        let Some(content) = content else {
            markers.push(DeleteMarkerEntry {
                is_latest: Some(is_latest),
                key,
                last_modified: Some(timestamp(last_modified)),
                owner: Some(owner()),
                version_id: Some(version),
            });
            continue;
        };
        let checksum = content.checksum;
        versions.push(ObjectVersion {
            checksum_algorithm: checksum
                .as_ref()
                .map(|checksum| vec![checksum_algorithm(checksum.algorithm)]),
            checksum_type: checksum.map(|checksum| checksum_type(checksum.coverage)),
            e_tag: Some(etag(&content.etag)),
            is_latest: Some(is_latest),
            key,
            last_modified: Some(timestamp(last_modified)),
            owner: Some(owner()),
            restore_status: None,
            size: Some(size(content.size)),
            storage_class: Some(content.storage_class.map_or(
                ObjectVersionStorageClass::from_static(ObjectVersionStorageClass::STANDARD),
                ObjectVersionStorageClass::from,
            )),
            version_id: Some(version),
        });
    }
    output.versions = Some(versions);
    output.delete_markers = Some(markers);
    output.common_prefixes = Some(prefixes);
    Ok(S3Response::new(output))
}
