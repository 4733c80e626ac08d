//! The endpoint as its clients see it: the AWS SDK, and requests written out where no SDK would send them.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "the helpers of tests may stop at the first surprise, too"
)]

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
mod signatures;
mod support;
