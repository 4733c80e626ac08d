//! The durable queue of the input bucket's events.

use crate::{
    dead_letters::{self, DeadLetters},
    lane::Lane,
    store::{Store, StoreError},
};
use std::{io, sync::Arc, time::Duration};
use time::OffsetDateTime;

/// How often to look for messages that another process added (`sightline redrive`).
const POLL_INTERVAL: Duration = Duration::from_secs(1);

/// A received message. It becomes visible again when its visibility timeout ends, unless it was deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same every time the message is received.
    pub id: String,
    /// Identifies this receive, for [`Queue::delete`], [`Queue::fail`] and [`Queue::change_visibility`].
    pub receipt: String,
    /// The S3 event as JSON, `{"Records":[...]}`, exactly as S3 sends it.
    pub body: String,
    /// How often the message was received, including this time.
    pub receive_count: u32,
    /// When the event was queued.
    pub first_sent_at: OffsetDateTime,
}

/// The number of messages by state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Depth {
    /// Waiting to be received, including those that wait for a retry.
    pub visible: u64,
    /// Received and neither deleted nor timed out.
    pub in_flight: u64,
    /// In the dead-letter folder.
    pub dead_letters: u64,
}

/// Why a queue operation failed.
#[derive(Debug, thiserror::Error)]
pub enum QueueError {
    /// The server is shutting down; nothing is lost.
    #[error("the queue is closed because the server is shutting down")]
    Closed,
    /// The database failed.
    #[error("the queue failed: {0}")]
    Store(String),
    /// The dead-letter folder could not be written or read.
    #[error("the dead-letter folder failed: {0}")]
    DeadLetters(#[from] io::Error),
}

impl From<StoreError> for QueueError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Closed => Self::Closed,
            other => Self::Store(other.to_string()),
        }
    }
}

/// A queue with the semantics of SQS in the store's database: at least once, in no guaranteed order. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Queue {
    store: Store,
    lane: Lane,
    dead_letters: DeadLetters,
    max_receive_count: u32,
}

impl Queue {
    pub(crate) fn new(store: Store, dead_letters: DeadLetters, max_receive_count: u32) -> Self {
        Self {
            store,
            lane: Lane::Uploads,
            dead_letters,
            max_receive_count: max_receive_count.max(1),
        }
    }

    /// The queue of another lane.
    pub(crate) fn lane(self, lane: Lane) -> Self {
        Self { lane, ..self }
    }

    /// Receives up to `max` messages (at least one) and hides them for `visibility`. Waits until there is one. A message
    /// that was received for the last time and timed out becomes a dead letter instead.
    ///
    /// # Errors
    /// [`QueueError::Closed`] once the server shuts down; otherwise if the database or the dead-letter folder fails.
    pub async fn receive(
        &self,
        max: usize,
        visibility: Duration,
    ) -> Result<Vec<Message>, QueueError> {
        loop {
            let notified = self.store.message_notification();
            tokio::pin!(notified);
            // From here on no new message is missed.
            notified.as_mut().enable();
            // On a full disk no message can be processed, and none should lose its attempts.
            self.store.space().make_room();
            if self.store.space().is_full() {
                self.store.require_open()?;
                let _ = tokio::time::timeout(POLL_INTERVAL, notified).await;
                continue;
            }
            let wait = match self.store.until_visible(self.lane).await? {
                Some(Duration::ZERO) => {
                    let (received, dead) = self
                        .store
                        .receive(self.lane, max.max(1), visibility, self.max_receive_count)
                        .await?;
                    if dead > 0 {
                        self.move_dead_letters().await?;
                    }
                    if !received.is_empty() {
                        return Ok(received
                            .into_iter()
                            .map(|message| Message {
                                id: message.id,
                                receipt: message.receipt,
                                body: message.body,
                                receive_count: message.receive_count,
                                first_sent_at: message.sent_at,
                            })
                            .collect());
                    }
                    Duration::ZERO
                }
                Some(wait) => wait.min(POLL_INTERVAL),
                None => POLL_INTERVAL,
            };
            // After a timeout, too, the next iteration checks again.
            let _ = tokio::time::timeout(wait, notified).await;
        }
    }

    /// Deletes a message. Does nothing if the receipt is no longer valid.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        Ok(self.store.delete_message(receipt).await?)
    }

    /// Records why a message was not processed. As in SQS, it becomes visible again when its visibility timeout ends, and
    /// after its last receive it then becomes a dead letter. Does nothing if the receipt is no longer valid.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn fail(&self, receipt: &str, reason: &str) -> Result<(), QueueError> {
        Ok(self.store.fail_message(receipt, reason).await?)
    }

    /// Makes a received message visible again after `visibility`, counted from now. Returns whether the message was in
    /// flight.
    ///
    /// # Errors
    /// If the database fails.
    pub async fn change_visibility(
        &self,
        receipt: &str,
        visibility: Duration,
    ) -> Result<bool, QueueError> {
        let changed = self.store.change_visibility(self.lane, receipt, visibility);
        Ok(changed.await?)
    }

    /// Counts the messages of all lanes.
    ///
    /// # Errors
    /// If the database or the dead-letter folder fails.
    pub async fn depth(&self) -> Result<Depth, QueueError> {
        let (visible, in_flight, dead) = self.store.message_counts().await?;
        let letters = self.dead_letters.clone();
        let count = tokio::task::spawn_blocking(move || letters.count())
            .await
            .map_err(io::Error::other)??;
        Ok(Depth {
            visible,
            in_flight,
            dead_letters: count + dead,
        })
    }

    /// Moves dead messages from the database to the folder. Writes the file first, so that a crash duplicates a message
    /// instead of losing it. A message that cannot be written stays in the database.
    pub(crate) async fn move_dead_letters(&self) -> Result<(), QueueError> {
        for dead in self.store.dead_messages().await? {
            let dead = Arc::new(dead);
            let (letters, letter) = (self.dead_letters.clone(), Arc::clone(&dead));
            let written = tokio::task::spawn_blocking(move || letters.write(&letter))
                .await
                .map_err(io::Error::other)
                .flatten();
            if let Err(error) = written {
                // It stays in the database until the next dead letter or the next start.
                tracing::error!(
                    message_id = dead.id,
                    %error,
                    "a dead letter cannot be written to its folder; free some space or make the folder writable"
                );
                continue;
            }
            self.store.remove_dead(&dead.id).await?;
            tracing::warn!(
                message_id = dead.id,
                sent_at = dead_letters::rfc3339(dead.sent_at),
                attempts = dead.receive_count,
                reason = dead.reason.as_deref().unwrap_or_default(),
                "a message failed too often and became a dead letter"
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{events::Notifications, store::open_database};
    use std::path::Path;

    const LONG: Duration = Duration::from_secs(3600);

    fn open(dir: &Path, max_receive_count: u32) -> Queue {
        let notifications = Notifications {
            region: String::new(),
            bucket: "in".to_owned(),
            prefix: String::new(),
            events: Vec::new(),
        };
        let store = Store::open(dir, notifications, false).unwrap();
        Queue::new(store, DeadLetters::open(dir).unwrap(), max_receive_count)
    }

    /// Queues a message as another process does.
    fn send(dir: &Path, id: &str) {
        let connection = open_database(&dir.join(crate::store::DATABASE)).unwrap();
        crate::store::requeue(
            &connection,
            id,
            Lane::Uploads,
            r#"{"Records":[]}"#,
            OffsetDateTime::now_utc(),
        )
        .unwrap();
    }

    async fn receive_one(queue: &Queue, visibility: Duration) -> Message {
        queue.receive(1, visibility).await.unwrap().remove(0)
    }

    #[tokio::test]
    async fn a_message_is_received_once_and_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path(), 5);
        send(dir.path(), "one");
        send(dir.path(), "two");
        let received = queue.receive(10, LONG).await.unwrap();
        assert_eq!(
            received
                .iter()
                .map(|message| message.id.as_str())
                .collect::<Vec<_>>(),
            ["one", "two"]
        );
        assert_eq!(
            queue.depth().await.unwrap(),
            Depth {
                visible: 0,
                in_flight: 2,
                dead_letters: 0
            }
        );
        for message in &received {
            assert_eq!(
                (message.receive_count, message.body.as_str()),
                (1, r#"{"Records":[]}"#)
            );
            queue.delete(&message.receipt).await.unwrap();
        }
        assert_eq!(
            queue.depth().await.unwrap(),
            Depth {
                visible: 0,
                in_flight: 0,
                dead_letters: 0
            }
        );
    }

    #[tokio::test]
    async fn a_message_that_is_not_deleted_becomes_visible_and_its_old_receipt_is_invalid() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path(), 5);
        send(dir.path(), "one");
        let first = receive_one(&queue, Duration::from_millis(1)).await;
        let second = receive_one(&queue, LONG).await;
        assert_eq!((second.id.as_str(), second.receive_count), ("one", 2));
        queue.delete(&first.receipt).await.unwrap();
        assert_eq!(queue.depth().await.unwrap().in_flight, 1);
    }

    /// Fails a message that is received again after `visibility`.
    async fn fail(queue: &Queue, message: &Message, visibility: Duration) {
        let changed = queue.change_visibility(&message.receipt, visibility).await;
        assert!(changed.unwrap());
        queue.fail(&message.receipt, "throttled").await.unwrap();
    }

    /// Receives, which moves dead letters, until `done`. Nothing is delivered.
    async fn receive_until(queue: &Queue, done: impl AsyncFn() -> bool) {
        let receiving = tokio::spawn({
            let queue = queue.clone();
            async move { queue.receive(1, LONG).await }
        });
        while !done().await {
            assert!(!receiving.is_finished());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        receiving.abort();
    }

    /// The number of files in the dead-letter folder.
    fn letters(dir: &Path) -> usize {
        let files = std::fs::read_dir(dir.join("dead-letters")).unwrap();
        files
            .filter(|file| file.as_ref().unwrap().path().extension() == Some("json".as_ref()))
            .count()
    }

    /// Whether the queue delivers nothing for 100 milliseconds.
    async fn is_silent(queue: &Queue) -> bool {
        let nothing = queue.receive(1, LONG);
        tokio::time::timeout(Duration::from_millis(100), nothing)
            .await
            .is_err()
    }

    #[tokio::test]
    async fn a_failed_message_comes_again_only_when_its_visibility_timeout_ends() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path(), 5);
        send(dir.path(), "one");
        let message = receive_one(&queue, Duration::from_secs(2)).await;
        queue.fail(&message.receipt, "throttled").await.unwrap();
        assert!(is_silent(&queue).await);
        let second = receive_one(&queue, LONG).await;
        assert_eq!((second.id.as_str(), second.receive_count), ("one", 2));
        fail(&queue, &second, Duration::from_millis(1)).await;
        assert_eq!(receive_one(&queue, LONG).await.receive_count, 3);
        let late = queue.change_visibility(&second.receipt, LONG).await;
        assert!(!late.unwrap());
    }

    #[tokio::test]
    async fn a_failed_message_is_retried_then_dead_and_can_be_redriven() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path(), 3);
        send(dir.path(), "one");
        for attempt in 1..=3 {
            let message = receive_one(&queue, LONG).await;
            assert_eq!(message.receive_count, attempt);
            fail(&queue, &message, Duration::ZERO).await;
        }
        // Its file is written before its row is removed.
        let moved = async || {
            letters(dir.path()) == 1 && queue.store.dead_messages().await.unwrap().is_empty()
        };
        receive_until(&queue, moved).await;
        assert_eq!(
            queue.depth().await.unwrap(),
            Depth {
                visible: 0,
                in_flight: 0,
                dead_letters: 1
            }
        );
        let redriven = dead_letters::redrive(dir.path(), &[]).unwrap();
        assert_eq!(redriven.requeued, ["one"]);
        let message = receive_one(&queue, LONG).await;
        assert_eq!((message.id.as_str(), message.receive_count), ("one", 1));
        assert_eq!(
            queue.depth().await.unwrap(),
            Depth {
                visible: 0,
                in_flight: 1,
                dead_letters: 0
            }
        );
    }

    #[tokio::test]
    async fn a_message_that_only_times_out_becomes_a_dead_letter() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path(), 2);
        send(dir.path(), "poison");
        for _ in 0..2 {
            receive_one(&queue, Duration::ZERO).await;
        }
        send(dir.path(), "healthy");
        assert_eq!(receive_one(&queue, LONG).await.id, "healthy");
        assert!(is_silent(&queue).await);
        assert_eq!(queue.depth().await.unwrap().dead_letters, 1);
    }

    #[tokio::test]
    async fn a_folder_that_cannot_be_written_blocks_no_message() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path(), 1);
        let folder = dir.path().join("dead-letters");
        std::fs::remove_dir(&folder).unwrap();
        std::fs::write(&folder, "in the way").unwrap();
        let die = async |id| {
            send(dir.path(), id);
            let message = receive_one(&queue, LONG).await;
            assert_eq!(message.id, id);
            fail(&queue, &message, Duration::ZERO).await;
        };
        die("one").await;
        let is_dead = async || queue.store.dead_messages().await.unwrap().len() == 1;
        receive_until(&queue, is_dead).await;
        std::fs::remove_file(&folder).unwrap();
        std::fs::create_dir(&folder).unwrap();
        die("two").await;
        receive_until(&queue, async || letters(dir.path()) == 2).await;
        let mut requeued = dead_letters::redrive(dir.path(), &[]).unwrap().requeued;
        requeued.sort();
        assert_eq!(requeued, ["one", "two"]);
    }

    #[tokio::test]
    async fn a_backlog_in_one_lane_holds_up_nothing_in_another() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path(), 5);
        let bulk = queue.clone().lane(Lane::Bulk);
        let old = (0..1000).map(|number| format!("old {number}")).collect();
        queue.store.send(Lane::Bulk, old).await.unwrap();
        let nothing = queue.receive(1, LONG);
        let waited = tokio::time::timeout(Duration::from_millis(20), nothing).await;
        assert!(waited.is_err(), "{waited:?}");
        send(dir.path(), "new");
        assert_eq!(receive_one(&queue, LONG).await.id, "new");
        assert_eq!(receive_one(&bulk, LONG).await.body, "old 0");
        let counts = |lane| queue.store.lane_counts(lane);
        assert_eq!(counts(Lane::Uploads).await.unwrap(), [0, 1]);
        assert_eq!(counts(Lane::Bulk).await.unwrap(), [999, 1]);
    }

    #[tokio::test]
    async fn what_was_in_flight_is_visible_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path(), 5);
        send(dir.path(), "one");
        let before = receive_one(&queue, LONG).await;
        // As after a kill: nothing is closed in order.
        drop(queue);
        let queue = open(dir.path(), 5);
        let after = receive_one(&queue, LONG).await;
        assert_eq!((after.id, after.receive_count), (before.id, 1));
    }

    #[tokio::test]
    async fn a_receiver_gets_a_message_from_another_process() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path(), 5);
        let waiting = tokio::spawn({
            let queue = queue.clone();
            async move { receive_one(&queue, LONG).await }
        });
        tokio::task::yield_now().await;
        send(dir.path(), "one");
        assert_eq!(waiting.await.unwrap().id, "one");
    }

    #[tokio::test]
    async fn a_waiting_receiver_fails_when_the_store_closes() {
        let dir = tempfile::tempdir().unwrap();
        let queue = open(dir.path(), 5);
        let waiting = tokio::spawn({
            let queue = queue.clone();
            async move { queue.receive(1, LONG).await }
        });
        tokio::task::yield_now().await;
        queue.store.close().await;
        assert!(matches!(waiting.await.unwrap(), Err(QueueError::Closed)));
    }
}
