//! An image's entry in the index, built from its result document.

use std::collections::BTreeMap;

use rekognition_model::{
    DetectCustomLabelsResponse, DetectFacesResponse, DetectLabelsResponse, Operation,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{deletion::Doubt, timestamp::to_millisecond};
use crate::{
    ResultDocument, SourceKey,
    document::{AgeSpan, Rendition, Status},
    recognition::{ages, answer, emotions, face_labels},
    version::ObjectVersion,
};

/// The most labels in a row. An image is found by all of its labels.
pub const MAX_ROW_LABELS: usize = 20;

/// The longest name, in bytes of UTF-8, that images are found by. A thousand of them fit in a
/// DynamoDB item (Amazon DynamoDB Developer Guide, "Quotas", 400 KB). Rekognition's names are far
/// shorter.
const MAX_NAME_BYTES: usize = 256;

/// The kind of a search term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermKind {
    /// A label, or a custom label.
    Label,
    /// A category of labels.
    Category,
}

impl TermKind {
    /// The name in keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Category => "category",
        }
    }
}

/// A search term: a label or a category.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// Label or category.
    pub kind: TermKind,
    /// The name, in any case.
    pub name: String,
}

impl Term {
    /// A label.
    #[must_use]
    pub fn label(name: impl Into<String>) -> Self {
        Self {
            kind: TermKind::Label,
            name: name.into(),
        }
    }

    /// A category of labels.
    #[must_use]
    pub fn category(name: impl Into<String>) -> Self {
        Self {
            kind: TermKind::Category,
            name: name.into(),
        }
    }

    /// The name in the form in which names are compared.
    #[must_use]
    pub fn folded(&self) -> String {
        fold(&self.name)
    }
}

/// A name in the form in which names are compared: lower case, without surrounding spaces.
#[must_use]
pub fn fold(name: &str) -> String {
    name.trim().to_lowercase()
}

/// A name and how sure the recogniser is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct NamedConfidence {
    /// The name as the recogniser writes it.
    pub name: String,
    /// In percent.
    pub confidence: f64,
}

/// An image as lists show it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageRow {
    /// The image's identifier.
    pub key: SourceKey,
    /// See [`ResultDocument::image_id`].
    pub image_id: Uuid,
    /// How far the analyses got.
    pub status: Status,
    /// When the object was stored, to the millisecond. Lists are ordered by it.
    #[serde(with = "time::serde::rfc3339")]
    pub uploaded_at: OffsetDateTime,
    /// When the document was written.
    #[serde(with = "time::serde::rfc3339")]
    pub processed_at: OffsetDateTime,
    /// The uploader's name for the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// The `Content-Type` the object was stored with.
    pub content_type: String,
    /// Size in bytes.
    pub size: u64,
    /// Width in pixels of the upright picture, if its header could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Height in pixels of the upright picture.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// When the picture was taken, as in [`ImageInfo::taken_at`](crate::document::ImageInfo::taken_at).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<String>,
    /// Labels, most confident first; at most [`MAX_ROW_LABELS`].
    #[serde(default)]
    pub labels: Vec<NamedConfidence>,
    /// All categories of the labels, most confident first.
    #[serde(default)]
    pub categories: Vec<String>,
    /// The number of faces, if faces were requested.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faces: Option<u64>,
    /// The faces' main emotions, as in [`Summary::emotions`](crate::document::Summary::emotions).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub emotions: Vec<String>,
    /// The faces' estimated ages, as in [`Summary::ages`](crate::document::Summary::ages).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ages: Vec<AgeSpan>,
    /// The thumbnail in the output bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Rendition>,
    /// The preview in the output bucket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Rendition>,
}

/// An image's entry in the index.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The image as lists show it.
    pub row: ImageRow,
    /// The version of the object that was analysed.
    pub version: ObjectVersion,
    /// The terms that the image is found by, most confident first, with the confidence in percent. No
    /// two terms of a kind have the same folded name.
    pub terms: Vec<(Term, f64)>,
    /// The time of a removal after which the object was stored, as a look into the bucket showed. See
    /// [`Put::InDoubt`](super::Put::InDoubt).
    pub stored_after: Option<Doubt>,
}

impl Entry {
    /// The entry of a document's image. If the document does not say when the object was stored, as
    /// older ones do not, the time of processing stands for the upload time. Emotions and ages come from the answer of
    /// DetectFaces, because the summaries of older documents lack them.
    #[must_use]
    pub fn from_document(document: &ResultDocument) -> Self {
        let source = &document.source;
        let faces = answer::<DetectFacesResponse>(&document.rekognition, Operation::DetectFaces)
            .unwrap_or_default();
        let terms = terms(document, &faces);
        let of = |kind| {
            terms
                .iter()
                .filter(move |(term, _): &&(Term, f64)| term.kind == kind)
        };
        let row = ImageRow {
            key: source.key.clone(),
            image_id: document.image_id,
            status: document.status,
            uploaded_at: to_millisecond(source.last_modified.unwrap_or(document.processed_at)),
            processed_at: document.processed_at,
            filename: source.filename.clone(),
            content_type: source.content_type.clone(),
            size: source.size,
            width: document.image.as_ref().map(|image| image.width),
            height: document.image.as_ref().map(|image| image.height),
            taken_at: document
                .image
                .as_ref()
                .and_then(|image| image.taken_at.clone()),
            labels: of(TermKind::Label)
                .take(MAX_ROW_LABELS)
                .map(|(term, confidence)| NamedConfidence {
                    name: term.name.clone(),
                    confidence: *confidence,
                })
                .collect(),
            categories: of(TermKind::Category)
                .map(|(term, _)| term.name.clone())
                .collect(),
            faces: document
                .summary
                .faces
                .as_ref()
                .map(|faces| faces.count as u64),
            emotions: emotions(&faces).into_iter().map(|(name, _)| name).collect(),
            ages: ages(&faces),
            thumbnail: document.thumbnail.clone(),
            preview: document.preview.clone(),
        };
        Self {
            row,
            version: ObjectVersion {
                e_tag: source.e_tag.clone(),
                version_id: source.version_id.clone(),
                sequencer: source.sequencer.clone(),
                last_modified: source.last_modified,
            },
            terms,
            stored_after: None,
        }
    }
}

/// Labels, those that follow from faces, custom labels, and the labels' categories, each with its highest confidence.
fn terms(document: &ResultDocument, faces: &DetectFacesResponse) -> Vec<(Term, f64)> {
    let mut best: BTreeMap<(TermKind, String), (Term, f64)> = BTreeMap::new();
    let mut add = |term: Term, confidence: Option<f64>| {
        let confidence = confidence.filter(|c| c.is_finite()).unwrap_or_default();
        let folded = term.folded();
        if folded.is_empty() || folded.len() > MAX_NAME_BYTES {
            return;
        }
        match best.entry((term.kind, folded)) {
            std::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert((term, confidence));
            }
            std::collections::btree_map::Entry::Occupied(mut entry) => {
                let record = &mut entry.get_mut().1;
                *record = record.max(confidence);
            }
        }
    };
    let labels = answer::<DetectLabelsResponse>(&document.rekognition, Operation::DetectLabels)
        .and_then(|answer| answer.labels)
        .unwrap_or_default();
    for label in labels.into_iter().chain(face_labels(faces)) {
        for category in label.categories.into_iter().flatten() {
            if let Some(name) = category.name {
                add(Term::category(name), label.confidence);
            }
        }
        if let Some(name) = label.name {
            add(Term::label(name), label.confidence);
        }
    }
    let custom =
        answer::<DetectCustomLabelsResponse>(&document.rekognition, Operation::DetectCustomLabels)
            .and_then(|answer| answer.custom_labels)
            .unwrap_or_default();
    for label in custom {
        if let Some(name) = label.name {
            add(Term::label(name), label.confidence);
        }
    }
    let mut terms: Vec<_> = best.into_values().collect();
    terms.sort_by(|(one, this), (other, that)| that.total_cmp(this).then_with(|| one.cmp(other)));
    terms
}
