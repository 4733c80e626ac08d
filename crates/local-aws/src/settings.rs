//! What the endpoint is told at start.

use crate::{cors::BucketCors, events::EventType, queue::RetryBackoff};
use sightline_vision::{Recogniser, Tesseract};
use std::{
    fmt,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

/// A pair of keys that the endpoint accepts.
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

/// A model that DetectCustomLabels answers with.
#[derive(Clone)]
pub struct CustomModel {
    /// The ARN of its project version, by which requests name it.
    pub arn: String,
    /// What looks at the pictures.
    pub recogniser: Arc<Recogniser>,
}

impl CustomModel {
    /// A model under the ARN that the local mode gives to this name: 1 to 249 letters, digits, `_`, `.` and `-`. No
    /// version on AWS has it, because those end in the time of their making.
    #[must_use]
    pub fn new(region: &str, name: &str, recogniser: Arc<Recogniser>) -> Self {
        Self {
            arn: format!(
                "arn:aws:rekognition:{region}:000000000000:project/{name}/version/{name}.local/0"
            ),
            recogniser,
        }
    }
}

/// What [`start`](crate::start) needs to know.
#[derive(Clone)]
pub struct Settings {
    /// Where objects, the database, dead letters and the access log are kept; made when it is not there.
    pub data_dir: PathBuf,
    /// Where to listen; port 0 takes a free one, which [`LocalAws::address`](crate::LocalAws::address) tells.
    pub listen: SocketAddr,
    /// The region named in events and answers, such as `us-east-1`. Requests signed for another are taken too.
    pub region: String,
    /// The bucket whose new objects are queued; made at start.
    pub input_bucket: String,
    /// The bucket that takes the results; made at start.
    pub output_bucket: String,
    /// The keys that requests must be signed with.
    pub credentials: Credentials,
    /// Further keys that are as good: by them the access log tells callers apart.
    pub more_credentials: Vec<Credentials>,
    /// What browsers may do; a bucket that is not named here answers no page.
    pub cors: Vec<BucketCors>,
    /// Only keys with this prefix are queued, such as `uploads/`.
    pub notification_prefix: String,
    /// Which changes of the input bucket are queued.
    pub notification_events: Vec<EventType>,
    /// What answers DetectLabels.
    pub recogniser: Arc<Recogniser>,
    /// What answers DetectCustomLabels.
    pub custom_models: Vec<CustomModel>,
    /// What answers DetectText; nothing where it is not installed.
    pub tesseract: Option<Tesseract>,
    /// How often a message is handed out before it becomes a dead letter; at least once.
    pub max_receive_count: u32,
    /// How long a message that failed waits for its next attempt.
    pub retry_backoff: RetryBackoff,
}

impl Settings {
    /// All keys that are taken.
    pub(crate) fn accepted_keys(&self) -> impl Iterator<Item = &Credentials> {
        std::iter::once(&self.credentials).chain(&self.more_credentials)
    }

    /// Everything at its default: 127.0.0.1:4566, region `us-east-1`, buckets `sightline-input` and
    /// `sightline-output`, keys `local` and `local-secret`, no page allowed, new objects under `uploads/`
    /// queued, neither custom models nor text, five attempts.
    pub fn new(data_dir: impl Into<PathBuf>, recogniser: Arc<Recogniser>) -> Self {
        Self {
            data_dir: data_dir.into(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 4566)),
            region: "us-east-1".to_owned(),
            input_bucket: "sightline-input".to_owned(),
            output_bucket: "sightline-output".to_owned(),
            credentials: Credentials {
                access_key_id: "local".to_owned(),
                secret_access_key: "local-secret".to_owned(),
            },
            more_credentials: Vec::new(),
            cors: Vec::new(),
            notification_prefix: "uploads/".to_owned(),
            notification_events: vec![EventType::ObjectCreated],
            recogniser,
            custom_models: Vec::new(),
            tesseract: None,
            max_receive_count: 5,
            retry_backoff: RetryBackoff::default(),
        }
    }
}
