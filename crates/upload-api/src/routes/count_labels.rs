//! `GET /labels`.

use axum::{extract::State, response::Response};
use serde::Serialize;
use sightline_pipeline::{
    Owner, Service,
    index::{ImageIndex as _, NameCount},
};
use utoipa::{OpenApi, ToSchema};

use super::definition::{Audience, Route};
use crate::{
    Ports, Problem,
    access::{Caller, forbidden, unauthenticated},
    api::{Shared, no_index},
    problem::{rejected, unavailable},
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
    vec![
        unauthenticated(),
        forbidden(OPERATION),
        no_index(),
        rejected(Service::Index),
        unavailable(Service::Index),
    ]
}

/// What callers do here.
const OPERATION: &str = "list labels";

/// What the images show.
#[derive(Debug, Serialize, ToSchema)]
struct LabelCounts {
    /// Labels, most frequent first, then by name.
    labels: Vec<LabelCount>,
    /// Categories of labels, most frequent first, then by name.
    categories: Vec<LabelCount>,
    /// The number of all images, with or without labels.
    #[schema(example = 20)]
    images: u64,
}

/// How many images have a label or category.
#[derive(Debug, Serialize, ToSchema)]
struct LabelCount {
    /// The name as the recogniser writes it.
    #[schema(example = "Dog")]
    name: String,
    /// The number of images.
    #[schema(example = 12)]
    images: u64,
    /// Other names by which a label is found. Absent if there are none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(required = false, example = json!(["Canine"]))]
    aliases: Vec<String>,
}

impl From<NameCount> for LabelCount {
    fn from(count: NameCount) -> Self {
        Self {
            name: count.name,
            images: count.images,
            aliases: count.aliases.into_iter().collect(),
        }
    }
}

/// Count labels
///
/// All labels and categories by which `GET /images` finds images, each with its number of images, and the number of all
/// images. If callers have images of their own, only those count.
#[utoipa::path(
    get,
    path = "/labels",
    operation_id = "countLabels",
    tag = "images",
    responses((
        status = 200,
        description = "Labels and categories with their numbers of images.",
        body = LabelCounts,
        headers(("Cache-Control" = String, description = "`no-store`")),
        example = json!({
            "labels": [
                {"name": "Animal", "images": 14},
                {"name": "Dog", "images": 12},
                {"name": "Person", "images": 3, "aliases": ["Human"]}
            ],
            "categories": [{"name": "Animals and Pets", "images": 14}],
            "images": 20
        })
    ))
)]
async fn handle<P: Ports>(State(api): Shared<P>, caller: Caller) -> Result<Response, Problem> {
    caller.authorize(OPERATION)?;
    let index = api.search_index()?;
    let owner = caller.owner().map(Owner::as_str);
    let counts = api.with_index(index.labels(owner)).await?;
    let listed = |counts: Vec<NameCount>| counts.into_iter().map(LabelCount::from).collect();
    Ok(response::json(&LabelCounts {
        labels: listed(counts.labels),
        categories: listed(counts.categories),
        images: counts.images,
    }))
}
