//! Settings besides the configuration.

use std::{fmt, sync::Arc, time::Duration};

use sightline_pipeline::prepare::default_concurrency;
use time::OffsetDateTime;

/// Returns the current time.
pub type Clock = Arc<dyn Fn() -> OffsetDateTime + Send + Sync>;

/// Settings of one process. The defaults suit Lambda.
#[derive(Clone)]
pub struct Options {
    /// How many images are processed at once. The default of 8 is close to a batch of 10 messages, and to
    /// the 5 calls a second that Rekognition allows in most regions (a call takes about a second).
    pub concurrency: usize,
    /// How many images are read and decoded at once, which limits memory: each takes up to
    /// [`Limits::memory_bytes`](sightline_pipeline::prepare::Limits). The default is for a machine
    /// with ample memory; a function derives it from its memory ([`default_concurrency`]).
    pub prepare_concurrency: usize,
    /// How long to wait for the lease on an image that another worker holds.
    pub lease_wait: Duration,
    /// Whether this process is the only worker, as on one machine. Leases of other processes
    /// are then dead, so a restart need not wait for them to expire.
    pub sole_worker: bool,
    /// Returns the current time.
    pub clock: Clock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            concurrency: 8,
            prepare_concurrency: default_concurrency(None),
            lease_wait: Duration::from_secs(3),
            sole_worker: false,
            clock: Arc::new(OffsetDateTime::now_utc),
        }
    }
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Options")
            .field("concurrency", &self.concurrency)
            .field("prepare_concurrency", &self.prepare_concurrency)
            .field("lease_wait", &self.lease_wait)
            .field("sole_worker", &self.sole_worker)
            .finish_non_exhaustive()
    }
}
