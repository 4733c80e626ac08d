//! What the folder of an installed model contains, by the catalogue: its manifest, networks, licence texts and notice.

use std::path::Path;

use super::catalogue::CatalogueEntry;
use super::manifest::{FILE, FORMAT, Manifest, StoredFile, StoredPackage};

/// The folder of the licence texts in a model's folder.
pub(super) const LICENCES: &str = "licences";

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

/// The manifest of a model with these files.
pub(super) fn new_manifest(entry: &CatalogueEntry, files: Vec<StoredFile>) -> Manifest {
    let packages = entry.packages.iter().map(|package| StoredPackage {
        registry: package.registry.as_str().to_owned(),
        name: package.name.to_owned(),
        version: package.version.to_owned(),
        sha256: package.sha256.to_owned(),
        licence: package.licence.to_owned(),
        weights: package.weights.to_owned(),
    });
    Manifest {
        format: FORMAT,
        model: entry.name.to_string(),
        revision: entry.revision,
        packages: packages.collect(),
        files,
    }
}

/// Reads the manifest in a model's folder and checks that it is one of this catalogue entry.
///
/// # Errors
/// See [`ManifestError`].
pub(super) fn read(dir: &Path, entry: &CatalogueEntry) -> Result<Manifest, ManifestError> {
    if !dir.is_dir() {
        return Err(ManifestError::NoFolder);
    }
    let json = std::fs::read(dir.join(FILE))
        .map_err(|error| ManifestError::Unreadable(format!("{FILE} cannot be read: {error}")))?;
    let manifest: Manifest = serde_json::from_slice(&json)
        .map_err(|error| ManifestError::Unreadable(format!("{FILE} is damaged: {error}")))?;
    // The files' names are compared too, so that every path comes from the catalogue.
    let expected = new_manifest(entry, Vec::new());
    let names = || manifest.files.iter().map(|file| file.name.as_str());
    let is_same = expected
        == (Manifest {
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
