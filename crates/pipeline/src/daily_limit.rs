//! The daily limit on what is asked of the recogniser (`MAX_DAILY_ANALYSES`).
//!
//! `spending/<YYYY-MM-DD>.json` in the output bucket counts the analyses used on a day, in UTC. Every worker
//! writes it conditionally, in place of what it read. A worker takes several analyses from the count at
//! once, so that not every call writes it; what a worker has not used when it ends is lost for the day. So
//! the limit is never exceeded, and with many workers a little of it may be left over.

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use time::{Date, OffsetDateTime};
use tokio::{sync::Mutex, time::sleep};

use crate::{
    backoff::pauses,
    object_store::{Condition, Get, GetOutcome, ObjectStore, Put, PutOutcome},
    recogniser::{Recogniser, RecogniserCall, RecogniserQuery},
    service_error::{Fate, Service, ServiceError, code::DAILY_LIMIT_REACHED},
};

/// Where in the output bucket the days are counted.
pub const PREFIX: &str = "spending/";

/// How often a worker reads and writes a count that another worker changed in between.
const ATTEMPTS: usize = 12;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);

/// Into how many writes of the count a day is divided at least.
const WRITES: u64 = 1000;

/// A recogniser that is asked no more than its owner wants to pay for. Clones share the limit.
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

/// What this worker took from the day's count and has not used.
#[derive(Debug)]
struct Allowance {
    day: Date,
    left: u64,
    empty_day: bool,
}

/// The counting object.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Count {
    analyses: u64,
}

impl<R, S> LimitedRecogniser<R, S> {
    /// At most `limit` analyses a day, or any number; they are counted in `bucket`.
    pub fn new(recogniser: R, store: S, bucket: &str, limit: Option<u64>) -> Self {
        Self::at(recogniser, store, bucket, limit, OffsetDateTime::now_utc)
    }

    fn at(
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
                    empty_day: false,
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

/// How many analyses a query stands for: the two that share a call are billed apart.
const fn analyses(query: &RecogniserQuery) -> u64 {
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
    /// Takes analyses out of the day's, and says of which day.
    async fn take(&self, analyses: u64) -> Result<Date, ServiceError> {
        // Held while the count is written, so that the workers of one process do not race for it.
        let mut allowance = self.allowance.lock().await;
        let today = (self.clock)().date();
        if allowance.day != today {
            *allowance = Allowance {
                day: today,
                left: 0,
                empty_day: false,
            };
        }
        if allowance.left < analyses && !allowance.empty_day {
            let wanted = (self.limit / WRITES).max(analyses - allowance.left);
            let granted = self.withdraw(today, wanted).await?;
            allowance.left += granted;
            allowance.empty_day = granted < wanted;
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

    /// Counts up to `wanted` further analyses, and says how many the day still had.
    async fn withdraw(&self, day: Date, wanted: u64) -> Result<u64, ServiceError> {
        let key = format!("{PREFIX}{day}.json");
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, ATTEMPTS);
        loop {
            let get = Get::whole(&self.bucket, &key);
            let (used, e_tag) = match self.store.get(get).await.map_err(uncounted)? {
                GetOutcome::Missing | GetOutcome::Changed => (0, None),
                GetOutcome::Found(info, body) => (self.read(&key, &body)?, Some(info.e_tag)),
            };
            let granted = wanted.min(self.limit.saturating_sub(used));
            if granted == 0 {
                return Ok(0);
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
            if let PutOutcome::Stored(_) = self.store.put(put).await.map_err(uncounted)? {
                return Ok(granted);
            }
            let Some(pause) = pauses.next() else {
                return Err(error(
                    "SpendingContended",
                    "other workers changed the day's count of analyses every time",
                    Fate::RETRY,
                ));
            };
            sleep(pause).await;
        }
    }

    /// A count that cannot be read stops the spending, and comes right when the object is repaired.
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

/// The analyses cannot be counted. The picture is not at fault, so this is never final.
fn uncounted(cause: ServiceError) -> ServiceError {
    let message = format!("today's analyses cannot be counted: {cause}");
    error(cause.code, message, Fate::RETRY)
}

fn error(code: impl Into<String>, message: impl Into<String>, fate: Fate) -> ServiceError {
    ServiceError::new(Service::Rekognition, "CountAnalyses", code, message, fate)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use futures::future::join_all;

    use super::*;
    use crate::{
        recogniser::ImageSource,
        testing::{CannedRecogniser, Failing, Faults, MemoryStore, refused, slow_down, throttled},
    };

    const OUT: &str = "out-put";
    const KEY: &str = "spending/1970-01-01.json";

    fn faces() -> RecogniserCall {
        RecogniserCall {
            query: RecogniserQuery::Faces,
            image: ImageSource::Bytes(Arc::from([0_u8])),
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
        }
    }

    fn worker<S: ObjectStore>(
        recogniser: &CannedRecogniser,
        store: S,
        limit: u64,
    ) -> LimitedRecogniser<CannedRecogniser, S> {
        LimitedRecogniser::at(recogniser.clone(), store, OUT, Some(limit), || {
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
            let refused = codes.iter().filter(|code| *code == DAILY_LIMIT_REACHED);
            let contended = codes.iter().filter(|code| *code == "SpendingContended");
            assert!(recogniser.count() as u64 <= limit, "{limit}");
            assert_eq!(
                recogniser.count() + refused.count() + contended.count(),
                80,
                "{limit}"
            );
            if limit > 0 {
                let counted = store.json(OUT, KEY).unwrap()["analyses"].as_u64();
                assert_eq!(counted, Some(recogniser.count() as u64));
            }
        }
    }

    #[tokio::test]
    async fn a_call_for_two_analyses_counts_twice_and_the_last_one_is_left_to_another() {
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
    async fn what_was_refused_is_not_counted_and_what_may_be_billed_is() {
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
    async fn the_next_day_has_its_own_count() {
        static NOW: AtomicI64 = AtomicI64::new(86_399);
        let clock =
            || OffsetDateTime::from_unix_timestamp(NOW.load(Ordering::Relaxed)).expect("a time");
        let store = MemoryStore::new();
        let worker =
            LimitedRecogniser::at(CannedRecogniser::new(), store.clone(), OUT, Some(1), clock);
        assert_eq!(code(worker.recognise(&faces()).await), "");
        assert_eq!(code(worker.recognise(&faces()).await), DAILY_LIMIT_REACHED);
        NOW.store(86_400, Ordering::Relaxed);
        assert_eq!(code(worker.recognise(&faces()).await), "");
        assert_eq!(store.keys(OUT), [KEY, "spending/1970-01-02.json"]);
    }

    #[tokio::test]
    async fn nothing_is_asked_while_nothing_can_be_counted() {
        let recogniser = CannedRecogniser::new();
        let store = Failing::new(MemoryStore::new(), Faults::first(1, slow_down()));
        let failing = worker(&recogniser, store, 9);
        let error = failing.recognise(&faces()).await.unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert_eq!(code(failing.recognise(&faces()).await), "");

        let store = MemoryStore::new();
        store.insert(OUT, KEY, b"many", "text/plain", &[]);
        let error = worker(&recogniser, store, 9)
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
    async fn a_large_daily_limit_is_counted_in_blocks() {
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
