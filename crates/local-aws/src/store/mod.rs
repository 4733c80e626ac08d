//! Stores objects, their metadata and the queue on disk.
//!
//! Object bytes are files ([`blobs`]); everything else is in one SQLite database ([`schema`]). A change to an object and
//! its message are one transaction, so neither exists without the other. A file is on disk before the transaction that
//! refers to it, and is removed after the transaction that drops the reference. Opening the store finishes what a crash left
//! between the two.

mod blobs;
mod buckets;
mod db;
mod error;
mod handle;
mod list;
mod multipart;
mod objects;
mod queue;
mod recovery;
mod schema;
mod space;
mod values;
mod versions;

pub(crate) use blobs::{NewBlob, blob_path, unfinished_blob_path};
pub(crate) use error::{ReadError, StartStoreError, StoreError};
pub(crate) use handle::{DATABASE, Store};
pub(crate) use list::{Entry, ListQuery, Listing, VersionEntry, common_prefix};
pub(crate) use multipart::{Completion, NewPart, Part, Upload, UploadChecksum};
pub(crate) use objects::{Attributes, Deleted, NewObject, Object, WriteCondition};
pub(crate) use queue::{DeadMessage, requeue};
pub(crate) use schema::{open as open_database, select_files, version as table_version};
pub(crate) use space::Space;
pub(crate) use versions::{VersionQuery, Versioning, sequencer_in};
