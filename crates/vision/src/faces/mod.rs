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
