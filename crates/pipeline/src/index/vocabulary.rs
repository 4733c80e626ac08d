//! The names by which the images of one list are found.

use std::collections::BTreeMap;

use super::{
    entry::{Term, TermKind, fold},
    labels::{Labels, NameCount},
    words::{number_key, words},
};

/// The most names that a misspelled word is answered with.
pub const MAX_SIMILAR: usize = 3;

/// The simplified names of Rekognition's colours (Amazon Rekognition API Reference, "DominantColor"), with their other spelling.
const COLORS: [&str; 13] = [
    "Black", "Blue", "Brown", "Cyan", "Green", "Grey", "Gray", "Orange", "Pink", "Purple", "Red",
    "White", "Yellow",
];

/// Whether images can have a main colour with this name.
pub(super) fn is_color(name: &str) -> bool {
    let folded = fold(name);
    COLORS.iter().any(|color| fold(color) == folded)
}

/// Labels with their other names, and categories. It resolves what people type to them.
#[derive(Debug, Clone, Default)]
pub struct Vocabulary {
    labels: Names,
    categories: Names,
}

/// The names of one kind.
#[derive(Debug, Clone, Default)]
struct Names {
    /// The number of images, by folded name.
    images: BTreeMap<String, u64>,
    /// The folded names with this other name, which is folded too.
    by_alias: BTreeMap<String, Vec<String>>,
    /// The folded names whose name or other name has this key.
    by_key: BTreeMap<String, Vec<String>>,
    /// All names and other names as they are shown, and their number of images.
    shown: Vec<(String, u64)>,
}

impl Vocabulary {
    /// The vocabulary of images with these counts.
    #[must_use]
    pub fn new(labels: &Labels) -> Self {
        Self {
            labels: Names::new(&labels.labels),
            categories: Names::new(&labels.categories),
        }
    }

    /// The labels or categories with this name: the one with exactly the name, or else those with it as another name, or else those
    /// whose name or other name is its singular or plural. Case is ignored. Empty for other kinds.
    #[must_use]
    pub fn find(&self, kind: TermKind, name: &str) -> Vec<Term> {
        let found = self.names(kind).map(|names| names.find(name));
        let terms = found.into_iter().flatten();
        terms.map(|name| Term { kind, name }).collect()
    }

    /// The number of images with this label or category.
    #[must_use]
    pub fn images(&self, term: &Term) -> u64 {
        let names = self.names(term.kind);
        let images = names.and_then(|names| names.images.get(&term.folded()));
        images.copied().unwrap_or_default()
    }

    /// Names of labels, categories and colours that differ little from this word or phrase, the nearest first, and of these the
    /// most frequent. `kind` limits them to one kind.
    #[must_use]
    pub fn similar(&self, word: &str, kind: Option<TermKind>) -> Vec<String> {
        let kinds = [TermKind::Label, TermKind::Category];
        let named = (kinds.into_iter())
            .filter(|one| kind.is_none_or(|kind| kind == *one))
            .filter_map(|kind| self.names(kind))
            .flat_map(|names| &names.shown)
            .map(|(name, images)| (name.as_str(), *images));
        let is_color = kind.is_none_or(|kind| kind == TermKind::Color);
        let colors = COLORS.into_iter().filter(|_| is_color);
        similar(word, named.chain(colors.map(|color| (color, 0))))
    }

    fn names(&self, kind: TermKind) -> Option<&Names> {
        match kind {
            TermKind::Label => Some(&self.labels),
            TermKind::Category => Some(&self.categories),
            TermKind::Text | TermKind::Filename | TermKind::Color => None,
        }
    }
}

impl Names {
    fn new(counts: &[NameCount]) -> Self {
        let mut names = Self::default();
        for count in counts {
            let folded = fold(&count.name);
            names.add_key(&count.name, &folded);
            names.shown.push((count.name.clone(), count.images));
            for alias in &count.aliases {
                names.add_key(alias, &folded);
                names.shown.push((alias.clone(), count.images));
                let of_alias = names.by_alias.entry(fold(alias)).or_default();
                of_alias.push(folded.clone());
            }
            names.images.insert(folded, count.images);
        }
        names
    }

    fn add_key(&mut self, name: &str, folded: &str) {
        let of_key = self.by_key.entry(key(name)).or_default();
        if !of_key.iter().any(|known| known == folded) {
            of_key.push(folded.to_owned());
        }
    }

    fn find(&self, name: &str) -> Vec<String> {
        let folded = fold(name);
        if self.images.contains_key(&folded) {
            return vec![folded];
        }
        let found = (self.by_alias.get(&folded)).or_else(|| self.by_key.get(&key(name)));
        found.cloned().unwrap_or_default()
    }
}

/// The names, given with their numbers of images, that differ little from a word or phrase: at most [`MAX_SIMILAR`], the nearest
/// first, and of these the most frequent.
pub fn similar<'a>(word: &str, names: impl Iterator<Item = (&'a str, u64)>) -> Vec<String> {
    let word = fold(word);
    let most = most_edits(&word);
    let mut near: Vec<(usize, u64, &str)> = names
        .filter_map(|(name, images)| Some((edits(&word, name, most)?, images, name)))
        .collect();
    near.sort_by(|one, other| (one.0, other.1, one.2).cmp(&(other.0, one.1, other.2)));
    let mut similar: Vec<String> = Vec::new();
    for (_, _, name) in near {
        if !similar.iter().any(|known| fold(known) == fold(name)) {
            similar.push(name.to_owned());
        }
        if similar.len() == MAX_SIMILAR {
            break;
        }
    }
    similar
}

/// The form in which `T-Shirt`, `t shirt` and `T-shirts` are equal.
fn key(name: &str) -> String {
    let words: Vec<_> = words(name).map(|word| number_key(&word)).collect();
    words.join(" ")
}

/// How many edits a word of this length may be away from a name. An edit inserts, removes or replaces a letter, or swaps two.
fn most_edits(word: &str) -> usize {
    match word.chars().count() {
        0..=2 => 0,
        3..=4 => 1,
        5..=8 => 2,
        _ => 3,
    }
}

/// The number of edits between the word and the name, or the nearest word of the name, if it is at most `most`.
fn edits(word: &str, name: &str, most: usize) -> Option<usize> {
    if most == 0 {
        return None;
    }
    let name = fold(name);
    let length = word.chars().count();
    let whole = std::iter::once(name.as_str());
    // The words of a name are compared with a word only, not with a phrase. Nobody means a name by its `and`.
    let parts = (name.split_whitespace()).filter(|part| *part != "and" && !word.contains(' '));
    whole
        .chain(parts)
        .filter(|name| name.chars().count().abs_diff(length) <= most)
        .map(|name| strsim::damerau_levenshtein(word, name))
        .filter(|edits| *edits <= most)
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary() -> Vocabulary {
        let count = |name: &str, images, aliases: &[&str]| NameCount {
            name: name.to_owned(),
            images,
            aliases: aliases.iter().map(|alias| (*alias).to_owned()).collect(),
        };
        Vocabulary::new(&Labels {
            images: 100,
            labels: vec![
                count("Person", 60, &["Human"]),
                count("Dog", 30, &[]),
                count("Car", 20, &["Automobile"]),
                count("Bicycle", 9, &["Bike"]),
                count("Motorcycle", 8, &["Bike"]),
                count("T-Shirt", 7, &[]),
                count("Golden Retriever", 6, &[]),
                count("Bus", 5, &[]),
                count("Glasses", 5, &[]),
                count("Women", 2, &[]),
                count("Dot", 1, &[]),
            ],
            categories: vec![count("Animals and Pets", 30, &[])],
        })
    }

    #[test]
    fn names_are_found_by_alias_and_number_in_any_case() {
        let vocabulary = vocabulary();
        for (name, labels) in [
            ("dog", &["dog"][..]),
            ("DOGS ", &["dog"]),
            ("human", &["person"]),
            ("humans", &["person"]),
            ("people", &["person"]),
            ("Bike", &["bicycle", "motorcycle"]),
            ("bikes", &["bicycle", "motorcycle"]),
            ("automobiles", &["car"]),
            ("t shirts", &["t-shirt"]),
            ("golden retrievers", &["golden retriever"]),
            ("buses", &["bus"]),
            ("glass", &["glasses"]),
            ("woman", &["women"]),
            ("retriever", &[]),
            ("Animals and Pets", &[]),
        ] {
            let found = vocabulary.find(TermKind::Label, name);
            let names: Vec<_> = found.iter().map(Term::folded).collect();
            assert_eq!(names, labels, "{name}");
        }
        let pets = vocabulary.find(TermKind::Category, "animal and pet");
        assert_eq!(pets, [Term::category("animals and pets")]);
        assert_eq!(vocabulary.images(&pets[0]), 30);
        assert_eq!(vocabulary.find(TermKind::Text, "dog"), []);
    }

    #[test]
    fn a_misspelled_word_has_similar_names() {
        let vocabulary = vocabulary();
        for (word, names) in [
            ("dgo", &["Dog"][..]),
            ("dog", &["Dog", "Dot"]),
            ("dogg", &["Dog"]),
            ("bycicle", &["Bicycle"]),
            ("retreiver", &["Golden Retriever"]),
            ("golden retreiver", &["Golden Retriever"]),
            ("automobil", &["Automobile"]),
            ("animls", &["Animals and Pets"]),
            ("ca", &[]),
            ("and", &[]),
            ("xylophone", &[]),
        ] {
            assert_eq!(vocabulary.similar(word, None), names, "{word}");
        }
        let labels = vocabulary.similar("animls", Some(TermKind::Label));
        assert!(labels.is_empty());
    }
}
