//! HTTP itself: hosts, origins, dates, slow clients, repeated and oversized requests.

use crate::support::{INPUT, KEY, SECRET, Server, five_minutes, http, refusal};
use aws_sdk_s3::types::{CompletedMultipartUpload, CompletedPart};
use aws_sigv4::http_request::SignableBody;
use sightline_local_aws::BucketCors;
use std::time::{Duration, Instant};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

const PAGE: &str = "http://127.0.0.1:8080";

#[tokio::test]
async fn pages_of_other_origins_cannot_use_the_endpoint() {
    let server = Server::start_with(|settings| {
        settings.cors = vec![BucketCors::for_uploads(INPUT, [PAGE])];
    })
    .await;
    server.put("uploads/cat.jpg", "meow").await;
    let sign = five_minutes();
    let get = server.getting("uploads/cat.jpg").presigned(sign.clone());
    let put = server.s3.put_object().bucket(INPUT).key("uploads/cat.jpg");
    let delete = server
        .s3
        .delete_object()
        .bucket(INPUT)
        .key("uploads/cat.jpg");
    let requests = [
        get.await.unwrap(),
        put.presigned(sign.clone()).await.unwrap(),
        delete.presigned(sign).await.unwrap(),
    ];
    for headers in [
        &[("origin", "http://evil.example")][..],
        &[
            ("origin", "http://127.0.0.1:3000"),
            ("sec-fetch-site", "same-site"),
        ],
        &[("origin", "null")],
        &[
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-mode", "no-cors"),
        ],
        &[("sec-fetch-site", "same-site"), ("sec-fetch-dest", "image")],
        &[
            ("origin", "http://evil.example"),
            ("upgrade", "websocket"),
            ("connection", "upgrade"),
        ],
    ] {
        for request in &requests {
            let response = server.send(request, headers, b"").await;
            assert_eq!(response.refusal(), (403, "AccessDenied"), "{headers:?}");
            assert!(!response.headers.contains_key("access-control-allow-origin"));
            assert!(response.element("Message").contains("--allowed-origins"));
        }
    }
    assert_eq!(server.get("uploads/cat.jpg").await, b"meow");
    let own = server.send(&requests[0], &[("origin", PAGE)], b"").await;
    assert_eq!((own.status, own.body.as_str()), (200, "meow"));
    let image = [
        ("sec-fetch-site", "cross-site"),
        ("referer", "http://127.0.0.1:8080/"),
    ];
    assert_eq!(server.send(&requests[0], &image, b"").await.status, 200);
    // The other services on the same port.
    for target in ["RekognitionService.DetectLabels", "AmazonSQS.SendMessage"] {
        let headers = [("x-amz-target", target), ("origin", "http://evil.example")];
        let response = http(server.aws.address(), "POST", "/", &headers, b"{}").await;
        assert_eq!(response.status, 403);
    }
}

#[tokio::test]
async fn only_the_services_own_names_are_answered() {
    let server =
        Server::start_with(|settings| settings.host_names = vec!["pictures.local".to_owned()])
            .await;
    let status = async |host: &str| {
        let headers = [("host", host)];
        http(server.aws.address(), "GET", "/", &headers, b"")
            .await
            .status
    };
    // Not signed, and so forbidden.
    for host in [
        "127.0.0.1:4566",
        "localhost",
        "pictures-in.localhost:1",
        "[::1]",
        "pictures.local",
    ] {
        assert_eq!(status(host).await, 403, "{host}");
    }
    for host in [
        "evil.example",
        "evil.example:4566",
        "192.0.2.1",
        "127.0.0.1.evil.example",
    ] {
        assert_eq!(status(host).await, 421, "{host}");
    }
    let two = [("host", "localhost"), ("host", "localhost")];
    let response = http(server.aws.address(), "GET", "/", &two, b"").await;
    assert_eq!(response.refusal(), (400, "BadRequest"));
}

#[tokio::test]
async fn a_malformed_date_is_a_bad_request() {
    let server = Server::start().await;
    let request = server.getting("a").presigned(five_minutes()).await.unwrap();
    let uri = request.uri();
    let date = uri
        .split('&')
        .find_map(|pair| pair.strip_prefix("X-Amz-Date="))
        .unwrap();
    for malformed in [
        "",
        "2026",
        "2026-1-2T030405Z",
        "2026/1/2T0304.5Z",
        "20261302T030405Z",
        "99999999T999999Z",
    ] {
        let uri = uri.replace(date, malformed);
        let response = http(server.aws.address(), "GET", &uri, &[], b"").await;
        assert!(
            response.status == 400 || malformed.len() == 16 && response.status == 403,
            "{malformed}: {response:?}"
        );
    }
    let scope = uri.replace(&date[..8], "2026%2F1%2F");
    let response = http(server.aws.address(), "GET", &scope, &[], b"").await;
    assert_eq!(response.status, 400, "{response:?}");
    let authorization = format!(
        "AWS4-HMAC-SHA256 Credential={KEY}/2026.1.2/us-east-1/s3/aws4_request, SignedHeaders=host, Signature={}",
        "0".repeat(64)
    );
    let headers = [
        ("authorization", authorization.as_str()),
        ("x-amz-date", "20260102T030405Z"),
    ];
    let response = http(server.aws.address(), "GET", "/", &headers, b"").await;
    assert_eq!(response.refusal(), (400, "AuthorizationHeaderMalformed"));
    assert!(!response.body.contains(SECRET));
}

#[tokio::test]
async fn a_completed_upload_is_completed_again() {
    let server = Server::start().await;
    let upload = server.s3.create_multipart_upload().bucket(INPUT).key("a");
    let id = upload.send().await.unwrap().upload_id.unwrap();
    let part = server
        .s3
        .upload_part()
        .bucket(INPUT)
        .key("a")
        .upload_id(&id);
    let part = part
        .part_number(1)
        .body(b"meow".to_vec().into())
        .send()
        .await
        .unwrap();
    let part = CompletedPart::builder()
        .part_number(1)
        .e_tag(part.e_tag.unwrap())
        .build();
    let complete = || {
        let parts = CompletedMultipartUpload::builder()
            .parts(part.clone())
            .build();
        let complete = server.s3.complete_multipart_upload().bucket(INPUT).key("a");
        complete.upload_id(&id).multipart_upload(parts).send()
    };
    let first = complete().await.unwrap();
    let again = complete().await.unwrap();
    assert_eq!(first.e_tag, again.e_tag);
    assert_eq!(first.location, again.location);
    assert_eq!(first.checksum_crc64_nvme, again.checksum_crc64_nvme);
    assert_eq!(first.checksum_type, again.checksum_type);
    // The object is another one now.
    server.put("a", "woof").await;
    assert_eq!(
        refusal(&complete().await.unwrap_err()),
        (404, "NoSuchUpload".to_owned())
    );
    let copy = server.s3.copy_object().bucket(INPUT).key("a");
    copy.copy_source(format!("{INPUT}/a"))
        .metadata_directive("REPLACE".into())
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(&complete().await.unwrap_err()),
        (404, "NoSuchUpload".to_owned())
    );
}

#[tokio::test]
async fn part_numbers_out_of_range_are_invalid() {
    let server = Server::start().await;
    server.put("a", "meow").await;
    for (method, number, expected) in [
        ("GET", "0", (400, "InvalidArgument")),
        ("GET", "10001", (400, "InvalidArgument")),
        ("GET", "99999999999", (400, "InvalidArgument")),
        ("GET", "2", (416, "InvalidPartNumber")),
        ("PUT", "0", (400, "InvalidArgument")),
        ("PUT", "10001", (400, "InvalidArgument")),
    ] {
        let target = if method == "GET" {
            format!("/{INPUT}/a?partNumber={number}")
        } else {
            format!("/{INPUT}/a?partNumber={number}&uploadId=0")
        };
        let response = server
            .send_signed(method, &target, &[], SignableBody::Bytes(b""), b"")
            .await;
        assert_eq!(response.refusal(), expected, "{method} {number}");
    }
}

#[tokio::test]
async fn more_than_a_thousand_keys_are_not_deleted_at_once() {
    let server = Server::start().await;
    server.put("key-0", "meow").await;
    let delete = async |count: usize, more: &str| {
        let mut body = String::from("<Delete>");
        for number in 0..count {
            body += &format!("<Object><Key>key-{number}</Key>{more}</Object>");
        }
        body += "</Delete>";
        let body = body.as_bytes();
        let md5 = [("content-type", "application/xml")];
        let target = format!("/{INPUT}?delete");
        let payload = SignableBody::Bytes(body);
        server
            .send_signed("POST", &target, &md5, payload, body)
            .await
    };
    let response = delete(1001, "").await;
    assert_eq!(response.refusal(), (400, "MalformedXML"));
    // More than is read into memory.
    let body = vec![b' '; 9 << 20];
    let target = format!("/{INPUT}?delete");
    let unsigned = SignableBody::UnsignedPayload;
    let response = server
        .send_signed("POST", &target, &[], unsigned, &body)
        .await;
    assert_eq!(response.refusal(), (400, "MalformedXML"));
    for condition in [
        "<Size>4</Size>",
        "<LastModifiedTime>Fri, 02 Jan 2026 03:04:05 GMT</LastModifiedTime>",
    ] {
        let response = delete(1, condition).await;
        assert_eq!(response.refusal(), (501, "NotImplemented"), "{condition}");
    }
    assert_eq!(server.get("key-0").await, b"meow");
    assert_eq!(delete(1000, "").await.status, 200);
}

#[tokio::test]
async fn an_empty_put_that_expects_100_continue_is_answered_at_once() {
    let server = Server::start().await;
    let put = server.s3.put_object().bucket(INPUT).key("empty");
    let request = put.presigned(five_minutes()).await.unwrap();
    let address = server.aws.address();
    let target = request
        .uri()
        .strip_prefix(&format!("http://{address}"))
        .unwrap();
    let head = format!(
        "PUT {target} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 0\r\nexpect: 100-continue\r\n\r\n"
    );
    let started = Instant::now();
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // Older clients take the next bytes of the connection for the interim response that they await.
    stream.read_to_end(&mut answer).await.unwrap();
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    assert!(
        answer.to_lowercase().contains("connection: close"),
        "{answer}"
    );
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(server.get("empty").await, b"");
}
