//! Listening on ports, with errors that say what to do.

use std::{
    io::{self, ErrorKind},
    net::SocketAddr,
};

use anyhow::anyhow;
use sightline_local_aws::{LocalAws, Settings, StartError};
use tokio::net::TcpListener;

/// Listens for the pages and the API.
///
/// # Errors
/// When the address cannot be used.
pub(super) async fn bind(address: SocketAddr) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .map_err(|error| cannot_listen(address, "--port", error))
}

/// Starts the AWS endpoint.
///
/// # Errors
/// When its address or the data folder cannot be used.
pub(super) async fn start_aws(settings: Settings) -> anyhow::Result<LocalAws> {
    sightline_local_aws::start(settings)
        .await
        .map_err(|error| match error {
            StartError::Listen { address, source } => cannot_listen(address, "--aws-port", source),
            StartError::InUse(folder) => anyhow!(
                "the data folder {} is in use; stop the other `sightline local`, or choose another folder with --data-dir",
                folder.display()
            ),
            other => other.into(),
        })
}

fn cannot_listen(address: SocketAddr, option: &str, error: io::Error) -> anyhow::Error {
    let (ip, port) = (address.ip(), address.port());
    match error.kind() {
        ErrorKind::AddrInUse => anyhow!(
            "port {port} of {ip} is in use; stop the program that uses it, or choose another port with {option} (0 \
             chooses a free one)"
        ),
        ErrorKind::PermissionDenied => anyhow!(
            "no permission to use port {port} of {ip}; choose one above 1023 with {option} (0 chooses a free one)"
        ),
        ErrorKind::AddrNotAvailable => anyhow!(
            "{ip} is not an address of this machine; choose another one with --host, such as 127.0.0.1 or 0.0.0.0"
        ),
        _ => anyhow::Error::new(error).context(format!("cannot listen on {address}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn an_unusable_port_is_an_error_in_one_sentence() {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 4566));
        for (kind, part) in [
            (ErrorKind::AddrInUse, "4566"),
            (ErrorKind::AddrInUse, "--aws-port"),
            (ErrorKind::PermissionDenied, "above 1023 with --aws-port"),
            (ErrorKind::AddrNotAvailable, "--host"),
            (ErrorKind::Other, "cannot listen on 127.0.0.1:4566"),
        ] {
            let error = format!("{:#}", cannot_listen(address, "--aws-port", kind.into()));
            assert!(error.contains(part), "{error}");
            assert!(!error.contains('\n'));
        }
    }
}
