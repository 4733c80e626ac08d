//! The label table: a JSON file that describes the input, the outputs and the labels of an ONNX model. This crate's README
//! documents the format.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::ModelError;
use crate::layout::{Layout, Reader};
use crate::letterbox::{Anchor, Channels, Fit, InputFormat, Normalisation};
use crate::network::Signature;
use crate::nms::Nms;
use crate::taxonomy::{self, Entry, Node};

/// The version of the format.
const VERSION: u32 = 1;
/// The allowed sides of the model's input, in pixels.
const INPUT_SIDES: std::ops::RangeInclusive<u32> = 16..=4096;
/// The threshold of a label without one, in percent.
const DEFAULT_THRESHOLD: f32 = 55.0;

/// A checked label table.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LabelTable {
    /// Name and version of the model.
    pub(crate) model: Option<Model>,
    pub(crate) input: InputFormat,
    pub(crate) signature: Signature,
    pub(crate) reader: Reader,
    pub(crate) nms: Nms,
    /// All labels: those of the model and their ancestors.
    pub(crate) nodes: Vec<Node>,
    /// The label of each detector class.
    pub(crate) classes: Vec<LabelOutput>,
    /// The label of each output for the whole image.
    pub(crate) image_labels: Vec<LabelOutput>,
}

/// The label of an output, and its threshold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LabelOutput {
    /// Index in [`LabelTable::nodes`].
    pub(crate) node: usize,
    /// Percent, strictly between 0 and 100.
    pub(crate) threshold: f32,
}

/// Name and version of a model, as in "sightline" and "1.0".
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Model {
    pub(crate) name: String,
    pub(crate) version: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// Parsed before the rest.
    #[serde(rename = "version")]
    _version: u32,
    model: Option<Model>,
    input: Input,
    outputs: BTreeMap<String, Vec<usize>>,
    #[serde(default)]
    decode: Layout,
    #[serde(default)]
    nms: Nms,
    labels: Vec<Label>,
    #[serde(default)]
    ancestors: Vec<Ancestor>,
    /// For people.
    #[serde(rename = "thresholds_are")]
    _thresholds_are: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    name: Option<String>,
    shape: [usize; 4],
    layout: TensorLayout,
    channels: Channels,
    range: [f32; 2],
    mean: Option<[f32; 3]>,
    std: Option<[f32; 3]>,
    #[serde(default)]
    fit: Fit,
    #[serde(default)]
    letterbox: LetterboxMembers,
    /// For people.
    #[serde(rename = "resize")]
    _resize: Option<String>,
}

#[derive(Deserialize)]
enum TensorLayout {
    #[serde(rename = "NCHW")]
    Nchw,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct LetterboxMembers {
    anchor: Anchor,
    pad: u8,
}

impl Default for LetterboxMembers {
    fn default() -> Self {
        Self {
            anchor: Anchor::default(),
            pad: 114,
        }
    }
}

#[derive(Deserialize)]
struct Named {
    #[serde(rename = "Name")]
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Label {
    index: Option<usize>,
    detector_index: Option<usize>,
    image_threshold: Option<f32>,
    detector_threshold: Option<f32>,
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Parents", default)]
    parents: Vec<Named>,
    #[serde(rename = "Categories", default)]
    categories: Vec<Named>,
    #[serde(rename = "Aliases", default)]
    aliases: Vec<Named>,
    /// This and the next two are for people.
    #[serde(rename = "key")]
    _key: Option<String>,
    #[serde(rename = "kind")]
    _kind: Option<String>,
    #[serde(rename = "weak_evidence")]
    _weak_evidence: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ancestor {
    #[serde(rename = "Name")]
    name: String,
    #[serde(rename = "Parents", default)]
    parents: Vec<Named>,
    #[serde(rename = "Categories", default)]
    categories: Vec<Named>,
    #[serde(rename = "Aliases", default)]
    aliases: Vec<Named>,
}

impl LabelTable {
    /// Reads and checks a label table.
    ///
    /// # Errors
    /// `Table`, with a sentence that names the problem and its place.
    pub(crate) fn parse(json: &[u8]) -> Result<Self, ModelError> {
        let table = Self::parse_custom(json)?;
        match table.nodes.iter().find(|node| node.categories.is_empty()) {
            Some(node) => Err(ModelError::Table(format!(
                "the label \"{}\" has no category",
                node.name
            ))),
            None => Ok(table),
        }
    }

    /// Reads and checks a label table for custom labels, which need no categories.
    ///
    /// # Errors
    /// As [`LabelTable::parse`].
    pub(crate) fn parse_custom(json: &[u8]) -> Result<Self, ModelError> {
        parse(json).map_err(ModelError::Table)
    }
}

/// The message for a file that cannot be parsed.
fn unreadable(error: &serde_json::Error) -> String {
    if error.is_data() {
        error.to_string()
    } else {
        format!(
            "it is not JSON ({error}); name the label table of the model, a JSON file with \"version\": {VERSION}"
        )
    }
}

fn parse(json: &[u8]) -> Result<LabelTable, String> {
    // The version first, so that a newer format is not reported as an unknown member.
    #[derive(Deserialize)]
    struct Version {
        version: u32,
    }
    let Version { version } = serde_json::from_slice(json).map_err(|error| unreadable(&error))?;
    if version != VERSION {
        return Err(format!(
            "its version is {version}; this program reads version {VERSION}"
        ));
    }
    let file: File = serde_json::from_slice(json).map_err(|error| unreadable(&error))?;

    let input = input(&file.input)?;
    check_nms(&file.nms)?;
    let reader = file.decode.reader(&file.outputs, &input)?;
    if input.fit == Fit::Crop && reader.classes > 0 {
        return Err(
            "input.fit \"crop\" is for classifiers only: a detector needs the whole image"
                .to_owned(),
        );
    }

    let classes = label_outputs(&file.labels, reader.classes, "detector_index", |l| {
        l.detector_index.map(|i| (i, l.detector_threshold))
    })?;
    // `index` may also number labels without an output for the whole image.
    let image_labels = match reader.image_labels {
        0 => Vec::new(),
        n => label_outputs(&file.labels, n, "index", |l| {
            l.index.map(|i| (i, l.image_threshold))
        })?,
    };

    let labels = file
        .labels
        .into_iter()
        .map(|l| entry(l.name, l.parents, l.categories, l.aliases));
    let ancestors = file
        .ancestors
        .into_iter()
        .map(|a| entry(a.name, a.parents, a.categories, a.aliases));
    let nodes = taxonomy::resolve(labels.chain(ancestors).collect())?;

    let signature = Signature {
        input_name: file.input.name,
        input_shape: file.input.shape,
        outputs: file.outputs,
    };
    Ok(LabelTable {
        model: file.model,
        input,
        signature,
        reader,
        nms: file.nms,
        nodes,
        classes,
        image_labels,
    })
}

fn input(file: &Input) -> Result<InputFormat, String> {
    let TensorLayout::Nchw = file.layout;
    let side = |n: usize| u32::try_from(n).ok().filter(|n| INPUT_SIDES.contains(n));
    let [1, 3, height, width] = file.shape else {
        return Err(format!(
            "the input's shape must be [1, 3, height, width]; it is {:?}",
            file.shape
        ));
    };
    let (Some(height), Some(width)) = (side(height), side(width)) else {
        return Err(format!(
            "the input's sides must be {INPUT_SIDES:?} pixels; they are {width} x {height}"
        ));
    };
    if !file.range.iter().all(|v| v.is_finite()) {
        return Err("the input's range must be two numbers".to_owned());
    }
    let default = Normalisation::default();
    let normalisation = Normalisation {
        mean: file.mean.unwrap_or(default.mean),
        std: file.std.unwrap_or(default.std),
    };
    if !normalisation.mean.iter().all(|v| v.is_finite())
        || !normalisation.std.iter().all(|v| v.is_normal() && *v > 0.0)
    {
        return Err("the input's mean must be three numbers, and its std three above 0".to_owned());
    }
    let LetterboxMembers { anchor, pad } = file.letterbox;
    Ok(InputFormat {
        width,
        height,
        channels: file.channels,
        range: file.range,
        normalisation,
        fit: file.fit,
        anchor,
        pad,
    })
}

fn check_nms(nms: &Nms) -> Result<(), String> {
    for (name, value) in [("score_min", nms.score_min), ("iou", nms.iou)] {
        if !(0.0..=1.0).contains(&value) {
            return Err(format!("nms.{name} must be between 0 and 1; it is {value}"));
        }
    }
    match nms.max_candidates.min(nms.max_detections) {
        0 => Err("nms.max_candidates and nms.max_detections must be at least 1".to_owned()),
        _ => Ok(()),
    }
}

/// Orders the labels by one of their indices, which must be 0 to `count` - 1, each once.
fn label_outputs(
    labels: &[Label],
    count: usize,
    member: &str,
    of: impl Fn(&Label) -> Option<(usize, Option<f32>)>,
) -> Result<Vec<LabelOutput>, String> {
    let mut found: Vec<Option<LabelOutput>> = vec![None; count];
    let indices = labels.iter().filter(|l| of(l).is_some()).count();
    for (node, label) in labels.iter().enumerate() {
        let Some((index, threshold)) = of(label) else {
            continue;
        };
        let threshold = threshold.unwrap_or(DEFAULT_THRESHOLD);
        if !(threshold > 0.0 && threshold < 100.0) {
            return Err(format!(
                "a threshold of the label \"{}\" is {threshold} but must be between 0 and 100",
                label.name
            ));
        }
        match found.get_mut(index) {
            None => {
                return Err(format!(
                    "the label \"{}\" has the {member} {index}, and the model's output has room for {count} \
                     (the table has {indices})",
                    label.name
                ));
            }
            Some(Some(_)) => {
                return Err(format!(
                    "the {member} {index} of the label \"{}\" is taken",
                    label.name
                ));
            }
            Some(slot) => *slot = Some(LabelOutput { node, threshold }),
        }
    }
    match found.iter().position(Option::is_none) {
        Some(index) => Err(format!(
            "no label has the {member} {index}: the model's output has {count}, and the table {indices}"
        )),
        None => Ok(found.into_iter().flatten().collect()),
    }
}

fn entry(name: String, parents: Vec<Named>, categories: Vec<Named>, aliases: Vec<Named>) -> Entry {
    let names = |of: Vec<Named>| of.into_iter().map(|n| n.name).collect();
    Entry {
        name,
        parents: names(parents),
        categories: names(categories),
        aliases: names(aliases),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::taxonomy::CATEGORIES;
    use serde_json::{Value, json};

    pub(crate) const EMBEDDED: &[u8] = include_bytes!("../model/labels.json");

    /// A table with all kinds of labels: with boxes, for the whole image, and both.
    pub(crate) fn small() -> Value {
        json!({
            "version": 1,
            "model": {"name": "small", "version": "2"},
            "input": {"shape": [1, 3, 64, 64], "layout": "NCHW", "channels": "RGB", "range": [0, 1]},
            "outputs": {"boxes": [9, 4], "scores": [9, 2], "labels": [3]},
            "labels": [
                {"index": 0, "detector_index": 0, "Name": "Car", "detector_threshold": 70,
                 "Parents": [{"Name": "Vehicle"}], "Categories": [{"Name": "Vehicles and Automotive"}],
                 "Aliases": [{"Name": "Automobile"}]},
                {"index": 1, "detector_index": 1, "Name": "Dog", "image_threshold": 90,
                 "Parents": [{"Name": "Animal"}], "Categories": [{"Name": "Animals and Pets"}]},
                {"index": 2, "Name": "Street", "Categories": [{"Name": "Buildings and Architecture"}]}
            ],
            "ancestors": [
                {"Name": "Vehicle", "Parents": [{"Name": "Transportation"}],
                 "Categories": [{"Name": "Vehicles and Automotive"}]},
                {"Name": "Transportation", "Categories": [{"Name": "Transport and Logistics"}]}
            ]
        })
    }

    fn read(table: &Value) -> Result<LabelTable, String> {
        parse(table.to_string().as_bytes())
    }

    fn rejected(change: impl FnOnce(&mut Value)) -> String {
        let mut table = small();
        change(&mut table);
        read(&table).unwrap_err()
    }

    #[test]
    fn indices_select_labels_and_thresholds() {
        let table = read(&small()).unwrap();
        let names: Vec<_> = table.nodes.iter().map(|n| n.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "Car",
                "Dog",
                "Street",
                "Vehicle",
                "Transportation",
                "Animal"
            ]
        );
        assert_eq!(
            table.classes,
            [
                LabelOutput {
                    node: 0,
                    threshold: 70.0
                },
                LabelOutput {
                    node: 1,
                    threshold: 55.0
                }
            ]
        );
        assert_eq!(
            table.image_labels[1],
            LabelOutput {
                node: 1,
                threshold: 90.0
            }
        );
        assert_eq!(table.nodes[0].ancestors, [3, 4]);
        assert_eq!(table.nms, Nms::default());
        assert_eq!(
            (table.input.anchor, table.input.pad),
            (Anchor::TopLeft, 114)
        );
    }

    #[test]
    fn labels_may_be_in_any_order() {
        let mut table = small();
        table["labels"].as_array_mut().unwrap().reverse();
        let table = read(&table).unwrap();
        assert_eq!(table.nodes[table.classes[0].node].name, "Car");
        assert_eq!(table.nodes[table.image_labels[2].node].name, "Street");
    }

    #[test]
    fn an_invalid_table_is_rejected_with_the_reason() {
        assert_eq!(
            rejected(|t| t["version"] = json!(2)),
            "its version is 2; this program reads version 1"
        );
        assert_eq!(
            rejected(|t| t["labels"][1]["detector_index"] = json!(0)),
            "the detector_index 0 of the label \"Dog\" is taken"
        );
        assert_eq!(
            rejected(|t| t["outputs"]["scores"] = json!([9, 3])),
            "no label has the detector_index 2: the model's output has 3, and the table 2"
        );
        assert_eq!(
            rejected(|t| t["outputs"]["labels"] = json!([2])),
            "the label \"Street\" has the index 2, and the model's output has room for 2 (the table has 3)"
        );
        assert_eq!(
            rejected(|t| t["labels"][0]["detector_threshold"] = json!(0)),
            "a threshold of the label \"Car\" is 0 but must be between 0 and 100"
        );
        assert_eq!(
            rejected(|t| t["labels"][0]["Categories"] = json!([{"Name": "Cars"}])),
            "the label \"Car\" has the category \"Cars\", which is not one of Rekognition's 40"
        );
        assert_eq!(
            rejected(|t| t["input"]["shape"] = json!([1, 64, 64, 3])),
            "the input's shape must be [1, 3, height, width]; it is [1, 64, 64, 3]"
        );
        assert_eq!(
            rejected(|t| t["input"]["shape"] = json!([1, 3, 64, 5000])),
            "the input's sides must be 16..=4096 pixels; they are 5000 x 64"
        );
        assert_eq!(
            rejected(|t| t["nms"] = json!({"iou": 1.5})),
            "nms.iou must be between 0 and 1; it is 1.5"
        );
        assert_eq!(
            rejected(|t| t["nms"] = json!({"max_detections": 0})),
            "nms.max_candidates and nms.max_detections must be at least 1"
        );
        assert!(
            rejected(|t| t["labels"][0]["Nmae"] = json!("Car")).starts_with("unknown field `Nmae`")
        );
        assert!(
            rejected(|t| t["input"]["channels"] = json!("GRB")).contains("expected `RGB` or `BGR`")
        );
        assert!(
            rejected(|t| t["decode"] = json!({"layout": "ssd"})).contains("unknown variant `ssd`")
        );
        assert!(parse(b"{\"version\": 1,").unwrap_err().contains("EOF"));
        let error = parse(b"# Sightline\n").unwrap_err();
        assert!(
            error.starts_with(
                "it is not JSON (expected value at line 1 column 1); name the label table"
            ),
            "{error}"
        );
        assert!(parse(b"\xff\xfe").is_err());
    }

    #[test]
    fn only_custom_labels_need_no_category() {
        let mut table = small();
        table["labels"][2]
            .as_object_mut()
            .unwrap()
            .remove("Categories");
        let json = table.to_string();
        assert_eq!(
            LabelTable::parse(json.as_bytes()).unwrap_err().to_string(),
            "the label table is not valid: the label \"Street\" has no category"
        );
        assert!(LabelTable::parse_custom(json.as_bytes()).is_ok());
    }

    #[test]
    fn the_input_can_be_normalised_and_cropped() {
        let mut table = small();
        table["input"]["mean"] = json!([0.485, 0.456, 0.406]);
        table["input"]["std"] = json!([0.229, 0.224, 0.225]);
        table["input"]["fit"] = json!("stretch");
        let input = read(&table).unwrap().input;
        assert_eq!(input.normalisation.std, [0.229, 0.224, 0.225]);
        assert_eq!(input.fit, Fit::Stretch);
        table["input"]["fit"] = json!("crop");
        assert_eq!(
            read(&table).unwrap_err(),
            "input.fit \"crop\" is for classifiers only: a detector needs the whole image"
        );
        table["input"]["fit"] = json!("letterbox");
        table["input"]["std"] = json!([1, 1, 0]);
        assert_eq!(
            read(&table).unwrap_err(),
            "the input's mean must be three numbers, and its std three above 0"
        );
    }

    #[test]
    fn the_embedded_table_is_valid() {
        let table = LabelTable::parse(EMBEDDED).unwrap();
        assert_eq!((table.classes.len(), table.image_labels.len()), (80, 191));
        assert_eq!(table.input.width, 320);
        for node in &table.nodes {
            assert!(!node.categories.is_empty(), "{}", node.name);
            assert!(
                node.categories
                    .iter()
                    .all(|c| CATEGORIES.contains(&c.as_str())),
                "{}",
                node.name
            );
        }
        // The table describes every ancestor, so none is derived from its children.
        let described = 191
            + serde_json::from_slice::<Value>(EMBEDDED).unwrap()["ancestors"]
                .as_array()
                .unwrap()
                .len();
        assert_eq!(table.nodes.len(), described);
    }

    #[test]
    fn the_tables_for_coco_models_are_valid() {
        for (json, layout) in [
            (
                include_bytes!("../tables/yolox-coco80.json").as_slice(),
                "yolox",
            ),
            (
                include_bytes!("../tables/yolov8-coco80.json").as_slice(),
                "yolov8",
            ),
        ] {
            let table = LabelTable::parse(json).unwrap();
            assert_eq!(
                (table.classes.len(), table.image_labels.len()),
                (80, 0),
                "{layout}"
            );
            assert_eq!(table.nodes[table.classes[3].node].name, "Motorcycle");
            assert_eq!(table.nodes[table.classes[79].node].name, "Toothbrush");
        }
    }
}
