//! The graph of a TensorFlow.js model: TensorFlow's GraphDef as JSON.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::Value as Json;

use super::super::ConvertError;
use super::super::weights::Group;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ModelFile {
    pub(super) model_topology: GraphDef,
    pub(super) weights_manifest: Vec<Group>,
}

#[derive(Debug, Deserialize)]
pub(super) struct GraphDef {
    pub(super) node: Vec<Node>,
}

#[derive(Debug, Deserialize)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) op: String,
    #[serde(default)]
    input: Vec<String>,
    #[serde(default)]
    attr: HashMap<String, Json>,
}

impl ModelFile {
    pub(super) fn parse(json: &[u8]) -> Result<Self, ConvertError> {
        serde_json::from_slice(json).map_err(|e| ConvertError::Description(e.to_string()))
    }
}

/// An output of a node. Its text is `node` for output 0, else `node:output`.
pub(super) fn port(text: &str) -> (&str, usize) {
    text.rsplit_once(':')
        .and_then(|(node, output)| Some((node, output.parse().ok()?)))
        .unwrap_or((text, 0))
}

/// A number that JSON has as a number, or as a string because it has 64 bits.
fn number(json: &Json) -> Option<i64> {
    json.as_i64().or_else(|| json.as_str()?.parse().ok())
}

/// A string that JSON has as base64, or as a list of bytes.
fn string(json: &Json) -> Option<String> {
    let bytes = match json {
        Json::String(text) => STANDARD.decode(text).ok()?,
        Json::Array(bytes) => bytes
            .iter()
            .map(|byte| u8::try_from(byte.as_u64()?).ok())
            .collect::<Option<_>>()?,
        _ => return None,
    };
    String::from_utf8(bytes).ok()
}

impl Node {
    /// The node's inputs. Control inputs, which only order the execution, are left out.
    pub(super) fn inputs(&self) -> impl Iterator<Item = (&str, usize)> {
        self.input
            .iter()
            .filter(|input| !input.starts_with('^'))
            .map(|input| port(input))
    }

    fn attribute<T>(
        &self,
        name: &str,
        default: T,
        read: impl Fn(&Json) -> Option<T>,
    ) -> Result<T, String> {
        match self.attr.get(name) {
            None => Ok(default),
            Some(value) => {
                read(value).ok_or_else(|| format!("its attribute \"{name}\" is not valid"))
            }
        }
    }

    /// An attribute, or `default` if the node does not have it.
    pub(super) fn integer(&self, name: &str, default: i64) -> Result<i64, String> {
        // Protobuf's JSON leaves out zeros.
        self.attribute(name, default, |value| {
            value.get("i").map_or(Some(0), number)
        })
    }

    pub(super) fn float(&self, name: &str, default: f32) -> Result<f32, String> {
        self.attribute(name, default, |value| {
            value
                .get("f")
                .map_or(Some(0.0), |f| f.as_f64().map(|f| f as f32))
        })
    }

    pub(super) fn text(&self, name: &str, default: &str) -> Result<String, String> {
        self.attribute(name, default.to_owned(), |value| string(value.get("s")?))
    }

    /// A list of integers; empty if the node does not have it.
    pub(super) fn integers(&self, name: &str) -> Result<Vec<i64>, String> {
        self.list(name, "i", number)
    }

    /// A list of strings; empty if the node does not have it.
    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, String> {
        self.list(name, "s", string)
    }

    fn list<T>(
        &self,
        name: &str,
        member: &str,
        read: fn(&Json) -> Option<T>,
    ) -> Result<Vec<T>, String> {
        self.attribute(name, None, |value| {
            let Some(items) = value.get("list")?.get(member) else {
                return Some(Some(vec![]));
            };
            let items: Option<Vec<T>> = items.as_array()?.iter().map(read).collect();
            items.map(Some)
        })
        .map(Option::unwrap_or_default)
    }

    /// Two numbers of at least 1 for the vertical and horizontal axis of an NHWC attribute; 1 if the node does not have it.
    pub(super) fn pair(&self, name: &str) -> Result<[usize; 2], String> {
        let wrong = || format!("its attribute \"{name}\" is not valid");
        let positive = |value: &i64| {
            usize::try_from(*value)
                .ok()
                .filter(|v| (1..1 << 16).contains(v))
        };
        match self.integers(name)?.as_slice() {
            [] => Ok([1, 1]),
            [1, vertical, horizontal, 1] => Ok([
                positive(vertical).ok_or_else(wrong)?,
                positive(horizontal).ok_or_else(wrong)?,
            ]),
            _ => Err(wrong()),
        }
    }

    /// Refuses pictures that are not NHWC.
    pub(super) fn needs_nhwc(&self) -> Result<(), String> {
        match self.text("data_format", "NHWC")?.as_str() {
            "NHWC" => Ok(()),
            other => Err(format!("its data format is {other}; only NHWC is known")),
        }
    }
}
