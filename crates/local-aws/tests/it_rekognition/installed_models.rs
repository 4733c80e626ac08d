//! The operations that installed models answer.

use crate::needs;
use crate::world::{BUCKET, World, grey, inline, portrait, refusal, stored};
use aws_sdk_rekognition::types::Attribute;
use sightline_vision::{LabelModels, Recogniser, Recognisers, models::ModelStore};
use std::sync::Arc;

/// `None`, with a note, unless `SIGHTLINE_MODELS_DIR` names a folder with all models.
async fn world() -> Option<World> {
    let dir = std::env::var_os("SIGHTLINE_MODELS_DIR");
    let installed = dir.map(|dir| ModelStore::open(dir).installed());
    let Some(installed) = installed.filter(|installed| installed.len() == 5) else {
        needs::not_run("all models in the folder that SIGHTLINE_MODELS_DIR names");
        return None;
    };
    let embedded = LabelModels::Combined(Arc::new(Recogniser::embedded().unwrap()));
    let recognisers = Recognisers::new(&embedded, None, installed).unwrap();
    let world = World::start_with(|settings| settings.recognisers = Arc::new(recognisers)).await;
    Some(world)
}

#[tokio::test(flavor = "multi_thread")]
async fn all_analyses_of_a_portrait_are_answered_side_by_side() {
    let Some(world) = world().await else { return };
    world.put("uploads/portrait.jpg", portrait()).await;
    let client = world.rekognition();
    let image = || stored(BUCKET, "uploads/portrait.jpg");
    let (labels, faces, moderation, text) = tokio::join!(
        client.detect_labels().image(image()).send(),
        client
            .detect_faces()
            .image(image())
            .attributes(Attribute::All)
            .send(),
        client.detect_moderation_labels().image(image()).send(),
        client.detect_text().image(image()).send(),
    );
    let labels = labels.unwrap();
    let names: Vec<_> = labels.labels().iter().filter_map(|l| l.name()).collect();
    assert!(names.contains(&"Person"), "{names:?}");
    assert!(labels.label_model_version().unwrap().contains("faces"));
    let faces = faces.unwrap();
    let [face] = faces.face_details() else {
        panic!("{faces:?}");
    };
    assert!(face.age_range().is_some() && !face.landmarks().is_empty());
    let moderation = moderation.unwrap();
    assert!(moderation.moderation_labels().is_empty());
    assert_eq!(moderation.moderation_model_version(), Some("open-nsfw-1.0"));
    assert!(text.unwrap().text_model_version().is_some());
}

#[tokio::test]
async fn a_picture_of_nothing_has_no_faces_and_what_no_model_answers_is_rejected() {
    let Some(world) = world().await else { return };
    let client = world.rekognition();
    let answer = client
        .detect_faces()
        .image(inline(grey(200, 100)))
        .send()
        .await
        .unwrap();
    assert!(answer.face_details().is_empty());
    let error = client
        .recognize_celebrities()
        .image(inline(grey(200, 100)))
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error).code, "UnknownOperationException");
    let error = client
        .detect_moderation_labels()
        .image(inline(grey(200, 100)))
        .project_version(
            "arn:aws:rekognition:us-east-1:111122223333:project/a/version/b/1767225600000",
        )
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error).code, "InvalidParameterException");
}
