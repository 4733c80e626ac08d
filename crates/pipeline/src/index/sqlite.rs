//! The index in a SQLite file, for one machine.
//!
//! Readers and the one writer do not wait for each other (write-ahead log). Calls run on Tokio's threads for
//! blocking work. Every write is one transaction.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{
    Connection, OpenFlags, OptionalExtension, Rows, Statement, ToSql, Transaction,
    TransactionBehavior, ffi, params, params_from_iter,
};
use serde::Deserialize;
use time::{Date, OffsetDateTime};

use super::{
    Condition, Deletion, Entry, Found, ImageIndex, ImageRow, Labels, NameCount, Page, Position,
    Put, Query, REMOVAL_RETENTION, Rows as StoredRows, Sort, Term, TermKind, Vocabulary,
    cursor::confidence_bits,
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
const MIGRATIONS: [&str; 3] = [
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
    // Terms may be words of the text, words of the file name and colours now, which are not counted and have the confidence 0. The
    // images of older versions count by their upload time.
    "
    ALTER TABLE image ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;  -- ms since 1970
    UPDATE image SET taken = uploaded;
    CREATE INDEX image_taken ON image (taken, key);
    CREATE INDEX image_taken_of_owner ON image (owner, taken, key) WHERE owner <> '';

    ALTER TABLE term ADD COLUMN taken INTEGER NOT NULL DEFAULT 0;
    UPDATE term SET taken = uploaded;
    CREATE INDEX term_taken ON term (kind, name, taken, key);
    CREATE INDEX term_taken_of_owner ON term (owner, kind, name, taken, key) WHERE owner <> '';
    CREATE INDEX term_surest ON term (kind, name, confidence, uploaded, key);
    CREATE INDEX term_surest_of_owner ON term (owner, kind, name, confidence, uploaded, key) WHERE owner <> '';

    CREATE TABLE alias (
        owner TEXT NOT NULL,        -- as in count
        label TEXT NOT NULL,        -- folded
        alias TEXT NOT NULL,        -- as the recogniser writes it
        PRIMARY KEY (owner, label, alias)
    ) STRICT, WITHOUT ROWID;
",
];

/// How long a write waits for another process, such as `sightline reindex` beside `sightline local`.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How many images a page looks through at most if it filters them, so that a query with few matches cannot occupy a reader for
/// long.
const MAX_FILTERED: usize = 5_000;

/// Up to which number the images with a term that has no count are counted, to find the rarest condition.
const MAX_COUNTED: i64 = 1_000;

/// How many words [`ImageIndex::words`] returns at most.
const MAX_INDEX_WORDS: i64 = 500;

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

    async fn rows(&self, after: Option<&str>) -> Result<StoredRows, ServiceError> {
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
            Ok(StoredRows { rows, next })
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

    async fn words(
        &self,
        owner: Option<&str>,
        kind: TermKind,
        first: char,
    ) -> Result<Vec<String>, ServiceError> {
        let owner = owner.unwrap_or_default().to_owned();
        self.read("words", move |reader| words(reader, &owner, kind, first))
            .await
    }

    async fn labels(&self, owner: Option<&str>) -> Result<Labels, ServiceError> {
        let owner = owner.unwrap_or_default().to_owned();
        self.read("labels", move |reader| {
            let images = match owner.as_str() {
                "" => reader
                    .prepare_cached("SELECT count(*) FROM image")?
                    .query_row([], |row| row.get(0))?,
                // The first condition lets SQLite use the partial index.
                owner => reader
                    .prepare_cached("SELECT count(*) FROM image WHERE owner <> '' AND owner = ?1")?
                    .query_row([owner], |row| row.get(0))?,
            };
            Ok(Labels::from_counts(number(images), counts(reader, &owner)?))
        })
        .await
    }

    /// Without the number of images, which takes a look at each of them.
    async fn vocabulary(&self, owner: Option<&str>) -> Result<Vocabulary, ServiceError> {
        let owner = owner.unwrap_or_default().to_owned();
        self.read("vocabulary", move |reader| {
            let labels = Labels::from_counts(0, counts(reader, &owner)?);
            Ok(Vocabulary::new(&labels))
        })
        .await
    }
}

/// Goes from each word to the next in the index, so that the time does not depend on the number of images.
fn words(
    reader: &Connection,
    owner: &str,
    kind: TermKind,
    first: char,
) -> rusqlite::Result<Vec<String>> {
    // The first condition lets SQLite use the partial index.
    let of_owner = if owner.is_empty() {
        "?1 = ''"
    } else {
        "term.owner <> '' AND term.owner = ?1"
    };
    let list = format!("FROM term WHERE {of_owner} AND term.kind = ?2");
    let statement = format!(
        "WITH RECURSIVE word (name) AS (
             SELECT min(term.name) {list} AND term.name >= ?3 AND term.name < ?4
             UNION ALL
             SELECT (SELECT min(term.name) {list} AND term.name > word.name AND term.name < ?4)
             FROM word WHERE word.name IS NOT NULL
         )
         SELECT (SELECT term.shown {list} AND term.name = word.name LIMIT 1)
         FROM word WHERE word.name IS NOT NULL LIMIT ?5"
    );
    let end = format!("{first}{}", char::MAX);
    reader
        .prepare_cached(&statement)?
        .query_map(
            params![owner, kind.name(), first.to_string(), end, MAX_INDEX_WORDS],
            |row| row.get(0),
        )?
        .collect()
}

/// The labels and categories with their numbers of images.
fn counts(reader: &Connection, owner: &str) -> rusqlite::Result<Vec<(TermKind, NameCount)>> {
    let mut aliases: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut select = reader.prepare_cached("SELECT label, alias FROM alias WHERE owner = ?1")?;
    let mut rows = select.query([owner])?;
    while let Some(row) = rows.next()? {
        (aliases.entry(row.get(0)?).or_default()).insert(row.get(1)?);
    }
    let mut select =
        reader.prepare_cached("SELECT kind, name, shown, images FROM count WHERE owner = ?1")?;
    let mut rows = select.query([owner])?;
    let mut counts = Vec::new();
    while let Some(row) = rows.next()? {
        let (kind, aliases) = if row.get_ref(0)?.as_str()? == TermKind::Label.name() {
            (TermKind::Label, aliases.remove(row.get_ref(1)?.as_str()?))
        } else {
            (TermKind::Category, None)
        };
        counts.push((
            kind,
            NameCount {
                name: row.get(2)?,
                images: number(row.get(3)?),
                aliases: aliases.unwrap_or_default(),
            },
        ));
    }
    Ok(counts)
}

fn number(count: i64) -> u64 {
    u64::try_from(count).unwrap_or_default()
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
        if record == IndexRecord::Image(image.clone())
            && has_same_terms(transaction, entry)?
            && has_aliases(transaction, entry)?
        {
            return Ok(Put::Unchanged);
        }
    }
    delete(transaction, key)?;
    let owner = key.owner().unwrap_or_default();
    let (status, uploaded) = (row.status.name(), milliseconds(row.uploaded_at));
    let taken = row.taken_ms();
    transaction
        .prepare_cached(
            "INSERT INTO image (key, owner, status, uploaded, taken, image)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            key.as_str(),
            owner,
            status,
            uploaded,
            taken,
            json(&image)?
        ])?;
    let mut insert = transaction.prepare_cached(
        "INSERT INTO term (kind, name, uploaded, taken, key, owner, status, confidence, shown)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
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
            taken,
            key.as_str(),
            owner,
            status,
            confidence,
            term.name
        ])?;
        for scope in scopes(owner).filter(|_| term.kind.is_counted()) {
            count.execute(params![scope, kind, name, term.name])?;
        }
    }
    let mut insert = transaction
        .prepare_cached("INSERT OR IGNORE INTO alias (owner, label, alias) VALUES (?1, ?2, ?3)")?;
    for (scope, label, alias) in aliases(entry) {
        insert.execute(params![scope, label, alias])?;
    }
    Ok(Put::Written)
}

/// The owners in whose counts the image is: the empty owner, which stands for all images, and its own.
fn scopes(owner: &str) -> impl Iterator<Item = &str> {
    [""].into_iter().chain((!owner.is_empty()).then_some(owner))
}

/// The aliases of the entry's labels with their owner and label.
fn aliases(entry: &Entry) -> impl Iterator<Item = (&str, &str, &str)> {
    let owner = entry.row.key.owner().unwrap_or_default();
    scopes(owner).flat_map(|scope| {
        entry.aliases.iter().flat_map(move |(label, aliases)| {
            (aliases.iter()).map(move |alias| (scope, label.as_str(), alias.as_str()))
        })
    })
}

/// Whether the aliases of the entry's labels are stored.
fn has_aliases(transaction: &Transaction<'_>, entry: &Entry) -> rusqlite::Result<bool> {
    let mut select = transaction
        .prepare_cached("SELECT 1 FROM alias WHERE owner = ?1 AND label = ?2 AND alias = ?3")?;
    for (scope, label, alias) in aliases(entry) {
        if !select.exists(params![scope, label, alias])? {
            return Ok(false);
        }
    }
    Ok(true)
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
        "DELETE FROM alias WHERE (owner, label) IN (
             SELECT count.owner, count.name FROM term JOIN count
             ON count.owner IN ('', term.owner) AND count.kind = term.kind AND count.name = term.name
             WHERE term.key = ?1 AND term.kind = 'label' AND count.images <= 0)",
        "DELETE FROM count WHERE (owner, kind, name) IN (
             SELECT count.owner, count.kind, count.name FROM term JOIN count
             ON count.owner IN ('', term.owner) AND count.kind = term.kind AND count.name = term.name
             WHERE term.key = ?1 AND count.images <= 0)",
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

/// What a list needs of an [`Image`].
#[derive(Deserialize)]
struct StoredRow {
    row: ImageRow,
}

/// The lists of the terms by which images are looked up, or of all images, are read side by side in the order of the query. Each
/// list is a range of an index. What an image must have besides is looked up in the table of terms, row by row.
fn page(
    reader: &Connection,
    query: &Query,
    after: Option<&Position>,
    limit: usize,
) -> rusqlite::Result<Page> {
    let order = query.order();
    let lookup = match order {
        Sort::Confidence => query.measured().cloned(),
        _ => rarest(reader, query)?,
    };
    let selects = match &lookup {
        Some(condition) => (condition.any.iter())
            .map(|term| Select::of(query, after, Some((condition, term))))
            .collect(),
        None => vec![Select::of(query, after, None)],
    };
    let mut statements = (selects.iter())
        .map(|select| reader.prepare_cached(&select.text()))
        .collect::<rusqlite::Result<Vec<_>>>()?;
    let mut lists = Vec::new();
    for (statement, select) in statements.iter_mut().zip(selects) {
        let mut rows = statement.query(params_from_iter(select.values))?;
        lists.push((Listed::next(&mut rows)?, rows));
    }
    let mut image = reader.prepare_cached("SELECT image FROM image WHERE key = ?1")?;
    let mut confidence = reader.prepare_cached(
        "SELECT confidence FROM term WHERE kind = ?1 AND name = ?2 AND uploaded = ?3 AND key = ?4",
    )?;
    let mut images: Vec<Found> = Vec::new();
    for read in 1.. {
        let heads = lists.iter().filter_map(|(head, _)| head.as_ref());
        let first = match order {
            Sort::Oldest => heads.min_by(|one, other| one.position.cmp(&other.position)),
            _ => heads.max_by(|one, other| one.position.cmp(&other.position)),
        };
        let Some(Listed { position, passes }) = first.cloned() else {
            break;
        };
        for (head, rows) in &mut lists {
            if head.as_ref().is_some_and(|head| head.position == position) {
                *head = Listed::next(rows)?;
            }
        }
        if passes {
            let StoredRow { row } = image.query_row([position.key.as_str()], |row| {
                from_json(row.get_ref(0)?.as_str()?)
            })?;
            if query.faces.matches(&row) {
                if images.len() == limit {
                    let next = images.last().map(|last: &Found| last.position.clone());
                    return Ok(Page { images, next });
                }
                let confidence = best(&mut confidence, query, &row)?;
                images.push(Found {
                    row,
                    confidence,
                    position: position.clone(),
                });
            }
        }
        if read == MAX_FILTERED {
            return Ok(Page {
                images,
                next: Some(position),
            });
        }
    }
    Ok(Page { images, next: None })
}

/// As [`Query::lookup`], by the numbers of images that the index has.
fn rarest(reader: &Connection, query: &Query) -> rusqlite::Result<Option<Condition>> {
    if query.conditions.len() < 2 {
        return Ok(query.lookup());
    }
    let owner = query.owner.as_deref().unwrap_or_default();
    let mut counted = reader
        .prepare_cached("SELECT images FROM count WHERE owner = ?1 AND kind = ?2 AND name = ?3")?;
    let mut uncounted = reader.prepare_cached(if owner.is_empty() {
        "SELECT count(*) FROM (SELECT 1 FROM term WHERE ?1 = '' AND kind = ?2 AND name = ?3 LIMIT ?4)"
    } else {
        "SELECT count(*) FROM (SELECT 1 FROM term WHERE owner <> '' AND owner = ?1 AND kind = ?2 AND name = ?3 LIMIT ?4)"
    })?;
    let mut rarest: Option<(i64, &Condition)> = None;
    for condition in &query.conditions {
        let mut images = 0;
        for term in &condition.any {
            let (kind, name) = (term.kind.name(), term.folded());
            let of_term: i64 = if term.kind.is_counted() {
                counted
                    .query_row(params![owner, kind, name], |row| row.get(0))
                    .optional()?
                    .unwrap_or(0)
            } else {
                uncounted.query_row(params![owner, kind, name, MAX_COUNTED], |row| row.get(0))?
            };
            images += of_term;
        }
        if rarest.is_none_or(|(fewest, _)| images < fewest) {
            rarest = Some((images, condition));
        }
    }
    Ok(rarest.map(|(_, condition)| condition.clone()))
}

/// The confidence with which the image is listed.
fn best(
    select: &mut Statement<'_>,
    query: &Query,
    row: &ImageRow,
) -> rusqlite::Result<Option<f64>> {
    let mut best: Option<f64> = None;
    let terms = query.measured().map(|condition| condition.any.iter());
    for term in terms.into_iter().flatten() {
        if term.kind.is_counted() {
            let values = params![
                term.kind.name(),
                term.folded(),
                milliseconds(row.uploaded_at),
                row.key.as_str()
            ];
            let confidence: Option<f64> = select.query_row(values, |row| row.get(0)).optional()?;
            let confidence = confidence
                .filter(|percent| query.min_confidence.is_none_or(|least| *percent >= least));
            best = best.into_iter().chain(confidence).reduce(f64::max);
        }
    }
    Ok(best)
}

/// The next image of a list.
#[derive(Debug, Clone)]
struct Listed {
    position: Position,
    /// Whether it passes the filters, apart from the face filter.
    passes: bool,
}

impl Listed {
    fn next(rows: &mut Rows<'_>) -> rusqlite::Result<Option<Self>> {
        let Some(row) = rows.next()? else {
            return Ok(None);
        };
        let key = SourceKey::new(row.get_ref(2)?.as_str()?)
            .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
        Ok(Some(Self {
            position: Position {
                confidence_bits: confidence_bits(row.get(0)?),
                at_ms: row.get(1)?,
                key,
            },
            passes: row.get(3)?,
        }))
    }
}

/// The statement that reads a list.
struct Select {
    /// The table, and the index that has the order of the list.
    from: String,
    /// The columns of the position.
    position: [&'static str; 3],
    direction: &'static str,
    /// The range of the index, and what the index tells.
    range: Vec<String>,
    /// What has to be looked up.
    filters: Vec<String>,
    values: Vec<Box<dyn ToSql>>,
}

impl Select {
    /// The list of a term of the condition by which images are looked up, or of all images.
    fn of(query: &Query, after: Option<&Position>, lookup: Option<(&Condition, &Term)>) -> Self {
        let order = query.order();
        let table = if lookup.is_some() { "term" } else { "image" };
        let time = match order {
            Sort::Taken => "listed.taken",
            _ => "listed.uploaded",
        };
        let of_owner = if query.owner.is_some() {
            "_of_owner"
        } else {
            ""
        };
        let index = match order {
            Sort::Newest | Sort::Oldest => String::new(),
            Sort::Confidence => format!("INDEXED BY term_surest{of_owner}"),
            Sort::Taken => format!("INDEXED BY {table}_taken{of_owner}"),
        };
        let mut select = Self {
            from: format!("{table} AS listed {index}"),
            position: match order {
                Sort::Confidence => ["listed.confidence", time, "listed.key"],
                _ => ["0.0", time, "listed.key"],
            },
            direction: match order {
                Sort::Oldest => "ASC",
                _ => "DESC",
            },
            range: Vec::new(),
            filters: Vec::new(),
            values: Vec::new(),
        };
        select.add_range(query, after, lookup.map(|(_, term)| term));
        if let Some((condition, term)) = lookup {
            let is_condition = query.conditions.contains(condition);
            if is_condition
                && term.kind.is_counted()
                && let Some(least) = query.min_confidence
            {
                let least = select.bind(least);
                select.range.push(format!("listed.confidence >= {least}"));
            }
            // In an order by confidence, an image is listed where its best term is.
            for other in condition.any.iter().filter(|other| *other != term) {
                if order == Sort::Confidence && other.kind.is_counted() {
                    let mut better = "AND held.confidence > listed.confidence".to_owned();
                    if let Some(least) = query.min_confidence {
                        better.push_str(&format!(" AND held.confidence >= {}", select.bind(least)));
                    }
                    let better = select.exists(other, &better);
                    select.filters.push(format!("NOT {better}"));
                }
            }
        }
        let looked_up = lookup.map(|(condition, _)| condition);
        for condition in &query.conditions {
            if looked_up != Some(condition) {
                let filter = select.meets(condition, query.min_confidence);
                select.filters.push(filter);
            }
        }
        for all in query.excluded.iter().filter(|all| !all.is_empty()) {
            let met: Vec<_> = all.iter().map(|one| select.meets(one, None)).collect();
            select.filters.push(format!("NOT ({})", met.join(" AND ")));
        }
        select
    }

    fn add_range(&mut self, query: &Query, after: Option<&Position>, term: Option<&Term>) {
        if let Some(term) = term {
            let (kind, name) = (self.bind(term.kind.name()), self.bind(term.folded()));
            self.range
                .push(format!("listed.kind = {kind} AND listed.name = {name}"));
        }
        if let Some(owner) = &query.owner {
            let owner = self.bind(owner.clone());
            // The first condition lets SQLite use the partial index.
            self.range
                .push(format!("listed.owner <> '' AND listed.owner = {owner}"));
        }
        if let Some(status) = query.status {
            let status = self.bind(status.name());
            self.range.push(format!("listed.status = {status}"));
        }
        let [confidence, time, key] = self.position;
        let (from, to) = query.range();
        if query.from.is_some() {
            let from = self.bind(from);
            self.range.push(format!("{time} >= {from}"));
        }
        if query.to.is_some() {
            let to = self.bind(to);
            self.range.push(format!("{time} <= {to}"));
        }
        let Some(after) = after else { return };
        let (at, after_key) = (
            self.bind(after.at_ms),
            self.bind(after.key.as_str().to_owned()),
        );
        match query.order() {
            Sort::Confidence => {
                let best = self.bind(f64::from_bits(after.confidence_bits));
                self.range.push(format!(
                    "{confidence} <= {best} AND ({confidence}, {time}, {key}) < ({best}, {at}, {after_key})"
                ));
            }
            Sort::Oldest => self.range.push(format!(
                "{time} >= {at} AND ({time}, {key}) > ({at}, {after_key})"
            )),
            Sort::Newest | Sort::Taken => self.range.push(format!(
                "{time} <= {at} AND ({time}, {key}) < ({at}, {after_key})"
            )),
        }
    }

    /// Adds a value, and returns its name in the statement.
    fn bind(&mut self, value: impl ToSql + 'static) -> String {
        self.values.push(Box::new(value));
        format!("?{}", self.values.len())
    }

    /// Whether the image has the term.
    fn exists(&mut self, term: &Term, more: &str) -> String {
        let (kind, name) = (self.bind(term.kind.name()), self.bind(term.folded()));
        format!(
            "EXISTS (SELECT 1 FROM term AS held WHERE held.kind = {kind} AND held.name = {name}
             AND held.uploaded = listed.uploaded AND held.key = listed.key {more})"
        )
    }

    /// Whether the image meets the condition.
    fn meets(&mut self, condition: &Condition, least: Option<f64>) -> String {
        let mut any = vec!["FALSE".to_owned()];
        for term in &condition.any {
            let more = match least.filter(|_| term.kind.is_counted()) {
                Some(least) => format!("AND held.confidence >= {}", self.bind(least)),
                None => String::new(),
            };
            any.push(self.exists(term, &more));
        }
        format!("({})", any.join(" OR "))
    }

    fn text(&self) -> String {
        let Self {
            from,
            position: [confidence, time, key],
            direction,
            range,
            filters,
            ..
        } = self;
        let conjunction = |parts: &[String]| match parts {
            [] => "TRUE".to_owned(),
            parts => parts.join(" AND "),
        };
        // In an order by time, the confidence is the number 0, which must not be a term of ORDER BY.
        let order = match *confidence {
            "0.0" => format!("{time} {direction}, {key} {direction}"),
            confidence => {
                format!("{confidence} {direction}, {time} {direction}, {key} {direction}")
            }
        };
        format!(
            "SELECT {confidence}, {time}, {key}, {} FROM {from} WHERE {} ORDER BY {order}",
            conjunction(filters),
            conjunction(range)
        )
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::index_suite::images::Image as Sample;

    #[tokio::test]
    async fn the_words_of_a_letter_are_listed() {
        let folder = tempfile::tempdir().unwrap();
        let index = SqliteIndex::open(&folder.path().join("index.sqlite3")).unwrap();
        for (key, filename, text) in [
            ("uploads/ann/a.jpg", "Horses.jpg", "EXIT exits"),
            ("uploads/bob/b.jpg", "horse house.jpg", "entrance"),
        ] {
            let mut sample = Sample::new(key, 1).label("Elephant", 90.0, None);
            sample.filename = filename.to_owned();
            sample.text = vec![text.to_owned()];
            assert_eq!(index.put(&sample.entry()).await, Ok(Put::Written));
        }
        let words = async |owner, kind, first| index.words(owner, kind, first).await.unwrap();
        let (text, filename) = (TermKind::Text, TermKind::Filename);
        assert_eq!(words(None, text, 'e').await, ["entrance", "exit"]);
        assert_eq!(words(Some("ann"), text, 'e').await, ["exit"]);
        assert_eq!(words(Some("bob"), filename, 'h').await, ["horse", "house"]);
        assert_eq!(words(None, filename, 'h').await.len(), 2);
        assert!(words(None, text, 'h').await.is_empty());
    }

    #[tokio::test]
    async fn an_index_of_an_older_version_is_migrated() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("index.sqlite3");
        let mut sample = Sample::new("uploads/ann/a.jpg", 1).label("Car", 90.0, None);
        sample.taken = Some("2020-01-01T00:00:00".to_owned());
        let entry = sample.entry();
        let mut row = serde_json::to_value(&entry.row).unwrap();
        row.as_object_mut().unwrap().remove("takenAt");
        let image = serde_json::json!({ "row": row, "version": entry.version });
        {
            let file = Connection::open(&path).unwrap();
            for migration in MIGRATIONS.iter().take(2) {
                file.execute_batch(migration).unwrap();
            }
            file.pragma_update(None, "user_version", 2).unwrap();
            let uploaded = milliseconds(entry.row.uploaded_at);
            file.execute(
                "INSERT INTO image (key, owner, status, uploaded, image)
                 VALUES ('uploads/ann/a.jpg', 'ann', 'succeeded', ?1, ?2)",
                params![uploaded, image.to_string()],
            )
            .unwrap();
            file.execute(
                "INSERT INTO term (kind, name, uploaded, key, owner, status, confidence, shown)
                 VALUES ('label', 'car', ?1, 'uploads/ann/a.jpg', 'ann', 'succeeded', 90.0, 'Car')",
                [uploaded],
            )
            .unwrap();
            for owner in ["", "ann"] {
                file.execute(
                    "INSERT INTO count (owner, kind, name, shown, images)
                     VALUES (?1, 'label', 'car', 'Car', 1)",
                    [owner],
                )
                .unwrap();
            }
        }
        let index = SqliteIndex::open(&path).unwrap();
        let found = async |query: Query| {
            let page = index.page(&query, None, 10).await.unwrap();
            page.images.len()
        };
        let before_march = Query {
            to: Some(time::macros::datetime!(2026-02-28 0:00 UTC)),
            sort: Sort::Taken,
            ..Query::for_term(Term::label("car"))
        };
        let words = Query::for_term(Term::filename("holiday"));
        for owner in [None, Some("ann".to_owned())] {
            for sort in Sort::ALL {
                let query = Query {
                    owner: owner.clone(),
                    sort,
                    ..Query::for_term(Term::label("Car"))
                };
                assert_eq!(found(query).await, 1, "{sort:?}");
            }
        }
        assert_eq!(found(before_march.clone()).await, 0);
        assert_eq!(found(words.clone()).await, 0);
        let labels = index.labels(Some("ann")).await.unwrap();
        assert_eq!((labels.images, labels.labels[0].aliases.len()), (1, 0));

        assert_eq!(index.put(&entry).await, Ok(Put::Written));
        assert_eq!(index.put(&entry).await, Ok(Put::Unchanged));
        assert_eq!(found(before_march).await, 1);
        assert_eq!(found(words).await, 1);
        let labels = index.labels(Some("ann")).await.unwrap();
        assert_eq!((labels.images, labels.labels[0].aliases.len()), (1, 2));
    }
}
