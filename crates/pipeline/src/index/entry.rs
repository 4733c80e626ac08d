//! An image's entry in the index, built from its result document.

use std::collections::{BTreeMap, BTreeSet};

use rekognition_model::{
    DetectCustomLabelsResponse, DetectFacesResponse, DetectLabelsResponse, DetectTextResponse,
    Label, Operation, TextTypes,
};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use uuid::Uuid;

use super::{
    deletion::Doubt,
    timestamp::{milliseconds, taken_milliseconds, to_millisecond},
    words::{number_key, words},
};
use crate::{
    ResultDocument, SourceKey,
    document::{AgeSpan, Rendition, Status},
    recognition::{ages, ancestors, answer, emotions, face_labels, telling_first},
    version::ObjectVersion,
};

/// The most labels in a row. An image is found by all of its labels.
pub const MAX_ROW_LABELS: usize = 20;

/// The longest name, in bytes of UTF-8, that images are found by. A thousand of them fit in a
/// DynamoDB item (Amazon DynamoDB Developer Guide, "Quotas", 400 KB). Rekognition's names are far
/// shorter.
const MAX_NAME_BYTES: usize = 256;

/// The most words of the text in an image that it is found by: the first ones, each once.
pub const MAX_TEXT_WORDS: usize = 32;

/// The most words of its file name that an image is found by, each once.
pub const MAX_FILENAME_WORDS: usize = 8;

/// The most colours that an image is found by: those with the largest shares.
pub const MAX_COLORS: usize = 4;

/// The least share of a colour that an image is found by, in percent of its pixels.
const MIN_COLOR_PERCENT: f64 = 5.0;

/// The most other names of a label that an image tells. Rekognition has one or two.
const MAX_ALIASES: usize = 16;

/// The kind of a search term.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TermKind {
    /// A label, or a custom label.
    Label,
    /// A category of labels.
    Category,
    /// A word of the text in an image.
    Text,
    /// A word of the file name, or its extension.
    Filename,
    /// A simplified name of a dominant colour.
    Color,
}

impl TermKind {
    /// All kinds.
    pub const ALL: [Self; 5] = [
        Self::Label,
        Self::Category,
        Self::Text,
        Self::Filename,
        Self::Color,
    ];

    /// The name in keys.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Category => "category",
            Self::Text => "text",
            Self::Filename => "filename",
            Self::Color => "color",
        }
    }

    /// Whether terms of this kind have a confidence, and whether the index counts their images.
    #[must_use]
    pub const fn is_counted(self) -> bool {
        matches!(self, Self::Label | Self::Category)
    }
}

/// A search term, such as a label.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Term {
    /// What it names.
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

    /// A word of the text in an image.
    #[must_use]
    pub fn text(word: impl Into<String>) -> Self {
        Self {
            kind: TermKind::Text,
            name: word.into(),
        }
    }

    /// A word of the file name, or its extension.
    #[must_use]
    pub fn filename(word: impl Into<String>) -> Self {
        Self {
            kind: TermKind::Filename,
            name: word.into(),
        }
    }

    /// A colour.
    #[must_use]
    pub fn color(name: impl Into<String>) -> Self {
        Self {
            kind: TermKind::Color,
            name: name.into(),
        }
    }

    /// The name in the form in which names are compared: without regard to case, and for words without regard to singular and
    /// plural.
    #[must_use]
    pub fn folded(&self) -> String {
        let folded = fold(&self.name);
        match self.kind {
            TermKind::Label | TermKind::Category => folded,
            TermKind::Text | TermKind::Filename => number_key(&folded),
            TermKind::Color if folded == "gray" => "grey".to_owned(),
            TermKind::Color => folded,
        }
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
    /// Labels; at most [`MAX_ROW_LABELS`]. Those that are no ancestor of another come first; both parts have the most confident
    /// label first.
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

impl ImageRow {
    /// The time by which [`Sort::Taken`](super::Sort::Taken) orders, in milliseconds since 1970.
    #[must_use]
    pub fn taken_ms(&self) -> i64 {
        (self.taken_at.as_deref().and_then(taken_milliseconds))
            .unwrap_or_else(|| milliseconds(self.uploaded_at))
    }
}

/// An image's entry in the index.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// The image as lists show it.
    pub row: ImageRow,
    /// The version of the object that was analysed.
    pub version: ObjectVersion,
    /// The terms that the image is found by. First labels and categories, most confident first, with the confidence in percent; then
    /// those of other kinds, which have 0. No two terms of a kind have the same folded name.
    pub terms: Vec<(Term, f64)>,
    /// Other names of its labels, by folded name of the label. Only labels with other names are in it.
    pub aliases: BTreeMap<String, BTreeSet<String>>,
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
        let detected =
            answer::<DetectLabelsResponse>(&document.rekognition, Operation::DetectLabels)
                .unwrap_or_default();
        let mut labels = detected.labels.unwrap_or_default();
        labels.extend(face_labels(&faces));
        let mut terms = terms(document, &labels);
        let of = |kind| {
            terms
                .iter()
                .filter(move |(term, _): &&(Term, f64)| term.kind == kind)
        };
        let ancestors = ancestors(&labels);
        let shown = telling_first(of(TermKind::Label), &ancestors, |(term, _)| {
            Some(term.name.as_str())
        });
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
            labels: shown
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
        let colors = detected
            .image_properties
            .and_then(|properties| properties.dominant_colors)
            .unwrap_or_default();
        let colors = (colors.into_iter())
            .filter(|color| color.pixel_percent.unwrap_or_default() >= MIN_COLOR_PERCENT)
            .filter_map(|color| Some(Term::color(color.simplified_color?)));
        terms.extend(distinct(text_words(document), MAX_TEXT_WORDS));
        terms.extend(distinct(filename_words(document), MAX_FILENAME_WORDS));
        terms.extend(distinct(colors, MAX_COLORS));
        Self {
            row,
            aliases: aliases(&labels),
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

/// Labels, custom labels, and the labels' categories, each with its highest confidence.
fn terms(document: &ResultDocument, labels: &[Label]) -> Vec<(Term, f64)> {
    let mut best: BTreeMap<(TermKind, String), (Term, f64)> = BTreeMap::new();
    let mut add = |term: Term, confidence: Option<f64>| {
        let confidence = confidence.filter(|c| c.is_finite()).unwrap_or_default();
        let folded = term.folded();
        if !is_indexed(&folded) {
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
    for label in labels {
        for category in label.categories.iter().flatten() {
            if let Some(name) = &category.name {
                add(Term::category(name), label.confidence);
            }
        }
        if let Some(name) = &label.name {
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

fn is_indexed(folded: &str) -> bool {
    !folded.is_empty() && folded.len() <= MAX_NAME_BYTES
}

/// The first different terms of the iterator, `most` at most.
fn distinct(terms: impl Iterator<Item = Term>, most: usize) -> impl Iterator<Item = (Term, f64)> {
    let mut seen = BTreeSet::new();
    terms
        .filter(move |term| {
            let folded = term.folded();
            is_indexed(&folded) && seen.insert(folded)
        })
        .take(most)
        .map(|term| (term, 0.0))
}

/// The words of the lines of text in the image, in reading order.
fn text_words(document: &ResultDocument) -> impl Iterator<Item = Term> {
    answer::<DetectTextResponse>(&document.rekognition, Operation::DetectText)
        .and_then(|answer| answer.text_detections)
        .unwrap_or_default()
        .into_iter()
        .filter(|found| found.r#type == Some(TextTypes::Line))
        .filter_map(|line| line.detected_text)
        .flat_map(|text| words(&text).map(Term::text).collect::<Vec<_>>())
}

/// The words of the file name; of an image without one, those of the last part of its key, unless that is a generated id.
fn filename_words(document: &ResultDocument) -> impl Iterator<Item = Term> {
    let key = document.source.key.as_str();
    let last = key.rsplit('/').next().unwrap_or(key);
    let stem = last.split_once('.').map_or(last, |(stem, _)| stem);
    let of_key = || Uuid::try_parse(stem).is_err().then(|| last.to_owned());
    let name = document.source.filename.clone().or_else(of_key);
    words(name.as_deref().unwrap_or_default())
        .map(Term::filename)
        .collect::<Vec<_>>()
        .into_iter()
}

/// The other names of the labels.
fn aliases(labels: &[Label]) -> BTreeMap<String, BTreeSet<String>> {
    let mut aliases: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for label in labels {
        let Some(folded) = label.name.as_deref().map(fold).filter(|it| is_indexed(it)) else {
            continue;
        };
        let names = (label.aliases.iter().flatten())
            .filter_map(|alias| alias.name.as_deref().map(str::trim))
            .filter(|name| is_indexed(name) && fold(name) != folded);
        for name in names.take(MAX_ALIASES) {
            (aliases.entry(folded.clone()).or_default()).insert(name.to_owned());
        }
    }
    aliases
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_image_is_found_by_a_bounded_number_of_words_and_colours() {
        let lines: Vec<_> = (0..40)
            .map(|number| json!({"Type": "LINE", "DetectedText": format!("Exits {number}")}))
            .collect();
        let colors: Vec<_> = ["blue", "gray", "grey", "red", "green", "pink"]
            .iter()
            .zip([30.0, 20.0, 10.0, 5.0, 4.9, 30.0])
            .map(|(name, percent)| json!({"SimplifiedColor": name, "PixelPercent": percent}))
            .collect();
        let document = |key: &str, filename: Option<&str>| {
            let document = json!({
                "schemaVersion": 1,
                "imageId": "5fbb5b9e-6d0f-4f9e-9d4f-0a3e0c1d2b3a",
                "status": "succeeded",
                "source": {"bucket": "in-put", "key": key, "eTag": "e", "size": 1, "contentType": "image/jpeg", "filename": filename},
                "rekognition": {
                    "detectLabels": {"ImageProperties": {"DominantColors": colors}},
                    "detectText": {"TextDetections": lines},
                },
                "analyses": ["labels"],
                "timings": {"prepareMs": 1, "recogniseMs": 2, "totalMs": 3},
                "processedAt": "2026-03-01T12:00:00Z",
                "processorVersion": "0.1.0",
            });
            Entry::from_document(&serde_json::from_value(document).unwrap())
        };
        let names = |entry: &Entry, kind: TermKind| -> Vec<String> {
            let terms = entry.terms.iter().filter(|(term, _)| term.kind == kind);
            terms.map(|(term, _)| term.folded()).collect()
        };
        let id = "5fbb5b9e-6d0f-4f9e-9d4f-0a3e0c1d2b3a";
        let long = document("uploads/a.jpg", Some("1 2 3 4 Boxes box 5 6-7_8.JPG"));
        let text = names(&long, TermKind::Text);
        assert_eq!(text.len(), MAX_TEXT_WORDS);
        assert_eq!(text[..3], ["exit", "0", "1"]);
        assert_eq!(
            names(&long, TermKind::Filename),
            ["1", "2", "3", "4", "box", "5", "6", "7"]
        );
        assert_eq!(
            names(&long, TermKind::Color),
            ["blue", "grey", "red", "pink"]
        );
        // Without a file name, the last part of the key counts, unless it is a generated id.
        let of_key = document("uploads/ann/My dogs.tiff", None);
        assert_eq!(names(&of_key, TermKind::Filename), ["my", "dog", "tiff"]);
        let generated = document(&format!("uploads/{id}.jpg"), None);
        assert!(names(&generated, TermKind::Filename).is_empty());
    }
}
