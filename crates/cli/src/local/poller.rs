//! Polls the queue of new objects for the processor, as an event source mapping does for a Lambda function.
//!
//! Messages are received in batches. Those that the handler processed are deleted. Those that failed come again when their
//! visibility time-out ends, which the handler may have shortened. Batches run concurrently, within the limits of the
//! queue's lane ([`Concurrency`]).

use std::{
    future::Future,
    num::NonZeroUsize,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use sightline_local_aws::{Message, Queue, QueueError};
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
};

use super::batch::{self, EventSource, Handler};

/// The number of messages in an event: the default of an event source mapping (AWS Lambda Developer Guide, "Using Lambda
/// with Amazon SQS").
const MAX_BATCH: usize = 10;
/// When the queue delivers messages again that were not deleted. Longer than [`batch::TIME_LIMIT`]. A
/// restart does not wait for it, because an opened queue delivers everything again.
const VISIBILITY_TIMEOUT: Duration = Duration::from_secs(20 * 60);
/// The pause after the queue fails.
const PAUSE_AFTER_ERROR: Duration = Duration::from_secs(1);

/// A call of [`MessageQueue::receive`].
type Receive = Pin<Box<dyn Future<Output = Result<Vec<Message>, QueueError>> + Send>>;

/// The queue, as the poller needs it.
pub(super) trait MessageQueue: Clone + Send + Sync + 'static {
    /// See [`Queue::receive`].
    fn receive(
        &self,
        max: usize,
        visibility: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, QueueError>> + Send;
    /// See [`Queue::delete`].
    fn delete(&self, receipt: &str) -> impl Future<Output = Result<(), QueueError>> + Send;
    /// See [`Queue::fail`].
    fn fail(
        &self,
        receipt: &str,
        reason: &str,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}

impl MessageQueue for Queue {
    async fn receive(&self, max: usize, visibility: Duration) -> Result<Vec<Message>, QueueError> {
        Self::receive(self, max, visibility).await
    }

    async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
        Self::delete(self, receipt).await
    }

    async fn fail(&self, receipt: &str, reason: &str) -> Result<(), QueueError> {
        Self::fail(self, receipt, reason).await
    }
}

/// How much of a queue is processed at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Concurrency {
    /// The number of messages in a batch.
    max_batch: usize,
    /// The number of batches.
    max_batches: usize,
}

impl Concurrency {
    /// For uploads, which people wait for: a batch per core.
    pub(super) fn uploads() -> Self {
        Self {
            max_batch: MAX_BATCH,
            max_batches: cores().max(2),
        }
    }

    /// For a backfill: one picture for every two cores, so that an upload never waits for more.
    pub(super) fn bulk() -> Self {
        Self {
            max_batch: 1,
            max_batches: (cores() / 2).max(1),
        }
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// Polls until `stop` becomes true, then finishes the batches in progress.
pub(super) async fn run<Q: MessageQueue, H: Handler>(
    queue: Q,
    Concurrency {
        max_batch,
        max_batches,
    }: Concurrency,
    handler: Arc<H>,
    source: EventSource,
    mut stop: watch::Receiver<bool>,
) {
    let mut batches = JoinSet::new();
    let mut stopped = pin!(async move {
        // A dropped sender stops the poller, too.
        let _ = stop.wait_for(|stop| *stop).await;
    });
    // Never dropped before it completes, because it may have taken messages already.
    let mut receive: Option<Receive> = None;
    loop {
        if receive.is_none() && batches.len() < max_batches {
            let queue = queue.clone();
            receive = Some(Box::pin(async move {
                queue.receive(max_batch, VISIBILITY_TIMEOUT).await
            }));
        }
        let received = tokio::select! {
            () = &mut stopped => break,
            Some(joined) = batches.join_next() => {
                log_panic(joined);
                continue;
            }
            received = async {
                match receive.as_mut() {
                    Some(receive) => receive.await,
                    None => std::future::pending().await,
                }
            } => received,
        };
        receive = None;
        match received {
            Ok(batch) => {
                batches.spawn(process(
                    queue.clone(),
                    Arc::clone(&handler),
                    source.clone(),
                    batch,
                ));
            }
            Err(QueueError::Closed) => break,
            Err(error) => {
                tracing::error!(%error, "cannot receive messages");
                tokio::time::sleep(PAUSE_AFTER_ERROR).await;
            }
        }
    }
    while let Some(joined) = batches.join_next().await {
        log_panic(joined);
    }
}

/// Handles a batch, then deletes its messages or records why they failed.
async fn process<Q: MessageQueue, H: Handler>(
    queue: Q,
    handler: Arc<H>,
    source: EventSource,
    batch: Vec<Message>,
) {
    let failures = batch::handle(handler, &source, &batch).await;
    for message in &batch {
        let result = match failures.reason(&message.id) {
            None => queue.delete(&message.receipt).await,
            Some(reason) => queue.fail(&message.receipt, reason).await,
        };
        if let Err(error) = result {
            tracing::error!(message_id = message.id, %error, "cannot delete a message or record its failure; the queue will deliver it again");
        }
    }
}

/// A batch handles its own errors, so only a panic is left.
fn log_panic(joined: Result<(), JoinError>) {
    if let Err(error) = joined {
        tracing::error!(%error, "a batch panicked; the queue will deliver its messages again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local::batch::{
        FailureReasons,
        fixtures::{message, source},
    };
    use serde_json::{Value, json};
    use std::{
        collections::VecDeque,
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
        },
    };
    use tokio::sync::{Notify, Semaphore};

    /// A queue in memory that records what happens to its messages.
    #[derive(Clone, Default)]
    struct MemoryQueue(Arc<Inner>);

    #[derive(Default)]
    struct Inner {
        waiting: Mutex<VecDeque<Message>>,
        errors: Mutex<VecDeque<QueueError>>,
        deleted: Mutex<Vec<String>>,
        returned: Mutex<Vec<(String, String)>>,
        settled: Notify,
        arrived: Notify,
    }

    impl MemoryQueue {
        fn with(ids: impl IntoIterator<Item = usize>) -> Self {
            let queue = Self::default();
            queue.send(ids);
            queue
        }

        fn send(&self, ids: impl IntoIterator<Item = usize>) {
            self.0
                .waiting
                .lock()
                .unwrap()
                .extend(ids.into_iter().map(|id| message(&id.to_string())));
            self.0.arrived.notify_one();
        }

        fn deleted(&self) -> Vec<String> {
            let mut deleted = self.0.deleted.lock().unwrap().clone();
            deleted.sort();
            deleted
        }

        fn returned(&self) -> Vec<(String, String)> {
            let mut returned = self.0.returned.lock().unwrap().clone();
            returned.sort();
            returned
        }

        /// Waits until this number of messages is deleted or returned.
        async fn until_settled(&self, count: usize) {
            loop {
                let settled = self.0.settled.notified();
                if self.0.deleted.lock().unwrap().len() + self.0.returned.lock().unwrap().len()
                    >= count
                {
                    return;
                }
                settled.await;
            }
        }
    }

    impl MessageQueue for MemoryQueue {
        async fn receive(&self, max: usize, _: Duration) -> Result<Vec<Message>, QueueError> {
            loop {
                if let Some(error) = self.0.errors.lock().unwrap().pop_front() {
                    return Err(error);
                }
                let batch: Vec<Message> = {
                    let mut waiting = self.0.waiting.lock().unwrap();
                    let count = max.min(waiting.len());
                    waiting.drain(..count).collect()
                };
                if !batch.is_empty() {
                    return Ok(batch);
                }
                self.0.arrived.notified().await;
            }
        }

        async fn delete(&self, receipt: &str) -> Result<(), QueueError> {
            self.0.deleted.lock().unwrap().push(receipt.to_owned());
            self.0.settled.notify_waiters();
            Ok(())
        }

        async fn fail(&self, receipt: &str, reason: &str) -> Result<(), QueueError> {
            self.0
                .returned
                .lock()
                .unwrap()
                .push((receipt.to_owned(), reason.to_owned()));
            self.0.settled.notify_waiters();
            Ok(())
        }
    }

    struct HandlerFn<F>(F);

    impl<
        F: Fn(Value) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Value, String>> + Send,
    > Handler for HandlerFn<F>
    {
        async fn handle(&self, event: Value) -> Result<(Value, FailureReasons), String> {
            let response = (self.0)(event).await?;
            let reasons = FailureReasons::from([("1".to_owned(), "another worker".to_owned())]);
            Ok((response, reasons))
        }
    }

    /// Polls until this number of messages is deleted or returned.
    async fn poll<H: Handler>(queue: &MemoryQueue, count: usize, handler: H) {
        let (stop, stopped) = watch::channel(false);
        let poller = tokio::spawn(run(
            queue.clone(),
            Concurrency::uploads(),
            Arc::new(handler),
            source(),
            stopped,
        ));
        queue.until_settled(count).await;
        stop.send(true).unwrap();
        poller.await.unwrap();
    }

    fn receipts(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| format!("receipt {id}")).collect()
    }

    #[tokio::test]
    async fn processed_messages_are_deleted_in_batches_of_ten() {
        let queue = MemoryQueue::with(0..25);
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&sizes);
        poll(
            &queue,
            25,
            HandlerFn(move |event: Value| {
                seen.lock()
                    .unwrap()
                    .push(event["Records"].as_array().unwrap().len());
                async { Ok(json!({"batchItemFailures": []})) }
            }),
        )
        .await;
        assert_eq!(queue.deleted().len(), 25);
        assert_eq!(queue.returned(), []);
        let mut sizes = sizes.lock().unwrap().clone();
        sizes.sort_unstable();
        assert_eq!(sizes, [5, 10, 10]);
    }

    #[tokio::test]
    async fn only_failed_messages_are_returned() {
        let queue = MemoryQueue::with(0..3);
        poll(
            &queue,
            3,
            HandlerFn(|_| async { Ok(json!({"batchItemFailures": [{"itemIdentifier": "1"}]})) }),
        )
        .await;
        assert_eq!(queue.deleted(), receipts(&["0", "2"]));
        assert_eq!(
            queue.returned(),
            [("receipt 1".to_owned(), "another worker".to_owned())]
        );
    }

    #[tokio::test]
    async fn when_the_handler_fails_or_panics_all_messages_are_returned() {
        let queue = MemoryQueue::with(0..2);
        poll(
            &queue,
            2,
            HandlerFn(|_| async { Err("the disk is full".to_owned()) }),
        )
        .await;
        let reason = "the disk is full".to_owned();
        assert_eq!(
            queue.returned(),
            [
                ("receipt 0".to_owned(), reason.clone()),
                ("receipt 1".to_owned(), reason)
            ]
        );

        let queue = MemoryQueue::with(0..1);
        let panicking = |event: Value| async move {
            if event.is_object() {
                panic!("a bug")
            } else {
                Ok(event)
            }
        };
        poll(&queue, 1, HandlerFn(panicking)).await;
        assert!(queue.returned()[0].1.starts_with("the processor panicked"));
        assert_eq!(queue.deleted(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn batches_run_concurrently() {
        let queue = MemoryQueue::with(0..20);
        let together = Arc::new(tokio::sync::Barrier::new(2));
        // Each of the two batches waits for the other.
        poll(
            &queue,
            20,
            HandlerFn(move |_| {
                let together = Arc::clone(&together);
                async move {
                    together.wait().await;
                    Ok(Value::Null)
                }
            }),
        )
        .await;
        assert_eq!(queue.deleted().len(), 20);
    }

    #[tokio::test]
    async fn when_stopped_the_poller_finishes_its_batches_and_receives_no_more() {
        let queue = MemoryQueue::with(0..1);
        let (begun, go) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
        let handled = Arc::new(AtomicUsize::new(0));
        let handler = HandlerFn({
            let (begun, go, handled) = (Arc::clone(&begun), Arc::clone(&go), Arc::clone(&handled));
            move |_| {
                let (begun, go, handled) =
                    (Arc::clone(&begun), Arc::clone(&go), Arc::clone(&handled));
                async move {
                    begun.notify_one();
                    let _ = go.acquire().await;
                    handled.fetch_add(1, Ordering::SeqCst);
                    Ok(Value::Null)
                }
            }
        });
        let (stop, stopped) = watch::channel(false);
        let poller = tokio::spawn(run(
            queue.clone(),
            Concurrency::uploads(),
            Arc::new(handler),
            source(),
            stopped,
        ));
        begun.notified().await;
        stop.send(true).unwrap();
        tokio::task::yield_now().await;
        queue.send(1..2);
        go.add_permits(10);
        poller.await.unwrap();
        assert_eq!(handled.load(Ordering::SeqCst), 1);
        assert_eq!(queue.deleted(), receipts(&["0"]));
    }

    #[tokio::test]
    async fn a_failed_queue_is_polled_again_and_a_closed_one_is_not() {
        let queue = MemoryQueue::with(0..1);
        queue
            .0
            .errors
            .lock()
            .unwrap()
            .push_back(QueueError::Store("busy".to_owned()));
        poll(&queue, 1, HandlerFn(|_| async { Ok(Value::Null) })).await;
        assert_eq!(queue.deleted(), receipts(&["0"]));

        queue.0.errors.lock().unwrap().push_back(QueueError::Closed);
        let (_stop, stopped) = watch::channel(false);
        run(
            queue.clone(),
            Concurrency::uploads(),
            Arc::new(HandlerFn(|_| async { Ok(Value::Null) })),
            source(),
            stopped,
        )
        .await;
    }
}
