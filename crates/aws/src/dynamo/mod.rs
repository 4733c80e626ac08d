//! The index in one DynamoDB table.
//!
//! # The table
//!
//! | item | `pk` | `sk` | other attributes |
//! |---|---|---|---|
//! | image item | `image/<source key>` | `image` | `row`, `version` (JSON), `terms` (see below), `rev` |
//! | term item | `image/<source key>` | `label#dog`, `category#animals and pets`, `text#exit`, `filename#holiday`, `color#blue`, `status#failed`, `taken` | `confidence` of a label or category, `status` |
//! | count | `count/<shard>` for all images, `count/<shard>/<owner>` | `label#dog`, `category#…`, `taken` for the number of images | `images`, `name`, `aliases` (a set of strings) |
//! | count of analyses | `analyses/<owner>` | the day, `2026-01-31` | `analyses`, `expires` |
//! | removal record | as the image item | as the image item | `removal` (JSON), `rev`, `expires` |
//!
//! Image items and term items also have `term` (their `sk`), `ownerTerm` (`<owner>/<sk>`, if the image has
//! an owner) and `position` (`<upload time, ms since 1970, 13 digits>#<source key>`; in the item `taken`, the time of taking). These
//! are the keys
//! of the two global secondary indexes, `by-term` (`term`, `position`) and `by-owner-term`
//! (`ownerTerm`, `position`), which project `confidence` and `status`. `expires` is the table's
//! time-to-live attribute.
//!
//! With [`Lists::PerOwner`], `term` and the counts of all images are not written, so no item and no key of an index is shared by
//! two owners. The fingerprint in `terms` says which lists a term item is in. An item that was written for all lists, as by
//! older versions, is changed when its image is written again or removed: that transaction takes it out of the counts of all
//! images. `sightline reindex` does so for all images.
//!
//! # Writing
//!
//! The image item lists the image's term items (`terms`: from `sk` to a fingerprint of the item). Adding, replacing or
//! removing an image changes this list to another, in transactions of at most 100 actions,
//! DynamoDB's limit. Each transaction writes the image item, on the condition that it is unchanged since
//! it was read (`rev`), with the list as it is after the transaction; it also writes the
//! term items and their part in the counts. So after every transaction, wherever the work is interrupted, list
//! and counts match the term items, and the next attempt continues from there. Most images take one
//! transaction: 48 labels and categories without words and colours fit, or 32 if images are in the lists of all images and of an owner.
//!
//! [`sightline_pipeline::index::precedence`] decides from the item that was read which of two results stays, first of
//! all by S3's sequencer. The condition on `rev` makes reading and writing one step.
//!
//! Counts are divided into eight shards by key, so that two images with the label Person seldom
//! write to the same item at once. When they do, DynamoDB cancels one of the transactions. A transaction that was cancelled or
//! throttled is tried again after a pause. `tests/index/simulated` measures how often that happens.
//!
//! # Reading
//!
//! Every list is a query of one key of an index, newest or oldest first, followed by batches of reads of the image
//! items. These reads are consistent, so removed images are not listed although the index lags
//! behind. Confidence, and the status together with a label, are filters of the query, which is
//! repeated until the page is full. The lists of alternatives are read side by side and merged.
//!
//! Of several conditions, the one that fewest images meet by the caller's counts gives the list. The others, exclusions and faces are
//! checked in the image items, whose `terms` have all terms and confidences: a page reads at most 2,000 of them. Without conditions, a
//! face filter reads the list of the emotion, or else of the label Face.
//!
//! No key has the order by confidence, so the newest 10,000 entries of the list are read for every page, and ordered. The order by the
//! time of taking is that of the list `taken`; up to 500 images with a rare term are read and ordered instead.
//!
//! Sources: Amazon DynamoDB Developer Guide, "Quotas in Amazon DynamoDB", "Amazon DynamoDB
//! Transactions: How it works", "Using write sharding to distribute workloads evenly".

mod analyses;
mod item;
mod lists;
#[cfg(any(test, feature = "testing"))]
mod load;
mod read;
mod write;

use std::{fmt, time::Duration};

use aws_sdk_dynamodb::{Client, config::AsyncSleep as _};
use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use sightline_pipeline::{
    SourceKey,
    index::{Deletion, Entry, ImageIndex, Labels, Lists, Page, Position, Put, Query, Rows},
    service_error::{Fate, Service, ServiceError},
};
use time::{Date, OffsetDateTime};

use crate::error::read_error;

/// An index in a DynamoDB table.
#[derive(Clone)]
pub struct DynamoIndex {
    client: Client,
    table: String,
    lists: Lists,
}

impl fmt::Debug for DynamoIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DynamoIndex")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

impl DynamoIndex {
    /// The index in this table, with these lists. Items that were written with other lists stay as they are until
    /// their image is written or removed, which keeps all counts right.
    #[must_use]
    pub fn new(client: Client, table: impl Into<String>, lists: Lists) -> Self {
        Self {
            client,
            table: table.into(),
            lists,
        }
    }

    /// Waits by the client's clock.
    async fn pause(&self, pause: Duration) {
        match self.client.config().sleep_impl() {
            Some(clock) => clock.sleep(pause).await,
            None => tokio::time::sleep(pause).await,
        }
    }

    /// An error of an SDK call on the table.
    fn error<E>(&self, operation: &'static str, error: &SdkError<E, HttpResponse>) -> ServiceError
    where
        E: ProvideErrorMetadata + std::error::Error + 'static,
    {
        read_error(Service::Index, operation, error).on(&self.table)
    }

    /// The error of a request that the SDK could not build.
    fn not_built(&self, operation: &'static str, reason: &dyn fmt::Display) -> ServiceError {
        ServiceError::not_built(Service::Index, operation, reason, Fate::Final).on(&self.table)
    }
}

impl ImageIndex for DynamoIndex {
    async fn put(&self, entry: &Entry) -> Result<Put, ServiceError> {
        self.put_entry(entry).await
    }

    async fn remove(&self, key: &SourceKey, deletion: &Deletion) -> Result<(), ServiceError> {
        self.remove_image(key, deletion).await
    }

    async fn prune(&self, key: &SourceKey, until: OffsetDateTime) -> Result<bool, ServiceError> {
        self.prune_image(key, until).await
    }

    async fn rows(&self, after: Option<&str>) -> Result<Rows, ServiceError> {
        self.read_rows(after).await
    }

    async fn count_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
        limit: u64,
    ) -> Result<bool, ServiceError> {
        self.add_analyses(owner, day, analyses, limit).await
    }

    async fn uncount_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
    ) -> Result<(), ServiceError> {
        self.subtract_analyses(owner, day, analyses).await
    }

    async fn forget(&self, owner: &str) -> Result<(), ServiceError> {
        self.forget_owner(owner).await
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
