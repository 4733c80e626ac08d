//! Work that must not stop halfway.

use std::future::Future;

use sightline_pipeline::Service;
use tracing::Instrument as _;

use crate::{Problem, problem::unavailable};

/// Runs the work to its end. The server drops a handler, wherever it is, when its client disconnects.
pub(crate) async fn run_to_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Problem>> + Send + 'static,
) -> Result<T, Problem> {
    tokio::spawn(work.in_current_span())
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "a request's work ended early");
            Err(unavailable(Service::S3))
        })
}
