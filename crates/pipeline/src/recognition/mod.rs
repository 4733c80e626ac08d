//! From a picture to its result document, as both functions do it: the queries of its analyses, their
//! concurrent answers, and the document.

mod analyzer;
mod answers;
mod cost;
mod document_parts;
mod faces;
mod named_labels;
mod quota;
mod recogniser_queries;
mod refusal;
mod settings;
mod summary;

pub use self::{
    analyzer::{Analyzer, RecogniserImages},
    answers::{Answers, SavedAnswer},
    cost::price,
    document_parts::DocumentParts,
    faces::{EMOTIONS, main_emotion},
    named_labels::named_labels,
    quota::{backfill_rate, backfill_share, default_quota},
    refusal::{MAX_FILE_BYTES, image_error, refusal},
    settings::Settings,
};
pub(crate) use self::{
    faces::{FACE, ages, emotions, labels as face_labels},
    summary::{ancestors, answer, telling_first},
};
