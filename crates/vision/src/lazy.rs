//! Networks that are loaded when they are first needed.

use std::sync::OnceLock;

use crate::VisionError;
use crate::engine::{Graph, GraphInput, Tensor};
use crate::models::InstalledModel;

/// One ONNX file of an installed model, loaded by the first run and kept. Runs may overlap.
pub(crate) struct LazyGraph {
    model: InstalledModel,
    file: &'static str,
    graph: OnceLock<Result<Graph, String>>,
}

impl LazyGraph {
    pub(crate) fn new(model: InstalledModel, file: &'static str) -> Self {
        Self {
            model,
            file,
            graph: OnceLock::new(),
        }
    }

    /// Runs the network as [`Graph::run`] does, and loads it before the first run.
    ///
    /// # Errors
    /// `Internal` if the file cannot be loaded or the run fails.
    pub(crate) fn run(
        &self,
        inputs: &[GraphInput<'_>],
        outputs: &[&str],
    ) -> Result<Vec<Tensor>, VisionError> {
        self.graph()?.run(inputs, outputs)
    }

    fn graph(&self) -> Result<&Graph, VisionError> {
        let load = || {
            let loaded = self.model.graph(self.file);
            loaded.map_err(|error| {
                format!(
                    "the model \"{}\" cannot be used: {error}",
                    self.model.name()
                )
            })
        };
        let graph = self.graph.get_or_init(load).as_ref();
        graph.map_err(|reason| VisionError::Internal(reason.clone()))
    }
}
