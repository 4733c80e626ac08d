//! The recogniser: a model with its label table.

use std::borrow::Cow;
use std::path::Path;

use rekognition_model::{
    DetectCustomLabelsRequest, DetectCustomLabelsResponse, DetectLabelsRequest,
    DetectLabelsResponse,
};

use crate::answer::answer;
use crate::custom;
use crate::decode::Picture;
use crate::label_table::{LabelTable, Model};
use crate::labels::LabelConfidences;
use crate::network::Network;
use crate::prediction::Prediction;
use crate::{ModelError, VisionError};

const EMBEDDED_MODEL: &[u8] = include_bytes!("../model/labeler.onnx");
const EMBEDDED_LABELS: &[u8] = include_bytes!("../model/labels.json");

/// A loaded model with its label table.
///
/// It is `Send + Sync` and takes no lock: share one in an `Arc` and call it from any number of threads.
pub struct Recogniser {
    network: Network,
    table: LabelTable,
    model: Model,
}

/// Describes a recogniser for the start message. `Display` writes
/// `sightline 1.0 (191 labels, 80 with boxes, 320 x 320 pixels, 10.6 MiB)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelDescription {
    /// The model's name.
    pub name: String,
    /// The model's version.
    pub version: String,
    /// Number of labels that the model predicts, without their ancestors.
    pub labels: usize,
    /// Number of labels with boxes.
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
    /// The model that is embedded in the binary.
    ///
    /// # Errors
    /// Only if the embedded files are damaged.
    pub fn embedded() -> Result<Self, ModelError> {
        Self::load(
            Cow::Borrowed(EMBEDDED_MODEL),
            LabelTable::parse(EMBEDDED_LABELS)?,
            "embedded",
        )
    }

    /// A custom model: an ONNX file and its label table, whose format this crate's README describes.
    ///
    /// # Errors
    /// If a file cannot be read, the table is not valid, or the model does not match its table.
    pub fn from_files(model: &Path, labels: &Path) -> Result<Self, ModelError> {
        Self::read(model, labels, LabelTable::parse)
    }

    /// A model for [`Recogniser::detect_custom_labels`]. Its labels need no categories.
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
        // The table first: it is small, and most mistakes are in it.
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

    /// Describes this recogniser.
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

    /// Answers `DetectLabels` for a JPEG or PNG.
    ///
    /// The request must meet the constraints of the service model ([`rekognition_model::Validate`]); `request.image` is
    /// ignored. `Labels` is an empty list if only `IMAGE_PROPERTIES` was requested, and `OrientationCorrection` is never
    /// set. `LabelModelVersion` names the model, such as `sightline-1.0`. Boxes are ratios of the upright image and lie
    /// inside it.
    ///
    /// Blocks and uses the CPU.
    ///
    /// # Errors
    /// `InvalidImageFormat`, `ImageTooLarge` and `ImageTooSmall` for the image, `Internal` for faults of the recogniser.
    pub fn detect_labels(
        &self,
        image: &[u8],
        request: &DetectLabelsRequest,
    ) -> Result<DetectLabelsResponse, VisionError> {
        self.detect_labels_of(&Picture::decode(image)?, request)
    }

    /// Answers `DetectLabels` for a decoded picture, as [`Recogniser::detect_labels`] does for a file.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn detect_labels_of(
        &self,
        picture: &Picture,
        request: &DetectLabelsRequest,
    ) -> Result<DetectLabelsResponse, VisionError> {
        let confidences = LabelConfidences::new(&self.table, &self.predict(picture)?);
        answer(picture, request, &confidences, self.version())
    }

    /// The model's name and version, such as `sightline-1.0`.
    pub(crate) fn version(&self) -> String {
        format!("{}-{}", self.model.name, self.model.version)
    }

    /// The model's labels.
    pub(crate) fn table(&self) -> &LabelTable {
        &self.table
    }

    /// Answers `DetectCustomLabels` for a JPEG or PNG. Each box and each label of the whole image is a custom label; its
    /// confidence is the probability in percent. The most confident comes first.
    ///
    /// A label is reported from its threshold in the label table on, or from the request's `MinConfidence` on. Boxes are
    /// ratios of the upright image. The request must meet the constraints of the service model; `request.image` and
    /// `request.project_version_arn` are ignored.
    ///
    /// # Errors
    /// As [`Recogniser::detect_labels`].
    pub fn detect_custom_labels(
        &self,
        image: &[u8],
        request: &DetectCustomLabelsRequest,
    ) -> Result<DetectCustomLabelsResponse, VisionError> {
        self.detect_custom_labels_of(&Picture::decode(image)?, request)
    }

    /// Answers `DetectCustomLabels` for a decoded picture, as [`Recogniser::detect_custom_labels`] does for a file.
    ///
    /// # Errors
    /// `Internal` for faults of the recogniser.
    pub fn detect_custom_labels_of(
        &self,
        picture: &Picture,
        request: &DetectCustomLabelsRequest,
    ) -> Result<DetectCustomLabelsResponse, VisionError> {
        let options = custom::Options::from_request(request);
        let prediction = self.predict(picture)?;
        Ok(DetectCustomLabelsResponse {
            custom_labels: Some(custom::labels(&self.table, &prediction, &options)),
        })
    }

    /// What the model predicts for a picture.
    ///
    /// # Errors
    /// `Internal`.
    pub(crate) fn predict(&self, picture: &Picture) -> Result<Prediction, VisionError> {
        let table = &self.table;
        let (input, letterbox) = table.input.prepare(picture)?;
        let outputs = self.network.run(&input)?;
        let raw = table.reader.read(&outputs, table.nms.score_min)?;
        Ok(Prediction {
            detections: table.nms.suppress(raw.candidates),
            letterbox,
            image_scores: raw.image_scores,
        })
    }
}
