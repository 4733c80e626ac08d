//! `GET /images` and `GET /labels`: what the index knows.

use std::time::{Duration, Instant};

use axum::{
    Json,
    extract::{Query as Pairs, State, rejection::QueryRejection},
    http::header::CACHE_CONTROL,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use sightline_pipeline::{
    Owner, SourceKey,
    document::Status,
    index::{ImageIndex as _, ImageRow, NameCount, NamedConfidence, Position, Query, Term},
    object_store::Presigner as _,
};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use crate::{
    Api, Code, Ports, Problem,
    access::Caller,
    api::Shared,
    openapi::{LabelProblems, ListProblems},
    query::{self, wrong},
};

/// The parameters of `GET /images`, as [`ListParameters`] describes them.
pub(crate) const PARAMETERS: [&str; 6] = [
    "label",
    "category",
    "minConfidence",
    "status",
    "limit",
    "cursor",
];

/// How many images a page has unless another number is asked for.
const DEFAULT_LIMIT: usize = 50;
/// The most images of a page.
const MAX_LIMIT: usize = 100;

/// How often the index is asked on for one page. It may answer with less than a whole page where
/// most of what it looks through does not match.
const ROUNDS: usize = 10;

/// Which images to list.
#[derive(Debug, Clone, PartialEq, IntoParams)]
#[into_params(rename_all = "camelCase", parameter_in = Query)]
struct ListParameters {
    /// Only images with this label, in upper or lower case; not together with `category`.
    #[param(max_length = 255, example = "Dog")]
    label: Option<String>,
    /// Only images with a label of this category, in upper or lower case; not together with `label`.
    #[param(max_length = 255, example = "Animals and Pets")]
    category: Option<String>,
    /// Only where the label's confidence, or the best one of the category's labels, is at least this,
    /// in percent; only with `label` or `category`.
    #[param(minimum = 0, maximum = 100, example = 80)]
    min_confidence: Option<f64>,
    /// Only images with this status.
    #[param(inline)]
    status: Option<Status>,
    /// The most images of the page, 50 if absent.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<usize>,
    /// The `cursor` of the page before, with the same other parameters.
    cursor: Option<String>,
}

impl ListParameters {
    fn read(pairs: Result<Pairs<Vec<(String, String)>>, QueryRejection>) -> Result<Self, Problem> {
        let Pairs(pairs) = pairs.map_err(|_| {
            Problem::new(
                Code::InvalidParameter,
                "The query is not form-urlencoded. Send name=value pairs joined by &.",
            )
        })?;
        let mut query = query::Query::new(pairs, &PARAMETERS)?;
        let this = Self {
            label: query.name("label")?,
            category: query.name("category")?,
            min_confidence: query.percentage("minConfidence")?,
            status: query.status("status")?,
            limit: query.count("limit", MAX_LIMIT)?,
            cursor: query.text("cursor"),
        };
        if this.label.is_some() && this.category.is_some() {
            return Err(wrong(
                "category",
                "label and category stand together in the query; give one of them.".to_owned(),
            ));
        }
        if this.min_confidence.is_some() && this.label.is_none() && this.category.is_none() {
            return Err(wrong(
                "minConfidence",
                "minConfidence is the least confidence of a label or category; give label or category with it.".to_owned(),
            ));
        }
        Ok(this)
    }

    fn query(&self, owner: Option<&Owner>) -> Query {
        Query {
            owner: owner.map(|owner| owner.as_str().to_owned()),
            term: self
                .label
                .clone()
                .map(Term::label)
                .or_else(|| self.category.clone().map(Term::category)),
            min_confidence: self.min_confidence,
            status: self.status,
        }
    }
}

/// A part of the list of images, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct ImageList {
    /// The images, newest first by the time of upload.
    images: Vec<ListedImage>,
    /// Give it as `cursor` to get the next page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// An image, in short.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ListedImage {
    /// The key of the image in the input bucket, which names it everywhere.
    #[schema(value_type = String, example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg")]
    key: SourceKey,
    /// The image's id.
    #[schema(value_type = String, format = "uuid", example = "0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11")]
    image_id: Uuid,
    /// How far the analyses got.
    status: Status,
    /// When the image was stored (RFC 3339, UTC).
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-01T12:00:00Z")]
    uploaded_at: OffsetDateTime,
    /// When its result was written (RFC 3339, UTC).
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-01T12:00:01.5Z")]
    processed_at: OffsetDateTime,
    /// What the image is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "my cat.jpg")]
    filename: Option<String>,
    /// The `Content-Type` it was stored with.
    #[schema(example = "image/jpeg")]
    content_type: String,
    /// Size in bytes.
    #[schema(example = 183_421)]
    size: u64,
    /// Width in pixels of the upright picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1600)]
    width: Option<u32>,
    /// Height in pixels of the upright picture.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 1200)]
    height: Option<u32>,
    /// Labels, most confident first, at most 20; an image is found by all it has.
    labels: Vec<NamedConfidence>,
    /// Categories of the labels, most confident first.
    categories: Vec<String>,
    /// How many faces, where they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    faces: Option<u64>,
    /// The confidence of the label, or the best one of the category's labels, that was searched for, in
    /// percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = 97.4)]
    confidence: Option<f64>,
    /// The thumbnail, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    thumbnail: Option<ListedThumbnail>,
}

/// A thumbnail that can be looked at.
#[derive(Serialize, ToSchema)]
#[schema(as = ThumbnailAddress)]
pub(crate) struct ListedThumbnail {
    /// A signed address. Whoever has it can read the thumbnail until it expires.
    #[schema(format = "uri")]
    url: String,
    /// Width in pixels.
    width: u32,
    /// Height in pixels.
    height: u32,
}

impl std::fmt::Debug for ListedThumbnail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ListedThumbnail").finish_non_exhaustive()
    }
}

impl ListedImage {
    /// Of this row, with a signed address of its thumbnail.
    pub(crate) async fn new<P: Ports>(
        api: &Api<P>,
        row: ImageRow,
        confidence: Option<f64>,
    ) -> Result<Self, Problem> {
        let thumbnail = match row.thumbnail {
            None => None,
            Some(thumbnail) => Some(ListedThumbnail {
                url: api
                    .presigner
                    .presign_get(
                        &api.config.buckets.output,
                        &row.key.thumbnail_key(),
                        Duration::from_secs(api.config.result_url_seconds),
                    )
                    .await?,
                width: thumbnail.width,
                height: thumbnail.height,
            }),
        };
        Ok(Self {
            key: row.key,
            image_id: row.image_id,
            status: row.status,
            uploaded_at: row.uploaded_at,
            processed_at: row.processed_at,
            filename: row.filename,
            content_type: row.content_type,
            size: row.size,
            width: row.width,
            height: row.height,
            labels: row.labels,
            categories: row.categories,
            faces: row.faces,
            confidence,
            thumbnail,
        })
    }
}

/// List images
///
/// Newest first by the time of upload, page by page: while the reply has a `cursor`, give it with the
/// next request and otherwise the same parameters. No image is left out or repeated because others are
/// added meanwhile. A page may be shorter than `limit` though there are more. An image is listed once it is
/// analysed. Where callers have images of their own, these are listed.
#[utoipa::path(
    get,
    path = "/images",
    operation_id = "listImages",
    tag = "images",
    params(ListParameters),
    responses(
        (
            status = 200,
            description = "The images that match.",
            body = ImageList,
            headers(("Cache-Control" = String, description = "`no-store`: the reply holds signed addresses.")),
            example = json!({"images": [crate::openapi::example_image()], "cursor": "WzEsMTIzXQ"})
        ),
        ListProblems
    )
)]
pub(crate) async fn images<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    pairs: Result<Pairs<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    caller.more_than_a_key("lists images")?;
    let index = index(&api)?;
    let parameters = ListParameters::read(pairs)?;
    let query = parameters.query(caller.owner());
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT);
    let mut next = parameters
        .cursor
        .map(|cursor| {
            Position::open(&cursor, &query).map_err(|error| {
                Problem::new(
                    Code::InvalidCursor,
                    crate::extract::sentence(&error.to_string()),
                )
                .member("cursor")
            })
        })
        .transpose()?;
    let mut images = Vec::new();
    // The reply and its cursor have to be there before API Gateway gives up.
    let until = Instant::now() + api.store_timeout;
    for _ in 0..ROUNDS {
        let left = limit - images.len();
        let page = api
            .with_index(index.page(&query, next.as_ref(), left))
            .await?;
        for found in page.images {
            images.push(ListedImage::new(&api, found.row, found.confidence).await?);
        }
        next = page.next;
        if next.is_none() || images.len() >= limit || Instant::now() >= until {
            break;
        }
    }
    let list = ImageList {
        images,
        cursor: next.map(|position| position.seal(&query)),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(list)).into_response())
}

/// What the images show.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LabelCounts {
    /// Labels, most frequent first, then by name.
    labels: Vec<LabelCount>,
    /// Categories of labels, most frequent first, then by name.
    categories: Vec<LabelCount>,
}

/// How many images show something.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct LabelCount {
    /// The name as the recogniser writes it.
    #[schema(example = "Dog")]
    name: String,
    /// How many images.
    #[schema(example = 12)]
    images: u64,
}

impl From<NameCount> for LabelCount {
    fn from(count: NameCount) -> Self {
        Self {
            name: count.name,
            images: count.images,
        }
    }
}

/// Count labels
///
/// All labels and categories that `GET /images` finds images by, and how many images each finds. Where
/// callers have images of their own, these are counted.
#[utoipa::path(
    get,
    path = "/labels",
    operation_id = "countLabels",
    tag = "images",
    responses(
        (
            status = 200,
            description = "Labels and categories with their numbers of images.",
            body = LabelCounts,
            headers(("Cache-Control" = String, description = "`no-store`")),
            example = json!({
                "labels": [{"name": "Animal", "images": 14}, {"name": "Dog", "images": 12}],
                "categories": [{"name": "Animals and Pets", "images": 14}]
            })
        ),
        LabelProblems
    )
)]
pub(crate) async fn labels<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
) -> Result<Response, Problem> {
    caller.more_than_a_key("lists labels")?;
    let owner = caller.owner().map(Owner::as_str);
    let counts = api.with_index(index(&api)?.labels(owner)).await?;
    let of = |counts: Vec<NameCount>| counts.into_iter().map(LabelCount::from).collect();
    let counts = LabelCounts {
        labels: of(counts.labels),
        categories: of(counts.categories),
    };
    Ok(([(CACHE_CONTROL, "no-store")], Json(counts)).into_response())
}

fn index<P: Ports>(api: &Api<P>) -> Result<&P::Index, Problem> {
    api.index.as_ref().ok_or_else(|| {
        Problem::new(
            Code::NoIndex,
            "This service keeps no index of its images, so it can list none. Who runs it can give it one: INDEX_TABLE names a DynamoDB table.",
        )
    })
}
