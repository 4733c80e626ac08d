//! Lists a bucket in the byte order of the keys.

use super::{
    buckets,
    error::StoreError,
    handle::Store,
    objects::key_of,
    values::{from_millis, unsigned},
    versions::{self, VersionQuery},
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

/// One entry of a listing of versions.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum VersionEntry {
    /// A version or a delete marker.
    Version {
        key: String,
        version: String,
        is_latest: bool,
        last_modified: OffsetDateTime,
        /// `None` for a delete marker.
        content: Option<VersionContent>,
    },
    /// The versions of the objects that share this prefix, which ends in the delimiter.
    Prefix(String),
}

/// What a version has and a delete marker has not.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct VersionContent {
    /// In bytes.
    pub(crate) size: u64,
    /// Without quotes.
    pub(crate) etag: String,
    pub(crate) storage_class: Option<String>,
    pub(crate) checksum: Option<Checksum>,
}

/// One page of a listing of versions: by key, newest version first.
#[derive(Debug, Clone)]
pub(crate) struct VersionListing {
    pub(crate) entries: Vec<VersionEntry>,
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

    /// Lists versions and delete markers.
    pub(crate) async fn list_versions(
        &self,
        query: VersionQuery,
    ) -> Result<VersionListing, StoreError> {
        self.inner
            .database
            .read(move |connection| list_versions(connection, &query))
            .await
    }
}

fn list(connection: &Connection, query: &ListQuery) -> Result<Listing, StoreError> {
    buckets::require(connection, &query.bucket)?;
    let mut cursor = start(&query.prefix, query.after.as_deref(), query.delimiter());
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

/// Where a listing starts.
fn start(prefix: &str, after: Option<&str>, delimiter: Option<&str>) -> Cursor {
    match after.filter(|after| *after >= prefix) {
        None => Cursor::At(prefix.as_bytes().to_vec()),
        Some(after) => match common_prefix(after, prefix, delimiter) {
            Some(rolled_up) if rolled_up == after => Cursor::At(successor(after)),
            _ => Cursor::After(after.as_bytes().to_vec()),
        },
    }
}

fn list_versions(
    connection: &Connection,
    query: &VersionQuery,
) -> Result<VersionListing, StoreError> {
    buckets::require(connection, &query.bucket)?;
    let delimiter = query
        .delimiter
        .as_deref()
        .filter(|delimiter| !delimiter.is_empty());
    let mut entries: Vec<VersionEntry> = Vec::new();
    if let (Some(key), Some(version)) = (&query.after, &query.after_version)
        && query.max > 0
        && key.starts_with(&query.prefix)
        && common_prefix(key, &query.prefix, delimiter).is_none()
    {
        rest_of_key(connection, query, key, version, &mut entries)?;
    }
    let mut cursor = start(&query.prefix, query.after.as_deref(), delimiter);
    while query.max > 0 && entries.len() <= query.max {
        let Some(next) = scan_versions(connection, query, delimiter, &cursor, &mut entries)? else {
            break;
        };
        cursor = next;
    }
    let truncated = entries.len() > query.max;
    entries.truncate(query.max);
    Ok(VersionListing { entries, truncated })
}

/// The columns of a version, in both tables.
const VERSION_COLUMNS: &str = "key, version, last_modified, size, etag, attributes ->> 'storageClass', checksum, blob IS NULL, sequencer";

/// Adds the versions of a key that are older than a version. None of them is the latest, unless that version's place is
/// unknown because it is gone.
fn rest_of_key(
    connection: &Connection,
    query: &VersionQuery,
    key: &str,
    version: &str,
    entries: &mut Vec<VersionEntry>,
) -> Result<(), StoreError> {
    let place = versions::place(connection, &query.bucket, key, version)?;
    let mut statement = connection.prepare_cached(&format!(
        "SELECT {VERSION_COLUMNS} FROM objects WHERE bucket = ?1 AND key = ?2
         UNION ALL SELECT {VERSION_COLUMNS} FROM versions WHERE bucket = ?1 AND key = ?2
         ORDER BY 9 DESC"
    ))?;
    let mut rows = statement.query(params![query.bucket, key.as_bytes()])?;
    let mut is_latest = true;
    while let Some(row) = rows.next()? {
        let sequencer: i64 = row.get(8)?;
        if place.is_none_or(|place| sequencer < place) {
            entries.push(version_entry(row, is_latest)?);
            if entries.len() > query.max {
                break;
            }
        }
        is_latest = false;
    }
    Ok(())
}

/// As [`scan`], for versions.
fn scan_versions(
    connection: &Connection,
    query: &VersionQuery,
    delimiter: Option<&str>,
    cursor: &Cursor,
    entries: &mut Vec<VersionEntry>,
) -> Result<Option<Cursor>, StoreError> {
    let (start, comparison) = match cursor {
        Cursor::At(start) => (start, ">="),
        Cursor::After(start) => (start, ">"),
    };
    let end = end(&query.prefix);
    let of = |table| {
        format!(
            "SELECT {VERSION_COLUMNS} FROM {table} WHERE bucket = ?1 AND key {comparison} ?2 AND key < ?3"
        )
    };
    let mut statement = connection.prepare_cached(&format!(
        "{} UNION ALL {} ORDER BY 1, 9 DESC",
        of("objects"),
        of("versions")
    ))?;
    let mut rows = statement.query(params![query.bucket, start, end])?;
    let mut last_key: Option<String> = None;
    while let Some(row) = rows.next()? {
        let key = key_of(row, 0)?;
        if let Some(prefix) = common_prefix(&key, &query.prefix, delimiter) {
            let next = Cursor::At(successor(&prefix));
            entries.push(VersionEntry::Prefix(prefix));
            return Ok(Some(next));
        }
        let is_latest = last_key.as_ref() != Some(&key);
        entries.push(version_entry(row, is_latest)?);
        if entries.len() > query.max {
            break;
        }
        last_key = Some(key);
    }
    Ok(None)
}

fn version_entry(row: &rusqlite::Row<'_>, is_latest: bool) -> Result<VersionEntry, StoreError> {
    let checksum: Option<String> = row.get(6)?;
    let is_marker: bool = row.get(7)?;
    let content = VersionContent {
        size: unsigned(row.get(3)?),
        etag: row.get(4)?,
        storage_class: row.get(5)?,
        checksum: checksum.as_deref().map(serde_json::from_str).transpose()?,
    };
    Ok(VersionEntry::Version {
        key: key_of(row, 0)?,
        version: row.get(1)?,
        is_latest,
        last_modified: from_millis(row.get(2)?),
        content: (!is_marker).then_some(content),
    })
}

/// The end of the keys with a prefix: they sort before the prefix's successor. An empty prefix has none.
fn end(prefix: &str) -> Vec<u8> {
    if prefix.is_empty() {
        vec![0xff]
    } else {
        successor(prefix)
    }
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
    let end = end(&query.prefix);
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
            .execute("INSERT INTO buckets (name, created_at) VALUES ('b', 0)", [])
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

    /// Every page of a listing of versions, entries joined by spaces: `key@version`, `!` for the latest, `x` for a marker.
    fn version_pages(
        connection: &Connection,
        prefix: &str,
        delimiter: Option<&str>,
        max: usize,
    ) -> Vec<String> {
        let mut query = VersionQuery {
            bucket: "b".to_owned(),
            prefix: prefix.to_owned(),
            delimiter: delimiter.map(str::to_owned),
            after: None,
            after_version: None,
            max,
        };
        let mut pages = Vec::new();
        loop {
            let listing = list_versions(connection, &query).unwrap();
            let name = |entry: &VersionEntry| match entry {
                VersionEntry::Prefix(prefix) => prefix.clone(),
                VersionEntry::Version {
                    key,
                    version,
                    is_latest,
                    content,
                    ..
                } => format!(
                    "{key}@{version}{}{}",
                    if *is_latest { "!" } else { "" },
                    if content.is_none() { "x" } else { "" }
                ),
            };
            let names: Vec<_> = listing.entries.iter().map(name).collect();
            pages.push(names.join(" "));
            if !listing.truncated {
                return pages;
            }
            (query.after, query.after_version) = match listing.entries.last() {
                Some(VersionEntry::Version { key, version, .. }) => {
                    (Some(key.clone()), Some(version.clone()))
                }
                Some(VersionEntry::Prefix(prefix)) => (Some(prefix.clone()), None),
                None => return pages,
            };
        }
    }

    #[test]
    fn versions_are_listed_newest_first_across_pages() {
        let (_dir, connection) = database(&["a", "b/1", "c"]);
        for (key, version, sequencer, blob) in [
            ("a", "v1", -2, Some("f1")),
            ("a", "v0", -3, None),
            ("b/2", "v3", 3, None),
            ("c", "v4", 0, Some("f4")),
            ("d", "v6", 6, None),
            ("d", "v5", 5, Some("f5")),
        ] {
            connection
                .execute(
                    "INSERT INTO versions (bucket, key, sequencer, version, blob, size, etag, last_modified, attributes)
                     VALUES ('b', ?1, ?2, ?3, ?4, 1, 'e', 0, '{}')",
                    params![key.as_bytes(), sequencer, version, blob],
                )
                .unwrap();
        }
        let all = "a@null! a@v1 a@v0x b/1@null! b/2@v3!x c@null! c@v4 d@v6!x d@v5".to_owned();
        assert_eq!(version_pages(&connection, "", None, 1000).join("|"), all);
        for max in 1..9 {
            assert_eq!(version_pages(&connection, "", None, max).join(" "), all);
        }
        let rolled_up = "a@null! a@v1 a@v0x b/ c@null! c@v4 d@v6!x d@v5";
        for max in 1..9 {
            let pages = version_pages(&connection, "", Some("/"), max);
            assert_eq!(pages.join(" "), rolled_up, "{max}");
        }
        assert_eq!(
            version_pages(&connection, "b/", Some("/"), 1),
            ["b/1@null!", "b/2@v3!x"]
        );
        assert_eq!(version_pages(&connection, "", None, 0), [""]);
    }

    #[test]
    fn a_limit_of_zero_returns_nothing() {
        let (_dir, connection) = database(&["a"]);
        assert_eq!(pages(&connection, "", None, 0), [""]);
    }
}
