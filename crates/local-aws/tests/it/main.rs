//! The endpoint through the AWS SDK, and through raw requests that no SDK would send.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of tests may stop at the first surprise, too"
)]

#[path = "../../../../tests/needs.rs"]
mod needs;

mod buckets;
mod checksums;
mod conditions;
mod cors;
mod durability;
mod keys;
mod listing;
mod logging;
mod multipart;
mod notifications;
mod objects;
mod presigned;
mod protocol;
mod signatures;
mod support;
mod unsupported;
mod versioning;
