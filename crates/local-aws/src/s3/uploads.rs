//! Lists uploads in progress and their parts.

use super::{
    backend::Backend,
    convert::{checksum_algorithm, checksum_type, etag, fill_checksum, owner, size, timestamp},
    list::{Encoding, page_size},
};
use crate::store::{Upload, common_prefix};
use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        CommonPrefix, Initiator, ListMultipartUploadsInput, ListMultipartUploadsOutput,
        ListPartsInput, ListPartsOutput, MultipartUpload, Part, StorageClass,
    },
};

fn initiator() -> Initiator {
    Initiator {
        display_name: None,
        id: owner().id,
    }
}

fn storage_class(class: Option<String>) -> StorageClass {
    class.map_or(
        StorageClass::from_static(StorageClass::STANDARD),
        StorageClass::from,
    )
}

pub(super) async fn list_parts(
    backend: &Backend,
    req: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = req.input;
    let max = page_size(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or(0);
    let (upload, parts) = backend
        .store
        .parts(&input.bucket, &input.key, &input.upload_id)
        .await?;
    let requested = upload.checksum.requested;
    let mut rest = parts
        .into_iter()
        .filter(|part| i32::from(part.number) > marker);
    let parts: Vec<Part> = rest
        .by_ref()
        .take(usize::try_from(max).unwrap_or_default())
        .map(|stored| {
            let mut part = Part {
                e_tag: Some(etag(&stored.etag)),
                last_modified: Some(timestamp(stored.last_modified)),
                part_number: Some(i32::from(stored.number)),
                size: Some(size(stored.size)),
                ..Part::default()
            };
            fill_checksum!(part, requested.then_some(&stored.checksum));
            part
        })
        .collect();
    let output = ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        checksum_algorithm: requested.then(|| checksum_algorithm(upload.checksum.algorithm)),
        checksum_type: requested.then(|| checksum_type(upload.checksum.coverage)),
        initiator: Some(initiator()),
        owner: Some(owner()),
        is_truncated: Some(rest.next().is_some()),
        max_parts: Some(max),
        next_part_number_marker: parts.last().and_then(|part| part.part_number),
        part_number_marker: Some(marker),
        parts: Some(parts),
        storage_class: Some(storage_class(upload.attributes.storage_class)),
        ..ListPartsOutput::default()
    };
    Ok(S3Response::new(output))
}

pub(super) async fn list_uploads(
    backend: &Backend,
    req: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let input = req.input;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max = page_size(input.max_uploads, "max-uploads")?;
    let prefix = input.prefix.unwrap_or_default();
    let key_marker = input.key_marker.unwrap_or_default();
    let uploads = backend.store.uploads(&input.bucket, &prefix).await?;
    let rest = after(uploads, &key_marker, input.upload_id_marker.as_deref());
    let delimiter = input
        .delimiter
        .as_deref()
        .filter(|delimiter| !delimiter.is_empty());
    let roll_up = |key: &str| common_prefix(key, &prefix, delimiter);
    let page = Page::of(
        rest,
        usize::try_from(max).unwrap_or_default(),
        &key_marker,
        roll_up,
    );
    let (next_key, next_id) = page.next.unzip();
    let line = |upload: Upload| MultipartUpload {
        checksum_algorithm: upload
            .checksum
            .requested
            .then(|| checksum_algorithm(upload.checksum.algorithm)),
        checksum_type: upload
            .checksum
            .requested
            .then(|| checksum_type(upload.checksum.coverage)),
        initiated: Some(timestamp(upload.initiated_at)),
        initiator: Some(initiator()),
        key: Some(encoding.text(&upload.key)),
        owner: Some(owner()),
        storage_class: Some(storage_class(upload.attributes.storage_class)),
        upload_id: Some(upload.id),
    };
    let common_prefix = |prefix: &String| CommonPrefix {
        prefix: Some(encoding.text(prefix)),
    };
    let output = ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        common_prefixes: Some(page.prefixes.iter().map(common_prefix).collect()),
        delimiter: input.delimiter.map(|delimiter| encoding.text(&delimiter)),
        encoding_type: input.encoding_type,
        is_truncated: Some(next_key.is_some()),
        key_marker: Some(encoding.text(&key_marker)),
        max_uploads: Some(max),
        next_key_marker: next_key.map(|key: String| encoding.text(&key)),
        next_upload_id_marker: next_id,
        prefix: Some(encoding.text(&prefix)),
        request_charged: None,
        upload_id_marker: input.upload_id_marker,
        uploads: Some(page.uploads.into_iter().map(line).collect()),
    };
    Ok(S3Response::new(output))
}

/// The uploads after the markers: those with larger keys, and those with the marker's key after the identifier.
fn after(mut uploads: Vec<Upload>, key_marker: &str, id_marker: Option<&str>) -> Vec<Upload> {
    let at = |id| {
        uploads
            .iter()
            .position(|upload| upload.key == key_marker && upload.id == id)
    };
    let skipped = match id_marker.and_then(at) {
        Some(index) => index + 1,
        None => uploads.partition_point(|upload| upload.key.as_str() <= key_marker),
    };
    uploads.split_off(skipped.min(uploads.len()))
}

#[derive(Default)]
struct Page {
    uploads: Vec<Upload>,
    prefixes: Vec<String>,
    /// The markers of the next page, if there is one.
    next: Option<(String, String)>,
}

impl Page {
    /// Takes uploads and rolled-up prefixes up to `limit`. Skips prefixes up to the marker, which were listed before.
    fn of(
        uploads: Vec<Upload>,
        limit: usize,
        marker: &str,
        roll_up: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut page = Self::default();
        let mut last = None;
        for upload in uploads {
            let prefix = roll_up(&upload.key);
            let listed = prefix.as_ref().is_some_and(|prefix| {
                prefix.as_str() <= marker || page.prefixes.last() == Some(prefix)
            });
            if listed {
                continue;
            }
            if page.uploads.len() + page.prefixes.len() == limit {
                page.next = last;
                break;
            }
            match prefix {
                Some(prefix) => {
                    last = Some((prefix.clone(), String::new()));
                    page.prefixes.push(prefix);
                }
                None => {
                    last = Some((upload.key.clone(), upload.id.clone()));
                    page.uploads.push(upload);
                }
            }
        }
        page
    }
}
