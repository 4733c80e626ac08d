//! Guests: temporary credentials of the local Cognito Identity sign requests for the API, and nothing else. botocore is the client.

use std::{
    collections::BTreeSet,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sightline_tests::{
    Answer, Local, TIMEOUT, http, picture,
    policies::{Permission, deployed, missing},
    put, root, run, text, tool,
};

fn python() -> Command {
    let mut command = Command::new(tool("python"));
    command
        .arg("-I")
        .arg(root().join("tests/clients/guest.py"))
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_CONFIG_FILE", "/nonexistent");
    command
}

/// A guest with temporary credentials.
struct Guest<'a> {
    local: &'a Local,
    credentials: Value,
}

impl<'a> Guest<'a> {
    /// A new guest, or the one with this identity.
    fn of(local: &'a Local, identity: Option<&str>) -> Result<Self> {
        let configuration = http("GET", &format!("{}/config.json", local.ready.api), &[], b"")?;
        let configuration = configuration.json()?;
        let output = run(python()
            .arg("credentials")
            .arg(text(&configuration, "/guests/identityEndpoint")?)
            .arg(text(&configuration, "/guests/region")?)
            .arg(text(&configuration, "/guests/identityPoolId")?)
            .args(identity))?;
        let credentials = serde_json::from_str(&output)?;
        Ok(Self { local, credentials })
    }

    fn identity(&self) -> Result<&str> {
        text(&self.credentials, "/identity")
    }

    /// Sends a signed request to a path of the API.
    fn send(&self, method: &str, path: &str, body: &str) -> Result<Answer> {
        let url = format!("{}{path}", self.local.ready.api);
        let request =
            json!({"method": method, "url": url, "body": body, "credentials": self.credentials});
        let mut signer = python()
            .args(["sign", &self.local.ready.region])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut input = signer.stdin.take().context("no standard input")?;
        input.write_all(request.to_string().as_bytes())?;
        drop(input);
        let output = signer.wait_with_output()?;
        ensure!(output.status.success(), "the request was not signed");
        let headers: Value = serde_json::from_slice(&output.stdout)?;
        let headers: Vec<_> = (headers.as_object().context("no headers")?.iter())
            .filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect();
        http(method, &url, &headers, body.as_bytes())
    }

    /// The keys of the guest's images.
    fn images(&self) -> Result<Vec<String>> {
        let page = self.send("GET", "/guest/images?limit=10", "")?.json()?;
        let images = page.get("images").and_then(Value::as_array);
        Ok((images.context("no images")?.iter())
            .filter_map(|image| Some(image.get("key")?.as_str()?.to_owned()))
            .collect())
    }

    /// Whether the AWS CLI may do this with the guest's credentials; the code of the error if not.
    fn aws(&self, arguments: &[&str]) -> Result<Option<String>> {
        let output = Command::new(tool("aws"))
            .args(arguments)
            // Version 1 ignores the variable for SQS.
            .args(["--endpoint-url", &self.local.ready.aws])
            .envs(self.local.ready.environment())
            .env(
                "AWS_ACCESS_KEY_ID",
                text(&self.credentials, "/accessKeyId")?,
            )
            .env(
                "AWS_SECRET_ACCESS_KEY",
                text(&self.credentials, "/secretKey")?,
            )
            .env(
                "AWS_SESSION_TOKEN",
                text(&self.credentials, "/sessionToken")?,
            )
            .output()?;
        let error = String::from_utf8_lossy(&output.stderr);
        Ok(error
            .split_once("An error occurred (")
            .and_then(|(_, rest)| rest.split_once(')'))
            .map(|(code, _)| code.to_owned()))
    }
}

fn start(folder: &Path) -> Result<Local> {
    Local::start(&folder.join("data"), &["--guests"])
}

#[test]
fn a_guest_uploads_reads_and_lists_their_own_pictures_alone() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = start(folder.path())?;
    let api = local.ready.api.clone();
    let (anne, bert) = (Guest::of(&local, None)?, Guest::of(&local, None)?);
    let bytes = std::fs::read(picture("rocket.jpg")?)?;
    let ask = json!({"contentType": "image/jpeg", "contentLength": bytes.len()}).to_string();
    let ticket = anne.send("POST", "/guest/uploads", &ask)?;
    ensure!(ticket.status == 201, "{:?}", ticket.json());
    let ticket = ticket.json()?;
    let key = text(&ticket, "/key")?.to_owned();
    // Whoever knows the identity's id gets its credentials, and keys are in links.
    let (_, id) = (anne.identity()?.split_once(':')).context("no region")?;
    ensure!(
        key.starts_with("uploads/!guest-") && !key.contains(id),
        "{key}"
    );
    ensure!(put(&ticket, &bytes)?.status == 200);

    let path = text(&ticket, "/statusUrl")?
        .strip_prefix(&api)
        .context("another address")?
        .to_owned();
    ensure!(path.starts_with("/guest/results/"), "{path}");
    let began = Instant::now();
    let result = loop {
        let answer = anne.send("GET", &path, "")?;
        match answer.status {
            202 => ensure!(began.elapsed() < TIMEOUT, "no result"),
            _ => break answer,
        }
        thread::sleep(Duration::from_millis(100));
    };
    ensure!(result.status == 200 && text(&result.json()?, "/source/key")? == key);
    ensure!(anne.images()? == [key.as_str()]);

    ensure!(bert.images()?.is_empty());
    ensure!(bert.send("GET", &path, "")?.status == 404);
    let image = path.replace("/guest/results/", "/guest/images/");
    for method in ["GET", "DELETE"] {
        ensure!(bert.send(method, &image, "")?.status == 404, "{method}");
    }
    // Without a signature, as at API Gateway.
    let unsigned = http("GET", &format!("{api}/guest/images"), &[], b"")?;
    ensure!(unsigned.status == 403 && unsigned.json()? == json!({"message": "Forbidden"}));
    ensure!(http("GET", &format!("{api}/images"), &[], b"")?.status == 401);
    // A signature for the other routes does not help: they take tokens.
    ensure!(anne.send("GET", "/images", "")?.status == 401);

    for (arguments, code) in [
        (
            &[
                "s3api",
                "get-object",
                "--bucket",
                "sightline-input",
                "--key",
                &key,
                "file",
            ][..],
            "AccessDenied",
        ),
        (
            &[
                "rekognition",
                "detect-labels",
                "--image",
                "S3Object={Bucket=sightline-input,Name=b}",
            ],
            "AccessDeniedException",
        ),
        (
            &["sqs", "get-queue-url", "--queue-name", "sightline-uploads"],
            "AccessDeniedException",
        ),
    ] {
        let refused = anne.aws(arguments)?;
        ensure!(
            refused.as_deref() == Some(code),
            "{arguments:?}: {refused:?}"
        );
    }

    // The identity survives a restart of the service.
    let identity = anne.identity()?.to_owned();
    local.interrupt()?;
    let local = start(folder.path())?;
    let again = Guest::of(&local, Some(&identity))?;
    ensure!(again.images()? == [key]);
    ensure!(again.send("DELETE", &image, "")?.status == 204);
    ensure!(again.images()?.is_empty());
    Ok(())
}

#[test]
fn the_role_of_guests_allows_their_routes_and_nothing_else() -> Result<()> {
    let deployed = deployed(&["guests=on"])?;
    let role = deployed.guests.context("the stack has no role of guests")?;
    let granted = role.granted()?;
    let api = |path: &str| Permission::new("execute-api:Invoke", path);
    // The name of the API in the template is not known here.
    let (prefix, _) = granted
        .first()
        .and_then(|grant| grant.resource.split_once("/$default/"))
        .context("no grant names the stage $default")?;
    let needed = |route: &str| BTreeSet::from([api(&format!("{prefix}/$default/{route}"))]);
    for route in [
        "POST/guest/uploads",
        "POST/guest/images",
        "GET/guest/images",
        "GET/guest/images/uploads/owner/a.jpg",
        "DELETE/guest/images/uploads/owner/a.jpg",
        "GET/guest/results/uploads/owner/a.jpg",
        "GET/guest/thumbnails/uploads/owner/a.jpg",
        "GET/guest/labels",
        "POST/guest/handovers",
    ] {
        ensure!(missing(&granted, &needed(route)).is_empty(), "{route}");
    }
    for route in [
        "POST/uploads",
        "GET/images",
        "GET/results/uploads/owner/a.jpg",
        "POST/handovers",
        "DELETE/guest/uploads",
        "PUT/guest/images/uploads/owner/a.jpg",
    ] {
        ensure!(!missing(&granted, &needed(route)).is_empty(), "{route}");
    }
    let buckets = [&deployed.functions.upload_api.environment].map(|environment| {
        [
            environment.get("INPUT_BUCKET"),
            environment.get("OUTPUT_BUCKET"),
        ]
    });
    for bucket in buckets.into_iter().flatten() {
        let bucket = format!("arn:aws:s3:::{}", bucket.context("no bucket")?);
        for (action, resource) in [
            ("s3:GetObject", format!("{bucket}/uploads/owner/a.jpg")),
            ("s3:PutObject", format!("{bucket}/uploads/owner/a.jpg")),
            ("s3:DeleteObject", format!("{bucket}/uploads/owner/a.jpg")),
            ("s3:ListBucket", bucket.clone()),
        ] {
            let needed = BTreeSet::from([Permission::new(action, resource)]);
            ensure!(!missing(&granted, &needed).is_empty(), "{action}");
        }
    }
    for (action, resource) in [
        (
            "dynamodb:Query",
            "arn:aws:dynamodb:us-east-1:000000000000:table/Index",
        ),
        (
            "dynamodb:PutItem",
            "arn:aws:dynamodb:us-east-1:000000000000:table/Index",
        ),
        ("rekognition:DetectLabels", "*"),
        (
            "sqs:SendMessage",
            "arn:aws:sqs:us-east-1:000000000000:Uploads",
        ),
        ("sts:AssumeRole", "*"),
    ] {
        let needed = BTreeSet::from([Permission::new(action, resource)]);
        ensure!(!missing(&granted, &needed).is_empty(), "{action}");
    }
    ensure!(
        granted
            .iter()
            .all(|grant| grant.action == "execute-api:Invoke")
    );
    Ok(())
}
