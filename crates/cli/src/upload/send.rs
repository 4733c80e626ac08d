//! Sends one picture: reads the file, requests an upload URL, and sends the bytes there.

use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use aws_smithy_types::body::SdkBody;
use bytes::BytesMut;
use futures::stream;
use http::{Method, Request};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde::Deserialize;
use serde_json::{Value, json};
use sightline_pipeline::{Analyses, Analysis, SourceKey};
use sightline_upload_api::results_path;
use tokio::{fs::File, io::AsyncReadExt as _, task::spawn_blocking};

use super::{
    files::{self, Content},
    journal::Journal,
    progress::SentBytes,
    row_error::RowError,
    source::{LocalCopy, Source, Sources},
};
use crate::{
    api::{self, Api, Problem},
    exit::CliError,
    http::{HttpClient, HttpResponse, SendError},
};

/// How many bytes of a file are read and sent at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// How many upload URLs are requested for a picture whose URL expires during the upload.
const MAX_UPLOAD_URLS: usize = 2;

/// The message about a file whose bytes do not match what was read first.
const CHANGED: &str = "the file changed during the upload";

/// Sends the pictures of a run.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) api: Api,
    pub(super) http: HttpClient,
    pub(super) journal: Journal,
    /// The analyses to run; `None` for those of the service.
    pub(super) analyses: Option<Analyses>,
    /// Whether to send pictures again that were sent before.
    pub(super) again: bool,
    /// Counts the bytes that were sent.
    pub(super) progress: SentBytes,
    /// Gets the pictures that are not files.
    pub(super) sources: Sources,
    /// The pictures of this run by their SHA-256.
    pub(super) first_files: FirstFiles,
}

/// By SHA-256, the first picture of the run with these bytes that reached the service. While one is on its way, the lock is held.
pub(super) type FirstFiles = Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<String>>>>>;

/// The outcome of sending a file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sent {
    /// The service stores it and has no result yet.
    Stored {
        key: SourceKey,
        /// Whether an earlier run uploaded it.
        uploaded_before: bool,
    },
    /// An earlier run uploaded it, and this is its result.
    HasResult { key: SourceKey, document: Value },
    /// Another picture of this run has the same bytes.
    SameAs(String),
    /// It was not accepted.
    Refused(RowError),
}

/// The response of `POST /uploads`, as far as it is needed.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct UploadTicket {
    key: SourceKey,
    upload_url: String,
    headers: BTreeMap<String, String>,
}

impl Sender {
    /// Sends a picture unless the service has it already. `size` is its size in bytes if it is known.
    ///
    /// # Errors
    /// Errors that concern the whole run: the service cannot be reached or rejects the credentials, or the journal cannot
    /// be written.
    pub(super) async fn send(&self, source: &Source, size: u64) -> anyhow::Result<Sent> {
        let copy = match self.sources.local_copy(source).await? {
            Ok(copy) => copy,
            Err(error) => {
                self.progress.skipped(size);
                return Ok(Sent::Refused(error));
            }
        };
        let sent = self.send_copy(source, &copy, size).await;
        if copy.is_new {
            // The folder goes at the end of the run.
            let _ = tokio::fs::remove_file(&copy.path).await;
        }
        sent
    }

    async fn send_copy(
        &self,
        source: &Source,
        copy: &LocalCopy,
        mut size: u64,
    ) -> anyhow::Result<Sent> {
        let file = copy.path.clone();
        let content = match spawn_blocking(move || files::inspect(&file)).await? {
            Ok(content) => content,
            Err(message) => {
                self.progress.skipped(size);
                return Ok(Sent::Refused(RowError::new("unreadable", message)));
            }
        };
        if copy.is_new {
            size = content.length;
            self.progress.added(size);
        }
        // Another picture with the same bytes waits here, and is sent if this one does not arrive.
        let first = self.first_file(&content.sha256);
        let mut first = first.lock().await;
        if let Some(first) = first.as_ref() {
            self.progress.skipped(size);
            return Ok(Sent::SameAs(first.clone()));
        }
        let sent = match self.sent_before(&content).await? {
            Some(sent) => {
                self.progress.skipped(size);
                sent
            }
            None => self.upload(copy, &content).await?,
        };
        if !matches!(sent, Sent::Refused(_)) {
            *first = Some(source.to_string());
        }
        Ok(sent)
    }

    fn first_file(&self, sha256: &str) -> Arc<tokio::sync::Mutex<Option<String>>> {
        let mut files = self
            .first_files
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        Arc::clone(files.entry(sha256.to_owned()).or_default())
    }

    /// What the service has of the same bytes from an earlier run; `None` if they have to be sent.
    async fn sent_before(&self, content: &Content) -> anyhow::Result<Option<Sent>> {
        let Some(key) = self
            .journal
            .key(&content.sha256, &self.analyses_for_journal())
            .filter(|_| !self.again)
        else {
            return Ok(None);
        };
        let response = self.api.send(Method::GET, &results_path(key), None).await?;
        Ok(match response.status {
            200 => {
                let document: Value = api::body(&response)?;
                // For example, the daily limit was reached.
                let is_retryable = document.pointer("/status") == Some(&json!("failed"))
                    && document
                        .pointer("/errors")
                        .and_then(Value::as_array)
                        .is_some_and(|errors| {
                            errors.iter().all(|error| {
                                error.pointer("/retryable") == Some(&Value::Bool(true))
                            })
                        });
                (!is_retryable).then(|| Sent::HasResult {
                    key: key.clone(),
                    document,
                })
            }
            202 => Some(Sent::Stored {
                key: key.clone(),
                uploaded_before: true,
            }),
            // It never arrived, or it was deleted.
            404 => None,
            _ => Some(Sent::Refused(Problem::read(&response).into())),
        })
    }

    async fn upload(&self, copy: &LocalCopy, content: &Content) -> anyhow::Result<Sent> {
        let path = copy.path.as_path();
        let mut request = json!({
            "contentType": content.media.content_type(),
            "contentLength": content.length,
            "sha256": content.sha256,
        });
        if let Some(request) = request.as_object_mut() {
            if let Some(name) = &copy.name {
                request.insert("filename".to_owned(), json!(name));
            }
            if let Some(analyses) = &self.analyses {
                let names: Vec<_> = analyses.iter().map(Analysis::name).collect();
                request.insert("analyses".to_owned(), json!(names));
            }
        }
        let mut upload_urls = 0;
        loop {
            upload_urls += 1;
            let response = self
                .api
                .send(Method::POST, "/uploads", Some(&request))
                .await?;
            if response.status != 201 {
                self.progress.skipped(content.length);
                return Ok(Sent::Refused(Problem::read(&response).into()));
            }
            let ticket: UploadTicket = api::body(&response)?;
            self.journal
                .record(&content.sha256, &self.analyses_for_journal(), &ticket.key)?;
            let put = match self.put(path, &ticket).await {
                Ok(put) => put,
                Err(error) => {
                    let now = tokio::fs::metadata(path).await.map(|file| file.len());
                    if now.is_ok_and(|length| length == content.length) {
                        return Err(CliError::Unreachable(format!(
                            "{error}; run the same command again to upload the rest"
                        ))
                        .into());
                    }
                    return Ok(Sent::Refused(RowError::new("changed", CHANGED.to_owned())));
                }
            };
            return Ok(match put.status {
                // 412: an earlier attempt arrived, and only its response was lost. No other upload has this key.
                200..=299 | 412 => Sent::Stored {
                    key: ticket.key,
                    uploaded_before: false,
                },
                403 if upload_urls < MAX_UPLOAD_URLS => continue,
                _ => Sent::Refused(bucket_error(&put)),
            });
        }
    }

    /// Sends the file to the upload URL, with exactly the signed headers.
    async fn put(&self, path: &Path, ticket: &UploadTicket) -> Result<HttpResponse, SendError> {
        let sent = Arc::new(AtomicU64::new(0));
        let response = self
            .http
            .send(async || {
                // The bytes of a failed attempt do not count.
                self.progress.taken_back(sent.swap(0, Ordering::SeqCst));
                let file = File::open(path).await.map_err(|error| {
                    let reason = files::reason(&error);
                    SendError::Request(format!("{}: {reason}", path.display()))
                })?;
                let mut request = Request::builder()
                    .method(Method::PUT)
                    .uri(&ticket.upload_url);
                for (name, value) in &ticket.headers {
                    request = request.header(name, value);
                }
                request
                    .body(body(file, self.progress.clone(), Arc::clone(&sent)))
                    .map_err(|_| {
                        SendError::Request(
                            "the service returned an invalid upload URL or header".to_owned(),
                        )
                    })
            })
            .await;
        if response.is_err() {
            self.progress.taken_back(sent.swap(0, Ordering::SeqCst));
        }
        response
    }

    /// The analyses as the journal contains them.
    fn analyses_for_journal(&self) -> String {
        self.analyses
            .as_ref()
            .map_or_else(String::new, ToString::to_string)
    }
}

/// Streams the bytes of a file and counts them.
fn body(file: File, progress: SentBytes, sent: Arc<AtomicU64>) -> SdkBody {
    let chunks = stream::try_unfold(file, move |mut file| {
        let (progress, sent) = (progress.clone(), Arc::clone(&sent));
        async move {
            let mut chunk = BytesMut::with_capacity(CHUNK_BYTES);
            let read = file.read_buf(&mut chunk).await? as u64;
            progress.sent(read);
            sent.fetch_add(read, Ordering::SeqCst);
            Ok::<_, std::io::Error>((read > 0).then(|| (Frame::data(chunk.freeze()), file)))
        }
    });
    SdkBody::from_body_1_x(StreamBody::new(chunks))
}

/// Why S3 rejected an upload: code and message of its XML, or the status.
fn bucket_error(response: &HttpResponse) -> RowError {
    let xml = String::from_utf8_lossy(&response.body);
    let element = |name: &str| {
        let (_, rest) = xml.split_once(&format!("<{name}>"))?;
        let (text, _) = rest.split_once(&format!("</{name}>"))?;
        Some(text.to_owned())
    };
    let code = element("Code").unwrap_or_else(|| format!("http-{}", response.status));
    let message = match code.as_str() {
        "BadDigest" | "XAmzContentChecksumMismatch" | "XAmzContentSHA256Mismatch" => {
            CHANGED.to_owned()
        }
        _ => format!(
            "the bucket rejected it: {}",
            element("Message").unwrap_or_else(|| format!("HTTP {}", response.status))
        ),
    };
    RowError::new(code, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(body: &str) -> RowError {
        bucket_error(&HttpResponse {
            status: 400,
            headers: http::HeaderMap::new(),
            body: body.as_bytes().to_vec(),
        })
    }

    #[test]
    fn errors_of_the_bucket_have_its_code_and_message() {
        assert_eq!(
            error(
                "<?xml version=\"1.0\"?><Error><Code>EntityTooLarge</Code><Message>Too large.</Message></Error>"
            ),
            RowError::new(
                "EntityTooLarge",
                "the bucket rejected it: Too large.".to_owned()
            )
        );
        assert_eq!(
            error("<Code>BadDigest</Code>"),
            RowError::new("BadDigest", "the file changed during the upload".to_owned())
        );
        assert_eq!(
            error(""),
            RowError::new("http-400", "the bucket rejected it: HTTP 400".to_owned())
        );
    }
}
