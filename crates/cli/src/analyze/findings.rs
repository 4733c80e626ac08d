//! What Rekognition found in a picture, in one form for the table and the drawing.

use anyhow::Context as _;
use rekognition_model::{
    BoundingBox, DetectCustomLabelsResponse, DetectFacesResponse, DetectLabelsResponse,
    DetectModerationLabelsResponse, DetectProtectiveEquipmentResponse, DetectTextResponse,
    FaceDetail, Geometry, Operation, RecognizeCelebritiesResponse, TextTypes,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use sightline_pipeline::recognition::main_emotion;

/// The kind of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A label, or one of its instances.
    Label,
    /// A face.
    Face,
    /// A line of text.
    Text,
    /// A moderation label.
    Moderation,
    /// A label of the account's own model.
    Custom,
    /// A well-known person.
    Celebrity,
    /// A person with or without protective equipment.
    Equipment,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Face => "face",
            Self::Text => "text",
            Self::Moderation => "moderation",
            Self::Custom => "custom label",
            Self::Celebrity => "celebrity",
            Self::Equipment => "equipment",
        }
    }
}

/// One finding.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    /// The label, `Face 1`, or the text.
    pub(crate) name: String,
    /// In percent.
    pub(crate) confidence: Option<f64>,
    /// The position, if it has one.
    pub(crate) place: Option<Place>,
    /// Categories of a label, the parent of a moderation label, age and expression of a face.
    pub(crate) details: Vec<String>,
}

/// Where a finding is, in ratios of the upright picture.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Place {
    pub(crate) bounds: BoundingBox,
    /// The confidence in this box, in percent.
    pub(crate) confidence: Option<f64>,
    /// The corners of slanted text; empty if the box is all that is known.
    pub(crate) polygon: Vec<[f64; 2]>,
}

/// The findings in Rekognition's responses, by operation. An instance of a label is a finding of its own; a label without
/// instances is one without a place.
///
/// # Errors
/// When a response does not have its operation's type.
pub(crate) fn findings(rekognition: &Map<String, Value>) -> anyhow::Result<Vec<Finding>> {
    let labels: DetectLabelsResponse = response(rekognition, Operation::DetectLabels)?;
    let faces: DetectFacesResponse = response(rekognition, Operation::DetectFaces)?;
    let text: DetectTextResponse = response(rekognition, Operation::DetectText)?;
    let moderation: DetectModerationLabelsResponse =
        response(rekognition, Operation::DetectModerationLabels)?;
    let mut all = Vec::new();
    for label in labels.labels.into_iter().flatten() {
        let categories = label.categories.into_iter().flatten();
        let finding = Finding {
            kind: Kind::Label,
            name: label.name.unwrap_or_default(),
            confidence: label.confidence,
            place: None,
            details: categories.filter_map(|category| category.name).collect(),
        };
        let instances = label.instances.unwrap_or_default();
        if instances.is_empty() {
            all.push(finding);
            continue;
        }
        all.extend(instances.into_iter().map(|instance| Finding {
            place: place(instance.bounding_box, instance.confidence),
            ..finding.clone()
        }));
    }
    let faces = faces.face_details.into_iter().flatten();
    all.extend(faces.enumerate().map(|(index, face)| Finding {
        kind: Kind::Face,
        name: format!("Face {}", index + 1),
        confidence: face.confidence,
        details: face_details(&face),
        place: place(face.bounding_box, face.confidence),
    }));
    // Words are parts of lines.
    let lines = (text.text_detections.into_iter().flatten())
        .filter(|found| found.r#type == Some(TextTypes::Line));
    all.extend(lines.map(|line| Finding {
        kind: Kind::Text,
        name: line.detected_text.unwrap_or_default(),
        confidence: line.confidence,
        place: text_place(line.geometry.unwrap_or_default(), line.confidence),
        details: Vec::new(),
    }));
    let moderation = moderation.moderation_labels.into_iter().flatten();
    all.extend(moderation.map(|label| {
        Finding {
            kind: Kind::Moderation,
            name: label.name.unwrap_or_default(),
            confidence: label.confidence,
            place: None,
            details: (label.parent_name.into_iter())
                .filter(|parent| !parent.is_empty())
                .collect(),
        }
    }));
    all.extend(custom_labels(rekognition)?);
    all.extend(celebrities(rekognition)?);
    all.extend(equipment(rekognition)?);
    Ok(all)
}

fn custom_labels(
    rekognition: &Map<String, Value>,
) -> anyhow::Result<impl Iterator<Item = Finding> + use<>> {
    let answer: DetectCustomLabelsResponse = response(rekognition, Operation::DetectCustomLabels)?;
    let labels = answer.custom_labels.into_iter().flatten();
    Ok(labels.map(|label| Finding {
        kind: Kind::Custom,
        name: label.name.unwrap_or_default(),
        confidence: label.confidence,
        place: label
            .geometry
            .and_then(|geometry| place(geometry.bounding_box, label.confidence)),
        details: Vec::new(),
    }))
}

fn celebrities(
    rekognition: &Map<String, Value>,
) -> anyhow::Result<impl Iterator<Item = Finding> + use<>> {
    let answer: RecognizeCelebritiesResponse =
        response(rekognition, Operation::RecognizeCelebrities)?;
    let known = answer.celebrity_faces.into_iter().flatten();
    Ok(known.map(|person| Finding {
        kind: Kind::Celebrity,
        name: person.name.unwrap_or_default(),
        confidence: person.match_confidence,
        place: person
            .face
            .and_then(|face| place(face.bounding_box, person.match_confidence)),
        details: Vec::new(),
    }))
}

/// The persons, with the equipment that each wears.
fn equipment(
    rekognition: &Map<String, Value>,
) -> anyhow::Result<impl Iterator<Item = Finding> + use<>> {
    let answer: DetectProtectiveEquipmentResponse =
        response(rekognition, Operation::DetectProtectiveEquipment)?;
    let persons = answer.persons.into_iter().flatten();
    Ok(persons.enumerate().map(|(index, person)| {
        let parts = person.body_parts.into_iter().flatten();
        let worn = parts.flat_map(|part| part.equipment_detections.into_iter().flatten());
        let names = worn
            .filter_map(|worn| worn.r#type)
            .map(|worn| worn.as_str().to_lowercase().replace('_', " "));
        let mut details: Vec<_> = names.collect();
        details.sort_unstable();
        details.dedup();
        Finding {
            kind: Kind::Equipment,
            name: format!("Person {}", index + 1),
            confidence: person.confidence,
            place: place(person.bounding_box, person.confidence),
            details,
        }
    }))
}

fn response<T: DeserializeOwned + Default>(
    rekognition: &Map<String, Value>,
    operation: Operation,
) -> anyhow::Result<T> {
    rekognition
        .get(operation.document_key())
        .map_or_else(|| Ok(T::default()), T::deserialize)
        .with_context(|| format!("cannot read Rekognition's response to {operation}"))
}

fn place(bounds: Option<BoundingBox>, confidence: Option<f64>) -> Option<Place> {
    Some(Place {
        bounds: bounds?,
        confidence,
        polygon: Vec::new(),
    })
}

fn text_place(geometry: Geometry, confidence: Option<f64>) -> Option<Place> {
    let corners = geometry.polygon.into_iter().flatten();
    Some(Place {
        polygon: corners
            .filter_map(|corner| Some([corner.x?, corner.y?]))
            .collect(),
        ..place(geometry.bounding_box, confidence)?
    })
}

/// Age range, gender, main emotion and smile, as far as the response has them.
fn face_details(face: &FaceDetail) -> Vec<String> {
    let ages = face.age_range.as_ref();
    let ages = ages.and_then(|ages| Some(format!("{}-{} years", ages.low?, ages.high?)));
    let gender = face
        .gender
        .as_ref()
        .and_then(|gender| gender.value.as_ref());
    let emotion = main_emotion(face).map(|(name, _)| name);
    let smiles = face.smile.as_ref().and_then(|smile| smile.value) == Some(true);
    [
        emotion,
        ages,
        gender.map(|gender| gender.as_str().to_owned()),
        smiles.then(|| "smiling".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn every_kind_of_response_is_read() {
        let bounds = json!({"Left": 0.25, "Top": 0.5, "Width": 0.5, "Height": 0.25});
        let responses = json!({
            "detectLabels": {"Labels": [
                {"Name": "Dog", "Confidence": 90.0, "Categories": [{"Name": "Animals and Pets"}],
                 "Instances": [{"BoundingBox": bounds, "Confidence": 80.0}, {"BoundingBox": bounds, "Confidence": 70.0}]},
                {"Name": "Sky", "Confidence": 60.0, "Instances": []},
            ]},
            "detectFaces": {"FaceDetails": [
                {"BoundingBox": bounds, "Confidence": 99.0, "AgeRange": {"Low": 20, "High": 28},
                 "Gender": {"Value": "Female", "Confidence": 98.0}, "Smile": {"Value": true, "Confidence": 97.0},
                 "Emotions": [{"Type": "HAPPY", "Confidence": 96.0}]},
                {"BoundingBox": bounds, "Confidence": 95.0, "Smile": {"Value": false, "Confidence": 97.0}},
            ]},
            "detectText": {"TextDetections": [
                {"Type": "LINE", "DetectedText": "NO ENTRY", "Confidence": 98.0,
                 "Geometry": {"BoundingBox": bounds, "Polygon": [{"X": 0.25, "Y": 0.5}, {"X": 0.75, "Y": 0.75}]}},
                {"Type": "WORD", "DetectedText": "NO", "Confidence": 98.0},
            ]},
            "detectModerationLabels": {"ModerationLabels": [
                {"Name": "Alcohol", "ParentName": "", "Confidence": 91.0},
                {"Name": "Drinking", "ParentName": "Alcohol", "Confidence": 90.0},
            ]},
            "detectCustomLabels": {"CustomLabels": [
                {"Name": "Cup", "Confidence": 88.0, "Geometry": {"BoundingBox": bounds}},
            ]},
            "recognizeCelebrities": {"CelebrityFaces": [
                {"Name": "Ada Lovelace", "MatchConfidence": 87.0, "Face": {"BoundingBox": bounds}},
            ]},
            "detectProtectiveEquipment": {"Persons": [
                {"Confidence": 86.0, "BoundingBox": bounds, "BodyParts": [
                    {"Name": "HEAD", "EquipmentDetections": [{"Type": "HEAD_COVER"}]},
                    {"Name": "LEFT_HAND", "EquipmentDetections": []},
                ]},
            ]},
        });
        let found = findings(responses.as_object().unwrap()).unwrap();
        let read: Vec<_> = found
            .iter()
            .map(|found| {
                let place = found.place.as_ref();
                (
                    found.kind.name(),
                    found.name.as_str(),
                    found.confidence.unwrap(),
                    place.map(|place| (place.confidence.unwrap(), place.polygon.len())),
                    found.details.join(", "),
                )
            })
            .collect();
        let none = String::new;
        assert_eq!(
            read,
            [
                (
                    "label",
                    "Dog",
                    90.0,
                    Some((80.0, 0)),
                    "Animals and Pets".to_owned()
                ),
                (
                    "label",
                    "Dog",
                    90.0,
                    Some((70.0, 0)),
                    "Animals and Pets".to_owned()
                ),
                ("label", "Sky", 60.0, None, none()),
                (
                    "face",
                    "Face 1",
                    99.0,
                    Some((99.0, 0)),
                    "Happy, 20-28 years, Female, smiling".to_owned()
                ),
                ("face", "Face 2", 95.0, Some((95.0, 0)), none()),
                ("text", "NO ENTRY", 98.0, Some((98.0, 2)), none()),
                ("moderation", "Alcohol", 91.0, None, none()),
                ("moderation", "Drinking", 90.0, None, "Alcohol".to_owned()),
                ("custom label", "Cup", 88.0, Some((88.0, 0)), none()),
                ("celebrity", "Ada Lovelace", 87.0, Some((87.0, 0)), none()),
                (
                    "equipment",
                    "Person 1",
                    86.0,
                    Some((86.0, 0)),
                    "head cover".to_owned()
                ),
            ]
        );
    }

    #[test]
    fn a_response_of_another_shape_is_an_error() {
        let responses = json!({"detectFaces": {"FaceDetails": 7}});
        let error = findings(responses.as_object().unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot read Rekognition's response to DetectFaces"
        );
    }
}
