//! The lease on one image: `claims/<source key>` in the output bucket.
//!
//! Whoever creates the object (`If-None-Match: *`) or replaces one that has run out (`If-Match`)
//! works on the image; everybody else waits or comes back. Nobody takes over a lease that still
//! runs, not even for a newer version of the object, and the holder's work ends before it runs
//! out: it runs until the end of the invocation, plus a margin for clocks that differ. So the
//! holder may remove it without asking whose it is by then, once: were the removal sent again because its
//! reply was lost, it could hit the lease of the next worker, whom others would no longer see.
//!
//! A holder that dies leaves the lease to run out. A queue whose visibility time-out is longer
//! than the function's, as it must be anyway, redelivers the message after that.
//!
//! Work that has to be repeated because some answers are still missing parks the ones it has in
//! the lease object, already run out, so that the next worker asks, and pays, only for the rest.

use serde::{Deserialize, Serialize};
use sightline_pipeline::{
    SourceKey,
    analyse::Kept,
    object_store::{
        Condition, Get, GetOutcome, ObjectInfo, ObjectStore, Put, PutOutcome, StoreError,
    },
};
use time::{Duration, OffsetDateTime};

use crate::version::{ObjectVersion, Relation};

/// By how much clocks of two workers may differ.
pub(crate) const CLOCK_SKEW: Duration = Duration::seconds(2);

/// How long to wait at first before keeping answers is tried again, when the SDK has given up.
const FIRST_PAUSE: std::time::Duration = std::time::Duration::from_millis(100);
/// The pauses double up to this.
const LONGEST_PAUSE: std::time::Duration = std::time::Duration::from_secs(1);

/// What the lease object holds.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claim {
    #[serde(flatten)]
    version: ObjectVersion,
    owner: String,
    #[serde(with = "time::serde::rfc3339")]
    claimed_at: OffsetDateTime,
    #[serde(with = "time::serde::rfc3339")]
    expires_at: OffsetDateTime,
    #[serde(default)]
    answers: Vec<Kept>,
}

/// Who asks for a lease.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Claimant<'a> {
    /// Unlike any other, even of the same process.
    pub(crate) owner: &'a str,
    /// What the owners of one process begin with, where that process is the only worker: all
    /// other owners are dead then.
    pub(crate) sole_process: Option<&'a str>,
    /// Now.
    pub(crate) now: OffsetDateTime,
    /// When the claimant's work ends at the latest.
    pub(crate) until: OffsetDateTime,
}

/// What became of asking for a lease.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "one at a time, taken apart at once"
)]
pub(crate) enum Taken {
    /// It is ours.
    Ours(Lease),
    /// Somebody else works on the image.
    Busy,
    /// A newer version of the object is, or was, in hand.
    Newer,
}

/// A lease we hold.
#[derive(Debug)]
pub(crate) struct Lease {
    bucket: String,
    key: String,
    /// Of the lease object.
    e_tag: String,
    claim: Claim,
}

impl Lease {
    /// Takes the lease on `key` for `version`, if nobody else holds it.
    pub(crate) async fn take<S: ObjectStore>(
        store: &S,
        bucket: &str,
        key: &SourceKey,
        version: &ObjectVersion,
        claimant: Claimant<'_>,
    ) -> Result<Taken, StoreError> {
        let mut lease = Self {
            bucket: bucket.to_owned(),
            key: key.claim_key(),
            e_tag: String::new(),
            claim: Claim {
                version: version.clone(),
                owner: claimant.owner.to_owned(),
                claimed_at: claimant.now,
                expires_at: claimant.until + CLOCK_SKEW,
                answers: Vec::new(),
            },
        };
        if lease.write(store, Condition::IfAbsent).await? {
            return Ok(Taken::Ours(lease));
        }
        let Some((info, bytes)) = lease.standing(store).await? else {
            // Given back a moment ago; the caller comes again.
            return Ok(Taken::Busy);
        };
        match serde_json::from_slice::<Claim>(&bytes) {
            // The reply to our own write was lost and the SDK wrote again.
            Ok(standing) if standing.owner == lease.claim.owner => {
                lease.e_tag = info.e_tag;
                // What it was taken over with.
                lease.claim.answers = standing.answers;
                return Ok(Taken::Ours(lease));
            }
            Ok(standing) => {
                let relation = standing.version.relation_to(version);
                if relation == Relation::Newer {
                    return Ok(Taken::Newer);
                }
                let dead = claimant
                    .sole_process
                    .is_some_and(|process| !standing.owner.starts_with(process));
                if standing.expires_at > claimant.now && !dead {
                    return Ok(Taken::Busy);
                }
                if relation == Relation::Same {
                    lease.claim.answers = standing.answers;
                }
            }
            // Nothing that this program wrote; it holds nobody's place.
            Err(error) => {
                tracing::warn!(key = lease.key, %error, "a lease that cannot be read is taken over");
            }
        }
        Ok(
            if lease.write(store, Condition::IfMatch(&info.e_tag)).await? {
                Taken::Ours(lease)
            } else {
                Taken::Busy
            },
        )
    }

    /// Answers that an earlier worker had for the same version.
    pub(crate) fn answers(&self) -> &[Kept] {
        &self.claim.answers
    }

    /// Gives the lease back. When that fails, it runs out.
    pub(crate) async fn release<S: ObjectStore>(mut self, store: &S, now: OffsetDateTime) {
        // Later it might be somebody else's.
        if now >= self.claim.expires_at - CLOCK_SKEW {
            return;
        }
        if store.delete_once(&self.bucket, &self.key).await.is_ok() {
            return;
        }
        // Whether it is gone is not known. Where it is not, it has run out now.
        self.claim.expires_at = now;
        let e_tag = std::mem::take(&mut self.e_tag);
        if let Err(error) = self.write(store, Condition::IfMatch(&e_tag)).await {
            tracing::warn!(key = self.key, %error, "a lease could not be given back and will run out");
        }
    }

    /// Gives the lease back before the work is done, with the answers so far for whoever takes it
    /// next. They were paid for, so this is tried until it succeeds or the caller's time is up.
    pub(crate) async fn park<S: ObjectStore>(
        mut self,
        store: &S,
        now: OffsetDateTime,
        answers: Vec<Kept>,
    ) {
        self.claim.answers = answers;
        self.claim.expires_at = now;
        let e_tag = std::mem::take(&mut self.e_tag);
        let mut pause = FIRST_PAUSE;
        loop {
            match self.write(store, Condition::IfMatch(&e_tag)).await {
                Ok(true) => return,
                // Our own, where the reply to it was lost and the SDK wrote again.
                Ok(false) => {
                    let standing = self.standing(store).await.ok().flatten();
                    let owner = standing.and_then(|(_, bytes)| {
                        Some(serde_json::from_slice::<Claim>(&bytes).ok()?.owner)
                    });
                    if owner.as_ref() != Some(&self.claim.owner) {
                        tracing::warn!(
                            key = self.key,
                            "the lease is not ours any more; answers could not be kept and will be asked for again"
                        );
                    }
                    return;
                }
                Err(error) if !error.retryable => {
                    return tracing::warn!(key = self.key, %error, "answers could not be kept and will be asked for again");
                }
                Err(_) => {}
            }
            tokio::time::sleep(pause).await;
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    /// The lease object as it stands, whoever wrote it.
    async fn standing<S: ObjectStore>(
        &self,
        store: &S,
    ) -> Result<Option<(ObjectInfo, Vec<u8>)>, StoreError> {
        let get = Get {
            bucket: &self.bucket,
            key: &self.key,
            version_id: None,
            if_match: None,
            first_bytes: None,
        };
        Ok(match store.get(get).await? {
            GetOutcome::Found(info, bytes) => Some((info, bytes)),
            GetOutcome::Missing | GetOutcome::Changed => None,
        })
    }

    /// Writes the lease object; whether the condition held.
    async fn write<S: ObjectStore>(
        &mut self,
        store: &S,
        condition: Condition<'_>,
    ) -> Result<bool, StoreError> {
        let body = serde_json::to_vec(&self.claim).map_err(|error| StoreError {
            operation: "PutObject",
            bucket: self.bucket.clone(),
            code: "Request".to_owned(),
            message: format!("the lease could not be written as JSON: {error}"),
            retryable: false,
        })?;
        let put = Put {
            bucket: &self.bucket,
            key: &self.key,
            body: &body,
            content_type: "application/json",
            metadata: &[],
            condition,
        };
        Ok(match store.put(put).await? {
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
    use sightline_pipeline::testing::{Failing, Faults, MemoryStore, slow_down};

    use super::*;

    const BUCKET: &str = "out-put";

    fn key() -> SourceKey {
        SourceKey::new("uploads/a.jpg").unwrap()
    }

    fn answers() -> Vec<Kept> {
        vec![Kept {
            question: "Text".to_owned(),
            answer: Some(json!({"TextDetections": []})),
            error: None,
        }]
    }

    async fn take(store: &MemoryStore, owner: &str) -> Lease {
        let version = ObjectVersion {
            e_tag: "e1".to_owned(),
            version_id: None,
            sequencer: Some("01".to_owned()),
            last_modified: None,
        };
        let now = OffsetDateTime::UNIX_EPOCH;
        let claimant = Claimant {
            owner,
            sole_process: None,
            now,
            until: now + Duration::MINUTE,
        };
        match Lease::take(store, BUCKET, &key(), &version, claimant)
            .await
            .unwrap()
        {
            Taken::Ours(lease) => lease,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_taking_over_whose_reply_was_lost_keeps_the_answers() {
        let store = MemoryStore::new();
        let lease = take(&store, "one").await;
        lease
            .park(&store, OffsetDateTime::UNIX_EPOCH, answers())
            .await;
        // The first reply is lost with the lease; the SDK's second try finds it written.
        assert_eq!(take(&store, "other").await.answers(), answers());
        assert_eq!(take(&store, "other").await.answers(), answers());
    }

    #[tokio::test]
    async fn answers_are_kept_though_the_bucket_fails_a_few_times() {
        let store = MemoryStore::new();
        let failing = Failing::new(store.clone(), Faults::first(3, slow_down()));
        let lease = take(&store, "one").await;
        lease
            .park(&failing, OffsetDateTime::UNIX_EPOCH, answers())
            .await;
        assert_eq!(take(&store, "other").await.answers(), answers());
    }

    #[tokio::test]
    async fn a_lease_whose_removal_has_no_reply_is_free_all_the_same() {
        for lost_reply in [false, true] {
            let store = MemoryStore::new();
            let mut failing = Failing::new(store.clone(), Faults::first(1, slow_down()));
            if lost_reply {
                failing = failing.lost_replies();
            }
            let lease = take(&store, "one").await;
            lease.release(&failing, OffsetDateTime::UNIX_EPOCH).await;
            let removals = store.calls();
            let removals = removals
                .iter()
                .filter(|call| call.starts_with("DeleteObject"));
            assert_eq!(removals.count(), usize::from(lost_reply));
            take(&store, "other").await;
        }
    }

    #[tokio::test]
    async fn a_lease_given_back_without_answers_is_free_but_stands() {
        let store = MemoryStore::new();
        let lease = take(&store, "one").await;
        lease
            .park(&store, OffsetDateTime::UNIX_EPOCH, Vec::new())
            .await;
        assert_eq!(store.keys(BUCKET), ["claims/uploads/a.jpg"]);
        assert!(take(&store, "other").await.answers().is_empty());
    }
}
