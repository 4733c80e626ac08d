//! Copies of a data folder: [`backup`] makes one, even while the server runs, and [`restore`] makes a data folder of one.
//!
//! The files of objects never change, so they are copied first. Then both databases are locked against changes for a moment:
//! a read transaction begins on each, and the few files that were added meanwhile are opened. These are copied after the
//! moment, the databases with SQLite's online backup. So the copy is what a kill at that moment would have left, and a start
//! from it loses and repeats nothing else.

use crate::{
    dead_letters,
    events::NULL_VERSION,
    server::LOCK,
    store::{DATABASE, blob_path, select_files, table_version, unfinished_blob_path},
};
use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior};
use std::{
    collections::{HashMap, HashSet},
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

/// The most rounds in which files are copied before the databases are locked.
const PASSES: usize = 20;

/// With at most so many new files in a round, the databases are locked.
const FEW: usize = 32;

/// The most files that are kept open while the databases are locked. A process may often have no more than 256.
const MOST_OPEN: usize = 128;

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
    /// Files that were missing in the data folder or had another size than the database says. The manifest
    /// `sightline-backup.json` names them with their objects, and a restore goes on without them.
    pub damaged: usize,
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
    // Most of what is stored. Files that vanish meanwhile belong to deleted objects.
    let mut copied = HashMap::new();
    for _ in 0..PASSES {
        let mut new = 0;
        for id in blobs(&store)?.into_keys() {
            if copied.contains_key(&id) {
                continue;
            }
            new += 1;
            if let Some(file) = open_blob(data_dir, &id)? {
                let size = copy_blob(file, target, &id)?;
                copied.insert(id, size);
            }
        }
        if new <= FEW {
            break;
        }
    }
    let moment = Moment::of(data_dir, target, others, &mut copied)?;
    for (id, file) in moment.late {
        let size = copy_blob(file, target, &id)?;
        copied.insert(id, size);
    }
    copy_database(&moment.store, &target.join(DATABASE))?;
    if let Some(other) = &moment.other {
        copy_database(other, &target.join(others.database))?;
    }
    // What was deleted since it was copied.
    for id in copied.keys().filter(|id| !moment.blobs.contains_key(*id)) {
        let path = blob_path(target, id);
        fs::remove_file(&path).map_err(at(&path))?;
    }
    let damaged: Vec<_> = moment
        .blobs
        .iter()
        .filter(|(id, size)| copied.get(*id) != Some(*size))
        .map(|(id, _)| id.clone())
        .collect();
    copied.retain(|id, size| moment.blobs.get(id) == Some(size));
    for name in others.files {
        copy_private(&data_dir.join(name), &target.join(name))?;
    }
    let copied = Copied {
        files: copied.len(),
        bytes: copied.values().sum(),
        damaged: damaged.len(),
    };
    let manifest = target.join(MANIFEST);
    let damaged = damaged
        .iter()
        .map(|id| describe(&moment.store, id))
        .collect::<Result<Vec<_>, _>>()?;
    let text = serde_json::json!({
        "madeAt": dead_letters::rfc3339(time::OffsetDateTime::now_utc()),
        "files": copied.files,
        "bytes": copied.bytes,
        "damaged": damaged,
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
    let known = known_damaged(&backup.join(MANIFEST))?;
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
    let mut blobs = blobs(&store)?;
    for (id, size) in blobs.iter().filter(|(id, _)| !known.contains(*id)) {
        let found = fs::metadata(blob_path(backup, id)).map(|file| file.len());
        if found.ok() != Some(*size) {
            return Err(BackupError::Damaged(format!(
                "the file {id} is missing or does not have {size} bytes"
            )));
        }
    }
    for id in blobs.keys() {
        if let Some(file) = open_blob(backup, id)? {
            copy_blob(file, data_dir, id)?;
        }
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
    let all = blobs.len();
    blobs.retain(|id, _| !known.contains(id));
    Ok(Copied {
        files: blobs.len(),
        bytes: blobs.values().sum(),
        damaged: all - blobs.len(),
    })
}

/// Both databases at one moment, with the files that were added shortly before.
struct Moment {
    /// Read transactions, which changes neither affect nor wait for.
    store: Connection,
    other: Option<Connection>,
    blobs: HashMap<String, u64>,
    /// Open, so that they can be read even if they are removed.
    late: Vec<(String, File)>,
}

impl Moment {
    /// Locks the databases against changes for a short time.
    fn of(
        data_dir: &Path,
        target: &Path,
        others: Others<'_>,
        copied: &mut HashMap<String, u64>,
    ) -> Result<Self, BackupError> {
        let database = data_dir.join(DATABASE);
        let path = data_dir.join(others.database);
        let other = path.is_file().then(|| open(&path)).transpose()?;
        let mut other_lock = other.is_some().then(|| open(&path)).transpose()?;
        let (store, mut store_lock) = (open(&database)?, open(&database)?);
        // In the order in which the server writes: it never holds both.
        let locked = other_lock
            .as_mut()
            .map(|other| other.transaction_with_behavior(TransactionBehavior::Immediate))
            .transpose()?;
        let lock = store_lock.transaction_with_behavior(TransactionBehavior::Immediate)?;
        for connection in std::iter::once(&store).chain(&other) {
            connection.execute_batch("BEGIN")?;
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        }
        let blobs = blobs(&store)?;
        let mut late = Vec::new();
        for id in blobs.keys() {
            if copied.contains_key(id) {
                continue;
            }
            if let Some(file) = open_blob(data_dir, id)? {
                late.push((id.clone(), file));
            }
            // More files cannot be open at once.
            if late.len() > MOST_OPEN
                && let Some((id, file)) = late.pop()
            {
                copied.insert(id.clone(), copy_blob(file, target, &id)?);
            }
        }
        copy_folder(data_dir, target, dead_letters::FOLDER)?;
        drop((lock, locked));
        Ok(Self {
            store,
            other,
            blobs,
            late,
        })
    }
}

/// The manifest's entry for a damaged file, with the object that it belongs to, unless that is a part of an upload.
fn describe(store: &Connection, id: &str) -> Result<serde_json::Value, rusqlite::Error> {
    let select = match table_version(store)? {
        0..=2 => "SELECT bucket, key, 'null' FROM objects WHERE blob = ?1",
        _ => {
            "SELECT bucket, key, version FROM objects WHERE blob = ?1
             UNION ALL SELECT bucket, key, version FROM versions WHERE blob = ?1"
        }
    };
    let object: Option<(String, Vec<u8>, String)> = store
        .query_row(select, [id], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .optional()?;
    Ok(match object {
        Some((bucket, key, version)) => {
            let key = String::from_utf8_lossy(&key);
            if version == NULL_VERSION {
                serde_json::json!({"file": id, "bucket": bucket, "key": key})
            } else {
                serde_json::json!({"file": id, "bucket": bucket, "key": key, "versionId": version})
            }
        }
        None => serde_json::json!({"file": id}),
    })
}

/// The files that were damaged already when the backup was made.
fn known_damaged(manifest: &Path) -> Result<HashSet<String>, BackupError> {
    let text = fs::read(manifest).map_err(at(manifest))?;
    let manifest: serde_json::Value = serde_json::from_slice(&text)
        .map_err(|error| BackupError::Damaged(format!("{MANIFEST} cannot be read ({error})")))?;
    let damaged = manifest.get("damaged").and_then(|list| list.as_array());
    Ok(damaged
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.get("file")?.as_str().map(str::to_owned))
        .collect())
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
    let mut statement = store.prepare(select_files(table_version(store)?))?;
    statement
        .query_map([], |row| {
            let size: i64 = row.get(1)?;
            Ok((row.get(0)?, size.unsigned_abs()))
        })?
        .collect()
}

/// Opens the file of an object; `None` if it is gone.
fn open_blob(data_dir: &Path, id: &str) -> Result<Option<File>, BackupError> {
    let finished = blob_path(data_dir, id);
    // A file is moved from the second place to the first when its write is finished.
    for source in [&finished, &unfinished_blob_path(data_dir, id), &finished] {
        match File::open(source) {
            Ok(file) => return Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(at(source)(error)),
        }
    }
    Ok(None)
}

/// Copies the file of an object. Returns its size.
fn copy_blob(mut file: File, to: &Path, id: &str) -> Result<u64, BackupError> {
    let target = blob_path(to, id);
    if let Some(folder) = target.parent() {
        fs::create_dir_all(folder).map_err(at(folder))?;
    }
    let mut copy = || -> io::Result<u64> {
        let mut writer = File::create(&target)?;
        let size = io::copy(&mut file, &mut writer)?;
        writer.sync_data()?;
        Ok(size)
    };
    copy().map_err(at(&target))
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
