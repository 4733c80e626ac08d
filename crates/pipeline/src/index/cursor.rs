//! Positions in a list, and the cursors that clients receive for them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    entry::{ImageRow, fold},
    query::Query,
    timestamp::{LATEST, milliseconds},
};
use crate::{SourceKey, document::Status};

/// A position in the list of images. It stays valid while images are added and removed around it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Time of upload, in milliseconds since 1970 (UTC).
    pub uploaded_ms: i64,
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

/// The content of a cursor: format, hash of the query, upload time in milliseconds, key.
#[derive(Serialize, Deserialize)]
struct Content(u8, u32, i64, SourceKey);

const FORMAT: u8 = 1;

impl Position {
    /// The position of this row.
    #[must_use]
    pub fn of(row: &ImageRow) -> Self {
        Self {
            uploaded_ms: milliseconds(row.uploaded_at),
            key: row.key.clone(),
        }
    }

    /// The cursor of this position in the list of `query`: opaque, and safe in a URL.
    #[must_use]
    pub fn seal(&self, query: &Query) -> String {
        let content = Content(FORMAT, hash(query), self.uploaded_ms, self.key.clone());
        // A tuple of numbers and a string always serializes.
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(&content).unwrap_or_default())
    }

    /// The position of a cursor.
    ///
    /// # Errors
    /// [`CursorError`] if the cursor does not belong to this query.
    pub fn open(cursor: &str, query: &Query) -> Result<Self, CursorError> {
        let Content(format, query_hash, uploaded_ms, key) = URL_SAFE_NO_PAD
            .decode(cursor)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .ok_or(CursorError::Malformed)?;
        if format != FORMAT || !(0..=LATEST).contains(&uploaded_ms) {
            return Err(CursorError::Malformed);
        }
        if query_hash != hash(query) {
            return Err(CursorError::OtherQuery);
        }
        Ok(Self { uploaded_ms, key })
    }
}

/// Distinguishes queries. It does not prevent forgery: a forged cursor only begins elsewhere in the same list.
fn hash(query: &Query) -> u32 {
    let Query {
        owner,
        term,
        min_confidence,
        status,
        faces,
    } = query;
    let mut text = format!(
        "{owner:?} {:?} {min_confidence:?} {:?}",
        term.as_ref().map(|term| (term.kind, term.folded())),
        status.map(Status::name),
    );
    // Cursors of queries without this filter stay as they were before it existed.
    if !faces.is_empty() {
        let emotion = faces.emotion.as_deref().map(fold);
        text.push_str(&format!(
            " {} {emotion:?} {:?}",
            faces.min_count, faces.ages
        ));
    }
    Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes())
        .as_fields()
        .0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        document::Status,
        index::{FaceFilter, Term},
    };

    #[test]
    fn a_cursor_is_valid_for_its_own_query_only() {
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
            Query {
                faces: FaceFilter {
                    min_count: 1,
                    ..FaceFilter::default()
                },
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
}
