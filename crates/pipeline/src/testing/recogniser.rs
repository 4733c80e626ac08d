//! A recogniser with fixed answers.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use rekognition_model::Operation;
use serde_json::{Value, json};

use super::{faults::Faults, lock::lock};
use crate::{
    recogniser::{Recogniser, RecogniserCall, RecogniserQuery},
    service_error::ServiceError,
};

/// A recogniser that gives one fixed answer to each operation, whatever the picture. It records its calls. Clones
/// share everything.
#[derive(Debug, Clone, Default)]
pub struct CannedRecogniser(Arc<Mutex<Canned>>);

#[derive(Debug, Default)]
struct Canned {
    faults: Vec<(Option<Operation>, Faults<ServiceError>)>,
    delay: Duration,
    calls: Vec<RecogniserCall>,
}

impl CannedRecogniser {
    /// A recogniser that answers at once and never fails.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Calls of this operation, or of every operation, fail as planned.
    #[must_use]
    pub fn with_faults(
        self,
        operation: impl Into<Option<Operation>>,
        faults: Faults<ServiceError>,
    ) -> Self {
        lock(&self.0).faults.push((operation.into(), faults));
        self
    }

    /// Every answer takes this long.
    #[must_use]
    pub fn with_delay(self, delay: Duration) -> Self {
        lock(&self.0).delay = delay;
        self
    }

    /// Every call so far, including failed ones.
    #[must_use]
    pub fn calls(&self) -> Vec<RecogniserCall> {
        lock(&self.0).calls.clone()
    }

    /// The number of calls so far.
    #[must_use]
    pub fn count(&self) -> usize {
        lock(&self.0).calls.len()
    }
}

impl Recogniser for CannedRecogniser {
    async fn recognise(&self, call: &RecogniserCall) -> Result<Value, ServiceError> {
        let (delay, outcome) = {
            let mut canned = lock(&self.0);
            canned.calls.push(call.clone());
            let operation = call.query.operation();
            let failure = canned
                .faults
                .iter()
                .filter(|(only, _)| only.is_none_or(|only| only == operation))
                .find_map(|(_, faults)| faults.next_failure());
            let outcome = failure.map_or_else(
                || Ok(answer(&call.query)),
                |error| {
                    Err(ServiceError {
                        operation: operation.name(),
                        ..error
                    })
                },
            );
            (canned.delay, outcome)
        };
        tokio::time::sleep(delay).await;
        outcome
    }
}

/// A small answer in the shape of the operation's response.
fn answer(query: &RecogniserQuery) -> Value {
    let bounding_box = json!({"Width": 0.5, "Height": 0.25, "Left": 0.125, "Top": 0.0625});
    match query {
        RecogniserQuery::Labels {
            labels,
            image_properties,
            ..
        } => {
            let mut answer = json!({"Labels": [], "LabelModelVersion": "3.0"});
            if *labels && let Some(answer) = answer.as_object_mut() {
                answer.insert(
                    "Labels".to_owned(),
                    json!([
                        {
                            "Name": "Dog",
                            "Confidence": 97.5,
                            "Instances": [{"BoundingBox": bounding_box, "Confidence": 97.5}],
                            "Parents": [{"Name": "Animal"}],
                            "Aliases": [],
                            "Categories": [{"Name": "Animals and Pets"}],
                        },
                        {
                            "Name": "Animal",
                            "Confidence": 97.5,
                            "Instances": [],
                            "Parents": [],
                            "Aliases": [],
                            "Categories": [{"Name": "Animals and Pets"}],
                        },
                    ]),
                );
            }
            if *image_properties && let Some(answer) = answer.as_object_mut() {
                answer.insert(
                    "ImageProperties".to_owned(),
                    json!({"Quality": {"Brightness": 50.0, "Sharpness": 75.0, "Contrast": 25.0}}),
                );
            }
            answer
        }
        RecogniserQuery::Faces => json!({
            "FaceDetails": [{
                "BoundingBox": bounding_box,
                "Confidence": 99.5,
                "AgeRange": {"Low": 20, "High": 28},
                "Smile": {"Value": true, "Confidence": 95.5},
                "Emotions": [
                    {"Type": "CALM", "Confidence": 12.5},
                    {"Type": "HAPPY", "Confidence": 80.5},
                ],
            }],
        }),
        RecogniserQuery::Text => json!({
            "TextDetections": [
                {"Id": 0, "Type": "LINE", "DetectedText": "NO ENTRY", "Confidence": 98.5, "Geometry": {"BoundingBox": bounding_box}},
                {"Id": 1, "ParentId": 0, "Type": "WORD", "DetectedText": "NO", "Confidence": 98.5, "Geometry": {"BoundingBox": bounding_box}},
                {"Id": 2, "ParentId": 0, "Type": "WORD", "DetectedText": "ENTRY", "Confidence": 98.5, "Geometry": {"BoundingBox": bounding_box}},
            ],
            "TextModelVersion": "3.0",
        }),
        RecogniserQuery::Moderation { .. } => json!({
            "ModerationLabels": [
                {"Name": "Alcohol", "ParentName": "", "Confidence": 90.5, "TaxonomyLevel": 1},
                {"Name": "Drinking", "ParentName": "Alcohol", "Confidence": 91.5, "TaxonomyLevel": 2},
            ],
            "ModerationModelVersion": "7.0",
            "ContentTypes": [],
        }),
        RecogniserQuery::Celebrities => json!({"CelebrityFaces": [], "UnrecognizedFaces": []}),
        RecogniserQuery::ProtectiveEquipment => {
            json!({"ProtectiveEquipmentModelVersion": "1.0", "Persons": []})
        }
        RecogniserQuery::CustomLabels { .. } => {
            json!({"CustomLabels": [{"Name": "Shelf", "Confidence": 88.5}]})
        }
    }
}
