//! The endpoint's Rekognition, driven by the AWS SDK.

mod answers;
mod errors;
mod signatures;
mod world;
