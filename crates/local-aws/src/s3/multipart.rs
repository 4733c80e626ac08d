//! Multipart uploads.

use super::{
    backend::Backend,
    body::ExpectedBody,
    call::CallContext,
    conditions::write_condition,
    convert::{
        attributes, checksum_algorithm, checksum_type, compare_checksum, etag, fill_checksum,
        given_checksum, size, timestamp,
    },
    copy_source::{copy_conditions, open_copy_source},
    list::Encoding,
};
use crate::{
    checksum::{Algorithm, Checksum, Coverage},
    store::{Completion, NewPart, Part, StoreError, UploadChecksum},
};
use s3s::{
    S3Request, S3Response, S3Result,
    crypto::{Checksum as _, Md5},
    dto::{
        self, AbortMultipartUploadInput, AbortMultipartUploadOutput, CompleteMultipartUploadInput,
        CompleteMultipartUploadOutput, CompletedPart, CopyPartResult, CreateMultipartUploadInput,
        CreateMultipartUploadOutput, UploadPartCopyInput, UploadPartCopyOutput, UploadPartInput,
        UploadPartOutput,
    },
    s3_error,
};

/// The smallest part that is not the last, in bytes.
const MIN_PART: u64 = 5 << 20;

/// The highest part number.
const MAX_PARTS: u16 = 10_000;

pub(super) async fn create(
    backend: &Backend,
    req: S3Request<CreateMultipartUploadInput>,
) -> S3Result<S3Response<CreateMultipartUploadOutput>> {
    let mut input = req.input;
    let checksum = upload_checksum(
        input.checksum_algorithm.as_ref(),
        input.checksum_type.as_ref(),
    )?;
    let attributes = attributes!(input)?;
    let id = backend
        .store
        .create_upload(&input.bucket, &input.key, attributes, checksum)
        .await?;
    let output = CreateMultipartUploadOutput {
        bucket: Some(input.bucket),
        key: Some(input.key),
        upload_id: Some(id),
        checksum_algorithm: checksum
            .requested
            .then(|| checksum_algorithm(checksum.algorithm)),
        checksum_type: checksum.requested.then(|| checksum_type(checksum.coverage)),
        ..CreateMultipartUploadOutput::default()
    };
    Ok(S3Response::new(output))
}

/// CRC-64 covers the whole object. Other CRCs do so on request. Hashes cover the hashes of the parts.
fn upload_checksum(
    algorithm: Option<&dto::ChecksumAlgorithm>,
    coverage: Option<&dto::ChecksumType>,
) -> S3Result<UploadChecksum> {
    let requested = algorithm.is_some();
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
        requested,
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
    backend: &Backend,
    req: S3Request<UploadPartInput>,
) -> S3Result<S3Response<UploadPartOutput>> {
    let mut input = req.input;
    let number = part_number(input.part_number)?;
    let given = given_checksum!(input)?;
    let expected = ExpectedBody::new(
        &req.headers,
        input.content_length,
        input.content_md5.as_deref(),
        given,
    )?;
    let upload = backend
        .store
        .upload(&input.bucket, &input.key, &input.upload_id)
        .await?;
    let received = expected
        .receive(
            &backend.store,
            input.body.take(),
            req.trailing_headers,
            Some(upload.checksum.algorithm),
        )
        .await?;
    let tag = hex::encode(received.blob.md5());
    let part = NewPart {
        bucket: input.bucket,
        key: input.key,
        upload: input.upload_id,
        number,
        blob: received.blob,
        etag: tag.clone(),
        checksum: received.stored_checksum,
    };
    backend.store.put_part(part).await?;
    let mut output = UploadPartOutput {
        e_tag: Some(etag(&tag)),
        ..UploadPartOutput::default()
    };
    fill_checksum!(output, Some(&received.checksum));
    Ok(S3Response::new(output))
}

pub(super) async fn upload_part_copy(
    backend: &Backend,
    req: S3Request<UploadPartCopyInput>,
) -> S3Result<S3Response<UploadPartCopyOutput>> {
    let call = CallContext::of(&req.extensions);
    let mut input = req.input;
    let number = part_number(input.part_number)?;
    let upload = backend
        .store
        .upload(&input.bucket, &input.key, &input.upload_id)
        .await?;
    let conditions = copy_conditions!(input);
    let source = open_copy_source(backend, &call, &input.copy_source, conditions).await?;
    let (file, source) = (source.file, source.object);
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
    let (blob, checksum) = backend
        .store
        .copy_file(file, range, upload.checksum.algorithm)
        .await?;
    let tag = hex::encode(blob.md5());
    let part = NewPart {
        bucket: input.bucket,
        key: input.key,
        upload: input.upload_id,
        number,
        blob,
        etag: tag.clone(),
        checksum: checksum.clone(),
    };
    let last_modified = backend.store.put_part(part).await?;
    let mut result = CopyPartResult {
        e_tag: Some(etag(&tag)),
        last_modified: Some(timestamp(last_modified)),
        ..CopyPartResult::default()
    };
    fill_checksum!(result, upload.checksum.requested.then_some(&checksum));
    Ok(S3Response::new(UploadPartCopyOutput {
        copy_part_result: Some(result),
        copy_source_version_id: source.version,
        ..UploadPartCopyOutput::default()
    }))
}

pub(super) async fn complete(
    backend: &Backend,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<S3Response<CompleteMultipartUploadOutput>> {
    let (bucket, key) = (req.input.bucket.clone(), req.input.key.clone());
    let upload = req.input.upload_id.clone();
    let error = match complete_once(backend, req).await {
        Ok(output) => return Ok(S3Response::new(output)),
        Err(error) => error,
    };
    // A client that lost the response asks again. The parts are gone then; the object knows its upload.
    let is_gone = matches!(error.code().as_str(), "NoSuchUpload" | "InvalidPart");
    if is_gone
        && let Ok(object) = backend.store.object(&bucket, &key, None).await
        && object.attributes.upload.as_ref() == Some(&upload)
    {
        let output = completed(bucket, key, &object.etag, object.version, object.checksum);
        return Ok(S3Response::new(output));
    }
    Err(error)
}

async fn complete_once(
    backend: &Backend,
    req: S3Request<CompleteMultipartUploadInput>,
) -> S3Result<CompleteMultipartUploadOutput> {
    let call = CallContext::of(&req.extensions);
    let mut input = req.input;
    let condition = write_condition(input.if_match.take(), input.if_none_match.take())?;
    let named = input
        .multipart_upload
        .take()
        .and_then(|upload| upload.parts)
        .unwrap_or_default();
    let (mut upload, stored) = backend
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
                    "The checksum does not have the algorithm of the upload."
                )
            })?;
        compare_checksum(&value, computed)?;
    }
    let tag = etag_of_parts(&parts);
    let (bucket, key) = (input.bucket, input.key);
    upload.attributes.upload = Some(upload.id.clone());
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
    let stored = backend.store.complete_upload(completion).await?;
    Ok(completed(bucket, key, &tag, stored.version, checksum))
}

/// The response of a completed upload. A checksum that the client did not request covers the whole object.
fn completed(
    bucket: String,
    key: String,
    tag: &str,
    version: Option<String>,
    checksum: Option<Checksum>,
) -> CompleteMultipartUploadOutput {
    let mut output = CompleteMultipartUploadOutput {
        location: Some(format!("/{bucket}/{}", Encoding::url().text(&key))),
        bucket: Some(bucket),
        key: Some(key),
        e_tag: Some(etag(tag)),
        version_id: version,
        checksum_type: checksum
            .as_ref()
            .map(|checksum| checksum_type(checksum.coverage)),
        ..CompleteMultipartUploadOutput::default()
    };
    fill_checksum!(output, &checksum);
    output
}

/// The parts that the client names, in its order. Fails if they are not the uploaded ones.
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
        let matches = |part: &Part| {
            named
                .e_tag
                .as_ref()
                .is_none_or(|tag| tag.value() == part.etag)
        };
        let Some(part) = found.filter(matches) else {
            return Err(StoreError::InvalidPart.into());
        };
        if let Some((algorithm, value)) = given_checksum!(named)?
            && algorithm == part.checksum.algorithm
            && value != part.checksum.value
        {
            return Err(StoreError::InvalidPart.into());
        }
        chosen.push(part);
    }
    Ok(chosen)
}

/// The MD5 of the parts' MD5s, and their number.
fn etag_of_parts(parts: &[Part]) -> String {
    let mut md5 = Md5::new();
    for part in parts {
        // Stored ETags of parts are always hexadecimal.
        md5.update(&hex::decode(&part.etag).unwrap_or_default());
    }
    format!("{}-{}", hex::encode(md5.finalize()), parts.len())
}

pub(super) async fn abort(
    backend: &Backend,
    req: S3Request<AbortMultipartUploadInput>,
) -> S3Result<S3Response<AbortMultipartUploadOutput>> {
    let input = req.input;
    backend
        .store
        .abort_upload(&input.bucket, &input.key, &input.upload_id)
        .await?;
    Ok(S3Response::new(AbortMultipartUploadOutput::default()))
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
    fn algorithms_have_their_coverage() {
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
