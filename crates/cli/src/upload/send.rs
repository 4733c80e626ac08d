//! One picture's way to the service: looked at, asked an address for, sent.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use anyhow::Context as _;
use aws_smithy_types::body::SdkBody;
use bytes::BytesMut;
use futures::stream;
use http::{Method, Request};
use http_body_util::StreamBody;
use hyper::body::Frame;
use indicatif::ProgressBar;
use serde::Deserialize;
use serde_json::{Value, json};
use sightline_pipeline::{Analyses, Analysis, SourceKey};
use tokio::{fs::File, io::AsyncReadExt as _, task::spawn_blocking};

use super::{
    files::{self, Content},
    journal::Journal,
};
use crate::{
    api::{self, Api, Refusal},
    exit::Fault,
    http::{Answer, Http, Unanswered},
};

/// How many bytes of a file are read and sent at a time.
const PIECE: usize = 64 * 1024;
/// How often an address is asked for when addresses run out before the bytes are through.
const ADDRESSES: usize = 2;

/// Sends pictures.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) api: Api,
    pub(super) http: Http,
    pub(super) journal: Journal,
    /// What is asked; what the service asks by itself when `None`.
    pub(super) analyses: Option<Analyses>,
    /// Whether what was sent before is sent again.
    pub(super) again: bool,
    /// Counts bytes.
    pub(super) progress: ProgressBar,
    /// The first file of each content in this run.
    pub(super) seen: Mutex<HashMap<String, PathBuf>>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sent {
    /// It is there and waits for its answer; `before` when an earlier run brought it.
    There { key: SourceKey, before: bool },
    /// It is there since an earlier run, and this is its answer.
    Answered { key: SourceKey, document: Value },
    /// Another file of this run has the same bytes.
    SameAs(PathBuf),
    /// It was not taken.
    Refused { code: String, message: String },
}

/// The part of the reply to `POST /uploads` that is needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ticket {
    key: SourceKey,
    upload_url: String,
    headers: BTreeMap<String, String>,
}

impl Sender {
    /// Brings a file to the service, unless it is there.
    ///
    /// # Errors
    /// What concerns the whole run: the service cannot be reached or refuses who asks, or the journal cannot be
    /// written.
    pub(super) async fn send(&self, path: &Path, size: u64) -> anyhow::Result<Sent> {
        let file = path.to_owned();
        let content = match spawn_blocking(move || files::inspect(&file)).await? {
            Ok(content) => content,
            Err(message) => {
                self.progress.inc(size);
                return Ok(refused("unreadable", message));
            }
        };
        if let Some(first) = self.first_with(&content, path) {
            self.progress.inc(size);
            return Ok(Sent::SameAs(first));
        }
        if let Some(sent) = self.before(&content).await? {
            self.progress.inc(size);
            return Ok(sent);
        }
        self.upload(path, &content).await
    }

    /// The file of this run that has the same bytes, if there was one.
    fn first_with(&self, content: &Content, path: &Path) -> Option<PathBuf> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let first = seen.get(&content.sha256).cloned();
        if first.is_none() {
            seen.insert(content.sha256.clone(), path.to_owned());
        }
        first
    }

    /// What became of the same bytes in an earlier run; `None` when they are to be sent.
    async fn before(&self, content: &Content) -> anyhow::Result<Option<Sent>> {
        let Some(key) = self
            .journal
            .key(&content.sha256, &self.questions())
            .filter(|_| !self.again)
        else {
            return Ok(None);
        };
        let answer = self
            .api
            .send(Method::GET, &api::results_path(key), None)
            .await?;
        Ok(match answer.status {
            200 => {
                let document: Value = api::body(&answer)?;
                // Such as a picture that was over the day's limit.
                let worth_another_try = document.pointer("/status") == Some(&json!("failed"))
                    && document
                        .pointer("/errors")
                        .and_then(Value::as_array)
                        .is_some_and(|errors| {
                            errors.iter().all(|error| {
                                error.pointer("/retryable") == Some(&Value::Bool(true))
                            })
                        });
                (!worth_another_try).then(|| Sent::Answered {
                    key: key.clone(),
                    document,
                })
            }
            202 => Some(Sent::There {
                key: key.clone(),
                before: true,
            }),
            // It never arrived, or was deleted since.
            404 => None,
            _ => Some(refused_by(&answer)),
        })
    }

    async fn upload(&self, path: &Path, content: &Content) -> anyhow::Result<Sent> {
        let name = path.file_name().map(|name| name.to_string_lossy());
        let mut wanted = json!({
            "contentType": content.media.content_type(),
            "contentLength": content.length,
            "sha256": content.sha256,
            "filename": name,
        });
        if let (Some(wanted), Some(analyses)) = (wanted.as_object_mut(), &self.analyses) {
            let names: Vec<_> = analyses.iter().map(Analysis::name).collect();
            wanted.insert("analyses".to_owned(), json!(names));
        }
        let mut asked = 0;
        loop {
            asked += 1;
            let answer = self
                .api
                .send(Method::POST, "/uploads", Some(&wanted))
                .await?;
            if answer.status != 201 {
                self.progress.inc(content.length);
                return Ok(refused_by(&answer));
            }
            let ticket: Ticket = api::body(&answer)?;
            self.journal.note(
                self.api.base(),
                &content.sha256,
                &self.questions(),
                &ticket.key,
            )?;
            let put = match self.put(path, &ticket).await {
                Ok(put) => put,
                Err(error) => {
                    let now = tokio::fs::metadata(path).await.map(|file| file.len());
                    if now.is_ok_and(|length| length == content.length) {
                        return Err(Fault::Unreachable(format!(
                            "{error}; what was uploaded stays uploaded, so run the same command again"
                        ))
                        .into());
                    }
                    return Ok(refused(
                        "changed",
                        "it changed while it was sent".to_owned(),
                    ));
                }
            };
            return Ok(match put.status {
                // 412: an earlier try arrived, and only its answer was lost. The key is this upload's alone.
                200..=299 | 412 => Sent::There {
                    key: ticket.key,
                    before: false,
                },
                403 if asked < ADDRESSES => continue,
                _ => {
                    let (code, message) = store_error(&put);
                    refused(&code, message)
                }
            });
        }
    }

    /// PUTs the file at the address, with exactly the headers that were signed.
    async fn put(&self, path: &Path, ticket: &Ticket) -> Result<Answer, Unanswered> {
        let sent = Arc::new(AtomicU64::new(0));
        let unsent = |reason: String| Unanswered {
            host: path.display().to_string(),
            reason,
        };
        let answer = self
            .http
            .send(async || {
                // A try that failed has sent nothing.
                self.progress.dec(sent.swap(0, Ordering::SeqCst));
                let file = File::open(path)
                    .await
                    .map_err(|error| unsent(files::reason(&error)))?;
                let mut request = Request::builder()
                    .method(Method::PUT)
                    .uri(&ticket.upload_url);
                for (name, value) in &ticket.headers {
                    request = request.header(name, value);
                }
                request
                    .body(body(file, self.progress.clone(), Arc::clone(&sent)))
                    .context("the service gave an address or headers that cannot be sent")
                    .map_err(|error| unsent(error.to_string()))
            })
            .await;
        if answer.is_err() {
            self.progress.dec(sent.swap(0, Ordering::SeqCst));
        }
        answer
    }

    /// The analyses as the journal has them.
    fn questions(&self) -> String {
        self.analyses
            .as_ref()
            .map_or_else(String::new, ToString::to_string)
    }
}

fn refused(code: &str, message: String) -> Sent {
    Sent::Refused {
        code: code.to_owned(),
        message,
    }
}

fn refused_by(answer: &Answer) -> Sent {
    let Refusal { code, detail, .. } = Refusal::read(answer);
    refused(&code, detail)
}

/// A file's bytes as they are read, counted as they go.
fn body(file: File, progress: ProgressBar, sent: Arc<AtomicU64>) -> SdkBody {
    let pieces = stream::try_unfold(file, move |mut file| {
        let (progress, sent) = (progress.clone(), Arc::clone(&sent));
        async move {
            let mut piece = BytesMut::with_capacity(PIECE);
            let read = file.read_buf(&mut piece).await? as u64;
            progress.inc(read);
            sent.fetch_add(read, Ordering::SeqCst);
            Ok::<_, std::io::Error>((read > 0).then(|| (Frame::data(piece.freeze()), file)))
        }
    });
    SdkBody::from_body_1_x(StreamBody::new(pieces))
}

/// What S3 says of an upload that it does not take: code and message of its XML, or the status.
fn store_error(answer: &Answer) -> (String, String) {
    let xml = String::from_utf8_lossy(&answer.body);
    let element = |name: &str| {
        let (_, rest) = xml.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(text.to_owned())
    };
    let code = element("Code").unwrap_or_else(|| format!("http-{}", answer.status));
    let message = match code.as_str() {
        "BadDigest" | "XAmzContentChecksumMismatch" | "XAmzContentSHA256Mismatch" => {
            "it changed while it was sent".to_owned()
        }
        _ => format!(
            "the bucket refused it: {}",
            element("Message").unwrap_or_else(|| format!("HTTP {}", answer.status))
        ),
    };
    (code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: &str) -> Answer {
        Answer {
            status: 400,
            headers: http::HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        }
    }

    #[test]
    fn the_buckets_words_are_read() {
        assert_eq!(
            store_error(&answer(
                "<?xml version=\"1.0\"?><Error><Code>EntityTooLarge</Code><Message>Too large.</Message></Error>"
            )),
            (
                "EntityTooLarge".to_owned(),
                "the bucket refused it: Too large.".to_owned()
            )
        );
        assert_eq!(
            store_error(&answer("<Code>BadDigest</Code>")).1,
            "it changed while it was sent"
        );
        assert_eq!(
            store_error(&answer("")),
            (
                "http-400".to_owned(),
                "the bucket refused it: HTTP 400".to_owned()
            )
        );
    }
}
