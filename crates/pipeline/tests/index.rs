//! The rules that every index follows, for the indexes in memory and in SQLite. `crates/aws` runs them for
//! DynamoDB.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

use sightline_pipeline::{
    index::{Entry, SqliteIndex},
    testing::{
        MemoryIndex,
        index_suite::{self as suite, Backend, ExpectedIndex, images, put_all},
    },
};

/// The number of images in a large index.
const MANY: usize = 10_000;

struct InMemory;

impl Backend for InMemory {
    type Index = MemoryIndex;

    async fn fresh(&self) -> MemoryIndex {
        MemoryIndex::new()
    }
}

struct InSqlite(tempfile::TempDir);

impl Backend for InSqlite {
    type Index = SqliteIndex;

    async fn fresh(&self) -> SqliteIndex {
        let name = format!("{}.sqlite3", uuid::Uuid::new_v4());
        SqliteIndex::open(&self.0.path().join(name)).unwrap()
    }
}

#[tokio::test]
async fn the_index_in_memory() {
    suite::rules(&InMemory).await;
    let index = MemoryIndex::new();
    put_all(&index, &images::many_entries(MANY)).await;
    suite::pages_of_many(&index, MANY, 100, async |new: &[Entry]| {
        put_all(&index, new).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_index_in_sqlite() {
    let folder = InSqlite(tempfile::tempdir().unwrap());
    suite::rules(&folder).await;
    let index = folder.fresh().await;
    index.put_all(images::many_entries(MANY)).await.unwrap();
    suite::pages_of_many(&index, MANY, 100, async |new: &[Entry]| {
        put_all(&index, new).await
    })
    .await;
    suite::concurrent_writes(&folder.fresh().await).await;
}

/// The lists of all images and those of owners.
const OWNERS: [Option<&str>; 3] = [None, Some("ann"), Some("bob")];

#[tokio::test]
async fn random_searches_in_memory() {
    let images = suite::random_images(300);
    let index = MemoryIndex::new();
    put_all(&index, &suite::entries_of(&images)).await;
    suite::random_searches(&index, &images, 100, 50, &OWNERS).await;
}

#[tokio::test]
async fn random_searches_in_sqlite() {
    let folder = InSqlite(tempfile::tempdir().unwrap());
    let images = suite::random_images(MANY);
    let index = folder.fresh().await;
    index.put_all(suite::entries_of(&images)).await.unwrap();
    suite::random_searches(&index, &images, 50, 900, &OWNERS).await;
    let few = suite::random_images(300);
    let index = folder.fresh().await;
    index.put_all(suite::entries_of(&few)).await.unwrap();
    suite::random_searches(&index, &few, 150, 7, &OWNERS).await;
}

#[test]
fn a_sqlite_file_is_durable_and_one_from_a_newer_version_is_rejected() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.sqlite3");
    let expected = runtime.block_on(ExpectedIndex::new(&images::sample_entries()));
    let index = SqliteIndex::open(&path).unwrap();
    runtime.block_on(put_all(&index, &images::sample_entries()));
    drop(index);
    let index = SqliteIndex::open(&path).unwrap();
    runtime.block_on(expected.check(&index));
    drop(index);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteIndex::open(&path).unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.is_retryable()),
        ("Newer", false)
    );
    assert!(error.to_string().contains("schema version 99"), "{error}");
}
