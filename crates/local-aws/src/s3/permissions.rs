//! What an IAM policy has to allow for a request, for the access log.
//!
//! By the tables of the Amazon S3 User Guide, "Required permissions for Amazon S3 API operations", for buckets without
//! ACLs and keys of the key management service.

use super::address::Address;
use crate::access_log::Permission;
use http::{HeaderMap, Method, Uri};

/// What of a request decides, beside its operation and its address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// It names a version, which has actions of its own.
    version: bool,
    /// It brings tags along.
    tags: bool,
}

impl Asked {
    pub(super) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default();
        Self {
            version: query.split('&').any(|pair| pair.starts_with("versionId=")),
            tags: headers.contains_key("x-amz-tagging"),
        }
    }
}

/// An action on an object.
pub(super) fn on_object(action: &str, bucket: &str, key: &str) -> Permission {
    Permission {
        action: format!("s3:{action}"),
        resource: format!("arn:aws:s3:::{bucket}/{key}"),
    }
}

/// What it takes to be told that an object is not there, instead of 403 (Amazon S3 API Reference, "GetObject" and
/// "HeadObject", "Permissions").
pub(super) fn to_list(bucket: &str) -> Permission {
    Permission {
        action: "s3:ListBucket".to_owned(),
        resource: format!("arn:aws:s3:::{bucket}"),
    }
}

/// An operation's own action, on what its address names.
pub(super) fn own(operation: &str, address: &Address, asked: Asked) -> Permission {
    Permission {
        action: action(operation, asked.version),
        resource: address.arn(),
    }
}

/// All that an operation needs by its name and answer, its own first. What its body or its source needs is for its
/// function to add.
pub(super) fn of(
    operation: &str,
    address: &Address,
    asked: Asked,
    error_code: Option<&str>,
) -> Vec<Permission> {
    if operation == "DeleteObjects" {
        // Only the keys in its body say.
        return Vec::new();
    }
    let own = own(operation, address, asked);
    let resource = own.resource.clone();
    let mut permissions = vec![own];
    let mut also = |action: &str| {
        permissions.push(Permission {
            action: format!("s3:{action}"),
            resource: resource.clone(),
        });
    };
    match operation {
        "GetObjectAttributes" if asked.version => also("GetObjectVersion"),
        "GetObjectAttributes" => also("GetObject"),
        "PutObject" | "CopyObject" | "CreateMultipartUpload" if asked.tags => {
            also("PutObjectTagging");
        }
        _ => {}
    }
    let missing = matches!(error_code, Some("NoSuchKey" | "NoSuchVersion" | "NotFound"));
    let reads = matches!(
        operation,
        "GetObject" | "HeadObject" | "GetObjectAttributes"
    );
    if let (true, Some(bucket)) = (missing && reads, &address.bucket) {
        permissions.push(to_list(bucket));
    }
    permissions
}

/// The action of an operation.
fn action(operation: &str, version: bool) -> String {
    let action = match (operation, version) {
        ("GetObject" | "HeadObject", false) => "GetObject",
        ("GetObject" | "HeadObject", true) => "GetObjectVersion",
        ("GetObjectAttributes", true) => "GetObjectVersionAttributes",
        ("GetObjectAcl", true) => "GetObjectVersionAcl",
        ("GetObjectTagging", true) => "GetObjectVersionTagging",
        ("PutObjectTagging", true) => "PutObjectVersionTagging",
        ("DeleteObjectTagging", true) => "DeleteObjectVersionTagging",
        ("DeleteObject", true) => "DeleteObjectVersion",
        (
            "CopyObject"
            | "CreateMultipartUpload"
            | "UploadPart"
            | "UploadPartCopy"
            | "CompleteMultipartUpload"
            | "PostObject",
            _,
        ) => "PutObject",
        ("DeleteObjects", _) => "DeleteObject",
        ("ListObjects" | "ListObjectsV2" | "HeadBucket", _) => "ListBucket",
        ("ListObjectVersions", _) => "ListBucketVersions",
        ("ListBuckets", _) => "ListAllMyBuckets",
        ("ListParts", _) => "ListMultipartUploadParts",
        ("ListMultipartUploads", _) => "ListBucketMultipartUploads",
        ("GetBucketCors", _) => "GetBucketCORS",
        (other, _) => other,
    };
    format!("s3:{action}")
}

/// What a request was likely after, when it was refused before its operation was known.
pub(super) fn likely(method: &Method, address: &Address) -> Permission {
    let action = match (method, address.key.is_some()) {
        _ if address.bucket.is_none() => "s3:ListAllMyBuckets",
        (&Method::PUT | &Method::POST, true) => "s3:PutObject",
        (&Method::DELETE, true) => "s3:DeleteObject",
        (_, true) => "s3:GetObject",
        (&Method::PUT, false) => "s3:CreateBucket",
        (&Method::DELETE, false) => "s3:DeleteBucket",
        (_, false) => "s3:ListBucket",
    };
    Permission {
        action: action.to_owned(),
        resource: address.arn(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn needed(operation: &str, target: &str, error_code: Option<&str>) -> Vec<String> {
        let uri: Uri = target.parse().unwrap();
        let asked = Asked::of(&uri, &HeaderMap::new());
        of(operation, &Address::of(None, uri.path()), asked, error_code)
            .into_iter()
            .map(|permission| format!("{} {}", permission.action, permission.resource))
            .collect()
    }

    #[test]
    fn actions_are_those_of_iam() {
        for (operation, target, expected) in [
            ("HeadObject", "/in/a", "s3:GetObject arn:aws:s3:::in/a"),
            (
                "GetObject",
                "/in/a?versionId=null",
                "s3:GetObjectVersion arn:aws:s3:::in/a",
            ),
            (
                "DeleteObject",
                "/in/a?x=1&versionId=v",
                "s3:DeleteObjectVersion arn:aws:s3:::in/a",
            ),
            ("ListObjectsV2", "/in", "s3:ListBucket arn:aws:s3:::in"),
            ("HeadBucket", "/in", "s3:ListBucket arn:aws:s3:::in"),
            ("GetBucketCors", "/in", "s3:GetBucketCORS arn:aws:s3:::in"),
            ("ListBuckets", "/", "s3:ListAllMyBuckets *"),
            (
                "GetObjectTagging",
                "/in/a",
                "s3:GetObjectTagging arn:aws:s3:::in/a",
            ),
        ] {
            assert_eq!(needed(operation, target, None), [expected], "{operation}");
        }
        assert_eq!(
            needed("GetObjectAttributes", "/in/a", None),
            [
                "s3:GetObjectAttributes arn:aws:s3:::in/a",
                "s3:GetObject arn:aws:s3:::in/a"
            ]
        );
    }

    #[test]
    fn to_be_told_that_nothing_is_there_the_bucket_has_to_be_listed() {
        for operation in ["GetObject", "HeadObject"] {
            assert_eq!(
                needed(operation, "/in/a", Some("NoSuchKey")),
                [
                    "s3:GetObject arn:aws:s3:::in/a",
                    "s3:ListBucket arn:aws:s3:::in"
                ]
            );
        }
        for (operation, code) in [("GetObject", "NoSuchBucket"), ("PutObject", "NoSuchKey")] {
            assert_eq!(needed(operation, "/in/a", Some(code)).len(), 1);
        }
    }

    #[test]
    fn tags_that_come_along_have_to_be_allowed() {
        let headers = [(
            http::HeaderName::from_static("x-amz-tagging"),
            http::HeaderValue::from_static("a=b"),
        )]
        .into_iter()
        .collect();
        let asked = Asked::of(&Uri::from_static("/in/a"), &headers);
        let permissions = of("PutObject", &Address::of(None, "/in/a"), asked, None);
        let actions: Vec<&str> = permissions.iter().map(|p| p.action.as_str()).collect();
        assert_eq!(actions, ["s3:PutObject", "s3:PutObjectTagging"]);
    }

    #[test]
    fn what_was_refused_early_is_guessed() {
        let action = |method, path| likely(&method, &Address::of(None, path)).action;
        assert_eq!(action(Method::HEAD, "/in/a"), "s3:GetObject");
        assert_eq!(action(Method::GET, "/in"), "s3:ListBucket");
        assert_eq!(action(Method::GET, "/"), "s3:ListAllMyBuckets");
    }
}
