//! HTTP/1.1 down to the socket, for servers that have to misbehave: one thread a connection, requests as
//! bytes, and the connection in the handler's hands.

use std::{
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

/// The longest head that is read, in bytes.
const MAX_HEAD: usize = 64 * 1024;

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// Request line and headers, with the empty line after them.
    pub head: String,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// Reads the next request; `None` when the client closed the connection instead.
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

    /// `GET` and the like.
    #[must_use]
    pub fn method(&self) -> &str {
        self.head.split(' ').next().unwrap_or_default()
    }

    /// Path and query.
    #[must_use]
    pub fn target(&self) -> &str {
        self.head.split(' ').nth(1).unwrap_or_default()
    }

    /// A header's value; the name in lower case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(&self.head, name)
    }
}

/// A header's value in a head; the name in lower case.
#[must_use]
pub fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().skip(1).find_map(|line| {
        let (known, value) = line.split_once(':')?;
        known.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

/// What becomes of the connection after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The next request may come.
    Keep,
    /// It is closed.
    Close,
}

/// Writes a whole answer with a body of known length.
///
/// # Errors
/// When the client is gone.
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

/// A server on a free port of this machine; it takes no new connections once dropped.
#[derive(Debug)]
pub struct Server {
    /// Host and port.
    pub authority: String,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Serves every request with `handler`. An error of the handler closes the connection.
    ///
    /// # Errors
    /// When there is no free port.
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
                // A connection that breaks is the client's to notice.
                thread::spawn(move || serve(stream, &*handler));
            }
        });
        Ok(server)
    }

    /// The address as a URL.
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
