use std::{
    io,
    sync::{Mutex, PoisonError},
};

use sightline_pipeline::testing::{Failing, Faults, slow_down};
use tracing::Level;
use tracing_subscriber::{filter::Targets, fmt::MakeWriter, layer::SubscriberExt as _};

use super::*;

const PATHS: [(&str, &str); 8] = [
    ("/uploads", "POST, OPTIONS"),
    ("/images", "GET, HEAD, POST, OPTIONS"),
    ("/images/uploads/a.jpg", "GET, HEAD, DELETE, OPTIONS"),
    ("/labels", "GET, HEAD, OPTIONS"),
    ("/results/uploads/a.jpg", "GET, HEAD, OPTIONS"),
    ("/thumbnails/uploads/a.jpg", "GET, HEAD, OPTIONS"),
    ("/health", "GET, HEAD, OPTIONS"),
    ("/openapi.json", "GET, HEAD, OPTIONS"),
];

#[tokio::test]
async fn health_reports_the_version() {
    let reply = get(api(&MemoryStore::new()), "/health").await;
    assert_eq!(reply.status, StatusCode::OK);
    assert_eq!(reply.header("cache-control"), "no-store");
    assert_eq!(
        reply.json(),
        json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})
    );
    let head = ask(api(&MemoryStore::new()), Method::HEAD, "/health").await;
    assert_eq!((head.status, head.body), (StatusCode::OK, Vec::new()));
}

#[tokio::test]
async fn unsupported_methods_are_rejected_with_the_supported_ones() {
    for (path, allowed) in PATHS {
        for method in [
            "GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "CONNECT", "PROPFIND",
        ] {
            if allowed.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let method: Method = method.parse().unwrap();
            let reply = ask(api(&MemoryStore::new()), method.clone(), path).await;
            assert_eq!(
                reply.status,
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert_eq!(reply.header("allow"), allowed);
            if method != Method::HEAD {
                assert_eq!(reply.code(), "method-not-allowed");
                let listed: Vec<_> = allowed.split(", ").collect();
                assert_eq!(reply.json()["allowed"], json!(listed));
            }
        }
    }
}

#[tokio::test]
async fn options_lists_the_supported_methods() {
    for (path, allowed) in PATHS {
        let reply = ask(api(&MemoryStore::new()), Method::OPTIONS, path).await;
        assert_eq!(reply.status, StatusCode::NO_CONTENT);
        assert_eq!(reply.header("allow"), allowed);
        assert!(reply.body.is_empty());
    }
}

#[tokio::test]
async fn unknown_paths_are_not_found() {
    for path in [
        "/",
        "/upload",
        "/uploads/",
        "/uploads/a.jpg",
        "/results",
        "/results/",
        "/thumbnails/",
        "/Health",
        "/%",
        "/%FF",
    ] {
        let reply = get(api(&MemoryStore::new()), path).await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{path}");
        assert_eq!(reply.code(), "no-such-path");
        assert_eq!(reply.json()["allowed"].as_array().unwrap().len(), 10);
    }
}

fn from_page(method: Method, path: &str, origin: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("origin", origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type")
        .body(Body::empty())
        .unwrap()
}

#[tokio::test]
async fn replies_have_no_cors_headers_without_allowed_origins() {
    for method in [Method::GET, Method::OPTIONS] {
        let request = from_page(method, "/health", "https://a.example");
        let reply = send(api(&MemoryStore::new()), request).await;
        assert_eq!(reply.header("access-control-allow-origin"), "");
    }
}

#[tokio::test]
async fn pages_of_allowed_origins_may_call_the_api() {
    let store = MemoryStore::new();
    let list = [("ALLOWED_ORIGINS", "https://a.example,http://localhost:3000")];
    for (variables, origin, allowed) in [
        (&list[..], "https://a.example", "https://a.example"),
        (&list[..], "http://localhost:3000", "http://localhost:3000"),
        (&list[..], "https://b.example", ""),
        (&list[..], "null", ""),
        (&[("ALLOWED_ORIGINS", "*")][..], "https://b.example", "*"),
    ] {
        let api = api_with(&store, variables);
        let preflight = send(api.clone(), from_page(Method::OPTIONS, "/uploads", origin)).await;
        assert_eq!(preflight.status, StatusCode::OK);
        assert_eq!(preflight.header("access-control-allow-origin"), allowed);
        assert_eq!(
            preflight.header("access-control-allow-methods"),
            "GET,HEAD,POST,DELETE"
        );
        assert_eq!(
            preflight.header("access-control-allow-headers"),
            "authorization,content-type,if-none-match,x-amz-content-sha256,x-amz-date,x-amz-security-token"
        );
        // Problems need them too, or a page could not tell its user what was wrong.
        for path in ["/health", "/nowhere", "/results/elsewhere", "/uploads"] {
            let reply = send(api.clone(), from_page(Method::GET, path, origin)).await;
            assert_eq!(reply.header("access-control-allow-origin"), allowed);
            for exposed in ["etag", "location", "retry-after", "x-request-id"] {
                let header = reply.header("access-control-expose-headers");
                assert!(header.split(',').any(|name| name == exposed), "{header}");
            }
            assert_eq!(reply.header("access-control-allow-credentials"), "");
        }
    }
}

#[tokio::test]
async fn the_router_works_beside_other_routes() {
    let pages = Router::new()
        .route("/", axum::routing::get(|| async { "the page" }))
        .fallback_service(api(&MemoryStore::new()));
    let reply = pages
        .clone()
        .oneshot(Request::get("/").body(Body::empty()).unwrap())
        .await
        .unwrap();
    assert_eq!(reply.status(), StatusCode::OK);
    assert_eq!(get(pages.clone(), "/health").await.status, StatusCode::OK);
    assert_eq!(get(pages, "/nowhere").await.code(), "no-such-path");
}

/// Collects log lines.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn each_request_logs_one_line_without_secrets() {
    // Global, because a log call site that another thread found disabled stays disabled.
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt()
        .json()
        .flatten_event(true)
        .with_max_level(Level::TRACE)
        .with_writer(lines.clone())
        .finish()
        .with("sightline_upload_api=trace".parse::<Targets>().unwrap());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let store = Failing::new(MemoryStore::new(), Faults::first(1, slow_down()));
    const ORIGIN_SECRET: &str = "private-origin-0123456789";
    let new_api = |store, variables: &[(&str, &str)]| {
        router(Arc::new(Api::new(
            config(variables),
            store,
            presigner(),
            CannedRecogniser::new(),
            None::<NoIndex>,
        )))
    };
    let api = new_api(store.clone(), &[]);
    let body = r#"{"contentType":"image/png","contentLength":5,"filename":"private.png"}"#;
    let site = new_api(store, &[("ORIGIN_SECRETS", ORIGIN_SECRET)]);
    let through = |secret: &str| {
        let request = Request::get("/health").header("x-sightline-origin", secret);
        send(site.clone(), request.body(Body::empty()).unwrap())
    };
    assert_eq!(through(ORIGIN_SECRET).await.status, StatusCode::OK);
    let near = through("private-origin-0123456780").await;
    assert_eq!(near.status, StatusCode::FORBIDDEN);
    let replies = [
        post(api.clone(), body).await,
        get(
            api.clone(),
            "/results/uploads/private.png?X-Amz-Signature=abc",
        )
        .await,
        get(api, "/nowhere/private").await,
    ];

    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for secret in [
        "X-Amz",
        "private",
        "amazonaws",
        "AKIDEXAMPLE",
        "x-sightline",
    ] {
        assert!(!text.contains(secret), "{secret}");
    }
    // Other tests log too. The id in the reply tells which lines belong to a request.
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let of = |reply: &Reply| {
        let id = reply.header("x-request-id").to_owned();
        lines
            .iter()
            .filter(move |line| line["span"]["request_id"] == id)
    };
    for (reply, method, route, status) in [
        (&replies[0], "POST", "/uploads", 201),
        (&replies[1], "GET", "/results/{*key}", 503),
        (&replies[2], "GET", "none", 404),
    ] {
        let answered: Vec<_> = of(reply)
            .filter(|line| line["message"] == "answered")
            .collect();
        assert_eq!(answered.len(), 1);
        assert_eq!(answered[0]["level"], "INFO");
        assert_eq!(answered[0]["method"], method);
        assert_eq!(answered[0]["route"], route);
        assert_eq!(answered[0]["status"], status);
        assert!(answered[0]["duration_ms"].is_number());
    }
    // The log has the internal error, with the id of the request that caused it.
    let faults: Vec<_> = of(&replies[1])
        .filter(|line| line["level"] == "WARN")
        .collect();
    assert_eq!(faults.len(), 1);
    assert!(faults[0]["error"].as_str().unwrap().contains("SlowDown"));
}
