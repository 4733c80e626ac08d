//! DetectCustomLabels: custom models, selected by the ARN of their project version.

use crate::world::{World, in_checkout, inline, refusal};
use image::{DynamicImage, ImageFormat, RgbImage};
use serde_json::{Value, json};
use sightline_local_aws::CustomModel;
use sightline_vision::Recogniser;
use std::{fs, io::Cursor, sync::Arc};

const ARN: &str =
    "arn:aws:rekognition:us-east-1:000000000000:project/colours/version/colours.local/0";

/// The classifier of `crates/vision/tests/make_models.py`: its logits are 12 times a channel's mean minus 4.
fn colours() -> Recogniser {
    let table = json!({
        "version": 1,
        "input": {"shape": [1, 3, 64, 64], "layout": "NCHW", "channels": "RGB", "range": [0, 1]},
        "outputs": {"logits": [1, 3]},
        "decode": {"layout": "classifier", "activation": "softmax"},
        "labels": [
            {"index": 0, "Name": "Red"},
            {"index": 1, "Name": "Green"},
            {"index": 2, "Name": "Blue"}
        ]
    });
    let folder = tempfile::tempdir().unwrap();
    let labels = folder.path().join("labels.json");
    fs::write(&labels, table.to_string()).unwrap();
    let model = in_checkout("../vision/tests/models/classifier.onnx");
    Recogniser::custom_from_files(&model, &labels).unwrap()
}

async fn world() -> World {
    World::start_with(|settings| {
        let model = CustomModel::new(&settings.region, "colours", Arc::new(colours()));
        settings.custom_models = vec![model];
    })
    .await
}

/// A square image of one colour.
fn plain(colour: [u8; 3]) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    DynamicImage::from(RgbImage::from_pixel(96, 96, colour.into()))
        .write_to(&mut bytes, ImageFormat::Png)
        .unwrap();
    bytes.into_inner()
}

#[tokio::test]
async fn a_registered_model_answers() {
    let world = world().await;
    let client = world.rekognition();
    for (colour, name) in [
        ([255, 0, 0], "Red"),
        ([0, 255, 0], "Green"),
        ([0, 0, 255], "Blue"),
    ] {
        let ask = client
            .detect_custom_labels()
            .project_version_arn(ARN)
            .image(inline(plain(colour)));
        let answer = ask.clone().send().await.unwrap();
        let [label] = answer.custom_labels() else {
            panic!("one label: {answer:?}")
        };
        assert_eq!(label.name(), Some(name));
        assert!(label.confidence().unwrap() > 99.0);
        assert!(label.geometry().is_none());
        let all = ask.clone().min_confidence(0.0).send().await.unwrap();
        assert_eq!(all.custom_labels().len(), 3);
        let two = ask.min_confidence(0.0).max_results(2).send().await.unwrap();
        assert_eq!(two.custom_labels().len(), 2);
        assert_eq!(two.custom_labels()[0].name(), Some(name));
    }
    let calls = world.into_calls().await;
    let call = calls
        .iter()
        .find(|call| call["action"] == "rekognition:DetectCustomLabels");
    assert_eq!(call.map(|call| &call["resource"]), Some(&Value::from(ARN)));
}

#[tokio::test]
async fn an_unregistered_model_is_named_in_the_error() {
    let world = world().await;
    let client = world.rekognition();
    let other = "arn:aws:rekognition:us-east-1:123456789012:project/a/version/b/1";
    let ask = |arn: &str, bytes| {
        let image = inline(bytes);
        client
            .detect_custom_labels()
            .project_version_arn(arn)
            .image(image)
            .send()
    };
    let error = refusal(&ask(other, plain([0; 3])).await.unwrap_err());
    assert_eq!(
        (error.status, error.code.as_str()),
        (400, "ResourceNotFoundException")
    );
    assert!(error.message.contains(other), "{}", error.message);
    let error = refusal(
        &ask("not an ARN of a project version", plain([0; 3]))
            .await
            .unwrap_err(),
    );
    assert_eq!(error.code, "ValidationException");
    let error = refusal(&ask(ARN, b"no picture".to_vec()).await.unwrap_err());
    assert_eq!(error.code, "InvalidImageFormatException");
}
