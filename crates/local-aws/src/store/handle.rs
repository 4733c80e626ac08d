//! The handle to the store: opening, closing, and files.

use super::{
    blobs::{self, BlobWriter, Blobs, NewBlob},
    db::Database,
    error::{StartStoreError, StoreError},
    recovery, schema,
    space::Space,
};
use crate::{checksum, events::Notifications};
use std::{fs::File, io, ops::Range, path::Path, sync::Arc};
use tokio::sync::Notify;

/// The database's file in the data folder.
pub(crate) const DATABASE: &str = "store.sqlite3";

/// A handle to the store. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) database: Database,
    pub(super) blobs: Blobs,
    pub(super) space: Space,
    pub(super) notifications: Arc<Notifications>,
    /// Notified when a message is added or its delay changes.
    pub(super) new_messages: Notify,
}

impl Store {
    /// Opens or creates the store in a folder. Makes messages in flight visible, and finishes or undoes interrupted writes.
    /// `accept_database` goes on where database and files do not belong together.
    pub(crate) fn open(
        data_dir: &Path,
        notifications: Notifications,
        accept_database: bool,
    ) -> Result<Self, StartStoreError> {
        let path = data_dir.join(DATABASE);
        if !path.try_exists()? && Blobs::has_files(data_dir)? {
            return Err(io::Error::other(format!(
                "it has files in objects/ or tmp/ but no {DATABASE}, so they may belong to another program: name another \
                 folder, or restore the database"
            ))
            .into());
        }
        let space = Space::open(data_dir);
        let blobs = Blobs::open(data_dir, space.clone())?;
        let comparison = recovery::compare(&path, &blobs, accept_database)?;
        {
            comparison.set_aside_unknown(&blobs)?;
            let connection = schema::open(&path)?;
            comparison.repair(&connection, &blobs)?;
            recovery::release_in_flight(&connection)?;
        }
        let inner = Inner {
            database: Database::open(&path, blobs.clone())?,
            space,
            blobs,
            notifications: Arc::new(notifications),
            new_messages: Notify::new(),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Returns [`StoreError::Closed`] after [`Store::close`].
    pub(crate) fn require_open(&self) -> Result<(), StoreError> {
        self.inner.database.require_open()
    }

    /// Finishes running changes and closes the database.
    pub(crate) async fn close(&self) {
        let store = self.clone();
        // A panic was reported by its own thread.
        let _ = tokio::task::spawn_blocking(move || store.inner.database.close()).await;
        self.inner.new_messages.notify_waiters();
    }

    /// Starts a file for the bytes of an object or a part.
    pub(crate) fn blob_writer(&self) -> BlobWriter {
        self.inner.blobs.writer()
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
}
