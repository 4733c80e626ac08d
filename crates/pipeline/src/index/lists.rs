//! Which lists an index has.

/// The lists that an index answers.
///
/// A list of all images costs a write for each image and term, and its keys are shared by every writer. So a deployment
/// where callers see their own images only goes without it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lists {
    /// The list and counts of all images, and those of each owner.
    #[default]
    All,
    /// Those of each owner only. An image without an owner is in none.
    PerOwner,
}
