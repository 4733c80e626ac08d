//! How messages of the queue are retried: the numbers of the queue on AWS, of the local queue and of the clients.
//!
//! `retries.json` beside this crate's manifest has the same numbers for the CDK app and for the pages' tests.
//! `UPDATE_GOLDEN=1 cargo test -p sightline-pipeline retries` rewrites it.

use std::{future::Future, time::Duration};

use crate::{backoff::endless_pauses, service_error::ServiceError};

/// The pause after the first failure of a message. Each further pause is twice the one before, and each is shortened at
/// random by at most half.
pub const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// The longest pause.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Every pause of a message that waits for a repair.
pub const REPAIR_PAUSE: Duration = Duration::from_secs(60);

/// The time limit of the processor for one batch.
pub const BATCH_TIME: Duration = Duration::from_secs(60);

/// The queue's visibility time-out, after which a message comes again if nothing set a pause of its own: six times the
/// function's time limit (AWS Lambda Developer Guide, "Using Lambda with Amazon SQS").
pub const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(6 * BATCH_TIME.as_secs());

/// How long a disturbance may last before the first message reaches the dead-letter queue, even if chance makes
/// every pause as short as it can be.
pub const SURVIVED: Duration = Duration::from_secs(6 * 60 * 60);

/// How often a message is received before it becomes a dead letter.
pub const MAX_RECEIVES: u32 = max_receives();

/// How long a client waits for a result: longer than any pause and the queue's visibility time-out.
pub const CLIENT_PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The longest visibility that SQS accepts (Amazon SQS API Reference, "ChangeMessageVisibility").
pub const LONGEST_VISIBILITY: Duration = Duration::from_secs(12 * 60 * 60);

const fn max_receives() -> u32 {
    let mut receives = 1;
    let mut pause = FIRST_PAUSE.as_millis();
    let mut shortest = 0;
    while shortest < SURVIVED.as_millis() {
        shortest += pause / 2;
        receives += 1;
        pause *= 2;
        if pause > LONGEST_PAUSE.as_millis() {
            pause = LONGEST_PAUSE.as_millis();
        }
    }
    receives
}

/// Why a message has to come again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setback {
    /// No delivery can succeed, because the message cannot be read.
    Unreadable,
    /// Somebody has to repair the deployment or the program first.
    Repair,
    /// It passes by itself: throttling, an outage, another worker on the same image.
    Passing,
}

/// The pause of a message that was received this often, in whole seconds as SQS takes them.
///
/// - After a passing setback the pauses grow.
/// - A message that waits for a repair has the same pause every time. It is processed within a minute of a quick repair, and
///   otherwise reaches the dead-letter queue, whose alarm calls a person, sooner than after a passing setback.
/// - An unreadable message has the first pause every time, so it is a dead letter, which a person looks at, within minutes.
#[must_use]
pub fn pause(setback: Setback, receives: u32) -> Duration {
    let (first, doublings) = match setback {
        Setback::Unreadable => (FIRST_PAUSE, 0),
        Setback::Repair => (REPAIR_PAUSE, 0),
        Setback::Passing => (FIRST_PAUSE, receives.saturating_sub(1).min(DOUBLINGS)),
    };
    let pause = endless_pauses(first, LONGEST_PAUSE)
        .nth(usize::try_from(doublings).unwrap_or_default())
        .unwrap_or(LONGEST_PAUSE);
    Duration::from_secs(pause.as_millis().div_ceil(1000).try_into().unwrap_or(1))
}

/// Doublings after which any first pause of at least a second has reached the longest.
const DOUBLINGS: u32 = LONGEST_PAUSE.as_secs().ilog2() + 1;

/// A received message and its pause.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HiddenMessage {
    /// Identifies this receive of the message.
    pub receipt: String,
    /// How long from now the message stays invisible, in whole seconds.
    pub pause: Duration,
}

/// Sets when messages come again that were received and not processed.
pub trait MessageVisibility: Send + Sync + 'static {
    /// Sets the pauses of messages of the queue with this ARN.
    ///
    /// # Errors
    /// If a pause could not be set. Others may be set nevertheless. A message without one comes again after the queue's
    /// visibility time-out.
    fn hide(
        &self,
        queue_arn: &str,
        messages: &[HiddenMessage],
    ) -> impl Future<Output = Result<(), ServiceError>> + Send;
}

/// No access to the queue. Messages come again after its visibility time-out.
#[derive(Debug, Clone, Copy)]
pub enum NoVisibility {}

impl MessageVisibility for NoVisibility {
    async fn hide(&self, _: &str, _: &[HiddenMessage]) -> Result<(), ServiceError> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shortest and longest pause of 200 tries, in seconds.
    fn spread(setback: Setback, receives: u32) -> (u64, u64) {
        let pauses = (0..200).map(|_| pause(setback, receives).as_secs());
        let pauses: Vec<_> = pauses.collect();
        (*pauses.iter().min().unwrap(), *pauses.iter().max().unwrap())
    }

    #[test]
    fn pauses_grow_from_five_seconds_to_five_minutes_with_jitter() {
        for (receives, most) in [(1, 5), (2, 10), (3, 20), (6, 160), (7, 300), (150, 300)] {
            let (shortest, longest) = spread(Setback::Passing, receives);
            assert!(
                shortest >= most / 2 && longest <= most,
                "{receives}: {shortest} to {longest}"
            );
            assert!(shortest < longest, "{receives}: no jitter");
        }
    }

    #[test]
    fn what_does_not_pass_by_itself_becomes_a_dead_letter_sooner() {
        for receives in [0, 1, MAX_RECEIVES] {
            let (shortest, longest) = spread(Setback::Repair, receives);
            assert!(shortest >= 30 && longest <= 60, "{shortest} to {longest}");
            assert!(spread(Setback::Unreadable, receives).1 <= 5);
        }
        assert!(REPAIR_PAUSE * (MAX_RECEIVES - 1) < SURVIVED);
    }

    #[test]
    fn a_disturbance_of_hours_is_survived_even_with_the_shortest_pauses() {
        let shortest = |receives: u32| {
            (1..receives)
                .map(|receive| {
                    LONGEST_PAUSE.min(FIRST_PAUSE * 2_u32.pow((receive - 1).min(10))) / 2
                })
                .sum::<Duration>()
        };
        assert!(shortest(MAX_RECEIVES) >= SURVIVED);
        assert!(shortest(MAX_RECEIVES - 1) < SURVIVED);
        // The most that SQS accepts (Amazon SQS API Reference, "SetQueueAttributes").
        const { assert!(MAX_RECEIVES <= 1000) };
    }

    #[test]
    fn clients_wait_longer_than_any_pause() {
        let longest = LONGEST_PAUSE.max(VISIBILITY_TIMEOUT);
        assert!(CLIENT_PATIENCE > longest + BATCH_TIME);
        assert!(longest < LONGEST_VISIBILITY);
    }

    #[test]
    fn retries_json_has_the_same_numbers() {
        let numbers = format!(
            "{}\n",
            serde_json::to_string_pretty(&serde_json::json!({
                "firstPauseSeconds": FIRST_PAUSE.as_secs(),
                "longestPauseSeconds": LONGEST_PAUSE.as_secs(),
                "batchSeconds": BATCH_TIME.as_secs(),
                "visibilityTimeoutSeconds": VISIBILITY_TIMEOUT.as_secs(),
                "survivedSeconds": SURVIVED.as_secs(),
                "maxReceiveCount": MAX_RECEIVES,
                "clientPatienceSeconds": CLIENT_PATIENCE.as_secs(),
            }))
            .unwrap()
        );
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/retries.json");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(path, &numbers).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            numbers,
            "rewrite retries.json with\n    UPDATE_GOLDEN=1 cargo test -p sightline-pipeline retries"
        );
    }
}
