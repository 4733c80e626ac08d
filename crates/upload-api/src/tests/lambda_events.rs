//! Requests as Lambda receives them: complete events and replies, decoded by `lambda_http` itself. The events have the shapes that AWS documents (Amazon API Gateway Developer Guide, "Create
//! AWS Lambda proxy integrations for HTTP APIs" and "Set up Lambda proxy integrations"; AWS Lambda
//! Developer Guide, "Invoking Lambda function URLs").

use lambda_http::{Adapter, Context, LambdaEvent, request::LambdaRequest};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{
    guests::{ANNE, GUESTS, POOL},
    library::{OPEN, library, three},
    read_result::KEYS,
    *,
};
use crate::{lambda, results_path};

const HTTP_API: &str = "abc.execute-api.eu-west-1.amazonaws.com";
const FUNCTION_URL: &str = "abc.lambda-url.eu-west-1.on.aws";

/// Payload 2.0.
fn v2(domain: &str, stage: &str, method: &str, raw_path: &str, body: Option<&str>) -> Value {
    json!({
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": raw_path,
        "rawQueryString": "",
        "headers": {
            "accept": "*/*",
            "content-type": "application/json",
            "host": domain,
            "user-agent": "curl/8.7.1",
            "x-amzn-trace-id": "Root=1-5eb33c07-de25b420912dee103a5db434",
            "x-forwarded-for": "203.0.113.7",
            "x-forwarded-port": "443",
            "x-forwarded-proto": "https"
        },
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "abc",
            "domainName": domain,
            "domainPrefix": "abc",
            "http": {
                "method": method,
                "path": raw_path,
                "protocol": "HTTP/1.1",
                "sourceIp": "203.0.113.7",
                "userAgent": "curl/8.7.1"
            },
            "requestId": "QQCtFipSIAMEPNQ=",
            "routeKey": "$default",
            "stage": stage,
            "time": "01/Jan/2026:00:00:00 +0000",
            "timeEpoch": 1_767_225_600_000_u64
        },
        "body": body,
        "isBase64Encoded": false
    })
}

/// A REST API's event.
fn v1(method: &str, path: &str, body: Option<&str>) -> Value {
    let domain = "abc.execute-api.eu-west-1.amazonaws.com";
    json!({
        "resource": "/{proxy+}",
        "path": path,
        "httpMethod": method,
        "headers": {"Host": domain, "X-Forwarded-Proto": "https", "Content-Type": "application/json"},
        "multiValueHeaders": {"Host": [domain], "X-Forwarded-Proto": ["https"], "Content-Type": ["application/json"]},
        "queryStringParameters": null,
        "multiValueQueryStringParameters": null,
        "pathParameters": {"proxy": path.trim_start_matches('/')},
        "stageVariables": null,
        "requestContext": {
            "accountId": "111122223333",
            "apiId": "abc",
            "domainName": domain,
            "domainPrefix": "abc",
            "extendedRequestId": "QQCtFipSIAMEPNQ=",
            "httpMethod": method,
            "identity": {"sourceIp": "203.0.113.7", "userAgent": "curl/8.7.1"},
            "path": format!("/prod{path}"),
            "protocol": "HTTP/1.1",
            "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
            "requestTime": "01/Jan/2026:00:00:00 +0000",
            "requestTimeEpoch": 1_767_225_600_000_u64,
            "resourceId": "123456",
            "resourcePath": "/{proxy+}",
            "stage": "prod"
        },
        "body": body,
        "isBase64Encoded": false
    })
}

/// The function's reply to an event.
async fn invoke(store: &MemoryStore, event: Value) -> Value {
    invoke_with(api(store), event).await
}

async fn invoke_with(api: Router, event: Value) -> Value {
    let request: LambdaRequest = serde_json::from_value(event).unwrap();
    let mut context = Context::default();
    context.request_id = "8476a536-e9f4-11e8-9739-2dfe598c3fcd".to_owned();
    let handler = Adapter::from(lambda::service(api));
    let answer = handler
        .oneshot(LambdaEvent::new(request, context))
        .await
        .unwrap();
    serde_json::to_value(answer).unwrap()
}

fn body(answer: &Value) -> Value {
    assert_eq!(answer["isBase64Encoded"], false);
    serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
}

/// The path as a function URL and a REST API pass it on.
fn encoded(key: &str) -> String {
    let segments: Vec<_> = key
        .split('/')
        .map(|segment| utf8_percent_encode(segment, NON_ALPHANUMERIC).to_string())
        .collect();
    format!("/results/{}", segments.join("/"))
}

#[tokio::test]
async fn an_upload_reply_has_the_public_address() {
    let ask = Some(r#"{"contentType":"image/png","contentLength":5}"#);
    for (event, base) in [
        (
            v2(HTTP_API, "$default", "POST", "/uploads", ask),
            format!("https://{HTTP_API}"),
        ),
        (
            v2(HTTP_API, "beta", "POST", "/beta/uploads", ask),
            format!("https://{HTTP_API}/beta"),
        ),
        (
            v2("pictures.example.com", "beta", "POST", "/beta/uploads", ask),
            "https://pictures.example.com".to_owned(),
        ),
        (
            v2("pictures.example.com", "$default", "POST", "/uploads", ask),
            "https://pictures.example.com".to_owned(),
        ),
        (
            v2(FUNCTION_URL, "$default", "POST", "/uploads", ask),
            format!("https://{FUNCTION_URL}"),
        ),
        (
            v1("POST", "/uploads", ask),
            format!("https://{HTTP_API}/prod"),
        ),
    ] {
        let answer = invoke(&MemoryStore::new(), event).await;
        assert_eq!(answer["statusCode"], 201, "{answer}");
        let ticket = body(&answer);
        let expected = format!("{base}/results/{}", ticket["key"].as_str().unwrap());
        assert_eq!(ticket["statusUrl"], expected);
        let headers = ticket["headers"].as_object().unwrap();
        assert_eq!(headers.len(), 3, "{headers:?}");
    }
}

#[tokio::test]
async fn a_body_in_base64_is_read() {
    let mut event = v2(
        HTTP_API,
        "$default",
        "POST",
        "/uploads",
        Some("eyJjb250ZW50VHlwZSI6ImltYWdlL3BuZyIsImNvbnRlbnRMZW5ndGgiOjV9"),
    );
    event["isBase64Encoded"] = json!(true);
    let answer = invoke(&MemoryStore::new(), event).await;
    assert_eq!(answer["statusCode"], 201);
}

#[tokio::test]
async fn keys_are_decoded_once_in_every_kind_of_event() {
    let store = MemoryStore::new();
    for key in KEYS {
        let image = put_image(&store, key);
        let document: Value = serde_json::from_slice(&put_result(&store, key, &image)).unwrap();
        let safe = results_path(&SourceKey::new(key).unwrap());
        for event in [
            // An HTTP API decodes the path and adds its stage, if that has a name.
            v2(
                HTTP_API,
                "$default",
                "GET",
                &format!("/results/{key}"),
                None,
            ),
            v2(
                HTTP_API,
                "beta",
                "GET",
                &format!("/beta/results/{key}"),
                None,
            ),
            v2(
                "pictures.example.com",
                "$default",
                "GET",
                &format!("/results/{key}"),
                None,
            ),
            // A function URL and a REST API pass it on unchanged.
            v2(FUNCTION_URL, "$default", "GET", &encoded(key), None),
            v2(FUNCTION_URL, "$default", "GET", &safe, None),
            v2("localhost", "$default", "GET", &safe, None),
            v1("GET", &encoded(key), None),
            v1("GET", &safe, None),
        ] {
            let answer = invoke(&store, event.clone()).await;
            assert_eq!(answer["statusCode"], 200, "{answer} to {event}");
            assert_eq!(body(&answer), document, "{event}");
        }
    }
}

/// A parameter may be given several times; API Gateway joins the values in `queryStringParameters` but not in the raw query.
#[tokio::test]
async fn repeated_parameters_arrive_in_every_kind_of_event() {
    let (store, index) = three().await;
    let mut http_api = v2(HTTP_API, "$default", "GET", "/images", None);
    http_api["rawQueryString"] = json!("label=dog&label=cat&q=dogs%20%22cat%22");
    http_api["queryStringParameters"] = json!({"label": "dog,cat", "q": "dogs \"cat\""});
    let mut rest_api = v1("GET", "/images", None);
    rest_api["multiValueQueryStringParameters"] =
        json!({"label": ["dog", "cat"], "q": ["dogs \"cat\""]});
    rest_api["queryStringParameters"] = json!({"label": "cat", "q": "dogs \"cat\""});
    for event in [http_api, rest_api] {
        let api = library(store.clone(), &index, OPEN);
        let answer = body(&invoke_with(api, event).await);
        let images = answer["images"].as_array().unwrap();
        assert_eq!(images.len(), 1, "{answer}");
        assert_eq!(images[0]["key"], "inline/c.jpg");
    }
}

#[tokio::test]
async fn the_request_id_comes_from_the_event() {
    for event in [
        v2(HTTP_API, "$default", "GET", "/health", None),
        v1("GET", "/health", None),
    ] {
        let answer = invoke(&MemoryStore::new(), event).await;
        let headers = if answer["headers"].get("x-request-id").is_some() {
            answer["headers"]["x-request-id"].clone()
        } else {
            answer["multiValueHeaders"]["x-request-id"][0].clone()
        };
        assert_eq!(headers, "8476a536-e9f4-11e8-9739-2dfe598c3fcd");
    }
}

#[tokio::test]
async fn problems_are_returned_as_text() {
    for path in [
        "/nowhere",
        "/results/elsewhere",
        "",
        "/",
        "/beta",
        "no-slash",
        "/re sults/\u{0}?#",
    ] {
        for domain in [HTTP_API, FUNCTION_URL] {
            let answer = invoke(
                &MemoryStore::new(),
                v2(domain, "$default", "GET", path, None),
            )
            .await;
            assert!(
                matches!(answer["statusCode"].as_u64(), Some(400 | 404)),
                "{answer}"
            );
            assert_eq!(
                answer["headers"]["content-type"],
                "application/problem+json"
            );
            assert!(body(&answer)["code"].is_string());
        }
    }
}

/// A context with the caller that IAM authorization found. The members are those of the example that AWS keeps beside its own
/// types (aws-lambda-go, `events/testdata/apigw-v2-request-iam.json`).
fn signed_by(cognito_identity: Value) -> Value {
    let ask = Some(r#"{"contentType":"image/png","contentLength":5}"#);
    let mut event = v2(HTTP_API, "$default", "POST", "/guest/uploads", ask);
    event["requestContext"]["authorizer"] = json!({
        "iam": {
            "accessKey": "ASIA2ZJZYVUEREEIHAKY",
            "accountId": "111122223333",
            "callerId": "AROA7ZJZYVRE7C3DUXHH6:CognitoIdentityCredentials",
            "cognitoIdentity": cognito_identity,
            "principalOrgId": "aws:PrincipalOrgID",
            "userArn": "arn:aws:sts::111122223333:assumed-role/guests/CognitoIdentityCredentials",
            "userId": "AROA7ZJZYVRE7C3DUXHH6:CognitoIdentityCredentials"
        }
    });
    event
}

#[tokio::test]
async fn the_signer_of_a_request_is_its_guest() {
    let of = |pool: &str| json!({ "amr": ["unauthenticated"], "identityId": ANNE, "identityPoolId": pool });
    let api = api_with(&MemoryStore::new(), GUESTS);
    let answer = invoke_with(api.clone(), signed_by(of(POOL))).await;
    assert_eq!(answer["statusCode"], 201, "{answer}");
    let ticket = body(&answer);
    let key = ticket["key"].as_str().unwrap();
    let folder = sightline_pipeline::Owner::guest(ANNE).unwrap();
    let folder = folder.as_str();
    assert!(key.starts_with(&format!("uploads/{folder}/")), "{key}");
    let expected = format!(
        "https://{HTTP_API}/guest/results/{}",
        key.replace('!', "%21")
    );
    assert_eq!(ticket["statusUrl"], expected);
    // Another pool, and a role that has no identity.
    for identity in [of(ANNE), Value::Null] {
        let answer = invoke_with(api.clone(), signed_by(identity)).await;
        assert_eq!(answer["statusCode"], 403, "{answer}");
        assert_eq!(body(&answer)["code"], "no-guest-identity");
    }
}

#[tokio::test]
async fn an_event_that_did_not_come_through_the_site_is_rejected() {
    const SECRET: &str = "the-secret-of-the-site-0123456789";
    let api = api_with(&MemoryStore::new(), &[("ORIGIN_SECRETS", SECRET)]);
    for (secret, status) in [(None, 403), (Some("wrong"), 403), (Some(SECRET), 200)] {
        let mut event = v2(HTTP_API, "$default", "GET", "/health", None);
        if let Some(secret) = secret {
            event["headers"]["x-sightline-origin"] = json!(secret);
        }
        let answer = invoke_with(api.clone(), event).await;
        assert_eq!(answer["statusCode"], status, "{answer}");
    }
}
