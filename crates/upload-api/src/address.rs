//! The API's own public addresses.

use axum::http::{
    HeaderMap,
    header::{HOST, HeaderName},
    request::Parts,
    uri::Authority,
};
use percent_encoding::utf8_percent_encode;
use sightline_pipeline::{SourceKey, percent::RESERVED};

use crate::access::{GUEST_PREFIX, GuestRoute};

const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The path of this image's result: `/results/` and the [`key_path`].
#[must_use]
pub fn results_path(key: &SourceKey) -> String {
    format!("/results/{}", key_path(key))
}

/// The key as it ends the paths of an image, percent-encoded segment by segment.
///
/// Clients and proxies resolve the segments `.` and `..` (also as `%2e`) and merge empty ones (WHATWG URL Standard, RFC 3986
/// section 5.2.4). A key with such segments is therefore encoded as one segment, with `%2F` for its slashes. The API decodes
/// both forms alike.
#[must_use]
pub fn key_path(key: &SourceKey) -> String {
    let plain = key
        .as_str()
        .split('/')
        .all(|segment| !matches!(segment, "" | "." | ".."));
    let separator = if plain { "/" } else { "%2F" };
    let segments: Vec<_> = key
        .as_str()
        .split('/')
        .map(|segment| utf8_percent_encode(segment, RESERVED).to_string())
        .collect();
    segments.join(separator)
}

/// The public address according to the gateway in front of the Lambda function. Only requests on Lambda have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gateway {
    /// The domain that the client called.
    pub(crate) domain: Option<String>,
    /// What precedes the API's own paths: a slash and the stage, or nothing.
    pub(crate) prefix: String,
}

/// What precedes the paths of replies to a request: the API's public address `https://host` with the stage if there is one, and
/// `/guest` for guests. Without the address if the request does not say it.
///
/// The host is the one that a proxy forwards, otherwise the one that the client asked for. A client that forges these headers
/// only changes the addresses in its own reply.
pub(crate) fn base(request: &Parts) -> String {
    let gateway = request.extensions.get::<Gateway>();
    let of_guests = match request.extensions.get::<GuestRoute>() {
        Some(GuestRoute) => GUEST_PREFIX,
        None => "",
    };
    let host = authority(&request.headers, &FORWARDED_HOST)
        .or_else(|| authority(&request.headers, &HOST))
        // HTTP/2 has no Host header.
        .or_else(|| request.uri.authority().cloned())
        .or_else(|| gateway?.domain.as_ref()?.parse().ok());
    let Some(host) = host else {
        return of_guests.to_owned();
    };
    let scheme = match first(&request.headers, &FORWARDED_PROTO) {
        Some(scheme @ ("http" | "https")) => scheme,
        _ if gateway.is_some() => "https",
        _ => "http",
    };
    let prefix = gateway.map_or("", |gateway| gateway.prefix.as_str());
    format!("{scheme}://{host}{prefix}{of_guests}")
}

fn authority(headers: &HeaderMap, name: &HeaderName) -> Option<Authority> {
    first(headers, name)?
        .parse()
        .ok()
        .filter(|host: &Authority| !host.host().is_empty() && !host.as_str().contains('@'))
}

/// The value that the outermost proxy set.
fn first<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers
        .get(name)?
        .to_str()
        .ok()?
        .split(',')
        .next()
        .map(str::trim)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;

    use super::*;

    fn parts(headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::get("/uploads");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_base_url_comes_from_the_request() {
        for (headers, expected) in [
            (&[][..], ""),
            (&[("host", "127.0.0.1:8080")], "http://127.0.0.1:8080"),
            (&[("host", "[::1]:8080")], "http://[::1]:8080"),
            (
                &[
                    ("host", "inner"),
                    ("x-forwarded-proto", "https"),
                    ("x-forwarded-host", "pictures.example.com, inner"),
                ],
                "https://pictures.example.com",
            ),
            (
                &[("host", "h"), ("x-forwarded-proto", "javascript")],
                "http://h",
            ),
            (&[("host", "user@h")], ""),
            (&[("host", "a b")], ""),
            (&[("host", "h/evil")], ""),
        ] {
            assert_eq!(base(&parts(headers)), expected, "{headers:?}");
        }
    }

    #[test]
    fn guests_get_addresses_of_their_own_routes() {
        for (headers, expected) in [
            (&[][..], "/guest"),
            (&[("host", "127.0.0.1:8080")], "http://127.0.0.1:8080/guest"),
        ] {
            let mut request = parts(headers);
            request.extensions.insert(GuestRoute);
            assert_eq!(base(&request), expected);
        }
    }

    #[test]
    fn behind_a_gateway_the_scheme_is_https_and_the_stage_is_kept() {
        let mut request = parts(&[]);
        request.extensions.insert(Gateway {
            domain: Some("abc.execute-api.eu-west-1.amazonaws.com".to_owned()),
            prefix: "/beta".to_owned(),
        });
        assert_eq!(
            base(&request),
            "https://abc.execute-api.eu-west-1.amazonaws.com/beta"
        );
    }

    #[test]
    fn paths_survive_clients_that_normalise_them() {
        for (key, path) in [
            ("uploads/a.jpg", "/results/uploads/a.jpg"),
            ("uploads/my cat+1.jpg", "/results/uploads/my%20cat%2B1.jpg"),
            ("uploads/100%.jpg", "/results/uploads/100%25.jpg"),
            ("uploads/ü?#.jpg", "/results/uploads/%C3%BC%3F%23.jpg"),
            ("uploads/../up.png", "/results/uploads%2F..%2Fup.png"),
            ("uploads//double.png", "/results/uploads%2F%2Fdouble.png"),
        ] {
            assert_eq!(results_path(&SourceKey::new(key).unwrap()), path);
        }
    }
}
