//! The folder with the installed models, which `models` and `local` share.

use std::{env, path::PathBuf};

use anyhow::Context as _;
use clap::Args;

/// The models folder, as an option.
#[derive(Debug, Clone, Args)]
pub(crate) struct ModelsDir {
    /// Folder with the models of `sightline models`; by default `sightline/models` in XDG_DATA_HOME
    #[arg(
        id = "models_dir",
        long = "models-dir",
        env = "SIGHTLINE_MODELS_DIR",
        value_name = "FOLDER"
    )]
    path: Option<PathBuf>,
}

impl ModelsDir {
    /// The folder: the given one, else the usual place for data (XDG Base Directory Specification; on Windows, local
    /// application data).
    ///
    /// # Errors
    /// When none was given and the user has no home folder.
    pub(crate) fn resolve(&self) -> anyhow::Result<PathBuf> {
        if let Some(path) = &self.path {
            return Ok(path.clone());
        }
        let absolute = |name: &str| {
            env::var_os(name)
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
        };
        absolute("XDG_DATA_HOME")
            .or_else(|| absolute("LOCALAPPDATA").filter(|_| cfg!(windows)))
            .or_else(|| env::home_dir().map(|home| home.join(".local/share")))
            .map(|folder| folder.join("sightline/models"))
            .context("cannot find a home folder for the models; choose a folder with --models-dir")
    }
}
