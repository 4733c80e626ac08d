//! AWS's service model of Rekognition, from botocore.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::needs;
use flate2::read::GzDecoder;
use serde_json::{Map, Value};

/// The environment variable with botocore's package directory or the model file, compressed or not.
const LOCATION_VARIABLE: &str = "SIGHTLINE_BOTOCORE";

/// The model in botocore's package. Old versions do not compress it.
const MODEL_IN_PACKAGE: [&str; 2] = [
    "data/rekognition/2016-06-27/service-2.json.gz",
    "data/rekognition/2016-06-27/service-2.json",
];

const HOW_TO_GET_IT: &str = "the service model in the Python package botocore: install it, or set \
    SIGHTLINE_BOTOCORE to the directory of an installed botocore package or to its service-2.json.gz for rekognition";

/// The service model. Tests modify copies of it to check that differences are detected.
#[derive(Clone)]
pub(crate) struct ServiceModel(pub(crate) Value);

impl ServiceModel {
    /// None, with a note, where botocore is not installed.
    pub(crate) fn load() -> Option<Self> {
        let path = match std::env::var_os(LOCATION_VARIABLE) {
            Some(location) => model_at(Path::new(&location)),
            None if needs::without_python() => None,
            None => installed_package().as_deref().and_then(model_at),
        };
        let Some(path) = path else {
            needs::not_run(HOW_TO_GET_IT);
            return None;
        };
        let file = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = if file.starts_with(&[0x1f, 0x8b]) {
            let mut text = Vec::new();
            GzDecoder::new(file.as_slice())
                .read_to_end(&mut text)
                .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            text
        } else {
            file
        };
        let model: Value = serde_json::from_slice(&text)
            .unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(
            model["metadata"]["uid"],
            "rekognition-2016-06-27",
            "{} is not the expected service model; the test needs {HOW_TO_GET_IT}",
            path.display()
        );
        Some(Self(model))
    }

    pub(crate) fn shape(&self, name: &str) -> &Value {
        self.0["shapes"]
            .get(name)
            .unwrap_or_else(|| panic!("the service model has no shape {name}"))
    }

    pub(crate) fn members(&self, structure: &str) -> &Map<String, Value> {
        self.shape(structure)["members"].as_object().unwrap()
    }

    /// The names of an operation's input and output shapes.
    pub(crate) fn input_and_output(&self, operation: &str) -> [&str; 2] {
        let operation = &self.0["operations"][operation];
        ["input", "output"].map(|side| operation[side]["shape"].as_str().unwrap())
    }

    pub(crate) fn errors(&self, operation: &str) -> impl Iterator<Item = &str> {
        self.0["operations"][operation]["errors"]
            .as_array()
            .unwrap()
            .iter()
            .map(|error| error["shape"].as_str().unwrap())
    }

    /// Adds a shape and all its nested shapes.
    pub(crate) fn reachable<'a>(&'a self, name: &'a str, into: &mut BTreeSet<&'a str>) {
        if !into.insert(name) {
            return;
        }
        let shape = self.shape(name);
        if let Some(members) = shape["members"].as_object() {
            for member in members.values() {
                self.reachable(member["shape"].as_str().unwrap(), into);
            }
        }
        if let Some(entry) = shape["member"]["shape"].as_str() {
            self.reachable(entry, into);
        }
    }
}

fn model_at(location: &Path) -> Option<PathBuf> {
    if location.is_file() {
        return Some(location.to_owned());
    }
    MODEL_IN_PACKAGE
        .iter()
        .map(|path| location.join(path))
        .find(|path| path.is_file())
}

fn installed_package() -> Option<PathBuf> {
    let script = "import botocore, os; print(os.path.dirname(botocore.__file__))";
    let output = Command::new("python3").args(["-c", script]).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?;
    output
        .status
        .success()
        .then(|| PathBuf::from(path.trim_end()))
}
