//! docs/result-document.md describes the document that the API's own description describes.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::{collections::BTreeMap, fs, path::Path};

use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../..")
            .join(path),
    )
    .unwrap()
}

fn page() -> String {
    read("docs/result-document.md")
}

/// The schemas of the API, by name.
struct Schemas(Value);

impl Schemas {
    fn read() -> Self {
        let api: Value = serde_json::from_str(&read("crates/upload-api/openapi.json")).unwrap();
        Self(api["components"]["schemas"].clone())
    }

    fn document(&self) -> &Value {
        &self.0["ResultDocument"]
    }

    /// The schema itself, behind references and behind "or null".
    fn resolve<'s>(&'s self, schema: &'s Value) -> &'s Value {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.rsplit('/').next().unwrap();
            return self.resolve(&self.0[name]);
        }
        let choices = ["oneOf", "anyOf", "allOf"]
            .iter()
            .find_map(|kind| schema[kind].as_array());
        let choice = choices.and_then(|all| all.iter().find(|one| one["type"] != "null"));
        choice.map_or(schema, |one| self.resolve(one))
    }

    /// Adds each member below the schema by its path, such as `errors[].code`, and whether it is required.
    fn members(&self, schema: &Value, path: &str, found: &mut BTreeMap<String, bool>) {
        let schema = self.resolve(schema);
        if schema["type"] == "array" {
            self.members(&schema["items"], &format!("{path}[]"), found);
        }
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        for (name, member) in schema["properties"].as_object().into_iter().flatten() {
            let inner = if path.is_empty() {
                name.clone()
            } else {
                format!("{path}.{name}")
            };
            self.members(member, &inner, found);
            found.insert(inner, required.contains(&Value::from(name.as_str())));
        }
    }

    /// Adds a sentence for each part of the value that differs from the schema. `null` is no value of a document.
    fn compare(&self, schema: &Value, value: &Value, path: &str, wrong: &mut Vec<String>) {
        let schema = self.resolve(schema);
        let types: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let fits = |kind: &&str| match *kind {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_u64() || value.is_i64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            _ => false,
        };
        if !types.iter().any(fits) {
            wrong.push(format!("{path} is no {types:?}: {value}"));
        }
        if let Some(names) = schema["enum"].as_array()
            && !names.contains(value)
        {
            wrong.push(format!("{path} is none of {names:?}: {value}"));
        }
        for each in value.as_array().into_iter().flatten() {
            self.compare(&schema["items"], each, &format!("{path}[]"), wrong);
        }
        let Some(object) = value.as_object() else {
            return;
        };
        let required = schema["required"].as_array().into_iter().flatten();
        for name in required.filter_map(Value::as_str) {
            if !object.contains_key(name) {
                wrong.push(format!("{path} lacks {name}"));
            }
        }
        // Without a description of its members, an object may have any.
        let (known, other) = (&schema["properties"], &schema["additionalProperties"]);
        for (name, member) in object {
            let inner = format!("{path}.{name}");
            if let Some(described) = known.get(name) {
                self.compare(described, member, &inner, wrong);
            } else if other.is_object() {
                self.compare(other, member, &inner, wrong);
            } else if known.is_object() {
                wrong.push(format!("{inner} does not exist"));
            }
        }
    }
}

/// The rows of the tables of members: path, and when the member is absent.
fn rows(page: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut in_table = false;
    for line in page.lines() {
        in_table = line.starts_with("| member | type |") || (in_table && line.starts_with('|'));
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if in_table && let Some(path) = cells.get(1).and_then(|cell| cell.strip_prefix('`')) {
            let path = path.trim_end_matches('`').to_owned();
            let twice = found.insert(path, cells[3].to_owned());
            assert_eq!(twice, None, "explained twice: {line}");
        }
    }
    found
}

#[test]
fn every_member_is_explained_once() {
    let schemas = Schemas::read();
    let mut members = BTreeMap::new();
    schemas.members(schemas.document(), "", &mut members);
    let rows = rows(&page());
    let names = |all: Vec<&String>| all.into_iter().cloned().collect::<Vec<_>>();
    assert_eq!(
        names(rows.keys().collect()),
        names(members.keys().collect())
    );
    for (path, absent) in &rows {
        assert!(!absent.is_empty(), "{path}");
        // Members with a default are not required, but always written.
        assert!(
            !members[path] || absent.starts_with("never"),
            "{path} is required"
        );
    }
}

#[test]
fn the_examples_are_documents_of_the_schema() {
    let schemas = Schemas::read();
    let page = page();
    for status in schemas.resolve(&schemas.document()["properties"]["status"])["enum"]
        .as_array()
        .unwrap()
    {
        let mark = format!("<!-- example: {} -->\n```json\n", status.as_str().unwrap());
        let (_, rest) = page.split_once(&mark).unwrap();
        let (example, _) = rest.split_once("\n```").unwrap();
        let example: Value = serde_json::from_str(example).unwrap();
        assert_eq!(&example["status"], status);
        let mut wrong = Vec::new();
        schemas.compare(schemas.document(), &example, "", &mut wrong);
        assert_eq!(wrong, [""; 0], "{status}");
    }
}
