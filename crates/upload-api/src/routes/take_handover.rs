//! `POST /handovers`.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Request, State},
    response::Response,
};
use futures::{StreamExt as _, stream};
use serde::Serialize;
use serde_json::{Value, json};
use sightline_pipeline::{
    Owner, Service, ServiceError, SourceKey,
    object_store::{CopyOutcome, ListObjects as _, ObjectStore as _},
};
use time::OffsetDateTime;
use tokio::time::Instant;
use utoipa::{OpenApi, ToSchema};

use super::{
    definition::{Audience, Route},
    delete_image::delete_image,
};
use crate::{
    Api, Code, Ports, Problem,
    access::{Caller, unauthenticated},
    api::Shared,
    background_task::run_to_end,
    handover,
    offer::Part,
    problem::{disk_full, rejected, unavailable},
    request::{
        body::{self, BodyLimit, json_object},
        json_members::{self, missing, string, take, wrong_type},
    },
    response,
};

/// The most images that a request moves, and how many at the same time.
const MOST_IMAGES: usize = 50;
const CONCURRENT_IMAGES: usize = 5;

/// How often a request tries to delete the guest's image.
const DELETIONS: u32 = 3;

/// After this time a request moves no further image, so that it ends within the 30 seconds of API Gateway.
const MOVING_TIME: Duration = Duration::from_secs(12);

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
    .part(Part::Guests)
}

/// What can go wrong.
fn problems() -> Vec<Problem> {
    let mut problems = body::problems(&BODY_LIMIT);
    problems.extend([
        json_members::unknown("token", &MEMBERS),
        missing("code", CODE),
        wrong_type("code", "a string", &json!(1)),
        unauthenticated(),
        handover_not_found(),
        rejected(Service::S3),
        rejected(Service::Index),
        unavailable(Service::S3),
        disk_full(),
        unavailable(Service::Index),
    ]);
    problems
}

const BODY_LIMIT: BodyLimit = BodyLimit {
    bytes: 1024,
    text: "1 KiB",
    advice: "Send only the code.",
};

/// The members of the body, as [`HandoverRequest`] describes them.
const MEMBERS: [&str; 1] = ["code"];

/// What `code` holds.
const CODE: &str = "the code from POST /guest/handovers";

/// The code of a guest's images.
#[derive(ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[expect(dead_code, reason = "describes the body")]
struct HandoverRequest {
    /// The code from `POST /guest/handovers`.
    #[schema(example = "3f2911068703466b8f2b3ecee1ca56ce4f2911068703466b8f2b3ecee1ca56ce")]
    code: String,
}

fn handover_not_found() -> Problem {
    Problem::new(
        Code::HandoverNotFound,
        "The code is unknown, has expired or was used by somebody else. Get a new one with POST /guest/handovers, before signing in.",
    )
}

/// What was handed over.
#[derive(Debug, Serialize, ToSchema)]
struct HandoverResult {
    /// The images that this request took over.
    #[schema(example = 12)]
    pictures: usize,
    /// The images that are left. If there are any, send the same request again.
    #[schema(example = 0)]
    remaining: usize,
}

/// Take a guest's images along
///
/// Moves the images of the guest who made the code to the caller, who has signed in. They are analysed again, and count as the
/// caller's. A request moves at most 50 images. While `remaining` is not 0, repeat it: for an hour, the code then works for this
/// caller alone. Afterwards it is used up.
#[utoipa::path(
    post,
    path = "/handovers",
    operation_id = "takeHandover",
    tag = "images",
    request_body(
        content = HandoverRequest,
        content_type = "application/json",
        description = "The code. The request's own `Content-Type` does not matter.",
        example = json!({"code": "3f2911068703466b8f2b3ecee1ca56ce4f2911068703466b8f2b3ecee1ca56ce"})
    ),
    responses((
        status = 200,
        description = "The images are moved.",
        body = HandoverResult,
        headers(("Cache-Control" = String, description = "`no-store`")),
        example = json!({"pictures": 12, "remaining": 0})
    ))
)]
async fn handle<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    request: Request,
) -> Result<Response, Problem> {
    let account = caller.owner().cloned().ok_or_else(unauthenticated)?;
    let (parts, body) = request.into_parts();
    let mut body = json_object(&parts.headers, body, &BODY_LIMIT).await?;
    json_members::reject_unknown(&body, &MEMBERS)?;
    let code: Value = take(&mut body, "code").ok_or_else(|| missing("code", CODE))?;
    let code = string("code", code)?;
    let result = run_to_end(async move { take_over(&api, &account, &code).await }).await?;
    Ok(response::json(&result))
}

async fn take_over<P: Ports>(
    api: &Arc<Api<P>>,
    account: &Owner,
    code: &str,
) -> Result<HandoverResult, Problem> {
    let until = Instant::now() + MOVING_TIME;
    let now = OffsetDateTime::now_utc();
    let output = &api.config.buckets.output;
    let guest = api
        .with_store(handover::take(&api.store, output, code, account, now))
        .await?
        .ok_or_else(handover_not_found)?;
    let moves = moves(api, &guest, account).await?;
    let all = moves.len();
    let moved: Vec<Result<Option<bool>, Problem>> =
        stream::iter(moves.into_iter().take(MOST_IMAGES))
            .map(|(from, to)| async move {
                if Instant::now() >= until {
                    return Ok(None);
                }
                api.with_store(move_image(api, &from, &to)).await.map(Some)
            })
            .buffer_unordered(CONCURRENT_IMAGES)
            // An error ends no other move: half of a deletion would be left.
            .collect()
            .await;
    let moved = (moved.into_iter()).collect::<Result<Vec<_>, _>>()?;
    let moved: Vec<bool> = moved.into_iter().flatten().collect();
    let pictures = moved.iter().filter(|taken| **taken).count();
    let remaining = all - moved.len();
    if remaining == 0 {
        api.with_store(handover::delete(&api.store, output, code))
            .await?;
    }
    Ok(HandoverResult {
        pictures,
        remaining,
    })
}

/// The guest's images, at most the first 1000 of each kind, and where they go.
async fn moves<P: Ports>(
    api: &Api<P>,
    guest: &Owner,
    account: &Owner,
) -> Result<Vec<(SourceKey, SourceKey)>, Problem> {
    let mut moves = Vec::new();
    for prefix in guest.image_prefixes() {
        let keys = api
            .with_store(api.store.list(&api.config.buckets.input, &prefix, None))
            .await?;
        moves.extend(keys.into_iter().filter_map(|key| {
            let from = SourceKey::new(key).ok()?;
            let to = from.handed_over(guest, account)?;
            Some((from, to))
        }));
    }
    Ok(moves)
}

/// Copies the original, which starts its analysis, and then deletes everything of the guest's image. Repeating it after an error
/// completes it: an original that is copied already is not copied again. Returns whether there was an original.
async fn move_image<P: Ports>(
    api: &Api<P>,
    from: &SourceKey,
    to: &SourceKey,
) -> Result<bool, ServiceError> {
    let config = &api.config;
    let input = &config.buckets.input;
    // If the original is missing, the guest has deleted it meanwhile.
    let copied = api.store.copy(input, from.as_str(), to.as_str()).await?;
    let (index, versions) = (api.index.as_ref(), config.delete_versions);
    let mut attempts = 0;
    loop {
        attempts += 1;
        // The next request does not see an image whose original is deleted, so this one tries again.
        match delete_image(&api.store, index, &config.buckets, from, versions).await {
            Err(error) if error.is_retryable() && attempts < DELETIONS => {}
            done => return done.map(|()| copied != CopyOutcome::Missing),
        }
    }
}
