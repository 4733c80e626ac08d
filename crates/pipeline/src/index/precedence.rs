//! Which of two results for an image the index keeps. The same for every implementation.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Entry, ImageRow, Put};
use crate::version::{ObjectVersion, Relation};

/// The record of a key in the index.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "few exist at a time, and briefly"
)]
pub enum IndexRecord {
    /// An image.
    Image(Image),
    /// A removal.
    Removed(Removal),
}

/// An image without its search terms.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Its row.
    pub row: ImageRow,
    /// The version of the object that the row is about.
    pub version: ObjectVersion,
}

/// The record of a removal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    /// When the removal was requested.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// The version that was removed, if the index had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ObjectVersion>,
}

impl IndexRecord {
    /// Why this record stays instead of the entry; `None` if the entry replaces it.
    pub fn rejects(&self, entry: &Entry) -> Option<Put> {
        match self {
            Self::Image(image) => image.is_newer(entry).then_some(Put::Older),
            Self::Removed(removal) => removal.covers(entry).then_some(Put::Removed),
        }
    }
}

impl Image {
    /// Compares as result documents are compared. If that does not decide, because an event had no
    /// sequencer, the document written later wins, as it does in the bucket.
    fn is_newer(&self, entry: &Entry) -> bool {
        match self.version.relation_to(&entry.version) {
            Relation::Newer => true,
            Relation::NotNewer if entry.version.relation_to(&self.version) == Relation::Newer => {
                false
            }
            // A version can be analysed again.
            Relation::Same | Relation::NotNewer => self.row.processed_at > entry.row.processed_at,
        }
    }
}

impl Removal {
    /// The record of a removal that was requested at this time, in place of the current record.
    #[must_use]
    pub fn of(current: Option<IndexRecord>, at: OffsetDateTime) -> Self {
        match current {
            None => Self { at, version: None },
            Some(IndexRecord::Image(image)) => Self {
                at,
                version: Some(image.version),
            },
            Some(IndexRecord::Removed(earlier)) => Self {
                at: at.max(earlier.at),
                version: earlier.version,
            },
        }
    }

    /// Whether the entry's object was stored before the removal. Buckets give the time to the second,
    /// so an object stored in the same second counts as stored afterwards unless its sequencer
    /// shows otherwise: an image that should be gone can be removed again, one that is missing
    /// cannot be brought back.
    fn covers(&self, entry: &Entry) -> bool {
        let known = self.version.as_ref().is_some_and(|removed| {
            match removed.relation_to(&entry.version) {
                Relation::Newer => true,
                Relation::NotNewer => false,
                // The same bytes stored again have the same ETag; only these distinguish them.
                Relation::Same => {
                    (removed.version_id.is_some() && entry.version.version_id.is_some())
                        || (removed.sequencer.is_some() && entry.version.sequencer.is_some())
                }
            }
        });
        let second = self.at.replace_nanosecond(0).unwrap_or(self.at);
        known || entry.row.uploaded_at < second
    }
}
