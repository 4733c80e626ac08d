//! The port to the search index: the list of images and their labels.
//!
//! The index is derived data. Every row comes from one result document ([`Entry::from_document`]), so
//! losing the index loses nothing: [`reindex`](reindex::reindex) rebuilds the same rows.
//!
//! # Guarantees
//!
//! - **An older result never replaces a newer one**, whatever the order of arrival. Results are compared
//!   as result documents are ([`ObjectVersion::relation_to`](crate::version::ObjectVersion::relation_to)): by S3's
//!   sequencer, and if that does not decide, by the time of processing.
//! - **A removed image stays removed** even if a late or repeated event brings another result. The removal leaves
//!   a record that names the removed versions and rejects their results. Where neither version ids nor sequencers decide,
//!   [`Put::InDoubt`] tells the caller to look into the bucket. Objects stored under the same key afterwards are accepted.
//! - **Repeating a call completes it.** [`ImageIndex::put`] and [`ImageIndex::remove`] can be interrupted
//!   anywhere. The same call again, or a newer one, leads to the result of an uninterrupted call.
//! - **Counts always match the rows**: a row and its part in the counts are written in one transaction.
//! - **Pages have no gaps and no repeats** while images are added: a page begins after a position
//!   in the order, not after a number of rows.

mod cursor;
mod deletion;
mod entry;
mod labels;
mod lists;
pub mod precedence;
mod query;
pub mod reindex;
pub mod retention;
mod search;
#[cfg(feature = "sqlite")]
mod sqlite;
mod timestamp;
mod vocabulary;
mod words;

use std::future::Future;

pub use cursor::{CursorError, Position};
pub use deletion::{Deletion, Doubt};
pub use entry::{
    Entry, ImageRow, MAX_COLORS, MAX_FILENAME_WORDS, MAX_ROW_LABELS, MAX_TEXT_WORDS,
    NamedConfidence, Term, TermKind, fold,
};
pub use labels::{Labels, NameCount};
pub use lists::Lists;
pub use query::{Condition, FaceFilter, Match, Query, Sort};
pub use search::{Resolved, Search, Unknown, Wanted};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteIndex;
use time::{Date, OffsetDateTime};
pub use vocabulary::{MAX_SIMILAR, Vocabulary, similar};

use crate::{SourceKey, service_error::ServiceError};

/// How long the record of a removal is kept, at least. An event can stay in the queue for four days and
/// in the dead-letter queue for fourteen (Amazon SQS Developer Guide, "Message retention period").
pub const REMOVAL_RETENTION: time::Duration = time::Duration::days(30);

/// The index of images.
pub trait ImageIndex: Send + Sync + 'static {
    /// Adds an image, or replaces an older entry of it.
    fn put(&self, entry: &Entry) -> impl Future<Output = Result<Put, ServiceError>> + Send;

    /// Removes an image at a user's request. From now on, results for the removed versions are rejected. This works
    /// for a missing image too.
    fn remove(
        &self,
        key: &SourceKey,
        deletion: &Deletion,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Deletes the row of an image whose document is gone, unless it is the row of a document that was processed after
    /// `until`. Leaves no removal record, so a document written later is added. Returns whether a row was deleted.
    fn prune(
        &self,
        key: &SourceKey,
        until: OffsetDateTime,
    ) -> impl Future<Output = Result<bool, ServiceError>> + Send;

    /// Some of the rows of all images, in no particular order, beginning after [`Rows::next`] of the call before. It reads the
    /// whole index, and is meant for maintenance.
    fn rows(&self, after: Option<&str>) -> impl Future<Output = Result<Rows, ServiceError>> + Send;

    /// Counts analyses of one owner on a day (UTC), unless the day would then have more than `limit`. Returns whether they are
    /// counted. Old counts expire.
    fn count_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
        limit: u64,
    ) -> impl Future<Output = Result<bool, ServiceError>> + Send;

    /// Takes back analyses that were counted and not done.
    fn uncount_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Deletes what the index keeps of an owner whose images are removed: the names of their labels, and the counts of their
    /// analyses. Removal records stay for [`REMOVAL_RETENTION`].
    fn forget(&self, owner: &str) -> impl Future<Output = Result<(), ServiceError>> + Send;

    /// Matching images in the order of the query: by confidence or time, then by time, then by key. Returns at most
    /// `limit` images (at least 1), beginning after `after`.
    ///
    /// A page may contain fewer than `limit` images, or none, although more follow. Only a missing
    /// [`Page::next`] marks the last page.
    fn page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> impl Future<Output = Result<Page, ServiceError>> + Send;

    /// Words of the text or of the file names of one owner's images, or of all images, that begin with this letter, as they are shown:
    /// some of them if there are many. Empty if the index keeps no list of its words.
    fn words(
        &self,
        owner: Option<&str>,
        kind: TermKind,
        first: char,
    ) -> impl Future<Output = Result<Vec<String>, ServiceError>> + Send {
        let _ = (owner, kind, first);
        std::future::ready(Ok(Vec::new()))
    }

    /// The labels and categories of one owner's images, or of all images, with counts.
    fn labels(
        &self,
        owner: Option<&str>,
    ) -> impl Future<Output = Result<Labels, ServiceError>> + Send;

    /// The names of [`Self::labels`], by which words are understood.
    fn vocabulary(
        &self,
        owner: Option<&str>,
    ) -> impl Future<Output = Result<Vocabulary, ServiceError>> + Send {
        async move { Ok(Vocabulary::new(&self.labels(owner).await?)) }
    }
}

/// The outcome of [`ImageIndex::put`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    /// The entry was written.
    Written,
    /// The same entry exists already.
    Unchanged,
    /// A newer entry exists.
    Older,
    /// The image was removed after it was uploaded.
    Removed,
    /// The image was removed, and only the bucket shows whether this object is the removed one or was stored afterwards.
    /// Nothing was written.
    InDoubt(Doubt),
}

/// Some of the rows of an index.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Rows {
    /// Keys, and when their documents were processed.
    pub rows: Vec<(SourceKey, OffsetDateTime)>,
    /// Where the next rows begin; `None` after the last.
    pub next: Option<String>,
}

/// One page of the list.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Page {
    /// The images.
    pub images: Vec<Found>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<Position>,
}

/// A matching image.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// The image.
    pub row: ImageRow,
    /// The confidence of the query's first condition with a label or category, in percent; `None` if the query has none, or the
    /// image meets it by a term of another kind.
    pub confidence: Option<f64>,
    /// Its position in the list.
    pub position: Position,
}

/// The index of a deployment without one. It has no values, so it is never called.
#[derive(Debug, Clone, Copy)]
pub enum NoIndex {}

impl ImageIndex for NoIndex {
    async fn put(&self, _: &Entry) -> Result<Put, ServiceError> {
        match *self {}
    }

    async fn remove(&self, _: &SourceKey, _: &Deletion) -> Result<(), ServiceError> {
        match *self {}
    }

    async fn prune(&self, _: &SourceKey, _: OffsetDateTime) -> Result<bool, ServiceError> {
        match *self {}
    }

    async fn rows(&self, _: Option<&str>) -> Result<Rows, ServiceError> {
        match *self {}
    }

    async fn count_analyses(&self, _: &str, _: Date, _: u64, _: u64) -> Result<bool, ServiceError> {
        match *self {}
    }

    async fn uncount_analyses(&self, _: &str, _: Date, _: u64) -> Result<(), ServiceError> {
        match *self {}
    }

    async fn forget(&self, _: &str) -> Result<(), ServiceError> {
        match *self {}
    }

    async fn page(&self, _: &Query, _: Option<&Position>, _: usize) -> Result<Page, ServiceError> {
        match *self {}
    }

    async fn labels(&self, _: Option<&str>) -> Result<Labels, ServiceError> {
        match *self {}
    }
}
