//! A proxy between the processor and AWS that makes a share of the calls fail like networks and busy services do. The seed alone
//! determines the fault of the n-th call for a resource.
//!
//! Requests are forwarded unchanged, including `Host`, which is part of the signature.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, Read as _, Write as _},
    net::TcpStream,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use socket2::SockRef;

use crate::{
    rekognition::operation_and_object,
    wire::{self, Request, Server, Then, header},
};

/// A fault of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// An error: too many requests.
    Throttle,
    /// An internal error.
    InternalError,
    /// A delayed error: S3's `RequestTimeout` for writes, HTTP 504 for everything else.
    Timeout,
    /// No response until the client gives up.
    Hold,
    /// A delayed reset.
    Stall,
    /// A reset before the service gets the call.
    ResetBefore,
    /// A reset after the service has handled the call: the response is lost.
    ResetAfter,
    /// A reset in the middle of the response.
    TruncatedReply,
    /// A response that arrives a few bytes at a time.
    SlowBody,
}

impl Fault {
    /// The share of each fault, in thousandths. Clients wait 20 seconds for a held call, so those are rare.
    const SHARES: [(Self, u64); 9] = [
        (Self::Throttle, 290),
        (Self::InternalError, 170),
        (Self::Timeout, 60),
        (Self::Hold, 1),
        (Self::Stall, 29),
        (Self::ResetBefore, 120),
        (Self::ResetAfter, 130),
        (Self::TruncatedReply, 130),
        (Self::SlowBody, 70),
    ];
}

/// A Rekognition response that the client received completely.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The operation, such as `DetectLabels`.
    pub operation: String,
    /// The picture's key.
    pub object: String,
    /// The response.
    pub answer: Value,
}

/// The servers behind the proxy.
#[derive(Debug, Clone)]
pub struct Upstreams {
    /// Host and port of the endpoint for everything that is not in `others`.
    pub aws: String,
    /// Host and port for certain Rekognition operations.
    pub others: BTreeMap<String, String>,
}

/// The proxy.
#[derive(Debug)]
pub struct FaultyProxy {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug)]
struct State {
    seed: u64,
    percent: u64,
    upstreams: Upstreams,
    /// Calls so far by resource.
    calls: Mutex<HashMap<String, u64>>,
    injected: Mutex<BTreeMap<Fault, u64>>,
    delivered: Mutex<Vec<Delivery>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl FaultyProxy {
    /// Starts a proxy with faults in `percent` of the calls.
    ///
    /// # Errors
    /// If there is no free port.
    pub fn start(seed: u64, percent: u64, upstreams: Upstreams) -> io::Result<Self> {
        let state = Arc::new(State {
            seed,
            percent,
            upstreams,
            calls: Mutex::default(),
            injected: Mutex::default(),
            delivered: Mutex::default(),
        });
        let serving = state.clone();
        Ok(Self {
            server: Server::start(move |request, stream| serving.handle(request, stream))?,
            state,
        })
    }

    /// The URL for clients.
    #[must_use]
    pub fn url(&self) -> String {
        self.server.url()
    }

    /// The number of calls so far.
    #[must_use]
    pub fn calls(&self) -> u64 {
        lock(&self.state.calls).values().sum()
    }

    /// The number of calls with each fault.
    #[must_use]
    pub fn injected(&self) -> BTreeMap<Fault, u64> {
        lock(&self.state.injected).clone()
    }

    /// The Rekognition responses that clients received.
    #[must_use]
    pub fn delivered(&self) -> Vec<Delivery> {
        lock(&self.state.delivered).clone()
    }
}

impl State {
    fn handle(&self, request: &Request, stream: &mut TcpStream) -> io::Result<Then> {
        let call = operation_and_object(request);
        let resource = match &call {
            Some((operation, object)) => format!("{operation} {object}"),
            None => format!("{} {}", request.method(), request.target()),
        };
        let (fault, random) = self.draw(&resource);
        let service = call.as_ref().map_or(Service::S3, |_| Service::Rekognition);
        match fault {
            Some(Fault::Throttle) => service.throttle(random, request, stream),
            Some(Fault::InternalError) => service.internal_error(request, stream),
            Some(Fault::Timeout) => {
                pause(500);
                service.timeout(request, stream)
            }
            Some(Fault::Hold) => {
                // Ends when the client closes the connection.
                stream.set_read_timeout(Some(Duration::from_secs(60)))?;
                let _ = stream.read(&mut [0]);
                Ok(Then::Close)
            }
            Some(Fault::Stall) => {
                pause(1500);
                reset(stream)
            }
            Some(Fault::ResetBefore) => reset(stream),
            Some(Fault::ResetAfter) => {
                self.forward(request, call.as_ref())?;
                reset(stream)
            }
            Some(Fault::TruncatedReply) => {
                let reply = self.forward(request, call.as_ref())?;
                let whole = reply.bytes.len() as u64;
                let part = usize::try_from(random % whole.max(1)).unwrap_or_default();
                stream.write_all(reply.bytes.get(..part).unwrap_or_default())?;
                // Otherwise the reset may overtake the written bytes.
                pause(5);
                reset(stream)
            }
            Some(Fault::SlowBody) => {
                let reply = self.forward(request, call.as_ref())?;
                for piece in reply.bytes.chunks(reply.bytes.len() / 16 + 1) {
                    stream.write_all(piece)?;
                    pause(50);
                }
                self.record_delivery(&reply, call, stream)?;
                Ok(reply.then)
            }
            None => {
                let reply = self.forward(request, call.as_ref())?;
                stream.write_all(&reply.bytes)?;
                self.record_delivery(&reply, call, stream)?;
                Ok(reply.then)
            }
        }
    }

    /// The fault of this call, if any, and a random number for details.
    fn draw(&self, resource: &str) -> (Option<Fault>, u64) {
        let number = {
            let mut calls = lock(&self.calls);
            let number = calls.entry(resource.to_owned()).or_default();
            *number += 1;
            *number
        };
        // FNV-1a, then splitmix64 from there.
        let hash = resource
            .bytes()
            .fold(0xCBF2_9CE4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3)
            });
        let mut state = self.seed ^ hash ^ number.wrapping_mul(0xD6E8_FEB8_6659_FD93);
        let mut next = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^ (z >> 31)
        };
        if next() % 100 >= self.percent {
            return (None, 0);
        }
        let all: u64 = Fault::SHARES.iter().map(|(_, share)| share).sum();
        let mut at = next() % all;
        let fault = Fault::SHARES.iter().find_map(|(fault, share)| {
            let hit = at < *share;
            at = at.saturating_sub(*share);
            hit.then_some(*fault)
        });
        if let Some(fault) = fault {
            *lock(&self.injected).entry(fault).or_default() += 1;
        }
        (fault, next())
    }

    /// Forwards the call and returns the whole response.
    fn forward(&self, request: &Request, call: Option<&(String, String)>) -> io::Result<Reply> {
        let upstream = call
            .and_then(|(operation, _)| self.upstreams.others.get(operation))
            .unwrap_or(&self.upstreams.aws);
        let mut server = TcpStream::connect(upstream)?;
        // The closed connection marks the end of any response.
        let head = request.head.trim_end_matches("\r\n");
        server.write_all(format!("{head}\r\nconnection: close\r\n\r\n").as_bytes())?;
        server.write_all(&request.body)?;
        let mut bytes = Vec::new();
        server.read_to_end(&mut bytes)?;
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .ok_or_else(|| io::Error::other("the endpoint did not respond"))?;
        let body = bytes.split_off(end + 4);
        let head = String::from_utf8(bytes).map_err(io::Error::other)?;
        let framed = request.method() == "HEAD"
            || header(&head, "content-length").is_some()
            || header(&head, "transfer-encoding").is_some();
        let lines = head
            .lines()
            .filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
        let mut whole: Vec<u8> = lines
            .flat_map(|line| [line.as_bytes(), b"\r\n"].concat())
            .collect();
        whole.extend(&body);
        Ok(Reply {
            succeeded: head.split(' ').nth(1) == Some("200"),
            bytes: whole,
            body,
            then: if framed { Then::Keep } else { Then::Close },
        })
    }

    /// Records a response as delivered, unless the client has closed the connection, as a function does with running calls when its
    /// time is up.
    fn record_delivery(
        &self,
        reply: &Reply,
        call: Option<(String, String)>,
        stream: &TcpStream,
    ) -> io::Result<()> {
        if let (Some((operation, object)), true) = (call, reply.succeeded) {
            // A client that got the response keeps the connection open.
            pause(5);
            if is_closed(stream)? {
                return Ok(());
            }
            lock(&self.delivered).push(Delivery {
                operation,
                object,
                answer: serde_json::from_slice(&reply.body).unwrap_or_default(),
            });
        }
        Ok(())
    }
}

struct Reply {
    succeeded: bool,
    bytes: Vec<u8>,
    body: Vec<u8>,
    then: Then,
}

fn pause(milliseconds: u64) {
    thread::sleep(Duration::from_millis(milliseconds));
}

/// Whether the client has closed the connection.
fn is_closed(stream: &TcpStream) -> io::Result<bool> {
    stream.set_nonblocking(true)?;
    let next = stream.peek(&mut [0]);
    stream.set_nonblocking(false)?;
    Ok(match next {
        Ok(bytes) => bytes == 0,
        Err(error) => error.kind() != io::ErrorKind::WouldBlock,
    })
}

/// Closes the connection with RST instead of FIN.
fn reset(stream: &TcpStream) -> io::Result<Then> {
    SockRef::from(stream).set_linger(Some(Duration::ZERO))?;
    Ok(Then::Close)
}

/// The service whose error format to use.
#[derive(Debug, Clone, Copy)]
enum Service {
    S3,
    Rekognition,
}

impl Service {
    fn throttle(self, random: u64, request: &Request, stream: &mut TcpStream) -> io::Result<Then> {
        match (self, random % 3) {
            (Self::S3, _) => self.error("503 Slow Down", "SlowDown", request, stream),
            (Self::Rekognition, 0) => self.error(
                "400 Bad Request",
                "ProvisionedThroughputExceededException",
                request,
                stream,
            ),
            (Self::Rekognition, 1) => {
                self.error("400 Bad Request", "ThrottlingException", request, stream)
            }
            (Self::Rekognition, _) => self.error(
                "500 Internal Server Error",
                "ThrottlingException",
                request,
                stream,
            ),
        }
    }

    fn internal_error(self, request: &Request, stream: &mut TcpStream) -> io::Result<Then> {
        let code = match self {
            Self::S3 => "InternalError",
            Self::Rekognition => "InternalServerError",
        };
        self.error("500 Internal Server Error", code, request, stream)
    }

    fn timeout(self, request: &Request, stream: &mut TcpStream) -> io::Result<Then> {
        match (self, request.method()) {
            (Self::S3, "PUT") => self.error("400 Bad Request", "RequestTimeout", request, stream),
            // Like a gateway's error, not in an AWS format.
            (_, "HEAD") => wire::answer(stream, "504 Gateway Timeout", &[], b""),
            _ => wire::answer(stream, "504 Gateway Timeout", &[], b"<html>504</html>"),
        }
    }

    fn error(
        self,
        status: &str,
        code: &str,
        request: &Request,
        stream: &mut TcpStream,
    ) -> io::Result<Then> {
        let (kind, body) = match self {
            // A response to HEAD has no body.
            Self::S3 if request.method() == "HEAD" => ("application/xml", String::new()),
            Self::S3 => (
                "application/xml",
                format!("<Error><Code>{code}</Code><Message>injected</Message></Error>"),
            ),
            Self::Rekognition => (
                "application/x-amz-json-1.1",
                json!({"__type": code, "Message": "injected"}).to_string(),
            ),
        };
        wire::answer(stream, status, &[("content-type", kind)], body.as_bytes())
    }
}
