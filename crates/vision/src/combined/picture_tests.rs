//! Photographs of scikit-image with the installed models. `SIGHTLINE_MODELS_DIR` names the folder of the models, and
//! `SIGHTLINE_PICTURES` that of the photographs (default: `tests/.pictures`, which `tests/run` fills).

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rekognition_model::{DetectLabelsRequest, DetectLabelsResponse, Label};
use serde_json::json;

use super::LabelRecogniser;
use crate::decode::Picture;
use crate::models::{InstalledModel, ModelName};
use crate::needs;
use crate::recogniser::Recogniser;

struct Installed {
    recogniser: LabelRecogniser,
    pictures: PathBuf,
}

/// `None`, with a note, where models or photographs are missing.
fn installed() -> Option<Installed> {
    let models = std::env::var_os("SIGHTLINE_MODELS_DIR").map(PathBuf::from);
    let find = |name| InstalledModel::find(models.as_deref()?, name);
    let (objects, classes) = (find(ModelName::Objects), find(ModelName::Classes));
    if objects.is_none() || classes.is_none() {
        needs::not_run("the models \"objects\" and \"classes\" in SIGHTLINE_MODELS_DIR");
        return None;
    }
    let pictures = std::env::var_os("SIGHTLINE_PICTURES").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/.pictures"),
        PathBuf::from,
    );
    if !pictures.join("chelsea.png").is_file() {
        needs::not_run("the photographs of scikit-image in SIGHTLINE_PICTURES");
        return None;
    }
    let base = Arc::new(Recogniser::embedded().unwrap());
    Some(Installed {
        recogniser: LabelRecogniser::new(base, objects, classes),
        pictures,
    })
}

impl Installed {
    fn answer(&self, file: &str) -> DetectLabelsResponse {
        let bytes = std::fs::read(self.pictures.join(file)).unwrap();
        let picture = Picture::decode(&bytes).unwrap();
        let request = DetectLabelsRequest::default();
        self.recogniser
            .detect_labels(&picture, &request, None)
            .unwrap()
    }

    fn labels(&self, file: &str) -> Vec<Label> {
        self.answer(file).labels.unwrap()
    }
}

fn confidence(labels: &[Label], name: &str) -> f64 {
    let found = labels
        .iter()
        .find(|label| label.name.as_deref() == Some(name));
    found.map_or(0.0, |label| label.confidence.unwrap())
}

fn silent(labels: &[Label], names: &[&str]) {
    for name in names {
        assert_eq!(confidence(labels, name), 0.0, "{name}");
    }
}

#[test]
fn photographs_are_labelled_rightly() {
    let Some(installed) = installed() else { return };

    let cat = installed.labels("chelsea.png");
    for name in ["Cat", "Animal", "Mammal", "Pet"] {
        assert!(confidence(&cat, name) > 90.0, "{name}");
    }
    silent(&cat, &["Dog", "Person", "Outdoors"]);

    let coffee = installed.labels("coffee.png");
    for name in ["Cup", "Espresso", "Coffee", "Beverage"] {
        assert!(confidence(&coffee, name) > 80.0, "{name}");
    }
    silent(&coffee, &["Hat", "Clothing", "Person"]);

    let astronaut = installed.labels("astronaut.png");
    assert!(confidence(&astronaut, "Person") > 80.0);
    silent(&astronaut, &["Man", "Male", "Woman", "Child"]);

    let motorcycle = installed.labels("motorcycle_left.png");
    assert!(confidence(&motorcycle, "Motorcycle") > 90.0);
    let found = motorcycle
        .iter()
        .find(|label| label.name.as_deref() == Some("Motorcycle"));
    let instances = found.unwrap().instances.clone().unwrap();
    let bounds = instances[0].bounding_box.clone().unwrap();
    // It stands in the middle and fills most of the picture.
    assert!((0.05..0.2).contains(&bounds.left.unwrap()), "{bounds:?}");
    assert!((0.65..0.9).contains(&bounds.width.unwrap()), "{bounds:?}");
    silent(&motorcycle, &["Person", "Street"]);

    let rocket = installed.labels("rocket.jpg");
    assert!(confidence(&rocket, "Rocket") > 55.0);
    silent(&rocket, &["Forest", "Boat", "Building"]);

    silent(
        &installed.labels("page.png"),
        &["Refrigerator", "Bottle", "Person", "Clothing"],
    );
}

#[test]
fn the_answer_names_the_recognisers() {
    let Some(installed) = installed() else { return };
    let answer = installed.answer("chelsea.png");
    assert_eq!(
        answer.label_model_version.as_deref(),
        Some("sightline-1.0+objects+classes")
    );
    let picture = Picture::decode(&std::fs::read(installed.pictures.join("chelsea.png")).unwrap());
    let faces = installed
        .recogniser
        .detect_labels(
            &picture.unwrap(),
            &DetectLabelsRequest::default(),
            Some(&[]),
        )
        .unwrap();
    assert_eq!(
        faces.label_model_version.as_deref(),
        Some("sightline-1.0+objects+classes+faces")
    );
}

#[test]
fn filters_limits_and_image_properties_work_as_with_the_embedded_model() {
    let Some(installed) = installed() else { return };
    let bytes = std::fs::read(installed.pictures.join("coffee.png")).unwrap();
    let picture = Picture::decode(&bytes).unwrap();
    let ask = |request| {
        let request: DetectLabelsRequest = serde_json::from_value(request).unwrap();
        installed
            .recogniser
            .detect_labels(&picture, &request, None)
            .unwrap()
    };
    let labels = |request| -> Vec<String> {
        let labels = ask(request).labels.unwrap();
        labels
            .into_iter()
            .map(|label| label.name.unwrap())
            .collect()
    };
    assert_eq!(labels(json!({"MaxLabels": 1})).len(), 1);
    let filters = json!({"GeneralLabels": {"LabelInclusionFilters": ["Cup"]}});
    assert_eq!(labels(json!({"Settings": filters})), ["Cup"]);
    let properties = ask(json!({"Features": ["IMAGE_PROPERTIES"]}));
    assert_eq!(properties.labels, Some(vec![]));
    assert!(properties.image_properties.unwrap().foreground.is_some());
}
#[test]
fn without_models_the_answer_is_that_of_the_embedded_model() {
    let base = Arc::new(Recogniser::embedded().unwrap());
    let alone = LabelRecogniser::new(Arc::clone(&base), None, None);
    let grey = image::RgbImage::from_fn(160, 120, |x, y| image::Rgb([x as u8, y as u8, 90]));
    let bytes = crate::decode::tests::png(grey);
    let request: DetectLabelsRequest = serde_json::from_value(json!({"MinConfidence": 0})).unwrap();
    let picture = Picture::decode(&bytes).unwrap();
    assert_eq!(
        alone.detect_labels(&picture, &request, None).unwrap(),
        base.detect_labels(&bytes, &request).unwrap()
    );
}
