//! `GET /events`: server-sent events (WHATWG HTML, "Server-sent events").

use std::{convert::Infallible, fmt::Write as _, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{
        HeaderMap,
        header::{CACHE_CONTROL, CONTENT_TYPE},
    },
    response::{IntoResponse as _, Response},
};
use futures::{Stream, stream};
use serde::Serialize;
use sightline_pipeline::{SourceKey, document::Status};
use time::OffsetDateTime;
use tokio::time::{Instant, timeout_at};
use utoipa::{
    OpenApi, PartialSchema, ToSchema,
    openapi::{ObjectBuilder, Ref, RefOr, Schema, schema::Type},
};

use super::definition::{Audience, Route};
use crate::{
    Code, Ports, Problem,
    access::{Caller, forbidden, unauthenticated},
    api::Shared,
    events::{Batch, Event, Subscription},
    offer::Part,
};

/// How often a stream without events sends a comment. Proxies close connections that are silent for a minute.
const HEARTBEAT: Duration = Duration::from_secs(15);
/// The begin of every stream: how long clients wait before they reconnect, in milliseconds.
const BEGIN: &str = "retry: 2000\n\n";

#[derive(OpenApi)]
#[openapi(paths(handle), components(schemas(ImageEvent)))]
struct Description;

pub(super) fn route<P: Ports>() -> Route<P> {
    Route::new::<__path_handle, _, _>(
        Audience::Callers,
        handle::<P>,
        Description::openapi,
        problems,
    )
    .part(Part::Events)
}

/// What can go wrong.
fn problems() -> Vec<Problem> {
    vec![unauthenticated(), forbidden(OPERATION), too_many_streams()]
}

/// What callers do here.
const OPERATION: &str = "follow events";

fn too_many_streams() -> Problem {
    Problem::new(
        Code::TooManyStreams,
        "Too many event streams are open. Close one, or ask GET /images until there is room.",
    )
}

/// The stream, for the description.
struct EventStream;

impl PartialSchema for EventStream {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Events whose `data` is an `ImageEvent`."))
            .content_media_type("text/event-stream")
            .content_schema(Some(Ref::from_schema_name("ImageEvent")))
            .into()
    }
}

impl ToSchema for EventStream {}

/// What happened to an image: the `data` of the events `result-ready`, `result-failed` and `deleted`.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
struct ImageEvent<'a> {
    /// The image's key.
    #[schema(value_type = String, pattern = r"^(uploads|inline)/[\s\S]*[^/]$", example = "uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg")]
    key: &'a SourceKey,
    /// How far the analyses got; missing if the image was deleted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    status: Option<Status>,
    /// When the result was written, or when the image was deleted.
    #[serde(with = "time::serde::rfc3339")]
    #[schema(value_type = String, format = DateTime, example = "2026-01-02T03:04:05Z")]
    at: OffsetDateTime,
}

/// Follow results as they arrive
///
/// A stream of server-sent events, in the local mode only. On AWS, this path does not exist; there, EventBridge has the
/// events of the bucket of results.
///
/// `result-ready` and `result-failed` follow a new or replaced result, `deleted` the deletion of an image. Their `data` is
/// an `ImageEvent` on one line. When an event arrives, `GET /images` already shows the change. An event may be repeated. If
/// callers have images of their own, they get the events of those alone.
///
/// After a lost connection, send the last `id` as `Last-Event-ID`, as browsers do, and the stream continues there. If the
/// events since are not kept any more, or if the reader is too slow, it gets the event `reset`, and should read the lists again.
/// A line that begins with a colon is sent at least every 15 seconds, and means nothing.
#[utoipa::path(
    get,
    path = "/events",
    operation_id = "readEvents",
    tag = "images",
    params((
        "Last-Event-ID" = Option<String>,
        Header,
        description = "The id of the last event that was received."
    )),
    responses((
        status = 200,
        description = "The events, until the client closes the connection or the service stops.",
        content_type = "text/event-stream",
        body = inline(EventStream),
        headers(("Cache-Control" = String, description = "`no-store`")),
        example = "retry: 2000\n\nid: 18b2a6c1f0e3-0\nevent: result-ready\ndata: {\"key\":\"uploads/0f0e9c3a-6d0f-4c57-9c0c-3c2a4f8f6f11.jpg\",\"status\":\"succeeded\",\"at\":\"2026-01-02T03:04:05Z\"}\n\n"
    ))
)]
async fn handle<P: Ports>(
    State(api): Shared<P>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    caller.authorize(OPERATION)?;
    let last_id = headers
        .get("last-event-id")
        .map(|id| id.to_str().unwrap_or_default());
    let subscription = api
        .events
        .as_ref()
        .and_then(|events| events.subscribe(last_id))
        .ok_or_else(too_many_streams)?;
    let headers = [
        (CONTENT_TYPE, "text/event-stream"),
        (CACHE_CONTROL, "no-store"),
    ];
    let body = Body::from_stream(texts(subscription, caller, HEARTBEAT));
    Ok((headers, body).into_response())
}

/// The stream's text. The connection asks for the next piece only after it has sent the last one.
fn texts(
    subscription: Subscription,
    caller: Caller,
    heartbeat: Duration,
) -> impl Stream<Item = Result<String, Infallible>> {
    let begin = (subscription, caller, Some(BEGIN.to_owned()));
    stream::unfold(begin, move |(mut subscription, caller, begin)| async move {
        if let Some(begin) = begin {
            return Some((Ok(begin), (subscription, caller, None)));
        }
        let silent_until = Instant::now() + heartbeat;
        loop {
            let text = match timeout_at(silent_until, subscription.next()).await {
                Err(_) => ":\n\n".to_owned(),
                Ok(None) => return None,
                Ok(Some(Batch::Missed(id))) => format!("id: {id}\nevent: reset\ndata: {{}}\n\n"),
                Ok(Some(Batch::Events(events))) => written(&events, &caller),
            };
            if !text.is_empty() {
                return Some((Ok(text), (subscription, caller, None)));
            }
        }
    })
}

/// Those of the events that the caller may see.
fn written(events: &[(String, Arc<Event>)], caller: &Caller) -> String {
    let mut text = String::new();
    for (id, event) in events
        .iter()
        .filter(|(_, event)| caller.may_read(&event.key))
    {
        let data = ImageEvent {
            key: &event.key,
            status: event.status,
            at: event.at,
        };
        // JSON escapes line breaks, so it is one line. Plain data always serialises.
        let data = serde_json::to_string(&data).unwrap_or_default();
        let _ = write!(text, "id: {id}\nevent: {}\ndata: {data}\n\n", event.name());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::Events;
    use futures::StreamExt as _;

    #[tokio::test]
    async fn a_silent_stream_sends_comments_and_ends_with_the_service() {
        let events = Events::default();
        let subscription = events.subscribe(None).unwrap();
        let heartbeat = Duration::from_millis(2);
        let mut texts = Box::pin(texts(subscription, Caller::Anyone, heartbeat));
        assert_eq!(texts.next().await.unwrap().unwrap(), BEGIN);
        let started = Instant::now();
        for _ in 0..5 {
            assert_eq!(texts.next().await.unwrap().unwrap(), ":\n\n");
        }
        assert!(started.elapsed() >= 5 * heartbeat);
        events.close();
        assert!(texts.next().await.is_none());
    }
}
