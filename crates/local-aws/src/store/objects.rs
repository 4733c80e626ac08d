//! Objects: their metadata and their changes.

use super::{
    blobs::{self, NewBlob},
    buckets,
    error::{ReadError, StoreError},
    handle::Store,
    queue,
    values::{from_millis, millis, signed, text, unsigned},
    versions::{self, Current},
};
use crate::{
    checksum::Checksum,
    events::{Cause, Change, ChangedObject},
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, fs::File, io};
use time::OffsetDateTime;

/// The metadata that a client gives for an object.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Attributes {
    pub(crate) content_type: Option<String>,
    pub(crate) cache_control: Option<String>,
    pub(crate) content_disposition: Option<String>,
    pub(crate) content_encoding: Option<String>,
    pub(crate) content_language: Option<String>,
    /// Seconds since 1970.
    pub(crate) expires: Option<i64>,
    pub(crate) website_redirect_location: Option<String>,
    /// `None` is `STANDARD`.
    pub(crate) storage_class: Option<String>,
    /// Names without `x-amz-meta-`.
    pub(crate) user: BTreeMap<String, String>,
    pub(crate) tags: Vec<(String, String)>,
    /// The upload in parts that created the object. A client that lost the response completes it again.
    pub(crate) upload: Option<String>,
}

/// One part of an object that was uploaded in parts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PartSummary {
    pub(crate) number: u16,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) checksum: Option<Checksum>,
}

/// An object.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    /// The name of the file with the bytes.
    pub(super) blob: String,
    /// In bytes.
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    /// The version id; `None` in a bucket that never had versioning.
    pub(crate) version: Option<String>,
    pub(crate) last_modified: OffsetDateTime,
    pub(crate) attributes: Attributes,
    pub(crate) checksum: Option<Checksum>,
    /// Empty unless the object was uploaded in parts.
    pub(crate) parts: Vec<PartSummary>,
}

/// The condition of a write.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum WriteCondition {
    /// None.
    Always,
    /// The object must not exist (`If-None-Match: *`).
    Absent,
    /// The object must exist (`If-Match: *`).
    Present,
    /// The object must have this ETag, without quotes (`If-Match: "..."`).
    Matches(String),
}

impl WriteCondition {
    /// Checks the ETag of the current object.
    fn check(&self, current: Option<&str>) -> Result<(), StoreError> {
        match (self, current) {
            (Self::Always, _) | (Self::Absent, None) | (Self::Present, Some(_)) => Ok(()),
            (Self::Absent, Some(_)) => Err(StoreError::PreconditionFailed),
            (Self::Present | Self::Matches(_), None) => Err(StoreError::NoSuchKey),
            (Self::Matches(expected), Some(etag)) => {
                if expected == etag {
                    Ok(())
                } else {
                    Err(StoreError::PreconditionFailed)
                }
            }
        }
    }
}

/// An object to be stored.
#[derive(Debug)]
pub(crate) struct NewObject {
    pub(crate) bucket: String,
    pub(crate) key: String,
    pub(crate) blob: NewBlob,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) attributes: Attributes,
    pub(crate) checksum: Option<Checksum>,
    pub(crate) parts: Vec<PartSummary>,
    pub(crate) condition: WriteCondition,
    pub(crate) change: Change,
    pub(crate) cause: Cause,
}

/// The result of a write, for the steps after its commit.
#[derive(Debug)]
pub(super) struct WriteResult {
    pub(super) blob: NewBlob,
    pub(super) replaced: Option<String>,
    pub(super) queued: bool,
    pub(super) stored: Stored,
}

/// An object that was stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) last_modified: OffsetDateTime,
    /// The version id; `None` in a bucket that never had versioning.
    pub(crate) version: Option<String>,
}

/// The outcome of a deletion.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Deleted {
    /// The deleted version or the new delete marker; `None` in a bucket that never had versioning.
    pub(crate) version: Option<String>,
    /// Whether a delete marker was added or deleted.
    pub(crate) marker: bool,
}

impl Store {
    /// Checks the condition of [`Store::put_object`] early, before the bytes arrive, and whether there is space.
    pub(crate) async fn check_writable(
        &self,
        bucket: &str,
        key: &str,
        condition: &WriteCondition,
    ) -> Result<(), StoreError> {
        if bucket == self.inner.notifications.bucket {
            self.inner.space.admit_picture()?;
        }
        let (bucket, key, condition) = (bucket.to_owned(), key.to_owned(), condition.clone());
        let check = move |connection: &Connection| {
            buckets::require(connection, &bucket)?;
            if condition == WriteCondition::Always {
                return Ok(());
            }
            condition.check(
                current(connection, &bucket, &key)?
                    .map(|current| current.etag)
                    .as_deref(),
            )
        };
        self.inner.database.read(check).await
    }

    /// Stores an object as the current version of its key, and queues the event.
    pub(crate) async fn put_object(&self, new: NewObject) -> Result<Stored, StoreError> {
        let notifications = std::sync::Arc::clone(&self.inner.notifications);
        let store = self.clone();
        self.inner
            .database
            .write(
                move |connection| put(connection, &notifications, new),
                move |written| store.committed(written),
            )
            .await
    }

    /// The steps after the commit of a write.
    pub(super) fn committed(&self, written: WriteResult) -> Stored {
        written.blob.keep();
        if let Some(replaced) = written.replaced {
            self.inner.blobs.remove(&replaced);
        }
        if written.queued {
            self.inner.new_messages.notify_waiters();
        }
        written.stored
    }

    /// An object: one version, or the current one. Fails with [`StoreError::NoSuchBucket`], [`StoreError::NoSuchKey`],
    /// [`StoreError::NoSuchVersion`], or for a delete marker with [`StoreError::Deleted`] or [`StoreError::Marker`].
    pub(crate) async fn object(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<Object, StoreError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let version = version.map(str::to_owned);
        self.inner
            .database
            .read(move |connection| find(connection, &bucket, &key, version.as_deref()))
            .await
    }

    /// An object and its file. The file stays readable if the object is deleted or replaced.
    pub(crate) async fn open_object(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
    ) -> Result<(Object, File), StoreError> {
        // The file disappears if the object is replaced between the two steps; the next attempt finds the new one.
        for _ in 0..8 {
            let object = self.object(bucket, key, version).await?;
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

    /// Reads a whole object of at most `limit` bytes. Returns the name of its file, which no other write has, and the
    /// bytes.
    pub(crate) async fn read_object(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        limit: u64,
    ) -> Result<(String, Vec<u8>), ReadError> {
        let (object, file) = self.open_object(bucket, key, version).await?;
        if object.size > limit {
            return Err(ReadError::TooLarge { size: object.size });
        }
        let read = move || {
            let mut bytes = Vec::with_capacity(usize::try_from(object.size).unwrap_or_default());
            blobs::read_range(file, 0..object.size, |piece| {
                bytes.extend_from_slice(piece);
                Ok(())
            })?;
            Ok((object.blob, bytes))
        };
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| ReadError::Store(error.to_string()))?
    }

    /// Deletes an object and queues the event if one is configured. Without `version`, a bucket with versioning gets a
    /// delete marker and keeps its versions. With it, that version is deleted for good. Succeeds if there is none.
    pub(crate) async fn delete_object(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        condition: WriteCondition,
        cause: Cause,
    ) -> Result<Deleted, StoreError> {
        let notifications = std::sync::Arc::clone(&self.inner.notifications);
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let version = version.map(str::to_owned);
        let delete = move |connection: &Connection| {
            let at = OffsetDateTime::now_utc();
            let removal = match &version {
                None => delete(connection, &bucket, &key, &condition, at)?,
                Some(version) => delete_version(connection, &bucket, &key, version, at)?,
            };
            let Some((change, sequencer)) = removal.change else {
                return Ok((removal, false));
            };
            let object = ChangedObject {
                bucket: &bucket,
                key: &key,
                content: None,
                version: removal.deleted.version.as_deref(),
                sequencer,
            };
            let message = notifications.message(change, &object, &cause, at)?;
            let queued = message.is_some();
            if let Some(body) = message {
                queue::insert(connection, &body, at)?;
            }
            Ok((removal, queued))
        };
        let store = self.clone();
        let committed = move |(removal, queued): (Removal, bool)| {
            if let Some(blob) = &removal.blob {
                store.inner.blobs.remove(blob);
            }
            if queued {
                store.inner.new_messages.notify_waiters();
            }
            removal.deleted
        };
        self.inner.database.write(delete, committed).await
    }

    /// Replaces an object's tags. ETag and time of modification stay the same. Returns the version id, if the bucket ever
    /// had versioning.
    pub(crate) async fn set_tags(
        &self,
        bucket: &str,
        key: &str,
        version: Option<&str>,
        tags: Vec<(String, String)>,
    ) -> Result<Option<String>, StoreError> {
        self.inner.space.admit(0)?;
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let version = version.map(str::to_owned);
        let set = move |connection: &Connection| {
            let object = find(connection, &bucket, &key, version.as_deref())?;
            let mut attributes = object.attributes;
            attributes.tags = tags;
            let attributes = serde_json::to_string(&attributes)?;
            for update in [
                "UPDATE objects SET attributes = ?3 WHERE bucket = ?1 AND key = ?2 AND blob = ?4",
                "UPDATE versions SET attributes = ?3 WHERE bucket = ?1 AND key = ?2 AND blob = ?4",
            ] {
                connection.prepare_cached(update)?.execute(params![
                    bucket,
                    key.as_bytes(),
                    attributes,
                    object.blob
                ])?;
            }
            Ok(object.version)
        };
        self.inner.database.write(set, |version| version).await
    }
}

/// What a deletion changed, for the event and the steps after its commit.
struct Removal {
    /// The file that is not needed any more.
    blob: Option<String>,
    deleted: Deleted,
    /// `None` if nothing changed.
    change: Option<(Change, u64)>,
}

/// Deletes the current version, or hides it behind a delete marker, inside a transaction.
fn delete(
    connection: &Connection,
    bucket: &str,
    key: &str,
    condition: &WriteCondition,
    at: OffsetDateTime,
) -> Result<Removal, StoreError> {
    let versioning = versions::of_bucket(connection, bucket)?;
    let current = current(connection, bucket, key)?;
    condition.check(current.as_ref().map(|current| current.etag.as_str()))?;
    if versioning.is_none() && current.is_none() {
        return Ok(Removal {
            blob: None,
            deleted: Deleted::default(),
            change: None,
        });
    }
    let sequencer = next_sequencer(connection, at)?;
    let blob = versions::make_room(connection, versioning, bucket, key, current)?;
    connection
        .prepare_cached("DELETE FROM objects WHERE bucket = ?1 AND key = ?2")?
        .execute(params![bucket, key.as_bytes()])?;
    let version = versioning.map(|versioning| versions::new_id(Some(versioning), sequencer));
    let change = match &version {
        None => Change::Delete,
        Some(version) => {
            versions::mark_deleted(connection, bucket, key, version, sequencer, at)?;
            Change::DeleteMarker
        }
    };
    Ok(Removal {
        blob,
        deleted: Deleted {
            marker: version.is_some(),
            version,
        },
        change: Some((change, sequencer)),
    })
}

/// Deletes a version for good, inside a transaction.
fn delete_version(
    connection: &Connection,
    bucket: &str,
    key: &str,
    version: &str,
    at: OffsetDateTime,
) -> Result<Removal, StoreError> {
    let versioning = versions::of_bucket(connection, bucket)?;
    let found = versions::delete_version(connection, bucket, key, version)?;
    let is_marker = found.as_ref().is_some_and(|found| found.blob.is_none());
    let change = match found {
        None => None,
        Some(_) => Some((Change::Delete, next_sequencer(connection, at)?)),
    };
    Ok(Removal {
        blob: found.and_then(|found| found.blob),
        deleted: Deleted {
            version: versioning.map(|_| version.to_owned()),
            marker: is_marker,
        },
        change,
    })
}

/// Stores an object inside a transaction.
pub(super) fn put(
    connection: &Connection,
    notifications: &crate::events::Notifications,
    new: NewObject,
) -> Result<WriteResult, StoreError> {
    let versioning = versions::of_bucket(connection, &new.bucket)?;
    let current = current(connection, &new.bucket, &new.key)?;
    new.condition
        .check(current.as_ref().map(|current| current.etag.as_str()))?;
    let at = OffsetDateTime::now_utc();
    let sequencer = next_sequencer(connection, at)?;
    let version = versions::new_id(versioning, sequencer);
    let replaced = versions::make_room(connection, versioning, &new.bucket, &new.key, current)?;
    let checksum = new
        .checksum
        .as_ref()
        .map(serde_json::to_string)
        .transpose()?;
    let parts = if new.parts.is_empty() {
        None
    } else {
        Some(serde_json::to_string(&new.parts)?)
    };
    connection
        .prepare_cached(
            "INSERT INTO objects
                 (bucket, key, blob, size, etag, sequencer, last_modified, attributes, checksum, parts, version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (bucket, key) DO UPDATE SET
                 blob = excluded.blob, size = excluded.size, etag = excluded.etag,
                 sequencer = excluded.sequencer, last_modified = excluded.last_modified,
                 attributes = excluded.attributes, checksum = excluded.checksum, parts = excluded.parts,
                 version = excluded.version",
        )?
        .execute(params![
            new.bucket,
            new.key.as_bytes(),
            new.blob.id(),
            signed(new.blob.size()),
            new.etag,
            signed(sequencer),
            millis(at),
            serde_json::to_string(&new.attributes)?,
            checksum,
            parts,
            version,
        ])?;
    let version = versioning.map(|_| version);
    let object = ChangedObject {
        bucket: &new.bucket,
        key: &new.key,
        content: Some((new.blob.size(), &new.etag)),
        version: version.as_deref(),
        sequencer,
    };
    let message = notifications.message(new.change, &object, &new.cause, at)?;
    let queued = message.is_some();
    if let Some(body) = message {
        queue::insert(connection, &body, at)?;
    }
    Ok(WriteResult {
        blob: new.blob,
        replaced,
        queued,
        stored: Stored {
            last_modified: from_millis(millis(at)),
            version,
        },
    })
}

/// The current version.
fn current(
    connection: &Connection,
    bucket: &str,
    key: &str,
) -> Result<Option<Current>, StoreError> {
    Ok(connection
        .prepare_cached("SELECT blob, etag, version FROM objects WHERE bucket = ?1 AND key = ?2")?
        .query_row(params![bucket, key.as_bytes()], |row| {
            Ok(Current {
                blob: row.get(0)?,
                etag: row.get(1)?,
                version: row.get(2)?,
            })
        })
        .optional()?)
}

fn find(
    connection: &Connection,
    bucket: &str,
    key: &str,
    version: Option<&str>,
) -> Result<Object, StoreError> {
    let is_versioned = versions::of_bucket(connection, bucket)?.is_some();
    let Some(version) = version else {
        let found = connection
            .prepare_cached(
                "SELECT blob, size, etag, last_modified, attributes, checksum, parts, version
                 FROM objects WHERE bucket = ?1 AND key = ?2",
            )?
            .query_row(params![bucket, key.as_bytes()], |row| {
                Ok(read(row, is_versioned))
            })
            .optional()?;
        return found.unwrap_or_else(|| Err(versions::no_current(connection, bucket, key)));
    };
    let found = connection
        .prepare_cached(
            "SELECT blob, size, etag, last_modified, attributes, checksum, parts, version
             FROM objects WHERE bucket = ?1 AND key = ?2 AND version = ?3
             UNION ALL
             SELECT blob, size, etag, last_modified, attributes, checksum, parts, version
             FROM versions WHERE bucket = ?1 AND key = ?2 AND version = ?3",
        )?
        .query_row(params![bucket, key.as_bytes(), version], |row| {
            let is_marker = row.get_ref(0)? == rusqlite::types::ValueRef::Null;
            if is_marker {
                return Ok(Err(StoreError::Marker {
                    version: version.to_owned(),
                    last_modified: from_millis(row.get(3)?),
                }));
            }
            Ok(read(row, is_versioned))
        })
        .optional()?;
    found.unwrap_or(Err(StoreError::NoSuchVersion))
}

fn read(row: &Row<'_>, is_versioned: bool) -> Result<Object, StoreError> {
    let checksum: Option<String> = row.get(5)?;
    let parts: Option<String> = row.get(6)?;
    Ok(Object {
        blob: row.get(0)?,
        size: unsigned(row.get(1)?),
        etag: row.get(2)?,
        version: is_versioned.then(|| row.get(7)).transpose()?,
        last_modified: from_millis(row.get(3)?),
        attributes: serde_json::from_str(&row.get::<_, String>(4)?)?,
        checksum: checksum.as_deref().map(serde_json::from_str).transpose()?,
        parts: parts
            .as_deref()
            .map(serde_json::from_str)
            .transpose()?
            .unwrap_or_default(),
    })
}

/// The next sequencer, larger than every earlier one. It follows the clock, so that a recreated store continues with
/// larger ones, but never goes back.
fn next_sequencer(connection: &Connection, at: OffsetDateTime) -> Result<u64, StoreError> {
    let micros = i64::try_from(at.unix_timestamp_nanos() / 1_000).unwrap_or_default();
    let next: i64 = connection
        .prepare_cached(
            "INSERT INTO counters (name, value) VALUES ('sequencer', ?1)
             ON CONFLICT (name) DO UPDATE SET value = max(value + 1, excluded.value)
             RETURNING value",
        )?
        .query_row([micros], |row| row.get(0))?;
    Ok(unsigned(next))
}

/// The key in a column.
pub(super) fn key_of(row: &Row<'_>, column: usize) -> Result<String, rusqlite::Error> {
    Ok(text(row.get(column)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequencers_grow_even_if_the_clock_goes_back() {
        let dir = tempfile::tempdir().unwrap();
        let connection = super::super::schema::open(&dir.path().join("db")).unwrap();
        let at = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let first = next_sequencer(&connection, at(2_000_000_000)).unwrap();
        let second = next_sequencer(&connection, at(1_000_000_000)).unwrap();
        let third = next_sequencer(&connection, at(2_000_000_001)).unwrap();
        assert!(first < second && second < third, "{first} {second} {third}");
    }

    #[test]
    fn write_conditions() {
        let matches = WriteCondition::Matches("abc".to_owned());
        for (condition, current, holds) in [
            (&WriteCondition::Always, None, true),
            (&WriteCondition::Always, Some("abc"), true),
            (&WriteCondition::Absent, None, true),
            (&WriteCondition::Absent, Some("abc"), false),
            (&WriteCondition::Present, None, false),
            (&WriteCondition::Present, Some("abc"), true),
            (&matches, Some("abc"), true),
            (&matches, Some("abd"), false),
            (&matches, None, false),
        ] {
            assert_eq!(
                condition.check(current).is_ok(),
                holds,
                "{condition:?} {current:?}"
            );
        }
    }
}
