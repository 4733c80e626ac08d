//! The pipeline's ports over the AWS SDK.
//!
//! The same code talks to AWS and to the local endpoint. The SDK's own configuration decides which
//! (`AWS_ENDPOINT_URL` and related variables).

mod clients;
mod dynamo;
mod error;
mod https;
mod presigner;
mod rekognition;
mod s3_store;
mod sqs_visibility;
#[cfg(test)]
mod tests;
mod url_template;

pub use aws_config::SdkConfig;
pub use clients::{Clients, clients, index, load, message_visibility, s3_config};
pub use dynamo::DynamoIndex;
pub use error::read_error;
pub use https::TLS;
pub use presigner::S3Presigner;
pub use rekognition::RekognitionRecogniser;
pub use s3_store::{S3Store, listed_key};
pub use sqs_visibility::SqsVisibility;
