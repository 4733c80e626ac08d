//! A local AWS endpoint: one port that serves S3, Rekognition and SQS.
//!
//! [`start`] serves all services on one address. The header `X-Amz-Target` selects Rekognition ([`rekognition`]), SQS ([`sqs`]) or,
//! with guests, Cognito Identity ([`cognito_identity`]); every other request is S3 ([`s3`]). All share one [`store`]: object bytes in files, everything else in one
//! SQLite database, where an object and its event are stored in one transaction. [`Queue`] delivers the events at least
//! once, across restarts. A message that fails too often becomes a file in the dead-letter folder, and [`redrive`] puts
//! it back.
//!
//! # Structure
//!
//! - [`connections`] accepts connections; [`guard`] rejects requests of other web sites; [`server`] selects the service. Bodies are [`s3s::Body`] everywhere ([`Body`]),
//!   so a test can build a request without a socket.
//! - [`aws_json`] has what Rekognition and SQS share, such as the signature check. s3s checks signatures for S3 only.
//! - [`access_log`] records every call.
//!
//! # Differences from S3
//!
//! Buckets are not versioned, encrypted, locked or public; a request for one of these is rejected. Every region and every
//! configured key is accepted. Notifications go to [`Queue`] only.
#![allow(
    rustdoc::private_intra_doc_links,
    reason = "the overview is also for people who work on this crate"
)]

mod access_log;
mod aws_json;
mod backup;
mod checksum;
mod cognito_identity;
mod connections;
mod cors;
mod credentials;
mod date;
mod dead_letters;
mod events;
mod guard;
mod guests;
mod lane;
mod queue;
mod rekognition;
mod request_body;
mod s3;
mod server;
mod settings;
mod sqs;
mod store;

pub use backup::{BackupError, Copied, Others, backup, restore};
pub use connections::{BodyError, IncomingBody, serve};
pub use cors::BucketCors;
pub use credentials::Credentials;
pub use dead_letters::{RedriveError, RedriveResult, redrive};
pub use events::EventType;
pub use guard::{Guard, GuardError};
pub use guests::{GuestPool, NotAGuest};
pub use lane::Lane;
pub use queue::{Depth, Message, Queue, QueueError};
pub use server::{LocalAws, StartError, start};
pub use settings::{CustomModel, Settings};

/// The body of every request and response.
pub(crate) type Body = s3s::Body;
