//! `GET /metrics`: the metrics of the processor since the start, for Prometheus.

use axum::{
    Router,
    http::header::{CACHE_CONTROL, CONTENT_TYPE},
    routing::get,
};
use sightline_pipeline::metrics::render;

/// Adds the metrics to the API, which answers every other method and path.
pub(super) fn add_to(api: Router) -> Router {
    let metrics = || async {
        let headers = [
            (
                CONTENT_TYPE,
                "application/openmetrics-text; version=1.0.0; charset=utf-8",
            ),
            (CACHE_CONTROL, "no-store"),
        ];
        (headers, render())
    };
    Router::new()
        .route("/metrics", get(metrics).fallback_service(api.clone()))
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
    async fn metrics_are_served_and_everything_else_goes_to_the_api() {
        let api = Router::new().fallback(|| async { (StatusCode::IM_A_TEAPOT, "the API") });
        let app = add_to(api);
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
            let response = ask(method, path).await.unwrap();
            assert_eq!(
                response.status(),
                StatusCode::IM_A_TEAPOT,
                "{method} {path}"
            );
        }
    }
}
