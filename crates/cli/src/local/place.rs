//! Where everything is, once it serves.

use sightline_local_aws::Credentials;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Addresses, buckets and keys, as clients need them.
#[derive(Debug)]
pub(super) struct Place {
    /// Full address of the pages and the API, without a slash at the end.
    pub(super) api: String,
    /// Full address of the AWS endpoint, without a slash at the end.
    pub(super) aws: String,
    pub(super) input_bucket: String,
    pub(super) output_bucket: String,
    pub(super) region: String,
    pub(super) credentials: Credentials,
}

/// A full address without a slash at the end; IPv6 addresses get their brackets.
pub(super) fn address(host: &str, port: u16) -> String {
    match host.parse::<Ipv6Addr>() {
        Ok(ip) => format!("http://[{ip}]:{port}"),
        Err(_) => format!("http://{host}:{port}"),
    }
}

/// The host that stands in addresses: the one that was named, else the one listened on, else, when that is every
/// address of the machine, the one from which it reaches others.
pub(super) fn public_host(named: Option<&str>, listening: IpAddr) -> String {
    match named {
        Some(host) => host.to_owned(),
        None if listening.is_unspecified() => outward(listening)
            .unwrap_or_else(|| own(listening))
            .to_string(),
        None => listening.to_string(),
    }
}

/// The host at which this process reaches itself.
pub(super) fn own(listening: IpAddr) -> IpAddr {
    match listening {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

/// The machine's address on the way out. Choosing it sends nothing; the far end is a documentation address.
fn outward(listening: IpAddr) -> Option<IpAddr> {
    let far: IpAddr = match listening {
        IpAddr::V4(_) => Ipv4Addr::new(192, 0, 2, 1).into(),
        IpAddr::V6(_) => Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    };
    let socket = UdpSocket::bind(SocketAddr::new(listening, 0)).ok()?;
    socket.connect(SocketAddr::new(far, 9)).ok()?;
    Some(socket.local_addr().ok()?.ip()).filter(|ip| !ip.is_unspecified())
}

#[cfg(test)]
impl Place {
    /// The place of a plain `sightline local`.
    pub(super) fn example() -> Self {
        Self {
            api: "http://127.0.0.1:8080".to_owned(),
            aws: "http://127.0.0.1:4566".to_owned(),
            input_bucket: "sightline-input".to_owned(),
            output_bucket: "sightline-output".to_owned(),
            region: "us-east-1".to_owned(),
            credentials: Credentials {
                access_key_id: "local".to_owned(),
                secret_access_key: "local-secret".to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_complete() {
        assert_eq!(address("127.0.0.1", 80), "http://127.0.0.1:80");
        assert_eq!(
            address("pictures.local", 8080),
            "http://pictures.local:8080"
        );
        assert_eq!(address("::1", 8080), "http://[::1]:8080");
    }

    #[test]
    fn no_client_is_sent_to_an_address_that_is_none() {
        let everywhere = IpAddr::from(Ipv4Addr::UNSPECIFIED);
        assert_eq!(public_host(None, Ipv4Addr::LOCALHOST.into()), "127.0.0.1");
        assert_eq!(
            public_host(Some("pictures.local"), everywhere),
            "pictures.local"
        );
        assert_ne!(public_host(None, everywhere), "0.0.0.0");
        assert_eq!(own(everywhere), IpAddr::from(Ipv4Addr::LOCALHOST));
        assert_eq!(
            own(Ipv6Addr::UNSPECIFIED.into()),
            IpAddr::from(Ipv6Addr::LOCALHOST)
        );
    }
}
