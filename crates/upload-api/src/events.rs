//! The events that `GET /events` streams: results that are ready or failed, and deleted images.
//!
//! One [`Events`] keeps the newest events in memory, each with a number. A subscriber remembers the number it has reached
//! and holds no events of its own. So slow readers cost no memory, and a client that reconnects continues where it stopped.
//! A subscriber that is too far behind gets [`Batch::Missed`] instead of the lost events.

use std::{collections::VecDeque, sync::Arc};

use sightline_pipeline::{
    ServiceError, SourceKey,
    document::Status,
    index::{
        Deletion, Entry, ImageIndex, Labels, Page, Position, Put, Query, Rows, TermKind, Vocabulary,
    },
};
use time::{Date, OffsetDateTime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

/// How many events are kept.
const KEPT: usize = 1024;
/// How many streams may be open at once.
const MAX_STREAMS: usize = 64;

/// Something that happened to an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    /// The image's key.
    pub(crate) key: SourceKey,
    /// How far the analyses got; `None` if the image was deleted.
    pub(crate) status: Option<Status>,
    /// When the result was written, or when the image was deleted.
    pub(crate) at: OffsetDateTime,
}

impl Event {
    /// The name of the event on the wire.
    pub(crate) const fn name(&self) -> &'static str {
        match self.status {
            Some(Status::Succeeded | Status::Partial) => "result-ready",
            Some(Status::Failed) => "result-failed",
            None => "deleted",
        }
    }
}

/// The newest events, and whether more can follow.
#[derive(Debug)]
struct Log {
    /// The number of the oldest kept event. The first one has 1.
    first: u64,
    kept: VecDeque<Arc<Event>>,
    closed: bool,
}

impl Default for Log {
    fn default() -> Self {
        Self {
            first: 1,
            kept: VecDeque::new(),
            closed: false,
        }
    }
}

impl Log {
    /// The number of the next event.
    fn end(&self) -> u64 {
        self.first + self.kept.len() as u64
    }

    fn push(&mut self, event: Event) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
            self.first += 1;
        }
        self.kept.push_back(Arc::new(event));
    }
}

/// The events of a service. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Events {
    /// Distinguishes the numbers of this run of the program from those of an earlier one.
    run: Arc<str>,
    log: watch::Sender<Log>,
    places: Arc<Semaphore>,
}

impl Default for Events {
    fn default() -> Self {
        let started = OffsetDateTime::now_utc().unix_timestamp_nanos();
        Self {
            run: format!("{started:x}").into(),
            log: watch::Sender::new(Log::default()),
            places: Arc::new(Semaphore::new(MAX_STREAMS)),
        }
    }
}

impl Events {
    /// Ends all streams, and every later one at once.
    pub fn close(&self) {
        self.log.send_modify(|log| log.closed = true);
    }

    /// Announces an event to all subscribers.
    pub(crate) fn publish(&self, event: Event) {
        self.log.send_modify(|log| log.push(event));
    }

    /// Subscribes to the events after the one with this id, or to those from now on. `None` if too many streams are open.
    pub(crate) fn subscribe(&self, last_id: Option<&str>) -> Option<Subscription> {
        let place = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let log = self.log.subscribe();
        let end = log.borrow().end();
        let position = match last_id {
            None => Some(end),
            // An id of another run is from before a restart.
            Some(id) => self
                .number(id)
                .and_then(|last| last.checked_add(1))
                .filter(|next| *next <= end),
        };
        Some(Subscription {
            run: Arc::clone(&self.run),
            log,
            position,
            _place: place,
        })
    }

    fn number(&self, id: &str) -> Option<u64> {
        let (run, number) = id.trim().rsplit_once('-')?;
        if *run == *self.run {
            number.parse().ok()
        } else {
            None
        }
    }
}

/// What a subscriber gets next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Batch {
    /// These events with their ids, oldest first.
    Events(Vec<(String, Arc<Event>)>),
    /// Events were lost. The next ones follow the one with this id.
    Missed(String),
}

/// A place in the events.
#[derive(Debug)]
pub(crate) struct Subscription {
    run: Arc<str>,
    log: watch::Receiver<Log>,
    /// The number of the next event; `None` if events were lost.
    position: Option<u64>,
    _place: OwnedSemaphorePermit,
}

impl Subscription {
    /// Waits for the next events. `None` if there will be no more. Nothing is lost if the future is dropped.
    pub(crate) async fn next(&mut self) -> Option<Batch> {
        loop {
            {
                let id = |number: u64| format!("{}-{number}", self.run);
                let log = self.log.borrow_and_update();
                let kept_from = self
                    .position
                    .and_then(|position| position.checked_sub(log.first))
                    .and_then(|from| usize::try_from(from).ok());
                let (first, end) = (log.first, log.end());
                self.position = Some(end);
                let Some(from) = kept_from else {
                    return Some(Batch::Missed(id(end - 1)));
                };
                let events: Vec<_> = log
                    .kept
                    .iter()
                    .enumerate()
                    .skip(from)
                    .map(|(at, event)| (id(first + at as u64), Arc::clone(event)))
                    .collect();
                if !events.is_empty() {
                    return Some(Batch::Events(events));
                }
                if log.closed {
                    return None;
                }
            }
            self.log.changed().await.ok()?;
        }
    }
}

/// An index whose changes are announced. An event follows its change, so whoever gets the event finds it in the lists.
#[derive(Debug, Clone)]
pub struct AnnouncedIndex<I> {
    index: I,
    events: Events,
}

impl<I> AnnouncedIndex<I> {
    /// Announces the changes of this index.
    pub const fn new(index: I, events: Events) -> Self {
        Self { index, events }
    }

    fn announce_deletion(&self, key: &SourceKey) {
        self.events.publish(Event {
            key: key.clone(),
            status: None,
            at: OffsetDateTime::now_utc(),
        });
    }
}

impl<I: ImageIndex> ImageIndex for AnnouncedIndex<I> {
    async fn put(&self, entry: &Entry) -> Result<Put, ServiceError> {
        let put = self.index.put(entry).await?;
        if put == Put::Written {
            self.events.publish(Event {
                key: entry.row.key.clone(),
                status: Some(entry.row.status),
                at: entry.row.processed_at,
            });
        }
        Ok(put)
    }

    async fn remove(&self, key: &SourceKey, deletion: &Deletion) -> Result<(), ServiceError> {
        self.index.remove(key, deletion).await?;
        // A deletion begins with an incomplete removal, and its image is still there then.
        if deletion.complete {
            self.announce_deletion(key);
        }
        Ok(())
    }

    async fn prune(&self, key: &SourceKey, until: OffsetDateTime) -> Result<bool, ServiceError> {
        let pruned = self.index.prune(key, until).await?;
        if pruned {
            self.announce_deletion(key);
        }
        Ok(pruned)
    }

    async fn rows(&self, after: Option<&str>) -> Result<Rows, ServiceError> {
        self.index.rows(after).await
    }

    async fn count_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
        limit: u64,
    ) -> Result<bool, ServiceError> {
        self.index.count_analyses(owner, day, analyses, limit).await
    }

    async fn uncount_analyses(
        &self,
        owner: &str,
        day: Date,
        analyses: u64,
    ) -> Result<(), ServiceError> {
        self.index.uncount_analyses(owner, day, analyses).await
    }

    async fn forget(&self, owner: &str) -> Result<(), ServiceError> {
        self.index.forget(owner).await
    }

    async fn page(
        &self,
        query: &Query,
        after: Option<&Position>,
        limit: usize,
    ) -> Result<Page, ServiceError> {
        self.index.page(query, after, limit).await
    }

    async fn words(
        &self,
        owner: Option<&str>,
        kind: TermKind,
        first: char,
    ) -> Result<Vec<String>, ServiceError> {
        self.index.words(owner, kind, first).await
    }

    async fn labels(&self, owner: Option<&str>) -> Result<Labels, ServiceError> {
        self.index.labels(owner).await
    }

    async fn vocabulary(&self, owner: Option<&str>) -> Result<Vocabulary, ServiceError> {
        self.index.vocabulary(owner).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn event(number: usize) -> Event {
        Event {
            key: SourceKey::new(format!("uploads/{number}.jpg")).unwrap(),
            status: Some(Status::Succeeded),
            at: OffsetDateTime::UNIX_EPOCH,
        }
    }

    async fn keys(subscription: &mut Subscription) -> Vec<String> {
        match subscription.next().await {
            Some(Batch::Events(events)) => events
                .iter()
                .map(|(_, event)| event.key.to_string())
                .collect(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_subscriber_gets_what_happens_from_now_on_and_continues_after_an_id() {
        let events = Events::default();
        events.publish(event(0));
        let mut subscription = events.subscribe(None).unwrap();
        let waiting = tokio::time::timeout(Duration::from_millis(20), subscription.next());
        assert!(waiting.await.is_err());
        events.publish(event(1));
        events.publish(event(2));
        let Some(Batch::Events(batch)) = subscription.next().await else {
            panic!("no events");
        };
        assert_eq!(batch.len(), 2);
        let mut again = events.subscribe(Some(&batch[0].0)).unwrap();
        assert_eq!(keys(&mut again).await, ["uploads/2.jpg"]);
        events.close();
        assert_eq!(again.next().await, None);
        assert_eq!(subscription.next().await, None);
        assert_eq!(events.subscribe(None).unwrap().next().await, None);
    }

    #[tokio::test]
    async fn what_is_kept_is_bounded_and_a_slow_subscriber_learns_what_it_lost() {
        let events = Events::default();
        let mut slow = events.subscribe(None).unwrap();
        for number in 0..=KEPT {
            events.publish(event(number));
        }
        assert_eq!(events.log.borrow().kept.len(), KEPT);
        let Some(Batch::Missed(id)) = slow.next().await else {
            panic!("nothing was lost");
        };
        events.publish(event(7));
        assert_eq!(keys(&mut slow).await, ["uploads/7.jpg"]);
        let mut again = events.subscribe(Some(&id)).unwrap();
        assert_eq!(keys(&mut again).await, ["uploads/7.jpg"]);
    }

    #[tokio::test]
    async fn ids_of_another_run_and_invalid_ids_count_as_lost() {
        let events = Events::default();
        events.publish(event(0));
        let future = format!("{}-2", events.run);
        let last = format!("{}-{}", events.run, u64::MAX);
        for id in ["1-0", "", "-", "x", &future, &last] {
            let mut subscription = events.subscribe(Some(id)).unwrap();
            assert!(
                matches!(subscription.next().await, Some(Batch::Missed(_))),
                "{id}"
            );
        }
    }

    #[tokio::test]
    async fn the_number_of_streams_is_limited_and_a_closed_stream_makes_room() {
        let events = Events::default();
        let mut open: Vec<_> = (0..MAX_STREAMS)
            .map(|_| events.subscribe(None).unwrap())
            .collect();
        assert!(events.subscribe(None).is_none());
        open.pop();
        assert!(events.subscribe(None).is_some());
    }
}
