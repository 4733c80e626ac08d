//! The summary of a result document.

use std::collections::BTreeSet;

use rekognition_model::{
    DetectCustomLabelsResponse, DetectFacesResponse, DetectLabelsResponse,
    DetectModerationLabelsResponse, DetectTextResponse, Label, Operation, TextTypes,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::faces::{ages, emotions, smiles};
use crate::document::{Faces, Summary};

/// Summarizes the answers under `rekognition` of a result document. An answer that does not have its
/// operation's type is left out of the summary; the document still contains it.
pub(super) fn summary(rekognition: &Map<String, Value>) -> Summary {
    let labels = answer::<DetectLabelsResponse>(rekognition, Operation::DetectLabels)
        .and_then(|answer| answer.labels)
        .unwrap_or_default();
    let mut categories: Vec<String> = Vec::new();
    let mut named = Vec::new();
    let ancestors = ancestors(&labels);
    let labels = by_confidence(labels, |label| label.confidence);
    for label in telling_first(labels, &ancestors, |label| label.name.as_deref()) {
        for category in label.categories.into_iter().flatten() {
            if let Some(name) = category.name
                && !categories.contains(&name)
            {
                categories.push(name);
            }
        }
        named.extend(label.name);
    }
    let moderation =
        answer::<DetectModerationLabelsResponse>(rekognition, Operation::DetectModerationLabels)
            .and_then(|answer| answer.moderation_labels)
            .unwrap_or_default();
    let custom = answer::<DetectCustomLabelsResponse>(rekognition, Operation::DetectCustomLabels)
        .and_then(|answer| answer.custom_labels)
        .unwrap_or_default();
    let detected_faces = answer::<DetectFacesResponse>(rekognition, Operation::DetectFaces);
    Summary {
        labels: named,
        categories,
        emotions: detected_faces.as_ref().map_or_else(Vec::new, |answer| {
            emotions(answer).into_iter().map(|(name, _)| name).collect()
        }),
        ages: detected_faces.as_ref().map(ages).unwrap_or_default(),
        smiles: detected_faces.as_ref().and_then(smiles),
        faces: detected_faces.map(faces),
        text: answer::<DetectTextResponse>(rekognition, Operation::DetectText)
            .and_then(|answer| answer.text_detections)
            .unwrap_or_default()
            .into_iter()
            // Words are parts of lines.
            .filter(|found| found.r#type == Some(TextTypes::Line))
            .filter_map(|line| line.detected_text)
            .collect(),
        moderation: by_confidence(moderation, |label| label.confidence)
            .into_iter()
            .filter_map(|label| label.name)
            .collect(),
        custom_labels: by_confidence(custom, |label| label.confidence)
            .into_iter()
            .filter_map(|label| label.name)
            .collect(),
    }
}

/// The names of the ancestors that labels have.
pub(crate) fn ancestors(labels: &[Label]) -> BTreeSet<String> {
    (labels.iter())
        .flat_map(|label| {
            let parents = label.parents.iter().flatten();
            parents.filter_map(|parent| parent.name.clone().filter(|_| parent.name != label.name))
        })
        .collect()
}

/// First what is no ancestor, then the ancestors, both in their order.
pub(crate) fn telling_first<T>(
    labels: impl IntoIterator<Item = T>,
    ancestors: &BTreeSet<String>,
    name: impl Fn(&T) -> Option<&str>,
) -> impl Iterator<Item = T> {
    let (general, telling): (Vec<_>, Vec<_>) = (labels.into_iter())
        .partition(|label| name(label).is_some_and(|name| ancestors.contains(name)));
    telling.into_iter().chain(general)
}

/// The answer of an operation; `None` if there is none or it does not have the operation's type.
pub(crate) fn answer<T: DeserializeOwned>(
    rekognition: &Map<String, Value>,
    operation: Operation,
) -> Option<T> {
    T::deserialize(rekognition.get(operation.document_key())?)
        .inspect_err(|error| tracing::warn!(%operation, %error, "an answer does not have its operation's type"))
        .ok()
}

fn faces(answer: DetectFacesResponse) -> Faces {
    let faces = answer.face_details.unwrap_or_default();
    Faces {
        count: faces.len(),
        emotions: faces
            .into_iter()
            .map(|face| {
                by_confidence(face.emotions.unwrap_or_default(), |emotion| {
                    emotion.confidence
                })
                .into_iter()
                .find_map(|emotion| emotion.r#type)
                .map_or_else(|| "UNKNOWN".to_owned(), |kind| kind.as_str().to_owned())
            })
            .collect(),
    }
}

/// Most confident first. Equals stay in Rekognition's order.
fn by_confidence<T>(mut found: Vec<T>, confidence: impl Fn(&T) -> Option<f64>) -> Vec<T> {
    let known = |one: &T| confidence(one).unwrap_or(0.0);
    found.sort_by(|one, other| known(other).total_cmp(&known(one)));
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::document::AgeSpan;

    #[test]
    fn names_are_ordered_by_confidence_and_categories_appear_once() {
        let answers = json!({
            "detectLabels": {"Labels": [
                {"Name": "Wheel", "Confidence": 60.0, "Categories": [{"Name": "Vehicles and Automotive"}]},
                {"Name": "Dog", "Confidence": 99.0, "Categories": [{"Name": "Animals and Pets"}]},
                {"Name": "Car", "Confidence": 80.0, "Categories": [{"Name": "Vehicles and Automotive"}]},
                {"Confidence": 70.0},
            ]},
            "detectFaces": {"FaceDetails": [
                {"Emotions": [{"Type": "SAD", "Confidence": 1.0}, {"Type": "AWED", "Confidence": 98.0}],
                 "AgeRange": {"Low": 20, "High": 28}, "Smile": {"Value": true, "Confidence": 90.0}},
                {},
            ]},
            "detectText": {"TextDetections": [
                {"Type": "LINE", "DetectedText": "one"},
                {"Type": "WORD", "DetectedText": "one"},
                {"Type": "LINE", "DetectedText": "two"},
            ]},
            "detectModerationLabels": {"ModerationLabels": [
                {"Name": "Alcohol", "Confidence": 50.0}, {"Name": "Drinking", "Confidence": 51.0},
            ]},
            "detectCustomLabels": {"CustomLabels": [{"Name": "Shelf", "Confidence": 9.0}]},
        });
        let Value::Object(answers) = answers else {
            panic!("an object");
        };
        let summary = summary(&answers);
        assert_eq!(summary.labels, ["Dog", "Car", "Wheel"]);
        assert_eq!(
            summary.categories,
            ["Animals and Pets", "Vehicles and Automotive"]
        );
        let faces = summary.faces.unwrap();
        assert_eq!(
            (faces.count, faces.emotions),
            (2, vec!["AWED".into(), "UNKNOWN".into()])
        );
        assert_eq!(summary.emotions, ["Awed"]);
        assert_eq!(summary.ages, [AgeSpan { low: 20, high: 28 }]);
        assert_eq!(summary.smiles, Some(1));
        assert_eq!(summary.text, ["one", "two"]);
        assert_eq!(summary.moderation, ["Drinking", "Alcohol"]);
        assert_eq!(summary.custom_labels, ["Shelf"]);
    }

    #[test]
    fn labels_that_are_ancestors_of_others_come_last() {
        let label = |name: &str, confidence: f64, parents: &[&str], category: &str| {
            let parents: Vec<_> = parents.iter().map(|name| json!({ "Name": name })).collect();
            json!({"Name": name, "Confidence": confidence, "Parents": parents, "Categories": [{"Name": category}]})
        };
        let answers = json!({"detectLabels": {"Labels": [
            label("Animal", 99.9, &[], "Animals and Pets"),
            label("Mammal", 99.9, &["Animal"], "Animals and Pets"),
            label("Grass", 91.0, &["Plant"], "Plants and Flowers"),
            label("Zebra", 97.0, &["Animal", "Mammal", "Wildlife"], "Animals and Pets"),
            label("Wildlife", 98.0, &["Animal"], "Animals and Pets"),
            label("Plant", 91.0, &[], "Plants and Flowers"),
            label("Outdoors", 95.0, &[], "Nature and Outdoors"),
            // A label that names itself is no ancestor of another.
            label("Field", 60.0, &["Field"], "Nature and Outdoors"),
        ]}});
        let Value::Object(answers) = answers else {
            panic!("an object");
        };
        let summary = summary(&answers);
        assert_eq!(
            summary.labels,
            [
                "Zebra", "Outdoors", "Grass", "Field", "Animal", "Mammal", "Wildlife", "Plant"
            ]
        );
        assert_eq!(
            summary.categories,
            [
                "Animals and Pets",
                "Nature and Outdoors",
                "Plants and Flowers"
            ]
        );
    }

    #[test]
    fn missing_and_malformed_answers_leave_their_parts_empty() {
        assert_eq!(summary(&Map::new()), Summary::default());
        let odd = Map::from_iter([("detectLabels".to_owned(), json!({"Labels": 7}))]);
        assert_eq!(summary(&odd), Summary::default());
        let none = Map::from_iter([("detectFaces".to_owned(), json!({"FaceDetails": []}))]);
        assert_eq!(summary(&none).faces, Some(Faces::default()));
    }
}
