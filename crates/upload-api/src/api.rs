//! What every handler needs.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use sightline_pipeline::{
    config::UploadApiConfig,
    object_store::{ObjectStore, Presigner},
};

/// How long a request waits for the buckets, all tries together. API Gateway gives up after 30 seconds
/// (Amazon API Gateway Developer Guide, "Quotas for HTTP APIs") and would say nothing of use then.
const STORE_PATIENCE: Duration = Duration::from_secs(10);

/// The configuration and the ports, shared by all requests.
#[derive(Debug, Clone)]
pub struct Api<S, P> {
    pub(crate) config: UploadApiConfig,
    pub(crate) store: S,
    pub(crate) presigner: P,
    pub(crate) store_patience: Duration,
}

/// [`Api`] as handlers receive it.
pub(crate) type Shared<S, P> = State<Arc<Api<S, P>>>;

impl<S: ObjectStore, P: Presigner> Api<S, P> {
    /// Over these buckets, signing with that presigner.
    #[must_use]
    pub const fn new(config: UploadApiConfig, store: S, presigner: P) -> Self {
        Self {
            config,
            store,
            presigner,
            store_patience: STORE_PATIENCE,
        }
    }
}
