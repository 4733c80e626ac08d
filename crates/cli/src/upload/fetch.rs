//! Downloads pictures from addresses that the user names.
//!
//! No credentials are sent: neither the access token nor any of the address itself. A name on the internet must not lead to this
//! machine or into its network, by DNS or by a redirect, so a list of addresses cannot make the program read what only this
//! machine can reach. A host that the user names as an IP address or as `localhost` is meant, and so is any with
//! `--private-urls`.

use std::{
    env,
    fs::File,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    path::Path,
    time::Duration,
};

use aws_smithy_runtime_api::client::dns::{DnsFuture, ResolveDns, ResolveDnsError};
use aws_smithy_types::body::SdkBody;
use http::{
    HeaderMap, Request,
    header::{ACCEPT, CONTENT_DISPOSITION, CONTENT_LENGTH, LOCATION, USER_AGENT},
};
use percent_encoding::percent_decode_str;
use sightline_pipeline::{backoff::pauses, prepare::size::over_limit, recognition::MAX_FILE_BYTES};
use url::{Host, Url};

use crate::{
    download::{self, CopyError, FIRST_PAUSE, LONGEST_PAUSE, MAX_ATTEMPTS},
    http::{HttpClient, IncomingResponse, SendError, is_retryable},
};

/// How many redirects are followed.
const MAX_REDIRECTS: usize = 5;
/// The time for a download with its redirects and repetitions.
const TIME_LIMIT: Duration = Duration::from_secs(300);

/// Why an address cannot be downloaded.
#[derive(Debug, thiserror::Error)]
pub(super) enum UrlError {
    /// It is no address.
    #[error("the address is not valid: {0}; expected one such as https://example.com/cat.jpg")]
    Invalid(url::ParseError),
    /// It contains a name or a password.
    #[error(
        "the address contains a user name or password, which is not sent; download the picture yourself"
    )]
    Credentials,
    /// Its host is this machine or in a private network.
    #[error("{0} is on this machine or in a private network; use --private-urls if that is meant")]
    Private(String),
    /// The redirect leads to something else than HTTP, or from HTTPS to HTTP.
    #[error("the server redirects to an address that is not downloaded: {0}")]
    Redirect(&'static str),
    /// The server redirects again and again.
    #[error("the server redirects more than {MAX_REDIRECTS} times")]
    TooManyRedirects,
    /// The server has no picture there.
    #[error("the server answered HTTP {0}")]
    Status(u16),
    /// It is larger than the limit.
    #[error("the picture is too large: {0}")]
    TooLarge(String),
    /// It takes too long.
    #[error("the download took longer than {} minutes", TIME_LIMIT.as_secs() / 60)]
    TooSlow,
    /// The server cannot be reached, or the connection broke.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The body did not arrive, or cannot be written.
    #[error(transparent)]
    Copy(CopyError),
}

/// Downloads pictures.
#[derive(Debug)]
pub(super) struct Fetcher {
    /// For hosts that the user meant.
    any: HttpClient,
    /// For all others.
    public: HttpClient,
    /// Whether all hosts are meant.
    private: bool,
}

impl Fetcher {
    /// A downloader; with `private`, also from private networks.
    pub(super) fn new(private: bool) -> Self {
        Self {
            any: HttpClient::new(),
            public: HttpClient::with_resolver(PublicOnly::new()),
            private,
        }
    }

    /// Reads an address.
    ///
    /// # Errors
    /// [`UrlError::Invalid`], [`UrlError::Credentials`].
    pub(super) fn parse(text: &str) -> Result<Url, UrlError> {
        let url = Url::parse(text).map_err(UrlError::Invalid)?;
        check_credentials(&url)?;
        Ok(url)
    }

    /// Downloads a picture to a file. Returns its name, if the server or the address has one.
    ///
    /// # Errors
    /// [`UrlError`]
    pub(super) async fn fetch(&self, url: &Url, file: &Path) -> Result<Option<String>, UrlError> {
        tokio::time::timeout(TIME_LIMIT, self.fetch_with_retries(url, file))
            .await
            .unwrap_or(Err(UrlError::TooSlow))
    }

    async fn fetch_with_retries(&self, url: &Url, file: &Path) -> Result<Option<String>, UrlError> {
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, MAX_ATTEMPTS);
        loop {
            let error = match self.fetch_once(url, file).await {
                Ok(name) => return Ok(name),
                Err(error) => error,
            };
            let again = match &error {
                UrlError::Send(_) | UrlError::Copy(CopyError::Broken(_)) => true,
                UrlError::Status(status) => is_retryable(*status),
                _ => false,
            };
            match pauses.next().filter(|_| again) {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn fetch_once(&self, named: &Url, file: &Path) -> Result<Option<String>, UrlError> {
        let mut url = named.clone();
        for _ in 0..=MAX_REDIRECTS {
            let mut response = self.get(named, &url).await?;
            if matches!(response.status, 301 | 302 | 303 | 307 | 308) {
                url = redirect(&url, &response.headers)?;
                continue;
            }
            if response.status != 200 {
                return Err(UrlError::Status(response.status));
            }
            let length = response.headers.get(CONTENT_LENGTH);
            let length: Option<u64> = length.and_then(|length| length.to_str().ok()?.parse().ok());
            if let Some(length) = length.filter(|length| *length > MAX_FILE_BYTES) {
                return Err(UrlError::TooLarge(over_limit(length, MAX_FILE_BYTES)));
            }
            let mut out =
                File::create(file).map_err(|error| UrlError::Copy(CopyError::Write(error)))?;
            let copied = download::copy(&mut response, &mut out, MAX_FILE_BYTES).await;
            copied.map_err(UrlError::Copy)?;
            return Ok(name(&response.headers).or_else(|| name_of(named, &url)));
        }
        Err(UrlError::TooManyRedirects)
    }

    /// Requests an address to which `named` led.
    async fn get(&self, named: &Url, url: &Url) -> Result<IncomingResponse, UrlError> {
        let client = if self.private || (is_meant(named) && url.host() == named.host()) {
            &self.any
        } else {
            if is_private_literal(url) {
                let host = url.host_str().unwrap_or_default().to_owned();
                return Err(UrlError::Private(host));
            }
            &self.public
        };
        let request = Request::get(url.as_str())
            .header(ACCEPT, "image/*, */*;q=0.1")
            .header(USER_AGENT, concat!("sightline/", env!("CARGO_PKG_VERSION")))
            .body(SdkBody::empty())
            .map_err(|error| SendError::Request(error.to_string()))?;
        Ok(client.start(request).await?)
    }
}

fn check_credentials(url: &Url) -> Result<(), UrlError> {
    if url.username().is_empty() && url.password().is_none() {
        Ok(())
    } else {
        Err(UrlError::Credentials)
    }
}

/// The address to which a response redirects.
fn redirect(from: &Url, headers: &HeaderMap) -> Result<Url, UrlError> {
    let location = headers.get(LOCATION).and_then(|it| it.to_str().ok());
    let to = location
        .and_then(|location| from.join(location).ok())
        .ok_or(UrlError::Redirect("it is not valid"))?;
    match (from.scheme(), to.scheme()) {
        ("http", "http") | (_, "https") => {}
        ("https", "http") => return Err(UrlError::Redirect("it is not encrypted")),
        _ => return Err(UrlError::Redirect("it is not HTTP")),
    }
    check_credentials(&to)?;
    Ok(to)
}

/// Whether the user must have meant this machine or network.
fn is_meant(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) => true,
        None => false,
    }
}

fn is_private_literal(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => !is_public(address.into()),
        Some(Host::Ipv6(address)) => !is_public(address.into()),
        Some(Host::Domain(_)) | None => false,
    }
}

/// Resolves names to public addresses only. A proxy's own name may lead anywhere.
#[derive(Debug, Clone)]
struct PublicOnly {
    proxies: Vec<String>,
}

impl PublicOnly {
    fn new() -> Self {
        let proxies = ["http_proxy", "https_proxy", "all_proxy"]
            .into_iter()
            .flat_map(|name| [name.to_owned(), name.to_uppercase()])
            .filter_map(|name| env::var(name).ok())
            .filter_map(|proxy| {
                let url = Url::parse(&proxy).or_else(|_| Url::parse(&format!("http://{proxy}")));
                Some(url.ok()?.host_str()?.to_ascii_lowercase())
            })
            .collect();
        Self { proxies }
    }
}

impl ResolveDns for PublicOnly {
    fn resolve_dns<'a>(&'a self, name: &'a str) -> DnsFuture<'a> {
        DnsFuture::new(async move {
            let found = tokio::net::lookup_host((name, 0))
                .await
                .map_err(ResolveDnsError::new)?;
            let is_proxy = self.proxies.contains(&name.to_ascii_lowercase());
            let (usable, others): (Vec<_>, Vec<_>) = found
                .map(|address| address.ip())
                .partition(|address| is_proxy || is_public(*address));
            if usable.is_empty() && !others.is_empty() {
                return Err(ResolveDnsError::new(UrlError::Private(name.to_owned())));
            }
            Ok(usable)
        })
    }
}

/// Whether an address is on the internet, by the special-purpose registries of IANA (RFC 6890).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, _] = address.octets();
    !(address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a == 0
        // Shared by the customers of a provider (RFC 6598).
        || (a == 100 && (64..128).contains(&b))
        || (a == 192 && b == 0 && c == 0)
        // Measurements (RFC 2544).
        || (a == 198 && (18..20).contains(&b))
        || a >= 240)
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let segments = address.segments();
    let [.., high, low] = segments;
    let embedded = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        is_public_v4(Ipv4Addr::new(a, b, c, d))
    };
    match segments {
        // IPv4-mapped, and translated by NAT64 (RFC 6052).
        [0, 0, 0, 0, 0, 0xffff, ..] | [0x64, 0xff9b, 0, 0, 0, 0, ..] => embedded(high, low),
        // 6to4 (RFC 3056).
        [0x2002, high, low, ..] => embedded(high, low),
        // Documentation.
        [0x2001, 0xdb8, ..] => false,
        // 2000::/3 is what is assigned of global unicast addresses.
        [first, ..] => first & 0xe000 == 0x2000,
    }
}

/// The file name that the server gives (RFC 6266).
fn name(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_DISPOSITION)?;
    let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
    let mut plain = None;
    for (key, value) in parameters(&value) {
        if key.eq_ignore_ascii_case("filename*") {
            // RFC 8187: charset, language and percent-encoded text, with an apostrophe between them.
            let mut parts = value.splitn(3, '\'');
            let charset = parts.next().unwrap_or_default();
            let text = parts.nth(1).unwrap_or_default();
            let decoded = percent_decode_str(text).decode_utf8().ok();
            if let Some(name) = decoded
                .filter(|_| charset.eq_ignore_ascii_case("utf-8"))
                .and_then(|name| last_part(&name))
            {
                return Some(name);
            }
        } else if key.eq_ignore_ascii_case("filename") {
            plain = last_part(&value);
        }
    }
    plain
}

/// The parameters of a header's value, without quotes and escapes.
fn parameters(value: &str) -> Vec<(String, String)> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for char in value.chars() {
        match char {
            _ if escaped => escaped = false,
            '\\' if quoted => {
                escaped = true;
                continue;
            }
            '"' => {
                quoted = !quoted;
                continue;
            }
            ';' if !quoted => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(char);
        }
    }
    parts
        .iter()
        .filter_map(|part| part.split_once('='))
        .map(|(key, value)| (key.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

/// The file name in the address that was named, or in the one to which it led if only that one has an extension.
fn name_of(named: &Url, url: &Url) -> Option<String> {
    let names = [named, url].map(name_in);
    let with_extension = names.iter().flatten().find(|name| name.contains('.'));
    with_extension
        .or_else(|| names.iter().flatten().next())
        .cloned()
}

/// The file name in an address.
fn name_in(url: &Url) -> Option<String> {
    let segment = url.path_segments()?.next_back()?;
    last_part(&percent_decode_str(segment).decode_utf8_lossy())
}

/// A name without folders; `None` if nothing is left.
fn last_part(name: &str) -> Option<String> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default().trim();
    (!matches!(name, "" | "." | "..")).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{Router, response::Redirect, routing::get};

    #[test]
    fn only_addresses_of_the_internet_are_public() {
        for public in [
            "8.8.8.8",
            "100.128.0.1",
            "2606:4700::1111",
            "::ffff:8.8.8.8",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        for private in [
            "127.0.0.1",
            "10.0.0.1",
            "172.31.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "255.255.255.255",
            "224.0.0.1",
            "::",
            "::1",
            "fe80::1",
            "fd00:ec2::254",
            "ff02::1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
    }

    #[test]
    fn addresses_with_credentials_are_refused() {
        for wrong in [
            "https://me@p.example/a.jpg",
            "https://me:pass@p.example/a.jpg",
        ] {
            let error = Fetcher::parse(wrong).unwrap_err();
            assert!(matches!(error, UrlError::Credentials), "{error}");
            assert!(!error.to_string().contains("pass@"));
        }
        assert!(Fetcher::parse("https://p.example/a.jpg?b=c").is_ok());
    }

    #[test]
    fn redirects_stay_encrypted() {
        let redirect_to = |from: &str, to: &str| {
            let headers = HeaderMap::from_iter([(LOCATION, to.parse().unwrap())]);
            redirect(&Url::parse(from).unwrap(), &headers).map(String::from)
        };
        assert_eq!(
            redirect_to("https://p.example/a/b", "../c.jpg").unwrap(),
            "https://p.example/c.jpg"
        );
        assert_eq!(
            redirect_to("http://p.example/a", "https://q.example/b").unwrap(),
            "https://q.example/b"
        );
        for (from, to) in [
            ("https://p.example/", "http://p.example/"),
            ("http://p.example/", "file:///etc/passwd"),
            ("http://p.example/", "//me:secret@p.example/"),
        ] {
            assert!(redirect_to(from, to).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn the_name_comes_from_the_server_or_the_address() {
        let named = |value: &str| {
            let value = http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            name(&HeaderMap::from_iter([(CONTENT_DISPOSITION, value)]))
        };
        for (value, expected) in [
            ("attachment; filename=cat.jpg", Some("cat.jpg")),
            (r#"inline; filename="a; \"b\".jpg""#, Some("a; \"b\".jpg")),
            (
                "attachment; filename=\"x.jpg\"; filename*=UTF-8''K%C3%A4the.jpg",
                Some("Käthe.jpg"),
            ),
            (
                r#"attachment; filename="../../etc/cat.jpg""#,
                Some("cat.jpg"),
            ),
            ("attachment", None),
            ("attachment; filename=\"\"", None),
        ] {
            assert_eq!(named(value).as_deref(), expected, "{value}");
        }
        let in_address = |text: &str| name_in(&Url::parse(text).unwrap());
        assert_eq!(
            in_address("https://p.example/a/my%20cat.jpg?w=100").as_deref(),
            Some("my cat.jpg")
        );
        assert_eq!(in_address("https://p.example/"), None);
    }

    /// A server with a picture and redirects.
    async fn serve() -> Url {
        let app = Router::new()
            .route("/cat.jpg", get(|| async { "picture" }))
            .route("/moved", get(|| async { Redirect::to("/cat.jpg") }))
            .route("/loop", get(|| async { Redirect::to("/loop") }))
            .route(
                "/elsewhere",
                get(|| async { Redirect::to("http://169.254.169.254/latest/meta-data") }),
            );
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, app).await });
        Url::parse(&url).unwrap()
    }

    #[tokio::test]
    async fn redirects_are_followed_but_not_into_a_private_network() {
        let server = serve().await;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        let fetcher = Fetcher::new(false);
        let fetch = async |path: &str| fetcher.fetch(&server.join(path).unwrap(), &file).await;
        // A host that is named as an address is meant.
        assert_eq!(fetch("cat.jpg").await.unwrap().as_deref(), Some("cat.jpg"));
        assert_eq!(fetch("moved").await.unwrap().as_deref(), Some("cat.jpg"));
        assert_eq!(std::fs::read(&file).unwrap(), b"picture");
        for (path, expected) in [
            ("loop", "redirects more than 5 times"),
            (
                "elsewhere",
                "169.254.169.254 is on this machine or in a private network",
            ),
            ("missing", "HTTP 404"),
        ] {
            let error = fetch(path).await.unwrap_err().to_string();
            assert!(error.contains(expected), "{path}: {error}");
        }
    }

    #[tokio::test]
    async fn a_name_that_leads_to_this_machine_is_refused() {
        let error = PublicOnly {
            proxies: Vec::new(),
        }
        .resolve_dns("localhost")
        .await
        .unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("--private-urls"), "{cause}");
        let proxies = vec!["localhost".to_owned()];
        assert!(
            PublicOnly { proxies }
                .resolve_dns("localhost")
                .await
                .is_ok()
        );
    }
}
