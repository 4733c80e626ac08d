//! The pages in a real Chromium.

use std::process::Command;

use anyhow::Result;
use sightline_tests::{Local, artefacts, root, run};

use crate::needs;

#[test]
fn the_page_works_in_chromium() -> Result<()> {
    in_chromium("upload.test.js", &[])
}

#[test]
fn the_page_keeps_its_list_and_saves_its_results_in_chromium() -> Result<()> {
    in_chromium("place.test.js", &[])
}

/// With a service of its own: it counts on holding no other pictures.
#[test]
fn the_gallery_works_in_chromium() -> Result<()> {
    in_chromium("gallery.test.js", &[])
}

/// Its pictures are generated, and its API is simulated.
#[test]
fn the_gallery_works_with_many_pictures_in_chromium() -> Result<()> {
    in_chromium("gallery-many.test.js", &[])
}

/// With a service of its own: the gallery is empty at first.
#[test]
fn the_gallery_shows_new_pictures_without_a_reload() -> Result<()> {
    in_chromium("live.test.js", &[])
}

/// With a service of its own: guests have galleries of their own, and nobody else has pictures.
#[test]
fn guests_have_a_gallery_in_chromium() -> Result<()> {
    in_chromium("guests.test.js", &["--guests"])
}

#[test]
fn the_installed_models_name_the_photographs_in_chromium() -> Result<()> {
    match needs::models_dir() {
        Some(models) => in_chromium(
            "recognisers.test.js",
            &[
                "--models",
                "auto",
                "--models-dir",
                &models.to_string_lossy(),
            ],
        ),
        None => Ok(()),
    }
}

/// With a service of its own: it compares all pictures before and after.
#[test]
fn a_page_of_another_origin_cannot_use_the_service() -> Result<()> {
    in_chromium("foreign.test.js", &[])
}

fn in_chromium(test: &str, options: &[&str]) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let local = Local::start(&folder.path().join("data"), options)?;
    run(Command::new("node")
        .args(["--test", "--test-force-exit", "--test-reporter=spec", test])
        .current_dir(root().join("tests/browser"))
        .env("SIGHTLINE_API", &local.ready.api)
        .env("SIGHTLINE_AWS", &local.ready.aws)
        .env("SIGHTLINE_PICTURES", root().join("tests/.pictures"))
        .env("ARTEFACTS", artefacts()?))?;
    Ok(())
}
