//! `GET /images`.

use std::time::Instant;

use axum::{
    extract::{Query as Pairs, State, rejection::QueryRejection},
    response::Response,
};
use serde::Serialize;
use sightline_pipeline::{
    Owner, Service,
    document::{AgeSpan, Status},
    index::{CursorError, FaceFilter, ImageIndex as _, Position, Query, Term},
};
use utoipa::{IntoParams, OpenApi, ToSchema};

use super::definition::{Audience, Route};
use crate::{
    Code, Ports, Problem,
    access::{Caller, forbidden, unauthenticated},
    api::{Shared, no_index},
    listed_image::{self, ListedImage},
    problem::{rejected, sentence, unavailable},
    request::query::{self, Parameters, invalid},
    response,
};

#[derive(OpenApi)]
#[openapi(paths(handle))]
struct Description;

pub(super) fn route<P: Ports>() -> Route<P> {
    Route::new::<__path_handle, _, _>(
        Audience::Callers,
        handle::<P>,
        Description::openapi,
        problems,
    )
}

/// What can go wrong.
fn problems() -> Vec<Problem> {
    let mut problems = query::problems("limit", MAX_LIMIT);
    problems.extend([
        invalid_cursor(CursorError::Malformed),
        unauthenticated(),
        forbidden(OPERATION),
        no_index(),
        rejected(Service::S3),
        rejected(Service::Index),
        unavailable(Service::S3),
        unavailable(Service::Index),
    ]);
    problems
}

/// What callers do here.
const OPERATION: &str = "list images";

/// The query parameters, as [`ListParameters`] describes them.
pub(crate) const PARAMETERS: [&str; 10] = [
    "label",
    "category",
    "minConfidence",
    "minFaces",
    "emotion",
    "ageFrom",
    "ageTo",
    "status",
    "limit",
    "cursor",
];

/// How many images a page has by default.
const DEFAULT_LIMIT: usize = 50;
/// The most images of a page.
const MAX_LIMIT: usize = 100;

/// The most faces that Rekognition finds in an image (Amazon Rekognition API Reference, "DetectFaces").
const MAX_FACES: usize = 100;

/// The highest age to search for, in years.
const MAX_AGE: usize = 150;

/// How often to ask the index for one page. It may return less than a page if few of the images that it looks through
/// match.
const MAX_INDEX_PAGES: usize = 10;

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
    /// Only images where the label has at least this confidence, in percent. For a category, one of its labels must have
    /// it. Only with `label` or `category`.
    #[param(minimum = 0, maximum = 100, example = 80)]
    min_confidence: Option<f64>,
    /// Only images with at least this many faces.
    #[param(minimum = 1, maximum = 100, example = 1)]
    min_faces: Option<usize>,
    /// Only images where this is the main emotion of a face, with a confidence of at least 50 percent: `Happy`, `Sad`,
    /// `Angry`, `Calm`, `Surprised`, `Confused`, `Disgusted` or `Fear`, in upper or lower case.
    #[param(example = "Happy")]
    emotion: Option<String>,
    /// Only images with a face whose estimated age may be this, in years, or more. Together with `ageTo`, the face's age
    /// range overlaps the span from `ageFrom` to `ageTo`.
    #[param(minimum = 0, maximum = 150, example = 20)]
    age_from: Option<usize>,
    /// Only images with a face whose estimated age may be this, in years, or less.
    #[param(minimum = 0, maximum = 150, example = 40)]
    age_to: Option<usize>,
    /// Only images with this status.
    #[param(inline)]
    status: Option<Status>,
    /// The most images of the page, 50 by default.
    #[param(minimum = 1, maximum = 100, default = 50)]
    limit: Option<usize>,
    /// The `cursor` of the page before, with the same other parameters.
    cursor: Option<String>,
}

impl ListParameters {
    fn parse(pairs: Result<Pairs<Vec<(String, String)>>, QueryRejection>) -> Result<Self, Problem> {
        let mut query = Parameters::read(pairs, &PARAMETERS)?;
        let parameters = Self {
            label: query.name("label")?,
            category: query.name("category")?,
            min_confidence: query.percentage("minConfidence")?,
            min_faces: query.count("minFaces", MAX_FACES)?,
            emotion: query.emotion("emotion")?,
            age_from: query.number("ageFrom", 0, MAX_AGE)?,
            age_to: query.number("ageTo", 0, MAX_AGE)?,
            status: query.status("status")?,
            limit: query.count("limit", MAX_LIMIT)?,
            cursor: query.text("cursor"),
        };
        if parameters.label.is_some() && parameters.category.is_some() {
            return Err(invalid(
                "category",
                "label and category cannot be combined. Give one of them.".to_owned(),
            ));
        }
        if parameters.min_confidence.is_some()
            && parameters.label.is_none()
            && parameters.category.is_none()
        {
            return Err(invalid(
                "minConfidence",
                "minConfidence is the confidence of a label or category. Give label or category with it.".to_owned(),
            ));
        }
        if let (Some(from), Some(to)) = (parameters.age_from, parameters.age_to)
            && from > to
        {
            return Err(invalid(
                "ageTo",
                format!("ageTo is {to}, which is less than ageFrom, {from}. Swap them."),
            ));
        }
        Ok(parameters)
    }

    fn faces(&self) -> FaceFilter {
        let years = |age: usize| u32::try_from(age).unwrap_or(u32::MAX);
        let ages = (self.age_from.is_some() || self.age_to.is_some()).then(|| AgeSpan {
            low: self.age_from.map_or(0, years),
            high: self.age_to.map_or(u32::MAX, years),
        });
        FaceFilter {
            min_count: self.min_faces.unwrap_or_default() as u64,
            emotion: self.emotion.clone(),
            ages,
        }
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
            faces: self.faces(),
        }
    }
}

fn invalid_cursor(error: CursorError) -> Problem {
    Problem::new(Code::InvalidCursor, sentence(&error.to_string())).member("cursor")
}

/// A page of the list of images, newest first.
#[derive(Debug, Serialize, ToSchema)]
struct ImageList {
    /// The images, newest first by time of upload.
    images: Vec<ListedImage>,
    /// Send it as `cursor` to get the next page. Absent on the last page.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    cursor: Option<String>,
}

/// List images
///
/// Images are listed newest first by time of upload, page by page. While the reply has a `cursor`, send it with the next
/// request and keep the other parameters. No image is missing or repeated if others are added meanwhile. A page may be
/// shorter than `limit` even if more pages follow. An image is listed once it is analysed. If callers have images of their
/// own, only those are listed. Filters by faces, emotion and age find images whose faces were analysed; each of them may be
/// met by another face of the image.
#[utoipa::path(
    get,
    path = "/images",
    operation_id = "listImages",
    tag = "images",
    params(ListParameters),
    responses((
        status = 200,
        description = "The images that match.",
        body = ImageList,
        headers(("Cache-Control" = String, description = "`no-store`: the reply has signed URLs.")),
        example = json!({"images": [listed_image::example()], "cursor": "WzEsMTIzXQ"})
    ))
)]
async fn handle<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    pairs: Result<Pairs<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    caller.authorize(OPERATION)?;
    let index = api.search_index()?;
    let parameters = ListParameters::parse(pairs)?;
    let query = parameters.query(caller.owner());
    let limit = parameters.limit.unwrap_or(DEFAULT_LIMIT);
    let mut next = parameters
        .cursor
        .map(|cursor| Position::open(&cursor, &query).map_err(invalid_cursor))
        .transpose()?;
    let mut images = Vec::new();
    // The reply and its cursor must be ready before API Gateway gives up.
    let until = Instant::now() + api.store_timeout;
    for _ in 0..MAX_INDEX_PAGES {
        let missing = limit - images.len();
        let page = api
            .with_index(index.page(&query, next.as_ref(), missing))
            .await?;
        for found in page.images {
            images.push(ListedImage::new(&api, found.row, found.confidence).await?);
        }
        next = page.next;
        if next.is_none() || images.len() >= limit || Instant::now() >= until {
            break;
        }
    }
    Ok(response::json(&ImageList {
        images,
        cursor: next.map(|position| position.seal(&query)),
    }))
}
