//! The port to the buckets.

use std::{collections::BTreeMap, future::Future, time::Duration};

use time::OffsetDateTime;

use crate::service_error::ServiceError;

/// Objects in buckets, as much of S3 as Sightline needs. Keys are as they stand in the bucket, not encoded.
pub trait ObjectStore: Send + Sync + 'static {
    /// An object's metadata; `None` when there is no such object.
    fn head(
        &self,
        bucket: &str,
        key: &str,
    ) -> impl Future<Output = Result<Option<ObjectInfo>, ServiceError>> + Send;

    /// An object or its first bytes.
    fn get(&self, get: Get<'_>) -> impl Future<Output = Result<GetOutcome, ServiceError>> + Send;

    /// Stores an object whole, or, when `put.condition` does not hold, not at all.
    fn put(&self, put: Put<'_>) -> impl Future<Output = Result<PutOutcome, ServiceError>> + Send;

    /// Removes an object; one that is not there is removed already.
    fn delete(
        &self,
        bucket: &str,
        key: &str,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// The same in a single request, for keys that others write too: a removal whose reply is lost is not sent again,
    /// since by then something else may lie there.
    fn delete_once(
        &self,
        bucket: &str,
        key: &str,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

/// What lies in a bucket.
pub trait ListObjects: Send + Sync + 'static {
    /// Keys that begin with `prefix` and come after `after`, in the order of their bytes: the first
    /// 1000 of them at most. A listing without keys is the last.
    fn list(
        &self,
        bucket: &str,
        prefix: &str,
        after: Option<&str>,
    ) -> impl Future<Output = Result<Vec<String>, ServiceError>> + Send;
}

/// Signed addresses, made without asking anybody.
pub trait Presigner: Send + Sync + 'static {
    /// An address at which exactly this object can be PUT, once.
    fn presign_put(
        &self,
        put: PresignPut<'_>,
    ) -> impl Future<Output = Result<PresignedPut, ServiceError>> + Send;

    /// An address from which the object can be read for that long.
    fn presign_get(
        &self,
        bucket: &str,
        key: &str,
        expires_in: Duration,
    ) -> impl Future<Output = Result<String, ServiceError>> + Send;
}

/// What a bucket says of an object.
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
    /// Version, where the bucket keeps versions.
    pub version_id: Option<String>,
    /// SHA-256 of the object, 64 hexadecimal digits, where the bucket verified one.
    pub sha256: Option<String>,
    /// User metadata, names in lower case without `x-amz-meta-`.
    pub metadata: BTreeMap<String, String>,
}

/// What to read.
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
    /// The newest version of an object, whole.
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
    /// The object's metadata and the bytes that were asked for.
    Found(ObjectInfo, Vec<u8>),
    /// No such object, or no such version.
    Missing,
    /// The object is another than `if_match` names.
    Changed,
}

/// What to store.
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
    /// What must hold for the object to be stored.
    pub condition: Condition<'a>,
}

/// What must hold when an object is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition<'a> {
    /// Nothing.
    Always,
    /// There is no such object yet.
    IfAbsent,
    /// The object there has this ETag, without quotes.
    IfMatch(&'a str),
}

/// What became of a [`Put`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutOutcome {
    /// Stored; the new ETag without quotes.
    Stored(String),
    /// The condition did not hold, or another write won the race for it; nothing was stored.
    ConditionFailed,
}

/// What an upload address is to be signed for.
#[derive(Debug, Clone, Copy)]
pub struct PresignPut<'a> {
    /// The bucket.
    pub bucket: &'a str,
    /// The key.
    pub key: &'a str,
    /// The one content type.
    pub content_type: &'a str,
    /// The one length in bytes.
    pub content_length: u64,
    /// SHA-256 of the bytes, 64 hexadecimal digits, where the client gave one.
    pub sha256: Option<&'a str>,
    /// User metadata, ASCII, names in lower case without `x-amz-meta-`.
    pub metadata: &'a [(&'a str, &'a str)],
    /// How long the address works.
    pub expires_in: Duration,
}

/// A signed upload address; whoever holds it can upload, so it never reaches a log.
#[derive(Clone, PartialEq, Eq)]
pub struct PresignedPut {
    /// The address.
    pub url: String,
    /// Exactly the headers the client must send, names in lower case.
    pub headers: BTreeMap<String, String>,
    /// When the address stops working.
    pub expires_at: OffsetDateTime,
}

impl std::fmt::Debug for PresignedPut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PresignedPut")
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
