//! The index in a SQLite file, for one machine.
//!
//! Readers and the one writer do not wait for each other (write-ahead log). Calls run on Tokio's threads for
//! blocking work. Every write is one transaction.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension, ToSql, Transaction, TransactionBehavior, ffi, params,
    params_from_iter,
};
use time::{Date, OffsetDateTime};

use super::{
    Deletion, Entry, Found, ImageIndex, Labels, NameCount, Page, Position, Put, Query,
    REMOVAL_RETENTION, Rows, TermKind,
    precedence::{Image, IndexRecord, Removal},
    timestamp::milliseconds,
};
use crate::{
    SourceKey,
    service_error::{Fate, Service, ServiceError, code::DISK_FULL},
};

/// The migrations from one schema version to the next. `user_version` counts those that were run.
///
/// `owner` is empty if an image has no owner. In `count`, the empty owner stands for all images.
const MIGRATIONS: [&str; 2] = [
    "
    CREATE TABLE image (
        key TEXT PRIMARY KEY,
        owner TEXT NOT NULL,
        status TEXT NOT NULL,
        uploaded INTEGER NOT NULL,  -- ms since 1970
        image TEXT NOT NULL         -- JSON: row and version
    ) STRICT;
    CREATE INDEX image_newest ON image (uploaded, key);
    CREATE INDEX image_newest_of_status ON image (status, uploaded, key);
    CREATE INDEX image_newest_of_owner ON image (owner, uploaded, key) WHERE owner <> '';
    CREATE INDEX image_newest_of_owner_and_status ON image (owner, status, uploaded, key) WHERE owner <> '';

    CREATE TABLE term (
        kind TEXT NOT NULL,         -- label, category
        name TEXT NOT NULL,         -- folded
        uploaded INTEGER NOT NULL,
        key TEXT NOT NULL REFERENCES image (key),
        owner TEXT NOT NULL,
        status TEXT NOT NULL,
        confidence REAL NOT NULL,   -- percent
        shown TEXT NOT NULL,        -- the name as the recogniser writes it
        PRIMARY KEY (kind, name, uploaded, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX term_of_image ON term (key);
    CREATE INDEX term_of_owner ON term (owner, kind, name, uploaded, key, confidence, status) WHERE owner <> '';

    CREATE TABLE count (
        owner TEXT NOT NULL,
        kind TEXT NOT NULL,
        name TEXT NOT NULL,
        shown TEXT NOT NULL,
        images INTEGER NOT NULL,
        PRIMARY KEY (owner, kind, name)
    ) STRICT, WITHOUT ROWID;

    CREATE TABLE removal (
        key TEXT PRIMARY KEY,
        at INTEGER NOT NULL,        -- ms since 1970
        removal TEXT NOT NULL       -- JSON
    ) STRICT;
    CREATE INDEX removal_oldest ON removal (at);
",
    "
    CREATE TABLE analyses (
        owner TEXT NOT NULL,
        day TEXT NOT NULL,          -- YYYY-MM-DD, UTC
        analyses INTEGER NOT NULL,
        PRIMARY KEY (owner, day)
    ) STRICT, WITHOUT ROWID;
",
];

/// How long a write waits for another process, such as `sightline reindex` beside `sightline local`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many images a page with a face filter looks through at most, so that a filter with few matches cannot occupy a
/// reader for long.
const MAX_FILTERED: usize = 5_000;

/// How many rows [`ImageIndex::rows`] returns at most.
const MAX_ROWS: usize = 1_000;

/// An index in a SQLite file. Clones share its connections.
#[derive(Clone)]
pub struct SqliteIndex(Arc<Connections>);

struct Connections {
    path: PathBuf,
    /// Readers that are not in use. They close before the writer: the last connection merges the write-ahead log, and only
    /// the writer can.
    readers: Mutex<Vec<Connection>>,
    writer: Mutex<Connection>,
}

impl fmt::Debug for SqliteIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteIndex")
            .field("path", &self.0.path)
            .finish_non_exhaustive()
    }
}

impl SqliteIndex {
    /// Opens the index in this file, or creates it. Blocks for a moment.
    ///
    /// # Errors
    /// [`ServiceError`] if the file cannot be read or written, is not an index, or was written by a newer
    /// version of Sightline.
    pub fn open(path: &Path) -> Result<Self, ServiceError> {
        let mut writer = Connection::open(path).map_err(failed("open"))?;
        migrate(&mut writer).map_err(|failure| match failure {
            MigrationError::Sqlite(cause) => failed("open")(cause),
            MigrationError::Newer(version) => error(
                "open",
                "Newer",
                format!(
                    "{} has schema version {version}; this version of Sightline supports up to {}. Use the newer version, or delete the file and run `sightline reindex`",
                    path.display(),
                    MIGRATIONS.len()
                ),
                Fate::Final,
            ),
        })?;
        Ok(Self(Arc::new(Connections {
            path: path.to_owned(),
            writer: Mutex::new(writer),
            readers: Mutex::default(),
        })))
    }

    /// Adds many images in one transaction, which is much faster than one by one.
    ///
    /// # Errors
    /// [`ServiceError`] if the file cannot be written. Then none is added.
    pub async fn put_all(&self, entries: Vec<Entry>) -> Result<(), ServiceError> {
        self.write("put", move |transaction| {
            for entry in &entries {
                put(transaction, entry)?;
            }
            Ok(())
        })
        .await
    }

    /// Runs `work` in one transaction that may write.
    async fn write<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let connections = self.0.clone();
        blocking(operation, move || {
            let mut writer = (connections.writer.lock()).unwrap_or_else(PoisonError::into_inner);
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
        .await
    }

    /// Runs `work`, concurrently with the writer and other readers.
    async fn read<T: Send + 'static>(
        &self,
        operation: &'static str,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ServiceError> {
        let connections = self.0.clone();
        blocking(operation, move || {
            let idle = || (connections.readers.lock()).unwrap_or_else(PoisonError::into_inner);
            // In a statement of its own, so that the lock is released at once.
            let reader = idle().pop();
            let reader = match reader {
                Some(reader) => reader,
                None => {
                    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
                    let reader = Connection::open_with_flags(&connections.path, flags)?;
                    reader.busy_timeout(BUSY_TIMEOUT)?;
                    reader
                }
            };
            let done = work(&reader)?;
            idle().push(reader);
            Ok(done)
        })
        .await
    }
}

enum MigrationError {
    Sqlite(rusqlite::Error),
    Newer(usize),
}

impl From<rusqlite::Error> for MigrationError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

fn migrate(connection: &mut Connection) -> Result<(), MigrationError> {
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    // The message of an image is deleted once its row is committed, so the row must survive a crash.
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: i64 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let version = usize::try_from(version).unwrap_or(usize::MAX);
    if version > MIGRATIONS.len() {
        return Err(MigrationError::Newer(version));
    }
    for migration in MIGRATIONS.iter().skip(version) {
        transaction.execute_batch(migration)?;
    }
    // On a full disk an index that is up to date must not be written to.
    if version < MIGRATIONS.len() {
        transaction.pragma_update(None, "user_version", MIGRATIONS.len() as i64)?;
    }
    transaction.commit()?;
    Ok(())
}

async fn blocking<T: Send + 'static>(
    operation: &'static str,
    work: impl FnOnce() -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, ServiceError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done.map_err(failed(operation)),
        Err(stopped) => Err(error(
            operation,
            "Stopped",
            stopped.to_string(),
            Fate::RETRY_UNANSWERED,
        )),
    }
}

fn failed(operation: &'static str) -> impl Fn(rusqlite::Error) -> ServiceError {
    move |cause| {
        let code = cause.sqlite_error_code();
        // Another process or a full disk is a temporary cause.
        let temporary = matches!(
            code,
            Some(
                ffi::ErrorCode::DatabaseBusy
                    | ffi::ErrorCode::DatabaseLocked
                    | ffi::ErrorCode::DiskFull
                    | ffi::ErrorCode::SystemIoFailure
                    | ffi::ErrorCode::OperationInterrupted
            )
        );
        error(
            operation,
            match code {
                Some(ffi::ErrorCode::DiskFull) => DISK_FULL.to_owned(),
                Some(code) => format!("{code:?}"),
                None => "Sqlite".to_owned(),
            },
            cause.to_string(),
            if temporary { Fate::RETRY } else { Fate::Final },
        )
    }
}

fn error(
    operation: &'static str,
    code: impl Into<String>,
    message: String,
    fate: Fate,
) -> ServiceError {
    ServiceError::new(Service::Index, operation, code, message, fate).on("the index")
}

impl ImageIndex for SqliteIndex {
    async fn put(&self, entry: &Entry) -> Result<Put, ServiceError> {
        let entry = entry.clone();
        self.write("put", move |transaction| put(transaction, &entry))
            .await
    }

    async fn remove(&self, key: &SourceKey, deletion: &Deletion) -> Result<(), ServiceError> {
        let (key, deletion) = (key.clone(), deletion.clone());
        self.write("remove", move |transaction| {
            let removal = Removal::of(record(transaction, &key)?, &deletion);
            delete(transaction, &key)?;
            transaction.execute(
                "DELETE FROM removal WHERE at < ?1",
                [milliseconds(deletion.at - REMOVAL_RETENTION)],
            )?;
            transaction.execute(
                "INSERT OR REPLACE INTO removal (key, at, removal) VALUES (?1, ?2, ?3)",
                params![key.as_str(), milliseconds(removal.at), json(&removal)?],
            )?;
            Ok(())
        })
        .await
    }

    async fn prune(&self, key: &SourceKey, until: OffsetDateTime) -> Result<bool, ServiceError> {
        let key = key.clone();
        self.write("prune", move |transaction| {
            let is_current = matches!(
                record(transaction, &key)?,
                Some(IndexRecord::Image(image)) if image.row.processed_at <= until
            );
            if is_current {
                delete(transaction, &key)?;
            }
            Ok(is_current)
        })
        .await
    }

    async fn rows(&self, after: Option<&str>) -> Result<Rows, ServiceError> {
        let after = after.unwrap_or_default().to_owned();
        self.read("rows", move |reader| {
            let mut select = reader
                .prepare_cached("SELECT image FROM image WHERE key > ?1 ORDER BY key LIMIT ?2")?;
            let rows = select
                .query_map(params![after, MAX_ROWS as i64], |row| {
                    let Image { row, .. } = from_json(row.get_ref(0)?.as_str()?)?;
                    Ok((row.key, row.processed_at))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            let next = (rows.last().filter(|_| rows.len() == MAX_ROWS))
                .map(|(key, _)| key.as_str().to_owned());
            Ok(Rows { rows, next })
        })
        .await
    }

    async fn count_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
        limit: u64,
    ) -> Result<bool, ServiceError> {
        // Larger numbers than SQLite has are as good as the largest.
        let number = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        let (owner, day) = (owner.to_owned(), day.to_string());
        let (analyses, limit) = (number(analyses), number(limit));
        self.write("count_analyses", move |transaction| {
            transaction.execute(
                "DELETE FROM analyses WHERE day < date(?1, '-2 days')",
                params![day],
            )?;
            let changed = transaction.execute(
                "INSERT INTO analyses (owner, day, analyses) SELECT ?1, ?2, ?3 WHERE ?3 <= ?4
                 ON CONFLICT DO UPDATE SET analyses = analyses + ?3 WHERE analyses <= ?4 - ?3",
                params![owner, day, analyses, limit],
            )?;
            Ok(changed > 0)
        })
        .await
    }

    async fn uncount_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
    ) -> Result<(), ServiceError> {
        let (owner, day) = (owner.to_owned(), day.to_string());
        let analyses = i64::try_from(analyses).unwrap_or(i64::MAX);
        self.write("uncount_analyses", move |transaction| {
            transaction.execute(
                "UPDATE analyses SET analyses = max(0, analyses - ?3) WHERE owner = ?1 AND day = ?2",
                params![owner, day, analyses],
            )?;
            Ok(())
        })
        .await
    }

    /// Counts without images are deleted with their last image already.
    async fn forget(&self, owner: &str) -> Result<(), ServiceError> {
        let owner = owner.to_owned();
        self.write("forget", move |transaction| {
            transaction.execute("DELETE FROM analyses WHERE owner = ?1", [owner])?;
            Ok(())
        })
        .await
    }

    async fn page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page, ServiceError> {
        let (query, after) = (query.clone(), after.cloned());
        self.read("page", move |reader| {
            page(reader, &query, after.as_ref(), limit)
        })
        .await
    }

    async fn labels(&self, owner: Option<&str>) -> Result<Labels, ServiceError> {
        let owner = owner.unwrap_or_default().to_owned();
        self.read("labels", move |reader| {
            let mut select =
                reader.prepare_cached("SELECT kind, shown, images FROM count WHERE owner = ?1")?;
            let counts = select
                .query_map([owner], |row| {
                    let kind = if row.get_ref(0)?.as_str()? == TermKind::Label.name() {
                        TermKind::Label
                    } else {
                        TermKind::Category
                    };
                    let images = u64::try_from(row.get::<_, i64>(2)?).unwrap_or_default();
                    let name = row.get(1)?;
                    Ok((kind, NameCount { name, images }))
                })?
                .collect::<rusqlite::Result<Vec<_>>>()?;
            Ok(Labels::from_counts(counts))
        })
        .await
    }
}

fn put(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<Put> {
    let (row, key) = (&entry.row, &entry.row.key);
    let image = Image {
        row: row.clone(),
        version: entry.version.clone(),
    };
    if let Some(record) = record(transaction, key)? {
        if let Some(put) = record.rejects(entry) {
            return Ok(put);
        }
        if record == IndexRecord::Image(image.clone()) && has_same_terms(transaction, entry)? {
            return Ok(Put::Unchanged);
        }
    }
    delete(transaction, key)?;
    let owner = key.owner().unwrap_or_default();
    let (status, uploaded) = (row.status.name(), milliseconds(row.uploaded_at));
    transaction
        .prepare_cached(
            "INSERT INTO image (key, owner, status, uploaded, image) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            key.as_str(),
            owner,
            status,
            uploaded,
            json(&image)?
        ])?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO term (kind, name, uploaded, key, owner, status, confidence, shown)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    let mut count = transaction.prepare_cached(
        "INSERT INTO count (owner, kind, name, shown, images) VALUES (?1, ?2, ?3, ?4, 1)
         ON CONFLICT DO UPDATE SET images = images + 1, shown = excluded.shown",
    )?;
    for (term, confidence) in &entry.terms {
        let (kind, name) = (term.kind.name(), term.folded());
        insert.execute(params![
            kind,
            name,
            uploaded,
            key.as_str(),
            owner,
            status,
            confidence,
            term.name
        ])?;
        for scope in scopes(owner) {
            count.execute(params![scope, kind, name, term.name])?;
        }
    }
    Ok(Put::Written)
}

/// The owners in whose counts the image is: the empty owner, which stands for all images, and its own.
fn scopes(owner: &str) -> impl Iterator<Item = &str> {
    [""].into_iter().chain((!owner.is_empty()).then_some(owner))
}

fn record(transaction: &Transaction<'_>, key: &SourceKey) -> rusqlite::Result<Option<IndexRecord>> {
    let image = transaction
        .prepare_cached("SELECT image FROM image WHERE key = ?1")?
        .query_row([key.as_str()], |row| from_json(row.get_ref(0)?.as_str()?))
        .optional()?;
    if let Some(image) = image {
        return Ok(Some(IndexRecord::Image(image)));
    }
    let removal = transaction
        .prepare_cached("SELECT removal FROM removal WHERE key = ?1")?
        .query_row([key.as_str()], |row| from_json(row.get_ref(0)?.as_str()?))
        .optional()?;
    Ok(removal.map(IndexRecord::Removed))
}

/// Whether the stored terms of the image are those of the entry.
fn has_same_terms(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<bool> {
    let mut select =
        transaction.prepare_cached("SELECT kind, shown, confidence FROM term WHERE key = ?1")?;
    let mut rows = select.query([entry.row.key.as_str()])?;
    let mut stored = 0;
    while let Some(row) = rows.next()? {
        let (kind, shown) = (row.get_ref(0)?.as_str()?, row.get_ref(1)?.as_str()?);
        let confidence: f64 = row.get(2)?;
        let known = entry.terms.iter().any(|(term, wanted)| {
            term.kind.name() == kind && term.name == shown && *wanted == confidence
        });
        if !known {
            return Ok(false);
        }
        stored += 1;
    }
    Ok(stored == entry.terms.len())
}

/// Deletes everything under the key, and its part in the counts.
fn delete(transaction: &Transaction<'_>, key: &SourceKey) -> rusqlite::Result<()> {
    for statement in [
        "UPDATE count SET images = images - 1 FROM term
         WHERE term.key = ?1 AND count.owner = '' AND count.kind = term.kind AND count.name = term.name",
        "UPDATE count SET images = images - 1 FROM term
         WHERE term.key = ?1 AND term.owner <> '' AND count.owner = term.owner AND count.kind = term.kind AND count.name = term.name",
        "DELETE FROM count WHERE images <= 0 AND (kind, name) IN (SELECT kind, name FROM term WHERE key = ?1)",
        "DELETE FROM term WHERE key = ?1",
        "DELETE FROM image WHERE key = ?1",
        "DELETE FROM removal WHERE key = ?1",
    ] {
        transaction
            .prepare_cached(statement)?
            .execute([key.as_str()])?;
    }
    Ok(())
}

fn page(
    reader: &Connection,
    query: &Query,
    after: Option<&Position>,
    limit: usize,
) -> rusqlite::Result<Page> {
    let mut values: Vec<Box<dyn ToSql>> = Vec::new();
    let mut conditions: Vec<String> = Vec::new();
    let mut require = |condition: &str, value: Box<dyn ToSql>| {
        values.push(value);
        conditions.push(condition.replace('?', &format!("?{}", values.len())));
    };
    let lookup = query.lookup_term();
    let from = match &lookup {
        Some(term) => {
            require("listed.kind = ?", Box::new(term.kind.name()));
            require("listed.name = ?", Box::new(term.folded()));
            if query.term.is_some()
                && let Some(least) = query.min_confidence
            {
                require("listed.confidence >= ?", Box::new(least));
            }
            "term AS listed JOIN image ON image.key = listed.key"
        }
        None => "image AS listed",
    };
    let columns = match (&lookup, &query.term) {
        (Some(_), Some(_)) => "image.image, listed.confidence",
        (Some(_), None) => "image.image, NULL",
        (None, _) => "listed.image, NULL",
    };
    if let Some(owner) = &query.owner {
        // The first condition lets SQLite use the partial index.
        require(
            "listed.owner <> '' AND listed.owner = ?",
            Box::new(owner.clone()),
        );
    }
    if let Some(status) = query.status {
        require("listed.status = ?", Box::new(status.name()));
    }
    if let Some(after) = after {
        require("listed.uploaded <= ?", Box::new(after.uploaded_ms));
        values.push(Box::new(after.uploaded_ms));
        values.push(Box::new(after.key.as_str().to_owned()));
        conditions.push(format!(
            "(listed.uploaded, listed.key) < (?{}, ?{})",
            values.len() - 1,
            values.len()
        ));
    }
    // One more image shows whether another page follows.
    let most = if query.faces.is_empty() {
        limit.saturating_add(1)
    } else {
        MAX_FILTERED
    };
    values.push(Box::new(i64::try_from(most).unwrap_or(i64::MAX)));
    let select = format!(
        "SELECT {columns} FROM {from} {} {} ORDER BY listed.uploaded DESC, listed.key DESC LIMIT ?{}",
        if conditions.is_empty() { "" } else { "WHERE" },
        conditions.join(" AND "),
        values.len()
    );
    let mut statement = reader.prepare_cached(&select)?;
    let mut rows = statement.query(params_from_iter(values))?;
    let mut images: Vec<Found> = Vec::new();
    let mut last: Option<Position> = None;
    let mut read = 0;
    while let Some(row) = rows.next()? {
        let Image { row: image, .. } = from_json(row.get_ref(0)?.as_str()?)?;
        read += 1;
        let position = Position::of(&image);
        if query.faces.matches(&image) {
            if images.len() == limit {
                return Ok(Page {
                    next: images.last().map(|last| Position::of(&last.row)),
                    images,
                });
            }
            images.push(Found {
                row: image,
                confidence: row.get(1)?,
            });
        }
        last = Some(position);
    }
    Ok(Page {
        images,
        next: last.filter(|_| read == most),
    })
}

fn json(value: &impl serde::Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(value)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))
}

fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> rusqlite::Result<T> {
    serde_json::from_str(text).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, error.into())
    })
}
