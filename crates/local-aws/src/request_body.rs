//! Request bodies that are read to their end even when the answer came before it.
//!
//! A server that answers a refusal and closes the connection on a client that is still sending makes the
//! client see a broken connection instead of the refusal. So what an answer leaves unread of a body is read
//! here and dropped, within bounds.

use crate::{Body, connections::Arriving};
use bytes::Bytes;
use hyper::body::{Body as _, Frame, SizeHint};
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::sync::oneshot;

/// The most bytes that are read and dropped.
const MAX_BYTES: u64 = 64 << 20;

/// The longest time that is spent on it.
const MAX_TIME: Duration = Duration::from_secs(30);

/// A body that comes back when it is dropped before its end.
struct Returning {
    body: Option<Arriving>,
    home: Option<oneshot::Sender<Arriving>>,
}

/// Where what is left of a body comes back to.
pub(crate) struct Leftover {
    returned: oneshot::Receiver<Arriving>,
}

/// Splits a body into what the handler reads and what takes care of the rest.
pub(crate) fn split(body: Arriving) -> (Body, Leftover) {
    let (home, returned) = oneshot::channel();
    (
        Body::http_body(Returning {
            body: Some(body),
            home: Some(home),
        }),
        Leftover { returned },
    )
}

impl hyper::body::Body for Returning {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let Some(body) = &mut self.body else {
            return Poll::Ready(None);
        };
        let frame = ready!(Pin::new(body).poll_frame(context));
        if !matches!(frame, Some(Ok(_))) {
            self.body = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.as_ref().is_none_or(Arriving::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.body
            .as_ref()
            .map_or_else(|| SizeHint::with_exact(0), Arriving::size_hint)
    }
}

impl Drop for Returning {
    fn drop(&mut self) {
        if let (Some(body), Some(home)) = (self.body.take(), self.home.take())
            && !body.is_end_stream()
        {
            // Nobody waits for it when the connection is gone.
            let _ = home.send(body);
        }
    }
}

impl Leftover {
    /// Reads and drops what came back.
    pub(crate) async fn drain(mut self) {
        let Ok(mut body) = self.returned.try_recv() else {
            return;
        };
        let drain = async {
            let mut dropped = 0;
            while let Some(Ok(frame)) =
                std::future::poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
            {
                dropped += frame.data_ref().map_or(0, Bytes::len) as u64;
                if dropped > MAX_BYTES {
                    break;
                }
            }
        };
        // A client that is slower than this sees its connection close.
        let _ = tokio::time::timeout(MAX_TIME, drain).await;
    }
}
