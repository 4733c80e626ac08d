//! An image as lists show it.

use std::{fmt, time::Duration};

use serde::Serialize;
use serde_json::{Value, json};
use sightline_pipeline::{
    SourceKey,
    document::{AgeSpan, Rendition, Status},
    index::{ImageRow, NamedConfidence},
    object_store::Presigner as _,
};
use time::OffsetDateTime;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::{Api, Ports, Problem};

/// A summary of an image.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedImage {
    /// The image's key in the input bucket, which identifies the image everywhere.
    #[schema(value_type = String, pattern = r"^(uploads|inline)/[\s\S]*[^/]$", example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg")]
    key: SourceKey,
    /// The image's id.
    #[schema(value_type = String, format = "uuid", example = "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11")]
    image_id: Uuid,
    /// How many of the analyses succeeded.
    status: Status,
    /// When the image was stored (RFC 3339, UTC).
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-01T12:00:00Z")]
    uploaded_at: OffsetDateTime,
    /// When its result was written (RFC 3339, UTC).
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-01T12:00:01.5Z")]
    processed_at: OffsetDateTime,
    /// When the picture was taken, as its Exif data says: local time, and the offset from UTC if the data names it. The first ten
    /// characters are the day.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "2024-05-01T13:20:05+02:00")]
    taken_at: Option<String>,
    /// The image's file name.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "my cat.jpg")]
    filename: Option<String>,
    /// The `Content-Type` that it was stored with.
    #[schema(example = "image/jpeg")]
    content_type: String,
    /// Size in bytes.
    #[schema(example = 183_421)]
    size: u64,
    /// Width of the upright picture in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1600)]
    width: Option<u32>,
    /// Height of the upright picture in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1200)]
    height: Option<u32>,
    /// At most 20 labels. Those that are no ancestor of another label come first, such as `Zebra` before `Animal`; both parts have the
    /// most confident label first. Searches find an image by all its labels.
    labels: Vec<NamedConfidence>,
    /// The categories of the labels, most confident first.
    categories: Vec<String>,
    /// The number of faces, if faces were analysed.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    faces: Option<u64>,
    /// The faces' main emotions, most confident first, if faces were analysed and an emotion has a confidence of at least 50.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!(["Happy"]))]
    emotions: Vec<String>,
    /// The faces' estimated ages in years, youngest first, if faces were analysed. Ranges that overlap or adjoin are one span.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false)]
    ages: Vec<AgeSpan>,
    /// The confidence, in percent, of the first label or category that was searched for. For a category it is the highest
    /// confidence among its labels. Absent if the image was found by a word of its text or file name or by a colour.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 97.4)]
    confidence: Option<f64>,
    /// The thumbnail, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    thumbnail: Option<ListedRendition>,
    /// The preview, a larger rendition than the thumbnail. Absent if the picture is no larger than its thumbnail.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    preview: Option<ListedRendition>,
}

/// Where a thumbnail or a preview is, and its size.
#[derive(Serialize, ToSchema)]
#[schema(as = RenditionAddress)]
struct ListedRendition {
    /// A signed URL. Anyone who has it can read the picture until it expires.
    #[schema(format = "uri")]
    url: String,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
}

impl fmt::Debug for ListedRendition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ListedRendition").finish_non_exhaustive()
    }
}

impl ListedImage {
    /// The image of this row. Its renditions take the next of the `urls`, in the order of [`rendition_keys`].
    fn new(
        row: ImageRow,
        confidence: Option<f64>,
        urls: &mut impl Iterator<Item = String>,
    ) -> Self {
        let mut listed = |rendition: Option<Rendition>| {
            let Rendition { width, height, .. } = rendition?;
            let url = urls.next()?;
            Some(ListedRendition { url, width, height })
        };
        let thumbnail = listed(row.thumbnail);
        let preview = listed(row.preview);
        Self {
            key: row.key,
            image_id: row.image_id,
            status: row.status,
            uploaded_at: row.uploaded_at,
            processed_at: row.processed_at,
            taken_at: row.taken_at,
            filename: row.filename,
            content_type: row.content_type,
            size: row.size,
            width: row.width,
            height: row.height,
            labels: row.labels,
            categories: row.categories,
            faces: row.faces,
            emotions: row.emotions,
            ages: row.ages,
            confidence,
            thumbnail,
            preview,
        }
    }
}

/// The image of this row, with signed URLs of its renditions.
pub(crate) async fn one<P: Ports>(api: &Api<P>, row: ImageRow) -> Result<ListedImage, Problem> {
    let urls = sign(api, rendition_keys(&row).collect()).await?;
    Ok(ListedImage::new(row, None, &mut urls.into_iter()))
}

/// The images of these rows, with signed URLs of their renditions. The confidence is that of the label or category that was
/// searched for.
pub(crate) async fn list<P: Ports>(
    api: &Api<P>,
    rows: Vec<(ImageRow, Option<f64>)>,
) -> Result<Vec<ListedImage>, Problem> {
    let keys = rows.iter().flat_map(|(row, _)| rendition_keys(row));
    let mut urls = sign(api, keys.collect()).await?.into_iter();
    let images = rows.into_iter();
    Ok(images
        .map(|(row, confidence)| ListedImage::new(row, confidence, &mut urls))
        .collect())
}

/// The keys of the thumbnail and of the preview, if there are any.
fn rendition_keys(row: &ImageRow) -> impl Iterator<Item = String> {
    let thumbnail = row.thumbnail.as_ref().map(|_| row.key.thumbnail_key());
    let preview = row.preview.as_ref().map(|_| row.key.preview_key());
    [thumbnail, preview].into_iter().flatten()
}

async fn sign<P: Ports>(api: &Api<P>, keys: Vec<String>) -> Result<Vec<String>, Problem> {
    let lifetime = Duration::from_secs(api.config.result_url_seconds);
    let bucket = &api.config.buckets.output;
    let mut urls = Vec::with_capacity(keys.len());
    for key in keys {
        urls.push(api.presigner.presign_get(bucket, &key, lifetime).await?);
    }
    Ok(urls)
}

/// An example for the OpenAPI document.
pub(crate) fn example() -> Value {
    json!({
        "key": "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg",
        "imageId": "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11",
        "status": "succeeded",
        "uploadedAt": "2026-01-01T12:00:00Z",
        "processedAt": "2026-01-01T12:00:01.5Z",
        "filename": "my cat.jpg",
        "contentType": "image/jpeg",
        "size": 183_421,
        "width": 1600,
        "height": 1200,
        "labels": [{"name": "Cat", "confidence": 97.4}],
        "categories": ["Animals and Pets"],
        "confidence": 97.4,
        "thumbnail": {
            "url": "https://output.s3.eu-west-1.amazonaws.com/thumbnails/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0123456789abcdef",
            "width": 320,
            "height": 240
        },
        "preview": {
            "url": "https://output.s3.eu-west-1.amazonaws.com/previews/uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg.jpg?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=0123456789abcdef",
            "width": 1440,
            "height": 1080
        },
        "takenAt": "2025-12-31T23:59:05+01:00"
    })
}
