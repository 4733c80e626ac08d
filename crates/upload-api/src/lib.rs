//! Lambda 1: issues presigned upload addresses and answers questions about results.
//!
//! [`router`] is the whole HTTP API as an [`axum::Router`]. The function's `main` puts it behind
//! [`lambda::service`]; `sightline local` serves it over HTTP beside the pages. The API's contract is
//! `GET /openapi.json`, kept as the golden file `openapi.json` beside this crate's manifest.

mod access;
mod address;
mod api;
mod cors;
mod extract;
mod filename;
#[cfg(feature = "lambda")]
pub mod lambda;
mod openapi;
mod problem;
mod query;
mod request_log;
mod routes;
#[cfg(test)]
mod tests;

pub use address::results_path;
pub use api::{Api, Ports};
pub use openapi::openapi;
pub use problem::{Code, Problem};
pub use routes::router;
