//! Lambda 1: signs upload URLs and answers questions about results.
//!
//! [`router`] is the whole HTTP API as an [`axum::Router`]. The function's `main` puts it behind `lambda::service`;
//! `sightline local` serves it over HTTP beside the pages. `GET /openapi.json` describes the API. The files `openapi.json` and
//! `routes.json` beside this crate's manifest are its golden files; `UPDATE_GOLDEN=1 cargo test -p sightline-upload-api`
//! rewrites both.

mod access;
mod address;
mod api;
mod background_task;
mod cors;
mod date_or_time;
mod events;
mod filename;
mod handover;
#[cfg(feature = "lambda")]
pub mod lambda;
mod listed_image;
mod offer;
mod openapi;
mod origin;
mod problem;
mod request;
mod request_log;
mod response;
mod router;
mod routes;
mod stored_image;
#[cfg(test)]
mod tests;

pub use access::GuestIdentity;
pub use address::{key_path, results_path};
pub use api::{Api, Ports};
pub use date_or_time::date_or_time;
pub use events::{AnnouncedIndex, Events};
pub(crate) use problem::{Code, Problem};
pub use router::router;
pub use routes::delete_image::delete_image;
