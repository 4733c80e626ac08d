use sightline_pipeline::{
    ResultDocument,
    document::Rendition,
    index::{Entry, ImageIndex as _},
    testing::MemoryIndex,
};
use time::macros::datetime;

use super::{library::*, *};
use crate::{
    listed_image,
    routes::{list_images::PARAMETERS, read_result},
};

#[tokio::test]
async fn images_are_listed_newest_first_and_as_described() {
    let (store, index) = three().await;
    let mut document: ResultDocument = serde_json::from_value(read_result::example()).unwrap();
    document.source.last_modified = Some(datetime!(2026-01-01 12:00 UTC));
    let rendition = |key, width, height| Some(Rendition { key, width, height });
    document.thumbnail = rendition(document.source.key.thumbnail_key(), 320, 240);
    document.preview = rendition(document.source.key.preview_key(), 1440, 1080);
    document.image.as_mut().unwrap().taken_at = Some("2025-12-31T23:59:05+01:00".to_owned());
    index.put(&Entry::from_document(&document)).await.unwrap();
    let api = library(store, &index, OPEN);
    let reply = get(api.clone(), "/images").await;
    let example = document.source.key.as_str();
    assert_eq!(
        keys(&reply),
        ["uploads/a.jpg", "uploads/b.jpg", "inline/c.jpg", example]
    );
    assert!(reply.json().get("cursor").is_none());
    let head = ask(api.clone(), Method::HEAD, "/images").await;
    assert_eq!((head.status, head.body), (StatusCode::OK, Vec::new()));

    let mut shown = get(api, "/images?label=cat&minConfidence=97.3&limit=5")
        .await
        .json();
    let image = shown["images"][1].take();
    let mut expected = listed_image::example();
    for (member, folder) in [("thumbnail", "thumbnails"), ("preview", "previews")] {
        let url = image[member]["url"].as_str().unwrap();
        assert!(
            url.starts_with(&format!(
                "https://{OUTPUT}.s3.eu-west-1.amazonaws.com/{folder}/{example}.jpg?"
            )) && url.contains("X-Amz-Expires=900&"),
            "{url}"
        );
        expected[member]["url"] = json!(url);
    }
    assert_eq!(image, expected);
}

#[tokio::test]
async fn images_are_found_by_label_category_and_status() {
    let (store, index) = three().await;
    let api = library(store, &index, OPEN);
    for (query, expected) in [
        ("label=Dog", &["uploads/b.jpg", "inline/c.jpg"][..]),
        (
            "label=dOG&minConfidence=70",
            &["uploads/b.jpg", "inline/c.jpg"],
        ),
        ("label=dog&minConfidence=70.1", &["uploads/b.jpg"]),
        ("label=Bird", &[]),
        (
            "category=animals+and%20pets&minConfidence=70.1",
            &["uploads/a.jpg", "uploads/b.jpg"],
        ),
        ("category=Dog", &[]),
        (
            "status=succeeded&label=cat",
            &["uploads/a.jpg", "inline/c.jpg"],
        ),
        ("status=failed", &[]),
        (
            "label=&status=&limit=&cursor=&label=Ball",
            &["uploads/b.jpg"],
        ),
        (
            "limit=100",
            &["uploads/a.jpg", "uploads/b.jpg", "inline/c.jpg"],
        ),
    ] {
        let reply = get(api.clone(), &format!("/images?{query}")).await;
        assert_eq!(keys(&reply), expected, "{query}");
    }
    let best = get(api.clone(), "/images?category=Animals+and+Pets")
        .await
        .json();
    assert_eq!(best["images"][2]["confidence"], 70.0);
    let counts = get(api, "/labels").await;
    assert_eq!(counts.header("cache-control"), "no-store");
    assert_eq!(
        counts.json(),
        json!({
            "labels": [
                {"name": "Cat", "images": 2},
                {"name": "Dog", "images": 2},
                {"name": "Ball", "images": 1},
            ],
            "categories": [{"name": PETS, "images": 3}, {"name": "Sports", "images": 1}],
            "images": 3,
        })
    );
}

/// Adds an image with labels that have other names and ancestors, text, a file name, colours and a time of taking.
async fn add_car(store: &MemoryStore, index: &MemoryIndex) {
    let mut document = add(store, index, "uploads/car.jpg", 5, &[]).await;
    document.source.sequencer = Some("02".to_owned());
    document.source.filename = Some("Holiday_2024-beaches.JPG".to_owned());
    document.image.as_mut().unwrap().taken_at = Some("2024-05-01T13:20:05+02:00".to_owned());
    let parents = json!([{"Name": "Vehicle"}]);
    document.rekognition["detectLabels"] = json!({
        "Labels": [
            {"Name": "Vehicle", "Confidence": 99.0, "Categories": [{"Name": "Transport"}]},
            {"Name": "Car", "Confidence": 88.0, "Parents": parents, "Aliases": [{"Name": "Automobile"}],
             "Categories": [{"Name": "Transport"}]},
            {"Name": "Dog", "Confidence": 60.0, "Categories": [{"Name": PETS}]},
            {"Name": "Traffic Light", "Confidence": 77.0, "Categories": [{"Name": "Transport"}],
             "Aliases": [{"Name": "Stop Light"}]},
        ],
        "ImageProperties": {"DominantColors": [
            {"SimplifiedColor": "blue", "PixelPercent": 61.0},
            {"SimplifiedColor": "grey", "PixelPercent": 12.0},
            {"SimplifiedColor": "red", "PixelPercent": 2.0},
        ]},
    });
    let text = json!({"TextDetections": [
        {"Type": "LINE", "DetectedText": "FIRE exit"},
        {"Type": "WORD", "DetectedText": "unread"},
    ]});
    document.rekognition.insert("detectText".to_owned(), text);
    index.put(&Entry::from_document(&document)).await.unwrap();
}

#[tokio::test]
async fn words_find_labels_other_names_text_file_names_and_colours() {
    let (store, index) = three().await;
    add_car(&store, &index).await;
    let api = library(store, &index, OPEN);
    let car = &["uploads/car.jpg"][..];
    let (a, b, c) = ("uploads/a.jpg", "uploads/b.jpg", "inline/c.jpg");
    for (query, expected) in [
        // Other names, singular and plural.
        ("label=automobile", car),
        ("label=AUTOMOBILES", car),
        ("label=dogs&label=cats", &[c]),
        ("label=Dog&label=Cat", &[c]),
        ("label=dog&notLabel=cats", &[car[0], b]),
        (
            "category=animal+and+pet&notCategory=sport&notLabel=Automobile",
            &[a, c],
        ),
        // Bare words.
        ("q=dog", &[car[0], b, c]),
        ("q=dogs+cats", &[c]),
        ("q=dogs+-cat+-automobile", &[b]),
        ("q=%22animals+and+pets%22+-dog", &[a]),
        ("q=exit", car),
        ("q=exits+automobile+blue+holiday", car),
        ("q=%22fire+exit%22", car),
        ("q=%22exit+strategy%22", &[]),
        ("q=2024", car),
        ("q=dog+%26+blue", car),
        ("q=-blue+dog", &[b, c]),
        ("q=label:exit", &[]),
        ("q=text:exit", car),
        ("q=text:unread", &[]),
        ("q=name:beach+color:gray", car),
        ("q=name:jpg+category:transport", car),
        ("q=color:red", &[]),
        ("q=-text:exit+label:dog", &[b, c]),
        // Bare words that are one name together.
        ("q=traffic+light", car),
        ("q=dog+Traffic+LIGHTS+exit", car),
        ("q=stop+light+dogs", car),
        ("q=animals+and+pets+-dog", &[a]),
        ("q=-traffic+light", &[a, b, c]),
        ("q=-traffic+light+dog", &[b, c]),
        ("q=traffic", &[]),
        ("q=light+traffic", &[]),
        ("q=text:traffic+light", &[]),
        // Single kinds.
        ("text=fire+exit", car),
        ("text=fire&text=water", &[]),
        ("filename=beach&filename=jpg", car),
        ("color=Blue&color=grey", car),
        ("color=blue&color=red", &[]),
        // The confidence is that of labels and categories. Text, file names and colours have none, and exclusions ignore it.
        ("q=exit&minConfidence=100", car),
        ("q=beach+blue&minConfidence=100", car),
        ("q=traffic+light&minConfidence=77", car),
        ("q=traffic+light&minConfidence=77.1", &[]),
        ("label=dog&text=exit&color=blue&minConfidence=60", car),
        ("label=dog&text=exit&color=blue&minConfidence=60.1", &[]),
        ("label=cat&notLabel=dog&minConfidence=90", &[a]),
        ("q=cat+-dog&minConfidence=90", &[a]),
        ("q=exit+dog&minConfidence=61", &[]),
        ("q=exit+dog&minConfidence=60", car),
        (
            "label=dog&category=animals+and+pets&minConfidence=65",
            &[b, c],
        ),
    ] {
        let reply = get(api.clone(), &format!("/images?{query}")).await;
        assert_eq!(keys(&reply), expected, "{query}");
        if !expected.is_empty() {
            assert!(reply.json().get("didYouMean").is_none(), "{query}");
        }
    }
    let reply = get(api.clone(), "/images?q=automobile").await.json();
    let image = &reply["images"][0];
    assert_eq!(image["confidence"], 88.0);
    assert_eq!(image["takenAt"], "2024-05-01T13:20:05+02:00");
    let names: Vec<_> = (image["labels"].as_array().unwrap().iter())
        .map(|label| label["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["Car", "Traffic Light", "Dog", "Vehicle"]);
    let reply = get(api.clone(), "/images?q=exit").await.json();
    assert!(reply["images"][0].get("confidence").is_none());
    let labels = get(api, "/labels").await.json();
    assert_eq!(labels["images"], 4);
    let car = json!({"name": "Car", "images": 1, "aliases": ["Automobile"]});
    assert!(labels["labels"].as_array().unwrap().contains(&car));
}

#[tokio::test]
async fn images_are_sorted_and_limited_by_date() {
    let (store, index) = three().await;
    add_car(&store, &index).await;
    let api = library(store, &index, OPEN);
    let (a, b, c, car) = (
        "uploads/a.jpg",
        "uploads/b.jpg",
        "inline/c.jpg",
        "uploads/car.jpg",
    );
    for (query, expected) in [
        ("sort=newest", &[car, a, b, c][..]),
        ("sort=oldest", &[c, b, a, car]),
        ("sort=taken", &[a, b, c, car]),
        ("label=dog&sort=confidence", &[b, c, car]),
        ("q=dog&sort=confidence&minConfidence=70", &[b, c]),
        ("category=animals+and+pets&sort=confidence", &[a, b, c, car]),
        ("from=2026-03-01", &[car, a, b, c]),
        ("from=2026-03-02", &[]),
        ("to=2026-03-01", &[car, a, b, c]),
        ("to=2026-02-28", &[]),
        (
            "from=2026-03-01T20:02:00Z&to=2026-03-01T21:03:00%2B01:00",
            &[a, b],
        ),
        ("sort=taken&to=2024-05-01", &[car]),
        // By the camera's clock, whatever the offsets.
        ("sort=taken&from=2024-05-01&to=2024-05-01T13:20:05Z", &[car]),
        ("sort=taken&to=2024-05-01T13:20:05%2B09:00", &[car]),
        ("sort=taken&to=2024-05-01T13:20:04Z", &[]),
        ("sort=taken&q=dog&from=2024-05-02", &[b, c]),
    ] {
        let reply = get(api.clone(), &format!("/images?{query}")).await;
        assert_eq!(keys(&reply), expected, "{query}");
        // The same in pages of one image.
        let mut seen = Vec::new();
        let mut page = format!("{query}&limit=1");
        loop {
            let reply = get(api.clone(), &format!("/images?{page}")).await;
            seen.extend(keys(&reply));
            match reply.json()["cursor"].as_str() {
                Some(cursor) => page = format!("{query}&limit=1&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(seen, expected, "{query}");
    }
}

#[tokio::test]
async fn a_near_miss_is_answered_with_similar_names() {
    let (store, index) = three().await;
    add_car(&store, &index).await;
    let api = library(store, &index, OPEN);
    for (query, expected) in [
        ("q=dgo", json!([{"word": "dgo", "names": ["Dog"]}])),
        (
            "q=dgo+autmobile",
            json!([
                {"word": "dgo", "names": ["Dog"]},
                {"word": "autmobile", "names": ["Automobile"]},
            ]),
        ),
        ("label=Kat", json!([{"word": "Kat", "names": ["Cat"]}])),
        ("q=dog+-cta", json!([{"word": "cta", "names": ["Cat"]}])),
        (
            "category=Transprot",
            json!([{"word": "Transprot", "names": ["Transport"]}]),
        ),
        // Names of several words.
        (
            "q=trafic+ligth+dog",
            json!([{"word": "trafic ligth", "names": ["Traffic Light"]}]),
        ),
        (
            "q=dog+-trafic+light",
            json!([{"word": "trafic light", "names": ["Traffic Light"]}]),
        ),
        (
            "q=traffic",
            json!([{"word": "traffic", "names": ["Traffic Light"]}]),
        ),
        // Colours, and words of texts and file names.
        ("q=bleu", json!([{"word": "bleu", "names": ["Blue"]}])),
        (
            "color=gren",
            json!([{"word": "gren", "names": ["Green", "Grey"]}]),
        ),
        ("color=green", Value::Null),
        ("text=exti", json!([{"word": "exti", "names": ["exit"]}])),
        (
            "q=Holidya",
            json!([{"word": "Holidya", "names": ["holiday"]}]),
        ),
        (
            "filename=holidya",
            json!([{"word": "holidya", "names": ["holiday"]}]),
        ),
        ("text=holidya", Value::Null),
        // No picture has it, and nothing is similar.
        ("q=xylophone", Value::Null),
        // Words that pictures have in another way.
        ("q=exit+cat", Value::Null),
        ("label=dog&status=failed", Value::Null),
    ] {
        let reply = get(api.clone(), &format!("/images?{query}")).await.json();
        assert_eq!(
            reply.get("didYouMean").unwrap_or(&Value::Null),
            &expected,
            "{query}"
        );
    }
    // On the first page only.
    let first = get(api.clone(), "/images?q=dog+-cta&limit=1").await.json();
    assert!(first.get("didYouMean").is_some());
    let cursor = first["cursor"].as_str().unwrap();
    let next = format!("/images?q=dog+-cta&limit=1&cursor={cursor}");
    assert!(get(api, &next).await.json().get("didYouMean").is_none());
}

#[tokio::test]
async fn images_are_found_by_faces_emotion_and_age() {
    let (store, index) = three().await;
    let face = |low, high, emotion| {
        json!({
            "Confidence": 99.0,
            "AgeRange": {"Low": low, "High": high},
            "Emotions": [{"Type": emotion, "Confidence": 90.0}],
        })
    };
    for (key, minutes, faces) in [
        (
            "uploads/family.jpg",
            4,
            vec![face(30, 38, "HAPPY"), face(2, 6, "CALM")],
        ),
        ("uploads/portrait.jpg", 5, vec![face(60, 68, "CALM")]),
    ] {
        let labels = [("Dog", 80.0, PETS)];
        let mut document = add(&store, &index, key, minutes, &labels).await;
        document.source.sequencer = Some("02".to_owned());
        document.summary.faces = Some(sightline_pipeline::document::Faces {
            count: faces.len(),
            emotions: Vec::new(),
        });
        let answer = json!({ "FaceDetails": faces });
        document
            .rekognition
            .insert("detectFaces".to_owned(), answer);
        index.put(&Entry::from_document(&document)).await.unwrap();
    }
    let api = library(store, &index, OPEN);
    let (family, portrait) = ("uploads/family.jpg", "uploads/portrait.jpg");
    for (query, expected) in [
        ("minFaces=1", &[portrait, family][..]),
        ("minFaces=2", &[family]),
        ("minFaces=3", &[]),
        ("emotion=calm", &[portrait, family]),
        ("emotion=Happy&minFaces=2", &[family]),
        ("emotion=Fear", &[]),
        ("ageFrom=38&ageTo=60", &[portrait, family]),
        ("ageFrom=39&ageTo=59", &[]),
        ("ageTo=2", &[family]),
        ("ageFrom=61", &[portrait]),
        // Met by different faces.
        ("emotion=Happy&ageTo=6", &[family]),
        ("label=dog&ageFrom=7&ageTo=30", &[family]),
        ("label=cat&minFaces=1", &[]),
        ("label=Happy", &[family]),
        ("category=expressions+and+emotions", &[portrait, family]),
        ("status=failed&minFaces=1", &[]),
    ] {
        let reply = get(api.clone(), &format!("/images?{query}")).await;
        assert_eq!(keys(&reply), expected, "{query}");
    }
    let shown = get(api, "/images?emotion=Happy").await.json();
    let image = &shown["images"][0];
    assert_eq!(
        (&image["faces"], &image["emotions"]),
        (&json!(2), &json!(["Happy", "Calm"]))
    );
    assert_eq!(
        image["ages"],
        json!([{"low": 2, "high": 6}, {"low": 30, "high": 38}])
    );
    assert!(image.get("confidence").is_none());
}

#[tokio::test]
async fn no_page_repeats_or_misses_images_when_others_are_added() {
    let (store, index) = three().await;
    let api = library(store.clone(), &index, OPEN);
    let (mut seen, mut query) = (Vec::new(), "limit=1".to_owned());
    loop {
        let reply = get(api.clone(), &format!("/images?{query}")).await;
        seen.extend(keys(&reply));
        let list = reply.json();
        let Some(cursor) = list["cursor"].as_str() else {
            break;
        };
        query = format!("limit=1&cursor={cursor}");
        let newer = format!("uploads/newer{}.jpg", seen.len());
        add(&store, &index, &newer, 10, &[]).await;
    }
    assert_eq!(seen, ["uploads/a.jpg", "uploads/b.jpg", "inline/c.jpg"]);
}

#[tokio::test]
async fn a_cursor_works_only_for_its_own_list() {
    let (store, index) = three().await;
    let api = library(store.clone(), &index, OPEN);
    let list = get(api.clone(), "/images?label=dog&limit=1").await.json();
    let cursor = list["cursor"].as_str().unwrap();
    let same = format!("/images?label=DOG&limit=7&cursor={cursor}");
    assert_eq!(keys(&get(api.clone(), &same).await), ["inline/c.jpg"]);
    for query in [
        format!("cursor={cursor}"),
        format!("label=cat&cursor={cursor}"),
        format!("category=dog&cursor={cursor}"),
        format!("label=dog&minConfidence=1&cursor={cursor}"),
        format!("label=dog&status=failed&cursor={cursor}"),
        format!("label=dog&minFaces=1&cursor={cursor}"),
        format!("label=dog&cursor={cursor}x"),
        "cursor=1".to_owned(),
        "cursor=%F0%9F%90%88".to_owned(),
    ] {
        let reply = get(api.clone(), &format!("/images?{query}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(reply.code(), "invalid-cursor");
        assert_eq!(reply.json()["member"], "cursor");
    }
    // It does not work for another caller's list either.
    let own = library(store, &index, OWNER);
    let reply = by(&own, Some("anne"), Method::GET, &same).await;
    assert_eq!(reply.code(), "invalid-cursor");
}

#[tokio::test]
async fn invalid_queries_are_rejected() {
    let index = MemoryIndex::new();
    let long = format!("label={}", "x".repeat(256));
    let wordy = format!("text={}&text={0}", "a+".repeat(60));
    for (query, member) in [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=-1", "limit"),
        ("limit=many", "limit"),
        ("minConfidence=80", "minConfidence"),
        ("label=Dog&minConfidence=-0.1", "minConfidence"),
        ("label=Dog&minConfidence=100.1", "minConfidence"),
        ("label=Dog&minConfidence=NaN", "minConfidence"),
        ("label=Dog&minConfidence=80%25", "minConfidence"),
        ("sort=size", "sort"),
        ("sort=confidence", "sort"),
        ("sort=oldest&sort=newest", "sort"),
        ("text=exit&sort=confidence", "sort"),
        ("text=exit&minConfidence=80", "minConfidence"),
        ("from=yesterday", "from"),
        ("to=2026-13-01", "to"),
        ("from=2026-01-02&to=2026-01-01", "to"),
        ("q=dog&q=cat", "q"),
        (
            "q=1+2+3+4+5+6+7+8+9+10+11+12+13+14+15+16+17+18+19+20+21",
            "q",
        ),
        ("status=done", "status"),
        ("minFaces=0", "minFaces"),
        ("minFaces=101", "minFaces"),
        ("emotion=Joy", "emotion"),
        ("ageFrom=-1", "ageFrom"),
        ("ageTo=151", "ageTo"),
        ("ageFrom=40&ageTo=20", "ageTo"),
        ("Label=Dog", "Label"),
        ("minconfidence=80", "minconfidence"),
        (&*long, "label"),
        (&*wordy, "q"),
    ] {
        let store = MemoryStore::new();
        let api = library(store.clone(), &index, OPEN);
        let reply = get(api, &format!("/images?{query}")).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{query}");
        assert_eq!(reply.code(), "invalid-parameter", "{query}");
        assert_eq!(reply.json()["member"], member);
    }
    let unknown = get(
        library(MemoryStore::new(), &index, OPEN),
        "/images?query=dog",
    )
    .await;
    assert_eq!(unknown.json()["allowed"], json!(PARAMETERS));
}
