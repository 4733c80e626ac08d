//! Objects, their metadata, and the queue, on disk.
//!
//! Bytes lie in files ([`blobs`]), everything else in one SQLite database ([`schema`]): a change to an object
//! and the message about it are one transaction, so neither can be lost or told without the other. A file is on
//! disk before the transaction that names it, and is removed after the transaction that lets go of it; what a
//! crash leaves between the two is swept when the store is opened.

mod blobs;
mod buckets;
mod db;
mod list;
mod multipart;
mod objects;
mod queue;
mod schema;

pub(crate) use blobs::{BlobWriter, NewBlob};
pub(crate) use list::{Entry, ListQuery, Listing, common_prefix};
pub(crate) use multipart::{Completion, NewPart, Part, Upload, UploadChecksum};
pub(crate) use objects::{Attributes, NewObject, Object, WriteCondition};
pub(crate) use queue::{Dead, insert_again};
pub(crate) use schema::{OpenError, open as open_database};

use crate::{checksum, events::Notifications};
use blobs::Blobs;
use db::Database;
use std::{
    collections::HashSet,
    fs::File,
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};
use time::OffsetDateTime;
use tokio::sync::Notify;

/// The database's file in the data folder.
pub(crate) const DATABASE: &str = "store.sqlite3";

/// Why the store could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// There is no such bucket.
    #[error("there is no bucket of this name")]
    NoSuchBucket,
    /// The bucket still holds objects.
    #[error("the bucket is not empty")]
    BucketNotEmpty,
    /// There is no such key in the bucket.
    #[error("there is no object of this name in the bucket")]
    NoSuchKey,
    /// There is no such multipart upload, or it was completed or aborted.
    #[error("there is no multipart upload of this identifier")]
    NoSuchUpload,
    /// A part is missing or was replaced meanwhile.
    #[error("a part of the upload is missing or has changed")]
    InvalidPart,
    /// The object is not in the state that the write asked for.
    #[error("the object is not in the state that the request asked for")]
    PreconditionFailed,
    /// SQLite refused.
    #[error("the store's database failed: {0}")]
    Database(#[from] rusqlite::Error),
    /// The transaction could not be begun or committed.
    #[error("the store's database failed: {0}")]
    Commit(String),
    /// A column's JSON does not read.
    #[error("the store's database holds what this program does not understand: {0}")]
    Json(#[from] serde_json::Error),
    /// A file could not be written or read.
    #[error("the store's files failed: {0}")]
    Io(#[from] io::Error),
    /// The store is shutting down.
    #[error("the store is shutting down")]
    Closed,
}

/// The way to everything stored. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    database: Database,
    blobs: Blobs,
    notifications: Arc<Notifications>,
    data_dir: PathBuf,
    /// Told when a message becomes visible.
    arrivals: Notify,
}

impl Store {
    /// Opens the store in a folder, or makes it; nothing is in flight afterwards, and no orphan lies about.
    pub(crate) fn open(
        data_dir: &Path,
        notifications: Notifications,
    ) -> Result<Self, StartStoreError> {
        let path = data_dir.join(DATABASE);
        if !path.try_exists()? && Blobs::has_files(data_dir)? {
            return Err(io::Error::other(format!(
                "it has files in objects/ or tmp/ but no {DATABASE}, so they may be somebody else's: name another \
                 folder, or put the database back"
            ))
            .into());
        }
        let blobs = Blobs::open(data_dir)?;
        {
            let connection = schema::open(&path)?;
            queue::release_in_flight(&connection)?;
            let removed = blobs.sweep(&named_blobs(&connection)?)?;
            if removed > 0 {
                tracing::info!(removed, "swept files that an interrupted write had left");
            }
        }
        let inner = Inner {
            database: Database::open(&path)?,
            blobs,
            notifications: Arc::new(notifications),
            data_dir: data_dir.to_owned(),
            arrivals: Notify::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Finishes the changes in hand and closes the database.
    pub(crate) async fn close(&self) {
        let store = self.clone();
        // A panic in there was reported by its own thread.
        let _ = tokio::task::spawn_blocking(move || store.inner.database.close()).await;
        self.inner.arrivals.notify_waiters();
    }

    /// Starts a file for an object's or a part's bytes.
    pub(crate) fn blob_writer(&self) -> BlobWriter {
        self.inner.blobs.writer()
    }

    /// The folder that everything lies in.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.inner.data_dir
    }

    /// An object and its file, which stays readable whatever happens to the object.
    pub(crate) async fn open_object(
        &self,
        bucket: &str,
        key: &str,
    ) -> Result<(Object, File), StoreError> {
        // The file can go between the two looks when the object is replaced; the next look sees the new one.
        for _ in 0..8 {
            let object = self.object(bucket, key).await?;
            let blobs = self.inner.blobs.clone();
            let id = object.blob.clone();
            match tokio::task::spawn_blocking(move || blobs.open_file(&id))
                .await
                .map_err(io::Error::other)?
            {
                Ok(file) => return Ok((object, file)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(io::Error::other("an object's file is missing").into())
    }

    /// Copies a part of an open file into a new one and computes its checksum on the way.
    pub(crate) async fn copy_file(
        &self,
        file: File,
        range: Range<u64>,
        algorithm: checksum::Algorithm,
    ) -> Result<(NewBlob, checksum::Checksum), StoreError> {
        let mut writer = self.blob_writer();
        let copy = move || {
            let mut hasher = checksum::Hasher::new(algorithm);
            blobs::read_range(file, range, |piece| {
                hasher.update(piece);
                writer.write_blocking(piece)
            })?;
            let checksum = checksum::Checksum::of_bytes(algorithm, &hasher.finalize());
            Ok((writer.finish_blocking()?, checksum))
        };
        tokio::task::spawn_blocking(copy)
            .await
            .map_err(io::Error::other)?
    }

    /// Reads a whole object of at most `limit` bytes.
    pub(crate) async fn read_for_recognition(
        &self,
        bucket: &str,
        key: &str,
        limit: u64,
    ) -> Result<ObjectBytes, ReadError> {
        let (object, file) = self.open_object(bucket, key).await?;
        if object.size > limit {
            return Err(ReadError::TooLarge { size: object.size });
        }
        let read = move || {
            let mut bytes = Vec::with_capacity(usize::try_from(object.size).unwrap_or_default());
            blobs::read_range(file, 0..object.size, |piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            })?;
            Ok(ObjectBytes { bytes })
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| ReadError::Store(error.to_string()))?
    }
}

/// Why the store could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StartStoreError {
    /// A folder or file could not be made or read.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The database could not be opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database could not be read.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
}

/// A whole object, read for recognition.
#[derive(Debug, Clone)]
pub(crate) struct ObjectBytes {
    /// The object's bytes.
    pub(crate) bytes: Vec<u8>,
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

/// Every file that the database names.
fn named_blobs(connection: &rusqlite::Connection) -> Result<HashSet<String>, rusqlite::Error> {
    let mut statement =
        connection.prepare("SELECT blob FROM objects UNION ALL SELECT blob FROM parts")?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// The time as the database keeps it: milliseconds since 1970.
fn now() -> i64 {
    millis(OffsetDateTime::now_utc())
}

fn millis(time: OffsetDateTime) -> i64 {
    i64::try_from(time.unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

fn from_millis(millis: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(millis) * 1_000_000)
        .unwrap_or(OffsetDateTime::UNIX_EPOCH)
}

/// SQLite's integers are signed; sizes fit them.
fn signed(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// A key column's bytes are UTF-8, because keys come as `str`.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
