//! Copies of a data folder: [`backup`] makes one, even while the server runs, and [`restore`] makes a data folder of one.
//!
//! The files of objects never change, so they are copied first. Then both databases are locked against changes and copied
//! with SQLite's online backup, and the few files that were added meanwhile. So the copy is what a kill at that moment would
//! have left, and a start from it loses and repeats nothing else.

use crate::{
    dead_letters,
    server::LOCK,
    store::{DATABASE, blob_path, unfinished_blob_path},
};
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use std::{
    collections::HashMap,
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::Duration,
};

/// The last file of a backup. Without it, the backup is incomplete.
const MANIFEST: &str = "sightline-backup.json";

/// How long to wait for another process's change.
const BUSY_TIMEOUT: Duration = Duration::from_secs(30);

/// Pages of the database that are copied at once.
const PAGES: i32 = 10_000;

/// What else to copy from a data folder: files that another crate keeps there.
#[derive(Debug, Clone, Copy)]
pub struct Others<'a> {
    /// A SQLite database, which is copied at the same moment as the objects.
    pub database: &'a str,
    /// Small files.
    pub files: &'a [&'a str],
}

/// The content of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    /// Files of objects, and of parts of uploads in progress.
    pub files: usize,
    /// Their size in bytes.
    pub bytes: u64,
}

/// Why a backup could not be made or restored.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// The folder is not the data folder of a server.
    #[error("{} contains no objects: name the data folder of the server", .0.display())]
    NoStore(PathBuf),
    /// The folder is not a complete backup.
    #[error("{} is not a complete backup: it has no {MANIFEST}", .0.display())]
    NoBackup(PathBuf),
    /// The target exists.
    #[error("{} is not empty: name a new folder", .0.display())]
    NotEmpty(PathBuf),
    /// A server uses the target.
    #[error("the data folder {} is in use: stop that server first", .0.display())]
    InUse(PathBuf),
    /// A file of the backup is damaged.
    #[error("the backup is damaged: {0}; use another backup")]
    Damaged(String),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// A database could not be read or written.
    #[error("a database could not be copied: {0}")]
    Database(#[from] rusqlite::Error),
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    let path = path.to_owned();
    |source| BackupError::Io { path, source }
}

/// Copies a data folder to a new folder. The server may run. Blocks.
///
/// # Errors
/// [`BackupError`]. An unfinished backup has no manifest and cannot be restored.
pub fn backup(data_dir: &Path, target: &Path, others: Others<'_>) -> Result<Copied, BackupError> {
    let database = data_dir.join(DATABASE);
    if !database.is_file() {
        return Err(BackupError::NoStore(data_dir.to_owned()));
    }
    create_empty(target)?;
    let store = open(&database)?;
    // Everything that is stored now. Files that vanish meanwhile belong to deleted objects.
    let mut copied = HashMap::new();
    for (id, _) in blobs(&store)? {
        if let Some(size) = copy_blob(data_dir, target, &id)? {
            copied.insert(id, size);
        }
    }
    let other = data_dir.join(others.database);
    let mut other = other.is_file().then(|| open(&other)).transpose()?;
    let mut store_lock = open(&database)?;
    {
        // In the order in which the server writes: it never holds both.
        let locked = other
            .as_mut()
            .map(|other| other.transaction_with_behavior(TransactionBehavior::Immediate))
            .transpose()?;
        let lock = store_lock.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let snapshot = blobs(&store)?;
        for id in snapshot.keys() {
            if !copied.contains_key(id)
                && let Some(size) = copy_blob(data_dir, target, id)?
            {
                copied.insert(id.clone(), size);
            }
        }
        copy_database(&store, &target.join(DATABASE))?;
        if locked.is_some() {
            let source = open(&data_dir.join(others.database))?;
            copy_database(&source, &target.join(others.database))?;
        }
        copy_folder(data_dir, target, dead_letters::FOLDER)?;
        drop((lock, locked));
        // What was deleted since.
        for id in copied.keys().filter(|id| !snapshot.contains_key(*id)) {
            let path = blob_path(target, id);
            fs::remove_file(&path).map_err(at(&path))?;
        }
        copied.retain(|id, _| snapshot.contains_key(id));
    }
    for name in others.files {
        copy_private(&data_dir.join(name), &target.join(name))?;
    }
    let copied = Copied {
        files: copied.len(),
        bytes: copied.values().sum(),
    };
    let manifest = target.join(MANIFEST);
    let text = serde_json::json!({
        "madeAt": dead_letters::rfc3339(time::OffsetDateTime::now_utc()),
        "files": copied.files,
        "bytes": copied.bytes,
    });
    fs::write(&manifest, format!("{text}\n")).map_err(at(&manifest))?;
    let folder = File::open(target).map_err(at(target))?;
    folder.sync_all().map_err(at(target))?;
    Ok(copied)
}

/// Makes a data folder of a backup, in a folder without objects. Checks the backup first. Blocks.
///
/// # Errors
/// [`BackupError`]. The data folder has no database unless everything was restored.
pub fn restore(backup: &Path, data_dir: &Path, others: Others<'_>) -> Result<Copied, BackupError> {
    if !backup.join(MANIFEST).is_file() {
        return Err(BackupError::NoBackup(backup.to_owned()));
    }
    crate::server::create_private(data_dir).map_err(at(data_dir))?;
    let lock_file = data_dir.join(LOCK);
    let lock = File::options()
        .create(true)
        .append(true)
        .open(&lock_file)
        .map_err(at(&lock_file))?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => BackupError::InUse(data_dir.to_owned()),
        TryLockError::Error(error) => at(&lock_file)(error),
    })?;
    for name in [DATABASE, "objects", others.database] {
        if data_dir.join(name).exists() {
            return Err(BackupError::NotEmpty(data_dir.to_owned()));
        }
    }
    let store = open(&backup.join(DATABASE))?;
    let fine: String = store.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if fine != "ok" {
        return Err(BackupError::Damaged(fine));
    }
    let blobs = blobs(&store)?;
    for (id, size) in &blobs {
        let found = fs::metadata(blob_path(backup, id)).map(|file| file.len());
        if found.ok() != Some(*size) {
            return Err(BackupError::Damaged(format!(
                "the file {id} is missing or does not have {size} bytes"
            )));
        }
    }
    for id in blobs.keys() {
        copy_blob(backup, data_dir, id)?;
    }
    copy_folder(backup, data_dir, dead_letters::FOLDER)?;
    for name in others.files {
        copy_private(&backup.join(name), &data_dir.join(name))?;
    }
    if backup.join(others.database).is_file() {
        let source = open(&backup.join(others.database))?;
        copy_database(&source, &data_dir.join(others.database))?;
    }
    // Last, so that an interrupted restore is not taken for a data folder.
    copy_database(&store, &data_dir.join(DATABASE))?;
    Ok(Copied {
        files: blobs.len(),
        bytes: blobs.values().sum(),
    })
}

fn create_empty(folder: &Path) -> Result<(), BackupError> {
    crate::server::create_private(folder).map_err(at(folder))?;
    let mut entries = fs::read_dir(folder).map_err(at(folder))?;
    if entries.next().is_some() {
        return Err(BackupError::NotEmpty(folder.to_owned()));
    }
    Ok(())
}

fn open(path: &Path) -> Result<Connection, rusqlite::Error> {
    let connection = Connection::open_with_flags(
        path,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(connection)
}

/// The names of the files that the database refers to, with their sizes.
fn blobs(store: &Connection) -> Result<HashMap<String, u64>, rusqlite::Error> {
    let mut statement =
        store.prepare("SELECT blob, size FROM objects UNION ALL SELECT blob, size FROM parts")?;
    statement
        .query_map([], |row| {
            let size: i64 = row.get(1)?;
            Ok((row.get(0)?, size.unsigned_abs()))
        })?
        .collect()
}

/// Copies the file of an object. Returns its size, or `None` if it is gone.
fn copy_blob(from: &Path, to: &Path, id: &str) -> Result<Option<u64>, BackupError> {
    let target = blob_path(to, id);
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    let finished = blob_path(from, id);
    // A file is moved from the second place to the first when its write is finished.
    for source in [&finished, &unfinished_blob_path(from, id), &finished] {
        match copy_synced(source, &target) {
            Ok(size) => return Ok(Some(size)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(source)(error)),
        }
    }
    Ok(None)
}

fn copy_synced(source: &Path, target: &Path) -> io::Result<u64> {
    let mut reader = File::open(source)?;
    let mut writer = File::create(target)?;
    let size = io::copy(&mut reader, &mut writer)?;
    writer.sync_data()?;
    Ok(size)
}

fn copy_database(source: &Connection, target: &Path) -> Result<(), BackupError> {
    let mut copy = Connection::open(target)?;
    rusqlite::backup::Backup::new(source, &mut copy)?.run_to_completion(
        PAGES,
        Duration::ZERO,
        None,
    )?;
    drop(copy);
    let file = File::open(target).map_err(at(target))?;
    file.sync_all().map_err(at(target))
}

/// Copies the files of a folder, if it exists.
fn copy_folder(from: &Path, to: &Path, name: &str) -> Result<(), BackupError> {
    let (from, to) = (from.join(name), to.join(name));
    if !from.is_dir() {
        return Ok(());
    }
    fs::create_dir_all(&to).map_err(at(&to))?;
    for entry in fs::read_dir(&from).map_err(at(&from))? {
        let entry = entry.map_err(at(&from))?;
        if entry.path().is_file() {
            copy_private(&entry.path(), &to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// Copies a file with its permissions, if it exists.
fn copy_private(from: &Path, to: &Path) -> Result<(), BackupError> {
    match fs::copy(from, to) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(at(from)(error)),
    }
}
