//! The library of pictures through `sightline local`: lists, search by label, pages, counts, thumbnails, deletion.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs, thread,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use sightline_tests::{
    Answer, Local, TIMEOUT, functions::objects, http, picture, result, text, upload,
};

/// The name of a label, percent-encoded for a query.
fn encoded(name: &str) -> String {
    name.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}

/// The API of a running `sightline local`.
struct Api<'a>(&'a Local);

impl Api<'_> {
    fn ask(&self, method: &str, path: &str) -> Result<Answer> {
        http(method, &format!("{}{path}", self.0.ready.api), &[], b"")
    }

    fn get(&self, path: &str) -> Result<Value> {
        let answer = self.ask("GET", path)?;
        ensure!(
            answer.status == 200,
            "{path}: {} {}",
            answer.status,
            String::from_utf8_lossy(&answer.body)
        );
        answer.json()
    }

    /// The status and code of a problem.
    fn problem(&self, method: &str, path: &str) -> Result<(u16, String)> {
        let answer = self.ask(method, path)?;
        Ok((answer.status, text(&answer.json()?, "/code")?.to_owned()))
    }

    /// The keys of a page, and its cursor.
    fn page(&self, query: &str) -> Result<(Vec<String>, Option<String>)> {
        let page = self.get(&format!("/images?{query}"))?;
        let keys = list(&page, "images")?
            .iter()
            .map(|image| text(image, "/key").map(str::to_owned))
            .collect::<Result<_>>()?;
        let cursor = page
            .get("cursor")
            .and_then(Value::as_str)
            .map(str::to_owned);
        Ok((keys, cursor))
    }

    /// Waits until this many images are listed; a row is written just after its document.
    fn wait_for(&self, images: usize) -> Result<Vec<String>> {
        let began = Instant::now();
        loop {
            let (keys, _) = self.page("limit=100")?;
            if keys.len() == images {
                return Ok(keys);
            }
            ensure!(
                began.elapsed() < TIMEOUT,
                "{} images are listed, not {images}",
                keys.len()
            );
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn list<'a>(value: &'a Value, member: &str) -> Result<&'a Vec<Value>> {
    value
        .get(member)
        .and_then(Value::as_array)
        .with_context(|| format!("{member} is no list in {value}"))
}

/// The labels and categories of a document, each with its best confidence. Faces give labels too.
fn shown(document: &Value) -> Result<[BTreeMap<String, f64>; 2]> {
    let (mut labels, mut categories) = (BTreeMap::new(), BTreeMap::new());
    let mut add = |name: &str, confidence: f64, of: &[&str]| {
        let raise = |all: &mut BTreeMap<String, f64>, name: &str| {
            let best = all.entry(name.to_owned()).or_insert(confidence);
            *best = confidence.max(*best);
        };
        raise(&mut labels, name);
        for category in of {
            raise(&mut categories, category);
        }
    };
    let confidence = |found: &Value| {
        let confidence = found.get("Confidence").and_then(Value::as_f64);
        confidence.context("no confidence")
    };
    let answer = document
        .pointer("/rekognition/detectLabels")
        .context("no labels")?;
    for label in list(answer, "Labels")? {
        let of = list(label, "Categories")?
            .iter()
            .map(|category| text(category, "/Name"))
            .collect::<Result<Vec<_>>>()?;
        add(text(label, "/Name")?, confidence(label)?, &of);
    }
    let faces = document.pointer("/rekognition/detectFaces/FaceDetails");
    for face in faces.and_then(Value::as_array).into_iter().flatten() {
        for name in ["Person", "Face"] {
            add(name, confidence(face)?, &["Person Description"]);
        }
        let Some(main) = face.pointer("/Emotions/0") else {
            continue;
        };
        let (kind, percent) = (text(main, "/Type")?.to_lowercase(), confidence(main)?);
        if percent >= 50.0 && kind != "unknown" {
            let (first, rest) = kind.split_at(1);
            let name = format!("{}{rest}", first.to_uppercase());
            add(&name, percent, &["Expressions and Emotions"]);
        }
    }
    Ok([labels, categories])
}

/// `{name: images}` of one list of `GET /labels`.
fn counts(value: &Value, member: &str) -> Result<BTreeMap<String, u64>> {
    list(value, member)?
        .iter()
        .map(|count| {
            let images = count.get("images").and_then(Value::as_u64);
            Ok((
                text(count, "/name")?.to_owned(),
                images.context("no count")?,
            ))
        })
        .collect()
}

/// The counts that `GET /labels` must return for these documents.
fn counted<'a>(
    documents: impl IntoIterator<Item = &'a Value>,
) -> Result<[BTreeMap<String, u64>; 2]> {
    let mut all = [BTreeMap::new(), BTreeMap::new()];
    for document in documents {
        for (all, names) in all.iter_mut().zip(shown(document)?) {
            for name in names.into_keys() {
                *all.entry(name).or_insert(0) += 1;
            }
        }
    }
    Ok(all)
}

#[test]
fn pictures_can_be_found_and_deleted_completely() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let data = folder.path().join("data");
    let local = Local::start(&data, &[])?;
    let api = Api(&local);
    ensure!(api.get("/images")? == json!({"images": []}));
    ensure!(api.get("/labels")? == json!({"images": 0, "labels": [], "categories": []}));

    let mut documents = BTreeMap::new();
    let mut originals = BTreeMap::new();
    for (name, content_type) in [
        ("astronaut.png", "image/png"),
        ("chelsea.png", "image/png"),
        ("rocket.jpg", "image/jpeg"),
    ] {
        let bytes = fs::read(picture(name)?)?;
        let ticket = upload(
            &local.ready.api,
            content_type,
            &bytes,
            json!({"filename": name}),
        )?;
        let document = result(text(&ticket, "/statusUrl")?)?;
        let key = text(&ticket, "/key")?.to_owned();
        documents.insert(key.clone(), document);
        originals.insert(key, bytes);
    }

    // All images, newest first, and the same page by page.
    let keys = api.wait_for(3)?;
    let images = api.get("/images")?;
    let mut order = list(&images, "images")?
        .iter()
        .map(|image| Ok((text(image, "/uploadedAt")?, text(image, "/key")?)))
        .collect::<Result<Vec<_>>>()?;
    ensure!(order.is_sorted_by(|one, other| one > other), "{order:?}");
    order.clear();
    let (mut paged, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let query = cursor.map_or_else(String::new, |cursor| format!("&cursor={cursor}"));
        let (page, next) = api.page(&format!("limit=1{query}"))?;
        ensure!(page.len() <= 1 && paged.len() <= 3);
        paged.extend(page);
        cursor = next;
        if cursor.is_none() {
            break;
        }
    }
    ensure!(paged == keys, "{paged:?} are not {keys:?}");
    let (_, cursor) = api.page("limit=1")?;
    let cursor = cursor.context("there is more")?;
    ensure!(
        api.problem("GET", &format!("/images?label=Cat&cursor={cursor}"))?
            == (400, "invalid-cursor".to_owned())
    );

    // By every label and category, in any case, with a threshold.
    let [labels, categories] = counted(documents.values())?;
    ensure!(!labels.is_empty() && !categories.is_empty());
    for (at, parameter, names) in [(0, "label", &labels), (1, "category", &categories)] {
        for name in names.keys() {
            let mut expected = BTreeMap::new();
            for (key, document) in &documents {
                let [ref labels, ref categories] = shown(document)?;
                let of = if at == 0 { labels } else { categories };
                if let Some(confidence) = of.get(name) {
                    expected.insert(key.clone(), *confidence);
                }
            }
            let query = format!("{parameter}={}", encoded(&name.to_uppercase()));
            let page = api.get(&format!("/images?{query}"))?;
            for image in list(&page, "images")? {
                let confidence = image.get("confidence").and_then(Value::as_f64);
                ensure!(
                    confidence == expected.get(text(image, "/key")?).copied(),
                    "{name}: {image}"
                );
            }
            ensure!(list(&page, "images")?.len() == expected.len(), "{name}");
            let best = expected.values().copied().fold(0.0, f64::max);
            let (sure, _) = api.page(&format!("{query}&minConfidence={best}"))?;
            let surest = expected
                .iter()
                .filter(|(_, confidence)| **confidence >= best);
            ensure!(
                sure.iter().collect::<BTreeSet<_>>() == surest.map(|(key, _)| key).collect(),
                "{name}"
            );
        }
    }
    ensure!(api.page("label=Nothing%20of%20the%20kind")?.0.is_empty());
    ensure!(api.page("status=succeeded")?.0 == keys);
    ensure!(api.page("status=failed")?.0.is_empty());
    let said = api.get("/labels")?;
    ensure!(counts(&said, "labels")? == labels && counts(&said, "categories")? == categories);

    // One image with all its details.
    let key = keys.first().context("three keys")?.clone();
    let details = api.get(&format!("/images/{key}"))?;
    let fetch = |pointer: &str| http("GET", text(&details, pointer)?, &[], b"");
    ensure!(Some(&fetch("/imageUrl")?.body) == originals.get(&key));
    ensure!(Some(&fetch("/resultUrl")?.json()?) == documents.get(&key));
    ensure!(fetch("/thumbnail/url")?.body.starts_with(&[0xFF, 0xD8]));

    // A deleted image is gone everywhere, and deleting it again is not an error.
    let aws = |arguments: &[&str]| local.ready.aws(arguments);
    for _ in 0..2 {
        let deleted = api.ask("DELETE", &format!("/images/{key}"))?;
        ensure!(
            deleted.status == 204 && deleted.body.is_empty(),
            "{}",
            deleted.status
        );
        ensure!(!api.page("limit=100")?.0.contains(&key));
        for (path, code) in [
            ("images", "no-such-image"),
            ("results", "no-such-upload"),
            ("thumbnails", "no-such-thumbnail"),
        ] {
            let problem = api.problem("GET", &format!("/{path}/{key}"))?;
            ensure!(problem == (404, code.to_owned()), "{problem:?}");
        }
        for pointer in ["/imageUrl", "/resultUrl", "/thumbnail/url", "/preview/url"] {
            ensure!(fetch(pointer)?.status == 404, "{pointer}");
        }
        for bucket in [&local.ready.input_bucket, &local.ready.output_bucket] {
            let left = objects(&aws, bucket, "")?;
            ensure!(
                !left.iter().any(|(name, ..)| name.contains(&key)),
                "{left:?}"
            );
        }
        let left = documents
            .iter()
            .filter(|(other, _)| **other != key)
            .map(|(_, document)| document);
        let [labels, categories] = counted(left)?;
        let said = api.get("/labels")?;
        ensure!(counts(&said, "labels")? == labels && counts(&said, "categories")? == categories);
    }

    // Another picture can be stored under the same key, and is listed.
    let file = picture("coffee.png")?;
    aws(&[
        "s3",
        "cp",
        "--no-progress",
        "--content-type",
        "image/png",
        &file.to_string_lossy(),
        &format!("s3://{}/{key}", local.ready.input_bucket),
    ])?;
    result(&format!("{}/results/{key}", local.ready.api))?;
    ensure!(api.wait_for(3)?.first() == Some(&key));

    // A picture sent in the request is listed at once.
    let inline = http(
        "POST",
        &format!("{}/images", local.ready.api),
        &[],
        json!({"image": BASE64_STANDARD.encode(originals.values().last().context("three")?)})
            .to_string()
            .as_bytes(),
    )?;
    ensure!(inline.status == 201, "{}", inline.status);
    let inline = text(&inline.json()?, "/key")?.to_owned();
    let keys = api.page("limit=100")?.0;
    ensure!(keys.len() == 4 && keys.contains(&inline), "{keys:?}");

    // Everything is still there after a restart.
    local.interrupt()?;
    let local = Local::start(&data, &[])?;
    ensure!(Api(&local).page("limit=100")?.0 == keys);
    Ok(())
}
