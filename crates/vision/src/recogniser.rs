//! The recogniser as a whole.

use std::borrow::Cow;
use std::path::Path;

use rekognition_model::{
    DetectCustomLabelsRequest, DetectCustomLabelsResponse, DetectLabelsRequest,
    DetectLabelsResponse,
};

use crate::confidence::DEFAULT_MIN_CONFIDENCE;
use crate::custom;
use crate::decode::Picture;
use crate::labels::{Findings, FoundLabel};
use crate::letterbox::{Letterbox, RatioBox};
use crate::network::Network;
use crate::nms::Detection;
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
        Self::load(
            Cow::Borrowed(EMBEDDED_MODEL),
            LabelTable::parse(EMBEDDED_LABELS)?,
            "embedded",
        )
    }

    /// A model of one's own: an ONNX file and its label table, whose format this crate's README describes.
    ///
    /// # Errors
    /// A file that cannot be read, a table that is not valid, or a model that does not fit its table, with
    /// the reason.
    pub fn from_files(model: &Path, labels: &Path) -> Result<Self, ModelError> {
        Self::read(model, labels, LabelTable::parse)
    }

    /// A model for [`Recogniser::detect_custom_labels`], in the same two files; its labels need no categories.
    ///
    /// # Errors
    /// As [`Recogniser::from_files`].
    pub fn custom_from_files(model: &Path, labels: &Path) -> Result<Self, ModelError> {
        Self::read(model, labels, LabelTable::parse_custom)
    }

    fn read(
        model: &Path,
        labels: &Path,
        parse: fn(&[u8]) -> Result<LabelTable, ModelError>,
    ) -> Result<Self, ModelError> {
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
        let table = parse(&read(labels)?)?;
        Self::load(Cow::Owned(read(model)?), table, &stem)
    }

    fn load(
        model: Cow<'static, [u8]>,
        table: LabelTable,
        fallback_name: &str,
    ) -> Result<Self, ModelError> {
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

    /// Answers `DetectCustomLabels` for a JPEG or PNG: each box of a detector and each label that the picture as a
    /// whole has is a custom label, with its probability in percent as confidence, most confident first.
    ///
    /// A label is reported from its own threshold in the label table on, or from `MinConfidence` on where the request
    /// has one. Boxes are ratios of the upright picture. `request.image` and `request.project_version_arn` are not
    /// looked at: the caller has fetched the bytes and chosen the model.
    ///
    /// # Errors
    /// As [`Recogniser::detect_labels`].
    pub fn detect_custom_labels(
        &self,
        image: &[u8],
        request: &DetectCustomLabelsRequest,
    ) -> Result<DetectCustomLabelsResponse, VisionError> {
        let options = custom::Options::from_request(request)?;
        let seen = self.look(&Picture::decode(image)?)?;
        Ok(DetectCustomLabelsResponse {
            custom_labels: Some(custom::labels(&self.table, &seen, &options)),
        })
    }

    fn find(&self, picture: &Picture) -> Result<Findings<'_>, VisionError> {
        let seen = self.look(picture)?;
        Ok(Findings::new(
            &self.table,
            &seen.detections,
            seen.place,
            &seen.image_scores,
        ))
    }

    fn look(&self, picture: &Picture) -> Result<Seen, VisionError> {
        let table = &self.table;
        let (input, place) = table.input.prepare(picture)?;
        let outputs = self.network.run(&input)?;
        let readout = table.reader.read(&outputs, table.nms.score_min)?;
        Ok(Seen {
            detections: table.nms.suppress(readout.candidates),
            place,
            image_scores: readout.image_scores,
        })
    }
}

/// What the model says about one picture, before it is put into words.
pub(crate) struct Seen {
    /// Boxes in input pixels, best first.
    pub(crate) detections: Vec<Detection>,
    /// Where the picture lies in the input.
    pub(crate) place: Letterbox,
    /// Probability of each label for the picture as a whole; empty when the model does not say.
    pub(crate) image_scores: Vec<f32>,
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
