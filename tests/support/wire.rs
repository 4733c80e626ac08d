//! An HTTP/1.1 server for tests that must misbehave. Handlers write to the socket themselves; each connection has a thread.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// The longest request head, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// A request as received.
#[derive(Debug, Clone)]
pub struct Request {
    /// Request line and headers, with the empty line after them.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads the next request. `None` if the client closed the connection.
    fn read(stream: &mut BufReader<TcpStream>) -> io::Result<Option<Self>> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_until(b'\n', &mut head)? == 0 || head.len() > MAX_HEAD {
                return Ok(None);
            }
        }
        let head = String::from_utf8(head).map_err(io::Error::other)?;
        let mut request = Self {
            head,
            body: Vec::new(),
        };
        if request.header("transfer-encoding").is_some() {
            return Err(io::Error::other("a request body of unknown length"));
        }
        let length = request
            .header("content-length")
            .map_or(Ok(0), str::parse)
            .map_err(io::Error::other)?;
        request.body.resize(length, 0);
        stream.read_exact(&mut request.body)?;
        Ok(Some(request))
    }

    /// The method, such as `GET`.
    #[must_use]
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// Path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// The value of a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// The value of a header in a head.
#[must_use]
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// What happens to the connection after a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// It stays open for the next request.
    Keep,
    /// It is closed.
    Close,
}

/// Writes a response.
///
/// # Errors
/// If the client has closed the connection.
pub fn answer(
    stream: &mut TcpStream,
    status: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> io::Result<Then> {
    let mut bytes = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        bytes.push_str(&format!("{name}: {value}\r\n"));
    }
    bytes.push_str("\r\n");
    let mut bytes = bytes.into_bytes();
    bytes.extend(body);
    stream.write_all(&bytes)?;
    Ok(Then::Keep)
}

/// A server on a free port of this machine. Once dropped it accepts no new connections.
#[derive(Debug)]
pub struct Server {
    /// Host and port.
    pub authority: String,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Handles every request with `handler`. An error of the handler closes the connection.
    ///
    /// # Errors
    /// If there is no free port.
    pub fn start<H>(handler: H) -> io::Result<Self>
    where
        H: Fn(&Request, &mut TcpStream) -> io::Result<Then> + Send + Sync + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let server = Self {
            authority: listener.local_addr()?.to_string(),
            stopped: Arc::default(),
        };
        let stopped = server.stopped.clone();
        let handler = Arc::new(handler);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if stopped.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), handler) = (stream, handler.clone()) else {
                    continue;
                };
                // The client notices a broken connection.
                thread::spawn(move || serve(stream, &*handler));
            }
        });
        Ok(server)
    }

    /// The server's URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.authority)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener.
        let _ = TcpStream::connect(&self.authority);
    }
}

fn serve<H>(mut stream: TcpStream, handler: &H) -> io::Result<()>
where
    H: Fn(&Request, &mut TcpStream) -> io::Result<Then>,
{
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    while let Some(request) = Request::read(&mut reader)? {
        let then = handler(&request, &mut stream)?;
        if then == Then::Close || request.header("connection") == Some("close") {
            break;
        }
    }
    Ok(())
}
