//! The adapters: the ports over the ordinary AWS SDK clients.
//!
//! Nothing in here knows whether the clients talk to AWS or to the local endpoint; where they talk
//! to is decided by the SDK's own configuration (`AWS_ENDPOINT_URL` and its kin).

mod clients;
mod errors;
mod object_store;
mod presigner;
mod recogniser;
#[cfg(test)]
mod replay;

pub use aws_config::SdkConfig;
pub use clients::{Clients, clients, index, load};
pub(crate) use errors::Failure;
pub use object_store::{S3Store, listed_key};
pub use presigner::S3Presigner;
pub use recogniser::RekognitionRecogniser;
