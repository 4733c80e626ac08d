//! Calls a function through Lambda's Invoke, and as API Gateway does for an HTTP API.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use crate::http;

/// The value of `x-sightline-origin` that shows the function that a request came through the site. `cdk/lib/template.ts` gives the
/// function the same one.
pub const ORIGIN_SECRET: &str = "known-to-the-tests-alone";

/// Invokes a function at `endpoint`, which implements Lambda's API, and returns the function's response.
///
/// # Errors
/// If the endpoint does not respond, or the function fails.
pub fn invoke(endpoint: &str, function: &str, event: &Value) -> Result<Value> {
    let answer = http(
        "POST",
        &format!("{endpoint}/2015-03-31/functions/{function}/invocations"),
        &[("content-type", "application/json")],
        event.to_string().as_bytes(),
    )?;
    ensure!(
        answer.status == 200,
        "{function}: {} {}",
        answer.status,
        String::from_utf8_lossy(&answer.body)
    );
    answer.json()
}

/// Calls the upload API as API Gateway does, for a subject that its JWT authorizer has accepted. Returns status and body; the body
/// is null if it is not JSON.
///
/// # Errors
/// If the endpoint does not respond, or the function fails.
pub fn through_gateway(
    endpoint: &str,
    subject: Option<&str>,
    method: &str,
    path_and_query: &str,
    body: &Value,
) -> Result<(u64, Value)> {
    let authorizer = subject.map(|subject| {
        json!({"jwt": {"claims": {"sub": subject, "token_use": "access", "exp": "1767229200",
            "cognito:groups": "[people]"}, "scopes": ["openid"]}})
    });
    send(endpoint, authorizer, method, path_and_query, body)
}

/// The same for a guest, whose request API Gateway's IAM authorizer has accepted.
///
/// # Errors
/// If the endpoint does not respond, or the function fails.
pub fn as_guest(
    endpoint: &str,
    (pool, identity): (&str, &str),
    method: &str,
    path_and_query: &str,
    body: &Value,
) -> Result<(u64, Value)> {
    let authorizer = json!({"iam": {"accessKey": "ASIAEXAMPLE", "accountId": "111122223333",
        "callerId": "AROAEXAMPLE:CognitoIdentityCredentials",
        "cognitoIdentity": {"amr": ["unauthenticated"], "identityId": identity, "identityPoolId": pool},
        "principalOrgId": null, "userArn": "arn:aws:sts::111122223333:assumed-role/guests/CognitoIdentityCredentials",
        "userId": "AROAEXAMPLE:CognitoIdentityCredentials"}});
    send(endpoint, Some(authorizer), method, path_and_query, body)
}

fn send(
    endpoint: &str,
    authorizer: Option<Value>,
    method: &str,
    path_and_query: &str,
    body: &Value,
) -> Result<(u64, Value)> {
    let event = gateway_event(authorizer, method, path_and_query, body);
    let answer = invoke(endpoint, "sightline-upload-api", &event)?;
    let status = answer.get("statusCode").and_then(Value::as_u64);
    let body = answer.get("body").and_then(Value::as_str).unwrap_or("");
    Ok((
        status.with_context(|| format!("no status in {answer}"))?,
        serde_json::from_str(body).unwrap_or_default(),
    ))
}

/// An event in payload format 2.0 (Amazon API Gateway Developer Guide, "Create AWS Lambda proxy integrations for HTTP
/// APIs").
fn gateway_event(
    authorizer: Option<Value>,
    method: &str,
    path_and_query: &str,
    body: &Value,
) -> Value {
    let (path, query) = path_and_query
        .split_once('?')
        .unwrap_or((path_and_query, ""));
    let domain = "abc.execute-api.eu-west-1.amazonaws.com";
    let mut context = json!({
        "accountId": "111122223333", "apiId": "abc", "domainName": domain, "domainPrefix": "abc",
        "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7",
            "userAgent": "curl/8.7.1"},
        "requestId": "QQCtFipSIAMEPNQ=", "routeKey": "$default", "stage": "$default",
        "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_u64
    });
    if let (Some(authorizer), Some(context)) = (authorizer, context.as_object_mut()) {
        context.insert("authorizer".to_owned(), authorizer);
    }
    json!({
        "version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": query,
        "headers": {"host": domain, "content-type": "application/json", "x-forwarded-proto": "https",
            "authorization": "Bearer of.no.interest", "x-sightline-origin": ORIGIN_SECRET},
        "requestContext": context,
        "body": if body.is_null() { Value::Null } else { Value::String(body.to_string()) },
        "isBase64Encoded": false
    })
}
