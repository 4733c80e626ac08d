//! The port to the index: which images there are, and what each of them shows.
//!
//! The index is derived: every row is made from a result document alone ([`Entry::from_document`]),
//! so losing the index loses nothing, and [`reindex`](reindex::reindex) makes the same rows again.
//!
//! # What is promised
//!
//! - **A newer answer never gives way to an older one**, whatever order answers arrive in. Which of
//!   two is newer is decided as for result documents ([`ObjectVersion::relation_to`]): by S3's
//!   sequencer; where that does not tell, by the time of processing.
//! - **A removed image stays removed** though a late or repeated event still brings an answer: a
//!   removal leaves a mark that refuses answers about objects stored before it, and lets one through
//!   that was stored under the same key afterwards.
//! - **Repeating heals.** [`ImageIndex::put`] and [`ImageIndex::remove`] can be cut off anywhere;
//!   the same call again, or a newer one, leaves what it would have left at once.
//! - **Counts are those of the rows**, always: a row and its part in the counts are written in one
//!   transaction.
//! - **Pages have no gaps and no repeats** while images are added: a page begins after a position
//!   in the order, not after a number of rows.

mod cursor;
mod entry;
#[cfg(any(test, feature = "testing"))]
mod memory;
pub mod reindex;
pub mod rules;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::future::Future;

pub use cursor::{CursorError, Position};
pub use entry::{Entry, ImageRow, MAX_ROW_LABELS, NamedConfidence, Term, TermKind, fold};
#[cfg(any(test, feature = "testing"))]
pub use memory::{FailingIndex, MemoryIndex, busy, index_error};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteIndex;
use time::OffsetDateTime;

use crate::{SourceKey, document::Status, service_error::ServiceError};

/// How long the mark of a removal stands, at least. An event can lie in the queue for four days and
/// in the dead-letter queue for fourteen (Amazon SQS Developer Guide, "Message retention period").
pub const REMOVAL_STANDS: time::Duration = time::Duration::days(30);

/// The index of images.
pub trait ImageIndex: Send + Sync + 'static {
    /// Enters an image, in place of an older entry of it.
    fn put(&self, entry: &Entry) -> impl Future<Output = Result<Put, ServiceError>> + Send;

    /// Removes an image by order of somebody who may, asked for at the time `at`: answers about
    /// objects stored under the key before that are refused from now on. An image that is not there
    /// is removed all the same.
    fn remove(
        &self,
        key: &SourceKey,
        at: OffsetDateTime,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Takes out an image whose document is gone, if it is still the one processed at that time.
    /// Leaves no mark: a document written later is entered. Whether a row was taken out.
    fn prune(
        &self,
        key: &SourceKey,
        processed_at: OffsetDateTime,
    ) -> impl Future<Output = Result<bool, ServiceError>> + Send;

    /// Images that match, newest first: by the time of upload, then by key, both descending. At
    /// most `limit` of them (at least 1), beginning after `after`.
    ///
    /// A page may hold fewer than `limit` images, even none, though there are more:
    /// [`Page::next`] alone tells.
    fn page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> impl Future<Output = Result<Page, ServiceError>> + Send;

    /// What the images show, and how many show it. Of one owner, or of everybody.
    fn labels(
        &self,
        owner: Option<&str>,
    ) -> impl Future<Output = Result<Labels, ServiceError>> + Send;
}

/// What became of [`ImageIndex::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The entry was written.
    Written,
    /// The very same stood already.
    Unchanged,
    /// A newer one stands.
    Older,
    /// The image was removed by order after it was uploaded.
    Removed,
}

/// Which images to list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Only this owner's, as [`SourceKey::owner`] has it; everybody's if `None`.
    pub owner: Option<String>,
    /// Only images with this label, or a label of this category, without regard to case.
    pub term: Option<Term>,
    /// Only where the confidence of `term` is at least this, in percent. For a category that is the
    /// best confidence among its labels. Without `term` it selects nothing.
    pub min_confidence: Option<f64>,
    /// Only with this status.
    pub status: Option<Status>,
}

/// A part of the list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The images.
    pub images: Vec<Found>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<Position>,
}

/// An image that matches.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The image.
    pub row: ImageRow,
    /// The confidence of the query's term, in percent; `None` where the query has none.
    pub confidence: Option<f64>,
}

/// What the images show, most frequent first, then by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// Labels.
    pub labels: Vec<NameCount>,
    /// Categories of labels.
    pub categories: Vec<NameCount>,
}

/// How many images show something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCount {
    /// The name as the recogniser writes it.
    pub name: String,
    /// How many images.
    pub images: u64,
}

impl Labels {
    /// In order, from counts in any; names that no image shows any more are left out.
    #[must_use]
    pub fn from_counts(counts: impl IntoIterator<Item = (TermKind, NameCount)>) -> Self {
        let mut all = Self::default();
        for (kind, count) in counts {
            if count.images > 0 {
                match kind {
                    TermKind::Label => all.labels.push(count),
                    TermKind::Category => all.categories.push(count),
                }
            }
        }
        for list in [&mut all.labels, &mut all.categories] {
            list.sort_by(|one, other| {
                other
                    .images
                    .cmp(&one.images)
                    .then_with(|| one.name.cmp(&other.name))
            });
        }
        all
    }
}

/// The index where none is configured: nothing is ever asked of it.
#[derive(Debug, Clone, Copy)]
pub enum NoIndex {}

impl ImageIndex for NoIndex {
    async fn put(&self, _: &Entry) -> Result<Put, ServiceError> {
        match *self {}
    }

    async fn remove(&self, _: &SourceKey, _: OffsetDateTime) -> Result<(), ServiceError> {
        match *self {}
    }

    async fn prune(&self, _: &SourceKey, _: OffsetDateTime) -> Result<bool, ServiceError> {
        match *self {}
    }

    async fn page(&self, _: &Query, _: Option<&Position>, _: usize) -> Result<Page, ServiceError> {
        match *self {}
    }

    async fn labels(&self, _: Option<&str>) -> Result<Labels, ServiceError> {
        match *self {}
    }
}
