//! Shared code of the end-to-end tests and the benchmarks: starts the real programs, talks to them over HTTP, and finds the tools
//! and pictures that `tests/run` installs.

pub mod faults;
pub mod functions;
pub mod invoke;
pub mod policies;
pub mod rekognition;
pub mod wire;

use std::{
    env, fs,
    io::Read as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use serde::Deserialize;
use serde_json::Value;

/// How long a test waits for anything.
pub const TIMEOUT: Duration = Duration::from_secs(60);

/// The root of the checkout.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// A binary of this workspace, next to the running test.
///
/// # Errors
/// If it is not built.
pub fn binary(name: &str) -> Result<PathBuf> {
    let here = env::current_exe()?;
    let folder = here
        .ancestors()
        .find(|folder| folder.join(name).is_file())
        .with_context(|| format!("{name} is not built; run `cargo build --workspace` first"))?;
    Ok(folder.join(name))
}

/// A program of the tests' Python environment, such as `aws`.
#[must_use]
pub fn tool(name: &str) -> PathBuf {
    root().join("tests/.venv/bin").join(name)
}

/// A test photograph; see `tests/pictures.md` for sources and licences.
///
/// # Errors
/// If `tests/run` has not installed the pictures.
pub fn picture(name: &str) -> Result<PathBuf> {
    let path = root().join("tests/.pictures").join(name);
    ensure!(
        path.is_file(),
        "{} is missing; `tests/run` installs the pictures",
        path.display()
    );
    Ok(path)
}

/// The folder for screenshots and logs of a run.
///
/// # Errors
/// If the folder cannot be created.
pub fn artefacts() -> Result<PathBuf> {
    let folder = root().join("artefacts");
    fs::create_dir_all(&folder)?;
    Ok(folder)
}

/// The file of `sightline local --ready-file`.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ready {
    /// URL of the pages and the API.
    pub api: String,
    /// URL of the AWS endpoint.
    pub aws: String,
    /// The input bucket.
    pub input_bucket: String,
    /// The output bucket.
    pub output_bucket: String,
    /// The region for signatures.
    pub region: String,
    /// The access key.
    pub access_key_id: String,
    /// The secret access key.
    pub secret_access_key: String,
}

impl Ready {
    /// Runs the AWS CLI against the endpoint and returns its output.
    ///
    /// # Errors
    /// If it exits with another status than 0.
    pub fn aws(&self, arguments: &[&str]) -> Result<String> {
        run(Command::new(tool("aws"))
            .args(arguments)
            .envs(self.environment()))
    }

    /// The environment that directs any AWS client to the endpoint only.
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("AWS_ENDPOINT_URL", self.aws.clone()),
            ("AWS_ACCESS_KEY_ID", self.access_key_id.clone()),
            ("AWS_SECRET_ACCESS_KEY", self.secret_access_key.clone()),
            ("AWS_REGION", self.region.clone()),
            ("AWS_DEFAULT_REGION", self.region.clone()),
            ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
            ("AWS_CONFIG_FILE", "/nonexistent".to_owned()),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent".to_owned()),
            ("AWS_PAGER", String::new()),
        ]
    }
}

/// A running `sightline local`, killed when dropped.
pub struct Local {
    process: Child,
    /// Its addresses.
    pub ready: Ready,
}

impl Local {
    /// Starts `sightline local` with a data folder on free ports, and waits until it is ready.
    ///
    /// # Errors
    /// If it is not ready within [`TIMEOUT`]. The error has its output.
    pub fn start(data: &Path, arguments: &[&str]) -> Result<Self> {
        Self::start_program(&binary("sightline")?, data, arguments)
    }

    /// As [`Self::start`], with another build of the program.
    ///
    /// # Errors
    /// If it is not ready within [`TIMEOUT`]. The error has its output.
    pub fn start_program(program: &Path, data: &Path, arguments: &[&str]) -> Result<Self> {
        let ready_file = data.with_extension("ready.json");
        let _ = fs::remove_file(&ready_file);
        let log_path = data.with_extension("log");
        let log = fs::File::options()
            .append(true)
            .create(true)
            .open(&log_path)?;
        let process = Command::new(program)
            .args(["local", "--port", "0", "--aws-port", "0"])
            .arg("--data-dir")
            .arg(data)
            .arg("--ready-file")
            .arg(&ready_file)
            .args(arguments)
            // Models that happen to be installed must not change a test. `--models auto` uses them.
            .env("SIGHTLINE_MODELS", "embedded")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut local = GuardedChild(Some(process));
        let began = Instant::now();
        loop {
            if let Ok(text) = fs::read_to_string(&ready_file) {
                let ready = serde_json::from_str(&text)?;
                let process = local.0.take().context("the process is gone")?;
                return Ok(Self { process, ready });
            }
            let ended = local.0.as_mut().map(Child::try_wait).transpose()?.flatten();
            if ended.is_some() || began.elapsed() > TIMEOUT {
                bail!(
                    "sightline local is not ready ({ended:?}):\n{}",
                    fs::read_to_string(&log_path).unwrap_or_default()
                );
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Kills it, as `kill -9`.
    ///
    /// # Errors
    /// If it is not running.
    pub fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Interrupts it, as Ctrl-C, and waits for its end.
    ///
    /// # Errors
    /// If it does not stop successfully within [`TIMEOUT`].
    pub fn interrupt(mut self) -> Result<()> {
        let sent = Command::new("kill")
            .args(["-INT", &self.process.id().to_string()])
            .status()?;
        ensure!(sent.success(), "kill -INT failed");
        let began = Instant::now();
        while began.elapsed() < TIMEOUT {
            if let Some(status) = self.process.try_wait()? {
                ensure!(status.success(), "it exited with {status}");
                return Ok(());
            }
            thread::sleep(Duration::from_millis(20));
        }
        bail!("it did not stop when interrupted")
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

struct GuardedChild(Option<Child>);

impl Drop for GuardedChild {
    fn drop(&mut self) {
        if let Some(process) = &mut self.0 {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// An HTTP response with any status.
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Answer {
    /// The body as JSON.
    ///
    /// # Errors
    /// If it is not JSON. The error has the body.
    pub fn json(&self) -> Result<Value> {
        serde_json::from_slice(&self.body)
            .with_context(|| format!("{}: {}", self.status, String::from_utf8_lossy(&self.body)))
    }

    /// The first value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

/// Sends one HTTP request. Every status counts as success.
///
/// # Errors
/// If there is no response.
pub fn http(method: &str, address: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Answer> {
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(TIMEOUT))
        .allow_non_standard_methods(true)
        .build()
        .into();
    let mut request = ureq::http::Request::builder().method(method).uri(address);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut response = agent.run(request.body(body)?)?;
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect();
    let mut bytes = Vec::new();
    response.body_mut().as_reader().read_to_end(&mut bytes)?;
    Ok(Answer {
        status: response.status().as_u16(),
        headers,
        body: bytes,
    })
}

/// Requests an upload URL and PUTs the bytes there. Returns the response to `POST /uploads`.
///
/// # Errors
/// If either fails.
pub fn upload(api: &str, content_type: &str, bytes: &[u8], more: Value) -> Result<Value> {
    let mut ask = serde_json::json!({"contentType": content_type, "contentLength": bytes.len()});
    if let (Some(ask), Value::Object(more)) = (ask.as_object_mut(), more) {
        ask.extend(more);
    }
    let reply = http(
        "POST",
        &format!("{api}/uploads"),
        &[],
        ask.to_string().as_bytes(),
    )?;
    ensure!(
        reply.status == 201,
        "POST /uploads: {} {}",
        reply.status,
        String::from_utf8_lossy(&reply.body)
    );
    let reply = reply.json()?;
    let put = put(&reply, bytes)?;
    ensure!(
        put.status == 200,
        "PUT: {} {}",
        put.status,
        String::from_utf8_lossy(&put.body)
    );
    Ok(reply)
}

/// PUTs bytes to the URL from `POST /uploads`, with exactly its headers.
///
/// # Errors
/// If there is no response.
pub fn put(reply: &Value, bytes: &[u8]) -> Result<Answer> {
    let headers: Vec<(&str, &str)> = reply
        .get("headers")
        .and_then(Value::as_object)
        .context("the response has no headers")?
        .iter()
        .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
        .collect();
    let address = text(reply, "/uploadUrl")?;
    http("PUT", address, &headers, bytes)
}

/// Polls for a result until it is ready.
///
/// # Errors
/// If it is not ready within [`TIMEOUT`], or the API returns an error.
pub fn result(status_url: &str) -> Result<Value> {
    let began = Instant::now();
    loop {
        let answer = http("GET", status_url, &[], b"")?;
        match answer.status {
            200 => return answer.json(),
            202 => ensure!(began.elapsed() < TIMEOUT, "still pending: {status_url}"),
            status => bail!("{status}: {}", String::from_utf8_lossy(&answer.body)),
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// A string in a JSON document, by JSON pointer.
///
/// # Errors
/// If there is none.
pub fn text<'a>(document: &'a Value, pointer: &str) -> Result<&'a str> {
    document
        .pointer(pointer)
        .and_then(Value::as_str)
        .with_context(|| format!("{pointer} is not a string in {document}"))
}

/// Runs a command and returns its standard output.
///
/// # Errors
/// If it fails. The error has its output.
pub fn run(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{command:?} cannot be started"))?;
    ensure!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(String::from_utf8(output.stdout)?)
}

/// The calls that the endpoint served, from its log.
///
/// # Errors
/// If a line is not JSON.
pub fn aws_calls(data: &Path) -> Result<Vec<Value>> {
    fs::read_to_string(data.join("aws-calls.jsonl"))
        .unwrap_or_default()
        .lines()
        .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
        .collect()
}

/// The labels with boxes in a DetectLabels response: (name, confidence, [left, top, width, height]).
#[must_use]
pub fn boxed_labels(detect_labels: &Value) -> Vec<(String, f64, [f64; 4])> {
    let list = |value: &Value, name: &str| -> Vec<Value> {
        value
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default()
    };
    let number =
        |value: &Value, name: &str| value.get(name).and_then(Value::as_f64).unwrap_or(f64::NAN);
    list(detect_labels, "Labels")
        .iter()
        .flat_map(|label| {
            let name = label
                .get("Name")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned();
            list(label, "Instances").into_iter().map(move |instance| {
                let area = instance.get("BoundingBox").cloned().unwrap_or_default();
                (
                    name.clone(),
                    number(&instance, "Confidence"),
                    ["Left", "Top", "Width", "Height"].map(|side| number(&area, side)),
                )
            })
        })
        .collect()
}
