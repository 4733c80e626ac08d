//! The pump: between the bucket's queue and the processor, what the event source mapping is between SQS and Lambda.
//!
//! It takes messages in batches, hands each batch to the handler as the event that Lambda would get, deletes what
//! was done, and gives back what the answer names (or, when there is no answer, the whole batch). Batches run side
//! by side, one per core.

use serde_json::{Value, json};
use sightline_local_aws::{Message, Queue, QueueError};
use std::{
    collections::BTreeMap,
    future::Future,
    num::NonZeroUsize,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};
use time::OffsetDateTime;
use tokio::{sync::watch, task::JoinSet};

/// Messages in one event, as an event source mapping has them by default (AWS Lambda Developer Guide, "Using Lambda
/// with Amazon SQS").
const BATCH: usize = 10;
/// How long the handler may take, as long as a Lambda function at most.
pub(super) const TIME_LIMIT: Duration = Duration::from_secs(15 * 60);
/// When the messages of a batch that was not settled are handed out again. A crash does not wait for it: the queue
/// hands out everything when it is opened.
const VISIBILITY: Duration = Duration::from_secs(20 * 60);
/// The pause after the queue itself failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Messages on their way.
type Reception = Pin<Box<dyn Future<Output = Result<Vec<Message>, QueueError>> + Send>>;

/// Where messages come from.
pub(super) trait Messages: Clone + Send + Sync + 'static {
    /// See [`Queue::receive`].
    fn receive(
        &self,
        max: usize,
        visibility: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, QueueError>> + Send;
    /// See [`Queue::delete`].
    fn delete(&self, receipt: &str) -> impl Future<Output = Result<(), QueueError>> + Send;
    /// See [`Queue::retry_later`].
    fn retry_later(
        &self,
        receipt: &str,
        reason: &str,
    ) -> impl Future<Output = Result<(), QueueError>> + Send;
}

impl Messages for Queue {
    fn receive(
        &self,
        max: usize,
        visibility: Duration,
    ) -> impl Future<Output = Result<Vec<Message>, QueueError>> + Send {
        Self::receive(self, max, visibility)
    }

    fn delete(&self, receipt: &str) -> impl Future<Output = Result<(), QueueError>> + Send {
        Self::delete(self, receipt)
    }

    fn retry_later(
        &self,
        receipt: &str,
        reason: &str,
    ) -> impl Future<Output = Result<(), QueueError>> + Send {
        Self::retry_later(self, receipt, reason)
    }
}

/// Why messages have to come again, by their ids.
pub(super) type Reasons = BTreeMap<String, String>;

/// Who works on events; its answer is that of a Lambda function, with reasons that Lambda has no place for.
pub(super) trait Handler: Send + Sync + 'static {
    /// Works on one event.
    fn handle(&self, event: Value)
    -> impl Future<Output = Result<(Value, Reasons), String>> + Send;
}

/// How the events name their queue.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) region: String,
    pub(super) arn: String,
}

/// Pumps until `stop` becomes true and what is in hand by then is done.
pub(super) async fn run<M: Messages, H: Handler>(
    messages: M,
    handler: Arc<H>,
    source: Source,
    mut stop: watch::Receiver<bool>,
) {
    let lanes = std::thread::available_parallelism()
        .map_or(1, NonZeroUsize::get)
        .max(2);
    let mut batches = JoinSet::new();
    let mut stopped = pin!(async move {
        // A sender that is gone says the same.
        let _ = stop.wait_for(|stop| *stop).await;
    });
    // A reception that has begun is waited for, not begun anew: it may have taken messages already.
    let mut reception: Option<Reception> = None;
    loop {
        if reception.is_none() && batches.len() < lanes {
            let messages = messages.clone();
            reception = Some(Box::pin(async move {
                messages.receive(BATCH, VISIBILITY).await
            }));
        }
        let received = tokio::select! {
            () = &mut stopped => break,
            Some(done) = batches.join_next() => {
                settled(done);
                continue;
            }
            received = async {
                match reception.as_mut() {
                    Some(reception) => reception.await,
                    None => std::future::pending().await,
                }
            } => received,
        };
        reception = None;
        match received {
            Ok(batch) => {
                batches.spawn(work(
                    messages.clone(),
                    Arc::clone(&handler),
                    source.clone(),
                    batch,
                ));
            }
            Err(QueueError::Closed) => break,
            Err(error) => {
                tracing::error!(%error, "no message can be received");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
    while let Some(done) = batches.join_next().await {
        settled(done);
    }
}

/// A batch looks after its own faults; what is left is a panic in here.
fn settled(done: Result<(), tokio::task::JoinError>) {
    if let Err(error) = done {
        tracing::error!(%error, "a batch was not settled; its messages come back by themselves");
    }
}

/// Has one batch worked on and settles each of its messages.
async fn work<M: Messages, H: Handler>(
    messages: M,
    handler: Arc<H>,
    source: Source,
    batch: Vec<Message>,
) {
    let event = event(&batch, &source);
    // In a task of its own, so that a panic of the handler is an answer like another.
    let answer = tokio::spawn(async move { handler.handle(event).await }).await;
    let failed = match answer {
        Ok(Ok((answer, reasons))) => failures(&answer, reasons, &batch),
        Ok(Err(reason)) => Failed::All(reason),
        Err(error) => Failed::All(format!("the processor panicked: {error}")),
    };
    for message in &batch {
        let outcome = match failed.reason(&message.id) {
            None => messages.delete(&message.receipt).await,
            Some(reason) => messages.retry_later(&message.receipt, reason).await,
        };
        if let Err(error) = outcome {
            tracing::error!(message_id = message.id, %error, "a message was not settled; it comes back by itself");
        }
    }
}

/// What of a batch failed.
#[derive(Debug, PartialEq, Eq)]
enum Failed {
    /// These messages, each for its reason.
    Some(Reasons),
    /// Every message.
    All(String),
}

impl Failed {
    fn reason(&self, id: &str) -> Option<&str> {
        match self {
            Self::All(reason) => Some(reason),
            Self::Some(reasons) => reasons.get(id).map(String::as_str),
        }
    }
}

/// Reads a partial batch answer by Lambda's rules: no list means that all is done; an entry without an identifier,
/// or with one that is not in the batch, means that nothing is (AWS Lambda Developer Guide, "Implementing partial
/// batch responses").
fn failures(answer: &Value, mut reasons: Reasons, batch: &[Message]) -> Failed {
    let list = match answer.get("batchItemFailures") {
        None | Some(Value::Null) => return Failed::Some(Reasons::new()),
        Some(Value::Array(list)) => list,
        Some(_) => return Failed::All("the processor's answer has no list of failures".to_owned()),
    };
    let mut failed = Reasons::new();
    for entry in list {
        match entry.get("itemIdentifier").and_then(Value::as_str) {
            Some(id) if batch.iter().any(|message| message.id == id) => {
                let reason = reasons.remove(id).unwrap_or_else(|| {
                    "the processor gave it back to be tried again; its log says why".to_owned()
                });
                failed.insert(id.to_owned(), reason)
            }
            _ => {
                return Failed::All(
                    "the processor's answer names a message that it was not given".to_owned(),
                );
            }
        };
    }
    Failed::Some(failed)
}

/// The event that Lambda gives to a function behind SQS (AWS Lambda Developer Guide, "Example Amazon SQS message
/// event").
fn event(batch: &[Message], source: &Source) -> Value {
    let records: Vec<Value> = batch
        .iter()
        .map(|message| {
            json!({
                "messageId": message.id,
                "receiptHandle": message.receipt,
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": message.receive_count.to_string(),
                    "SentTimestamp": milliseconds(message.first_sent_at).to_string(),
                },
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": source.arn,
                "awsRegion": source.region,
            })
        })
        .collect();
    json!({ "Records": records })
}

/// Milliseconds since 1970, as SQS counts time.
fn milliseconds(time: OffsetDateTime) -> i128 {
    time.unix_timestamp_nanos() / 1_000_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        collections::VecDeque,
        sync::{
            Mutex,
            atomic::{AtomicUsize, Ordering},
        },
    };
    use time::macros::datetime;
    use tokio::sync::{Notify, Semaphore};

    /// A queue in memory: what was sent, and what became of it.
    #[derive(Clone, Default)]
    struct Memory(Arc<Inner>);

    #[derive(Default)]
    struct Inner {
        waiting: Mutex<VecDeque<Message>>,
        faults: Mutex<VecDeque<QueueError>>,
        deleted: Mutex<Vec<String>>,
        given_back: Mutex<Vec<(String, String)>>,
        settled: Notify,
        arrived: Notify,
    }

    impl Memory {
        fn with(ids: impl IntoIterator<Item = usize>) -> Self {
            let memory = Self::default();
            memory.send(ids);
            memory
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

        fn given_back(&self) -> Vec<(String, String)> {
            let mut given_back = self.0.given_back.lock().unwrap().clone();
            given_back.sort();
            given_back
        }

        /// Waits until so many messages are settled one way or the other.
        async fn until_settled(&self, count: usize) {
            loop {
                let settled = self.0.settled.notified();
                if self.0.deleted.lock().unwrap().len() + self.0.given_back.lock().unwrap().len()
                    >= count
                {
                    return;
                }
                settled.await;
            }
        }
    }

    impl Messages for Memory {
        async fn receive(&self, max: usize, _: Duration) -> Result<Vec<Message>, QueueError> {
            loop {
                if let Some(fault) = self.0.faults.lock().unwrap().pop_front() {
                    return Err(fault);
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

        async fn retry_later(&self, receipt: &str, reason: &str) -> Result<(), QueueError> {
            self.0
                .given_back
                .lock()
                .unwrap()
                .push((receipt.to_owned(), reason.to_owned()));
            self.0.settled.notify_waiters();
            Ok(())
        }
    }

    fn message(id: &str) -> Message {
        Message {
            id: id.to_owned(),
            receipt: format!("receipt {id}"),
            body: r#"{"Records":[]}"#.to_owned(),
            receive_count: 2,
            first_sent_at: datetime!(2026-01-02 03:04:05.678 UTC),
        }
    }

    struct Answering<F>(F);

    impl<
        F: Fn(Value) -> R + Send + Sync + 'static,
        R: Future<Output = Result<Value, String>> + Send,
    > Handler for Answering<F>
    {
        async fn handle(&self, event: Value) -> Result<(Value, Reasons), String> {
            let answer = (self.0)(event).await?;
            let reasons = Reasons::from([("1".to_owned(), "the picture is in hand".to_owned())]);
            Ok((answer, reasons))
        }
    }

    fn source() -> Source {
        Source {
            region: "us-east-1".to_owned(),
            arn: "arn:aws:sqs:us-east-1:000000000000:sightline".to_owned(),
        }
    }

    /// Pumps until so many messages are settled.
    async fn pump<H: Handler>(memory: &Memory, count: usize, handler: H) {
        let (stop, stopped) = watch::channel(false);
        let pump = tokio::spawn(run(memory.clone(), Arc::new(handler), source(), stopped));
        memory.until_settled(count).await;
        stop.send(true).unwrap();
        pump.await.unwrap();
    }

    fn receipts(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| format!("receipt {id}")).collect()
    }

    #[test]
    fn an_event_is_what_lambda_gets() {
        assert_eq!(
            event(&[message("one")], &source()),
            json!({"Records": [{
                "messageId": "one",
                "receiptHandle": "receipt one",
                "body": "{\"Records\":[]}",
                "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1767323045678"},
                "messageAttributes": {},
                "eventSource": "aws:sqs",
                "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:sightline",
                "awsRegion": "us-east-1",
            }]})
        );
    }

    #[test]
    fn an_answer_is_read_by_lambdas_rules() {
        let batch = [message("one"), message("two")];
        let none = Failed::Some(Reasons::new());
        let failures = |answer: &Value| failures(answer, Reasons::new(), &batch);
        for answer in [
            json!(null),
            json!({}),
            json!({"batchItemFailures": null}),
            json!({"batchItemFailures": []}),
        ] {
            assert_eq!(failures(&answer), none, "{answer}");
        }
        let two = failures(&json!({"batchItemFailures": [{"itemIdentifier": "two"}]}));
        assert!(two.reason("two").unwrap().contains("its log says why"));
        assert_eq!(two.reason("one"), None);
        for answer in [
            json!({"batchItemFailures": "two"}),
            json!({"batchItemFailures": [{"itemIdentifier": ""}]}),
            json!({"batchItemFailures": [{"itemIdentifier": "two"}, {"itemIdentifier": null}]}),
            json!({"batchItemFailures": [{"itemIdentifier": "three"}]}),
        ] {
            assert!(matches!(failures(&answer), Failed::All(_)), "{answer}");
        }
    }

    #[tokio::test]
    async fn what_is_done_is_deleted_in_batches_of_ten() {
        let memory = Memory::with(0..25);
        let sizes = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&sizes);
        pump(
            &memory,
            25,
            Answering(move |event: Value| {
                seen.lock()
                    .unwrap()
                    .push(event["Records"].as_array().unwrap().len());
                async { Ok(json!({"batchItemFailures": []})) }
            }),
        )
        .await;
        assert_eq!(memory.deleted().len(), 25);
        assert_eq!(memory.given_back(), []);
        let mut sizes = sizes.lock().unwrap().clone();
        sizes.sort_unstable();
        assert_eq!(sizes, [5, 10, 10]);
    }

    #[tokio::test]
    async fn only_what_failed_is_given_back() {
        let memory = Memory::with(0..3);
        pump(
            &memory,
            3,
            Answering(|_| async { Ok(json!({"batchItemFailures": [{"itemIdentifier": "1"}]})) }),
        )
        .await;
        assert_eq!(memory.deleted(), receipts(&["0", "2"]));
        assert_eq!(
            memory.given_back(),
            [("receipt 1".to_owned(), "the picture is in hand".to_owned())]
        );
    }

    #[tokio::test]
    async fn a_handler_that_fails_or_panics_gives_everything_back() {
        let memory = Memory::with(0..2);
        pump(
            &memory,
            2,
            Answering(|_| async { Err("the disk is full".to_owned()) }),
        )
        .await;
        let reason = "the disk is full".to_owned();
        assert_eq!(
            memory.given_back(),
            [
                ("receipt 0".to_owned(), reason.clone()),
                ("receipt 1".to_owned(), reason)
            ]
        );

        let memory = Memory::with(0..1);
        let panicking = |event: Value| async move {
            if event.is_object() {
                panic!("a bug")
            } else {
                Ok(event)
            }
        };
        pump(&memory, 1, Answering(panicking)).await;
        assert!(
            memory.given_back()[0]
                .1
                .starts_with("the processor panicked")
        );
        assert_eq!(memory.deleted(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn batches_run_side_by_side() {
        let memory = Memory::with(0..20);
        let together = Arc::new(tokio::sync::Barrier::new(2));
        // Each of the two batches waits for the other.
        pump(
            &memory,
            20,
            Answering(move |_| {
                let together = Arc::clone(&together);
                async move {
                    together.wait().await;
                    Ok(Value::Null)
                }
            }),
        )
        .await;
        assert_eq!(memory.deleted().len(), 20);
    }

    #[tokio::test]
    async fn when_stopped_it_finishes_what_is_in_hand_and_takes_no_more() {
        let memory = Memory::with(0..1);
        let (begun, go) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
        let handled = Arc::new(AtomicUsize::new(0));
        let handler = Answering({
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
        let pump = tokio::spawn(run(memory.clone(), Arc::new(handler), source(), stopped));
        begun.notified().await;
        stop.send(true).unwrap();
        tokio::task::yield_now().await;
        memory.send(1..2);
        go.add_permits(10);
        pump.await.unwrap();
        assert_eq!(handled.load(Ordering::SeqCst), 1);
        assert_eq!(memory.deleted(), receipts(&["0"]));
    }

    #[tokio::test]
    async fn a_queue_that_fails_is_asked_again_and_one_that_is_closed_is_not() {
        let memory = Memory::with(0..1);
        memory
            .0
            .faults
            .lock()
            .unwrap()
            .push_back(QueueError::Store("busy".to_owned()));
        pump(&memory, 1, Answering(|_| async { Ok(Value::Null) })).await;
        assert_eq!(memory.deleted(), receipts(&["0"]));

        memory
            .0
            .faults
            .lock()
            .unwrap()
            .push_back(QueueError::Closed);
        let (_stop, stopped) = watch::channel(false);
        run(
            memory.clone(),
            Arc::new(Answering(|_| async { Ok(Value::Null) })),
            source(),
            stopped,
        )
        .await;
    }
}
