//! Which of two results for an image the index keeps. The same for every implementation.

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;

use super::{Deletion, Doubt, Entry, ImageRow, Put};
use crate::version::{ObjectVersion, Relation};

/// The record of a key in the index.
#[expect(
    clippy::large_enum_variant,
    reason = "most records are images, and few exist at a time"
)]
#[derive(Debug, Clone, PartialEq)]
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
    /// The version that was in the bucket then, if any. The bucket gives no sequencer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<ObjectVersion>,
    /// See [`Deletion::complete`]. Older records lack it.
    #[serde(default = "complete")]
    pub complete: bool,
}

const fn complete() -> bool {
    true
}

impl IndexRecord {
    /// Why this record stays instead of the entry; `None` if the entry replaces it.
    pub fn rejects(&self, entry: &Entry) -> Option<Put> {
        match self {
            Self::Image(image) => image.is_newer(entry).then_some(Put::Older),
            Self::Removed(removal) => removal.rejects(entry),
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
    /// The record of a removal in place of the current record.
    #[must_use]
    pub fn of(current: Option<IndexRecord>, deletion: &Deletion) -> Self {
        let Deletion {
            at,
            ref version,
            complete,
        } = *deletion;
        let removal = Self {
            at,
            version: None,
            stored: version.clone(),
            complete,
        };
        match current {
            None => removal,
            Some(IndexRecord::Image(image)) => Self {
                version: Some(image.version),
                ..removal
            },
            Some(IndexRecord::Removed(earlier)) => Self {
                // The time identifies the request, so a later one gets a later time even if the clock was set back.
                at: if at == earlier.at {
                    at
                } else {
                    at.max(earlier.at + time::Duration::MILLISECOND)
                },
                version: earlier.version,
                stored: removal.stored.or(earlier.stored),
                complete,
            },
        }
    }

    /// Why this record stays instead of the entry; `None` if the entry's object was stored after the removal.
    ///
    /// Version ids and sequencers are exact. All else is not: the bucket gives times to the second, clocks differ and are
    /// set, and the same bytes stored again have the same ETag. So the bucket has to decide the rest.
    fn rejects(&self, entry: &Entry) -> Option<Put> {
        let mut removed = self.version.iter().chain(&self.stored);
        if removed
            .clone()
            .any(|version| covers(version, &entry.version))
        {
            return Some(Put::Removed);
        }
        // If the removal has gone on since, the bucket has to be asked again.
        if (entry.stored_after)
            .is_some_and(|doubt| doubt.at == self.at && doubt.complete == self.complete)
        {
            return None;
        }
        let second = self.at.replace_nanosecond(0).unwrap_or(self.at);
        let earlier = entry.row.uploaded_at < second;
        let in_doubt = earlier
            || entry.row.uploaded_at < second + time::Duration::SECOND
            || removed.any(|version| version.relation_to(&entry.version) == Relation::Same);
        in_doubt.then_some(Put::InDoubt(Doubt {
            at: self.at,
            complete: self.complete,
            earlier,
        }))
    }
}

/// Whether version ids or sequencers show that `other` is the removed version or an older one.
fn covers(removed: &ObjectVersion, other: &ObjectVersion) -> bool {
    let sequencers = removed.sequencer.is_some() && other.sequencer.is_some();
    match removed.relation_to(other) {
        Relation::Newer => sequencers,
        Relation::NotNewer => false,
        Relation::Same => {
            sequencers || (removed.version_id.is_some() && other.version_id.is_some())
        }
    }
}
