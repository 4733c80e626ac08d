//! HTTP as the commands need it: the SDK's own connections (one TLS stack, the system's certificates, the proxy of
//! the environment), with patience.
//!
//! A request is tried again when no answer came, and when the answer says so (429 and 5xx but 501): after
//! `Retry-After` where the server gave one, else after a pause that doubles, of which a random part is left out.

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use aws_smithy_http_client::{
    Connector,
    proxy::ProxyConfig,
    tls::{Provider, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{
    http::{HttpConnector as _, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use http::{HeaderMap, Uri, header::RETRY_AFTER};
use http_body_util::BodyExt as _;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use uuid::Uuid;

/// How long a connection may take to be made.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer may take, beside the time that its request's body needs.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
/// The slowest upload that is waited for, in bytes a second.
const SLOWEST: u64 = 16 * 1024;
/// How often a request is sent at most.
const MOST_TRIES: u32 = 6;
/// The pause after the first try.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause that is waited for, also where the server asks for more.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// Sends requests. Cloning is cheap and shares connections.
#[derive(Debug, Clone)]
pub(crate) struct Http {
    direct: SharedHttpConnector,
    proxied: SharedHttpConnector,
    first_pause: Duration,
}

/// An answer, whatever its status.
#[derive(Debug, Clone)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// No answer came.
#[derive(Debug, thiserror::Error)]
#[error("{host} did not answer: {reason}")]
pub(crate) struct Unanswered {
    /// Whom the request was sent to.
    pub(crate) host: String,
    /// What the connection said. Never an address: it may be signed.
    pub(crate) reason: String,
}

impl Http {
    /// A client without connections yet.
    pub(crate) fn new() -> Self {
        let connector = |proxy: ProxyConfig| {
            SharedHttpConnector::new(
                Connector::builder()
                    .connector_settings(
                        HttpConnectorSettings::builder()
                            .connect_timeout(CONNECT_TIMEOUT)
                            .build(),
                    )
                    .proxy_config(proxy)
                    .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                    .build(),
            )
        };
        Self {
            direct: connector(ProxyConfig::disabled()),
            proxied: connector(ProxyConfig::from_env()),
            first_pause: FIRST_PAUSE,
        }
    }

    /// Sends a request until it has an answer that stands. `request` makes the request anew for each try.
    ///
    /// # Errors
    /// When no try was answered, or the request cannot be sent at all.
    pub(crate) async fn send(
        &self,
        request: impl AsyncFn() -> Result<http::Request<SdkBody>, Unanswered>,
    ) -> Result<Answer, Unanswered> {
        let mut tries = 0;
        loop {
            tries += 1;
            let outcome = match request().await {
                Ok(request) => self.send_once(request).await,
                Err(error) => return Err(error),
            };
            let wished = match &outcome {
                Ok(answer) if !answer.is_passing() => return outcome,
                Ok(answer) => answer.retry_after(SystemTime::now()),
                Err(_) => None,
            };
            let pause = pause(tries, self.first_pause, random()).max(wished.unwrap_or_default());
            if tries == MOST_TRIES || pause > LONGEST_PAUSE {
                return outcome;
            }
            tracing::debug!(tries, ?pause, "trying again");
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// When no answer came.
    pub(crate) async fn send_once(
        &self,
        request: http::Request<SdkBody>,
    ) -> Result<Answer, Unanswered> {
        let host = host(request.uri());
        let unanswered = |reason: String| Unanswered {
            host: host.clone(),
            reason,
        };
        let length = request.body().content_length().or_else(|| {
            request
                .headers()
                .get(http::header::CONTENT_LENGTH)?
                .to_str()
                .ok()?
                .parse()
                .ok()
        });
        let patience = ANSWER_TIMEOUT + Duration::from_secs(length.unwrap_or_default() / SLOWEST);
        let connector = if is_loopback(request.uri()) {
            &self.direct
        } else {
            &self.proxied
        };
        let request = HttpRequest::try_from(request).map_err(|error| unanswered(told(&error)))?;
        let answer = async {
            let response = connector
                .call(request)
                .await
                .map_err(|error| unanswered(told(&error)))?
                .try_into_http1x()
                .map_err(|error| unanswered(told(&error)))?;
            let (head, body) = response.into_parts();
            let body = http_body_util::Limited::new(body, MAX_ANSWER)
                .collect()
                .await
                .map_err(|error| unanswered(told(&*error)))?;
            Ok(Answer {
                status: head.status.as_u16(),
                headers: head.headers,
                body: body.to_bytes().to_vec(),
            })
        };
        tokio::time::timeout(patience, answer)
            .await
            .unwrap_or_else(|_| Err(unanswered("it took too long".to_owned())))
    }

    /// The same with shorter pauses.
    #[cfg(test)]
    pub(crate) fn hasty(mut self) -> Self {
        self.first_pause = Duration::from_millis(1);
        self
    }
}

impl Answer {
    /// Whether the server may answer otherwise later.
    fn is_passing(&self) -> bool {
        matches!(self.status, 408 | 425 | 429 | 500 | 502..=599)
    }

    /// How long the server asks to wait: seconds, or until a date (RFC 9110, section 10.2.3).
    pub(crate) fn retry_after(&self, now: SystemTime) -> Option<Duration> {
        let value = self.headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
        if let Ok(seconds) = value.parse() {
            return Some(Duration::from_secs(seconds));
        }
        let date = OffsetDateTime::parse(value, &Rfc2822).ok()?;
        Some(
            SystemTime::from(date)
                .duration_since(now)
                .unwrap_or_default(),
        )
    }
}

/// The pause after a number of tries, the last quarter of which is random, so that requests that failed together do
/// not come back together.
fn pause(tries: u32, first: Duration, random: f64) -> Duration {
    let doublings = tries.saturating_sub(1).min(16);
    first
        .saturating_mul(1 << doublings)
        .mul_f64(0.75 + random / 4.0)
}

/// A random number in 0..1.
fn random() -> f64 {
    let (high, _) = Uuid::new_v4().as_u64_pair();
    f64::from(u32::try_from(high >> 32).unwrap_or_default()) / (f64::from(u32::MAX) + 1.0)
}

/// Scheme and authority of an address: a signed one's query is a secret.
fn host(uri: &Uri) -> String {
    format!(
        "{}://{}",
        uri.scheme_str().unwrap_or("http"),
        uri.authority().map_or("", |authority| authority.as_str())
    )
}

/// Whether an address is this machine's own, which no proxy leads to.
fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// The last cause of an error, which is what the system said.
fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut last = error;
    while let Some(cause) = last.source() {
        last = cause;
    }
    last.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, http::StatusCode, routing::get};
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    /// Serves what answers by the number of the request, counted from one.
    async fn served(answer: fn(u32) -> (StatusCode, &'static str)) -> (String, Arc<AtomicU32>) {
        let asked = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&asked);
        let app = Router::new().route(
            "/",
            get(move || async move {
                let (status, after) = answer(counter.fetch_add(1, Ordering::SeqCst) + 1);
                (status, [(RETRY_AFTER, after)], "body")
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (address, asked)
    }

    async fn get_patiently(address: &str) -> Result<Answer, Unanswered> {
        Http::new()
            .hasty()
            .send(async || Ok(http::Request::get(address).body(SdkBody::empty()).unwrap()))
            .await
    }

    #[tokio::test]
    async fn what_passes_is_tried_again_and_what_stands_is_not() {
        let (address, asked) = served(|number| match number {
            1 => (StatusCode::SERVICE_UNAVAILABLE, "0"),
            2 => (StatusCode::TOO_MANY_REQUESTS, "0"),
            _ => (StatusCode::OK, "0"),
        })
        .await;
        let answer = get_patiently(&address).await.unwrap();
        assert_eq!((answer.status, answer.body.as_slice()), (200, &b"body"[..]));
        assert_eq!(asked.load(Ordering::SeqCst), 3);

        let (address, asked) = served(|_| (StatusCode::NOT_IMPLEMENTED, "0")).await;
        assert_eq!(get_patiently(&address).await.unwrap().status, 501);
        assert_eq!(asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn patience_ends() {
        let (address, asked) = served(|_| (StatusCode::BAD_GATEWAY, "0")).await;
        assert_eq!(get_patiently(&address).await.unwrap().status, 502);
        assert_eq!(asked.load(Ordering::SeqCst), MOST_TRIES);

        let (address, asked) = served(|_| (StatusCode::SERVICE_UNAVAILABLE, "86400")).await;
        assert_eq!(get_patiently(&address).await.unwrap().status, 503);
        assert_eq!(asked.load(Ordering::SeqCst), 1, "nobody waits for a day");
    }

    #[tokio::test]
    async fn nobody_there_is_an_error_without_the_query() {
        let error = get_patiently("http://127.0.0.1:1/?X-Amz-Signature=abc")
            .await
            .unwrap_err()
            .to_string();
        assert!(
            error.contains("http://127.0.0.1:1 did not answer"),
            "{error}"
        );
        assert!(!error.contains("Signature"), "{error}");
    }

    #[test]
    fn waits_are_read_as_seconds_and_as_dates() {
        let answer = |value: &'static str| Answer {
            status: 503,
            headers: HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]),
            body: Vec::new(),
        };
        let now = SystemTime::from(
            OffsetDateTime::parse("Fri, 31 Dec 1999 23:59:00 GMT", &Rfc2822).unwrap(),
        );
        let wait = |value| answer(value).retry_after(now).map(|wait| wait.as_secs());
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait("Fri, 31 Dec 1999 23:59:59 GMT"), Some(59));
        assert_eq!(wait("Fri, 31 Dec 1999 23:58:59 GMT"), Some(0));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn pauses_double() {
        let first = Duration::from_millis(500);
        assert_eq!(pause(1, first, 1.0), Duration::from_millis(500));
        assert_eq!(pause(3, first, 1.0), Duration::from_secs(2));
        assert_eq!(pause(3, first, 0.0), Duration::from_millis(1500));
    }

    #[test]
    fn no_proxy_leads_to_this_machine() {
        for (address, own) in [
            ("http://localhost:8080/", true),
            ("http://127.0.0.1/", true),
            ("http://[::1]:80/", true),
            ("https://pictures.example.com/", false),
        ] {
            assert_eq!(is_loopback(&address.parse().unwrap()), own, "{address}");
        }
    }
}
