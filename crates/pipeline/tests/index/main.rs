//! One suite for every index: in memory, in SQLite, and in DynamoDB as moto stands in for it.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod images;
mod moto;
#[path = "../../../../tests/needs.rs"]
mod needs;
mod suite;

use std::sync::atomic::Ordering;

use moto::{CRITICAL, Moto, Wire};
use sightline_pipeline::{
    index::{Entry, ImageIndex, SqliteIndex},
    testing::MemoryIndex,
};
use suite::{Backend, Library};

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

impl Backend for Moto {
    type Index = sightline_pipeline::index::DynamoIndex;

    async fn fresh(&self) -> Self::Index {
        self.table(Wire::default()).await
    }
}

#[tokio::test]
async fn the_index_in_memory() {
    suite::rules(&InMemory).await;
    let index = MemoryIndex::new();
    put_all(&index, &images::many(images::MANY)).await;
    suite::many(&index, 100, async |new: &[Entry]| {
        put_all(&index, new).await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_index_in_sqlite() {
    let folder = InSqlite(tempfile::tempdir().unwrap());
    suite::rules(&folder).await;
    let index = folder.fresh().await;
    index.put_all(images::many(images::MANY)).await.unwrap();
    suite::many(&index, 100, async |new: &[Entry]| {
        put_all(&index, new).await
    })
    .await;
    suite::side_by_side(&folder.fresh().await).await;
}

async fn put_all<I: ImageIndex>(index: &I, entries: &[Entry]) {
    for entry in entries {
        index.put(entry).await.unwrap();
    }
}

#[test]
fn sqlite_keeps_what_it_holds_and_refuses_what_a_newer_program_wrote() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("index.sqlite3");
    let library = runtime.block_on(Library::new(&images::some()));
    let index = SqliteIndex::open(&path).unwrap();
    runtime.block_on(put_all(&index, &images::some()));
    drop(index);
    let index = SqliteIndex::open(&path).unwrap();
    runtime.block_on(library.check(&index));
    drop(index);
    let file = rusqlite::Connection::open(&path).unwrap();
    file.pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteIndex::open(&path).unwrap_err();
    assert_eq!((error.code.as_str(), error.retryable), ("Newer", false));
    assert!(error.to_string().contains("layout 99"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_index_in_dynamodb() {
    let Some(moto) = Moto::start().await else {
        return;
    };
    suite::rules(&moto).await;
    let index = moto.fresh().await;
    suite::side_by_side(&index).await;

    // The ten thousand are loaded many to a request; that they are what putting writes, putting some
    // of them again shows.
    let index = moto.fresh().await;
    let many = images::many(images::MANY);
    index.load(&many, true).await.unwrap();
    suite::many(&index, 1000, async |new: &[Entry]| {
        index.load(new, false).await.unwrap();
    })
    .await;
    for entry in many.iter().step_by(many.len() / 3) {
        let put = index.put(entry).await.unwrap();
        assert_eq!(put, sightline_pipeline::index::Put::Unchanged);
    }

    let calls = moto.calls();
    for allowed in ["GetItem", "TransactWriteItems", "Query", "BatchGetItem"] {
        assert!(calls.contains(allowed), "{allowed}: {calls:?}");
    }
    assert!(!calls.contains("Scan"), "{calls:?}");
    let known = [
        "GetItem",
        "TransactWriteItems",
        "Query",
        "BatchGetItem",
        "BatchWriteItem",
        "CreateTable",
    ];
    assert!(
        calls.iter().all(|call| known.contains(&call.as_str())),
        "{calls:?}"
    );
}

/// Cuts the work on an image with many labels off after each of its transactions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_cut_off_is_healed_by_doing_it_again() {
    let Some(moto) = Moto::start().await else {
        return;
    };
    let before = images::labelled("uploads/ann/a.jpg", "01", 0..40);
    let after = images::labelled("uploads/ann/a.jpg", "02", 30..110);
    let other = images::labelled("uploads/ann/b.jpg", "01", 25..35);
    for cut_after in 0..3 {
        let wire = Wire::default();
        let index = moto.table(wire.clone()).await;
        put_all(&index, &[before.clone(), other.clone()]).await;
        wire.writes_left.store(cut_after, Ordering::SeqCst);
        assert!(index.put(&after).await.is_err(), "{cut_after}");
        // Wherever it stopped, counts are those of the rows.
        wire.writes_left.store(CRITICAL, Ordering::SeqCst);
        suite::counts_are_those_of_the_rows(&index, 110).await;
        // The event of the older version, then the same again.
        assert_eq!(
            index.put(&before).await.unwrap() == sightline_pipeline::index::Put::Older,
            cut_after > 0
        );
        index.put(&after).await.unwrap();
        let library = Library::new(&[after.clone(), other.clone()]).await;
        library.check(&index).await;

        wire.writes_left.store(cut_after.min(1), Ordering::SeqCst);
        let at = after.row.uploaded_at + time::Duration::MINUTE;
        let key = after.row.key.clone();
        assert!(index.remove(&key, at).await.is_err(), "{cut_after}");
        wire.writes_left.store(CRITICAL, Ordering::SeqCst);
        index.remove(&key, at).await.unwrap();
        Library::new(std::slice::from_ref(&other))
            .await
            .check(&index)
            .await;
        assert_eq!(
            index.put(&after).await.unwrap(),
            sightline_pipeline::index::Put::Removed
        );
    }
}
