//! What a person searches for, and the query that it becomes.

use std::fmt;

use super::{
    entry::{Term, TermKind, fold},
    query::{Condition, Query},
    vocabulary::{Vocabulary, is_color},
    words::words,
};

/// The most bare words that may be one name. Names of labels and categories have fewer.
const MAX_RUN: usize = 8;

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

    /// The number of its words; at least 1. Each may become a condition.
    #[must_use]
    pub fn word_count(&self) -> usize {
        words(&self.name).count().max(1)
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

    /// What it is by itself.
    ///
    /// A phrase, or a word such as `t-shirt`, that is no label and no category is searched as its parts, all of which an image must
    /// have.
    fn read(&self, vocabulary: &Vocabulary) -> Reading {
        let mut named: Vec<Term> = [TermKind::Label, TermKind::Category]
            .into_iter()
            .filter(|kind| self.may_be(*kind))
            .flat_map(|kind| vocabulary.find(kind, &self.name))
            .collect();
        let is_known = !named.is_empty() || (self.may_be(TermKind::Color) && is_color(&self.name));
        let images =
            (!named.is_empty()).then(|| named.iter().map(|term| vocabulary.images(term)).sum());
        if let Some(kind) = self.kind.filter(|kind| kind.is_counted())
            && !is_known
        {
            named.push(Term {
                kind,
                name: self.name.clone(),
            });
        }
        let condition = |any| Condition { any, images };
        if self.kind.is_some_and(TermKind::is_counted) {
            return Reading {
                conditions: vec![condition(named)],
                is_known,
            };
        }
        let kinds = [TermKind::Text, TermKind::Filename, TermKind::Color];
        let kinds: Vec<_> = kinds
            .into_iter()
            .filter(|kind| self.may_be(*kind))
            .collect();
        let mut parts: Vec<String> = words(&self.name).collect();
        if parts.is_empty() && (!named.is_empty() || self.kind.is_some() || !self.is_punctuation())
        {
            parts.push(fold(&self.name));
        }
        let conditions = parts.into_iter().map(|part| {
            let words = kinds.iter().map(|kind| Term {
                kind: *kind,
                name: part.clone(),
            });
            condition(named.iter().cloned().chain(words).collect())
        });
        Reading {
            conditions: conditions.collect(),
            is_known,
        }
    }
}

impl fmt::Display for Wanted {
    /// As a person types it: [`Self::parse`] reads the same.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = |kind| PREFIXES.iter().find(|(_, one)| *one == kind);
        if self.excluded {
            f.write_str("-")?;
        }
        if let Some((prefix, _)) = self.kind.and_then(prefix) {
            write!(f, "{prefix}:")?;
        }
        let name = self.name.replace(is_quote, " ");
        let name = name.trim();
        let has_prefix = (name.split_once(':')).is_some_and(|(head, _)| {
            PREFIXES
                .iter()
                .any(|(one, _)| head.eq_ignore_ascii_case(one))
        });
        if has_prefix || name.starts_with('-') || name.contains(char::is_whitespace) {
            write!(f, "\"{name}\"")
        } else {
            f.write_str(name)
        }
    }
}

/// What a name of a search means.
#[derive(Debug, Clone, PartialEq)]
struct Reading {
    /// An image must meet all of these.
    conditions: Vec<Condition>,
    /// Whether it is a label, a category or a colour.
    is_known: bool,
}

impl Reading {
    /// Lets images meet it by one of these labels or categories too.
    fn add(&mut self, terms: &[Term], vocabulary: &Vocabulary) {
        self.is_known = true;
        for condition in &mut self.conditions {
            for term in terms {
                if !condition.any.contains(term) {
                    condition.any.push(term.clone());
                    let images = condition.images.unwrap_or_default();
                    condition.images = Some(images + vocabulary.images(term));
                }
            }
        }
    }
}

fn joined(run: &[Wanted]) -> String {
    let names: Vec<_> = run.iter().map(|one| one.name.as_str()).collect();
    names.join(" ")
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
    /// Names that are no label and no category of the images, and no colour.
    pub unknown: Vec<Unknown>,
}

/// A name that is no label and no category of the images, and no colour.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    /// The name, or several words that may be one name.
    pub word: String,
    /// What it was sought as; `None` for anything.
    pub kind: Option<TermKind>,
    /// Labels, categories and colours with a similar name.
    pub similar: Vec<String>,
    /// The query that finds images with the name in another way, such as in their text; `None` if it was sought as a label, a
    /// category or a colour only.
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
    ///
    /// Bare words that together are the name of a label or category, such as `dining table`, count for each of the words. An image
    /// may also have the words singly. With a `-` before the first word, images with that label or category are excluded,
    /// unless the first word is a name by itself.
    #[must_use]
    pub fn resolve(&self, vocabulary: &Vocabulary) -> Resolved {
        let mut query = self.rest.clone();
        let mut readings: Vec<_> = (self.wanted.iter())
            .map(|wanted| wanted.read(vocabulary))
            .collect();
        self.read_runs(&mut readings, vocabulary);
        let unknown = self.unknown(&readings, vocabulary);
        let required = (self.wanted.iter().zip(&readings))
            .find(|(wanted, reading)| !wanted.excluded && !reading.is_known)
            .map(|(wanted, _)| wanted);
        for (wanted, Reading { conditions, .. }) in self.wanted.iter().zip(readings) {
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

    /// Gives the words of each run that is a name this meaning too.
    fn read_runs(&self, readings: &mut [Reading], vocabulary: &Vocabulary) {
        for (start, first) in self.wanted.iter().enumerate() {
            let is_name = (readings.get(start))
                .is_some_and(|it| it.conditions.iter().any(Condition::is_measured));
            if first.kind.is_some() || (first.excluded && is_name) {
                continue;
            }
            let mut excluded = None;
            for run in self.runs(start) {
                let name = joined(run);
                let terms: Vec<_> = [TermKind::Label, TermKind::Category]
                    .into_iter()
                    .flat_map(|kind| vocabulary.find(kind, &name))
                    .collect();
                if terms.is_empty() {
                    continue;
                }
                if first.excluded {
                    excluded = Some((run.len(), terms));
                } else {
                    for reading in readings.iter_mut().skip(start).take(run.len()) {
                        reading.add(&terms, vocabulary);
                    }
                }
            }
            // Of several names, the longest is meant.
            if let Some((length, terms)) = excluded {
                let mut conditions = vec![Condition {
                    images: Some(terms.iter().map(|term| vocabulary.images(term)).sum()),
                    any: terms,
                }];
                for reading in readings.iter_mut().skip(start).take(length) {
                    *reading = Reading {
                        conditions: std::mem::take(&mut conditions),
                        is_known: true,
                    };
                }
            }
        }
    }

    /// The runs of at least two words from this one on, the shortest first. All but the first are bare and not excluded.
    fn runs(&self, start: usize) -> impl DoubleEndedIterator<Item = &[Wanted]> {
        let rest = self.wanted.get(start..).unwrap_or_default();
        let following = (rest.iter().skip(1).take(MAX_RUN - 1))
            .take_while(|one| one.kind.is_none() && !one.excluded)
            .count();
        (2..=1 + following).filter_map(|length| rest.get(..length))
    }

    /// The names that mean nothing. Several words in a row are one of them if they are similar to a name together.
    fn unknown(&self, readings: &[Reading], vocabulary: &Vocabulary) -> Vec<Unknown> {
        let is_unknown = |at: usize| {
            let reading = readings.get(at);
            reading.is_some_and(|it| !it.is_known && !it.conditions.is_empty())
        };
        let mut unknown = Vec::new();
        let mut at = 0;
        while let Some(first) = self.wanted.get(at) {
            if !is_unknown(at) {
                at += 1;
                continue;
            }
            let may_begin_a_run = first.kind.is_none_or(TermKind::is_counted);
            let run = (self.runs(at).rev())
                .filter(|run| may_begin_a_run && (at..at + run.len()).all(is_unknown))
                .map(|run| (run.len(), joined(run)))
                .map(|(length, name)| (length, vocabulary.similar(&name, first.kind), name))
                .find(|(_, similar, _)| !similar.is_empty());
            let (length, similar, word) = run.unwrap_or_else(|| {
                let similar = vocabulary.similar(&first.name, first.kind);
                (1, similar, first.name.clone())
            });
            let conditions = readings.iter().skip(at).take(length);
            let is_sought_elsewhere =
                (first.kind).is_none_or(|kind| matches!(kind, TermKind::Text | TermKind::Filename));
            unknown.push(Unknown {
                word,
                kind: first.kind,
                similar,
                elsewhere: is_sought_elsewhere.then(|| Query {
                    owner: self.rest.owner.clone(),
                    conditions: conditions.flat_map(|it| it.conditions.clone()).collect(),
                    ..Query::default()
                }),
            });
            at += length;
        }
        unknown
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
        let typed: Vec<_> = expected.iter().map(ToString::to_string).collect();
        assert_eq!(Wanted::parse(&typed.join(" ")), expected);
        assert_eq!(
            typed[..6],
            [
                "dog",
                "\"Golden Retriever\"",
                "-cat",
                "-\"hot dog\"",
                "text:exit",
                "name:\"my holiday\""
            ]
        );
        for name in ["-5", "text:exit", "a \"b\" c"] {
            let quoted = wanted(None, name, false).to_string();
            let read = Wanted::parse(&quoted);
            assert_eq!(
                read,
                [wanted(None, &name.replace('"', " "), false)],
                "{quoted}"
            );
        }
    }

    fn vocabulary() -> Vocabulary {
        let count = |name: &str, images, alias: Option<&str>| NameCount {
            name: name.to_owned(),
            images,
            aliases: alias.map(str::to_owned).into_iter().collect(),
        };
        Vocabulary::new(&Labels {
            labels: vec![
                count("Dog", 12, Some("Doggy")),
                count("T-Shirt", 3, None),
                count("Dining Table", 5, None),
                count("Dog House", 1, None),
                count("Traffic Light", 4, Some("Stop Light")),
            ],
            categories: vec![count("Dog", 14, None)],
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
    fn bare_words_that_are_one_name_together_count_for_each_of_them() {
        let of = |word: &str, label: &str, images| {
            let words = [Term::text(word), Term::filename(word), Term::color(word)];
            Condition {
                any: words.into_iter().chain([Term::label(label)]).collect(),
                images: Some(images),
            }
        };
        let table = [
            of("dining", "dining table", 5),
            of("tables", "dining table", 5),
        ];
        let Resolved { query, unknown } = resolve("dining tables");
        assert_eq!((query.conditions, unknown), (table.to_vec(), vec![]));
        // In every run of the line, and by another name too. Quoted words stay one name.
        let Resolved { query, unknown } = resolve("exit Stop light -cat \"dining table\"");
        let light = |word| of(word, "traffic light", 4);
        assert_eq!(query.conditions[1..3], [light("stop"), light("light")]);
        let quoted = &query.conditions[3..];
        assert_eq!(
            (quoted.len(), quoted[0].any[0].clone()),
            (2, Term::label("dining table"))
        );
        assert_eq!(unknown.len(), 2);
        // A prefix belongs to one word, and an excluded word ends a run.
        for line in ["text:dining table", "dining -table", "dining name:table"] {
            let query = resolve(line).query;
            assert!(query.measured().is_none(), "{line}");
        }
    }

    #[test]
    fn a_name_of_several_words_is_excluded_if_its_first_word_is_none() {
        let excluded = |line: &str| {
            let query = resolve(line).query;
            (query.conditions.len(), query.excluded)
        };
        let table = Condition {
            any: vec![Term::label("dining table")],
            images: Some(5),
        };
        assert_eq!(excluded("-dining table"), (0, vec![vec![table.clone()]]));
        assert_eq!(excluded("-dining tables dog"), (1, vec![vec![table]]));
        let (required, dog) = excluded("-dog house");
        assert_eq!(
            (required, dog[0][0].any[0].clone()),
            (1, Term::label("dog"))
        );
    }

    #[test]
    fn a_misspelled_name_of_several_words_has_similar_names() {
        let similar = |line: &str| -> Vec<(String, Vec<String>)> {
            let unknown = resolve(line).unknown.into_iter();
            unknown.map(|one| (one.word, one.similar)).collect()
        };
        let table = |word: &str| (word.to_owned(), vec!["Dining Table".to_owned()]);
        assert_eq!(similar("dinning tabel"), [table("dinning tabel")]);
        assert_eq!(similar("dog -dinning table"), [table("dinning table")]);
        assert_eq!(similar("label:dining table"), [table("dining table")]);
        assert_eq!(similar("dinning"), [table("dinning")]);
        let bleu = resolve("color:bleu").unknown;
        assert_eq!(
            (&*bleu[0].similar, &bleu[0].elsewhere),
            (&["Blue".to_owned()][..], &None)
        );
        assert_eq!(resolve("blue color:Gray").unknown, []);
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
            kind: Some(TermKind::Label),
            similar: vec!["Dog".to_owned(), "Dog House".to_owned()],
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
