//! The index for tests: in memory, and failing as planned.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use time::OffsetDateTime;

use super::{
    Entry, Found, ImageIndex, Labels, NameCount, Page, Position, Put, Query, TermKind,
    rules::{Image, IndexRecord, Removal},
};
use crate::{
    SourceKey,
    service_error::{Fate, Service, ServiceError},
    testing::Faults,
};

/// An index in memory. Clones share the images.
#[derive(Debug, Clone, Default)]
pub struct MemoryIndex(Arc<Mutex<BTreeMap<SourceKey, Slot>>>);

#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "most are images")]
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
    /// Without images.
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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ImageIndex for MemoryIndex {
    async fn put(&self, entry: &Entry) -> Result<Put, ServiceError> {
        let mut slots = self.lock();
        if let Some(slot) = slots.get(&entry.row.key) {
            if let Some(put) = slot.record().refuses(entry) {
                return Ok(put);
            }
            if matches!(slot, Slot::Image(record) if record == entry) {
                return Ok(Put::Unchanged);
            }
        }
        slots.insert(entry.row.key.clone(), Slot::Image(entry.clone()));
        Ok(Put::Written)
    }

    async fn remove(&self, key: &SourceKey, at: OffsetDateTime) -> Result<(), ServiceError> {
        let mut slots = self.lock();
        let removal = slots
            .get(key)
            .map_or(Removal { at, version: None }, |slot| {
                slot.record().removed(at)
            });
        slots.insert(key.clone(), Slot::Removed(removal));
        Ok(())
    }

    async fn prune(
        &self,
        key: &SourceKey,
        processed_at: OffsetDateTime,
    ) -> Result<bool, ServiceError> {
        let mut slots = self.lock();
        let stands = matches!(
            slots.get(key),
            Some(Slot::Image(entry)) if entry.row.processed_at == processed_at
        );
        if stands {
            slots.remove(key);
        }
        Ok(stands)
    }

    async fn page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page, ServiceError> {
        let term = query.term.as_ref().map(|term| (term.kind, term.folded()));
        let mut found: Vec<(Position, Found)> = self
            .entries()
            .into_iter()
            .filter_map(|entry| {
                let confidence = match &term {
                    None => None,
                    Some((kind, name)) => {
                        Some(entry.terms.iter().find_map(|(term, confidence)| {
                            (term.kind == *kind && term.folded() == *name).then_some(*confidence)
                        })?)
                    }
                };
                let position = Position::of(&entry.row);
                let matches = after.is_none_or(|after| position < *after)
                    && query.status.is_none_or(|status| entry.row.status == status)
                    && (query.owner.as_deref())
                        .is_none_or(|owner| position.key.owner() == Some(owner))
                    && (query.min_confidence.zip(confidence))
                        .is_none_or(|(least, confidence)| confidence >= least);
                let row = entry.row;
                matches.then_some((position, Found { row, confidence }))
            })
            .collect();
        found.sort_by(|(one, _), (other, _)| other.cmp(one));
        let more = found.len() > limit;
        found.truncate(limit);
        Ok(Page {
            next: found
                .last()
                .filter(|_| more)
                .map(|(position, _)| position.clone()),
            images: found.into_iter().map(|(_, found)| found).collect(),
        })
    }

    async fn labels(&self, owner: Option<&str>) -> Result<Labels, ServiceError> {
        let mut counts: BTreeMap<(TermKind, String), NameCount> = BTreeMap::new();
        for entry in self.entries() {
            if owner.is_none_or(|owner| entry.row.key.owner() == Some(owner)) {
                for (term, _) in entry.terms {
                    counts
                        .entry((term.kind, term.folded()))
                        .or_insert(NameCount {
                            name: term.name,
                            images: 0,
                        })
                        .images += 1;
                }
            }
        }
        Ok(Labels::from_counts(
            counts.into_iter().map(|((kind, _), count)| (kind, count)),
        ))
    }
}

/// An index whose calls fail as planned.
#[derive(Debug, Clone)]
pub struct FailingIndex<I> {
    inner: I,
    faults: Faults<ServiceError>,
    lost_reply: bool,
}

impl<I> FailingIndex<I> {
    /// Calls that the plan strikes fail, the others reach `inner`.
    pub const fn new(inner: I, faults: Faults<ServiceError>) -> Self {
        Self {
            inner,
            faults,
            lost_reply: false,
        }
    }

    /// Struck writes are done and their replies lost, as when a connection breaks.
    #[must_use]
    pub const fn lost_replies(mut self) -> Self {
        self.lost_reply = true;
        self
    }

    /// The error of a write that is struck.
    async fn strike<T>(
        &self,
        write: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, ServiceError> {
        match self.faults.strike() {
            Some(error) => {
                if self.lost_reply {
                    write.await?;
                }
                Err(error)
            }
            None => write.await,
        }
    }
}

/// An error as a busy table gives it, for [`Faults`].
#[must_use]
pub fn busy() -> ServiceError {
    index_error("ThrottlingException", "rate exceeded", Fate::RETRY)
}

/// An error of the index, for [`Faults`].
#[must_use]
pub fn index_error(code: &str, message: &str, fate: Fate) -> ServiceError {
    ServiceError::new(Service::Index, "TransactWriteItems", code, message, fate)
}

impl<I: ImageIndex> ImageIndex for FailingIndex<I> {
    async fn put(&self, entry: &Entry) -> Result<Put, ServiceError> {
        self.strike(self.inner.put(entry)).await
    }

    async fn remove(&self, key: &SourceKey, at: OffsetDateTime) -> Result<(), ServiceError> {
        self.strike(self.inner.remove(key, at)).await
    }

    async fn prune(
        &self,
        key: &SourceKey,
        processed_at: OffsetDateTime,
    ) -> Result<bool, ServiceError> {
        self.strike(self.inner.prune(key, processed_at)).await
    }

    async fn page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page, ServiceError> {
        self.faults.strike().map_or(Ok(()), Err)?;
        self.inner.page(query, after, limit).await
    }

    async fn labels(&self, owner: Option<&str>) -> Result<Labels, ServiceError> {
        self.faults.strike().map_or(Ok(()), Err)?;
        self.inner.labels(owner).await
    }
}
