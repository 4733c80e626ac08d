//! An index in memory, and an index whose calls fail.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard},
};

use time::{Date, OffsetDateTime};

use super::{
    faults::{Faults, fail_or_write},
    lock::lock,
};
use crate::{
    SourceKey,
    index::{
        Deletion, Entry, Found, ImageIndex, Labels, Match, NameCount, Page, Position, Put, Query,
        Rows, Sort, Term, TermKind,
        precedence::{Image, IndexRecord, Removal},
    },
    service_error::ServiceError,
};

/// An index in memory. Clones share the images.
#[derive(Debug, Clone, Default)]
pub struct MemoryIndex {
    slots: Arc<Mutex<BTreeMap<SourceKey, Slot>>>,
    /// The counts of analyses, by owner and day.
    analyses: Arc<Mutex<BTreeMap<(String, Date), u64>>>,
}

#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "most slots hold images")]
enum Slot {
    Image(Entry),
    Removed(Removal),
}

impl Slot {
    fn record(&self) -> IndexRecord {
        match self {
            Self::Image(entry) => IndexRecord::Image(Image {
                row: entry.row.clone(),
                version: entry.version.clone(),
            }),
            Self::Removed(removal) => IndexRecord::Removed(removal.clone()),
        }
    }
}

impl MemoryIndex {
    /// An index without images.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// All images, by key.
    #[must_use]
    pub fn entries(&self) -> Vec<Entry> {
        self.lock()
            .values()
            .filter_map(|slot| match slot {
                Slot::Image(entry) => Some(entry.clone()),
                Slot::Removed(_) => None,
            })
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SourceKey, Slot>> {
        lock(&self.slots)
    }

    /// The analyses of an owner that are counted on any day.
    #[must_use]
    pub fn counted_analyses(&self, owner: &str) -> u64 {
        let counts = lock(&self.analyses);
        let of_owner = counts.iter().filter(|((counted, _), _)| counted == owner);
        of_owner.map(|(_, analyses)| analyses).sum()
    }
}

impl ImageIndex for MemoryIndex {
    async fn put(&self, entry: &Entry) -> Result<Put, ServiceError> {
        let mut slots = self.lock();
        let stored = Entry {
            stored_after: None,
            ..entry.clone()
        };
        if let Some(slot) = slots.get(&entry.row.key) {
            if let Some(put) = slot.record().rejects(entry) {
                return Ok(put);
            }
            if matches!(slot, Slot::Image(record) if *record == stored) {
                return Ok(Put::Unchanged);
            }
        }
        slots.insert(entry.row.key.clone(), Slot::Image(stored));
        Ok(Put::Written)
    }

    async fn remove(&self, key: &SourceKey, deletion: &Deletion) -> Result<(), ServiceError> {
        let mut slots = self.lock();
        let removal = Removal::of(slots.get(key).map(Slot::record), deletion);
        slots.insert(key.clone(), Slot::Removed(removal));
        Ok(())
    }

    async fn prune(&self, key: &SourceKey, until: OffsetDateTime) -> Result<bool, ServiceError> {
        let mut slots = self.lock();
        let is_current = matches!(
            slots.get(key),
            Some(Slot::Image(entry)) if entry.row.processed_at <= until
        );
        if is_current {
            slots.remove(key);
        }
        Ok(is_current)
    }

    /// A few at a time, so that tests see more than one part.
    async fn rows(&self, after: Option<&str>) -> Result<Rows, ServiceError> {
        const PART: usize = 10;
        let mut rows: Vec<_> = (self.entries().into_iter())
            .map(|entry| (entry.row.key, entry.row.processed_at))
            .filter(|(key, _)| after.is_none_or(|after| key.as_str() > after))
            .collect();
        let more = rows.len() > PART;
        rows.truncate(PART);
        let next = (rows.last().filter(|_| more)).map(|(key, _)| key.as_str().to_owned());
        Ok(Rows { rows, next })
    }

    async fn count_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
        limit: u64,
    ) -> Result<bool, ServiceError> {
        let mut counts = lock(&self.analyses);
        let count = counts.entry((owner.to_owned(), day)).or_default();
        let fits = *count + analyses <= limit;
        if fits {
            *count += analyses;
        }
        Ok(fits)
    }

    async fn uncount_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
    ) -> Result<(), ServiceError> {
        if let Some(count) = lock(&self.analyses).get_mut(&(owner.to_owned(), day)) {
            *count = count.saturating_sub(analyses);
        }
        Ok(())
    }

    async fn forget(&self, owner: &str) -> Result<(), ServiceError> {
        lock(&self.analyses).retain(|(counted, _), _| counted != owner);
        Ok(())
    }

    async fn page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page, ServiceError> {
        let order = query.order();
        let mut found: Vec<Found> = self
            .entries()
            .into_iter()
            .filter_map(|entry| {
                let confidence_of = |wanted: &Term| {
                    let folded = wanted.folded();
                    entry.terms.iter().find_map(|(term, confidence)| {
                        (term.kind == wanted.kind && term.folded() == folded).then_some(*confidence)
                    })
                };
                let Match { confidence } = query.matches(&entry.row, confidence_of)?;
                let position = Position::of(&entry.row, order, confidence);
                let is_after = after.is_none_or(|after| match order {
                    Sort::Oldest => position > *after,
                    Sort::Newest | Sort::Confidence | Sort::Taken => position < *after,
                });
                is_after.then_some(Found {
                    row: entry.row,
                    confidence,
                    position,
                })
            })
            .collect();
        found.sort_by(|one, other| one.position.cmp(&other.position));
        if order != Sort::Oldest {
            found.reverse();
        }
        let more = found.len() > limit;
        found.truncate(limit);
        Ok(Page {
            next: found
                .last()
                .filter(|_| more)
                .map(|last| last.position.clone()),
            images: found,
        })
    }

    async fn words(
        &self,
        owner: Option<&str>,
        kind: TermKind,
        first: char,
    ) -> Result<Vec<String>, ServiceError> {
        let mut words: BTreeMap<String, String> = BTreeMap::new();
        for entry in self.entries() {
            if owner.is_none_or(|owner| entry.row.key.owner() == Some(owner)) {
                let terms = entry.terms.into_iter().map(|(term, _)| term);
                for term in terms.filter(|term| term.kind == kind) {
                    words.insert(term.folded(), term.name);
                }
            }
        }
        words.retain(|folded, _| folded.starts_with(first));
        Ok(words.into_values().collect())
    }

    async fn labels(&self, owner: Option<&str>) -> Result<Labels, ServiceError> {
        let mut counts: BTreeMap<(TermKind, String), NameCount> = BTreeMap::new();
        let mut images = 0;
        for entry in self.entries() {
            if owner.is_none_or(|owner| entry.row.key.owner() == Some(owner)) {
                images += 1;
                let counted = entry.terms.into_iter().map(|(term, _)| term);
                for term in counted.filter(|term| term.kind.is_counted()) {
                    let folded = term.folded();
                    let aliases = (entry.aliases.get(&folded))
                        .filter(|_| term.kind == TermKind::Label)
                        .cloned()
                        .unwrap_or_default();
                    let count = counts.entry((term.kind, folded)).or_insert(NameCount {
                        name: term.name,
                        images: 0,
                        aliases: BTreeSet::new(),
                    });
                    count.images += 1;
                    count.aliases.extend(aliases);
                }
            }
        }
        Ok(Labels::from_counts(
            images,
            counts.into_iter().map(|((kind, _), count)| (kind, count)),
        ))
    }
}

/// An index with planned failures.
#[derive(Debug, Clone)]
pub struct FailingIndex<I> {
    inner: I,
    faults: Faults<ServiceError>,
    lost_reply: bool,
}

impl<I> FailingIndex<I> {
    /// Calls fail as `faults` plans; the others reach `inner`.
    pub const fn new(inner: I, faults: Faults<ServiceError>) -> Self {
        Self {
            inner,
            faults,
            lost_reply: false,
        }
    }

    /// Writes that fail are done, but their replies are lost, as when a connection breaks.
    #[must_use]
    pub const fn lost_replies(mut self) -> Self {
        self.lost_reply = true;
        self
    }

    async fn write<T>(
        &self,
        write: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, ServiceError> {
        fail_or_write(self.faults.next_failure(), self.lost_reply, write).await
    }

    fn check(&self) -> Result<(), ServiceError> {
        self.faults.next_failure().map_or(Ok(()), Err)
    }
}

impl<I: ImageIndex> ImageIndex for FailingIndex<I> {
    async fn put(&self, entry: &Entry) -> Result<Put, ServiceError> {
        self.write(self.inner.put(entry)).await
    }

    async fn remove(&self, key: &SourceKey, deletion: &Deletion) -> Result<(), ServiceError> {
        self.write(self.inner.remove(key, deletion)).await
    }

    async fn prune(&self, key: &SourceKey, until: OffsetDateTime) -> Result<bool, ServiceError> {
        self.write(self.inner.prune(key, until)).await
    }

    async fn rows(&self, after: Option<&str>) -> Result<Rows, ServiceError> {
        self.check()?;
        self.inner.rows(after).await
    }

    async fn count_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
        limit: u64,
    ) -> Result<bool, ServiceError> {
        self.write(self.inner.count_analyses(owner, day, analyses, limit))
            .await
    }

    async fn uncount_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
    ) -> Result<(), ServiceError> {
        self.write(self.inner.uncount_analyses(owner, day, analyses))
            .await
    }

    async fn forget(&self, owner: &str) -> Result<(), ServiceError> {
        self.write(self.inner.forget(owner)).await
    }

    async fn page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page, ServiceError> {
        self.check()?;
        self.inner.page(query, after, limit).await
    }

    async fn words(
        &self,
        owner: Option<&str>,
        kind: TermKind,
        first: char,
    ) -> Result<Vec<String>, ServiceError> {
        self.check()?;
        self.inner.words(owner, kind, first).await
    }

    async fn labels(&self, owner: Option<&str>) -> Result<Labels, ServiceError> {
        self.check()?;
        self.inner.labels(owner).await
    }
}
