//! What opening a store checks and repairs after the last process ended.

use super::{
    blobs::Blobs,
    error::{Mismatch, StartStoreError},
    schema,
    values::{from_millis, steady_now},
};
use rusqlite::{Connection, OptionalExtension as _, config::DbConfig, params};
use std::{
    collections::HashSet,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

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

/// The counter with the number of missing files that `--accept-database` accepted.
const ACCEPTED_MISSING: &str = "accepted-missing-files";

/// The files of a data folder, as the database sees them.
pub(super) struct Comparison {
    /// Named by the database.
    referenced: HashSet<String>,
    /// In `objects/`, but not named by the database.
    unknown: Vec<String>,
    /// The number of files that are named by the database but missing, if that was accepted just now.
    accepted_missing: Option<usize>,
}

/// What a database says about itself.
struct State {
    /// The version of its tables; 0 if it has none.
    version: i64,
    /// Whether it has a write-ahead log.
    has_log: bool,
    last_change: SystemTime,
    /// See [`ACCEPTED_MISSING`].
    accepted_missing: usize,
}

/// Compares the database with the files. Changes neither, so that a missing write-ahead log can still be added.
///
/// # Errors
/// [`Mismatch`] if they do not belong together, unless `accept` is set. [`schema::OpenError::Newer`] for the tables of a
/// newer program.
pub(super) fn compare(
    path: &Path,
    blobs: &Blobs,
    accept: bool,
) -> Result<Comparison, StartStoreError> {
    let has_log = fs::metadata(with_suffix(path, "-wal")).is_ok_and(|log| log.len() > 0);
    let (mut referenced, mut released) = (HashSet::new(), HashSet::new());
    let mut state = State {
        version: 0,
        has_log,
        last_change: SystemTime::UNIX_EPOCH,
        accepted_missing: 0,
    };
    // SQLite would delete the log of an empty database.
    if fs::metadata(path).is_ok_and(|file| file.len() > 0) {
        let connection = Connection::open(path)?;
        connection.busy_timeout(schema::BUSY_TIMEOUT)?;
        // Closing would merge the log into the database.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        state.version = schema::supported_version(&connection)?;
        if state.version > 0 {
            referenced = names(&connection, schema::select_files(state.version))?;
            state.last_change = last_change(&connection)?;
            state.accepted_missing = accepted_missing(&connection)?;
        }
        if state.version > 1 {
            released = names(&connection, "SELECT blob FROM released")?;
        }
    }
    let files = blobs.files()?;
    let unknown: Vec<_> = files
        .iter()
        .filter(|id| !referenced.contains(*id) && !released.contains(*id))
        .cloned()
        .collect();
    let unfinished = blobs.unfinished()?;
    let missing = referenced
        .iter()
        .filter(|id| !files.contains(*id) && !unfinished.contains(*id))
        .count();
    let comparison = Comparison {
        referenced,
        unknown,
        accepted_missing: accept.then_some(missing),
    };
    if !accept {
        comparison.check_unknown(blobs, files.len(), &state)?;
        comparison.check_missing(missing, &state)?;
    }
    Ok(comparison)
}

impl Comparison {
    fn check_unknown(
        &self,
        blobs: &Blobs,
        files: usize,
        state: &State,
    ) -> Result<(), StartStoreError> {
        let unknown = &self.unknown;
        // Version 1 wrote into objects/, so a kill left any number of files without a row. It never merged its log, so
        // without a log the rows may be missing instead.
        if state.version == 1 && state.has_log {
            return Ok(());
        }
        if self.referenced.is_empty() && !unknown.is_empty() {
            return Err(Mismatch::Empty {
                files: unknown.len(),
            }
            .into());
        }
        let mut newer = 0;
        for id in unknown {
            newer += usize::from(blobs.written_at(id)? + BEFORE > state.last_change);
        }
        if newer > 0 {
            return Err(Mismatch::Older { files: newer }.into());
        }
        if unknown.len() * 2 > files {
            return Err(Mismatch::Unknown {
                unknown: unknown.len(),
                files,
            }
            .into());
        }
        Ok(())
    }

    fn check_missing(&self, missing: usize, state: &State) -> Result<(), Mismatch> {
        let objects = self.referenced.len();
        if missing * 2 > objects && missing > state.accepted_missing {
            return Err(Mismatch::Missing { missing, objects });
        }
        if missing > 0 {
            tracing::warn!(
                missing,
                "the files of some objects are missing, so these objects cannot be read; restore a backup"
            );
        }
        Ok(())
    }

    /// Moves unknown files to another folder. To be called before the tables are updated: a start that ends in between
    /// still knows that an older program left them.
    pub(super) fn set_aside_unknown(&self, blobs: &Blobs) -> io::Result<()> {
        for id in &self.unknown {
            blobs.set_aside(id)?;
        }
        if !self.unknown.is_empty() {
            tracing::warn!(
                files = self.unknown.len(),
                "moved files that the database does not know to unknown-objects/; delete them if no picture is missing"
            );
        }
        Ok(())
    }

    /// Finishes interrupted writes and removals.
    pub(super) fn repair(
        &self,
        connection: &Connection,
        blobs: &Blobs,
    ) -> Result<(), StartStoreError> {
        if let Some(missing) = self.accepted_missing {
            connection.execute(
                "INSERT OR REPLACE INTO counters (name, value) VALUES (?1, ?2)",
                params![ACCEPTED_MISSING, i64::try_from(missing).unwrap_or(i64::MAX)],
            )?;
        }
        blobs.finish_interrupted(&self.referenced)?;
        let released = names(connection, "SELECT blob FROM released")?;
        if !released.is_empty() {
            let changes = connection.unchecked_transaction()?;
            let mut forget = changes.prepare("DELETE FROM released WHERE blob = ?1")?;
            for id in released.intersection(&self.referenced) {
                forget.execute([id])?;
            }
            for id in released.difference(&self.referenced) {
                blobs.remove(id);
            }
            // The next start removes the others.
            for id in blobs.take_removed() {
                forget.execute([id])?;
            }
            drop(forget);
            changes.commit()?;
        }
        Ok(())
    }
}

/// The path of a file that SQLite keeps beside a database.
fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn accepted_missing(connection: &Connection) -> Result<usize, rusqlite::Error> {
    let accepted: Option<i64> = connection
        .query_row(
            "SELECT value FROM counters WHERE name = ?1",
            [ACCEPTED_MISSING],
            |row| row.get(0),
        )
        .optional()?;
    Ok(accepted.map_or(0, |count| usize::try_from(count).unwrap_or(0)))
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
