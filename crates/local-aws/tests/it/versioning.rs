//! Versions of objects: what is kept, what deletions leave, and how both are listed.

use crate::support::{INPUT, OUTPUT, Server, five_minutes, refusal, settings};
use aws_sdk_s3::{
    error::SdkError,
    primitives::ByteStream,
    types::{
        BucketVersioningStatus, CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier,
        Tag, Tagging, VersioningConfiguration,
    },
};
use aws_sigv4::http_request::SignableBody;
use std::{fs, path::Path, time::Duration};

impl Server {
    async fn set_versioning(&self, status: BucketVersioningStatus) {
        let configuration = VersioningConfiguration::builder().status(status).build();
        let put = self.s3.put_bucket_versioning().bucket(INPUT);
        let put = put.versioning_configuration(configuration);
        put.send().await.unwrap();
    }

    /// A server whose input bucket has versioning.
    async fn versioned() -> Self {
        let server = Self::start().await;
        server.set_versioning(BucketVersioningStatus::Enabled).await;
        server
    }

    /// Stores an object and returns its version id.
    async fn store(&self, key: &str, text: &str) -> Option<String> {
        let put = self.s3.put_object().bucket(INPUT).key(key);
        let put = put.body(ByteStream::from(text.as_bytes().to_vec()));
        put.send().await.unwrap().version_id().map(str::to_owned)
    }

    async fn version(&self, key: &str, version: &str) -> String {
        let got = self.getting(key).version_id(version).send().await.unwrap();
        assert_eq!(got.version_id(), Some(version));
        let bytes = got.body.collect().await.unwrap().to_vec();
        String::from_utf8(bytes).unwrap()
    }

    /// Deletes a version, or the current one. Returns the version id and whether it is a delete marker.
    async fn delete(&self, key: &str, version: Option<&str>) -> (Option<String>, Option<bool>) {
        let delete = self.s3.delete_object().bucket(INPUT).key(key);
        let deleted = delete.set_version_id(version.map(str::to_owned)).send();
        let deleted = deleted.await.unwrap();
        (
            deleted.version_id().map(str::to_owned),
            deleted.delete_marker(),
        )
    }

    /// Every version and delete marker: key, version, whether it is the latest, and its size unless it is a marker.
    async fn versions(&self, prefix: &str) -> Vec<(String, String, bool, Option<i64>)> {
        let list = self.s3.list_object_versions().bucket(INPUT);
        let listed = list.prefix(prefix).send().await.unwrap();
        let text = |text: Option<&str>| text.unwrap().to_owned();
        let versions = listed.versions().iter().map(|version| {
            (
                text(version.key()),
                text(version.version_id()),
                version.is_latest().unwrap(),
                version.size(),
            )
        });
        let markers = listed.delete_markers().iter().map(|marker| {
            (
                text(marker.key()),
                text(marker.version_id()),
                marker.is_latest().unwrap(),
                None,
            )
        });
        versions.chain(markers).collect()
    }

    /// The status, code, `x-amz-delete-marker` and `x-amz-version-id` of a failed GET.
    async fn failure(&self, key: &str, version: Option<&str>) -> (u16, String, String, String) {
        let get = self.getting(key).set_version_id(version.map(str::to_owned));
        let error = get.send().await.unwrap_err();
        let (status, code) = refusal(&error);
        let SdkError::ServiceError(error) = &error else {
            panic!("{error:?}");
        };
        let header = |name| {
            error
                .raw()
                .headers()
                .get(name)
                .unwrap_or_default()
                .to_owned()
        };
        (
            status,
            code,
            header("x-amz-delete-marker"),
            header("x-amz-version-id"),
        )
    }
}

/// The number of files with object bytes in a data folder.
fn files(data_dir: &Path) -> usize {
    let shards = fs::read_dir(data_dir.join("objects")).unwrap();
    shards
        .map(|shard| fs::read_dir(shard.unwrap().path()).unwrap().count())
        .sum()
}

#[tokio::test]
async fn a_bucket_with_versioning_keeps_every_version() {
    let server = Server::start().await;
    let state = server.s3.get_bucket_versioning().bucket(INPUT);
    assert_eq!(state.send().await.unwrap().status(), None);
    assert_eq!(server.store("a", "before").await, None);
    server.set_versioning(BucketVersioningStatus::Enabled).await;
    let state = server.s3.get_bucket_versioning().bucket(INPUT);
    assert_eq!(
        state.send().await.unwrap().status(),
        Some(&BucketVersioningStatus::Enabled)
    );
    let first = server.store("a", "first").await.unwrap();
    let second = server.store("a", "the second").await.unwrap();
    assert_ne!(first, second);
    assert_eq!(server.get("a").await, b"the second");
    assert_eq!(server.version("a", "null").await, "before");
    assert_eq!(server.version("a", &first).await, "first");
    assert_eq!(server.version("a", &second).await, "the second");
    let head = server.s3.head_object().bucket(INPUT).key("a");
    assert_eq!(
        head.send().await.unwrap().version_id(),
        Some(second.as_str())
    );
    let entry = |version: &str, latest, size| ("a".to_owned(), version.to_owned(), latest, size);
    assert_eq!(
        server.versions("").await,
        [
            entry(&second, true, Some(10)),
            entry(&first, false, Some(5)),
            entry("null", false, Some(6))
        ]
    );
    // The plain listing shows current versions alone.
    let list = server.s3.list_objects_v2().bucket(INPUT).send().await;
    assert_eq!(list.unwrap().contents().len(), 1);

    // A copy of a version restores it.
    let copy = server.s3.copy_object().bucket(INPUT).key("a");
    let copied = copy.copy_source(format!("{INPUT}/a?versionId={first}"));
    let copied = copied.send().await.unwrap();
    assert_eq!(copied.copy_source_version_id(), Some(first.as_str()));
    assert_eq!(server.get("a").await, b"first");
    assert_eq!(server.versions("").await.len(), 4);

    // The bucket of results is another one.
    let copy = server.s3.copy_object().bucket(OUTPUT).key("b");
    let copied = copy.copy_source(format!("{INPUT}/a"));
    assert_eq!(copied.send().await.unwrap().version_id(), None);
}

#[tokio::test]
async fn a_deletion_adds_a_marker_and_versions_are_deleted_one_by_one() {
    let server = Server::versioned().await;
    let first = server.store("a", "first").await.unwrap();
    let second = server.store("a", "second").await.unwrap();
    let (marker, is_marker) = server.delete("a", None).await;
    let marker = marker.unwrap();
    assert_eq!(is_marker, Some(true));
    let missing = |version: &str| {
        (
            404,
            "NoSuchKey".to_owned(),
            "true".to_owned(),
            version.to_owned(),
        )
    };
    assert_eq!(server.failure("a", None).await, missing(&marker));
    let not_allowed = (
        405,
        "MethodNotAllowed".to_owned(),
        "true".to_owned(),
        marker.clone(),
    );
    assert_eq!(server.failure("a", Some(&marker)).await, not_allowed);
    let head = server.s3.head_object().bucket(INPUT).key("a");
    let head = head.version_id(&marker).send().await.unwrap_err();
    assert_eq!(head.raw_response().unwrap().status().as_u16(), 405);
    assert_eq!(server.version("a", &second).await, "second");
    let list = server.s3.list_objects_v2().bucket(INPUT).send().await;
    assert_eq!(list.unwrap().contents().len(), 0);
    let listed = server.versions("a").await;
    assert_eq!(listed.len(), 3);
    assert_eq!(listed[2], ("a".to_owned(), marker.clone(), true, None));
    assert!(!listed[0].2 && !listed[1].2);

    // Without its marker the object is back.
    let deleted = server.delete("a", Some(&marker)).await;
    assert_eq!(deleted, (Some(marker.clone()), Some(true)));
    assert_eq!(server.get("a").await, b"second");
    // Without its current version the one before is.
    let deleted = server.delete("a", Some(&second)).await;
    assert_eq!(deleted, (Some(second.clone()), None));
    assert_eq!(server.get("a").await, b"first");
    assert_eq!(server.failure("a", Some(&second)).await.1, "NoSuchVersion");
    // A second deletion succeeds, and changes nothing.
    server.delete("a", Some(&second)).await;
    assert_eq!(server.get("a").await, b"first");

    // An object that never was gets a marker too.
    let (never, _) = server.delete("never", None).await;
    let bucket = server.s3.delete_bucket().bucket(INPUT).send().await;
    assert_eq!(refusal(&bucket.unwrap_err()).1, "BucketNotEmpty");
    server.delete("never", never.as_deref()).await;
    server.delete("a", Some(&first)).await;
    assert_eq!(server.versions("").await, []);
    assert_eq!(files(server.dir.path()), 0);
    server
        .s3
        .delete_bucket()
        .bucket(INPUT)
        .send()
        .await
        .unwrap();
}

#[tokio::test]
async fn a_suspended_bucket_replaces_the_null_version_alone() {
    let server = Server::versioned().await;
    let kept = server.store("a", "kept").await.unwrap();
    server
        .set_versioning(BucketVersioningStatus::Suspended)
        .await;
    for text in ["one", "two"] {
        assert_eq!(server.store("a", text).await.as_deref(), Some("null"));
        assert_eq!(server.get("a").await, text.as_bytes());
        assert_eq!(server.versions("a").await.len(), 2);
        assert_eq!(files(server.dir.path()), 2);
    }
    // The marker takes the place of the null version.
    assert_eq!(
        server.delete("a", None).await,
        (Some("null".to_owned()), Some(true))
    );
    assert_eq!(files(server.dir.path()), 1);
    assert_eq!(server.failure("a", None).await.0, 404);
    assert_eq!(server.version("a", &kept).await, "kept");
    server.store("a", "three").await;
    assert_eq!(server.versions("a").await.len(), 2);
    // Enabled again, the null version is kept beside new ones.
    server.set_versioning(BucketVersioningStatus::Enabled).await;
    server.store("a", "four").await.unwrap();
    assert_eq!(server.version("a", "null").await, "three");
    assert_eq!(server.versions("a").await.len(), 3);
    // Suspended again, the null version is replaced although it is not the current one.
    server
        .set_versioning(BucketVersioningStatus::Suspended)
        .await;
    server.store("a", "five").await;
    assert_eq!(server.version("a", "null").await, "five");
    assert_eq!(server.versions("a").await.len(), 3);
    assert_eq!(files(server.dir.path()), 3);
}

#[tokio::test]
async fn conditions_of_writes_go_by_the_current_version() {
    let server = Server::versioned().await;
    let put = || {
        let put = server.s3.put_object().bucket(INPUT).key("a");
        put.body(ByteStream::from_static(b"again"))
    };
    put().if_none_match("*").send().await.unwrap();
    let error = put().if_none_match("*").send().await.unwrap_err();
    assert_eq!(refusal(&error).0, 412);
    let e_tag = server.getting("a").send().await.unwrap();
    let e_tag = e_tag.e_tag().unwrap().to_owned();
    server.store("a", "other").await;
    let error = put().if_match(&e_tag).send().await.unwrap_err();
    assert_eq!(refusal(&error).0, 412);
    server.delete("a", None).await;
    let error = put().if_match("*").send().await.unwrap_err();
    assert_eq!(refusal(&error).0, 404);
    // Behind a delete marker there is no object.
    put().if_none_match("*").send().await.unwrap();
    assert_eq!(server.versions("a").await.len(), 4);
}

#[tokio::test]
async fn many_versions_are_deleted_in_one_request() {
    let server = Server::versioned().await;
    let mut objects = Vec::new();
    for number in 0..3 {
        let version = server.store("a", &number.to_string()).await.unwrap();
        let object = ObjectIdentifier::builder().key("a").version_id(version);
        objects.push(object.build().unwrap());
    }
    server.store("b", "b").await.unwrap();
    let plain = ObjectIdentifier::builder().key("b").build().unwrap();
    let wrong = ObjectIdentifier::builder().key("b").version_id("wrong");
    objects.extend([plain, wrong.build().unwrap()]);
    let delete = Delete::builder()
        .set_objects(Some(objects))
        .build()
        .unwrap();
    let deleted = server.s3.delete_objects().bucket(INPUT).delete(delete);
    let deleted = deleted.send().await.unwrap();
    let marked: Vec<_> = deleted
        .deleted()
        .iter()
        .filter(|deleted| deleted.delete_marker() == Some(true))
        .collect();
    assert_eq!((deleted.deleted().len(), marked.len()), (4, 1));
    assert!(marked[0].version_id().is_none() && marked[0].delete_marker_version_id().is_some());
    assert_eq!(deleted.errors().len(), 1);
    assert_eq!(deleted.errors()[0].code(), Some("NoSuchVersion"));
    assert_eq!(deleted.errors()[0].version_id(), Some("wrong"));
    assert_eq!(server.versions("a").await, []);
    assert_eq!(server.versions("b").await.len(), 2);
}

#[tokio::test]
async fn tags_and_attributes_belong_to_a_version() {
    let server = Server::versioned().await;
    let first = server.store("a", "first").await.unwrap();
    let second = server.store("a", "second").await.unwrap();
    for (version, value) in [(None, "second"), (Some(&first), "first")] {
        let tag = Tag::builder().key("which").value(value).build().unwrap();
        let tagging = Tagging::builder().tag_set(tag).build().unwrap();
        let put = server.s3.put_object_tagging().bucket(INPUT).key("a");
        let put = put.tagging(tagging).set_version_id(version.cloned());
        let put = put.send().await.unwrap();
        assert_eq!(put.version_id(), Some(version.unwrap_or(&second).as_str()));
    }
    for (version, value) in [(&first, "first"), (&second, "second")] {
        let get = server.s3.get_object_tagging().bucket(INPUT).key("a");
        let tags = get.version_id(version).send().await.unwrap();
        assert_eq!(tags.tag_set()[0].value(), value);
        let get = server.s3.get_object_attributes().bucket(INPUT).key("a");
        let get = get.object_attributes(aws_sdk_s3::types::ObjectAttributes::ObjectSize);
        let attributes = get.version_id(version).send().await.unwrap();
        assert_eq!(attributes.object_size(), i64::try_from(value.len()).ok());
        assert_eq!(attributes.version_id(), Some(version.as_str()));
    }
    let delete = server.s3.delete_object_tagging().bucket(INPUT).key("a");
    delete.version_id(&first).send().await.unwrap();
    let get = server.s3.get_object_tagging().bucket(INPUT).key("a");
    assert_eq!(get.send().await.unwrap().tag_set().len(), 1);
}

#[tokio::test]
async fn an_upload_in_parts_becomes_a_version_and_is_completed_again_with_it() {
    let server = Server::versioned().await;
    let before = server.store("a", "before").await.unwrap();
    let create = server.s3.create_multipart_upload().bucket(INPUT).key("a");
    let upload = create.send().await.unwrap().upload_id().unwrap().to_owned();
    let part = server.s3.upload_part().bucket(INPUT).key("a");
    let part = part.upload_id(&upload).part_number(1);
    let part = part.body(ByteStream::from_static(b"in parts"));
    let part = part.send().await.unwrap();
    let part = CompletedPart::builder()
        .part_number(1)
        .e_tag(part.e_tag().unwrap());
    let parts = CompletedMultipartUpload::builder()
        .parts(part.build())
        .build();
    let mut versions = Vec::new();
    for _ in 0..2 {
        let complete = server.s3.complete_multipart_upload().bucket(INPUT).key("a");
        let complete = complete.upload_id(&upload).multipart_upload(parts.clone());
        versions.push(
            complete
                .send()
                .await
                .unwrap()
                .version_id()
                .unwrap()
                .to_owned(),
        );
    }
    assert_eq!(versions[0], versions[1]);
    assert_eq!(server.version("a", &versions[0]).await, "in parts");
    assert_eq!(server.version("a", &before).await, "before");
    assert_eq!(server.versions("a").await.len(), 2);

    let create = server.s3.create_multipart_upload().bucket(INPUT).key("b");
    let upload = create.send().await.unwrap().upload_id().unwrap().to_owned();
    let copy = server.s3.upload_part_copy().bucket(INPUT).key("b");
    let copy = copy.upload_id(upload).part_number(1);
    let copied = copy.copy_source(format!("{INPUT}/a?versionId={before}"));
    let copied = copied.send().await.unwrap();
    assert_eq!(copied.copy_source_version_id(), Some(before.as_str()));
}

#[tokio::test]
async fn a_presigned_url_reads_one_version() {
    let server = Server::versioned().await;
    let first = server.store("a", "first").await.unwrap();
    server.store("a", "second").await;
    let url = server.getting("a").version_id(&first);
    let url = url.presigned(five_minutes()).await.unwrap();
    let response = server.send(&url, &[], b"").await;
    assert_eq!((response.status, response.body.as_str()), (200, "first"));
    assert_eq!(response.headers["x-amz-version-id"], first);
    let other = url.uri().replace(&first, "null");
    let response = crate::support::http(server.aws.address(), "GET", &other, &[], b"").await;
    assert_eq!(response.refusal(), (403, "SignatureDoesNotMatch"));
}

#[tokio::test]
async fn events_name_the_version() {
    let server = Server::versioned().await;
    let version = server.store("uploads/a", "first").await;
    let queue = server.aws.queue();
    let message = queue
        .receive(1, Duration::from_secs(60))
        .await
        .unwrap()
        .remove(0);
    let event: serde_json::Value = serde_json::from_str(&message.body).unwrap();
    assert_eq!(
        event["Records"][0]["s3"]["object"]["versionId"].as_str(),
        version.as_deref()
    );
}

#[tokio::test]
async fn versions_are_listed_by_page_while_they_are_deleted() {
    let server = Server::versioned().await;
    for key in ["a", "b/1", "b/2", "c d"] {
        for number in 0..3 {
            server.store(key, &number.to_string()).await;
        }
    }
    server.delete("c d", None).await;
    let rolled_up = server.s3.list_object_versions().bucket(INPUT);
    let rolled_up = rolled_up.delimiter("/").send().await.unwrap();
    assert_eq!(rolled_up.common_prefixes()[0].prefix(), Some("b/"));
    assert_eq!(rolled_up.versions().len(), 6);

    let (mut key, mut version, mut seen) = (None, None, 0);
    loop {
        let list = server.s3.list_object_versions().bucket(INPUT).max_keys(2);
        let list = list.encoding_type(aws_sdk_s3::types::EncodingType::Url);
        let list = list.set_key_marker(key).set_version_id_marker(version);
        let page = list.send().await.unwrap();
        let entries = page
            .versions()
            .iter()
            .map(|version| (version.key(), version.version_id()))
            .chain(
                page.delete_markers()
                    .iter()
                    .map(|marker| (marker.key(), marker.version_id())),
            );
        for (key, version) in entries {
            let key = key.unwrap().replace("%20", " ");
            server.delete(&key, version).await;
            seen += 1;
        }
        if page.is_truncated() != Some(true) {
            break;
        }
        key = page.next_key_marker().map(|key| key.replace("%20", " "));
        version = page.next_version_id_marker().map(str::to_owned);
    }
    assert_eq!(seen, 13);
    assert_eq!(server.versions("").await, []);
    let list = server.s3.list_object_versions().bucket(INPUT);
    let error = list.version_id_marker("null").send().await.unwrap_err();
    assert_eq!(refusal(&error), (400, "InvalidArgument".to_owned()));
}

#[tokio::test]
async fn a_configuration_must_have_a_known_state() {
    let server = Server::start().await;
    for (body, expected) in [
        (
            "<VersioningConfiguration/>",
            (400, "IllegalVersioningConfigurationException"),
        ),
        (
            "<VersioningConfiguration><Status>On</Status></VersioningConfiguration>",
            (400, "IllegalVersioningConfigurationException"),
        ),
        (
            "<VersioningConfiguration><Status>Enabled</Status><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>",
            (501, "NotImplemented"),
        ),
    ] {
        let body = body.as_bytes();
        let target = format!("/{INPUT}?versioning");
        let response = server
            .send_signed("PUT", &target, &[], SignableBody::Bytes(body), body)
            .await;
        assert_eq!(response.refusal(), expected, "{response:?}");
    }
    let put = server.s3.put_bucket_versioning().bucket("no-such-bucket");
    let enabled = VersioningConfiguration::builder().status(BucketVersioningStatus::Enabled);
    let error = put.versioning_configuration(enabled.build()).send().await;
    assert_eq!(
        refusal(&error.unwrap_err()),
        (404, "NoSuchBucket".to_owned())
    );
}

#[tokio::test]
async fn calls_for_a_version_need_their_own_permissions() {
    let server = Server::versioned().await;
    let version = server.store("a", "text").await.unwrap();
    server.version("a", &version).await;
    server.versions("a").await;
    server.delete("a", Some(&version)).await;
    server.delete("a", None).await;
    let calls = server.into_calls().await;
    let needed: Vec<String> = calls
        .iter()
        .map(|call| {
            let permission = &call["permissions"][0];
            let text = |name: &str| permission[name].as_str().unwrap().to_owned();
            format!("{} {}", text("action"), text("resource"))
        })
        .collect();
    let (bucket, object) = ("arn:aws:s3:::pictures-in", "arn:aws:s3:::pictures-in/a");
    assert_eq!(
        needed,
        [
            format!("s3:PutBucketVersioning {bucket}"),
            format!("s3:PutObject {object}"),
            format!("s3:GetObjectVersion {object}"),
            format!("s3:ListBucketVersions {bucket}"),
            format!("s3:DeleteObjectVersion {object}"),
            format!("s3:DeleteObject {object}"),
        ]
    );
}

#[tokio::test]
async fn the_input_bucket_may_have_versioning_from_the_start() {
    let server = Server::start_with(|settings| settings.versioning = true).await;
    assert!(server.store("a", "text").await.is_some());
    // It stays when a later start does not ask for it.
    let Server { aws, dir, .. } = server;
    aws.shutdown().await;
    let settings = settings(dir.path());
    let server = Server::start_in(dir, settings).await.unwrap();
    assert!(server.store("a", "more").await.is_some());
    let put = server.s3.put_object().bucket(OUTPUT).key("b").send().await;
    assert_eq!(put.unwrap().version_id(), None);
}
