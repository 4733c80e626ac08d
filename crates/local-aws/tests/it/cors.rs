use crate::support::{INPUT, OUTPUT, Response, Server, five_minutes, http, refusal};
use sightline_local_aws::BucketCors;

const PAGE: &str = "http://127.0.0.1:8080";

async fn server() -> Server {
    Server::start_with(|settings| settings.cors = vec![BucketCors::for_uploads(INPUT, [PAGE])])
        .await
}

async fn preflight(server: &Server, target: &str, origin: &str, method: &str) -> Response {
    let headers = [
        ("origin", origin),
        ("access-control-request-method", method),
        (
            "access-control-request-headers",
            "content-type,if-none-match,x-amz-meta-filename",
        ),
    ];
    http(server.aws.address(), "OPTIONS", target, &headers, b"").await
}

#[tokio::test]
async fn a_page_may_do_what_the_rules_allow() {
    let server = server().await;
    let target = format!("/{INPUT}/uploads/a.jpg?X-Amz-Signature=any");
    let answer = preflight(&server, &target, PAGE, "PUT").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["access-control-allow-origin"], PAGE);
    assert_eq!(
        answer.headers["access-control-allow-methods"],
        "PUT, GET, HEAD"
    );
    let allowed = &answer.headers["access-control-allow-headers"];
    assert_eq!(allowed, "content-type, if-none-match, x-amz-meta-filename");
    assert!(answer.headers["vary"].contains("Origin"));

    let request = server
        .s3
        .put_object()
        .bucket(INPUT)
        .key("uploads/a.jpg")
        .presigned(five_minutes())
        .await
        .unwrap();
    let put = server.send(&request, &[("origin", PAGE)], b"meow").await;
    assert_eq!(put.status, 200);
    assert_eq!(put.headers["access-control-allow-origin"], PAGE);
    assert_eq!(put.headers["access-control-expose-headers"], "ETag");
    // The page must be able to read the error.
    let refused = server
        .send(
            &request,
            &[("origin", PAGE), ("x-amz-meta-evil", "1")],
            b"meow",
        )
        .await;
    assert_eq!(refused.refusal(), (403, "AccessDenied"));
    assert_eq!(refused.headers["access-control-allow-origin"], PAGE);
}

#[tokio::test]
async fn a_page_may_not_do_anything_else() {
    let server = server().await;
    let target = format!("/{INPUT}/uploads/a.jpg");
    for (origin, method) in [
        ("http://evil.example", "PUT"),
        (PAGE, "DELETE"),
        (PAGE, "POST"),
    ] {
        let answer = preflight(&server, &target, origin, method).await;
        assert_eq!(
            answer.refusal(),
            (403, "AccessForbidden"),
            "{origin} {method}"
        );
        assert!(!answer.headers.contains_key("access-control-allow-origin"));
    }
    let other = preflight(&server, &format!("/{OUTPUT}/a"), PAGE, "GET").await;
    assert_eq!(other.refusal(), (403, "AccessForbidden"));
    let unclear = http(
        server.aws.address(),
        "OPTIONS",
        &target,
        &[("origin", PAGE)],
        b"",
    )
    .await;
    assert_eq!(unclear.refusal(), (400, "BadRequest"));

    let request = server
        .s3
        .get_object()
        .bucket(OUTPUT)
        .key("a")
        .presigned(five_minutes())
        .await
        .unwrap();
    let answer = server.send(&request, &[("origin", PAGE)], b"").await;
    assert!(
        !answer
            .headers
            .keys()
            .any(|name| name.starts_with("access-control"))
    );
}

#[tokio::test]
async fn the_rules_can_be_read() {
    let server = server().await;
    let rules = server
        .s3
        .get_bucket_cors()
        .bucket(INPUT)
        .send()
        .await
        .unwrap();
    assert_eq!(rules.cors_rules()[0].allowed_origins(), [PAGE]);
    assert_eq!(
        rules.cors_rules()[0].allowed_methods(),
        ["PUT", "GET", "HEAD"]
    );
    let error = server
        .s3
        .get_bucket_cors()
        .bucket(OUTPUT)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (404, "NoSuchCORSConfiguration".to_owned()));
}
