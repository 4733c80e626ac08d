//! The result document, `results/<source key>.json`, schema version 1.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use time::OffsetDateTime;
use uuid::Uuid;

pub use sightline_prepare::ImageInfo;

use crate::{Analyses, Analysis, SourceKey};

/// The version of the document's shape; a change that could break a reader raises it.
pub const SCHEMA_VERSION: u32 = 1;

/// Everything known about one version of one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ResultDocument {
    /// The version of this shape, 1.
    pub schema_version: u32,
    /// The UUID that is the key's file stem, or one computed from the key.
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = "uuid"))]
    pub image_id: Uuid,
    /// Whether all, some or none of the analyses have an answer.
    pub status: Status,
    /// The object that was analysed.
    pub source: Source,
    /// What its header says; absent when the bytes are no picture that can be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<ImageInfo>,
    /// The answers in short.
    #[serde(default)]
    pub summary: Summary,
    /// Rekognition's own answers in its own PascalCase JSON, by operation: `detectLabels`, `detectFaces`, …
    #[serde(default)]
    #[cfg_attr(feature = "openapi", schema(value_type = HashMap<String, Object>))]
    pub rekognition: Map<String, Value>,
    /// The thumbnail, where one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub thumbnail: Option<Rendition>,
    /// The preview, where one was made: a larger rendition than the thumbnail. Absent where the picture is no larger than its
    /// thumbnail, and in documents written before previews were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preview: Option<Rendition>,
    /// What went wrong; empty when `status` is `succeeded`.
    #[serde(default)]
    pub errors: Vec<AnalysisError>,
    /// The analyses that were asked for.
    #[cfg_attr(feature = "openapi", schema(value_type = Vec<Analysis>))]
    pub analyses: Analyses,
    /// What the answers cost; absent in documents written before costs were counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<Cost>,
    /// How long each step took.
    pub timings: Timings,
    /// When the document was written (RFC 3339, UTC).
    #[serde(with = "time::serde::rfc3339")]
    #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
    pub processed_at: OffsetDateTime,
    /// The version of the processor that wrote it.
    pub processor_version: String,
}

/// How far the analyses got.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Every analysis has an answer.
    Succeeded,
    /// Some analyses have an answer, `errors` says why others have none.
    Partial,
    /// No analysis has an answer, `errors` says why.
    Failed,
}

impl Status {
    /// The name in documents and logs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Succeeded => "succeeded",
            Self::Partial => "partial",
            Self::Failed => "failed",
        }
    }
}

/// The object that was analysed, as the bucket knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Source {
    /// The input bucket.
    pub bucket: String,
    /// The one identifier of the image.
    #[cfg_attr(feature = "openapi", schema(value_type = String, pattern = r"^(uploads|inline)/[\s\S]*[^/]$"))]
    pub key: SourceKey,
    /// The object's version, where the bucket keeps versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version_id: Option<String>,
    /// The object's ETag, without quotes.
    pub e_tag: String,
    /// Size in bytes.
    pub size: u64,
    /// The `Content-Type` it was stored with.
    pub content_type: String,
    /// The name the uploader gave, for people; it has no part in any key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// SHA-256 of the bytes, 64 hexadecimal digits, where the bucket verified one.
    #[cfg_attr(feature = "openapi", schema(pattern = "^[0-9a-f]{64}$"))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// When the object was stored, as the bucket knows it (RFC 3339, UTC); absent in documents written
    /// before it was noted.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "time::serde::rfc3339::option"
    )]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
    pub last_modified: Option<OffsetDateTime>,
    /// S3's sequencer of the event that announced it: orders the events of one key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequencer: Option<String>,
}

/// The answers in short; a list is empty where its analysis found nothing or was not asked for.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase", default)]
pub struct Summary {
    /// Label names. Those that are no ancestor of another label come first; both parts have the most confident label first.
    pub labels: Vec<String>,
    /// Label categories, in order of their first label.
    pub categories: Vec<String>,
    /// Faces, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub faces: Option<Faces>,
    /// Lines of text, in reading order.
    pub text: Vec<String>,
    /// Names of moderation labels, most confident first.
    pub moderation: Vec<String>,
    /// Names of custom labels, most confident first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub custom_labels: Vec<String>,
    /// Each face's main emotion where its confidence is at least 50, by the names of Rekognition's labels, such as `Happy`;
    /// each name once, most confident first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub emotions: Vec<String>,
    /// The faces' estimated ages, youngest first. Ranges that overlap or adjoin are one span.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ages: Vec<AgeSpan>,
    /// How many faces smile; absent where the answer does not say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub smiles: Option<usize>,
}

/// The faces in short.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Faces {
    /// How many faces.
    pub count: usize,
    /// Each face's most confident emotion, in Rekognition's order of faces; `UNKNOWN` where it has none.
    pub emotions: Vec<String>,
}

/// A span of estimated ages, in whole years.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct AgeSpan {
    /// The youngest.
    pub low: u32,
    /// The oldest.
    pub high: u32,
}

impl AgeSpan {
    /// Whether the spans have a year in common.
    #[must_use]
    pub const fn overlaps(self, other: Self) -> bool {
        self.low <= other.high && other.low <= self.high
    }
}

/// A smaller picture in the output bucket: a thumbnail or a preview. It is an upright JPEG without metadata.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Rendition {
    /// `thumbnails/<source key>.jpg` or `previews/<source key>.jpg`.
    #[cfg_attr(
        feature = "openapi",
        schema(pattern = r"^(thumbnails|previews)/(uploads|inline)/[\s\S]*[^/]\.jpg$")
    )]
    pub key: String,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
}

/// One thing that went wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct AnalysisError {
    /// The analysis it concerns; absent when it concerns the picture as a whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub analysis: Option<Analysis>,
    /// A stable name: Rekognition's error code, or one of the processor's own.
    pub code: String,
    /// One sentence for a person: what was wrong and what to do.
    pub message: String,
    /// Whether the same request could succeed later.
    pub retryable: bool,
}

/// What the recogniser's answers cost by list price: no free tier, discount or tax is known here,
/// nor what a custom labels model costs by the hour.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// How many calls were billed: one for each operation that answered.
    pub calls: u32,
    /// Their price in US dollars.
    pub usd: f64,
    /// The month of the price list, such as `2026-11`.
    pub prices_as_of: String,
}

/// How long each step took, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Timings {
    /// From the upload (the event's own time) to the start of the work; absent when the event carries no time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waited_ms: Option<u64>,
    /// Reading the object, taking the lease, decoding, converting where that is needed.
    pub prepare_ms: u64,
    /// Rekognition's calls, side by side, and the writing of thumbnail and preview.
    pub recognise_ms: u64,
    /// All the work up to the writing of the document.
    pub total_ms: u64,
}
