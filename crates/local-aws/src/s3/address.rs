//! The bucket and key of a request: `/bucket/key`, or `/key` at `bucket.localhost`.

use percent_encoding::percent_decode_str;
use s3s::{
    S3Result,
    host::{S3Host, VirtualHost},
};

/// The domain for buckets in the host name. Browsers and most resolvers resolve it to this machine.
const DOMAIN: &str = ".localhost";

/// Gives s3s the bucket in the host name. Any other host uses path-style addresses.
pub(super) struct LocalHost;

impl S3Host for LocalHost {
    fn parse_host_header<'a>(&'a self, host: &'a str) -> S3Result<VirtualHost<'a>> {
        let virtual_host = VirtualHost::new(host);
        Ok(match bucket_of_host(host) {
            Some(bucket) => virtual_host.with_bucket(bucket),
            None => virtual_host,
        })
    }
}

fn bucket_of_host(host: &str) -> Option<&str> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name.strip_suffix(DOMAIN)
        .filter(|bucket| !bucket.is_empty())
}

/// The bucket and key that a request names. Also available for requests that s3s rejects.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) bucket: Option<String>,
    pub(super) key: Option<String>,
}

impl Address {
    pub(super) fn of(host: Option<&str>, path: &str) -> Self {
        let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        let filled = |text: &str| Some(decode(text)).filter(|text| !text.is_empty());
        let path = path.strip_prefix('/').unwrap_or(path);
        match host.and_then(bucket_of_host) {
            Some(bucket) => Self {
                bucket: Some(bucket.to_owned()),
                key: filled(path),
            },
            None => match path.split_once('/') {
                Some((bucket, key)) => Self {
                    bucket: filled(bucket),
                    key: filled(key),
                },
                None => Self {
                    bucket: filled(path),
                    key: None,
                },
            },
        }
    }

    /// The ARN, as in IAM policies.
    pub(super) fn arn(&self) -> String {
        match (&self.bucket, &self.key) {
            (None, _) => "*".to_owned(),
            (Some(bucket), None) => format!("arn:aws:s3:::{bucket}"),
            (Some(bucket), Some(key)) => format!("arn:aws:s3:::{bucket}/{key}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_style_and_host_style() {
        for (host, path, arn) in [
            ("127.0.0.1:4566", "/", "*"),
            ("127.0.0.1:4566", "/in", "arn:aws:s3:::in"),
            ("127.0.0.1:4566", "/in/", "arn:aws:s3:::in"),
            (
                "localhost:4566",
                "/in/uploads/my%20cat%2B1.jpg",
                "arn:aws:s3:::in/uploads/my cat+1.jpg",
            ),
            (
                "in.localhost:4566",
                "/uploads/../a//b",
                "arn:aws:s3:::in/uploads/../a//b",
            ),
            ("in.localhost", "/", "arn:aws:s3:::in"),
            (".localhost", "/in/a", "arn:aws:s3:::in/a"),
            ("[::1]:4566", "/in//a", "arn:aws:s3:::in//a"),
        ] {
            assert_eq!(Address::of(Some(host), path).arn(), arn, "{host}{path}");
        }
    }
}
