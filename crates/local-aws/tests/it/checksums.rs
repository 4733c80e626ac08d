use crate::support::{INPUT, Server, five_minutes, refusal};
use aws_sdk_s3::{
    primitives::ByteStream,
    types::{ChecksumAlgorithm, ChecksumMode},
};
use aws_sigv4::http_request::SignableBody;
use base64::{Engine, engine::general_purpose::STANDARD};

#[tokio::test]
async fn checksums_are_stored_and_returned_on_request() {
    let server = Server::start().await;
    for (algorithm, value) in [
        (ChecksumAlgorithm::Crc32, "y/Q5Jg=="),
        (ChecksumAlgorithm::Crc32C, "4waSgw=="),
        (ChecksumAlgorithm::Crc64Nvme, "rosUhgp5mIg="),
        (ChecksumAlgorithm::Sha1, "98O8HYCOBHMq32eZZczDTKeuNEE="),
        (
            ChecksumAlgorithm::Sha256,
            "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
        ),
    ] {
        let body = ByteStream::from_static(b"123456789");
        let put = server
            .s3
            .put_object()
            .bucket(INPUT)
            .key("a")
            .checksum_algorithm(algorithm.clone())
            .body(body);
        put.send().await.unwrap();
        let head = server
            .s3
            .head_object()
            .bucket(INPUT)
            .key("a")
            .checksum_mode(ChecksumMode::Enabled);
        let head = head.send().await.unwrap();
        let told = match algorithm {
            ChecksumAlgorithm::Crc32 => head.checksum_crc32(),
            ChecksumAlgorithm::Crc32C => head.checksum_crc32_c(),
            ChecksumAlgorithm::Crc64Nvme => head.checksum_crc64_nvme(),
            ChecksumAlgorithm::Sha1 => head.checksum_sha1(),
            _ => head.checksum_sha256(),
        };
        assert_eq!(told, Some(value), "{algorithm:?}");
        let quiet = server
            .s3
            .head_object()
            .bucket(INPUT)
            .key("a")
            .send()
            .await
            .unwrap();
        assert_eq!(
            (quiet.checksum_crc32(), quiet.checksum_type()),
            (None, None)
        );
        // The SDK verifies the checksum.
        assert_eq!(server.get("a").await, b"123456789");
    }
}

#[tokio::test]
async fn a_wrong_checksum_stores_nothing() {
    let server = Server::start().await;
    let put = || {
        server
            .s3
            .put_object()
            .bucket(INPUT)
            .key("uploads/a")
            .body(ByteStream::from_static(b"text"))
    };
    let wrong = STANDARD.encode([7; 32]);
    let error = put().checksum_sha256(&wrong).send().await.unwrap_err();
    assert_eq!(refusal(&error), (400, "BadDigest".to_owned()));
    let error = put().checksum_crc32("AAAAAA==").send().await.unwrap_err();
    assert_eq!(refusal(&error), (400, "BadDigest".to_owned()));
    let error = put()
        .content_md5(STANDARD.encode([7; 16]))
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (400, "BadDigest".to_owned()));
    let error = put().content_md5("nonsense").send().await.unwrap_err();
    assert_eq!(refusal(&error), (400, "InvalidDigest".to_owned()));
    let error = put().checksum_crc32("nonsense").send().await.unwrap_err();
    assert_eq!(refusal(&error), (400, "InvalidRequest".to_owned()));

    assert!(!server.exists("uploads/a").await);
    assert_eq!(server.aws.queue().depth().await.unwrap().visible, 0);
    let shards = std::fs::read_dir(server.dir.path().join("objects")).unwrap();
    let files: usize = shards
        .map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count())
        .sum();
    assert_eq!(files, 0);
}

#[tokio::test]
async fn a_wrong_checksum_keeps_the_existing_object() {
    let server = Server::start().await;
    server.put("a", "good").await;
    let bad = server
        .s3
        .put_object()
        .bucket(INPUT)
        .key("a")
        .body(ByteStream::from_static(b"bad"));
    assert!(bad.checksum_crc32("AAAAAA==").send().await.is_err());
    assert_eq!(server.get("a").await, b"good");
}

/// An upload with a chunked, unsigned body and a trailer, as SDKs send it.
async fn chunked(server: &Server, key: &str, body: &str) -> (u16, String) {
    let target = format!("/{INPUT}/{key}");
    let headers = [
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "4"),
        ("x-amz-trailer", "x-amz-checksum-crc32"),
    ];
    let payload = SignableBody::StreamingUnsignedPayloadTrailer;
    let answer = server
        .send_signed("PUT", &target, &headers, payload, body.as_bytes())
        .await;
    (answer.status, answer.element("Code").to_owned())
}

#[tokio::test]
async fn a_chunked_body_must_be_complete_and_correct() {
    let server = Server::start().await;
    let crc = {
        server.put("probe", "text").await;
        let head = server
            .s3
            .head_object()
            .bucket(INPUT)
            .key("probe")
            .checksum_mode(ChecksumMode::Enabled);
        head.send()
            .await
            .unwrap()
            .checksum_crc32()
            .unwrap()
            .to_owned()
    };
    for (body, expected) in [
        (
            format!("4\r\ntext\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n"),
            (200, ""),
        ),
        (
            format!("2\r\nte\r\n2\r\nxt\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n"),
            (200, ""),
        ),
        (
            "4\r\ntext\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n".to_owned(),
            (400, "BadDigest"),
        ),
        ("4\r\ntext\r\n0\r\n\r\n".to_owned(), (400, "IncompleteBody")),
        ("4\r\ntext\r\n".to_owned(), (400, "IncompleteBody")),
        (
            format!("3\r\ntex\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n"),
            (400, "IncompleteBody"),
        ),
        (
            format!("5\r\ntext!\r\n0\r\nx-amz-checksum-crc32:{crc}\r\n\r\n"),
            (400, "IncompleteBody"),
        ),
        ("nonsense\r\n".to_owned(), (400, "InvalidRequest")),
    ] {
        let (status, code) = chunked(&server, "uploads/a", &body).await;
        assert_eq!((status, code.as_str()), expected, "{body:?}");
        assert_eq!(server.exists("uploads/a").await, status == 200, "{body:?}");
        server
            .s3
            .delete_object()
            .bucket(INPUT)
            .key("uploads/a")
            .send()
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_presigned_url_can_sign_the_checksum() {
    let server = Server::start().await;
    let put = server.s3.put_object().bucket(INPUT).key("a");
    let right = "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=";
    let request = put
        .checksum_sha256(right)
        .presigned(five_minutes())
        .await
        .unwrap();
    assert_eq!(
        server.send(&request, &[], b"12345678X").await.refusal(),
        (400, "BadDigest")
    );
    assert!(!server.exists("a").await);
    assert_eq!(server.send(&request, &[], b"123456789").await.status, 200);
}

#[tokio::test]
async fn a_body_must_have_the_signed_hash() {
    let server = Server::start().await;
    let target = format!("/{INPUT}/uploads/a");
    let signed = SignableBody::Bytes(b"text");
    let answer = server
        .send_signed("PUT", &target, &[], signed, b"tex!")
        .await;
    assert_eq!(answer.refusal(), (400, "XAmzContentSHA256Mismatch"));
    assert!(!server.exists("uploads/a").await);
    let answer = server
        .send_signed("PUT", &target, &[], SignableBody::Bytes(b"text"), b"text")
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    // Without a checksum in the request, S3 computes one.
    assert_eq!(answer.headers["x-amz-checksum-type"], "FULL_OBJECT");
    assert!(answer.headers.contains_key("x-amz-checksum-crc64nvme"));
}
