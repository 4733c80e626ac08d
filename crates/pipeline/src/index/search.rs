//! What a person searches for, and the query that it becomes.

use super::{
    entry::{Term, TermKind, fold},
    query::{Condition, Query},
    vocabulary::Vocabulary,
    words::words,
};

/// The kinds to which a prefix narrows a word, such as `text:exit`.
const PREFIXES: [(&str, TermKind); 7] = [
    ("label", TermKind::Label),
    ("category", TermKind::Category),
    ("text", TermKind::Text),
    ("name", TermKind::Filename),
    ("filename", TermKind::Filename),
    ("color", TermKind::Color),
    ("colour", TermKind::Color),
];

/// A name that images must have, or must not have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it names; `None` for anything.
    pub kind: Option<TermKind>,
    /// The name, as it was typed.
    pub name: String,
    /// Whether images must not have it.
    pub excluded: bool,
}

impl Wanted {
    /// The words and phrases of a line that a person typed.
    ///
    /// Words are separated by spaces; `"…"` is a phrase. A leading `-` excludes. `label:`, `category:`, `text:`, `name:` and `color:`
    /// narrow a word or a phrase to one kind.
    #[must_use]
    pub fn parse(line: &str) -> Vec<Self> {
        let mut wanted = Vec::new();
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let excluded = rest.starts_with('-');
            rest = rest.strip_prefix('-').unwrap_or(rest);
            let prefix = PREFIXES.into_iter().find_map(|(prefix, kind)| {
                let (head, tail) = rest.split_once(':')?;
                (head.eq_ignore_ascii_case(prefix)).then_some((kind, tail))
            });
            let kind = prefix.map(|(kind, tail)| {
                rest = tail;
                kind
            });
            let name;
            (name, rest) = match rest.strip_prefix(is_quote) {
                // A phrase whose end is missing goes to the end of the line.
                Some(phrase) => phrase.split_once(is_quote).unwrap_or((phrase, "")),
                None => rest.split_once(char::is_whitespace).unwrap_or((rest, "")),
            };
            rest = rest.trim_start();
            let name = name.trim();
            if !name.is_empty() {
                wanted.push(Self {
                    kind,
                    name: name.to_owned(),
                    excluded,
                });
            }
        }
        wanted
    }

    /// Whether it only separates words, as the `&` of `cats & dogs`.
    fn is_punctuation(&self) -> bool {
        self.name.chars().all(|one| one.is_ascii_punctuation())
    }

    fn may_be(&self, kind: TermKind) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
    }

    /// Whether it may be a label or a category.
    fn is_looked_up(&self) -> bool {
        self.kind.is_none_or(TermKind::is_counted)
    }

    /// The conditions that it becomes, and whether the vocabulary knows it.
    ///
    /// A phrase, or a word such as `t-shirt`, that is no label and no category is searched as its parts, all of which an image must
    /// have.
    fn conditions(&self, vocabulary: &Vocabulary) -> (Vec<Condition>, bool) {
        let mut named: Vec<Term> = [TermKind::Label, TermKind::Category]
            .into_iter()
            .filter(|kind| self.may_be(*kind))
            .flat_map(|kind| vocabulary.find(kind, &self.name))
            .collect();
        let is_known = !named.is_empty();
        if let Some(kind) = self.kind.filter(|kind| kind.is_counted())
            && !is_known
        {
            named.push(Term {
                kind,
                name: self.name.clone(),
            });
        }
        let images = is_known.then(|| named.iter().map(|term| vocabulary.images(term)).sum());
        let condition = |any| Condition { any, images };
        if self.kind.is_some_and(TermKind::is_counted) {
            return (vec![condition(named)], is_known);
        }
        let kinds = [TermKind::Text, TermKind::Filename, TermKind::Color];
        let kinds: Vec<_> = kinds
            .into_iter()
            .filter(|kind| self.may_be(*kind))
            .collect();
        let mut parts: Vec<String> = words(&self.name).collect();
        if parts.is_empty() && (is_known || self.kind.is_some() || !self.is_punctuation()) {
            parts.push(fold(&self.name));
        }
        let conditions = parts.into_iter().map(|part| {
            let words = kinds.iter().map(|kind| Term {
                kind: *kind,
                name: part.clone(),
            });
            condition(named.iter().cloned().chain(words).collect())
        });
        (conditions.collect(), is_known)
    }
}

fn is_quote(character: char) -> bool {
    matches!(character, '"' | '“' | '”' | '„')
}

/// A search: names, and the other parts of a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Search {
    /// All of these. The first label or category gives the confidence.
    pub wanted: Vec<Wanted>,
    /// The query without conditions and exclusions.
    pub rest: Query,
}

/// A search whose names are resolved.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Resolved {
    /// The query.
    pub query: Query,
    /// Names that are no label and no category of the images.
    pub unknown: Vec<Unknown>,
}

/// A name that is no label and no category of the images.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    /// The name.
    pub word: String,
    /// Labels and categories with a similar name.
    pub similar: Vec<String>,
    /// The query that finds images with the name in another way, such as in their text; `None` if it was sought as a label or a
    /// category only.
    pub elsewhere: Option<Query>,
}

impl Search {
    /// The query, if it can be made without the vocabulary: no name may be a label or a category, or just one is, and that may be
    /// its exact name. In the second case, the vocabulary decides if no image is found.
    #[must_use]
    pub fn literal(&self) -> Option<Query> {
        let mut looked_up = self.wanted.iter().filter(|one| one.is_looked_up());
        let (first, second) = (looked_up.next(), looked_up.next());
        let is_exact = first.is_none_or(|one| one.kind.is_some() && !one.excluded);
        (second.is_none() && is_exact).then(|| self.resolve(&Vocabulary::default()).query)
    }

    /// Whether the vocabulary can change the query.
    #[must_use]
    pub fn needs_vocabulary(&self) -> bool {
        self.wanted.iter().any(Wanted::is_looked_up)
    }

    /// The query, with each name resolved to what the images have.
    #[must_use]
    pub fn resolve(&self, vocabulary: &Vocabulary) -> Resolved {
        let mut query = self.rest.clone();
        let mut unknown = Vec::new();
        for wanted in &self.wanted {
            let (conditions, is_known) = wanted.conditions(vocabulary);
            if !is_known && wanted.is_looked_up() && !conditions.is_empty() {
                unknown.push(Unknown {
                    word: wanted.name.clone(),
                    similar: vocabulary.similar(&wanted.name, wanted.kind),
                    elsewhere: wanted.kind.is_none().then(|| Query {
                        owner: self.rest.owner.clone(),
                        conditions: conditions.clone(),
                        ..Query::default()
                    }),
                });
            }
            if conditions.is_empty() {
                continue;
            }
            if wanted.excluded {
                query.excluded.push(conditions);
            } else {
                query.conditions.extend(conditions);
            }
        }
        // A search of nothing but punctuation finds nothing. Without a condition it would find every image.
        let required = self.wanted.iter().find(|one| !one.excluded);
        if let Some(wanted) = required
            && query.conditions.is_empty()
        {
            let nowhere = Term {
                kind: TermKind::Text,
                name: wanted.name.clone(),
            };
            query.conditions.push(nowhere.into());
        }
        Resolved { query, unknown }
    }

    /// A text that two searches have in common only if they list the same images in the same order, however the vocabulary
    /// changes.
    #[must_use]
    pub fn identity(&self) -> String {
        let wanted: Vec<_> = (self.wanted.iter())
            .map(|one| (one.kind, fold(&one.name), one.excluded))
            .collect();
        format!("{} {wanted:?}", self.rest.identity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::{Labels, NameCount};

    fn wanted(kind: Option<TermKind>, name: &str, excluded: bool) -> Wanted {
        Wanted {
            kind,
            name: name.to_owned(),
            excluded,
        }
    }

    #[test]
    fn a_line_has_words_phrases_exclusions_and_kinds() {
        let line = r#" dog  "Golden Retriever" -cat -"hot dog" TEXT:exit name:"my holiday" -color:blue label: other:x t-shirt - "" “two words” "open end"#;
        let expected = [
            wanted(None, "dog", false),
            wanted(None, "Golden Retriever", false),
            wanted(None, "cat", true),
            wanted(None, "hot dog", true),
            wanted(Some(TermKind::Text), "exit", false),
            wanted(Some(TermKind::Filename), "my holiday", false),
            wanted(Some(TermKind::Color), "blue", true),
            wanted(None, "other:x", false),
            wanted(None, "t-shirt", false),
            wanted(None, "two words", false),
            wanted(None, "open end", false),
        ];
        assert_eq!(Wanted::parse(line), expected);
        assert_eq!(Wanted::parse(" - "), []);
    }

    fn vocabulary() -> Vocabulary {
        let count = |name: &str, images| NameCount {
            name: name.to_owned(),
            images,
            aliases: ["Doggy".to_owned()]
                .into_iter()
                .filter(|_| images == 12)
                .collect(),
        };
        Vocabulary::new(&Labels {
            labels: vec![count("Dog", 12), count("T-Shirt", 3)],
            categories: vec![count("Dog", 14)],
            images: 20,
        })
    }

    fn resolve(line: &str) -> Resolved {
        let search = Search {
            wanted: Wanted::parse(line),
            rest: Query::default(),
        };
        search.resolve(&vocabulary())
    }

    #[test]
    fn a_word_may_be_anything() {
        let Resolved { query, unknown } = resolve("doggies");
        let words = |word: &str| [Term::text(word), Term::filename(word), Term::color(word)];
        let mut any = vec![Term::label("dog")];
        any.extend(words("doggies"));
        assert_eq!(
            query.conditions,
            [Condition {
                any,
                images: Some(12)
            }]
        );
        assert!(unknown.is_empty());

        let Resolved { query, unknown } = resolve("-\"Fire exit\"");
        assert!(query.conditions.is_empty());
        let parts = ["fire", "exit"].map(|word| Condition {
            any: words(word).into(),
            images: None,
        });
        assert_eq!(query.excluded, [parts.to_vec()]);
        assert_eq!(unknown.len(), 1);
        assert_eq!(unknown[0].word, "Fire exit");
        assert!(unknown[0].elsewhere.is_some());
    }

    #[test]
    fn a_word_without_letters_never_finds_every_image() {
        for line in ["!!!", "&", "\u{2764}", "\u{2764} -dog"] {
            assert_eq!(resolve(line).query.conditions.len(), 1, "{line}");
        }
        // Punctuation between words is none of them, and a sign is one.
        assert_eq!(resolve("dog & cat").query.conditions.len(), 2);
        assert_eq!(resolve("dog \u{2764}").query.conditions.len(), 2);
        // Nothing has to be there.
        assert!(resolve("-dog").query.conditions.is_empty());
    }

    #[test]
    fn a_kind_narrows_a_word() {
        let conditions = |line: &str| resolve(line).query.conditions;
        let term = |term: Term, images| Condition {
            images,
            ..Condition::from(term)
        };
        assert_eq!(
            conditions("label:dogs"),
            [term(Term::label("dog"), Some(12))]
        );
        assert_eq!(
            conditions("category:dog"),
            [term(Term::category("dog"), Some(14))]
        );
        assert_eq!(
            conditions("text:\"fire exit\""),
            [
                term(Term::text("fire"), None),
                term(Term::text("exit"), None)
            ]
        );
        assert_eq!(conditions("name:!"), [term(Term::filename("!"), None)]);
        let dgo = resolve("label:dgo");
        assert_eq!(dgo.query.conditions, [term(Term::label("dgo"), None)]);
        let expected = Unknown {
            word: "dgo".to_owned(),
            similar: vec!["Dog".to_owned()],
            elsewhere: None,
        };
        assert_eq!(dgo.unknown, [expected]);
    }

    #[test]
    fn one_exact_label_needs_no_vocabulary() {
        let search = |line: &str| Search {
            wanted: Wanted::parse(line),
            rest: Query::default(),
        };
        let literal = |line: &str| search(line).literal().map(|query| query.conditions.len());
        assert_eq!(literal(""), Some(0));
        assert_eq!(literal("label:dog"), Some(1));
        assert_eq!(literal("label:dog text:exit -color:red"), Some(2));
        assert_eq!(literal("text:exit"), Some(1));
        assert_eq!(literal("dog"), None);
        assert_eq!(literal("-label:dog"), None);
        assert_eq!(literal("label:dog category:pets"), None);
        assert!(!search("text:exit").needs_vocabulary());
        assert!(search("label:dog").needs_vocabulary());
    }
}
