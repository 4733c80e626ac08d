//! Lists a bucket in the byte order of the keys.

use super::{
    buckets,
    error::StoreError,
    handle::Store,
    objects::key_of,
    values::{from_millis, unsigned},
};
use crate::checksum::Checksum;
use rusqlite::{Connection, params};
use time::OffsetDateTime;

/// A query for a listing.
#[derive(Debug, Clone)]
pub(crate) struct ListQuery {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    /// Keys with this after the prefix are rolled up into one entry.
    pub(crate) delimiter: Option<String>,
    /// List only entries after this key or rolled-up prefix.
    pub(crate) after: Option<String>,
    /// The most entries.
    pub(crate) max: usize,
}

impl ListQuery {
    /// The delimiter. An empty one does not count.
    fn delimiter(&self) -> Option<&str> {
        self.delimiter
            .as_deref()
            .filter(|delimiter| !delimiter.is_empty())
    }
}

/// One entry of a listing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    /// An object.
    Object {
        key: String,
        /// In bytes.
        size: u64,
        /// Without quotes.
        etag: String,
        last_modified: OffsetDateTime,
        storage_class: Option<String>,
        checksum: Option<Checksum>,
    },
    /// The objects that share this prefix, which ends in the delimiter.
    Prefix(String),
}

impl Entry {
    /// The key or prefix, after which the next page starts.
    pub(crate) fn name(&self) -> &str {
        match self {
            Self::Object { key, .. } => key,
            Self::Prefix(prefix) => prefix,
        }
    }
}

/// One page of a listing.
#[derive(Debug, Clone)]
pub(crate) struct Listing {
    pub(crate) entries: Vec<Entry>,
    /// Whether there are more entries.
    pub(crate) truncated: bool,
}

/// The start of a scan.
enum Cursor {
    At(Vec<u8>),
    After(Vec<u8>),
}

impl Store {
    /// Lists objects.
    pub(crate) async fn list(&self, query: ListQuery) -> Result<Listing, StoreError> {
        self.inner
            .database
            .read(move |connection| list(connection, &query))
            .await
    }
}

fn list(connection: &Connection, query: &ListQuery) -> Result<Listing, StoreError> {
    buckets::require(connection, &query.bucket)?;
    let mut cursor = Cursor::At(query.prefix.clone().into_bytes());
    if let Some(after) = query
        .after
        .as_deref()
        .filter(|after| *after >= query.prefix.as_str())
    {
        cursor = match common_prefix(after, &query.prefix, query.delimiter()) {
            Some(prefix) if prefix == after => Cursor::At(successor(after)),
            _ => Cursor::After(after.as_bytes().to_vec()),
        };
    }
    let mut entries: Vec<Entry> = Vec::new();
    // One more than requested shows whether the listing is truncated.
    while query.max > 0 && entries.len() <= query.max {
        let Some(next) = scan(connection, query, &cursor, &mut entries)? else {
            break;
        };
        cursor = next;
    }
    let truncated = entries.len() > query.max;
    entries.truncate(query.max);
    Ok(Listing { entries, truncated })
}

/// Adds entries up to and including the next rolled-up prefix. Returns the cursor after it, which skips all other keys of
/// the prefix. `None` if the listing is complete or full.
fn scan(
    connection: &Connection,
    query: &ListQuery,
    cursor: &Cursor,
    entries: &mut Vec<Entry>,
) -> Result<Option<Cursor>, StoreError> {
    const COLUMNS: &str = "SELECT key, size, etag, last_modified, attributes ->> 'storageClass', checksum FROM objects";
    let (start, comparison) = match cursor {
        Cursor::At(start) => (start, ">="),
        Cursor::After(start) => (start, ">"),
    };
    // Every key with the prefix sorts before the prefix's successor. An empty prefix has none.
    let end = if query.prefix.is_empty() {
        vec![0xff]
    } else {
        successor(&query.prefix)
    };
    let mut statement = connection.prepare_cached(&format!(
        "{COLUMNS} WHERE bucket = ?1 AND key {comparison} ?2 AND key < ?3 ORDER BY key"
    ))?;
    let mut rows = statement.query(params![query.bucket, start, end])?;
    while let Some(row) = rows.next()? {
        let key = key_of(row, 0)?;
        if let Some(prefix) = common_prefix(&key, &query.prefix, query.delimiter()) {
            let next = Cursor::At(successor(&prefix));
            entries.push(Entry::Prefix(prefix));
            return Ok(Some(next));
        }
        let checksum: Option<String> = row.get(5)?;
        entries.push(Entry::Object {
            key,
            size: unsigned(row.get(1)?),
            etag: row.get(2)?,
            last_modified: from_millis(row.get(3)?),
            storage_class: row.get(4)?,
            checksum: checksum.as_deref().map(serde_json::from_str).transpose()?,
        });
        if entries.len() > query.max {
            break;
        }
    }
    Ok(None)
}

/// The prefix that `key` is rolled up into, if it contains the delimiter after `prefix`.
pub(crate) fn common_prefix(key: &str, prefix: &str, delimiter: Option<&str>) -> Option<String> {
    let delimiter = delimiter?;
    let rest = key.strip_prefix(prefix)?;
    let (head, _) = rest.split_once(delimiter)?;
    Some(format!("{prefix}{head}{delimiter}"))
}

/// The smallest byte string after all that start with `prefix`. UTF-8 has no byte 0xFF, so the last byte can always be
/// incremented.
fn successor(prefix: &str) -> Vec<u8> {
    let mut bytes = prefix.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last = last.saturating_add(1);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn database(keys: &[&str]) -> (tempfile::TempDir, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let connection = super::super::schema::open(&dir.path().join("db")).unwrap();
        connection
            .execute("INSERT INTO buckets VALUES ('b', 0)", [])
            .unwrap();
        for key in keys {
            connection
                .execute(
                    "INSERT INTO objects (bucket, key, blob, size, etag, sequencer, last_modified, attributes)
                     VALUES ('b', ?1, '', 1, 'e', 1, 0, '{}')",
                    [key.as_bytes()],
                )
                .unwrap();
        }
        (dir, connection)
    }

    /// Every page of a listing with `max` entries a page, entries joined by spaces.
    fn pages(
        connection: &Connection,
        prefix: &str,
        delimiter: Option<&str>,
        max: usize,
    ) -> Vec<String> {
        let mut query = ListQuery {
            bucket: "b".to_owned(),
            prefix: prefix.to_owned(),
            delimiter: delimiter.map(str::to_owned),
            after: None,
            max,
        };
        let mut pages = Vec::new();
        loop {
            let listing = list(connection, &query).unwrap();
            pages.push(
                listing
                    .entries
                    .iter()
                    .map(Entry::name)
                    .collect::<Vec<_>>()
                    .join(" "),
            );
            if !listing.truncated {
                return pages;
            }
            query.after = listing.entries.last().map(|entry| entry.name().to_owned());
        }
    }

    #[test]
    fn keys_are_in_byte_order() {
        let (_dir, connection) =
            database(&["b", "a/b", "a", "ä", "Z", "a//b", "z", "😀", "\u{ffff}"]);
        assert_eq!(
            pages(&connection, "", None, 1000),
            ["Z a a//b a/b b z ä \u{ffff} 😀"]
        );
        assert_eq!(
            pages(&connection, "", None, 4),
            ["Z a a//b a/b", "b z ä \u{ffff}", "😀"]
        );
    }

    #[test]
    fn a_delimiter_rolls_keys_up_across_pages() {
        let (_dir, connection) = database(&["a/1", "a/2", "a/3", "b", "c/1", "c/2/x", "d", "e/"]);
        assert_eq!(pages(&connection, "", Some("/"), 1000), ["a/ b c/ d e/"]);
        assert_eq!(
            pages(&connection, "", Some("/"), 1),
            ["a/", "b", "c/", "d", "e/"]
        );
        assert_eq!(pages(&connection, "c/", Some("/"), 1), ["c/1", "c/2/"]);
        assert_eq!(pages(&connection, "e/", Some("/"), 10), ["e/"]);
        assert_eq!(pages(&connection, "x", Some("/"), 10), [""]);
    }

    #[test]
    fn a_start_inside_a_rolled_up_prefix_lists_the_rest_of_it() {
        let (_dir, connection) = database(&["a/1", "a/2", "b"]);
        let query = |after: &str| ListQuery {
            bucket: "b".to_owned(),
            prefix: String::new(),
            delimiter: Some("/".to_owned()),
            after: Some(after.to_owned()),
            max: 10,
        };
        let names = |after| {
            let listing = list(&connection, &query(after)).unwrap();
            listing
                .entries
                .iter()
                .map(|entry| entry.name().to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(names("a/1"), ["a/", "b"]);
        assert_eq!(names("a/2"), ["b"]);
        assert_eq!(names("a/"), ["b"]);
    }

    #[test]
    fn a_limit_of_zero_returns_nothing() {
        let (_dir, connection) = database(&["a"]);
        assert_eq!(pages(&connection, "", None, 0), [""]);
    }
}
