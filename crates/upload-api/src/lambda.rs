//! The router as a Lambda function's handler.
//!
//! `lambda_http` turns events of API Gateway (HTTP API with payload 2.0, REST API) and of function
//! URLs into requests, with one trap: the event's path is percent-encoded when it comes from a
//! function URL or a REST API and already *decoded* when it comes from an HTTP API, and in both cases
//! it is run through a URL parser that resolves `..` and ends it at a `?`. So the path is taken from
//! the event again here and brought into the one form that the router decodes once.
//!
//! What cannot be repaired here: an HTTP API cuts a decoded path at its first `?`, so a key with a
//! question mark cannot be asked for through one. Keys made by `POST /uploads` have none.

use std::borrow::Cow;

use axum::{Router, http::Uri};
use lambda_http::{Request, RequestExt as _, request::RequestContext};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use tower::util::MapRequest;

use crate::{
    access::Subject,
    address::{Gateway, RESERVED},
    request_log::RequestId,
};

/// What may not stand in a path that is already encoded (RFC 3986, section 3.3).
const NEVER_IN_A_PATH: &AsciiSet = &CONTROLS
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

/// What must be encoded in a path that is decoded.
const DECODED: &AsciiSet = &RESERVED.remove(b'/');

/// [`Router`] for [`lambda_http::run`].
#[must_use]
pub fn service(router: Router) -> MapRequest<Router, fn(Request) -> Request> {
    tower::ServiceExt::<Request>::map_request(router, adapt as fn(Request) -> Request)
}

/// Gives a request the path, the public address and the id that its event speaks of.
fn adapt(mut request: Request) -> Request {
    let event = Event::read(&request);
    let path = event.path(request.raw_http_path());
    let target = match request.uri().query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    let gateway = event.gateway();
    let subject = subject(&request);
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
    if let Some(id) = id {
        request.extensions_mut().insert(id);
    }
    request
}

/// Who calls, by the token that API Gateway's JWT authorizer has checked.
fn subject(request: &Request) -> Option<Subject> {
    match request.request_context_ref()? {
        RequestContext::ApiGatewayV2(context) => {
            let token = context.authorizer.as_ref()?.jwt.as_ref()?;
            token.claims.get("sub").cloned().map(Subject)
        }
        _ => None,
    }
}

/// What the event says of where it comes from.
struct Event {
    domain: Option<String>,
    /// The stage, unless it is the one without a name.
    stage: Option<String>,
    /// Whether the path carries the stage.
    staged: bool,
    /// Whether the path arrives decoded.
    decoded: bool,
}

impl Event {
    fn read(request: &Request) -> Self {
        let named = |stage: &Option<String>| stage.clone().filter(|stage| stage != "$default");
        match request.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => Self {
                domain: context.domain_name.clone(),
                stage: named(&context.stage),
                staged: true,
                decoded: !encodes_paths(context.domain_name.as_deref().unwrap_or_default()),
            },
            Some(RequestContext::ApiGatewayV1(context)) => Self {
                domain: context.domain_name.clone(),
                stage: named(&context.stage),
                staged: false,
                decoded: false,
            },
            _ => Self {
                domain: None,
                stage: None,
                staged: false,
                decoded: false,
            },
        }
    }

    /// The path below the stage, percent-encoded.
    fn path(&self, raw: &str) -> String {
        let raw = match &self.stage {
            Some(stage) if self.staged => raw
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
        let must = if self.decoded {
            DECODED
        } else {
            NEVER_IN_A_PATH
        };
        utf8_percent_encode(&raw, must).to_string()
    }

    /// A stage is part of the address only on API Gateway's own domain; a custom domain maps it away.
    fn gateway(&self) -> Gateway {
        let own = self
            .domain
            .as_ref()
            .is_some_and(|domain| domain.contains(".execute-api."));
        Gateway {
            prefix: match &self.stage {
                Some(stage) if own => format!("/{stage}"),
                _ => String::new(),
            },
            domain: self.domain.clone(),
        }
    }
}

/// Whether payload 2.0 from this domain carries the path as the client sent it: function URLs do,
/// and `cargo lambda watch`, which plays one as `localhost`.
fn encodes_paths(domain: &str) -> bool {
    domain.contains(".lambda-url.") || domain == "localhost"
}
