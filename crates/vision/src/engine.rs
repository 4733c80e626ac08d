//! Loads ONNX models into rten and runs them. All models of the process share one thread pool.

use std::borrow::Cow;
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

/// One input of a run: its name, its shape, and its values in row-major order.
pub(crate) type GraphInput<'a> = (&'a str, &'a [usize], &'a [f32]);

/// An output of a run, flat in row-major order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) values: Vec<f32>,
}

/// A loaded and optimised ONNX model of any inputs and outputs. Running it takes no lock: each run has its own buffers.
pub(crate) struct Graph {
    model: Model,
}

impl Graph {
    /// Loads a model. Static bytes are read in place; the weights are copied once, into the layout that inference needs.
    ///
    /// # Errors
    /// `Onnx` if rten cannot load the file.
    pub(crate) fn load(onnx: Cow<'static, [u8]>) -> Result<Self, ModelError> {
        // A damaged file can make the engine panic.
        catch_unwind(AssertUnwindSafe(|| load(onnx)))
            .unwrap_or_else(|_| Err(ModelError::Onnx("the file is damaged".to_owned())))
            .map(|model| Self { model })
    }

    /// The names of the inputs.
    pub(crate) fn inputs(&self) -> Vec<String> {
        self.names(self.model.input_ids())
    }

    /// The names of the outputs.
    pub(crate) fn outputs(&self) -> Vec<String> {
        self.names(self.model.output_ids())
    }

    fn names(&self, nodes: &[NodeId]) -> Vec<String> {
        nodes
            .iter()
            .filter_map(|node| self.model.node_info(*node)?.name().map(str::to_owned))
            .collect()
    }

    /// Runs the model. Returns the named outputs in the order of `outputs`.
    ///
    /// # Errors
    /// `Internal` if a name is unknown, a shape does not fit, or the engine fails. The reason is on one line.
    pub(crate) fn run(
        &self,
        inputs: &[GraphInput<'_>],
        outputs: &[&str],
    ) -> Result<Vec<Tensor>, VisionError> {
        // The engine's operators check shapes, but a panic in one of them must not look like a crash of the server.
        catch_unwind(AssertUnwindSafe(|| self.try_run(inputs, outputs)))
            .unwrap_or_else(|_| Err("the inference engine panicked".to_owned()))
            .map_err(|reason| VisionError::Internal(format!("inference: {reason}")))
    }

    fn try_run(&self, inputs: &[GraphInput<'_>], outputs: &[&str]) -> Result<Vec<Tensor>, String> {
        let node = |name: &str, of: &[NodeId]| {
            let known = self.model.find_node(name).filter(|node| of.contains(node));
            known.ok_or_else(|| format!("the model has no \"{name}\""))
        };
        let mut values = Vec::with_capacity(inputs.len());
        for (name, shape, data) in inputs {
            let value =
                ValueView::from_shape(*shape, data).map_err(|e| one_line(&e.to_string()))?;
            values.push((node(name, self.model.input_ids())?, value.into()));
        }
        let nodes = outputs
            .iter()
            .map(|name| node(name, self.model.output_ids()))
            .collect::<Result<Vec<_>, _>>()?;
        let options = RunOptions::default().with_thread_pool(Some(Arc::clone(&THREADS)));
        let found = self
            .model
            .run(values, &nodes, Some(options))
            .map_err(|e| one_line(&e.to_string()))?;
        outputs
            .iter()
            .zip(found)
            .map(|(name, value)| {
                tensor(value).ok_or_else(|| format!("the output \"{name}\" is not a tensor"))
            })
            .collect()
    }
}

/// The values of a tensor of any number type. `None` for a sequence of tensors.
fn tensor(value: Value) -> Option<Tensor> {
    let shape = value.shape().to_vec();
    let values = match value {
        Value::FloatTensor(tensor) => tensor.into_data(),
        Value::Int32Tensor(tensor) => tensor.into_data().iter().map(|v| *v as f32).collect(),
        Value::Int8Tensor(tensor) => tensor.into_data().iter().map(|v| f32::from(*v)).collect(),
        Value::UInt8Tensor(tensor) => tensor.into_data().iter().map(|v| f32::from(*v)).collect(),
        _ => return None,
    };
    Some(Tensor { shape, values })
}

fn load(onnx: Cow<'static, [u8]>) -> Result<Model, ModelError> {
    if onnx.is_empty() {
        return Err(ModelError::Onnx("the file is empty".to_owned()));
    }
    if !is_complete(&onnx) {
        return Err(ModelError::Onnx(NOT_ONNX.to_owned()));
    }
    let mut options = ModelOptions::with_all_ops();
    options.prepack_weights(true);
    match onnx {
        Cow::Borrowed(bytes) => options.load_static_slice(bytes),
        Cow::Owned(bytes) => options.load(bytes),
    }
    .map_err(|error| ModelError::Onnx(load_failure(&error)))
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

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
