//! Every operation of S3's service model, from botocore: those that are not implemented are refused and change nothing.

use crate::{
    needs,
    support::{INPUT, Server, five_minutes, http},
};
use aws_sigv4::http_request::SignableBody;
use flate2::read::GzDecoder;
use serde_json::{Map, Value};
use std::{fmt::Write as _, io::Read, path::Path, process::Command};

const KEY: &str = "uploads/cat.jpg";

/// The implemented operations. `docs/s3.md` lists them too.
const IMPLEMENTED: [&str; 30] = [
    "AbortMultipartUpload",
    "CompleteMultipartUpload",
    "CopyObject",
    "CreateBucket",
    "CreateMultipartUpload",
    "DeleteBucket",
    "DeleteObject",
    "DeleteObjectTagging",
    "DeleteObjects",
    "GetBucketAcl",
    "GetBucketCors",
    "GetBucketLocation",
    "GetBucketVersioning",
    "GetObject",
    "GetObjectAcl",
    "GetObjectAttributes",
    "GetObjectTagging",
    "HeadBucket",
    "HeadObject",
    "ListBuckets",
    "ListMultipartUploads",
    "ListObjectVersions",
    "ListObjects",
    "ListObjectsV2",
    "ListParts",
    "PutBucketVersioning",
    "PutObject",
    "PutObjectTagging",
    "UploadPart",
    "UploadPartCopy",
];

/// The headers of operations that are implemented, but whose features are not.
const REFUSED_HEADERS: [&str; 27] = [
    "x-amz-bucket-namespace",
    "x-amz-bypass-governance-retention",
    "x-amz-checksum-md5",
    "x-amz-checksum-sha512",
    "x-amz-checksum-xxhash128",
    "x-amz-checksum-xxhash3",
    "x-amz-checksum-xxhash64",
    "x-amz-copy-source-server-side-encryption-customer-algorithm",
    "x-amz-copy-source-server-side-encryption-customer-key",
    "x-amz-copy-source-server-side-encryption-customer-key-MD5",
    "x-amz-if-match-initiated-time",
    "x-amz-if-match-last-modified-time",
    "x-amz-if-match-size",
    "x-amz-mfa",
    "x-amz-object-lock-legal-hold",
    "x-amz-object-lock-mode",
    "x-amz-object-lock-retain-until-date",
    "x-amz-optional-object-attributes",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-server-side-encryption-bucket-key-enabled",
    "x-amz-server-side-encryption-context",
    "x-amz-server-side-encryption-customer-algorithm",
    "x-amz-server-side-encryption-customer-key",
    "x-amz-server-side-encryption-customer-key-MD5",
    "x-amz-tagging-count",
    "x-amz-write-offset-bytes",
];

/// The service model. None, with a note, where botocore is not installed.
fn model() -> Option<Value> {
    let package = match std::env::var_os("SIGHTLINE_BOTOCORE") {
        Some(package) => package.into_string().ok(),
        None if needs::without_python() => None,
        None => {
            let script = "import botocore, os; print(os.path.dirname(botocore.__file__))";
            let found = Command::new("python3").args(["-c", script]).output().ok();
            found.and_then(|found| String::from_utf8(found.stdout).ok())
        }
    };
    let file = package
        .map(|package| Path::new(package.trim()).join("data/s3/2006-03-01/service-2.json.gz"))
        .filter(|file| file.is_file());
    let Some(file) = file else {
        needs::not_run("the Python package botocore, or its folder in SIGHTLINE_BOTOCORE");
        return None;
    };
    let mut text = Vec::new();
    GzDecoder::new(&*std::fs::read(file).unwrap())
        .read_to_end(&mut text)
        .unwrap();
    Some(serde_json::from_slice(&text).unwrap())
}

/// The method, target and required headers of an operation.
fn request(model: &Value, operation: &Value) -> (String, String, Vec<(String, String)>) {
    let method = operation["http"]["method"].as_str().unwrap().to_owned();
    let mut target = operation["http"]["requestUri"]
        .as_str()
        .unwrap()
        .replace("{Bucket}", INPUT)
        .replace("{Key+}", KEY);
    let mut headers = Vec::new();
    let shape = &model["shapes"][operation["input"]["shape"].as_str().unwrap_or_default()];
    let none = Vec::new();
    for required in shape["required"].as_array().unwrap_or(&none) {
        let member = &shape["members"][required.as_str().unwrap()];
        let name = member["locationName"].as_str().unwrap_or_default();
        match member["location"].as_str() {
            Some("querystring") => {
                let separator = if target.contains('?') { '&' } else { '?' };
                let _ = write!(target, "{separator}{name}=1");
            }
            Some("header") => headers.push((name.to_lowercase(), format!("/{INPUT}/{KEY}"))),
            _ => {}
        }
    }
    (method, target, headers)
}

/// Everything that a request could change.
async fn state(server: &Server) -> (String, String, Vec<u8>) {
    let buckets = server.s3.list_buckets().send().await.unwrap();
    let objects = server.s3.list_objects_v2().bucket(INPUT).send().await;
    let head = server.s3.head_object().bucket(INPUT).key(KEY).send().await;
    let tags = server.s3.get_object_tagging().bucket(INPUT).key(KEY);
    (
        format!("{:?} {:?}", buckets.buckets(), objects.unwrap().contents()),
        format!(
            "{:?} {:?}",
            head.unwrap().metadata(),
            tags.send().await.unwrap().tag_set()
        ),
        server.get(KEY).await,
    )
}

async fn server() -> Server {
    let server = Server::start().await;
    let put = server.s3.put_object().bucket(INPUT).key(KEY);
    put.body(b"meow".to_vec().into())
        .metadata("filename", "cat.jpg")
        .tagging("kind=cat")
        .send()
        .await
        .unwrap();
    server
}

#[tokio::test]
async fn every_other_operation_is_refused_and_changes_nothing() {
    let Some(model) = model() else { return };
    let server = server().await;
    let before = state(&server).await;
    let operations: &Map<String, Value> = model["operations"].as_object().unwrap();
    for name in IMPLEMENTED {
        assert!(operations.contains_key(name), "{name}");
    }
    let documentation = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/s3.md");
    let documentation = std::fs::read_to_string(documentation).unwrap();
    let mut refused = 0;
    for (name, operation) in operations {
        assert!(
            documentation.contains(&format!("{name} |"))
                || documentation.contains(&format!("{name},"))
                || documentation.contains(&format!("{name}.")),
            "docs/s3.md does not name {name}"
        );
        // On the wire, ListDirectoryBuckets differs from ListBuckets in its host alone.
        if IMPLEMENTED.contains(&name.as_str()) || name == "ListDirectoryBuckets" {
            continue;
        }
        let (method, target, headers) = request(&model, operation);
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        for body in [&b""[..], b"<X/>"] {
            let response = server
                .send_signed(&method, &target, &headers, SignableBody::Bytes(body), body)
                .await;
            assert_eq!(
                response.refusal(),
                (501, "NotImplemented"),
                "{name}: {method} {target}"
            );
        }
        refused += 1;
    }
    assert!(refused > 75, "{refused}");
    assert_eq!(state(&server).await, before);
}

#[tokio::test]
async fn sub_resources_of_other_methods_and_of_the_future_are_refused() {
    let Some(model) = model() else { return };
    let server = server().await;
    let before = state(&server).await;
    let mut names: Vec<String> = model["operations"]
        .as_object()
        .unwrap()
        .values()
        .filter_map(|operation| operation["http"]["requestUri"].as_str()?.split_once('?'))
        .flat_map(|(_, query)| query.split('&'))
        .map(|pair| pair.split('=').next().unwrap_or_default().to_owned())
        .collect();
    names.extend(["annotation", "annotations", "somethingNew"].map(str::to_owned));
    names.sort();
    names.dedup();
    // GET is an operation of its own for these, and the list is one of GET.
    let known = [
        "acl",
        "cors",
        "location",
        "tagging",
        "uploads",
        "versioning",
        "versions",
        "attributes",
    ];
    for name in &names {
        for (method, path) in [
            ("DELETE", INPUT.to_owned()),
            ("DELETE", format!("{INPUT}/{KEY}")),
            ("PUT", INPUT.to_owned()),
            ("PUT", format!("{INPUT}/{KEY}")),
            ("GET", INPUT.to_owned()),
            ("GET", format!("{INPUT}/{KEY}")),
            ("HEAD", INPUT.to_owned()),
            ("HEAD", format!("{INPUT}/{KEY}")),
        ] {
            let is_object_tagging = name == "tagging" && path.contains('/');
            if is_object_tagging || method == "GET" && known.contains(&name.as_str()) {
                continue;
            }
            if name == "versioning" && method == "PUT" && path == INPUT {
                continue;
            }
            if name == "list-type" && method == "GET" && path == INPUT {
                continue;
            }
            let target = format!("/{path}?{name}");
            let response = server
                .send_signed(method, &target, &[], SignableBody::Bytes(b""), b"")
                .await;
            assert_eq!(response.status, 501, "{method} {target}: {response:?}");
        }
    }
    assert_eq!(state(&server).await, before);
}

#[tokio::test]
async fn headers_that_are_not_implemented_are_refused() {
    let Some(model) = model() else { return };
    let server = server().await;
    let before = state(&server).await;
    let mut in_model = 0;
    for name in IMPLEMENTED {
        let operation = &model["operations"][name];
        let (method, target, required) = request(&model, operation);
        let shape = &model["shapes"][operation["input"]["shape"].as_str().unwrap_or_default()];
        let none = Map::new();
        for member in shape["members"].as_object().unwrap_or(&none).values() {
            let header = member["locationName"].as_str().unwrap_or_default();
            if member["location"] != "header" || !REFUSED_HEADERS.contains(&header) {
                continue;
            }
            let header = header.to_lowercase();
            let mut headers = vec![(header.as_str(), "1")];
            headers.extend(
                required
                    .iter()
                    .map(|(name, value)| (name.as_str(), value.as_str())),
            );
            let response = server
                .send_signed(&method, &target, &headers, SignableBody::Bytes(b""), b"")
                .await;
            assert_eq!(response.status, 501, "{name} with {header}: {response:?}");
            in_model += 1;
        }
    }
    assert!(in_model > 60, "{in_model}");
    assert_eq!(state(&server).await, before);
}

#[tokio::test]
async fn signed_parameters_of_a_url_count_as_headers() {
    let server = server().await;
    // As the SDK for JavaScript signs metadata, with the checksum of an empty body.
    let sign = |query: &'static str| {
        let put = server.s3.put_object().bucket(INPUT).key("uploads/dog.jpg");
        let put = put.customize().mutate_request(move |request| {
            let uri = format!("{}&{query}", request.uri());
            request.set_uri(uri).unwrap();
        });
        put.presigned(five_minutes())
    };
    let url = sign(
        "x-amz-meta-analyses=labels%2Cfaces&X-Amz-Meta-Filename=my%20dog.jpg&x-amz-checksum-crc32=AAAAAA%3D%3D&\
         x-amz-sdk-checksum-algorithm=CRC32&x-amz-tagging=a%3Db",
    )
    .await
    .unwrap();
    let response = server.send(&url, &[], b"woof").await;
    assert_eq!(response.status, 200, "{response:?}");
    let head = server.s3.head_object().bucket(INPUT).key("uploads/dog.jpg");
    let metadata = head.send().await.unwrap().metadata().unwrap().clone();
    assert_eq!(metadata["analyses"], "labels,faces");
    assert_eq!(metadata["filename"], "my dog.jpg");
    let tags = server.s3.get_object_tagging().bucket(INPUT);
    let tags = tags.key("uploads/dog.jpg").send().await.unwrap();
    assert_eq!(tags.tag_set().len(), 1);

    let unsigned = format!("{}&x-amz-meta-evil=1", url.uri());
    let response = http(server.aws.address(), "PUT", &unsigned, &[], b"woof").await;
    assert_eq!(response.refusal(), (403, "SignatureDoesNotMatch"));
    let url = sign("x-amz-server-side-encryption=AES256").await.unwrap();
    assert_eq!(server.send(&url, &[], b"woof").await.status, 501);
}
