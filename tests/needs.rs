//! What a test may need beside Rust. Test binaries include this file with `#[path]`.
//!
//! A test that lacks something says so in one line and passes, so that `cargo test` needs Rust alone.
//! `SIGHTLINE_FULL_TESTS` changes that: `1`, set by `tests/run`, makes what is missing a failure; `0`, set by
//! `tests/quick`, leaves out what needs Python even where Python is installed, because it takes long.

#![allow(
    dead_code,
    reason = "a test binary may use only one of these functions"
)]

use std::{
    env,
    ffi::OsString,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// Whether tests that need Python are left out.
pub(crate) fn without_python() -> bool {
    env::var_os("SIGHTLINE_FULL_TESTS").is_some_and(|value| value == "0")
}

/// Says that a test is not run.
///
/// # Panics
/// When `SIGHTLINE_FULL_TESTS` is `1`.
pub(crate) fn not_run(needs: &str) {
    let all = env::var_os("SIGHTLINE_FULL_TESTS").is_some_and(|value| value == "1");
    assert!(!all, "this test needs {needs}");
    // Written directly: the test runner would capture `eprintln!`.
    let _ = writeln!(std::io::stderr(), "NOT RUN: needs {needs}");
}

/// A Python interpreter with these modules: the one in `PICTURES_PYTHON`, the one that `tests/run` installs, or
/// `python3`. None, with a note, where there is none.
pub(crate) fn python(modules: &str) -> Option<OsString> {
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/.venv/bin/python");
    let python = env::var_os("PICTURES_PYTHON").unwrap_or_else(|| {
        if installed.is_file() {
            installed.into()
        } else {
            "python3".into()
        }
    });
    let imports = || {
        let status = Command::new(&python)
            .args(["-c", &format!("import {modules}")])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    if !without_python() && imports() {
        return Some(python);
    }
    not_run(&format!("Python with {modules}, which tests/run installs"));
    None
}

/// The folder of installed models in `SIGHTLINE_MODELS_DIR`. None, with a note, without it.
pub(crate) fn models_dir() -> Option<PathBuf> {
    let dir = env::var_os("SIGHTLINE_MODELS_DIR").map(PathBuf::from);
    if dir.is_none() {
        not_run("the folder of installed models in SIGHTLINE_MODELS_DIR");
    }
    dir
}
