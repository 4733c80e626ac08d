//! DetectFaces' answer in short: emotions, ages, smiles, and the labels that follow from faces.

use rekognition_model::{
    DetectFacesResponse, EmotionName, FaceDetail, Instance, Label, LabelAlias, LabelCategory,
    Parent,
};

use crate::document::AgeSpan;

/// The emotions that faces have, by the names of Rekognition's labels.
pub const EMOTIONS: [&str; 8] = [
    "Happy",
    "Sad",
    "Angry",
    "Calm",
    "Surprised",
    "Confused",
    "Disgusted",
    "Fear",
];

/// The label of every picture with a face.
pub(crate) const FACE: &str = "Face";

/// The least confidence, in percent, of an emotion that is named. Confidences of a face's emotions add up to about 100,
/// so at least half of it speaks for a named emotion.
const MIN_EMOTION_CONFIDENCE: f64 = 50.0;

/// Each face's main emotion, by label name, with its highest confidence; most confident first.
pub(crate) fn emotions(answer: &DetectFacesResponse) -> Vec<(String, f64)> {
    let mut named: Vec<(String, f64)> = Vec::new();
    for (name, confidence) in details(answer).filter_map(main_emotion) {
        match named.iter_mut().find(|(known, _)| *known == name) {
            Some((_, best)) => *best = best.max(confidence),
            None => named.push((name, confidence)),
        }
    }
    named.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    named
}

/// The faces' estimated ages: the union of their ranges, youngest first. Ranges that overlap or adjoin are one span.
pub(crate) fn ages(answer: &DetectFacesResponse) -> Vec<AgeSpan> {
    let mut ranges: Vec<AgeSpan> = details(answer)
        .filter_map(|face| {
            let range = face.age_range.as_ref()?;
            let (one, other) = (range.low?, range.high?);
            Some(AgeSpan {
                low: one.min(other),
                high: one.max(other),
            })
        })
        .collect();
    ranges.sort_by_key(|range| range.low);
    let mut spans: Vec<AgeSpan> = Vec::new();
    for range in ranges {
        match spans.last_mut() {
            Some(span) if range.low <= span.high.saturating_add(1) => {
                span.high = span.high.max(range.high);
            }
            _ => spans.push(range),
        }
    }
    spans
}

/// How many faces smile; `None` if the answer does not say it of any face.
pub(crate) fn smiles(answer: &DetectFacesResponse) -> Option<usize> {
    let mut known = details(answer)
        .filter_map(|face| face.smile.as_ref()?.value)
        .peekable();
    known.peek()?;
    Some(known.filter(|smiles| *smiles).count())
}

/// The labels that follow from faces: Person, Face and the main emotions, with the ancestors and categories that
/// DetectLabels gives them; most confident first. Empty without faces. Instances of Face are the faces.
pub(crate) fn labels(answer: &DetectFacesResponse) -> Vec<Label> {
    const DESCRIPTION: &str = "Person Description";
    const EXPRESSION: &str = "Expressions and Emotions";
    let confidence = details(answer)
        .map(|face| face.confidence.unwrap_or_default())
        .max_by(f64::total_cmp);
    let Some(confidence) = confidence else {
        return Vec::new();
    };
    let mut labels = vec![
        Label {
            aliases: Some(vec![LabelAlias {
                name: Some("Human".to_owned()),
            }]),
            ..label("Person", confidence, &[], DESCRIPTION)
        },
        Label {
            instances: Some(details(answer).map(instance).collect()),
            ..label(FACE, confidence, &["Head", "Person"], DESCRIPTION)
        },
    ];
    labels.extend(
        emotions(answer).into_iter().map(|(name, confidence)| {
            label(&name, confidence, &[FACE, "Head", "Person"], EXPRESSION)
        }),
    );
    labels.sort_by(|one, other| {
        let percent = |label: &Label| label.confidence.unwrap_or_default();
        percent(other).total_cmp(&percent(one))
    });
    labels
}

fn label(name: &str, confidence: f64, parents: &[&str], category: &str) -> Label {
    Label {
        name: Some(name.to_owned()),
        confidence: Some(confidence),
        instances: Some(Vec::new()),
        parents: Some(
            parents
                .iter()
                .map(|name| Parent {
                    name: Some((*name).to_owned()),
                })
                .collect(),
        ),
        aliases: Some(Vec::new()),
        categories: Some(vec![LabelCategory {
            name: Some(category.to_owned()),
        }]),
    }
}

fn instance(face: &FaceDetail) -> Instance {
    Instance {
        bounding_box: face.bounding_box.clone(),
        confidence: face.confidence,
        dominant_colors: None,
    }
}

fn details(answer: &DetectFacesResponse) -> impl Iterator<Item = &FaceDetail> {
    answer.face_details.iter().flatten()
}

/// The face's most confident emotion and its confidence in percent, if that is at least 50 and the emotion has a name.
#[must_use]
pub fn main_emotion(face: &FaceDetail) -> Option<(String, f64)> {
    let emotions = face.emotions.iter().flatten();
    let main = emotions.max_by(|one, other| {
        let percent = |confidence: Option<f64>| confidence.unwrap_or_default();
        percent(one.confidence).total_cmp(&percent(other.confidence))
    })?;
    let confidence = main
        .confidence
        .filter(|percent| *percent >= MIN_EMOTION_CONFIDENCE)?;
    match main.r#type.as_ref()? {
        EmotionName::Unknown => None,
        named => Some((label_name(named.as_str()), confidence)),
    }
}

/// `HAPPY` as `Happy`.
fn label_name(emotion: &str) -> String {
    let mut letters = emotion.chars();
    letters.next().map_or_else(String::new, |first| {
        first
            .to_uppercase()
            .chain(letters.flat_map(char::to_lowercase))
            .collect()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn answer(faces: &Value) -> DetectFacesResponse {
        serde_json::from_value(json!({ "FaceDetails": faces })).unwrap()
    }

    fn aged(ranges: &[(u32, u32)]) -> Vec<(u32, u32)> {
        let faces = ranges
            .iter()
            .map(|(low, high)| json!({"AgeRange": {"Low": low, "High": high}}));
        let spans = ages(&answer(&faces.collect()));
        spans
            .into_iter()
            .map(|span| (span.low, span.high))
            .collect()
    }

    #[test]
    fn each_emotion_is_named_once_with_its_highest_confidence() {
        let answer = answer(&json!([
            {"Emotions": [{"Type": "CALM", "Confidence": 60.0}, {"Type": "HAPPY", "Confidence": 39.0}]},
            {"Emotions": [{"Type": "SAD", "Confidence": 2.0}, {"Type": "HAPPY", "Confidence": 97.5}]},
            {"Emotions": [{"Type": "CALM", "Confidence": 75.0}]},
            // Too doubtful, unknown, and without emotions.
            {"Emotions": [{"Type": "SAD", "Confidence": 49.9}, {"Type": "FEAR", "Confidence": 20.0}]},
            {"Emotions": [{"Type": "UNKNOWN", "Confidence": 99.0}]},
            {"Emotions": []},
            {},
        ]));
        assert_eq!(
            emotions(&answer),
            [("Happy".to_owned(), 97.5), ("Calm".to_owned(), 75.0)]
        );
    }

    #[test]
    fn every_emotion_of_rekognition_has_its_label_name() {
        for name in EMOTIONS {
            let kind = name.to_uppercase();
            let one = answer(&json!([{"Emotions": [{"Type": kind, "Confidence": 50.0}]}]));
            assert_eq!(emotions(&one), [(name.to_owned(), 50.0)]);
        }
    }

    #[test]
    fn ages_are_the_union_of_the_ranges() {
        assert_eq!(aged(&[]), []);
        assert_eq!(aged(&[(30, 40), (2, 8), (36, 44)]), [(2, 8), (30, 44)]);
        assert_eq!(aged(&[(0, 3), (4, 6), (8, 9)]), [(0, 6), (8, 9)]);
        assert_eq!(aged(&[(20, 60), (30, 40)]), [(20, 60)]);
        assert_eq!(
            aged(&[(9, 5), (u32::MAX, u32::MAX)]),
            [(5, 9), (u32::MAX, u32::MAX)]
        );
        assert!(ages(&answer(&json!([{"AgeRange": {"Low": 3}}, {}]))).is_empty());
    }

    #[test]
    fn smiles_are_counted_where_the_answer_knows_them() {
        assert_eq!(smiles(&answer(&json!([]))), None);
        assert_eq!(smiles(&answer(&json!([{}, {"Smile": {}}]))), None);
        let faces = json!([{"Smile": {"Value": true}}, {"Smile": {"Value": false}}, {}]);
        assert_eq!(smiles(&answer(&faces)), Some(1));
    }

    #[test]
    fn faces_give_the_labels_that_rekognition_would_give() {
        assert_eq!(labels(&answer(&json!([]))), []);
        let found = labels(&answer(&json!([
            {"Confidence": 98.0, "BoundingBox": {"Left": 0.5, "Top": 0.25, "Width": 0.125, "Height": 0.25},
             "Emotions": [{"Type": "HAPPY", "Confidence": 99.0}]},
            {"Confidence": 90.0},
        ])));
        assert_eq!(
            serde_json::to_value(found).unwrap(),
            json!([
                {"Name": "Happy", "Confidence": 99.0, "Instances": [], "Aliases": [],
                 "Parents": [{"Name": "Face"}, {"Name": "Head"}, {"Name": "Person"}],
                 "Categories": [{"Name": "Expressions and Emotions"}]},
                {"Name": "Person", "Confidence": 98.0, "Instances": [], "Parents": [],
                 "Aliases": [{"Name": "Human"}], "Categories": [{"Name": "Person Description"}]},
                {"Name": "Face", "Confidence": 98.0, "Aliases": [],
                 "Instances": [
                    {"BoundingBox": {"Left": 0.5, "Top": 0.25, "Width": 0.125, "Height": 0.25}, "Confidence": 98.0},
                    {"Confidence": 90.0},
                 ],
                 "Parents": [{"Name": "Head"}, {"Name": "Person"}],
                 "Categories": [{"Name": "Person Description"}]},
            ])
        );
    }
}
