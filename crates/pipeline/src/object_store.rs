//! The ports to the buckets.

use std::{collections::BTreeMap, future::Future, time::Duration};

use time::OffsetDateTime;

use crate::{service_error::ServiceError, version::ObjectVersion};

/// Objects in buckets: the part of S3 that Sightline needs. Keys are not encoded.
pub trait ObjectStore: Send + Sync + 'static {
    /// An object's metadata; `None` if there is no such object.
    fn head(
        &self,
        bucket: &str,
        key: &str,
    ) -> impl Future<Output = Result<Option<ObjectInfo>, ServiceError>> + Send;

    /// An object or its first bytes.
    fn get(&self, get: Get<'_>) -> impl Future<Output = Result<GetOutcome, ServiceError>> + Send;

    /// Stores an object, if `put.condition` holds.
    fn put(&self, put: Put<'_>) -> impl Future<Output = Result<PutOutcome, ServiceError>> + Send;

    /// Copies an object within its bucket, with its type and user metadata, unless there is an object under the new key.
    fn copy(
        &self,
        bucket: &str,
        from: &str,
        to: &str,
    ) -> impl Future<Output = Result<CopyOutcome, ServiceError>> + Send {
        async move {
            let GetOutcome::Found(info, body) = self.get(Get::whole(bucket, from)).await? else {
                return Ok(CopyOutcome::Missing);
            };
            let metadata: Vec<_> = (info.metadata.iter())
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            let put = Put {
                bucket,
                key: to,
                body: &body,
                content_type: &info.content_type,
                metadata: &metadata,
                condition: Condition::IfAbsent,
            };
            Ok(match self.put(put).await? {
                PutOutcome::Stored(_) => CopyOutcome::Copied,
                PutOutcome::ConditionFailed => CopyOutcome::Exists,
            })
        }
    }

    /// Deletes an object. Deleting a missing object succeeds.
    fn delete(
        &self,
        bucket: &str,
        key: &str,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Deletes an object with all of its versions, in a bucket that keeps versions. A version that is stored meanwhile stays.
    /// Deleting a missing object succeeds, and an interrupted deletion can be repeated.
    fn delete_versions(
        &self,
        bucket: &str,
        key: &str,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send {
        self.delete(bucket, key)
    }

    /// Deletes an object in a single request, for keys that others write too. If the reply is lost, the request is not
    /// repeated, because by then another object may be stored there.
    fn delete_once(
        &self,
        bucket: &str,
        key: &str,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

/// Lists the objects in a bucket.
pub trait ListObjects: Send + Sync + 'static {
    /// The first 1000 keys that begin with `prefix` and come after `after`, in byte order. No key means the end of
    /// the list.
    fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> impl Future<Output = Result<Vec<String>, ServiceError>> + Send;
}

/// Makes presigned URLs, without any request.
pub trait Presigner: Send + Sync + 'static {
    /// A URL to which exactly this object can be PUT, once.
    fn presign_put(
        &self,
        put: PresignPut<'_>,
    ) -> impl Future<Output = Result<PresignedPut, ServiceError>> + Send;

    /// A URL from which the object can be read until it expires.
    fn presign_get(
        &self,
        bucket: &str,
        key: &str,
        expires_in: Duration,
    ) -> impl Future<Output = Result<String, ServiceError>> + Send;
}

/// An object's metadata.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ObjectInfo {
    /// ETag without quotes.
    pub e_tag: String,
    /// Size of the whole object in bytes.
    pub size: u64,
    /// `Content-Type`.
    pub content_type: String,
    /// When the object was stored, to the second.
    pub last_modified: Option<OffsetDateTime>,
    /// The version, if the bucket has versioning.
    pub version_id: Option<String>,
    /// SHA-256 of the object, 64 hexadecimal digits, if the bucket verified one.
    pub sha256: Option<String>,
    /// User metadata, names in lower case without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

impl ObjectInfo {
    /// Its version. The bucket gives no sequencer.
    #[must_use]
    pub fn version(&self) -> ObjectVersion {
        ObjectVersion {
            e_tag: self.e_tag.clone(),
            version_id: self.version_id.clone(),
            sequencer: None,
            last_modified: self.last_modified,
        }
    }
}

/// A read.
#[derive(Debug, Clone, Copy)]
pub struct Get<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key.
    pub key: &'a str,
    /// One version; the newest if `None`.
    pub version_id: Option<&'a str>,
    /// Only if the object's ETag is this, without quotes.
    pub if_match: Option<&'a str>,
    /// At most this many bytes from the start; the whole object if `None`.
    pub first_bytes: Option<u64>,
}

impl<'a> Get<'a> {
    /// All bytes of the newest version.
    #[must_use]
    pub const fn whole(bucket: &'a str, key: &'a str) -> Self {
        Self {
            bucket,
            key,
            version_id: None,
            if_match: None,
            first_bytes: None,
        }
    }
}

/// The outcome of a [`Get`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GetOutcome {
    /// The object's metadata and the requested bytes.
    Found(ObjectInfo, Vec<u8>),
    /// No such object, or no such version.
    Missing,
    /// The object's ETag is not `if_match`.
    Changed,
}

/// A write.
#[derive(Debug, Clone, Copy)]
pub struct Put<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key.
    pub key: &'a str,
    /// The bytes.
    pub body: &'a [u8],
    /// `Content-Type`.
    pub content_type: &'a str,
    /// User metadata, ASCII, names in lower case without `x-amz-meta-`.
    pub metadata: &'a [(&'a str, &'a str)],
    /// The condition for storing the object.
    pub condition: Condition<'a>,
}

/// The condition of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition<'a> {
    /// None.
    Always,
    /// There is no such object.
    IfAbsent,
    /// The stored object has this ETag, without quotes.
    IfMatch(&'a str),
}

/// The outcome of a [`Put`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutOutcome {
    /// The object is stored; the new ETag without quotes.
    Stored(String),
    /// The condition did not hold, or another write won the race. Nothing was stored.
    ConditionFailed,
}

/// The outcome of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyOutcome {
    /// The object is copied.
    Copied,
    /// There is an object under the new key already. Nothing was copied.
    Exists,
    /// There is no object to copy.
    Missing,
}

/// The object for which an upload URL is signed.
#[derive(Debug, Clone, Copy)]
pub struct PresignPut<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key.
    pub key: &'a str,
    /// The only accepted content type.
    pub content_type: &'a str,
    /// The only accepted length in bytes.
    pub content_length: u64,
    /// SHA-256 of the bytes, 64 hexadecimal digits, if the client gave one.
    pub sha256: Option<&'a str>,
    /// User metadata, ASCII, names in lower case without `x-amz-meta-`.
    pub metadata: &'a [(&'a str, &'a str)],
    /// How long the URL is valid.
    pub expires_in: Duration,
}

/// A presigned upload URL. Anyone who has it can upload, so it must never reach a log.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedPut {
    /// The URL.
    pub url: String,
    /// The headers that the client must send, no more and no fewer; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// When the URL expires.
    pub expires_at: OffsetDateTime,
}

impl std::fmt::Debug for PresignedPut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PresignedPut")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
