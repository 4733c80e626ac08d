//! Violates every constraint of the service model on requests, one at a time, and expects AWS's message.

use serde_json::{Value, json};

use crate::service_model::ServiceModel;
use crate::{Subject, documents, model};

/// A member of a request.
#[derive(Clone)]
struct Place {
    /// Its JSON pointer in the document.
    pointer: String,
    /// Its path in messages.
    path: String,
    shape: String,
    required: bool,
}

/// Every member of a structure and of its nested structures. List entries belong to the list, as in messages.
fn places(model: &ServiceModel, structure: &str, pointer: &str, path: &str, into: &mut Vec<Place>) {
    let required = model.shape(structure)["required"].as_array();
    for (member, of) in model.members(structure) {
        let (first, rest) = member.split_at(1);
        let dot = if path.is_empty() { "" } else { "." };
        let place = Place {
            pointer: format!("{pointer}/{member}"),
            path: format!("{path}{dot}{}{rest}", first.to_lowercase()),
            shape: of["shape"].as_str().unwrap().to_owned(),
            required: required.is_some_and(|names| names.contains(&json!(member))),
        };
        if model.shape(&place.shape)["type"] == "structure" {
            places(model, &place.shape, &place.pointer, &place.path, into);
        }
        into.push(place);
    }
}

/// Values at the limits of a shape's constraints, and values beyond them with their messages.
fn probes(model: &ServiceModel, name: &str) -> (Vec<Value>, Vec<(Value, String)>) {
    let shape = model.shape(name);
    let (min, max) = (shape["min"].as_u64(), shape["max"].as_u64());
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    let long = |limit, word| format!("Member must have length {word} than or equal to {limit}");
    let valued = |limit, word| format!("Member must have value {word} than or equal to {limit}");
    match shape["type"].as_str().unwrap() {
        "float" => {
            if let Some(max) = max {
                good.push(json!(max));
                bad.push((json!(max as f64 + 0.001), valued(max, "less")));
            }
            if let Some(min) = min {
                good.push(json!(min));
                bad.push((json!(min as f64 - 0.001), valued(min, "greater")));
            }
        }
        "integer" => {
            if let Some(max) = max {
                good.push(json!(max));
                bad.push((json!(max + 1), valued(max, "less")));
            }
            good.extend(min.map(|min| json!(min)));
        }
        "string" => {
            if let Some(pattern) = shape["pattern"].as_str() {
                let text = "\u{1}".repeat(min.unwrap_or(1).max(1) as usize);
                let message = format!("Member must satisfy regular expression pattern: {pattern}");
                bad.push((json!(text), message));
            }
            // With a fixed prefix in the pattern there is no simple text of the maximum length.
            if let Some(max) = max {
                if !name.starts_with("ProjectVersion") {
                    good.push(json!("a".repeat(max as usize)));
                }
                bad.push((json!("a".repeat(max as usize + 1)), long(max, "less")));
            }
            if let Some(min) = min.filter(|min| *min > 0) {
                bad.push((json!("a".repeat(min as usize - 1)), long(min, "greater")));
            }
        }
        "blob" => {
            let base64 = |bytes: u64| json!("A".repeat(bytes as usize / 3 * 4) + padding(bytes));
            good.extend([min, max].into_iter().flatten().map(base64));
            bad.extend(max.map(|max| (base64(max + 1), long(max, "less"))));
            bad.extend(min.map(|min| (base64(min - 1), long(min, "greater"))));
        }
        "list" => {
            let entry_shape = shape["member"]["shape"].as_str().unwrap();
            let entry = documents::full(model, entry_shape, 0);
            let list = |count: u64| Value::Array(vec![entry.clone(); count as usize]);
            good.push(list(0));
            if let Some(max) = max {
                good.push(list(max));
                bad.push((list(max + 1), long(max, "less")));
            }
            if let Some(values) = model.shape(entry_shape)["enum"].as_array() {
                let values: Vec<&str> =
                    values.iter().map(|value| value.as_str().unwrap()).collect();
                let message = format!(
                    "Member must satisfy enum value set: [{}]",
                    values.join(", ")
                );
                bad.push((json!(["MADE_UP"]), message));
            }
            if model.shape(entry_shape)["type"] == "string" {
                let (good_entries, bad_entries) = probes(model, entry_shape);
                good.extend(good_entries.into_iter().map(|entry| json!([entry])));
                bad.extend(
                    bad_entries
                        .into_iter()
                        .map(|(entry, message)| (json!([entry]), message)),
                );
            }
        }
        _ => {}
    }
    (good, bad)
}

/// The end of the base64 of this many zero bytes.
fn padding(bytes: u64) -> &'static str {
    match bytes % 3 {
        0 => "",
        1 => "AA==",
        _ => "AAA=",
    }
}

#[test]
fn every_constraint_of_a_request_is_checked() {
    let Some(model) = model() else {
        return;
    };
    let mut broken_constraints = 0;
    for subject in Subject::all() {
        let [input, _] = model.input_and_output(subject.operation.name());
        let mut all = Vec::new();
        places(model, input, "", "", &mut all);
        for place in all {
            // An image has either bytes or an S3 object: the one under test, or bytes by default.
            let mut base = documents::full(model, input, 0);
            let other = if place.path.starts_with("image.s3Object") {
                "Bytes"
            } else {
                "S3Object"
            };
            base["Image"].as_object_mut().unwrap().remove(other);
            assert_eq!(
                (subject.violations)(base.clone()).unwrap(),
                [],
                "{}",
                subject.operation
            );
            if base.pointer(&place.pointer).is_none() {
                continue;
            }

            let with = |value: &Value| {
                let mut request = base.clone();
                *request.pointer_mut(&place.pointer).unwrap() = value.clone();
                (subject.violations)(request)
            };
            let (good, mut bad) = probes(model, &place.shape);
            for value in good {
                assert_eq!(
                    with(&value).unwrap(),
                    [],
                    "{} {}",
                    subject.operation,
                    place.path
                );
            }
            if place.required {
                bad.push((Value::Null, "Member must not be null".to_owned()));
            }
            for (value, message) in bad {
                let violations = with(&value).unwrap();
                assert!(
                    violations
                        .iter()
                        .any(|violation| violation.path == place.path
                            && violation.text.contains(&message)),
                    "{} {}: no {message:?} in {violations:#?}",
                    subject.operation,
                    place.path
                );
                broken_constraints += 1;
            }
            if model.shape(&place.shape)["type"] == "integer" {
                assert!(
                    with(&json!(-1)).is_err(),
                    "{} {}",
                    subject.operation,
                    place.path
                );
            }
        }
    }
    assert!(
        broken_constraints > 80,
        "only {broken_constraints} constraints were found"
    );
}
