//! How the time of an invocation is divided.

use std::time::Duration;

use time::OffsetDateTime;
use tokio::time::Instant;

/// The moments after which no further step begins or is waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// No image is begun after this, and the recogniser is not called for one that is not prepared by then.
    pub(crate) begin: Instant,
    /// No answer is waited for after this.
    pub(crate) answer: Instant,
    /// No document is waited for after this: the time that is left saves the answers for the next attempt.
    pub(crate) document: Instant,
    /// Nothing is written after this.
    pub(crate) write: Instant,
    /// The end of the invocation, by the clock.
    pub(crate) end: OffsetDateTime,
}

impl Deadlines {
    /// The deadlines of an invocation with this much time left. A tenth of it, 3 seconds at most, is
    /// reserved for writing; an image needs a quarter, 10 seconds at most, to be begun.
    pub(crate) fn new(now: OffsetDateTime, left: Duration) -> Self {
        let end = Instant::now() + left;
        let writing = (left / 10).min(Duration::from_secs(3));
        Self {
            begin: end - (left / 4).min(Duration::from_secs(10)),
            answer: end - writing,
            document: end - writing / 2,
            write: end - writing / 6,
            end: now + left,
        }
    }
}
