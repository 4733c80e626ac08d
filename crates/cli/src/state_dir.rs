//! The folder with the records that let an interrupted run continue.

use std::{env, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use sha2::{Digest as _, Sha256};

/// The state folder, as an option.
#[derive(Debug, Clone, Args)]
pub(crate) struct StateDir {
    /// Folder with the records that let an interrupted run continue; by default `sightline` in XDG_STATE_HOME
    #[arg(
        id = "state_dir",
        long = "state-dir",
        env = "SIGHTLINE_STATE_DIR",
        value_name = "FOLDER"
    )]
    path: Option<PathBuf>,
}

impl StateDir {
    /// The folder: the given one, else the usual place for state (XDG Base Directory Specification; on Windows, local
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
        absolute("XDG_STATE_HOME")
            .or_else(|| absolute("LOCALAPPDATA").filter(|_| cfg!(windows)))
            .or_else(|| env::home_dir().map(|home| home.join(".local/state")))
            .map(|folder| folder.join("sightline"))
            .context("cannot find a home folder for the state; choose a folder with --state-dir")
    }
}

/// A file name for the record about this text: 16 hexadecimal digits of its SHA-256.
pub(crate) fn file_stem(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    hex::encode(digest.get(..8).unwrap_or(&digest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_stems_are_the_start_of_the_sha256() {
        assert_eq!(file_stem("abc"), "ba7816bf8f01cfea");
    }
}
