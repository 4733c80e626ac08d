use crate::support::{INPUT, Server, refusal};
use aws_sdk_s3::{
    primitives::ByteStream,
    types::{
        ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart,
        ObjectAttributes,
    },
};

const MIB: usize = 1 << 20;

struct Upload<'a> {
    server: &'a Server,
    id: String,
    parts: Vec<CompletedPart>,
}

impl<'a> Upload<'a> {
    async fn begin(server: &'a Server) -> Self {
        let create = server
            .s3
            .create_multipart_upload()
            .bucket(INPUT)
            .key("uploads/large");
        let created = create
            .content_type("image/png")
            .metadata("filename", "large.png")
            .send()
            .await
            .unwrap();
        Self {
            server,
            id: created.upload_id().unwrap().to_owned(),
            parts: Vec::new(),
        }
    }

    async fn part(&mut self, number: i32, bytes: Vec<u8>) {
        let upload = self
            .server
            .s3
            .upload_part()
            .bucket(INPUT)
            .key("uploads/large")
            .upload_id(&self.id);
        let part = upload
            .part_number(number)
            .body(ByteStream::from(bytes))
            .send()
            .await
            .unwrap();
        self.parts.push(
            CompletedPart::builder()
                .part_number(number)
                .set_e_tag(part.e_tag)
                .build(),
        );
    }

    async fn complete(&self, parts: &[CompletedPart]) -> Result<String, (u16, String)> {
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts.to_vec()))
            .build();
        let complete = self
            .server
            .s3
            .complete_multipart_upload()
            .bucket(INPUT)
            .key("uploads/large");
        match complete
            .upload_id(&self.id)
            .multipart_upload(parts)
            .send()
            .await
        {
            Ok(completed) => Ok(completed.e_tag.unwrap()),
            Err(error) => Err(refusal(&error)),
        }
    }
}

fn files(server: &Server) -> usize {
    let shards = std::fs::read_dir(server.dir.path().join("objects")).unwrap();
    shards
        .map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count())
        .sum()
}

#[tokio::test]
async fn parts_become_one_object() {
    let server = Server::start().await;
    let mut upload = Upload::begin(&server).await;
    let (first, second) = (vec![1; 5 * MIB], vec![2; MIB]);
    upload.part(2, vec![9; 10]).await;
    upload.parts.clear();
    upload.part(1, first.clone()).await;
    upload.part(2, second.clone()).await;

    let listed = server
        .s3
        .list_parts()
        .bucket(INPUT)
        .key("uploads/large")
        .upload_id(&upload.id)
        .send()
        .await
        .unwrap();
    let sizes: Vec<_> = listed
        .parts()
        .iter()
        .filter_map(|part| part.size())
        .collect();
    assert_eq!(sizes, [5 * MIB as i64, MIB as i64]);
    let uploads = server
        .s3
        .list_multipart_uploads()
        .bucket(INPUT)
        .send()
        .await
        .unwrap();
    assert_eq!(uploads.uploads()[0].upload_id(), Some(upload.id.as_str()));
    assert!(!server.exists("uploads/large").await);

    let tag = upload.complete(&upload.parts).await.unwrap();
    assert!(tag.ends_with("-2\""), "{tag}");
    assert_eq!(
        server.get("uploads/large").await,
        [first, second.clone()].concat()
    );
    let head = server
        .s3
        .head_object()
        .bucket(INPUT)
        .key("uploads/large")
        .send()
        .await
        .unwrap();
    assert_eq!(
        (head.content_type(), head.e_tag()),
        (Some("image/png"), Some(tag.as_str()))
    );
    assert_eq!(head.metadata().unwrap()["filename"], "large.png");
    assert_eq!(files(&server), 1, "the parts' files go");

    let part = server
        .getting("uploads/large")
        .part_number(2)
        .send()
        .await
        .unwrap();
    assert_eq!(part.parts_count(), Some(2));
    assert_eq!(part.content_range(), Some("bytes 5242880-6291455/6291456"));
    assert_eq!(part.body.collect().await.unwrap().to_vec(), second);

    let queue = server.aws.queue();
    let message = queue
        .receive(10, std::time::Duration::from_secs(60))
        .await
        .unwrap()
        .remove(0);
    assert!(
        message
            .body
            .contains("ObjectCreated:CompleteMultipartUpload")
    );
    assert_eq!(upload.complete(&upload.parts).await.unwrap(), tag);
    assert_eq!(
        queue.depth().await.unwrap().visible,
        0,
        "the repetition causes no event"
    );
}

#[tokio::test]
async fn parts_must_match_the_uploaded_ones() {
    let server = Server::start().await;
    let mut upload = Upload::begin(&server).await;
    upload.part(1, vec![1; MIB]).await;
    upload.part(2, vec![2; MIB]).await;
    upload.part(3, vec![3; 5 * MIB]).await;
    let part = |number, tag: &str| {
        CompletedPart::builder()
            .part_number(number)
            .e_tag(tag)
            .build()
    };
    let good = &upload.parts;
    for (parts, code) in [
        (vec![], "MalformedXML"),
        (vec![part(4, "\"x\"")], "InvalidPart"),
        (vec![part(1, "\"x\"")], "InvalidPart"),
        (vec![good[2].clone(), good[0].clone()], "InvalidPartOrder"),
        (vec![good[0].clone(), good[0].clone()], "InvalidPartOrder"),
        (vec![good[0].clone(), good[1].clone()], "EntityTooSmall"),
    ] {
        assert_eq!(
            upload.complete(&parts).await.unwrap_err(),
            (400, code.to_owned()),
            "{parts:?}"
        );
    }
    assert!(!server.exists("uploads/large").await);
    upload.complete(&good[..1]).await.unwrap();
    assert_eq!(server.get("uploads/large").await.len(), MIB);
    assert_eq!(files(&server), 1, "parts that were left out go, too");

    let late = server
        .s3
        .upload_part()
        .bucket(INPUT)
        .key("uploads/large")
        .upload_id(&upload.id)
        .part_number(1);
    assert_eq!(
        refusal(&late.send().await.unwrap_err()),
        (404, "NoSuchUpload".to_owned())
    );
}

#[tokio::test]
async fn an_aborted_upload_leaves_nothing() {
    let server = Server::start().await;
    let mut upload = Upload::begin(&server).await;
    upload.part(1, vec![1; MIB]).await;
    let abort = || {
        server
            .s3
            .abort_multipart_upload()
            .bucket(INPUT)
            .key("uploads/large")
            .upload_id(&upload.id)
    };
    abort().send().await.unwrap();
    assert_eq!(files(&server), 0);
    assert_eq!(
        refusal(&abort().send().await.unwrap_err()),
        (404, "NoSuchUpload".to_owned())
    );
    assert!(
        server
            .s3
            .list_multipart_uploads()
            .bucket(INPUT)
            .send()
            .await
            .unwrap()
            .uploads()
            .is_empty()
    );
}

#[tokio::test]
async fn a_part_can_be_copied_from_an_object() {
    let server = Server::start().await;
    server.put("source", "0123456789").await;
    let upload = Upload::begin(&server).await;
    let copy = server
        .s3
        .upload_part_copy()
        .bucket(INPUT)
        .key("uploads/large")
        .upload_id(&upload.id);
    let copied = copy
        .part_number(1)
        .copy_source(format!("{INPUT}/source"))
        .copy_source_range("bytes=2-5");
    let tag = copied.send().await.unwrap().copy_part_result.unwrap().e_tag;
    let part = CompletedPart::builder()
        .part_number(1)
        .set_e_tag(tag)
        .build();
    upload.complete(&[part]).await.unwrap();
    assert_eq!(server.get("uploads/large").await, b"2345");
}

#[tokio::test]
async fn the_object_has_a_checksum_combined_from_its_parts() {
    let server = Server::start().await;
    for (algorithm, coverage) in [
        (ChecksumAlgorithm::Crc32, ChecksumType::FullObject),
        (ChecksumAlgorithm::Crc64Nvme, ChecksumType::FullObject),
        (ChecksumAlgorithm::Sha256, ChecksumType::Composite),
    ] {
        let create = server
            .s3
            .create_multipart_upload()
            .bucket(INPUT)
            .key("uploads/large");
        let created = create
            .checksum_algorithm(algorithm.clone())
            .checksum_type(coverage.clone())
            .send()
            .await
            .unwrap();
        assert_eq!(created.checksum_type(), Some(&coverage));
        let id = created.upload_id().unwrap();
        let mut parts = Vec::new();
        for (number, bytes) in [(1, vec![1; 5 * MIB]), (2, vec![2; 100])] {
            let upload = server
                .s3
                .upload_part()
                .bucket(INPUT)
                .key("uploads/large")
                .upload_id(id)
                .part_number(number);
            let part = upload
                .checksum_algorithm(algorithm.clone())
                .body(ByteStream::from(bytes))
                .send()
                .await
                .unwrap();
            parts.push(
                CompletedPart::builder()
                    .part_number(number)
                    .set_e_tag(part.e_tag)
                    .set_checksum_crc32(part.checksum_crc32)
                    .set_checksum_crc64_nvme(part.checksum_crc64_nvme)
                    .set_checksum_sha256(part.checksum_sha256)
                    .build(),
            );
        }
        let parts = CompletedMultipartUpload::builder()
            .set_parts(Some(parts))
            .build();
        let complete = server
            .s3
            .complete_multipart_upload()
            .bucket(INPUT)
            .key("uploads/large")
            .upload_id(id);
        complete
            .multipart_upload(parts)
            .checksum_type(coverage.clone())
            .send()
            .await
            .unwrap();

        let get = server
            .getting("uploads/large")
            .checksum_mode(ChecksumMode::Enabled);
        let got = get.send().await.unwrap();
        assert_eq!(got.checksum_type(), Some(&coverage));
        let composite = got
            .checksum_sha256()
            .is_some_and(|value| value.ends_with("-2"));
        assert_eq!(composite, coverage == ChecksumType::Composite);
        // The SDK verifies a checksum that covers the whole object.
        assert_eq!(
            got.body.collect().await.unwrap().to_vec().len(),
            5 * MIB + 100
        );
        let attributes = server
            .s3
            .get_object_attributes()
            .bucket(INPUT)
            .key("uploads/large");
        let attributes = attributes
            .object_attributes(ObjectAttributes::ObjectParts)
            .send()
            .await
            .unwrap();
        assert_eq!(
            attributes.object_parts().unwrap().total_parts_count(),
            Some(2)
        );
    }
    let bad = server
        .s3
        .create_multipart_upload()
        .bucket(INPUT)
        .key("a")
        .checksum_algorithm(ChecksumAlgorithm::Sha1);
    let error = bad
        .checksum_type(ChecksumType::FullObject)
        .send()
        .await
        .unwrap_err();
    assert_eq!(refusal(&error), (400, "InvalidRequest".to_owned()));
}

#[tokio::test]
async fn uploads_are_listed_in_pages() {
    let server = Server::start().await;
    for key in ["a", "b/1", "b/2", "c", "c"] {
        server
            .s3
            .create_multipart_upload()
            .bucket(INPUT)
            .key(key)
            .send()
            .await
            .unwrap();
    }
    let mut names = Vec::new();
    let (mut key_marker, mut id_marker) = (None, None);
    loop {
        let list = server
            .s3
            .list_multipart_uploads()
            .bucket(INPUT)
            .delimiter("/")
            .max_uploads(1);
        let page = list
            .set_key_marker(key_marker)
            .set_upload_id_marker(id_marker)
            .send()
            .await
            .unwrap();
        names.extend(
            page.uploads()
                .iter()
                .filter_map(|upload| upload.key().map(str::to_owned)),
        );
        names.extend(
            page.common_prefixes()
                .iter()
                .filter_map(|prefix| prefix.prefix().map(str::to_owned)),
        );
        if !page.is_truncated().unwrap() {
            break;
        }
        (key_marker, id_marker) = (page.next_key_marker, page.next_upload_id_marker);
    }
    assert_eq!(names, ["a", "b/", "c", "c"]);
}
