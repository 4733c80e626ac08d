//! Which names are answered to.
//!
//! A page of another site can have its own name lead to this machine after it was loaded (DNS rebinding), and would
//! then count as a page from here. Its requests still name its host, by which they are told and refused.

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

/// The longest quotation of a request's own words, in characters.
const MAX_QUOTE: usize = 100;

/// The hosts that requests may name.
#[derive(Debug)]
pub(super) struct Hosts {
    listening: IpAddr,
    named: Vec<String>,
}

impl Hosts {
    /// Loopback addresses and names, the address listened on (any address, where that is every one of the machine:
    /// an address cannot be made to lead elsewhere), and these names and addresses.
    pub(super) fn new(listening: IpAddr, named: impl IntoIterator<Item = String>) -> Self {
        Self {
            listening,
            named: named.into_iter().collect(),
        }
    }

    /// Puts the check in front of everything.
    pub(super) fn guard(self, app: Router) -> Router {
        app.layer(middleware::from_fn_with_state(Arc::new(self), check))
    }

    /// Whether a request may name this host, with or without a port.
    fn allow(&self, host: &str) -> bool {
        let Ok(authority) = host.parse::<Authority>() else {
            return false;
        };
        let name = authority.host();
        let name = name.strip_suffix('.').unwrap_or(name);
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if self.named.iter().any(|one| one.eq_ignore_ascii_case(bare)) {
            return true;
        }
        match bare.parse::<IpAddr>() {
            Ok(ip) => {
                self.listening.is_unspecified()
                    || ip == self.listening
                    || ip.to_canonical().is_loopback()
            }
            // Browsers take every name under it for this machine, whatever a name server says.
            Err(_) => {
                let name = name.to_ascii_lowercase();
                name == "localhost" || name.ends_with(".localhost")
            }
        }
    }
}

async fn check(State(hosts): State<Arc<Hosts>>, request: Request, next: Next) -> Response {
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
        refusal(host)
    }
}

/// A problem document like the API's (RFC 9457; the status is that of RFC 9110, section 15.5.20).
fn refusal(host: &str) -> Response {
    let status = StatusCode::MISDIRECTED_REQUEST;
    let shown: String = host.chars().take(MAX_QUOTE).collect();
    let problem = json!({
        "type": "urn:sightline:problem:unknown-host",
        "title": "The host is not served here",
        "status": status.as_u16(),
        "detail": format!(
            "The request is for the host \"{shown}\", which is none of this server's names; use localhost, or start \
             `sightline local` with --allowed-host and that name without its port."
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

    fn hosts(listening: &str, named: &[&str]) -> Hosts {
        let named = named.iter().map(|name| (*name).to_owned());
        Hosts::new(listening.parse().unwrap(), named)
    }

    #[test]
    fn this_machine_and_what_was_named_are_allowed() {
        let at_home = hosts("127.0.0.1", &["pictures.local", "fd00::2"]);
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
            assert!(at_home.allow(host), "{host}");
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
            assert!(!at_home.allow(host), "{host}");
        }
        let everywhere = hosts("0.0.0.0", &[]);
        assert!(everywhere.allow("192.0.2.7:8080") && everywhere.allow("[fd00::2]:1"));
        assert!(!everywhere.allow("evil.example:8080"));
        let there = hosts("192.0.2.7", &[]);
        assert!(there.allow("192.0.2.7:8080") && !there.allow("192.0.2.8:8080"));
    }

    #[tokio::test]
    async fn another_host_gets_a_problem_that_says_what_to_do() {
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
            let refused = ask(uri, host).await.unwrap();
            assert_eq!(refused.status(), 421);
            assert_eq!(refused.headers()[CONTENT_TYPE], "application/problem+json");
            let body = to_bytes(refused.into_body(), 10_000).await.unwrap();
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
