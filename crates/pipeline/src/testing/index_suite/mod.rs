//! The rules that every index follows.

mod expected;
pub mod images;
mod rules;
mod scale;
mod search;

pub use expected::{ExpectedIndex, put_all};
pub use rules::{Backend, lists_of_owners, rules};
pub use scale::{concurrent_writes, counts_match_rows, pages_of_many};
pub use search::{entries_of, random_images, random_searches};
