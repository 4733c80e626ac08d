use crate::support::{INPUT, Server, client, five_minutes, http};
use aws_sdk_s3::presigning::{PresignedRequest, PresigningConfig};
use std::time::{Duration, SystemTime};

/// A URL for a JPEG of four bytes, as the upload API creates it.
async fn upload(server: &Server, key: &str) -> PresignedRequest {
    server
        .s3
        .put_object()
        .bucket(INPUT)
        .key(key)
        .content_type("image/jpeg")
        .content_length(4)
        .if_none_match("*")
        .metadata("filename", "cat.jpg")
        .presigned(five_minutes())
        .await
        .unwrap()
}

#[tokio::test]
async fn an_upload_url_works_once() {
    let server = Server::start().await;
    let request = upload(&server, "uploads/cat.jpg").await;
    let first = server.send(&request, &[], b"meow").await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(
        first.headers["etag"],
        "\"4a4be40c96ac6314e91d93f38043a634\""
    );
    let head = server
        .s3
        .head_object()
        .bucket(INPUT)
        .key("uploads/cat.jpg")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_type(), Some("image/jpeg"));
    assert_eq!(head.metadata().unwrap()["filename"], "cat.jpg");

    let second = server.send(&request, &[], b"woof").await;
    assert_eq!(second.refusal(), (412, "PreconditionFailed"));
    assert_eq!(server.get("uploads/cat.jpg").await, b"meow");
}

#[tokio::test]
async fn an_upload_url_accepts_only_the_signed_request() {
    let server = Server::start().await;
    let request = upload(&server, "uploads/cat.jpg").await;
    let uri = request.uri();
    let signed: Vec<(&str, &str)> = request.headers().collect();
    let with = |name: &str, value: &'static str| {
        let mut headers = signed.clone();
        for header in &mut headers {
            if header.0 == name {
                header.1 = value;
            }
        }
        headers
    };
    let without = |name: &str| {
        signed
            .iter()
            .copied()
            .filter(|(given, _)| *given != name)
            .collect::<Vec<_>>()
    };
    let other_key = uri.replace("cat.jpg", "dog.jpg");
    let longer = uri.replace("X-Amz-Expires=300", "X-Amz-Expires=3000");
    let fewer = uri.replace("x-amz-meta-filename", "");
    let address = server.aws.address();
    for (what, method, uri, headers, body) in [
        (
            "another type",
            "PUT",
            uri,
            with("content-type", "text/html"),
            &b"meow"[..],
        ),
        ("no type", "PUT", uri, without("content-type"), b"meow"),
        (
            "another length",
            "PUT",
            uri,
            with("content-length", "5"),
            b"meows",
        ),
        (
            "other metadata",
            "PUT",
            uri,
            with("x-amz-meta-filename", "evil.jpg"),
            b"meow",
        ),
        (
            "no metadata",
            "PUT",
            uri,
            without("x-amz-meta-filename"),
            b"meow",
        ),
        (
            "no condition",
            "PUT",
            uri,
            without("if-none-match"),
            b"meow",
        ),
        (
            "another key",
            "PUT",
            other_key.as_str(),
            signed.clone(),
            b"meow",
        ),
        (
            "a longer life",
            "PUT",
            longer.as_str(),
            signed.clone(),
            b"meow",
        ),
        ("another method", "DELETE", uri, signed.clone(), b"meow"),
    ] {
        let answer = http(address, method, uri, &headers, body).await;
        assert_eq!(
            answer.refusal(),
            (403, "SignatureDoesNotMatch"),
            "{what}: {answer:?}"
        );
        assert!(answer.element("Message").ends_with('.'), "{what}");
    }
    let fewer = http(address, "PUT", &fewer, &signed, b"meow").await;
    assert_eq!(fewer.status, 403, "{fewer:?}");
    assert!(!server.exists("uploads/cat.jpg").await);
    assert_eq!(
        server.send(&request, &[], b"meow").await.status,
        200,
        "the address itself is still good"
    );
}

#[tokio::test]
async fn an_unsigned_header_is_rejected() {
    let server = Server::start().await;
    let request = upload(&server, "uploads/cat.jpg").await;
    for header in [
        "x-amz-meta-evil",
        "x-amz-acl",
        "x-amz-tagging",
        "x-amz-storage-class",
        "x-amz-checksum-crc32",
    ] {
        let answer = server.send(&request, &[(header, "1")], b"meow").await;
        assert_eq!(answer.refusal(), (403, "AccessDenied"), "{header}");
        assert_eq!(answer.element("HeadersNotSigned"), header);
    }
    assert!(!server.exists("uploads/cat.jpg").await);
    // Tracing headers of proxies are not part of S3.
    let traced = server
        .send(&request, &[("x-amzn-trace-id", "Root=1")], b"meow")
        .await;
    assert_eq!(traced.status, 200);
}

#[tokio::test]
async fn a_url_expires() {
    let server = Server::start().await;
    server.put("a", "text").await;
    let an_hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let expired = PresigningConfig::builder()
        .start_time(an_hour_ago)
        .expires_in(Duration::from_secs(60))
        .build()
        .unwrap();
    let request = server.getting("a").presigned(expired).await.unwrap();
    let answer = server.send(&request, &[], b"").await;
    assert_eq!(answer.refusal(), (403, "AccessDenied"));
    assert_eq!(answer.element("Message"), "Request has expired");
}

#[tokio::test]
async fn a_url_for_more_than_a_week_is_rejected() {
    let server = Server::start().await;
    server.put("a", "text").await;
    let week = PresigningConfig::expires_in(Duration::from_secs(604_800)).unwrap();
    let request = server.getting("a").presigned(week).await.unwrap();
    assert_eq!(server.send(&request, &[], b"").await.status, 200);
    let longer = request.uri().replace("=604800", "=604801");
    let answer = http(server.aws.address(), "GET", &longer, &[], b"").await;
    assert_eq!(answer.refusal(), (400, "AuthorizationQueryParametersError"));
    assert!(answer.element("Message").contains("less than a week"));
}

#[tokio::test]
async fn a_download_url_works() {
    let server = Server::start().await;
    server.put("my cat+1.jpg", "meow").await;
    let get = server
        .getting("my cat+1.jpg")
        .response_content_type("image/jpeg");
    let request = get.presigned(five_minutes()).await.unwrap();
    let answer = server.send(&request, &[], b"").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "meow"));
    assert_eq!(answer.headers["content-type"], "image/jpeg");
    let part = server.send(&request, &[("range", "bytes=1-2")], b"").await;
    assert_eq!((part.status, part.body.as_str()), (206, "eo"));

    let stranger = client(server.aws.address(), "AKIDOTHER", "whatever");
    let request = stranger
        .get_object()
        .bucket(INPUT)
        .key("my cat+1.jpg")
        .presigned(five_minutes())
        .await
        .unwrap();
    assert_eq!(
        server.send(&request, &[], b"").await.refusal(),
        (403, "InvalidAccessKeyId")
    );
}

#[tokio::test]
async fn a_large_rejected_upload_gets_the_error() {
    let server = Server::start().await;
    server.put("uploads/cat.jpg", "meow").await;
    let put = server
        .s3
        .put_object()
        .bucket(INPUT)
        .key("uploads/cat.jpg")
        .if_none_match("*");
    let request = put.presigned(five_minutes()).await.unwrap();
    // More than fits in the socket's buffers: the client is still sending when the response is ready.
    let answer = server.send(&request, &[], &vec![7; 20 << 20]).await;
    assert_eq!(answer.refusal(), (412, "PreconditionFailed"));
    let answer = server
        .send(&request, &[("x-amz-meta-evil", "1")], &vec![7; 20 << 20])
        .await;
    assert_eq!(answer.refusal(), (403, "AccessDenied"));
}
