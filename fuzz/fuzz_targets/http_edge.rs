//! Sends requests to the local endpoint: as they are, and, if they can be signed, with a good signature in the headers and in
//! the URL. Every response is HTTP and none is a 500, which is what a panic becomes.
//!
//! An input is lines: method and target, headers, an empty line, the body.
#![no_main]

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4::SigningParams,
};
use libfuzzer_sys::fuzz_target;
use sightline_local_aws::{LocalAws, Settings};
use sightline_vision::Recognisers;
use std::{
    io::{Read, Write},
    net::{Shutdown, SocketAddr, TcpStream},
    sync::{Arc, LazyLock},
    time::{Duration, SystemTime},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

struct Server {
    aws: LocalAws,
    _runtime: Runtime,
    _folder: TempDir,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let folder = tempfile::tempdir().unwrap();
    let runtime = Runtime::new().unwrap();
    let recognisers = Arc::new(Recognisers::embedded().unwrap());
    let mut settings = Settings::new(folder.path(), recognisers);
    settings.listen.set_port(0);
    let aws = runtime.block_on(sightline_local_aws::start(settings)).unwrap();
    Server { aws, _runtime: runtime, _folder: folder }
});

struct Request<'a> {
    method: &'a str,
    target: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: &'a [u8],
}

fn parse(input: &[u8]) -> Option<Request<'_>> {
    let end = input.windows(2).position(|two| two == b"\n\n");
    let (head, body) = end.map_or((input, &b""[..]), |end| (&input[..end], &input[end + 2..]));
    let mut lines = std::str::from_utf8(head).ok()?.lines();
    let (method, target) = lines.next()?.split_once(' ')?;
    let headers = lines.filter_map(|line| line.split_once(": ")).collect();
    Some(Request { method, target, headers, body })
}

fn send(address: SocketAddr, request: &Request<'_>, target: &str, more: &[(String, String)]) {
    let mut head = format!("{} {target} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n", request.method);
    for (name, value) in &request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    for (name, value) in more {
        head += &format!("{name}: {value}\r\n");
    }
    head += &format!("content-length: {}\r\n\r\n", request.body.len());
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(request.body)).is_err() {
        return;
    }
    // A chunked body that does not end would wait for more.
    let _ = stream.shutdown(Shutdown::Write);
    let mut response = Vec::new();
    let _ = stream.read_to_end(&mut response);
    // Nothing comes back if hyper finds no HTTP in it, or if the body is cut off.
    if !response.is_empty() {
        assert!(response.starts_with(b"HTTP/1.1 "), "{}", String::from_utf8_lossy(&response));
        assert!(!response.starts_with(b"HTTP/1.1 500"), "{head}\n{}", String::from_utf8_lossy(&response));
    }
}

/// The target and headers of a signed request.
fn signed(request: &Request<'_>, location: SignatureLocation) -> Option<(String, Vec<(String, String)>)> {
    let identity = Credentials::new("local", "local-secret", None, None, "fuzz").into();
    let mut settings = SigningSettings::default();
    settings.percent_encoding_mode = PercentEncodingMode::Single;
    settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
    if location == SignatureLocation::QueryParams {
        settings.expires_in = Some(Duration::from_secs(60));
    } else {
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings.signature_location = location;
    let params = SigningParams::builder()
        .identity(&identity)
        .region("us-east-1")
        .name("s3")
        .time(SystemTime::now())
        .settings(settings)
        .build()
        .ok()?
        .into();
    let uri = format!("http://localhost{}", request.target);
    let headers = request.headers.iter().copied();
    let signable = SignableRequest::new(request.method, &uri, headers, SignableBody::UnsignedPayload).ok()?;
    let (instructions, _) = sign(signable, &params).ok()?.into_parts();
    let (headers, query) = instructions.into_parts();
    let mut target = request.target.to_owned();
    for (name, value) in query {
        target.push(if target.contains('?') { '&' } else { '?' });
        let value: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
        target += &format!("{name}={value}");
    }
    let headers = headers.iter().map(|header| (header.name().to_owned(), header.value().to_owned()));
    Some((target, headers.collect()))
}

fuzz_target!(|input: &[u8]| {
    let Some(request) = parse(input) else { return };
    // These would be another request, not a strange one.
    let is_framing = |name: &str| ["content-length", "host", "expect", "connection"].iter().any(|framing| name.eq_ignore_ascii_case(framing));
    if request.headers.iter().any(|(name, _)| is_framing(name)) || request.target.contains([' ', '\r', '#']) {
        return;
    }
    let address = SERVER.aws.address();
    send(address, &request, request.target, &[]);
    for location in [SignatureLocation::Headers, SignatureLocation::QueryParams] {
        if let Some((target, headers)) = signed(&request, location) {
            send(address, &request, &target, &headers);
        }
    }
});
