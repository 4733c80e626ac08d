//! The source of CopyObject and UploadPartCopy.

use super::{
    backend::Backend, call::CallContext, conditions::ReadConditions, convert::version, permissions,
};
use crate::store::{Object, StoreError};
use s3s::{S3Result, dto::CopySource, s3_error};
use std::fs::File;

/// Takes the conditions out of a request. Two request types have them under the same names.
macro_rules! copy_conditions {
    ($input:expr) => {
        $crate::s3::conditions::ReadConditions {
            if_match: $input.copy_source_if_match.take(),
            if_none_match: $input.copy_source_if_none_match.take(),
            if_modified_since: $input.copy_source_if_modified_since.take(),
            if_unmodified_since: $input.copy_source_if_unmodified_since.take(),
        }
    };
}
pub(super) use copy_conditions;

/// The source object.
pub(super) struct Source<'a> {
    pub(super) bucket: &'a str,
    pub(super) key: &'a str,
    /// Whether the request names the version.
    pub(super) is_version: bool,
    pub(super) object: Object,
    pub(super) file: File,
}

/// Opens the source object and checks the conditions of the copy.
pub(super) async fn open_copy_source<'a>(
    backend: &Backend,
    call: &CallContext,
    source: &'a CopySource,
    conditions: ReadConditions,
) -> S3Result<Source<'a>> {
    let CopySource::Bucket {
        bucket,
        key,
        version_id,
    } = source
    else {
        return Err(s3_error!(
            NotImplemented,
            "This endpoint has no access points: name the bucket."
        ));
    };
    let action = match version_id {
        Some(_) => "GetObjectVersion",
        None => "GetObject",
    };
    call.require(permissions::on_object(action, bucket, key));
    let named = version(version_id.as_deref())?;
    let opened = backend.store.open_object(bucket, key, named).await;
    if matches!(
        opened,
        Err(StoreError::NoSuchKey | StoreError::NoSuchVersion | StoreError::Deleted { .. })
    ) {
        call.require(permissions::list_bucket(bucket));
    }
    if matches!(opened, Err(StoreError::Marker { .. })) {
        return Err(s3_error!(
            InvalidRequest,
            "The source of a copy request may not specifically refer to a delete marker by version id."
        ));
    }
    let (object, file) = opened?;
    conditions.check_copy(&object)?;
    Ok(Source {
        bucket,
        key,
        is_version: named.is_some(),
        object,
        file,
    })
}
