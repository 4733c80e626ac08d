//! The configuration and the ports that all requests share.

use std::{future::Future, sync::Arc, time::Duration};

use axum::extract::State;
use sightline_pipeline::{
    Service, ServiceError,
    config::{Access, UploadApiConfig},
    index::ImageIndex,
    object_store::{ListObjects, ObjectStore, Presigner},
    prepare::Preparer,
    recogniser::Recogniser,
};
use tokio::time::timeout;

use crate::{Code, Problem, events::Events, offer::Offer, problem::unavailable};

/// How long a request waits for the buckets or the index, all attempts together. API Gateway gives up after 30 seconds
/// (Amazon API Gateway Developer Guide, "Quotas for HTTP APIs"), and its own reply would not help the client.
const STORE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long preparation and recognition of an image in a request may take together. Enough of the 30 seconds remains to
/// store the image, or to remove it again.
const RECOGNITION_TIMEOUT: Duration = Duration::from_secs(15);

/// How long the removal of a partly stored image may take, within the same 30 seconds.
const REMOVAL_TIMEOUT: Duration = Duration::from_secs(3);

/// The ports through which the API reaches the outside. A tuple of the four implements it, so [`Api::new`] takes them one
/// by one.
pub trait Ports: Send + Sync + 'static {
    /// The buckets.
    type Store: ObjectStore + ListObjects;
    /// Signs URLs of objects in the buckets.
    type Presigner: Presigner;
    /// Analyses images that come in a request.
    type Recogniser: Recogniser;
    /// Lists images.
    type Index: ImageIndex;
}

impl<S: ObjectStore + ListObjects, P: Presigner, R: Recogniser, I: ImageIndex> Ports
    for (S, P, R, I)
{
    type Store = S;
    type Presigner = P;
    type Recogniser = R;
    type Index = I;
}

/// The configuration and the ports, shared by all requests.
#[derive(Debug)]
pub struct Api<P: Ports> {
    pub(crate) config: UploadApiConfig,
    pub(crate) store: P::Store,
    pub(crate) presigner: P::Presigner,
    pub(crate) recogniser: P::Recogniser,
    pub(crate) index: Option<P::Index>,
    pub(crate) events: Option<Events>,
    pub(crate) preparer: Preparer,
    pub(crate) store_timeout: Duration,
    pub(crate) recognition_timeout: Duration,
    pub(crate) removal_timeout: Duration,
}

/// [`Api`] as handlers receive it.
pub(crate) type Shared<P> = State<Arc<Api<P>>>;

impl<S: ObjectStore + ListObjects, P: Presigner, R: Recogniser, I: ImageIndex> Api<(S, P, R, I)> {
    /// An API over these ports. Without an index it cannot list images; everything else works.
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
            events: None,
            // Once decoded, an image of 4 MiB can take as much memory as any other.
            preparer: Preparer::new(1),
            store_timeout: STORE_TIMEOUT,
            recognition_timeout: RECOGNITION_TIMEOUT,
            removal_timeout: REMOVAL_TIMEOUT,
        }
    }
}

impl<P: Ports> Api<P> {
    /// The same API with a stream of these events.
    #[must_use]
    pub fn with_events(self, events: Events) -> Self {
        Self {
            events: Some(events),
            ..self
        }
    }

    /// The parts of the API that this deployment has.
    pub(crate) const fn offer(&self) -> Offer {
        Offer {
            sign_in: matches!(self.config.access, Access::Owner),
            image_requests: self.config.image_requests,
            events: self.events.is_some(),
            guests: self.config.guest_identity_pool.is_some(),
        }
    }

    /// The index, if the service has one.
    pub(crate) fn search_index(&self) -> Result<&P::Index, Problem> {
        self.index.as_ref().ok_or_else(no_index)
    }

    /// Waits for the buckets as long as a request can.
    pub(crate) async fn with_store<T>(
        &self,
        work: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, Problem> {
        self.with_service(Service::S3, work).await
    }

    /// Waits for the index as long as a request can.
    pub(crate) async fn with_index<T>(
        &self,
        work: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, Problem> {
        self.with_service(Service::Index, work).await
    }

    async fn with_service<T>(
        &self,
        service: Service,
        work: impl Future<Output = Result<T, ServiceError>>,
    ) -> Result<T, Problem> {
        match timeout(self.store_timeout, work).await {
            Ok(outcome) => outcome.map_err(Problem::from),
            Err(_) => {
                tracing::warn!(?service, "a service did not respond in time");
                Err(unavailable(service))
            }
        }
    }
}

/// The service has no index.
pub(crate) fn no_index() -> Problem {
    Problem::new(
        Code::NoIndex,
        "This service has no search index, so it cannot list images. Its operator can add one: INDEX_TABLE names a DynamoDB table.",
    )
}
