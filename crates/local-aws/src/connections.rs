//! Connections: from a listening socket to one function that answers requests, and their end.
//!
//! At the end nobody's patience depends on a client: an answer in the making is waited for, a client that has not
//! sent its request whole, or does not take its answer, is not.

use bytes::Bytes;
use http::{Request, Response};
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
};

/// How long clients are waited for.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// Over the head of a request, and between two requests.
    head: Duration,
    /// At the end, over the head of a connection's first request.
    first_head: Duration,
    /// At the end, over the rest of a request and over taking the answer.
    exchange: Duration,
    /// How often is looked whom a connection waits for once that has passed.
    look_again: Duration,
}

const PATIENCE: Patience = Patience {
    head: Duration::from_secs(30),
    first_head: Duration::from_millis(500),
    exchange: Duration::from_secs(3),
    look_again: Duration::from_millis(100),
};

/// Accepts HTTP/1.1 connections and has `answer` answer their requests, until `stopped` becomes true; then waits for
/// the answers in the making, but no more than seconds for clients. Dropped, it takes the connections along.
pub async fn serve<A, F, B>(listener: TcpListener, answer: A, stopped: watch::Receiver<bool>)
where
    A: Fn(IpAddr, Request<Arriving>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    serve_with(listener, answer, stopped, PATIENCE).await;
}

async fn serve_with<A, F, B>(
    listener: TcpListener,
    answer: A,
    mut stopped: watch::Receiver<bool>,
    patience: Patience,
) where
    A: Fn(IpAddr, Request<Arriving>) -> F + Clone + Send + Sync + 'static,
    F: Future<Output = Response<B>> + Send + 'static,
    B: Body<Data: Send, Error: Into<Box<dyn Error + Send + Sync>>> + Send + 'static,
{
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, peer)) => {
                    let (answer, stopped) = (answer.clone(), stopped.clone());
                    connections.spawn(connection(stream, peer.ip(), answer, stopped, patience));
                }
                Err(error) => {
                    // Such as too many open files, which passes.
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            // Done ones are forgotten as they come.
            Some(_) = connections.join_next() => {}
            () = end(&mut stopped) => break,
        }
    }
    drop(listener);
    while connections.join_next().await.is_some() {}
}

async fn end(stopped: &mut watch::Receiver<bool>) {
    // A sender that is gone says the same.
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn connection<A, F, B>(
    stream: TcpStream,
    peer: IpAddr,
    answer: A,
    mut stopped: watch::Receiver<bool>,
    patience: Patience,
) where
    A: Fn(IpAddr, Request<Arriving>) -> F,
    F: Future<Output = Response<B>>,
    B: Body<Error: Into<Box<dyn Error + Send + Sync>>> + 'static,
{
    // Small answers must not wait for more.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection refused its settings");
    }
    let client = Arc::new(Client::default());
    let socket = Socket {
        stream: TokioIo::new(stream),
        client: Arc::clone(&client),
    };
    let service = service_fn(|request: Request<Incoming>| {
        client.asked.store(true, Ordering::Relaxed);
        let response = answer(
            peer,
            request.map(|body| Arriving {
                body,
                client: Arc::clone(&client),
            }),
        );
        async move { Ok::<_, Infallible>(response.await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(patience.head)
        .serve_connection(socket, service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = end(&mut stopped) => {
            connection.as_mut().graceful_shutdown();
            tokio::select! {
                result = connection.as_mut() => result,
                () = client.outstays(patience) => {
                    tracing::debug!("a client that took too long at the end was cut off");
                    return;
                }
            }
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection broke");
    }
}

/// What the other end of a connection has done, and has yet to do.
#[derive(Debug, Default)]
struct Client {
    /// It sent the head of a request.
    asked: AtomicBool,
    /// It has to send more of a body before anything goes on.
    owes_bytes: AtomicBool,
    /// It has to take more of an answer before anything goes on.
    owes_room: AtomicBool,
}

impl Client {
    /// Passes once the client, after the end began, has been waited for too long.
    async fn outstays(&self, patience: Patience) {
        tokio::time::sleep(patience.first_head).await;
        // hyper waits for a connection's first request, even for the rest of half a head.
        if !self.asked.load(Ordering::Relaxed) {
            return;
        }
        tokio::time::sleep(patience.exchange).await;
        while !self.is_waited_for() {
            tokio::time::sleep(patience.look_again).await;
        }
    }

    fn is_waited_for(&self) -> bool {
        self.owes_bytes.load(Ordering::Relaxed) || self.owes_room.load(Ordering::Relaxed)
    }
}

/// The body of a request on its way in.
#[derive(Debug)]
pub struct Arriving {
    body: Incoming,
    client: Arc<Client>,
}

impl Body for Arriving {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        self.client
            .owes_bytes
            .store(frame.is_pending(), Ordering::Relaxed);
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.client.owes_bytes.store(false, Ordering::Relaxed);
    }
}

/// A connection's socket, which notes whether the other end takes what is written.
struct Socket {
    stream: TokioIo<TcpStream>,
    client: Arc<Client>,
}

impl Socket {
    fn noted<T>(&self, written: Poll<T>) -> Poll<T> {
        self.client
            .owes_room
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
        self.noted(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.noted(written)
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

    /// Answers `/slow` when it is let, `/large` with more than a socket holds, and everything with the size of the
    /// request's body.
    #[derive(Clone)]
    struct Answers {
        begun: Arc<Notify>,
        go: Arc<Semaphore>,
    }

    impl Answers {
        async fn answer(self, request: Request<Arriving>) -> Response<String> {
            let path = request.uri().path().to_owned();
            self.begun.notify_one();
            let size = match request.into_body().collect().await {
                Ok(body) => body.to_bytes().len(),
                Err(_) => 0,
            };
            if path == "/slow" {
                let _ = self.go.acquire().await;
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
    async fn the_end_waits_for_answers_and_not_for_clients() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = Answers {
            begun: Arc::default(),
            go: Arc::new(Semaphore::new(0)),
        };
        let (stop, stopped) = watch::channel(false);
        let answer = {
            let answers = answers.clone();
            move |_, request| answers.clone().answer(request)
        };
        let patience = Patience {
            first_head: Duration::from_millis(20),
            exchange: Duration::from_millis(60),
            look_again: Duration::from_millis(5),
            ..PATIENCE
        };
        let server = tokio::spawn(serve_with(listener, answer, stopped, patience));

        let mut silent = connect(address, "").await;
        let mut half_a_head = connect(address, "GET / HTTP/1.1\r\nHo").await;
        let mut again = connect(address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
        answers.begun.notified().await;
        let mut first = [0; 15];
        again.read_exact(&mut first).await.unwrap();
        assert_eq!(&first, b"HTTP/1.1 200 OK");
        again.write_all(b"GET / HT").await.unwrap();
        let mut half_a_body = connect(
            address,
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhalf ",
        )
        .await;
        answers.begun.notified().await;
        let deaf = connect(address, "GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
        answers.begun.notified().await;
        let mut whole = connect(
            address,
            "POST /slow HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nwhole",
        )
        .await;
        answers.begun.notified().await;
        stop.send_replace(true);

        // They are closed, without an answer, while a request is still in hand.
        for connection in [&mut silent, &mut half_a_head, &mut half_a_body] {
            let mut said = Vec::new();
            let _ = connection.read_to_end(&mut said).await;
            assert_eq!(said, b"");
        }
        let mut rest = String::new();
        let _ = again.read_to_string(&mut rest).await;
        assert!(!rest.contains("HTTP/1.1"), "{rest}");
        // It never read; the server is not waiting for it, as the end of the test shows.
        tokio::time::sleep(Duration::from_millis(1)).await;
        assert!(!server.is_finished());
        answers.go.add_permits(1);
        let mut said = String::new();
        whole.read_to_string(&mut said).await.unwrap();
        assert!(said.starts_with("HTTP/1.1 200"), "{said}");
        assert!(said.ends_with("5 bytes"), "{said}");
        server.await.unwrap();
        drop(deaf);
    }
}
