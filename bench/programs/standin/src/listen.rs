//! The ports of AWS: one for each service, in plain HTTP and in TLS, because on AWS each service has an address of its own and
//! therefore a connection of its own.

use std::{convert::Infallible, fs, path::Path, rc::Rc, sync::Arc};

use anyhow::{Context as _, Result};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
};
use serde::Serialize;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    task::spawn_local,
};
use tokio_rustls::TlsAcceptor;

use crate::aws::Aws;

const SERVICES: [&str; 4] = ["S3", "REKOGNITION", "DYNAMODB", "SQS"];

/// A service's name, as in `AWS_ENDPOINT_URL_<name>`, and its ports.
#[derive(Debug, Serialize)]
pub(crate) struct Ports {
    service: &'static str,
    http: u16,
    https: u16,
}

/// TLS with this certificate.
pub(crate) fn tls(certificate: &Path, key: &Path) -> Result<TlsAcceptor> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<Vec<_>, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .with_context(|| {
            fs::canonicalize(certificate)
                .unwrap_or_default()
                .display()
                .to_string()
        })?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// Listens for all services.
pub(crate) async fn aws(aws: &Rc<Aws>, tls: &TlsAcceptor) -> Result<Vec<Ports>> {
    let mut ports = Vec::new();
    for service in SERVICES {
        ports.push(Ports {
            service,
            http: listen(aws.clone(), None).await?,
            https: listen(aws.clone(), Some(tls.clone())).await?,
        });
    }
    Ok(ports)
}

async fn listen(aws: Rc<Aws>, tls: Option<TlsAcceptor>) -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let port = listener.local_addr()?.port();
    spawn_local(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (aws, tls) = (aws.clone(), tls.clone());
            // A function is ended in the middle of its connections, which is no error here.
            spawn_local(async move {
                let _ = stream.set_nodelay(true);
                match tls {
                    None => serve(aws, stream).await,
                    Some(tls) => {
                        if let Ok(stream) = tls.accept(stream).await {
                            serve(aws, stream).await;
                        }
                    }
                }
            });
        }
    });
    Ok(port)
}

async fn serve(aws: Rc<Aws>, stream: impl AsyncRead + AsyncWrite + Unpin + 'static) {
    let service = service_fn(move |request| {
        let aws = aws.clone();
        async move { Ok::<_, Infallible>(aws.answer(request).await) }
    });
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

/// Accepts connections of a function to its Runtime API.
pub(crate) async fn accept(listener: &TcpListener) -> Option<TcpStream> {
    let (stream, _) = listener.accept().await.ok()?;
    let _ = stream.set_nodelay(true);
    Some(stream)
}
