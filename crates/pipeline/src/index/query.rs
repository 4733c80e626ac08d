//! Which images to list.

use super::entry::Term;
use crate::document::Status;

/// A query for images.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Query {
    /// Only images of this [`SourceKey::owner`](crate::SourceKey::owner); all images if `None`.
    pub owner: Option<String>,
    /// Only images with this label, or with a label of this category. Case is ignored.
    pub term: Option<Term>,
    /// Only images whose confidence of `term` is at least this, in percent. The confidence of a category is the
    /// highest among its labels. Without `term` this has no effect.
    pub min_confidence: Option<f64>,
    /// Only images with this status.
    pub status: Option<Status>,
}
