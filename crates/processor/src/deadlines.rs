//! The deadlines of an invocation.

use std::time::Duration;

use tokio::time::Instant;

/// The times after which steps of the work are not begun, or not waited for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadlines {
    /// For beginning an image, and for preparing it. The recogniser is not called for an image that is not prepared by
    /// then.
    pub(crate) begin: Instant,
    /// For the recogniser's answers.
    pub(crate) answer: Instant,
    /// For writing the document. The remaining time is for saving the answers for the next attempt.
    pub(crate) document: Instant,
    /// For all writes.
    pub(crate) write: Instant,
    /// For setting the pauses of the messages that have to come again.
    pub(crate) hide: Instant,
    /// The end of the invocation.
    pub(crate) end: Instant,
}

impl Deadlines {
    /// The deadlines of an invocation with this much time left. A tenth of it, at most 3 seconds, is
    /// reserved for writing. An image is begun only while a quarter of it, at most 10 seconds, is left.
    pub(crate) fn new(left: Duration) -> Self {
        let end = Instant::now() + left;
        let writing = (left / 10).min(Duration::from_secs(3));
        Self {
            begin: end - (left / 4).min(Duration::from_secs(10)),
            answer: end - writing,
            document: end - writing / 2,
            write: end - writing / 3,
            hide: end - writing / 12,
            end,
        }
    }
}
