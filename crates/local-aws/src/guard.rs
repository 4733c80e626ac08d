//! Whose requests are answered: those for a host name of this service, and no page of another web site's.
//!
//! A browser sends requests to this machine for every page that it shows. Two checks keep other sites out:
//!
//! - The request's `Host` must be a name of this service. Another site can point its own name at this machine after its page
//!   is loaded (DNS rebinding); its requests still have that name.
//! - The page that sends the request must be of an allowed origin. Browsers name it in `Origin`, or say in `Sec-Fetch-Site`
//!   that it is another site's (Fetch Standard; W3C Fetch Metadata Request Headers). Pages cannot set either header. Other
//!   clients send neither.

use crate::cors;
use http::{
    HeaderMap, Method, Uri,
    header::{HOST, ORIGIN, REFERER},
    uri::Authority,
};
use std::net::IpAddr;

/// How much of a request's host or origin an error repeats, in characters.
const MAX_SHOWN: usize = 100;

/// The hosts and origins that requests may have.
#[derive(Debug, Clone)]
pub struct Guard {
    listening: IpAddr,
    names: Vec<String>,
    /// Origins such as `https://example.org`; one `*` matches any characters.
    origins: Vec<String>,
}

/// Why a request is rejected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum GuardError {
    /// It has no `Host` header, or several (RFC 9112, section 3.2).
    #[error("A request has exactly one Host header.")]
    HostHeaders,
    /// Its host is no name of this service. The value is shortened.
    #[error(
        "The request's host \"{0}\" is not a name of this server. Use localhost, or start `sightline local` with \
         --allowed-host and that name, without a port."
    )]
    UnknownHost(String),
    /// A page of another origin sent it. The value is the origin, shortened, if the browser named it.
    #[error(
        "A web page of another origin ({0}) sent this request. To allow it, start `sightline local` with --allowed-origins \
         and the page's origin."
    )]
    ForeignOrigin(String),
}

impl Guard {
    /// Allows loopback addresses and names, the address that the server listens on, and `names`. If the server listens on the
    /// unspecified address, all addresses are allowed: a site can choose where its name points, but not its address.
    ///
    /// Allows pages of the same origin as the request's, and of `origins`.
    pub fn new(
        listening: IpAddr,
        names: impl IntoIterator<Item = String>,
        origins: impl IntoIterator<Item = String>,
    ) -> Self {
        Self {
            listening,
            names: names.into_iter().collect(),
            origins: origins.into_iter().collect(),
        }
    }

    /// Checks the host and origin of a request.
    ///
    /// # Errors
    /// If it must be rejected.
    pub fn check(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), GuardError> {
        let mut hosts = headers.get_all(HOST).iter();
        let (Some(host), None) = (hosts.next(), hosts.next()) else {
            return Err(GuardError::HostHeaders);
        };
        let host = match uri.authority() {
            Some(authority) => authority.as_str(),
            None => host.to_str().unwrap_or_default(),
        };
        if !self.allows_host(host) {
            return Err(GuardError::UnknownHost(shown(host)));
        }
        // A preflight asks for permission only. The cross-origin rules answer it.
        if *method == Method::OPTIONS {
            return Ok(());
        }
        self.check_origin(method, host, headers)
    }

    /// Whether a request may have this host, with or without a port.
    fn allows_host(&self, host: &str) -> bool {
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

    fn check_origin(
        &self,
        method: &Method,
        host: &str,
        headers: &HeaderMap,
    ) -> Result<(), GuardError> {
        let text = |name: &str| {
            headers
                .get(name)
                .map(|value| value.to_str().unwrap_or("unreadable"))
        };
        if headers.contains_key(ORIGIN) {
            let foreign = headers
                .get_all(ORIGIN)
                .iter()
                .map(|origin| origin.to_str().unwrap_or("unreadable"))
                .find(|origin| !self.allows_origin(origin, host));
            return match foreign {
                None => Ok(()),
                Some(origin) => Err(GuardError::ForeignOrigin(shown(origin))),
            };
        }
        // Without an origin, a browser that knows the header still says whose page it is.
        let site = text("sec-fetch-site");
        if matches!(site, None | Some("same-origin" | "none")) {
            return Ok(());
        }
        // A link on another page: the person sees the response, the page does not.
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        if is_read
            && text("sec-fetch-mode") == Some("navigate")
            && text("sec-fetch-dest") == Some("document")
        {
            return Ok(());
        }
        // The pages of this service use its other port, and other names of this machine.
        match text(REFERER.as_str()).and_then(origin_of) {
            Some(origin) if self.allows_origin(&origin, host) => Ok(()),
            Some(origin) => Err(GuardError::ForeignOrigin(shown(&origin))),
            None => Err(GuardError::ForeignOrigin("unknown".to_owned())),
        }
    }

    /// Whether pages of this origin may send requests to `host`.
    fn allows_origin(&self, origin: &str, host: &str) -> bool {
        let is_same = match origin.split_once("://") {
            Some((scheme @ ("http" | "https"), authority)) => {
                let port = if scheme == "http" { ":80" } else { ":443" };
                let host = host.strip_suffix(port).unwrap_or(host);
                authority.eq_ignore_ascii_case(host)
            }
            _ => false,
        };
        is_same
            || self
                .origins
                .iter()
                .any(|pattern| cors::matches(pattern, origin, false))
    }
}

/// The origin of a URL.
fn origin_of(url: &str) -> Option<String> {
    let uri: Uri = url.parse().ok()?;
    Some(format!("{}://{}", uri.scheme_str()?, uri.authority()?))
}

fn shown(text: &str) -> String {
    text.chars().take(MAX_SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hosts(listening: &str, names: &[&str]) -> Guard {
        let names = names.iter().map(|name| (*name).to_owned());
        Guard::new(listening.parse().unwrap(), names, [])
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
            assert!(loopback.allows_host(host), "{host}");
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
            assert!(!loopback.allows_host(host), "{host}");
        }
        let unspecified = hosts("0.0.0.0", &[]);
        assert!(
            unspecified.allows_host("192.0.2.7:8080") && unspecified.allows_host("[fd00::2]:1")
        );
        assert!(!unspecified.allows_host("evil.example:8080"));
        let address = hosts("192.0.2.7", &[]);
        assert!(address.allows_host("192.0.2.7:8080") && !address.allows_host("192.0.2.8:8080"));
    }

    fn check(method: Method, sent: &[(&str, &str)]) -> Result<(), GuardError> {
        let origins = ["http://127.0.0.1:8080", "https://*.example.org"];
        let guard = Guard::new("127.0.0.1".parse().unwrap(), [], origins.map(str::to_owned));
        let mut headers = HeaderMap::new();
        headers.insert(HOST, "localhost:4566".parse().unwrap());
        for (name, value) in sent {
            let name: http::HeaderName = name.parse().unwrap();
            headers.append(name, value.parse().unwrap());
        }
        guard.check(&method, &Uri::from_static("/a"), &headers)
    }

    #[test]
    fn a_request_has_one_host() {
        assert_eq!(
            check(Method::GET, &[("host", "localhost:4566")]),
            Err(GuardError::HostHeaders)
        );
        let guard = hosts("127.0.0.1", &[]);
        let get = |uri: &'static str, headers: &HeaderMap| {
            guard.check(&Method::GET, &Uri::from_static(uri), headers)
        };
        assert_eq!(get("/", &HeaderMap::new()), Err(GuardError::HostHeaders));
        let headers = HeaderMap::from_iter([(HOST, "localhost".parse().unwrap())]);
        assert_eq!(get("/", &headers), Ok(()));
        assert_eq!(
            get("http://evil.example/", &headers),
            Err(GuardError::UnknownHost("evil.example".to_owned()))
        );
    }

    #[test]
    fn pages_of_other_origins_are_rejected() {
        let (get, post) = (Method::GET, Method::POST);
        let navigate = ("sec-fetch-mode", "navigate");
        let cross = ("sec-fetch-site", "cross-site");
        let same_site = ("sec-fetch-site", "same-site");
        for (method, headers, allowed) in [
            // Clients that are not browsers.
            (&get, &[][..], true),
            (&post, &[("referer", "http://evil.example/")], true),
            // The page's origin is known.
            (&post, &[("origin", "http://127.0.0.1:8080"), cross], true),
            (&post, &[("origin", "http://localhost:4566")], true),
            (&post, &[("origin", "https://www.example.org")], true),
            (
                &post,
                &[("origin", "http://localhost:3000"), same_site],
                false,
            ),
            (&get, &[("origin", "http://evil.example")], false),
            (&post, &[("origin", "null")], false),
            (
                &post,
                &[
                    ("origin", "http://127.0.0.1:8080"),
                    ("origin", "http://evil.example"),
                ],
                false,
            ),
            (&Method::OPTIONS, &[("origin", "http://evil.example")], true),
            // An image or a script, without an origin.
            (&get, &[cross], false),
            (&get, &[same_site], false),
            (&get, &[("sec-fetch-site", "something-new")], false),
            (&get, &[("sec-fetch-site", "same-origin")], true),
            (&get, &[("sec-fetch-site", "none")], true),
            (
                &get,
                &[cross, ("referer", "http://127.0.0.1:8080/gallery.html")],
                true,
            ),
            (
                &get,
                &[cross, ("referer", "http://evil.example/127.0.0.1:8080")],
                false,
            ),
            // A link, a frame, and a form.
            (
                &get,
                &[cross, navigate, ("sec-fetch-dest", "document")],
                true,
            ),
            (
                &get,
                &[cross, navigate, ("sec-fetch-dest", "iframe")],
                false,
            ),
            (
                &post,
                &[cross, navigate, ("sec-fetch-dest", "document")],
                false,
            ),
            // An upgrade.
            (
                &get,
                &[
                    ("origin", "http://evil.example"),
                    ("upgrade", "websocket"),
                    cross,
                ],
                false,
            ),
        ] {
            let result = check(method.clone(), headers);
            assert_eq!(result.is_ok(), allowed, "{method} {headers:?}: {result:?}");
        }
    }
}
