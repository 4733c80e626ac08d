//! S3, Rekognition, `DynamoDB` and SQS, as far as the measured functions use them.
//!
//! - S3 has one picture under every key `uploads/<name>/…`, so that any number of them can be processed, and keeps what is written.
//!   Conditional writes work. Checksums and signatures are not checked.
//! - Rekognition answers every call with the same labels, after a pause that can be set.
//! - `DynamoDB` has an empty table, and SQS accepts everything.

use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use bytes::{Buf as _, Bytes};
use http_body_util::{BodyExt as _, Full};
use hyper::{HeaderMap, Method, Request, Response, StatusCode, body::Incoming, header};

const LAST_MODIFIED: &str = "Thu, 01 Jan 2026 00:00:00 GMT";

/// Written objects are forgotten beyond this number, between two invocations.
const MAX_OBJECTS: usize = 1000;

#[derive(Debug, Clone)]
struct Object {
    bytes: Bytes,
    e_tag: String,
    content_type: String,
    metadata: Vec<(String, String)>,
}

/// All services.
#[derive(Debug)]
pub(crate) struct Aws {
    labels: Bytes,
    rekognition_takes: Cell<Duration>,
    pictures: RefCell<HashMap<String, Object>>,
    objects: RefCell<HashMap<String, Object>>,
    calls: RefCell<BTreeMap<String, u64>>,
    writes: Cell<u64>,
}

type Answer = Response<Full<Bytes>>;

impl Aws {
    pub(crate) fn new(labels: Bytes) -> Self {
        Self {
            labels,
            rekognition_takes: Cell::default(),
            pictures: RefCell::default(),
            objects: RefCell::default(),
            calls: RefCell::default(),
            writes: Cell::default(),
        }
    }

    /// How long Rekognition takes from now on.
    pub(crate) fn set_rekognition(&self, takes: Duration) {
        self.rekognition_takes.set(takes);
    }

    /// Puts a picture under all keys `uploads/<name>/…`, and returns its `ETag`.
    pub(crate) fn add_picture(&self, name: &str, bytes: Vec<u8>) -> String {
        let e_tag = format!("{:032x}", bytes.len());
        let picture = Object {
            bytes: bytes.into(),
            e_tag: e_tag.clone(),
            content_type: "image/jpeg".to_owned(),
            metadata: Vec::new(),
        };
        self.pictures.borrow_mut().insert(name.to_owned(), picture);
        e_tag
    }

    /// The calls since the last question, by operation.
    pub(crate) fn take_calls(&self) -> BTreeMap<String, u64> {
        std::mem::take(&mut self.calls.borrow_mut())
    }

    /// A written object.
    pub(crate) fn object(&self, path: &str) -> Option<Bytes> {
        Some(self.objects.borrow().get(path)?.bytes.clone())
    }

    /// Keeps memory bounded. No function may be working.
    pub(crate) fn forget(&self) {
        let mut objects = self.objects.borrow_mut();
        if objects.len() > MAX_OBJECTS {
            objects.clear();
        }
    }

    pub(crate) async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let Ok(body) = body.collect().await else {
            return status(StatusCode::BAD_REQUEST);
        };
        let body = body.to_bytes();
        if let Some(target) = text(&head.headers, "x-amz-target") {
            self.count(target);
            return self.operation(target).await;
        }
        let path = head.uri.path().trim_start_matches('/').to_owned();
        let operation = match head.method {
            Method::GET => "S3.GetObject",
            Method::HEAD => "S3.HeadObject",
            Method::PUT => "S3.PutObject",
            Method::DELETE => "S3.DeleteObject",
            _ => "S3.other",
        };
        self.count(operation);
        match head.method {
            Method::GET | Method::HEAD => self.get(&path, &head.headers),
            Method::PUT => self.put(path, &head.headers, body),
            Method::DELETE => {
                self.objects.borrow_mut().remove(&path);
                status(StatusCode::NO_CONTENT)
            }
            _ => status(StatusCode::NOT_IMPLEMENTED),
        }
    }

    fn count(&self, operation: &str) {
        *self
            .calls
            .borrow_mut()
            .entry(operation.to_owned())
            .or_default() += 1;
    }

    async fn operation(&self, target: &str) -> Answer {
        if target.starts_with("RekognitionService.") {
            let takes = self.rekognition_takes.get();
            if !takes.is_zero() {
                tokio::time::sleep(takes).await;
            }
            return json(self.labels.clone());
        }
        json(Bytes::from_static(b"{}"))
    }

    /// `path` is `<bucket>/<key>`; pictures are in every bucket.
    fn find(&self, path: &str) -> Option<Object> {
        let (_, key) = path.split_once('/')?;
        let picture = key
            .strip_prefix("uploads/")
            .and_then(|rest| rest.split_once('/'))
            .and_then(|(name, _)| self.pictures.borrow().get(name).cloned());
        picture.or_else(|| self.objects.borrow().get(path).cloned())
    }

    fn get(&self, path: &str, headers: &HeaderMap) -> Answer {
        let Some(object) = self.find(path) else {
            return error(StatusCode::NOT_FOUND, "NoSuchKey");
        };
        if text(headers, "if-match").is_some_and(|wanted| wanted.trim_matches('"') != object.e_tag)
        {
            return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        let mut answer = Response::builder()
            .header(header::ETAG, format!("\"{}\"", object.e_tag))
            .header(header::CONTENT_TYPE, object.content_type)
            .header(header::LAST_MODIFIED, LAST_MODIFIED)
            .header("x-amz-request-id", "BENCH");
        for (name, value) in &object.metadata {
            answer = answer.header(name, value);
        }
        let whole = object.bytes.len();
        let bytes = match text(headers, "range").and_then(last_byte) {
            Some(last) => {
                let end = (last + 1).min(whole);
                answer = answer.status(StatusCode::PARTIAL_CONTENT).header(
                    header::CONTENT_RANGE,
                    format!("bytes 0-{}/{whole}", end.saturating_sub(1)),
                );
                object.bytes.slice(..end)
            }
            None => object.bytes,
        };
        // The answer to a HEAD has the length of the object and no body; the server leaves it out.
        answer
            .header(header::CONTENT_LENGTH, bytes.len())
            .body(Full::new(bytes))
            .unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
    }

    fn put(&self, path: String, headers: &HeaderMap, body: Bytes) -> Answer {
        let mut objects = self.objects.borrow_mut();
        let held = objects.get(&path).map(|object| object.e_tag.as_str());
        let wanted = text(headers, "if-match").map(|wanted| wanted.trim_matches('"'));
        if text(headers, "if-none-match").is_some() && held.is_some()
            || wanted.is_some_and(|wanted| held.is_some_and(|held| held != wanted))
        {
            return error(StatusCode::PRECONDITION_FAILED, "PreconditionFailed");
        }
        if wanted.is_some() && held.is_none() {
            return error(StatusCode::NOT_FOUND, "NoSuchKey");
        }
        self.writes.set(self.writes.get() + 1);
        let e_tag = format!("{:032x}", self.writes.get());
        let bytes = match text(headers, "x-amz-decoded-content-length") {
            Some(_) => unchunked(body),
            None => body,
        };
        let object = Object {
            bytes,
            e_tag: e_tag.clone(),
            content_type: text(headers, "content-type").unwrap_or_default().to_owned(),
            metadata: metadata(headers),
        };
        objects.insert(path, object);
        Response::builder()
            .header(header::ETAG, format!("\"{e_tag}\""))
            .header("x-amz-request-id", "BENCH")
            .body(Full::default())
            .unwrap_or_else(|_| status(StatusCode::INTERNAL_SERVER_ERROR))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

fn metadata(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .filter(|(name, _)| name.as_str().starts_with("x-amz-meta-"))
        .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
        .collect()
}

/// The last byte of `bytes=0-<last>`, the one form of a range that the functions use.
fn last_byte(range: &str) -> Option<usize> {
    range.strip_prefix("bytes=0-")?.parse().ok()
}

/// The content of an `aws-chunked` body: chunks of `<length in hexadecimal>[;…]\r\n<bytes>\r\n`, up to one of no length.
fn unchunked(mut body: Bytes) -> Bytes {
    let mut content = Vec::with_capacity(body.len());
    while let Some(end) = body.iter().position(|byte| *byte == b'\r') {
        let line = body.split_to(end);
        body.advance(body.len().min(2));
        let digits = line.split(|byte| *byte == b';').next().unwrap_or_default();
        let length = std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| usize::from_str_radix(digits, 16).ok())
            .unwrap_or_default()
            .min(body.len());
        if length == 0 {
            break;
        }
        content.extend_from_slice(&body.split_to(length));
        body.advance(body.len().min(2));
    }
    content.into()
}

fn status(status: StatusCode) -> Answer {
    let mut answer = Response::new(Full::default());
    *answer.status_mut() = status;
    answer
}

fn error(code: StatusCode, name: &str) -> Answer {
    let body = format!("<Error><Code>{name}</Code><Message>{name}</Message></Error>");
    let mut answer = Response::new(Full::new(Bytes::from(body)));
    *answer.status_mut() = code;
    answer
}

fn json(body: Bytes) -> Answer {
    let mut answer = Response::new(Full::new(body));
    let value = header::HeaderValue::from_static("application/x-amz-json-1.1");
    answer.headers_mut().insert(header::CONTENT_TYPE, value);
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunks_are_joined() {
        let body =
            "3\r\nabc\r\n2;chunk-signature=0\r\nde\r\n0\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n";
        assert_eq!(unchunked(Bytes::from(body)), "abcde");
    }

    #[test]
    fn the_end_of_a_range_is_read() {
        assert_eq!(last_byte("bytes=0-99"), Some(99));
        assert_eq!(last_byte("bytes=5-99"), None);
    }
}
