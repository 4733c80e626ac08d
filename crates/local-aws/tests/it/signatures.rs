use crate::support::{INPUT, KEY, SECRET, Server, client, http, refusal};

#[tokio::test]
async fn wrong_keys_are_rejected() {
    let server = Server::start().await;
    let address = server.aws.address();
    let error = client(address, KEY, "wrong")
        .list_objects_v2()
        .bucket(INPUT)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (403, "SignatureDoesNotMatch".to_owned()));
    let error = client(address, "AKIDOTHER", SECRET)
        .list_objects_v2()
        .bucket(INPUT)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (403, "InvalidAccessKeyId".to_owned()));
    client(address, KEY, SECRET)
        .list_objects_v2()
        .bucket(INPUT)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn unsigned_requests_are_rejected() {
    let server = Server::start().await;
    let address = server.aws.address();
    server.put("a", "text").await;
    for (method, target) in [
        ("GET", "/"),
        ("GET", "/pictures-in"),
        ("GET", "/pictures-in/a"),
        ("PUT", "/pictures-in/b"),
        ("DELETE", "/pictures-in/a"),
    ] {
        let answer = http(address, method, target, &[], b"").await;
        assert_eq!(answer.refusal(), (403, "AccessDenied"), "{method} {target}");
        assert_eq!(answer.element("Resource"), target);
        assert_eq!(
            answer.element("RequestId"),
            answer.headers["x-amz-request-id"]
        );
    }
    assert!(server.exists("a").await);
}

#[tokio::test]
async fn other_signatures_are_rejected() {
    let server = Server::start().await;
    let address = server.aws.address();
    let v2 = [
        ("authorization", "AWS AKIDLOCAL:c2lnbmF0dXJl"),
        ("date", "Fri, 02 Jan 2026 03:04:05 GMT"),
    ];
    assert_eq!(
        http(address, "GET", "/pictures-in", &v2, b"")
            .await
            .refusal(),
        (400, "InvalidRequest")
    );
    let bearer = [("authorization", "Bearer x")];
    assert_eq!(
        http(address, "GET", "/pictures-in", &bearer, b"")
            .await
            .status,
        400
    );
    let form = [("content-type", "multipart/form-data; boundary=x")];
    assert_eq!(
        http(address, "POST", "/pictures-in", &form, b"--x--")
            .await
            .refusal(),
        (501, "NotImplemented")
    );
}

#[tokio::test]
async fn nonsense_gets_an_error_and_does_no_harm() {
    let server = Server::start().await;
    let address = server.aws.address();
    for (method, target, status) in [
        ("GET", "/pictures-in/%ff", 400),
        ("GET", "/PICTURES", 400),
        ("PATCH", "/pictures-in/a", 403),
        ("POST", "/", 403),
        ("GET", "/pictures-in?X-Amz-Signature=x", 400),
        ("TRACE", "/", 403),
    ] {
        let answer = http(address, method, target, &[], b"").await;
        assert!(
            (400..600).contains(&answer.status),
            "{method} {target}: {answer:?}"
        );
        assert!(
            answer.status == status || answer.status == 501,
            "{method} {target}: {answer:?}"
        );
        assert!(!answer.element("Message").is_empty());
    }
    server.put("a", "still there").await;
}

/// A URL as `aws s3 presign` creates it for `us-east-1`. Its signature was computed with
/// `printf 'PUT\n\ntext/plain\n4000000000\nx-amz-meta-a:1\n/pictures-in/a' |
/// openssl dgst -sha1 -hmac 'local/secret+key' -binary | base64`.
#[tokio::test]
async fn a_v2_signature_in_the_url_covers_type_and_metadata() {
    let server = Server::start().await;
    let address = server.aws.address();
    let target = "/pictures-in/a?AWSAccessKeyId=AKIDLOCAL&Expires=4000000000&Signature=SJXzaU8a7mo6ApTwRD%2B0Wqv3YSQ%3D";
    let signed = [("content-type", "text/plain"), ("x-amz-meta-a", "1")];
    let more = [signed[0], signed[1], ("x-amz-meta-evil", "1")];
    let other = [("content-type", "text/html"), signed[1]];
    for headers in [&more[..], &other, &[]] {
        let answer = http(address, "PUT", target, headers, b"text").await;
        assert_eq!(answer.refusal(), (403, "SignatureDoesNotMatch"));
    }
    assert_eq!(
        http(address, "PUT", target, &signed, b"text").await.status,
        200
    );
    let expired = target.replace("4000000000", "1000000000");
    let answer = http(address, "PUT", &expired, &signed, b"text").await;
    assert_eq!(answer.refusal(), (403, "AccessDenied"));
}
