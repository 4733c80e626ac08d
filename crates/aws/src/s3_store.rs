//! [`ObjectStore`] over S3.

use std::{
    collections::{BTreeMap, HashMap},
    error::Error,
};

use aws_sdk_s3::{
    Client,
    config::{Builder, retry::RetryConfig},
    operation::delete_object::builders::DeleteObjectFluentBuilder,
    primitives::{ByteStream, DateTime},
    types::{ChecksumMode, Delete, EncodingType, ObjectIdentifier},
};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use sightline_pipeline::{
    object_store::{
        Condition, CopyOutcome, Get, GetOutcome, ListObjects, ObjectInfo, ObjectStore, Put,
        PutOutcome,
    },
    percent::RESERVED_IN_PATH,
    service_error::{Fate, Service, ServiceError, code},
};
use time::OffsetDateTime;

use crate::error::Failure;

/// The most bytes that are allocated for an object before they arrive.
const MAX_RESERVED_BYTES: u64 = 16 * 1024 * 1024;

/// How often a GET is attempted when its body is cut off. The SDK's retries end before the body.
const READ_ATTEMPTS: u32 = 3;

const DELETE_OBJECTS: &str = "DeleteObjects";

/// The buckets of S3, or of the local endpoint.
#[derive(Debug, Clone)]
pub struct S3Store {
    client: Client,
}

/// The outcome of one GET.
enum Read {
    Complete(GetOutcome),
    /// The body was cut off, with the reason.
    CutOff(String),
}

impl S3Store {
    /// A store that uses this client.
    #[must_use]
    pub const fn new(client: Client) -> Self {
        Self { client }
    }
}

impl ObjectStore for S3Store {
    async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, ServiceError> {
        let answer = self
            .client
            .head_object()
            .bucket(bucket)
            .key(key)
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await;
        match answer {
            Ok(head) => Ok(Some(ObjectInfo {
                e_tag: unquoted(head.e_tag()),
                size: size(head.content_length()),
                content_type: head.content_type().unwrap_or_default().to_owned(),
                last_modified: time(head.last_modified()),
                version_id: version(head.version_id()),
                sha256: sha256(head.checksum_sha256()),
                metadata: metadata(head.metadata()),
            })),
            Err(error) => {
                let failure = failure("HeadObject", bucket, &error);
                match failure.status {
                    Some(404) => Ok(None),
                    _ => Err(explain_denial(failure, None)),
                }
            }
        }
    }

    async fn get(&self, get: Get<'_>) -> Result<GetOutcome, ServiceError> {
        let mut attempt = 1;
        loop {
            match self.read(get).await? {
                Read::Complete(outcome) => return Ok(outcome),
                Read::CutOff(message) if attempt == READ_ATTEMPTS => {
                    return Err(ServiceError::new(
                        Service::S3,
                        "GetObject",
                        code::RESPONSE,
                        format!("the object's bytes were cut off: {message}"),
                        Fate::RETRY_UNANSWERED,
                    )
                    .on(get.bucket));
                }
                Read::CutOff(_) => attempt += 1,
            }
        }
    }

    async fn put(&self, put: Put<'_>) -> Result<PutOutcome, ServiceError> {
        let (if_none_match, if_match) = match put.condition {
            Condition::Always => (None, None),
            Condition::IfAbsent => (Some("*".to_owned()), None),
            Condition::IfMatch(e_tag) => (None, Some(format!("\"{e_tag}\""))),
        };
        let answer = self
            .client
            .put_object()
            .bucket(put.bucket)
            .key(put.key)
            .content_type(put.content_type)
            .set_metadata(Some(owned(put.metadata)))
            .set_if_none_match(if_none_match)
            .set_if_match(if_match)
            .body(ByteStream::from(put.body.to_vec()))
            .send()
            .await;
        match answer {
            Ok(stored) => Ok(PutOutcome::Stored(unquoted(stored.e_tag()))),
            Err(error) => {
                let failure = failure("PutObject", put.bucket, &error);
                match (failure.status, failure.code(), put.condition) {
                    // 412: the condition does not hold. 409: another write of the key was in progress
                    // (Amazon S3 User Guide, "Add preconditions to S3 operations").
                    (Some(412), _, _) | (Some(409), "ConditionalRequestConflict", _) => {
                        Ok(PutOutcome::ConditionFailed)
                    }
                    // If-Match for an object that was deleted.
                    (Some(404), "NoSuchKey", Condition::IfMatch(_)) => {
                        Ok(PutOutcome::ConditionFailed)
                    }
                    _ => Err(failure.error),
                }
            }
        }
    }

    async fn copy(&self, bucket: &str, from: &str, to: &str) -> Result<CopyOutcome, ServiceError> {
        let answer = self
            .client
            .copy_object()
            .bucket(bucket)
            // Amazon S3 API Reference, "CopyObject": the value must be URL-encoded.
            .copy_source(format!(
                "{bucket}/{}",
                utf8_percent_encode(from, RESERVED_IN_PATH)
            ))
            .key(to)
            .if_none_match("*")
            .send()
            .await;
        let Err(error) = answer else {
            return Ok(CopyOutcome::Copied);
        };
        let failure = failure("CopyObject", bucket, &error);
        match (failure.status, failure.code()) {
            (Some(412), _) => Ok(CopyOutcome::Exists),
            // Whether the object under the new key will be there is not known yet.
            (Some(409), "ConditionalRequestConflict") => Err(ServiceError {
                fate: Fate::RETRY,
                ..failure.error
            }),
            (Some(404), "NoSuchKey") => Ok(CopyOutcome::Missing),
            _ => Err(failure.error),
        }
    }

    async fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        deleted(self.delete_request(bucket, key).send().await, bucket)
    }

    async fn delete_versions(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        // A delete marker hides the object at once. Deleting the current version first would show the one before it.
        let hidden = self.delete_request(bucket, key).send().await;
        let hidden = hidden.map_err(|error| failure("DeleteObject", bucket, &error).error)?;
        let Some(marker) = hidden.version_id() else {
            // The bucket keeps no versions.
            return Ok(());
        };
        loop {
            let older = self.older_versions(bucket, key, marker).await?;
            self.delete_all(bucket, key, &older.versions).await?;
            self.delete_all(bucket, key, &older.markers).await?;
            if !older.truncated {
                break;
            }
        }
        // Last, so that no version can be seen before it is deleted.
        self.delete_all(bucket, key, &[marker.to_owned()]).await
    }

    async fn delete_once(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        let once = Builder::new().retry_config(RetryConfig::disabled());
        let request = self
            .delete_request(bucket, key)
            .customize()
            .config_override(once);
        deleted(request.send().await, bucket)
    }
}

fn deleted<T, E>(
    answer: Result<T, SdkError<E, HttpResponse>>,
    bucket: &str,
) -> Result<(), ServiceError>
where
    E: ProvideErrorMetadata + Error + 'static,
{
    answer
        .map(drop)
        .map_err(|error| failure("DeleteObject", bucket, &error).error)
}

impl ListObjects for S3Store {
    async fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> Result<Vec<String>, ServiceError> {
        let listed = self
            .client
            .list_objects_v2()
            .bucket(bucket)
            .prefix(prefix)
            .set_start_after(after.map(str::to_owned))
            // Keys may contain characters that XML does not allow.
            .encoding_type(EncodingType::Url)
            .send()
            .await
            .map_err(|error| failure("ListObjectsV2", bucket, &error).error)?;
        listed
            .contents()
            .iter()
            .filter_map(|object| object.key())
            .map(|key| listed_key(listed.encoding_type(), key))
            .collect::<Option<_>>()
            .ok_or_else(|| {
                ServiceError::new(
                    Service::S3,
                    "ListObjectsV2",
                    code::RESPONSE,
                    "a key in the listing is not URL-encoded UTF-8",
                    Fate::Final,
                )
                .on(bucket)
            })
    }
}

/// Decodes a key in a list of objects with the list's encoding; `None` if the key is malformed.
#[must_use]
pub fn listed_key(encoding: Option<&EncodingType>, key: &str) -> Option<String> {
    match encoding {
        Some(EncodingType::Url) => decoded(key),
        _ => Some(key.to_owned()),
    }
}

/// Decodes a key of a list with `encoding-type=url`: percent-encoded, `+` for a space.
fn decoded(key: &str) -> Option<String> {
    let key = key.replace('+', " ");
    let decoded = percent_decode_str(&key).decode_utf8().ok()?;
    Some(decoded.into_owned())
}

/// Version ids of one object.
#[derive(Debug, Default)]
struct Versions {
    versions: Vec<String>,
    /// Delete markers.
    markers: Vec<String>,
    /// There may be more.
    truncated: bool,
}

impl S3Store {
    /// The first thousand versions of an object that are older than one of them.
    async fn older_versions(
        &self,
        bucket: &str,
        key: &str,
        version: &str,
    ) -> Result<Versions, ServiceError> {
        let listed = self
            .client
            .list_object_versions()
            .bucket(bucket)
            .prefix(key)
            .key_marker(key)
            .version_id_marker(version)
            .encoding_type(EncodingType::Url)
            .send()
            .await
            .map_err(|error| failure("ListObjectVersions", bucket, &error).error)?;
        // Keys that begin with this one follow its own versions.
        let is_other = |listed_as: Option<&str>| {
            listed_key(listed.encoding_type(), listed_as.unwrap_or_default()).as_deref()
                != Some(key)
        };
        let mut found = Versions {
            truncated: listed.is_truncated() == Some(true),
            ..Versions::default()
        };
        for version in listed.versions() {
            if is_other(version.key()) {
                found.truncated = false;
            } else {
                found
                    .versions
                    .extend(version.version_id().map(str::to_owned));
            }
        }
        for marker in listed.delete_markers() {
            if is_other(marker.key()) {
                found.truncated = false;
            } else {
                found.markers.extend(marker.version_id().map(str::to_owned));
            }
        }
        Ok(found)
    }

    /// Deletes at most a thousand versions of an object.
    async fn delete_all(
        &self,
        bucket: &str,
        key: &str,
        versions: &[String],
    ) -> Result<(), ServiceError> {
        if versions.is_empty() {
            return Ok(());
        }
        let objects = versions
            .iter()
            .map(|version| {
                ObjectIdentifier::builder()
                    .key(key)
                    .version_id(version)
                    .build()
            })
            .collect::<Result<_, _>>();
        let delete = objects
            .and_then(|objects| {
                Delete::builder()
                    .set_objects(Some(objects))
                    .quiet(true)
                    .build()
            })
            .map_err(|error| {
                ServiceError::new(
                    Service::S3,
                    DELETE_OBJECTS,
                    code::REQUEST,
                    error.to_string(),
                    Fate::Final,
                )
            })?;
        let deleted = self
            .client
            .delete_objects()
            .bucket(bucket)
            .delete(delete)
            .send()
            .await
            .map_err(|error| failure(DELETE_OBJECTS, bucket, &error).error)?;
        match deleted.errors().first() {
            None => Ok(()),
            Some(error) => Err(undeleted(error).on(bucket)),
        }
    }

    fn delete_request(&self, bucket: &str, key: &str) -> DeleteObjectFluentBuilder {
        self.client.delete_object().bucket(bucket).key(key)
    }

    /// One GET with its body.
    async fn read(&self, get: Get<'_>) -> Result<Read, ServiceError> {
        let answer = self
            .client
            .get_object()
            .bucket(get.bucket)
            .key(get.key)
            .set_version_id(get.version_id.map(str::to_owned))
            .set_if_match(get.if_match.map(|e_tag| format!("\"{e_tag}\"")))
            .set_range(
                get.first_bytes
                    .map(|bytes| format!("bytes=0-{}", bytes.saturating_sub(1))),
            )
            .checksum_mode(ChecksumMode::Enabled)
            .send()
            .await;
        match answer {
            Ok(found) => {
                let info = ObjectInfo {
                    e_tag: unquoted(found.e_tag()),
                    size: whole_size(found.content_range())
                        .unwrap_or_else(|| size(found.content_length())),
                    content_type: found.content_type().unwrap_or_default().to_owned(),
                    last_modified: time(found.last_modified()),
                    version_id: version(found.version_id()),
                    sha256: sha256(found.checksum_sha256()),
                    metadata: metadata(found.metadata()),
                };
                // Read into one buffer. If the SDK collected the body, it would be in memory several times.
                let expected = size(found.content_length()).min(MAX_RESERVED_BYTES);
                let mut bytes = Vec::with_capacity(usize::try_from(expected).unwrap_or_default());
                let mut body = found.body;
                loop {
                    match body.try_next().await {
                        Ok(Some(chunk)) => bytes.extend_from_slice(&chunk),
                        Ok(None) => break,
                        Err(error) => return Ok(Read::CutOff(error.to_string())),
                    }
                }
                Ok(Read::Complete(GetOutcome::Found(info, bytes)))
            }
            Err(error) => {
                let failure = failure("GetObject", get.bucket, &error);
                match (failure.status, failure.code()) {
                    (Some(412), _) => Ok(Read::Complete(GetOutcome::Changed)),
                    // 405: the version is a delete marker.
                    (Some(404), "NoSuchKey" | "NoSuchVersion" | "NotFound") | (Some(405), _) => {
                        Ok(Read::Complete(GetOutcome::Missing))
                    }
                    // No range of an empty object is valid.
                    (Some(416), _) => self.get_empty(get).await.map(Read::Complete),
                    _ => Err(explain_denial(failure, get.version_id)),
                }
            }
        }
    }

    /// The outcome of a GET for a range of an object that may be empty.
    async fn get_empty(&self, get: Get<'_>) -> Result<GetOutcome, ServiceError> {
        Ok(match self.head(get.bucket, get.key).await? {
            None => GetOutcome::Missing,
            Some(info) if info.size > 0 => GetOutcome::Changed,
            Some(info) if get.if_match.is_some_and(|e_tag| e_tag != info.e_tag) => {
                GetOutcome::Changed
            }
            Some(info) => GetOutcome::Found(info, Vec::new()),
        })
    }
}

/// The error for a version that DeleteObjects did not delete. The request as a whole succeeds then.
fn undeleted(error: &aws_sdk_s3::types::Error) -> ServiceError {
    let code = error.code().unwrap_or_default();
    let fate = match code {
        "AccessDenied" => Fate::Repair,
        _ => Fate::RETRY,
    };
    let message = error.message().unwrap_or_default();
    ServiceError::new(Service::S3, DELETE_OBJECTS, code, message, fate)
}

/// The error of a failed read. S3 hides whether an object exists from callers who may not list the bucket
/// (Amazon S3 API Reference, "HeadObject", "Permissions"), so a 403 has two possible reasons.
fn explain_denial(failure: Failure, version_id: Option<&str>) -> ServiceError {
    let Failure { mut error, status } = failure;
    if status == Some(403) && error.code == "AccessDenied" {
        // Reading a certain version takes a permission of its own (Amazon S3 API Reference, "GetObject").
        let needed = version_id.map_or("s3:GetObject", |_| "s3:GetObject and s3:GetObjectVersion");
        error.message = format!(
            "{}; either {needed} is missing, or the object does not exist and s3:ListBucket on the bucket is missing",
            error.message
        );
    }
    error
}

fn failure<E>(operation: &'static str, bucket: &str, error: &SdkError<E, HttpResponse>) -> Failure
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Failure { error, status } = Failure::read(Service::S3, operation, error);
    Failure {
        error: error.on(bucket),
        status,
    }
}

fn unquoted(e_tag: Option<&str>) -> String {
    e_tag.unwrap_or_default().trim_matches('"').to_owned()
}

fn size(content_length: Option<i64>) -> u64 {
    content_length
        .and_then(|length| u64::try_from(length).ok())
        .unwrap_or_default()
}

/// The size after the slash of `Content-Range: bytes 0-99/1234`.
fn whole_size(content_range: Option<&str>) -> Option<u64> {
    content_range?.rsplit_once('/')?.1.parse().ok()
}

fn time(stored: Option<&DateTime>) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(stored?.secs()).ok()
}

/// `null` is the version id of objects that were stored without versioning.
fn version(version_id: Option<&str>) -> Option<String> {
    version_id.filter(|id| *id != "null").map(str::to_owned)
}

/// The SHA-256 as hexadecimal digits; `None` for a multipart upload, whose value (`…-3`) is a checksum of checksums.
fn sha256(base64: Option<&str>) -> Option<String> {
    let bytes = STANDARD.decode(base64?).ok()?;
    (bytes.len() == 32).then(|| hex::encode(bytes))
}

fn metadata(pairs: Option<&HashMap<String, String>>) -> BTreeMap<String, String> {
    pairs
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.to_ascii_lowercase(), value.clone()))
        .collect()
}

pub(crate) fn owned(metadata: &[(&str, &str)]) -> HashMap<String, String> {
    metadata
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listed_keys_are_decoded() {
        let keys = [
            ("results/a+b%20c%2Bd.json", Some("results/a b c+d.json")),
            ("results/%C3%B6%01.json", Some("results/ö\u{1}.json")),
            ("results/%FF", None),
        ];
        for (encoded, key) in keys {
            assert_eq!(decoded(encoded).as_deref(), key, "{encoded}");
        }
    }
}
