//! A model whose inputs and outputs a label table describes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::engine::{Graph, Tensor};
use crate::{ModelError, VisionError};

/// A loaded model that matches its label table.
pub(crate) struct Network {
    graph: Graph,
    input: String,
    input_shape: [usize; 4],
    /// Name of each output that the label table reads.
    outputs: Vec<String>,
    /// Size of the ONNX file in bytes.
    pub(crate) bytes: usize,
}

/// The inputs and outputs that the label table expects of the model.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Signature {
    /// Name of the input. `None` accepts any name.
    pub(crate) input_name: Option<String>,
    pub(crate) input_shape: [usize; 4],
    /// Shape of each output by name.
    pub(crate) outputs: BTreeMap<String, Vec<usize>>,
}

/// The outputs of one run by name, each flat in row-major order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Outputs(BTreeMap<String, Vec<f32>>);

impl Outputs {
    /// # Errors
    /// `Internal` if there is no such output.
    pub(crate) fn get(&self, name: &str) -> Result<&[f32], VisionError> {
        let values = self.0.get(name).map(Vec::as_slice);
        values.ok_or_else(|| VisionError::Internal(format!("the model has no output \"{name}\"")))
    }
}

#[cfg(test)]
impl<const N: usize> From<[(&str, Vec<f32>); N]> for Outputs {
    fn from(outputs: [(&str, Vec<f32>); N]) -> Self {
        Self(
            outputs
                .into_iter()
                .map(|(name, values)| (name.to_owned(), values))
                .collect(),
        )
    }
}

impl Network {
    /// Loads a model, checks its names against the signature and its shapes by a first run.
    ///
    /// # Errors
    /// `Onnx` if rten cannot load the file, `Mismatch` if the model is not the one that the table describes.
    pub(crate) fn load(
        onnx: Cow<'static, [u8]>,
        signature: &Signature,
    ) -> Result<Self, ModelError> {
        let bytes = onnx.len();
        let graph = Graph::load(onnx)?;
        let input = only_input(&graph.inputs(), signature)?;
        let known = graph.outputs();
        if let Some(name) = signature.outputs.keys().find(|name| !known.contains(name)) {
            return Err(ModelError::Mismatch(format!(
                "the model has no output \"{name}\"; its outputs are {known:?}"
            )));
        }
        let network = Self {
            graph,
            input,
            input_shape: signature.input_shape,
            outputs: signature.outputs.keys().cloned().collect(),
            bytes,
        };
        network.check_shapes(signature)?;
        Ok(network)
    }

    /// Runs the model on one input tensor of the signature's shape.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn run(&self, input: &[f32]) -> Result<Outputs, VisionError> {
        let values = self.tensors(input)?.into_iter().map(|tensor| tensor.values);
        Ok(Outputs(self.outputs.iter().cloned().zip(values).collect()))
    }

    /// One tensor for each of [`Self::outputs`].
    fn tensors(&self, input: &[f32]) -> Result<Vec<Tensor>, VisionError> {
        let outputs: Vec<&str> = self.outputs.iter().map(String::as_str).collect();
        self.graph
            .run(&[(&self.input, &self.input_shape, input)], &outputs)
    }

    /// Runs the model once on an empty picture, because only that shows the shapes of all outputs.
    fn check_shapes(&self, signature: &Signature) -> Result<(), ModelError> {
        let shape = self.input_shape;
        let empty = vec![0.0; shape.iter().product()];
        let tensors = self.tensors(&empty).map_err(|error| {
            ModelError::Mismatch(format!(
                "the model cannot run on an input of {shape:?}: {error}"
            ))
        })?;
        for (name, tensor) in self.outputs.iter().zip(tensors) {
            let found = tensor.shape;
            match signature.outputs.get(name) {
                Some(expected) if found != *expected => {
                    return Err(ModelError::Mismatch(format!(
                        "the output \"{name}\" is {found:?} in the model and {expected:?} in the table"
                    )));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn only_input(inputs: &[String], signature: &Signature) -> Result<String, ModelError> {
    let [only] = inputs else {
        return Err(ModelError::Mismatch(format!(
            "the model has {} inputs, and one is needed",
            inputs.len()
        )));
    };
    match &signature.input_name {
        Some(name) if name != only => Err(ModelError::Mismatch(format!(
            "the input is \"{only}\" in the model and \"{name}\" in the table"
        ))),
        _ => Ok(only.clone()),
    }
}
