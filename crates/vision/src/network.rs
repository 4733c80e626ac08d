//! Loads and runs an ONNX model with rten.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, LazyLock};

use rten::{
    LoadError, LoadErrorKind, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueView,
};
use rten_tensor::Layout as _;

use crate::{ModelError, VisionError};

/// The threads that run every model of this process, one for each processor that the process may use.
static THREADS: LazyLock<Arc<ThreadPool>> = LazyLock::new(|| {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Arc::new(ThreadPool::with_num_threads(processors))
});

const NOT_ONNX: &str = "the file is not ONNX, or it is damaged";

/// A loaded and optimised model. Running it takes no lock: each run has its own buffers.
pub(crate) struct Network {
    model: Model,
    input: NodeId,
    input_shape: [usize; 4],
    /// Name and node of each output that the label table reads.
    outputs: Vec<(String, NodeId)>,
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
    /// Static bytes are read in place; the weights are copied once, into the layout that inference needs.
    ///
    /// # Errors
    /// `Onnx` if rten cannot load the file, `Mismatch` if the model is not the one that the table describes.
    pub(crate) fn load(
        onnx: Cow<'static, [u8]>,
        signature: &Signature,
    ) -> Result<Self, ModelError> {
        // A damaged file can make the engine panic.
        catch_unwind(AssertUnwindSafe(|| load(onnx, signature)))
            .unwrap_or_else(|_| Err(ModelError::Onnx("the file is damaged".to_owned())))
    }

    /// Runs the model on one input tensor of the signature's shape.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn run(&self, input: &[f32]) -> Result<Outputs, VisionError> {
        let failed = |reason: String| VisionError::Internal(format!("inference: {reason}"));
        let values = self.values(input).map_err(failed)?;
        let mut outputs = BTreeMap::new();
        for ((name, _), value) in self.outputs.iter().zip(values) {
            let floats = floats(value)
                .ok_or_else(|| failed(format!("the output \"{name}\" is not a tensor")))?;
            outputs.insert(name.clone(), floats);
        }
        Ok(Outputs(outputs))
    }

    /// One value for each of [`Self::outputs`], or the reason on one line.
    fn values(&self, input: &[f32]) -> Result<Vec<Value>, String> {
        let input =
            ValueView::from_shape(self.input_shape, input).map_err(|e| one_line(&e.to_string()))?;
        let nodes: Vec<NodeId> = self.outputs.iter().map(|(_, node)| *node).collect();
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&THREADS)));
        let inputs = vec![(self.input, input.into())];
        self.model
            .run(inputs, &nodes, Some(options))
            .map_err(|e| one_line(&e.to_string()))
    }

    /// Runs the model once on an empty picture, because only that shows the shapes of all outputs.
    fn check_shapes(&self, signature: &Signature) -> Result<(), ModelError> {
        let shape = self.input_shape;
        let empty = vec![0.0; shape.iter().product()];
        let values = self.values(&empty).map_err(|reason| {
            ModelError::Mismatch(format!(
                "the model cannot run on an input of {shape:?}: {reason}"
            ))
        })?;
        for ((name, _), value) in self.outputs.iter().zip(values) {
            let found = value.shape();
            match signature.outputs.get(name) {
                Some(expected) if *found != **expected => {
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

/// The values of a tensor of any number type. `None` for a sequence of tensors.
fn floats(value: Value) -> Option<Vec<f32>> {
    Some(match value {
        Value::FloatTensor(tensor) => tensor.into_data(),
        Value::Int32Tensor(tensor) => tensor.into_data().iter().map(|v| *v as f32).collect(),
        Value::Int8Tensor(tensor) => tensor.into_data().iter().map(|v| f32::from(*v)).collect(),
        Value::UInt8Tensor(tensor) => tensor.into_data().iter().map(|v| f32::from(*v)).collect(),
        _ => return None,
    })
}

fn load(onnx: Cow<'static, [u8]>, signature: &Signature) -> Result<Network, ModelError> {
    let bytes = onnx.len();
    if bytes == 0 {
        return Err(ModelError::Onnx("the file is empty".to_owned()));
    }
    if !is_complete(&onnx) {
        return Err(ModelError::Onnx(NOT_ONNX.to_owned()));
    }
    let mut options = ModelOptions::with_all_ops();
    options.prepack_weights(true);
    let model = match onnx {
        Cow::Borrowed(bytes) => options.load_static_slice(bytes),
        Cow::Owned(bytes) => options.load(bytes),
    }
    .map_err(|error| ModelError::Onnx(load_failure(&error)))?;

    let names = |nodes: &[NodeId]| -> Vec<String> {
        nodes
            .iter()
            .filter_map(|node| model.node_info(*node)?.name().map(str::to_owned))
            .collect()
    };
    check_input(&names(model.input_ids()), signature)?;
    let [input] = *model.input_ids() else {
        return Err(ModelError::Onnx("the input has no name".to_owned()));
    };
    let output_names = names(model.output_ids());
    let mut outputs = Vec::with_capacity(signature.outputs.len());
    for name in signature.outputs.keys() {
        match model.find_node(name) {
            Some(node) if model.output_ids().contains(&node) => outputs.push((name.clone(), node)),
            _ => {
                return Err(ModelError::Mismatch(format!(
                    "the model has no output \"{name}\"; its outputs are {output_names:?}"
                )));
            }
        }
    }

    let network = Network {
        model,
        input,
        input_shape: signature.input_shape,
        outputs,
        bytes,
    };
    network.check_shapes(signature)?;
    Ok(network)
}

/// Whether the fields of the file's protobuf message end where the file ends. The engine accepts a file that is cut off.
fn is_complete(mut message: &[u8]) -> bool {
    while !message.is_empty() {
        let length = match varint(&mut message).map(|tag| tag & 7) {
            Some(0) => varint(&mut message).map(|_| 0),
            Some(1) => Some(8),
            Some(2) => varint(&mut message),
            Some(5) => Some(4),
            _ => None,
        };
        let length = length.and_then(|length| usize::try_from(length).ok());
        match length.and_then(|length| message.get(length..)) {
            Some(rest) => message = rest,
            None => return false,
        }
    }
    true
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// What is wrong with the file, as one sentence without a full stop.
fn load_failure(error: &LoadError) -> String {
    match error.kind() {
        LoadErrorKind::UnknownFileType
        | LoadErrorKind::FormatNotEnabled
        | LoadErrorKind::ParseError => NOT_ONNX.to_owned(),
        LoadErrorKind::ExternalDataError => {
            "its weights are in another file; export the model as a single file".to_owned()
        }
        LoadErrorKind::OperatorInvalid => {
            let reason = error.source().map(ToString::to_string).unwrap_or_default();
            // The engine keeps the type of this error to itself; a test holds the wording.
            match reason.strip_suffix(" operator not supported or not enabled") {
                Some(name) => format!(
                    "it uses the operator {name}, which the inference engine does not support"
                ),
                None => one_line(&error.to_string()),
            }
        }
        _ => one_line(&error.to_string()),
    }
}

fn check_input(inputs: &[String], signature: &Signature) -> Result<(), ModelError> {
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
