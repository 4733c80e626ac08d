//! DetectText with the Tesseract of this machine, which `tests/run` requires.

use crate::needs;
use crate::world::{World, grey, in_checkout, inline, portrait, recognisers, refusal};
use aws_sdk_rekognition::types::{
    BoundingBox, DetectTextFilters, DetectionFilter, RegionOfInterest, TextDetection, TextTypes,
};
use sightline_vision::Tesseract;
use std::{fs, path::Path};

/// `None`, with a note, if Tesseract is not installed.
async fn world() -> Option<World> {
    let Ok(tesseract) = Tesseract::open(Path::new("tesseract")) else {
        needs::not_run("Tesseract, in Debian the package tesseract-ocr");
        return None;
    };
    Some(World::start_with(|settings| settings.recognisers = recognisers(Some(tesseract))).await)
}

/// A screenshot of an earlier upload page, with 48 colours; its heading is at the top left.
fn page() -> Vec<u8> {
    fs::read(in_checkout("tests/it_rekognition/page.png")).unwrap()
}

fn texts(detections: &[TextDetection], r#type: &TextTypes) -> Vec<String> {
    detections
        .iter()
        .filter(|detection| detection.r#type() == Some(r#type))
        .map(|detection| detection.detected_text().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_page_is_read_in_the_requested_region() {
    let Some(world) = world().await else { return };
    let client = world.rekognition();
    let part = |top: f32, height: f32| {
        let area = BoundingBox::builder()
            .left(0.0)
            .top(top)
            .width(1.0)
            .height(height)
            .build();
        RegionOfInterest::builder().bounding_box(area).build()
    };
    let ask = |filters| {
        let image = inline(page());
        client.detect_text().image(image).filters(filters).send()
    };
    let top = DetectTextFilters::builder()
        .regions_of_interest(part(0.0, 0.3))
        .build();
    let answer = ask(top).await.unwrap();
    let found = answer.text_detections();
    let words = texts(found, &TextTypes::Word);
    assert!(words.contains(&"pictures".to_owned()), "{words:?}");
    assert_eq!(
        texts(found, &TextTypes::Line).join(" "),
        words.join(" "),
        "lines are made of the words"
    );
    let version = answer.text_model_version().unwrap();
    assert!(version.starts_with("tesseract-"), "{version}");
    for (number, detection) in found.iter().enumerate() {
        assert_eq!(detection.id(), i32::try_from(number).ok());
        let geometry = detection.geometry().unwrap();
        let area = geometry.bounding_box().unwrap();
        let middle = area.top().unwrap() + area.height().unwrap() / 2.0;
        assert!((0.0..=0.3).contains(&middle), "{detection:?}");
        assert_eq!(geometry.polygon().len(), 4);
        assert_eq!(
            detection.parent_id().is_some(),
            detection.r#type() == Some(&TextTypes::Word)
        );
    }

    let bottom = DetectTextFilters::builder()
        .regions_of_interest(part(0.9, 0.1))
        .build();
    let below = ask(bottom).await.unwrap();
    assert!(!texts(below.text_detections(), &TextTypes::Word).contains(&"pictures".to_owned()));
    let sure = DetectionFilter::builder().min_confidence(100.0).build();
    let filters = DetectTextFilters::builder().word_filter(sure).build();
    assert!(ask(filters).await.unwrap().text_detections().len() < found.len());
}

#[tokio::test]
async fn an_image_without_text_has_no_detections() {
    let Some(world) = world().await else { return };
    let client = world.rekognition();
    for picture in [grey(200, 100), portrait()] {
        let answer = client
            .detect_text()
            .image(inline(picture))
            .send()
            .await
            .unwrap();
        assert!(answer.text_detections().is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn invalid_images_and_regions_are_rejected() {
    let Some(world) = world().await else { return };
    let client = world.rekognition();
    let error = client
        .detect_text()
        .image(inline(b"no picture".to_vec()))
        .send()
        .await;
    assert_eq!(
        refusal(&error.unwrap_err()).code,
        "InvalidImageFormatException"
    );
    let region = RegionOfInterest::builder().build();
    let filters = DetectTextFilters::builder()
        .regions_of_interest(region)
        .build();
    let call = client.detect_text().image(inline(page())).filters(filters);
    let error = refusal(&call.send().await.unwrap_err());
    assert_eq!(error.code, "InvalidParameterException");
    assert!(
        error.message.contains("filters.regionsOfInterest[0]"),
        "{}",
        error.message
    );
}
