//! Random searches in a set of random images, compared with a filter of all images that is written for this purpose alone.

use time::{Duration, OffsetDateTime};

use super::{
    expected::all,
    images::{Image, START},
};
use crate::{
    SourceKey,
    document::Status,
    index::{
        Condition, Entry, FaceFilter, ImageIndex, Query, Search, Sort, Term, TermKind, Vocabulary,
        Wanted,
    },
};

/// Names of each kind: as an image has them, and as a query may write them.
const NAMES: [(TermKind, &[(&str, &str)]); 5] = [
    (
        TermKind::Label,
        &[
            ("Sky", "sky"),
            ("Dog", " DOG"),
            ("Car", "car"),
            ("Tree", "Tree"),
            ("Café", "CAFÉ "),
            ("Cat", "cAt"),
            ("Rare", "rare"),
            ("Unseen", "unseen"),
            ("Traffic Light", "traffic LIGHT"),
            ("Light", "Light"),
        ],
    ),
    (
        TermKind::Category,
        &[
            ("Animals and Pets", "animals AND pets"),
            ("Vehicles", "vehicles"),
            ("Dog", "Dog"),
        ],
    ),
    (
        TermKind::Text,
        &[
            ("exit", "EXITS"),
            ("menus", "menu"),
            ("traffic", "Traffic"),
            ("東京", "東京"),
            ("dog", "dogs"),
        ],
    ),
    (
        TermKind::Filename,
        &[
            ("img", "IMG"),
            ("beaches", "beach"),
            ("light", "lights"),
            ("png", "png"),
            ("dog", "Dog"),
        ],
    ),
    (
        TermKind::Color,
        &[("blue", "Blue"), ("grey", "gray"), ("red", "red")],
    ),
];

const OWNERS: [Option<&str>; 3] = [None, Some("ann"), Some("bob")];
const STATUSES: [(&str, Status); 3] = [
    ("succeeded", Status::Succeeded),
    ("partial", Status::Partial),
    ("failed", Status::Failed),
];

/// The random numbers of the xorshift generator: always the same.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from((self.0 >> 11) % limit as u64).unwrap()
    }

    /// True once in so many times.
    fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }
}

/// Random images. Some share an upload time, some have many labels.
pub fn random_images(count: usize) -> Vec<Image> {
    let mut random = Random(0x2545_F491_4F6C_DD1D);
    (0..count)
        .map(|number| random_image(&mut random, number))
        .collect()
}

fn random_image(random: &mut Random, number: usize) -> Image {
    let key = match OWNERS[random.below(3)] {
        Some(owner) => format!("uploads/{owner}/{number:05}.jpg"),
        None => format!("uploads/{number:05}.jpg"),
    };
    let mut image = Image::new(&key, i64::try_from(number / 3).unwrap() * 60);
    for (at, (name, _)) in NAMES[0].1.iter().enumerate() {
        let is_rare = *name == "Rare" && !random.once_in(100);
        if *name == "Unseen" || is_rare || !random.once_in(at + 1) {
            continue;
        }
        let category = match *name {
            "Dog" | "Cat" => Some("Animals and Pets"),
            "Car" => Some("Vehicles"),
            _ => None,
        };
        let confidence = 55.0 + random.below(450) as f64 / 10.0;
        image = image.label(name, confidence, category);
    }
    if random.once_in(50) {
        // More than the row shows, all surer than the others.
        for number in 0..25 {
            image = image.label(&format!("Thing {number}"), 100.0, None);
        }
    }
    let word = |random: &mut Random, kind: usize| {
        let names = NAMES[kind].1;
        names[random.below(names.len())].0.to_owned()
    };
    if random.once_in(3) {
        image.text = vec![format!("{} x{number}", word(random, 2)), word(random, 2)];
    }
    image.filename = format!("{}_{number}-{}.jpeg", word(random, 3), word(random, 3));
    for (name, _) in NAMES[4].1 {
        if random.once_in(4) {
            image.colors.push((name, 20.0));
        }
    }
    if random.once_in(2) {
        let taken = START - Duration::hours(i64::try_from(random.below(100)).unwrap());
        let (date, time) = (taken.date(), taken.time());
        let offset = ["", "Z", "+02:00"][random.below(3)];
        image.taken = Some(format!("{date}T{:02}:00:00{offset}", time.hour()));
    }
    if random.once_in(5) {
        image = image.face(20, 28, ["HAPPY", "CALM"][random.below(2)]);
    }
    image.status = STATUSES[random.below(3)].0;
    image
}

/// A term as an image has it, and as the query has it.
type Pick = (TermKind, &'static str, &'static str);

/// A random query in a form of its own.
#[derive(Debug)]
struct Picked {
    owner: Option<&'static str>,
    conditions: Vec<Vec<Pick>>,
    excluded: Vec<Vec<Vec<Pick>>>,
    least: Option<f64>,
    status: Option<(&'static str, Status)>,
    faces: usize,
    emotion: Option<&'static str>,
    /// Minutes after [`START`].
    from: Option<i64>,
    to: Option<i64>,
    sort: Sort,
}

fn pick(random: &mut Random) -> Pick {
    // Labels are the most frequent.
    let kind = random.below(9).saturating_sub(4);
    let (kind, names) = NAMES[kind];
    let (had, asked) = names[random.below(names.len())];
    (kind, had, asked)
}

fn picks(random: &mut Random) -> Vec<Pick> {
    (0..=random.below(2) * random.below(3))
        .map(|_| pick(random))
        .collect()
}

impl Picked {
    fn random(random: &mut Random, images: usize, owners: &[Option<&'static str>]) -> Self {
        let last = i64::try_from(images / 3).unwrap();
        let minute = |random: &mut Random| {
            i64::try_from(random.below(usize::try_from(last).unwrap() + 1)).unwrap()
        };
        let (one, other) = (minute(random), minute(random));
        Self {
            owner: owners[random.below(owners.len())],
            conditions: (0..random.below(4)).map(|_| picks(random)).collect(),
            excluded: (0..random.below(2))
                .map(|_| (0..=random.below(2)).map(|_| picks(random)).collect())
                .collect(),
            least: random.once_in(3).then(|| 60.0 + random.below(30) as f64),
            status: random.once_in(4).then(|| STATUSES[random.below(3)]),
            faces: usize::from(random.once_in(6)),
            emotion: random.once_in(8).then_some("happy"),
            from: random.once_in(3).then_some(one.min(other)),
            to: random.once_in(3).then_some(one.max(other)),
            sort: Sort::ALL[random.below(4)],
        }
    }

    fn query(&self) -> Query {
        let condition = |picks: &Vec<Pick>| Condition {
            any: (picks.iter())
                .map(|(kind, _, asked)| Term {
                    kind: *kind,
                    name: (*asked).to_owned(),
                })
                .collect(),
            images: None,
        };
        let at = |minute: i64| START + Duration::minutes(minute);
        Query {
            owner: self.owner.map(str::to_owned),
            conditions: self.conditions.iter().map(condition).collect(),
            excluded: (self.excluded.iter())
                .map(|all| all.iter().map(condition).collect())
                .collect(),
            min_confidence: self.least,
            status: self.status.map(|(_, status)| status),
            faces: FaceFilter {
                min_count: self.faces as u64,
                emotion: self.emotion.map(str::to_owned),
                ages: None,
            },
            from: self.from.map(at),
            to: self.to.map(at),
            sort: self.sort,
        }
    }

    /// Keys and confidences of the images that it lists, in order.
    fn expected(&self, images: &[Image]) -> Vec<(String, Option<f64>)> {
        let measured = self.conditions.iter().find(|picks| {
            picks
                .iter()
                .any(|(kind, ..)| matches!(kind, TermKind::Label | TermKind::Category))
        });
        let mut found: Vec<(f64, OffsetDateTime, &str, Option<f64>)> = Vec::new();
        for image in images {
            let time = match self.sort {
                Sort::Taken => taken(image),
                _ => image.uploaded,
            };
            let has = |picks: &Vec<Pick>, least: Option<f64>| {
                picks
                    .iter()
                    .any(|pick| confidence(image, *pick, least).is_some())
            };
            let owner = SourceKey::new(&*image.key).unwrap();
            let matches = self.owner.is_none_or(|it| owner.owner() == Some(it))
                && self.conditions.iter().all(|picks| has(picks, self.least))
                && !(self.excluded.iter()).any(|all| all.iter().all(|picks| has(picks, None)))
                && self.status.is_none_or(|(name, _)| image.status == name)
                && image.faces.len() >= self.faces
                && (self.emotion.is_none() || image.faces.iter().any(|face| face.2 == "HAPPY"))
                && self
                    .from
                    .is_none_or(|it| time >= START + Duration::minutes(it))
                && self
                    .to
                    .is_none_or(|it| time <= START + Duration::minutes(it));
            if matches {
                let best = measured.and_then(|picks| {
                    let all = picks
                        .iter()
                        .filter_map(|pick| confidence(image, *pick, self.least));
                    all.flatten().reduce(f64::max)
                });
                let rank = match self.sort {
                    Sort::Confidence => best.unwrap_or_default(),
                    _ => 0.0,
                };
                found.push((rank, time, &image.key, best));
            }
        }
        found.sort_by(|one, other| {
            let by_rank = one.0.total_cmp(&other.0);
            by_rank.then_with(|| (one.1, one.2).cmp(&(other.1, other.2)))
        });
        if self.sort != Sort::Oldest {
            found.reverse();
        }
        let keys = found
            .into_iter()
            .map(|(_, _, key, best)| (key.to_owned(), best));
        keys.collect()
    }
}

/// Name, confidence, category.
type Label = (String, f64, Option<&'static str>);

/// The time of the camera's clock, whatever its offset.
fn taken(image: &Image) -> OffsetDateTime {
    let Some(taken) = &image.taken else {
        return image.uploaded;
    };
    let format = time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second]");
    let local = time::PrimitiveDateTime::parse(&taken[..19], format).unwrap();
    local.assume_utc()
}

/// Whether the image has the term; with the confidence, if it is a label or category.
fn confidence(image: &Image, (kind, had, _): Pick, least: Option<f64>) -> Option<Option<f64>> {
    let best = |of: &dyn Fn(&Label) -> bool| {
        let labels = image.labels.iter().filter(|label| of(label));
        let best = labels.map(|label| label.1).reduce(f64::max);
        best.filter(|best| least.is_none_or(|least| *best >= least))
            .map(Some)
    };
    let has = |has: bool| has.then_some(None);
    match kind {
        TermKind::Label => best(&|label| label.0 == had),
        TermKind::Category => best(&|label| label.2 == Some(had)),
        TermKind::Text => has(image
            .text
            .iter()
            .any(|line| line.split(' ').any(|it| it == had))),
        TermKind::Filename => has(image.filename.split(['_', '-', '.']).any(|it| it == had)),
        TermKind::Color => has(image.colors.iter().any(|color| color.0 == had)),
    }
}

/// Reads the pages of random queries from an index that holds these images.
pub async fn random_searches<I: ImageIndex>(
    index: &I,
    images: &[Image],
    queries: usize,
    limit: usize,
    owners: &[Option<&'static str>],
) {
    let mut random = Random(0x9E37_79B9_7F4A_7C15);
    let mut matched = 0;
    for number in 0..queries {
        let picked = Picked::random(&mut random, images.len(), owners);
        let expected = picked.expected(images);
        matched += usize::from(!expected.is_empty());
        let found: Vec<_> = all(index, &picked.query(), limit)
            .await
            .into_iter()
            .map(|found| (found.row.key.to_string(), found.confidence))
            .collect();
        assert_eq!(found.len(), expected.len(), "query {number}: {picked:?}");
        assert_eq!(found, expected, "query {number}: {picked:?}");
    }
    assert!(
        matched > queries / 3,
        "{matched} of {queries} find an image"
    );
    for owner in owners {
        random_lines(index, images, queries / 10, limit, *owner).await;
    }
}

/// What a person types, and what bare words of it mean together. Each is a name or a word of the images as it stands.
const WORDS: [&str; 12] = [
    "traffic", "light", "traffic", "light", "animals", "and", "pets", "dog", "sky", "exit", "img",
    "blue",
];

/// Searches for lines of random bare words, by the names of the images in the index.
async fn random_lines<I: ImageIndex>(
    index: &I,
    images: &[Image],
    lines: usize,
    limit: usize,
    owner: Option<&str>,
) {
    let mut random = Random(0x1234_5678_9ABC_DEF1);
    let vocabulary = Vocabulary::new(&index.labels(owner).await.unwrap());
    let mut together = 0;
    for number in 0..lines.max(1) {
        let length = 1 + random.below(3);
        let start = random.below(WORDS.len() - length);
        let mut line: Vec<&str> = WORDS[start..start + length].to_vec();
        if random.once_in(2) {
            line.push(WORDS[random.below(WORDS.len())]);
        }
        // One line that many images have as a name.
        if number == 0 {
            line = vec!["traffic", "light"];
        }
        let rest = Query {
            owner: owner.map(str::to_owned),
            ..Query::default()
        };
        let wanted = Wanted::parse(&line.join(" "));
        let query = Search { wanted, rest }.resolve(&vocabulary).query;
        let mut found: Vec<_> = (all(index, &query, limit).await.into_iter())
            .map(|found| found.row.key.to_string())
            .collect();
        // For each word, what it is by itself and what it is together with others of the line.
        let names: Vec<Vec<String>> = (0..line.len())
            .map(|at| {
                let starts =
                    (0..=at).flat_map(|start| (at + 1..=line.len()).map(move |end| (start, end)));
                starts
                    .map(|(start, end)| line[start..end].join(" "))
                    .collect()
            })
            .collect();
        let mut expected = Vec::new();
        let mut singly = 0;
        for image in images {
            let key = SourceKey::new(&*image.key).unwrap();
            if owner.is_some_and(|it| key.owner() != Some(it)) {
                continue;
            }
            let has_all = line.iter().zip(&names).all(|(word, names)| {
                has_word(image, word) || names.iter().any(|name| has_name(image, name))
            });
            if has_all {
                expected.push(image.key.clone());
            }
            singly += usize::from(line.iter().all(|word| has_word(image, word)));
        }
        found.sort();
        expected.sort();
        assert_eq!(found, expected, "{owner:?} {line:?}");
        together += usize::from(singly < expected.len());
    }
    assert!(together > 0, "no words count together");
}

fn has_name(image: &Image, name: &str) -> bool {
    (image.labels.iter()).any(|(label, _, category)| {
        label.eq_ignore_ascii_case(name)
            || category.is_some_and(|category| category.eq_ignore_ascii_case(name))
    })
}

fn has_word(image: &Image, word: &str) -> bool {
    has_name(image, word)
        || image
            .text
            .iter()
            .any(|line| line.split(' ').any(|it| it == word))
        || image.filename.split(['_', '-', '.']).any(|it| it == word)
        || image.colors.iter().any(|color| color.0 == word)
}

/// The entries of these images.
pub fn entries_of(images: &[Image]) -> Vec<Entry> {
    images.iter().map(Image::entry).collect()
}
