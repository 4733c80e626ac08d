//! Clients in other languages, generated from the served OpenAPI document as `docs/api.md` says.

use std::process::Command;

use anyhow::{Result, ensure};
use sightline_tests::{Local, http, root, run};

use crate::needs;

#[test]
fn a_generated_typescript_client_does_everything() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let api = &local.ready.api;
    let node = || {
        let mut node = Command::new("node");
        node.current_dir(root().join("tests/api"));
        node
    };
    run(node().args(["generate.js", &format!("{api}/openapi.json")]))?;
    run(node().args(["node_modules/typescript/bin/tsc", "-p", "."]))?;
    let said = run(node()
        .args(["generated/flow.js", api])
        .arg(root().join("docs/pictures/astronaut.jpg")))?;
    ensure!(said.contains("did everything"), "{said}");
    Ok(())
}

#[test]
fn a_generated_python_client_does_everything() -> Result<()> {
    let Some(python) = needs::python("openapi_python_client, httpx") else {
        return Ok(());
    };
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let said = run(Command::new(python)
        .arg(root().join("tests/api/client/flow.py"))
        .arg(&local.ready.api)
        .arg(root().join("docs/pictures/astronaut.jpg")))?;
    ensure!(said.contains("did everything"), "{said}");
    Ok(())
}

/// The document of the local mode asks for no token; `npm run lint` in tests/api checks the document with everything.
#[test]
fn the_served_document_keeps_the_rules_of_redocly() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), &[])?;
    let document = http(
        "GET",
        &format!("{}/openapi.json", local.ready.api),
        &[],
        b"",
    )?;
    let file = folder.path().join("openapi.json");
    std::fs::write(&file, document.body)?;
    let said = run(Command::new("node")
        .args(["node_modules/@redocly/cli/bin/cli.js", "lint"])
        .args([
            "--config",
            "redocly.yaml",
            "--max-problems",
            "20",
            "--format",
            "stylish",
        ])
        .arg(&file)
        .current_dir(root().join("tests/api")))?;
    ensure!(!said.contains("warning"), "{said}");
    Ok(())
}
