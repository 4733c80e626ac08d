//! Versions of objects, as in a bucket with versioning (Amazon S3 User Guide, "Retaining multiple versions of objects with S3
//! Versioning").
//!
//! The current version of a key is a row of `objects`. All others, and delete markers, are rows of `versions`. If a key's
//! newest version is a delete marker, the key has no row in `objects`.

use super::{
    error::StoreError,
    handle::Store,
    values::{millis, signed},
};
use crate::events::NULL_VERSION;
use rusqlite::{Connection, OptionalExtension, params};
use time::OffsetDateTime;
use uuid::Uuid;

/// Whether new objects become versions of their own. A bucket where it was never set has none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versioning {
    /// Every write and deletion adds a version.
    Enabled,
    /// Writes and deletions replace the version `null` and keep all others.
    Suspended,
}

impl Versioning {
    /// S3's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Enabled => "Enabled",
            Self::Suspended => "Suspended",
        }
    }

    /// The state with S3's name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Self::Enabled, Self::Suspended]
            .into_iter()
            .find(|state| state.name() == name)
    }
}

/// The row of a key in `objects`.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) blob: String,
    /// Without quotes.
    pub(super) etag: String,
    pub(super) version: String,
}

impl Store {
    /// Sets a bucket's versioning. It cannot be unset.
    pub(crate) async fn set_versioning(
        &self,
        bucket: &str,
        versioning: Versioning,
    ) -> Result<(), StoreError> {
        let bucket = bucket.to_owned();
        let set = move |connection: &Connection| {
            let changed = connection
                .prepare_cached("UPDATE buckets SET versioning = ?2 WHERE name = ?1")?
                .execute(params![bucket, versioning.name()])?;
            if changed == 0 {
                return Err(StoreError::NoSuchBucket);
            }
            Ok(())
        };
        self.inner.database.write(set, |()| ()).await
    }

    /// A bucket's versioning; `None` if it was never set.
    pub(crate) async fn versioning(&self, bucket: &str) -> Result<Option<Versioning>, StoreError> {
        let bucket = bucket.to_owned();
        self.inner
            .database
            .read(move |connection| of_bucket(connection, &bucket))
            .await
    }
}

/// A bucket's versioning, or [`StoreError::NoSuchBucket`].
pub(super) fn of_bucket(
    connection: &Connection,
    bucket: &str,
) -> Result<Option<Versioning>, StoreError> {
    let found: Option<Option<String>> = connection
        .prepare_cached("SELECT versioning FROM buckets WHERE name = ?1")?
        .query_row([bucket], |row| row.get(0))
        .optional()?;
    let state = found.ok_or(StoreError::NoSuchBucket)?;
    Ok(state.as_deref().and_then(Versioning::named))
}

/// The id of a new version. Listings continue after a version that was deleted meanwhile, so an id begins with its place.
pub(super) fn new_id(versioning: Option<Versioning>, sequencer: u64) -> String {
    match versioning {
        Some(Versioning::Enabled) => {
            let (random, _) = Uuid::new_v4().as_u64_pair();
            format!("{sequencer:016x}{random:016x}")
        }
        None | Some(Versioning::Suspended) => NULL_VERSION.to_owned(),
    }
}

/// The sequencer in an id of [`new_id`]. `None` if the id has another form.
pub(crate) fn sequencer_in(version: &str) -> Option<u64> {
    let is_id = version.len() == 32
        && version
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let sequencer = version.get(..16).filter(|_| is_id)?;
    u64::from_str_radix(sequencer, 16).ok()
}

/// Keeps the current version beside a new one, or removes the version that the new one replaces. The caller then replaces or
/// deletes the row of `objects`. Returns the file that is not needed any more.
pub(super) fn make_room(
    connection: &Connection,
    versioning: Option<Versioning>,
    bucket: &str,
    key: &str,
    current: Option<Current>,
) -> Result<Option<String>, StoreError> {
    let mut replaced = None;
    if versioning == Some(Versioning::Suspended) {
        replaced = delete_row(connection, bucket, key, NULL_VERSION)?.and_then(|(_, blob)| blob);
    }
    match current {
        Some(current)
            if versioning == Some(Versioning::Enabled) || current.version != NULL_VERSION =>
        {
            connection
                .prepare_cached(
                    "INSERT INTO versions
                         (bucket, key, sequencer, version, blob, size, etag, last_modified, attributes, checksum, parts)
                     SELECT bucket, key, sequencer, version, blob, size, etag, last_modified, attributes, checksum, parts
                     FROM objects WHERE bucket = ?1 AND key = ?2",
                )?
                .execute(params![bucket, key.as_bytes()])?;
            Ok(replaced)
        }
        Some(current) => Ok(Some(current.blob)),
        None => Ok(replaced),
    }
}

/// Adds a delete marker as the newest version.
pub(super) fn mark_deleted(
    connection: &Connection,
    bucket: &str,
    key: &str,
    version: &str,
    sequencer: u64,
    at: OffsetDateTime,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT INTO versions
                 (bucket, key, sequencer, version, blob, size, etag, last_modified, attributes)
             VALUES (?1, ?2, ?3, ?4, NULL, 0, '', ?5, '{}')",
        )?
        .execute(params![
            bucket,
            key.as_bytes(),
            signed(sequencer),
            version,
            millis(at)
        ])?;
    Ok(())
}

/// A version that was deleted.
#[derive(Debug)]
pub(super) struct DeletedVersion {
    /// The file, which is not needed any more. A delete marker has none.
    pub(super) blob: Option<String>,
}

/// Deletes one version for good. `None` if there is no such version. The newest one that is left becomes the current version.
pub(super) fn delete_version(
    connection: &Connection,
    bucket: &str,
    key: &str,
    version: &str,
) -> Result<Option<DeletedVersion>, StoreError> {
    let current: Option<String> = connection
        .prepare_cached(
            "DELETE FROM objects WHERE bucket = ?1 AND key = ?2 AND version = ?3 RETURNING blob",
        )?
        .query_row(params![bucket, key.as_bytes(), version], |row| row.get(0))
        .optional()?;
    let deleted = match current {
        Some(blob) => Some(DeletedVersion { blob: Some(blob) }),
        None => {
            delete_row(connection, bucket, key, version)?.map(|(_, blob)| DeletedVersion { blob })
        }
    };
    if deleted.is_some() {
        promote(connection, bucket, key)?;
    }
    Ok(deleted)
}

/// Deletes a row of `versions`. Returns its sequencer and file.
fn delete_row(
    connection: &Connection,
    bucket: &str,
    key: &str,
    version: &str,
) -> Result<Option<(i64, Option<String>)>, StoreError> {
    Ok(connection
        .prepare_cached(
            "DELETE FROM versions WHERE bucket = ?1 AND key = ?2 AND version = ?3
             RETURNING sequencer, blob",
        )?
        .query_row(params![bucket, key.as_bytes(), version], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .optional()?)
}

/// Makes the newest version the current one, unless there is a current one or the newest is a delete marker.
fn promote(connection: &Connection, bucket: &str, key: &str) -> Result<(), StoreError> {
    let promoted = connection
        .prepare_cached(
            "INSERT INTO objects
                 (bucket, key, blob, size, etag, sequencer, last_modified, attributes, checksum, parts, version)
             SELECT bucket, key, blob, size, etag, sequencer, last_modified, attributes, checksum, parts, version
             FROM (SELECT * FROM versions WHERE bucket = ?1 AND key = ?2 ORDER BY sequencer DESC LIMIT 1)
             WHERE blob IS NOT NULL
               AND NOT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1 AND key = ?2)",
        )?
        .execute(params![bucket, key.as_bytes()])?;
    if promoted > 0 {
        connection
            .prepare_cached(
                "DELETE FROM versions WHERE bucket = ?1 AND key = ?2 AND version =
                     (SELECT version FROM objects WHERE bucket = ?1 AND key = ?2)",
            )?
            .execute(params![bucket, key.as_bytes()])?;
    }
    Ok(())
}

/// The error for a key without a current version: the newest version is a delete marker, or there is none.
pub(super) fn no_current(connection: &Connection, bucket: &str, key: &str) -> StoreError {
    let marker = connection
        .prepare_cached(
            "SELECT version FROM versions WHERE bucket = ?1 AND key = ?2
             ORDER BY sequencer DESC LIMIT 1",
        )
        .and_then(|mut statement| {
            statement
                .query_row(params![bucket, key.as_bytes()], |row| row.get(0))
                .optional()
        });
    match marker {
        Ok(Some(version)) => StoreError::Deleted { version },
        Ok(None) => StoreError::NoSuchKey,
        Err(error) => error.into(),
    }
}

/// A query for a listing of versions.
#[derive(Debug, Clone)]
pub(crate) struct VersionQuery {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    /// Keys with this after the prefix are rolled up into one entry.
    pub(crate) delimiter: Option<String>,
    /// List only entries after this key or rolled-up prefix.
    pub(crate) after: Option<String>,
    /// List also the versions of the key `after` that are older than this one.
    pub(crate) after_version: Option<String>,
    /// The most entries.
    pub(crate) max: usize,
}

/// The sequencer after which the versions of a key continue. `None` if the version is gone and its place unknown.
pub(super) fn place(
    connection: &Connection,
    bucket: &str,
    key: &str,
    version: &str,
) -> Result<Option<i64>, StoreError> {
    if let Some(sequencer) = sequencer_in(version) {
        return Ok(Some(signed(sequencer)));
    }
    Ok(connection
        .prepare_cached(
            "SELECT sequencer FROM objects WHERE bucket = ?1 AND key = ?2 AND version = ?3
             UNION ALL SELECT sequencer FROM versions WHERE bucket = ?1 AND key = ?2 AND version = ?3",
        )?
        .query_row(params![bucket, key.as_bytes(), version], |row| row.get(0))
        .optional()?)
}
