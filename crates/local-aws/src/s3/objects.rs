//! Stores, copies, deletes and tags objects.

use super::{
    backend::Backend,
    body::ExpectedBody,
    call::CallContext,
    conditions::write_condition,
    convert::{
        attributes, checksum_type, etag, fill_checksum, given_checksum, size, tag_set,
        tags_of_body, timestamp, version,
    },
    copy_source::{copy_conditions, open_copy_source},
    permissions::on_object,
};
use crate::{
    checksum::Algorithm,
    events::Change,
    store::{Deleted, NewObject, WriteCondition},
};
use futures::StreamExt;
use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        self, CopyObjectInput, CopyObjectOutput, CopyObjectResult, DeleteObjectInput,
        DeleteObjectOutput, DeleteObjectTaggingInput, DeleteObjectTaggingOutput,
        DeleteObjectsInput, DeleteObjectsOutput, DeletedObject, GetObjectAttributesInput,
        GetObjectAttributesOutput, GetObjectAttributesParts, GetObjectTaggingInput,
        GetObjectTaggingOutput, MetadataDirective, ObjectAttributes, ObjectPart, PutObjectInput,
        PutObjectOutput, PutObjectTaggingInput, PutObjectTaggingOutput, TaggingDirective,
    },
    s3_error,
};

/// The most keys in a DeleteObjects request.
const MAX_DELETED: usize = 1000;

/// How many keys of a DeleteObjects request are deleted concurrently, to share commits.
const DELETED_TOGETHER: usize = 64;

/// The longest key, in bytes of UTF-8.
const MAX_KEY: usize = 1024;

pub(super) async fn put_object(
    backend: &Backend,
    req: S3Request<PutObjectInput>,
) -> S3Result<S3Response<PutObjectOutput>> {
    let call = CallContext::of(&req.extensions);
    let mut input = req.input;
    let condition = write_condition(input.if_match.take(), input.if_none_match.take())?;
    let given = given_checksum!(input)?;
    let expected = ExpectedBody::new(
        &req.headers,
        input.content_length,
        input.content_md5.as_deref(),
        given,
    )?;
    let attributes = attributes!(input)?;
    // An early check saves the client the upload. The check inside the transaction decides.
    backend
        .store
        .check_writable(&input.bucket, &input.key, &condition)
        .await?;
    let received = expected
        .receive(
            &backend.store,
            input.body.take(),
            req.trailing_headers,
            None,
        )
        .await?;
    let tag = hex::encode(received.blob.md5());
    let checksum = received.checksum;
    let new = NewObject {
        bucket: input.bucket,
        key: input.key,
        blob: received.blob,
        etag: tag.clone(),
        attributes,
        checksum: Some(checksum.clone()),
        parts: Vec::new(),
        condition,
        change: Change::Put,
        cause: call.cause(),
    };
    let stored = backend.store.put_object(new).await?;
    let mut output = PutObjectOutput {
        e_tag: Some(etag(&tag)),
        version_id: stored.version,
        checksum_type: Some(checksum_type(checksum.coverage)),
        ..PutObjectOutput::default()
    };
    fill_checksum!(output, Some(&checksum));
    Ok(S3Response::new(output))
}

pub(super) async fn copy_object(
    backend: &Backend,
    req: S3Request<CopyObjectInput>,
) -> S3Result<S3Response<CopyObjectOutput>> {
    let call = CallContext::of(&req.extensions);
    let mut input = req.input;
    let conditions = copy_conditions!(input);
    let source = open_copy_source(backend, &call, &input.copy_source, conditions).await?;
    let replaces = |directive: Option<&str>| match directive {
        None | Some("COPY") => Ok(false),
        Some("REPLACE") => Ok(true),
        Some(_) => Err(s3_error!(
            InvalidArgument,
            "A directive is COPY or REPLACE."
        )),
    };
    let replaces_metadata = replaces(
        input
            .metadata_directive
            .as_ref()
            .map(MetadataDirective::as_str),
    )?;
    let replaces_tags = replaces(
        input
            .tagging_directive
            .as_ref()
            .map(TaggingDirective::as_str),
    )?;
    // A copy of a version restores it.
    let onto_itself =
        source.bucket == input.bucket && source.key == input.key && !source.is_version;
    let source_tags = if source.is_version {
        "GetObjectVersionTagging"
    } else {
        "GetObjectTagging"
    };
    let (source_bucket, source_key) = (source.bucket, source.key);
    let (file, source) = (source.file, source.object);
    let changes = replaces_metadata
        || replaces_tags
        || input.storage_class.is_some()
        || input.website_redirect_location.is_some()
        || input.checksum_algorithm.is_some();
    if onto_itself && !changes {
        return Err(s3_error!(
            InvalidRequest,
            "This copy request is illegal because it is trying to copy an object to itself without changing the \
             object's metadata, storage class, website redirect location or encryption attributes."
        ));
    }
    let algorithm = match &input.checksum_algorithm {
        Some(name) => Algorithm::named(name.as_str()).ok_or_else(|| {
            s3_error!(
                InvalidRequest,
                "Checksum algorithm provided is unsupported."
            )
        })?,
        None => source
            .checksum
            .as_ref()
            .map_or(Algorithm::Crc64Nvme, |checksum| checksum.algorithm),
    };
    let given = attributes!(input)?;
    let mut attributes = if replaces_metadata {
        given.clone()
    } else {
        source.attributes.clone()
    };
    attributes.tags = if replaces_tags {
        given.tags
    } else {
        source.attributes.tags
    };
    if !replaces_tags && !attributes.tags.is_empty() {
        call.require(on_object(source_tags, source_bucket, source_key));
        call.require(on_object("PutObjectTagging", &input.bucket, &input.key));
    }
    attributes.storage_class = given.storage_class;
    attributes.upload = None;
    attributes.website_redirect_location = given.website_redirect_location;
    let condition = write_condition(
        header_condition(&req.headers, http::header::IF_MATCH)?,
        header_condition(&req.headers, http::header::IF_NONE_MATCH)?,
    )?;
    backend
        .store
        .check_writable(&input.bucket, &input.key, &condition)
        .await?;
    let (blob, checksum) = backend
        .store
        .copy_file(file, 0..source.size, algorithm)
        .await?;
    let tag = hex::encode(blob.md5());
    let new = NewObject {
        bucket: input.bucket,
        key: input.key,
        blob,
        etag: tag.clone(),
        attributes,
        checksum: Some(checksum.clone()),
        parts: Vec::new(),
        condition,
        change: Change::Copy,
        cause: call.cause(),
    };
    let stored = backend.store.put_object(new).await?;
    let mut result = CopyObjectResult {
        e_tag: Some(etag(&tag)),
        last_modified: Some(timestamp(stored.last_modified)),
        checksum_type: Some(checksum_type(checksum.coverage)),
        ..CopyObjectResult::default()
    };
    fill_checksum!(result, Some(&checksum));
    Ok(S3Response::new(CopyObjectOutput {
        copy_object_result: Some(result),
        copy_source_version_id: source.version,
        version_id: stored.version,
        ..CopyObjectOutput::default()
    }))
}

/// A condition of CopyObject that is missing in s3s's model.
fn header_condition(
    headers: &http::HeaderMap,
    name: http::HeaderName,
) -> S3Result<Option<dto::ETagCondition>> {
    let Some(value) = headers.get(&name) else {
        return Ok(None);
    };
    match dto::ETagCondition::parse_http_header(value.as_bytes()) {
        Ok(condition) => Ok(Some(condition)),
        Err(_) => Err(s3_error!(
            InvalidArgument,
            "The header {name} is not an ETag."
        )),
    }
}

pub(super) async fn delete_object(
    backend: &Backend,
    req: S3Request<DeleteObjectInput>,
) -> S3Result<S3Response<DeleteObjectOutput>> {
    let call = CallContext::of(&req.extensions);
    let input = req.input;
    if input.version_id.is_some() && input.if_match.is_some() {
        return Err(s3_error!(
            NotImplemented,
            "This endpoint deletes a version without a condition."
        ));
    }
    let condition = write_condition(input.if_match, None)?;
    let deleted = backend
        .store
        .delete_object(
            &input.bucket,
            &input.key,
            version(input.version_id.as_deref())?,
            condition,
            call.cause(),
        )
        .await?;
    Ok(S3Response::new(DeleteObjectOutput {
        delete_marker: deleted.marker.then_some(true),
        version_id: deleted.version,
        ..DeleteObjectOutput::default()
    }))
}

pub(super) async fn delete_objects(
    backend: &Backend,
    req: S3Request<DeleteObjectsInput>,
) -> S3Result<S3Response<DeleteObjectsOutput>> {
    let call = CallContext::of(&req.extensions);
    let input = req.input;
    if input.delete.objects.is_empty() || input.delete.objects.len() > MAX_DELETED {
        return Err(s3_error!(
            MalformedXML,
            "One request names 1 to {MAX_DELETED} keys."
        ));
    }
    let has_condition = |object: &dto::ObjectIdentifier| {
        object.size.is_some() || object.last_modified_time.is_some()
    };
    if input.delete.objects.iter().any(has_condition) {
        return Err(s3_error!(
            NotImplemented,
            "This endpoint compares only the ETag before it deletes."
        ));
    }
    for object in &input.delete.objects {
        let action = match object.version_id {
            Some(_) => "DeleteObjectVersion",
            None => "DeleteObject",
        };
        call.require(on_object(action, &input.bucket, &object.key));
    }
    backend.store.require_bucket(&input.bucket).await?;
    let bucket = input.bucket.as_str();
    let delete = |object: dto::ObjectIdentifier| {
        let cause = call.cause();
        async move {
            let result = delete_one(backend, bucket, &object, cause).await;
            (object, result)
        }
    };
    let results: Vec<(dto::ObjectIdentifier, S3Result<Deleted>)> =
        futures::stream::iter(input.delete.objects)
            .map(delete)
            .buffered(DELETED_TOGETHER)
            .collect()
            .await;
    let quiet = input.delete.quiet.unwrap_or(false);
    let mut deleted = Vec::new();
    let mut errors = Vec::new();
    for (object, result) in results {
        match result {
            Ok(_) if quiet => {}
            Ok(done) => deleted.push(DeletedObject {
                key: Some(object.key),
                delete_marker: done.marker.then_some(true),
                delete_marker_version_id: done.version.filter(|_| done.marker),
                version_id: object.version_id,
            }),
            Err(error) => errors.push(dto::Error {
                key: Some(object.key),
                code: Some(error.code().as_str().to_owned()),
                message: error.message().map(str::to_owned),
                version_id: object.version_id,
            }),
        }
    }
    Ok(S3Response::new(DeleteObjectsOutput {
        deleted: Some(deleted),
        errors: Some(errors),
        ..DeleteObjectsOutput::default()
    }))
}

async fn delete_one(
    backend: &Backend,
    bucket: &str,
    object: &dto::ObjectIdentifier,
    cause: crate::events::Cause,
) -> S3Result<Deleted> {
    if object.key.len() > MAX_KEY {
        return Err(s3_error!(
            KeyTooLongError,
            "Your key is too long: at most {MAX_KEY} bytes of UTF-8 are allowed."
        ));
    }
    let named = object.version_id.as_deref();
    let Ok(named) = version(named) else {
        return Err(s3_error!(
            NoSuchVersion,
            "The specified version does not exist."
        ));
    };
    if named.is_some() && object.e_tag.is_some() {
        return Err(s3_error!(
            NotImplemented,
            "This endpoint deletes a version without a condition."
        ));
    }
    let condition = match &object.e_tag {
        Some(tag) => WriteCondition::Matches(tag.value().to_owned()),
        None => WriteCondition::Always,
    };
    let deleted = backend
        .store
        .delete_object(bucket, &object.key, named, condition, cause)
        .await?;
    Ok(deleted)
}

pub(super) async fn get_object_attributes(
    backend: &Backend,
    req: S3Request<GetObjectAttributesInput>,
) -> S3Result<S3Response<GetObjectAttributesOutput>> {
    let input = req.input;
    let object = backend
        .store
        .object(
            &input.bucket,
            &input.key,
            version(input.version_id.as_deref())?,
        )
        .await?;
    // Clients send one header with commas, or several headers.
    let requested: Vec<&str> = input
        .object_attributes
        .iter()
        .flat_map(|names| names.as_str().split(','))
        .map(str::trim)
        .collect();
    let is_requested = |name: &str| requested.contains(&name);
    let mut output = GetObjectAttributesOutput {
        last_modified: Some(timestamp(object.last_modified)),
        version_id: object.version.clone(),
        ..GetObjectAttributesOutput::default()
    };
    if is_requested(ObjectAttributes::ETAG) {
        output.e_tag = Some(etag(&object.etag));
    }
    if is_requested(ObjectAttributes::OBJECT_SIZE) {
        output.object_size = Some(size(object.size));
    }
    if is_requested(ObjectAttributes::STORAGE_CLASS) {
        let class = object.attributes.storage_class.clone();
        output.storage_class = Some(dto::StorageClass::from(
            class.unwrap_or_else(|| "STANDARD".to_owned()),
        ));
    }
    if is_requested(ObjectAttributes::CHECKSUM)
        && let Some(whole) = &object.checksum
    {
        let mut checksum = dto::Checksum {
            checksum_type: Some(checksum_type(whole.coverage)),
            ..dto::Checksum::default()
        };
        fill_checksum!(checksum, Some(whole));
        output.checksum = Some(checksum);
    }
    if is_requested(ObjectAttributes::OBJECT_PARTS) && !object.parts.is_empty() {
        let marker = input.part_number_marker.unwrap_or(0);
        let max = usize::try_from(input.max_parts.unwrap_or(1000))
            .unwrap_or(0)
            .min(1000);
        let mut rest = object
            .parts
            .iter()
            .filter(|part| i32::from(part.number) > marker);
        let parts: Vec<ObjectPart> = rest
            .by_ref()
            .take(max)
            .map(|summary| {
                let mut part = ObjectPart {
                    part_number: Some(i32::from(summary.number)),
                    size: Some(size(summary.size)),
                    ..ObjectPart::default()
                };
                fill_checksum!(part, &summary.checksum);
                part
            })
            .collect();
        output.object_parts = Some(GetObjectAttributesParts {
            is_truncated: Some(rest.next().is_some()),
            max_parts: i32::try_from(max).ok(),
            next_part_number_marker: parts.last().and_then(|part| part.part_number),
            part_number_marker: Some(marker),
            parts: Some(parts),
            total_parts_count: i32::try_from(object.parts.len()).ok(),
        });
    }
    Ok(S3Response::new(output))
}

pub(super) async fn get_object_tagging(
    backend: &Backend,
    req: S3Request<GetObjectTaggingInput>,
) -> S3Result<S3Response<GetObjectTaggingOutput>> {
    let object = backend
        .store
        .object(
            &req.input.bucket,
            &req.input.key,
            version(req.input.version_id.as_deref())?,
        )
        .await?;
    let output = GetObjectTaggingOutput {
        tag_set: tag_set(object.attributes.tags),
        version_id: object.version,
    };
    Ok(S3Response::new(output))
}

pub(super) async fn put_object_tagging(
    backend: &Backend,
    req: S3Request<PutObjectTaggingInput>,
) -> S3Result<S3Response<PutObjectTaggingOutput>> {
    let tags = tags_of_body(req.input.tagging)?;
    let named = version(req.input.version_id.as_deref())?;
    let version_id = backend
        .store
        .set_tags(&req.input.bucket, &req.input.key, named, tags)
        .await?;
    Ok(S3Response::new(PutObjectTaggingOutput { version_id }))
}

pub(super) async fn delete_object_tagging(
    backend: &Backend,
    req: S3Request<DeleteObjectTaggingInput>,
) -> S3Result<S3Response<DeleteObjectTaggingOutput>> {
    let named = version(req.input.version_id.as_deref())?;
    let version_id = backend
        .store
        .set_tags(&req.input.bucket, &req.input.key, named, Vec::new())
        .await?;
    Ok(S3Response::new(DeleteObjectTaggingOutput { version_id }))
}
