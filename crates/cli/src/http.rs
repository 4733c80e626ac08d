//! The HTTP client of the commands that use the API.
//!
//! It uses the SDK's connections: one TLS stack, the system's certificates and the proxy of the environment. A request
//! is sent again if no response arrives, and after 429 and 5xx except 501: after `Retry-After` if the response has it,
//! else after the pauses of [`pauses`].

use std::{
    net::IpAddr,
    time::{Duration, SystemTime},
};

use aws_smithy_http_client::{Connector, proxy::ProxyConfig};
use aws_smithy_runtime_api::client::{
    dns::{ResolveDns, SharedDnsResolver},
    http::{HttpConnector as _, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::HttpRequest,
};
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http::{HeaderMap, Uri, header::RETRY_AFTER};
use http_body_util::BodyExt as _;
use sightline_pipeline::backoff::pauses;
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time for a response, in addition to the time for sending the request's body.
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);
/// The slowest upload that does not time out, in bytes per second.
const MIN_UPLOAD_RATE: u64 = 16 * 1024;
/// The maximum number of times a request is sent.
const MAX_ATTEMPTS: usize = 6;
/// The pause after the first attempt.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause. A request is not repeated if the server asks for a longer one.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// The largest response body, in bytes.
const MAX_RESPONSE_BYTES: usize = 64 * 1024 * 1024;

/// The client. Cloning is cheap and shares connections.
#[derive(Debug, Clone)]
pub(crate) struct HttpClient {
    direct: SharedHttpConnector,
    proxied: SharedHttpConnector,
    first_pause: Duration,
}

/// A response with any status.
#[derive(Debug, Clone)]
pub(crate) struct HttpResponse {
    /// The status code.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    /// The body.
    pub(crate) body: Vec<u8>,
}

/// A response whose body is not read yet.
#[derive(Debug)]
pub(crate) struct IncomingResponse {
    /// The status code.
    pub(crate) status: u16,
    /// The headers.
    pub(crate) headers: HeaderMap,
    body: SdkBody,
    host: String,
}

/// Why there is no response.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SendError {
    /// The request could not be built.
    #[error("cannot send the request: {0}")]
    Request(String),
    /// No response arrived.
    #[error("{host} did not answer: {reason}")]
    NoResponse {
        /// Scheme and authority of the server.
        host: String,
        /// The error of the connection. Never contains the URL, which may be signed.
        reason: String,
    },
}

impl HttpClient {
    /// A client without connections.
    pub(crate) fn new() -> Self {
        Self::build(None)
    }

    /// A client that resolves names its own way.
    pub(crate) fn with_resolver(resolver: impl ResolveDns + 'static) -> Self {
        Self::build(Some(&SharedDnsResolver::new(resolver)))
    }

    fn build(resolver: Option<&SharedDnsResolver>) -> Self {
        let connector = |proxy: ProxyConfig| {
            let connector = Connector::builder()
                .connector_settings(
                    HttpConnectorSettings::builder()
                        .connect_timeout(CONNECT_TIMEOUT)
                        .build(),
                )
                .proxy_config(proxy)
                .tls_provider(sightline_aws::TLS);
            SharedHttpConnector::new(match resolver {
                None => connector.build(),
                Some(resolver) => connector.build_with_resolver(resolver.clone()),
            })
        };
        Self {
            direct: connector(ProxyConfig::disabled()),
            proxied: connector(ProxyConfig::from_env()),
            first_pause: FIRST_PAUSE,
        }
    }

    /// Sends a request up to [`MAX_ATTEMPTS`] times. `request` builds the request for each attempt.
    ///
    /// # Errors
    /// The last attempt's error, or the error of `request`.
    pub(crate) async fn send(
        &self,
        request: impl AsyncFn() -> Result<http::Request<SdkBody>, SendError>,
    ) -> Result<HttpResponse, SendError> {
        let mut pauses = pauses(self.first_pause, LONGEST_PAUSE, MAX_ATTEMPTS);
        loop {
            let result = self.send_once(request().await?).await;
            let retry_after = match &result {
                Ok(response) if !is_retryable(response.status) => return result,
                Ok(response) => response.retry_after(SystemTime::now()),
                Err(_) => None,
            };
            let Some(pause) = pauses
                .next()
                .map(|pause| pause.max(retry_after.unwrap_or_default()))
                .filter(|pause| *pause <= LONGEST_PAUSE)
            else {
                return result;
            };
            tracing::debug!(?pause, "trying again after a pause");
            tokio::time::sleep(pause).await;
        }
    }

    /// Sends a request once.
    ///
    /// # Errors
    /// When no response arrives.
    pub(crate) async fn send_once(
        &self,
        request: http::Request<SdkBody>,
    ) -> Result<HttpResponse, SendError> {
        let timeout = RESPONSE_TIMEOUT
            + Duration::from_secs(body_length(&request).unwrap_or_default() / MIN_UPLOAD_RATE);
        let host = host(request.uri());
        let response = async {
            let response = self.call(request).await?;
            let body = http_body_util::Limited::new(response.body, MAX_RESPONSE_BYTES)
                .collect()
                .await
                .map_err(|error| no_response(&host, root_cause(&*error)))?;
            Ok(HttpResponse {
                status: response.status,
                headers: response.headers,
                body: body.to_bytes().to_vec(),
            })
        };
        tokio::time::timeout(timeout, response)
            .await
            .unwrap_or_else(|_| Err(no_response(&host, "timed out".to_owned())))
    }

    /// Sends a request once, and returns the response before its body is read.
    ///
    /// # Errors
    /// When no response arrives.
    pub(crate) async fn start(
        &self,
        request: http::Request<SdkBody>,
    ) -> Result<IncomingResponse, SendError> {
        let host = host(request.uri());
        tokio::time::timeout(RESPONSE_TIMEOUT, self.call(request))
            .await
            .unwrap_or_else(|_| Err(no_response(&host, "timed out".to_owned())))
    }

    async fn call(&self, request: http::Request<SdkBody>) -> Result<IncomingResponse, SendError> {
        let host = host(request.uri());
        let connector = if is_loopback(request.uri()) {
            &self.direct
        } else {
            &self.proxied
        };
        let failed =
            |error: &(dyn std::error::Error + 'static)| no_response(&host, root_cause(error));
        let request = HttpRequest::try_from(request).map_err(|error| failed(&error))?;
        let response = connector
            .call(request)
            .await
            .map_err(|error| failed(&error))?
            .try_into_http1x()
            .map_err(|error| failed(&error))?;
        let (head, body) = response.into_parts();
        Ok(IncomingResponse {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            host,
        })
    }

    /// The same client with short pauses.
    #[cfg(test)]
    fn with_short_pauses(mut self) -> Self {
        self.first_pause = Duration::from_millis(1);
        self
    }
}

impl IncomingResponse {
    /// The next bytes of the body; `None` at its end.
    ///
    /// # Errors
    /// When the connection breaks, or nothing arrives for a minute.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, SendError> {
        loop {
            let frame = tokio::time::timeout(RESPONSE_TIMEOUT, self.body.frame())
                .await
                .map_err(|_| no_response(&self.host, "timed out".to_owned()))?;
            match frame {
                None => return Ok(None),
                Some(Err(error)) => return Err(no_response(&self.host, root_cause(&*error))),
                // Trailers are of no interest.
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

/// Whether a later attempt may get another status.
pub(crate) const fn is_retryable(status: u16) -> bool {
    matches!(status, 408 | 425 | 429 | 500 | 502..=599)
}

impl HttpResponse {
    /// How long the server asks to wait: a number of seconds, or until a date (RFC 9110, section 10.2.3).
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

/// The length of the body in bytes, if it is known.
fn body_length(request: &http::Request<SdkBody>) -> Option<u64> {
    request.body().content_length().or_else(|| {
        let length = request.headers().get(http::header::CONTENT_LENGTH)?;
        length.to_str().ok()?.parse().ok()
    })
}

fn no_response(host: &str, reason: String) -> SendError {
    SendError::NoResponse {
        host: host.to_owned(),
        reason,
    }
}

/// Scheme and authority of a URL, without the query, which is secret in a signed URL.
fn host(uri: &Uri) -> String {
    format!(
        "{}://{}",
        uri.scheme_str().unwrap_or("http"),
        uri.authority().map_or("", |authority| authority.as_str())
    )
}

/// Whether a URL is on this machine, where no proxy is used.
fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_matches(['[', ']'])
            .parse::<IpAddr>()
            .is_ok_and(|ip| ip.is_loopback())
}

/// The innermost cause of an error, which is usually the system's message.
fn root_cause(error: &(dyn std::error::Error + 'static)) -> String {
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
        atomic::{AtomicUsize, Ordering},
    };

    /// Starts a server. `respond` gets the number of the request, from one, and returns status and `Retry-After`. Returns the
    /// URL and the count of requests.
    async fn serve(respond: fn(usize) -> (StatusCode, &'static str)) -> (String, Arc<AtomicUsize>) {
        let requests = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&requests);
        let app = Router::new().route(
            "/",
            get(move || async move {
                let (status, after) = respond(counter.fetch_add(1, Ordering::SeqCst) + 1);
                (status, [(RETRY_AFTER, after)], "body")
            }),
        );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        (url, requests)
    }

    async fn get_with_retries(url: &str) -> Result<HttpResponse, SendError> {
        HttpClient::new()
            .with_short_pauses()
            .send(async || Ok(http::Request::get(url).body(SdkBody::empty()).unwrap()))
            .await
    }

    #[tokio::test]
    async fn retryable_responses_are_retried_and_others_are_not() {
        let (url, requests) = serve(|number| match number {
            1 => (StatusCode::SERVICE_UNAVAILABLE, "0"),
            2 => (StatusCode::TOO_MANY_REQUESTS, "0"),
            _ => (StatusCode::OK, "0"),
        })
        .await;
        let response = get_with_retries(&url).await.unwrap();
        assert_eq!(
            (response.status, response.body.as_slice()),
            (200, &b"body"[..])
        );
        assert_eq!(requests.load(Ordering::SeqCst), 3);

        let (url, requests) = serve(|_| (StatusCode::NOT_IMPLEMENTED, "0")).await;
        assert_eq!(get_with_retries(&url).await.unwrap().status, 501);
        assert_eq!(requests.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn retries_are_limited() {
        let (url, requests) = serve(|_| (StatusCode::BAD_GATEWAY, "0")).await;
        assert_eq!(get_with_retries(&url).await.unwrap().status, 502);
        assert_eq!(requests.load(Ordering::SeqCst), MAX_ATTEMPTS);

        let (url, requests) = serve(|_| (StatusCode::SERVICE_UNAVAILABLE, "86400")).await;
        assert_eq!(get_with_retries(&url).await.unwrap().status, 503);
        assert_eq!(requests.load(Ordering::SeqCst), 1, "a day is too long");
    }

    #[tokio::test]
    async fn a_retry_waits_as_long_as_the_server_asks() {
        let (url, requests) = serve(|number| match number {
            1 => (StatusCode::SERVICE_UNAVAILABLE, "1"),
            _ => (StatusCode::OK, "0"),
        })
        .await;
        let started = std::time::Instant::now();
        assert_eq!(get_with_retries(&url).await.unwrap().status, 200);
        assert_eq!(requests.load(Ordering::SeqCst), 2);
        assert!(started.elapsed() >= Duration::from_secs(1));
    }

    #[tokio::test]
    async fn an_error_never_contains_the_query() {
        let error = get_with_retries("http://127.0.0.1:1/?X-Amz-Signature=abc")
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
    fn retry_after_is_a_number_of_seconds_or_a_date() {
        let response = |value: &'static str| HttpResponse {
            status: 503,
            headers: HeaderMap::from_iter([(RETRY_AFTER, value.parse().unwrap())]),
            body: Vec::new(),
        };
        let now = SystemTime::from(
            OffsetDateTime::parse("Fri, 31 Dec 1999 23:59:00 GMT", &Rfc2822).unwrap(),
        );
        let wait = |value| response(value).retry_after(now).map(|wait| wait.as_secs());
        assert_eq!(wait("7"), Some(7));
        assert_eq!(wait("Fri, 31 Dec 1999 23:59:59 GMT"), Some(59));
        assert_eq!(wait("Fri, 31 Dec 1999 23:58:59 GMT"), Some(0));
        assert_eq!(wait("soon"), None);
    }

    #[test]
    fn no_proxy_is_used_for_this_machine() {
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
