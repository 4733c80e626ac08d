//! What a test may need beside Rust. Test binaries include this file with `#[path]`.
//!
//! `tests/run` installs everything and sets `SIGHTLINE_FULL_TESTS=1`: what is missing there is a failure. Without the
//! variable a test that lacks something says so in one line and passes, so that `cargo test` needs Rust alone.

#![allow(
    dead_code,
    reason = "a test binary may use only one of these functions"
)]

use std::{
    env,
    ffi::OsString,
    io::Write as _,
    path::Path,
    process::{Command, Stdio},
};

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
    let imports = Command::new(&python)
        .args(["-c", &format!("import {modules}")])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status();
    if imports.is_ok_and(|status| status.success()) {
        return Some(python);
    }
    not_run(&format!("Python with {modules}, which tests/run installs"));
    None
}
