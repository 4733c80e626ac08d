//! The labels and categories of images, with counts.

use std::collections::BTreeSet;

use super::entry::TermKind;

/// The labels and categories of images, most frequent first, then by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Labels {
    /// Labels.
    pub labels: Vec<NameCount>,
    /// Categories of labels.
    pub categories: Vec<NameCount>,
    /// The number of images, with or without labels.
    pub images: u64,
}

/// The number of images with a label or category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameCount {
    /// The name as the recogniser writes it.
    pub name: String,
    /// The number of images.
    pub images: u64,
    /// Other names of the label, in order; empty for a category.
    pub aliases: BTreeSet<String>,
}

impl Labels {
    /// Sorts counts, and omits names without images.
    #[must_use]
    pub fn from_counts(
        images: u64,
        counts: impl IntoIterator<Item = (TermKind, NameCount)>,
    ) -> Self {
        let mut all = Self {
            images,
            ..Self::default()
        };
        for (kind, count) in counts {
            if count.images > 0 {
                match kind {
                    TermKind::Label => all.labels.push(count),
                    TermKind::Category => all.categories.push(count),
                    TermKind::Text | TermKind::Filename | TermKind::Color => {}
                }
            }
        }
        for list in [&mut all.labels, &mut all.categories] {
            list.sort_by(|one, other| {
                other
                    .images
                    .cmp(&one.images)
                    .then_with(|| one.name.cmp(&other.name))
            });
        }
        all
    }
}
