//! The items of the table, and their keys.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use sightline_pipeline::{
    SourceKey,
    document::Status,
    index::{
        Entry, Lists, Position, REMOVAL_RETENTION, Sort, Term, TermKind,
        precedence::{Image, IndexRecord, Removal},
    },
    service_error::{Fate, Service, ServiceError},
};
use uuid::Uuid;

/// The number of items into which each count is divided.
pub(super) const SHARDS: u8 = 8;

/// An item's attributes.
pub(super) type Item = HashMap<String, AttributeValue>;

/// The sort key, and the `term`, of an image item.
pub(super) const IMAGE: &str = "image";

/// The sort key, and the `term`, of the item that lists an image by the time of taking. Its count is the number of all images.
pub(super) const TAKEN: &str = "taken";

pub(super) fn s(text: impl Into<String>) -> AttributeValue {
    AttributeValue::S(text.into())
}

pub(super) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

pub(super) fn text<'a>(item: &'a Item, attribute: &str) -> Option<&'a str> {
    item.get(attribute)?.as_s().ok().map(String::as_str)
}

pub(super) fn number(item: &Item, attribute: &str) -> Option<f64> {
    match item.get(attribute)? {
        AttributeValue::N(number) => number.parse().ok(),
        _ => None,
    }
}

/// The partition key of an image item and its term items.
pub(super) fn image_pk(key: &SourceKey) -> String {
    format!("image/{key}")
}

/// The sort key of the term items of a term.
pub(super) fn term_sk(term: &Term) -> String {
    format!("{}#{}", term.kind.name(), term.folded())
}

/// The sort key of the term items of a status.
pub(super) fn status_sk(status: Status) -> String {
    format!("status#{}", status.name())
}

/// Whether term items with this sort key are counted.
pub(super) fn is_counted(sk: &str) -> bool {
    sk == TAKEN || kind_of(sk).is_some_and(TermKind::is_counted)
}

/// The kind of term in a sort key; `None` for a status or an image.
pub(super) fn kind_of(sk: &str) -> Option<TermKind> {
    TermKind::ALL.into_iter().find(|kind| {
        sk.strip_prefix(kind.name())
            .is_some_and(|rest| rest.starts_with('#'))
    })
}

/// The partition key of the counts of one owner, or of all images, in a shard. Owners contain no slash.
pub(super) fn count_pk(shard: u8, owner: Option<&str>) -> String {
    match owner {
        None => format!("count/{shard}"),
        Some(owner) => format!("count/{shard}/{owner}"),
    }
}

/// The partition key of the counts of one owner's analyses.
pub(super) fn analyses_pk(owner: &str) -> String {
    format!("analyses/{owner}")
}

/// The shard with an image's part in the counts. It must never change.
pub(super) fn shard(key: &SourceKey) -> u8 {
    let hash = Uuid::new_v5(&Uuid::NAMESPACE_URL, key.as_str().as_bytes());
    hash.as_bytes().first().map_or(0, |byte| byte % SHARDS)
}

/// A position as sort key of the indexes. Byte order is the order of positions.
pub(super) fn position_sk(position: &Position) -> String {
    format!("{:013}#{}", position.at_ms, position.key)
}

pub(super) fn position_of(sk: &str) -> Option<Position> {
    let (at_ms, key) = sk.split_once('#')?;
    Some(Position {
        confidence_bits: 0,
        at_ms: at_ms.parse().ok()?,
        key: SourceKey::new(key).ok()?,
    })
}

/// The term items of an image: from sort key to a fingerprint. Different items have different fingerprints.
pub(super) type Terms = BTreeMap<String, String>;

/// The end of the fingerprint of a term item that is in the owner's lists only. Other term items are in the lists of all
/// images too, as those that older versions wrote.
const OWNED: &str = " own";

/// The parts of a fingerprint: the time and status of the image, then the confidence and the hash of the aliases of a label or
/// category, then [`OWNED`].
struct Fingerprint<'a>(&'a str);

impl<'a> Fingerprint<'a> {
    /// The confidence in percent; 0 for a term without one.
    fn confidence(&self) -> f64 {
        let part = self.0.split(' ').nth(2);
        part.and_then(|part| part.parse().ok()).unwrap_or_default()
    }

    /// The hash of the aliases that the counts have.
    fn aliases(&self) -> Option<&'a str> {
        self.0
            .split(' ')
            .nth(3)
            .filter(|part| *part != OWNED.trim_start())
    }
}

/// The image's confidence of a term, as [`Entry::terms`] has it; `None` if the image does not have it.
pub(super) fn confidence_of(terms: &Terms, term: &Term) -> Option<f64> {
    let fingerprint = terms.get(&term_sk(term))?;
    Some(Fingerprint(fingerprint).confidence())
}

/// Whether a term item tells other aliases than before.
pub(super) fn has_new_aliases(before: Option<&String>, after: Option<&String>) -> bool {
    let aliases =
        |one: Option<&String>| one.and_then(|one| Fingerprint(one).aliases().map(str::to_owned));
    aliases(after).is_some() && aliases(before) != aliases(after)
}

/// The counts that a term item is part of: those of the owner, and those of all images (`None`).
pub(super) fn counted_in<'a>(
    key: &'a SourceKey,
    fingerprint: Option<&String>,
) -> Vec<Option<&'a str>> {
    let Some(fingerprint) = fingerprint else {
        return Vec::new();
    };
    let all = (!fingerprint.ends_with(OWNED)).then_some(None);
    all.into_iter().chain(key.owner().map(Some)).collect()
}

/// An image item, or a removal record.
#[derive(Debug, Clone)]
pub(super) struct StoredRecord {
    pub(super) record: IndexRecord,
    /// The current term items.
    pub(super) terms: Terms,
    /// Changes with every write, so that a write can check that the item is unchanged.
    pub(super) rev: String,
}

/// A term item.
#[derive(Debug, Clone)]
pub(super) struct TermItem {
    pub(super) confidence: Option<f64>,
    /// The name as the recogniser writes it. Only labels and categories have one.
    pub(super) name: Option<String>,
    /// Other names of a label.
    pub(super) aliases: BTreeSet<String>,
}

/// The desired record and term items of an image.
#[derive(Debug, Clone)]
pub(super) struct DesiredRecord {
    pub(super) record: IndexRecord,
    pub(super) term_items: BTreeMap<String, TermItem>,
    lists: Lists,
}

impl DesiredRecord {
    pub(super) fn of(entry: &Entry, lists: Lists) -> Self {
        let record = IndexRecord::Image(Image {
            row: entry.row.clone(),
            version: entry.version.clone(),
        });
        if lists == Lists::PerOwner && entry.row.key.owner().is_none() {
            return Self {
                record,
                term_items: BTreeMap::new(),
                lists,
            };
        }
        let mut term_items: BTreeMap<String, TermItem> = entry
            .terms
            .iter()
            .map(|(term, confidence)| {
                let is_counted = term.kind.is_counted();
                let aliases =
                    (entry.aliases.get(&term.folded())).filter(|_| term.kind == TermKind::Label);
                let item = TermItem {
                    confidence: is_counted.then_some(*confidence),
                    name: is_counted.then(|| term.name.clone()),
                    aliases: aliases.cloned().unwrap_or_default(),
                };
                (term_sk(term), item)
            })
            .collect();
        for sk in [status_sk(entry.row.status), TAKEN.to_owned()] {
            let item = TermItem {
                confidence: None,
                name: None,
                aliases: BTreeSet::new(),
            };
            term_items.insert(sk, item);
        }
        Self {
            record,
            term_items,
            lists,
        }
    }

    /// A removal record without term items.
    pub(super) fn removed(removal: Removal, lists: Lists) -> Self {
        Self {
            record: IndexRecord::Removed(removal),
            term_items: BTreeMap::new(),
            lists,
        }
    }

    pub(super) fn terms(&self) -> Terms {
        let position = |sk: &str| match &self.record {
            IndexRecord::Image(image) => {
                let position = Position::of(&image.row, order_of(sk), None);
                format!("{} {}", position.at_ms, image.row.status.name())
            }
            IndexRecord::Removed(_) => String::new(),
        };
        let end = match self.lists {
            Lists::All => "",
            Lists::PerOwner => OWNED,
        };
        self.term_items
            .iter()
            .map(|(sk, item)| {
                let mut fingerprint = position(sk);
                if let Some(confidence) = item.confidence {
                    fingerprint.push_str(&format!(" {confidence}"));
                }
                if !item.aliases.is_empty() {
                    let text = format!("{:?}", item.aliases);
                    let hash = Uuid::new_v5(&Uuid::NAMESPACE_URL, text.as_bytes());
                    fingerprint.push_str(&format!(" {:08x}", hash.as_fields().0));
                }
                (sk.clone(), fingerprint + end)
            })
            .collect()
    }
}

/// The order of the list with this sort key.
fn order_of(sk: &str) -> Sort {
    if sk == TAKEN {
        Sort::Taken
    } else {
        Sort::Newest
    }
}

/// Builds the image item or removal record.
pub(super) fn image_item(
    key: &SourceKey,
    record: &IndexRecord,
    terms: &Terms,
    rev: &str,
    lists: Lists,
) -> Result<Item, ServiceError> {
    let mut item = Item::from([
        ("pk".to_owned(), s(image_pk(key))),
        ("sk".to_owned(), s(IMAGE)),
        ("rev".to_owned(), s(rev)),
    ]);
    if !terms.is_empty() {
        let terms = terms
            .iter()
            .map(|(sk, fingerprint)| (sk.clone(), s(fingerprint)));
        item.insert("terms".to_owned(), AttributeValue::M(terms.collect()));
    }
    match record {
        IndexRecord::Image(image) => {
            item.insert("row".to_owned(), s(json(&image.row)?));
            item.insert("version".to_owned(), s(json(&image.version)?));
            add_index_keys(&mut item, IMAGE, image, lists);
        }
        IndexRecord::Removed(removal) => {
            item.insert("removal".to_owned(), s(json(removal)?));
            // An item that still lists term items must not expire: the list would be lost.
            if terms.is_empty() {
                let expires = removal.at + REMOVAL_RETENTION;
                item.insert("expires".to_owned(), n(expires.unix_timestamp()));
            }
        }
    }
    Ok(item)
}

/// Builds a term item.
pub(super) fn term_item(sk: &str, term: &TermItem, image: &Image, lists: Lists) -> Item {
    let mut item = Item::from([
        ("pk".to_owned(), s(image_pk(&image.row.key))),
        ("sk".to_owned(), s(sk)),
    ]);
    if let Some(confidence) = term.confidence {
        item.insert("confidence".to_owned(), n(confidence));
    }
    add_index_keys(&mut item, sk, image, lists);
    item
}

/// Adds the keys of the secondary indexes.
fn add_index_keys(item: &mut Item, term: &str, image: &Image, lists: Lists) {
    let key = &image.row.key;
    if lists == Lists::All {
        item.insert("term".to_owned(), s(term));
    } else if key.owner().is_none() {
        return;
    }
    if let Some(owner) = key.owner() {
        item.insert("ownerTerm".to_owned(), s(format!("{owner}/{term}")));
    }
    let position = Position::of(&image.row, order_of(term), None);
    item.insert("position".to_owned(), s(position_sk(&position)));
    item.insert("status".to_owned(), s(image.row.status.name()));
}

impl StoredRecord {
    /// Reads an image item or removal record.
    pub(super) fn read(item: &Item) -> Result<Self, ServiceError> {
        let record = match text(item, "removal") {
            Some(removal) => IndexRecord::Removed(from_json(removal)?),
            None => IndexRecord::Image(Image {
                row: from_json(text(item, "row").unwrap_or_default())?,
                version: from_json(text(item, "version").unwrap_or_default())?,
            }),
        };
        Ok(Self {
            record,
            terms: terms(item),
            rev: text(item, "rev").unwrap_or_default().to_owned(),
        })
    }
}

/// The list of term items in an image item.
pub(super) fn terms(item: &Item) -> Terms {
    item.get("terms")
        .and_then(|terms| terms.as_m().ok())
        .into_iter()
        .flatten()
        .filter_map(|(sk, fingerprint)| Some((sk.clone(), fingerprint.as_s().ok()?.clone())))
        .collect()
}

fn json(value: &impl serde::Serialize) -> Result<String, ServiceError> {
    serde_json::to_string(value).map_err(|error| unreadable("write", &error))
}

pub(super) fn from_json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, ServiceError> {
    serde_json::from_str(text).map_err(|error| unreadable("read", &error))
}

fn unreadable(operation: &'static str, error: &serde_json::Error) -> ServiceError {
    ServiceError::new(
        Service::Index,
        operation,
        "Item",
        format!("an item is malformed: {error}"),
        Fate::Final,
    )
}
