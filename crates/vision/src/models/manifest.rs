//! The manifest of an installed model: `manifest.json` in its folder, which is written last.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::catalogue::CatalogueEntry;

/// Its file name.
pub(super) const FILE: &str = "manifest.json";

/// The folder of the licence texts in a model's folder.
pub(super) const LICENCES: &str = "licences";

/// The format that this version writes and reads.
const FORMAT: u32 = 1;

/// What is installed, and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    format: u32,
    model: String,
    revision: u32,
    packages: Vec<StoredPackage>,
    /// All files of the folder but the manifest.
    pub(super) files: Vec<StoredFile>,
}

/// A package that the model was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPackage {
    registry: String,
    name: String,
    version: String,
    sha256: String,
    licence: String,
    weights: String,
}

/// A file of the folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredFile {
    /// Its path in the folder, with `/` between the parts.
    pub(super) name: String,
    /// Its size.
    pub(super) bytes: u64,
    /// Its SHA-256.
    pub(super) sha256: String,
}

/// Why the manifest in a folder is not that of the model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ManifestError {
    /// There is no folder.
    NoFolder,
    /// The folder has no manifest that can be read. A clause that says why.
    Unreadable(String),
    /// Another version of the catalogue installed the model.
    OtherVersion,
}

impl Manifest {
    /// The manifest of a model with these files.
    pub(super) fn new(entry: &CatalogueEntry, files: Vec<StoredFile>) -> Self {
        let packages = entry.packages.iter().map(|package| StoredPackage {
            registry: package.registry.as_str().to_owned(),
            name: package.name.to_owned(),
            version: package.version.to_owned(),
            sha256: package.sha256.to_owned(),
            licence: package.licence.to_owned(),
            weights: package.weights.to_owned(),
        });
        Self {
            format: FORMAT,
            model: entry.name.to_string(),
            revision: entry.revision,
            packages: packages.collect(),
            files,
        }
    }

    /// The text of the file.
    pub(super) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }

    /// Reads the manifest in a model's folder and checks that it is one of this catalogue entry.
    ///
    /// # Errors
    /// See [`ManifestError`].
    pub(super) fn read(dir: &Path, entry: &CatalogueEntry) -> Result<Self, ManifestError> {
        if !dir.is_dir() {
            return Err(ManifestError::NoFolder);
        }
        let json = std::fs::read(dir.join(FILE)).map_err(|error| {
            ManifestError::Unreadable(format!("{FILE} cannot be read: {error}"))
        })?;
        let manifest: Self = serde_json::from_slice(&json)
            .map_err(|error| ManifestError::Unreadable(format!("{FILE} is damaged: {error}")))?;
        // The files' names are compared too, so that every path comes from the catalogue.
        let expected = Self::new(entry, Vec::new());
        let names = || manifest.files.iter().map(|file| file.name.as_str());
        let is_same = expected
            == (Self {
                files: Vec::new(),
                ..manifest.clone()
            })
            && names().eq(file_names(entry).iter().map(String::as_str));
        if is_same {
            Ok(manifest)
        } else {
            Err(ManifestError::OtherVersion)
        }
    }
}

/// The files of an installed model but its manifest, in their order: networks, licence texts, notice.
pub(super) fn file_names(entry: &CatalogueEntry) -> Vec<String> {
    let files = entry.files.iter().map(|file| file.name.to_owned());
    let licences = entry.packages.iter().flat_map(|package| {
        let texts = package.licence_files.iter();
        texts.map(|file| licence_name(package.name, file.path))
    });
    files.chain(licences).chain([notice_name()]).collect()
}

/// Where the licence text of a package is stored.
pub(super) fn licence_name(package: &str, path: &str) -> String {
    let package = package.trim_start_matches('@').replace('/', "-");
    let file = path.rsplit('/').next().unwrap_or(path);
    format!("{LICENCES}/{package}-{file}")
}

/// Where the notice about packages and weights is stored.
pub(super) fn notice_name() -> String {
    format!("{LICENCES}/NOTICE.txt")
}
