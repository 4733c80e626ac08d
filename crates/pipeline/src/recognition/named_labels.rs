//! The labels of a result: those of DetectLabels, and those that follow from its faces.

use rekognition_model::{DetectFacesResponse, Operation};
use serde_json::{Map, Value};

use super::{faces, summary::answer};

/// The labels under `rekognition` of a result document. Without faces they are the `Labels` of DetectLabels, unchanged.
/// Faces add Person, Face and each face's main emotion, unless DetectLabels has a label of that name; then all labels are
/// sorted, most confident first.
#[must_use]
pub fn named_labels(rekognition: &Map<String, Value>) -> Vec<Value> {
    let mut labels: Vec<Value> = rekognition
        .get(Operation::DetectLabels.document_key())
        .and_then(|answer| answer.get("Labels"))
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    let of_faces = answer::<DetectFacesResponse>(rekognition, Operation::DetectFaces)
        .map(|answer| faces::labels(&answer))
        .unwrap_or_default();
    if of_faces.is_empty() {
        return labels;
    }
    for label in of_faces {
        let is_known = labels
            .iter()
            .any(|known| known.get("Name").and_then(Value::as_str) == label.name.as_deref());
        if !is_known && let Ok(label) = serde_json::to_value(label) {
            labels.push(label);
        }
    }
    let confidence = |label: &Value| {
        label
            .get("Confidence")
            .and_then(Value::as_f64)
            .unwrap_or_default()
    };
    labels.sort_by(|one, other| confidence(other).total_cmp(&confidence(one)));
    labels
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(rekognition: Value) -> Vec<String> {
        let Value::Object(rekognition) = rekognition else {
            panic!("an object");
        };
        named_labels(&rekognition)
            .iter()
            .map(|label| label["Name"].as_str().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn labels_without_faces_stay_as_they_are() {
        let unsorted = json!([{"Name": "Sky", "Confidence": 60.0}, {"Name": "Sea", "Confidence": 70.0, "New": 1}]);
        for faces in [
            json!(null),
            json!({"FaceDetails": []}),
            json!({"FaceDetails": 7}),
        ] {
            let rekognition = json!({"detectLabels": {"Labels": unsorted}, "detectFaces": faces});
            assert_eq!(
                json!(named_labels(rekognition.as_object().unwrap())),
                unsorted
            );
        }
        assert_eq!(names(json!({})), [""; 0]);
        assert_eq!(names(json!({"detectLabels": {"Labels": null}})), [""; 0]);
    }

    #[test]
    fn faces_add_the_names_that_are_missing() {
        let faces = json!({"FaceDetails": [
            {"Confidence": 99.0, "Emotions": [{"Type": "HAPPY", "Confidence": 80.0}]},
            {"Confidence": 97.0, "Emotions": [{"Type": "CALM", "Confidence": 55.0}]},
        ]});
        let labels = json!([
            {"Name": "Person", "Confidence": 90.0, "Instances": [{"Confidence": 90.0}]},
            {"Name": "Tree", "Confidence": 70.0},
        ]);
        let rekognition = json!({"detectLabels": {"Labels": labels}, "detectFaces": faces});
        assert_eq!(
            named_labels(rekognition.as_object().unwrap())[1],
            labels[0],
            "DetectLabels' own label stays"
        );
        assert_eq!(
            names(rekognition),
            ["Face", "Person", "Happy", "Tree", "Calm"]
        );
        assert_eq!(
            names(json!({ "detectFaces": faces })),
            ["Person", "Face", "Happy", "Calm"]
        );
    }
}
