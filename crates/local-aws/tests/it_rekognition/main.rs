//! The endpoint's Rekognition, driven by the AWS SDK.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod answers;
mod custom_labels;
mod errors;
mod installed_models;
#[path = "../../../../tests/needs.rs"]
mod needs;
mod signatures;
mod text;
mod world;
