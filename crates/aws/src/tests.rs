//! The adapters against a server with prepared responses.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_s3::config::{Credentials, SharedCredentialsProvider};
use serde_json::json;
use sightline_pipeline::{
    object_store::{Condition, Get, GetOutcome, ObjectStore, Put, PutOutcome},
    recogniser::{ImageSource, Recogniser, RecogniserCall, RecogniserQuery},
    service_error::ServiceError,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use crate::{Clients, clients};

/// Sends the next prepared response to each request, and records the requests.
struct Replay {
    endpoint: String,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Replay {
    async fn serve(answers: Vec<String>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint = format!("http://{}", listener.local_addr().unwrap());
        let requests = Arc::new(Mutex::new(Vec::new()));
        let received = requests.clone();
        tokio::spawn(async move {
            for answer in answers {
                let (mut stream, _) = listener.accept().await.unwrap();
                let request = read_request(&mut stream).await;
                received.lock().unwrap().push(request);
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        Self { endpoint, requests }
    }

    fn clients(&self) -> Clients {
        clients(&config(&self.endpoint))
    }

    fn request(&self, number: usize) -> String {
        self.requests.lock().unwrap()[number].clone()
    }
}

fn config(endpoint: &str) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new("eu-west-1"))
        .credentials_provider(SharedCredentialsProvider::new(Credentials::new(
            "AKIDEXAMPLE",
            "not-a-secret",
            None,
            None,
            "test",
        )))
        .retry_config(RetryConfig::disabled())
        .http_client(crate::https::client())
        .endpoint_url(endpoint)
        .build()
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    loop {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        request.extend(&piece[..read]);
        let text = String::from_utf8_lossy(&request);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head
                .lines()
                .filter_map(|line| line.split_once(": "))
                .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                .map_or(0, |(_, length)| length.parse().unwrap());
            if body.len() >= length || read == 0 {
                return text.into_owned();
            }
        }
    }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn s3_error(status: &str, code: &str) -> String {
    answer(
        status,
        "content-type: application/xml\r\n",
        &format!("<Error><Code>{code}</Code><Message>message of {code}</Message></Error>"),
    )
}

const GET: Get<'_> = Get {
    bucket: "in-put",
    key: "uploads/my cat+1.jpg",
    version_id: None,
    if_match: Some("e1"),
    first_bytes: Some(100),
};

const PUT: Put<'_> = Put {
    bucket: "out-put",
    key: "claims/uploads/a.jpg",
    body: b"{}",
    content_type: "application/json",
    metadata: &[("source-e-tag", "e1")],
    condition: Condition::IfAbsent,
};

/// The code of an error, and whether it is retryable.
fn code_and_retryable(error: &ServiceError) -> (&str, bool) {
    (&error.code, error.is_retryable())
}

#[tokio::test]
async fn a_ranged_get_sends_its_range_and_reads_the_size_of_the_object() {
    let server = Replay::serve(vec![answer(
        "206 Partial Content",
        "content-range: bytes 0-2/1234\r\netag: \"e1\"\r\ncontent-type: image/jpeg\r\n\
         x-amz-version-id: v1\r\nx-amz-meta-analyses: labels\r\n\
         x-amz-checksum-sha256: n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=-3\r\n",
        "abc",
    )])
    .await;
    let found = server.clients().store.get(GET).await.unwrap();
    let GetOutcome::Found(info, bytes) = found else {
        panic!("{found:?}");
    };
    assert_eq!((info.size, &*bytes), (1234, &b"abc"[..]));
    assert_eq!(info.e_tag, "e1");
    assert_eq!(info.version_id.as_deref(), Some("v1"));
    assert_eq!(info.metadata["analyses"], "labels");
    // A multipart upload has a checksum of checksums, which is not the object's.
    assert_eq!(info.sha256, None);
    let request = server.request(0).to_ascii_lowercase();
    assert!(
        request.starts_with("get /in-put/uploads/my%20cat%2b1.jpg?"),
        "{request}"
    );
    for line in [
        "range: bytes=0-99",
        "if-match: \"e1\"",
        "x-amz-checksum-mode: enabled",
    ] {
        assert!(
            request.contains(&format!("\r\n{line}\r\n")),
            "{line} in {request}"
        );
    }
}

#[tokio::test]
async fn a_head_returns_the_verified_sha256_in_hexadecimal() {
    let server = Replay::serve(vec![
        answer(
            "200 OK",
            "etag: \"e1\"\r\ncontent-type: image/png\r\nx-amz-version-id: null\r\n\
             x-amz-checksum-sha256: n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=\r\n",
            "",
        )
        .replace("content-length: 0", "content-length: 77"),
        answer("404 Not Found", "", ""),
        answer("403 Forbidden", "", ""),
    ])
    .await;
    let store = server.clients().store;
    let info = store
        .head("in-put", "uploads/a.png")
        .await
        .unwrap()
        .unwrap();
    assert_eq!(info.size, 77);
    assert_eq!(info.version_id, None);
    assert_eq!(
        info.sha256.as_deref(),
        Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")
    );
    assert_eq!(store.head("in-put", "uploads/b.png").await.unwrap(), None);
    let error = store.head("in-put", "uploads/c.png").await.unwrap_err();
    assert_eq!(code_and_retryable(&error), ("AccessDenied", false));
    assert!(error.message.contains("s3:ListBucket"), "{error}");
}

#[tokio::test]
async fn a_get_distinguishes_missing_and_changed_objects_from_failures() {
    let empty = answer("200 OK", "etag: \"e1\"\r\ncontent-type: image/png\r\n", "");
    let server = Replay::serve(vec![
        s3_error("404 Not Found", "NoSuchKey"),
        s3_error("404 Not Found", "NoSuchVersion"),
        s3_error("405 Method Not Allowed", "MethodNotAllowed"),
        s3_error("412 Precondition Failed", "PreconditionFailed"),
        s3_error("416 Requested Range Not Satisfiable", "InvalidRange"),
        empty,
        s3_error("404 Not Found", "NoSuchBucket"),
        s3_error("503 Slow Down", "SlowDown"),
        s3_error("403 Forbidden", "InvalidObjectState"),
    ])
    .await;
    let store = server.clients().store;
    for _ in 0..3 {
        assert_eq!(store.get(GET).await.unwrap(), GetOutcome::Missing);
    }
    assert_eq!(store.get(GET).await.unwrap(), GetOutcome::Changed);
    let GetOutcome::Found(info, bytes) = store.get(GET).await.unwrap() else {
        panic!("an empty object exists");
    };
    assert_eq!((info.size, bytes.len()), (0, 0));
    for (code, retryable) in [
        ("NoSuchBucket", false),
        ("SlowDown", true),
        ("InvalidObjectState", false),
    ] {
        let error = store.get(GET).await.unwrap_err();
        assert_eq!(code_and_retryable(&error), (code, retryable));
        assert_eq!(error.message, format!("message of {code}"));
        assert_eq!(
            (error.operation, error.resource.as_deref()),
            ("GetObject", Some("in-put"))
        );
    }
}

#[tokio::test]
async fn a_body_that_is_cut_off_is_read_again_and_then_fails() {
    let promised = "etag: \"e1\"\r\ncontent-type: image/jpeg\r\ncontent-length: 1000\r\n";
    let chunked = "etag: \"e1\"\r\ntransfer-encoding: chunked\r\n";
    let broken = [
        format!("HTTP/1.1 200 OK\r\n{promised}\r\nhalf of it"),
        format!("HTTP/1.1 200 OK\r\n{chunked}\r\na\r\nhalf of it\r\n"),
        format!("HTTP/1.1 200 OK\r\n{promised}\r\n"),
    ];
    let whole = answer("200 OK", "etag: \"e1\"\r\n", "all of it");
    for reply in broken {
        let server = Replay::serve(vec![reply.clone(); 3]).await;
        let error = server.clients().store.get(GET).await.unwrap_err();
        assert_eq!(code_and_retryable(&error), ("Response", true));
        assert!(error.message.contains("cut off"), "{error}");

        // Reading again at once costs less than retrying the whole picture.
        let server = Replay::serve(vec![reply.clone(), reply, whole.clone()]).await;
        let read = server.clients().store.get(GET).await.unwrap();
        assert!(matches!(read, GetOutcome::Found(_, bytes) if bytes == b"all of it"));
    }
}

#[tokio::test]
async fn a_put_distinguishes_a_failed_condition_from_a_failure() {
    let server = Replay::serve(vec![
        answer("200 OK", "etag: \"e2\"\r\n", ""),
        s3_error("412 Precondition Failed", "PreconditionFailed"),
        s3_error("409 Conflict", "ConditionalRequestConflict"),
        s3_error("404 Not Found", "NoSuchKey"),
        s3_error("409 Conflict", "OperationAborted"),
        s3_error("404 Not Found", "NoSuchBucket"),
        s3_error("500 Internal Server Error", "InternalError"),
    ])
    .await;
    let store = server.clients().store;
    let replace = Put {
        condition: Condition::IfMatch("e1"),
        ..PUT
    };
    assert_eq!(
        store.put(PUT).await.unwrap(),
        PutOutcome::Stored("e2".into())
    );
    for put in [PUT, PUT, replace] {
        assert_eq!(store.put(put).await.unwrap(), PutOutcome::ConditionFailed);
    }
    for (code, retryable) in [
        ("OperationAborted", false),
        ("NoSuchBucket", false),
        ("InternalError", true),
    ] {
        let error = store.put(replace).await.unwrap_err();
        assert_eq!(code_and_retryable(&error), (code, retryable));
    }
    let first = server.request(0).to_ascii_lowercase();
    assert!(first.contains("\r\nif-none-match: *\r\n"));
    assert!(first.contains("\r\nx-amz-meta-source-e-tag: e1\r\n"));
    let replaced = server.request(3).to_ascii_lowercase();
    assert!(replaced.contains("\r\nif-match: \"e1\"\r\n"));
    assert!(!replaced.contains("if-none-match"));
}

#[tokio::test]
async fn deleting_a_missing_object_succeeds() {
    let server = Replay::serve(vec![
        answer("204 No Content", "", ""),
        s3_error("403 Forbidden", "AccessDenied"),
    ])
    .await;
    let store = server.clients().store;
    store.delete("out-put", "claims/a").await.unwrap();
    let error = store.delete("out-put", "claims/a").await.unwrap_err();
    assert_eq!(
        (error.operation, error.code.as_str()),
        ("DeleteObject", "AccessDenied")
    );
}

#[tokio::test]
async fn all_versions_of_an_object_are_deleted_newest_last() {
    let xml = |body: &str| answer("200 OK", "content-type: application/xml\r\n", body);
    let version = |element: &str, key: &str, id: &str| {
        format!("<{element}><Key>{key}</Key><VersionId>{id}</VersionId></{element}>")
    };
    let page = |truncated: bool, entries: &[String]| {
        xml(&format!(
            "<ListVersionsResult><EncodingType>url</EncodingType><IsTruncated>{truncated}</IsTruncated>{}</ListVersionsResult>",
            entries.concat()
        ))
    };
    let (key, next) = ("uploads/a%20b.jpg", "uploads/a%20b.jpg2");
    let hidden = answer(
        "204 No Content",
        "x-amz-version-id: m2\r\nx-amz-delete-marker: true\r\n",
        "",
    );
    let deleted = || xml("<DeleteResult/>");
    let refused = "<DeleteResult><Error><Code>AccessDenied</Code><Message>no</Message></Error></DeleteResult>";
    let server = Replay::serve(vec![
        // Two pages, the second of which goes on with another key.
        hidden.clone(),
        page(
            true,
            &[
                version("Version", key, "v3"),
                version("DeleteMarker", key, "m1"),
            ],
        ),
        deleted(),
        deleted(),
        page(
            true,
            &[version("Version", key, "v1"), version("Version", next, "w")],
        ),
        deleted(),
        deleted(),
        // A bucket without versions.
        answer("204 No Content", "", ""),
        // A version that may not be deleted.
        hidden,
        page(false, &[version("Version", key, "v1")]),
        xml(refused),
    ])
    .await;
    let store = server.clients().store;
    let delete = || store.delete_versions("in-put", "uploads/a b.jpg");
    delete().await.unwrap();
    let listed = server.request(1);
    assert!(
        listed.contains("version-id-marker=m2")
            && listed.contains("key-marker=uploads%2Fa%20b.jpg"),
        "{listed}"
    );
    let ids = |number| {
        let request = server.request(number);
        ["v1", "v3", "m1", "m2", "w"]
            .into_iter()
            .filter(|id| request.contains(&format!("<VersionId>{id}</VersionId>")))
            .collect::<Vec<_>>()
    };
    assert_eq!(
        [ids(2), ids(3), ids(5), ids(6)],
        [vec!["v3"], vec!["m1"], vec!["v1"], vec!["m2"]]
    );
    delete().await.unwrap();
    let error = delete().await.unwrap_err();
    assert_eq!(
        (error.operation, error.code.as_str()),
        ("DeleteObjects", "AccessDenied")
    );
    assert!(!error.is_retryable());
}

fn call(query: RecogniserQuery) -> RecogniserCall {
    RecogniserCall {
        query,
        image: ImageSource::Object {
            bucket: "in-put".into(),
            key: "uploads/my cat+1.jpg".into(),
            version_id: Some("v1".into()),
        },
        owner: None,
    }
}

fn body_of(request: &str) -> serde_json::Value {
    serde_json::from_str(request.split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn an_answer_keeps_members_that_the_sdk_does_not_know() {
    let text = r#"{"Labels":[{"Name":"Dog","Confidence":99.12345886230469,"NewInThe2030s":[1]}],"LabelModelVersion":"3.0","Later":{"a":0.1}}"#;
    let server = Replay::serve(vec![answer(
        "200 OK",
        "content-type: application/x-amz-json-1.1\r\n",
        text,
    )])
    .await;
    let answered = server
        .clients()
        .recogniser
        .recognise(&call(RecogniserQuery::Labels {
            labels: true,
            image_properties: true,
            min_confidence: 55.0,
            max_labels: 10,
        }))
        .await
        .unwrap();
    assert_eq!(
        answered,
        serde_json::from_str::<serde_json::Value>(text).unwrap()
    );
    assert!(answered.to_string().contains("99.12345886230469"));
    assert_eq!(
        body_of(&server.request(0)),
        json!({
            "Image": {"S3Object": {"Bucket": "in-put", "Name": "uploads/my cat+1.jpg", "Version": "v1"}},
            "Features": ["GENERAL_LABELS", "IMAGE_PROPERTIES"],
            "MinConfidence": 55.0,
            "MaxLabels": 10,
        })
    );
}

#[tokio::test]
async fn every_query_calls_its_operation() {
    let queries = [
        RecogniserQuery::Labels {
            labels: false,
            image_properties: true,
            min_confidence: 55.0,
            max_labels: 10,
        },
        RecogniserQuery::Faces,
        RecogniserQuery::Text,
        RecogniserQuery::Moderation {
            min_confidence: 60.0,
        },
        RecogniserQuery::Celebrities,
        RecogniserQuery::ProtectiveEquipment,
        RecogniserQuery::CustomLabels {
            project_version_arn: "arn:aws:rekognition:eu-west-1:111122223333:project/p/version/v/1"
                .into(),
        },
    ];
    let beside_the_image = [
        json!({"Features": ["IMAGE_PROPERTIES"]}),
        json!({"Attributes": ["ALL"]}),
        json!({}),
        json!({"MinConfidence": 60.0}),
        json!({}),
        json!({}),
        json!({"ProjectVersionArn": "arn:aws:rekognition:eu-west-1:111122223333:project/p/version/v/1"}),
    ];
    let server = Replay::serve(vec![answer("200 OK", "", "{}"); queries.len()]).await;
    let recogniser = server.clients().recogniser;
    for (number, (query, expected)) in queries.into_iter().zip(beside_the_image).enumerate() {
        let target = query.operation().target();
        let call = RecogniserCall {
            query,
            image: ImageSource::Bytes([1, 2, 3].into()),
            owner: None,
        };
        assert_eq!(recogniser.recognise(&call).await.unwrap(), json!({}));
        let request = server.request(number);
        assert!(
            request.contains(&format!("{target}\r\n")),
            "{target} in {request}"
        );
        let mut body = body_of(&request);
        let image = body.as_object_mut().unwrap().remove("Image");
        assert_eq!(image, Some(json!({"Bytes": "AQID"})));
        assert_eq!(body, expected);
    }
}

#[tokio::test]
async fn throttling_and_server_errors_of_the_recogniser_are_retryable() {
    let error = |status: &str, code: &str| {
        answer(
            status,
            "content-type: application/x-amz-json-1.1\r\n",
            &json!({"__type": code, "Message": format!("message of {code}")}).to_string(),
        )
    };
    let cases = [
        (
            "400 Bad Request",
            "ProvisionedThroughputExceededException",
            true,
        ),
        ("500 Internal Server Error", "ThrottlingException", true),
        ("400 Bad Request", "ThrottlingException", true),
        ("500 Internal Server Error", "InternalServerError", true),
        ("400 Bad Request", "ExpiredTokenException", true),
        ("400 Bad Request", "ImageTooLargeException", false),
        ("400 Bad Request", "InvalidImageFormatException", false),
        ("400 Bad Request", "InvalidParameterException", false),
        ("400 Bad Request", "InvalidS3ObjectException", false),
        ("400 Bad Request", "AccessDeniedException", false),
        ("501 Not Implemented", "UnknownOperationException", false),
    ];
    let server = Replay::serve(cases.iter().map(|case| error(case.0, case.1)).collect()).await;
    let recogniser = server.clients().recogniser;
    for (_, code, retryable) in cases {
        let error = recogniser
            .recognise(&call(RecogniserQuery::Text))
            .await
            .unwrap_err();
        assert_eq!(code_and_retryable(&error), (code, retryable));
        assert_eq!(error.message, format!("message of {code}"));
    }
}

#[tokio::test]
async fn missing_and_unreadable_responses_are_retryable() {
    // Nothing listens on this port.
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", gone.local_addr().unwrap());
    drop(gone);
    let error = clients(&config(&endpoint))
        .store
        .head("in-put", "k")
        .await
        .unwrap_err();
    assert_eq!(code_and_retryable(&error), ("Dispatch", true));

    // The server accepts the connection and sends nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", silent.local_addr().unwrap());
    let sdk = config(&endpoint)
        .into_builder()
        .timeout_config(
            TimeoutConfig::builder()
                .operation_timeout(Duration::from_millis(50))
                .build(),
        )
        .build();
    let error = clients(&sdk)
        .recogniser
        .recognise(&call(RecogniserQuery::Faces))
        .await
        .unwrap_err();
    assert_eq!(code_and_retryable(&error), ("Timeout", true));

    // The response is not JSON.
    let server = Replay::serve(vec![answer("200 OK", "", "<html>")]).await;
    let error = server
        .clients()
        .recogniser
        .recognise(&call(RecogniserQuery::Faces))
        .await
        .unwrap_err();
    assert_eq!(code_and_retryable(&error), ("Response", true));
}
