//! The pictures of `make_pictures.py`, and the memory limit.

#![expect(
    clippy::panic,
    clippy::unwrap_used,
    reason = "a test may stop at the first surprise"
)]

#[path = "../../../../tests/needs.rs"]
mod needs;

use std::{fs, path::PathBuf, process::Command, sync::OnceLock};

/// The most memory that preparing any picture may take, including the process, in bytes.
pub(crate) const MAX_MEMORY: u64 = 256 * 1024 * 1024;

/// The folder of the pictures, which are written once a run. Their encoders need Python with Pillow 11.3 or newer,
/// pyvips and NumPy. None, with a note, without those.
pub(crate) fn pictures() -> Option<&'static PathBuf> {
    static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let python = needs::python("PIL, pyvips, numpy")?;
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(concat!(
            "pictures-",
            env!("CARGO_CRATE_NAME")
        ));
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/make_pictures.py");
        let status = Command::new(&python)
            .arg(script)
            .arg(&folder)
            .status()
            .unwrap_or_else(|error| panic!("{python:?} cannot be started: {error}"));
        assert!(
            status.success(),
            "{python:?} {script} failed; it needs pip install 'pillow>=11.3' 'pyvips[binary]' numpy \
             (set PICTURES_PYTHON to an interpreter that has them)"
        );
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
