//! One port that speaks S3 and Rekognition on one machine.
//!
//! [`start`] serves both services on one address: a request whose `X-Amz-Target` header starts with
//! `RekognitionService.` goes to [`rekognition`], everything else is S3 ([`s3`]). Under both lies one
//! [`store`]: object bytes in files, everything else in one SQLite database, where storing an object and
//! queueing its event are one transaction. [`Queue`] hands the events out again, at least once, through
//! restarts; what fails too often becomes a file in the dead-letter folder, which [`redrive`] puts back.
//!
//! # How the parts meet
//!
//! - [`connections`] accepts connections; [`server`] gives every request to one of the two services. Bodies are
//!   [`s3s::Body`] on both sides ([`Body`]), so a test can build a request without a socket.
//! - [`rekognition::handle`] gets the whole request, unread and unverified: it checks the signature itself
//!   (s3s does so for S3 only), answers, and records the call with [`access_log::AccessLog::record`].
//! - [`store::Store::read_for_recognition`] is its way to an object's bytes.
//!
//! # What differs from S3
//!
//! Buckets are not versioned, encrypted, locked or public, and a request that asks for that is refused. Every
//! region is taken, and every key that was set is as good as another. Notifications go to [`Queue`] alone.
#![allow(
    rustdoc::private_intra_doc_links,
    reason = "the overview is for who works on this crate, too"
)]

mod access_log;
mod aws_json;
mod checksum;
mod connections;
mod cors;
mod dead_letters;
mod events;
mod queue;
mod rekognition;
mod request_body;
mod s3;
mod server;
mod settings;
mod sqs;
mod store;

pub use connections::{Arriving, serve};
pub use cors::{BucketCors, CorsRule};
pub use dead_letters::{RedriveError, Redriven, redrive};
pub use events::EventType;
pub use queue::{Depth, Message, Queue, QueueError, RetryBackoff};
pub use server::{LocalAws, StartError, start};
pub use settings::{Credentials, CustomModel, Settings};

/// The body of every request and response: streamed, or whole for what is small.
pub(crate) type Body = s3s::Body;
