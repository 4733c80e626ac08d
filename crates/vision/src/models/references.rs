//! Checks that a model computes what onnxruntime computes with it, on an input that needs no file.
//!
//! `tests/record_model_references.py` records the outputs, and says how. It also compares the converted models with
//! implementations that do not share the converter.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use crate::ModelError;
use crate::engine::{Graph, Tensor};

/// The largest difference that is accepted, as a share of an output's range.
const TOLERANCE: f64 = 1e-3;

static REFERENCES: LazyLock<HashMap<String, Reference>> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../tests/model_references.json")).unwrap_or_default()
});

#[derive(Deserialize)]
struct Reference {
    input: Input,
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Input {
    name: String,
    shape: Vec<usize>,
    low: f64,
    high: f64,
}

#[derive(Deserialize)]
struct Output {
    name: String,
    shape: Vec<usize>,
    /// The largest value minus the smallest.
    range: f64,
    mean: f64,
    /// The place of the largest value.
    largest: usize,
    /// Places and values, the largest among them.
    samples: Vec<(usize, f64)>,
}

/// A number of 0 to 1 for each integer, exact in 24 bits.
fn unit(index: u32) -> f64 {
    let mut hash = index.wrapping_mul(0x9e37_79b1);
    hash ^= hash >> 15;
    hash = hash.wrapping_mul(0x85eb_ca77);
    hash ^= hash >> 13;
    f64::from(hash >> 8) / f64::from(1 << 24)
}

impl Input {
    /// Runs of 61 values around one level, with noise.
    fn drawn(&self) -> Vec<f32> {
        let count = self.shape.iter().product();
        (0u32..)
            .take(count)
            .map(|at| {
                let value = f64::midpoint(unit(at / 61), unit(at.wrapping_add(0x4000_0000)));
                (self.low + (self.high - self.low) * value) as f32
            })
            .collect()
    }
}

impl Output {
    /// The largest difference, as a share of the range. The error says what differs too much.
    fn compare(&self, found: &Tensor) -> Result<f64, String> {
        let name = &self.name;
        if found.shape != self.shape {
            return Err(format!(
                "\"{name}\" has the shape {:?} instead of {:?}",
                found.shape, self.shape
            ));
        }
        let value = |at: usize| found.values.get(at).copied().map_or(f64::NAN, f64::from);
        let sum: f64 = found.values.iter().map(|v| f64::from(*v)).sum();
        let largest = found
            .values
            .iter()
            .copied()
            .fold(f32::NEG_INFINITY, f32::max);
        let mut compared = vec![
            (
                "the mean".to_owned(),
                sum / found.values.len() as f64,
                self.mean,
            ),
            (
                "the largest value".to_owned(),
                largest.into(),
                value(self.largest),
            ),
        ];
        let samples = self.samples.iter();
        compared.extend(samples.map(|(at, v)| (format!("value {at}"), value(*at), *v)));
        let mut worst = 0f64;
        for (what, found, expected) in compared {
            let off = (found - expected).abs() / self.range;
            if off.is_nan() || off > TOLERANCE {
                return Err(format!(
                    "{what} of \"{name}\" is {found} instead of {expected}"
                ));
            }
            worst = worst.max(off);
        }
        Ok(worst)
    }
}

/// Runs a model once, and compares its outputs with the recorded ones. `file` is the file's name in
/// [`ModelName::files`](super::ModelName::files).
///
/// # Errors
/// `Outputs` if the model has other outputs, an output differs by more than a thousandth of its range, or nothing is recorded
/// for the file.
pub(crate) fn check(graph: &Graph, file: &str) -> Result<(), ModelError> {
    largest_difference(graph, file).map(|_| ())
}

/// The largest difference between the outputs and the recorded ones, as a share of an output's range.
fn largest_difference(graph: &Graph, file: &str) -> Result<f64, ModelError> {
    let failed = |reason: String| ModelError::Outputs {
        file: file.to_owned(),
        reason,
    };
    let reference = REFERENCES
        .get(file)
        .ok_or_else(|| failed("no outputs are recorded for it".to_owned()))?;
    let input = reference.input.drawn();
    let Input { name, shape, .. } = &reference.input;
    let names: Vec<&str> = reference
        .outputs
        .iter()
        .map(|output| output.name.as_str())
        .collect();
    let found = graph
        .run(&[(name, shape, &input)], &names)
        .map_err(|error| failed(error.to_string()))?;
    let mut worst = 0f64;
    for (output, found) in reference.outputs.iter().zip(&found) {
        worst = worst.max(output.compare(found).map_err(failed)?);
    }
    Ok(worst)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::path::PathBuf;

    use super::*;
    use crate::models::{InstalledModel, ModelName};

    /// Says that something is not tested. Where everything has to be tested, that is a failure.
    fn not_run(needs: &str) {
        let full = std::env::var_os("SIGHTLINE_FULL_TESTS").is_some_and(|value| value == "1");
        assert!(!full, "this test needs {needs}");
        // Written directly, because the test runner hides captured output.
        let _ = writeln!(std::io::stderr(), "NOT RUN: needs {needs}");
    }

    #[test]
    fn every_network_has_a_reference() {
        let files = ModelName::ALL.into_iter().flat_map(ModelName::files);
        let networks: Vec<_> = files.filter(|file| file.ends_with(".onnx")).collect();
        assert_eq!(networks.len(), REFERENCES.len());
        for file in networks {
            let reference = &REFERENCES[*file];
            assert!(!reference.outputs.is_empty(), "{file}");
            for output in &reference.outputs {
                assert!(
                    output.samples.iter().any(|(at, _)| *at == output.largest),
                    "{file}"
                );
                assert!(output.range > 0.0, "{file}");
            }
        }
    }

    #[test]
    fn the_input_is_the_one_that_was_recorded() {
        // The first values of `drawn([4], 0, 1)` in tests/record_model_references.py.
        let input = Input {
            name: String::new(),
            shape: vec![4],
            low: 0.0,
            high: 1.0,
        };
        assert_eq!(input.drawn(), DRAWN);
    }

    const DRAWN: [f32; 4] = [0.322_743_68, 0.004_492_819_3, 0.343_294_77, 0.061_065_197];

    #[test]
    fn every_installed_network_computes_what_onnxruntime_computes() {
        let Some(dir) = std::env::var_os("SIGHTLINE_MODELS_DIR").map(PathBuf::from) else {
            return not_run("SIGHTLINE_MODELS_DIR, the folder of the installed models");
        };
        let mut checked = 0;
        for name in ModelName::ALL {
            let Some(model) = InstalledModel::find(&dir, name) else {
                not_run(&format!("the model \"{name}\" in SIGHTLINE_MODELS_DIR"));
                continue;
            };
            for file in name.files().iter().filter(|file| file.ends_with(".onnx")) {
                let graph = model.graph(file).unwrap();
                let off = largest_difference(&graph, file).unwrap();
                println!("{name}/{file}: {off:.1e} of the range");
                checked += 1;
            }
        }
        assert!(checked > 0, "{} has no model", dir.display());
    }

    #[test]
    fn another_network_is_refused() {
        let onnx = include_bytes!("../../model/labeler.onnx").as_slice();
        let graph = Graph::load(onnx.into()).unwrap();
        assert_eq!(
            check(&graph, "none.onnx").unwrap_err().to_string(),
            "none.onnx does not compute what it should: no outputs are recorded for it"
        );
        let error = check(&graph, "objects.onnx").unwrap_err().to_string();
        assert!(
            error.starts_with("objects.onnx does not compute what it should: "),
            "{error}"
        );
    }

    #[test]
    fn a_value_that_is_off_is_named() {
        let output = Output {
            name: "scores".to_owned(),
            shape: vec![3],
            range: 2.0,
            mean: 1.0,
            largest: 2,
            samples: vec![(0, 0.0), (2, 2.0)],
        };
        let compare = |values: &[f32]| {
            output.compare(&Tensor {
                shape: vec![values.len()],
                values: values.to_vec(),
            })
        };
        assert!(compare(&[0.0, 1.0, 2.001]).unwrap() > 0.0);
        let error = |values: &[f32]| compare(values).unwrap_err();
        assert_eq!(
            error(&[0.0, 1.0]),
            "\"scores\" has the shape [2] instead of [3]"
        );
        assert!(error(&[0.0, 1.3, 2.0]).starts_with("the mean of \"scores\" is 1.09"));
        assert!(error(&[0.5, 0.5, 2.0]).starts_with("value 0 of"));
        assert!(error(&[-1.0, 2.5, 1.5]).starts_with("the largest value of"));
        assert!(compare(&[0.0, f32::NAN, 2.0]).is_err());
    }
}
