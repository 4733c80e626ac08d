//! Converts the packages' files. `SIGHTLINE_PACKAGES_DIR` names the folder into which the packages were unpacked, each into a
//! folder of its own. With `SIGHTLINE_CONVERTED_DIR` the results are written there, which is how the reference outputs are
//! made before an installation can be checked against them.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use super::*;

/// The file below `folder` whose path ends with `end`.
fn find(folder: &Path, end: &str) -> Option<Vec<u8>> {
    for entry in std::fs::read_dir(folder).ok()? {
        let path = entry.ok()?.path();
        if path.is_dir() {
            if let Some(found) = find(&path, end) {
                return Some(found);
            }
        } else if path.ends_with(end) {
            return Some(std::fs::read(path).unwrap());
        }
    }
    None
}

#[test]
fn the_packages_are_converted() {
    let Some(packages) = std::env::var_os("SIGHTLINE_PACKAGES_DIR").map(PathBuf::from) else {
        // Written directly, because the test runner hides captured output.
        let _ = writeln!(
            std::io::stderr(),
            "NOT RUN: needs SIGHTLINE_PACKAGES_DIR, the folder of the unpacked packages"
        );
        return;
    };
    let file = |end: &str| find(&packages, end).unwrap_or_else(|| panic!("no {end}"));
    let shards: Vec<Vec<u8>> = (1..=5)
        .map(|shard| file(&format!("models/coco-ssd/group1-shard{shard}of5")))
        .collect();
    let shards: Vec<&[u8]> = shards.iter().map(Vec::as_slice).collect();
    let age_gender = file("model/age_gender_model-weights_manifest.json");
    let expressions = file("model/face_expression_model-weights_manifest.json");
    let converted = [
        (
            "objects/objects.onnx",
            objects(&file("models/coco-ssd/model.json"), &shards),
        ),
        (
            "faces/blazeface.onnx",
            blazeface(
                &file("models/blazeface.json"),
                &[&file("models/blazeface.bin")],
            ),
        ),
        (
            "faces/facemesh.onnx",
            facemesh(
                &file("models/facemesh.json"),
                &[&file("models/facemesh.bin")],
            ),
        ),
        (
            "faces/age-gender.onnx",
            face_api_age_gender(&age_gender, &file("model/age_gender_model.bin")),
        ),
        (
            "faces/expressions.onnx",
            face_api_expressions(&expressions, &file("model/face_expression_model.bin")),
        ),
        (
            "classes/classes.onnx",
            efficientnet_lite0(&file("models/efficientnet-lite0-57934424.pth")),
        ),
    ];
    let target = std::env::var_os("SIGHTLINE_CONVERTED_DIR").map(PathBuf::from);
    for (name, onnx) in converted {
        let onnx = onnx.unwrap_or_else(|error| panic!("{name}: {error}"));
        println!("{name}: {} bytes", onnx.len());
        if let Some(target) = &target {
            let path = target.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, onnx).unwrap();
        }
    }
    let characters = reader_characters(&file("models/PP-OCRv6_rec_small.onnx")).unwrap();
    assert_eq!(characters.lines().count(), 18_708);
}
