//! Downloads, which are written as they arrive.

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, anyhow};
use aws_smithy_types::body::SdkBody;
use sightline_pipeline::{backoff::pauses, prepare::size::over_limit};

use crate::{
    exit::CliError,
    http::{HttpClient, IncomingResponse, SendError, is_retryable},
};

/// How often a download is tried.
pub(crate) const MAX_ATTEMPTS: usize = 4;
/// The pause after the first attempt.
pub(crate) const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// The longest pause.
pub(crate) const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// Why a body did not arrive completely.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CopyError {
    /// The connection broke.
    #[error(transparent)]
    Broken(#[from] SendError),
    /// It is larger than the limit.
    #[error("the download is larger than the limit: {}", over_limit(.0 + 1, *.0))]
    TooLarge(u64),
    /// It could not be written.
    #[error("cannot write the download: {0}")]
    Write(#[from] io::Error),
}

/// Writes the body as it arrives, and returns its length in bytes. A slow writer blocks the thread.
///
/// # Errors
/// [`CopyError`]; part of the body is then written.
pub(crate) async fn copy(
    response: &mut IncomingResponse,
    out: &mut impl Write,
    limit: u64,
) -> Result<u64, CopyError> {
    let mut length = 0;
    while let Some(bytes) = response.next().await? {
        length += bytes.len() as u64;
        if length > limit {
            return Err(CopyError::TooLarge(limit));
        }
        out.write_all(&bytes)?;
    }
    out.flush()?;
    Ok(length)
}

/// Where a download goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Target {
    /// Standard output, written as `-`.
    Stdout,
    /// A file, which appears when it is complete.
    File(PathBuf),
}

impl From<OsString> for Target {
    fn from(text: OsString) -> Self {
        if text == "-" {
            Self::Stdout
        } else {
            Self::File(text.into())
        }
    }
}

impl Target {
    /// Downloads an address of the service to this target, and returns the number of bytes. Messages never contain the address,
    /// which is signed.
    ///
    /// # Errors
    /// When the download fails or cannot be written.
    pub(crate) async fn save(&self, http: &HttpClient, url: &str) -> anyhow::Result<u64> {
        let mut pauses = pauses(FIRST_PAUSE, LONGEST_PAUSE, MAX_ATTEMPTS);
        loop {
            let request = http::Request::get(url)
                .body(SdkBody::empty())
                .context("the service gave an invalid address")?;
            let error = match http.start(request).await {
                Ok(mut response) if response.status == 200 => {
                    match self.write(&mut response).await {
                        // Standard output cannot be taken back.
                        Err(CopyError::Broken(error)) if *self != Self::Stdout => error.into(),
                        written => return Ok(written?),
                    }
                }
                Ok(response) if is_retryable(response.status) => bucket_error(response.status),
                Ok(response) => return Err(bucket_error(response.status)),
                Err(error) => CliError::Unreachable(error.to_string()).into(),
            };
            match pauses.next() {
                Some(pause) => tokio::time::sleep(pause).await,
                None => return Err(error),
            }
        }
    }

    async fn write(&self, response: &mut IncomingResponse) -> Result<u64, CopyError> {
        let file = match self {
            Self::Stdout => return copy(response, &mut io::stdout(), u64::MAX).await,
            Self::File(file) => file,
        };
        // A device or pipe is written, not replaced.
        if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            let mut out = fs::OpenOptions::new().write(true).open(file)?;
            return copy(response, &mut out, u64::MAX).await;
        }
        let part = part_of(file);
        let mut out = fs::File::create(&part)?;
        let written = async {
            let length = copy(response, &mut out, u64::MAX).await?;
            fs::rename(&part, file)?;
            Ok(length)
        }
        .await;
        if written.is_err() {
            // What is left of it is of no use.
            let _ = fs::remove_file(&part);
        }
        written
    }
}

fn bucket_error(status: u16) -> anyhow::Error {
    anyhow!("the bucket answered HTTP {status}")
}

fn part_of(file: &Path) -> PathBuf {
    let mut part = OsString::from(file);
    part.push(".part");
    PathBuf::from(part)
}
