//! A network with one input, whose outputs are told apart by their number of values.

use crate::engine::{Graph, Tensor};
use crate::models::InstalledModel;
use crate::{ModelError, VisionError};

pub(super) struct Network {
    file: &'static str,
    graph: Graph,
    inputs: Vec<String>,
    outputs: Vec<String>,
}

impl Network {
    /// # Errors
    /// `Read` and `Onnx`.
    pub(super) fn open(model: &InstalledModel, file: &'static str) -> Result<Self, ModelError> {
        let graph = model.graph(file)?;
        let (inputs, outputs) = (graph.inputs(), graph.outputs());
        Ok(Self {
            file,
            graph,
            inputs,
            outputs,
        })
    }

    /// # Errors
    /// `Internal`.
    pub(super) fn run(&self, shape: &[usize], values: &[f32]) -> Result<Outputs, VisionError> {
        let input = self.inputs.first().map_or("input", String::as_str);
        let outputs: Vec<&str> = self.outputs.iter().map(String::as_str).collect();
        let tensors = self.graph.run(&[(input, shape, values)], &outputs)?;
        Ok(Outputs {
            file: self.file,
            tensors,
        })
    }
}

pub(super) struct Outputs {
    file: &'static str,
    tensors: Vec<Tensor>,
}

impl Outputs {
    /// The output with this number of values.
    ///
    /// # Errors
    /// `Internal` if there is none.
    pub(super) fn with(&self, count: usize) -> Result<&[f32], VisionError> {
        let fitting = self.tensors.iter().find(|t| t.values.len() == count);
        fitting.map(|t| t.values.as_slice()).ok_or_else(|| {
            let file = self.file;
            VisionError::Internal(format!("{file} has no output of {count} values"))
        })
    }

    #[cfg(test)]
    pub(super) fn of(outputs: Vec<Vec<f32>>) -> Self {
        let tensor = |values: Vec<f32>| Tensor {
            shape: vec![values.len()],
            values,
        };
        Self {
            file: "test.onnx",
            tensors: outputs.into_iter().map(tensor).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outputs_are_found_by_their_size() {
        let outputs = Outputs::of(vec![vec![1.0], vec![2.0, 3.0]]);
        assert_eq!(outputs.with(2).unwrap(), [2.0, 3.0]);
        assert_eq!(
            outputs.with(3).err().unwrap().to_string(),
            "the recogniser failed: test.onnx has no output of 3 values"
        );
    }
}
