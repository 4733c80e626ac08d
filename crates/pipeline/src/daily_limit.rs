//! The daily limit on analyses (`MAX_DAILY_ANALYSES`).
//!
//! The objects `spending/<YYYY-MM-DD>/<number>.json` in the output bucket count the analyses of a day, in UTC. Each counts a
//! part of the limit, so that many workers can reserve analyses at the same time. Workers update a count with conditional
//! writes, which S3 refuses while another write of the same object is in progress; a worker then goes on to another count. A
//! worker reserves several analyses at once, so that not every call writes a count. Analyses that a worker has reserved and
//! not used when it ends are lost for the day. So the limit is never exceeded, and with many workers a small part of it may
//! stay unused.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Date, OffsetDateTime};
use tokio::{sync::Mutex, time::sleep};
use uuid::Uuid;

use crate::{
    backoff::pauses,
    object_store::{Condition, Get, GetOutcome, ObjectStore, Put, PutOutcome},
    recogniser::{Recogniser, RecogniserCall, RecogniserQuery},
    service_error::{Fate, Service, ServiceError, code::DAILY_LIMIT_REACHED},
};

/// The prefix of the counts in the output bucket.
pub const PREFIX: &str = "spending/";

/// The number of counts of a day, unless the limit is smaller.
const PARTS: u64 = 50;

/// How often a worker tries to update a count that other workers change.
const ATTEMPTS: usize = 20;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// The part of the limit that a worker reserves at once is 1 in this many.
const RESERVATIONS: u64 = 1000;

/// A recogniser with a daily limit. Clones share the limit.
#[derive(Debug, Clone)]
pub struct LimitedRecogniser<R, S> {
    recogniser: R,
    daily_limit: Option<Arc<DailyLimit<S>>>,
}

#[derive(Debug)]
struct DailyLimit<S> {
    store: S,
    bucket: String,
    limit: u64,
    clock: fn() -> OffsetDateTime,
    allowance: Mutex<Allowance>,
}

/// Analyses that this worker has reserved and not used.
#[derive(Debug)]
struct Allowance {
    day: Date,
    left: u64,
    /// The counts that may have analyses left, the next one to try last.
    open: Vec<u64>,
}

/// The outcome of one attempt to reserve analyses.
enum Reservation {
    /// This many were reserved; fewer than wanted if the count has reached its part of the limit.
    Granted(u64),
    /// Another worker changed the count.
    Conflict,
}

/// The content of the counting object.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Count {
    analyses: u64,
}

impl<R, S> LimitedRecogniser<R, S> {
    /// Allows at most `limit` analyses a day, counted in `bucket`; any number if `None`.
    pub fn new(recogniser: R, store: S, bucket: &str, limit: Option<u64>) -> Self {
        Self::with_clock(recogniser, store, bucket, limit, OffsetDateTime::now_utc)
    }

    fn with_clock(
        recogniser: R,
        store: S,
        bucket: &str,
        limit: Option<u64>,
        clock: fn() -> OffsetDateTime,
    ) -> Self {
        let daily_limit = limit.map(|limit| {
            Arc::new(DailyLimit {
                store,
                bucket: bucket.to_owned(),
                limit,
                clock,
                allowance: Mutex::new(Allowance {
                    day: Date::MIN,
                    left: 0,
                    open: Vec::new(),
                }),
            })
        });
        Self {
            recogniser,
            daily_limit,
        }
    }
}

impl<R: Recogniser, S: ObjectStore> Recogniser for LimitedRecogniser<R, S> {
    async fn recognise(&self, call: &RecogniserCall) -> Result<Value, ServiceError> {
        let Some(daily_limit) = &self.daily_limit else {
            return self.recogniser.recognise(call).await;
        };
        let analyses = analyses(&call.query);
        let day = daily_limit.take(analyses).await?;
        let answer = self.recogniser.recognise(call).await;
        if answer.as_ref().is_err_and(|error| !error.may_be_billed()) {
            daily_limit.give_back(day, analyses).await;
        }
        answer
    }
}

/// The number of analyses in a query. Two that share a call are billed separately.
pub(crate) const fn analyses(query: &RecogniserQuery) -> u64 {
    match query {
        RecogniserQuery::Labels {
            labels: true,
            image_properties: true,
            ..
        } => 2,
        _ => 1,
    }
}

impl<S: ObjectStore> DailyLimit<S> {
    /// Uses a number of today's analyses, and returns the day.
    async fn take(&self, analyses: u64) -> Result<Date, ServiceError> {
        // Locked while the count is written, so that the tasks of one process do not compete for it.
        let mut allowance = self.allowance.lock().await;
        let today = (self.clock)().date();
        if allowance.day != today {
            *allowance = Allowance {
                day: today,
                left: 0,
                open: shuffled(self.parts()),
            };
        }
        if allowance.left < analyses {
            self.reserve(&mut allowance, analyses).await?;
        }
        if allowance.left < analyses {
            return Err(error(
                DAILY_LIMIT_REACHED,
                format!(
                    "Today's {} analyses are used up; send the picture again after midnight UTC, or ask whoever runs the service to raise MAX_DAILY_ANALYSES.",
                    self.limit
                ),
                Fate::DailyLimit,
            ));
        }
        allowance.left -= analyses;
        Ok(today)
    }

    async fn give_back(&self, day: Date, analyses: u64) {
        let mut allowance = self.allowance.lock().await;
        if allowance.day == day {
            allowance.left += analyses;
        }
    }

    /// The number of the day's counts.
    fn parts(&self) -> u64 {
        self.limit.min(PARTS)
    }

    /// The part of the limit that a count has.
    fn limit_of(&self, part: u64) -> u64 {
        let parts = self.parts().max(1);
        self.limit / parts + u64::from(part < self.limit % parts)
    }

    /// Reserves analyses of the allowance's day until `needed` are left to use, or no count has any left.
    async fn reserve(&self, allowance: &mut Allowance, needed: u64) -> Result<(), ServiceError> {
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS);
        while let Some(&part) = allowance.open.last()
            && let Some(missing) = needed.checked_sub(allowance.left).filter(|some| *some > 0)
        {
            let wanted = missing.max(self.limit / RESERVATIONS);
            match self.reserve_part(allowance.day, part, wanted).await? {
                Reservation::Granted(granted) => {
                    allowance.left += granted;
                    if granted < wanted {
                        allowance.open.pop();
                    }
                }
                Reservation::Conflict => {
                    // Workers that met at one count spread over the others.
                    allowance.open = shuffled_from(std::mem::take(&mut allowance.open));
                    let Some(pause) = pauses.next() else {
                        return Err(error(
                            "SpendingContended",
                            "other workers changed today's counts of analyses during every attempt",
                            Fate::RETRY,
                        ));
                    };
                    sleep(pause).await;
                }
            }
        }
        Ok(())
    }

    /// Reserves up to `wanted` analyses of one count.
    async fn reserve_part(
        &self,
        day: Date,
        part: u64,
        wanted: u64,
    ) -> Result<Reservation, ServiceError> {
        let key = format!("{PREFIX}{day}/{part:02}.json");
        let get = Get::whole(&self.bucket, &key);
        let not_counted = |cause| not_counted("today's analyses", cause);
        let (used, e_tag) = match self.store.get(get).await.map_err(not_counted)? {
            GetOutcome::Missing | GetOutcome::Changed => (0, None),
            GetOutcome::Found(info, body) => (self.read(&key, &body)?, Some(info.e_tag)),
        };
        let granted = wanted.min(self.limit_of(part).saturating_sub(used));
        if granted == 0 {
            return Ok(Reservation::Granted(0));
        }
        let body = format!("{{\"analyses\":{}}}", used + granted);
        let put = Put {
            bucket: &self.bucket,
            key: &key,
            body: body.as_bytes(),
            content_type: "application/json",
            metadata: &[],
            condition: e_tag
                .as_deref()
                .map_or(Condition::IfAbsent, Condition::IfMatch),
        };
        Ok(match self.store.put(put).await.map_err(not_counted)? {
            PutOutcome::Stored(_) => Reservation::Granted(granted),
            PutOutcome::ConditionFailed => Reservation::Conflict,
        })
    }

    /// Reads a count. If it cannot be read, nothing is spent until somebody repairs the object.
    fn read(&self, key: &str, body: &[u8]) -> Result<u64, ServiceError> {
        serde_json::from_slice::<Count>(body)
            .map(|count| count.analyses)
            .map_err(|cause| {
                error(
                    "SpendingUnreadable",
                    format!(
                        "{}/{key} is not a count of analyses ({cause}); delete or correct it",
                        self.bucket
                    ),
                    Fate::RETRY,
                )
            })
    }
}

/// The numbers below `count` in random order, so that workers that start together begin with different counts.
fn shuffled(count: u64) -> Vec<u64> {
    shuffled_from((0..count).collect())
}

fn shuffled_from(mut numbers: Vec<u64>) -> Vec<u64> {
    numbers.sort_by_cached_key(|_| Uuid::new_v4());
    numbers
}

/// The error while these analyses cannot be counted. It says nothing about the picture, so it is never final.
pub(crate) fn not_counted(analyses: &str, cause: ServiceError) -> ServiceError {
    let message = format!("{analyses} cannot be counted: {cause}");
    let fate = if cause.needs_repair() {
        Fate::Repair
    } else {
        Fate::RETRY
    };
    error(cause.code, message, fate)
}

pub(crate) fn error(
    code: impl Into<String>,
    message: impl Into<String>,
    fate: Fate,
) -> ServiceError {
    ServiceError::new(Service::Rekognition, "CountAnalyses", code, message, fate)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use futures::future::join_all;

    use super::*;
    use crate::{
        object_store::ObjectInfo,
        recogniser::ImageSource,
        testing::{CannedRecogniser, Failing, Faults, MemoryStore, refused, slow_down, throttled},
    };

    const OUT: &str = "out-put";
    /// The only count of a limit of 1.
    const KEY: &str = "spending/1970-01-01/00.json";

    /// All analyses that are counted.
    fn counted(store: &MemoryStore) -> u64 {
        let counts = store.keys(OUT).into_iter();
        counts
            .map(|key| store.json(OUT, &key).unwrap()["analyses"].as_u64().unwrap())
            .sum()
    }

    /// A store whose calls take time, and that refuses a conditional write while another write of the same object is in
    /// progress (Amazon S3 User Guide, "Add preconditions to S3 operations").
    #[derive(Clone, Default)]
    struct SlowStore {
        inner: MemoryStore,
        writing: Arc<std::sync::Mutex<std::collections::BTreeSet<String>>>,
        refused: Arc<AtomicI64>,
    }

    const LATENCY: Duration = Duration::from_millis(20);

    impl ObjectStore for SlowStore {
        async fn head(&self, bucket: &str, key: &str) -> Result<Option<ObjectInfo>, ServiceError> {
            self.inner.head(bucket, key).await
        }

        async fn get(&self, get: Get<'_>) -> Result<GetOutcome, ServiceError> {
            sleep(LATENCY).await;
            self.inner.get(get).await
        }

        async fn put(&self, put: Put<'_>) -> Result<PutOutcome, ServiceError> {
            let key = put.key.to_owned();
            let is_first = self.writing.lock().unwrap().insert(key.clone());
            sleep(LATENCY).await;
            let outcome = if is_first {
                self.inner.put(put).await
            } else {
                Ok(PutOutcome::ConditionFailed)
            };
            if is_first {
                self.writing.lock().unwrap().remove(&key);
            }
            if outcome == Ok(PutOutcome::ConditionFailed) {
                self.refused.fetch_add(1, Ordering::Relaxed);
            }
            outcome
        }

        async fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
            self.inner.delete(bucket, key).await
        }

        async fn delete_once(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
            self.inner.delete_once(bucket, key).await
        }
    }

    #[tokio::test]
    async fn two_hundred_workers_that_start_at_midnight_all_get_their_share() {
        for limit in [200, 10_000] {
            let store = SlowStore::default();
            let recogniser = CannedRecogniser::new();
            let workers = (0..200).map(|_| worker(&recogniser, store.clone(), limit));
            let workers: Vec<_> = workers.collect();
            let call = faces();
            let first = join_all(workers.iter().map(|worker| worker.recognise(&call))).await;
            let setbacks: Vec<_> = first
                .into_iter()
                .map(code)
                .filter(|code| !code.is_empty())
                .collect();
            assert_eq!(setbacks, Vec::<String>::new(), "limit {limit}");
            assert_eq!(recogniser.count(), 200);
            assert!(
                store.refused.load(Ordering::Relaxed) > 0,
                "no conflicts were met"
            );
            assert_eq!(counted(&store.inner), 200 * (limit / 1000).max(1));
            if limit == 200 {
                let over = workers[0].recognise(&faces()).await;
                assert_eq!(code(over), DAILY_LIMIT_REACHED);
            }
        }
    }

    fn faces() -> RecogniserCall {
        RecogniserCall {
            query: RecogniserQuery::Faces,
            image: ImageSource::Bytes(Arc::from([0_u8])),
            owner: None,
        }
    }

    fn labels_and_properties() -> RecogniserCall {
        RecogniserCall {
            query: RecogniserQuery::Labels {
                labels: true,
                image_properties: true,
                min_confidence: 55.0,
                max_labels: 10,
            },
            image: ImageSource::Bytes(Arc::from([0_u8])),
            owner: None,
        }
    }

    fn worker<S: ObjectStore>(
        recogniser: &CannedRecogniser,
        store: S,
        limit: u64,
    ) -> LimitedRecogniser<CannedRecogniser, S> {
        LimitedRecogniser::with_clock(recogniser.clone(), store, OUT, Some(limit), || {
            OffsetDateTime::UNIX_EPOCH
        })
    }

    fn code<T>(answer: Result<T, ServiceError>) -> String {
        answer.err().map(|error| error.code).unwrap_or_default()
    }

    #[tokio::test]
    async fn without_a_daily_limit_nothing_is_counted() {
        let store = MemoryStore::new();
        let worker = LimitedRecogniser::new(CannedRecogniser::new(), store.clone(), OUT, None);
        worker.recognise(&faces()).await.unwrap();
        assert!(store.calls().is_empty());
    }

    #[tokio::test]
    async fn many_workers_together_never_exceed_the_daily_limit() {
        for limit in [0, 1, 37] {
            let store = MemoryStore::new();
            let recogniser = CannedRecogniser::new();
            let workers = (0..8).map(|_| worker(&recogniser, store.clone(), limit));
            let workers: Vec<_> = workers.collect();
            let codes = join_all(
                workers
                    .iter()
                    .cycle()
                    .take(80)
                    .map(|worker| async { code(worker.recognise(&faces()).await) }),
            )
            .await;
            let over_limit = codes.iter().filter(|code| *code == DAILY_LIMIT_REACHED);
            let contended = codes.iter().filter(|code| *code == "SpendingContended");
            assert!(recogniser.count() as u64 <= limit, "{limit}");
            assert_eq!(
                recogniser.count() + over_limit.count() + contended.count(),
                80,
                "{limit}"
            );
            assert_eq!(counted(&store), recogniser.count() as u64);
        }
    }

    #[tokio::test]
    async fn a_call_for_two_analyses_counts_as_two() {
        let recogniser = CannedRecogniser::new();
        let worker = worker(&recogniser, MemoryStore::new(), 3);
        assert_eq!(code(worker.recognise(&labels_and_properties()).await), "");
        let second = worker.recognise(&labels_and_properties()).await;
        assert_eq!(code(second), DAILY_LIMIT_REACHED);
        assert_eq!(code(worker.recognise(&faces()).await), "");
        assert_eq!(code(worker.recognise(&faces()).await), DAILY_LIMIT_REACHED);
        assert_eq!(recogniser.count(), 2);
    }

    #[tokio::test]
    async fn rejected_calls_are_not_counted_and_unanswered_ones_are() {
        for (error, left) in [
            (throttled(), true),
            (refused("InvalidImageFormatException"), true),
            (error("Timeout", "", Fate::RETRY_UNANSWERED), false),
        ] {
            let recogniser = CannedRecogniser::new().with_faults(None, Faults::first(1, error));
            let worker = worker(&recogniser, MemoryStore::new(), 1);
            assert!(worker.recognise(&faces()).await.is_err());
            assert_eq!(worker.recognise(&faces()).await.is_ok(), left);
        }
    }

    #[tokio::test]
    async fn each_day_has_its_own_count() {
        static NOW: AtomicI64 = AtomicI64::new(86_399);
        let clock =
            || OffsetDateTime::from_unix_timestamp(NOW.load(Ordering::Relaxed)).expect("a time");
        let store = MemoryStore::new();
        let worker = LimitedRecogniser::with_clock(
            CannedRecogniser::new(),
            store.clone(),
            OUT,
            Some(1),
            clock,
        );
        assert_eq!(code(worker.recognise(&faces()).await), "");
        assert_eq!(code(worker.recognise(&faces()).await), DAILY_LIMIT_REACHED);
        NOW.store(86_400, Ordering::Relaxed);
        assert_eq!(code(worker.recognise(&faces()).await), "");
        assert_eq!(store.keys(OUT), [KEY, "spending/1970-01-02/00.json"]);
    }

    #[tokio::test]
    async fn without_a_count_the_recogniser_is_not_called() {
        let recogniser = CannedRecogniser::new();
        let store = Failing::new(MemoryStore::new(), Faults::first(1, slow_down()));
        let failing = worker(&recogniser, store, 9);
        let error = failing.recognise(&faces()).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(code(failing.recognise(&faces()).await), "");

        let store = MemoryStore::new();
        store.insert(OUT, KEY, b"many", "text/plain", &[]);
        let error = worker(&recogniser, store, 1)
            .recognise(&faces())
            .await
            .unwrap_err();
        assert!(
            error.is_retryable() && error.message.contains(KEY),
            "{error}"
        );
        assert_eq!(recogniser.count(), 1);
    }

    #[tokio::test]
    async fn a_large_daily_limit_is_reserved_in_blocks() {
        let store = MemoryStore::new();
        let worker = worker(&CannedRecogniser::new(), store.clone(), 10_000);
        for _ in 0..20 {
            worker.recognise(&faces()).await.unwrap();
        }
        let writes = store
            .calls()
            .iter()
            .filter(|call| call.starts_with("PutObject"))
            .count();
        assert_eq!(writes, 2);
    }
}
