//! The router.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Extension, Router,
    extract::OriginalUri,
    http::{Method, StatusCode, header::ALLOW},
    middleware::{from_extractor_with_state, from_fn},
    routing::MethodRouter,
};

use crate::{
    Api, Code, Ports, Problem,
    access::{Caller, GuestRoute},
    cors,
    openapi::document,
    origin,
    problem::quote,
    request_log,
    routes::{
        self,
        definition::{Audience, Route, supported_methods},
        openapi::Document,
    },
};

/// The whole API. It answers every request, including those for unknown paths and methods. Beside other routes it
/// therefore goes last: `pages.fallback_service(router(api))`.
pub fn router<P: Ports>(api: Arc<Api<P>>) -> Router {
    let cors = cors::layer(&api.config.allowed_origins);
    let secrets = api.config.origin_secrets.clone();
    let offer = api.offer();
    let table = routes::table::with_guests::<P>(offer);
    let names: Vec<_> = table.iter().map(Route::name).collect();
    let mut paths = BTreeMap::<_, MethodRouter<Arc<Api<P>>>>::new();
    for path in table.iter().map(|route| route.path.clone()) {
        let supported = supported_methods(&table, &path);
        paths.entry(path).or_insert_with(|| complete(supported));
    }
    for route in table {
        let handler = match route.audience {
            Audience::Public => route.handler,
            Audience::Callers | Audience::Guests => {
                let identify = from_extractor_with_state::<Caller, _>(Arc::clone(&api));
                route.handler.route_layer(identify)
            }
        };
        let handler = match route.audience {
            Audience::Guests => handler.layer(Extension(GuestRoute)),
            Audience::Callers | Audience::Public => handler,
        };
        let methods = paths.entry(route.path).or_default();
        *methods = std::mem::take(methods).merge(handler);
    }
    let router = paths
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            router.route(&path.replace("{key}", "{*key}"), methods)
        })
        .layer(Extension(Document::new(document::<P>, offer)))
        .fallback(
            move |OriginalUri(uri): OriginalUri| async move { no_such_path(uri.path(), names) },
        )
        .with_state(api);
    let router = match &cors {
        Some(cors) => router.layer(cors.clone()),
        None => router,
    };
    origin::check(router, secrets, cors).layer(from_fn(request_log::log))
}

/// What a path answers apart from its routes: OPTIONS lists the supported methods, every other method is rejected.
fn complete<S: Clone + Send + Sync + 'static>(supported: Vec<&'static str>) -> MethodRouter<S> {
    let allow = supported.join(", ");
    MethodRouter::new()
        .options(move || async move { (StatusCode::NO_CONTENT, [(ALLOW, allow)]) })
        .fallback(move |method: Method| async move {
            Problem::method_not_allowed(method.as_str(), &supported)
        })
}

fn no_such_path(path: &str, routes: Vec<String>) -> Problem {
    Problem::new(
        Code::NoSuchPath,
        format!(
            "The path {} does not exist. GET /openapi.json describes the API.",
            quote(path)
        ),
    )
    .allowed(routes)
}
