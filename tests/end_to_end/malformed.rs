//! Malformed requests get their named error from the running programs, and nothing panics. The full tables
//! are in the unit tests of the upload API and the processor.

use std::fs;

use anyhow::{Context as _, Result, ensure};
use sightline_tests::{Local, http, text};

/// Method, path, body, status, problem code.
const REQUESTS: &[(&str, &str, &str, u16, &str)] = &[
    ("POST", "/uploads", "", 400, "invalid-json"),
    ("POST", "/uploads", "{\"contentType\":", 400, "invalid-json"),
    ("POST", "/uploads", "[]", 400, "not-an-object"),
    ("POST", "/uploads", "{}", 400, "missing-member"),
    (
        "POST",
        "/uploads",
        r#"{"contentType":"image/png"}"#,
        400,
        "missing-member",
    ),
    (
        "POST",
        "/uploads",
        r#"{"contentType":7,"contentLength":5}"#,
        400,
        "wrong-type",
    ),
    (
        "POST",
        "/uploads",
        r#"{"contentType":"text/html","contentLength":5}"#,
        415,
        "unsupported-content-type",
    ),
    (
        "POST",
        "/uploads",
        r#"{"contentType":"image/png","contentLength":0}"#,
        400,
        "invalid-content-length",
    ),
    (
        "POST",
        "/uploads",
        r#"{"contentType":"image/png","contentLength":-3}"#,
        400,
        "invalid-content-length",
    ),
    (
        "POST",
        "/uploads",
        r#"{"contentType":"image/png","contentLength":99999999999}"#,
        413,
        "image-too-large",
    ),
    (
        "POST",
        "/uploads",
        r#"{"contentType":"image/png","contentLength":5,"sha256":"abc"}"#,
        400,
        "invalid-sha256",
    ),
    (
        "POST",
        "/uploads",
        r#"{"contentType":"image/png","contentLength":5,"analyses":["cats"]}"#,
        400,
        "unknown-analysis",
    ),
    (
        "POST",
        "/uploads",
        r#"{"contentType":"image/png","contentLength":5,"analyses":[]}"#,
        400,
        "no-analyses",
    ),
    (
        "POST",
        "/uploads",
        r#"{"contentType":"image/png","contentLength":5,"analyses":["faces"]}"#,
        400,
        "analysis-not-enabled",
    ),
    (
        "POST",
        "/uploads",
        r#"{"contentType":"image/png","contentLength":5,"bucket":"mine"}"#,
        400,
        "unknown-member",
    ),
    ("DELETE", "/uploads", "", 405, "method-not-allowed"),
    ("GET", "/uploads", "", 405, "method-not-allowed"),
    ("POST", "/health", "", 405, "method-not-allowed"),
    ("GET", "/nowhere", "", 404, "no-such-path"),
    ("GET", "/results/secrets/a.jpg", "", 400, "invalid-key"),
    ("GET", "/results/uploads/", "", 400, "invalid-key"),
    (
        "GET",
        "/results/uploads/%2E%2E/%2E%2E/etc/passwd",
        "",
        404,
        "no-such-upload",
    ),
    ("GET", "/results/uploads/%FF.jpg", "", 400, "invalid-key"),
    (
        "GET",
        "/results/uploads/never-sent.jpg",
        "",
        404,
        "no-such-upload",
    ),
];

/// Method, path, headers, body, status, and a text in the error; all at the AWS endpoint, unsigned or wrongly signed.
type Foreign = (
    &'static str,
    &'static str,
    &'static [(&'static str, &'static str)],
    &'static str,
    u16,
    &'static str,
);
const FOREIGN: &[Foreign] = &[
    (
        "GET",
        "/sightline-input/uploads/a.png",
        &[],
        "",
        403,
        "AccessDenied",
    ),
    (
        "PUT",
        "/sightline-input/uploads/a.png",
        &[],
        "x",
        403,
        "AccessDenied",
    ),
    (
        "GET",
        "/sightline-input/a?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=nonsense&X-Amz-Date=x&X-Amz-Expires=9&X-Amz-SignedHeaders=host&X-Amz-Signature=0",
        &[],
        "",
        400,
        "AuthorizationQueryParametersError",
    ),
    (
        "POST",
        "/",
        &[
            ("x-amz-target", "RekognitionService.DetectLabels"),
            ("content-type", "application/x-amz-json-1.1"),
        ],
        "{}",
        400,
        "MissingAuthenticationTokenException",
    ),
    (
        "POST",
        "/",
        &[
            ("x-amz-target", "RekognitionService.DetectLabels"),
            ("content-type", "application/x-amz-json-1.1"),
            ("authorization", "AWS4-HMAC-SHA256 garbage"),
        ],
        "{}",
        400,
        "Exception",
    ),
];

#[test]
fn malformed_requests_get_their_named_error() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let local = Local::start(&data, &[])?;
    let large = format!("{{\"contentType\":\"{}\"}}", "x".repeat(20 << 10));
    let oversized = [("POST", "/uploads", large.as_str(), 413, "body-too-large")];
    for (method, path, body, status, code) in REQUESTS.iter().copied().chain(oversized) {
        let answer = http(
            method,
            &format!("{}{path}", local.ready.api),
            &[],
            body.as_bytes(),
        )?;
        let shown = String::from_utf8_lossy(&answer.body).into_owned();
        let case = format!(
            "{method} {path} {}: {} {shown}",
            body.get(..60).unwrap_or(body),
            answer.status
        );
        ensure!(answer.status == status, "{case}");
        ensure!(
            answer.header("content-type") == Some("application/problem+json"),
            "{case}"
        );
        let problem = answer.json()?;
        ensure!(
            text(&problem, "/code").with_context(|| case.clone())? == code,
            "{case}"
        );
        ensure!(text(&problem, "/detail")?.len() > 10, "{case}");
    }
    for (method, path, headers, body, status, named) in FOREIGN {
        let answer = http(
            method,
            &format!("{}{path}", local.ready.aws),
            headers,
            body.as_bytes(),
        )?;
        let shown = String::from_utf8_lossy(&answer.body).into_owned();
        ensure!(
            answer.status == *status && shown.contains(named),
            "{method} {path}: {} {shown}",
            answer.status
        );
    }
    local.interrupt()?;
    let log = fs::read_to_string(data.with_extension("log"))?;
    ensure!(!log.contains("panicked"), "{log}");
    Ok(())
}
