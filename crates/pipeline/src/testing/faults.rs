//! Plans of which calls fail, and the errors of failing services.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::service_error::{Fate, Service, ServiceError, code::DAILY_LIMIT_REACHED};

/// Which calls fail, and with which error. Clones share the plan.
#[derive(Debug, Clone)]
pub struct Faults<E>(Arc<Inner<E>>);

#[derive(Debug)]
struct Inner<E> {
    plan: Plan,
    /// The failures left for [`Plan::First`]; the generator's state for [`Plan::Percent`].
    state: AtomicU64,
    error: E,
}

#[derive(Debug)]
enum Plan {
    First,
    Percent(u64),
}

impl<E: Clone> Faults<E> {
    /// The first `times` calls fail.
    #[must_use]
    pub fn first(times: u64, error: E) -> Self {
        Self(Arc::new(Inner {
            plan: Plan::First,
            state: AtomicU64::new(times),
            error,
        }))
    }

    /// Every call fails.
    #[must_use]
    pub fn always(error: E) -> Self {
        Self::first(u64::MAX, error)
    }

    /// About this percentage of the calls fails. The same seed gives the same pattern.
    #[must_use]
    pub fn seeded(seed: u64, percent: u64, error: E) -> Self {
        Self(Arc::new(Inner {
            plan: Plan::Percent(percent),
            state: AtomicU64::new(seed),
            error,
        }))
    }

    /// The error of the next call, if that call is to fail.
    pub(super) fn next_failure(&self) -> Option<E> {
        let inner = &self.0;
        let fails = match inner.plan {
            Plan::First => inner
                .state
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                    left.checked_sub(1)
                })
                .is_ok(),
            Plan::Percent(percent) => {
                // splitmix64
                let step = 0x9E37_79B9_7F4A_7C15;
                let mut z = inner
                    .state
                    .fetch_add(step, Ordering::SeqCst)
                    .wrapping_add(step);
                z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
                z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
                (z ^ (z >> 31)) % 100 < percent
            }
        };
        fails.then(|| inner.error.clone())
    }
}

/// Writes, or fails with this error. If the reply is to be lost, a write that fails is done all the same.
pub(super) async fn fail_or_write<T, E>(
    error: Option<E>,
    lost_reply: bool,
    write: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let Some(error) = error else {
        return write.await;
    };
    if lost_reply {
        write.await?;
    }
    Err(error)
}

/// The error of a busy bucket, for [`Faults`].
#[must_use]
pub fn slow_down() -> ServiceError {
    ServiceError::new(
        Service::S3,
        "PutObject",
        "SlowDown",
        "please reduce your request rate",
        Fate::RETRY_UNANSWERED,
    )
    .on("planned")
}

/// The error of a busy index, for [`Faults`].
#[must_use]
pub fn busy() -> ServiceError {
    ServiceError::new(
        Service::Index,
        "TransactWriteItems",
        "ThrottlingException",
        "rate exceeded",
        Fate::RETRY,
    )
}

/// The error of a busy recogniser, for [`Faults`].
#[must_use]
pub fn throttled() -> ServiceError {
    recogniser_error("ThrottlingException", "rate exceeded", Fate::RETRY)
}

/// A final error of the recogniser, for [`Faults`].
#[must_use]
pub fn refused(code: &str) -> ServiceError {
    recogniser_error(code, "the request was refused", Fate::Final)
}

/// The error of a recogniser that the deployment may not call, for [`Faults`].
#[must_use]
pub fn denied(code: &str) -> ServiceError {
    recogniser_error(code, "the request was refused", Fate::Repair)
}

/// The error of a recogniser after its daily limit is reached, for [`Faults`].
#[must_use]
pub fn over_daily_limit() -> ServiceError {
    recogniser_error(
        DAILY_LIMIT_REACHED,
        "today's analyses are used up",
        Fate::DailyLimit,
    )
}

fn recogniser_error(code: &str, message: &str, fate: Fate) -> ServiceError {
    ServiceError::new(Service::Rekognition, "DetectLabels", code, message, fate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_gives_one_pattern_of_failures() {
        let pattern = |seed| {
            let faults = Faults::seeded(seed, 30, ());
            (0..1000)
                .map(|_| faults.next_failure().is_some())
                .collect::<Vec<_>>()
        };
        assert_eq!(pattern(7), pattern(7));
        assert_ne!(pattern(7), pattern(8));
        let failures = pattern(7).into_iter().filter(|failed| *failed).count();
        assert!((200..400).contains(&failures), "{failures}");
    }
}
