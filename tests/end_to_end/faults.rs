//! The unmodified processor with a failing network and failing services: 30 % of all calls are throttled, break,
//! hang or lose their reply. Every event arrives three times, in any order, among late events of replaced
//! versions. Every picture still gets exactly one correct document, every operation is billed once per picture, and the
//! CloudWatch metrics agree.

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use sightline_tests::{
    Local, artefacts, aws_calls,
    faults::{FaultyProxy, Upstreams},
    functions::{Clock, Delivery, Functions, objects, s3_event},
    picture, rekognition, text,
};

const INPUT: &str = "faults-input";
const OUTPUT: &str = "faults-output";
/// The share of calls that fail, in percent.
const PERCENT: u64 = 30;
/// How often each event arrives.
const DUPLICATES: usize = 3;
/// One in this many pictures replaced an earlier one, whose events arrive late.
const REPLACED: usize = 10;
/// The number of processes of the function.
const PROCESSES: usize = 24;
/// The side of a picture in pixels.
const SIDE: u32 = 96;

/// A number that an environment variable can set.
fn setting(variable: &str, default: u64) -> Result<u64> {
    env::var(variable).map_or(Ok(default), |text| {
        text.parse()
            .with_context(|| format!("{variable} takes a number, not {text:?}"))
    })
}

/// Writes this many small pictures, no two of them equal, and returns their names.
fn paint(folder: &Path, count: u32) -> Result<Vec<String>> {
    let astronaut = image::open(picture("astronaut.png")?)?.to_rgb8();
    let (width, height) = (astronaut.width() - SIDE, astronaut.height() - SIDE);
    (0..count)
        .map(|number| {
            let name = format!("piece +{number:04}.png");
            let (x, y) = (number * 7 % width, number * 61 % height);
            let mut piece = image::imageops::crop_imm(&astronaut, x, y, SIDE, SIDE).to_image();
            // Overlapping pieces could be equal where the photograph is black.
            let [high, low] = [number / 256, number % 256].map(|part| part as u8);
            piece.put_pixel(0, 0, image::Rgb([high, low, 0]));
            piece.save(folder.join(&name))?;
            Ok(name)
        })
        .collect()
}

/// A fixed permutation for each seed.
fn shuffle<T>(list: &mut [T], seed: u64) {
    let mut state = seed;
    for last in (1..list.len()).rev() {
        // Knuth's MMIX generator; its upper half is random enough to shuffle with.
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(state >> 33).unwrap_or_default() % (last + 1);
        list.swap(last, other);
    }
}

/// A face that is in no other picture.
fn face_of(object: &str) -> String {
    let number = object
        .bytes()
        .filter(u8::is_ascii_digit)
        .fold(0.0, |sum, digit| sum * 10.0 + f64::from(digit - b'0'));
    json!({"FaceDetails": [{"Confidence": 99.5, "BoundingBox": {"Left": number / 10_000.0, "Top": 0.25, "Width": 0.5, "Height": 0.5}}]})
        .to_string()
}

#[test]
fn every_picture_gets_its_one_right_document_though_30_percent_of_the_calls_fail() -> Result<()> {
    let seed = setting("SIGHTLINE_FAULT_SEED", 1)?;
    let count = u32::try_from(setting("SIGHTLINE_FAULT_PICTURES", 1000)?)?;
    eprintln!("SIGHTLINE_FAULT_SEED={seed} SIGHTLINE_FAULT_PICTURES={count}");
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let local = Local::start(&data, &[])?;
    let ready = &local.ready;
    let aws = |arguments: &[&str]| ready.aws(arguments);
    for bucket in [INPUT, OUTPUT] {
        aws(&["s3api", "create-bucket", "--bucket", bucket])?;
    }
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures)?;
    paint(&pictures, count)?;
    aws(&[
        "s3",
        "cp",
        "--recursive",
        "--only-show-errors",
        &pictures.to_string_lossy(),
        &format!("s3://{INPUT}/uploads/"),
    ])?;
    let uploaded = objects(&aws, INPUT, "uploads/")?;
    ensure!(uploaded.len() == usize::try_from(count)?);

    // A stand-in answers for faces too: with two operations, one can fail while the other succeeds.
    let faces = rekognition::replay(|operation, object| {
        (operation == "DetectFaces").then(|| face_of(object))
    })?;
    let proxy = FaultyProxy::start(
        seed,
        PERCENT,
        Upstreams {
            aws: ready.aws.trim_start_matches("http://").to_owned(),
            others: BTreeMap::from([("DetectFaces".to_owned(), faces.authority.clone())]),
        },
    )?;
    let mut environment = ready.environment();
    environment.retain(|(name, _)| *name != "AWS_ENDPOINT_URL");
    environment.extend([
        ("AWS_ENDPOINT_URL", proxy.url()),
        ("INPUT_BUCKET", INPUT.to_owned()),
        ("OUTPUT_BUCKET", OUTPUT.to_owned()),
        ("ANALYSES", "labels,image-properties,faces".to_owned()),
    ]);
    let mut events: Vec<String> = uploaded
        .iter()
        .flat_map(|(key, e_tag, size)| {
            let event = s3_event(INPUT, key, e_tag, *size).to_string();
            vec![event; DUPLICATES]
        })
        .collect();
    let replaced = uploaded.iter().step_by(REPLACED).flat_map(|(key, _, _)| {
        let before = "0123456789abcdef0123456789abcdef";
        vec![s3_event(INPUT, key, before, 1_000).to_string(); DUPLICATES]
    });
    events.extend(replaced);
    shuffle(&mut events, seed);
    let event_count = events.len();
    let began = Instant::now();
    let mut functions = Functions::start(
        "sightline-processor",
        PROCESSES,
        &environment,
        events,
        Delivery {
            batch: 10,
            visibility: Duration::from_secs(100),
            timeout: Duration::from_secs(45),
            max_receives: 40,
            // Pauses of minutes would only make the test longer.
            clock: Clock::running(Duration::from_millis(40)),
        },
        &artefacts()?,
    )?;
    let tally = functions.drain(Duration::from_secs(900))?;
    let took = began.elapsed();
    drop(functions);
    ensure!(tally.dead == 0, "{} dead letters", tally.dead);

    // The answers that were delivered, and so billed and received.
    let mut answers: BTreeMap<(String, String), Vec<Value>> = BTreeMap::new();
    for delivery in proxy.delivered() {
        answers
            .entry((delivery.object, delivery.operation))
            .or_default()
            .push(delivery.answer);
    }
    let calls = aws_calls(&data)?;
    let figures = Figures::read(PROCESSES)?;
    let report = format!(
        "seed {seed}: {count} pictures, {} events in {took:.0?}\n{} calls, faults: {:?}\n{} invocations and {} failed ones; {} messages were redelivered, at most {} times; {} pauses were set\n{} answers delivered; the endpoint answered DetectLabels {} times\n{figures:?}\n",
        event_count,
        proxy.calls(),
        proxy.injected(),
        tally.invocations,
        tally.errors,
        tally.redelivered,
        tally.receives,
        tally.pauses.len(),
        answers.values().map(Vec::len).sum::<usize>(),
        calls
            .iter()
            .filter(|call| call["action"] == "rekognition:DetectLabels" && call["status"] == 200)
            .count(),
    );
    eprintln!("{report}");
    fs::write(artefacts()?.join("faults.txt"), &report)?;

    let injected: u64 = proxy.injected().values().sum();
    let share = injected as f64 / proxy.calls() as f64;
    ensure!(
        count < 1000 || (0.27..0.33).contains(&share),
        "{share} of the calls had faults"
    );

    // If a document is stored at the moment its invocation ends, only the next invocation sees it, and that one does not count
    // it.
    let counted = f64::from(count) * 0.99..=f64::from(count);
    ensure!(
        counted.contains(&figures.images) && figures.billed_calls == 2.0 * figures.images,
        "{figures:?} of {count} pictures"
    );

    let results = folder.path().join("results");
    aws(&[
        "s3",
        "cp",
        "--recursive",
        "--only-show-errors",
        &format!("s3://{OUTPUT}/results/"),
        &results.to_string_lossy(),
    ])?;
    let mut wrong = Vec::new();
    for (key, e_tag, _) in &uploaded {
        let document = fs::read_to_string(results.join(format!("{key}.json")))
            .map_err(anyhow::Error::from)
            .and_then(|text| Ok(serde_json::from_str::<Value>(&text)?));
        let verdict = document
            .with_context(|| "no document")
            .and_then(|document| check(&document, key, e_tag, &answers));
        if let Err(error) = verdict {
            wrong.push(format!("{key}: {error:#}"));
        }
        let stored = format!("arn:aws:s3:::{OUTPUT}/results/{key}.json");
        let stores = calls
            .iter()
            .filter(|call| {
                call["action"] == "s3:PutObject"
                    && call["status"] == 200
                    && call["resource"] == stored.as_str()
            })
            .count();
        if stores != 1 {
            wrong.push(format!("{key}: the document was stored {stores} times"));
        }
    }
    ensure!(wrong.is_empty(), "seed {seed}:\n{}", wrong.join("\n"));
    Ok(())
}

/// The sum of the CloudWatch metrics in the processors' logs.
#[derive(Debug, Default)]
struct Figures {
    images: f64,
    billed_calls: f64,
}

impl Figures {
    fn read(processes: usize) -> Result<Self> {
        let mut figures = Self::default();
        for number in 0..processes {
            let log = artefacts()?.join(format!("sightline-processor-{number}.log"));
            for line in fs::read_to_string(log)?.lines() {
                let Ok(line) = serde_json::from_str::<Value>(line) else {
                    continue;
                };
                if line.get("_aws").is_some() {
                    let figure = |name| line.get(name).and_then(Value::as_f64).unwrap_or_default();
                    figures.images += figure("Images");
                    figures.billed_calls += figure("BilledCalls");
                }
            }
        }
        Ok(figures)
    }
}

/// Whether this is the correct document of the picture: it names this object and holds exactly the answers that
/// were delivered, each once.
fn check(
    document: &Value,
    key: &str,
    e_tag: &str,
    answers: &BTreeMap<(String, String), Vec<Value>>,
) -> Result<()> {
    ensure!(text(document, "/status")? == "succeeded", "{document}");
    ensure!(text(document, "/source/bucket")? == INPUT);
    ensure!(text(document, "/source/key")? == key);
    ensure!(text(document, "/source/eTag")? == e_tag);
    for (operation, member) in [
        ("DetectLabels", "/rekognition/detectLabels"),
        ("DetectFaces", "/rekognition/detectFaces"),
    ] {
        let had = answers
            .get(&(key.to_owned(), operation.to_owned()))
            .map_or(&[][..], Vec::as_slice);
        ensure!(
            had.len() == 1,
            "{operation} was answered {} times",
            had.len()
        );
        ensure!(
            document.pointer(member) == had.first(),
            "{operation} is not what was answered"
        );
    }
    Ok(())
}
