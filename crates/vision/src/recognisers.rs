//! All recognisers of a process, put together from the embedded model, Tesseract and the installed models.

use std::path::Path;
use std::sync::Arc;

use rekognition_model::{
    DetectFacesRequest, DetectFacesResponse, DetectLabelsFeatureName, DetectLabelsRequest,
    DetectLabelsResponse, DetectModerationLabelsRequest, DetectModerationLabelsResponse,
    DetectTextResponse, Operation,
};

use crate::combined::LabelRecogniser;
use crate::faces::{FaceFinding, FaceRecogniser};
use crate::models::{InstalledModel, ModelName};
use crate::moderation::ModerationRecogniser;
use crate::text::{TextFilters, TextRecogniser};
use crate::{ModelDescription, ModelError, Picture, Recogniser, Tesseract, VisionError};

/// Which models answer `DetectLabels`.
#[derive(Clone)]
pub enum LabelModels {
    /// This one, usually the embedded one, together with the installed models for objects, classes and faces.
    Combined(Arc<Recogniser>),
    /// This one alone.
    Alone(Arc<Recogniser>),
}

impl LabelModels {
    fn base(&self) -> &Arc<Recogniser> {
        match self {
            Self::Combined(base) | Self::Alone(base) => base,
        }
    }
}

/// Answers every operation for which there is a recogniser, except `DetectCustomLabels`.
///
/// Networks of installed models are loaded when they are first needed. It is `Send + Sync`: share one in an `Arc` and call it
/// from any number of threads. All calls are synchronous and use the CPU.
pub struct Recognisers {
    base: Arc<Recogniser>,
    labels: LabelRecogniser,
    faces: Option<FaceRecogniser>,
    /// Whether faces are labels, too.
    face_labels: bool,
    moderation: Option<ModerationRecogniser>,
    text: TextRecogniser,
    tesseract_version: Option<String>,
    models: Vec<ModelName>,
}

impl Recognisers {
    /// Puts the recognisers together.
    ///
    /// # Errors
    /// If an installed model cannot be opened.
    pub fn new(
        labels: &LabelModels,
        tesseract: Option<Tesseract>,
        installed: Vec<InstalledModel>,
    ) -> Result<Self, ModelError> {
        let combined = matches!(labels, LabelModels::Combined(_));
        let used = |name| combined || !matches!(name, ModelName::Objects | ModelName::Classes);
        let find = |name| {
            let model = installed.iter().find(|model| model.name() == name);
            model.filter(|_| used(name)).cloned()
        };
        let models = ModelName::ALL
            .into_iter()
            .filter(|name| find(*name).is_some())
            .collect();
        let base = Arc::clone(labels.base());
        Ok(Self {
            labels: LabelRecogniser::new(
                Arc::clone(&base),
                find(ModelName::Objects),
                find(ModelName::Classes),
            ),
            base,
            faces: find(ModelName::Faces)
                .map(FaceRecogniser::open)
                .transpose()?,
            face_labels: combined,
            moderation: find(ModelName::Moderation).map(ModerationRecogniser::open),
            tesseract_version: tesseract.as_ref().map(|t| t.version().to_owned()),
            text: TextRecogniser::new(tesseract, find(ModelName::Text)),
            models,
        })
    }

    /// The embedded model alone.
    ///
    /// # Errors
    /// Only if the embedded files are damaged.
    pub fn embedded() -> Result<Self, ModelError> {
        let base = Arc::new(Recogniser::embedded()?);
        Self::new(&LabelModels::Combined(base), None, Vec::new())
    }

    /// Whether there is a recogniser for an operation. `DetectCustomLabels` has none here: each custom model is a
    /// [`Recogniser`] of its own.
    pub fn supports(&self, operation: Operation) -> bool {
        match operation {
            Operation::DetectLabels => true,
            Operation::DetectFaces => self.faces.is_some(),
            Operation::DetectModerationLabels => self.moderation.is_some(),
            Operation::DetectText => self.tesseract_version.is_some() || self.has(ModelName::Text),
            Operation::DetectCustomLabels
            | Operation::RecognizeCelebrities
            | Operation::DetectProtectiveEquipment => false,
        }
    }

    /// The installed models in use, in the order of [`ModelName::ALL`].
    pub fn models(&self) -> &[ModelName] {
        &self.models
    }

    /// Whether an installed model is in use.
    pub fn has(&self, model: ModelName) -> bool {
        self.models.contains(&model)
    }

    /// The embedded model, or the one in its place.
    pub fn label_model(&self) -> ModelDescription {
        self.base.description()
    }

    /// The version of Tesseract, such as `5.3.0`, if it reads text.
    pub fn tesseract_version(&self) -> Option<&str> {
        self.tesseract_version.as_deref()
    }

    /// Answers `DetectLabels`. The request must meet the constraints of the service model; `request.image` is ignored, here
    /// and in the other methods. Boxes are ratios of the upright picture.
    ///
    /// # Errors
    /// `Internal` for faults of a recogniser.
    pub fn detect_labels(
        &self,
        picture: &Picture,
        request: &DetectLabelsRequest,
    ) -> Result<DetectLabelsResponse, VisionError> {
        let faces = self.faces.as_ref().filter(|_| self.face_labels);
        let faces: Option<Vec<FaceFinding>> = match faces {
            Some(faces) if wants_labels(request) => Some(faces.face_labels(picture)?),
            _ => None,
        };
        self.labels
            .detect_labels(picture, request, faces.as_deref())
    }

    /// Answers `DetectFaces`.
    ///
    /// # Errors
    /// `Internal` for faults of the recogniser, or without one.
    pub fn detect_faces(
        &self,
        picture: &Picture,
        request: &DetectFacesRequest,
    ) -> Result<DetectFacesResponse, VisionError> {
        let faces = self.faces.as_ref();
        faces
            .ok_or_else(|| missing(ModelName::Faces))?
            .detect_faces(picture, request)
    }

    /// Answers `DetectModerationLabels` with at most one top-level label, for nudity.
    ///
    /// # Errors
    /// `InvalidParameter` for an adapter or a human review, which the recogniser does not have. `Internal` for faults of the
    /// recogniser, or without one.
    pub fn detect_moderation_labels(
        &self,
        picture: &Picture,
        request: &DetectModerationLabelsRequest,
    ) -> Result<DetectModerationLabelsResponse, VisionError> {
        let moderation = self.moderation.as_ref();
        moderation
            .ok_or_else(|| missing(ModelName::Moderation))?
            .detect_moderation_labels(picture, request)
    }

    /// Answers `DetectText`. `scratch` is a folder for Tesseract's temporary files.
    ///
    /// # Errors
    /// `Internal` for faults of the recogniser, or without one.
    pub fn detect_text(
        &self,
        picture: &Picture,
        filters: &TextFilters,
        scratch: &Path,
    ) -> Result<DetectTextResponse, VisionError> {
        self.text.detect_text(picture, filters, scratch)
    }
}

/// Whether a request wants more than image properties.
fn wants_labels(request: &DetectLabelsRequest) -> bool {
    let features = request.features.as_deref().unwrap_or_default();
    features.is_empty() || features.contains(&DetectLabelsFeatureName::GeneralLabels)
}

fn missing(model: ModelName) -> VisionError {
    VisionError::Internal(format!("the model \"{model}\" is not installed"))
}
