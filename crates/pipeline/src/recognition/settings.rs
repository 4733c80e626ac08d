//! The settings of an analysis.

use super::refusal::min_side;
use crate::{Analyses, Analysis, prepare::Limits};

/// The settings of both functions for analysing pictures.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The least confidence of a label, percent 0..100 (`MIN_CONFIDENCE`, 55, Rekognition's own default).
    pub min_confidence: f32,
    /// The most labels (`MAX_LABELS`, 1000, Rekognition's own default).
    pub max_labels: u32,
    /// The model for `custom-labels` (`CUSTOM_LABELS_ARN`).
    pub custom_labels_arn: Option<String>,
    /// The longest side of thumbnails in pixels, 0 for no thumbnails (`THUMBNAIL_PX`, 320).
    pub thumbnail_px: u32,
    /// The longest side of previews in pixels, 0 for no previews (`PREVIEW_PX`, 1440).
    pub preview_px: u32,
    /// The most analyses a day of all workers together (`MAX_DAILY_ANALYSES`, unlimited).
    pub max_daily_analyses: Option<u64>,
    /// The most analyses a day of the pictures of one owner (`MAX_DAILY_ANALYSES_PER_OWNER`, unlimited).
    pub max_daily_analyses_per_owner: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            min_confidence: 55.0,
            max_labels: 1000,
            custom_labels_arn: None,
            thumbnail_px: 320,
            preview_px: 1440,
            max_daily_analyses: None,
            max_daily_analyses_per_owner: None,
        }
    }
}

impl Settings {
    /// The limits for preparing a picture for these analyses.
    #[must_use]
    pub fn limits(&self, analyses: &Analyses) -> Limits {
        Limits {
            thumbnail_px: self.thumbnail_px,
            preview_px: self.preview_px,
            min_side: min_side(analyses),
            protective_equipment: analyses.contains(Analysis::Ppe),
            ..Limits::default()
        }
    }
}
