//! Builds a result document.

use time::OffsetDateTime;

use super::{answers::Answers, summary::summary};
use crate::{
    Analyses, ResultDocument,
    document::{AnalysisError, ImageInfo, Rendition, SCHEMA_VERSION, Source, Status, Timings},
};

/// The parts of a result document.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentParts {
    /// The object.
    pub source: Source,
    /// The picture's format and size, if its header could be read.
    pub image: Option<ImageInfo>,
    /// The thumbnail, if there is one.
    pub thumbnail: Option<Rendition>,
    /// The preview, if there is one.
    pub preview: Option<Rendition>,
    /// The requested analyses.
    pub analyses: Analyses,
    /// The recogniser's answers; empty if it was not asked.
    pub answers: Answers,
    /// Why the recogniser was not asked.
    pub refusal: Option<AnalysisError>,
    /// The duration of each step.
    pub timings: Timings,
    /// The time of processing.
    pub processed_at: OffsetDateTime,
}

impl DocumentParts {
    /// Builds the document. Its status is `succeeded` without errors, `failed` without answers, and
    /// `partial` otherwise.
    #[must_use]
    pub fn into_document(self) -> ResultDocument {
        let mut errors = self.answers.errors(&self.analyses);
        errors.extend(self.refusal);
        let cost = self.answers.cost();
        let rekognition = self.answers.into_rekognition();
        ResultDocument {
            schema_version: SCHEMA_VERSION,
            image_id: self.source.key.image_id(),
            status: if errors.is_empty() {
                Status::Succeeded
            } else if rekognition.is_empty() {
                Status::Failed
            } else {
                Status::Partial
            },
            source: self.source,
            image: self.image,
            summary: summary(&rekognition),
            rekognition,
            thumbnail: self.thumbnail,
            preview: self.preview,
            errors,
            analyses: self.analyses,
            cost: Some(cost),
            timings: self.timings,
            processed_at: self.processed_at,
            processor_version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}
