//! Objects, their metadata, and the queue, on disk.

/// A whole object, read for recognition.
#[derive(Debug, Clone)]
pub(crate) struct ObjectBytes {
    /// The object's bytes.
    pub(crate) bytes: Vec<u8>,
    /// The object's ETag, without quotes.
    pub(crate) etag: String,
}

/// Why an object could not be read for recognition.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// There is no such bucket.
    #[error("there is no bucket of this name")]
    NoSuchBucket,
    /// There is no such key in the bucket.
    #[error("there is no object of this name in the bucket")]
    NoSuchKey,
    /// The object is larger than the caller's limit; `size` is in bytes.
    #[error("the object has {size} bytes")]
    TooLarge {
        /// The object's size in bytes.
        size: u64,
    },
    /// The store itself failed.
    #[error("the store failed: {0}")]
    Store(String),
}

/// The way to everything stored. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Store {}

impl Store {
    /// Reads a whole object of at most `limit` bytes.
    pub(crate) async fn read_for_recognition(
        &self,
        bucket: &str,
        key: &str,
        limit: u64,
    ) -> Result<ObjectBytes, ReadError> {
        let _ = (bucket, key, limit);
        Err(ReadError::NoSuchBucket)
    }
}
