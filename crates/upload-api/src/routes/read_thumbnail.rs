//! `GET /thumbnails/{key}`.

use std::time::Duration;

use axum::{
    extract::{
        Path, Query as Pairs, State,
        rejection::{PathRejection, QueryRejection},
    },
    http::{
        StatusCode,
        header::{CACHE_CONTROL, LOCATION},
    },
    response::{IntoResponse, Response},
};
use sightline_pipeline::{
    Service, SourceKey,
    object_store::{ObjectStore as _, Presigner as _},
};
use utoipa::{
    OpenApi, PartialSchema, ToSchema,
    openapi::{KnownFormat, ObjectBuilder, RefOr, Schema, SchemaFormat, schema::Type},
};

use super::definition::{Audience, Route};
use crate::{
    Code, Ports, Problem,
    access::{Caller, unauthenticated},
    api::Shared,
    problem::{quote, rejected, unavailable},
    request::{
        key::{self, source_key},
        query::{Parameters, invalid},
    },
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
    let mut problems = key::problems();
    problems.extend([
        Size::invalid("medium"),
        unauthenticated(),
        no_such_thumbnail(),
        rejected(Service::S3),
        unavailable(Service::S3),
    ]);
    problems
}

/// The longest time that clients keep a redirect, in seconds. A URL signed with a role's credentials expires with them,
/// whatever lifetime it was signed for (Amazon S3 User Guide, "Download and upload objects with presigned URLs").
const MAX_AGE_SECONDS: u64 = 300;

/// The bytes of a picture, for the description.
struct Jpeg;

impl PartialSchema for Jpeg {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Binary)))
            .into()
    }
}

impl ToSchema for Jpeg {}

/// Which rendition to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ToSchema)]
#[schema(rename_all = "lowercase")]
enum Size {
    Small,
    Large,
}

impl Size {
    const NAMES: [&'static str; 2] = ["small", "large"];

    fn parse(pairs: Result<Pairs<Vec<(String, String)>>, QueryRejection>) -> Result<Self, Problem> {
        match Parameters::read(pairs, &["size"], &[])?
            .text("size")
            .as_deref()
        {
            None | Some("small") => Ok(Self::Small),
            Some("large") => Ok(Self::Large),
            Some(other) => Err(Self::invalid(other)),
        }
    }

    fn invalid(value: &str) -> Problem {
        let detail = format!(
            "size is {}. Give {}.",
            quote(value),
            Self::NAMES.join(" or ")
        );
        invalid("size", detail).allowed(Self::NAMES)
    }

    /// The keys of the objects to look for, in order.
    fn keys(self, key: &SourceKey) -> Vec<String> {
        match self {
            Self::Small => vec![key.thumbnail_key()],
            Self::Large => vec![key.preview_key(), key.thumbnail_key()],
        }
    }
}

/// See a small or a large rendition of an image
///
/// Redirects to a signed URL of the thumbnail, a small upright JPEG without metadata, or of the larger preview. An `<img>`
/// element can therefore use this path. While a replaced image has not been analysed, the picture is that of the earlier image.
#[utoipa::path(
    get,
    path = "/thumbnails/{key}",
    operation_id = "readThumbnail",
    tag = "images",
    params((
        "key" = String,
        Path,
        description = "The image's own key, not the thumbnail's, percent-encoded as in `/results/{key}`.",
        min_length = 8,
        max_length = 1009,
        pattern = r"^(uploads|inline)/[\s\S]*[^/]$",
        example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg"
    ), (
        "size" = inline(Option<Size>),
        Query,
        description = "`small`, the default, is the thumbnail. `large` is the preview, or the thumbnail if the image has no preview because it is no larger.",
        example = "large"
    )),
    responses((
        status = 200,
        description = "What a client that follows the redirect gets from the signed URL: a JPEG.",
        content_type = "image/jpeg",
        body = inline(Jpeg)
    ), (
        status = 302,
        description = "The picture is at `Location`.",
        headers(
            ("Location" = String, description = "A signed URL of the picture. Anyone who has it can read the picture until it expires."),
            ("Cache-Control" = String, description = "`private`, with a `max-age` that ends well before the URL expires.")
        )
    ))
)]
async fn handle<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    path: Result<Path<String>, PathRejection>,
    pairs: Result<Pairs<Vec<(String, String)>>, QueryRejection>,
) -> Result<Response, Problem> {
    let key = source_key(path)?;
    let size = Size::parse(pairs)?;
    if !caller.may_read(&key) {
        return Err(no_such_thumbnail());
    }
    let bucket = &api.config.buckets.output;
    let mut found = None;
    for rendition in size.keys(&key) {
        let head = api.store.head(bucket, &rendition);
        if api.with_store(head).await?.is_some() {
            found = Some(rendition);
            break;
        }
    }
    let found = found.ok_or_else(no_such_thumbnail)?;
    let lifetime = api.config.result_url_seconds;
    let url = api
        .presigner
        .presign_get(bucket, &found, Duration::from_secs(lifetime))
        .await?;
    let max_age = (lifetime / 2).min(MAX_AGE_SECONDS);
    Ok((
        StatusCode::FOUND,
        [
            (LOCATION, url),
            (CACHE_CONTROL, format!("private, max-age={max_age}")),
        ],
    )
        .into_response())
}

fn no_such_thumbnail() -> Problem {
    Problem::new(
        Code::NoSuchThumbnail,
        "No thumbnail exists for this key. Use the image's own key; the member thumbnail of its result says whether there is one.",
    )
}
