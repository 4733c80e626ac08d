//! Signed URLs without the SDK's presigning, which takes a third of a millisecond, and half of one in a development build.

use std::{collections::BTreeMap, fmt, time::Duration};

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use sightline_pipeline::percent::{RESERVED, RESERVED_IN_PATH};
use time::{
    Date, OffsetDateTime, format_description::StaticFormatDescription, macros::format_description,
};

/// As in `X-Amz-Date`.
const DATE: StaticFormatDescription =
    format_description!("[year][month][day]T[hour][minute][second]Z");

/// What the signed URLs of a bucket have in common, learnt from one that the SDK signed.
///
/// The SDK finds the endpoint and the credentials again for every URL, and derives the day's key from them. Here, only the signature is
/// calculated anew (AWS General Reference, "Create a signed AWS API request").
pub(crate) struct UrlTemplate {
    method: &'static str,
    /// Scheme, host, and the bucket if it is in the path, with a slash at the end.
    base: String,
    host: String,
    /// The part of `base` that is in the path.
    folder: String,
    /// The pairs of the query that are the same in every URL. The security token is one of them.
    pairs: Vec<String>,
    /// The day in UTC whose key this is.
    day: Date,
    /// The day, the region, the service and `aws4_request`, as in the text to sign.
    scope: String,
    signing_key: Vec<u8>,
}

/// Leaves out the security token and the key.
impl fmt::Debug for UrlTemplate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UrlTemplate")
            .field("method", &self.method)
            .field("base", &self.base)
            .finish_non_exhaustive()
    }
}

/// One request to sign.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) key: &'a str,
    /// The headers that the client has to send besides `host`, with names in lower case.
    pub(crate) headers: &'a BTreeMap<String, String>,
    /// The start of the validity, in whole seconds.
    pub(crate) start: OffsetDateTime,
    pub(crate) expires_in: Duration,
}

impl UrlTemplate {
    /// The template of a URL that the SDK signed for this request; `None` if this URL cannot be reproduced with these credentials, time
    /// and headers.
    pub(crate) fn of(
        url: &str,
        method: &'static str,
        request: Request<'_>,
        credentials: &Credentials,
    ) -> Option<Self> {
        let (address, query) = url.split_once('?')?;
        let base = address.strip_suffix(&encoded(request.key))?;
        let (_, host) = base.split_once("://")?;
        let (host, folder) = host.split_at(host.find('/')?);
        let credential = value(query, "X-Amz-Credential")?;
        let credential = percent_decode_str(credential).decode_utf8().ok()?;
        let (id, scope) = credential.split_once('/')?;
        if id != credentials.access_key_id() {
            return None;
        }
        let mut parts = scope.split('/').skip(1);
        let (region, service) = (parts.next()?, parts.next()?);
        let secret = credentials.secret_access_key();
        let signing_key = generate_signing_key(secret, request.start.into(), region, service);
        let differ = [
            "X-Amz-Date",
            "X-Amz-Expires",
            "X-Amz-Signature",
            "X-Amz-SignedHeaders",
        ];
        let pairs = query
            .split('&')
            .filter(|pair| {
                let name = pair.split_once('=').map_or(*pair, |(name, _)| name);
                !differ.contains(&name)
            })
            .map(str::to_owned)
            .collect();
        let template = Self {
            method,
            base: base.to_owned(),
            host: host.to_owned(),
            folder: folder.to_owned(),
            pairs,
            day: request.start.date(),
            scope: scope.to_owned(),
            signing_key: signing_key.as_ref().to_vec(),
        };
        let again = template.sign(request)?;
        (sorted(&again) == sorted(url)).then_some(template)
    }

    /// Whether URLs that are valid from this time on can be signed, because it is on the day of the template.
    pub(crate) fn is_for(&self, start: OffsetDateTime) -> bool {
        start.date() == self.day
    }

    /// The signed URL; `None` on another day, and if only the SDK knows how to sign such headers.
    pub(crate) fn sign(&self, request: Request<'_>) -> Option<String> {
        let Self {
            method,
            base,
            host,
            folder,
            scope,
            ..
        } = self;
        let mut headers = BTreeMap::from([("host", host.as_str())]);
        for (name, value) in request.headers {
            // The canonical form of other values differs from the value.
            let usual = value.bytes().all(|byte| byte.is_ascii_graphic());
            if !usual || headers.insert(name, value).is_some() {
                return None;
            }
        }
        let names = headers.keys().copied().collect::<Vec<_>>();
        if !self.is_for(request.start) {
            return None;
        }
        let date = request.start.format(DATE).ok()?;
        let own = [
            format!("X-Amz-Date={date}"),
            format!("X-Amz-Expires={}", request.expires_in.as_secs()),
            format!("X-Amz-SignedHeaders={}", in_query(&names.join(";"))),
        ];
        let own = own.iter().chain(&self.pairs);
        let mut pairs = own.map(String::as_str).collect::<Vec<_>>();
        pairs.sort_unstable();
        let (path, query) = (encoded(request.key), pairs.join("&"));
        let lines = headers
            .iter()
            .map(|(name, value)| format!("{name}:{value}\n"))
            .collect::<String>();
        let canonical = format!(
            "{method}\n{folder}{path}\n{query}\n{lines}\n{}\nUNSIGNED-PAYLOAD",
            names.join(";")
        );
        let digest = hex::encode(Sha256::digest(canonical));
        let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}");
        let signature = calculate_signature(&self.signing_key, text.as_bytes());
        Some(format!("{base}{path}?{query}&X-Amz-Signature={signature}"))
    }
}

fn value<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query
        .split('&')
        .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
}

/// The address and the pairs of the query, in one order.
fn sorted(url: &str) -> (&str, Vec<&str>) {
    let (address, query) = url.split_once('?').unwrap_or((url, ""));
    let mut pairs = query.split('&').collect::<Vec<_>>();
    pairs.sort_unstable();
    (address, pairs)
}

/// A key as it is in the path of a URL.
fn encoded(key: &str) -> String {
    utf8_percent_encode(key, RESERVED_IN_PATH).to_string()
}

/// A value in the query.
fn in_query(value: &str) -> String {
    utf8_percent_encode(value, RESERVED).to_string()
}
