//! Positions in a list, and the cursors that clients receive for them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    entry::ImageRow,
    query::Sort,
    timestamp::{LATEST, milliseconds},
};
use crate::SourceKey;

/// A position in a list of images. It stays valid while images are added and removed around it. Positions of one list are ordered
/// as its images are, or in reverse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The confidence by which the list is ordered, as [`f64::to_bits`]; 0 in a list that is ordered by time. The bits of numbers
    /// that are not negative are ordered as the numbers.
    pub confidence_bits: u64,
    /// Time of upload, or of taking in a list that is ordered by that, in milliseconds since 1970 (UTC).
    pub at_ms: i64,
    /// The image's key.
    pub key: SourceKey,
}

/// A cursor that does not belong to this query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// Not a cursor.
    #[error("the cursor is not valid; begin again without a cursor")]
    Malformed,
    /// The cursor of another query.
    #[error(
        "the cursor belongs to another query; repeat that query, or begin again without a cursor"
    )]
    OtherQuery,
}

/// The content of a cursor: format, hash of the list, confidence, time in milliseconds, key.
#[derive(Serialize, Deserialize)]
struct Content(u8, u32, u64, i64, SourceKey);

const FORMAT: u8 = 2;

impl Position {
    /// The position of this row in a list of this order. `confidence` is the one by which images are ordered.
    #[must_use]
    pub fn of(row: &ImageRow, order: Sort, confidence: Option<f64>) -> Self {
        Self {
            confidence_bits: match order {
                Sort::Confidence => confidence_bits(confidence.unwrap_or_default()),
                _ => 0,
            },
            at_ms: match order {
                Sort::Taken => row.taken_ms(),
                _ => milliseconds(row.uploaded_at),
            },
            key: row.key.clone(),
        }
    }

    /// The cursor of this position in a list, which `list` identifies: opaque, and safe in a URL.
    #[must_use]
    pub fn seal(&self, list: &str) -> String {
        let content = Content(
            FORMAT,
            hash(list),
            self.confidence_bits,
            self.at_ms,
            self.key.clone(),
        );
        // A tuple of numbers and a string always serializes.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&content).unwrap_or_default())
    }

    /// The position of a cursor in this list.
    ///
    /// # Errors
    /// [`CursorError`] if the cursor does not belong to this list.
    pub fn open(cursor: &str, list: &str) -> Result<Self, CursorError> {
        let Content(format, of_list, confidence_bits, at_ms, key) = URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or(CursorError::Malformed)?;
        let is_number = f64::from_bits(confidence_bits) >= 0.0;
        if format != FORMAT || !(0..=LATEST).contains(&at_ms) || !is_number {
            return Err(CursorError::Malformed);
        }
        if of_list != hash(list) {
            return Err(CursorError::OtherQuery);
        }
        Ok(Self {
            confidence_bits,
            at_ms,
            key,
        })
    }
}

/// See [`Position::confidence_bits`].
pub(super) fn confidence_bits(confidence: f64) -> u64 {
    if confidence > 0.0 {
        confidence.to_bits()
    } else {
        0
    }
}

/// Distinguishes lists. It does not prevent forgery: a forged cursor only begins elsewhere in the same list.
fn hash(list: &str) -> u32 {
    Uuid::new_v5(&Uuid::NAMESPACE_URL, list.as_bytes())
        .as_fields()
        .0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_valid_for_its_own_list_only() {
        let position = Position {
            confidence_bits: confidence_bits(99.876_54),
            at_ms: 1_772_366_400_123,
            key: SourceKey::new("uploads/ann/ö#1.jpg").unwrap(),
        };
        let cursor = position.seal("dogs");
        assert_eq!(Position::open(&cursor, "dogs"), Ok(position));
        assert_eq!(
            Position::open(&cursor, "cats"),
            Err(CursorError::OtherQuery)
        );
        for cursor in ["", "?", "bm8gY3Vyc29y", &cursor[1..], "WzEsMiwzLCJ4Il0"] {
            let opened = Position::open(cursor, "dogs");
            assert_eq!(opened, Err(CursorError::Malformed), "{cursor}");
        }
        let negative = Position {
            confidence_bits: (-1.0_f64).to_bits(),
            at_ms: 1,
            key: SourceKey::new("uploads/a.jpg").unwrap(),
        };
        let opened = Position::open(&negative.seal("dogs"), "dogs");
        assert_eq!(opened, Err(CursorError::Malformed));
    }

    #[test]
    fn positions_by_confidence_are_ordered_as_numbers() {
        let bits: Vec<_> = [-0.0, 0.0, 1e-300, 0.5, 55.0, 99.999, 100.0]
            .map(confidence_bits)
            .into();
        assert!(bits.is_sorted());
        assert_eq!(bits[0], bits[1]);
    }
}
