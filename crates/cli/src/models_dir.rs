//! The folder with the installed models, which `sightline models` and `sightline local` use.

use std::{env, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use sightline_vision::models::ModelStore;

/// The folder of the models, as an option.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelsDir {
    /// Folder of the installed models; by default `sightline/models` in XDG_DATA_HOME
    #[arg(
        id = "models_dir",
        long = "models-dir",
        env = "SIGHTLINE_MODELS_DIR",
        value_name = "FOLDER",
        global = true
    )]
    path: Option<PathBuf>,
}

impl ModelsDir {
    /// The models in the folder: in the given one, else in the usual place for data (XDG Base Directory Specification; on
    /// Windows, local application data). The folder need not exist.
    ///
    /// # Errors
    /// When none was given and the user has no home folder.
    pub(crate) fn store(&self) -> anyhow::Result<ModelStore> {
        if let Some(path) = &self.path {
            return Ok(ModelStore::open(path));
        }
        let absolute = |name: &str| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        absolute("XDG_DATA_HOME")
            .or_else(|| absolute("LOCALAPPDATA").filter(|_| cfg!(windows)))
            .or_else(|| env::home_dir().map(|home| home.join(".local/share")))
            .map(|folder| ModelStore::open(folder.join("sightline/models")))
            .context("cannot find a home folder for the models; choose a folder with --models-dir")
    }
}
