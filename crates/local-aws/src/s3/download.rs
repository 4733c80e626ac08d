//! Reads objects: whole, by range, or by part.

use super::{
    backend::Backend,
    conditions::ReadConditions,
    convert::{checksum_type, etag, fill_checksum, io_error, size, timestamp, version},
};
use crate::{Body, checksum::Checksum, store::Object};
use bytes::Bytes;
use futures::Stream;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use s3s::{
    S3Error, S3ErrorCode, S3Request, S3Response, S3Result,
    dto::{GetObjectInput, GetObjectOutput, HeadObjectInput, HeadObjectOutput, StreamingBlob},
    s3_error,
};
use std::{
    fs::File,
    io::{self, SeekFrom},
    ops::Range,
    pin::Pin,
    task::{Context, Poll, ready},
};
use time::OffsetDateTime;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncSeekExt, ReadBuf, Take};

/// The size of a read, in bytes.
const CHUNK: usize = 256 << 10;

/// S3's type for an object without one.
const DEFAULT_TYPE: &str = "binary/octet-stream";

/// The requested part of an object.
struct Selection {
    bytes: Range<u64>,
    /// Whether a range or part was requested. The response is partial then, even for the whole object.
    partial: bool,
    checksum: Option<Checksum>,
    parts_count: Option<i32>,
}

impl Selection {
    fn of(object: &Object, range: Option<s3s::dto::Range>, part: Option<i32>) -> S3Result<Self> {
        match (range, part) {
            (Some(_), Some(_)) => Err(s3_error!(
                InvalidRequest,
                "Cannot specify both Range header and partNumber query parameter"
            )),
            (None, None) => Ok(Self {
                bytes: 0..object.size,
                partial: false,
                checksum: object.checksum.clone(),
                parts_count: None,
            }),
            (Some(range), None) => {
                let bytes = range
                    .check(object.size)
                    .ok()
                    .filter(|range| !range.is_empty());
                let bytes = bytes.ok_or_else(|| not_satisfiable(object.size))?;
                // The checksum of the whole object does not verify a part.
                let whole = bytes == (0..object.size);
                Ok(Self {
                    bytes,
                    partial: true,
                    checksum: object.checksum.clone().filter(|_| whole),
                    parts_count: None,
                })
            }
            (None, Some(number)) => Self::part(object, number),
        }
    }

    fn part(object: &Object, number: i32) -> S3Result<Self> {
        if object.parts.is_empty() {
            if number != 1 {
                return Err(no_such_part());
            }
            let checksum = object.checksum.clone();
            return Ok(Self {
                bytes: 0..object.size,
                partial: object.size > 0,
                checksum,
                parts_count: None,
            });
        }
        let index = usize::try_from(number)
            .ok()
            .and_then(|number| number.checked_sub(1));
        let part = index.and_then(|index| Some((index, object.parts.get(index)?)));
        let Some((index, part)) = part else {
            return Err(no_such_part());
        };
        let start: u64 = object.parts.iter().take(index).map(|part| part.size).sum();
        Ok(Self {
            bytes: start..start + part.size,
            partial: part.size > 0,
            checksum: part.checksum.clone(),
            parts_count: i32::try_from(object.parts.len()).ok(),
        })
    }

    fn content_range(&self, object: &Object) -> Option<String> {
        let last = self.bytes.end.checked_sub(1)?;
        self.partial
            .then(|| format!("bytes {}-{last}/{}", self.bytes.start, object.size))
    }
}

fn no_such_part() -> S3Error {
    let mut error = S3Error::with_message(
        S3ErrorCode::Custom("InvalidPartNumber".into()),
        "The requested partnumber is not satisfiable",
    );
    error.set_status_code(StatusCode::RANGE_NOT_SATISFIABLE);
    error
}

fn not_satisfiable(size: u64) -> S3Error {
    let mut error = S3Error::with_message(
        S3ErrorCode::InvalidRange,
        "The requested range is not satisfiable",
    );
    if let Ok(value) = HeaderValue::from_str(&format!("bytes */{size}")) {
        error.set_headers(HeaderMap::from_iter([(header::CONTENT_RANGE, value)]));
    }
    error
}

/// Fills the members that GetObject and HeadObject share.
macro_rules! describe {
    ($output:expr, $object:expr, $selection:expr, $checksums:expr) => {{
        let attributes = $object.attributes.clone();
        $output.accept_ranges = Some("bytes".to_owned());
        $output.content_length = Some(size($selection.bytes.end - $selection.bytes.start));
        $output.content_range = $selection.content_range($object);
        $output.e_tag = Some(etag(&$object.etag));
        $output.version_id = $object.version.clone();
        $output.last_modified = Some(timestamp($object.last_modified));
        $output.content_type = Some(
            attributes
                .content_type
                .unwrap_or_else(|| DEFAULT_TYPE.to_owned()),
        );
        $output.cache_control = attributes.cache_control;
        $output.content_disposition = attributes.content_disposition;
        $output.content_encoding = attributes.content_encoding;
        $output.content_language = attributes.content_language;
        $output.expires = attributes
            .expires
            .and_then(|time| OffsetDateTime::from_unix_timestamp(time).ok())
            .map(timestamp);
        $output.website_redirect_location = attributes.website_redirect_location;
        $output.storage_class = attributes.storage_class.map(s3s::dto::StorageClass::from);
        $output.metadata =
            (!attributes.user.is_empty()).then(|| attributes.user.into_iter().collect());
        $output.parts_count = $selection.parts_count;
        if $checksums {
            let checksum = $selection.checksum.as_ref();
            fill_checksum!($output, checksum);
            let whole = checksum.and_then(|_| $object.checksum.as_ref());
            $output.checksum_type = whole.map(|whole: &Checksum| checksum_type(whole.coverage));
        }
    }};
}

pub(super) async fn get_object(
    backend: &Backend,
    req: S3Request<GetObjectInput>,
) -> S3Result<S3Response<GetObjectOutput>> {
    let input = req.input;
    let (object, file) = backend
        .store
        .open_object(
            &input.bucket,
            &input.key,
            version(input.version_id.as_deref())?,
        )
        .await?;
    let conditions = ReadConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    conditions.check(&object)?;
    let selection = Selection::of(&object, input.range, input.part_number)?;
    let mut output = GetObjectOutput::default();
    describe!(output, &object, selection, input.checksum_mode.is_some());
    output.tag_count = i32::try_from(object.attributes.tags.len())
        .ok()
        .filter(|count| *count > 0);
    output.body = Some(stream(file, selection.bytes).await.map_err(io_error)?);
    Ok(S3Response::new(output))
}

pub(super) async fn head_object(
    backend: &Backend,
    req: S3Request<HeadObjectInput>,
) -> S3Result<S3Response<HeadObjectOutput>> {
    let input = req.input;
    let object = backend
        .store
        .object(
            &input.bucket,
            &input.key,
            version(input.version_id.as_deref())?,
        )
        .await?;
    let conditions = ReadConditions {
        if_match: input.if_match,
        if_none_match: input.if_none_match,
        if_modified_since: input.if_modified_since,
        if_unmodified_since: input.if_unmodified_since,
    };
    conditions.check(&object)?;
    let selection = Selection::of(&object, input.range, input.part_number)?;
    let mut output = HeadObjectOutput::default();
    describe!(output, &object, selection, input.checksum_mode.is_some());
    let status = if output.content_range.is_some() {
        StatusCode::PARTIAL_CONTENT
    } else {
        StatusCode::OK
    };
    Ok(S3Response::with_status(output, status))
}

/// The bytes of a range of an open file: at once if they are few, otherwise in chunks.
async fn stream(mut file: File, range: Range<u64>) -> io::Result<StreamingBlob> {
    let length = range.end.saturating_sub(range.start);
    if length <= CHUNK as u64 {
        let read = move || {
            use std::io::{Read, Seek};
            file.seek(SeekFrom::Start(range.start))?;
            let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
            file.read_exact(&mut bytes)?;
            Ok::<_, io::Error>(bytes)
        };
        let bytes = tokio::task::spawn_blocking(read)
            .await
            .map_err(io::Error::other)??;
        return Ok(StreamingBlob::from(Body::from(Bytes::from(bytes))));
    }
    let mut file = tokio::fs::File::from_std(file);
    file.seek(SeekFrom::Start(range.start)).await?;
    Ok(StreamingBlob::wrap(Chunks {
        file: file.take(length),
        buffer: vec![0; CHUNK].into_boxed_slice(),
    }))
}

/// The bytes of a file in chunks.
struct Chunks {
    file: Take<tokio::fs::File>,
    buffer: Box<[u8]>,
}

impl Stream for Chunks {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let mut buffer = ReadBuf::new(&mut this.buffer);
        match ready!(Pin::new(&mut this.file).poll_read(context, &mut buffer)) {
            Err(error) => Poll::Ready(Some(Err(error))),
            Ok(()) if !buffer.filled().is_empty() => {
                Poll::Ready(Some(Ok(Bytes::copy_from_slice(buffer.filled()))))
            }
            Ok(()) if this.file.limit() > 0 => {
                this.file.set_limit(0);
                Poll::Ready(Some(Err(io::ErrorKind::UnexpectedEof.into())))
            }
            Ok(()) => Poll::Ready(None),
        }
    }
}
