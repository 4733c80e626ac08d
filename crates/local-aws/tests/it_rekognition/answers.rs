//! Responses of DetectLabels.

use crate::world::{BUCKET, KEY_ID, World, grey, inline, portrait, stored};
use aws_sdk_rekognition::{operation::RequestId, types::DetectLabelsFeatureName};
use serde_json::json;

#[tokio::test]
async fn a_person_is_detected_with_a_box() {
    let world = World::start().await;
    let answer = world
        .rekognition()
        .detect_labels()
        .image(inline(portrait()))
        .send()
        .await
        .unwrap();
    let person = answer
        .labels()
        .iter()
        .find(|label| label.name() == Some("Person"))
        .unwrap();
    assert!(person.confidence().unwrap() >= 55.0);
    assert!(!person.categories().is_empty());
    let area = person.instances()[0].bounding_box().unwrap();
    // The face is near (0.44, 0.22).
    let (left, top) = (area.left().unwrap(), area.top().unwrap());
    assert!(left < 0.44 && 0.44 < left + area.width().unwrap());
    assert!(top < 0.22 && 0.22 < top + area.height().unwrap());
    assert!(answer.label_model_version().is_some());
    assert!(answer.image_properties().is_none());
    assert!(answer.orientation_correction().is_none());
}

#[tokio::test]
async fn bytes_and_s3_object_have_the_same_response() {
    let world = World::start().await;
    let key = "uploads/my cat+1 ü%.jpg";
    world.put(key, portrait()).await;
    let ask = |image| {
        world
            .rekognition()
            .detect_labels()
            .image(image)
            .min_confidence(20.0)
            .features(DetectLabelsFeatureName::GeneralLabels)
            .features(DetectLabelsFeatureName::ImageProperties)
            .send()
    };
    let sent = ask(inline(portrait())).await.unwrap();
    let there = ask(stored(BUCKET, key)).await.unwrap();
    assert_eq!(sent.labels(), there.labels());
    assert_eq!(sent.image_properties(), there.image_properties());
    let properties = there.image_properties().unwrap();
    assert!(properties.quality().unwrap().sharpness().is_some());
    assert!(!properties.dominant_colors().is_empty());
}

#[tokio::test]
async fn every_call_is_recorded_without_its_image() {
    let world = World::start().await;
    world.put("uploads/a b.png", grey(100, 100)).await;
    let client = world.rekognition();
    let inline_id = client
        .detect_labels()
        .image(inline(grey(100, 100)))
        .send()
        .await
        .unwrap();
    let stored_id = client
        .detect_labels()
        .image(stored(BUCKET, "uploads/a b.png"))
        .send()
        .await
        .unwrap();
    client
        .detect_faces()
        .image(inline(grey(100, 100)))
        .send()
        .await
        .unwrap_err();
    let calls = world.into_calls().await;
    let calls: Vec<_> = calls
        .iter()
        .filter(|call| call["action"].as_str().unwrap().starts_with("rekognition:"))
        .map(|call| {
            let mut call = call.clone();
            call.as_object_mut().unwrap().remove("time");
            call
        })
        .collect();
    assert_eq!(
        calls[..2],
        [
            json!({
                "requestId": inline_id.request_id().unwrap(),
                "action": "rekognition:DetectLabels",
                "resource": "*",
                "permissions": [{"action": "rekognition:DetectLabels", "resource": "*"}],
                "status": 200,
                "errorCode": null,
                "accessKeyId": KEY_ID,
            }),
            json!({
                "requestId": stored_id.request_id().unwrap(),
                "action": "rekognition:DetectLabels",
                "resource": "arn:aws:s3:::sightline-input/uploads/a b.png",
                "permissions": [
                    {"action": "rekognition:DetectLabels", "resource": "*"},
                    {"action": "s3:GetObject", "resource": "arn:aws:s3:::sightline-input/uploads/a b.png"},
                ],
                "status": 200,
                "errorCode": null,
                "accessKeyId": KEY_ID,
            }),
        ]
    );
    assert_eq!(calls[2]["action"], "rekognition:DetectFaces");
    assert_eq!(calls[2]["errorCode"], "UnknownOperationException");
    assert_eq!(calls[2]["status"], 400);
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_are_all_answered() {
    let world = World::start().await;
    let client = world.rekognition();
    let calls: Vec<_> = (0..24)
        .map(|_| {
            let call = client.detect_labels().image(inline(portrait()));
            tokio::spawn(call.send())
        })
        .collect();
    let mut answers = Vec::new();
    for call in calls {
        answers.push(call.await.unwrap().unwrap());
    }
    for answer in &answers {
        assert_eq!(answer.labels(), answers[0].labels());
    }
    let mut ids: Vec<_> = answers.iter().map(|answer| answer.request_id()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), answers.len());
}
