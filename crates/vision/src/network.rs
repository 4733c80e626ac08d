//! The ONNX model, run by tract.

use std::collections::BTreeMap;
use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use tract_onnx::prelude::*;

use crate::{ModelError, VisionError};

/// A loaded and optimised model. Running it takes no lock: each run has its own state.
pub(crate) struct Network {
    plan: Arc<TypedRunnableModel>,
    input_shape: [usize; 4],
    output_names: Vec<String>,
    /// Size of the ONNX file in bytes.
    pub(crate) bytes: usize,
}

/// What the label table says the model looks like.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Signature {
    /// Name of the input; the model's only one when not given.
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
    /// `Internal`, when there is no such output.
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
    /// Loads a model and checks it against its signature.
    ///
    /// # Errors
    /// `Onnx` when the file cannot be read as a model that tract can run, `Mismatch` when it is another
    /// model than the table describes.
    pub(crate) fn load(onnx: &[u8], signature: &Signature) -> Result<Self, ModelError> {
        // A damaged file can make the importer panic: it indexes by names it finds in the file.
        catch_unwind(AssertUnwindSafe(|| load(onnx, signature)))
            .unwrap_or_else(|_| Err(ModelError::Onnx("the file is damaged".to_owned())))
    }

    /// Runs the model on one input tensor of the signature's shape.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn run(&self, input: &[f32]) -> Result<Outputs, VisionError> {
        let failed = |e: TractError| VisionError::Internal(format!("inference: {e:#}"));
        let input = Tensor::from_shape(&self.input_shape, input).map_err(failed)?;
        let results = self.plan.run(tvec!(input.into())).map_err(failed)?;
        let mut outputs = BTreeMap::new();
        for (name, tensor) in self.output_names.iter().zip(results) {
            outputs.insert(name.clone(), floats(&tensor).map_err(failed)?);
        }
        Ok(Outputs(outputs))
    }
}

/// The values of a tensor of any float type.
fn floats(tensor: &Tensor) -> TractResult<Vec<f32>> {
    let tensor = tensor.cast_to::<f32>()?;
    Ok(tensor
        .to_plain_array_view::<f32>()?
        .iter()
        .copied()
        .collect())
}

fn load(onnx: &[u8], signature: &Signature) -> Result<Network, ModelError> {
    let unusable = |e: TractError| ModelError::Onnx(one_line(&format!("{e:#}")));
    let framework = tract_onnx::onnx();
    let proto = framework
        .proto_model_for_read(&mut Cursor::new(onnx))
        .map_err(|_| ModelError::Onnx("the file is not ONNX, or it is damaged".to_owned()))?;
    let graph = proto
        .graph
        .as_ref()
        .ok_or_else(|| ModelError::Onnx("the file holds no graph".to_owned()))?;

    // Older exporters list the weights among the inputs.
    let is_weight = |name: &str| graph.initializer.iter().any(|w| w.name == name);
    let inputs: Vec<&str> = graph
        .input
        .iter()
        .map(|i| i.name.as_str())
        .filter(|n| !is_weight(n))
        .collect();
    check_input(&inputs, signature)?;
    let output_names: Vec<String> = graph.output.iter().map(|o| o.name.clone()).collect();
    if let Some(missing) = signature
        .outputs
        .keys()
        .find(|name| !output_names.contains(name))
    {
        return Err(ModelError::Mismatch(format!(
            "the model has no output \"{missing}\"; its outputs are {output_names:?}"
        )));
    }

    let model = framework.model_for_proto_model(&proto).map_err(unusable)?;
    let shape = signature.input_shape;
    let model = model
        .with_input_fact(0, f32::fact(shape).into())
        .map_err(unusable)?
        .into_optimized()
        .map_err(|e| {
            ModelError::Mismatch(one_line(&format!(
                "the model cannot run on an input of {shape:?}: {e:#}"
            )))
        })?;
    for (at, name) in output_names.iter().enumerate() {
        let Some(expected) = signature.outputs.get(name) else {
            continue;
        };
        let fact = model.output_fact(at).map_err(unusable)?;
        match fact.shape.as_concrete() {
            Some(found) if found == expected.as_slice() => {}
            found => {
                let found = found.map_or_else(|| format!("{:?}", fact.shape), |f| format!("{f:?}"));
                return Err(ModelError::Mismatch(format!(
                    "the output \"{name}\" is {found} in the model and {expected:?} in the table"
                )));
            }
        }
    }
    let plan = model.into_runnable().map_err(unusable)?;
    Ok(Network {
        plan,
        input_shape: shape,
        output_names,
        bytes: onnx.len(),
    })
}

fn check_input(inputs: &[&str], signature: &Signature) -> Result<(), ModelError> {
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
        _ => Ok(()),
    }
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
