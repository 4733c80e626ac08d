//! The lease on one image: `claims/<source key>` in the output bucket.
//!
//! The worker that creates the object (`If-None-Match: *`), or replaces an expired one (`If-Match`),
//! processes the image; all others wait or come back later. Nobody takes over a lease that has not expired,
//! not even for a newer version of the object, and the holder's work ends before the lease expires: it is
//! valid until the end of the invocation, plus a margin for clocks that differ. So the holder may remove it
//! without checking whose it is, once. If the removal were repeated because its reply was lost, it could
//! hit the lease of the next worker, which others would no longer see.
//!
//! If a holder dies, its lease expires. A queue whose visibility time-out is longer than the function's
//! time-out, as it must be anyway, redelivers the message after that.
//!
//! A worker that has to leave before all answers arrived parks the lease: it saves the answers that it
//! has in the lease object, already expired. The next worker asks, and pays, only for the rest.

use serde::{Deserialize, Serialize};
use sightline_pipeline::{
    analyse::SavedAnswer,
    backoff::endless_pauses,
    object_store::{Condition, ObjectInfo, ObjectStore, Put, PutOutcome},
    service_error::ServiceError,
    version::{ObjectVersion, Relation},
};
use time::{Duration, OffsetDateTime};

use crate::result_slot::{ResultSlot, read_object};

/// By how much the clocks of two workers may differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::seconds(2);

/// The first pause before saving answers is tried again, when the SDK has given up.
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

/// The worker that asks for a lease.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimant<'a> {
    /// Different for each attempt on an image, even in the same process.
    pub(crate) owner: &'a str,
    /// The common prefix of all owners in this process, if this process is the only worker. All other
    /// owners are dead then.
    pub(crate) sole_process: Option<&'a str>,
    /// Now.
    pub(crate) now: OffsetDateTime,
    /// When the claimant's work ends at the latest.
    pub(crate) until: OffsetDateTime,
}

/// The outcome of asking for a lease.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, taken apart at once"
)]
pub(crate) enum LeaseAttempt<'a, S> {
    /// The claimant has the lease.
    Acquired(Lease<'a, S>),
    /// Another worker has the lease.
    Held,
    /// A newer version of the object is being processed, or was.
    Superseded,
}

/// A lease that this worker holds.
#[derive(Debug)]
pub(crate) struct Lease<'a, S> {
    slot: &'a ResultSlot<'a, S>,
    key: String,
    /// Of the lease object.
    e_tag: String,
    record: LeaseRecord,
}

impl<'a, S: ObjectStore> Lease<'a, S> {
    /// Takes the lease on a slot, if nobody else holds it.
    pub(crate) async fn acquire(
        slot: &'a ResultSlot<'a, S>,
        claimant: Claimant<'_>,
    ) -> Result<LeaseAttempt<'a, S>, ServiceError> {
        let mut lease = Self {
            slot,
            key: slot.key.claim_key(),
            e_tag: String::new(),
            record: LeaseRecord {
                version: slot.version.clone(),
                owner: claimant.owner.to_owned(),
                claimed_at: claimant.now,
                expires_at: claimant.until + CLOCK_SKEW,
                answers: Vec::new(),
            },
        };
        if lease.write(Condition::IfAbsent).await? {
            return Ok(LeaseAttempt::Acquired(lease));
        }
        let Some((info, bytes)) = lease.stored().await? else {
            // Released a moment ago; the caller tries again.
            return Ok(LeaseAttempt::Held);
        };
        match serde_json::from_slice::<LeaseRecord>(&bytes) {
            // The reply to our own write was lost and the SDK wrote again.
            Ok(stored) if stored.owner == lease.record.owner => {
                lease.e_tag = info.e_tag;
                // The answers that it was taken over with.
                lease.record.answers = stored.answers;
                return Ok(LeaseAttempt::Acquired(lease));
            }
            Ok(stored) => {
                let relation = stored.version.relation_to(&slot.version);
                if relation == Relation::Newer {
                    return Ok(LeaseAttempt::Superseded);
                }
                let dead = claimant
                    .sole_process
                    .is_some_and(|process| !stored.owner.starts_with(process));
                if stored.expires_at > claimant.now && !dead {
                    return Ok(LeaseAttempt::Held);
                }
                if relation == Relation::Same {
                    lease.record.answers = stored.answers;
                }
            }
            // This program did not write it, so nobody holds it.
            Err(error) => {
                tracing::warn!(key = lease.key, %error, "a lease that cannot be read is taken over");
            }
        }
        Ok(if lease.write(Condition::IfMatch(&info.e_tag)).await? {
            LeaseAttempt::Acquired(lease)
        } else {
            LeaseAttempt::Held
        })
    }

    /// The answers that an earlier worker saved for the same version.
    pub(crate) fn answers(&self) -> &[SavedAnswer] {
        &self.record.answers
    }

    /// Removes the lease. If that fails, it expires.
    pub(crate) async fn release(mut self, now: OffsetDateTime) {
        // Later it might be another worker's.
        if now >= self.record.expires_at - CLOCK_SKEW {
            return;
        }
        if (self.slot.store)
            .delete_once(self.slot.bucket, &self.key)
            .await
            .is_ok()
        {
            return;
        }
        // It may still be there. If so, it expires now.
        self.record.expires_at = now;
        let e_tag = std::mem::take(&mut self.e_tag);
        if let Err(error) = self.write(Condition::IfMatch(&e_tag)).await {
            tracing::warn!(key = self.key, %error, "a lease could not be released and will expire");
        }
    }

    /// Ends the lease before the work is done and saves the answers so far for the next worker. They
    /// were paid for, so this is tried until it succeeds or the caller's time is up.
    pub(crate) async fn park(mut self, now: OffsetDateTime, answers: Vec<SavedAnswer>) {
        self.record.answers = answers;
        self.record.expires_at = now;
        let e_tag = std::mem::take(&mut self.e_tag);
        for pause in endless_pauses(FIRST_PAUSE, LONGEST_PAUSE) {
            match self.write(Condition::IfMatch(&e_tag)).await {
                Ok(true) => return,
                // It may be our own, if the reply was lost and the SDK wrote again.
                Ok(false) => {
                    let stored = self.stored().await.ok().flatten();
                    let owner = stored.and_then(|(_, bytes)| {
                        Some(serde_json::from_slice::<LeaseRecord>(&bytes).ok()?.owner)
                    });
                    if owner.as_ref() != Some(&self.record.owner) {
                        tracing::warn!(
                            key = self.key,
                            "another worker took the lease over; answers could not be saved and will be asked for again"
                        );
                    }
                    return;
                }
                Err(error) if !error.is_retryable() => {
                    return tracing::warn!(key = self.key, %error, "answers could not be saved and will be asked for again");
                }
                Err(_) => {}
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// The lease object as stored, whoever wrote it.
    async fn stored(&self) -> Result<Option<(ObjectInfo, Vec<u8>)>, ServiceError> {
        read_object(self.slot.store, self.slot.bucket, &self.key).await
    }

    /// Writes the lease object. Whether the condition held.
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
        owner: &str,
    ) -> Lease<'a, MemoryStore> {
        let now = OffsetDateTime::UNIX_EPOCH;
        let claimant = Claimant {
            owner,
            sole_process: None,
            now,
            until: now + Duration::MINUTE,
        };
        match Lease::acquire(slot, claimant).await.unwrap() {
            LeaseAttempt::Acquired(lease) => lease,
            other => panic!("{other:?}"),
        }
    }

    /// The same lease, whose holder reaches the bucket through another store.
    fn through<'a, S>(lease: Lease<'_, MemoryStore>, slot: &'a ResultSlot<'a, S>) -> Lease<'a, S> {
        Lease {
            slot,
            key: lease.key,
            e_tag: lease.e_tag,
            record: lease.record,
        }
    }

    #[tokio::test]
    async fn taking_over_keeps_the_answers_although_the_reply_was_lost() {
        let (store, key) = (MemoryStore::new(), key());
        let slot = slot(&store, &key);
        let lease = acquire(&slot, "one").await;
        lease.park(OffsetDateTime::UNIX_EPOCH, answers()).await;
        // The first reply is lost with the lease; the SDK's second try finds it written.
        assert_eq!(acquire(&slot, "other").await.answers(), answers());
        assert_eq!(acquire(&slot, "other").await.answers(), answers());
    }

    #[tokio::test]
    async fn answers_are_saved_although_the_bucket_fails_a_few_times() {
        let (store, key) = (MemoryStore::new(), key());
        let failing = Failing::new(store.clone(), Faults::first(3, slow_down()));
        let (slot, failing) = (slot(&store, &key), slot(&failing, &key));
        let lease = through(acquire(&slot, "one").await, &failing);
        lease.park(OffsetDateTime::UNIX_EPOCH, answers()).await;
        assert_eq!(acquire(&slot, "other").await.answers(), answers());
    }

    #[tokio::test]
    async fn a_lease_is_free_although_the_reply_to_its_removal_was_lost() {
        for lost_reply in [false, true] {
            let (store, key) = (MemoryStore::new(), key());
            let mut failing = Failing::new(store.clone(), Faults::first(1, slow_down()));
            if lost_reply {
                failing = failing.lost_replies();
            }
            let (slot, failing) = (slot(&store, &key), slot(&failing, &key));
            let lease = through(acquire(&slot, "one").await, &failing);
            lease.release(OffsetDateTime::UNIX_EPOCH).await;
            let removals = store.calls();
            let removals = removals
                .iter()
                .filter(|call| call.starts_with("DeleteObject"));
            assert_eq!(removals.count(), usize::from(lost_reply));
            acquire(&slot, "other").await;
        }
    }

    #[tokio::test]
    async fn a_parked_lease_without_answers_is_free_and_its_object_remains() {
        let (store, key) = (MemoryStore::new(), key());
        let slot = slot(&store, &key);
        let lease = acquire(&slot, "one").await;
        lease.park(OffsetDateTime::UNIX_EPOCH, Vec::new()).await;
        assert_eq!(store.keys(BUCKET), ["claims/uploads/a.jpg"]);
        assert!(acquire(&slot, "other").await.answers().is_empty());
    }
}
