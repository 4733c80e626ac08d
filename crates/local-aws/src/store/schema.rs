//! The database's tables, and opening it.
//!
//! `journal_mode=WAL` lets `sightline redrive` write from another process while the server runs.
//! `synchronous=FULL` writes every commit to the disk before it is acknowledged. Less would survive a `kill -9`, but not a
//! power failure.

use rusqlite::{Connection, OpenFlags};
use std::{path::Path, time::Duration};

/// The version of the tables below, kept in `PRAGMA user_version`.
const VERSION: i64 = 3;

/// How long a change waits for another process's change.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

const TABLES: &str = "
CREATE TABLE buckets (
    name       TEXT PRIMARY KEY,
    created_at INTEGER NOT NULL             -- milliseconds since 1970, like all times here
) STRICT, WITHOUT ROWID;

CREATE TABLE objects (
    id            INTEGER PRIMARY KEY,
    bucket        TEXT NOT NULL REFERENCES buckets(name),
    key           BLOB NOT NULL,            -- UTF-8; a blob sorts by its bytes, as in S3
    blob          TEXT NOT NULL,            -- the name of the file with the bytes
    size          INTEGER NOT NULL,
    etag          TEXT NOT NULL,            -- without quotes
    sequencer     INTEGER NOT NULL,
    last_modified INTEGER NOT NULL,
    attributes    TEXT NOT NULL,            -- JSON: headers, user metadata, tags
    checksum      TEXT,                     -- JSON
    parts         TEXT,                     -- JSON, for objects that were uploaded in parts
    UNIQUE (bucket, key)
) STRICT;

CREATE TABLE uploads (
    id             TEXT PRIMARY KEY,
    bucket         TEXT NOT NULL REFERENCES buckets(name),
    key            BLOB NOT NULL,
    initiated_at   INTEGER NOT NULL,
    attributes     TEXT NOT NULL,           -- JSON
    checksum       TEXT NOT NULL            -- JSON: the algorithm and its coverage
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_key ON uploads (bucket, key, initiated_at);

CREATE TABLE parts (
    upload        TEXT NOT NULL REFERENCES uploads(id) ON DELETE CASCADE,
    number        INTEGER NOT NULL,
    blob          TEXT NOT NULL,
    size          INTEGER NOT NULL,
    etag          TEXT NOT NULL,
    checksum      TEXT NOT NULL,            -- JSON
    last_modified INTEGER NOT NULL,
    PRIMARY KEY (upload, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE messages (
    sequence      INTEGER PRIMARY KEY AUTOINCREMENT,
    id            TEXT NOT NULL UNIQUE,
    body          TEXT NOT NULL,            -- the S3 event
    sent_at       INTEGER NOT NULL,
    visible_at    INTEGER NOT NULL,
    receive_count INTEGER NOT NULL DEFAULT 0,
    receipt       TEXT UNIQUE,              -- set while the message is in flight
    last_reason   TEXT,                     -- why the last attempt failed
    dead_since    INTEGER                   -- set until the message is in the dead-letter folder
) STRICT;
CREATE INDEX messages_by_visibility ON messages (visible_at, sequence);

CREATE TABLE counters (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// The changes from version 1. Triggers see every way in which a file loses its row: deletion, replacement, and the parts of
/// a removed upload.
const RELEASED: &str = "
CREATE TABLE released (
    blob TEXT PRIMARY KEY                   -- a file that no row refers to any more and that is to be removed
) STRICT, WITHOUT ROWID;
CREATE TRIGGER object_deleted AFTER DELETE ON objects BEGIN
    INSERT OR IGNORE INTO released VALUES (old.blob);
END;
CREATE TRIGGER object_replaced AFTER UPDATE OF blob ON objects WHEN new.blob <> old.blob BEGIN
    INSERT OR IGNORE INTO released VALUES (old.blob);
END;
CREATE TRIGGER part_deleted AFTER DELETE ON parts BEGIN
    INSERT OR IGNORE INTO released VALUES (old.blob);
END;
";

/// The changes from version 2: lanes of messages. The number of a message's lane is that of [`Lane`](crate::lane::Lane). The index finds a lane's next message behind any
/// number of other lanes' messages.
const LANES: &str = "
ALTER TABLE messages ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
CREATE INDEX messages_by_lane ON messages (lane, visible_at, sequence);
";

/// The changes from version 2, too: versions of objects. A current version is a row of `objects`, so everything that knows no
/// versions works as in a bucket without them. Rows that move between the two tables keep their file.
const VERSIONS: &str = "
ALTER TABLE buckets ADD COLUMN versioning TEXT;                 -- Enabled or Suspended; NULL if it was never set
ALTER TABLE objects ADD COLUMN version TEXT NOT NULL DEFAULT 'null';
CREATE TABLE versions (                     -- delete markers, and all versions but the current one
    bucket        TEXT NOT NULL REFERENCES buckets(name),
    key           BLOB NOT NULL,
    sequencer     INTEGER NOT NULL,         -- the newest version has the highest
    version       TEXT NOT NULL,            -- the version id
    blob          TEXT,                     -- NULL for a delete marker
    size          INTEGER NOT NULL,
    etag          TEXT NOT NULL,
    last_modified INTEGER NOT NULL,
    attributes    TEXT NOT NULL,
    checksum      TEXT,
    parts         TEXT,
    PRIMARY KEY (bucket, key, sequencer DESC),
    UNIQUE (bucket, key, version)
) STRICT, WITHOUT ROWID;
DROP TRIGGER object_deleted;
DROP TRIGGER object_replaced;
CREATE TRIGGER object_deleted AFTER DELETE ON objects WHEN NOT EXISTS (
    SELECT 1 FROM versions WHERE bucket = old.bucket AND key = old.key AND version = old.version AND blob = old.blob
) BEGIN
    INSERT OR IGNORE INTO released VALUES (old.blob);
END;
CREATE TRIGGER object_replaced AFTER UPDATE OF blob ON objects WHEN new.blob <> old.blob AND NOT EXISTS (
    SELECT 1 FROM versions WHERE bucket = old.bucket AND key = old.key AND version = old.version AND blob = old.blob
) BEGIN
    INSERT OR IGNORE INTO released VALUES (old.blob);
END;
CREATE TRIGGER version_deleted AFTER DELETE ON versions WHEN old.blob IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM objects WHERE bucket = old.bucket AND key = old.key AND blob = old.blob
) BEGIN
    INSERT OR IGNORE INTO released VALUES (old.blob);
END;
";

/// Selects the files that the tables of this version refer to, with their sizes.
pub(crate) fn select_files(version: i64) -> &'static str {
    match version {
        0..=2 => "SELECT blob, size FROM objects UNION ALL SELECT blob, size FROM parts",
        _ => {
            "SELECT blob, size FROM objects UNION ALL SELECT blob, size FROM parts
             UNION ALL SELECT blob, size FROM versions WHERE blob IS NOT NULL"
        }
    }
}

/// Why the database could not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// SQLite failed.
    #[error(transparent)]
    Database(#[from] rusqlite::Error),
    /// The tables have a newer version.
    #[error(
        "it was written by a newer version (its tables have version {found}, this program supports {VERSION})"
    )]
    Newer {
        /// The version found.
        found: i64,
    },
    /// The writer's thread could not be started.
    #[error("the writer's thread could not be started: {0}")]
    Thread(std::io::Error),
}

/// Opens the database for changes. Creates or updates it if necessary.
pub(crate) fn open(path: &Path) -> Result<Connection, OpenError> {
    let connection = Connection::open(path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "foreign_keys", true)?;
    // `INSERT OR REPLACE` runs the triggers of the replaced row only so.
    connection.pragma_update(None, "recursive_triggers", true)?;
    // A full disk for temporary files must not stop a deletion.
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.set_prepared_statement_cache_capacity(64);
    let changes: &[&str] = match supported_version(&connection)? {
        0 => &[TABLES, RELEASED, LANES, VERSIONS],
        1 => &[RELEASED, LANES, VERSIONS],
        2 => &[LANES, VERSIONS],
        _ => &[],
    };
    if !changes.is_empty() {
        connection.execute_batch(&format!(
            "BEGIN IMMEDIATE; {} PRAGMA user_version = {VERSION}; COMMIT;",
            changes.concat()
        ))?;
    }
    Ok(connection)
}

/// The version of the tables; 0 if there are none.
///
/// # Errors
/// [`OpenError::Newer`] for the tables of a newer program.
pub(super) fn supported_version(connection: &Connection) -> Result<i64, OpenError> {
    let found = version(connection)?;
    if found > VERSION {
        return Err(OpenError::Newer { found });
    }
    Ok(found)
}

/// The version of the tables; 0 if there are none.
pub(crate) fn version(connection: &Connection) -> Result<i64, rusqlite::Error> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// Opens the database for queries only.
pub(crate) fn open_reader(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_newer_database_is_rejected_unchanged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.sqlite3");
        drop(open(&path).unwrap());
        Connection::open(&path)
            .unwrap()
            .pragma_update(None, "user_version", 99)
            .unwrap();
        let error = open(&path).unwrap_err();
        assert!(error.to_string().contains("version 99"), "{error}");
    }

    #[test]
    fn the_messages_of_a_database_without_lanes_are_uploads() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.sqlite3");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(&format!(
            "{TABLES} {RELEASED} PRAGMA user_version = 2;
             INSERT INTO messages (id, body, sent_at, visible_at) VALUES ('one', '', 0, 0);"
        ))
        .unwrap();
        drop(old);
        let lane: i64 = open(&path)
            .unwrap()
            .query_row("SELECT lane FROM messages", [], |row| row.get(0))
            .unwrap();
        assert_eq!(lane, crate::lane::Lane::Uploads.number());
    }

    #[test]
    fn opening_twice_keeps_the_data() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store.sqlite3");
        let first = open(&path).unwrap();
        first
            .execute(
                "INSERT INTO buckets (name, created_at) VALUES ('pictures', 0)",
                [],
            )
            .unwrap();
        drop(first);
        let count: i64 = open(&path)
            .unwrap()
            .query_row("SELECT count(*) FROM buckets", [], |row| row.get(0))
            .unwrap();
        assert_eq!(count, 1);
    }
}
