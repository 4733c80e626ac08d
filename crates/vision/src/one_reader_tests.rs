//! Preparation and recogniser read a file alike: what is prepared can be analysed, and what is refused cannot.

use std::{fs, path::Path, process::Command};

use sightline_prepare::{Limits, PrepareError, prepare};

use crate::decode::Picture;
use crate::needs;

#[test]
fn preparation_and_recogniser_agree_about_every_awkward_file() {
    let Some(python) = needs::python("PIL, numpy") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/pictures");
    let status = Command::new(python)
        .args(["-m", "awkward"])
        .arg(folder.path())
        .args(["jpeg", "png"])
        .current_dir(scripts)
        .status()
        .unwrap();
    assert!(status.success());
    let mut compared = 0;
    let mut wrong = Vec::new();
    for kind in ["jpeg", "png"] {
        for entry in fs::read_dir(folder.path().join(kind)).unwrap() {
            let path = entry.unwrap().path();
            let bytes = fs::read(&path).unwrap();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if let Some(difference) = disagreement(&bytes) {
                wrong.push(format!("{name}: {difference}"));
            }
            compared += 1;
        }
    }
    assert!(compared > 240, "{compared}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What differs between the two, if anything.
fn disagreement(bytes: &[u8]) -> Option<String> {
    let whole = Picture::decode(bytes);
    let prepared = match prepare(bytes, &Limits::default()) {
        Ok(prepared) => prepared,
        // Refused for its shape and not for its bytes.
        Err(PrepareError::TooNarrow { .. }) => return None,
        Err(error) => {
            return whole
                .is_ok()
                .then(|| format!("refused ({error}), and analysed"));
        }
    };
    // No renditions mean that no decoder here reads the pixels.
    if let Err(error) = &prepared.renditions {
        return whole
            .is_ok()
            .then(|| format!("no thumbnail ({error}), and analysed"));
    }
    let info = &prepared.info;
    match (&prepared.converted, whole) {
        (Some(converted), _) => {
            let jpeg = &converted.jpeg;
            let size = Picture::decode(&jpeg.bytes).map(|picture| picture.size());
            (size != Ok((jpeg.width, jpeg.height))).then(|| format!("converted, {size:?}"))
        }
        (None, Err(error)) => Some(format!("prepared, and refused: {error}")),
        (None, Ok(picture)) => (picture.size() != (info.width, info.height))
            .then(|| format!("{:?} and {:?}", info, picture.size())),
    }
}
