//! The installed networks on a photograph. `SIGHTLINE_MODELS_DIR` names the folder of the models, `SIGHTLINE_PICTURES` the one
//! with `astronaut.png`, by default the one that `tests/run` fills.

use std::path::{Path, PathBuf};

use image::metadata::Orientation;
use image::{DynamicImage, RgbImage};
use rekognition_model::{Attribute, DetectFacesRequest, FaceDetail, LandmarkType};

use super::{FaceRecogniser, Gender};
use crate::decode::Picture;
use crate::decode::tests::{jpeg, png, with_exif_orientation};
use crate::models::{InstalledModel, ModelName};
use crate::needs;

/// The recogniser and the photograph of an astronaut, 512 x 512 pixels; none, with a note, where one is missing.
fn astronaut() -> Option<(FaceRecogniser, RgbImage)> {
    let models = std::env::var_os("SIGHTLINE_MODELS_DIR").map(PathBuf::from);
    let installed = models.and_then(|dir| InstalledModel::find(&dir, ModelName::Faces));
    let Some(model) = installed else {
        needs::not_run("SIGHTLINE_MODELS_DIR, the folder with the model faces");
        return None;
    };
    let folder = std::env::var_os("SIGHTLINE_PICTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/.pictures"),
        PathBuf::from,
    );
    let file = folder.join("astronaut.png");
    if !file.is_file() {
        needs::not_run("astronaut.png, which tests/run fetches");
        return None;
    }
    let photograph = image::open(file).unwrap().into_rgb8();
    Some((FaceRecogniser::open(model).unwrap(), photograph))
}

fn faces(recogniser: &FaceRecogniser, picture: &Picture) -> Vec<FaceDetail> {
    let request = DetectFacesRequest {
        attributes: Some(vec![Attribute::All]),
        ..DetectFacesRequest::default()
    };
    let response = recogniser.detect_faces(picture, &request).unwrap();
    response.face_details.unwrap()
}

fn landmark(face: &FaceDetail, kind: &LandmarkType) -> (f64, f64) {
    let landmarks = face.landmarks.as_ref().unwrap();
    let found = landmarks.iter().find(|l| l.r#type.as_ref() == Some(kind));
    (found.unwrap().x.unwrap(), found.unwrap().y.unwrap())
}

fn near((x, y): (f64, f64), (left, top): (f64, f64)) -> bool {
    (512.0 * x - left).hypot(512.0 * y - top) < 8.0
}

/// Eyes, nose and chin of the astronaut are where a person sees them, in all orientations.
#[test]
fn the_face_of_the_astronaut_is_found_in_all_eight_exif_orientations() {
    let Some((recogniser, photograph)) = astronaut() else {
        return;
    };
    for exif in 1..=8u8 {
        let mut stored = DynamicImage::ImageRgb8(photograph.clone());
        // A camera stores the upright picture after the inverse transformation.
        stored.apply_orientation(match Orientation::from_exif(exif).unwrap() {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            other => other,
        });
        let file = with_exif_orientation(&jpeg(&stored.into_rgb8()), exif.into());
        let found = faces(&recogniser, &Picture::decode(&file).unwrap());
        assert_eq!(found.len(), 1, "orientation {exif}");
        let face = &found[0];
        assert!(face.confidence.unwrap() > 99.0);
        assert_eq!(face.landmarks.as_ref().unwrap().len(), 30);
        for (kind, place) in [
            (LandmarkType::EyeLeft, (203.0, 101.0)),
            (LandmarkType::EyeRight, (249.0, 104.0)),
            (LandmarkType::Nose, (224.0, 128.0)),
            (LandmarkType::ChinBottom, (221.0, 181.0)),
        ] {
            let at = landmark(face, &kind);
            assert!(near(at, place), "orientation {exif}: {kind} at {at:?}");
        }
        let bounds = face.bounding_box.as_ref().unwrap();
        let (left, top) = (bounds.left.unwrap(), bounds.top.unwrap());
        let centre = (
            left + bounds.width.unwrap() / 2.0,
            top + bounds.height.unwrap() / 2.0,
        );
        assert!(near(centre, (223.0, 117.0)), "{centre:?}");
    }
}

#[test]
fn the_attributes_of_the_astronaut_are_right() {
    let Some((recogniser, photograph)) = astronaut() else {
        return;
    };
    let picture = Picture::decode(&png(photograph)).unwrap();
    let face = faces(&recogniser, &picture).remove(0);
    let gender = face.gender.unwrap();
    assert_eq!(gender.value.unwrap().as_str(), "Female");
    assert!(gender.confidence.unwrap() >= 80.0);
    // She was 37 when the photograph was taken; the networks estimate 30.
    let age = face.age_range.unwrap();
    assert!(age.low.unwrap() <= 32 && age.high.unwrap() >= 37);
    assert_eq!(face.smile.unwrap().value, Some(true));
    let emotions = face.emotions.unwrap();
    assert_eq!(emotions[0].r#type.as_ref().unwrap().as_str(), "HAPPY");
    assert_eq!(face.eyes_open.unwrap().value, Some(true));
    let pose = face.pose.unwrap();
    for angle in [pose.roll, pose.yaw, pose.pitch] {
        assert!(angle.unwrap().abs() < 15.0, "{angle:?}");
    }

    // The same detection serves the labels.
    let labels = recogniser.face_labels(&picture).unwrap();
    assert_eq!(labels.len(), 1);
    assert_eq!(labels[0].gender.unwrap().0, Gender::Female);
    assert!((20.0..40.0).contains(&labels[0].age.unwrap()));
    assert_eq!(labels[0].emotion.as_ref().unwrap().0.as_str(), "HAPPY");
}
