//! Serves HTTP/1.1 connections from a listening socket with one handler, and shuts them down.
//!
//! A shutdown waits for handlers that are still running, but not for clients that have not sent their whole request or
//! do not read their response.

use crate::date;
use bytes::Bytes;
use http::{Request, Response, header};
use hyper::{
    body::{Body, Frame, Incoming, SizeHint},
    rt::{Read, ReadBufCursor, Write},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    convert::Infallible,
    error::Error,
    io::{self, IoSlice},
    net::IpAddr,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{Instant, Sleep},
};

/// How long to wait for clients.
#[derive(Debug, Clone, Copy)]
struct Timeouts {
    /// For the head of a request, and between two requests.
    head: Duration,
    /// During shutdown, for the head of a connection's first request.
    first_head: Duration,
    /// During shutdown, for the rest of a request and for reading the response.
    exchange: Duration,
    /// How often to check, after that, whether a connection waits for its client.
    poll_interval: Duration,
    /// For a body, beside a second for each [`MIN_RATE`] bytes of it.
    body: Duration,
}

/// The fewest bytes a second that a client sends of a body, in the long run. Time that the server needs does not count.
const MIN_RATE: u64 = 1024;

const TIMEOUTS: Timeouts = Timeouts {
    head: Duration::from_secs(30),
    first_head: Duration::from_millis(500),
    exchange: Duration::from_secs(3),
    poll_interval: Duration::from_millis(100),
    body: Duration::from_secs(30),
};

/// Accepts HTTP/1.1 connections and answers their requests with `handler` until `stopped` becomes true. Then it waits
/// for running handlers, but only seconds for clients. Dropping the future closes all connections.
pub async fn serve<H, F, B>(listener: TcpListener, handler: H, stopped: watch::Receiver<bool>)
where
    H: Fn(IpAddr, Request<IncomingBody>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    serve_with(listener, handler, stopped, TIMEOUTS).await;
}

async fn serve_with<H, F, B>(
    listener: TcpListener,
    handler: H,
    mut stopped: watch::Receiver<bool>,
    timeouts: Timeouts,
) where
    H: Fn(IpAddr, Request<IncomingBody>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (handler, stopped) = (handler.clone(), stopped.clone());
                    connections.spawn(connection(stream, peer.ip(), handler, stopped, timeouts));
                }
                Err(error) => {
                    // For example too many open files, which is temporary.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            // Removes finished connections from the set.
            Some(_) = connections.join_next() => {}
            () = shutdown_started(&mut stopped) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn shutdown_started(stopped: &mut watch::Receiver<bool>) {
    // An error means that the sender is gone, which also ends the server.
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn connection<H, F, B>(
    stream: TcpStream,
    peer: IpAddr,
    handler: H,
    mut stopped: watch::Receiver<bool>,
    timeouts: Timeouts,
) where
    H: Fn(IpAddr, Request<IncomingBody>) -> F,
    F: Future<Output = Response<B>>,
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
{
    // Small responses must not wait for more data.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let client = Arc::new(Client::default());
    let socket = Socket {
        stream: TokioIo::new(stream),
        client: Arc::clone(&client),
    };
    let service = service_fn(|request: Request<Incoming>| {
        client.sent_head.store(true, Ordering::Relaxed);
        let response = handler(
            peer,
            request.map(|body| IncomingBody {
                body,
                client: Arc::clone(&client),
                patience: timeouts.body,
                received: 0,
                waited: Duration::ZERO,
                waiting: None,
            }),
        );
        async move {
            let mut response = response.await;
            // hyper's own date stops when the clock is set back, and AWS clients set their clock by it.
            if let Some(date) = date::now() {
                response.headers_mut().insert(header::DATE, date);
            }
            Ok::<_, Infallible>(response)
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(timeouts.head)
        .serve_connection(socket, service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown_started(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                result = connection.as_mut() => result,
                () = client.times_out(timeouts) => {
                    tracing::debug!("a client was too slow during shutdown and was disconnected");
                    return;
                }
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection failed");
    }
}

/// Tracks what a connection waits for.
#[derive(Debug, Default)]
struct Client {
    /// The client has sent the head of a request.
    sent_head: AtomicBool,
    /// The connection waits for more of a request body.
    must_send: AtomicBool,
    /// The connection waits for the client to read more of a response.
    must_read: AtomicBool,
}

impl Client {
    /// Completes when the connection has waited too long for its client since the shutdown started.
    async fn times_out(&self, timeouts: Timeouts) {
        tokio::time::sleep(timeouts.first_head).await;
        // hyper's graceful shutdown still waits for the first request, even if only half its head has arrived.
        if !self.sent_head.load(Ordering::Relaxed) {
            return;
        }
        tokio::time::sleep(timeouts.exchange).await;
        while !self.is_awaited() {
            tokio::time::sleep(timeouts.poll_interval).await;
        }
    }

    fn is_awaited(&self) -> bool {
        self.must_send.load(Ordering::Relaxed) || self.must_read.load(Ordering::Relaxed)
    }
}

/// The body of a request, as it arrives. It ends with an error if the client is too slow.
#[derive(Debug)]
pub struct IncomingBody {
    body: Incoming,
    client: Arc<Client>,
    /// How long to wait for the client, beside the time for the bytes received.
    patience: Duration,
    /// In bytes.
    received: u64,
    /// For the pieces received.
    waited: Duration,
    /// Since when the next piece is awaited, and the time limit.
    waiting: Option<(Instant, Pin<Box<Sleep>>)>,
}

/// Why a body did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The connection failed, or the client did not keep to HTTP.
    #[error(transparent)]
    Connection(#[from] hyper::Error),
    /// The client paused for too long or sends too few bytes a second.
    #[error("the client sends the body too slowly")]
    TooSlow,
}

impl IncomingBody {
    /// How long to wait for the next piece.
    fn time_left(&self) -> Duration {
        let earned = Duration::from_secs(self.received / MIN_RATE);
        (self.patience + earned).saturating_sub(self.waited)
    }
}

impl Body for IncomingBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.client
            .must_send
            .store(frame.is_pending(), Ordering::Relaxed);
        match frame {
            Poll::Ready(frame) => {
                if let Some((since, _)) = self.waiting.take() {
                    self.waited += since.elapsed();
                }
                if let Some(Ok(frame)) = &frame {
                    self.received += frame.data_ref().map_or(0, Bytes::len) as u64;
                }
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::from)))
            }
            Poll::Pending => {
                let left = self.time_left();
                let start = || (Instant::now(), Box::pin(tokio::time::sleep(left)));
                let (_, limit) = self.waiting.get_or_insert_with(start);
                limit
                    .as_mut()
                    .poll(context)
                    .map(|()| Some(Err(BodyError::TooSlow)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for IncomingBody {
    fn drop(&mut self) {
        self.client.must_send.store(false, Ordering::Relaxed);
    }
}

/// A connection's socket. It records whether the client reads what is written.
struct Socket {
    stream: TokioIo<TcpStream>,
    client: Arc<Client>,
}

impl Socket {
    fn record<T>(&self, written: Poll<T>) -> Poll<T> {
        self.client
            .must_read
            .store(written.is_pending(), Ordering::Relaxed);
        written
    }
}

impl Read for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl Write for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.record(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.record(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt;
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        sync::{Notify, Semaphore},
    };

    /// Answers with the size of the request's body; `/slow` once it is released, `/large` with more than a socket holds.
    #[derive(Clone)]
    struct Handler {
        started: Arc<Notify>,
        release: Arc<Semaphore>,
    }

    impl Handler {
        async fn answer(self, request: Request<IncomingBody>) -> Response<String> {
            let path = request.uri().path().to_owned();
            self.started.notify_one();
            let size = match request.into_body().collect().await {
                Ok(body) => body.to_bytes().len(),
                Err(_) => 0,
            };
            if path == "/slow" {
                let _ = self.release.acquire().await;
            }
            Response::new(match path.as_str() {
                "/large" => "x".repeat(64 << 20),
                _ => format!("{size} bytes"),
            })
        }
    }

    async fn connect(server: std::net::SocketAddr, sent: &str) -> TcpStream {
        let mut stream = TcpStream::connect(server).await.unwrap();
        stream.write_all(sent.as_bytes()).await.unwrap();
        stream
    }

    #[tokio::test]
    async fn a_shutdown_waits_for_handlers_and_not_for_clients() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let handler = Handler {
            started: Arc::default(),
            release: Arc::new(Semaphore::new(0)),
        };
        let (stop, stopped) = watch::channel(false);
        let answer = {
            let handler = handler.clone();
            move |_, request| handler.clone().answer(request)
        };
        let timeouts = Timeouts {
            first_head: Duration::from_millis(20),
            exchange: Duration::from_millis(60),
            poll_interval: Duration::from_millis(5),
            ..TIMEOUTS
        };
        let server = tokio::spawn(serve_with(listener, answer, stopped, timeouts));

        let mut silent = connect(address, "").await;
        let mut half_a_head = connect(address, "GET / HTTP/1.1\r\nHo").await;
        let mut second = connect(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        handler.started.notified().await;
        let mut first = [0; 15];
        second.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        second.write_all(b"GET / HT").await.unwrap();
        let mut half_a_body = connect(
            address,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf ",
        )
        .await;
        handler.started.notified().await;
        let not_reading = connect(address, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
        handler.started.notified().await;
        let mut whole = connect(
            address,
            "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nwhole",
        )
        .await;
        handler.started.notified().await;
        stop.send_replace(true);

        // They are closed without a response while a request is still being handled.
        for connection in [&mut silent, &mut half_a_head, &mut half_a_body] {
            let mut received = Vec::new();
            let _ = connection.read_to_end(&mut received).await;
            assert_eq!(received, b"");
        }
        let mut rest = String::new();
        let _ = second.read_to_string(&mut rest).await;
        assert!(!rest.contains("HTTP/1.1"), "{rest}");
        // It never reads. The end of the test shows that the server does not wait for it.
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(!server.is_finished());
        handler.release.add_permits(1);
        let mut received = String::new();
        whole.read_to_string(&mut received).await.unwrap();
        assert!(received.starts_with("HTTP/1.1 200"), "{received}");
        assert!(received.ends_with("5 bytes"), "{received}");
        server.await.unwrap();
        drop(not_reading);
    }

    #[tokio::test]
    async fn a_response_that_lasts_longer_than_every_timeout_is_not_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (_stop, stopped) = watch::channel(false);
        let short = Duration::from_millis(20);
        let answer = move |_, _| async move {
            let pieces = futures::stream::unfold(0, move |sent| async move {
                tokio::time::sleep(4 * short).await;
                (sent < 5).then(|| {
                    let piece = Frame::data(Bytes::from_static(b"piece "));
                    (Ok::<_, Infallible>(piece), sent + 1)
                })
            });
            Response::new(http_body_util::StreamBody::new(Box::pin(pieces)))
        };
        let timeouts = Timeouts {
            head: short,
            body: short,
            ..TIMEOUTS
        };
        tokio::spawn(serve_with(listener, answer, stopped, timeouts));
        let mut stream = connect(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        let mut received = Vec::new();
        let _ = stream.read_to_end(&mut received).await;
        let text = String::from_utf8(received).unwrap();
        assert_eq!(text.matches("piece").count(), 5, "{text}");
    }

    #[tokio::test]
    async fn slow_bodies_are_cut_off_and_others_are_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let handler = Handler {
            started: Arc::default(),
            release: Arc::new(Semaphore::new(0)),
        };
        let (_stop, stopped) = watch::channel(false);
        let answer = move |_, request| handler.clone().answer(request);
        let timeouts = Timeouts {
            body: Duration::from_millis(300),
            ..TIMEOUTS
        };
        tokio::spawn(serve_with(listener, answer, stopped, timeouts));

        let started = Instant::now();
        let mut slow = JoinSet::new();
        for number in 0..64 {
            slow.spawn(async move {
                let head = "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n";
                let stream = connect(address, head).await;
                let (mut from, mut to) = stream.into_split();
                // Half of them send a byte now and then, the others nothing.
                let drip = async {
                    while number % 2 == 0 && to.write_all(b"x").await.is_ok() {
                        tokio::time::sleep(Duration::from_millis(30)).await;
                    }
                    std::future::pending::<()>().await;
                };
                let mut received = Vec::new();
                tokio::select! {
                    () = drip => {}
                    _ = from.read_to_end(&mut received) => {}
                }
                received
            });
        }
        let mut steady = connect(
            address,
            "PUT / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 8192\r\n\r\n",
        )
        .await;
        for _ in 0..8 {
            steady.write_all(&[7; 1024]).await.unwrap();
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let mut received = String::new();
        steady.read_to_string(&mut received).await.unwrap();
        assert!(received.ends_with("8192 bytes"), "{received}");
        while let Some(received) = slow.join_next().await {
            assert!(!received.unwrap().ends_with(b"1000 bytes"));
        }
        assert!(started.elapsed() < Duration::from_secs(10));
    }
}
