//! Signed URLs of many objects, made from the URL of one.

use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::sign::v4::{calculate_signature, generate_signing_key};
use percent_encoding::{percent_decode_str, utf8_percent_encode};
use sha2::{Digest as _, Sha256};
use sightline_pipeline::percent::RESERVED_IN_PATH;
use time::{PrimitiveDateTime, macros::format_description};

/// A URL that the SDK signed, without its key.
///
/// All objects of a list are signed for the same moment and bucket. The SDK takes about half a millisecond for a URL, most of it to find
/// the endpoint and the credentials again. Here, that is done once, and only the signature is calculated anew (AWS General
/// Reference, "Create a signed AWS API request").
pub(crate) struct UrlTemplate {
    /// Scheme, host, and the bucket if it is in the path, with a slash at the end.
    base: String,
    host: String,
    /// The part of `base` that is in the path.
    folder: String,
    /// The query without the signature, in canonical order.
    query: String,
    signature: String,
    access_key_id: String,
    time: SystemTime,
    date: String,
    region: String,
    service: String,
}

impl UrlTemplate {
    /// The template of a signed URL of this object; `None` if the URL is signed in another way than S3's GET URLs usually are.
    pub(crate) fn of(url: &str, key: &str) -> Option<Self> {
        let (address, query) = url.split_once('?')?;
        let base = address.strip_suffix(&encoded(key))?;
        let (_, host) = base.split_once("://")?;
        let (host, folder) = host.split_at(host.find('/')?);
        let (mut pairs, signature): (Vec<_>, Vec<_>) =
            (query.split('&')).partition(|pair| !pair.starts_with("X-Amz-Signature="));
        pairs.sort_unstable();
        let value =
            |name: &str| (pairs.iter()).find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let date = value("X-Amz-Date")?;
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        let time = PrimitiveDateTime::parse(date, format).ok()?;
        let credential = percent_decode_str(value("X-Amz-Credential")?).decode_utf8();
        let credential = credential.ok()?;
        let mut scope = credential.split('/');
        let access_key_id = scope.next()?;
        let (region, service) = (scope.nth(1)?, scope.next()?);
        let is_usual = value("X-Amz-Algorithm") == Some("AWS4-HMAC-SHA256")
            && value("X-Amz-SignedHeaders") == Some("host");
        is_usual.then(|| Self {
            base: base.to_owned(),
            host: host.to_owned(),
            folder: folder.to_owned(),
            query: pairs.join("&"),
            signature: signature.concat().replace("X-Amz-Signature=", ""),
            access_key_id: access_key_id.to_owned(),
            time: time.assume_utc().into(),
            date: date.to_owned(),
            region: region.to_owned(),
            service: service.to_owned(),
        })
    }

    /// Whether the URL was signed with these credentials.
    pub(crate) fn is_of(&self, credentials: &Credentials) -> bool {
        self.access_key_id == credentials.access_key_id()
    }

    /// Signed URLs of objects in the bucket of the URL, which is that of `key`; `None` if the SDK's own signature cannot be
    /// reproduced, so that nothing that it does differently ever makes an invalid URL.
    pub(crate) fn urls(
        &self,
        credentials: &Credentials,
        key: &str,
        others: &[String],
    ) -> Option<Vec<String>> {
        let secret = credentials.secret_access_key();
        let signing_key = generate_signing_key(secret, self.time, &self.region, &self.service);
        let sign = |path: &str| {
            let Self {
                host,
                folder,
                query,
                date,
                region,
                service,
                ..
            } = self;
            let request =
                format!("GET\n{folder}{path}\n{query}\nhost:{host}\n\nhost\nUNSIGNED-PAYLOAD");
            let digest = hex::encode(Sha256::digest(request));
            let day = date.split('T').next().unwrap_or_default();
            let scope = format!("{day}/{region}/{service}/aws4_request");
            let text = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{digest}");
            calculate_signature(&signing_key, text.as_bytes())
        };
        if sign(&encoded(key)) != self.signature {
            return None;
        }
        let url = |key: &String| {
            let path = encoded(key);
            let (base, query, signature) = (&self.base, &self.query, sign(&path));
            format!("{base}{path}?{query}&X-Amz-Signature={signature}")
        };
        Some(others.iter().map(url).collect())
    }
}

/// A key as it is in the path of a URL.
fn encoded(key: &str) -> String {
    utf8_percent_encode(key, RESERVED_IN_PATH).to_string()
}
