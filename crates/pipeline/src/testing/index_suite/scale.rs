//! Large indexes, and several writers at once.

use std::collections::BTreeSet;

use time::Duration;

use super::{
    expected::{ExpectedIndex, keys, labelled},
    images::{self, START},
};
use crate::{
    SourceKey,
    index::{Entry, FaceFilter, ImageIndex, Position, Put, Query, Term},
};

/// Reads lists page by page from an index of the first `existing` numbered images while `add` adds newer ones.
pub async fn pages_of_many<I: ImageIndex>(
    index: &I,
    existing: usize,
    limit: usize,
    add: impl AsyncFn(&[Entry]),
) {
    let counts = index.labels(None).await.unwrap();
    let count = |name: &str| {
        let found = counts.labels.iter().find(|count| count.name == name);
        found.map_or(0, |count| count.images)
    };
    let dogs = existing as u64 / 10;
    assert_eq!((count("Sky"), count("Dog")), (existing as u64 - dogs, dogs));

    let mut next_number = existing;
    let lists = [
        (Query::default(), limit, existing),
        (labelled("dog"), limit.min(250), existing / 10),
        (
            Query {
                min_confidence: Some(90.0),
                ..labelled("Dog")
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
            existing / 100,
        ),
        (
            Query {
                faces: FaceFilter {
                    min_count: 1,
                    ..FaceFilter::default()
                },
                ..labelled("Sky")
            },
            limit.min(100),
            existing / 100,
        ),
    ];
    for (query, limit, wanted) in lists {
        let mut seen: BTreeSet<String> = BTreeSet::new();
        let mut last: Option<Position> = None;
        let mut after: Option<Position> = None;
        let before = next_number;
        loop {
            let page = index.page(&query, after.as_ref(), limit).await.unwrap();
            for found in &page.images {
                let position = found.position.clone();
                assert!(
                    last.as_ref().is_none_or(|last| position < *last),
                    "not newest first"
                );
                last = Some(position);
                assert!(seen.insert(found.row.key.to_string()), "a repeat");
            }
            // Images newer than all others arrive between the pages.
            let new: Vec<Entry> = (next_number..next_number + 10)
                .map(|number| images::numbered_entry(number, 86_400))
                .collect();
            add(&new).await;
            next_number += new.len();
            let Some(next) = page.next else { break };
            after = Some(next);
        }
        // The images that existed when the first page was read.
        let expected: BTreeSet<String> = (0..before)
            .map(|number| {
                let later = if number < existing { 0 } else { 86_400 };
                images::numbered_entry(number, later)
            })
            .filter(|entry| matches(&query, entry))
            .map(|entry| entry.row.key.to_string())
            .collect();
        assert!(expected.len() >= wanted);
        assert_eq!(seen, expected, "{query:?}");
    }
}

fn matches(query: &Query, entry: &Entry) -> bool {
    let mut terms = query.conditions.iter().flat_map(|condition| &condition.any);
    let term = terms.next().map(Term::folded);
    let (label, confidence) = (entry.terms.iter())
        .find(|(term, _)| ["Dog", "Sky"].contains(&&*term.name))
        .unwrap();
    term.is_none_or(|term| term == label.folded())
        && entry.row.faces.unwrap() >= query.faces.min_count
        && query
            .min_confidence
            .is_none_or(|least| *confidence >= least)
        && (query.owner.as_deref()).is_none_or(|owner| entry.row.key.owner() == Some(owner))
}

/// Several writers add, replace and remove images with the same labels at the same time.
pub async fn concurrent_writes<I: ImageIndex>(index: &I) {
    let rounds = |image: usize| {
        (0..4_usize).map(move |round| {
            let key = format!("uploads/ann/{image}.jpg");
            let start = image + 3 * round;
            images::labelled(&key, &format!("{round:02}"), start..start + 8)
        })
    };
    futures::future::join_all((0..12).map(async |image| {
        for entry in rounds(image) {
            // Two workers receive the same event.
            let (one, other) = futures::join!(index.put(&entry), index.put(&entry));
            let outcomes = [one.unwrap(), other.unwrap()];
            assert!(outcomes.contains(&Put::Written), "{outcomes:?}");
        }
        if image % 3 == 0 {
            let key = SourceKey::new(format!("uploads/ann/{image}.jpg")).unwrap();
            index
                .remove(&key, &(START + Duration::HOUR).into())
                .await
                .unwrap();
        }
    }))
    .await;
    let left: Vec<Entry> = (0..12)
        .filter(|image| image % 3 != 0)
        .filter_map(|image| rounds(image).next_back())
        .collect();
    ExpectedIndex::new(&left).await.check(index).await;
}

/// The count of each label equals the number of listed images with that label.
pub async fn counts_match_rows<I: ImageIndex>(index: &I, things: usize) {
    let counts = index.labels(Some("ann")).await.unwrap();
    assert_eq!(index.labels(None).await.unwrap(), counts);
    for thing in (0..things).step_by(7) {
        let name = format!("Thing {thing}");
        let counted = counts.labels.iter().find(|count| count.name == name);
        let listed = keys(index, &labelled(&name)).await.len();
        assert_eq!(
            counted.map_or(0, |count| count.images),
            u64::try_from(listed).unwrap(),
            "{name}"
        );
    }
}
