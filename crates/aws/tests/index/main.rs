//! The rules that every index follows, for DynamoDB, with moto in its place.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests"
)]

mod moto;
#[path = "../../../../tests/needs.rs"]
mod needs;

use std::sync::atomic::Ordering;

use moto::{CRITICAL, Moto, Wire};
use sightline_pipeline::{
    index::{Entry, ImageIndex},
    testing::{
        index_images as images,
        index_suite::{self as suite, Backend, Library},
    },
};

impl Backend for Moto {
    type Index = sightline_aws::DynamoIndex;

    async fn fresh(&self) -> Self::Index {
        self.table(Wire::default()).await
    }
}

async fn put_all<I: ImageIndex>(index: &I, entries: &[Entry]) {
    for entry in entries {
        index.put(entry).await.unwrap();
    }
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
