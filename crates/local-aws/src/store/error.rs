//! Errors of the store.

use super::schema::OpenError;
use std::io;
use time::OffsetDateTime;

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
    /// The version does not exist.
    #[error("the version does not exist")]
    NoSuchVersion,
    /// The key's newest version is a delete marker.
    #[error("the object was deleted")]
    Deleted {
        /// The marker's version id.
        version: String,
    },
    /// The version that the request names is a delete marker.
    #[error("the version is a delete marker")]
    Marker {
        /// Its version id.
        version: String,
        /// When the object was deleted.
        last_modified: OffsetDateTime,
    },
    /// The multipart upload does not exist, or it was completed or aborted.
    #[error("the multipart upload does not exist")]
    NoSuchUpload,
    /// A part is missing or has been replaced.
    #[error("a part of the upload is missing or has changed")]
    InvalidPart,
    /// The object does not meet the condition of the write.
    #[error("the object does not meet the condition of the request")]
    PreconditionFailed,
    /// The disk is full.
    #[error("the disk is full: nothing can be stored until there is space again")]
    DiskFull,
    /// SQLite failed.
    #[error("the store's database failed: {0}")]
    Database(rusqlite::Error),
    /// The transaction could not be started or committed.
    #[error("the store's database failed: {0}")]
    Commit(String),
    /// The JSON of a column cannot be read.
    #[error("the store's database has data that this program cannot read: {0}")]
    Json(#[from] serde_json::Error),
    /// A file could not be written or read.
    #[error("the store's files failed: {0}")]
    Io(io::Error),
    /// The store is shutting down.
    #[error("the store is shutting down")]
    Closed,
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if is_disk_full(&error) {
            Self::DiskFull
        } else {
            Self::Database(error)
        }
    }
}

/// Whether SQLite found no space. It calls that an I/O error if it cannot enlarge its shared memory.
pub(super) fn is_disk_full(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::DiskFull)
        || error
            .sqlite_error()
            .is_some_and(|error| error.extended_code == rusqlite::ffi::SQLITE_IOERR_SHMSIZE)
}

impl From<io::Error> for StoreError {
    fn from(error: io::Error) -> Self {
        use io::ErrorKind::{QuotaExceeded, StorageFull};
        if matches!(error.kind(), StorageFull | QuotaExceeded) {
            Self::DiskFull
        } else {
            Self::Io(error)
        }
    }
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
    /// Database and files do not belong together. Nothing was changed.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
}

/// How database and files differ.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Mismatch {
    /// The database knows none of the files.
    #[error(
        "its database is empty, but objects/ has {}; restore the database or a backup (`sightline \
         restore`), or start with --accept-database to move the files to unknown-objects/",
        count(*files, "file")
    )]
    Empty {
        /// Their number.
        files: usize,
    },
    /// Files are newer than the database.
    #[error(
        "its database is older than {} of objects, as after a copy without store.sqlite3-wal; copy that file \
         too, restore a backup (`sightline restore`), or start with --accept-database to move newer files to \
         unknown-objects/",
        count(*files, "file")
    )]
    Older {
        /// Their number.
        files: usize,
    },
    /// The database knows few of the files.
    #[error(
        "its database does not know {unknown} of {}; restore the right database or a backup \
         (`sightline restore`), or start with --accept-database to move unknown files to unknown-objects/",
        count(*files, "file")
    )]
    Unknown {
        /// The number of unknown files.
        unknown: usize,
        /// The number of all files.
        files: usize,
    },
    /// The files of most objects are missing.
    #[error(
        "the files of {missing} of {} are missing; copy the folder objects/ too, restore a backup \
         (`sightline restore`), or start with --accept-database to go on without them",
        count(*objects, "object")
    )]
    Missing {
        /// The number of missing files.
        missing: usize,
        /// The number of all files that the database names.
        objects: usize,
    },
}

/// A number of things, such as "1 file".
fn count(number: usize, name: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {name}{plural}")
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
            StoreError::NoSuchKey
            | StoreError::NoSuchVersion
            | StoreError::Deleted { .. }
            | StoreError::Marker { .. } => Self::NoSuchKey,
            other => Self::Store(other.to_string()),
        }
    }
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        Self::Store(error.to_string())
    }
}
