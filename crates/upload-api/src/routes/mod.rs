//! The paths and what answers them.

pub(crate) mod health;
pub(crate) mod image;
pub(crate) mod images;
pub(crate) mod listing;
pub(crate) mod members;
pub(crate) mod results;
pub(crate) mod schema;
pub(crate) mod thumbnails;
pub(crate) mod uploads;

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::OriginalUri,
    http::{
        HeaderValue, Method, StatusCode,
        header::{ALLOW, CACHE_CONTROL, LOCATION},
    },
    middleware,
    response::{IntoResponse, Response},
    routing::{MethodRouter, get, post},
};
use serde::Serialize;

use crate::{Api, Code, Ports, Problem, cors, problem::quote, request_log};

/// The paths as the API describes them.
const PATHS: [&str; 10] = [
    "POST /uploads",
    "POST /images",
    "GET /images",
    "GET /images/{key}",
    "DELETE /images/{key}",
    "GET /labels",
    "GET /results/{key}",
    "GET /thumbnails/{key}",
    "GET /health",
    "GET /openapi.json",
];

/// The whole API. Every request is answered, also one for a path or method that there is not, so
/// where other routes stand beside it this router goes last: `pages.fallback_service(router(api))`.
pub fn router<P: Ports>(api: Arc<Api<P>>) -> Router {
    let cors = cors::layer(&api.config.allowed_origins);
    let routes = Router::new()
        .route(
            "/uploads",
            only(&["POST", "OPTIONS"], post(uploads::create::<P>)),
        )
        .route(
            "/images",
            only(
                &["GET", "HEAD", "POST", "OPTIONS"],
                get(listing::images::<P>).post(images::create::<P>),
            ),
        )
        .route(
            "/images/{*key}",
            only(
                &["GET", "HEAD", "DELETE", "OPTIONS"],
                get(image::read::<P>).delete(image::delete::<P>),
            ),
        )
        .route("/labels", only(READ, get(listing::labels::<P>)))
        .route("/results/{*key}", only(READ, get(results::read::<P>)))
        .route("/thumbnails/{*key}", only(READ, get(thumbnails::read::<P>)))
        .route("/health", only(READ, get(health::health)))
        .route("/openapi.json", only(READ, get(schema::schema)))
        .fallback(no_such_path)
        .with_state(api);
    let routes = match cors {
        Some(cors) => routes.layer(cors),
        None => routes,
    };
    routes.layer(middleware::from_fn(request_log::log))
}

const READ: &[&str] = &["GET", "HEAD", "OPTIONS"];

/// Completes a path: OPTIONS tells its methods, every other method is refused with them.
fn only<T: Clone + Send + Sync + 'static>(
    allowed: &'static [&'static str],
    methods: MethodRouter<T>,
) -> MethodRouter<T> {
    methods
        .options(move || async move { (StatusCode::NO_CONTENT, [(ALLOW, allowed.join(", "))]) })
        .fallback(move |method: Method| async move {
            Problem::new(
                Code::MethodNotAllowed,
                format!(
                    "This path does not take {}; it takes {}.",
                    quote(method.as_str()),
                    allowed.join(", ")
                ),
            )
            .allowed(allowed.iter().copied())
        })
}

/// 201 with what was made and where to ask for it. Nobody keeps a copy: the bodies hold signed
/// addresses or pictures' contents.
fn created(location: &str, body: &impl Serialize) -> Response {
    let mut response = (
        StatusCode::CREATED,
        [(CACHE_CONTROL, "no-store")],
        Json(body),
    )
        .into_response();
    if let Ok(location) = HeaderValue::try_from(location) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
}

async fn no_such_path(OriginalUri(uri): OriginalUri) -> impl IntoResponse {
    Problem::new(
        Code::NoSuchPath,
        format!(
            "There is nothing at {}. GET /openapi.json describes what there is.",
            quote(uri.path())
        ),
    )
    .allowed(PATHS)
}
