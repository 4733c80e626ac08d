//! Answers requests for unknown host names, and of other sites' pages, with problem documents like those of the API.

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use serde_json::json;
use sightline_local_aws::{Guard, GuardError};
use std::sync::Arc;

/// Adds the check to all routes.
pub(super) fn guard(guard: Guard, app: Router) -> Router {
    app.layer(middleware::from_fn_with_state(Arc::new(guard), check))
}

async fn check(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    match guard.check(request.method(), request.uri(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => rejection(&error),
    }
}

/// A problem document (RFC 9457). The status for an unknown host is 421 (RFC 9110, section 15.5.20).
fn rejection(error: &GuardError) -> Response {
    let (status, title, code) = match error {
        GuardError::HostHeaders => (StatusCode::BAD_REQUEST, "Invalid host", "invalid-host"),
        GuardError::UnknownHost(_) => (
            StatusCode::MISDIRECTED_REQUEST,
            "Unknown host",
            "unknown-host",
        ),
        GuardError::ForeignOrigin(_) => (StatusCode::FORBIDDEN, "Foreign origin", "foreign-origin"),
    };
    let problem = json!({
        "type": format!("urn:sightline:problem:{code}"),
        "title": title,
        "status": status.as_u16(),
        "detail": error.to_string(),
        "code": code,
    });
    let mut response = (status, Json(problem)).into_response();
    let headers = response.headers_mut();
    headers.insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        body::{Body, to_bytes},
        http::header::{HOST, ORIGIN},
    };
    use serde_json::Value;
    use tower::ServiceExt;

    #[tokio::test]
    async fn a_rejected_request_gets_a_problem_with_advice() {
        let own = Guard::new("127.0.0.1".parse().unwrap(), [], []);
        let app = guard(own, Router::new().fallback(|| async { "here" }));
        let ask = |uri: &str, host: Option<&str>, origin: Option<&str>| {
            let mut request = Request::builder().uri(uri);
            if let Some(host) = host {
                request = request.header(HOST, host);
            }
            if let Some(origin) = origin {
                request = request.header(ORIGIN, origin);
            }
            app.clone().oneshot(request.body(Body::empty()).unwrap())
        };
        let local = Some("localhost:1");
        assert_eq!(ask("/", local, None).await.unwrap().status(), 200);
        let own = Some("http://localhost:1");
        assert_eq!(ask("/", local, own).await.unwrap().status(), 200);
        for (uri, host, origin, status, code, advice) in [
            (
                "/",
                Some("evil.example:8080"),
                None,
                421,
                "unknown-host",
                "--allowed-host",
            ),
            (
                "http://evil.example/",
                local,
                None,
                421,
                "unknown-host",
                "--allowed-host",
            ),
            ("/", None, None, 400, "invalid-host", "one Host header"),
            (
                "/",
                local,
                Some("http://localhost:2"),
                403,
                "foreign-origin",
                "--allowed-origins",
            ),
        ] {
            let response = ask(uri, host, origin).await.unwrap();
            assert_eq!(response.status(), status);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
            let body = to_bytes(response.into_body(), 10_000).await.unwrap();
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["status"], status);
            assert_eq!(problem["code"], code);
            assert!(
                problem["detail"].as_str().unwrap().contains(advice),
                "{problem}"
            );
        }
    }
}
