//! Preparing pictures: formats, sizes, analyses and thumbnails.

use std::time::Duration;

use serde_json::{Value, json};
use sightline_pipeline::{
    document::{ResultDocument, Status},
    object_store::ObjectStore,
    recogniser::ImageSource,
};

use super::support::{
    IN, KEY, OUT, PREVIEW, RESULT, RESULTS, THUMBNAIL, TestProcessor, config, direct_event,
    invocation, jpeg, message, options, picture,
};

#[tokio::test]
async fn a_picture_that_cannot_be_analysed_gets_a_failed_document_without_a_call() {
    let png = |width: u32, height: u32| {
        let mut bytes = b"\x89PNG\r\n\x1A\n\0\0\0\x0DIHDR".to_vec();
        bytes.extend(width.to_be_bytes());
        bytes.extend(height.to_be_bytes());
        bytes
    };
    let mut endless = b"\xFF\xD8".to_vec();
    while endless.len() < 2 * 1024 * 1024 {
        endless.extend(b"\xFF\xE2\xFF\xFF");
        endless.extend([0; 65_533]);
    }
    let whole = picture();
    let cases: Vec<(&str, Vec<u8>, Option<&str>)> = vec![
        ("EmptyObject", Vec::new(), None),
        ("NotAnImage", b"%PDF-1.7".to_vec(), None),
        (
            "UnsupportedFormat",
            b"\0\0\0\x18ftypheic\0\0\0\0mif1heic".to_vec(),
            None,
        ),
        (
            "DamagedImage",
            b"GIF89a\xF0\0\xF0\0\0\0\0;".to_vec(),
            Some("gif"),
        ),
        (
            "TruncatedImage",
            b"GIF89a\xF0\0\xF0\0\0\0\0".to_vec(),
            Some("gif"),
        ),
        ("DamagedImage", b"\xFF\xD8\xFF\xDA\0\x02".to_vec(), None),
        ("DamagedImage", png(0, 0), None),
        ("TruncatedImage", whole[..8].to_vec(), None),
        ("TruncatedImage", endless, None),
        (
            "TruncatedImage",
            whole[..whole.len() / 2].to_vec(),
            Some("jpeg"),
        ),
        ("ImageTooSmall", jpeg(79, 500, b""), Some("jpeg")),
        ("ImageTooSmall", png(500, 79), Some("png")),
        ("ImageTooLarge", png(60_000, 60_000), Some("png")),
        ("ImageTooNarrow", jpeg(20_000, 80, b""), Some("jpeg")),
    ];
    let test = TestProcessor::new("labels");
    for (number, (code, body, format)) in cases.iter().enumerate() {
        let key = format!("uploads/{number}");
        let info = test.upload(&key, body);
        let event = message(&key, &info, "01");
        assert!(test.failures(event).await.is_empty(), "{number}");
        let document = test.document(&key);
        assert_eq!(document["status"], "failed", "{number}");
        assert_eq!(document["errors"][0]["code"], *code, "{number}");
        assert_eq!(document["image"]["format"].as_str(), *format, "{number}");
        assert_eq!(document["rekognition"], json!({}));
        assert_eq!(document["cost"]["calls"], 0);
    }
    assert_eq!(test.recogniser.count(), 0);
    assert_eq!(test.store.keys(OUT).len(), cases.len(), "no lease is left");
}

#[tokio::test]
async fn pictures_that_rekognition_does_not_take_are_converted() {
    let mut gif = Vec::new();
    image::codecs::gif::GifEncoder::new(&mut gif)
        .encode(
            &[90; 200 * 100 * 3],
            200,
            100,
            image::ExtendedColorType::Rgb8,
        )
        .unwrap();
    let mut heavy = picture();
    heavy.resize(15 * 1024 * 1024 + 1, 0);
    let test = TestProcessor::new("labels");
    for (key, body, reason, size) in [
        ("uploads/a.gif", gif, "format", (200, 100)),
        ("uploads/b.jpg", heavy, "bytes", (640, 480)),
        (
            "uploads/c.jpg",
            jpeg(10_240, 320, b""),
            "pixels",
            (4096, 128),
        ),
    ] {
        let info = test.upload(key, &body);
        test.handle(direct_event(key, &info, "01")).await.unwrap();
        let document: ResultDocument = serde_json::from_value(test.document(key)).unwrap();
        assert_eq!(document.status, Status::Succeeded, "{key}");
        let prepared = document.image.unwrap().prepared.unwrap();
        assert_eq!(json!(prepared.reason), reason);
        assert_eq!((prepared.width, prepared.height), size, "{key}");
        let calls = test.recogniser.calls();
        let Some(ImageSource::Bytes(given)) = calls.last().map(|call| &call.image) else {
            panic!("{key} was given by reference");
        };
        let header = sightline_pipeline::prepare::read_header(given).unwrap();
        assert_eq!(header.size, Some(size));
        assert_eq!(document.thumbnail.unwrap().width, size.0.min(320));
        let preview = document.preview.map(|preview| preview.width);
        assert_eq!(preview, (size.0 > 320).then_some(size.0.min(1440)), "{key}");
    }
}

#[tokio::test]
async fn size_limits_are_exact() {
    let test = TestProcessor::new("labels,ppe");
    for (key, width, height, analyses, status) in [
        ("uploads/least", 80, 80, "labels", "succeeded"),
        ("uploads/most", 10_000, 80, "labels", "succeeded"),
        ("uploads/ppe", 64, 64, "ppe", "succeeded"),
        ("uploads/less", 63, 64, "ppe", "failed"),
        ("uploads/both", 64, 64, "labels,ppe", "failed"),
    ] {
        let info = test.store.insert(
            IN,
            key,
            &jpeg(width, height, b""),
            "image/jpeg",
            &[("analyses", analyses)],
        );
        test.handle(direct_event(key, &info, "01")).await.unwrap();
        assert_eq!(test.document(key)["status"], status, "{key}");
    }
}

#[tokio::test]
async fn a_header_deep_in_the_file_is_found() {
    let picture = picture();
    let mut bytes = b"\xFF\xD8".to_vec();
    for _ in 0..5 {
        bytes.extend(b"\xFF\xE2\xFF\xFF");
        bytes.extend([0; 65_533]);
    }
    bytes.extend(&picture[2..]);
    let test = TestProcessor::new("labels");
    let info = test.upload(KEY, &bytes);
    test.handle(direct_event(KEY, &info, "01")).await.unwrap();
    assert_eq!(test.document(KEY)["image"]["width"], 640);
}

#[tokio::test]
async fn the_uploader_chooses_among_the_enabled_analyses() {
    let test = TestProcessor::new("labels,faces,text");
    for (number, (asked, analyses, calls)) in [
        ("faces", json!(["faces"]), 1),
        (" text , cats,faces", json!(["faces", "text"]), 2),
        ("faces,moderation", json!(["faces"]), 1),
        ("", json!(["labels", "faces", "text"]), 3),
        ("cats", json!(["labels", "faces", "text"]), 3),
        ("moderation", json!(["moderation"]), 0),
    ]
    .into_iter()
    .enumerate()
    {
        let key = format!("uploads/{number}");
        let before = test.recogniser.count();
        let info = test
            .store
            .insert(IN, &key, &picture(), "image/jpeg", &[("analyses", asked)]);
        test.handle(direct_event(&key, &info, "01")).await.unwrap();
        let document = test.document(&key);
        assert_eq!(document["analyses"], analyses, "{asked:?}");
        assert_eq!(test.recogniser.count() - before, calls, "{asked:?}");
        if calls == 0 {
            assert_eq!(document["errors"][0]["code"], "AnalysisNotEnabled");
        }
    }
}

#[tokio::test]
async fn the_renditions_of_a_newer_version_stay() {
    let test = TestProcessor::new("labels");
    let store_renditions = |sequencer: &str, body: &[u8]| {
        for key in [THUMBNAIL, PREVIEW] {
            test.store.insert(
                OUT,
                key,
                body,
                "image/jpeg",
                &[("source-e-tag", "other"), ("source-sequencer", sequencer)],
            );
        }
    };
    let info = test.upload(KEY, &picture());
    let event = direct_event(KEY, &info, "02");
    store_renditions("03", b"newer");
    test.handle(event.clone()).await.unwrap();
    for (member, key) in [("thumbnail", THUMBNAIL), ("preview", PREVIEW)] {
        assert_eq!(test.document(KEY)[member], Value::Null);
        assert_eq!(test.store.body(OUT, key).unwrap(), b"newer");
    }
    test.store.delete(OUT, RESULT).await.unwrap();
    store_renditions("01", b"older");
    test.handle(event).await.unwrap();
    for (member, key, size) in [
        ("thumbnail", THUMBNAIL, (320, 240)),
        ("preview", PREVIEW, (640, 480)),
    ] {
        assert_eq!(
            test.document(KEY)[member],
            json!({"key": key, "width": size.0, "height": size.1})
        );
        let jpeg = test.store.body(OUT, key).unwrap();
        let header = sightline_pipeline::prepare::read_header(&jpeg).unwrap();
        assert_eq!(header.size, Some(size));
    }
}

#[tokio::test]
async fn a_failed_replacement_deletes_the_older_renditions() {
    let test = TestProcessor::new("labels");
    let first = test.upload(KEY, &picture());
    let event = message(KEY, &first, "01");
    assert!(test.failures(event).await.is_empty());
    assert_eq!(test.store.keys(OUT), RESULTS);
    // The first is rejected by its header, the second by decoding.
    let cut = &picture()[..1200];
    for (sequencer, bytes) in [("02", b"no picture".as_slice()), ("04", cut)] {
        let info = test.upload(KEY, bytes);
        let event = message(KEY, &info, sequencer);
        assert!(test.failures(event).await.is_empty());
        assert_eq!(test.document(KEY)["status"], "failed");
        assert_eq!(test.document(KEY)["thumbnail"], Value::Null);
        assert_eq!(test.store.keys(OUT), [RESULT], "{sequencer}");
        // Restore the picture for the next round.
        let again = test.upload(KEY, &picture());
        let sequencer = format!("{sequencer}F");
        let event = message(KEY, &again, &sequencer);
        assert!(test.failures(event).await.is_empty());
        assert_eq!(test.store.keys(OUT), RESULTS);
    }
}

#[tokio::test]
async fn a_small_replacement_deletes_the_older_preview() {
    let test = TestProcessor::new("labels");
    let first = test.upload(KEY, &picture());
    assert!(test.failures(message(KEY, &first, "01")).await.is_empty());
    assert_eq!(test.store.keys(OUT), RESULTS);
    let second = test.upload(KEY, &jpeg(320, 240, b""));
    assert!(test.failures(message(KEY, &second, "02")).await.is_empty());
    assert_eq!(test.store.keys(OUT), [RESULT, THUMBNAIL]);
    assert_eq!(test.document(KEY)["thumbnail"]["width"], 320);
    assert_eq!(test.document(KEY)["preview"], Value::Null);
}

#[tokio::test]
async fn either_rendition_can_be_disabled() {
    for (thumbnail_px, preview_px, keys) in [
        (0, 0, &[RESULT][..]),
        (128, 0, &[RESULT, THUMBNAIL]),
        (0, 1440, &[PREVIEW, RESULT]),
    ] {
        let test = TestProcessor::new("labels");
        let mut config = config("labels");
        config.settings.thumbnail_px = thumbnail_px;
        config.settings.preview_px = preview_px;
        let processor = test.another_processor(config, options(&test.clock, Duration::ZERO));
        let info = test.upload(KEY, &picture());
        let event = direct_event(KEY, &info, "01");
        processor.handle(event, &invocation(60)).await.unwrap();
        assert_eq!(test.store.keys(OUT), keys);
        let document = test.document(KEY);
        assert_eq!(document["thumbnail"].is_null(), thumbnail_px == 0);
        assert_eq!(document["preview"].is_null(), preview_px == 0);
    }
}
