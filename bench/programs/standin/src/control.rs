//! The commands of `bench/compare`.

use std::{collections::HashMap, path::PathBuf, rc::Rc, time::Duration};

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, stdin, stdout};

use crate::{
    aws::Aws,
    function::{Answered, Function},
    listen::Ports,
};

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "kebab-case")]
enum Order {
    /// The ports of the services.
    Ports,
    /// How long Rekognition takes.
    Rekognition { ms: u64 },
    /// Puts a picture under all keys `uploads/<name>/…`; returns its `ETag` and size.
    Picture { name: String, file: PathBuf },
    /// Starts a function under a name, with an event that waits for it if there is one.
    Start {
        name: String,
        command: Vec<String>,
        environment: HashMap<String, String>,
        log: PathBuf,
        event: Option<Value>,
    },
    /// Gives a function an event so many times, one after the other. `{n}` in the event becomes a number that is never used twice.
    Invoke {
        name: String,
        event: Value,
        times: usize,
    },
    /// Ends a function.
    Stop { name: String },
    /// The calls of AWS since the last time, by operation.
    Calls,
    /// The content of a written object, as text.
    Object { path: String },
}

/// Answers the commands.
pub(crate) struct Control {
    aws: Rc<Aws>,
    ports: Vec<Ports>,
    functions: HashMap<String, Function>,
    invocations: u64,
}

impl Control {
    pub(crate) fn new(aws: Rc<Aws>, ports: Vec<Ports>) -> Self {
        Self {
            aws,
            ports,
            functions: HashMap::new(),
            invocations: 0,
        }
    }

    /// Until standard input ends.
    pub(crate) async fn run(mut self) -> Result<()> {
        let mut lines = BufReader::new(stdin()).lines();
        let mut output = stdout();
        while let Some(line) = lines.next_line().await? {
            let answer = match serde_json::from_str(&line) {
                Ok(order) => self.obey(order).await,
                Err(error) => Err(error.into()),
            };
            let answer = answer.unwrap_or_else(|error| json!({"error": format!("{error:#}")}));
            output.write_all(format!("{answer}\n").as_bytes()).await?;
            output.flush().await?;
        }
        Ok(())
    }

    async fn obey(&mut self, order: Order) -> Result<Value> {
        match order {
            Order::Ports => Ok(serde_json::to_value(&self.ports)?),
            Order::Rekognition { ms } => {
                self.aws.set_rekognition(Duration::from_millis(ms));
                Ok(json!({}))
            }
            Order::Picture { name, file } => {
                let bytes = std::fs::read(&file).with_context(|| file.display().to_string())?;
                let size = bytes.len();
                Ok(json!({"size": size, "eTag": self.aws.add_picture(&name, bytes)}))
            }
            Order::Start {
                name,
                command,
                environment,
                log,
                event,
            } => {
                let event = event.map(|event| self.numbered(&event));
                let start = Function::start(&command, &environment, &log, event).await?;
                if let Some(answer) = &start.first_answer {
                    check(answer)?;
                }
                let began = start.function.started;
                let answer = json!({
                    "process": start.function.process(),
                    "firstPollMs": milliseconds(start.first_poll),
                    "firstAnswerMs": start.first_answer.map(|answer| milliseconds(answer.at - began)),
                });
                self.functions.insert(name, start.function);
                Ok(answer)
            }
            Order::Invoke { name, event, times } => self.invoke(&name, &event, times).await,
            Order::Stop { name } => {
                if let Some(function) = self.functions.remove(&name) {
                    function.stop().await?;
                }
                Ok(json!({}))
            }
            Order::Calls => Ok(serde_json::to_value(self.aws.take_calls())?),
            Order::Object { path } => {
                let bytes = self.aws.object(&path).context("there is no such object")?;
                Ok(json!({"text": String::from_utf8_lossy(&bytes)}))
            }
        }
    }

    async fn invoke(&mut self, name: &str, event: &Value, times: usize) -> Result<Value> {
        let mut took = Vec::with_capacity(times);
        let mut last = Bytes::new();
        for _ in 0..times {
            let event = self.numbered(event);
            let function = self
                .functions
                .get(name)
                .context("there is no such function")?;
            let answer = function.invoke(event).await?;
            check(&answer)?;
            took.push(milliseconds(answer.took));
            last = answer.body;
            self.aws.forget();
        }
        Ok(json!({"ms": took, "last": String::from_utf8_lossy(&last), "number": self.invocations}))
    }

    fn numbered(&mut self, event: &Value) -> Bytes {
        self.invocations += 1;
        let number = self.invocations.to_string();
        Bytes::from(event.to_string().replace("{n}", &number))
    }
}

/// Whether the function did all of its work.
fn check(answer: &Answered) -> Result<()> {
    let text = String::from_utf8_lossy(&answer.body);
    ensure!(
        answer.kind == "response",
        "the function answered with {}: {text}",
        answer.kind
    );
    let value: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let failed = value.pointer("/batchItemFailures/0").or_else(|| {
        value
            .get("statusCode")
            .filter(|code| code.as_u64().is_some_and(|code| code >= 400))
    });
    ensure!(failed.is_none(), "the function failed: {text}");
    Ok(())
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
