//! The durable queue between the input bucket and whoever works on its events.

use std::time::Duration;
use time::OffsetDateTime;

/// One message in hand: it comes back when its visibility time-out ends, unless it was deleted.
#[derive(Debug, Clone)]
pub struct Message {
    /// Stays the same however often the message is handed out.
    pub id: String,
    /// Names this one handing-out; what [`Queue::delete`] and [`Queue::retry_later`] take.
    pub receipt: String,
    /// The S3 event as JSON, `{"Records":[...]}`, exactly as S3 would send it.
    pub body: String,
    /// How often the message was handed out, this time included.
    pub receive_count: u32,
    /// When the event was queued.
    pub first_sent_at: OffsetDateTime,
}

/// How many messages stand where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Waiting to be received, those that wait for a retry included.
    pub visible: u64,
    /// Received and neither deleted nor timed out.
    pub in_flight: u64,
    /// In the dead-letter folder.
    pub dead_letters: u64,
}

/// Why a queue operation failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The database refused.
    #[error("the queue's database failed: {0}")]
    Store(String),
}

/// SQS's semantics over the store's database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {}

impl Queue {
    /// Takes up to `max` messages and hides them for `visibility`; waits until there is at least one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn receive(
        &self,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Message>, QueueError> {
        let _ = (max, visibility);
        std::future::pending().await
    }

    /// Takes a message out of the queue for good; a receipt that is no longer valid changes nothing.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        let _ = receipt;
        Ok(())
    }

    /// Puts a message back, to be received again after a pause that grows with every try; after the last try
    /// it becomes a dead letter with `reason`.
    ///
    /// # Errors
    /// When the database or the dead-letter folder fails.
    pub async fn retry_later(&self, receipt: &str, reason: &str) -> Result<(), QueueError> {
        let _ = (receipt, reason);
        Ok(())
    }

    /// Counts the messages.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn depth(&self) -> Result<Depth, QueueError> {
        Ok(Depth {
            visible: 0,
            in_flight: 0,
            dead_letters: 0,
        })
    }
}
