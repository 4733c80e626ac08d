//! The removal of an image, and what it leaves open.

use time::OffsetDateTime;

use crate::version::ObjectVersion;

/// A user's request to delete an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deletion {
    /// When it was made. Identifies the request too.
    pub at: OffsetDateTime,
    /// The version in the bucket before the deletion, if there was one.
    pub version: Option<ObjectVersion>,
    /// Whether the object has been deleted from the bucket. An object that is there now was stored afterwards.
    pub complete: bool,
}

impl From<OffsetDateTime> for Deletion {
    /// A complete deletion of an unknown version.
    fn from(at: OffsetDateTime) -> Self {
        Self {
            at,
            version: None,
            complete: true,
        }
    }
}

/// Why an entry is [in doubt](super::Put::InDoubt).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Doubt {
    /// When the removal was requested. [`Entry::stored_after`](super::Entry::stored_after) with this doubt accepts the entry,
    /// unless the removal has gone on since.
    pub at: OffsetDateTime,
    /// See [`Deletion::complete`].
    pub complete: bool,
    /// Whether the object was stored in an earlier second, if the clocks are right.
    pub earlier: bool,
}
