//! JSON documents generated from the service model.

use serde_json::{Map, Value, json};

use crate::service_model::ServiceModel;

/// A document of this shape with every member and one entry in every list. Enums have their value number `turn`, modulo their count.
/// Strings satisfy their constraints.
pub(crate) fn full(model: &ServiceModel, name: &str, turn: usize) -> Value {
    let shape = model.shape(name);
    match shape["type"].as_str().unwrap() {
        "structure" => {
            let members: Map<String, Value> = model
                .members(name)
                .iter()
                .map(|(member, of)| {
                    (
                        member.clone(),
                        full(model, of["shape"].as_str().unwrap(), turn),
                    )
                })
                .collect();
            Value::Object(members)
        }
        "list" => json!([full(
            model,
            shape["member"]["shape"].as_str().unwrap(),
            turn
        )]),
        "string" => match shape["enum"].as_array() {
            Some(values) => values[turn % values.len()].clone(),
            None => json!(text(name)),
        },
        "blob" => json!("/9j/4AAQSkZJRg=="),
        "boolean" => json!(turn.is_multiple_of(2)),
        "integer" => json!(7 + turn),
        "float" => json!(0.25 + turn as f64 / 64.0),
        other => panic!("{name}: the service model now has a {other}"),
    }
}

fn text(shape: &str) -> &'static str {
    match shape {
        "ProjectVersionArn" | "ProjectVersionId" => {
            "arn:aws:rekognition:us-east-1:123456789012:project/birds/version/v1/1690000000000"
        }
        _ => "text-1",
    }
}

/// The number of turns that covers every value of every enum.
pub(crate) fn turns(model: &ServiceModel) -> usize {
    let shapes = model.0["shapes"].as_object().unwrap().values();
    shapes
        .filter_map(|shape| shape["enum"].as_array().map(Vec::len))
        .max()
        .unwrap()
}
