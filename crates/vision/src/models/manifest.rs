//! The manifest of an installed model: `manifest.json` in its folder, which is written last.

use serde::{Deserialize, Serialize};

/// Its file name.
pub(super) const FILE: &str = "manifest.json";

/// The format that this version writes and reads.
pub(super) const FORMAT: u32 = 1;

/// What is installed, and what it was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// The format of the manifest.
    pub(super) format: u32,
    /// The model's name.
    pub(super) model: String,
    /// The revision of the catalogue's entry.
    pub(super) revision: u32,
    /// What it was made of.
    pub(super) packages: Vec<StoredPackage>,
    /// All files of the folder but the manifest.
    pub(super) files: Vec<StoredFile>,
}

/// A package that the model was made of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StoredPackage {
    pub(super) registry: String,
    pub(super) name: String,
    pub(super) version: String,
    pub(super) sha256: String,
    pub(super) licence: String,
    pub(super) weights: String,
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

impl Manifest {
    /// The text of the file.
    pub(super) fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        let mut json = serde_json::to_vec_pretty(self)?;
        json.push(b'\n');
        Ok(json)
    }
}
