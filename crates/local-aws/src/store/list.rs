//! Listing a bucket in the order of the keys' bytes.

use super::{Store, StoreError, buckets, from_millis, objects::key_of, unsigned};
use crate::checksum::Checksum;
use rusqlite::{Connection, params};
use time::OffsetDateTime;

/// What to list.
#[derive(Debug, Clone)]
pub(crate) struct ListQuery {
    pub(crate) bucket: String,
    pub(crate) prefix: String,
    /// Keys that have this after the prefix are rolled up into one entry.
    pub(crate) delimiter: Option<String>,
    /// Only what comes after this key or rolled-up prefix.
    pub(crate) after: Option<String>,
    /// The most entries.
    pub(crate) max: usize,
}

impl ListQuery {
    /// An empty delimiter is none.
    fn delimiter(&self) -> Option<&str> {
        self.delimiter
            .as_deref()
            .filter(|delimiter| !delimiter.is_empty())
    }
}

/// One line of a listing.
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
    /// The objects that share this prefix, up to and with the delimiter.
    Prefix(String),
}

impl Entry {
    /// The key or prefix: where the next page goes on.
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
    /// Whether there is more.
    pub(crate) truncated: bool,
}

/// Where to go on in the keys.
enum From {
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
    let mut from = From::At(query.prefix.clone().into_bytes());
    if let Some(after) = query
        .after
        .as_deref()
        .filter(|after| *after >= query.prefix.as_str())
    {
        from = match common_prefix(after, &query.prefix, query.delimiter()) {
            Some(prefix) if prefix == after => From::At(successor(after)),
            _ => From::After(after.as_bytes().to_vec()),
        };
    }
    let mut entries: Vec<Entry> = Vec::new();
    // One more than asked for tells whether there is more.
    while query.max > 0 && entries.len() <= query.max {
        let Some(next) = read_on(connection, query, &from, &mut entries)? else {
            break;
        };
        from = next;
    }
    let truncated = entries.len() > query.max;
    entries.truncate(query.max);
    Ok(Listing { entries, truncated })
}

/// Adds entries up to and with the next rolled-up prefix. Answers where to go on after that: the rest of the
/// prefix is passed over, however many keys it has. `None` when the listing is at its end or full.
fn read_on(
    connection: &Connection,
    query: &ListQuery,
    from: &From,
    entries: &mut Vec<Entry>,
) -> Result<Option<From>, StoreError> {
    const COLUMNS: &str = "SELECT key, size, etag, last_modified, attributes ->> 'storageClass', checksum FROM objects";
    let (start, comparison) = match from {
        From::At(start) => (start, ">="),
        From::After(start) => (start, ">"),
    };
    // Every key with the prefix sorts below the prefix's successor; for an empty prefix there is none.
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
            let next = From::At(successor(&prefix));
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

/// The prefix that `key` is rolled up into, if the delimiter stands in it after `prefix`.
pub(crate) fn common_prefix(key: &str, prefix: &str, delimiter: Option<&str>) -> Option<String> {
    let delimiter = delimiter?;
    let rest = key.strip_prefix(prefix)?;
    let (head, _) = rest.split_once(delimiter)?;
    Some(format!("{prefix}{head}{delimiter}"))
}

/// The smallest byte string above every one that starts with `prefix`. UTF-8 has no byte 0xFF, so the last byte
/// can always be raised.
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
        let connection = super::super::open_database(&dir.path().join("db")).unwrap();
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
    fn keys_come_in_the_order_of_their_bytes() {
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
    fn a_start_inside_a_rolled_up_prefix_lists_what_is_left_of_it() {
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
    fn nothing_is_asked_for_and_nothing_comes() {
        let (_dir, connection) = database(&["a"]);
        assert_eq!(pages(&connection, "", None, 0), [""]);
    }
}
