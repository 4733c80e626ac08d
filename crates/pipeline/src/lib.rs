//! The domain of Sightline: source keys, analyses, the result document, the configuration of the two
//! functions, and the ports to outside services.
//!
//! Nothing here depends on the AWS SDK. The adapters are in `sightline-aws`.

pub mod analysis;
pub mod backoff;
pub mod config;
pub mod daily_limit;
pub mod document;
pub mod index;
pub mod json;
pub mod keys;
pub mod logging;
pub mod metrics;
pub mod object_store;
pub mod owner_limit;
pub mod percent;
pub mod recogniser;
pub mod recognition;
pub mod retries;
pub mod service_error;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod version;

pub use analysis::{Analyses, Analysis};
pub use document::ResultDocument;
pub use keys::{KeyError, Owner, SourceKey};
pub use service_error::{Fate, Service, ServiceError};
pub use sightline_prepare::{self as prepare, MediaType};
