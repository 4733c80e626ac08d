use crate::support::{INPUT, Server, five_minutes, http, refusal};
use aws_sdk_s3::types::{Delete, EncodingType, ObjectIdentifier};
use std::collections::BTreeSet;

/// Keys that are special in paths, URLs, XML or SQL.
fn difficult_keys() -> Vec<String> {
    let mut keys: Vec<String> = [
        "../escape",
        "uploads/../../other/x",
        "./a",
        "a",
        "a/",
        "a/b",
        "a//b",
        "/a",
        "//",
        "a/./b",
        "uploads/my cat+1.jpg",
        " leading and trailing ",
        "100%",
        "%2e%2e%2f",
        "a?b=c&d#e",
        "<key>&\"'</key>",
        "it's; DROP TABLE objects;--",
        "Grüße/日本語/😀",
        "e\u{301}",
        "é",
        "tab\tnewline\nreturn\r",
        "\u{1}\u{7f}",
        "a*b|c\\d:e",
        "~-_.!'()",
        "CON",
        "a\u{200b}b",
    ]
    .map(str::to_owned)
    .to_vec();
    keys.push("k".repeat(1024));
    keys.push("ü".repeat(512));
    keys
}

#[tokio::test]
async fn any_key_is_stored_exactly() {
    let server = Server::start().await;
    for key in difficult_keys() {
        server.put(&key, key.as_bytes()).await;
    }
    for key in difficult_keys() {
        assert_eq!(server.get(&key).await, key.as_bytes(), "{key:?}");
    }
    let listed = server
        .s3
        .list_objects_v2()
        .bucket(INPUT)
        .encoding_type(EncodingType::Url)
        .send()
        .await
        .unwrap();
    let listed: BTreeSet<String> = listed
        .contents()
        .iter()
        .map(|object| {
            percent_encoding::percent_decode_str(object.key().unwrap())
                .decode_utf8()
                .unwrap()
                .into_owned()
        })
        .collect();
    assert_eq!(listed, difficult_keys().into_iter().collect());

    // No file is outside the folder.
    let outside: Vec<_> = std::fs::read_dir(server.dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| !name.starts_with("store.sqlite3"))
        .collect();
    let known = [
        "aws-calls.jsonl",
        "dead-letters",
        "lock",
        "objects",
        "reserve",
        "tmp",
    ];
    assert_eq!(
        outside.iter().map(String::as_str).collect::<BTreeSet<_>>(),
        known.into()
    );
}

#[tokio::test]
async fn any_key_can_be_copied_presigned_and_deleted() {
    let server = Server::start().await;
    for key in difficult_keys() {
        server.put(&key, key.as_bytes()).await;
        let source = format!(
            "{INPUT}/{}",
            percent_encoding::utf8_percent_encode(&key, percent_encoding::NON_ALPHANUMERIC)
        );
        server
            .s3
            .copy_object()
            .bucket(INPUT)
            .key("copy")
            .copy_source(source)
            .send()
            .await
            .unwrap();
        assert_eq!(server.get("copy").await, key.as_bytes(), "{key:?}");
        let request = server
            .getting(&key)
            .presigned(five_minutes())
            .await
            .unwrap();
        let answer = server.send(&request, &[], b"").await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (200, key.as_str()),
            "{key:?}"
        );
        server
            .s3
            .delete_object()
            .bucket(INPUT)
            .key(&key)
            .send()
            .await
            .unwrap();
        assert!(!server.exists(&key).await, "{key:?}");
    }
}

#[tokio::test]
async fn keys_that_xml_can_represent_can_be_deleted_together() {
    let server = Server::start().await;
    // XML cannot represent most control characters, and parsers normalise line breaks.
    let keys: Vec<String> = difficult_keys()
        .into_iter()
        .filter(|key| !key.chars().any(|letter| letter.is_control()))
        .collect();
    for key in &keys {
        server.put(key, "x").await;
    }
    let objects = keys
        .iter()
        .map(|key| ObjectIdentifier::builder().key(key).build().unwrap())
        .collect();
    let delete = Delete::builder()
        .set_objects(Some(objects))
        .build()
        .unwrap();
    let deleted = server
        .s3
        .delete_objects()
        .bucket(INPUT)
        .delete(delete)
        .send()
        .await
        .unwrap();
    assert!(deleted.errors().is_empty());
    let left = server
        .s3
        .list_objects_v2()
        .bucket(INPUT)
        .send()
        .await
        .unwrap();
    assert_eq!(left.contents(), [], "all are gone");
}

#[tokio::test]
async fn a_key_of_more_than_1024_bytes_is_too_long() {
    let server = Server::start().await;
    for key in ["k".repeat(1025), "ü".repeat(513)] {
        let error = server
            .s3
            .put_object()
            .bucket(INPUT)
            .key(&key)
            .send()
            .await
            .unwrap_err();
        assert_eq!(refusal(&error), (400, "KeyTooLongError".to_owned()));
    }
}

#[tokio::test]
async fn a_bucket_can_be_in_the_host_name() {
    let server = Server::start().await;
    server.put("uploads/my cat.jpg", "meow").await;
    let address = server.aws.address();
    let port = address.port();
    let config = server
        .s3
        .config()
        .to_builder()
        .endpoint_url(format!("http://localhost:{port}"));
    let client = aws_sdk_s3::Client::from_conf(config.force_path_style(false).build());
    let request = client
        .get_object()
        .bucket(INPUT)
        .key("uploads/my cat.jpg")
        .presigned(five_minutes())
        .await
        .unwrap();
    let host = format!("{INPUT}.localhost:{port}");
    let target = request
        .uri()
        .strip_prefix(&format!("http://{host}"))
        .unwrap();
    let answer = http(address, "GET", target, &[("host", &host)], b"").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "meow"));
}
