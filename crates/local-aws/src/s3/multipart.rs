//! Uploads in parts.

use super::{
    body::Expected,
    call::CallContext,
    conditions::{ReadConditions, write_condition},
    convert::{
        attributes, checksum_algorithm, checksum_type, compare_checksum, etag, fill_checksum,
        given_checksum, owner, size, timestamp,
    },
    list::{Encoding, page_size},
    objects::{copy_source, hex},
    service::Api,
};
use crate::{
    checksum::{Algorithm, Checksum, Coverage},
    store::{Completion, NewPart, Part, UploadChecksum, common_prefix},
};
use s3s::{
    S3Request, S3Response, S3Result,
    crypto::{Checksum as _, Md5},
    dto::{
        self, AbortMultipartUploadInput, AbortMultipartUploadOutput, CommonPrefix,
        CompleteMultipartUploadInput, CompleteMultipartUploadOutput, CompletedPart, CopyPartResult,
        CreateMultipartUploadInput, CreateMultipartUploadOutput, Initiator,
        ListMultipartUploadsInput, ListMultipartUploadsOutput, ListPartsInput, ListPartsOutput,
        MultipartUpload, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
        UploadPartOutput,
    },
    s3_error,
};

/// The smallest part that is not the last, in bytes.
const MIN_PART: u64 = 5 << 20;

/// The highest part number.
const MAX_PARTS: u16 = 10_000;

pub(super) async fn create(
    api: &Api,
    req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let mut input = req.input;
    let checksum = upload_checksum(
        input.checksum_algorithm.as_ref(),
        input.checksum_type.as_ref(),
    )?;
    let attributes = attributes!(input)?;
    let id = api
        .store
        .create_upload(&input.bucket, &input.key, attributes, checksum)
        .await?;
    let output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        checksum_algorithm: checksum
            .asked_for
            .then(|| checksum_algorithm(checksum.algorithm)),
        checksum_type: checksum.asked_for.then(|| checksum_type(checksum.coverage)),
        ..CreateMultipartUploadOutput::default()
    };
    Ok(S3Response::new(output))
}

/// CRC-64 covers the object, and so do the other CRCs when asked to; hashes cover the parts' hashes.
fn upload_checksum(
    algorithm: Option<&dto::ChecksumAlgorithm>,
    coverage: Option<&dto::ChecksumType>,
) -> S3Result<UploadChecksum> {
    let asked_for = algorithm.is_some();
    let algorithm = match algorithm {
        None => Algorithm::Crc64Nvme,
        Some(name) => Algorithm::named(name.as_str()).ok_or_else(|| {
            s3_error!(
                InvalidRequest,
                "Checksum algorithm provided is unsupported."
            )
        })?,
    };
    let coverage = match coverage.map(dto::ChecksumType::as_str) {
        None if algorithm == Algorithm::Crc64Nvme => Coverage::FullObject,
        None => Coverage::Composite,
        Some(dto::ChecksumType::FULL_OBJECT) if algorithm.allows_full_object() => {
            Coverage::FullObject
        }
        Some(dto::ChecksumType::COMPOSITE) if algorithm != Algorithm::Crc64Nvme => {
            Coverage::Composite
        }
        Some(other) => {
            return Err(s3_error!(
                InvalidRequest,
                "The {other} checksum type cannot be used with the {} checksum algorithm.",
                algorithm.name()
            ));
        }
    };
    Ok(UploadChecksum {
        algorithm,
        coverage,
        asked_for,
    })
}

fn part_number(number: i32) -> S3Result<u16> {
    u16::try_from(number)
        .ok()
        .filter(|number| (1..=MAX_PARTS).contains(number))
        .ok_or_else(|| {
            s3_error!(
                InvalidArgument,
                "Part number must be an integer between 1 and {MAX_PARTS}, inclusive"
            )
        })
}

pub(super) async fn upload_part(
    api: &Api,
    req: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let mut input = req.input;
    let number = part_number(input.part_number)?;
    let given = given_checksum!(input)?;
    let expected = Expected::new(
        &req.headers,
        input.content_length,
        input.content_md5.as_deref(),
        given,
    )?;
    let upload = api
        .store
        .upload(&input.bucket, &input.key, &input.upload_id)
        .await?;
    let received = expected
        .receive(
            &api.store,
            input.body.take(),
            req.trailing_headers,
            Some(upload.checksum.algorithm),
        )
        .await?;
    let tag = hex(&received.blob.md5());
    let part = NewPart {
        bucket: input.bucket,
        key: input.key,
        upload: input.upload_id,
        number,
        blob: received.blob,
        etag: tag.clone(),
        checksum: received.wanted,
    };
    api.store.put_part(part).await?;
    let mut output = UploadPartOutput {
        e_tag: Some(etag(&tag)),
        ..UploadPartOutput::default()
    };
    fill_checksum!(output, Some(&received.checksum));
    Ok(S3Response::new(output))
}

pub(super) async fn upload_part_copy(
    api: &Api,
    req: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let mut input = req.input;
    let number = part_number(input.part_number)?;
    let upload = api
        .store
        .upload(&input.bucket, &input.key, &input.upload_id)
        .await?;
    let (source_bucket, source_key) = copy_source(&input.copy_source)?;
    let (source, file) = api.store.open_object(source_bucket, source_key).await?;
    let conditions = ReadConditions {
        if_match: input.copy_source_if_match.take(),
        if_none_match: input.copy_source_if_none_match.take(),
        if_modified_since: input.copy_source_if_modified_since.take(),
        if_unmodified_since: input.copy_source_if_unmodified_since.take(),
    };
    conditions.check_copy(&source)?;
    let range = match &input.copy_source_range {
        None => 0..source.size,
        Some(text) => {
            let range = dto::Range::parse(text).ok();
            let (first, last) = match range {
                Some(dto::Range::Int {
                    first,
                    last: Some(last),
                }) => (first, last),
                _ => {
                    return Err(s3_error!(
                        InvalidArgument,
                        "The x-amz-copy-source-range value must be of the form bytes=first-last where first and last \
                         are the zero-based offsets of the first and last bytes to copy"
                    ));
                }
            };
            if last >= source.size {
                return Err(s3_error!(
                    InvalidArgument,
                    "Range specified is not valid for source object of size: {}",
                    source.size
                ));
            }
            first..last + 1
        }
    };
    let (blob, checksum) = api
        .store
        .copy_file(file, range, upload.checksum.algorithm)
        .await?;
    let tag = hex(&blob.md5());
    let part = NewPart {
        bucket: input.bucket,
        key: input.key,
        upload: input.upload_id,
        number,
        blob,
        etag: tag.clone(),
        checksum: checksum.clone(),
    };
    let last_modified = api.store.put_part(part).await?;
    let mut result = CopyPartResult {
        e_tag: Some(etag(&tag)),
        last_modified: Some(timestamp(last_modified)),
        ..CopyPartResult::default()
    };
    fill_checksum!(result, upload.checksum.asked_for.then_some(&checksum));
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result: Some(result),
        ..UploadPartCopyOutput::default()
    }))
}

pub(super) async fn complete(
    api: &Api,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let call = CallContext::of(&req.extensions);
    let mut input = req.input;
    let condition = write_condition(input.if_match.take(), input.if_none_match.take())?;
    let named = input
        .multipart_upload
        .take()
        .and_then(|upload| upload.parts)
        .unwrap_or_default();
    let (upload, stored) = api
        .store
        .parts(&input.bucket, &input.key, &input.upload_id)
        .await?;
    let parts = choose_parts(named, stored)?;
    let whole: u64 = parts.iter().map(|part| part.size).sum();
    if input
        .mpu_object_size
        .is_some_and(|expected| expected != size(whole))
    {
        return Err(s3_error!(
            InvalidRequest,
            "The provided 'x-amz-mp-object-size' header does not match what was computed."
        ));
    }
    let sums: Vec<(Checksum, u64)> = parts
        .iter()
        .map(|part| (part.checksum.clone(), part.size))
        .collect();
    let checksum = Checksum::of_parts(upload.checksum.algorithm, upload.checksum.coverage, &sums);
    if let Some((algorithm, value)) = given_checksum!(input)? {
        let computed = checksum
            .as_ref()
            .filter(|checksum| checksum.algorithm == algorithm)
            .ok_or_else(|| {
                s3_error!(
                    InvalidRequest,
                    "The checksum is not of the algorithm that the upload was begun with."
                )
            })?;
        compare_checksum(&value, computed)?;
    }
    let tag = etag_of_parts(&parts);
    let (bucket, key) = (input.bucket, input.key);
    let asked_for = upload.checksum.asked_for;
    let completion = Completion {
        bucket: bucket.clone(),
        key: key.clone(),
        upload,
        parts,
        etag: tag.clone(),
        checksum: checksum.clone(),
        condition,
        cause: call.cause(),
    };
    api.store.complete_upload(completion).await?;
    let told = checksum.filter(|checksum| asked_for || checksum.coverage == Coverage::FullObject);
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{}", Encoding::url().text(&key))),
        bucket: Some(bucket),
        key: Some(key),
        e_tag: Some(etag(&tag)),
        checksum_type: told
            .as_ref()
            .map(|checksum| checksum_type(checksum.coverage)),
        ..CompleteMultipartUploadOutput::default()
    };
    fill_checksum!(output, &told);
    Ok(S3Response::new(output))
}

/// The parts that the client names, in its order, if they are what was uploaded.
fn choose_parts(named: Vec<CompletedPart>, mut stored: Vec<Part>) -> S3Result<Vec<Part>> {
    if named.is_empty() {
        return Err(s3_error!(
            MalformedXML,
            "You must specify at least one part"
        ));
    }
    let mut chosen: Vec<Part> = Vec::new();
    for mut named in named {
        let number = part_number(named.part_number.unwrap_or_default())?;
        if let Some(last) = chosen.last() {
            if number <= last.number {
                return Err(s3_error!(
                    InvalidPartOrder,
                    "The list of parts was not in ascending order. Parts must be ordered by part number."
                ));
            }
            if last.size < MIN_PART {
                return Err(s3_error!(
                    EntityTooSmall,
                    "Your proposed upload is smaller than the minimum allowed size: part {} has {} bytes, and every \
                     part but the last needs at least {MIN_PART}.",
                    last.number,
                    last.size
                ));
            }
        }
        let found = stored
            .iter()
            .position(|part| part.number == number)
            .map(|index| stored.swap_remove(index));
        let fits = |part: &Part| {
            named
                .e_tag
                .as_ref()
                .is_none_or(|tag| tag.value() == part.etag)
        };
        let Some(part) = found.filter(fits) else {
            return Err(crate::store::StoreError::InvalidPart.into());
        };
        if let Some((algorithm, value)) = given_checksum!(named)?
            && algorithm == part.checksum.algorithm
            && value != part.checksum.value
        {
            return Err(crate::store::StoreError::InvalidPart.into());
        }
        chosen.push(part);
    }
    Ok(chosen)
}

/// The MD5 of the parts' MD5s, and how many there are.
fn etag_of_parts(parts: &[Part]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        let digits = part.etag.as_bytes().chunks_exact(2);
        let bytes: Vec<u8> = digits
            .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
            .collect();
        md5.update(&bytes);
    }
    format!("{}-{}", hex(&md5.finalize()), parts.len())
}

pub(super) async fn abort(
    api: &Api,
    req: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let input = req.input;
    api.store
        .abort_upload(&input.bucket, &input.key, &input.upload_id)
        .await?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
}

fn initiator() -> Initiator {
    Initiator {
        display_name: None,
        id: owner().id,
    }
}

pub(super) async fn list_parts(
    api: &Api,
    req: S3Request<ListPartsInput>,
) -> S3Result<S3Response<ListPartsOutput>> {
    let input = req.input;
    let max = page_size(input.max_parts, "max-parts")?;
    let marker = input.part_number_marker.unwrap_or(0);
    let (upload, parts) = api
        .store
        .parts(&input.bucket, &input.key, &input.upload_id)
        .await?;
    let asked_for = upload.checksum.asked_for;
    let mut rest = parts
        .into_iter()
        .filter(|part| i32::from(part.number) > marker);
    let parts: Vec<dto::Part> = rest
        .by_ref()
        .take(usize::try_from(max).unwrap_or_default())
        .map(|stored| {
            let mut part = dto::Part {
                e_tag: Some(etag(&stored.etag)),
                last_modified: Some(timestamp(stored.last_modified)),
                part_number: Some(i32::from(stored.number)),
                size: Some(size(stored.size)),
                ..dto::Part::default()
            };
            fill_checksum!(part, asked_for.then_some(&stored.checksum));
            part
        })
        .collect();
    let output = ListPartsOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(input.upload_id),
        checksum_algorithm: asked_for.then(|| checksum_algorithm(upload.checksum.algorithm)),
        checksum_type: asked_for.then(|| checksum_type(upload.checksum.coverage)),
        initiator: Some(initiator()),
        owner: Some(owner()),
        is_truncated: Some(rest.next().is_some()),
        max_parts: Some(max),
        next_part_number_marker: parts.last().and_then(|part| part.part_number),
        part_number_marker: Some(marker),
        parts: Some(parts),
        storage_class: Some(dto::StorageClass::from(
            upload
                .attributes
                .storage_class
                .unwrap_or_else(|| "STANDARD".to_owned()),
        )),
        ..ListPartsOutput::default()
    };
    Ok(S3Response::new(output))
}

pub(super) async fn list_uploads(
    api: &Api,
    req: S3Request<ListMultipartUploadsInput>,
) -> S3Result<S3Response<ListMultipartUploadsOutput>> {
    let input = req.input;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max = page_size(input.max_uploads, "max-uploads")?;
    let limit = usize::try_from(max).unwrap_or_default();
    let prefix = input.prefix.clone().unwrap_or_default();
    let key_marker = input.key_marker.clone().unwrap_or_default();
    let id_marker = input
        .upload_id_marker
        .clone()
        .filter(|_| !key_marker.is_empty());
    let delimiter = input
        .delimiter
        .as_deref()
        .filter(|delimiter| !delimiter.is_empty());
    let mut uploads = api.store.uploads(&input.bucket, &prefix).await?;
    // What the marker's page showed: all up to its key, and of its key those up to the identifier.
    let after_marker = match &id_marker {
        Some(id) => uploads
            .iter()
            .position(|upload| upload.key == key_marker && upload.id == *id)
            .map(|at| at + 1),
        None => None,
    };
    let skipped =
        after_marker.unwrap_or_else(|| uploads.partition_point(|upload| upload.key <= key_marker));
    uploads.drain(..skipped);
    let mut listed: Vec<MultipartUpload> = Vec::new();
    let mut prefixes: Vec<String> = Vec::new();
    let mut last: Option<(String, String)> = None;
    let mut truncated = false;
    for upload in uploads {
        let rolled_up = common_prefix(&upload.key, &prefix, delimiter);
        let is_new = match &rolled_up {
            Some(group) => prefixes.last() != Some(group) && *group > key_marker,
            None => true,
        };
        if is_new && listed.len() + prefixes.len() == limit {
            truncated = true;
            break;
        }
        match rolled_up {
            Some(group) => {
                last = Some((group.clone(), String::new()));
                if is_new {
                    prefixes.push(group);
                }
            }
            None => {
                last = Some((upload.key.clone(), upload.id.clone()));
                listed.push(MultipartUpload {
                    checksum_algorithm: upload
                        .checksum
                        .asked_for
                        .then(|| checksum_algorithm(upload.checksum.algorithm)),
                    checksum_type: upload
                        .checksum
                        .asked_for
                        .then(|| checksum_type(upload.checksum.coverage)),
                    initiated: Some(timestamp(upload.initiated_at)),
                    initiator: Some(initiator()),
                    key: Some(encoding.text(&upload.key)),
                    owner: Some(owner()),
                    storage_class: Some(dto::StorageClass::from(
                        upload
                            .attributes
                            .storage_class
                            .unwrap_or_else(|| "STANDARD".to_owned()),
                    )),
                    upload_id: Some(upload.id),
                });
            }
        }
    }
    let (next_key, next_id) = last.filter(|_| truncated).unzip();
    let output = ListMultipartUploadsOutput {
        bucket: Some(input.bucket),
        common_prefixes: Some(
            prefixes
                .iter()
                .map(|prefix| CommonPrefix {
                    prefix: Some(encoding.text(prefix)),
                })
                .collect(),
        ),
        delimiter: input.delimiter.map(|delimiter| encoding.text(&delimiter)),
        encoding_type: input.encoding_type,
        is_truncated: Some(truncated),
        key_marker: Some(encoding.text(&key_marker)),
        max_uploads: Some(max),
        next_key_marker: next_key.map(|key: String| encoding.text(&key)),
        next_upload_id_marker: next_id,
        prefix: Some(encoding.text(&prefix)),
        request_charged: None,
        upload_id_marker: input.upload_id_marker,
        uploads: Some(listed),
    };
    Ok(S3Response::new(output))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(
        algorithm: Option<&'static str>,
        coverage: Option<&'static str>,
    ) -> Option<(&'static str, Coverage)> {
        let algorithm = algorithm.map(dto::ChecksumAlgorithm::from_static);
        let coverage = coverage.map(dto::ChecksumType::from_static);
        let chosen = upload_checksum(algorithm.as_ref(), coverage.as_ref()).ok()?;
        Some((chosen.algorithm.name(), chosen.coverage))
    }

    #[test]
    fn algorithms_and_what_they_cover() {
        for (algorithm, coverage, chosen) in [
            (None, None, Some(("CRC64NVME", Coverage::FullObject))),
            (Some("CRC32"), None, Some(("CRC32", Coverage::Composite))),
            (
                Some("CRC32"),
                Some("FULL_OBJECT"),
                Some(("CRC32", Coverage::FullObject)),
            ),
            (
                Some("SHA256"),
                Some("COMPOSITE"),
                Some(("SHA256", Coverage::Composite)),
            ),
            (Some("SHA256"), Some("FULL_OBJECT"), None),
            (Some("CRC64NVME"), Some("COMPOSITE"), None),
            (Some("MD5"), None, None),
        ] {
            assert_eq!(
                checksum(algorithm, coverage),
                chosen,
                "{algorithm:?} {coverage:?}"
            );
        }
    }

    #[test]
    fn part_numbers() {
        assert_eq!(part_number(1).unwrap(), 1);
        assert_eq!(part_number(10_000).unwrap(), 10_000);
        assert!(
            part_number(0).is_err() && part_number(10_001).is_err() && part_number(-1).is_err()
        );
    }
}
