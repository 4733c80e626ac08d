//! The operations, parameters and headers of S3 that are implemented, as one table. `docs/s3.md` is generated from it.
//!
//! s3s chooses an operation by the parameters that it knows and ignores all others. So a request for something newer, such as
//! `DELETE /bucket?metadataConfiguration`, would reach the plain operation and delete the bucket. This module rejects every
//! parameter, `x-amz-*` header and condition that the table does not name.

use http::{
    HeaderMap, Method,
    header::{CONTENT_LENGTH, TRANSFER_ENCODING},
};
use percent_encoding::percent_decode_str;
use s3s::{S3Result, s3_error};

/// An implemented operation.
#[derive(Debug)]
pub(super) struct Operation {
    /// The name in the API.
    name: &'static str,
    /// The query parameters, its own sub-resource included.
    parameters: &'static [&'static str],
    /// The `x-amz-*` headers beside [`COMMON_HEADERS`], and for writes the conditions.
    headers: &'static [&'static str],
    /// How it differs from S3.
    #[cfg_attr(
        not(test),
        expect(dead_code, reason = "a test writes it into the documentation")
    )]
    difference: &'static str,
}

/// Query parameters of signatures. They are verified elsewhere.
const SIGNATURE_PARAMETERS: [&str; 11] = [
    "X-Amz-Algorithm",
    "X-Amz-Content-Sha256",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
    "AWSAccessKeyId",
    "Expires",
    "Signature",
];

/// Headers that every operation accepts: of signatures and bodies, or without an effect on an object.
const COMMON_HEADERS: [&str; 16] = [
    "x-amz-api-version",
    "x-amz-checksum-crc32",
    "x-amz-checksum-crc32c",
    "x-amz-checksum-crc64nvme",
    "x-amz-checksum-sha1",
    "x-amz-checksum-sha256",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-expected-bucket-owner",
    "x-amz-request-payer",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token",
    "x-amz-target",
    "x-amz-trailer",
    "x-amz-user-agent",
];

/// The prefix of user metadata. S3 ignores it where an operation stores none.
const METADATA: &str = "x-amz-meta-";

/// The headers of new objects.
const ATTRIBUTES: &[&str] = &[
    "x-amz-acl",
    "x-amz-checksum-algorithm",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-storage-class",
    "x-amz-tagging",
    "x-amz-website-redirect-location",
];

const READ_PARAMETERS: &[&str] = &[
    "partNumber",
    "response-cache-control",
    "response-content-disposition",
    "response-content-encoding",
    "response-content-language",
    "response-content-type",
    "response-expires",
    "versionId",
];

/// Headers of [`ATTRIBUTES`] are accepted too by the operations of [`STORING`].
pub(super) const OPERATIONS: &[Operation] = &[
    Operation {
        name: "AbortMultipartUpload",
        parameters: &["uploadId"],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "CompleteMultipartUpload",
        parameters: &["uploadId"],
        headers: &[
            "if-match",
            "if-none-match",
            "x-amz-checksum-type",
            "x-amz-mp-object-size",
        ],
        difference: "repeated, it answers as the first time while the object is the current one under its key",
    },
    Operation {
        name: "CopyObject",
        parameters: &[],
        headers: &[
            "if-match",
            "if-none-match",
            "x-amz-copy-source",
            "x-amz-copy-source-if-match",
            "x-amz-copy-source-if-modified-since",
            "x-amz-copy-source-if-none-match",
            "x-amz-copy-source-if-unmodified-since",
            "x-amz-metadata-directive",
            "x-amz-source-expected-bucket-owner",
            "x-amz-tagging-directive",
        ],
        difference: "the source is a bucket and key, not an access point",
    },
    Operation {
        name: "CreateBucket",
        parameters: &[],
        headers: &[
            "x-amz-acl",
            "x-amz-bucket-object-lock-enabled",
            "x-amz-grant-full-control",
            "x-amz-grant-read",
            "x-amz-grant-read-acp",
            "x-amz-grant-write",
            "x-amz-grant-write-acp",
            "x-amz-object-ownership",
        ],
        difference: "the one region; no object lock; ownership is `BucketOwnerEnforced`",
    },
    Operation {
        name: "CreateMultipartUpload",
        parameters: &["uploads"],
        headers: &["x-amz-checksum-type"],
        difference: "",
    },
    Operation {
        name: "DeleteBucket",
        parameters: &[],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "DeleteObject",
        parameters: &["versionId"],
        headers: &["if-match"],
        difference: "either `versionId` or a condition",
    },
    Operation {
        name: "DeleteObjectTagging",
        parameters: &["tagging", "versionId"],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "DeleteObjects",
        parameters: &["delete"],
        headers: &[],
        difference: "an entry may have a `VersionId` or an `ETag`, but no `Size` or `LastModifiedTime`",
    },
    Operation {
        name: "GetBucketAcl",
        parameters: &["acl"],
        headers: &[],
        difference: "always the owner's full control",
    },
    Operation {
        name: "GetBucketCors",
        parameters: &["cors"],
        headers: &[],
        difference: "the rules that the program sets",
    },
    Operation {
        name: "GetBucketLocation",
        parameters: &["location"],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "GetBucketVersioning",
        parameters: &["versioning"],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "GetObject",
        parameters: READ_PARAMETERS,
        headers: &["x-amz-checksum-mode"],
        difference: "`If-Range` is ignored",
    },
    Operation {
        name: "GetObjectAcl",
        parameters: &["acl", "versionId"],
        headers: &[],
        difference: "always the owner's full control",
    },
    Operation {
        name: "GetObjectAttributes",
        parameters: &["attributes", "versionId"],
        headers: &[
            "x-amz-max-parts",
            "x-amz-object-attributes",
            "x-amz-part-number-marker",
        ],
        difference: "",
    },
    Operation {
        name: "GetObjectTagging",
        parameters: &["tagging", "versionId"],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "HeadBucket",
        parameters: &[],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "HeadObject",
        parameters: READ_PARAMETERS,
        headers: &["x-amz-checksum-mode"],
        difference: "",
    },
    Operation {
        name: "ListBuckets",
        parameters: &[
            "bucket-region",
            "continuation-token",
            "max-buckets",
            "prefix",
        ],
        headers: &[],
        difference: "`bucket-region` is the one region",
    },
    Operation {
        name: "ListMultipartUploads",
        parameters: &[
            "delimiter",
            "encoding-type",
            "key-marker",
            "max-uploads",
            "prefix",
            "upload-id-marker",
            "uploads",
        ],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "ListObjectVersions",
        parameters: &[
            "delimiter",
            "encoding-type",
            "key-marker",
            "max-keys",
            "prefix",
            "version-id-marker",
            "versions",
        ],
        headers: &[],
        difference: "versions are listed before delete markers",
    },
    Operation {
        name: "ListObjects",
        parameters: &["delimiter", "encoding-type", "marker", "max-keys", "prefix"],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "ListObjectsV2",
        parameters: &[
            "continuation-token",
            "delimiter",
            "encoding-type",
            "fetch-owner",
            "list-type",
            "max-keys",
            "prefix",
            "start-after",
        ],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "ListParts",
        parameters: &["max-parts", "part-number-marker", "uploadId"],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "PutBucketVersioning",
        parameters: &["versioning"],
        headers: &[],
        difference: "no MFA delete",
    },
    Operation {
        name: "PutObject",
        parameters: &[],
        headers: &["if-match", "if-none-match"],
        difference: "at most 5 GiB; six storage classes, all stored alike",
    },
    Operation {
        name: "PutObjectTagging",
        parameters: &["tagging", "versionId"],
        headers: &[],
        difference: "",
    },
    Operation {
        name: "UploadPart",
        parameters: &["partNumber", "uploadId"],
        headers: &["x-amz-checksum-algorithm"],
        difference: "at most 5 GiB",
    },
    Operation {
        name: "UploadPartCopy",
        parameters: &["partNumber", "uploadId"],
        headers: &[
            "x-amz-copy-source",
            "x-amz-copy-source-if-match",
            "x-amz-copy-source-if-modified-since",
            "x-amz-copy-source-if-none-match",
            "x-amz-copy-source-if-unmodified-since",
            "x-amz-copy-source-range",
            "x-amz-source-expected-bucket-owner",
        ],
        difference: "the source is a bucket and key, not an access point",
    },
];

/// The operations that store [`ATTRIBUTES`].
const STORING: [&str; 3] = ["CopyObject", "CreateMultipartUpload", "PutObject"];

/// The operations whose body is an XML document. s3s reads it into memory.
const WITH_DOCUMENT: [&str; 5] = [
    "CompleteMultipartUpload",
    "CreateBucket",
    "DeleteObjects",
    "PutBucketVersioning",
    "PutObjectTagging",
];

/// The longest document, in bytes: more than a thousand keys of 1,024 bytes have, each byte written as an entity.
const MAX_DOCUMENT: u64 = 8 << 20;

/// The operations with a part number in the query.
const WITH_PART_NUMBER: [&str; 4] = ["GetObject", "HeadObject", "UploadPart", "UploadPartCopy"];

/// The highest part number.
const MAX_PART_NUMBER: u16 = 10_000;

/// Rejects an operation that is not implemented, and one that names anything that is not implemented.
///
/// # Errors
/// `NotImplemented`, or `InvalidArgument` for a parameter that is given twice or a part number that is out of range.
pub(super) fn check(
    name: &str,
    method: &Method,
    query: Option<&str>,
    headers: &HeaderMap,
) -> S3Result<()> {
    let Some(operation) = OPERATIONS.iter().find(|known| known.name == name) else {
        return Err(s3_error!(
            NotImplemented,
            "This endpoint does not implement {name}."
        ));
    };
    operation.check_parameters(query)?;
    operation.check_headers(method, headers)?;
    if has_document(name) {
        check_document(headers)?;
    }
    Ok(())
}

/// Whether the body of an operation is an XML document.
pub(super) fn has_document(operation: &str) -> bool {
    WITH_DOCUMENT.contains(&operation)
}

/// Checks the length of a document before it is read.
fn check_document(headers: &HeaderMap) -> S3Result<()> {
    let length = match headers.get(CONTENT_LENGTH) {
        Some(length) => length.to_str().ok().and_then(|length| length.parse().ok()),
        None if headers.contains_key(TRANSFER_ENCODING) => {
            return Err(s3_error!(
                MissingContentLength,
                "You must provide the Content-Length HTTP header."
            ));
        }
        None => Some(0),
    };
    if length.is_none_or(|length: u64| length > MAX_DOCUMENT) {
        return Err(s3_error!(
            MalformedXML,
            "The XML you provided was not well-formed or did not validate against our published schema"
        ));
    }
    Ok(())
}

/// A header that no implemented operation has, if there is one.
pub(super) fn unknown_header(headers: &HeaderMap) -> Option<&str> {
    headers.keys().map(http::HeaderName::as_str).find(|name| {
        name.starts_with("x-amz-")
            && !OPERATIONS
                .iter()
                .any(|operation| operation.allows_header(name))
    })
}

/// The decoded parameters of a query.
pub(super) fn parameters(query: &str) -> impl Iterator<Item = (String, String)> {
    let decode = |text: &str| {
        percent_decode_str(&text.replace('+', " "))
            .decode_utf8_lossy()
            .into_owned()
    };
    query
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(move |pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
}

/// Whether a parameter of a presigned URL counts as a header.
pub(super) fn is_header(parameter: &str) -> bool {
    let is_signature = SIGNATURE_PARAMETERS
        .iter()
        .any(|known| known.eq_ignore_ascii_case(parameter));
    !is_signature && parameter.to_ascii_lowercase().starts_with("x-amz-")
}

impl Operation {
    fn check_parameters(&self, query: Option<&str>) -> S3Result<()> {
        let query = query.unwrap_or_default();
        let is_presigned = parameters(query).any(|(name, _)| name == "X-Amz-Signature");
        let mut seen: Vec<String> = Vec::new();
        for (name, value) in parameters(query) {
            if seen.contains(&name) {
                return Err(s3_error!(
                    InvalidArgument,
                    "The query names a parameter twice: {name}."
                ));
            }
            let known = if name == "x-id" {
                // SDKs name the operation. S3 ignores it, but another operation must not become this one.
                value.is_empty() || value == self.name
            } else if is_header(&name) {
                is_presigned
            } else {
                // S3 ignores other parameters with `x-`; they are for its logs.
                SIGNATURE_PARAMETERS.contains(&name.as_str())
                    || self.parameters.contains(&name.as_str())
                    || name.starts_with("x-")
            };
            if !known {
                return Err(s3_error!(
                    NotImplemented,
                    "This endpoint does not implement the parameter {name} of {}.",
                    self.name
                ));
            }
            if name == "partNumber" && WITH_PART_NUMBER.contains(&self.name) {
                check_part_number(&value)?;
            }
            seen.push(name);
        }
        Ok(())
    }

    fn check_headers(&self, method: &Method, headers: &HeaderMap) -> S3Result<()> {
        let is_write = !matches!(*method, Method::GET | Method::HEAD);
        for (name, value) in headers {
            let name = name.as_str();
            // A write whose condition or range is ignored would do harm.
            let matters = name.starts_with("x-amz-")
                || is_write && (name.starts_with("if-") || name == "content-range");
            let value = value.as_bytes();
            let known = match name {
                "x-amz-bucket-object-lock-enabled" => value.eq_ignore_ascii_case(b"false"),
                "x-amz-object-ownership" => value == b"BucketOwnerEnforced",
                "x-amz-trailer" => trailers_are_known(value),
                _ => true,
            };
            if matters && !(known && self.allows_header(name)) {
                return Err(s3_error!(
                    NotImplemented,
                    "This endpoint does not implement the header {name} of {}.",
                    self.name
                ));
            }
        }
        Ok(())
    }

    fn allows_header(&self, name: &str) -> bool {
        name.starts_with(METADATA)
            || COMMON_HEADERS.contains(&name)
            || self.headers.contains(&name)
            || STORING.contains(&self.name) && ATTRIBUTES.contains(&name)
    }
}

fn trailers_are_known(names: &[u8]) -> bool {
    names
        .split(|byte| *byte == b',')
        .map(|name| String::from_utf8_lossy(name).trim().to_ascii_lowercase())
        .all(|name| {
            !name.starts_with("x-amz-")
                || name == "x-amz-trailer-signature"
                || COMMON_HEADERS.contains(&name.as_str())
        })
}

fn check_part_number(text: &str) -> S3Result<()> {
    match text.parse::<u16>() {
        Ok(1..=MAX_PART_NUMBER) => Ok(()),
        _ => Err(s3_error!(
            InvalidArgument,
            "Part number must be an integer between 1 and {MAX_PART_NUMBER}, inclusive"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fmt::Write as _, path::Path};

    /// The other operations of the service model, for the documentation alone. Requests are judged by [`OPERATIONS`].
    const REFUSED: [&str; 81] = [
        "CreateBucketMetadataConfiguration",
        "CreateBucketMetadataTableConfiguration",
        "CreateSession",
        "DeleteBucketAnalyticsConfiguration",
        "DeleteBucketCors",
        "DeleteBucketEncryption",
        "DeleteBucketIntelligentTieringConfiguration",
        "DeleteBucketInventoryConfiguration",
        "DeleteBucketLifecycle",
        "DeleteBucketMetadataConfiguration",
        "DeleteBucketMetadataTableConfiguration",
        "DeleteBucketMetricsConfiguration",
        "DeleteBucketOwnershipControls",
        "DeleteBucketPolicy",
        "DeleteBucketReplication",
        "DeleteBucketTagging",
        "DeleteBucketWebsite",
        "DeletePublicAccessBlock",
        "GetBucketAbac",
        "GetBucketAccelerateConfiguration",
        "GetBucketAnalyticsConfiguration",
        "GetBucketEncryption",
        "GetBucketIntelligentTieringConfiguration",
        "GetBucketInventoryConfiguration",
        "GetBucketLifecycle",
        "GetBucketLifecycleConfiguration",
        "GetBucketLogging",
        "GetBucketMetadataConfiguration",
        "GetBucketMetadataTableConfiguration",
        "GetBucketMetricsConfiguration",
        "GetBucketNotification",
        "GetBucketNotificationConfiguration",
        "GetBucketOwnershipControls",
        "GetBucketPolicy",
        "GetBucketPolicyStatus",
        "GetBucketReplication",
        "GetBucketRequestPayment",
        "GetBucketTagging",
        "GetBucketWebsite",
        "GetObjectLegalHold",
        "GetObjectLockConfiguration",
        "GetObjectRetention",
        "GetObjectTorrent",
        "GetPublicAccessBlock",
        "ListBucketAnalyticsConfigurations",
        "ListBucketIntelligentTieringConfigurations",
        "ListBucketInventoryConfigurations",
        "ListBucketMetricsConfigurations",
        "ListDirectoryBuckets",
        "PutBucketAbac",
        "PutBucketAccelerateConfiguration",
        "PutBucketAcl",
        "PutBucketAnalyticsConfiguration",
        "PutBucketCors",
        "PutBucketEncryption",
        "PutBucketIntelligentTieringConfiguration",
        "PutBucketInventoryConfiguration",
        "PutBucketLifecycle",
        "PutBucketLifecycleConfiguration",
        "PutBucketLogging",
        "PutBucketMetricsConfiguration",
        "PutBucketNotification",
        "PutBucketNotificationConfiguration",
        "PutBucketOwnershipControls",
        "PutBucketPolicy",
        "PutBucketReplication",
        "PutBucketRequestPayment",
        "PutBucketTagging",
        "PutBucketWebsite",
        "PutObjectAcl",
        "PutObjectLegalHold",
        "PutObjectLockConfiguration",
        "PutObjectRetention",
        "PutPublicAccessBlock",
        "RenameObject",
        "RestoreObject",
        "SelectObjectContent",
        "UpdateBucketMetadataInventoryTableConfiguration",
        "UpdateBucketMetadataJournalTableConfiguration",
        "UpdateObjectEncryption",
        "WriteGetObjectResponse",
    ];

    /// The documentation of the table.
    fn document() -> String {
        let code = |names: &mut dyn Iterator<Item = &str>| {
            let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
            names.join(", ")
        };
        let mut text = String::from(
            "# The local S3

`sightline local` serves these operations of S3. Every other operation, query parameter, `x-amz-*` header and condition
of a write is refused with `501 NotImplemented`, and changes nothing.

<!-- Generated from crates/local-aws/src/s3/supported.rs:
     UPDATE_GOLDEN=1 cargo test -p sightline-local-aws --lib the_documentation_has_every_operation -->

| operation | parameters | headers | differences from S3 |
|---|---|---|---|
"
        );
        for operation in OPERATIONS {
            let stored = if STORING.contains(&operation.name) {
                "those of new objects"
            } else {
                ""
            };
            let own = code(&mut operation.headers.iter().copied());
            let headers = [stored, &own];
            let headers: Vec<&str> = headers
                .into_iter()
                .filter(|text| !text.is_empty())
                .collect();
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} |",
                operation.name,
                code(&mut operation.parameters.iter().copied()),
                headers.join(", "),
                operation.difference
            );
        }
        let _ = write!(
            text,
            "
## Headers and parameters

- Headers of new objects: {}, user metadata (`x-amz-meta-*`), and the ordinary ones such as `Content-Type` and
  `Cache-Control`. ACLs other than `private` and `bucket-owner-full-control` get `400 AccessControlListNotSupported`.
- Headers of every operation: {}.
- Reads take `Range`, `If-Match`, `If-None-Match`, `If-Modified-Since` and `If-Unmodified-Since`.
- Parameters that begin with `x-`, but not with `x-amz-`, are ignored, as in S3. `x-id` must name the operation.
- In a presigned URL, `x-amz-*` parameters count as headers. Checksums among them are ignored, as in S3: an SDK that signs
  without the body signs the checksum of an empty one.

## Other differences

- Requests are signed with Signature Version 4, or Version 2 in a URL. There is no anonymous access and no upload by form.
- Buckets have no encryption, locks, policies, lifecycles, notifications of their own, replication, tags or websites.
- A version id is 32 hexadecimal digits, or `null` for a version that was stored without versioning. Another form gets
  `400 InvalidArgument`. Old versions stay until they are deleted: no lifecycle removes them.
- Every access key may do everything in every bucket.
- A body whose sender pauses for half a minute, or sends less than 1 KiB a second in the long run, is cut off with
  `400 RequestTimeout`.
- Requests for a host that is not a name of the service get 421, and those of other sites' pages get 403: see
  [configuration.md](configuration.md).

## Refused operations

{}.
",
            code(&mut ATTRIBUTES.iter().copied()),
            code(&mut COMMON_HEADERS.iter().copied()),
            REFUSED.join(", "),
        );
        text
    }

    #[test]
    fn the_documentation_has_every_operation() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/s3.md");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            std::fs::write(&path, document()).unwrap();
        }
        assert!(
            std::fs::read_to_string(&path).unwrap_or_default() == document(),
            "docs/s3.md differs from the table: run the command that it names"
        );
    }

    fn code(operation: &str, method: Method, query: &str, sent: &[(&str, &str)]) -> String {
        let mut headers = HeaderMap::new();
        for (name, value) in sent {
            let name: http::HeaderName = name.parse().unwrap();
            headers.insert(name, value.parse().unwrap());
        }
        match check(operation, &method, Some(query), &headers) {
            Ok(()) => "ok".to_owned(),
            Err(error) => error.code().as_str().to_owned(),
        }
    }

    #[test]
    fn requests_of_clients_are_accepted() {
        let signature = "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=a&X-Amz-Date=b&X-Amz-Expires=1&\
                         X-Amz-SignedHeaders=host&X-Amz-Signature=c";
        for (operation, query, headers) in [
            (
                "PutObject",
                "x-id=PutObject",
                &[("x-amz-sdk-checksum-algorithm", "CRC32")][..],
            ),
            (
                "PutObject",
                signature,
                &[("x-amz-meta-filename", "a"), ("if-none-match", "*")],
            ),
            ("PutObject", &format!("{signature}&x-amz-meta-a=b"), &[]),
            (
                "PutObject",
                "x-trace=1",
                &[
                    ("x-amz-storage-class", "STANDARD"),
                    ("x-amz-acl", "private"),
                ],
            ),
            (
                "PutObject",
                "",
                &[
                    ("x-amz-trailer", "x-amz-checksum-crc32"),
                    ("amz-sdk-invocation-id", "1"),
                ],
            ),
            (
                "DeleteObject",
                "versionId=null",
                &[("x-amz-request-payer", "requester")],
            ),
            (
                "CreateBucket",
                "",
                &[("x-amz-bucket-object-lock-enabled", "false")],
            ),
        ] {
            assert_eq!(
                code(operation, Method::PUT, query, headers),
                "ok",
                "{operation} {query}"
            );
        }
        assert_eq!(
            code(
                "GetObject",
                Method::GET,
                "partNumber=1",
                &[("if-range", "\"a\"")]
            ),
            "ok"
        );
    }

    #[test]
    fn everything_else_is_not_implemented() {
        for (operation, query, headers) in [
            ("PutBucketPolicy", "policy", &[][..]),
            ("DeleteBucket", "metadataConfiguration", &[]),
            ("DeleteObject", "annotation", &[]),
            (
                "PutObject",
                "renameObject",
                &[("x-amz-rename-source", "/in/a")],
            ),
            ("PutObject", "encryption", &[]),
            ("PutObject", "x-amz-meta-a=b", &[]),
            ("PutObject", "x-id=RenameObject", &[]),
            ("PutObject", "%65ncryption", &[]),
            ("DeleteObject", "", &[("x-amz-if-match-size", "1")]),
            (
                "DeleteObject",
                "",
                &[("if-unmodified-since", "Fri, 02 Jan 2026 03:04:05 GMT")],
            ),
            ("PutObject", "", &[("x-amz-object-lock-mode", "GOVERNANCE")]),
            (
                "PutObject",
                "",
                &[("x-amz-server-side-encryption-customer-key", "a")],
            ),
            ("PutObject", "", &[("x-amz-checksum-sha512", "a")]),
            (
                "PutObject",
                "",
                &[("x-amz-trailer", "x-amz-checksum-sha512")],
            ),
            ("PutObject", "", &[("content-range", "bytes 0-1/3")]),
            (
                "CreateBucket",
                "",
                &[("x-amz-object-ownership", "ObjectWriter")],
            ),
        ] {
            assert_eq!(
                code(operation, Method::PUT, query, headers),
                "NotImplemented",
                "{operation} {query} {headers:?}"
            );
        }
        assert_eq!(
            code(
                "DeleteObject",
                Method::DELETE,
                "versionId=a&versionId=null",
                &[]
            ),
            "InvalidArgument"
        );
    }

    #[test]
    fn part_numbers_have_their_range() {
        for (number, expected) in [
            ("1", "ok"),
            ("10000", "ok"),
            ("0", "InvalidArgument"),
            ("-1", "InvalidArgument"),
            ("10001", "InvalidArgument"),
            ("99999999999", "InvalidArgument"),
            ("one", "InvalidArgument"),
            ("", "InvalidArgument"),
        ] {
            for operation in WITH_PART_NUMBER {
                let query = format!("partNumber={number}&uploadId=a");
                let query = if operation.ends_with("Object") {
                    query.trim_end_matches("&uploadId=a")
                } else {
                    &query
                };
                assert_eq!(
                    code(operation, Method::GET, query, &[]),
                    expected,
                    "{operation} {number}"
                );
            }
        }
    }
}
