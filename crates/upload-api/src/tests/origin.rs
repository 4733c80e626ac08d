//! Requests that did not come through the site.

use super::*;

const HEADER: &str = "x-sightline-origin";
const OLD: &str = "the-old-secret-0123456789";
const NEW: &str = "the-new-secret-0123456789";
const PAGE: &str = "https://pictures.example.com";

fn site() -> Router {
    let secrets = format!("{NEW},{OLD}");
    api_with(
        &MemoryStore::new(),
        &[("ORIGIN_SECRETS", &secrets), ("ALLOWED_ORIGINS", PAGE)],
    )
}

fn request(method: Method, path: &str, secrets: &[&str]) -> Request<Body> {
    let mut request = Request::builder().method(method).uri(path);
    for secret in secrets {
        request = request.header(HEADER, *secret);
    }
    request
        .header("origin", PAGE)
        .body(Body::from(
            r#"{"contentType":"image/png","contentLength":5}"#,
        ))
        .unwrap()
}

#[tokio::test]
async fn both_secrets_of_a_rotation_are_accepted() {
    for secret in [NEW, OLD] {
        let reply = send(site(), request(Method::POST, "/uploads", &[secret])).await;
        assert_eq!(reply.status, StatusCode::CREATED);
    }
}

#[tokio::test]
async fn without_the_secret_every_request_is_rejected() {
    let longer = format!("{NEW}0");
    for secrets in [
        &[][..],
        &[""],
        &["another-secret-0123456789"],
        &[&NEW[1..]],
        &[&longer],
        &[NEW, NEW],
        &["another-secret-0123456789", NEW],
    ] {
        for (method, path) in [
            (Method::POST, "/uploads"),
            (Method::GET, "/health"),
            (Method::HEAD, "/openapi.json"),
            (Method::OPTIONS, "/uploads"),
            (Method::PATCH, "/uploads"),
            (Method::GET, "/nowhere"),
            (Method::POST, "/guest/uploads"),
        ] {
            let head = method == Method::HEAD;
            let reply = send(site(), request(method, path, secrets)).await;
            assert_eq!(reply.status, StatusCode::FORBIDDEN, "{path}");
            // Pages that may read other replies may read this one.
            assert_eq!(reply.header("access-control-allow-origin"), PAGE);
            if !head {
                assert_eq!(reply.code(), "not-through-site", "{path}");
            }
        }
    }
}

#[tokio::test]
async fn a_preflight_through_the_site_is_answered() {
    let mut preflight = request(Method::OPTIONS, "/uploads", &[NEW]);
    let headers = preflight.headers_mut();
    headers.insert("access-control-request-method", "POST".parse().unwrap());
    let reply = send(site(), preflight).await;
    assert_eq!(reply.status, StatusCode::OK);
}

#[tokio::test]
async fn the_secret_goes_no_further_than_the_check() {
    let seen = Router::new().fallback(|headers: HeaderMap| async move {
        assert!(!headers.contains_key(HEADER));
        "nothing"
    });
    let config = config(&[("ORIGIN_SECRETS", NEW)]);
    let seen = crate::origin::check(seen, config.origin_secrets, None);
    let response = seen
        .oneshot(request(Method::GET, "/", &[NEW]))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn without_secrets_the_header_does_not_matter() {
    let api = api(&MemoryStore::new());
    for secrets in [&[][..], &["anything"]] {
        let reply = send(api.clone(), request(Method::POST, "/uploads", secrets)).await;
        assert_eq!(reply.status, StatusCode::CREATED);
    }
}
