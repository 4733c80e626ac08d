//! The index under load, in a table with the limits of DynamoDB: transactions that overlap in time cancel each other, and
//! partitions take 1,000 write units a second. moto has neither. Time is simulated; the adapter and the SDK are the real ones.
//!
//! `SIMULATED_SECONDS=30 cargo test -p sightline-aws --test index simulated -- --nocapture` runs longer and prints the figures.

mod clock;
mod service;
mod table;

use std::{collections::BTreeMap, path::Path, time::Duration};

use clock::Clock;
use futures::future::{BoxFuture, FutureExt as _};
use serde_json::{Value, json};
use service::{Service, cancelled};
use sightline_pipeline::{
    SourceKey,
    index::{Entry, ImageIndex as _, Lists, Position, Put, Query, Sort, Term},
    testing::index_suite::{self as suite, images::Image},
};
use table::{Figures, Reason, Table, size};
use time::macros::date;
use uuid::Uuid;

/// The write units that a new table on demand takes in a second.
const NEW_TABLE: u32 = 4_000;

/// A picture with ten labels of five categories, three words in the file name and three colours, as most have, of a pool of 800 labels of 40 categories. The first labels are
/// the most frequent.
fn picture(number: u64, owner: u64) -> Entry {
    const CATEGORIES: [&str; 5] = [
        "Animals and Pets",
        "Nature and Outdoors",
        "Person Description",
        "Transport and Logistics",
        "Home and Indoors",
    ];
    let id = |name: String| Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes());
    let owner = id(format!("owner {owner}"));
    let key = format!("uploads/{owner}/{}.jpg", id(format!("picture {number}")));
    let mut image = Image::new(&key, number as i64 / 600);
    let mut labels = BTreeMap::new();
    for draw in 0_u32.. {
        if labels.len() == 10 {
            break;
        }
        // From 0 to 1, and more often near 0.
        let random = random(&format!("label {draw}"), number);
        let label = (800.0 * random.powi(3)) as usize;
        labels.entry(label).or_insert(55.0 + 44.9 * random);
    }
    for (at, (label, confidence)) in labels.into_iter().enumerate() {
        let category = CATEGORIES[at % CATEGORIES.len()];
        image = image.label(&format!("Label {label}"), confidence, Some(category));
    }
    image.filename = format!("IMG_{number:04}.jpg");
    image.colors = vec![("blue", 40.0), ("grey", 20.0), ("white", 10.0)];
    image.entry()
}

/// A number from 0 to 1 that looks random and is always the same.
fn random(what: &str, number: u64) -> f64 {
    let name = format!("{what} {number}");
    let id = Uuid::new_v5(&Uuid::NAMESPACE_URL, name.as_bytes());
    f64::from(id.as_u128() as u32) / f64::from(u32::MAX)
}

/// Pictures of random owners that arrive at a table at random times.
struct Load {
    pictures_a_second: u32,
    seconds: u32,
    owners: u64,
    lists: Lists,
    write_units: u32,
}

#[derive(Debug)]
struct Outcome {
    pictures: usize,
    given_up: usize,
    /// The longest time of a picture.
    longest: Duration,
    figures: Figures,
}

impl Load {
    fn run(&self) -> (Outcome, Service) {
        let clock = Clock::default();
        let service = Service::new(&clock, Table::new(self.write_units));
        let index = service.index(self.lists);
        let pictures = u64::from(self.pictures_a_second * self.seconds);
        let tasks = (0..pictures).map(|number| {
            let (clock, index) = (clock.clone(), index.clone());
            let arrival =
                Duration::from_secs(self.seconds.into()).mul_f64(random("arrival", number));
            let owner = (random("owner", number) * self.owners as f64) as u64;
            let entry = picture(number, owner);
            async move {
                clock.pause(arrival).await;
                let put = index.put(&entry).await;
                assert!(matches!(put, Ok(Put::Written) | Err(_)), "{put:?}");
                (put.is_ok(), clock.now() - arrival)
            }
        });
        let written = clock.run(tasks);
        let outcome = Outcome {
            pictures: written.len(),
            given_up: written.iter().filter(|(written, _)| !written).count(),
            longest: written.iter().map(|(_, time)| *time).max().unwrap(),
            figures: service.table().figures,
        };
        (outcome, service)
    }
}

impl Outcome {
    fn print(&self, name: &str) {
        let Figures {
            transactions,
            conflicts,
            throttled,
            table_units,
            index_units,
            ..
        } = self.figures;
        let pictures = self.pictures as f64;
        eprintln!(
            "{name}: {} pictures, {} given up, {transactions} transactions, {conflicts} conflicts, {throttled} throttled, \
             {:.1} + {:.1} write units a picture, the slowest took {:?}",
            self.pictures,
            self.given_up,
            table_units / pictures,
            index_units / pictures,
            self.longest
        );
    }
}

fn seconds(default: u32) -> u32 {
    std::env::var("SIMULATED_SECONDS").map_or(default, |seconds| seconds.parse().unwrap())
}

/// The counts of the table, and those that its term items make.
fn counts(service: &Service) -> [BTreeMap<String, i64>; 2] {
    let table = service.table();
    let mut counted: BTreeMap<String, i64> = BTreeMap::new();
    let mut expected: BTreeMap<String, i64> = BTreeMap::new();
    for ((pk, sk), item) in &table.items {
        if let Some(shard_and_owner) = pk.strip_prefix("count/") {
            let (_, owner) = shard_and_owner.split_once('/').unwrap_or_default();
            let images: i64 = item["images"]["N"].as_str().unwrap().parse().unwrap();
            *counted.entry(format!("{owner}/{sk}")).or_default() += images;
        } else if sk.starts_with("label#") || sk.starts_with("category#") || sk == "taken" {
            if let Some(term) = item.get("term") {
                *expected
                    .entry(format!("/{}", term["S"].as_str().unwrap()))
                    .or_default() += 1;
            }
            if let Some(term) = item.get("ownerTerm") {
                *expected
                    .entry(term["S"].as_str().unwrap().to_owned())
                    .or_default() += 1;
            }
        }
    }
    counted.retain(|_, images| *images != 0);
    [counted, expected]
}

#[test]
fn six_hundred_pictures_a_second_of_200_owners_are_all_written() {
    let units = write_units()["put"]["table"].as_f64().unwrap();
    let load = Load {
        pictures_a_second: 600,
        seconds: seconds(1),
        owners: 200,
        lists: Lists::PerOwner,
        // The capacity that docs/deploy.md gives a table for this rate.
        write_units: (2.0 * 600.0 * units) as u32,
    };
    let (outcome, service) = load.run();
    outcome.print("600 a second");
    assert_eq!(outcome.given_up, 0);
    assert!(outcome.longest < Duration::from_secs(5), "{outcome:?}");
    let [counted, expected] = counts(&service);
    assert_eq!(counted, expected);
    // No item and no key of an index belongs to two owners.
    for ((pk, _), item) in &service.table().items {
        assert!(!item.contains_key("term"), "{item:?}");
        let owner = item
            .get("ownerTerm")
            .map_or(pk.as_str(), |term| term["S"].as_str().unwrap());
        assert!(pk.contains("-") && owner.contains("-"), "{pk} {owner}");
    }
}

/// Rekognition's default quota in its largest regions is 50 pictures a second.
#[test]
fn a_new_table_takes_the_default_quota_of_rekognition() {
    let load = Load {
        pictures_a_second: 50,
        seconds: seconds(2),
        owners: 200,
        lists: Lists::PerOwner,
        write_units: NEW_TABLE,
    };
    let (outcome, _) = load.run();
    outcome.print("50 a second, new table");
    assert_eq!(outcome.given_up, 0);
}

/// More than the table's capacity: 200 pictures take it more than three seconds.
#[test]
fn a_new_table_takes_a_burst() {
    let load = Load {
        pictures_a_second: 200,
        seconds: 1,
        owners: 200,
        lists: Lists::PerOwner,
        write_units: NEW_TABLE,
    };
    let (outcome, _) = load.run();
    outcome.print("200 in one second, new table");
    assert_eq!(outcome.given_up, 0);
    assert!(outcome.figures.throttled > 0);
}

/// As after a backfill of one owner's pictures.
#[test]
fn one_owner_may_have_all_pictures() {
    let load = Load {
        pictures_a_second: 50,
        seconds: seconds(2),
        owners: 1,
        lists: Lists::PerOwner,
        write_units: NEW_TABLE,
    };
    let (outcome, _) = load.run();
    outcome.print("50 a second, one owner");
    assert_eq!(outcome.given_up, 0);
}

#[test]
fn a_busy_table_is_tried_again_in_place() {
    let clock = Clock::default();
    let service = Service::new(&clock, Table::new(NEW_TABLE));
    let error = |code: &str| json!({"__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "busy"});
    let mut unknown = cancelled(&[Reason::None, Reason::Throttled]);
    unknown["CancellationReasons"][1]["Code"] = json!("ProvisionedThroughputExceeded");
    for reasons in [
        cancelled(&[Reason::None, Reason::Conflict]),
        cancelled(&[Reason::Throttled, Reason::None]),
        cancelled(&[Reason::Throttled, Reason::Conflict]),
        cancelled(&[Reason::ConditionFailed, Reason::Conflict]),
        unknown,
        error("TransactionInProgressException"),
        error("ThrottlingException"),
        error("ProvisionedThroughputExceededException"),
        error("RequestLimitExceeded"),
    ] {
        // More often than the SDK itself repeats a request.
        for _ in 0..4 {
            service.fail("TransactWriteItems", reasons.clone());
        }
        let entry = picture(service.table().figures.transactions, 1);
        let index = service.index(Lists::PerOwner);
        let put = clock.run([index.put(&entry)]);
        assert_eq!(put, [Ok(Put::Written)], "{reasons}");
    }
    for code in [
        "ThrottlingException",
        "ProvisionedThroughputExceededException",
    ] {
        for _ in 0..4 {
            service.fail("GetItem", error(code));
        }
        let entry = picture(service.table().figures.transactions, 1);
        let index = service.index(Lists::PerOwner);
        assert_eq!(clock.run([index.put(&entry)]), [Ok(Put::Written)], "{code}");
    }
    // A reason that stays is not tried again.
    let mut too_large = cancelled(&[Reason::None, Reason::Conflict]);
    too_large["CancellationReasons"][0]["Code"] = json!("ItemCollectionSizeLimitExceeded");
    service.fail("TransactWriteItems", too_large);
    let index = service.index(Lists::PerOwner);
    let entry = picture(1_000, 1);
    let [put] = clock.run([index.put(&entry)]).try_into().unwrap();
    assert!(!put.unwrap_err().is_retryable());
}

/// Items of older versions are in the lists of all images too.
#[test]
fn images_of_older_versions_leave_the_lists_of_all_images() {
    let clock = Clock::default();
    let service = Service::new(&clock, Table::new(NEW_TABLE));
    let (older, index) = (service.index(Lists::All), service.index(Lists::PerOwner));
    let entries: Vec<Entry> = (0..4).map(|number| picture(number, number % 2)).collect();
    let write = async || {
        for entry in &entries {
            assert_eq!(older.put(entry).await, Ok(Put::Written));
        }
        // Replaced, removed, pruned, and as `sightline reindex` finds it.
        let mut newer = entries[0].clone();
        newer.row.processed_at += Duration::from_secs(60);
        newer.terms.truncate(3);
        assert_eq!(index.put(&newer).await, Ok(Put::Written));
        let at = entries[1].row.processed_at;
        index.remove(&entries[1].row.key, &at.into()).await.unwrap();
        assert_eq!(index.prune(&entries[2].row.key, at).await, Ok(true));
        let [counted, expected] = counts(&service);
        assert_eq!(counted, expected);
        assert_eq!(index.put(&entries[3]).await, Ok(Put::Written));
        assert_eq!(index.put(&entries[3]).await, Ok(Put::Unchanged));
    };
    clock.run([write()]);
    let [counted, expected] = counts(&service);
    assert_eq!(counted, expected);
    assert!(
        counted.keys().all(|key| !key.starts_with('/')),
        "{counted:?}"
    );
    assert!(
        service
            .table()
            .items
            .values()
            .all(|item| !item.contains_key("term"))
    );
}

#[test]
fn an_image_without_an_owner_is_in_no_list_of_an_owner() {
    let clock = Clock::default();
    let service = Service::new(&clock, Table::new(NEW_TABLE));
    let mut entry = picture(1, 1);
    entry.row.key = SourceKey::new("uploads/a.jpg").unwrap();
    let index = service.index(Lists::PerOwner);
    assert_eq!(clock.run([index.put(&entry)]), [Ok(Put::Written)]);
    let table = service.table();
    let items: Vec<_> = table.items.values().collect();
    assert_eq!(items.len(), 1);
    assert!(items[0].contains_key("row") && !items[0].contains_key("position"));
}

#[test]
fn analyses_are_counted_although_the_table_is_busy() {
    let clock = Clock::default();
    let service = Service::new(&clock, Table::new(NEW_TABLE));
    let index = service.index(Lists::PerOwner);
    let busy = json!({"__type": "com.amazonaws.dynamodb.v20120810#ThrottlingException"});
    for _ in 0..3 {
        service.fail("UpdateItem", busy.clone());
    }
    let day = date!(2026 - 03 - 01);
    let work = async {
        assert_eq!(index.count_analyses("ann", day, 2, 3).await, Ok(true));
        assert_eq!(index.count_analyses("ann", day, 2, 3).await, Ok(false));
        assert_eq!(index.uncount_analyses("ann", day, 1).await, Ok(()));
        assert_eq!(index.count_analyses("ann", day, 2, 3).await, Ok(true));
    };
    clock.run([work.boxed()]);
    let table = service.table();
    let item = table.items.values().next().unwrap();
    assert_eq!(item["pk"], json!({"S": "analyses/ann"}));
    assert_eq!(item["sk"], json!({"S": "2026-03-01"}));
    assert_eq!(item["analyses"], json!({"N": "3"}));
    // Three days after the day began.
    assert_eq!(item["expires"], json!({"N": "1772582400"}));
}

/// Every kind of query, by key and never by a scan, which is not simulated.
#[test]
fn random_searches_find_what_a_filter_finds() {
    let clock = Clock::default();
    let service = Service::new(&clock, Table::new(NEW_TABLE));
    let index = service.index(Lists::All);
    let images = suite::random_images(500);
    let work = async {
        index.load(&suite::entries_of(&images), true).await.unwrap();
        let owners = [None, Some("ann"), Some("bob")];
        suite::random_searches(&index, &images, 60, 40, &owners).await;
    };
    clock.run([work.boxed_local()]);
}

/// Of more images with a label, only the newest are ordered by confidence. Their first, second and last pages are complete.
#[test]
fn the_newest_ten_thousand_images_are_ordered_by_confidence() {
    const RANKED: usize = 10_000;
    const OLDER: usize = 3;
    const LIMIT: usize = 50;
    let clock = Clock::default();
    let service = Service::new(&clock, Table::new(NEW_TABLE));
    let index = service.index(Lists::PerOwner);
    let entries: Vec<_> = (0..OLDER + RANKED)
        .map(|number| {
            // The oldest are the surest. Of the others, each has the confidence of about four.
            let percent = match number {
                0..OLDER => 99.5,
                _ => 50.0 + (number * 7_919 % 2_400) as f64 / 50.0,
            };
            let mut image = Image::new(&format!("uploads/ann/{number:05}.jpg"), number as i64);
            image.filename.clear();
            image.label("Sky", percent, None).entry()
        })
        .collect();
    let query = Query {
        owner: Some("ann".to_owned()),
        sort: Sort::Confidence,
        ..Query::for_term(Term::label("Sky"))
    };
    let mut expected: Vec<_> = (entries.iter().skip(OLDER))
        .map(|entry| Position::of(&entry.row, Sort::Confidence, Some(entry.terms[0].1)))
        .collect();
    expected.sort();
    expected.reverse();
    let work = async {
        index.load(&entries, false).await.unwrap();
        let page = async |after: Option<&Position>| {
            let page = index.page(&query, after, LIMIT).await.unwrap();
            let positions: Vec<_> = page.images.into_iter().map(|it| it.position).collect();
            (positions, page.next)
        };
        let (first, next) = page(None).await;
        assert_eq!(first, expected[..LIMIT]);
        assert_eq!(next.as_ref(), first.last());
        let (second, _) = page(next.as_ref()).await;
        assert_eq!(second, expected[LIMIT..2 * LIMIT]);
        // The last page but one is full, and is not the last.
        let left = |number: usize| Some(&expected[RANKED - number - 1]);
        let (full, next) = page(left(LIMIT + 1)).await;
        assert_eq!(full, expected[RANKED - LIMIT - 1..RANKED - 1]);
        let (last, end) = page(next.as_ref()).await;
        assert_eq!((&*last, end), (&expected[RANKED - 1..], None));
        let (full, end) = page(left(LIMIT)).await;
        assert_eq!((&*full, end), (&expected[RANKED - LIMIT..], None));
    };
    clock.run([work.boxed_local()]);
}

/// An image that an older version wrote is in no list by the time of taking, and not in the number of images. The next write
/// completes it.
#[test]
fn an_image_of_an_older_version_is_completed() {
    let clock = Clock::default();
    let service = Service::new(&clock, Table::new(NEW_TABLE));
    let index = service.index(Lists::PerOwner);
    let entry = Image::new("uploads/ann/a.jpg", 1)
        .label("Car", 90.0, Some("Vehicles"))
        .entry();
    let owner = Some("ann".to_owned());
    let by_upload = Query {
        owner: owner.clone(),
        ..Query::for_term(Term::label("Car"))
    };
    let by_taking = Query {
        owner,
        sort: Sort::Taken,
        ..Query::default()
    };
    let found = async |query: &Query| index.page(query, None, 10).await.unwrap().images.len();
    let work = async {
        assert_eq!(index.put(&entry).await, Ok(Put::Written));
        service.table().make_older();
        assert_eq!(found(&by_upload).await, 1);
        assert_eq!(found(&by_taking).await, 0);
        let labels = index.labels(Some("ann")).await.unwrap();
        assert_eq!((labels.images, labels.labels[0].images), (0, 1));
        assert!(labels.labels[0].aliases.is_empty());

        assert_eq!(index.put(&entry).await, Ok(Put::Written));
        assert_eq!(index.put(&entry).await, Ok(Put::Unchanged));
        assert_eq!(found(&by_upload).await, 1);
        assert_eq!(found(&by_taking).await, 1);
        let labels = index.labels(Some("ann")).await.unwrap();
        assert_eq!((labels.images, labels.labels[0].images), (1, 1));
        assert_eq!(labels.labels[0].aliases.len(), 2);
        // One that is removed instead takes only its own part out of the counts.
        service.table().make_older();
        let at = entry.row.processed_at.into();
        index.remove(&entry.row.key, &at).await.unwrap();
        let [counted, expected] = counts(&service);
        assert_eq!((counted, expected), (BTreeMap::new(), BTreeMap::new()));
    };
    clock.run([work.boxed_local()]);
}

/// The write units of a typical picture, in the file that the cost model of the CDK app reads.
#[test]
fn the_write_units_of_a_picture_are_those_of_the_cost_model() {
    let clock = Clock::default();
    let service = Service::new(&clock, Table::new(NEW_TABLE));
    let index = service.index(Lists::PerOwner);
    let entry = picture(1, 1);
    let measure = |work: BoxFuture<'_, ()>| {
        let before = service.table().figures;
        clock.run([work]);
        let after = service.table().figures;
        json!({
            "table": after.table_units - before.table_units,
            "indexes": after.index_units - before.index_units,
            "transactions": after.transactions - before.transactions,
        })
    };
    let put = measure(async { assert_eq!(index.put(&entry).await, Ok(Put::Written)) }.boxed());
    let bytes = {
        let table = service.table();
        let stored = table
            .items
            .iter()
            .filter(|((pk, _), _)| pk.starts_with("image/"));
        // Each item and each entry of an index has 100 bytes more (Amazon DynamoDB Developer Guide, "DynamoDB item sizes and formats").
        stored
            .map(|(_, item)| size(item) + 100 + table::entry_size(item) + 100)
            .sum::<usize>()
    };
    let prune = measure(
        async {
            assert_eq!(
                index.prune(&entry.row.key, entry.row.processed_at).await,
                Ok(true)
            )
        }
        .boxed(),
    );
    let count = measure(
        async {
            let counted = index
                .count_analyses("ann", date!(2026 - 03 - 01), 2, 100)
                .await;
            assert_eq!(counted, Ok(true));
        }
        .boxed(),
    );
    let measured = json!({
        "labels": 10,
        "categories": 5,
        "filenameWords": 3,
        "colors": 3,
        "put": put,
        "prune": prune,
        "countAnalyses": count,
        "bytes": bytes,
    });
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        let text = serde_json::to_string_pretty(&measured).unwrap() + "\n";
        std::fs::write(golden(), text).unwrap();
    }
    assert_eq!(measured, write_units());
}

fn golden() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("write-units.json")
}

/// The golden file.
fn write_units() -> Value {
    let text = std::fs::read(golden()).unwrap_or_else(|error| {
        panic!("{error}: run `UPDATE_GOLDEN=1 cargo test -p sightline-aws --test index`")
    });
    serde_json::from_slice(&text).unwrap()
}
