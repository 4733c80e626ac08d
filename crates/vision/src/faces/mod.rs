//! Faces for `DetectLabels`.

use crate::letterbox::RatioBox;

/// A gender, as a face shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gender {
    Male,
    Female,
}

/// A face for `DetectLabels`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FaceFinding {
    pub(crate) bounds: RatioBox,
    /// Percent.
    pub(crate) confidence: f32,
    /// Years.
    pub(crate) age: Option<f32>,
    /// The gender and its confidence in percent.
    pub(crate) gender: Option<(Gender, f32)>,
}

/// STUB until the face recogniser is merged.
pub(crate) struct FaceRecogniser;

impl FaceRecogniser {
    pub(crate) fn open(_: crate::models::InstalledModel) -> Result<Self, crate::ModelError> {
        Ok(Self)
    }
    pub(crate) fn face_labels(
        &self,
        _: &crate::Picture,
    ) -> Result<Vec<FaceFinding>, crate::VisionError> {
        Ok(Vec::new())
    }
    pub(crate) fn detect_faces(
        &self,
        _: &crate::Picture,
        _: &rekognition_model::DetectFacesRequest,
    ) -> Result<rekognition_model::DetectFacesResponse, crate::VisionError> {
        Ok(Default::default())
    }
}
