//! What Sightline is, apart from where it runs: source keys, analyses, the result document, the
//! configuration of the two functions, and the ports through which they reach the outside with
//! their AWS adapters.
//!
//! Nothing in here knows whether the outside is AWS or the local endpoint: both are reached by the
//! ordinary AWS SDK clients.

pub mod analyse;
pub mod analysis;
pub mod aws;
pub mod config;
pub mod deployment;
pub mod document;
pub mod index;
pub mod json;
pub mod keys;
pub mod logging;
pub mod metrics;
pub mod object_store;
pub mod recogniser;
pub mod spending;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod version;

pub use analysis::{Analyses, Analysis};
pub use document::ResultDocument;
pub use keys::{KeyError, Owner, SourceKey};
pub use sightline_prepare::{self as prepare, MediaType};
