//! In-memory and failing implementations of the ports, for tests.
//!
//! The feature `testing` enables them. No function is built with it.

mod failing;
mod faults;
mod index;
mod lock;
mod presigner;
mod recogniser;
mod store;

#[allow(
    missing_docs,
    async_fn_in_trait,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "test assertions that several crates share"
)]
pub mod index_suite;

pub use failing::Failing;
pub use faults::{Faults, busy, denied, over_daily_limit, refused, slow_down, throttled};
pub use index::{FailingIndex, MemoryIndex};
pub use presigner::MemoryPresigner;
pub use recogniser::CannedRecogniser;
pub use store::MemoryStore;
