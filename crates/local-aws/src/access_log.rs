//! Records every call as a line of JSON in `aws-calls.jsonl` in the data folder.
//!
//! A separate thread writes the lines, so no response waits for the disk. If the disk is too slow, lines are dropped and
//! counted. At 64 MiB the file replaces `aws-calls.1.jsonl`, so both take at most about 128 MiB. On a full disk nothing is written.

use crate::store::Space;
use serde::Serialize;
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
        mpsc::{self, Receiver, SyncSender, TrySendError},
    },
    thread::JoinHandle,
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// The file in the data folder.
const FILE: &str = "aws-calls.jsonl";

/// The previous file.
const OLD_FILE: &str = "aws-calls.1.jsonl";

/// The size at which the file is rotated, in bytes.
const MAX_SIZE: u64 = 64 << 20;

/// How many lines may wait to be written.
const MAX_WAITING: usize = 1 << 16;

/// A permission that an IAM policy must grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Permission {
    /// The IAM action, such as `s3:GetObject`.
    pub(crate) action: String,
    /// An ARN, or `*` if the action has no narrower resource.
    pub(crate) resource: String,
}

/// One call. It contains no signed URL and no image bytes.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// The request id of the response (`x-amz-request-id`, `x-amzn-RequestId`).
    pub(crate) request_id: String,
    /// The IAM action, such as `s3:PutObject` or `rekognition:DetectLabels`.
    pub(crate) action: String,
    /// The resource: an ARN such as `arn:aws:s3:::bucket/key`, or `*`.
    pub(crate) resource: String,
    /// All permissions that the call needs, its own first.
    pub(crate) permissions: Vec<Permission>,
    /// The HTTP status of the response.
    pub(crate) status: u16,
    /// The AWS error code, if the call failed.
    pub(crate) error_code: Option<String>,
    /// The access key that the request names. It is not verified.
    pub(crate) access_key_id: Option<String>,
}

/// A call as it is written.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Line<'a> {
    time: String,
    request_id: &'a str,
    action: &'a str,
    resource: &'a str,
    permissions: &'a [Permission],
    status: u16,
    error_code: Option<&'a str>,
    access_key_id: Option<&'a str>,
}

enum Command {
    Write(OffsetDateTime, Call),
    Close,
}

/// Writes calls to the log without making the caller wait. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct AccessLog {
    commands: SyncSender<Command>,
    dropped: Arc<AtomicU64>,
    writer: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl AccessLog {
    /// Opens the log of a data folder and appends to it.
    pub(crate) fn open(data_dir: &Path, space: Space) -> io::Result<Self> {
        Self::open_with(data_dir, space, MAX_SIZE)
    }

    fn open_with(data_dir: &Path, space: Space, max_size: u64) -> io::Result<Self> {
        let mut file = LogFile::open(data_dir, max_size)?;
        let (commands, received) = mpsc::sync_channel(MAX_WAITING);
        let writer = std::thread::Builder::new()
            .name("access-log".to_owned())
            .spawn(move || write_until_closed(&mut file, &received, &space))?;
        Ok(Self {
            commands,
            dropped: Arc::default(),
            writer: Arc::new(Mutex::new(Some(writer))),
        })
    }

    /// Queues one call for the writer. Does not block.
    pub(crate) fn record(&self, call: Call) {
        match self
            .commands
            .try_send(Command::Write(OffsetDateTime::now_utc(), call))
        {
            // Disconnected: the call ended after the shutdown.
            Ok(()) | Err(TrySendError::Disconnected(_)) => {}
            Err(TrySendError::Full(_)) => {
                let dropped = self.dropped.fetch_add(1, Ordering::Relaxed) + 1;
                if dropped.is_power_of_two() {
                    tracing::warn!(dropped, "the access log is too slow; lines are dropped");
                }
            }
        }
    }

    /// Writes all waiting lines and closes the file. Blocks.
    pub(crate) fn close(&self) {
        // An error means that the writer has already ended.
        let _ = self.commands.send(Command::Close);
        if let Some(writer) = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()
        {
            // A panic was reported by the writer's thread.
            let _ = writer.join();
        }
    }
}

fn write_until_closed(file: &mut LogFile, commands: &Receiver<Command>, space: &Space) {
    let mut failed = false;
    let mut lines = Vec::new();
    while let Ok(Command::Write(time, call)) = commands.recv() {
        lines.clear();
        append(&mut lines, time, &call);
        let mut open = true;
        while lines.len() < 1 << 16 {
            match commands.try_recv() {
                Ok(Command::Write(time, call)) => append(&mut lines, time, &call),
                Ok(Command::Close) => {
                    open = false;
                    break;
                }
                Err(_) => break,
            }
        }
        // On a full disk the rest is for deletions.
        let written = if space.is_exhausted() {
            Err(io::ErrorKind::StorageFull.into())
        } else {
            file.write(&lines)
        };
        match written {
            Ok(()) => failed = false,
            Err(error) => {
                // The store reports a full disk.
                if !failed && error.kind() != io::ErrorKind::StorageFull {
                    tracing::warn!(%error, "the access log cannot be written");
                }
                failed = true;
            }
        }
        if !open {
            break;
        }
    }
}

fn append(lines: &mut Vec<u8>, time: OffsetDateTime, call: &Call) {
    let line = Line {
        time: time.format(&Rfc3339).unwrap_or_default(),
        request_id: &call.request_id,
        action: &call.action,
        resource: &call.resource,
        permissions: &call.permissions,
        status: call.status,
        error_code: call.error_code.as_deref(),
        access_key_id: call.access_key_id.as_deref(),
    };
    // Strings and numbers always serialise.
    if serde_json::to_writer(&mut *lines, &line).is_ok() {
        lines.push(b'\n');
    }
}

struct LogFile {
    folder: PathBuf,
    file: File,
    size: u64,
    max_size: u64,
}

impl LogFile {
    fn open(folder: &Path, max_size: u64) -> io::Result<Self> {
        let file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(folder.join(FILE))?;
        let size = file.metadata()?.len();
        Ok(Self {
            folder: folder.to_owned(),
            file,
            size,
            max_size,
        })
    }

    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        if self.size >= self.max_size {
            fs::rename(self.folder.join(FILE), self.folder.join(OLD_FILE))?;
            *self = Self::open(&self.folder, self.max_size)?;
        }
        self.file.write_all(lines)?;
        self.size += lines.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(number: u16) -> Call {
        Call {
            request_id: format!("{number:016X}"),
            action: "s3:PutObject".to_owned(),
            resource: "arn:aws:s3:::in/uploads/a\nb".to_owned(),
            permissions: vec![Permission {
                action: "s3:PutObject".to_owned(),
                resource: "arn:aws:s3:::in/uploads/a\nb".to_owned(),
            }],
            status: 200,
            error_code: None,
            access_key_id: Some("local".to_owned()),
        }
    }

    #[test]
    fn a_call_is_one_line_of_json() {
        let dir = tempfile::tempdir().unwrap();
        let log = AccessLog::open(dir.path(), Space::open(dir.path())).unwrap();
        log.record(call(1));
        log.record(Call {
            status: 403,
            error_code: Some("AccessDenied".to_owned()),
            access_key_id: None,
            ..call(2)
        });
        log.close();
        let text = fs::read_to_string(dir.path().join(FILE)).unwrap();
        let lines: Vec<serde_json::Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(lines.len(), 2);
        assert_eq!(lines[0]["requestId"], "0000000000000001");
        assert_eq!(lines[0]["resource"], "arn:aws:s3:::in/uploads/a\nb");
        assert_eq!(lines[0]["permissions"][0]["action"], "s3:PutObject");
        assert_eq!(lines[1]["status"], 403);
        assert_eq!(lines[1]["errorCode"], "AccessDenied");
        assert!(lines[1]["accessKeyId"].is_null());
    }

    #[test]
    fn the_log_appends_and_rotates() {
        let dir = tempfile::tempdir().unwrap();
        for number in 0..3 {
            let log = AccessLog::open_with(dir.path(), Space::open(dir.path()), 100).unwrap();
            log.record(call(number));
            log.close();
        }
        let count = |name| {
            fs::read_to_string(dir.path().join(name))
                .unwrap()
                .lines()
                .count()
        };
        // One line is longer than the limit, so each further line starts a new file.
        assert_eq!((count(FILE), count(OLD_FILE)), (1, 1));
    }
}
