//! What every handler needs.

use std::{sync::Arc, time::Duration};

use axum::extract::State;
use sightline_pipeline::{
    config::UploadApiConfig,
    index::ImageIndex,
    object_store::{ObjectStore, Presigner},
    prepare::Preparer,
    recogniser::Recogniser,
};

/// How long a request waits for the buckets, all tries together. API Gateway gives up after 30 seconds
/// (Amazon API Gateway Developer Guide, "Quotas for HTTP APIs") and would say nothing of use then.
const STORE_PATIENCE: Duration = Duration::from_secs(10);

/// How long an image that came in a request waits to be prepared and for the recogniser, so that
/// within the same 30 seconds it can be stored, or removed again.
const RECOGNISER_PATIENCE: Duration = Duration::from_secs(15);

/// How long the removal of what was half stored may take, within the same 30 seconds.
const REMOVAL_PATIENCE: Duration = Duration::from_secs(3);

/// The configuration and the ports, shared by all requests.
#[derive(Debug, Clone)]
pub struct Api<S, P, R, I> {
    pub(crate) config: UploadApiConfig,
    pub(crate) store: S,
    pub(crate) presigner: P,
    pub(crate) recogniser: R,
    pub(crate) index: Option<I>,
    pub(crate) preparer: Preparer,
    pub(crate) store_patience: Duration,
    pub(crate) recogniser_patience: Duration,
    pub(crate) removal_patience: Duration,
}

/// [`Api`] as handlers receive it.
pub(crate) type Shared<S, P, R, I> = State<Arc<Api<S, P, R, I>>>;

impl<S: ObjectStore, P: Presigner, R: Recogniser, I: ImageIndex> Api<S, P, R, I> {
    /// Over these buckets, signing with that presigner, asking that recogniser. Without an index
    /// images cannot be listed; everything else works.
    #[must_use]
    pub fn new(
        config: UploadApiConfig,
        store: S,
        presigner: P,
        recogniser: R,
        index: Option<I>,
    ) -> Self {
        Self {
            config,
            store,
            presigner,
            recogniser,
            index,
            // An image of 4 MiB can take as much memory as any other once it is decoded.
            preparer: Preparer::new(1),
            store_patience: STORE_PATIENCE,
            recogniser_patience: RECOGNISER_PATIENCE,
            removal_patience: REMOVAL_PATIENCE,
        }
    }
}
