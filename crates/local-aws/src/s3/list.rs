//! Lists objects, in both versions of the operation.

use super::{
    backend::Backend,
    convert::{
        checksum_algorithm, checksum_type, etag, listed_storage_class, owner, size, timestamp,
    },
};
use crate::store::{Entry, ListQuery, Listing};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3s::{
    S3Request, S3Response, S3Result,
    dto::{
        CommonPrefix, EncodingType, ListObjectsInput, ListObjectsOutput, ListObjectsV2Input,
        ListObjectsV2Output, Object,
    },
    s3_error,
};

/// The most entries of a response.
const MAX_KEYS: i32 = 1000;

/// The characters that `encoding-type=url` does not encode. A space becomes `%20`, because not every decoder supports
/// S3's `+`.
const URL: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'*')
    .remove(b'/')
    .remove(b'~');

/// The encoding of names in a response.
#[derive(Debug, Clone, Copy)]
pub(super) struct Encoding {
    url: bool,
}

impl Encoding {
    pub(super) fn of(encoding_type: Option<&EncodingType>) -> S3Result<Self> {
        match encoding_type.map(EncodingType::as_str) {
            None => Ok(Self { url: false }),
            Some("url") => Ok(Self { url: true }),
            Some(_) => Err(s3_error!(
                InvalidArgument,
                "Invalid Encoding Method specified in Request"
            )),
        }
    }

    /// The encoding of `encoding-type=url`.
    pub(super) fn url() -> Self {
        Self { url: true }
    }

    pub(super) fn text(self, text: &str) -> String {
        if self.url {
            utf8_percent_encode(text, URL).to_string()
        } else {
            text.to_owned()
        }
    }
}

/// The number of entries of a response. `parameter` is its name in the request.
pub(super) fn page_size(requested: Option<i32>, parameter: &str) -> S3Result<i32> {
    let requested = requested.unwrap_or(MAX_KEYS);
    if requested < 0 {
        return Err(s3_error!(
            InvalidArgument,
            "Argument {parameter} must be an integer between 0 and 2147483647"
        ));
    }
    Ok(requested.min(MAX_KEYS))
}

struct Page {
    contents: Vec<Object>,
    common_prefixes: Vec<CommonPrefix>,
    /// The last name, not encoded.
    last: Option<String>,
}

impl Page {
    fn of(listing: Listing, encoding: Encoding, with_owner: bool) -> Self {
        let last = listing.entries.last().map(|entry| entry.name().to_owned());
        let mut page = Self {
            contents: Vec::new(),
            common_prefixes: Vec::new(),
            last,
        };
        for entry in listing.entries {
            match entry {
                Entry::Prefix(prefix) => {
                    page.common_prefixes.push(CommonPrefix {
                        prefix: Some(encoding.text(&prefix)),
                    });
                }
                Entry::Object {
                    key,
                    size: bytes,
                    etag: tag,
                    last_modified,
                    storage_class,
                    checksum,
                } => {
                    page.contents.push(Object {
                        checksum_algorithm: checksum
                            .as_ref()
                            .map(|checksum| vec![checksum_algorithm(checksum.algorithm)]),
                        checksum_type: checksum.map(|checksum| checksum_type(checksum.coverage)),
                        e_tag: Some(etag(&tag)),
                        key: Some(encoding.text(&key)),
                        last_modified: Some(timestamp(last_modified)),
                        owner: with_owner.then(owner),
                        restore_status: None,
                        size: Some(size(bytes)),
                        storage_class: Some(listed_storage_class(storage_class)),
                    });
                }
            }
        }
        page
    }
}

pub(super) async fn list_objects_v2(
    backend: &Backend,
    req: S3Request<ListObjectsV2Input>,
) -> S3Result<S3Response<ListObjectsV2Output>> {
    let input = req.input;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max = page_size(input.max_keys, "max-keys")?;
    let after = match &input.continuation_token {
        Some(token) => Some(read_token(token)?),
        None => input.start_after.clone(),
    };
    let query = ListQuery {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after,
        max: usize::try_from(max).unwrap_or_default(),
    };
    let listing = backend.store.list(query).await?;
    let truncated = listing.truncated;
    let page = Page::of(listing, encoding, input.fetch_owner.unwrap_or(false));
    let output = ListObjectsV2Output {
        name: Some(input.bucket),
        prefix: Some(encoding.text(input.prefix.as_deref().unwrap_or_default())),
        max_keys: Some(max),
        key_count: i32::try_from(page.contents.len() + page.common_prefixes.len()).ok(),
        continuation_token: input.continuation_token,
        is_truncated: Some(truncated),
        next_continuation_token: page.last.filter(|_| truncated).map(|last| token(&last)),
        contents: Some(page.contents),
        common_prefixes: Some(page.common_prefixes),
        delimiter: input.delimiter.map(|delimiter| encoding.text(&delimiter)),
        encoding_type: input.encoding_type,
        start_after: input.start_after.map(|after| encoding.text(&after)),
        request_charged: None,
    };
    Ok(S3Response::new(output))
}

pub(super) async fn list_objects(
    backend: &Backend,
    req: S3Request<ListObjectsInput>,
) -> S3Result<S3Response<ListObjectsOutput>> {
    let input = req.input;
    let encoding = Encoding::of(input.encoding_type.as_ref())?;
    let max = page_size(input.max_keys, "max-keys")?;
    let query = ListQuery {
        bucket: input.bucket.clone(),
        prefix: input.prefix.clone().unwrap_or_default(),
        delimiter: input.delimiter.clone(),
        after: input.marker.clone().filter(|marker| !marker.is_empty()),
        max: usize::try_from(max).unwrap_or_default(),
    };
    let listing = backend.store.list(query).await?;
    let truncated = listing.truncated;
    let page = Page::of(listing, encoding, true);
    // Without a delimiter, clients continue after the last key.
    let with_marker = truncated && input.delimiter.is_some();
    let output = ListObjectsOutput {
        name: Some(input.bucket),
        prefix: Some(encoding.text(input.prefix.as_deref().unwrap_or_default())),
        marker: Some(encoding.text(input.marker.as_deref().unwrap_or_default())),
        max_keys: Some(max),
        is_truncated: Some(truncated),
        next_marker: page
            .last
            .filter(|_| with_marker)
            .map(|last| encoding.text(&last)),
        contents: Some(page.contents),
        common_prefixes: Some(page.common_prefixes),
        delimiter: input.delimiter.map(|delimiter| encoding.text(&delimiter)),
        encoding_type: input.encoding_type,
        request_charged: None,
    };
    Ok(S3Response::new(output))
}

/// The opaque token for the page after `last`.
fn token(last: &str) -> String {
    URL_SAFE_NO_PAD.encode(last)
}

fn read_token(token: &str) -> S3Result<String> {
    let text = URL_SAFE_NO_PAD
        .decode(token)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    text.ok_or_else(|| {
        s3_error!(
            InvalidArgument,
            "The continuation token provided is incorrect"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_encoded_on_request() {
        let encoding = Encoding::of(Some(&EncodingType::from_static("url"))).unwrap();
        assert_eq!(encoding.text("a b+c/%\u{1}ü~"), "a%20b%2Bc/%25%01%C3%BC~");
        assert_eq!(Encoding::of(None).unwrap().text("a b"), "a b");
        assert!(Encoding::of(Some(&EncodingType::from_static("xml"))).is_err());
    }

    #[test]
    fn tokens_round_trip() {
        assert_eq!(read_token(&token("a/ü\u{1}")).unwrap(), "a/ü\u{1}");
        assert!(read_token("?").is_err());
    }
}
