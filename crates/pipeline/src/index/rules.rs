//! Which of two answers about an image stays, whatever the index is kept in.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Entry, ImageRow};
use crate::version::{ObjectVersion, Relation};

/// What stands in the index under a key.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "few at a time, and taken apart at once"
)]
pub enum IndexRecord {
    /// An image.
    Image(Image),
    /// The mark of a removal.
    Removed(Removal),
}

/// An image without what it is found by.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Image {
    /// Its row.
    pub row: ImageRow,
    /// The version of the object that the row is about.
    pub version: ObjectVersion,
}

/// The mark of a removal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Removal {
    /// When it was asked for.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// What was removed, where it stood in the index.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<ObjectVersion>,
}

impl IndexRecord {
    /// Whether it stays in spite of the entry, and what became of that then.
    pub fn refuses(&self, entry: &Entry) -> Option<super::Put> {
        match self {
            Self::Image(image) => image.is_newer(entry).then_some(super::Put::Older),
            Self::Removed(removal) => removal.covers(entry).then_some(super::Put::Removed),
        }
    }

    /// The mark that a removal leaves in its place.
    pub fn removed(self, at: OffsetDateTime) -> Removal {
        match self {
            Self::Image(image) => Removal {
                at,
                version: Some(image.version),
            },
            Self::Removed(removal) => Removal {
                at: at.max(removal.at),
                version: removal.version,
            },
        }
    }
}

impl Image {
    /// The same rules as for result documents. Where those cannot tell, because an event carried no
    /// sequencer, the document written later counts, as it does in the bucket.
    fn is_newer(&self, entry: &Entry) -> bool {
        match self.version.relation_to(&entry.version) {
            Relation::Newer => true,
            Relation::NotNewer if entry.version.relation_to(&self.version) == Relation::Newer => {
                false
            }
            // A version can be answered anew.
            Relation::Same | Relation::NotNewer => self.row.processed_at > entry.row.processed_at,
        }
    }
}

impl Removal {
    /// Whether the entry tells of an object that was there before the removal. Buckets tell the
    /// time of storing to the second, so an object stored in the very second of the removal counts as
    /// stored after it unless its sequencer says otherwise: a picture too many can be removed again,
    /// one too few would be missed.
    fn covers(&self, entry: &Entry) -> bool {
        let known = self.version.as_ref().is_some_and(|removed| {
            match removed.relation_to(&entry.version) {
                Relation::Newer => true,
                Relation::NotNewer => false,
                // The same bytes stored again have the same ETag; only these tell them apart.
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
