//! Receives a body into a file and verifies it against the request's length and checksums.

use super::convert::{compare_checksum, io_error};
use crate::{
    checksum::{Algorithm, Checksum, Hasher},
    store::{NewBlob, Store},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use futures::StreamExt;
use http::{HeaderMap, StatusCode};
use s3s::{
    S3Error, S3ErrorCode, S3Result, StdError, TrailingHeaders, dto::StreamingBlob, s3_error,
};

/// The largest body of a request, in bytes.
const MAX_BYTES: u64 = 5 << 30;

/// The length and checksums that the request declares for its body.
#[derive(Debug)]
pub(super) struct ExpectedBody {
    /// In bytes.
    length: u64,
    md5: Option<[u8; 16]>,
    checksum: Option<ExpectedChecksum>,
}

/// A declared checksum: its value is in a header or follows in a trailer.
#[derive(Debug)]
enum ExpectedChecksum {
    Value(Algorithm, String),
    Trailer(Algorithm),
}

impl ExpectedChecksum {
    fn algorithm(&self) -> Algorithm {
        match self {
            Self::Value(algorithm, _) | Self::Trailer(algorithm) => *algorithm,
        }
    }
}

/// A received and verified body.
#[derive(Debug)]
pub(super) struct ReceivedBody {
    pub(super) blob: NewBlob,
    /// With the client's algorithm, or else the stored one.
    pub(super) checksum: Checksum,
    /// With the algorithm for the store.
    pub(super) stored_checksum: Checksum,
}

impl ExpectedBody {
    /// Reads the headers. `checksum` is the value in them.
    pub(super) fn new(
        headers: &HeaderMap,
        content_length: Option<i64>,
        content_md5: Option<&str>,
        checksum: Option<(Algorithm, String)>,
    ) -> S3Result<Self> {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        // A chunked body has its length without frames in another header.
        let decoded = text("x-amz-decoded-content-length").and_then(|length| length.parse().ok());
        let length = decoded
            .or_else(|| content_length.and_then(|length| u64::try_from(length).ok()))
            .ok_or_else(|| {
                s3_error!(
                    MissingContentLength,
                    "You must provide the Content-Length HTTP header."
                )
            })?;
        if length > MAX_BYTES {
            return Err(s3_error!(
                EntityTooLarge,
                "Your proposed upload exceeds the maximum allowed size of 5 GiB."
            ));
        }
        let md5 = match content_md5 {
            None => None,
            Some(text) => {
                let digest = STANDARD
                    .decode(text)
                    .ok()
                    .and_then(|digest| digest.try_into().ok());
                Some(digest.ok_or_else(|| {
                    s3_error!(InvalidDigest, "The Content-MD5 you specified is not valid.")
                })?)
            }
        };
        let trailers: Vec<&str> = text("x-amz-trailer")
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .collect();
        let trailer = Algorithm::ALL
            .into_iter()
            .find(|algorithm| trailers.contains(&algorithm.header()));
        let checksum = match (checksum, trailer) {
            (Some(_), Some(_)) => {
                return Err(s3_error!(
                    InvalidRequest,
                    "A checksum comes in a header or in a trailer, not in both."
                ));
            }
            (Some((algorithm, value)), None) => Some(ExpectedChecksum::Value(algorithm, value)),
            (None, trailer) => trailer.map(ExpectedChecksum::Trailer),
        };
        if checksum.is_none() && headers.contains_key("x-amz-sdk-checksum-algorithm") {
            return Err(s3_error!(
                InvalidRequest,
                "x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer \
                 headers were found."
            ));
        }
        Ok(Self {
            length,
            md5,
            checksum,
        })
    }

    /// Receives the body. `stored` is the algorithm of the checksum for the store; `None` uses the client's.
    pub(super) async fn receive(
        self,
        store: &Store,
        body: Option<StreamingBlob>,
        trailers: Option<TrailingHeaders>,
        stored: Option<Algorithm>,
    ) -> S3Result<ReceivedBody> {
        let used = self.checksum.as_ref().map(ExpectedChecksum::algorithm);
        let stored = stored.or(used).unwrap_or(Algorithm::Crc64Nvme);
        let mut hasher = Hasher::new(stored);
        let mut other = used
            .filter(|used| *used != stored)
            .map(|used| (used, Hasher::new(used)));
        let mut writer = store.blob_writer();
        let mut length = 0;
        if let Some(mut body) = body {
            while let Some(piece) = body.next().await {
                let piece = piece.map_err(|error| body_error(&error))?;
                length += piece.len() as u64;
                if length > self.length {
                    break;
                }
                hasher.update(&piece);
                if let Some((_, other)) = &mut other {
                    other.update(&piece);
                }
                writer.write(&piece).await.map_err(io_error)?;
            }
        }
        if length != self.length {
            return Err(s3_error!(
                IncompleteBody,
                "You did not provide the number of bytes specified by the Content-Length HTTP header."
            ));
        }
        let stored_checksum = Checksum::of_bytes(stored, &hasher.finalize());
        let checksum = match other {
            Some((algorithm, hasher)) => Checksum::of_bytes(algorithm, &hasher.finalize()),
            None => stored_checksum.clone(),
        };
        match self.checksum {
            None => {}
            Some(ExpectedChecksum::Value(_, given)) => compare_checksum(&given, &checksum)?,
            Some(ExpectedChecksum::Trailer(algorithm)) => {
                let trailers = trailers
                    .and_then(|trailers| trailers.take())
                    .unwrap_or_default();
                let given = trailers
                    .get(algorithm.header())
                    .and_then(|value| value.to_str().ok())
                    .ok_or_else(|| {
                        s3_error!(
                            IncompleteBody,
                            "The request has no trailer {}, which x-amz-trailer announced.",
                            algorithm.header()
                        )
                    })?;
                compare_checksum(given, &checksum)?;
            }
        }
        let blob = writer.finish().await.map_err(io_error)?;
        if self.md5.is_some_and(|md5| md5 != blob.md5()) {
            return Err(s3_error!(
                BadDigest,
                "The Content-MD5 you specified did not match what we received."
            ));
        }
        Ok(ReceivedBody {
            blob,
            checksum,
            stored_checksum,
        })
    }
}

/// Maps an error of s3s about a body. Its error types are private, but their text contains the names.
fn body_error(error: &StdError) -> S3Error {
    let text = error.to_string();
    let is = |name: &str| text.contains(name);
    if is("Sha256Mismatch") {
        let mut error = S3Error::with_message(
            S3ErrorCode::Custom("XAmzContentSHA256Mismatch".into()),
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        );
        error.set_status_code(StatusCode::BAD_REQUEST);
        error
    } else if is("SignatureMismatch") {
        s3_error!(
            SignatureDoesNotMatch,
            "The signature of a chunk of the body does not match."
        )
    } else if is("FormatError") || is("ChunkMetaTooLarge") || is("Trailer") {
        s3_error!(InvalidRequest, "The body is not well-formed aws-chunked.")
    } else {
        s3_error!(
            IncompleteBody,
            "The body is shorter or longer than the request declared."
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected(
        headers: &[(&'static str, &'static str)],
        length: Option<i64>,
        md5: Option<&str>,
        checksum: Option<(Algorithm, &str)>,
    ) -> Result<ExpectedBody, String> {
        let headers = headers
            .iter()
            .map(|(name, value)| {
                (
                    http::HeaderName::from_static(name),
                    http::HeaderValue::from_static(value),
                )
            })
            .collect();
        let checksum = checksum.map(|(algorithm, value)| (algorithm, value.to_owned()));
        ExpectedBody::new(&headers, length, md5, checksum)
            .map_err(|error| error.code().as_str().to_owned())
    }

    #[test]
    fn headers_declare_a_body() {
        assert_eq!(expected(&[], Some(7), None, None).unwrap().length, 7);
        let chunked = expected(
            &[
                ("x-amz-decoded-content-length", "5"),
                ("x-amz-trailer", "x-amz-checksum-crc32"),
            ],
            Some(99),
            None,
            None,
        )
        .unwrap();
        assert_eq!(chunked.length, 5);
        assert_eq!(chunked.checksum.unwrap().algorithm(), Algorithm::Crc32);
    }

    #[test]
    fn invalid_headers_are_rejected() {
        let trailer = [("x-amz-trailer", "x-amz-checksum-crc32")];
        let announced = [("x-amz-sdk-checksum-algorithm", "CRC32")];
        for (result, code) in [
            (expected(&[], None, None, None), "MissingContentLength"),
            (expected(&[], Some(6 << 30), None, None), "EntityTooLarge"),
            (expected(&[], Some(1), Some("AAAA"), None), "InvalidDigest"),
            (
                expected(
                    &trailer,
                    Some(1),
                    None,
                    Some((Algorithm::Crc32, "AAAAAA==")),
                ),
                "InvalidRequest",
            ),
            (expected(&announced, Some(1), None, None), "InvalidRequest"),
        ] {
            assert_eq!(result.unwrap_err(), code);
        }
    }
}
