//! Reads request bodies to their end, even if the response was ready earlier.
//!
//! If a server answers with an error and closes the connection while the client is still sending, the client sees a
//! broken connection instead of the error. So the unread rest of a body is read and discarded here, within limits.

use crate::{
    Body,
    connections::{BodyError, IncomingBody},
};
use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::sync::oneshot;

/// The most bytes that are discarded.
const MAX_BYTES: u64 = 64 << 20;

/// The longest time for discarding.
const MAX_TIME: Duration = Duration::from_secs(30);

/// What became of a request's body. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyProgress {
    too_slow: Arc<AtomicBool>,
}

impl BodyProgress {
    /// Whether the client did not send the body in time.
    pub(crate) fn is_too_slow(&self) -> bool {
        self.too_slow.load(Ordering::Relaxed)
    }
}

/// A body that is sent to `unread` if it is dropped before its end.
struct TrackedBody {
    body: Option<IncomingBody>,
    progress: BodyProgress,
    unread: Option<oneshot::Sender<IncomingBody>>,
}

/// Receives the body if the handler did not read all of it.
pub(crate) struct UnreadBody {
    body: oneshot::Receiver<IncomingBody>,
}

/// Splits a body into one for the handler, its progress, and a receiver for the unread rest.
pub(crate) fn split(body: IncomingBody) -> (Body, BodyProgress, UnreadBody) {
    let (unread, receiver) = oneshot::channel();
    let progress = BodyProgress::default();
    let body = TrackedBody {
        body: Some(body),
        progress: progress.clone(),
        unread: Some(unread),
    };
    (
        Body::http_body(body),
        progress,
        UnreadBody { body: receiver },
    )
}

impl hyper::body::Body for TrackedBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if matches!(frame, Some(Err(BodyError::TooSlow))) {
            self.progress.too_slow.store(true, Ordering::Relaxed);
        }
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(IncomingBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), IncomingBody::size_hint)
    }
}

impl Drop for TrackedBody {
    fn drop(&mut self) {
        if let (Some(body), Some(unread)) = (self.body.take(), self.unread.take())
            && !body.is_end_stream()
        {
            // Fails if the connection is gone.
            let _ = unread.send(body);
        }
    }
}

impl UnreadBody {
    /// Reads and discards the unread rest, if there is any.
    pub(crate) async fn discard(mut self) {
        let Ok(mut body) = self.body.try_recv() else {
            return;
        };
        let discard = async {
            let mut discarded = 0;
            while let Some(Ok(frame)) =
                std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
            {
                discarded += frame.data_ref().map_or(0, Bytes::len) as u64;
                if discarded > MAX_BYTES {
                    break;
                }
            }
        };
        // The connection of a slower client closes.
        let _ = tokio::time::timeout(MAX_TIME, discard).await;
    }
}
