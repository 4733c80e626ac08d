//! The models that a person can add to the embedded one, and the folder that stores them.
//!
//! Each model is a folder of its own, named by [`ModelName`], with the files that [`ModelName::files`] lists.

#[allow(dead_code, unused_imports, reason = "the installer calls it")]
pub(crate) mod convert;
#[allow(dead_code, reason = "the installer calls it")]
pub(crate) mod references;

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::ModelError;
use crate::engine::Graph;

/// A model that can be added. Its `Display` is its name on the command line and its folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ModelName {
    /// 80 kinds of objects with boxes, for `DetectLabels`.
    Objects,
    /// 1,000 ImageNet classes of the whole picture, for `DetectLabels`.
    Classes,
    /// Boxes, landmarks and attributes of faces, for `DetectFaces` and `DetectLabels`.
    Faces,
    /// Nudity, for `DetectModerationLabels`.
    Moderation,
    /// Lines of text in photographs, for `DetectText`.
    Text,
}

impl ModelName {
    /// All models, in the order in which they are listed and fetched.
    pub const ALL: [Self; 5] = [
        Self::Objects,
        Self::Classes,
        Self::Faces,
        Self::Moderation,
        Self::Text,
    ];

    /// The name on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Objects => "objects",
            Self::Classes => "classes",
            Self::Faces => "faces",
            Self::Moderation => "moderation",
            Self::Text => "text",
        }
    }

    /// The files of the installed model, which the recognisers open.
    pub fn files(self) -> &'static [&'static str] {
        match self {
            Self::Objects => &["objects.onnx"],
            Self::Classes => &["classes.onnx"],
            Self::Faces => &[
                "pnet.onnx",
                "rnet.onnx",
                "onet.onnx",
                "blazeface.onnx",
                "facemesh.onnx",
                "age.onnx",
                "gender.onnx",
                "age-gender.onnx",
                "expressions.onnx",
            ],
            Self::Moderation => &["nsfw.onnx"],
            Self::Text => &["detector.onnx", "reader.onnx", "characters.txt"],
        }
    }
}

impl std::fmt::Display for ModelName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// The folder of an installed model, whose files are complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledModel {
    name: ModelName,
    dir: PathBuf,
}

impl InstalledModel {
    /// The model in the folder `models_dir`/`name`. `None` if one of its files is missing.
    pub fn find(models_dir: &Path, name: ModelName) -> Option<Self> {
        let dir = models_dir.join(name.as_str());
        let complete = name.files().iter().all(|file| dir.join(file).is_file());
        complete.then_some(Self { name, dir })
    }

    /// Which model it is.
    pub fn name(&self) -> ModelName {
        self.name
    }

    /// Reads one of the model's files.
    ///
    /// # Errors
    /// `Read`.
    pub(crate) fn read(&self, file: &str) -> Result<Vec<u8>, ModelError> {
        let path = self.dir.join(file);
        std::fs::read(&path).map_err(|source| ModelError::Read { path, source })
    }

    /// Loads one of the model's ONNX files.
    ///
    /// # Errors
    /// `Read` and `Onnx`.
    pub(crate) fn graph(&self, file: &str) -> Result<Graph, ModelError> {
        Graph::load(Cow::Owned(self.read(file)?))
    }
}
