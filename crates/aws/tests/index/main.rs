//! The rules that every index follows, for DynamoDB. moto stands in for DynamoDB.

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
mod simulated;

use std::sync::atomic::Ordering;

use moto::{Interceptor, Moto, UNLIMITED};
use sightline_pipeline::{
    index::{Entry, ImageIndex, Lists},
    testing::index_suite::{self as suite, Backend, ExpectedIndex, images},
};

impl Backend for Moto {
    type Index = sightline_aws::DynamoIndex;

    async fn fresh(&self) -> Self::Index {
        self.table(Interceptor::default()).await
    }
}

/// The number of images in a large table. moto compares a query with every row of its table, so more take minutes.
const MANY: usize = 1_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_index_in_dynamodb() {
    let Some(moto) = Moto::start().await else {
        return;
    };
    suite::rules(&moto).await;
    let index = moto
        .table_with(Interceptor::default(), Lists::PerOwner)
        .await;
    suite::lists_of_owners(&index).await;
    let index = moto.fresh().await;
    suite::concurrent_writes(&index).await;

    // The many images are loaded in batches. Adding some of them again changes nothing, so `load` wrote what
    // `put` would write.
    let index = moto.fresh().await;
    let many = images::many_entries(MANY);
    index.load(&many, true).await.unwrap();
    suite::pages_of_many(&index, MANY, 250, async |new: &[Entry]| {
        index.load(new, false).await.unwrap();
    })
    .await;
    for entry in many.iter().step_by(many.len() / 3) {
        let put = index.put(entry).await.unwrap();
        assert_eq!(put, sightline_pipeline::index::Put::Unchanged);
    }

    let calls = moto.calls();
    let known = [
        "GetItem",
        "TransactWriteItems",
        "Query",
        "BatchGetItem",
        "Scan",
        "DeleteItem",
        "UpdateItem",
        "BatchWriteItem",
        "CreateTable",
    ];
    for call in known {
        assert!(calls.contains(call), "{call}: {calls:?}");
    }
    assert_eq!(calls.len(), known.len(), "{calls:?}");
}

/// Interrupts a write of many labels after each of its transactions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_interrupted_write_is_completed_by_repeating_it() {
    let Some(moto) = Moto::start().await else {
        return;
    };
    let before = images::labelled("uploads/ann/a.jpg", "01", 0..40);
    let after = images::labelled("uploads/ann/a.jpg", "02", 30..110);
    let other = images::labelled("uploads/ann/b.jpg", "01", 25..35);
    for cut_after in 0..3 {
        let interceptor = Interceptor::default();
        let index = moto.table(interceptor.clone()).await;
        suite::put_all(&index, &[before.clone(), other.clone()]).await;
        interceptor.writes_left.store(cut_after, Ordering::SeqCst);
        assert!(index.put(&after).await.is_err(), "{cut_after}");
        // Wherever it stopped, the counts match the rows.
        interceptor.writes_left.store(UNLIMITED, Ordering::SeqCst);
        suite::counts_match_rows(&index, 110).await;
        // The event of the older version, then the newer one again.
        assert_eq!(
            index.put(&before).await.unwrap() == sightline_pipeline::index::Put::Older,
            cut_after > 0
        );
        index.put(&after).await.unwrap();
        let expected = ExpectedIndex::new(&[after.clone(), other.clone()]).await;
        expected.check(&index).await;

        interceptor
            .writes_left
            .store(cut_after.min(1), Ordering::SeqCst);
        let at = after.row.uploaded_at + time::Duration::MINUTE;
        let key = after.row.key.clone();
        assert!(index.remove(&key, &at.into()).await.is_err(), "{cut_after}");
        interceptor.writes_left.store(UNLIMITED, Ordering::SeqCst);
        index.remove(&key, &at.into()).await.unwrap();
        ExpectedIndex::new(std::slice::from_ref(&other))
            .await
            .check(&index)
            .await;
        assert_eq!(
            index.put(&after).await.unwrap(),
            sightline_pipeline::index::Put::Removed
        );
    }
}
