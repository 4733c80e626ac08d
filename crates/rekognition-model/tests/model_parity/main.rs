//! Compares every type of this crate with AWS's service model: the same members, spelling and kinds of values, and the same constraints
//! of requests.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "tests may panic; clippy exempts only functions with #[test]"
)]

mod constraints;
mod documents;
#[path = "../../../../tests/needs.rs"]
mod needs;
mod probe;
mod service_model;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use rekognition_model::{
    Attribute, BodyPart, ContentClassifier, DetectCustomLabelsRequest, DetectFacesRequest,
    DetectLabelsFeatureName, DetectLabelsRequest, DetectModerationLabelsRequest,
    DetectProtectiveEquipmentRequest, DetectTextRequest, EmotionName, ErrorBody, ErrorCode,
    GenderType, KnownGenderType, LandmarkType, Operation, OrientationCorrection,
    ProtectiveEquipmentType, RecognizeCelebritiesRequest, Request, TextTypes, Violation,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use probe::{Kind, Structures, structures_of};
use service_model::ServiceModel;

/// AWS's service model; none, with a note, where botocore is not installed.
fn model() -> Option<&'static ServiceModel> {
    static MODEL: LazyLock<Option<ServiceModel>> = LazyLock::new(ServiceModel::load);
    MODEL.as_ref()
}

/// Test functions for a request type and its response type.
struct Subject {
    operation: Operation,
    /// Adds the structures of both and returns the names of the two.
    structures: fn(&mut Structures) -> [String; 2],
    request_round_trip: RoundTrip,
    response_round_trip: RoundTrip,
    violations: fn(Value) -> serde_json::Result<Vec<Violation>>,
}

/// Parses a document as a type and serialises it again.
type RoundTrip = fn(Value) -> serde_json::Result<Value>;

impl Subject {
    fn of<R: Request>() -> Self {
        Self {
            operation: R::OPERATION,
            structures: |into| [structures_of::<R>(into), structures_of::<R::Response>(into)],
            request_round_trip: round_trip::<R>,
            response_round_trip: round_trip::<R::Response>,
            violations: |request| Ok(serde_json::from_value::<R>(request)?.violations()),
        }
    }

    fn all() -> [Self; 7] {
        [
            Self::of::<DetectLabelsRequest>(),
            Self::of::<DetectFacesRequest>(),
            Self::of::<DetectModerationLabelsRequest>(),
            Self::of::<DetectTextRequest>(),
            Self::of::<DetectCustomLabelsRequest>(),
            Self::of::<RecognizeCelebritiesRequest>(),
            Self::of::<DetectProtectiveEquipmentRequest>(),
        ]
    }
}

fn round_trip<T: Serialize + DeserializeOwned>(document: Value) -> serde_json::Result<Value> {
    serde_json::to_value(serde_json::from_value::<T>(document)?)
}

/// The structures of the seven operations in the service model.
fn structures_in(model: &ServiceModel) -> Structures {
    fn kind(model: &ServiceModel, name: &str) -> Kind {
        let shape = model.shape(name);
        match shape["type"].as_str().unwrap() {
            "structure" => Kind::Structure(name.to_owned()),
            "list" => Kind::List(Box::new(kind(
                model,
                shape["member"]["shape"].as_str().unwrap(),
            ))),
            "string" | "blob" => Kind::String,
            "boolean" => Kind::Boolean,
            "integer" => Kind::Integer,
            "float" => Kind::Float,
            other => panic!("{name}: the service model now has a {other}"),
        }
    }

    reachable(model)
        .into_iter()
        .filter(|name| model.shape(name)["type"] == "structure")
        .map(|name| {
            let members = model
                .members(name)
                .iter()
                .map(|(member, of)| (member.clone(), kind(model, of["shape"].as_str().unwrap())));
            (name.to_owned(), members.collect())
        })
        .collect()
}

fn reachable(model: &ServiceModel) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    for operation in Operation::ALL {
        for name in model.input_and_output(operation.name()) {
            model.reachable(name, &mut names);
        }
    }
    names
}

/// All differences of the crate's types from the service model.
fn differences(model: &ServiceModel) -> Vec<String> {
    let mut found = Vec::new();
    let mut ours = Structures::new();
    for subject in Subject::all() {
        let names = (subject.structures)(&mut ours);
        let expected = model.input_and_output(subject.operation.name());
        if names != expected {
            found.push(format!(
                "{}: {names:?}, not {expected:?}",
                subject.operation
            ));
        }
    }
    let theirs = structures_in(model);
    let nothing = BTreeMap::new();
    for structure in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
        let ours = ours.get(structure).unwrap_or(&nothing);
        let theirs = theirs.get(structure).unwrap_or(&nothing);
        for member in ours.keys().chain(theirs.keys()).collect::<BTreeSet<_>>() {
            match (ours.get(member), theirs.get(member)) {
                (Some(ours), Some(theirs)) if ours == theirs => {}
                (Some(ours), Some(theirs)) => {
                    found.push(format!("{structure}.{member} is {ours:?}, not {theirs:?}"));
                }
                (Some(_), None) => found.push(format!("{structure}.{member} is not in the model")),
                (None, _) => found.push(format!("{structure}.{member} is missing")),
            }
        }
    }
    found
}

#[test]
fn every_operation_is_tested() {
    let Some(model) = model() else {
        return;
    };
    let tested = Subject::all().map(|subject| subject.operation);
    assert_eq!(tested, Operation::ALL);
    for operation in Operation::ALL {
        assert!(
            model.0["operations"].get(operation.name()).is_some(),
            "{operation}"
        );
    }
    let prefix = model.0["metadata"]["targetPrefix"].as_str().unwrap();
    assert_eq!(
        Operation::DetectLabels.target(),
        format!("{prefix}.DetectLabels")
    );
}

#[test]
fn every_structure_has_the_members_of_the_model_and_no_others() {
    let Some(model) = model() else {
        return;
    };
    assert_eq!(differences(model), Vec::<String>::new());
    assert!(
        structures_in(model).len() > 50,
        "too few structures in the model"
    );
}

#[test]
fn detects_differences_from_the_model() {
    let Some(model) = model() else {
        return;
    };
    let changed = |change: &dyn Fn(&mut Value)| {
        let mut model = model.clone();
        change(&mut model.0["shapes"]);
        differences(&model)
    };
    let members = |shapes: &mut Value, structure: &str, change: &dyn Fn(&mut Value)| {
        change(&mut shapes[structure]["members"]);
    };

    let added = changed(&|shapes| {
        members(shapes, "Label", &|all| {
            all["Breed"] = json!({"shape": "String"})
        });
    });
    assert_eq!(added, ["Label.Breed is missing"]);

    let removed = changed(&|shapes| {
        members(shapes, "Label", &|all| {
            all.as_object_mut().unwrap().remove("Aliases");
        });
    });
    assert_eq!(
        removed,
        [
            "Label.Aliases is not in the model",
            "LabelAlias.Name is not in the model"
        ]
    );

    let respelled = changed(&|shapes| {
        members(shapes, "DominantColor", &|all| {
            let member = all.as_object_mut().unwrap().remove("CSSColor").unwrap();
            all["CssColor"] = member;
        });
    });
    assert_eq!(
        respelled,
        [
            "DominantColor.CSSColor is not in the model",
            "DominantColor.CssColor is missing"
        ]
    );

    let retyped = changed(&|shapes| {
        members(shapes, "AgeRange", &|all| {
            all["Low"]["shape"] = json!("Float")
        });
    });
    assert_eq!(retyped, ["AgeRange.Low is Integer, not Float"]);
}

#[test]
fn full_documents_round_trip() {
    let Some(model) = model() else {
        return;
    };
    for subject in Subject::all() {
        let [input, output] = model.input_and_output(subject.operation.name());
        for turn in 0..documents::turns(model) {
            let request = documents::full(model, input, turn);
            assert_eq!(
                (subject.request_round_trip)(request.clone()).unwrap(),
                request
            );
            let response = documents::full(model, output, turn);
            assert_eq!(
                (subject.response_round_trip)(response.clone()).unwrap(),
                response
            );
        }
    }
}

#[test]
fn detects_a_lost_member() {
    let Some(model) = model() else {
        return;
    };
    for subject in Subject::all() {
        let [_, output] = model.input_and_output(subject.operation.name());
        let mut response = documents::full(model, output, 0);
        response["MadeUp"] = json!(1);
        let round_tripped = (subject.response_round_trip)(response.clone()).unwrap();
        assert_ne!(round_tripped, response);
        response.as_object_mut().unwrap().remove("MadeUp");
        assert_eq!(round_tripped, response);
    }
}

#[test]
fn parses_empty_documents_and_nulls() {
    let Some(model) = model() else {
        return;
    };
    for subject in Subject::all() {
        let names = model.input_and_output(subject.operation.name());
        let round_trips = [subject.request_round_trip, subject.response_round_trip];
        for (name, round_trip) in names.into_iter().zip(round_trips) {
            assert_eq!(round_trip(json!({})).unwrap(), json!({}));
            let nulls = model
                .members(name)
                .keys()
                .map(|member| (member.clone(), Value::Null));
            assert_eq!(
                round_trip(Value::Object(nulls.collect())).unwrap(),
                json!({})
            );
        }
    }
}

#[test]
fn every_enum_has_the_values_of_the_model_in_order() {
    let Some(model) = model() else {
        return;
    };
    fn texts<T: ToString>(known: &[T]) -> Vec<String> {
        known.iter().map(T::to_string).collect()
    }
    let ours = BTreeMap::from([
        ("Attribute", texts(Attribute::KNOWN)),
        ("BodyPart", texts(BodyPart::KNOWN)),
        ("ContentClassifier", texts(ContentClassifier::KNOWN)),
        (
            "DetectLabelsFeatureName",
            texts(DetectLabelsFeatureName::KNOWN),
        ),
        ("EmotionName", texts(EmotionName::KNOWN)),
        ("GenderType", texts(GenderType::KNOWN)),
        ("KnownGenderType", texts(KnownGenderType::KNOWN)),
        ("LandmarkType", texts(LandmarkType::KNOWN)),
        ("OrientationCorrection", texts(OrientationCorrection::KNOWN)),
        (
            "ProtectiveEquipmentType",
            texts(ProtectiveEquipmentType::KNOWN),
        ),
        ("TextTypes", texts(TextTypes::KNOWN)),
    ]);
    let theirs: BTreeMap<&str, Vec<String>> = reachable(model)
        .into_iter()
        .filter_map(|name| {
            let values = model.shape(name)["enum"].as_array()?;
            Some((
                name,
                values
                    .iter()
                    .map(|value| value.as_str().unwrap().to_owned())
                    .collect(),
            ))
        })
        .collect();
    assert_eq!(ours, theirs);
}

#[test]
fn every_error_has_its_code_and_members() {
    let Some(model) = model() else {
        return;
    };
    for operation in Operation::ALL {
        for error in model.errors(operation.name()) {
            let code = ErrorCode::from(error);
            assert!(ErrorCode::KNOWN.contains(&code), "{operation}: {error}");
            let fault = model.shape(error)["fault"] == json!(true);
            assert_eq!(code.http_status(), if fault { 500 } else { 400 }, "{error}");

            let mut body = documents::full(model, error, 0);
            body["__type"] = json!(error);
            body["Message"] = json!("text");
            assert_eq!(round_trip::<ErrorBody>(body.clone()).unwrap(), body);
        }
    }
}
