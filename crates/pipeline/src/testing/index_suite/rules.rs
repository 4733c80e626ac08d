//! The rules.

use futures::future::join_all;
use time::{Duration, OffsetDateTime, macros::date};

use super::{
    expected::{ExpectedIndex, keys, labelled, put_all},
    images::{self, Image, START},
};
use crate::{
    SourceKey,
    index::{
        Deletion, Doubt, Entry, FaceFilter, ImageIndex, Put, Query, Term,
        reindex::{Progress, reindex},
    },
    testing::{MemoryIndex, MemoryStore},
    version::ObjectVersion,
};

pub trait Backend {
    type Index: ImageIndex;

    /// An index without images.
    async fn fresh(&self) -> Self::Index;
}

pub async fn rules<B: Backend>(backend: &B) {
    an_older_result_never_replaces_a_newer_one(&backend.fresh().await).await;
    without_a_sequencer_the_later_document_wins(&backend.fresh().await).await;
    removed_images_stay_removed(&backend.fresh().await).await;
    lists_and_counts_match_the_images(&backend.fresh().await).await;
    counts_of_analyses(&backend.fresh().await).await;
    images_may_have_more_labels_than_a_transaction_takes(&backend.fresh().await).await;
    a_row_of_an_older_version_is_completed(&backend.fresh().await).await;
    maintenance_finds_every_row(&backend.fresh().await).await;
    reindexing_rebuilds_the_same_rows(&backend.fresh().await, &backend.fresh().await).await;
}

const KEY: &str = "uploads/ann/a.jpg";

async fn an_older_result_never_replaces_a_newer_one<I: ImageIndex>(index: &I) {
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
        assert_eq!(keys(index, &labelled(label)).await.len(), wanted, "{label}");
    }
    // A later result for the same version, then the earlier one again.
    let later = Image {
        processed: third.processed + Duration::HOUR,
        ..third.clone()
    }
    .label("Pet", 80.0, None);
    assert_eq!(index.put(&later.entry()).await, Ok(Put::Written));
    assert_eq!(index.put(&third.entry()).await, Ok(Put::Older));
    ExpectedIndex::new(&[later.entry()])
        .await
        .check(index)
        .await;
    assert_eq!(index.put(&fourth.entry()).await, Ok(Put::Written));
    assert_eq!(index.put(&later.entry()).await, Ok(Put::Older));
    ExpectedIndex::new(&[fourth.entry()])
        .await
        .check(index)
        .await;
}

async fn without_a_sequencer_the_later_document_wins<I: ImageIndex>(index: &I) {
    let bare = |second| Image {
        sequencer: None,
        ..Image::new(KEY, second)
    };
    assert_eq!(index.put(&bare(5).entry()).await, Ok(Put::Written));
    assert_eq!(index.put(&bare(4).entry()).await, Ok(Put::Older));
    assert_eq!(index.put(&bare(6).entry()).await, Ok(Put::Written));
    ExpectedIndex::new(&[bare(6).entry()])
        .await
        .check(index)
        .await;
}

async fn removed_images_stay_removed<I: ImageIndex>(index: &I) {
    let key = SourceKey::new(KEY).unwrap();
    let first = Image::new(KEY, 10).label("Dog", 90.0, None);
    let in_process = Image::new(KEY, 20).label("Car", 90.0, None);
    let uploaded_later = Image::new(KEY, 40).label("Cat", 90.0, None);
    let at = START + Duration::seconds(30);
    let doubt = |earlier| {
        Ok(Put::InDoubt(Doubt {
            at,
            complete: true,
            earlier,
        }))
    };
    index.put(&first.entry()).await.unwrap();
    index.remove(&key, &at.into()).await.unwrap();
    index.remove(&key, &at.into()).await.unwrap();
    ExpectedIndex::new(&[]).await.check(index).await;
    // A repeated event, and a newer version that was in process when the image was removed.
    assert_eq!(index.put(&first.entry()).await, Ok(Put::Removed));
    assert_eq!(index.put(&in_process.entry()).await, doubt(true));
    ExpectedIndex::new(&[]).await.check(index).await;
    // Uploaded again under the same key.
    assert_eq!(index.put(&uploaded_later.entry()).await, Ok(Put::Written));
    assert_eq!(index.put(&first.entry()).await, Ok(Put::Older));
    ExpectedIndex::new(&[uploaded_later.entry()])
        .await
        .check(index)
        .await;

    // Removed before it was added.
    let other = Image::new("uploads/b.jpg", 10).label("Dog", 90.0, None);
    let other_key = SourceKey::new("uploads/b.jpg").unwrap();
    index.remove(&other_key, &at.into()).await.unwrap();
    assert_eq!(index.put(&other.entry()).await, doubt(true));

    // The same bytes stored again after the removal, without a sequencer.
    let mut same = Image::new("uploads/c.jpg", 10).label("Dog", 90.0, None);
    same.sequencer = None;
    let same_key = SourceKey::new("uploads/c.jpg").unwrap();
    assert_eq!(index.put(&same.entry()).await, Ok(Put::Written));
    index.remove(&same_key, &at.into()).await.unwrap();
    assert_eq!(index.put(&same.entry()).await, doubt(true));
    let mut again = same.clone();
    again.uploaded = at + Duration::MINUTE;
    again.processed = at + Duration::MINUTE;
    assert_eq!(index.put(&again.entry()).await, Ok(Put::Written));
    index
        .remove(&same_key, &(at + Duration::HOUR).into())
        .await
        .unwrap();
    a_removal_within_a_second(index).await;

    // Pruned because its document is gone. Pruning leaves no removal record and spares newer rows.
    let row = uploaded_later.entry().row;
    assert_eq!(index.prune(&key, START).await, Ok(false));
    assert_eq!(index.prune(&key, row.processed_at).await, Ok(true));
    assert_eq!(index.prune(&key, row.processed_at).await, Ok(false));
    ExpectedIndex::new(&[]).await.check(index).await;
    assert_eq!(index.put(&uploaded_later.entry()).await, Ok(Put::Written));
    ExpectedIndex::new(&[uploaded_later.entry()])
        .await
        .check(index)
        .await;
}

/// Stored, removed and stored again within one second: only the bucket can decide, unless sequencers do.
async fn a_removal_within_a_second<I: ImageIndex>(index: &I) {
    let key = SourceKey::new("uploads/d.jpg").unwrap();
    let first = Image::new(key.as_str(), 10).label("Dog", 90.0, None);
    let at = START + Duration::milliseconds(10_300);
    let mut deletion = Deletion {
        version: Some(ObjectVersion {
            sequencer: None,
            ..first.entry().version
        }),
        complete: false,
        ..Deletion::from(at)
    };
    for complete in [false, true] {
        deletion.complete = complete;
        index.remove(&key, &deletion).await.unwrap();
        let doubt = Doubt {
            at,
            complete,
            earlier: false,
        };
        assert_eq!(index.put(&first.entry()).await, Ok(Put::InDoubt(doubt)));
    }
    // The clock was set back before the removal.
    let mut early = deletion.clone();
    early.at = at - Duration::HOUR;
    index.remove(&key, &early).await.unwrap();
    let Ok(Put::InDoubt(doubt)) = index.put(&first.entry()).await else {
        panic!("the mark knows the version");
    };
    assert_ne!(doubt.at, at, "each removal has a time of its own");
    // The bucket shows that the object was stored after the first removal, but not after the second.
    let mut again = first.entry();
    again.stored_after = Some(Doubt { at, ..doubt });
    assert_eq!(index.put(&again).await, Ok(Put::InDoubt(doubt)));
    again.stored_after = Some(Doubt {
        complete: false,
        ..doubt
    });
    assert_eq!(index.put(&again).await, Ok(Put::InDoubt(doubt)));
    again.stored_after = Some(doubt);
    assert_eq!(index.put(&again).await, Ok(Put::Written));
    // Its sequencer is known now, so no look into the bucket brings it back.
    index.remove(&key, &deletion).await.unwrap();
    assert_eq!(index.put(&again).await, Ok(Put::Removed));
}

async fn lists_and_counts_match_the_images<I: ImageIndex>(index: &I) {
    let mut images = images::sample_images();
    let memory = MemoryIndex::new();
    for image in &images {
        let entry = image.entry();
        assert_eq!(index.put(&entry).await, memory.put(&entry).await);
    }
    ExpectedIndex::with_all_queries(memory.clone())
        .check(index)
        .await;
    // Half of them change their labels, positions or statuses; some are removed.
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
                index.remove(&key, &image.processed.into()).await.unwrap();
                memory.remove(&key, &image.processed.into()).await.unwrap();
                continue;
            }
            _ => continue,
        }
        let entry = image.entry();
        assert_eq!(index.put(&entry).await, Ok(Put::Written));
        assert_eq!(memory.put(&entry).await, Ok(Put::Written));
    }
    ExpectedIndex::with_all_queries(memory).check(index).await;
}

/// The rules for an index without the lists of all images.
pub async fn lists_of_owners<I: ImageIndex>(index: &I) {
    let memory = MemoryIndex::new();
    for (number, image) in images::sample_images().iter().enumerate() {
        let entry = image.entry();
        assert_eq!(index.put(&entry).await, memory.put(&entry).await);
        let key = &entry.row.key;
        match number % 6 {
            1 => {
                let at = image.processed.into();
                index.remove(key, &at).await.unwrap();
                memory.remove(key, &at).await.unwrap();
            }
            3 => {
                assert_eq!(index.prune(key, image.processed).await, Ok(true));
                memory.prune(key, image.processed).await.unwrap();
            }
            _ => {}
        }
    }
    ExpectedIndex::with_all_queries(memory.clone())
        .of_owners()
        .check(index)
        .await;
    assert_eq!(all_rows(index).await, all_rows(&memory).await);
    // What is left of an owner's removed images names no label, and the images of others stay.
    for image in memory.entries() {
        let key = &image.row.key;
        if key.owner() == Some("ann") {
            let at = (image.row.processed_at + Duration::HOUR).into();
            index.remove(key, &at).await.unwrap();
            memory.remove(key, &at).await.unwrap();
        }
    }
    for owner in ["ann", "bob"] {
        index.forget(owner).await.unwrap();
    }
    ExpectedIndex::with_all_queries(memory)
        .of_owners()
        .check(index)
        .await;
}

async fn all_rows<I: ImageIndex>(index: &I) -> Vec<(SourceKey, OffsetDateTime)> {
    let mut all = Vec::new();
    let mut after: Option<String> = None;
    loop {
        let rows = index.rows(after.as_deref()).await.unwrap();
        all.extend(rows.rows);
        after = rows.next;
        if after.is_none() {
            all.sort();
            return all;
        }
    }
}

async fn maintenance_finds_every_row<I: ImageIndex>(index: &I) {
    let entries = images::sample_entries();
    put_all(index, &entries).await;
    let removed = &entries[3].row;
    let at = (removed.processed_at + Duration::HOUR).into();
    index.remove(&removed.key, &at).await.unwrap();
    let mut expected: Vec<_> = (entries.iter())
        .map(|entry| (entry.row.key.clone(), entry.row.processed_at))
        .filter(|(key, _)| *key != removed.key)
        .collect();
    expected.sort();
    assert_eq!(all_rows(index).await, expected);
}

async fn a_row_of_an_older_version_is_completed<I: ImageIndex>(index: &I) {
    let entry = Image::new(KEY, 1)
        .label("Dog", 90.0, None)
        .face(30, 38, "HAPPY");
    let entry = Image {
        taken: Some("2020-01-01T00:00:00+02:00".to_owned()),
        text: vec!["EXIT".to_owned()],
        ..entry
    }
    .entry();
    let mut older = entry.clone();
    older.row.emotions.clear();
    older.row.ages.clear();
    older.row.taken_at = None;
    older.aliases.clear();
    older.terms.retain(|(term, _)| term.name == "Dog");
    assert_eq!(index.put(&older).await, Ok(Put::Written));
    let happy = Query {
        faces: FaceFilter {
            min_count: 1,
            emotion: Some("Happy".to_owned()),
            ages: None,
        },
        ..Query::default()
    };
    let exit = Query::for_term(Term::text("exit"));
    let holiday = Query::for_term(Term::filename("holiday"));
    let completed = [happy, exit, holiday];
    for query in &completed {
        assert!(keys(index, query).await.is_empty(), "{query:?}");
    }
    assert_eq!(keys(index, &labelled("dog")).await, [KEY]);
    assert_eq!(index.put(&entry).await, Ok(Put::Written));
    for query in &completed {
        assert_eq!(keys(index, query).await, [KEY], "{query:?}");
    }
    // The only change is that an image tells the other names of its label.
    let mut without_aliases = entry.clone();
    without_aliases.aliases.clear();
    without_aliases.row.key = SourceKey::new("uploads/bob/b.jpg").unwrap();
    let with_aliases = Entry {
        aliases: entry.aliases.clone(),
        ..without_aliases.clone()
    };
    for (entry, names) in [(&without_aliases, 0), (&with_aliases, 1)] {
        assert_eq!(index.put(entry).await, Ok(Put::Written));
        assert_eq!(index.put(entry).await, Ok(Put::Unchanged));
        let labels = index.labels(Some("bob")).await.unwrap();
        let person = labels.labels.iter().find(|count| count.name == "Person");
        assert_eq!(person.unwrap().aliases.len(), names);
        assert_eq!((person.unwrap().images, labels.images), (1, 1));
    }
}

async fn images_may_have_more_labels_than_a_transaction_takes<I: ImageIndex>(index: &I) {
    let key = SourceKey::new(KEY).unwrap();
    let other = images::labelled("uploads/ann/b.jpg", "01", 30..40);
    let first = images::labelled(KEY, "01", 0..60);
    let second = images::labelled(KEY, "02", 30..100);
    for entry in [&other, &first] {
        assert_eq!(index.put(entry).await, Ok(Put::Written));
        assert_eq!(index.put(entry).await, Ok(Put::Unchanged));
    }
    ExpectedIndex::new(&[other.clone(), first])
        .await
        .check(index)
        .await;
    assert_eq!(index.put(&second).await, Ok(Put::Written));
    assert_eq!(index.put(&second).await, Ok(Put::Unchanged));
    ExpectedIndex::new(&[other.clone(), second])
        .await
        .check(index)
        .await;
    index
        .remove(&key, &(START + Duration::HOUR).into())
        .await
        .unwrap();
    ExpectedIndex::new(&[other]).await.check(index).await;
}

async fn reindexing_rebuilds_the_same_rows<I: ImageIndex>(index: &I, stale: &I) {
    let store = MemoryStore::new();
    let images = images::sample_images();
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
    let wanted = ExpectedIndex::new(&images::sample_entries()).await;
    let all = u64::try_from(images.len()).unwrap();
    let fresh = Progress {
        documents: all + 1,
        written: all,
        unreadable: 1,
        ..Progress::default()
    };
    let mut reports = 0;
    let done = reindex(&store, index, "out-put", 4, |_| reports += 1).await;
    assert_eq!(done, Ok(fresh));
    assert_eq!(reports, all + 1);
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

    // An index that lacks rows, has an outdated one, and has one without a document.
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
    // One that was deleted, but whose document is not deleted yet.
    let mut deleted = images[5].entry();
    let at = deleted.row.uploaded_at;
    stale.remove(&deleted.row.key, &at.into()).await.unwrap();
    let repaired = Progress {
        written: all - 2,
        unchanged: 1,
        skipped: 1,
        pruned: 1,
        ..fresh
    };
    assert_eq!(
        reindex(&store, stale, "out-put", 4, |_| ()).await,
        Ok(repaired)
    );
    deleted.stored_after = Some(Doubt {
        at,
        complete: true,
        earlier: false,
    });
    assert_eq!(stale.put(&deleted).await, Ok(Put::Written));
    wanted.check(stale).await;
}

/// The counts of analyses: exact under concurrency, by owner and day, and gone once the owner is forgotten.
async fn counts_of_analyses<I: ImageIndex>(index: &I) {
    let (today, tomorrow) = (date!(2026 - 03 - 01), date!(2026 - 03 - 02));
    let count = |owner, day, analyses| index.count_analyses(owner, day, analyses, 5);
    let at_once = (0..8).map(|_| count("ann", today, 1));
    let counted = join_all(at_once).await;
    let counted = counted.into_iter().filter(|counted| *counted == Ok(true));
    assert_eq!(counted.count(), 5);
    assert_eq!(count("ann", today, 1).await, Ok(false));
    for (owner, day) in [("bob", today), ("an", today), ("ann", tomorrow)] {
        assert_eq!(count(owner, day, 4).await, Ok(true), "{owner} {day}");
        assert_eq!(count(owner, day, 2).await, Ok(false), "{owner} {day}");
        assert_eq!(count(owner, day, 1).await, Ok(true), "{owner} {day}");
    }
    // More at once than the limit allows.
    assert_eq!(count("carl", today, 6).await, Ok(false));
    assert_eq!(index.count_analyses("carl", today, 1, 0).await, Ok(false));

    index.uncount_analyses("ann", tomorrow, 2).await.unwrap();
    index.uncount_analyses("dora", today, 2).await.unwrap();
    assert_eq!(count("ann", tomorrow, 2).await, Ok(true));
    assert_eq!(count("ann", tomorrow, 1).await, Ok(false));
    assert_eq!(count("dora", today, 5).await, Ok(true));

    index.forget("ann").await.unwrap();
    assert_eq!(count("ann", tomorrow, 5).await, Ok(true));
    assert_eq!(count("bob", today, 1).await, Ok(false));
    index.forget("ann").await.unwrap();
}
