//! No two source files of this checkout need each other.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may stop at the first surprise"
)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use sightline_source_checks::{Graph, ecmascript, rust};

fn checkout() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

/// The root files of all libraries, programs, tests and examples in the workspace.
fn crate_roots() -> Vec<PathBuf> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let metadata = Command::new(cargo)
        .args([
            "metadata",
            "--no-deps",
            "--offline",
            "--format-version",
            "1",
        ])
        .current_dir(checkout())
        .output()
        .unwrap();
    assert!(
        metadata.status.success(),
        "{}",
        String::from_utf8_lossy(&metadata.stderr)
    );
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let targets = packages
        .iter()
        .flat_map(|package| package["targets"].as_array().unwrap());
    targets
        .map(|target| target["src_path"].as_str().unwrap().into())
        .collect()
}

/// Prints each circle and fails when there is one.
fn assert_no_circle(graph: &Graph) {
    let circles = graph.circles();
    let report: String = circles.iter().map(|circle| format!("\n{circle}")).collect();
    assert!(
        circles.is_empty(),
        "{} circles of imports:\n{report}",
        circles.len()
    );
}

#[test]
fn rust_modules_have_no_circle_of_imports() {
    let mut graph = Graph::default();
    for root in crate_roots() {
        rust::read(&mut graph, &checkout(), &root).unwrap();
    }
    // The reader sees what is there.
    let own = Path::new("tests/source/src");
    assert_eq!(
        graph.names(&own.join("rust.rs"), &own.join("graph.rs")),
        ["Graph"]
    );
    assert!(
        graph.files().count() > 200,
        "only {} files",
        graph.files().count()
    );
    assert_no_circle(&graph);
}

#[test]
fn page_modules_have_no_circle_of_imports() {
    let mut graph = Graph::default();
    ecmascript::read(&mut graph, &checkout(), &checkout().join("frontend/js")).unwrap();
    assert!(
        graph.files().count() > 40,
        "only {} files",
        graph.files().count()
    );
    assert_no_circle(&graph);
}
