//! Exponential back-off with jitter: each pause is twice the one before, up to a longest pause.
//!
//! Each pause is then shortened at random, at most by half, so that workers that failed together do not retry
//! together.

use std::{ops::AsyncFn, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder, Retryable as _};

use crate::service_error::ServiceError;

/// The pauses between at most `attempts` attempts, one fewer than `attempts`.
pub fn pauses(
    first: Duration,
    longest: Duration,
    attempts: usize,
) -> impl Iterator<Item = Duration> + Send {
    builder(first, longest)
        .with_max_times(attempts.saturating_sub(1))
        .build()
}

/// The same pauses, without end.
pub fn endless_pauses(first: Duration, longest: Duration) -> impl Iterator<Item = Duration> + Send {
    builder(first, longest).without_max_times().build()
}

fn builder(first: Duration, longest: Duration) -> ExponentialBuilder {
    // The builder's jitter adds up to as much again.
    ExponentialBuilder::default()
        .with_min_delay(first / 2)
        .with_max_delay(longest / 2)
        .with_jitter()
}

/// Calls `work` until it succeeds or its error is not retryable, at most `attempts` times.
///
/// # Errors
/// The error of the last attempt.
pub async fn retry<T>(
    first: Duration,
    longest: Duration,
    attempts: usize,
    work: impl AsyncFn() -> Result<T, ServiceError>,
) -> Result<T, ServiceError> {
    (|| work())
        .retry(builder(first, longest).with_max_times(attempts.saturating_sub(1)))
        .when(ServiceError::is_retryable)
        .notify(|error, pause| tracing::warn!(%error, ?pause, "retrying after a pause"))
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_jitter_at_most_halves_each() {
        let first = Duration::from_millis(10);
        let longest = Duration::from_millis(50);
        let pauses: Vec<_> = pauses(first, longest, 6).collect();
        assert_eq!(pauses.len(), 5);
        for (pause, most) in pauses.iter().zip([10, 20, 40, 50, 50]) {
            let most = Duration::from_millis(most);
            assert!(
                (most / 2..=most).contains(pause),
                "{pauses:?} has {pause:?} where {most:?} is the most"
            );
        }
        assert_eq!(endless_pauses(first, longest).take(1000).count(), 1000);
    }
}
