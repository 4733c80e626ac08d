//! The database's threads: one writer with group commit, and a few readers.
//!
//! One thread makes all changes, so changes never wait for each other's locks, and a condition that a change checks
//! still holds when it commits. Changes that arrive during a commit share the next one, so one disk synchronisation
//! serves many uploads.

use super::{
    blobs::Blobs,
    error::{StoreError, is_disk_full},
    schema,
};
use rusqlite::Connection;
use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};
use tokio::sync::{Semaphore, oneshot};

/// The most changes that share one commit.
const GROUP: usize = 128;

/// The most concurrent queries.
const READERS: usize = 8;

/// How long closing waits for running queries.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// Called with the result of the group's commit.
type Done = Box<dyn FnOnce(Result<(), CommitError>)>;

/// A change. It gets the connection inside the group's transaction, or the reason why it could not start.
type Job = Box<dyn FnOnce(Result<&Connection, CommitError>) -> Done + Send>;

/// Why a transaction could not be started or committed.
#[derive(Debug, Clone)]
enum CommitError {
    DiskFull,
    Other(String),
}

impl CommitError {
    fn new(error: &rusqlite::Error, blobs: &Blobs) -> Self {
        // Some file systems find no space only when they synchronise. SQLite calls that an I/O error.
        let is_io = error.sqlite_error_code() == Some(rusqlite::ErrorCode::SystemIoFailure);
        if is_disk_full(error) || (is_io && blobs.space().is_full()) {
            Self::DiskFull
        } else {
            tracing::error!(%error, "a transaction of the store failed");
            Self::Other(error.to_string())
        }
    }
}

impl From<CommitError> for StoreError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::DiskFull => Self::DiskFull,
            CommitError::Other(reason) => Self::Commit(reason),
        }
    }
}

enum Command {
    Run(Job),
    Close,
}

/// Runs changes and queries on the database.
#[derive(Debug)]
pub(super) struct Database {
    path: PathBuf,
    commands: mpsc::Sender<Command>,
    writer: Mutex<Option<JoinHandle<()>>>,
    idle_readers: Arc<Mutex<Vec<Connection>>>,
    reading: Arc<Semaphore>,
}

impl Database {
    /// Opens the database file, brings its schema up to date and starts the writer.
    pub(super) fn open(path: &Path, blobs: Blobs) -> Result<Self, schema::OpenError> {
        let connection = schema::open(path)?;
        let (commands, received) = mpsc::channel();
        let writer = std::thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || write_until_closed(&connection, &received, &blobs))
            .map_err(schema::OpenError::Thread)?;
        Ok(Self {
            path: path.to_owned(),
            commands,
            writer: Mutex::new(Some(writer)),
            idle_readers: Arc::default(),
            reading: Arc::new(Semaphore::new(READERS)),
        })
    }

    /// Runs `change` in a transaction, and `committed` on its result once the change is on disk.
    ///
    /// Both run on the writer's thread, to their end even if the caller stops waiting. So `committed` is the place to
    /// keep or remove the files of the change.
    pub(super) async fn write<T, U, F, C>(&self, change: F, committed: C) -> Result<U, StoreError>
    where
        T: 'static,
        U: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        C: FnOnce(T) -> U + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Job = Box::new(move |connection| {
            let result = match connection {
                Ok(connection) => in_savepoint(connection, change),
                Err(reason) => Err(reason.into()),
            };
            Box::new(move |commit| {
                let result = match (result, commit) {
                    (Err(error), _) => Err(error),
                    (Ok(_), Err(reason)) => Err(reason.into()),
                    (Ok(value), Ok(())) => Ok(committed(value)),
                };
                // The caller may have stopped waiting.
                let _ = answer.send(result);
            })
        });
        self.commands
            .send(Command::Run(job))
            .map_err(|_| StoreError::Closed)?;
        answered.await.map_err(|_| StoreError::Closed)?
    }

    /// Runs a query on committed data.
    pub(super) async fn read<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let permit = Arc::clone(&self.reading)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let idle = Arc::clone(&self.idle_readers);
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            let waiting = idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
            let connection = match waiting {
                Some(connection) => connection,
                None => schema::open_reader(&path)?,
            };
            let result = query(&connection);
            idle.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
            result
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }

    /// Returns [`StoreError::Closed`] after [`Database::close`].
    pub(super) fn require_open(&self) -> Result<(), StoreError> {
        if self.reading.is_closed() {
            Err(StoreError::Closed)
        } else {
            Ok(())
        }
    }

    /// Finishes running changes and queries and closes the files. Later calls return [`StoreError::Closed`].
    ///
    /// The readers close first: the last connection merges the write-ahead log, and only the writer can.
    pub(super) fn close(&self) {
        self.reading.close();
        let deadline = Instant::now() + CLOSE_TIMEOUT;
        while self.reading.available_permits() < READERS && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        self.idle_readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
        // An error means that the writer has already ended.
        let _ = self.commands.send(Command::Close);
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(writer) = writer {
            // A panic was reported by the writer's thread.
            let _ = writer.join();
        }
    }
}

fn write_until_closed(connection: &Connection, commands: &mpsc::Receiver<Command>, blobs: &Blobs) {
    let mut open = true;
    while open {
        let Ok(Command::Run(first)) = commands.recv() else {
            break;
        };
        blobs.space().make_room();
        let started = connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(|error| CommitError::new(&error, blobs));
        let run = |job: Job| job(started.clone().map(|()| connection));
        let mut group = vec![run(first)];
        while group.len() < GROUP {
            match commands.try_recv() {
                Ok(Command::Run(job)) => group.push(run(job)),
                Ok(Command::Close) => {
                    open = false;
                    break;
                }
                Err(_) => break,
            }
        }
        let committed = started.and_then(|()| {
            let committed = forget_removed(connection, blobs)
                .and_then(|()| connection.execute_batch("COMMIT"))
                .map_err(|error| CommitError::new(&error, blobs));
            if committed.is_err() {
                // Fails only if no transaction is open.
                let _ = connection.execute_batch("ROLLBACK");
            }
            committed
        });
        for done in group {
            done(committed.clone());
        }
    }
    if let Err(error) = close(connection, blobs) {
        // The next start reads the log.
        tracing::warn!(%error, "the write-ahead log could not be merged into the database");
    }
}

/// Deletes the rows of released files that are gone. If the transaction fails, the rows are deleted at the next start.
fn forget_removed(connection: &Connection, blobs: &Blobs) -> Result<(), rusqlite::Error> {
    for id in blobs.take_removed() {
        connection
            .prepare_cached("DELETE FROM released WHERE blob = ?1")?
            .execute([id])?;
    }
    Ok(())
}

/// Merges the write-ahead log, so that the database's file is complete without it.
fn close(connection: &Connection, blobs: &Blobs) -> Result<(), rusqlite::Error> {
    forget_removed(connection, blobs)?;
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
}

/// Runs one change in a savepoint, so that its failure does not affect the others of its group.
fn in_savepoint<T>(
    connection: &Connection,
    change: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.prepare_cached("SAVEPOINT change")?.execute([])?;
    let result = change(connection);
    if result.is_err() {
        connection
            .prepare_cached("ROLLBACK TO change")?
            .execute([])?;
    }
    connection.prepare_cached("RELEASE change")?.execute([])?;
    result
}
