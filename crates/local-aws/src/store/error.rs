//! Errors of the store.

use super::schema::OpenError;
use std::io;

/// Why a store operation failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// The bucket does not exist.
    #[error("the bucket does not exist")]
    NoSuchBucket,
    /// The bucket contains objects.
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    /// The object does not exist.
    #[error("the object does not exist")]
    NoSuchKey,
    /// The multipart upload does not exist, or it was completed or aborted.
    #[error("the multipart upload does not exist")]
    NoSuchUpload,
    /// A part is missing or has been replaced.
    #[error("a part of the upload is missing or has changed")]
    InvalidPart,
    /// The object does not meet the condition of the write.
    #[error("the object does not meet the condition of the request")]
    PreconditionFailed,
    /// SQLite failed.
    #[error("the store's database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The transaction could not be started or committed.
    #[error("the store's database failed: {0}")]
    Commit(String),
    /// The JSON of a column cannot be read.
    #[error("the store's database has data that this program cannot read: {0}")]
    Json(#[from] serde_json::Error),
    /// A file could not be written or read.
    #[error("the store's files failed: {0}")]
    Io(#[from] io::Error),
    /// The store is shutting down.
    #[error("the store is shutting down")]
    Closed,
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartStoreError {
    /// A folder or file could not be created or read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The database could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database could not be read.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// Why [`Store::read_object`] failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReadError {
    /// The bucket does not exist.
    #[error("the bucket does not exist")]
    NoSuchBucket,
    /// The object does not exist.
    #[error("the object does not exist")]
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

impl From<StoreError> for ReadError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::NoSuchBucket => Self::NoSuchBucket,
            StoreError::NoSuchKey => Self::NoSuchKey,
            other => Self::Store(other.to_string()),
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Store(error.to_string())
    }
}
