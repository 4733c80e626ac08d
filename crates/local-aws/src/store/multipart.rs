//! Multipart uploads. Parts have their own files until the upload is completed or aborted.

use super::{
    blobs::{self, NewBlob},
    buckets,
    error::StoreError,
    handle::Store,
    objects::{self, Attributes, NewObject, PartSummary, Stored, WriteCondition, key_of},
    values::{from_millis, now, signed, unsigned},
};
use crate::{
    checksum::{Algorithm, Checksum, Coverage},
    events::{Cause, Change},
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use std::{io, sync::Arc};
use time::OffsetDateTime;
use uuid::Uuid;

/// The checksum of the object of an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UploadChecksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) coverage: Coverage,
    /// Whether the client chose it. Only then do responses contain it.
    #[serde(rename = "asked_for")]
    pub(crate) requested: bool,
}

/// An upload in progress.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) initiated_at: OffsetDateTime,
    pub(crate) attributes: Attributes,
    pub(crate) checksum: UploadChecksum,
}

/// A part of an upload in progress.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub(crate) number: u16,
    blob: String,
    /// In bytes.
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) checksum: Checksum,
    pub(crate) last_modified: OffsetDateTime,
}

/// A part to store.
#[derive(Debug)]
pub(crate) struct NewPart {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) upload: String,
    pub(crate) number: u16,
    pub(crate) blob: NewBlob,
    /// Without quotes.
    pub(crate) etag: String,
    /// With the upload's algorithm.
    pub(crate) checksum: Checksum,
}

/// The parameters of [`Store::complete_upload`].
#[derive(Debug)]
pub(crate) struct Completion {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) upload: Upload,
    /// The parts of the object in order.
    pub(crate) parts: Vec<Part>,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) condition: WriteCondition,
    pub(crate) cause: Cause,
}

impl Store {
    /// Starts an upload. Returns its identifier.
    pub(crate) async fn create_upload(
        &self,
        bucket: &str,
        key: &str,
        attributes: Attributes,
        checksum: UploadChecksum,
    ) -> Result<String, StoreError> {
        self.inner.space.admit_picture()?;
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let create = move |connection: &Connection| {
            buckets::require(connection, &bucket)?;
            let id = Uuid::new_v4().simple().to_string();
            connection
                .prepare_cached(
                    "INSERT INTO uploads (id, bucket, key, initiated_at, attributes, checksum)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                )?
                .execute(params![
                    id,
                    bucket,
                    key.as_bytes(),
                    now(),
                    serde_json::to_string(&attributes)?,
                    serde_json::to_string(&checksum)?
                ])?;
            Ok(id)
        };
        self.inner.database.write(create, |id| id).await
    }

    /// An upload in progress, or [`StoreError::NoSuchUpload`].
    pub(crate) async fn upload(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
    ) -> Result<Upload, StoreError> {
        let (bucket, key, id) = (bucket.to_owned(), key.to_owned(), id.to_owned());
        self.inner
            .database
            .read(move |connection| find(connection, &bucket, &key, &id))
            .await
    }

    /// The uploads in progress of a bucket whose keys have the prefix, by key and age.
    pub(crate) async fn uploads(
        &self,
        bucket: &str,
        prefix: &str,
    ) -> Result<Vec<Upload>, StoreError> {
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        let list = move |connection: &Connection| {
            buckets::require(connection, &bucket)?;
            let mut statement = connection.prepare_cached(
                "SELECT id, key, initiated_at, attributes, checksum FROM uploads
                 WHERE bucket = ?1 AND key >= ?2 ORDER BY key, initiated_at, id",
            )?;
            let mut rows = statement.query(params![bucket, prefix.as_bytes()])?;
            let mut uploads = Vec::new();
            while let Some(row) = rows.next()? {
                let upload = read(row)?;
                if !upload.key.starts_with(&prefix) {
                    break;
                }
                uploads.push(upload);
            }
            Ok(uploads)
        };
        self.inner.database.read(list).await
    }

    /// The parts of an upload, by number.
    pub(crate) async fn parts(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
    ) -> Result<(Upload, Vec<Part>), StoreError> {
        let (bucket, key, id) = (bucket.to_owned(), key.to_owned(), id.to_owned());
        let list = move |connection: &Connection| {
            let upload = find(connection, &bucket, &key, &id)?;
            let mut statement = connection.prepare_cached(
                "SELECT number, blob, size, etag, checksum, last_modified FROM parts
                 WHERE upload = ?1 ORDER BY number",
            )?;
            let mut rows = statement.query([&id])?;
            let mut parts = Vec::new();
            while let Some(row) = rows.next()? {
                parts.push(Part {
                    number: row.get(0)?,
                    blob: row.get(1)?,
                    size: unsigned(row.get(2)?),
                    etag: row.get(3)?,
                    checksum: serde_json::from_str(&row.get::<_, String>(4)?)?,
                    last_modified: from_millis(row.get(5)?),
                });
            }
            Ok((upload, parts))
        };
        self.inner.database.read(list).await
    }

    /// Stores a part in place of the one with its number; returns when it was modified.
    pub(crate) async fn put_part(&self, new: NewPart) -> Result<OffsetDateTime, StoreError> {
        let put = move |connection: &Connection| {
            find(connection, &new.bucket, &new.key, &new.upload)?;
            let replaced: Option<String> = connection
                .prepare_cached("SELECT blob FROM parts WHERE upload = ?1 AND number = ?2")?
                .query_row(params![new.upload, new.number], |row| row.get(0))
                .optional()?;
            let at = now();
            connection
                .prepare_cached(
                    "INSERT OR REPLACE INTO parts (upload, number, blob, size, etag, checksum, last_modified)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                )?
                .execute(params![
                    new.upload,
                    new.number,
                    new.blob.id(),
                    signed(new.blob.size()),
                    new.etag,
                    serde_json::to_string(&new.checksum)?,
                    at
                ])?;
            Ok((new.blob, replaced, from_millis(at)))
        };
        let files = self.inner.blobs.clone();
        let committed = move |(blob, replaced, at): (NewBlob, Option<String>, _)| {
            blob.keep();
            if let Some(replaced) = replaced {
                files.remove(&replaced);
            }
            at
        };
        self.inner.database.write(put, committed).await
    }

    /// Creates an object from the parts of an upload and removes the upload.
    pub(crate) async fn complete_upload(
        &self,
        completion: Completion,
    ) -> Result<Stored, StoreError> {
        let Completion {
            bucket,
            key,
            upload,
            parts,
            etag,
            checksum,
            condition,
            cause,
        } = completion;
        let blob = self.join(&parts).await?;
        let new = NewObject {
            bucket,
            key,
            blob,
            etag,
            attributes: upload.attributes,
            checksum,
            parts: parts
                .iter()
                .map(|part| PartSummary {
                    number: part.number,
                    size: part.size,
                    checksum: Some(part.checksum.clone()),
                })
                .collect(),
            condition,
            change: Change::CompleteMultipartUpload,
            cause,
        };
        let notifications = Arc::clone(&self.inner.notifications);
        let complete = move |connection: &Connection| {
            find(connection, &new.bucket, &new.key, &upload.id)?;
            let stored = part_files(connection, &upload.id)?;
            // A part may have been replaced while the object was assembled.
            if !parts.iter().all(|part| stored.contains(&part.blob)) {
                return Err(StoreError::InvalidPart);
            }
            connection
                .prepare_cached("DELETE FROM uploads WHERE id = ?1")?
                .execute([&upload.id])?;
            Ok((objects::put(connection, &notifications, new)?, stored))
        };
        let store = self.clone();
        let committed = move |(written, stored): (objects::WriteResult, Vec<String>)| {
            stored
                .iter()
                .for_each(|blob| store.inner.blobs.remove(blob));
            store.committed(written)
        };
        self.inner.database.write(complete, committed).await
    }

    /// Removes an upload and its parts.
    pub(crate) async fn abort_upload(
        &self,
        bucket: &str,
        key: &str,
        id: &str,
    ) -> Result<(), StoreError> {
        let (bucket, key, id) = (bucket.to_owned(), key.to_owned(), id.to_owned());
        let abort = move |connection: &Connection| {
            find(connection, &bucket, &key, &id)?;
            let stored = part_files(connection, &id)?;
            connection
                .prepare_cached("DELETE FROM uploads WHERE id = ?1")?
                .execute([&id])?;
            Ok(stored)
        };
        let files = self.inner.blobs.clone();
        self.inner
            .database
            .write(abort, move |stored| {
                stored.iter().for_each(|blob| files.remove(blob))
            })
            .await
    }

    /// Concatenates the parts into one file.
    async fn join(&self, parts: &[Part]) -> Result<NewBlob, StoreError> {
        let files = self.inner.blobs.clone();
        let parts: Vec<(String, u64)> = parts
            .iter()
            .map(|part| (part.blob.clone(), part.size))
            .collect();
        let join = move || {
            let mut writer = files.writer();
            for (id, size) in parts {
                let file = match files.open_file(&id) {
                    Ok(file) => file,
                    // The part was replaced or the upload was aborted in the meantime.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {
                        return Err(StoreError::InvalidPart);
                    }
                    Err(error) => return Err(error.into()),
                };
                blobs::read_range(file, 0..size, |piece| writer.write_blocking(piece))?;
            }
            Ok(writer.finish_blocking()?)
        };
        tokio::task::spawn_blocking(join)
            .await
            .map_err(io::Error::other)?
    }
}

fn find(connection: &Connection, bucket: &str, key: &str, id: &str) -> Result<Upload, StoreError> {
    let found = connection
        .prepare_cached(
            "SELECT id, key, initiated_at, attributes, checksum FROM uploads
             WHERE id = ?1 AND bucket = ?2 AND key = ?3",
        )?
        .query_row(params![id, bucket, key.as_bytes()], |row| Ok(read(row)))
        .optional()?;
    match found {
        Some(upload) => upload,
        None => {
            buckets::require(connection, bucket)?;
            Err(StoreError::NoSuchUpload)
        }
    }
}

fn read(row: &Row<'_>) -> Result<Upload, StoreError> {
    Ok(Upload {
        id: row.get(0)?,
        key: key_of(row, 1)?,
        initiated_at: from_millis(row.get(2)?),
        attributes: serde_json::from_str(&row.get::<_, String>(3)?)?,
        checksum: serde_json::from_str(&row.get::<_, String>(4)?)?,
    })
}

fn part_files(connection: &Connection, id: &str) -> Result<Vec<String>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT blob FROM parts WHERE upload = ?1")?;
    Ok(statement
        .query_map([id], |row| row.get(0))?
        .collect::<Result<_, _>>()?)
}
