//! The index on AWS: one DynamoDB table.
//!
//! # The table
//!
//! | item | `pk` | `sk` | what else |
//! |---|---|---|---|
//! | an image | `image/<source key>` | `image` | `row`, `version` (JSON), `terms` (see below), `rev` |
//! | what it is found by | `image/<source key>` | `label#dog`, `category#animals and pets`, `status#failed` | `confidence`, `status` |
//! | a count | `count/<shard>` for everybody, `count/<shard>/<owner>` | `label#dog`, `category#…` | `images`, `name` |
//! | the mark of a removal | as the image's | as the image's | `removal` (JSON), `rev`, `expires` |
//!
//! An image's item and those that it is found by carry `term` (their `sk`), `ownerTerm`
//! (`<owner>/<sk>`, where the image has an owner) and `position`
//! (`<upload time, ms since 1970, 13 digits>#<source key>`). These are the keys of the two global
//! secondary indexes, `by-term` (`term`, `position`) and `by-owner-term` (`ownerTerm`, `position`),
//! each projecting `confidence` and `status`. `expires` is the table's time-to-live attribute.
//!
//! # Writing
//!
//! The image's item lists what stands for it (`terms`: from `sk` to a stamp of what that item
//! holds). To enter, replace or remove an image is to go from the list that stands to another, in
//! transactions of at most 100 actions, the most DynamoDB takes; each writes the image's item on
//! the condition that it is still as it was read (`rev`), with the list as the transaction
//! leaves it, the items themselves, and their part in the counts. So after every transaction,
//! wherever the work is cut off, the list and the counts are those of the items that stand, and
//! whoever comes next goes on from there. Most images take one transaction: 48 labels and
//! categories fit, 32 where images have owners.
//!
//! Which of two answers stays is decided from what was read, by S3's sequencer before all
//! ([`sightline_pipeline::index::rules`]); the condition on `rev` makes reading and writing one step.
//!
//! Counts are split over eight shards by key, so that two images with the label Person seldom
//! write to the same item at once; when they do, DynamoDB refuses one, which tries again.
//!
//! # Reading
//!
//! Every list is a query of one key of an index, newest first, then a batch of reads of the images'
//! own items. Those are read consistently: what was removed is no longer listed, though an index
//! lags behind. Confidence, and the status beside a label, are filters over the query, which is
//! repeated until the page is full.
//!
//! Sources: Amazon DynamoDB Developer Guide, "Quotas in Amazon DynamoDB", "Amazon DynamoDB
//! Transactions: How it works", "Using write sharding to distribute workloads evenly".

mod item;
#[cfg(any(test, feature = "testing"))]
mod load;
mod read;
mod write;

use std::fmt;

use aws_sdk_dynamodb::Client;
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use sightline_pipeline::{
    SourceKey,
    index::{Entry, ImageIndex, Labels, Page, Position, Put, Query},
    service_error::{Fate, Service, ServiceError},
};
use time::OffsetDateTime;

use crate::error::read_error;

/// An index in a DynamoDB table.
#[derive(Clone)]
pub struct DynamoIndex {
    client: Client,
    table: String,
}

impl fmt::Debug for DynamoIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoIndex")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl DynamoIndex {
    /// In this table.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self {
            client,
            table: table.into(),
        }
    }

    /// An error of an SDK call on the table.
    fn error<E>(&self, operation: &'static str, error: &SdkError<E, HttpResponse>) -> ServiceError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        read_error(Service::Index, operation, error).on(&self.table)
    }

    /// A request that the SDK refused to build.
    fn not_built(&self, operation: &'static str, reason: &dyn fmt::Display) -> ServiceError {
        ServiceError::not_built(Service::Index, operation, reason, Fate::Repair).on(&self.table)
    }
}

impl ImageIndex for DynamoIndex {
    async fn put(&self, entry: &Entry) -> Result<Put, ServiceError> {
        self.put_entry(entry).await
    }

    async fn remove(&self, key: &SourceKey, at: OffsetDateTime) -> Result<(), ServiceError> {
        self.remove_image(key, at).await
    }

    async fn prune(
        &self,
        key: &SourceKey,
        processed_at: OffsetDateTime,
    ) -> Result<bool, ServiceError> {
        self.prune_image(key, processed_at).await
    }

    async fn page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page, ServiceError> {
        self.read_page(query, after, limit).await
    }

    async fn labels(&self, owner: Option<&str>) -> Result<Labels, ServiceError> {
        self.read_labels(owner).await
    }
}
