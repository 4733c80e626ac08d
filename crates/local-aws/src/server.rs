//! The endpoint: start, shutdown, and the choice of the service for a request.

use crate::{
    Body, Credentials, Settings,
    access_log::AccessLog,
    aws_json,
    cognito_identity::{self, CognitoIdentity},
    connections::{self, IncomingBody},
    dead_letters::DeadLetters,
    events::Notifications,
    guard::{Guard, GuardError},
    lane::Lane,
    queue::{Queue, QueueError},
    rekognition::{self, RekognitionState},
    request_body,
    s3::{self, S3},
    sqs::{self, Sqs},
    store::{StartStoreError, Store, StoreError, Versioning},
};
use http::{Request, Response, StatusCode, header};
use hyper::body::Body as _;
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

/// The process that holds the lock on this file owns the data folder.
pub(crate) const LOCK: &str = "lock";

/// How long a shutdown waits for running requests.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(30);

/// Why the endpoint did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting is not valid.
    #[error("{0}")]
    Settings(String),
    /// The server cannot listen on the address.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address of the settings.
        address: SocketAddr,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Another process uses the data folder.
    #[error(
        "the data folder {} is in use by another running server: stop that server, or name another folder",
        .0.display()
    )]
    InUse(PathBuf),
    /// The data folder cannot be created, read or written.
    #[error("cannot use the data folder {}: {reason}", folder.display())]
    DataFolder {
        /// The data folder.
        folder: PathBuf,
        /// The problem.
        reason: String,
    },
}

/// A running endpoint. If it is dropped without [`LocalAws::shutdown`], it stops at once, like a killed process.
#[derive(Debug)]
pub struct LocalAws {
    address: SocketAddr,
    queue: Queue,
    store: Store,
    access_log: AccessLog,
    stop: watch::Sender<bool>,
    accepting: JoinHandle<()>,
    /// Held until the end. The operating system releases it when the process ends in any way.
    _lock: File,
}

/// Opens the data folder and serves until [`LocalAws::shutdown`].
///
/// Creates both buckets, makes all messages visible again, and finishes or undoes interrupted writes.
///
/// # Errors
/// If a setting is not valid, the folder is in use or cannot be read, or the address is not free.
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

    let dead_letters = DeadLetters::open(&folder).map_err(io_failed)?;
    let store = open_store(&settings)
        .await
        .map_err(|error| unusable(error.to_string()))?;
    let access_log = AccessLog::open(&folder, store.space().clone()).map_err(io_failed)?;
    for bucket in [&settings.input_bucket, &settings.output_bucket] {
        store
            .create_bucket(bucket)
            .await
            .map_err(|error: StoreError| unusable(error.to_string()))?;
    }
    if settings.versioning {
        store
            .set_versioning(&settings.input_bucket, Versioning::Enabled)
            .await
            .map_err(|error: StoreError| unusable(error.to_string()))?;
    }
    let queue = Queue::new(store.clone(), dead_letters, settings.max_receive_count);
    queue
        .move_dead_letters()
        .await
        .map_err(|error: QueueError| unusable(error.to_string()))?;

    let keys: Arc<[Credentials]> = settings.accepted_keys().cloned().collect();
    let services = Arc::new(Services {
        guard: settings.guard(),
        cognito_identity: settings.guests.clone().map(|pool| CognitoIdentity {
            pool,
            access_log: access_log.clone(),
        }),
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
            recognisers: settings.recognisers,
            custom_models: settings
                .custom_models
                .into_iter()
                .map(|model| (model.arn, model.recogniser))
                .collect(),
            pictures: Arc::default(),
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

/// Creates the folder for its owner only, because it holds private images. An existing folder keeps its mode.
pub(crate) fn create_private(folder: &Path) -> io::Result<()> {
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
                "the access key {} is given twice",
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
    let accept = settings.accept_database;
    tokio::task::spawn_blocking(move || Store::open(&folder, notifications, accept))
        .await
        .map_err(io::Error::other)?
}

impl LocalAws {
    /// The address that is served, with the actual port.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The queue of the input bucket's events.
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// The queue of a lane.
    pub fn lane(&self, lane: Lane) -> Queue {
        self.queue.clone().lane(lane)
    }

    /// Stops listening, finishes running requests for at most 30 seconds, and closes the store. Waits only a few seconds
    /// for clients that have not sent their whole request. Afterwards every [`Queue`] returns [`QueueError::Closed`].
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        if tokio::time::timeout(SHUTDOWN_TIMEOUT, &mut self.accepting)
            .await
            .is_err()
        {
            tracing::warn!("requests were cancelled because they took too long");
        }
        self.store.close().await;
        let access_log = self.access_log.clone();
        // A panic was reported by its own thread.
        let _ = tokio::task::spawn_blocking(move || access_log.close()).await;
    }
}

impl Drop for LocalAws {
    fn drop(&mut self) {
        // Closes the connections too.
        self.accepting.abort();
    }
}

struct Services {
    guard: Guard,
    cognito_identity: Option<CognitoIdentity>,
    s3: S3,
    sqs: Sqs,
    rekognition: Arc<RekognitionState>,
}

impl Services {
    async fn answer(&self, peer: IpAddr, request: Request<IncomingBody>) -> Response<Body> {
        let (parts, body) = request.into_parts();
        // Such a client does not send the body of a rejected request.
        let expects_continue = parts.headers.contains_key(header::EXPECT);
        let is_empty = body.is_end_stream();
        let (body, progress, unread) = request_body::split(body);
        let mut request = Request::from_parts(parts, body);
        request.extensions_mut().insert(progress);
        let guarded = self
            .guard
            .check(request.method(), request.uri(), request.headers());
        let mut response = if let Err(error) = guarded {
            drop(request);
            rejection(&error)
        } else if let Some(response) = self.answer_guest(&mut request).await {
            response
        } else if aws_json::is_for(rekognition::TARGET_PREFIX, request.headers()) {
            rekognition::handle(Arc::clone(&self.rekognition), request).await
        } else if aws_json::is_for(sqs::TARGET_PREFIX, request.headers()) {
            self.sqs.handle(request).await
        } else {
            self.s3.handle(peer, request).await
        };
        if !expects_continue {
            unread.discard().await;
        } else if is_empty || !response.status().is_success() {
            // There was no interim response. The client may still send the body (RFC 9110, section 10.1.1), and older
            // botocore takes the next response of the connection for one without a status line, and waits for its end.
            response
                .headers_mut()
                .insert(header::CONNECTION, http::HeaderValue::from_static("close"));
        }
        response
    }

    /// Answers requests for identities and credentials of guests, and refuses requests that are signed with the latter: a guest may
    /// call the API alone.
    async fn answer_guest(&self, request: &mut Request<Body>) -> Option<Response<Body>> {
        let cognito = self.cognito_identity.as_ref()?;
        let headers = request.headers();
        if cognito_identity::is_preflight(request.method(), headers) {
            Some(cognito_identity::preflight(headers))
        } else if aws_json::is_for(cognito_identity::TARGET_PREFIX, headers) {
            Some(cognito.handle(std::mem::take(request)).await)
        } else if cognito.pool.issued(headers, request.uri()) {
            let services = [rekognition::TARGET_PREFIX, sqs::TARGET_PREFIX];
            let is_json = services
                .iter()
                .any(|prefix| aws_json::is_for(prefix, headers));
            Some(if is_json {
                aws_json::access_denied()
            } else {
                s3::error_response(StatusCode::FORBIDDEN, "AccessDenied", "Access Denied")
            })
        } else {
            None
        }
    }
}

/// The response to a request that the guard rejects, in S3's form. It has no cross-origin headers, so the page that sent it
/// reads nothing.
fn rejection(error: &GuardError) -> Response<Body> {
    let (status, code) = match error {
        GuardError::HostHeaders => (StatusCode::BAD_REQUEST, "BadRequest"),
        GuardError::UnknownHost(_) => (StatusCode::MISDIRECTED_REQUEST, "MisdirectedRequest"),
        GuardError::ForeignOrigin(_) => (StatusCode::FORBIDDEN, "AccessDenied"),
    };
    tracing::debug!(%error, "a request was rejected");
    s3::error_response(status, code, &error.to_string())
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn a_new_folder_is_private_and_an_existing_one_keeps_its_mode() {
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
