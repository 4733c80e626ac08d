//! Two thousand damaged files of all formats. None may cause a panic or exceed the memory limit.

#![expect(
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

mod common;

use std::{
    fs,
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, Instant},
};

use sightline_prepare::{Limits, prepare};

/// The number of files. `MUTATED_FILES` overrides it.
const FILES: u64 = 2000;
/// The seed of the random numbers. `MUTATED_SEED` overrides it.
const SEED: u64 = 0x5EED_0003;

static PANICS: AtomicUsize = AtomicUsize::new(0);

/// splitmix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }
}

/// Damages a file: changes bits and bytes, writes extreme numbers, and removes, duplicates or overwrites pieces. A third of the
/// damage is in the header, which has the sizes.
fn damage(bytes: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let end = if random.below(3) == 0 {
            bytes.len().min(600)
        } else {
            bytes.len()
        };
        if end == 0 {
            return;
        }
        let at = random.below(end);
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][random.below(5)],
            3 => {
                let values = [
                    0_u32,
                    1,
                    0x7FFF_FFFF,
                    0xFFFF_FFFF,
                    0x4000,
                    0x0100_0000,
                    30_000,
                ];
                let value = values[random.below(values.len())];
                let value = if random.below(2) == 0 {
                    value.to_be_bytes()
                } else {
                    value.to_le_bytes()
                };
                for (to, from) in bytes.iter_mut().skip(at).zip(value) {
                    *to = from;
                }
            }
            4 => bytes.truncate(at + 1),
            5 => {
                let piece = at..(at + random.below(64)).min(bytes.len());
                bytes.drain(piece);
            }
            6 => {
                let piece = bytes[at..(at + random.below(64)).min(bytes.len())].to_vec();
                let to = random.below(bytes.len() + 1);
                bytes.splice(to..to, piece);
            }
            _ => {
                let piece = bytes[at..(at + random.below(512)).min(bytes.len())].to_vec();
                let to = random.below(bytes.len());
                for (to, from) in bytes.iter_mut().skip(to).zip(piece) {
                    *to = from;
                }
            }
        }
    }
}

#[test]
fn no_damaged_file_causes_a_panic_or_takes_too_much_memory() {
    let Some(folder) = common::pictures() else {
        return;
    };
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|it| it != "json"))
        .collect();
    files.sort();
    // Mostly small files, where damage hits more than pixels.
    let (small, large): (Vec<_>, Vec<_>) = files
        .into_iter()
        .partition(|path| fs::metadata(path).unwrap().len() < 400_000);
    assert!(small.len() > 200 && large.len() > 5);

    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        hook(panic);
    }));
    let from_environment = |name: &str, default: u64| {
        std::env::var(name).map_or(default, |value| value.parse().unwrap())
    };
    let (count, seed) = (
        from_environment("MUTATED_FILES", FILES) as usize,
        from_environment("MUTATED_SEED", SEED),
    );
    let mut random = Random(seed);
    let limits = Limits::default();
    let mut outcomes = std::collections::BTreeMap::new();
    let mut slowest = (Duration::ZERO, String::new());
    for number in 0..count {
        let (files, round) = if number % 50 == 49 {
            (&large, number / 50)
        } else {
            (&small, number)
        };
        let path = &files[round % files.len()];
        let mut bytes = fs::read(path).unwrap();
        damage(&mut bytes, &mut random);
        let (panics, before) = (PANICS.load(Ordering::Relaxed), common::peak());
        let started = Instant::now();
        let outcome = match prepare(&bytes, &limits) {
            Ok(_) => "prepared",
            Err(error) => error.code(),
        };
        let name = format!("{number} ({})", path.display());
        slowest = slowest.max((started.elapsed(), name.clone()));
        *outcomes.entry(outcome).or_insert(0) += 1;
        if PANICS.load(Ordering::Relaxed) > panics {
            eprintln!("file {name} caused a panic");
        }
        if common::peak() > before.max(common::MAX_MEMORY) {
            eprintln!("file {name} took {} MiB", common::peak() >> 20);
        }
    }
    println!(
        "seed {seed}: {outcomes:?}, peak {} MiB, slowest {:?}",
        common::peak() >> 20,
        slowest
    );
    assert!(outcomes.len() >= 5, "{outcomes:?}");
    assert_eq!(PANICS.load(Ordering::Relaxed), 0);
    assert!(
        common::peak() <= common::MAX_MEMORY,
        "{} MiB",
        common::peak() >> 20
    );
}
