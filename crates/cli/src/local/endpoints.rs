//! The URLs, buckets and keys that clients need.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use sightline_local_aws::Credentials;
use sightline_pipeline::config::Buckets;

/// The region in URLs, events, ARNs and ids. The endpoint accepts requests that are signed for any other region, too.
pub(super) const REGION: &str = "us-east-1";

/// What clients need.
#[derive(Debug)]
pub(super) struct Endpoints {
    /// URL of the pages and the API, without a slash at the end.
    pub(super) api: String,
    /// URL of the AWS endpoint, without a slash at the end.
    pub(super) aws: String,
    pub(super) buckets: Buckets,
    pub(super) region: String,
    /// The keys of the user.
    pub(super) credentials: Credentials,
    /// The identity pool of guests, if there are guests.
    pub(super) identity_pool: Option<String>,
}

/// A URL without a slash at the end. IPv6 addresses get their brackets.
pub(super) fn url(host: &str, port: u16) -> String {
    match host.parse::<Ipv6Addr>() {
        Ok(ip) => format!("http://[{ip}]:{port}"),
        Err(_) => format!("http://{host}:{port}"),
    }
}

/// The host in URLs: the configured one, else the address that the server listens on. If that is the unspecified address,
/// the address from which this machine reaches others.
pub(super) fn public_host(configured: Option<&str>, listening: IpAddr) -> String {
    match configured {
        Some(host) => host.to_owned(),
        None if listening.is_unspecified() => outward(listening)
            .unwrap_or_else(|| own_host(listening))
            .to_string(),
        None => listening.to_string(),
    }
}

/// The host by which this process reaches itself.
pub(super) fn own_host(listening: IpAddr) -> IpAddr {
    match listening {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// The address from which this machine reaches others. Connecting a UDP socket chooses it and sends nothing; the remote
/// address is one for documentation (RFC 5737 and RFC 3849).
fn outward(listening: IpAddr) -> Option<IpAddr> {
    let remote: IpAddr = match listening {
        IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(listening, 0)).ok()?;
    socket.connect(SocketAddr::new(remote, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
}

#[cfg(test)]
impl Endpoints {
    /// The endpoints of `sightline local` without options.
    pub(super) fn example() -> Self {
        Self {
            api: "http://127.0.0.1:8080".to_owned(),
            aws: "http://127.0.0.1:4566".to_owned(),
            buckets: Buckets {
                input: "sightline-input".to_owned(),
                output: "sightline-output".to_owned(),
            },
            region: "us-east-1".to_owned(),
            credentials: Credentials {
                access_key_id: "local".to_owned(),
                secret_access_key: "local-secret".to_owned(),
            },
            identity_pool: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_scheme_host_and_port() {
        assert_eq!(url("127.0.0.1", 80), "http://127.0.0.1:80");
        assert_eq!(url("pictures.local", 8080), "http://pictures.local:8080");
        assert_eq!(url("::1", 8080), "http://[::1]:8080");
    }

    #[test]
    fn no_url_has_the_unspecified_address() {
        let unspecified = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        assert_eq!(public_host(None, Ipv4Addr::LOCALHOST.into()), "127.0.0.1");
        assert_eq!(
            public_host(Some("pictures.local"), unspecified),
            "pictures.local"
        );
        assert_ne!(public_host(None, unspecified), "0.0.0.0");
        assert_eq!(own_host(unspecified), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_eq!(
            own_host(Ipv6Addr::UNSPECIFIED.into()),
            IpAddr::from(Ipv6Addr::LOCALHOST)
        );
    }
}
