//! What the endpoint is told at start.

use std::{fmt, net::SocketAddr, path::PathBuf, sync::Arc};

/// The one pair of keys that the endpoint accepts.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// What the client names in the request.
    pub access_key_id: String,
    /// What the client signs with; never sent, never logged.
    pub secret_access_key: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials")
            .field("access_key_id", &self.access_key_id)
            .finish_non_exhaustive()
    }
}

/// What [`start`](crate::start) needs to know.
#[derive(Clone)]
pub struct Settings {
    /// Where objects, the database, dead letters and the access log are kept; made when it is not there.
    pub data_dir: PathBuf,
    /// Where to listen; port 0 takes a free one, which [`LocalAws::address`](crate::LocalAws::address) tells.
    pub listen: SocketAddr,
    /// The region named in events and answers, such as `us-east-1`.
    pub region: String,
    /// The bucket whose new objects are queued; made at start.
    pub input_bucket: String,
    /// The bucket that takes the results; made at start.
    pub output_bucket: String,
    /// The keys that requests must be signed with.
    pub credentials: Credentials,
    /// Only keys with this prefix are queued, such as `uploads/`.
    pub notification_prefix: String,
    /// What answers Rekognition's operations.
    pub recogniser: Arc<sightline_vision::Recogniser>,
    /// How often a message is handed out before it becomes a dead letter.
    pub max_receive_count: u32,
}
