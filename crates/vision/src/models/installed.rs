//! An installed model: a folder whose files are those of its manifest.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use super::digest;
use super::manifest::{Manifest, StoredFile};
use super::name::ModelName;
use crate::ModelError;
use crate::engine::Graph;

/// The folder of an installed model. [`super::ModelStore::find`] returns it only if the folder is complete and intact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InstalledModel {
    name: ModelName,
    dir: PathBuf,
    manifest: Manifest,
}

impl InstalledModel {
    pub(super) fn new(name: ModelName, dir: PathBuf, manifest: Manifest) -> Self {
        Self {
            name,
            dir,
            manifest,
        }
    }

    /// The same model after its folder was moved.
    pub(super) fn moved_to(self, dir: PathBuf) -> Self {
        Self { dir, ..self }
    }

    /// Which model it is.
    pub fn name(&self) -> ModelName {
        self.name
    }

    /// The folder with its files.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The size of all its files in bytes.
    pub fn bytes(&self) -> u64 {
        self.manifest.files.iter().map(|file| file.bytes).sum()
    }

    /// Compares the size and the SHA-256 of every file with the manifest.
    ///
    /// # Errors
    /// A clause that names the first file that differs.
    pub(super) fn compare_files(&self) -> Result<(), String> {
        // Sizes first: they find a half-written file without reading any.
        for file in &self.manifest.files {
            let path = self.dir.join(&file.name);
            let size = std::fs::metadata(&path).map(|metadata| metadata.len());
            match size {
                Ok(bytes) if bytes == file.bytes => {}
                Ok(bytes) => {
                    return Err(format!(
                        "{} has {bytes} bytes instead of {}",
                        file.name, file.bytes
                    ));
                }
                Err(error) => return Err(format!("{} cannot be read: {error}", file.name)),
            }
        }
        for file in &self.manifest.files {
            match digest::of_file(&self.dir.join(&file.name)) {
                Ok(sha256) if sha256 == file.sha256 => {}
                Ok(_) => return Err(format!("{} has been changed", file.name)),
                Err(error) => return Err(format!("{} cannot be read: {error}", file.name)),
            }
        }
        Ok(())
    }

    /// Reads one of the model's files.
    ///
    /// # Errors
    /// `Read`; also if the file's SHA-256 is not that of the manifest, so that a file that was changed since the model was
    /// found is not used.
    pub(crate) fn read(&self, file: &str) -> Result<Vec<u8>, ModelError> {
        let path = self.dir.join(file);
        let failed = |source| ModelError::Read {
            path: path.clone(),
            source,
        };
        let bytes = std::fs::read(&path).map_err(failed)?;
        let is_stored = |stored: &&StoredFile| stored.name == file;
        match self.manifest.files.iter().find(is_stored) {
            Some(stored) if stored.sha256 == digest::of_bytes(&bytes) => Ok(bytes),
            _ => Err(failed(std::io::Error::new(
                std::io::ErrorKind::InvalidData,
                format!(
                    "the file is not the installed one; run `sightline models fetch {}`",
                    self.name
                ),
            ))),
        }
    }

    /// Loads one of the model's ONNX files.
    ///
    /// # Errors
    /// `Read` and `Onnx`.
    pub(crate) fn graph(&self, file: &str) -> Result<Graph, ModelError> {
        Graph::load(Cow::Owned(self.read(file)?))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// The model in the folder that `SIGHTLINE_MODELS_DIR` names. None, with a note, if it is not there.
    pub(crate) fn installed(name: ModelName) -> Option<InstalledModel> {
        let dir = std::env::var_os("SIGHTLINE_MODELS_DIR");
        let model = dir.and_then(|dir| InstalledModel::find(Path::new(&dir), name));
        if model.is_none() {
            crate::needs::not_run(&format!(
                "the model \"{name}\" in the folder that SIGHTLINE_MODELS_DIR names"
            ));
        }
        model
    }
}
