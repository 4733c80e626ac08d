//! Rejects requests for unknown host names.
//!
//! Another site can point its own name at this machine after its page is loaded (DNS rebinding). The browser then treats
//! that page as one of this server. Its requests still have the site's name as their host, and are rejected for it.

use axum::{
    Json, Router,
    extract::{Request, State},
    http::{
        HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, HOST},
        uri::Authority,
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::{net::IpAddr, sync::Arc};

/// How much of the request's host the response repeats, in characters.
const MAX_SHOWN_HOST: usize = 100;

/// The hosts that requests may have.
#[derive(Debug)]
pub(super) struct AllowedHosts {
    listening: IpAddr,
    names: Vec<String>,
}

impl AllowedHosts {
    /// Allows loopback addresses and names, the address that the server listens on, and `names`. If the server listens on the
    /// unspecified address, all addresses are allowed: a site can choose where its name points, but not its address.
    pub(super) fn new(listening: IpAddr, names: impl IntoIterator<Item = String>) -> Self {
        Self {
            listening,
            names: names.into_iter().collect(),
        }
    }

    /// Adds the check to all routes.
    pub(super) fn guard(self, app: Router) -> Router {
        app.layer(middleware::from_fn_with_state(Arc::new(self), check))
    }

    /// Whether a request may have this host, with or without a port.
    fn allow(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        let name = authority.host();
        let name = name.strip_suffix('.').unwrap_or(name);
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if self.names.iter().any(|one| one.eq_ignore_ascii_case(bare)) {
            return true;
        }
        match bare.parse::<IpAddr>() {
            Ok(ip) => {
                self.listening.is_unspecified()
                    || ip == self.listening
                    || ip.to_canonical().is_loopback()
            }
            // Browsers resolve every name under localhost to this machine, without a name server.
            Err(_) => {
                let name = name.to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }
}

async fn check(State(hosts): State<Arc<AllowedHosts>>, request: Request, next: Next) -> Response {
    let host = match request.uri().authority() {
        Some(authority) => authority.as_str(),
        None => request
            .headers()
            .get(HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or_default(),
    };
    if hosts.allow(host) {
        next.run(request).await
    } else {
        rejection(host)
    }
}

/// A problem document (RFC 9457) like those of the API. The status is 421 (RFC 9110, section 15.5.20).
fn rejection(host: &str) -> Response {
    let status = StatusCode::MISDIRECTED_REQUEST;
    let shown: String = host.chars().take(MAX_SHOWN_HOST).collect();
    let problem = json!({
        "type": "urn:sightline:problem:unknown-host",
        "title": "Unknown host",
        "status": status.as_u16(),
        "detail": format!(
            "The request's host \"{shown}\" is not a name of this server. Use localhost, or start `sightline local` with \
             --allowed-host and that name, without a port."
        ),
        "code": "unknown-host",
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
    use axum::body::{Body, to_bytes};
    use serde_json::Value;
    use tower::ServiceExt;

    fn hosts(listening: &str, names: &[&str]) -> AllowedHosts {
        let names = names.iter().map(|name| (*name).to_owned());
        AllowedHosts::new(listening.parse().unwrap(), names)
    }

    #[test]
    fn this_machine_and_the_configured_names_are_allowed() {
        let loopback = hosts("127.0.0.1", &["pictures.local", "fd00::2"]);
        for host in [
            "127.0.0.1:8080",
            "127.0.0.1",
            "localhost:8080",
            "LocalHost.",
            "in.localhost:8080",
            "[::1]:8080",
            "Pictures.Local:8080",
            "[fd00::2]:8080",
        ] {
            assert!(loopback.allow(host), "{host}");
        }
        for host in [
            "",
            "evil.example",
            "evil.example:8080",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "notlocalhost",
            "192.0.2.7:8080",
            "pictures.local.evil.example",
            "a b",
        ] {
            assert!(!loopback.allow(host), "{host}");
        }
        let unspecified = hosts("0.0.0.0", &[]);
        assert!(unspecified.allow("192.0.2.7:8080") && unspecified.allow("[fd00::2]:1"));
        assert!(!unspecified.allow("evil.example:8080"));
        let address = hosts("192.0.2.7", &[]);
        assert!(address.allow("192.0.2.7:8080") && !address.allow("192.0.2.8:8080"));
    }

    #[tokio::test]
    async fn an_unknown_host_gets_a_problem_with_advice() {
        let app = hosts("127.0.0.1", &[]).guard(Router::new().fallback(|| async { "here" }));
        let ask = |uri: &str, host: Option<&str>| {
            let mut request = Request::builder().uri(uri);
            if let Some(host) = host {
                request = request.header(HOST, host);
            }
            app.clone().oneshot(request.body(Body::empty()).unwrap())
        };
        assert_eq!(ask("/", Some("localhost:1")).await.unwrap().status(), 200);
        for (uri, host) in [
            ("/", Some("evil.example:8080")),
            ("/", None),
            ("http://evil.example/", Some("localhost")),
        ] {
            let response = ask(uri, host).await.unwrap();
            assert_eq!(response.status(), 421);
            assert_eq!(response.headers()[CONTENT_TYPE], "application/problem+json");
            let body = to_bytes(response.into_body(), 10_000).await.unwrap();
            let problem: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(problem["status"], 421);
            assert_eq!(problem["code"], "unknown-host");
            assert!(
                problem["detail"]
                    .as_str()
                    .unwrap()
                    .contains("--allowed-host")
            );
        }
    }
}
