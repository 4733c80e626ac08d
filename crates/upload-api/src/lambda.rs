//! The router as a Lambda function's handler.
//!
//! `lambda_http` turns events of API Gateway (HTTP API with payload 2.0, REST API) and of function URLs into requests. It has
//! one trap: the path of an event is percent-encoded if it comes from a function URL or a REST API, but already *decoded* if
//! it comes from an HTTP API. In both cases `lambda_http` passes it through a URL parser, which resolves `..` and ends the
//! path at a `?`. This module therefore takes the path from the event again and encodes it so that the router decodes it
//! exactly once.
//!
//! One limit remains: an HTTP API cuts a decoded path at its first `?`, so keys with a question mark are out of its reach.
//! `POST /uploads` never makes such keys.

use std::borrow::Cow;

use axum::{Router, http::Uri};
use lambda_http::{Request, RequestExt as _, request::RequestContext};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sightline_pipeline::percent::RESERVED_IN_PATH;
use tower::util::MapRequest;

use crate::{
    access::{GuestIdentity, Subject},
    address::Gateway,
    request_log::RequestId,
};

/// Characters to encode in a path that is encoded already (RFC 3986, section 3.3).
const INVALID_IN_PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// [`Router`] for [`lambda_http::run`].
#[must_use]
pub fn service(router: Router) -> MapRequest<Router, fn(Request) -> Request> {
    tower::ServiceExt::<Request>::map_request(router, adapt as fn(Request) -> Request)
}

/// Gives a request the path, the public address, the caller and the id of its event.
fn adapt(mut request: Request) -> Request {
    let event = Event::read(&request);
    let path = event.path(request.raw_http_path());
    let target = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let gateway = event.gateway();
    let subject = subject(&request);
    let guest = guest(&request);
    let id = request
        .lambda_context_ref()
        .map(|context| RequestId(context.request_id.clone()));
    if let Ok(uri) = target.parse::<Uri>() {
        *request.uri_mut() = uri;
    }
    request.extensions_mut().insert(gateway);
    if let Some(subject) = subject {
        request.extensions_mut().insert(subject);
    }
    if let Some(guest) = guest {
        request.extensions_mut().insert(guest);
    }
    if let Some(id) = id {
        request.extensions_mut().insert(id);
    }
    request
}

/// The caller, from the token that API Gateway's JWT authorizer has checked.
fn subject(request: &Request) -> Option<Subject> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => {
            let token = context.authorizer.as_ref()?.jwt.as_ref()?;
            token.claims.get("sub").cloned().map(Subject)
        }
        _ => None,
    }
}

/// The Cognito identity whose signature API Gateway's IAM authorization has checked.
fn guest(request: &Request) -> Option<GuestIdentity> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => {
            let signer = context.authorizer.as_ref()?.iam.as_ref()?;
            let identity = signer.cognito_identity.as_ref()?;
            Some(GuestIdentity {
                identity_id: identity.identity_id.clone()?,
                identity_pool_id: identity.identity_pool_id.clone()?,
            })
        }
        _ => None,
    }
}

/// Where an event comes from.
struct Event {
    domain: Option<String>,
    /// The stage, unless it is `$default`.
    stage: Option<String>,
    /// Whether the path begins with the stage.
    stage_in_path: bool,
    /// Whether the path is already decoded.
    decoded: bool,
}

impl Event {
    fn read(request: &Request) -> Self {
        let named = |stage: &Option<String>| stage.clone().filter(|stage| stage != "$default");
        match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => Self {
                domain: context.domain_name.clone(),
                stage: named(&context.stage),
                stage_in_path: true,
                decoded: !encodes_paths(context.domain_name.as_deref().unwrap_or_default()),
            },
            Some(RequestContext::ApiGatewayV1(context)) => Self {
                domain: context.domain_name.clone(),
                stage: named(&context.stage),
                stage_in_path: false,
                decoded: false,
            },
            _ => Self {
                domain: None,
                stage: None,
                stage_in_path: false,
                decoded: false,
            },
        }
    }

    /// The path below the stage, percent-encoded.
    fn path(&self, raw: &str) -> String {
        let raw = match &self.stage {
            Some(stage) if self.stage_in_path => raw
                .strip_prefix('/')
                .and_then(|path| path.strip_prefix(stage.as_str()))
                .filter(|path| path.starts_with('/'))
                .unwrap_or(raw),
            _ => raw,
        };
        let raw = if raw.starts_with('/') {
            Cow::Borrowed(raw)
        } else {
            Cow::Owned(format!("/{raw}"))
        };
        let characters = if self.decoded {
            RESERVED_IN_PATH
        } else {
            INVALID_IN_PATH
        };
        utf8_percent_encode(&raw, characters).to_string()
    }

    /// The stage is part of the public address only on API Gateway's own domain. A custom domain hides it.
    fn gateway(&self) -> Gateway {
        let own_domain = self
            .domain
            .as_ref()
            .is_some_and(|domain| domain.contains(".execute-api."));
        Gateway {
            prefix: match &self.stage {
                Some(stage) if own_domain => format!("/{stage}"),
                _ => String::new(),
            },
            domain: self.domain.clone(),
        }
    }
}

/// Whether payload 2.0 from this domain has the path as the client sent it. Function URLs do, and so does
/// `cargo lambda watch`, which imitates one as `localhost`.
fn encodes_paths(domain: &str) -> bool {
    domain.contains(".lambda-url.") || domain == "localhost"
}
