//! Checks of the source tree itself. They need Rust alone: `cargo test -p sightline-source-checks`.
//!
//! - No two files need each other, directly or through others. [`rust`] reads the modules of a crate and [`ecmascript`]
//!   those of the web pages; both add to one [`Graph`]. The check is `tests/circles.rs`.
//! - Links in the documents lead somewhere, and the tests that `docs/SEMANTICS.md` names exist. [`markdown`] reads the
//!   documents. The check is `tests/documents.rs`.

pub mod ecmascript;
mod graph;
pub mod markdown;
pub mod rust;

pub use graph::{Circle, Graph, Import};
