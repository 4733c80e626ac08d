//! One route: what clients may ask, who answers, and how the OpenAPI document describes it.

use std::sync::Arc;

use axum::{
    handler::Handler,
    routing::{MethodFilter, MethodRouter, on},
};
use utoipa::openapi::{OpenApi, path::HttpMethod};

use crate::{Api, Ports, Problem, offer::Part};

/// Who may call a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Callers whom [`Caller`](crate::access::Caller) identifies. Where images have owners, they must have signed in at the
    /// gateway.
    Callers,
    /// Anyone, because the reply says nothing about any picture.
    Public,
    /// Guests alone. The path begins with `/guest`.
    Guests,
}

/// One route.
pub(crate) struct Route<P: Ports> {
    /// The method. GET answers HEAD too, and every path answers OPTIONS.
    pub(crate) method: &'static str,
    /// As in the OpenAPI document. `{key}` is always last and stands for the rest of the path, slashes included.
    pub(crate) path: String,
    /// Who may call it.
    pub(crate) audience: Audience,
    /// The part of the API that it belongs to.
    pub(crate) part: Part,
    /// What answers it.
    pub(crate) handler: MethodRouter<Arc<Api<P>>>,
    /// Its OpenAPI document, without problems.
    pub(crate) description: fn() -> OpenApi,
    /// One example of each problem that it can answer, apart from `method-not-allowed`.
    pub(crate) problems: fn() -> Vec<Problem>,
}

impl<P: Ports> Route<P> {
    /// A route whose method and path are those of the operation `O`.
    pub(crate) fn new<O, H, T>(
        audience: Audience,
        handler: H,
        description: fn() -> OpenApi,
        problems: fn() -> Vec<Problem>,
    ) -> Self
    where
        O: utoipa::Path,
        H: Handler<T, Arc<Api<P>>>,
        T: 'static,
    {
        // An operation that is described with one method has just that one.
        let method = O::methods().into_iter().next().unwrap_or(HttpMethod::Get);
        let (method, filter) = name_and_filter(&method);
        Self {
            method,
            path: O::path(),
            audience,
            part: Part::Base,
            handler: on(filter, handler),
            description,
            problems,
        }
    }

    /// Whether guests have the same route under `/guest`.
    pub(crate) fn is_for_guests_too(&self) -> bool {
        self.audience == Audience::Callers && matches!(self.part, Part::Base | Part::ImageRequests)
    }

    /// The same route as a part that a deployment may lack.
    pub(crate) fn part(self, part: Part) -> Self {
        Self { part, ..self }
    }

    /// Method and path, such as `GET /images`.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path)
    }
}

/// All methods that a path supports: those of its routes, HEAD beside GET, and OPTIONS.
pub(crate) fn supported_methods<P: Ports>(routes: &[Route<P>], path: &str) -> Vec<&'static str> {
    let of_routes: Vec<_> = routes
        .iter()
        .filter(|route| route.path == path)
        .map(|route| route.method)
        .collect();
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        .into_iter()
        .filter(|method| match *method {
            "HEAD" => of_routes.contains(&"GET"),
            "OPTIONS" => true,
            method => of_routes.contains(&method),
        })
        .collect()
}

fn name_and_filter(method: &HttpMethod) -> (&'static str, MethodFilter) {
    match method {
        HttpMethod::Get => ("GET", MethodFilter::GET),
        HttpMethod::Post => ("POST", MethodFilter::POST),
        HttpMethod::Put => ("PUT", MethodFilter::PUT),
        HttpMethod::Delete => ("DELETE", MethodFilter::DELETE),
        HttpMethod::Options => ("OPTIONS", MethodFilter::OPTIONS),
        HttpMethod::Head => ("HEAD", MethodFilter::HEAD),
        HttpMethod::Patch => ("PATCH", MethodFilter::PATCH),
        HttpMethod::Trace => ("TRACE", MethodFilter::TRACE),
    }
}
