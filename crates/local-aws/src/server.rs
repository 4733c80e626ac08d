//! The endpoint: its start and end, and which service answers a request.

use crate::{
    Body, Credentials, Settings,
    access_log::AccessLog,
    aws_json,
    connections::{self, Arriving},
    dead_letters::DeadLetters,
    events::Notifications,
    queue::{Queue, QueueError},
    rekognition::{self, RekognitionState},
    request_body,
    s3::S3,
    sqs::{self, Sqs},
    store::{StartStoreError, Store, StoreError},
};
use http::{Request, Response, header};
use std::{
    collections::HashSet,
    fs::{DirBuilder, File, TryLockError},
    io,
    net::{IpAddr, SocketAddr},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};
use tokio::{net::TcpListener, sync::watch, task::JoinHandle};

/// Whoever holds this file's lock owns the data folder.
const LOCK: &str = "lock";

/// How long a shutdown waits for answers in the making.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why the endpoint did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be.
    #[error("{0}")]
    Settings(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address asked for.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// Another process has the data folder.
    #[error(
        "the data folder {} is in use by another running server: stop that one, or name another folder",
        .0.display()
    )]
    InUse(PathBuf),
    /// The data folder cannot be made, read or written.
    #[error("cannot use the data folder {}: {reason}", folder.display())]
    DataFolder {
        /// The data folder.
        folder: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
}

/// The endpoint at work. Dropped without [`LocalAws::shutdown`] it stops at once, like a killed process.
#[derive(Debug)]
pub struct LocalAws {
    address: SocketAddr,
    queue: Queue,
    store: Store,
    access_log: AccessLog,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    /// Held until the last; the operating system lets go of it when the process ends in any way.
    _lock: File,
}

/// Opens the data folder and serves until [`LocalAws::shutdown`].
///
/// Both buckets are there afterwards, nothing is in flight, and what an interrupted write left is swept.
///
/// # Errors
/// When a setting cannot be, the folder is in use or unreadable, or the address cannot be listened on.
pub async fn start(settings: Settings) -> Result<LocalAws, StartError> {
    check(&settings)?;
    let folder = settings.data_dir.clone();
    let unusable = |reason: String| StartError::DataFolder {
        folder: folder.clone(),
        reason,
    };
    let io_failed = |error: io::Error| unusable(error.to_string());
    create_private(&folder).map_err(io_failed)?;
    let lock = File::options()
        .create(true)
        .append(true)
        .open(folder.join(LOCK))
        .map_err(io_failed)?;
    lock.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => StartError::InUse(folder.clone()),
        TryLockError::Error(error) => io_failed(error),
    })?;
    let listener =
        TcpListener::bind(settings.listen)
            .await
            .map_err(|source| StartError::Listen {
                address: settings.listen,
                source,
            })?;
    let address = listener.local_addr().map_err(|source| StartError::Listen {
        address: settings.listen,
        source,
    })?;

    let access_log = AccessLog::open(&folder).map_err(io_failed)?;
    let dead_letters = DeadLetters::open(&folder).map_err(io_failed)?;
    let store = open_store(&settings)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    for bucket in [&settings.input_bucket, &settings.output_bucket] {
        store
            .create_bucket(bucket)
            .await
            .map_err(|error: StoreError| unusable(error.to_string()))?;
    }
    let queue = Queue::new(
        store.clone(),
        dead_letters,
        settings.max_receive_count,
        settings.retry_backoff,
    );
    queue
        .bury()
        .await
        .map_err(|error: QueueError| unusable(error.to_string()))?;

    let keys: Arc<[Credentials]> = settings.accepted_keys().cloned().collect();
    let services = Arc::new(Services {
        s3: S3::new(
            &settings,
            Arc::clone(&keys),
            store.clone(),
            access_log.clone(),
        ),
        sqs: Sqs {
            store: store.clone(),
            region: settings.region.clone(),
            credentials: Arc::clone(&keys),
            access_log: access_log.clone(),
        },
        rekognition: Arc::new(RekognitionState {
            store: store.clone(),
            recogniser: settings.recogniser,
            custom_models: settings
                .custom_models
                .into_iter()
                .map(|model| (model.arn, model.recogniser))
                .collect(),
            tesseract: settings.tesseract,
            scratch: settings.data_dir,
            credentials: keys,
            access_log: access_log.clone(),
        }),
    });
    let (stop, stopped) = watch::channel(false);
    let answer = move |peer, request| {
        let services = Arc::clone(&services);
        async move { services.answer(peer, request).await }
    };
    let accepting = tokio::spawn(connections::serve(listener, answer, stopped));
    Ok(LocalAws {
        address,
        queue,
        store,
        access_log,
        stop,
        accepting,
        _lock: lock,
    })
}

/// Makes the folder, if it is not there, for its owner alone: it holds other people's pictures.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

fn check(settings: &Settings) -> Result<(), StartError> {
    for (what, name) in [
        ("input", &settings.input_bucket),
        ("output", &settings.output_bucket),
    ] {
        if !s3s::path::check_bucket_name(name) {
            return Err(StartError::Settings(format!(
                "the {what} bucket cannot be named {name:?}: a bucket's name has 3 to 63 lower-case letters, digits, \
                 hyphens and dots, and begins and ends with a letter or digit"
            )));
        }
    }
    let mut known = HashSet::new();
    for keys in settings.accepted_keys() {
        if keys.access_key_id.is_empty() || keys.secret_access_key.is_empty() {
            return Err(StartError::Settings(
                "the access key and its secret must not be empty".to_owned(),
            ));
        }
        if !known.insert(&keys.access_key_id) {
            return Err(StartError::Settings(format!(
                "the access key {} is there twice",
                keys.access_key_id
            )));
        }
    }
    Ok(())
}

async fn open_store(settings: &Settings) -> Result<Store, StartStoreError> {
    let notifications = Notifications {
        region: settings.region.clone(),
        bucket: settings.input_bucket.clone(),
        prefix: settings.notification_prefix.clone(),
        events: settings.notification_events.clone(),
    };
    let folder = settings.data_dir.clone();
    tokio::task::spawn_blocking(move || Store::open(&folder, notifications))
        .await
        .map_err(io::Error::other)?
}

impl LocalAws {
    /// The address that is served, with the port that was taken.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The queue of the input bucket's events.
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// Stops listening, answers the requests in hand, for at most 30 seconds, and closes the store. Clients that
    /// have not sent theirs whole are waited for only a few seconds. Queues that are still held answer [`QueueError::Closed`] afterwards.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(PATIENCE, &mut self.accepting)
            .await
            .is_err()
        {
            tracing::warn!("requests that took too long were cut off");
        }
        self.store.close().await;
        let access_log = self.access_log.clone();
        // A panic in there was reported by its own thread.
        let _ = tokio::task::spawn_blocking(move || access_log.close()).await;
    }
}

impl Drop for LocalAws {
    fn drop(&mut self) {
        // Takes the connections along.
        self.accepting.abort();
    }
}

struct Services {
    s3: S3,
    sqs: Sqs,
    rekognition: Arc<RekognitionState>,
}

impl Services {
    async fn answer(&self, peer: IpAddr, request: Request<Arriving>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        // Who asks before it sends has not sent what is refused.
        let asks_first = parts.headers.contains_key(header::EXPECT);
        let (body, leftover) = request_body::split(body);
        let request = Request::from_parts(parts, body);
        let mut response = if aws_json::is_for(rekognition::TARGET_PREFIX, request.headers()) {
            rekognition::handle(Arc::clone(&self.rekognition), request).await
        } else if aws_json::is_for(sqs::TARGET_PREFIX, request.headers()) {
            self.sqs.handle(request).await
        } else {
            self.s3.handle(peer, request).await
        };
        if !asks_first {
            leftover.drain().await;
        } else if !response.status().is_success() {
            // Whether the refused body comes after all is the client's choice (RFC 9110, section 10.1.1), and
            // botocore loses count when an empty one was refused: neither may spoil the next request.
            response
                .headers_mut()
                .insert(header::CONNECTION, http::HeaderValue::from_static("close"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn a_new_folder_is_its_owners_and_an_old_one_keeps_its_mode() {
        use super::*;
        use std::{fs, os::unix::fs::PermissionsExt};

        let parent = tempfile::tempdir().unwrap();
        let folder = parent.path().join("data");
        let mode = || fs::metadata(&folder).unwrap().permissions().mode() & 0o777;
        create_private(&folder).unwrap();
        assert_eq!(mode(), 0o700);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o750)).unwrap();
        create_private(&folder).unwrap();
        assert_eq!(mode(), 0o750);
    }
}
