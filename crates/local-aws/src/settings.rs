//! The settings of the endpoint.

use crate::{
    cors::BucketCors, credentials::Credentials, events::EventType, guard::Guard, guests::GuestPool,
};
use sightline_vision::{Recogniser, Recognisers};
use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};

/// A model for DetectCustomLabels.
#[derive(Clone)]
pub struct CustomModel {
    /// The ARN of its project version, which requests name.
    pub arn: String,
    /// The model.
    pub recogniser: Arc<Recogniser>,
}

impl CustomModel {
    /// A model with the ARN that the local mode gives to this name: 1 to 249 letters, digits, `_`, `.` and `-`. AWS never
    /// uses such an ARN, because its ARNs end in the creation time.
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

/// The settings for [`start`](crate::start).
#[derive(Clone)]
pub struct Settings {
    /// The folder for objects, the database, dead letters and the access log. Created if it does not exist.
    pub data_dir: PathBuf,
    /// The address to listen on. Port 0 takes a free port; see [`LocalAws::address`](crate::LocalAws::address).
    pub listen: SocketAddr,
    /// The region in events and responses, such as `us-east-1`. Requests signed for another region are accepted too.
    pub region: String,
    /// The bucket whose new objects are queued. Created at the start.
    pub input_bucket: String,
    /// The bucket for results. Created at the start.
    pub output_bucket: String,
    /// The keys that requests must be signed with.
    pub credentials: Credentials,
    /// More accepted keys. The access log distinguishes callers by their keys.
    pub more_credentials: Vec<Credentials>,
    /// The identity pool whose guests get temporary credentials; `None` for no guests.
    pub guests: Option<GuestPool>,
    /// Host names of this service beside those of this machine, without ports. Requests for other names are rejected.
    pub host_names: Vec<String>,
    /// The cross-origin rules. A bucket without rules is not readable by web pages. Pages of origins that no rule names cannot
    /// use the endpoint at all.
    pub cors: Vec<BucketCors>,
    /// Only keys with this prefix are queued, such as `uploads/`.
    pub notification_prefix: String,
    /// Which changes of the input bucket are queued.
    pub notification_events: Vec<EventType>,
    /// Switch on versioning of the input bucket at the start. Without this, it stays as it is.
    pub versioning: bool,
    /// Answer all operations but DetectCustomLabels.
    pub recognisers: Arc<Recognisers>,
    /// Answer DetectCustomLabels.
    pub custom_models: Vec<CustomModel>,
    /// How often a message is received before it becomes a dead letter; at least once.
    pub max_receive_count: u32,
    /// Start even if the database and the files of objects do not belong together. Files that the database does not know
    /// are moved to `unknown-objects/`.
    pub accept_database: bool,
}

impl Settings {
    /// All accepted keys.
    pub(crate) fn accepted_keys(&self) -> impl Iterator<Item = &Credentials> {
        std::iter::once(&self.credentials).chain(&self.more_credentials)
    }

    /// The hosts and origins that requests may have.
    pub(crate) fn guard(&self) -> Guard {
        let rules = self.cors.iter().flat_map(|cors| &cors.rules);
        let origins = rules.flat_map(|rule| rule.allowed_origins.iter().cloned());
        Guard::new(self.listen.ip(), self.host_names.iter().cloned(), origins)
    }

    /// The defaults: 127.0.0.1:4566, region `us-east-1`, buckets `sightline-input` and `sightline-output`, keys `local` and
    /// `local-secret`, no cross-origin access, events for new objects under `uploads/`, no custom models, five attempts.
    pub fn new(data_dir: impl Into<PathBuf>, recognisers: Arc<Recognisers>) -> Self {
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
            guests: None,
            host_names: Vec::new(),
            cors: Vec::new(),
            notification_prefix: "uploads/".to_owned(),
            notification_events: vec![EventType::ObjectCreated],
            versioning: false,
            recognisers,
            custom_models: Vec::new(),
            max_receive_count: 5,
            accept_database: false,
        }
    }
}
