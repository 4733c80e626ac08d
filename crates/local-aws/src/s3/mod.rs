//! S3: s3s handles the protocol and the signatures, the store has the data. This module adds what S3 answers before it
//! checks a signature: preflights and some errors.

mod access;
mod address;
mod authentication;
mod backend;
mod body;
mod buckets;
mod call;
mod conditions;
mod convert;
mod copy_source;
mod download;
mod errors;
mod list;
mod list_versions;
mod multipart;
mod objects;
mod permissions;
mod service;
mod supported;
mod uploads;

use crate::{
    Body,
    access_log::{AccessLog, Call},
    cors::BucketCors,
    credentials::Credentials,
    request_body::BodyProgress,
    settings::Settings,
    store::Store,
};
use access::{Keys, Policy, Rejection};
use address::{Address, LocalHost};
use authentication::Authentication;
use backend::Backend;
use call::CallContext;
use futures::FutureExt;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use permissions::RequestFlags;
use s3s::service::{S3Service, S3ServiceBuilder};
use std::{net::IpAddr, panic::AssertUnwindSafe, sync::Arc};
use tracing::{Dispatch, instrument::WithSubscriber};

/// Answers S3 requests.
pub(crate) struct S3 {
    service: S3Service,
    cors: Arc<[BucketCors]>,
    access_log: AccessLog,
}

impl S3 {
    pub(crate) fn new(
        settings: &Settings,
        keys: Arc<[Credentials]>,
        store: Store,
        access_log: AccessLog,
    ) -> Self {
        let cors: Arc<[BucketCors]> = settings.cors.clone().into();
        let backend = Backend {
            store,
            region: settings.region.clone(),
            cors: Arc::clone(&cors),
        };
        let mut builder = S3ServiceBuilder::new(backend);
        builder.set_auth(Keys(keys));
        builder.set_access(Policy);
        builder.set_host(LocalHost);
        Self {
            service: builder.build(),
            cors,
            access_log,
        }
    }

    /// Answers one request. Errors are responses too.
    pub(crate) async fn handle(&self, peer: IpAddr, mut request: Request<Body>) -> Response<Body> {
        let authentication = Authentication::of(request.headers(), request.uri().query());
        let call = CallContext::new(&authentication, peer);
        let host = request
            .headers()
            .get(header::HOST)
            .and_then(|host| host.to_str().ok());
        let path = request.uri().path().to_owned();
        let address = Address::of(host, &path);
        let method = request.method().clone();
        let origin = request.headers().get(header::ORIGIN).cloned();
        let cors = address
            .bucket
            .as_ref()
            .and_then(|bucket| self.cors.iter().find(|cors| cors.bucket == *bucket));

        if method == Method::OPTIONS {
            return with_identifiers(&call, preflight(&call, &path, cors, &request));
        }
        let rejection = access::check_authentication(&authentication, request.headers())
            .or_else(|| add_signed_parameters(&authentication, &mut request));
        let flags = RequestFlags::of(request.uri(), request.headers());
        request.extensions_mut().insert(call.clone());
        let (mut response, error_code) = self.answer(&call, rejection, &path, request).await;
        if let Some(cors) = cors {
            cors.apply(&method, origin.as_ref(), response.headers_mut());
        }
        let (primary, mut permissions) = match call.operation() {
            Some(operation) => (
                permissions::primary(operation, &address, flags),
                permissions::required(operation, &address, flags, error_code.as_deref()),
            ),
            None => {
                let guess = permissions::guess(&method, &address);
                (guess.clone(), vec![guess])
            }
        };
        permissions.extend(call.take_extra_permissions());
        self.access_log.record(Call {
            request_id: call.request_id().to_owned(),
            action: primary.action,
            resource: primary.resource,
            permissions,
            status: response.status().as_u16(),
            error_code,
            access_key_id: call.access_key_id().map(str::to_owned),
        });
        with_identifiers(&call, response)
    }

    /// The response, and its error code if it is an error.
    async fn answer(
        &self,
        call: &CallContext,
        rejection: Option<Rejection>,
        path: &str,
        request: Request<Body>,
    ) -> (Response<Body>, Option<String>) {
        let rejected = |status, code: &str, message, detail| {
            (
                errors::response(call, path, status, code, message, detail),
                Some(code.to_owned()),
            )
        };
        if let Some(error) = rejection {
            return rejected(error.status, error.code, error.message, &error.detail);
        }
        if let Some(name) = supported::unknown_header(request.headers()) {
            let message = format!("This endpoint does not implement the header {name}.");
            return rejected(StatusCode::NOT_IMPLEMENTED, "NotImplemented", &message, "");
        }
        if is_form(&request) {
            let message = "Forms are not supported: upload with a presigned PUT URL.";
            return rejected(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message, "");
        }
        let progress = request.extensions().get::<BodyProgress>().cloned();
        // s3s would log whole requests with their signed URLs, and client errors as errors. This module logs instead.
        let answer = AssertUnwindSafe(self.service.call(request).with_subscriber(Dispatch::none()));
        match answer.catch_unwind().await {
            Ok(Ok(response)) if is_failure(response.status()) => {
                if progress.is_some_and(|progress| progress.is_too_slow()) {
                    let message = "Your socket connection to the server was not read from or written to within the \
                                   timeout period. Idle connections will be closed.";
                    return rejected(StatusCode::BAD_REQUEST, "RequestTimeout", message, "");
                }
                let has_document = call.operation().is_some_and(supported::has_document);
                let (response, code) = errors::complete(call, path, response, has_document).await;
                (response, Some(code))
            }
            Ok(Ok(response)) => (response, None),
            // An error of s3s, or a panic.
            Ok(Err(_)) | Err(_) => {
                let message = "We encountered an internal error. Please try again.";
                rejected(
                    StatusCode::INTERNAL_SERVER_ERROR,
                    "InternalError",
                    message,
                    "",
                )
            }
        }
    }
}

/// A response to a request that is rejected before anything else is known about it.
pub(crate) fn error_response(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let unknown = IpAddr::from([0, 0, 0, 0]);
    let call = CallContext::new(&Authentication::Anonymous, unknown);
    let response = errors::response(&call, "/", status, code, message, "");
    with_identifiers(&call, response)
}

/// Adds the `x-amz-*` parameters of a presigned URL to the headers, as S3 does. SDKs put them there: that for JavaScript
/// signs metadata in the query. The signature covers them.
fn add_signed_parameters(
    authentication: &Authentication,
    request: &mut Request<Body>,
) -> Option<Rejection> {
    if !authentication.signs_parameters() {
        return None;
    }
    let query = request.uri().query().unwrap_or_default().to_owned();
    let headers = request.headers_mut();
    for (name, value) in supported::parameters(&query) {
        let name = name.to_ascii_lowercase();
        // S3 ignores checksums in the query, because SDKs sign those of an empty body.
        let is_checksum =
            name.starts_with("x-amz-checksum-") || name == "x-amz-sdk-checksum-algorithm";
        if is_checksum || !supported::is_header(&name) {
            continue;
        }
        let parsed = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value.as_bytes()),
        );
        let rejection = |message| Rejection {
            status: StatusCode::BAD_REQUEST,
            code: "InvalidArgument",
            message,
            detail: String::new(),
        };
        let (Ok(name), Ok(value)) = parsed else {
            return Some(rejection(
                "An x-amz- parameter of the URL cannot be a header.",
            ));
        };
        if headers.get(&name).is_some_and(|sent| *sent != value) {
            return Some(rejection(
                "A header and a parameter of the URL have different values.",
            ));
        }
        headers.insert(name, value);
    }
    None
}

fn is_failure(status: StatusCode) -> bool {
    status.is_client_error() || status.is_server_error() || status == StatusCode::NOT_MODIFIED
}

/// Whether this is an upload by HTML form, which s3s would keep in memory.
fn is_form(request: &Request<Body>) -> bool {
    let content_type = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    request.method() == Method::POST
        && content_type.is_some_and(|value| {
            value
                .to_ascii_lowercase()
                .starts_with("multipart/form-data")
        })
}

/// Answers a browser's preflight.
fn preflight(
    call: &CallContext,
    path: &str,
    cors: Option<&BucketCors>,
    request: &Request<Body>,
) -> Response<Body> {
    let rejected = |status, code, message| errors::response(call, path, status, code, message, "");
    let headers = request.headers();
    if !headers.contains_key(header::ORIGIN) {
        let message = "Insufficient information. Origin request header needed.";
        return rejected(StatusCode::BAD_REQUEST, "BadRequest", message);
    }
    if !headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD) {
        let message = "Invalid Access-Control-Request-Method: null";
        return rejected(StatusCode::BAD_REQUEST, "BadRequest", message);
    }
    let Some(cors) = cors else {
        let message = "CORSResponse: CORS is not enabled for this bucket.";
        return rejected(StatusCode::FORBIDDEN, "AccessForbidden", message);
    };
    match cors.preflight(headers) {
        Some(allowed) => {
            let mut response = Response::new(Body::empty());
            *response.headers_mut() = allowed;
            response
        }
        None => {
            let message = "CORSResponse: This CORS request is not allowed. The bucket's CORS rules do not allow this \
                           Origin, Access-Control-Request-Method or Access-Control-Request-Headers.";
            rejected(StatusCode::FORBIDDEN, "AccessForbidden", message)
        }
    }
}

fn with_identifiers(call: &CallContext, mut response: Response<Body>) -> Response<Body> {
    for (name, value) in [
        ("x-amz-request-id", call.request_id()),
        ("x-amz-id-2", call.host_id()),
    ] {
        if let Ok(value) = HeaderValue::from_str(value) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
