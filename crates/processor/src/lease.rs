//! The lease on one image: `claims/<source key>` in the output bucket.
//!
//! The worker that creates the object (`If-None-Match: *`), or replaces an expired one (`If-Match`),
//! processes the image. All others wait or retry later. No worker takes over a lease that has not expired,
//! not even for a newer version of the object. The holder's work ends before the lease expires: the lease is
//! valid until the end of the invocation, plus a margin for clocks that differ. So the holder may delete it
//! without checking its owner, but only once: if the deletion were repeated because its reply was lost, it could
//! delete the lease of the next worker.
//!
//! If a holder dies, its lease expires. A queue redelivers the message after that, because its visibility time-out
//! must be longer than the function's time-out anyway.
//!
//! A worker that has to stop before all answers have arrived parks the lease: it saves its answers in the lease
//! object and marks the lease as expired. The next worker asks, and pays, only for the rest.

use std::{
    collections::HashSet,
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde::{Deserialize, Serialize};
use sightline_pipeline::{
    backoff::endless_pauses,
    object_store::{Condition, ObjectInfo, ObjectStore, Put, PutOutcome},
    recognition::SavedAnswer,
    service_error::{ServiceError, code::DISK_FULL},
    version::{ObjectVersion, Relation},
};
use time::{Duration, OffsetDateTime};
use tokio::time::Instant;

use crate::result_slot::{ResultSlot, read_object};

/// The most by which the clocks of two workers may differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::seconds(2);

/// The first pause before another attempt to save answers, after the SDK's own attempts.
const FIRST_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
const LONGEST_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// The lease object's content.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct LeaseRecord {
    #[serde(flatten)]
    version: ObjectVersion,
    owner: String,
    #[serde(with = "time::serde::rfc3339")]
    claimed_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    #[serde(default)]
    answers: Vec<SavedAnswer>,
}

/// The longest time for which a lease is taken: Lambda's longest invocation, 15 minutes, and the margin.
const LONGEST_LEASE: Duration = Duration::seconds(15 * 60 + 2);

impl LeaseRecord {
    /// Whether its holder stopped. For workers of this process, that needs no clock. Otherwise the lease must have
    /// expired, or expire later than any lease taken now could, because the clock was set back since.
    fn is_free(&self, process: &Process, now: OffsetDateTime) -> bool {
        if self.owner.starts_with(&process.name) {
            return !process.holds(&self.owner);
        }
        let left = self.expires_at - now;
        process.is_sole || left <= Duration::ZERO || left > LONGEST_LEASE + CLOCK_SKEW
    }
}

/// The process of the workers.
#[derive(Debug)]
pub(crate) struct Process {
    /// A random name. Every owner of a lease begins with it.
    pub(crate) name: String,
    /// Whether it is the only process with workers. Then all other owners are dead.
    pub(crate) is_sole: bool,
    /// The owners in this process that take or hold a lease.
    owners: Mutex<HashSet<String>>,
}

impl Process {
    pub(crate) fn new(name: String, is_sole: bool) -> Self {
        Self {
            name,
            is_sole,
            owners: Mutex::default(),
        }
    }

    fn owners(&self) -> MutexGuard<'_, HashSet<String>> {
        self.owners.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn holds(&self, owner: &str) -> bool {
        self.owners().contains(owner)
    }
}

/// Marks an owner as alive until it is dropped.
#[derive(Debug)]
struct Alive<'a> {
    process: &'a Process,
    owner: &'a str,
}

impl<'a> Alive<'a> {
    fn new(process: &'a Process, owner: &'a str) -> Self {
        process.owners().insert(owner.to_owned());
        Self { process, owner }
    }
}

impl Drop for Alive<'_> {
    fn drop(&mut self) {
        self.process.owners().remove(self.owner);
    }
}

/// A request for a lease.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LeaseRequest<'a> {
    /// The worker's name, unique for each attempt on an image.
    pub(crate) owner: &'a str,
    /// The process of this worker.
    pub(crate) process: &'a Process,
    /// The current time.
    pub(crate) now: OffsetDateTime,
    /// When the worker stops at the latest.
    pub(crate) until: Instant,
}

/// The outcome of a [`LeaseRequest`].
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "few exist at a time, and briefly"
)]
pub(crate) enum LeaseAttempt<'a, S> {
    /// This worker holds the lease.
    Acquired(Lease<'a, S>),
    /// Another worker holds the lease.
    Held,
    /// A newer version of the object is, or was, in process.
    Superseded,
}

/// A lease that this worker holds.
#[derive(Debug)]
pub(crate) struct Lease<'a, S> {
    slot: &'a ResultSlot<'a, S>,
    key: String,
    /// The ETag of the lease object.
    e_tag: String,
    record: LeaseRecord,
    /// When the lease ends, whatever happens to the clock.
    until: Instant,
    /// See [`Lease::is_first`].
    first: bool,
    _alive: Alive<'a>,
}

impl<'a, S: ObjectStore> Lease<'a, S> {
    /// Acquires the lease on a slot, unless another worker holds it.
    pub(crate) async fn acquire(
        slot: &'a ResultSlot<'a, S>,
        request: LeaseRequest<'a>,
    ) -> Result<LeaseAttempt<'a, S>, ServiceError> {
        let left = request.until.saturating_duration_since(Instant::now());
        let mut lease = Self {
            slot,
            key: slot.key.lease_key(),
            e_tag: String::new(),
            record: LeaseRecord {
                version: slot.version.clone(),
                owner: request.owner.to_owned(),
                claimed_at: request.now,
                expires_at: request.now + left + CLOCK_SKEW,
                answers: Vec::new(),
            },
            until: request.until,
            first: false,
            _alive: Alive::new(request.process, request.owner),
        };
        if lease.write(Condition::IfAbsent).await? {
            lease.first = true;
            return Ok(LeaseAttempt::Acquired(lease));
        }
        let Some((info, bytes)) = lease.stored().await? else {
            // Released a moment ago; the caller tries again.
            return Ok(LeaseAttempt::Held);
        };
        match serde_json::from_slice::<LeaseRecord>(&bytes) {
            // The reply to this worker's write was lost, and the SDK repeated it.
            Ok(stored) if stored.owner == lease.record.owner => {
                lease.e_tag = info.e_tag;
                // The first write may have taken over saved answers.
                lease.record.answers = stored.answers;
                return Ok(LeaseAttempt::Acquired(lease));
            }
            Ok(stored) => {
                let relation = stored.version.relation_to(&slot.version);
                if relation == Relation::Newer {
                    return Ok(LeaseAttempt::Superseded);
                }
                if !stored.is_free(request.process, request.now) {
                    return Ok(LeaseAttempt::Held);
                }
                if relation == Relation::Same {
                    lease.record.answers = stored.answers;
                }
            }
            // No worker writes such an object, so no worker holds it.
            Err(error) => {
                tracing::warn!(key = lease.key, %error, "replacing a lease object that cannot be read");
            }
        }
        Ok(if lease.write(Condition::IfMatch(&info.e_tag)).await? {
            LeaseAttempt::Acquired(lease)
        } else {
            LeaseAttempt::Held
        })
    }

    /// Deletes the lease of a dead worker on this version of a deleted image or an older one.
    pub(crate) async fn discard(
        slot: &'a ResultSlot<'a, S>,
        request: LeaseRequest<'a>,
    ) -> Result<(), ServiceError> {
        let stored = read_object(slot.store, slot.bucket, &slot.key.lease_key()).await?;
        if stored.is_none() {
            return Ok(());
        }
        // Only the holder may delete it: a worker on a new image may be about to take it.
        if let LeaseAttempt::Acquired(lease) = Self::acquire(slot, request).await? {
            lease.release(request.now).await;
        }
        Ok(())
    }

    /// The answers that an earlier worker saved for the same version.
    pub(crate) fn answers(&self) -> &[SavedAnswer] {
        &self.record.answers
    }

    /// Whether there was no lease object. A worker that stops before the result is written leaves its own.
    pub(crate) const fn is_first(&self) -> bool {
        self.first
    }

    /// Deletes the lease. If that fails, the lease expires.
    pub(crate) async fn release(mut self, now: OffsetDateTime) {
        // An expired lease may belong to another worker by now.
        if Instant::now() >= self.until {
            return;
        }
        if (self.slot.store)
            .delete_once(self.slot.bucket, &self.key)
            .await
            .is_ok()
        {
            return;
        }
        // It may still exist. If so, expire it now.
        self.record.expires_at = now;
        let e_tag = std::mem::take(&mut self.e_tag);
        if let Err(error) = self.write(Condition::IfMatch(&e_tag)).await {
            tracing::warn!(key = self.key, %error, "could not release a lease; it will expire");
        }
    }

    /// Ends the lease before the work is done, and saves the answers so far for the next worker. They
    /// were paid for, so this is retried until it succeeds or the caller stops waiting.
    pub(crate) async fn park(mut self, now: OffsetDateTime, answers: Vec<SavedAnswer>) {
        self.record.answers = answers;
        self.record.expires_at = now;
        let e_tag = std::mem::take(&mut self.e_tag);
        for pause in endless_pauses(FIRST_PAUSE, LONGEST_PAUSE) {
            match self.write(Condition::IfMatch(&e_tag)).await {
                Ok(true) => return,
                // The changed object may be this worker's own, if the reply was lost and the SDK repeated the write.
                Ok(false) => {
                    let stored = self.stored().await.ok().flatten();
                    let owner = stored.and_then(|(_, bytes)| {
                        Some(serde_json::from_slice::<LeaseRecord>(&bytes).ok()?.owner)
                    });
                    if owner.as_ref() != Some(&self.record.owner) {
                        tracing::warn!(
                            key = self.key,
                            "another worker took over the lease; the answers are lost and will be requested again"
                        );
                    }
                    return;
                }
                // A full disk can last for hours. The store reports it.
                Err(error) if error.code == DISK_FULL => return,
                Err(error) if !error.is_retryable() => {
                    return tracing::warn!(key = self.key, %error, "could not save answers; they will be requested again");
                }
                Err(_) => {}
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// The stored lease object, of any owner.
    async fn stored(&self) -> Result<Option<(ObjectInfo, Vec<u8>)>, ServiceError> {
        read_object(self.slot.store, self.slot.bucket, &self.key).await
    }

    /// Writes the lease object. Returns whether the condition held.
    async fn write(&mut self, condition: Condition<'_>) -> Result<bool, ServiceError> {
        let body = self.slot.json("the lease", &self.record)?;
        let put = Put {
            bucket: self.slot.bucket,
            key: &self.key,
            body: &body,
            content_type: "application/json",
            metadata: &[],
            condition,
        };
        Ok(match self.slot.store.put(put).await? {
            PutOutcome::Stored(e_tag) => {
                self.e_tag = e_tag;
                true
            }
            PutOutcome::ConditionFailed => false,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use sightline_pipeline::{
        SourceKey,
        testing::{Failing, Faults, MemoryStore, slow_down},
    };

    use super::*;

    const BUCKET: &str = "out-put";

    fn key() -> SourceKey {
        SourceKey::new("uploads/a.jpg").unwrap()
    }

    fn slot<'a, S>(store: &'a S, key: &'a SourceKey) -> ResultSlot<'a, S> {
        ResultSlot {
            store,
            bucket: BUCKET,
            key,
            version: ObjectVersion {
                e_tag: "e1".to_owned(),
                version_id: None,
                sequencer: Some("01".to_owned()),
                last_modified: None,
            },
        }
    }

    fn answers() -> Vec<SavedAnswer> {
        vec![SavedAnswer {
            query: "Text".to_owned(),
            answer: Some(json!({"TextDetections": []})),
            error: None,
        }]
    }

    async fn acquire<'a>(
        slot: &'a ResultSlot<'a, MemoryStore>,
        owner: &'static str,
    ) -> Lease<'a, MemoryStore> {
        let now = OffsetDateTime::UNIX_EPOCH;
        let request = LeaseRequest {
            owner,
            process: Box::leak(Box::new(Process::new("this".to_owned(), false))),
            now,
            until: Instant::now() + std::time::Duration::from_secs(60),
        };
        match Lease::acquire(slot, request).await.unwrap() {
            LeaseAttempt::Acquired(lease) => lease,
            other => panic!("{other:?}"),
        }
    }

    /// The same lease, with another store for the bucket.
    fn with_store<'a, S>(
        lease: Lease<'a, MemoryStore>,
        slot: &'a ResultSlot<'a, S>,
    ) -> Lease<'a, S> {
        Lease {
            slot,
            key: lease.key,
            e_tag: lease.e_tag,
            record: lease.record,
            until: lease.until,
            first: lease.first,
            _alive: lease._alive,
        }
    }

    #[tokio::test]
    async fn a_lost_reply_to_a_takeover_loses_no_answers() {
        let (store, key) = (MemoryStore::new(), key());
        let slot = slot(&store, &key);
        let lease = acquire(&slot, "one").await;
        lease.park(OffsetDateTime::UNIX_EPOCH, answers()).await;
        // The first reply is lost; the second attempt finds the lease that the first one wrote.
        assert_eq!(acquire(&slot, "other").await.answers(), answers());
        assert_eq!(acquire(&slot, "other").await.answers(), answers());
    }

    #[tokio::test]
    async fn saving_answers_is_retried() {
        let (store, key) = (MemoryStore::new(), key());
        let failing = Failing::new(store.clone(), Faults::first(3, slow_down()));
        let (slot, failing) = (slot(&store, &key), slot(&failing, &key));
        let lease = with_store(acquire(&slot, "one").await, &failing);
        lease.park(OffsetDateTime::UNIX_EPOCH, answers()).await;
        assert_eq!(acquire(&slot, "other").await.answers(), answers());
    }

    #[tokio::test]
    async fn a_failed_release_is_not_repeated_and_frees_the_lease() {
        for lost_reply in [false, true] {
            let (store, key) = (MemoryStore::new(), key());
            let mut failing = Failing::new(store.clone(), Faults::first(1, slow_down()));
            if lost_reply {
                failing = failing.lost_replies();
            }
            let (slot, failing) = (slot(&store, &key), slot(&failing, &key));
            let lease = with_store(acquire(&slot, "one").await, &failing);
            lease.release(OffsetDateTime::UNIX_EPOCH).await;
            let calls = store.calls();
            let deletions = calls.iter().filter(|call| call.starts_with("DeleteObject"));
            assert_eq!(deletions.count(), usize::from(lost_reply));
            acquire(&slot, "other").await;
        }
    }

    #[tokio::test]
    async fn a_parked_lease_is_free_and_its_object_remains() {
        let (store, key) = (MemoryStore::new(), key());
        let slot = slot(&store, &key);
        let lease = acquire(&slot, "one").await;
        lease.park(OffsetDateTime::UNIX_EPOCH, Vec::new()).await;
        assert_eq!(store.keys(BUCKET), ["claims/uploads/a.jpg"]);
        assert!(acquire(&slot, "other").await.answers().is_empty());
    }
}
