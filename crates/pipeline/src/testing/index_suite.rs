//! The rules that every index follows.

#![allow(
    missing_docs,
    async_fn_in_trait,
    clippy::missing_panics_doc,
    clippy::must_use_candidate,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "assertions of tests, shared between crates"
)]

use std::collections::BTreeSet;

use crate::{
    SourceKey,
    document::Status,
    index::{
        Entry, Found, ImageIndex, Page, Position, Put, Query, Term,
        reindex::{Progress, reindex},
    },
    testing::{MemoryIndex, MemoryStore},
};
use time::Duration;

use super::index_images::{self as images, Image, START};

pub trait Backend {
    type Index: ImageIndex;

    /// An index without images.
    async fn fresh(&self) -> Self::Index;
}

/// What an index should hold, to compare it with.
pub struct Library(MemoryIndex, Vec<Query>);

impl Library {
    pub async fn new(entries: &[Entry]) -> Self {
        let index = MemoryIndex::new();
        for entry in entries {
            index.put(entry).await.unwrap();
        }
        let queries = [of("Dog"), of("Thing 31"), Query::default()];
        Self(index, queries.into())
    }

    /// With every kind of list.
    fn of(index: MemoryIndex) -> Self {
        let term = |term, least| Query {
            term: Some(term),
            min_confidence: least,
            ..Query::default()
        };
        let lists = [
            Query::default(),
            term(Term::label("Dog"), None),
            term(Term::label("dOG "), Some(70.0)),
            term(Term::label("Unseen"), None),
            term(Term::category("animals AND pets"), None),
            term(Term::category("Vehicles and Automotive"), Some(99.0)),
            // No label of that name.
            term(Term::label("Animals and Pets"), None),
        ];
        let mut queries = Vec::new();
        for list in lists {
            for owner in [None, Some("ann"), Some("bob"), Some("nobody")] {
                for status in [None, Some(Status::Succeeded), Some(Status::Failed)] {
                    queries.push(Query {
                        owner: owner.map(str::to_owned),
                        status,
                        ..list.clone()
                    });
                }
            }
        }
        Self(index, queries)
    }

    /// Holds the index against it: every list, in pages of several sizes, and the counts.
    pub async fn check<I: ImageIndex>(&self, index: &I) {
        let Self(memory, queries) = self;
        for (number, query) in queries.iter().enumerate() {
            let wanted = all(memory, query, 1000).await;
            let limit = [1000, 1, 5][number % 3];
            assert_eq!(all(index, query, limit).await, wanted, "{limit} {query:?}");
        }
        for owner in [None, Some("ann"), Some("bob"), Some("nobody")] {
            assert_eq!(
                index.labels(owner).await.unwrap(),
                memory.labels(owner).await.unwrap(),
                "{owner:?}"
            );
        }
    }
}

/// Every page, one after the other; each cursor is handed out and taken back.
async fn all<I: ImageIndex>(index: &I, query: &Query, limit: usize) -> Vec<Found> {
    let mut found = Vec::new();
    let mut after = None;
    loop {
        let Page { images, next } = index.page(query, after.as_ref(), limit).await.unwrap();
        assert!(images.len() <= limit);
        found.extend(images);
        let Some(next) = next else { return found };
        let cursor = next.seal(query);
        after = Some(Position::open(&cursor, query).unwrap());
    }
}

pub async fn rules<B: Backend>(backend: &B) {
    an_older_answer_never_overwrites_a_newer_one(&backend.fresh().await).await;
    without_a_sequencer_the_later_document_counts(&backend.fresh().await).await;
    what_was_removed_stays_removed(&backend.fresh().await).await;
    lists_and_counts_are_those_of_the_images(&backend.fresh().await).await;
    more_labels_than_a_transaction_holds(&backend.fresh().await).await;
    rebuilt_rows_are_the_same(&backend.fresh().await, &backend.fresh().await).await;
}

async fn keys<I: ImageIndex>(index: &I, query: &Query) -> Vec<String> {
    let found = all(index, query, 100).await;
    found
        .into_iter()
        .map(|found| found.row.key.to_string())
        .collect()
}

fn of(label: &str) -> Query {
    Query {
        term: Some(Term::label(label)),
        ..Query::default()
    }
}

const KEY: &str = "uploads/ann/a.jpg";

async fn an_older_answer_never_overwrites_a_newer_one<I: ImageIndex>(index: &I) {
    let first = Image::new(KEY, 1).label("Dog", 90.0, None);
    let second = Image::new(KEY, 2).label("Car", 90.0, None);
    let third = Image::new(KEY, 3).label("Cat", 90.0, None);
    // S3 pads sequencers with zeros on the right, so this one is the greatest.
    let fourth = Image {
        sequencer: Some("1".to_owned()),
        ..Image::new(KEY, 4)
    };
    assert_eq!(index.put(&first.entry()).await, Ok(Put::Written));
    assert_eq!(index.put(&first.entry()).await, Ok(Put::Unchanged));
    assert_eq!(index.put(&third.entry()).await, Ok(Put::Written));
    assert_eq!(index.put(&second.entry()).await, Ok(Put::Older));
    assert_eq!(index.put(&first.entry()).await, Ok(Put::Older));
    for (label, wanted) in [("Dog", 0), ("Car", 0), ("Cat", 1)] {
        assert_eq!(keys(index, &of(label)).await.len(), wanted, "{label}");
    }
    // The same version answered anew, and what was answered before that.
    let anew = Image {
        processed: third.processed + Duration::HOUR,
        ..third.clone()
    }
    .label("Pet", 80.0, None);
    assert_eq!(index.put(&anew.entry()).await, Ok(Put::Written));
    assert_eq!(index.put(&third.entry()).await, Ok(Put::Older));
    Library::new(&[anew.entry()]).await.check(index).await;
    assert_eq!(index.put(&fourth.entry()).await, Ok(Put::Written));
    assert_eq!(index.put(&anew.entry()).await, Ok(Put::Older));
    Library::new(&[fourth.entry()]).await.check(index).await;
}

async fn without_a_sequencer_the_later_document_counts<I: ImageIndex>(index: &I) {
    let bare = |second| Image {
        sequencer: None,
        ..Image::new(KEY, second)
    };
    assert_eq!(index.put(&bare(5).entry()).await, Ok(Put::Written));
    assert_eq!(index.put(&bare(4).entry()).await, Ok(Put::Older));
    assert_eq!(index.put(&bare(6).entry()).await, Ok(Put::Written));
    Library::new(&[bare(6).entry()]).await.check(index).await;
}

async fn what_was_removed_stays_removed<I: ImageIndex>(index: &I) {
    let key = SourceKey::new(KEY).unwrap();
    let first = Image::new(KEY, 10).label("Dog", 90.0, None);
    let in_hand = Image::new(KEY, 20).label("Car", 90.0, None);
    let afterwards = Image::new(KEY, 40).label("Cat", 90.0, None);
    let at = START + Duration::seconds(30);
    index.put(&first.entry()).await.unwrap();
    index.remove(&key, at).await.unwrap();
    index.remove(&key, at).await.unwrap();
    Library::new(&[]).await.check(index).await;
    // A repeated event, and a newer version that was being worked on when the image was removed.
    assert_eq!(index.put(&first.entry()).await, Ok(Put::Removed));
    assert_eq!(index.put(&in_hand.entry()).await, Ok(Put::Removed));
    Library::new(&[]).await.check(index).await;
    // Uploaded again under the same key.
    assert_eq!(index.put(&afterwards.entry()).await, Ok(Put::Written));
    assert_eq!(index.put(&first.entry()).await, Ok(Put::Older));
    Library::new(&[afterwards.entry()]).await.check(index).await;

    // Removed before it was entered.
    let other = Image::new("uploads/b.jpg", 10).label("Dog", 90.0, None);
    let other_key = SourceKey::new("uploads/b.jpg").unwrap();
    index.remove(&other_key, at).await.unwrap();
    assert_eq!(index.put(&other.entry()).await, Ok(Put::Removed));

    // The same bytes stored again after the removal, where no event told a sequencer.
    let mut same = Image::new("uploads/c.jpg", 10).label("Dog", 90.0, None);
    same.sequencer = None;
    let same_key = SourceKey::new("uploads/c.jpg").unwrap();
    assert_eq!(index.put(&same.entry()).await, Ok(Put::Written));
    index.remove(&same_key, at).await.unwrap();
    assert_eq!(index.put(&same.entry()).await, Ok(Put::Removed));
    let mut again = same.clone();
    again.uploaded = at + Duration::MINUTE;
    again.processed = at + Duration::MINUTE;
    assert_eq!(index.put(&again.entry()).await, Ok(Put::Written));
    index.remove(&same_key, at + Duration::HOUR).await.unwrap();

    // Taken out because its document is gone: no mark is left, and nothing newer is taken out.
    let row = afterwards.entry().row;
    assert_eq!(index.prune(&key, START).await, Ok(false));
    assert_eq!(index.prune(&key, row.processed_at).await, Ok(true));
    assert_eq!(index.prune(&key, row.processed_at).await, Ok(false));
    Library::new(&[]).await.check(index).await;
    assert_eq!(index.put(&afterwards.entry()).await, Ok(Put::Written));
    Library::new(&[afterwards.entry()]).await.check(index).await;
}

async fn lists_and_counts_are_those_of_the_images<I: ImageIndex>(index: &I) {
    let mut images = images::some_images();
    let memory = MemoryIndex::new();
    for image in &images {
        let entry = image.entry();
        assert_eq!(index.put(&entry).await, memory.put(&entry).await);
    }
    Library::of(memory.clone()).check(index).await;
    // Half of them change what they show, where they stand and how they ended; some go.
    for (number, image) in images.iter_mut().enumerate() {
        match number % 4 {
            0 => {
                image.sequencer = Some("FF".to_owned());
                image.e_tag = "changed".to_owned();
                image.uploaded += Duration::MINUTE;
                image.processed += Duration::MINUTE;
                image.labels.truncate(1);
                *image = image.clone().label("Tree", 91.0, None);
            }
            1 => {
                image.sequencer = Some("FF".to_owned());
                image.status = if image.status == "failed" {
                    "succeeded"
                } else {
                    "failed"
                };
                for label in &mut image.labels {
                    label.1 += 0.5;
                }
            }
            2 => {
                let key = SourceKey::new(&*image.key).unwrap();
                index.remove(&key, image.processed).await.unwrap();
                memory.remove(&key, image.processed).await.unwrap();
                continue;
            }
            _ => continue,
        }
        let entry = image.entry();
        assert_eq!(index.put(&entry).await, Ok(Put::Written));
        assert_eq!(memory.put(&entry).await, Ok(Put::Written));
    }
    Library::of(memory).check(index).await;
}

async fn more_labels_than_a_transaction_holds<I: ImageIndex>(index: &I) {
    let key = SourceKey::new(KEY).unwrap();
    let other = images::labelled("uploads/ann/b.jpg", "01", 30..40);
    let first = images::labelled(KEY, "01", 0..60);
    let second = images::labelled(KEY, "02", 30..100);
    for entry in [&other, &first] {
        assert_eq!(index.put(entry).await, Ok(Put::Written));
        assert_eq!(index.put(entry).await, Ok(Put::Unchanged));
    }
    Library::new(&[other.clone(), first])
        .await
        .check(index)
        .await;
    assert_eq!(index.put(&second).await, Ok(Put::Written));
    assert_eq!(index.put(&second).await, Ok(Put::Unchanged));
    Library::new(&[other.clone(), second])
        .await
        .check(index)
        .await;
    index.remove(&key, START + Duration::HOUR).await.unwrap();
    Library::new(&[other]).await.check(index).await;
}

async fn rebuilt_rows_are_the_same<I: ImageIndex>(index: &I, stale: &I) {
    let store = MemoryStore::new();
    let images = images::some_images();
    let json = "application/json";
    for image in &images {
        let key = format!("results/{}.json", image.key);
        let body = serde_json::to_vec(&image.document()).unwrap();
        store.insert("out-put", &key, &body, json, &[]);
    }
    store.insert("out-put", "results/uploads/x.jpg.json", b"{}", json, &[]);
    store.insert(
        "out-put",
        "thumbnails/uploads/x.jpg.jpg",
        b"",
        "image/jpeg",
        &[],
    );
    let wanted = Library::new(&images::some()).await;
    let all = u64::try_from(images.len()).unwrap();
    let fresh = Progress {
        documents: all + 1,
        written: all,
        unreadable: 1,
        ..Progress::default()
    };
    let mut told = 0;
    let done = reindex(&store, index, "out-put", 4, |_| told += 1).await;
    assert_eq!(done, Ok(fresh));
    assert_eq!(told, all + 1);
    wanted.check(index).await;
    let again = Progress {
        written: 0,
        unchanged: all,
        ..fresh
    };
    assert_eq!(
        reindex(&store, index, "out-put", 4, |_| ()).await,
        Ok(again)
    );

    // One that lacks rows, has old ones, and has one whose document is gone.
    let gone = Image::new("uploads/gone.jpg", 1).label("Dog", 70.0, None);
    let old = Image {
        sequencer: Some("0".to_owned()),
        e_tag: "old".to_owned(),
        ..images[3].clone()
    }
    .label("Old", 70.0, None);
    for entry in [gone.entry(), old.entry(), images[4].entry()] {
        assert_eq!(stale.put(&entry).await, Ok(Put::Written));
    }
    let healed = Progress {
        written: all - 1,
        unchanged: 1,
        pruned: 1,
        ..fresh
    };
    assert_eq!(
        reindex(&store, stale, "out-put", 4, |_| ()).await,
        Ok(healed)
    );
    wanted.check(stale).await;
}

/// Ten thousand images stand in the index. Pages through lists of them while `add` adds newer ones.
pub async fn many<I: ImageIndex>(index: &I, limit: usize, add: impl AsyncFn(&[Entry])) {
    let standing = images::MANY;
    let counts = index.labels(None).await.unwrap();
    let count = |name: &str| {
        let found = counts.labels.iter().find(|count| count.name == name);
        found.map_or(0, |count| count.images)
    };
    assert_eq!((count("Sky"), count("Dog")), (9_000, 1_000));

    let mut added = standing;
    let lists = [
        (Query::default(), limit, standing),
        (of("dog"), limit.min(250), standing / 10),
        (
            Query {
                min_confidence: Some(90.0),
                ..of("Dog")
            },
            limit.min(100),
            0,
        ),
        (
            Query {
                owner: Some("ann".to_owned()),
                ..Query::default()
            },
            40,
            standing / 100,
        ),
    ];
    for (query, limit, wanted) in lists {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut last: Option<Position> = None;
        let mut after: Option<Position> = None;
        let before = added;
        loop {
            let page = index.page(&query, after.as_ref(), limit).await.unwrap();
            for found in &page.images {
                let position = Position::of(&found.row);
                assert!(
                    last.as_ref().is_none_or(|last| position < *last),
                    "not newest first"
                );
                last = Some(position);
                assert!(seen.insert(found.row.key.to_string()), "a repeat");
            }
            // Newer than everything, at once with the page.
            let new: Vec<Entry> = (added..added + 10)
                .map(|number| images::one_of_many(number, 86_400))
                .collect();
            add(&new).await;
            added += new.len();
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        // All that stood when the first page was read.
        let stood: BTreeSet<String> = (0..before)
            .map(|number| {
                let later = if number < standing { 0 } else { 86_400 };
                images::one_of_many(number, later)
            })
            .filter(|entry| matches(&query, entry))
            .map(|entry| entry.row.key.to_string())
            .collect();
        assert!(stood.len() >= wanted);
        assert_eq!(seen, stood, "{query:?}");
    }
}

fn matches(query: &Query, entry: &Entry) -> bool {
    let term = query.term.as_ref().map(Term::folded);
    let (label, confidence) = &entry.terms[0];
    term.is_none_or(|term| term == label.folded())
        && query
            .min_confidence
            .is_none_or(|least| *confidence >= least)
        && (query.owner.as_deref()).is_none_or(|owner| entry.row.key.owner() == Some(owner))
}

/// Several at once enter, replace and remove images that show the same things.
pub async fn side_by_side<I: ImageIndex>(index: &I) {
    let rounds = |image: usize| {
        (0..4_usize).map(move |round| {
            let key = format!("uploads/ann/{image}.jpg");
            let start = image + 3 * round;
            images::labelled(&key, &format!("{round:02}"), start..start + 8)
        })
    };
    futures::future::join_all((0..12).map(async |image| {
        for entry in rounds(image) {
            // Two workers with the same event.
            let (one, other) = futures::join!(index.put(&entry), index.put(&entry));
            let outcomes = [one.unwrap(), other.unwrap()];
            assert!(outcomes.contains(&Put::Written), "{outcomes:?}");
        }
        if image % 3 == 0 {
            let key = SourceKey::new(format!("uploads/ann/{image}.jpg")).unwrap();
            index.remove(&key, START + Duration::HOUR).await.unwrap();
        }
    }))
    .await;
    let left: Vec<Entry> = (0..12)
        .filter(|image| image % 3 != 0)
        .filter_map(|image| rounds(image).next_back())
        .collect();
    Library::new(&left).await.check(index).await;
}

/// Whatever stands: of each thing as many are counted as are listed.
pub async fn counts_are_those_of_the_rows<I: ImageIndex>(index: &I, things: usize) {
    let counts = index.labels(Some("ann")).await.unwrap();
    assert_eq!(index.labels(None).await.unwrap(), counts);
    for thing in (0..things).step_by(7) {
        let name = format!("Thing {thing}");
        let counted = counts.labels.iter().find(|count| count.name == name);
        let listed = keys(index, &of(&name)).await.len();
        assert_eq!(
            counted.map_or(0, |count| count.images),
            u64::try_from(listed).unwrap(),
            "{name}"
        );
    }
}
