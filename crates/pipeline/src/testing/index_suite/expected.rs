//! The expected content of an index.

use crate::{
    document::{AgeSpan, Status},
    index::{Condition, Entry, FaceFilter, Found, ImageIndex, Page, Position, Query, Sort, Term},
    testing::MemoryIndex,
};

/// The expected content of an index, and the queries that compare it.
pub struct ExpectedIndex {
    memory: MemoryIndex,
    queries: Vec<Query>,
    owners: Vec<Option<&'static str>>,
}

const OWNERS: [Option<&str>; 4] = [None, Some("ann"), Some("bob"), Some("nobody")];

impl ExpectedIndex {
    pub async fn new(entries: &[Entry]) -> Self {
        let index = MemoryIndex::new();
        put_all(&index, entries).await;
        let queries = [labelled("Dog"), labelled("Thing 31"), Query::default()];
        Self {
            memory: index,
            queries: queries.into(),
            owners: OWNERS.into(),
        }
    }

    /// The content of this index, compared by every kind of list.
    pub(super) fn with_all_queries(index: MemoryIndex) -> Self {
        let term = |term: Term, least| Query {
            min_confidence: least,
            ..Query::for_term(term)
        };
        let all = |terms: &[Term]| Query {
            conditions: terms.iter().cloned().map(Condition::from).collect(),
            ..Query::default()
        };
        let sorted = |sort, query: Query| Query { sort, ..query };
        let faces = |term: Option<Term>,
                     min_count,
                     emotion: Option<&str>,
                     ages: Option<(u32, u32)>| Query {
            conditions: term.into_iter().map(Condition::from).collect(),
            faces: FaceFilter {
                min_count,
                emotion: emotion.map(str::to_owned),
                ages: ages.map(|(low, high)| AgeSpan { low, high }),
            },
            ..Query::default()
        };
        let lists = [
            faces(None, 1, None, None),
            faces(None, 2, None, None),
            faces(None, 0, Some("hAPPY"), Some((0, 30))),
            faces(None, 0, None, Some((3, 4))),
            faces(None, 0, None, Some((90, 120))),
            faces(Some(Term::label("Dog")), 2, Some("Calm"), Some((0, 19))),
            Query {
                min_confidence: Some(70.0),
                ..faces(Some(Term::label("dog")), 1, None, None)
            },
            Query::default(),
            term(Term::label("Dog"), None),
            term(Term::label("dOG "), Some(70.0)),
            term(Term::label("Unseen"), None),
            term(Term::category("animals AND pets"), None),
            term(Term::category("Vehicles and Automotive"), Some(99.0)),
            // A category, but not a label.
            term(Term::label("Animals and Pets"), None),
            // Labels that follow from faces.
            term(Term::label("Happy"), Some(88.5)),
            term(Term::category("Person Description"), None),
            // Other kinds, several conditions, exclusions, and other orders.
            all(&[Term::text("exits"), Term::color("gray")]),
            sorted(
                Sort::Oldest,
                all(&[Term::label("Dog"), Term::filename("HOLIDAYS")]),
            ),
            sorted(Sort::Confidence, term(Term::label("Dog"), None)),
            sorted(Sort::Taken, Query::default()),
            sorted(Sort::Taken, all(&[Term::category("Animals and Pets")])),
            Query {
                excluded: vec![vec![Term::label("Dog").into()]],
                ..all(&[Term::label("Wheel")])
            },
        ];
        let mut queries = Vec::new();
        for list in lists {
            for owner in OWNERS {
                for status in [None, Some(Status::Succeeded), Some(Status::Failed)] {
                    queries.push(Query {
                        owner: owner.map(str::to_owned),
                        status,
                        ..list.clone()
                    });
                }
            }
        }
        Self {
            memory: index,
            queries,
            owners: OWNERS.into(),
        }
    }

    /// Without the lists and counts of all images.
    pub(super) fn of_owners(mut self) -> Self {
        self.queries.retain(|query| query.owner.is_some());
        self.owners.retain(Option::is_some);
        self
    }

    /// Compares every list, in pages of several sizes, and the counts.
    pub async fn check<I: ImageIndex>(&self, index: &I) {
        let Self {
            memory,
            queries,
            owners,
        } = self;
        for (number, query) in queries.iter().enumerate() {
            let wanted = all(memory, query, 1000).await;
            let limit = [1000, 1, 5][number % 3];
            assert_eq!(all(index, query, limit).await, wanted, "{limit} {query:?}");
        }
        for owner in owners.iter().copied() {
            assert_eq!(
                index.labels(owner).await.unwrap(),
                memory.labels(owner).await.unwrap(),
                "{owner:?}"
            );
        }
    }
}

/// Adds images one by one.
pub async fn put_all<I: ImageIndex>(index: &I, entries: &[Entry]) {
    for entry in entries {
        index.put(entry).await.unwrap();
    }
}

/// The images of all pages. Each position is turned into a cursor and back.
pub(super) async fn all<I: ImageIndex>(index: &I, query: &Query, limit: usize) -> Vec<Found> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let Page { images, next } = index.page(query, after.as_ref(), limit).await.unwrap();
        assert!(images.len() <= limit);
        found.extend(images);
        let Some(next) = next else { return found };
        let list = query.identity();
        let cursor = next.seal(&list);
        after = Some(Position::open(&cursor, &list).unwrap());
    }
}

pub(super) async fn keys<I: ImageIndex>(index: &I, query: &Query) -> Vec<String> {
    let found = all(index, query, 100).await;
    found
        .into_iter()
        .map(|found| found.row.key.to_string())
        .collect()
}

pub(super) fn labelled(label: &str) -> Query {
    Query::for_term(Term::label(label))
}
