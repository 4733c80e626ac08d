//! Least privilege, both ways. The two functions run with the environment of the synthesised stack and do everything they
//! can do. The calls that the local endpoint recorded are compared with the policies of each role: no permission may be missing
//! and none may be unused.
//!
//! The endpoint tells the functions apart by their access keys. A URL that a function signed counts as the function's,
//! whoever uses it. DynamoDB is moto, behind a recorder that reads actions and tables from the requests.

use std::{
    collections::BTreeSet,
    env, fs,
    io::{self, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, bail, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use sightline_tests::{
    Local, TIMEOUT, aws_calls, binary,
    functions::{s3_event, sqs_message},
    http,
    invoke::{as_guest, invoke, through_gateway},
    picture,
    policies::{Deployed, DeployedFunction, Permission, deployed, missing, needed_by, unused},
    put, root, run, text, tool,
    wire::{self, Request, Server, Then},
};

/// Permissions whose calls the endpoint cannot see, each with its reason.
const OUT_OF_SIGHT: [(&str, &str); 5] = [
    (
        "logs:CreateLogStream",
        "Lambda writes the functions' output, not their code",
    ),
    (
        "logs:PutLogEvents",
        "Lambda writes the functions' output, not their code",
    ),
    (
        "sqs:ReceiveMessage",
        "Lambda's poller takes messages in the processor's name",
    ),
    (
        "sqs:DeleteMessage",
        "Lambda's poller takes messages in the processor's name",
    ),
    (
        "sqs:GetQueueAttributes",
        "Lambda's poller takes messages in the processor's name",
    ),
];

/// A guest.
const GUEST: &str = "us-east-1:5a1cf0e2-3f4b-4e6d-9a55-0c6f2f1d7b22";
/// The signed-in user.
const OWNER: &str = "0b7a1f6e-9f54-4f0e-8c55-6d1f8f0f4a11";

/// Processes that end with the test.
struct Running(Vec<Child>);

impl Drop for Running {
    fn drop(&mut self) {
        for process in &mut self.0 {
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

/// A function's program: the one built with the tests, or, with `SIGHTLINE_FUNCTIONS`, the one in
/// `<SIGHTLINE_FUNCTIONS>/<name>/bootstrap.zip`, as `cdk/build-functions` builds it for this machine's processor. The command in
/// `SIGHTLINE_RUNNER` runs programs for another processor, such as `qemu-aarch64 -L /usr/aarch64-linux-gnu`.
fn function(name: &str, folder: &Path) -> Result<Command> {
    let Some(built) = env::var_os("SIGHTLINE_FUNCTIONS") else {
        return Ok(Command::new(binary(name)?));
    };
    let zip = root().join(built).join(name).join("bootstrap.zip");
    let unpacked = folder.join(name);
    run(Command::new("unzip")
        .arg("-q")
        .arg(zip)
        .arg("-d")
        .arg(&unpacked))?;
    let program = unpacked.join("bootstrap");
    let runner = env::var("SIGHTLINE_RUNNER").unwrap_or_default();
    let mut words = runner.split_whitespace();
    Ok(match words.next() {
        None => Command::new(program),
        Some(first) => {
            let mut command = Command::new(first);
            command.args(words).arg(program);
            command
        }
    })
}

fn number(document: &Value, pointer: &str) -> Result<u64> {
    document
        .pointer(pointer)
        .and_then(Value::as_u64)
        .with_context(|| format!("{pointer} is no number in {document}"))
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

fn wait_for(port: u16, what: &str) -> Result<()> {
    let began = Instant::now();
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        ensure!(began.elapsed() < TIMEOUT, "{what} does not listen");
        thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// A proxy that sees every request to a server.
struct Before {
    server: Server,
    seen: Arc<Mutex<Vec<Request>>>,
    /// While set, requests that match `refuses` are rejected.
    refusing: Arc<AtomicBool>,
}

impl Before {
    /// With `granted`, requests that need another permission are denied.
    fn start(
        upstream: String,
        refuses: fn(&Request) -> bool,
        granted: Option<Vec<Permission>>,
    ) -> Result<Self> {
        let seen: Arc<Mutex<Vec<Request>>> = Arc::default();
        let refusing: Arc<AtomicBool> = Arc::default();
        let (record, refuse) = (seen.clone(), refusing.clone());
        let server = Server::start(move |request, stream| {
            record
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(request.clone());
            let is_denied = granted
                .as_ref()
                .is_some_and(|granted| !missing(granted, &needed_by(request)).is_empty());
            if is_denied || refuse.load(Ordering::SeqCst) && refuses(request) {
                return wire::answer(
                    stream,
                    "403 Forbidden",
                    &[],
                    b"<Error><Code>AccessDenied</Code></Error>",
                );
            }
            forward(&upstream, request, stream)
        })?;
        Ok(Self {
            server,
            seen,
            refusing,
        })
    }
}

/// Forwards a request and its response, then closes the connection.
fn forward(upstream: &str, request: &Request, stream: &mut TcpStream) -> io::Result<Then> {
    let mut server = TcpStream::connect(upstream)?;
    let head = request.head.trim_end_matches("\r\n");
    server.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes())?;
    server.write_all(&request.body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    stream.write_all(&answer)?;
    Ok(Then::Close)
}

/// The permissions that a request to DynamoDB needs. A transaction needs those of its parts (Amazon DynamoDB Developer Guide, "Using IAM with
/// DynamoDB transactions").
fn dynamodb_permissions(request: &Request) -> Vec<Permission> {
    let operation = request
        .header("x-amz-target")
        .and_then(|target| target.split_once('.'))
        .map_or("", |(_, operation)| operation);
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let on = |action: &str, part: &Value| {
        let table = text(part, "/TableName").unwrap_or_default();
        let arn = format!("arn:aws:dynamodb:us-east-1:000000000000:table/{table}");
        let resource = match text(part, "/IndexName") {
            Ok(index) => format!("{arn}/index/{index}"),
            Err(_) => arn,
        };
        Permission::new(format!("dynamodb:{action}"), resource)
    };
    match operation {
        "TransactWriteItems" | "TransactGetItems" => body
            .get("TransactItems")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_object)
            .flatten()
            .map(|(kind, part)| {
                let action = match kind.as_str() {
                    "ConditionCheck" => "ConditionCheckItem".to_owned(),
                    kind => format!("{kind}Item"),
                };
                on(&action, part)
            })
            .collect(),
        "BatchGetItem" => body
            .get("RequestItems")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
            .map(|(table, _)| on(operation, &json!({"TableName": table})))
            .collect(),
        _ => vec![on(operation, &body)],
    }
}

/// Who plays S3 and Rekognition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Aws {
    /// The local endpoint. It records the permissions that calls need.
    Local,
    /// The local endpoint, where each function may do only what its policies allow.
    LocalEnforced,
    /// Moto, where each function may do only what its policies allow.
    MotoEnforced,
}

/// The part of the stack that runs here: buckets and Rekognition in `sightline local`, the table in moto, the unmodified functions under
/// `cargo lambda watch`, each with the environment that the template gives it and an access key of its own.
struct Stack {
    local: Local,
    deployed: Deployed,
    lambda: String,
    /// The proxies between each function and the endpoint, and between each function and DynamoDB.
    endpoints: [Before; 2],
    tables: [Before; 2],
    keys: [String; 2],
    data: std::path::PathBuf,
    /// For clients with a user's key.
    environment: Vec<(&'static str, String)>,
    _running: Running,
}

const UPLOAD_API: usize = 0;
const PROCESSOR: usize = 1;

impl Stack {
    fn start(folder: &Path, options: &[&str], aws: Aws) -> Result<Self> {
        let deployed = deployed(options)?;
        let data = folder.join("data");
        let local = Local::start(&data, &[])?;
        let kept: Value = serde_json::from_slice(&fs::read(data.join("credentials.json"))?)?;
        let log = |name: &str| fs::File::create(folder.join(format!("{name}.log")));

        let (moto, lambda) = (free_port()?, free_port()?);
        let mut running = Running(Vec::new());
        running.0.push(
            Command::new(tool("moto_server"))
                .args(["-H", "127.0.0.1", "-p", &moto.to_string()])
                .stdin(Stdio::null())
                .stdout(log("moto")?)
                .stderr(log("moto-errors")?)
                .spawn()
                .context("moto_server cannot be started; tests/run installs it")?,
        );
        running.0.push(
            Command::new(tool("cargo-lambda"))
                .args(["lambda", "watch", "--only-lambda-apis", "--disable-cors"])
                .args(["-A", "127.0.0.1", "-P", &lambda.to_string()])
                .current_dir(root())
                .stdin(Stdio::null())
                .stdout(log("watch")?)
                .stderr(log("watch-errors")?)
                .spawn()
                .context("cargo-lambda cannot be started; tests/run installs it")?,
        );
        wait_for(lambda, "cargo lambda watch")?;
        wait_for(moto, "moto_server")?;

        let mut environment = local.ready.environment();
        if aws == Aws::MotoEnforced {
            let moto = format!("http://127.0.0.1:{moto}");
            environment.retain(|(name, _)| *name != "AWS_ENDPOINT_URL");
            environment.push(("AWS_ENDPOINT_URL", moto));
        }
        let endpoint = |function: &DeployedFunction| {
            let upstream = match aws {
                Aws::MotoEnforced => format!("127.0.0.1:{moto}"),
                Aws::Local | Aws::LocalEnforced => {
                    local.ready.aws.trim_start_matches("http://").to_owned()
                }
            };
            let granted = (aws != Aws::Local)
                .then(|| function.granted())
                .transpose()?;
            let refuses = |request: &Request| {
                request.method() == "PUT" && request.target().contains("/results/inline/")
            };
            Before::start(upstream, refuses, granted)
        };
        let table = || Before::start(format!("127.0.0.1:{moto}"), |_| false, None);
        let functions = &deployed.functions;
        let stack = Self {
            endpoints: [
                endpoint(&functions.upload_api)?,
                endpoint(&functions.processor)?,
            ],
            tables: [table()?, table()?],
            keys: [
                text(&kept, "/uploadApi/accessKeyId")?.to_owned(),
                text(&kept, "/processor/accessKeyId")?.to_owned(),
            ],
            local,
            deployed,
            lambda: format!("http://127.0.0.1:{lambda}"),
            data,
            environment,
            _running: Running(Vec::new()),
        };
        if let Some(table) = &stack.deployed.table {
            let moto = format!("http://127.0.0.1:{moto}");
            stack.aws(&[
                "dynamodb",
                "create-table",
                "--endpoint-url",
                &moto,
                "--cli-input-json",
                &table.to_string(),
            ])?;
        }
        for bucket in [stack.input(), stack.output()] {
            stack.aws(&["s3api", "create-bucket", "--bucket", bucket])?;
        }
        for (which, name, pair) in [
            (UPLOAD_API, "sightline-upload-api", "uploadApi"),
            (PROCESSOR, "sightline-processor", "processor"),
        ] {
            let key = |member: &str| text(&kept, &format!("/{pair}/{member}"));
            let at = |servers: &[Before; 2]| {
                servers
                    .get(which)
                    .map_or_else(String::new, |before| before.server.url())
            };
            running.0.push(
                function(name, folder)?
                    .envs(stack.environment.clone())
                    .envs(&stack.function(which).environment)
                    .env("AWS_ENDPOINT_URL", at(&stack.endpoints))
                    .env("AWS_ENDPOINT_URL_DYNAMODB", at(&stack.tables))
                    .env("AWS_ACCESS_KEY_ID", key("accessKeyId")?)
                    .env("AWS_SECRET_ACCESS_KEY", key("secretAccessKey")?)
                    .env(
                        "AWS_LAMBDA_RUNTIME_API",
                        format!("{}/.rt/{name}", stack.lambda),
                    )
                    .env("AWS_LAMBDA_FUNCTION_NAME", name)
                    .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
                    .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
                    .stdin(Stdio::null())
                    .stdout(log(name)?)
                    .stderr(log(&format!("{name}-errors"))?)
                    .spawn()?,
            );
        }
        Ok(Self {
            _running: running,
            ..stack
        })
    }

    fn function(&self, which: usize) -> &DeployedFunction {
        if which == UPLOAD_API {
            &self.deployed.functions.upload_api
        } else {
            &self.deployed.functions.processor
        }
    }

    fn bucket(&self, variable: &str) -> &str {
        self.deployed
            .functions
            .processor
            .environment
            .get(variable)
            .map_or("", String::as_str)
    }

    fn input(&self) -> &str {
        self.bucket("INPUT_BUCKET")
    }

    fn output(&self) -> &str {
        self.bucket("OUTPUT_BUCKET")
    }

    /// The AWS CLI with a user's key.
    fn aws(&self, arguments: &[&str]) -> Result<String> {
        run(Command::new(tool("aws"))
            .args(arguments)
            .envs(self.environment.clone()))
    }

    /// Switches versioning on, as the stack's option `versioning` or somebody else does.
    fn keep_versions(&self, bucket: &str) -> Result<()> {
        let status = "Status=Enabled";
        self.aws(&[
            "s3api",
            "put-bucket-versioning",
            "--bucket",
            bucket,
            "--versioning-configuration",
            status,
        ])
        .map(drop)
    }

    /// The number of versions and of delete markers of an object.
    fn versions(&self, bucket: &str, key: &str) -> Result<(usize, usize)> {
        let list = ["s3api", "list-object-versions", "--output", "json"];
        let listed = self.aws(&[&list[..], &["--bucket", bucket, "--prefix", key]].concat())?;
        let listed: Value = serde_json::from_str(&listed).unwrap_or_default();
        let count = |name| {
            listed
                .get(name)
                .and_then(Value::as_array)
                .map_or(0, Vec::len)
        };
        Ok((count("Versions"), count("DeleteMarkers")))
    }

    fn api(&self, method: &str, path_and_query: &str, body: &Value) -> Result<(u64, Value)> {
        through_gateway(&self.lambda, Some(OWNER), method, path_and_query, body)
    }

    fn expect(&self, status: u64, method: &str, path: &str, body: &Value) -> Result<Value> {
        let (got, answer) = self.api(method, path, body)?;
        ensure!(got == status, "{method} {path}: {got} {answer}");
        Ok(answer)
    }

    /// Sends an object's event to the processor as the queue does. Returns whether the processor succeeded.
    fn process(&self, key: &str) -> Result<bool> {
        let head: Value = serde_json::from_str(&self.aws(&[
            "s3api",
            "head-object",
            "--bucket",
            self.input(),
            "--key",
            key,
        ])?)?;
        let size = number(&head, "/ContentLength")?;
        let e_tag = text(&head, "/ETag")?.trim_matches('"');
        let mut event = s3_event(self.input(), key, e_tag, size);
        let version = text(&head, "/VersionId").ok().filter(|id| *id != "null");
        if let (Some(version), Some(object)) = (
            version,
            event
                .pointer_mut("/Records/0/s3/object")
                .and_then(Value::as_object_mut),
        ) {
            object.insert("versionId".to_owned(), version.into());
            // Larger than that of `s3_event`, and growing.
            let sequencer = format!("01{:016X}", time_micros());
            object.insert("sequencer".to_owned(), sequencer.into());
        }
        self.send(&event)
    }

    fn announce(&self, key: &str, e_tag: &str, size: u64) -> Result<bool> {
        self.send(&s3_event(self.input(), key, e_tag, size))
    }

    fn send(&self, event: &Value) -> Result<bool> {
        let answer = invoke(
            &self.lambda,
            "sightline-processor",
            &json!({"Records": [sqs_message("m", &event.to_string(), 1)]}),
        )?;
        Ok(answer == json!({"batchItemFailures": []}))
    }

    /// Sends the processor a message of each of its queues that it cannot read. It then sets when the message comes again.
    fn fail_messages(&self) -> Result<()> {
        let granted = self.function(PROCESSOR).granted()?;
        let queues: Vec<_> = granted
            .iter()
            .filter(|grant| grant.action == "sqs:ReceiveMessage")
            .collect();
        ensure!(!queues.is_empty(), "the processor has no queue");
        for queue in queues {
            let mut message = sqs_message("m", "no event", 1);
            if let Some(arn) = message.get_mut("eventSourceARN") {
                *arn = json!(queue.resource);
            }
            let event = json!({"Records": [message]});
            let answer = invoke(&self.lambda, "sightline-processor", &event)?;
            let failed = json!({"batchItemFailures": [{"itemIdentifier": "m"}]});
            ensure!(answer == failed, "{answer}");
        }
        Ok(())
    }

    fn store(&self, bucket: &str, key: &str, file: &Path) -> Result<()> {
        self.aws(&[
            "s3api",
            "put-object",
            "--bucket",
            bucket,
            "--key",
            key,
            "--body",
            &file.to_string_lossy(),
        ])
        .map(drop)
    }

    fn stands(&self, key: &str) -> bool {
        self.aws(&[
            "s3api",
            "head-object",
            "--bucket",
            self.output(),
            "--key",
            key,
        ])
        .is_ok()
    }

    /// Every permission that each function needed for its recorded calls.
    fn needed(self) -> Result<[BTreeSet<Permission>; 2]> {
        // The log is complete when the endpoint has ended.
        self.local.interrupt()?;
        let calls = aws_calls(&self.data)?;
        let mut needed: [BTreeSet<Permission>; 2] = Default::default();
        for ((needed, key), table) in needed.iter_mut().zip(&self.keys).zip(&self.tables) {
            for call in calls
                .iter()
                .filter(|call| text(call, "/accessKeyId").is_ok_and(|id| id == key))
            {
                for permission in call
                    .get("permissions")
                    .and_then(Value::as_array)
                    .context("a call without permissions")?
                {
                    needed.insert(Permission::new(
                        text(permission, "/action")?,
                        text(permission, "/resource")?,
                    ));
                }
            }
            let seen = table.seen.lock().unwrap_or_else(PoisonError::into_inner);
            needed.extend(seen.iter().flat_map(dynamodb_permissions));
        }
        Ok(needed)
    }
}

/// Everything that the functions do in every access mode.
fn all_flows(stack: &Stack) -> Result<String> {
    let (astronaut, cat) = (picture("astronaut.png")?, picture("chelsea.png")?);
    let bytes = fs::read(&astronaut)?;

    // An upload, its result, its thumbnail and its preview.
    let reply = stack.expect(
        201,
        "POST",
        "/uploads",
        &json!({"contentType": "image/png", "contentLength": bytes.len(), "filename": "a.png"}),
    )?;
    let key = text(&reply, "/key")?.to_owned();
    let missing = key.replace(".png", ".jpg");
    stack.expect(404, "GET", &format!("/results/{missing}"), &Value::Null)?;
    let stored = put(&reply, &bytes)?;
    ensure!(
        stored.status == 200,
        "{}",
        String::from_utf8_lossy(&stored.body)
    );
    stack.expect(202, "GET", &format!("/results/{key}"), &Value::Null)?;
    ensure!(stack.process(&key)?, "the picture was not dealt with");
    let document = stack.expect(200, "GET", &format!("/results/{key}"), &Value::Null)?;
    text(&document, "/thumbnail/key")?;
    text(&document, "/preview/key")?;
    for size in ["small", "large"] {
        let path = format!("/thumbnails/{key}?size={size}");
        let (status, reply) = stack.api("GET", &path, &Value::Null)?;
        ensure!(status == 302, "{status} {reply}");
    }
    let details = stack.expect(200, "GET", &format!("/images/{key}"), &Value::Null)?;
    for address in ["/imageUrl", "/resultUrl", "/thumbnail/url", "/preview/url"] {
        ensure!(
            http("GET", text(&details, address)?, &[], b"")?.status == 200,
            "{address}"
        );
    }
    // The same event again, another picture under the same key, and a lease that was left behind.
    ensure!(stack.process(&key)?);
    stack.store(stack.input(), &key, &cat)?;
    stack.store(stack.output(), &format!("claims/{key}"), &cat)?;
    ensure!(stack.process(&key)?);
    // A file that is not a picture has neither thumbnail nor preview; then the picture again.
    let folder = tempfile::tempdir()?;
    let no_picture = folder.path().join("no-picture.png");
    fs::write(&no_picture, "no picture")?;
    for file in [&no_picture, &cat] {
        stack.store(stack.input(), &key, file)?;
        ensure!(stack.process(&key)?);
    }

    stack.fail_messages()?;

    // An image that was deleted before it was processed.
    ensure!(stack.announce("uploads/gone.png", "0123456789abcdef0123456789abcdef", 1)?);

    // An image in the request.
    let image = STANDARD.encode(&bytes);
    let inline = stack.expect(201, "POST", "/images", &json!({"image": image}))?;
    let inline = text(&inline, "/key")?;
    stack.expect(200, "GET", &format!("/results/{inline}"), &Value::Null)?;
    incomplete(stack)?;
    Ok(key)
}

/// An image in the request that could not be stored completely is removed.
fn incomplete(stack: &Stack) -> Result<()> {
    let image = STANDARD.encode(fs::read(picture("astronaut.png")?)?);
    stack.refuse(true);
    let (status, answer) = stack.api("POST", "/images", &json!({"image": image}))?;
    stack.refuse(false);
    ensure!(status == 502, "{status} {answer}");
    Ok(())
}

impl Stack {
    /// Makes the bucket reject the upload API's documents.
    fn refuse(&self, refuse: bool) {
        for before in &self.endpoints {
            before.refusing.store(refuse, Ordering::SeqCst);
        }
    }
}

/// What owners may do in addition.
fn owner_flows(stack: &Stack, key: &str) -> Result<()> {
    let list = stack.expect(200, "GET", "/images?limit=1", &Value::Null)?;
    ensure!(
        list.get("images")
            .and_then(Value::as_array)
            .is_some_and(|images| images.len() == 1),
        "{list}"
    );
    let cursor = text(&list, "/cursor")?;
    stack.expect(
        200,
        "GET",
        &format!("/images?limit=1&cursor={cursor}"),
        &Value::Null,
    )?;
    let labels = stack.expect(200, "GET", "/labels", &Value::Null)?;
    let label = text(&labels, "/labels/0/name")?.replace(' ', "%20");
    stack.expect(200, "GET", &format!("/images?label={label}"), &Value::Null)?;
    stack.expect(204, "DELETE", &format!("/images/{key}"), &Value::Null)?;
    stack.expect(404, "GET", &format!("/results/{key}"), &Value::Null)?;
    Ok(())
}

/// The errors in a function's grants: missing and unused ones. Also checks the check itself: without any one of the grants,
/// something would be missing.
fn compare(function: &str, granted: &[Permission], needed: &BTreeSet<Permission>) -> String {
    let granted: Vec<Permission> = granted
        .iter()
        .filter(|grant| {
            !OUT_OF_SIGHT
                .iter()
                .any(|(action, _)| *action == grant.action)
        })
        .cloned()
        .collect();
    let mut wrong = String::new();
    let mut say = |what: &str, permission: &Permission| {
        wrong.push_str(&format!("\n{function}: {what}: {permission}"));
    };
    for needed in missing(&granted, needed) {
        say("needed and not granted", needed);
    }
    for grant in unused(&granted, needed) {
        say("granted and not needed", grant);
    }
    for (left_out, grant) in granted.iter().enumerate() {
        let mut fewer = granted.clone();
        fewer.remove(left_out);
        if missing(&fewer, needed).is_empty() {
            say("nobody would miss", grant);
        }
    }
    wrong
}

/// Microseconds since 1970.
fn time_micros() -> u128 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_micros())
}

fn check(options: &[&str], flows: impl Fn(&Stack) -> Result<()>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let stack = Stack::start(folder.path(), options, Aws::Local)?;
    flows(&stack).with_context(|| said(folder.path()))?;
    let granted = [
        stack.function(UPLOAD_API).granted()?,
        stack.function(PROCESSOR).granted()?,
    ];
    let needed = stack.needed()?;
    let mut wrong = String::new();
    for ((name, granted), needed) in ["upload API", "processor"]
        .into_iter()
        .zip(granted)
        .zip(needed)
    {
        ensure!(granted.len() > 15, "{name}: hardly anything is granted");
        wrong.push_str(&compare(name, &granted, &needed));
    }
    ensure!(wrong.is_empty(), "{wrong}");
    Ok(())
}

/// The functions' logs, to explain a failure.
fn said(folder: &Path) -> String {
    ["sightline-upload-api", "sightline-processor"]
        .into_iter()
        .flat_map(|name| [format!("{name}.log"), format!("{name}-errors.log")])
        .map(|name| fs::read_to_string(folder.join(&name)).unwrap_or_default())
        .collect()
}

#[test]
fn with_owners_each_function_may_do_what_it_does_and_nothing_else() -> Result<()> {
    let analyses =
        "analyses=labels,image-properties,faces,text,moderation,celebrities,ppe,custom-labels";
    let model = "customLabelsArn=arn:aws:rekognition:us-east-1:000000000000:project/colours/version/colours.local/0";
    check(
        &[
            "access=owner",
            "maxDailyAnalyses=1000",
            "maxDailyAnalysesPerOwner=1000",
            "versioning=30",
            "guests=on",
            analyses,
            model,
        ],
        |stack| {
            let key = all_flows(stack)?;
            handed_over(stack)?;
            owner_flows(stack, &key)?;
            taken_back(stack, &key)?;
            stack.keep_versions(stack.input())?;
            incomplete(stack)?;
            let left = stack.versions(stack.input(), "inline/")?;
            ensure!(left.1 == 0, "a removed image left versions");
            replaced_and_deleted(stack).map(drop)
        },
    )
}

/// A guest uploads a picture, and a user takes it along.
fn handed_over(stack: &Stack) -> Result<()> {
    let pool = (stack.function(UPLOAD_API).environment)
        .get("GUEST_IDENTITY_POOL")
        .context("no identity pool")?;
    let guest = |status, method, path: &str, body: &Value| -> Result<Value> {
        let (got, answer) = as_guest(&stack.lambda, (pool, GUEST), method, path, body)?;
        ensure!(got == status, "{method} {path}: {got} {answer}");
        Ok(answer)
    };
    let bytes = fs::read(picture("chelsea.png")?)?;
    let upload = json!({"contentType": "image/png", "contentLength": bytes.len()});
    let reply = guest(201, "POST", "/guest/uploads", &upload)?;
    let key = text(&reply, "/key")?;
    let stored = put(&reply, &bytes)?;
    ensure!(stored.status == 200, "{}", stored.status);
    ensure!(stack.process(key)?, "the picture was not dealt with");
    let result = format!("/guest/results/{key}");
    guest(200, "GET", &result, &Value::Null)?;
    let code = guest(201, "POST", "/guest/handovers", &Value::Null)?;
    let code = json!({"code": text(&code, "/code")?});
    let taken = stack.expect(200, "POST", "/handovers", &code)?;
    ensure!(number(&taken, "/pictures")? == 1, "{taken}");
    guest(404, "GET", &result, &Value::Null).map(drop)
}

/// Uploads a picture to a bucket with versioning, replaces it and deletes it. Returns its key.
fn replaced_and_deleted(stack: &Stack) -> Result<String> {
    let (astronaut, cat) = (picture("astronaut.png")?, picture("chelsea.png")?);
    let bytes = fs::read(&astronaut)?;
    let upload = json!({"contentType": "image/png", "contentLength": bytes.len()});
    let reply = stack.expect(201, "POST", "/uploads", &upload)?;
    let key = text(&reply, "/key")?.to_owned();
    let stored = put(&reply, &bytes)?;
    ensure!(stored.status == 200, "{}", stored.status);
    ensure!(stack.process(&key)?, "the picture was not dealt with");
    let result = |status| stack.expect(status, "GET", &format!("/results/{key}"), &Value::Null);
    let first = result(200)?;
    stack.store(stack.input(), &key, &cat)?;
    result(202)?;
    ensure!(stack.process(&key)?, "the new picture was not dealt with");
    let second = result(200)?;
    let version = |document| text(document, "/source/versionId");
    ensure!(version(&first)? != version(&second)?, "{second}");
    ensure!(stack.versions(stack.input(), &key)? == (2, 0));
    stack.expect(204, "DELETE", &format!("/images/{key}"), &Value::Null)?;
    result(404)?;
    Ok(key)
}

/// Each option `versioning`, and the versions and delete markers that a deletion leaves.
const LEFT: [(&str, (usize, usize)); 2] = [("versioning=30", (0, 0)), ("versioning=off", (2, 1))];

/// The whole way with the policies enforced. Without the option, somebody else switched versioning on for both buckets.
fn with_versions(aws: Aws, options: &[(&str, (usize, usize))]) -> Result<()> {
    for &(option, left) in options {
        let folder = tempfile::tempdir()?;
        let stack = Stack::start(
            folder.path(),
            &["access=owner", "analyses=labels", option],
            aws,
        )?;
        stack.keep_versions(stack.input())?;
        if option == "versioning=off" {
            stack.keep_versions(stack.output())?;
        }
        let key = replaced_and_deleted(&stack).with_context(|| said(folder.path()))?;
        let found = stack.versions(stack.input(), &key)?;
        ensure!(found == left, "{option}: {found:?}");
        // A late event of the deleted picture makes no document.
        ensure!(stack.announce(&key, "0123456789abcdef0123456789abcdef", 1)?);
        ensure!(!stack.stands(&format!("results/{key}.json")));
        erased(&stack, &key).with_context(|| said(folder.path()))?;
    }
    Ok(())
}

/// `sightline erase` of the owner of this picture, who has another one, replaced once.
fn erased(stack: &Stack, deleted: &str) -> Result<()> {
    let owner = deleted.split('/').nth(1).context("no owner")?;
    let key = format!("uploads/{owner}/again.png");
    for file in ["astronaut.png", "chelsea.png"] {
        stack.store(stack.input(), &key, &picture(file)?)?;
        ensure!(stack.process(&key)?, "{file} was not dealt with");
    }
    let table = stack.deployed.table.as_ref().context("no table")?;
    let [tables, _] = &stack.tables;
    let said = run(Command::new(binary("sightline")?)
        .args(["erase", "--owner", owner, "--yes"])
        .args(["--input-bucket", stack.input()])
        .args(["--output-bucket", stack.output()])
        .args(["--index-table", text(table, "/TableName")?])
        .envs(stack.environment.clone())
        .env("AWS_ENDPOINT_URL_DYNAMODB", tables.server.url()))?;
    ensure!(said.contains("Nothing is left"), "{said}");
    for (bucket, prefixes) in [
        (stack.input(), &["uploads", "inline"][..]),
        (
            stack.output(),
            &[
                "results/uploads",
                "thumbnails/uploads",
                "previews/uploads",
                "claims/uploads",
            ],
        ),
    ] {
        for prefix in prefixes {
            let left = stack.versions(bucket, &format!("{prefix}/{owner}/"))?;
            ensure!(left == (0, 0), "{bucket} {prefix}: {left:?}");
        }
    }
    let listed = stack.expect(200, "GET", "/images", &Value::Null)?;
    ensure!(listed.get("images") == Some(&json!([])), "{listed}");
    Ok(())
}

#[test]
fn with_versioning_a_deletion_leaves_no_version() -> Result<()> {
    with_versions(Aws::LocalEnforced, &LEFT)
}

#[test]
fn with_versioning_a_deletion_leaves_no_version_in_moto() -> Result<()> {
    with_versions(Aws::MotoEnforced, &LEFT[..1])
}

#[test]
fn unlisted_the_upload_api_may_neither_search_nor_delete() -> Result<()> {
    check(&["access=unlisted"], |stack| {
        let key = all_flows(stack)?;
        stack.expect(403, "GET", "/images", &Value::Null)?;
        stack.expect(403, "DELETE", &format!("/images/{key}"), &Value::Null)?;
        // Somebody else switches versioning on.
        stack.keep_versions(stack.input())?;
        stack.store(stack.input(), &key, &picture("astronaut.png")?)?;
        ensure!(stack.process(&key)?);
        stack.expect(200, "GET", &format!("/results/{key}"), &Value::Null)?;
        Ok(())
    })
}

/// A picture that was deleted while the processor was working on it: the result is removed. S3 gives times in whole seconds, so
/// a picture stored again within the second of its deletion counts as the deleted one.
fn taken_back(stack: &Stack, key: &str) -> Result<()> {
    for _ in 0..10 {
        stack.store(stack.input(), key, &picture("chelsea.png")?)?;
        stack.expect(204, "DELETE", &format!("/images/{key}"), &Value::Null)?;
        stack.store(stack.input(), key, &picture("chelsea.png")?)?;
        ensure!(stack.process(key)?);
        if !stack.stands(&format!("results/{key}.json")) {
            return Ok(());
        }
    }
    bail!("the answer to a deleted picture was never taken back")
}
