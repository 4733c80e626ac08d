//! What the S3 operations work on.

use crate::{cors::BucketCors, store::Store};
use std::sync::Arc;

/// The store and the settings that the operations need.
pub(super) struct Backend {
    pub(super) store: Store,
    pub(super) region: String,
    pub(super) cors: Arc<[BucketCors]>,
}
