//! Buckets.

use super::{
    error::StoreError,
    handle::Store,
    values::{from_millis, now},
};
use rusqlite::{Connection, OptionalExtension, params};
use time::OffsetDateTime;

/// A bucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) name: String,
    pub(crate) created_at: OffsetDateTime,
}

impl Store {
    /// Creates a bucket. Returns false if it already exists.
    pub(crate) async fn create_bucket(&self, name: &str) -> Result<bool, StoreError> {
        let name = name.to_owned();
        let create = move |connection: &Connection| {
            let created = connection.execute(
                "INSERT OR IGNORE INTO buckets (name, created_at) VALUES (?1, ?2)",
                params![name, now()],
            )?;
            Ok(created == 1)
        };
        self.inner.database.write(create, |created| created).await
    }

    /// Every bucket, by name.
    pub(crate) async fn buckets(&self) -> Result<Vec<Bucket>, StoreError> {
        let list = |connection: &Connection| {
            let mut statement =
                connection.prepare_cached("SELECT name, created_at FROM buckets ORDER BY name")?;
            let rows = statement.query_map([], |row| {
                Ok(Bucket {
                    name: row.get(0)?,
                    created_at: from_millis(row.get(1)?),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        };
        self.inner.database.read(list).await
    }

    /// Returns [`StoreError::NoSuchBucket`] if the bucket does not exist.
    pub(crate) async fn require_bucket(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        self.inner
            .database
            .read(move |connection| require(connection, &name))
            .await
    }

    /// Removes an empty bucket, along with multipart uploads that were never completed.
    pub(crate) async fn delete_bucket(&self, name: &str) -> Result<(), StoreError> {
        let name = name.to_owned();
        let delete = move |connection: &Connection| {
            require(connection, &name)?;
            let used: bool = connection.query_row(
                "SELECT EXISTS (SELECT 1 FROM objects WHERE bucket = ?1)
                     OR EXISTS (SELECT 1 FROM versions WHERE bucket = ?1)",
                [&name],
                |row| row.get(0),
            )?;
            if used {
                return Err(StoreError::BucketNotEmpty);
            }
            let mut statement = connection.prepare(
                "SELECT blob FROM parts WHERE upload IN (SELECT id FROM uploads WHERE bucket = ?1)",
            )?;
            let blobs = statement
                .query_map([&name], |row| row.get(0))?
                .collect::<Result<Vec<String>, _>>()?;
            connection.execute("DELETE FROM uploads WHERE bucket = ?1", [&name])?;
            connection.execute("DELETE FROM buckets WHERE name = ?1", [&name])?;
            Ok(blobs)
        };
        let files = self.inner.blobs.clone();
        self.inner
            .database
            .write(delete, move |blobs| {
                blobs.iter().for_each(|blob| files.remove(blob))
            })
            .await
    }
}

/// Returns [`StoreError::NoSuchBucket`] if the bucket does not exist.
pub(super) fn require(connection: &Connection, name: &str) -> Result<(), StoreError> {
    let found: Option<i64> = connection
        .prepare_cached("SELECT 1 FROM buckets WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    if found.is_some() {
        Ok(())
    } else {
        Err(StoreError::NoSuchBucket)
    }
}
