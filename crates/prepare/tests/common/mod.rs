//! The pictures of `make_pictures.py`, and the memory limit.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

#[path = "../../../../tests/needs.rs"]
mod needs;

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash, Hasher},
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

/// The most memory that preparing any picture may take, including the process, in bytes.
pub(crate) const MAX_MEMORY: u64 = 256 * 1024 * 1024;

/// The folder of the pictures. They are written once for both test programs and all later runs, until a script or the
/// interpreter changes. Their encoders need Python with Pillow 11.3 or newer, pyvips and NumPy. None, with a note, without those.
pub(crate) fn pictures() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let python = needs::python("PIL, pyvips, numpy")?;
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
        let mut hasher = DefaultHasher::new();
        python.hash(&mut hasher);
        let mut sources: Vec<PathBuf> = fs::read_dir(&scripts)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|it| it == "py"))
            .collect();
        sources.sort();
        for source in sources {
            fs::read(source).unwrap().hash(&mut hasher);
        }
        let parent = Path::new(env!("CARGO_TARGET_TMPDIR"));
        let folder = parent.join(format!("pictures-{:016x}", hasher.finish()));
        // Another test program may be writing them.
        let lock = File::create(parent.join("pictures.lock")).unwrap();
        lock.lock().unwrap();
        // The script writes this file last.
        if !folder.join("expected.json").exists() {
            let script = scripts.join("make_pictures.py");
            let status = Command::new(&python)
                .arg(&script)
                .arg(&folder)
                .status()
                .unwrap_or_else(|error| panic!("{python:?} cannot be started: {error}"));
            assert!(
                status.success(),
                "{python:?} {} failed; it needs pip install 'pillow>=11.3' 'pyvips[binary]' numpy \
                 (set PICTURES_PYTHON to an interpreter that has them)",
                script.display()
            );
        }
        Some(folder)
    });
    folder.as_ref()
}

/// The peak memory of this process, in bytes.
pub(crate) fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace()
        .nth(1)
        .unwrap()
        .parse::<u64>()
        .unwrap()
        * 1024
}
