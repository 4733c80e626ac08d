use crate::support::{INPUT, OUTPUT, Server, refusal, request_id, status};
use aws_sdk_s3::{
    primitives::{ByteStream, DateTime},
    types::{
        Delete, MetadataDirective, ObjectAttributes, ObjectIdentifier, StorageClass, Tag, Tagging,
        TaggingDirective,
    },
};

#[tokio::test]
async fn an_object_round_trips() {
    let server = Server::start().await;
    let put = server
        .s3
        .put_object()
        .bucket(INPUT)
        .key("uploads/cat.jpg")
        .body(ByteStream::from_static(b"meow"))
        .content_type("image/jpeg")
        .cache_control("max-age=60")
        .content_disposition("attachment")
        .content_encoding("identity")
        .content_language("de")
        .expires(DateTime::from_secs(2_000_000_000))
        .metadata("filename", "my%20cat.jpg")
        .metadata("Analyses", "labels,faces")
        .tagging("colour=black&size=small+one")
        .storage_class(StorageClass::StandardIa)
        .send()
        .await
        .unwrap();
    assert_eq!(put.e_tag(), Some("\"4a4be40c96ac6314e91d93f38043a634\""));
    assert_eq!(request_id(&put).len(), 16);

    let got = server.getting("uploads/cat.jpg").send().await.unwrap();
    assert_eq!(got.content_type(), Some("image/jpeg"));
    assert_eq!(got.cache_control(), Some("max-age=60"));
    assert_eq!(got.content_disposition(), Some("attachment"));
    assert_eq!(got.content_encoding(), Some("identity"));
    assert_eq!(got.content_language(), Some("de"));
    assert_eq!(got.expires_string(), Some("Wed, 18 May 2033 03:33:20 GMT"));
    assert_eq!(got.e_tag(), put.e_tag());
    assert_eq!(got.content_length(), Some(4));
    assert_eq!(got.accept_ranges(), Some("bytes"));
    assert_eq!(got.tag_count(), Some(2));
    assert_eq!(got.storage_class(), Some(&StorageClass::StandardIa));
    let metadata = got.metadata().unwrap();
    assert_eq!(metadata["filename"], "my%20cat.jpg");
    assert_eq!(metadata["analyses"], "labels,faces");
    assert!(got.last_modified().is_some());
    assert_eq!(got.body.collect().await.unwrap().to_vec(), b"meow");

    let head = server
        .s3
        .head_object()
        .bucket(INPUT)
        .key("uploads/cat.jpg")
        .send()
        .await
        .unwrap();
    assert_eq!(head.content_length(), Some(4));
    assert_eq!(head.content_type(), Some("image/jpeg"));
    assert_eq!(head.metadata().unwrap().len(), 2);
}

#[tokio::test]
async fn an_object_replaces_the_previous_one_and_may_be_empty() {
    let server = Server::start().await;
    server.put("uploads/a", "first").await;
    server.put("uploads/a", "second one").await;
    assert_eq!(server.get("uploads/a").await, b"second one");
    server.put("uploads/a", "").await;
    assert_eq!(server.get("uploads/a").await, b"");
    let files = walk(&server.dir.path().join("objects"));
    assert_eq!(files, 1, "files of replaced objects go");
}

fn walk(dir: &std::path::Path) -> usize {
    std::fs::read_dir(dir)
        .unwrap()
        .map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count())
        .sum()
}

#[tokio::test]
async fn a_large_object_is_streamed_both_ways() {
    let server = Server::start().await;
    let bytes: Vec<u8> = (0..9_000_000_u32)
        .flat_map(|number| (number as u16).to_le_bytes())
        .collect();
    server.put("uploads/large", bytes.clone()).await;
    assert_eq!(server.get("uploads/large").await, bytes);
    let got = server
        .getting("uploads/large")
        .range("bytes=1000000-3999999")
        .send()
        .await
        .unwrap();
    assert_eq!(got.content_range(), Some("bytes 1000000-3999999/18000000"));
    assert_eq!(
        got.body.collect().await.unwrap().to_vec(),
        &bytes[1_000_000..4_000_000]
    );
}

#[tokio::test]
async fn ranges_are_answered() {
    let server = Server::start().await;
    server.put("a", "0123456789").await;
    server.put("empty", "").await;
    for (range, expected) in [
        ("bytes=0-3", Some(("bytes 0-3/10", "0123"))),
        ("bytes=8-", Some(("bytes 8-9/10", "89"))),
        ("bytes=-2", Some(("bytes 8-9/10", "89"))),
        ("bytes=-99", Some(("bytes 0-9/10", "0123456789"))),
        ("bytes=5-99", Some(("bytes 5-9/10", "56789"))),
        ("bytes=10-", None),
    ] {
        let result = server.getting("a").range(range).send().await;
        match (result, expected) {
            (Ok(got), Some((content_range, bytes))) => {
                assert_eq!(got.content_range(), Some(content_range), "{range}");
                assert_eq!(
                    got.body.collect().await.unwrap().to_vec(),
                    bytes.as_bytes(),
                    "{range}"
                );
            }
            (Err(error), None) => {
                assert_eq!(refusal(&error), (416, "InvalidRange".to_owned()), "{range}")
            }
            (result, _) => panic!("{range}: {result:?}"),
        }
    }
    let error = server
        .getting("empty")
        .range("bytes=0-")
        .send()
        .await
        .unwrap_err();
    assert_eq!(status(&error), 416);
    let head = server
        .s3
        .head_object()
        .bucket(INPUT)
        .key("a")
        .range("bytes=2-4")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (head.content_length(), head.content_range()),
        (Some(3), Some("bytes 2-4/10"))
    );
}

#[tokio::test]
async fn response_headers_can_be_overridden() {
    let server = Server::start().await;
    server.put("a", "text").await;
    let got = server
        .getting("a")
        .response_content_type("text/plain")
        .response_content_disposition("attachment; filename=\"a.txt\"")
        .response_cache_control("no-store")
        .send()
        .await
        .unwrap();
    assert_eq!(got.content_type(), Some("text/plain"));
    assert_eq!(
        got.content_disposition(),
        Some("attachment; filename=\"a.txt\"")
    );
    assert_eq!(got.cache_control(), Some("no-store"));
    let plain = server.getting("a").send().await.unwrap();
    assert_eq!(plain.content_type(), Some("application/octet-stream"));
}

#[tokio::test]
async fn missing_objects_and_buckets_are_errors() {
    let server = Server::start().await;
    let error = server.getting("nothing").send().await.unwrap_err();
    assert_eq!(refusal(&error), (404, "NoSuchKey".to_owned()));
    let error = server
        .s3
        .get_object()
        .bucket("no-such-bucket")
        .key("a")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (404, "NoSuchBucket".to_owned()));
    let error = server
        .s3
        .put_object()
        .bucket("no-such-bucket")
        .key("a")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (404, "NoSuchBucket".to_owned()));
    let error = server
        .s3
        .head_object()
        .bucket(INPUT)
        .key("nothing")
        .send()
        .await
        .unwrap_err();
    assert_eq!(status(&error), 404);
    let error = server
        .s3
        .head_bucket()
        .bucket("no-such-bucket")
        .send()
        .await
        .unwrap_err();
    assert_eq!(status(&error), 404);
    let error = server
        .getting("nothing")
        .version_id("abc")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (400, "InvalidArgument".to_owned()));
}

#[tokio::test]
async fn copies_keep_or_replace_metadata() {
    let server = Server::start().await;
    server
        .s3
        .put_object()
        .bucket(INPUT)
        .key("from me+1")
        .body(ByteStream::from_static(b"copy me"))
        .content_type("text/plain")
        .metadata("a", "1")
        .tagging("t=1")
        .send()
        .await
        .unwrap();
    let source = format!("{INPUT}/from%20me%2B1");
    let copy = server
        .s3
        .copy_object()
        .bucket(OUTPUT)
        .key("to")
        .copy_source(&source)
        .send()
        .await
        .unwrap();
    assert!(copy.copy_object_result().unwrap().last_modified().is_some());
    let kept = server
        .s3
        .get_object()
        .bucket(OUTPUT)
        .key("to")
        .send()
        .await
        .unwrap();
    assert_eq!(kept.content_type(), Some("text/plain"));
    assert_eq!(kept.metadata().unwrap()["a"], "1");
    assert_eq!(kept.tag_count(), Some(1));
    assert_eq!(kept.body.collect().await.unwrap().to_vec(), b"copy me");

    server
        .s3
        .copy_object()
        .bucket(INPUT)
        .key("from me+1")
        .copy_source(&source)
        .metadata_directive(MetadataDirective::Replace)
        .tagging_directive(TaggingDirective::Replace)
        .content_type("image/png")
        .metadata("b", "2")
        .send()
        .await
        .unwrap();
    let replaced = server.getting("from me+1").send().await.unwrap();
    assert_eq!(replaced.content_type(), Some("image/png"));
    assert_eq!(
        replaced.metadata().unwrap().keys().collect::<Vec<_>>(),
        ["b"]
    );
    assert_eq!(replaced.tag_count(), None);

    let error = server
        .s3
        .copy_object()
        .bucket(INPUT)
        .key("from me+1")
        .copy_source(&source)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (400, "InvalidRequest".to_owned()));
    let missing = format!("{INPUT}/nothing");
    let error = server
        .s3
        .copy_object()
        .bucket(INPUT)
        .key("x")
        .copy_source(missing)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (404, "NoSuchKey".to_owned()));
    let error = server
        .s3
        .copy_object()
        .bucket(INPUT)
        .key("x")
        .copy_source(&source)
        .copy_source_if_match("\"other\"")
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (412, "PreconditionFailed".to_owned()));
}

#[tokio::test]
async fn one_or_many_objects_can_be_deleted() {
    let server = Server::start().await;
    for key in ["a", "b", "c/d", "c/e"] {
        server.put(key, key).await;
    }
    server
        .s3
        .delete_object()
        .bucket(INPUT)
        .key("a")
        .send()
        .await
        .unwrap();
    server
        .s3
        .delete_object()
        .bucket(INPUT)
        .key("a")
        .send()
        .await
        .unwrap();
    assert!(!server.exists("a").await);

    let identifier = |key: &str| ObjectIdentifier::builder().key(key).build().unwrap();
    let keys = ["b", "c/d", "nothing", &"x".repeat(1025)].map(identifier);
    let delete = Delete::builder()
        .set_objects(Some(keys.to_vec()))
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
    let names: Vec<_> = deleted
        .deleted()
        .iter()
        .filter_map(|object| object.key())
        .collect();
    assert_eq!(names, ["b", "c/d", "nothing"]);
    assert_eq!(deleted.errors()[0].code(), Some("KeyTooLongError"));
    assert!(!server.exists("c/d").await);
    assert!(server.exists("c/e").await);
}

#[tokio::test]
async fn tags_and_attributes_are_returned() {
    let server = Server::start().await;
    server.put("a", "text").await;
    let tag = Tag::builder()
        .key("colour")
        .value("black & white")
        .build()
        .unwrap();
    let tagging = Tagging::builder().tag_set(tag.clone()).build().unwrap();
    server
        .s3
        .put_object_tagging()
        .bucket(INPUT)
        .key("a")
        .tagging(tagging)
        .send()
        .await
        .unwrap();
    let tags = server
        .s3
        .get_object_tagging()
        .bucket(INPUT)
        .key("a")
        .send()
        .await
        .unwrap();
    assert_eq!(tags.tag_set(), [tag]);
    server
        .s3
        .delete_object_tagging()
        .bucket(INPUT)
        .key("a")
        .send()
        .await
        .unwrap();
    let tags = server
        .s3
        .get_object_tagging()
        .bucket(INPUT)
        .key("a")
        .send()
        .await
        .unwrap();
    assert!(tags.tag_set().is_empty());

    let attributes = server
        .s3
        .get_object_attributes()
        .bucket(INPUT)
        .key("a")
        .object_attributes(ObjectAttributes::Etag)
        .object_attributes(ObjectAttributes::ObjectSize)
        .object_attributes(ObjectAttributes::Checksum)
        .object_attributes(ObjectAttributes::StorageClass)
        .send()
        .await
        .unwrap();
    assert_eq!(attributes.object_size(), Some(4));
    assert!(
        attributes
            .e_tag()
            .unwrap()
            .contains("1cb251ec0d568de6a929b520c4aed8d1")
    );
    assert!(attributes.checksum().unwrap().checksum_crc32().is_some());
    assert_eq!(attributes.storage_class(), Some(&StorageClass::Standard));
}
