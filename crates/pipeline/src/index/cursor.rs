//! Where a page begins, and how that is handed out.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{ImageRow, Query};
use crate::SourceKey;

/// A place in the list of images, which holds though images come and go around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Time of upload, in milliseconds since 1970 (UTC).
    pub uploaded_ms: i64,
    /// The image's key.
    pub key: SourceKey,
}

/// A cursor that was not handed out for this query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CursorError {
    /// No cursor at all.
    #[error("the cursor is not one that was handed out; begin again without a cursor")]
    Malformed,
    /// A cursor of another list.
    #[error(
        "the cursor belongs to another query; repeat the query that it came from, or begin again without a cursor"
    )]
    OtherQuery,
}

/// What a cursor holds: format, the query's mark, the position.
#[derive(Serialize, Deserialize)]
struct Sealed(u8, u32, i64, SourceKey);

const FORMAT: u8 = 1;

impl Position {
    /// Of this row.
    #[must_use]
    pub fn of(row: &ImageRow) -> Self {
        Self {
            uploaded_ms: milliseconds(row.uploaded_at),
            key: row.key.clone(),
        }
    }

    /// The cursor of this place in the list that `query` asks for: opaque, and good in an address.
    #[must_use]
    pub fn seal(&self, query: &Query) -> String {
        let sealed = Sealed(FORMAT, mark(query), self.uploaded_ms, self.key.clone());
        // A tuple of numbers and a string is always writable.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&sealed).unwrap_or_default())
    }

    /// The place that a cursor stands for.
    ///
    /// # Errors
    /// [`CursorError`] when the cursor was not handed out for this query.
    pub fn open(cursor: &str, query: &Query) -> Result<Self, CursorError> {
        let Sealed(format, query_mark, uploaded_ms, key) = URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or(CursorError::Malformed)?;
        if format != FORMAT || !(0..=LATEST).contains(&uploaded_ms) {
            return Err(CursorError::Malformed);
        }
        if query_mark != mark(query) {
            return Err(CursorError::OtherQuery);
        }
        Ok(Self { uploaded_ms, key })
    }
}

/// The latest time that thirteen digits of milliseconds hold, in the year 2286.
const LATEST: i64 = 9_999_999_999_999;

/// Tells queries apart. Not against forgery: a forged cursor only begins elsewhere in the same list.
fn mark(query: &Query) -> u32 {
    let Query {
        owner,
        term,
        min_confidence,
        status,
    } = query;
    let text = format!(
        "{owner:?} {:?} {min_confidence:?} {:?}",
        term.as_ref().map(|term| (term.kind, term.folded())),
        status.map(super::Status::name),
    );
    Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes())
        .as_fields()
        .0
}

/// Milliseconds since 1970; what is outside of 1970 to 2286 is moved to the nearer end, so that
/// thirteen digits hold it.
pub(super) fn milliseconds(time: OffsetDateTime) -> i64 {
    let milliseconds = time.unix_timestamp_nanos().div_euclid(1_000_000);
    i64::try_from(milliseconds.clamp(0, i128::from(LATEST))).unwrap_or_default()
}

/// The time to the millisecond, as the index keeps it.
pub(super) fn to_millisecond(time: OffsetDateTime) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp_nanos(i128::from(milliseconds(time)) * 1_000_000)
        .unwrap_or(time)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{document::Status, index::Term};

    #[test]
    fn a_cursor_is_good_for_the_query_that_it_came_from() {
        let position = Position {
            uploaded_ms: 1_772_366_400_123,
            key: SourceKey::new("uploads/ann/ö#1.jpg").unwrap(),
        };
        let dogs = Query {
            term: Some(Term::label("Dog")),
            ..Query::default()
        };
        let cursor = position.seal(&dogs);
        let again = Query {
            term: Some(Term::label(" dOG")),
            ..Query::default()
        };
        assert_eq!(Position::open(&cursor, &again), Ok(position));
        for other in [
            Query::default(),
            Query {
                term: Some(Term::category("Dog")),
                ..Query::default()
            },
            Query {
                min_confidence: Some(50.0),
                ..dogs.clone()
            },
            Query {
                owner: Some("ann".to_owned()),
                ..dogs.clone()
            },
            Query {
                status: Some(Status::Failed),
                ..dogs.clone()
            },
        ] {
            let opened = Position::open(&cursor, &other);
            assert_eq!(opened, Err(CursorError::OtherQuery), "{other:?}");
        }
        for cursor in ["", "?", "bm8gY3Vyc29y", &cursor[1..], "WzEsMiwzLCJ4Il0"] {
            let opened = Position::open(cursor, &dogs);
            assert_eq!(opened, Err(CursorError::Malformed), "{cursor}");
        }
    }

    #[test]
    fn times_keep_to_thirteen_digits() {
        let time = OffsetDateTime::from_unix_timestamp_nanos(1_234_567_890_123_456_789).unwrap();
        assert_eq!(milliseconds(time), 1_234_567_890_123);
        assert_eq!(milliseconds(to_millisecond(time)), 1_234_567_890_123);
        assert_eq!(
            milliseconds(OffsetDateTime::UNIX_EPOCH - time::Duration::DAY),
            0
        );
        let last = time::macros::datetime!(9999-01-01 0:00 UTC);
        assert_eq!(milliseconds(last), 9_999_999_999_999);
    }
}
