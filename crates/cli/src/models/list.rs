//! The list of the models.

use std::io;

use serde::Serialize;
use sightline_pipeline::prepare::size::mib;
use sightline_vision::models::{
    ModelName, ModelStatus, ModelStore,
    catalogue::{CatalogueEntry, Package},
};

use crate::{
    output::{self, OutputArgs},
    table::{Table, Tone},
};

/// A model, as `--json` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row<'a> {
    name: &'a str,
    status: Status,
    /// Why the installed files cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// The size of the installed files, or about what it will be.
    bytes: u64,
    /// The size of the archives that a fetch downloads.
    download_bytes: u64,
    licences: &'a str,
    answers: &'a str,
    doubts: &'a str,
    packages: Vec<PackageRow<'a>>,
}

/// A package, as `--json` shows it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct PackageRow<'a> {
    registry: &'a str,
    name: &'a str,
    version: &'a str,
    sha256: &'a str,
    licence: &'a str,
    weights: &'a str,
}

/// Whether a model is installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
enum Status {
    Installed,
    NotInstalled,
    Unusable,
}

impl Status {
    fn text(self) -> (String, Tone) {
        let (text, tone) = match self {
            Self::Installed => ("yes", Tone::Good),
            Self::NotInstalled => ("no", Tone::Plain),
            Self::Unusable => ("unusable", Tone::Bad),
        };
        (text.to_owned(), tone)
    }
}

/// Prints all models.
///
/// # Errors
/// When standard output cannot be written.
pub(super) fn print(store: &ModelStore, args: OutputArgs) -> io::Result<()> {
    let rows: Vec<_> = store
        .catalogue()
        .iter()
        .map(|entry| row(entry, store.status(entry.name)))
        .collect();
    if args.json {
        return rows.iter().try_for_each(output::print_json);
    }
    let mut table = Table::new(&["NAME", "INSTALLED", "SIZE", "LICENCES", "ANSWERS"]);
    for row in &rows {
        table.row([
            (row.name.to_owned(), Tone::Plain),
            row.status.text(),
            (mib(row.bytes), Tone::Plain),
            (row.licences.to_owned(), Tone::Plain),
            (row.answers.to_owned(), Tone::Plain),
        ]);
    }
    table.print(args.color)?;
    for row in &rows {
        if let Some(reason) = &row.reason {
            output::print_message(&format!(
                "{} cannot be used, because {reason}; run `sightline models fetch {0}`.",
                row.name
            ));
        }
    }
    Ok(())
}

/// The models whose folders exist, usable or not.
pub(super) fn present(store: &ModelStore) -> Vec<ModelName> {
    let names = store.catalogue().iter().map(|entry| entry.name);
    names
        .filter(|name| store.status(*name) != ModelStatus::Absent)
        .collect()
}

fn row(entry: &CatalogueEntry, status: ModelStatus) -> Row<'_> {
    let (status, bytes, reason) = match status {
        ModelStatus::Installed(model) => (Status::Installed, model.bytes(), None),
        ModelStatus::Absent => (Status::NotInstalled, entry.installed_bytes, None),
        ModelStatus::Unusable(reason) => (Status::Unusable, entry.installed_bytes, Some(reason)),
    };
    Row {
        name: entry.name.as_str(),
        status,
        reason,
        bytes,
        download_bytes: entry.packages.iter().map(|package| package.bytes).sum(),
        licences: entry.licences,
        answers: entry.answers,
        doubts: entry.doubts,
        packages: entry.packages.iter().map(package_row).collect(),
    }
}

fn package_row(package: &Package) -> PackageRow<'_> {
    PackageRow {
        registry: package.registry.as_str(),
        name: package.name,
        version: package.version,
        sha256: package.sha256,
        licence: package.licence,
        weights: package.weights,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_model_is_listed_with_the_reason() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("text")).unwrap();
        let store = ModelStore::open(folder.path());
        assert_eq!(present(&store), [ModelName::Text]);
        let rows: Vec<_> = store
            .catalogue()
            .iter()
            .map(|entry| serde_json::to_value(row(entry, store.status(entry.name))).unwrap())
            .collect();
        let [objects, .., text] = rows.as_slice() else {
            panic!("too few models")
        };
        assert_eq!(objects["status"], "not-installed");
        assert_eq!(objects["packages"][0]["version"], "1.0.6");
        assert!(objects.get("reason").is_none());
        assert!(objects["bytes"].as_u64() > Some(1_000_000), "{objects}");
        assert_eq!(text["status"], "unusable");
        assert!(
            text["reason"].as_str().unwrap().contains("manifest.json"),
            "{text}"
        );
    }
}
