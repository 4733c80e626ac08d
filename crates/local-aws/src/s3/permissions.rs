//! The IAM permissions that a request needs, for the access log.
//!
//! They follow the tables of the Amazon S3 User Guide, "Required permissions for Amazon S3 API operations", for buckets without
//! ACLs and keys of the key management service.

use super::address::Address;
use crate::access_log::Permission;
use http::{HeaderMap, Method, Uri};

/// What else decides the permissions, besides operation and address.
#[derive(Debug, Clone, Copy)]
pub(super) struct RequestFlags {
    /// The request names a version, which has its own actions.
    version: bool,
    /// The request sets tags.
    tags: bool,
}

impl RequestFlags {
    pub(super) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let query = uri.query().unwrap_or_default();
        Self {
            version: query.split('&').any(|pair| pair.starts_with("versionId=")),
            tags: headers.contains_key("x-amz-tagging"),
        }
    }
}

/// The permission for an action on an object.
pub(super) fn on_object(action: &str, bucket: &str, key: &str) -> Permission {
    Permission {
        action: format!("s3:{action}"),
        resource: format!("arn:aws:s3:::{bucket}/{key}"),
    }
}

/// The permission to list a bucket. Without it, S3 answers 403 instead of 404 for a missing object (Amazon S3 API
/// Reference, "GetObject" and "HeadObject", "Permissions").
pub(super) fn list_bucket(bucket: &str) -> Permission {
    Permission {
        action: "s3:ListBucket".to_owned(),
        resource: format!("arn:aws:s3:::{bucket}"),
    }
}

/// The operation's own permission on the resource that its address names.
pub(super) fn primary(operation: &str, address: &Address, flags: RequestFlags) -> Permission {
    Permission {
        action: action(operation, flags.version),
        resource: address.arn(),
    }
}

/// All permissions that follow from the operation and its result, the primary one first. The operation's function adds
/// those that follow from its body or its copy source.
pub(super) fn required(
    operation: &str,
    address: &Address,
    flags: RequestFlags,
    error_code: Option<&str>,
) -> Vec<Permission> {
    if operation == "DeleteObjects" {
        // They depend on the keys in the body.
        return Vec::new();
    }
    let primary = primary(operation, address, flags);
    let resource = primary.resource.clone();
    let mut permissions = vec![primary];
    let mut add = |action: &str| {
        permissions.push(Permission {
            action: format!("s3:{action}"),
            resource: resource.clone(),
        });
    };
    match operation {
        "GetObjectAttributes" if flags.version => add("GetObjectVersion"),
        "GetObjectAttributes" => add("GetObject"),
        "PutObject" | "CopyObject" | "CreateMultipartUpload" if flags.tags => {
            add("PutObjectTagging");
        }
        _ => {}
    }
    let missing = matches!(error_code, Some("NoSuchKey" | "NoSuchVersion" | "NotFound"));
    let reads = matches!(
        operation,
        "GetObject" | "HeadObject" | "GetObjectAttributes"
    );
    if let (true, Some(bucket)) = (missing && reads, &address.bucket) {
        permissions.push(list_bucket(bucket));
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

/// The likely permission of a request that was rejected before its operation was known.
pub(super) fn guess(method: &Method, address: &Address) -> Permission {
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
        let flags = RequestFlags::of(&uri, &HeaderMap::new());
        required(operation, &Address::of(None, uri.path()), flags, error_code)
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
    fn a_missing_object_needs_the_permission_to_list() {
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
    fn tags_need_their_own_permission() {
        let headers = [(
            http::HeaderName::from_static("x-amz-tagging"),
            http::HeaderValue::from_static("a=b"),
        )]
        .into_iter()
        .collect();
        let flags = RequestFlags::of(&Uri::from_static("/in/a"), &headers);
        let permissions = required("PutObject", &Address::of(None, "/in/a"), flags, None);
        let actions: Vec<&str> = permissions.iter().map(|p| p.action.as_str()).collect();
        assert_eq!(actions, ["s3:PutObject", "s3:PutObjectTagging"]);
    }

    #[test]
    fn early_rejections_are_guessed() {
        let action = |method, path| guess(&method, &Address::of(None, path)).action;
        assert_eq!(action(Method::HEAD, "/in/a"), "s3:GetObject");
        assert_eq!(action(Method::GET, "/in"), "s3:ListBucket");
        assert_eq!(action(Method::GET, "/"), "s3:ListAllMyBuckets");
    }
}
