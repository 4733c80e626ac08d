//! The recogniser as a whole.

use std::path::Path;

use rekognition_model::{DetectLabelsRequest, DetectLabelsResponse};

use crate::confidence::DEFAULT_MIN_CONFIDENCE;
use crate::decode::Picture;
use crate::labels::{Findings, FoundLabel};
use crate::letterbox::RatioBox;
use crate::network::Network;
use crate::properties::Measured;
use crate::request::Options;
use crate::table::{LabelTable, Model};
use crate::{ModelError, VisionError};

const EMBEDDED_MODEL: &[u8] = include_bytes!("../model/labeler.onnx");
const EMBEDDED_LABELS: &[u8] = include_bytes!("../model/labels.json");

/// A loaded model with its label table.
///
/// `Send + Sync` and without a lock: share one in an `Arc` and call it from any number of threads.
pub struct Recogniser {
    network: Network,
    table: LabelTable,
    model: Model,
}

/// What a recogniser is, for a start message: its `Display` reads
/// `sightline 1.0 (191 labels, 80 with boxes, 320 x 320 pixels, 10.6 MiB)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDescription {
    /// The model's name.
    pub name: String,
    /// The model's version.
    pub version: String,
    /// Number of labels the model tells apart; their ancestors come on top.
    pub labels: usize,
    /// Number of those for which it draws boxes.
    pub with_boxes: usize,
    /// Width of the model's input in pixels.
    pub input_width: u32,
    /// Height of the model's input in pixels.
    pub input_height: u32,
    /// Size of the ONNX file in bytes.
    pub bytes: usize,
}

impl std::fmt::Display for ModelDescription {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name,
            version,
            labels,
            with_boxes,
            input_width,
            input_height,
            bytes,
        } = self;
        let mib = *bytes as f64 / f64::from(1u32 << 20);
        write!(
            f,
            "{name} {version} ({labels} labels, {with_boxes} with boxes, {input_width} x {input_height} pixels, \
             {mib:.1} MiB)"
        )
    }
}

impl Recogniser {
    /// The model inside the binary.
    ///
    /// # Errors
    /// None in a binary whose tests pass.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::load(EMBEDDED_MODEL, EMBEDDED_LABELS, "embedded")
    }

    /// A model of one's own: an ONNX file and its label table, whose format this crate's README describes.
    ///
    /// # Errors
    /// A file that cannot be read, a table that is not valid, or a model that does not fit its table, with
    /// the reason.
    pub fn from_files(model: &Path, labels: &Path) -> Result<Self, ModelError> {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| ModelError::Read {
                path: path.to_owned(),
                source,
            })
        };
        let stem = model
            .file_stem()
            .map(|s| s.to_string_lossy().into_owned())
            .unwrap_or_default();
        // The table first: it is small, and most mistakes are made in it.
        let table = read(labels)?;
        Self::load(&read(model)?, &table, &stem)
    }

    fn load(model: &[u8], labels: &[u8], fallback_name: &str) -> Result<Self, ModelError> {
        let table = LabelTable::parse(labels)?;
        let network = Network::load(model, &table.signature)?;
        let unnamed = || Model {
            name: fallback_name.to_owned(),
            version: "0".to_owned(),
        };
        let model = table.model.clone().unwrap_or_else(unnamed);
        Ok(Self {
            network,
            table,
            model,
        })
    }

    /// What this recogniser is.
    pub fn description(&self) -> ModelDescription {
        let table = &self.table;
        let mut known: Vec<usize> = table
            .classes
            .iter()
            .chain(&table.image_labels)
            .map(|e| e.node)
            .collect();
        known.sort_unstable();
        known.dedup();
        ModelDescription {
            name: self.model.name.clone(),
            version: self.model.version.clone(),
            labels: known.len(),
            with_boxes: table.classes.len(),
            input_width: table.input.width,
            input_height: table.input.height,
            bytes: self.network.bytes,
        }
    }

    /// Answers `DetectLabels` for a JPEG or PNG, as Rekognition words it.
    ///
    /// `request.image` is not looked at: the caller has fetched its bytes. `Labels` is there also when only
    /// `IMAGE_PROPERTIES` was asked for, and empty then. `OrientationCorrection` is never there.
    /// `LabelModelVersion` names the model that answered, such as `sightline-1.0`. Boxes are ratios of the
    /// picture's width and height once it is upright and lie inside it.
    ///
    /// Takes the CPU for as long as it takes: call it from a thread that may block.
    ///
    /// # Errors
    /// `InvalidParameter` for the request, `InvalidImageFormat`, `ImageTooLarge` and `ImageTooSmall` for the
    /// picture, `Internal` for faults of the recogniser.
    pub fn detect_labels(
        &self,
        image: &[u8],
        request: &DetectLabelsRequest,
    ) -> Result<DetectLabelsResponse, VisionError> {
        let options = Options::from_request(request)?;
        let picture = Picture::decode(image)?;
        let findings = self.find(&picture)?;
        let measured = options
            .properties
            .map(|o| Measured::new(&picture, o))
            .transpose()?;

        let labels: Vec<FoundLabel<'_>> = options
            .general
            .map(|o| findings.labels(&o))
            .unwrap_or_default();
        let colours = |bounds: &RatioBox| measured.as_ref().map(|m| m.colours_in(bounds));
        let labels = labels
            .iter()
            .map(|l| l.to_response(&self.table, colours))
            .collect();

        Ok(DetectLabelsResponse {
            labels: Some(labels),
            orientation_correction: None,
            label_model_version: Some(format!("{}-{}", self.model.name, self.model.version)),
            image_properties: measured.map(|m| m.properties(&objects(&findings))),
        })
    }

    fn find(&self, picture: &Picture) -> Result<Findings<'_>, VisionError> {
        let table = &self.table;
        let (input, place) = table.input.prepare(picture)?;
        let outputs = self.network.run(&input)?;
        let readout = table.reader.read(&outputs, table.nms.score_min)?;
        let detections = table.nms.suppress(readout.candidates);
        Ok(Findings::new(
            table,
            &detections,
            place,
            &readout.image_scores,
        ))
    }
}

/// The boxes that make up the foreground: what the picture shows does not depend on the `MinConfidence` asked
/// for, so it is always those at Rekognition's default.
fn objects(findings: &Findings<'_>) -> Vec<RatioBox> {
    let sure =
        |i: &&crate::labels::FoundInstance| f64::from(i.confidence) >= DEFAULT_MIN_CONFIDENCE;
    findings
        .instances
        .iter()
        .filter(sure)
        .map(|i| i.bounds)
        .collect()
}
