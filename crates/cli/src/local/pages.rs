//! The static pages, which are embedded in the binary.
//!
//! GET and HEAD of a page's path are answered here. All other requests go to the API, which also answers unknown paths.

use axum::{
    Router,
    body::Body,
    extract::{Request, State},
    http::{
        HeaderMap, HeaderValue, Method, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
            REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use include_dir::{Dir, include_dir};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use sightline_pipeline::{Analyses, Analysis};
use std::{borrow::Cow, collections::HashMap, sync::Arc};

use super::endpoints::Endpoints;

static FILES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/../../frontend");

/// The pages that have a second path.
const SHORT_PATHS: [(&str, &str); 2] = [("/", "upload.html"), ("/docs", "docs.html")];
/// Generated at each start; the file with this name is not served.
const CONFIGURATION: &str = "config.json";

/// The served types of files, by extension.
const TYPES: [(&str, &str); 10] = [
    ("css", "text/css; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("png", "image/png"),
    ("svg", "image/svg+xml"),
    ("txt", "text/plain; charset=utf-8"),
    ("woff2", "font/woff2"),
];

/// A file with its headers.
struct Page {
    bytes: Cow<'static, [u8]>,
    content_type: HeaderValue,
    etag: HeaderValue,
}

impl Page {
    fn new(name: &str, bytes: Cow<'static, [u8]>) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        let (_, content_type) = TYPES.into_iter().find(|(known, _)| *known == extension)?;
        let digest = Sha256::digest(&bytes);
        let tag = hex::encode(digest.get(..16)?);
        Some(Self {
            bytes,
            content_type: HeaderValue::from_static(content_type),
            etag: HeaderValue::try_from(format!("\"{tag}\"")).ok()?,
        })
    }
}

/// All pages by path, and their policy.
pub(super) struct Pages {
    by_path: HashMap<String, Page>,
    policy: HeaderValue,
}

impl Pages {
    /// The pages for an API with the same origin that offers `analyses`, uploads of at most `max_upload_bytes`, and the AWS
    /// endpoint of `endpoints`.
    ///
    /// # Errors
    /// When a header cannot contain the endpoint's URL.
    pub(super) fn new(
        endpoints: &Endpoints,
        max_upload_bytes: u64,
        analyses: &Analyses,
    ) -> anyhow::Result<Self> {
        let aws = &endpoints.aws;
        let mut by_path = HashMap::new();
        collect(&FILES, &mut by_path);
        let offers: Vec<_> = analyses.iter().map(Analysis::name).collect();
        let common = json!({ "api": "", "maxUploadBytes": max_upload_bytes, "offers": offers });
        let special = match &endpoints.identity_pool {
            None => json!({ "events": true }),
            Some(pool) => json!({ "guests": {
                "identityPoolId": pool,
                "region": endpoints.region,
                "identityEndpoint": aws,
            } }),
        };
        let members = [common, special].into_iter();
        let configuration: Value = members
            .filter_map(|part| part.as_object().cloned())
            .flatten()
            .collect::<Map<_, _>>()
            .into();
        if let Some(page) = Page::new(CONFIGURATION, configuration.to_string().into_bytes().into())
        {
            by_path.insert(format!("/{CONFIGURATION}"), page);
        }
        for (path, name) in SHORT_PATHS {
            let page =
                (FILES.get_file(name)).and_then(|file| Page::new(name, file.contents().into()));
            if let Some(page) = page {
                by_path.insert(path.to_owned(), page);
            }
        }
        let aws = policy_source(aws);
        // `blob:` shows pictures before their upload. The pages send uploads to the endpoint and read results from it.
        let policy = HeaderValue::try_from(format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: {aws}; \
             connect-src 'self' {aws}; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        ))?;
        Ok(Self { by_path, policy })
    }

    /// Adds the pages to the API.
    pub(super) fn add_to(self, api: Router) -> Router {
        api.layer(middleware::from_fn_with_state(Arc::new(self), serve))
    }

    fn respond(&self, page: &Page, method: &Method, headers: &HeaderMap) -> Response {
        let is_cached = headers
            .get_all(IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|list| list.split(','))
            .map(|tag| tag.trim().trim_start_matches("W/"))
            .any(|tag| tag == "*" || tag.as_bytes() == page.etag.as_bytes());
        let mut response = match (is_cached, &page.bytes) {
            (true, _) => StatusCode::NOT_MODIFIED.into_response(),
            (false, Cow::Borrowed(bytes)) => Body::from(*bytes).into_response(),
            (false, Cow::Owned(bytes)) => Body::from(bytes.clone()).into_response(),
        };
        if *method == Method::HEAD && !is_cached {
            // The length of the page, although the body is empty.
            response
                .headers_mut()
                .insert(axum::http::header::CONTENT_LENGTH, page.bytes.len().into());
            *response.body_mut() = Body::empty();
        }
        let out = response.headers_mut();
        out.insert(CONTENT_TYPE, page.content_type.clone());
        out.insert(ETAG, page.etag.clone());
        // Browsers check for a new version each time, because a new program has new pages at the same paths.
        out.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
        out.insert(CONTENT_SECURITY_POLICY, self.policy.clone());
        out.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        // The endpoint sees by the referrer that a picture is requested by one of these pages, and nothing else.
        out.insert(REFERRER_POLICY, HeaderValue::from_static("strict-origin"));
        response
    }
}

async fn serve(State(pages): State<Arc<Pages>>, request: Request, next: Next) -> Response {
    let page = match *request.method() {
        Method::GET | Method::HEAD => pages.by_path.get(request.uri().path()),
        _ => None,
    };
    match page {
        Some(page) => pages.respond(page, request.method(), request.headers()),
        None => next.run(request).await,
    }
}

/// A URL as a source of the policy. The grammar of sources has no IPv6 addresses (Content Security Policy Level 3,
/// section 2.3.1), and browsers ignore invalid sources. So an IPv6 address is allowed by its port alone.
fn policy_source(url: &str) -> Cow<'_, str> {
    match url.split_once("]:") {
        Some((_, port)) => format!("http://*:{port}").into(),
        None => url.into(),
    }
}

/// Collects the files of a folder and its subfolders, without hidden ones.
fn collect(folder: &'static Dir<'static>, into: &mut HashMap<String, Page>) {
    for file in folder.files() {
        let Some(path) = file.path().to_str() else {
            continue;
        };
        let path = path.replace('\\', "/");
        if path.split('/').any(|part| part.starts_with('.')) {
            continue;
        }
        if let Some(page) = Page::new(&path, file.contents().into()) {
            into.insert(format!("/{path}"), page);
        }
    }
    for folder in folder.dirs() {
        collect(folder, into);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::to_bytes;
    use tower::ServiceExt;

    fn offered() -> Analyses {
        "labels,faces".parse().unwrap()
    }

    async fn ask(method: Method, path: &str, headers: &[(&str, &str)]) -> Response {
        // A stand-in for the API that differs from all pages.
        let api = Router::new().fallback(|| async { (StatusCode::NOT_FOUND, "the API") });
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let pages = Pages::new(&Endpoints::example(), 1000, &offered()).unwrap();
        pages
            .add_to(api)
            .oneshot(request.body(Body::empty()).unwrap())
            .await
            .unwrap()
    }

    async fn text(response: Response) -> String {
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(bytes.to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_front_page_is_the_upload_page() {
        let response = ask(Method::GET, "/", &[]).await;
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.headers()["content-type"],
            "text/html; charset=utf-8"
        );
        assert_eq!(response.headers()["x-content-type-options"], "nosniff");
        let front = text(response).await;
        assert!(front.starts_with("<!doctype html>"));
        assert_eq!(
            front,
            text(ask(Method::GET, "/upload.html?from=bookmark", &[]).await).await
        );
    }

    #[tokio::test]
    async fn the_api_is_described_at_docs() {
        let short = text(ask(Method::GET, "/docs", &[]).await).await;
        assert!(short.contains("swagger-ui-bundle.js"), "{short}");
        assert_eq!(short, text(ask(Method::GET, "/docs.html", &[]).await).await);
    }

    #[tokio::test]
    async fn everything_that_the_page_loads_is_served_with_its_type() {
        let mut named = Vec::new();
        for path in ["/", "/gallery.html", "/docs"] {
            let page = text(ask(Method::GET, path, &[]).await).await;
            let before = named.len();
            named.extend(
                page.split(['"', '\''])
                    .filter(|text| {
                        ["js/", "styles/", "img/"]
                            .iter()
                            .any(|folder| text.starts_with(folder))
                    })
                    .map(str::to_owned),
            );
            assert!(
                named[before..].iter().any(|name| name.ends_with(".js")),
                "{path}"
            );
        }
        for name in named {
            let response = ask(Method::GET, &format!("/{name}"), &[]).await;
            assert_eq!(response.status(), 200, "{name}");
            let content_type = response.headers()["content-type"].to_str().unwrap();
            let expected = match name.rsplit_once('.').unwrap().1 {
                "js" => "text/javascript",
                "css" => "text/css",
                _ => "image/",
            };
            assert!(content_type.starts_with(expected), "{name}: {content_type}");
        }
    }

    #[tokio::test]
    async fn the_policy_allows_the_endpoint_and_nothing_else() {
        let response = ask(Method::GET, "/", &[]).await;
        let policy = response.headers()["content-security-policy"]
            .to_str()
            .unwrap();
        for rule in [
            "default-src 'none'",
            "script-src 'self'",
            "connect-src 'self' http://127.0.0.1:4566",
        ] {
            assert!(
                policy.split("; ").any(|source| source == rule),
                "{rule} in {policy}"
            );
        }
        assert!(!policy.contains("unsafe"));
    }

    #[test]
    fn an_ipv6_address_is_allowed_by_its_port() {
        let endpoints = Endpoints {
            aws: "http://[::1]:4566".to_owned(),
            ..Endpoints::example()
        };
        let pages = Pages::new(&endpoints, 1000, &offered()).unwrap();
        let policy = pages.policy.to_str().unwrap();
        assert!(
            policy
                .split("; ")
                .any(|source| source == "connect-src 'self' http://*:4566"),
            "{policy}"
        );
        assert!(!policy.contains('['), "{policy}");
    }

    #[tokio::test]
    async fn the_configuration_is_generated() {
        let response = ask(Method::GET, "/config.json", &[]).await;
        assert_eq!(response.headers()["content-type"], "application/json");
        let configuration: Value = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(
            configuration,
            json!({"api": "", "maxUploadBytes": 1000, "offers": ["labels", "faces"], "events": true})
        );
    }

    #[test]
    fn the_configuration_says_how_guests_get_credentials() {
        let endpoints = Endpoints {
            identity_pool: Some("us-east-1:pool".to_owned()),
            ..Endpoints::example()
        };
        let pages = Pages::new(&endpoints, 1000, &offered()).unwrap();
        let configuration: Value =
            serde_json::from_slice(&pages.by_path["/config.json"].bytes).unwrap();
        assert_eq!(
            configuration,
            json!({
                "api": "",
                "maxUploadBytes": 1000,
                "offers": ["labels", "faces"],
                "guests": {
                    "identityPoolId": "us-east-1:pool",
                    "region": "us-east-1",
                    "identityEndpoint": "http://127.0.0.1:4566"
                }
            })
        );
    }

    #[tokio::test]
    async fn a_cached_page_is_not_sent_again() {
        let first = ask(Method::GET, "/", &[]).await;
        let etag = first.headers()["etag"].to_str().unwrap().to_owned();
        for tags in [etag.clone(), format!("\"other\", W/{etag}"), "*".to_owned()] {
            let again = ask(Method::GET, "/", &[("if-none-match", &tags)]).await;
            assert_eq!(again.status(), 304, "{tags}");
            assert_eq!(again.headers()["etag"], etag.as_str());
            assert_eq!(text(again).await, "");
        }
        assert_eq!(
            ask(Method::GET, "/", &[("if-none-match", "\"other\"")])
                .await
                .status(),
            200
        );
    }

    #[tokio::test]
    async fn head_returns_the_length_without_the_body() {
        let length = text(ask(Method::GET, "/", &[]).await).await.len();
        let head = ask(Method::HEAD, "/", &[]).await;
        assert_eq!(head.status(), 200);
        assert_eq!(
            head.headers()["content-length"],
            length.to_string().as_str()
        );
        assert_eq!(text(head).await, "");
    }

    #[tokio::test]
    async fn everything_else_goes_to_the_api() {
        for (method, path) in [
            (Method::POST, "/"),
            (Method::PUT, "/upload.html"),
            (Method::GET, "/nothing"),
            (Method::GET, "/js"),
            (Method::GET, "/js/"),
            (Method::GET, "/js/../upload.html"),
            (Method::GET, "/results/uploads/a.jpg"),
        ] {
            let response = ask(method.clone(), path, &[]).await;
            assert_eq!(response.status(), 404, "{method} {path}");
            assert_eq!(text(response).await, "the API");
        }
    }
}
