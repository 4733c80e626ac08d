//! What opening a store checks and repairs after the last process ended.

use super::{
    blobs::Blobs,
    error::{Mismatch, StartStoreError},
    schema,
    values::{from_millis, steady_now},
};
use rusqlite::Connection;
use std::{collections::HashSet, path::Path, time::SystemTime};

/// How long before the database's last change an unknown file must have been written, or else its row may be in a missing
/// write-ahead log: a file is written some time before its row, while rows of other files are.
const BEFORE: std::time::Duration = std::time::Duration::from_secs(60);

/// The longest delay of a message that waits for its next attempt, in milliseconds. A longer one comes from a clock that
/// was set back since.
const LONGEST_DELAY: i64 = 300_000;

/// Makes the messages visible that were in flight when the last process ended, and gives them their attempt back: a crash
/// is not their fault.
pub(super) fn release_in_flight(connection: &Connection) -> Result<(), rusqlite::Error> {
    let now = steady_now();
    connection.execute(
        "UPDATE messages SET receipt = NULL, visible_at = ?1, receive_count = max(receive_count - 1, 0)
         WHERE receipt IS NOT NULL",
        [now],
    )?;
    connection.execute(
        "UPDATE messages SET visible_at = ?1 WHERE visible_at > ?2",
        [now, now.saturating_add(LONGEST_DELAY)],
    )?;
    Ok(())
}

/// The files of a data folder, as the database sees them.
pub(super) struct Comparison {
    /// Named by the database.
    referenced: HashSet<String>,
    /// In `objects/`, but not named by the database.
    unknown: Vec<String>,
}

/// Compares the database with the files. Changes neither, so that a missing write-ahead log can still be added.
///
/// # Errors
/// [`Mismatch`] if they do not belong together, unless `accept` is set.
pub(super) fn compare(
    path: &Path,
    blobs: &Blobs,
    accept: bool,
) -> Result<Comparison, StartStoreError> {
    let connection = Connection::open(path)?;
    let version = schema::version(&connection)?;
    let (mut referenced, mut released) = (HashSet::new(), HashSet::new());
    if version > 0 {
        referenced = names(
            &connection,
            "SELECT blob FROM objects UNION ALL SELECT blob FROM parts",
        )?;
    }
    if version > 1 {
        released = names(&connection, "SELECT blob FROM released")?;
    }
    let files = blobs.files()?;
    let unknown: Vec<_> = files
        .iter()
        .filter(|id| !referenced.contains(*id) && !released.contains(*id))
        .cloned()
        .collect();
    let comparison = Comparison {
        referenced,
        unknown,
    };
    if !accept {
        let last_change = if version > 0 {
            last_change(&connection)?
        } else {
            SystemTime::UNIX_EPOCH
        };
        comparison.check(blobs, &files, version, last_change)?;
    }
    Ok(comparison)
}

impl Comparison {
    fn check(
        &self,
        blobs: &Blobs,
        files: &HashSet<String>,
        version: i64,
        last_change: SystemTime,
    ) -> Result<(), StartStoreError> {
        let (referenced, unknown) = (&self.referenced, &self.unknown);
        if referenced.is_empty() && !unknown.is_empty() {
            return Err(Mismatch::Empty {
                files: unknown.len(),
            }
            .into());
        }
        let mut newer = 0;
        for id in unknown {
            newer += usize::from(blobs.written_at(id)? + BEFORE > last_change);
        }
        // Version 1 left such a file when it was killed during a write.
        if newer > 0 && version > 1 {
            return Err(Mismatch::Older { files: newer }.into());
        }
        if unknown.len() * 2 > files.len() {
            return Err(Mismatch::Unknown {
                unknown: unknown.len(),
                files: files.len(),
            }
            .into());
        }
        let unfinished = blobs.unfinished()?;
        let missing = referenced
            .iter()
            .filter(|id| !files.contains(*id) && !unfinished.contains(*id))
            .count();
        if missing * 2 > referenced.len() {
            return Err(Mismatch::Missing {
                missing,
                objects: referenced.len(),
            }
            .into());
        }
        if missing > 0 {
            tracing::warn!(
                missing,
                "the files of some objects are missing, so these objects cannot be read; restore a backup"
            );
        }
        Ok(())
    }

    /// Finishes interrupted writes and removals, and moves unknown files to another folder.
    pub(super) fn repair(
        &self,
        connection: &Connection,
        blobs: &Blobs,
    ) -> Result<(), StartStoreError> {
        for id in &self.unknown {
            blobs.set_aside(id)?;
        }
        if !self.unknown.is_empty() {
            tracing::warn!(
                files = self.unknown.len(),
                "moved files that the database does not know to unknown-objects/; delete them if no picture is missing"
            );
        }
        blobs.finish_interrupted(&self.referenced)?;
        let released = names(connection, "SELECT blob FROM released")?;
        if !released.is_empty() {
            for id in released.difference(&self.referenced) {
                blobs.remove(id);
            }
            connection.execute("DELETE FROM released", [])?;
            blobs.take_removed();
        }
        Ok(())
    }
}

fn names(connection: &Connection, select: &str) -> Result<HashSet<String>, rusqlite::Error> {
    let mut statement = connection.prepare(select)?;
    statement.query_map([], |row| row.get(0))?.collect()
}

/// When the database last stored or deleted an object, to the microsecond: sequencers follow the clock.
fn last_change(connection: &Connection) -> Result<SystemTime, rusqlite::Error> {
    let micros: i64 = connection.query_row(
        "SELECT max(
             (SELECT coalesce(max(value), 0) FROM counters WHERE name = 'sequencer'),
             (SELECT coalesce(max(last_modified), 0) * 1000 FROM parts))",
        [],
        |row| row.get(0),
    )?;
    Ok(from_millis(micros.div_euclid(1000).saturating_add(1)).into())
}
