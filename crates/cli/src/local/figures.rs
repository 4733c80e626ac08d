//! `GET /metrics`: what the processor did since the start, for Prometheus.

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    routing::get,
};
use sightline_pipeline::metrics;

/// Puts the page of figures in front of the API, which answers every other method and path.
pub(super) fn before(api: Router) -> Router {
    let page = || async {
        let headers = [
            (
                CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            ),
            (CACHE_CONTROL, "no-store"),
        ];
        (headers, metrics::render())
    };
    Router::new()
        .route("/metrics", get(page).fallback_service(api.clone()))
        .fallback_service(api)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::{
        body::{Body, to_bytes},
        http::{Request, StatusCode},
    };
    use tower::ServiceExt;

    #[tokio::test]
    async fn the_figures_stand_in_front_of_the_api() {
        let api = Router::new().fallback(|| async { (StatusCode::IM_A_TEAPOT, "the API") });
        let app = before(api);
        let ask = |method: &str, path: &str| {
            let request = Request::builder().method(method).uri(path);
            app.clone().oneshot(request.body(Body::empty()).unwrap())
        };
        let page = ask("GET", "/metrics").await.unwrap();
        assert_eq!(page.status(), StatusCode::OK);
        assert!(
            page.headers()[CONTENT_TYPE]
                .to_str()
                .unwrap()
                .starts_with("application/openmetrics-text")
        );
        let text = to_bytes(page.into_body(), usize::MAX).await.unwrap();
        let text = std::str::from_utf8(&text).unwrap();
        assert!(
            text.contains("# HELP sightline_billed_calls ") && text.ends_with("# EOF\n"),
            "{text}"
        );
        for (method, path) in [("POST", "/metrics"), ("GET", "/health")] {
            let answer = ask(method, path).await.unwrap();
            assert_eq!(answer.status(), StatusCode::IM_A_TEAPOT, "{method} {path}");
        }
    }
}
