//! A table with the limits of DynamoDB.
//!
//! Sources: Amazon DynamoDB Developer Guide, "Amazon DynamoDB Transactions: How it works" (conflicts, capacity), "DynamoDB item
//! sizes and formats", "DynamoDB on-demand capacity mode" (4,000 write units a second at the start), "Best practices for designing
//! and using partition keys effectively" (1,000 write units a second in a partition), "Using Global Secondary Indexes in
//! DynamoDB" (write units of indexes, and throttling of the table by them).

use std::{
    collections::{BTreeMap, HashMap, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
    time::Duration,
};

use serde_json::{Map, Value, json};

/// The write units of a partition in a second.
const PARTITION: f64 = 1_000.0;
/// How far an index may lag behind before it throttles writes to its table: a second of one of its partitions. AWS states no
/// number.
const INDEX_LAG: f64 = 1_000.0;

pub(super) type Item = Map<String, Value>;

/// Partition key and sort key.
pub(super) type Key = (String, String);

/// The change of one item in a transaction.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) key: Key,
    pub(super) after: Option<Item>,
    pub(super) condition_holds: bool,
}

/// Why an item cancels its transaction, as in `CancellationReasons`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    None,
    Conflict,
    Throttled,
    ConditionFailed,
}

/// What happened to a table.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) transactions: u64,
    pub(super) conflicts: u64,
    pub(super) throttled: u64,
    pub(super) conditions_failed: u64,
    /// Write units of the table and of its indexes, those of cancelled transactions included.
    pub(super) table_units: f64,
    pub(super) index_units: f64,
}

#[derive(Debug)]
pub(super) struct Table {
    pub(super) items: HashMap<Key, Item>,
    pub(super) figures: Figures,
    /// Items of transactions that are not finished.
    in_transaction: HashMap<Key, u64>,
    /// The keys of the items in the lists of the indexes, by attribute and value, in order of position.
    lists: HashMap<(&'static str, String), BTreeMap<String, Key>>,
    partitions: Vec<Partition>,
    indexes: Vec<(&'static str, Vec<Partition>)>,
}

impl Table {
    /// A table that takes this many write units a second, and as many in each index. A new table on demand takes 4,000.
    pub(super) fn new(write_units: u32) -> Self {
        let partitions = || vec![Partition::default(); (write_units as usize).div_ceil(1_000)];
        Self {
            items: HashMap::new(),
            figures: Figures::default(),
            in_transaction: HashMap::new(),
            lists: HashMap::new(),
            partitions: partitions(),
            indexes: vec![("term", partitions()), ("ownerTerm", partitions())],
        }
    }

    /// Begins a transaction, or returns a reason for each item if it is cancelled.
    pub(super) fn begin(&mut self, changes: &[Change], now: Duration) -> Result<(), Vec<Reason>> {
        self.figures.transactions += 1;
        // Two writes for each item: to prepare and to commit.
        let units: Vec<f64> = (changes.iter())
            .map(|change| 2.0 * self.write_units(change))
            .collect();
        let throttled = self.throttled(changes, &units, now);
        if throttled.contains(&Reason::Throttled) {
            self.figures.throttled += 1;
            return Err(throttled);
        }
        let reasons: Vec<Reason> = (changes.iter())
            .map(
                |change| match self.in_transaction.contains_key(&change.key) {
                    true => Reason::Conflict,
                    false if !change.condition_holds => Reason::ConditionFailed,
                    false => Reason::None,
                },
            )
            .collect();
        let is_cancelled = reasons.iter().any(|reason| *reason != Reason::None);
        for (change, units) in changes.iter().zip(units) {
            // A cancelled transaction was prepared.
            let units = if is_cancelled { units / 2.0 } else { units };
            self.figures.table_units += units;
            partition(&mut self.partitions, &change.key.0).take(units, now);
        }
        if is_cancelled {
            if reasons.contains(&Reason::Conflict) {
                self.figures.conflicts += 1;
            } else {
                self.figures.conditions_failed += 1;
            }
            return Err(reasons);
        }
        for change in changes {
            *self.in_transaction.entry(change.key.clone()).or_default() += 1;
            for (index, key, units) in self.index_writes(change) {
                self.figures.index_units += units;
                let (_, partitions) = &mut self.indexes[index];
                partition(partitions, &key).take(units, now);
            }
        }
        Ok(())
    }

    pub(super) fn commit(&mut self, changes: Vec<Change>) {
        for Change { key, after, .. } in changes {
            self.in_transaction.remove(&key);
            let before = match after {
                Some(item) => self.items.insert(key.clone(), item),
                None => self.items.remove(&key),
            };
            for attribute in ["term", "ownerTerm"] {
                let entry = |item: &Item| {
                    let text = |name| Some(item.get(name)?["S"].as_str().unwrap().to_owned());
                    Some(((attribute, text(attribute)?), text("position")?))
                };
                if let Some((list, position)) = before.as_ref().and_then(entry) {
                    self.lists.entry(list).or_default().remove(&position);
                }
                if let Some((list, position)) = self.items.get(&key).and_then(entry) {
                    let entries = self.lists.entry(list).or_default();
                    entries.insert(position, key.clone());
                }
            }
        }
    }

    /// Takes everything from the items that older versions did not write.
    pub(super) fn make_older(&mut self) {
        let is_new = |sk: &str| {
            let prefixes = ["taken", "text#", "filename#", "color#"];
            prefixes.iter().any(|prefix| sk.starts_with(prefix))
        };
        let keys: Vec<Key> = self.items.keys().cloned().collect();
        for key in keys {
            let mut after = self.items.get(&key).cloned().filter(|_| !is_new(&key.1));
            if let Some(item) = &mut after {
                item.remove("aliases");
                if let Some(terms) = item.get_mut("terms") {
                    let terms = terms["M"].as_object_mut().unwrap();
                    terms.retain(|sk, _| !is_new(sk));
                    // Time, status and confidence, and in the end the lists.
                    for fingerprint in terms.values_mut() {
                        let text = fingerprint["S"].as_str().unwrap();
                        let parts: Vec<_> = text.split(' ').collect();
                        let own = if text.ends_with(" own") { " own" } else { "" };
                        let kept: Vec<_> = (parts.into_iter().take(3))
                            .filter(|part| *part != "own")
                            .collect();
                        *fingerprint = json!({"S": kept.join(" ") + own});
                    }
                }
            }
            self.commit(vec![Change {
                key,
                after,
                condition_holds: true,
            }]);
        }
    }

    /// The items of a list of an index in order of position.
    pub(super) fn list(&self, attribute: &str, value: &str) -> Vec<&Item> {
        let attribute = match attribute {
            "term" => "term",
            "ownerTerm" => "ownerTerm",
            other => panic!("there is no index {other}"),
        };
        let keys = self.lists.get(&(attribute, value.to_owned()));
        let keys = keys.into_iter().flat_map(BTreeMap::values);
        keys.map(|key| &self.items[key]).collect()
    }

    /// Writes an item without a transaction. Write units of indexes are not counted.
    pub(super) fn write(&mut self, key: Key, item: Item) {
        let change = Change {
            key,
            after: Some(item),
            condition_holds: true,
        };
        self.figures.table_units += self.write_units(&change);
        self.commit(vec![change]);
    }

    fn throttled(&mut self, changes: &[Change], units: &[f64], now: Duration) -> Vec<Reason> {
        let mut wanted: HashMap<&str, f64> = HashMap::new();
        for (change, units) in changes.iter().zip(units) {
            *wanted.entry(&change.key.0).or_default() += units;
        }
        (changes.iter())
            .map(|change| {
                let (pk, _) = &change.key;
                let is_free = partition(&mut self.partitions, pk).has(wanted[pk.as_str()], now);
                let lags = (self.index_writes(change).into_iter()).any(|(index, key, _)| {
                    let (_, partitions) = &mut self.indexes[index];
                    !partition(partitions, &key).has(-INDEX_LAG, now)
                });
                if is_free && !lags {
                    Reason::None
                } else {
                    Reason::Throttled
                }
            })
            .collect()
    }

    /// One unit for each begun KB of the larger of both items.
    fn write_units(&self, change: &Change) -> f64 {
        let before = self.items.get(&change.key).map_or(0, size);
        let after = change.after.as_ref().map_or(0, size);
        units(before.max(after))
    }

    /// The writes to indexes: index, partition key and units.
    fn index_writes(&self, change: &Change) -> Vec<(usize, String, f64)> {
        let before = self.items.get(&change.key);
        let mut writes = Vec::new();
        for (index, (attribute, _)) in self.indexes.iter().enumerate() {
            let entry = |item: &Item| projection(item, attribute);
            let (before, after) = (
                before.and_then(entry),
                change.after.as_ref().and_then(entry),
            );
            if before == after {
                continue;
            }
            let key = |entry: &Item| {
                let text = |name| entry[name]["S"].as_str().unwrap().to_owned();
                (text(*attribute), text("position"))
            };
            // Another key is a deletion and an addition.
            let same_key = before.as_ref().map(key) == after.as_ref().map(key);
            for entry in before.filter(|_| !same_key).iter().chain(&after) {
                writes.push((index, key(entry).0, units(size(entry))));
            }
        }
        writes
    }
}

/// An item's entry in the index of this attribute.
fn projection(item: &Item, attribute: &str) -> Option<Item> {
    item.get(attribute)?;
    item.get("position")?;
    let projected = ["pk", "sk", attribute, "position", "confidence", "status"];
    Some(
        (item.iter())
            .filter(|(name, _)| projected.contains(&name.as_str()))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}

/// The size of an item's entries in all indexes, in bytes.
pub(super) fn entry_size(item: &Item) -> usize {
    (["term", "ownerTerm"].iter())
        .filter_map(|attribute| projection(item, attribute))
        .map(|entry| size(&entry))
        .sum()
}

fn units(size: usize) -> f64 {
    size.div_ceil(1024).max(1) as f64
}

/// The size of an item in bytes.
pub(super) fn size(item: &Item) -> usize {
    item.iter()
        .map(|(name, value)| name.len() + value_size(value))
        .sum()
}

fn value_size(value: &Value) -> usize {
    let (kind, value) = value.as_object().unwrap().iter().next().unwrap();
    match kind.as_str() {
        "S" => value.as_str().unwrap().len(),
        "N" => value.as_str().unwrap().len().div_ceil(2) + 1,
        "SS" => value
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it.as_str().unwrap().len())
            .sum(),
        "M" => 3 + value.as_object().unwrap().len() + size(value.as_object().unwrap()),
        other => panic!("an attribute of type {other}"),
    }
}

/// A partition's unused write units.
#[derive(Debug, Clone)]
struct Partition {
    unused: f64,
    at: Duration,
}

impl Default for Partition {
    fn default() -> Self {
        Self {
            unused: PARTITION,
            at: Duration::ZERO,
        }
    }
}

impl Partition {
    fn has(&mut self, units: f64, now: Duration) -> bool {
        let gained = PARTITION * (now - self.at).as_secs_f64();
        self.unused = (self.unused + gained).min(PARTITION);
        self.at = now;
        self.unused >= units
    }

    fn take(&mut self, units: f64, now: Duration) {
        self.has(0.0, now);
        self.unused -= units;
    }
}

/// The partition with this partition key.
fn partition<'a>(partitions: &'a mut [Partition], key: &str) -> &'a mut Partition {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let at = hasher.finish() as usize % partitions.len();
    &mut partitions[at]
}
