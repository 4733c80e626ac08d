//! Converts between s3s's types and the store's.

use crate::{
    checksum::{Algorithm, Checksum, Coverage},
    events::NULL_VERSION,
    store::{Attributes, StoreError, sequencer_in},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use s3s::{
    S3Error, S3Result,
    dto::{self, ETag, ETagCondition, Timestamp},
    s3_error,
};
use std::collections::BTreeMap;
use time::OffsetDateTime;

/// The most bytes of user metadata, names and values together.
const MAX_USER_METADATA: usize = 2048;

/// The storage classes whose objects can be read without a restore.
const STORAGE_CLASSES: [&str; 6] = [
    "STANDARD",
    "REDUCED_REDUNDANCY",
    "STANDARD_IA",
    "ONEZONE_IA",
    "INTELLIGENT_TIERING",
    "GLACIER_IR",
];

/// The attributes of a PutObject, CopyObject or CreateMultipartUpload request.
macro_rules! attributes {
    ($input:expr) => {
        $crate::s3::convert::checked_attributes($crate::store::Attributes {
            content_type: $input.content_type.take(),
            cache_control: $input.cache_control.take(),
            content_disposition: $input.content_disposition.take(),
            content_encoding: $input
                .content_encoding
                .take()
                .and_then($crate::s3::convert::without_framing),
            content_language: $input.content_language.take(),
            expires: $input
                .expires
                .take()
                .map(|expires| ::time::OffsetDateTime::from(expires).unix_timestamp()),
            website_redirect_location: $input.website_redirect_location.take(),
            storage_class: $input
                .storage_class
                .take()
                .map(|class| class.as_str().to_owned()),
            user: $input
                .metadata
                .take()
                .unwrap_or_default()
                .into_iter()
                .collect(),
            tags: match $input.tagging.take() {
                Some(tagging) => $crate::s3::convert::tags_of_header(&tagging)?,
                None => Vec::new(),
            },
            upload: None,
        })
    };
}
pub(super) use attributes;

/// Fills the checksum members of a response.
macro_rules! fill_checksum {
    ($output:expr, $checksum:expr) => {
        if let Some(checksum) = $checksum {
            let value = Some(checksum.value.clone());
            match checksum.algorithm {
                $crate::checksum::Algorithm::Crc32 => $output.checksum_crc32 = value,
                $crate::checksum::Algorithm::Crc32c => $output.checksum_crc32c = value,
                $crate::checksum::Algorithm::Crc64Nvme => $output.checksum_crc64nvme = value,
                $crate::checksum::Algorithm::Sha1 => $output.checksum_sha1 = value,
                $crate::checksum::Algorithm::Sha256 => $output.checksum_sha256 = value,
            }
        }
    };
}
pub(super) use fill_checksum;

/// The checksum of a request or a part, if it has one.
macro_rules! given_checksum {
    ($input:expr) => {
        $crate::s3::convert::one_checksum([
            (
                $crate::checksum::Algorithm::Crc32,
                $input.checksum_crc32.take(),
            ),
            (
                $crate::checksum::Algorithm::Crc32c,
                $input.checksum_crc32c.take(),
            ),
            (
                $crate::checksum::Algorithm::Crc64Nvme,
                $input.checksum_crc64nvme.take(),
            ),
            (
                $crate::checksum::Algorithm::Sha1,
                $input.checksum_sha1.take(),
            ),
            (
                $crate::checksum::Algorithm::Sha256,
                $input.checksum_sha256.take(),
            ),
        ])
    };
}
pub(super) use given_checksum;

pub(super) fn one_checksum(
    given: [(Algorithm, Option<String>); 5],
) -> S3Result<Option<(Algorithm, String)>> {
    let mut named = given
        .into_iter()
        .filter_map(|(algorithm, value)| Some((algorithm, value?)));
    let first = named.next();
    match named.next() {
        None => Ok(first),
        Some(_) => Err(s3_error!(
            InvalidRequest,
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )),
    }
}

pub(super) fn checked_attributes(mut attributes: Attributes) -> S3Result<Attributes> {
    let bytes: usize = attributes
        .user
        .iter()
        .map(|(name, value)| name.len() + value.len())
        .sum();
    if bytes > MAX_USER_METADATA {
        return Err(s3_error!(
            MetadataTooLarge,
            "Your metadata headers exceed the maximum allowed metadata size of {MAX_USER_METADATA} bytes."
        ));
    }
    if let Some(class) = &attributes.storage_class {
        if !STORAGE_CLASSES.contains(&class.as_str()) {
            return Err(s3_error!(
                InvalidStorageClass,
                "The storage class you specified is not valid"
            ));
        }
        if class == "STANDARD" {
            attributes.storage_class = None;
        }
    }
    Ok(attributes)
}

/// Removes `aws-chunked`, which describes the transfer and not the object.
pub(super) fn without_framing(content_encoding: String) -> Option<String> {
    let kept: Vec<&str> = content_encoding
        .split(',')
        .map(str::trim)
        .filter(|coding| !coding.eq_ignore_ascii_case("aws-chunked"))
        .collect();
    let kept = kept.join(",");
    (!kept.is_empty()).then_some(kept)
}

/// Tags in the header `x-amz-tagging`: `a=1&b=2`, form-urlencoded.
pub(super) fn tags_of_header(header: &str) -> S3Result<Vec<(String, String)>> {
    let decode = |text: &str| {
        percent_encoding::percent_decode_str(&text.replace('+', " "))
            .decode_utf8()
            .map(std::borrow::Cow::into_owned)
    };
    let tags = header
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Ok((decode(name)?, decode(value)?))
        })
        .collect::<Result<Vec<_>, std::str::Utf8Error>>()
        .map_err(|_| {
            s3_error!(
                InvalidArgument,
                "The header 'x-amz-tagging' shall be encoded as UTF-8."
            )
        })?;
    checked_tags(tags)
}

/// Tags in a request body.
pub(super) fn tags_of_body(tagging: dto::Tagging) -> S3Result<Vec<(String, String)>> {
    let tags = tagging
        .tag_set
        .into_iter()
        .map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default()));
    checked_tags(tags.collect())
}

/// At most ten tags, names of 1 to 128 characters, each once, values of up to 256.
fn checked_tags(tags: Vec<(String, String)>) -> S3Result<Vec<(String, String)>> {
    let names: BTreeMap<&str, &str> = tags
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    if tags.len() > 10 {
        return Err(s3_error!(
            InvalidTag,
            "Object tags cannot be greater than 10"
        ));
    }
    if names.len() < tags.len() {
        return Err(s3_error!(
            InvalidTag,
            "Cannot provide multiple Tags with the same key"
        ));
    }
    if names.iter().any(|(name, value)| {
        name.is_empty() || name.chars().count() > 128 || value.chars().count() > 256
    }) {
        return Err(s3_error!(
            InvalidTag,
            "A tag's key has 1 to 128 characters, its value up to 256."
        ));
    }
    Ok(tags)
}

pub(super) fn tag_set(tags: Vec<(String, String)>) -> dto::TagSet {
    tags.into_iter()
        .map(|(key, value)| dto::Tag {
            key: Some(key),
            value: Some(value),
        })
        .collect()
}

pub(super) fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

/// The ETag of a condition, without quotes. `None` for `*`.
pub(super) fn condition_etag(condition: &ETagCondition) -> Option<&str> {
    condition.as_etag().map(ETag::value)
}

pub(super) fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp::from(time)
}

pub(super) fn checksum_type(coverage: Coverage) -> dto::ChecksumType {
    dto::ChecksumType::from_static(match coverage {
        Coverage::FullObject => dto::ChecksumType::FULL_OBJECT,
        Coverage::Composite => dto::ChecksumType::COMPOSITE,
    })
}

pub(super) fn checksum_algorithm(algorithm: Algorithm) -> dto::ChecksumAlgorithm {
    dto::ChecksumAlgorithm::from_static(algorithm.name())
}

/// The storage class in listings, which include the standard one.
pub(super) fn listed_storage_class(class: Option<String>) -> dto::ObjectStorageClass {
    class.map_or(
        dto::ObjectStorageClass::from_static(dto::ObjectStorageClass::STANDARD),
        dto::ObjectStorageClass::from,
    )
}

/// Compares the client's checksum with the computed one.
pub(super) fn compare_checksum(given: &str, computed: &Checksum) -> S3Result<()> {
    let algorithm = computed.algorithm;
    let digest = given.split_once('-').map_or(given, |(digest, _)| digest);
    if STANDARD.decode(digest).map_or(0, |digest| digest.len()) != algorithm.length() {
        return Err(s3_error!(
            InvalidRequest,
            "Value for {} header is invalid.",
            algorithm.header()
        ));
    }
    if given != computed.value {
        return Err(s3_error!(
            BadDigest,
            "The {} you specified did not match the calculated checksum.",
            algorithm.name()
        ));
    }
    Ok(())
}

/// The owner of all buckets and objects.
pub(super) fn owner() -> dto::Owner {
    dto::Owner {
        display_name: None,
        id: Some(crate::events::ACCOUNT.to_owned()),
    }
}

/// The version that a request names.
///
/// # Errors
/// `InvalidArgument` for an id that no version can have.
pub(super) fn version(named: Option<&str>) -> S3Result<Option<&str>> {
    match named {
        Some("") => Err(s3_error!(
            InvalidArgument,
            "Version id cannot be the empty string"
        )),
        Some(id) if id != NULL_VERSION && sequencer_in(id).is_none() => {
            Err(s3_error!(InvalidArgument, "Invalid version id specified"))
        }
        named => Ok(named),
    }
}

/// A size in S3's responses.
pub(super) fn size(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

/// An error when reading an object's file.
pub(super) fn io_error(error: std::io::Error) -> S3Error {
    StoreError::from(error).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_chunked_is_not_stored() {
        for (sent, kept) in [
            ("aws-chunked", None),
            ("gzip,aws-chunked", Some("gzip")),
            ("br", Some("br")),
        ] {
            assert_eq!(without_framing(sent.to_owned()).as_deref(), kept);
        }
    }

    #[test]
    fn tags_are_decoded_and_limited() {
        assert_eq!(
            tags_of_header("a=1&b+c=%26").unwrap(),
            [("a".into(), "1".into()), ("b c".into(), "&".into())]
        );
        assert!(tags_of_header("a=1&a=2").is_err());
        assert!(tags_of_header("=1").is_err());
        assert!(tags_of_header("a=%ff").is_err());
        let many: Vec<String> = (0..11).map(|number| format!("t{number}=")).collect();
        assert!(tags_of_header(&many.join("&")).is_err());
    }

    #[test]
    fn attributes_have_limits() {
        let user = BTreeMap::from([("filename".to_owned(), "x".repeat(2041))]);
        assert!(
            checked_attributes(Attributes {
                user,
                ..Attributes::default()
            })
            .is_err()
        );
        let class = |class: &str| {
            checked_attributes(Attributes {
                storage_class: Some(class.to_owned()),
                ..Attributes::default()
            })
        };
        assert_eq!(class("STANDARD").unwrap().storage_class, None);
        assert_eq!(
            class("STANDARD_IA").unwrap().storage_class.as_deref(),
            Some("STANDARD_IA")
        );
        assert!(class("GLACIER").is_err());
    }

    #[test]
    fn version_ids_have_their_form() {
        let id = "00064f1d2c3b4a590123456789abcdef";
        for valid in [None, Some("null"), Some(id)] {
            assert_eq!(version(valid).unwrap(), valid);
        }
        for invalid in ["", "abc", "Null", &id.to_uppercase(), &id[1..]] {
            let error = version(Some(invalid)).unwrap_err();
            assert_eq!(error.code().as_str(), "InvalidArgument", "{invalid}");
        }
    }

    #[test]
    fn a_checksum_must_be_well_formed_and_equal() {
        let computed = Checksum::of_bytes(Algorithm::Crc32, &[1, 2, 3, 4]);
        let code = |given| {
            compare_checksum(given, &computed)
                .err()
                .map(|error| error.code().as_str().to_owned())
        };
        assert_eq!(code("AQIDBA=="), None);
        assert_eq!(code("AQIDBQ==").as_deref(), Some("BadDigest"));
        assert_eq!(code("AQID").as_deref(), Some("InvalidRequest"));
    }
}
