//! One function: its process, and Lambda's Runtime API for it.
//!
//! AWS Lambda Developer Guide, "Using the Lambda runtime API": the function asks for its next event with a GET that stays open
//! until there is one, and posts the response under the event's id.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    convert::Infallible,
    fs::File,
    path::Path,
    process::Stdio,
    rc::Rc,
    time::{Duration, Instant, SystemTime},
};

use anyhow::{Context as _, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode, body::Incoming, server::conn::http1, service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::{Mutex, mpsc, oneshot},
    task::{JoinHandle, spawn_local},
    time::timeout,
};

use crate::listen::accept;

/// Under a profiler, a function is about fifty times slower, and the machine may be busy.
const PATIENCE: Duration = Duration::from_mins(10);

/// A function's answer.
#[derive(Debug)]
pub(crate) struct Answered {
    /// From the moment when the function was given the event.
    pub(crate) took: Duration,
    pub(crate) at: Instant,
    /// The last part of the path: `response` or `error`.
    pub(crate) kind: String,
    pub(crate) body: Bytes,
}

struct Waiting {
    given: Instant,
    answer: oneshot::Sender<Answered>,
}

struct Api {
    queue: Mutex<mpsc::UnboundedReceiver<(Bytes, oneshot::Sender<Answered>)>>,
    first_poll: RefCell<Option<oneshot::Sender<Instant>>>,
    waiting: RefCell<HashMap<String, Waiting>>,
    /// How many events were given to the function.
    given: Cell<u64>,
}

/// A running function.
pub(crate) struct Function {
    child: Child,
    events: mpsc::UnboundedSender<(Bytes, oneshot::Sender<Answered>)>,
    listening: JoinHandle<()>,
    /// When its process was started.
    pub(crate) started: Instant,
}

/// What the start of a function showed.
pub(crate) struct Start {
    pub(crate) function: Function,
    pub(crate) first_poll: Duration,
    /// The answer to the event that was there from the beginning.
    pub(crate) first_answer: Option<Answered>,
}

impl Function {
    /// Starts a process and waits until it asks for its first event and, if there is one, until it has answered that.
    pub(crate) async fn start(
        command: &[String],
        environment: &HashMap<String, String>,
        log: &Path,
        event: Option<Bytes>,
    ) -> Result<Start> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?.to_string();
        let (events, queue) = mpsc::unbounded_channel();
        let (polled, first_poll) = oneshot::channel();
        let api = Rc::new(Api {
            queue: Mutex::new(queue),
            first_poll: RefCell::new(Some(polled)),
            waiting: RefCell::default(),
            given: Cell::default(),
        });
        let listening = spawn_local(async move {
            while let Some(stream) = accept(&listener).await {
                let api = api.clone();
                let service = service_fn(move |request| {
                    let api = api.clone();
                    async move { Ok::<_, Infallible>(api.answer(request).await) }
                });
                spawn_local(async move {
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .await;
                });
            }
        });
        let output = File::options().create(true).append(true).open(log)?;
        let (program, arguments) = command.split_first().context("the command is empty")?;
        let mut prepared = Command::new(program);
        prepared
            .args(arguments)
            .env_clear()
            .envs(environment)
            .env("AWS_LAMBDA_RUNTIME_API", address)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output)
            .kill_on_drop(true);
        let answer = event.map(|event| {
            let (answer, answered) = oneshot::channel();
            let _ = events.send((event, answer));
            answered
        });
        let started = Instant::now();
        let mut child = prepared.spawn().with_context(|| program.clone())?;
        let first_poll = tokio::select! {
            polled = timeout(PATIENCE, first_poll) => polled??,
            ended = child.wait() => bail!("{program} ended before its first request: {}", ended?),
        };
        let first_answer = match answer {
            Some(answer) => Some(timeout(PATIENCE, answer).await??),
            None => None,
        };
        Ok(Start {
            function: Self {
                child,
                events,
                listening,
                started,
            },
            first_poll: first_poll - started,
            first_answer,
        })
    }

    /// The process, while it runs.
    pub(crate) fn process(&self) -> Option<u32> {
        self.child.id()
    }

    /// Gives the function an event and waits for the answer.
    pub(crate) async fn invoke(&self, event: Bytes) -> Result<Answered> {
        let (answer, answered) = oneshot::channel();
        self.events.send((event, answer))?;
        timeout(PATIENCE, answered)
            .await
            .context("the function did not answer")?
            .context("the function ended before it answered")
    }

    /// Ends the process. Its last request is open, so this is the moment at which Lambda freezes it.
    pub(crate) async fn stop(mut self) -> Result<()> {
        if let Some(process) = self.process() {
            // Valgrind writes its counts at this signal.
            Command::new("kill")
                .arg(process.to_string())
                .status()
                .await?;
        }
        if timeout(PATIENCE, self.child.wait()).await.is_err() {
            self.child.kill().await?;
        }
        self.listening.abort();
        Ok(())
    }
}

impl Api {
    async fn answer(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let path = request.uri().path().to_owned();
        if *request.method() == Method::GET {
            return self.next().await;
        }
        let at = Instant::now();
        let body = match request.into_body().collect().await {
            Ok(body) => body.to_bytes(),
            Err(_) => Bytes::new(),
        };
        let mut parts = path.rsplit('/');
        let kind = parts.next().unwrap_or_default().to_owned();
        let id = parts.next().unwrap_or_default();
        if let Some(waiting) = self.waiting.borrow_mut().remove(id) {
            let _ = waiting.answer.send(Answered {
                took: at - waiting.given,
                at,
                kind,
                body,
            });
        }
        let mut accepted = Response::new(Full::default());
        *accepted.status_mut() = StatusCode::ACCEPTED;
        accepted
    }

    async fn next(&self) -> Response<Full<Bytes>> {
        if let Some(polled) = self.first_poll.borrow_mut().take() {
            let _ = polled.send(Instant::now());
        }
        let Some((event, answer)) = self.queue.lock().await.recv().await else {
            return Response::new(Full::default());
        };
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        self.given.set(self.given.get() + 1);
        let id = format!("8476a536-e9f4-11e8-9739-{:012x}", self.given.get());
        let waiting = Waiting {
            given: Instant::now(),
            answer,
        };
        self.waiting.borrow_mut().insert(id.clone(), waiting);
        let deadline = now + Duration::from_mins(1);
        Response::builder()
            .header("lambda-runtime-aws-request-id", id)
            .header(
                "lambda-runtime-deadline-ms",
                deadline.as_millis().to_string(),
            )
            .header(
                "lambda-runtime-invoked-function-arn",
                "arn:aws:lambda:us-east-1:000000000000:function:bench",
            )
            .header(
                "lambda-runtime-trace-id",
                "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0",
            )
            .header("content-type", "application/json")
            .body(Full::new(event))
            .unwrap_or_default()
    }
}
