//! The documents refer to what exists.

#![expect(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use sightline_source_checks::markdown::{anchors, links, paths, proofs};

fn checkout() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

/// All documents of the checkout, by path.
fn documents() -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![checkout()];
    while let Some(folder) = open.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            let is_made =
                name.starts_with('.') || name.starts_with("target") || name == "node_modules";
            if is_made || name == "artefacts" || name == "cdk.out" {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|it| it == "md") {
                found.push(path);
            }
        }
    }
    found
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let mut broken = Vec::new();
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).unwrap();
        for link in links(&text)
            .into_iter()
            .filter(|it| !it.contains("://") && !it.starts_with("mailto:"))
        {
            count += 1;
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let target = if file.is_empty() {
                document.clone()
            } else {
                document.with_file_name("").join(file)
            };
            let leads_there = target.exists()
                && (anchor.is_empty()
                    || anchors(&fs::read_to_string(&target).unwrap())
                        .iter()
                        .any(|it| it == anchor));
            if !leads_there {
                broken.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(count > 20, "only {count} links");
    assert!(broken.is_empty(), "broken links:\n{}", broken.join("\n"));
}

#[test]
fn paths_in_the_documents_exist() {
    let mut missing = Vec::new();
    // The changelog may name what is gone by now.
    for document in documents()
        .iter()
        .filter(|it| !it.ends_with("CHANGELOG.md"))
    {
        let text = fs::read_to_string(document).unwrap();
        let exists =
            |path: &str| checkout().join(path).exists() || document.with_file_name(path).exists();
        let gone = paths(&text).into_iter().filter(|path| !exists(path));
        missing.extend(gone.map(|path| format!("{}: {path}", document.display())));
    }
    assert!(
        missing.is_empty(),
        "paths that do not exist:\n{}",
        missing.join("\n")
    );
}

#[test]
fn every_proof_names_a_test_that_exists() {
    let text = fs::read_to_string(checkout().join("docs/SEMANTICS.md")).unwrap();
    let proofs = proofs(&text);
    assert!(proofs.len() > 40, "only {} proofs", proofs.len());
    let missing: Vec<_> = proofs
        .iter()
        .filter(|proof| {
            let text = fs::read_to_string(checkout().join(proof.file)).unwrap_or_default();
            let begins = if proof.file.ends_with(".rs") {
                format!("fn {}(", proof.test)
            } else {
                format!("('{}'", proof.test)
            };
            !text.contains(&begins)
        })
        .map(|proof| format!("{}: {}", proof.file, proof.test))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/SEMANTICS.md names tests that do not exist:\n{}",
        missing.join("\n")
    );
}

#[test]
fn the_readme_stays_short() {
    let text = fs::read_to_string(checkout().join("README.md")).unwrap();
    let words = text.split_whitespace().count();
    assert!(
        words <= 900,
        "README.md has {words} words; at most 900 are allowed"
    );
}
