//! AWS Lambda and SQS as a function's process sees them: the Runtime API in front of a queue. Several processes share one queue and
//! each handles a batch at a time. As in SQS, failed messages of a batch, and all messages of a failed invocation, come again when
//! their visibility time-out ends, and only `ChangeMessageVisibilityBatch` changes that. The queue has a clock of its own.

use std::{
    collections::{HashMap, VecDeque},
    fs, io,
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context as _, Result, bail};
use serde_json::{Value, json};

use crate::{
    binary,
    wire::{Request, Server, Then, answer},
};

/// Path of the Runtime API's version (AWS Lambda Developer Guide, "Using the Lambda runtime API").
const RUNTIME: &str = "/2018-06-01/runtime";

/// How the queue delivers messages.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The most messages in a batch.
    pub batch: usize,
    /// The queue's visibility time-out.
    pub visibility: Duration,
    /// The deadline of an invocation, for the function's information. Longer invocations are not stopped.
    pub timeout: Duration,
    /// The most times that a message may be received before it becomes a dead letter.
    pub max_receives: u32,
    /// The queue's clock.
    pub clock: Clock,
}

/// The clock of a queue.
#[derive(Debug, Clone)]
pub enum Clock {
    /// A second of the queue lasts this long.
    Running(Instant, Duration),
    /// The clock stands while a function works, and jumps to the next message when none does.
    Jumping(Arc<Mutex<Duration>>),
}

impl Clock {
    /// A clock that runs, with seconds of this length.
    #[must_use]
    pub fn running(second: Duration) -> Self {
        Self::Running(Instant::now(), second)
    }

    /// A clock that jumps.
    #[must_use]
    pub fn jumping() -> Self {
        Self::Jumping(Arc::default())
    }

    /// The queue's time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        match self {
            Self::Running(began, second) => {
                Duration::from_secs_f64(began.elapsed().div_duration_f64(*second))
            }
            Self::Jumping(now) => *now.lock().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// How long to wait for a time of the queue. A jumping clock jumps there if it may.
    fn wait(&self, until: Duration, may_jump: bool) -> Duration {
        match self {
            Self::Running(_, second) => {
                let left = until.saturating_sub(self.now());
                second.mul_f64(left.as_secs_f64())
            }
            Self::Jumping(now) if may_jump => {
                let mut now = now.lock().unwrap_or_else(PoisonError::into_inner);
                *now = until.max(*now);
                Duration::ZERO
            }
            Self::Jumping(_) => Duration::from_secs(60),
        }
    }
}

/// A pause that the function set for a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// How often the message had been received.
    pub receives: u32,
    /// How long it stays invisible.
    pub seconds: u64,
}

/// A function's processes and their queue. Dropping it stops the processes.
#[derive(Debug)]
pub struct Functions {
    processes: Vec<Child>,
    queue: Arc<Queue>,
    _runtime: Server,
}

/// Statistics of the queue.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Successful invocations.
    pub invocations: u64,
    /// Failed invocations.
    pub errors: u64,
    /// Redelivered messages.
    pub redelivered: u64,
    /// The highest receive count of a message.
    pub receives: u32,
    /// Dead letters.
    pub dead: u64,
    /// The pauses that the function set.
    pub pauses: Vec<Pause>,
}

#[derive(Debug)]
struct Queue {
    delivery: Delivery,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    visible: VecDeque<Message>,
    hidden: Vec<Message>,
    /// By request id.
    in_flight: HashMap<String, Vec<Message>>,
    started: u64,
    tally: Tally,
    /// The initialisation error of a process.
    init_error: Option<String>,
}

#[derive(Debug, Clone)]
struct Message {
    id: String,
    body: String,
    receives: u32,
    /// When it becomes visible again, by the queue's clock.
    visible_at: Duration,
}

impl Functions {
    /// Starts processes of a function with a queue that has these message bodies. Their output goes to `<name>-<number>.log` in
    /// `logs`.
    ///
    /// # Errors
    /// If the function is not built or cannot be started.
    pub fn start(
        name: &str,
        processes: usize,
        environment: &[(&str, String)],
        bodies: Vec<String>,
        delivery: Delivery,
        logs: &Path,
    ) -> Result<Self> {
        let visible = bodies
            .into_iter()
            .enumerate()
            .map(|(number, body)| Message {
                id: format!("message-{number}"),
                body,
                receives: 0,
                visible_at: Duration::ZERO,
            });
        let queue = Arc::new(Queue {
            delivery,
            state: Mutex::new(State {
                visible: visible.collect(),
                ..State::default()
            }),
            changed: Condvar::new(),
        });
        let serving = queue.clone();
        let runtime = Server::start(move |request, stream| serving.handle(request, stream))?;
        let mut functions = Self {
            processes: Vec::new(),
            queue,
            _runtime: runtime,
        };
        for number in 0..processes {
            let log = fs::File::create(logs.join(format!("{name}-{number}.log")))?;
            // `nice`, because other tests run at the same time.
            let process = Command::new("nice")
                .arg(binary(name)?)
                .envs(environment.iter().cloned())
                .env("AWS_LAMBDA_RUNTIME_API", &functions._runtime.authority)
                .env("AWS_ENDPOINT_URL_SQS", functions._runtime.url())
                .env("AWS_LAMBDA_FUNCTION_NAME", name)
                .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
                .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
                .stdin(Stdio::null())
                .stdout(log.try_clone()?)
                .stderr(log)
                .spawn()?;
            functions.processes.push(process);
        }
        Ok(functions)
    }

    /// Waits until the queue is empty.
    ///
    /// # Errors
    /// If that takes longer than `timeout`, or a process exits.
    pub fn drain(&mut self, timeout: Duration) -> Result<Tally> {
        let began = Instant::now();
        loop {
            {
                let state = self.queue.lock();
                let left = state.visible.len()
                    + state.hidden.len()
                    + state.in_flight.values().map(Vec::len).sum::<usize>();
                if let Some(error) = &state.init_error {
                    bail!("the function cannot start: {error}");
                }
                if left == 0 {
                    return Ok(state.tally.clone());
                }
                if began.elapsed() > timeout {
                    bail!("{left} messages are left; {:?}", state.tally);
                }
            }
            for process in &mut self.processes {
                if let Some(status) = process.try_wait()? {
                    bail!("a process of the function exited with {status}");
                }
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Functions {
    fn drop(&mut self) {
        for process in &mut self.processes {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Queue {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn handle(&self, request: &Request, stream: &mut TcpStream) -> io::Result<Then> {
        if let Some(target) = request.header("x-amz-target") {
            return self.answer_sqs(target, request, stream);
        }
        let path = request
            .target()
            .strip_prefix(RUNTIME)
            .unwrap_or_default()
            .trim_start_matches('/')
            .split('/')
            .collect::<Vec<_>>();
        match path.as_slice() {
            ["invocation", "next"] => return self.next(stream),
            ["invocation", id, "response"] => {
                let response: Value = serde_json::from_slice(&request.body).unwrap_or_default();
                let failed = response
                    .get("batchItemFailures")
                    .and_then(Value::as_array)
                    .into_iter()
                    .flatten()
                    .filter_map(|failure| failure.get("itemIdentifier")?.as_str())
                    .collect::<Vec<_>>();
                self.finish(id, |message| failed.contains(&message.id.as_str()));
                self.lock().tally.invocations += 1;
            }
            ["invocation", id, "error"] => {
                self.finish(id, |_| true);
                self.lock().tally.errors += 1;
            }
            ["init", "error"] => {
                let error = String::from_utf8_lossy(&request.body).into_owned();
                self.lock().init_error = Some(error);
            }
            _ => return answer(stream, "404 Not Found", &[], b""),
        }
        answer(stream, "202 Accepted", &[], b"{\"status\":\"OK\"}")
    }

    /// Waits for a batch and sends it.
    fn next(&self, stream: &mut TcpStream) -> io::Result<Then> {
        let clock = &self.delivery.clock;
        let mut state = self.lock();
        loop {
            let now = clock.now();
            let hidden = std::mem::take(&mut state.hidden);
            let (visible, hidden): (Vec<_>, Vec<_>) = hidden
                .into_iter()
                .partition(|message| message.visible_at <= now);
            state.hidden = hidden;
            let (dead, visible): (Vec<_>, Vec<_>) = visible
                .into_iter()
                .partition(|message| message.receives >= self.delivery.max_receives);
            state.tally.dead += dead.len() as u64;
            state.visible.extend(visible);
            if !state.visible.is_empty() {
                break;
            }
            let next = state.hidden.iter().map(|message| message.visible_at).min();
            let wait = next.map_or(Duration::from_secs(60), |next| {
                clock.wait(next, state.in_flight.is_empty())
            });
            state = self
                .changed
                .wait_timeout(state, wait)
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
        let count = state.visible.len().min(self.delivery.batch);
        let mut batch = state.visible.drain(..count).collect::<Vec<_>>();
        for message in &mut batch {
            message.receives += 1;
            message.visible_at = clock.now() + self.delivery.visibility;
            state.tally.receives = state.tally.receives.max(message.receives);
            if message.receives > 1 {
                state.tally.redelivered += 1;
            }
        }
        state.started += 1;
        let id = format!("00000000-0000-4000-8000-{:012}", state.started);
        let records = batch
            .iter()
            .map(|message| sqs_message(&message.id, &message.body, message.receives))
            .collect::<Vec<_>>();
        state.in_flight.insert(id.clone(), batch);
        drop(state);
        let deadline = SystemTime::now() + self.delivery.timeout;
        let deadline = deadline.duration_since(UNIX_EPOCH).unwrap_or_default();
        answer(
            stream,
            "200 OK",
            &[
                ("content-type", "application/json"),
                ("lambda-runtime-aws-request-id", &id),
                (
                    "lambda-runtime-deadline-ms",
                    &deadline.as_millis().to_string(),
                ),
                (
                    "lambda-runtime-invoked-function-arn",
                    "arn:aws:lambda:us-east-1:111122223333:function:under-test",
                ),
            ],
            json!({"Records": records}).to_string().as_bytes(),
        )
    }

    /// Ends an invocation. Some of its messages become visible again later.
    fn finish(&self, id: &str, failed: impl Fn(&Message) -> bool) {
        let mut state = self.lock();
        for message in state.in_flight.remove(id).into_iter().flatten() {
            if failed(&message) {
                state.hidden.push(message);
            }
        }
        drop(state);
        self.changed.notify_all();
    }

    /// SQS's part of the requests: sets the visibility of messages in flight.
    fn answer_sqs(
        &self,
        target: &str,
        request: &Request,
        stream: &mut TcpStream,
    ) -> io::Result<Then> {
        let headers = [("content-type", "application/x-amz-json-1.0")];
        if target != "AmazonSQS.ChangeMessageVisibilityBatch" {
            let unknown = json!({"__type": "com.amazonaws.sqs#UnsupportedOperation"}).to_string();
            return answer(stream, "400 Bad Request", &headers, unknown.as_bytes());
        }
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let now = self.delivery.clock.now();
        let mut state = self.lock();
        let State {
            in_flight, tally, ..
        } = &mut *state;
        let (mut successful, mut failed) = (Vec::new(), Vec::new());
        for entry in body
            .get("Entries")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            let id = entry.get("Id").cloned().unwrap_or_default();
            let receipt = entry.get("ReceiptHandle").and_then(Value::as_str);
            let seconds = entry.get("VisibilityTimeout").and_then(Value::as_u64);
            let message = in_flight
                .values_mut()
                .flatten()
                .find(|message| Some(receipt_of(&message.id).as_str()) == receipt);
            match (message, seconds) {
                (Some(message), Some(seconds)) => {
                    message.visible_at = now + Duration::from_secs(seconds);
                    tally.pauses.push(Pause {
                        receives: message.receives,
                        seconds,
                    });
                    successful.push(json!({"Id": id}));
                }
                _ => failed
                    .push(json!({"Id": id, "SenderFault": true, "Code": "ReceiptHandleIsInvalid"})),
            }
        }
        drop(state);
        let said = json!({"Successful": successful, "Failed": failed}).to_string();
        answer(stream, "200 OK", &headers, said.as_bytes())
    }
}

/// The receipt handle of a message.
fn receipt_of(id: &str) -> String {
    format!("receipt-{id}")
}

/// S3's documented event for a new object. `key` is not encoded; the event encodes it.
#[must_use]
pub fn s3_event(bucket: &str, key: &str, e_tag: &str, size: u64) -> Value {
    let encoded = key
        .bytes()
        .map(|byte| match byte {
            b' ' => "+".to_owned(),
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'*' | b'/' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect::<String>();
    json!({"Records": [{
        "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1",
        "eventTime": "2026-01-01T00:00:00.000Z", "eventName": "ObjectCreated:Put",
        "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
        "requestParameters": {"sourceIPAddress": "127.0.0.1"},
        "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "example"},
        "s3": {"s3SchemaVersion": "1.0", "configurationId": "uploads",
            "bucket": {"name": bucket, "ownerIdentity": {"principalId": "A3NL1KOZZKExample"}, "arn": format!("arn:aws:s3:::{bucket}")},
            "object": {"key": encoded, "size": size, "eTag": e_tag, "sequencer": "0055AED6DCD90281E5"}}
    }]})
}

/// A record of Lambda's documented event for SQS messages.
#[must_use]
pub fn sqs_message(id: &str, body: &str, receives: u32) -> Value {
    json!({"messageId": id, "receiptHandle": receipt_of(id), "body": body,
        "attributes": {"ApproximateReceiveCount": receives.to_string(), "SentTimestamp": "1767225600000", "SenderId": "AIDAIENQZJOLO23YVJ4VO", "ApproximateFirstReceiveTimestamp": "1767225600001"},
        "messageAttributes": {}, "md5OfBody": "00000000000000000000000000000000",
        "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:us-east-1:111122223333:uploads", "awsRegion": "us-east-1"})
}

/// The objects of a bucket under a prefix: key, ETag and size, from the AWS CLI.
///
/// # Errors
/// If the CLI fails.
pub fn objects(
    aws: &dyn Fn(&[&str]) -> Result<String>,
    bucket: &str,
    prefix: &str,
) -> Result<Vec<(String, String, u64)>> {
    let output = aws(&[
        "s3api",
        "list-objects-v2",
        "--bucket",
        bucket,
        "--prefix",
        prefix,
        "--output",
        "json",
    ])?;
    let list: Value = serde_json::from_str(&output).context("the AWS CLI did not print JSON")?;
    list.get("Contents")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .map(|object| {
            let text = |name: &str| crate::text(object, name).map(str::to_owned);
            Ok((
                text("/Key")?,
                text("/ETag")?.trim_matches('"').to_owned(),
                object
                    .get("Size")
                    .and_then(Value::as_u64)
                    .context("no size")?,
            ))
        })
        .collect()
}
